//! The timeline for programs: one object per line, and the last safe moment in the last one.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::gather::{Event, Row};
use super::safe::{Instant, Safe, Tool};
use super::{Named, Timeline};

/// Prints it.
pub(super) fn write(timeline: &Timeline, out: &mut dyn Write) -> io::Result<()> {
    for row in &timeline.rows {
        writeln!(out, "{}", object(row))?;
    }
    let named = |named: &Named| {
        let row = timeline.row(named);
        json!({
            "session": row.session,
            "n": row.told().map(|told| told.n),
            "text": row.told().map(|told| &told.text),
            "target": row.target_name(),
            "address": row.target.as_ref().map(|target| target.address.to_string()),
            "fate": row.told().map(|told| told.fate.key()),
            "last_safe": safe(&named.safe),
        })
    };
    let last = json!({
        "kind": "summary",
        "since": timeline.since,
        "until": timeline.until,
        "first_destructive": timeline.first.as_ref().map(named),
        "open": timeline.open.iter().map(named).collect::<Vec<_>>(),
    });
    writeln!(out, "{last}")
}

fn object(row: &Row) -> Value {
    let mut object = json!({
        "time": row.at.wall,
        "session": row.session,
        "client": row.client,
        "tty": row.tty,
        "tier": row.tier(),
        "target": row.target.as_ref().map(crate::target::Target::label),
        "address": row.target.as_ref().map(|target| target.address.to_string()),
    });
    let more = match &row.kind {
        Event::Started(argv) => json!({"kind": "start", "argv": argv}),
        Event::Connected => json!({"kind": "connect"}),
        Event::Answered { n, answer, reason } => {
            json!({"kind": "answer", "n": n, "answer": answer.word(), "reason": reason})
        }
        Event::Gap(why) => json!({"kind": "gap", "text": why}),
        Event::Glass(text) => json!({"kind": "break-glass", "text": text}),
        Event::Note(text) => json!({"kind": "note", "text": text}),
        Event::Ended(how) => json!({"kind": "end", "text": how}),
        Event::Statement(told) => {
            let outcome = told.outcome.as_ref();
            json!({
                "kind": "statement",
                "n": told.n,
                "text": told.text,
                "verdict": told.verdict,
                "rule": told.rule,
                "reasons": told.reasons,
                "fate": told.fate.key(),
                "destructive": told.is_destructive,
                "rows": outcome.and_then(|outcome| outcome.rows),
                "duration_ms": outcome.and_then(|outcome| outcome.duration_ms),
                "error": outcome.and_then(|outcome| outcome.error.as_deref()),
                "last_safe": (told.is_destructive && told.fate.may_have_run())
                    .then(|| safe(&told.safe)),
            })
        }
    };
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn safe(safe: &Safe) -> Value {
    let of = |tool| safe.is_for(tool);
    json!({
        "time": safe.moment,
        "before": match safe.what {
            Instant::Statement => "statement",
            Instant::Release => "release",
            Instant::Commit => "commit",
        },
        "clock": if safe.ahead.is_some() { "server" } else { "client" },
        "server_ahead_ms": safe.ahead.map(|ahead| ahead.as_millis() as i64),
        "recovery_target_time": of(Tool::Postgres).then(|| safe.recovery_target_time()),
        "recovery_target_inclusive": of(Tool::Postgres).then_some("off"),
        "recovery_target_lsn": safe.recovery_target_lsn(),
        "lsn_time": safe.position.as_ref().map(|(_, time)| time),
        "restore_time": of(Tool::Rds).then(|| safe.restore_time()),
        "stop_datetime": of(Tool::Mysqlbinlog).then(|| safe.stop_datetime()),
        "oplog_limit": of(Tool::Mongorestore).then(|| safe.oplog_limit()),
        "truncate_to_timestamp": of(Tool::RedisCheckAof).then(|| safe.truncate_to_timestamp()),
    })
}
