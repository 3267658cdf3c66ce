//! Questions to the index, and their answers as rows.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use serde::{Serialize, Serializer};

use super::index::timestamp;
use super::{IsAlive, tier_of, tier_rank};
use crate::record::imported;
use crate::target::Tier;

/// Which statements or sessions are wanted; nothing set means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Words that must all begin a word of the statement.
    pub words: Vec<String>,
    /// The client's name.
    pub client: Option<String>,
    /// The tier.
    pub tier: Option<Tier>,
    /// Part of the target's name or address.
    pub target: Option<String>,
    /// The session's whole id.
    pub session: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// Only what was held.
    pub is_held: bool,
    /// Only what failed.
    pub is_failed: bool,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// One statement, with the keys of `history --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The session's id.
    pub session: String,
    /// Number in the session, from 1.
    pub n: u64,
    /// When; of what was imported, a time that [`imported::known`] knows, or else an order.
    #[serde(serialize_with = "time_if_known")]
    pub time: Timestamp,
    /// The client's name.
    pub client: String,
    /// How much depends on the target.
    pub tier: Tier,
    /// The target's name, or else its address.
    pub target: String,
    /// The text, redacted, never shortened.
    pub text: String,
    /// Where the text came from.
    pub source: String,
    /// `allow`, `notice`, `hold` or `deny`; empty of what was imported.
    #[serde(serialize_with = "word_if_any")]
    pub verdict: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// `released` or `cancelled`.
    pub answer: Option<String>,
    /// Why it was answered so: what the person gave as reason, or `timeout` and the like.
    pub reason: Option<String>,
    /// Rows touched or returned.
    pub rows: Option<u64>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// The error as the client gave it.
    pub error: Option<String>,
}

/// One session, with the keys of `sessions --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its id.
    pub session: String,
    /// The client's name.
    pub client: String,
    /// The command line, redacted.
    pub argv: Vec<String>,
    /// The highest tier it was connected to.
    pub tier: Tier,
    /// The target of that tier: its name, or else its address.
    pub target: Option<String>,
    /// When it started.
    pub started: Timestamp,
    /// When it ended, or was last heard of if it ended badly; none while it runs.
    pub ended: Option<Timestamp>,
    /// The exit status; none while it runs and if it ended badly.
    pub exit: Option<i64>,
    /// Whether nightlatch itself was killed, so that the end was not recorded.
    pub ended_badly: bool,
    /// How many statements it has.
    pub statements: u64,
    /// How many of them were held.
    pub held: u64,
    /// In how many places something was not recorded.
    pub gaps: u64,
    /// The length of the log.
    pub bytes: u64,
    /// The working directory it was started in.
    pub cwd: PathBuf,
    /// The user terminal.
    pub tty: Option<String>,
    /// The log.
    pub path: PathBuf,
}

/// Conditions and their values, in order.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition, in which `?` stands for the value everywhere.
    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let number = format!("?{}", self.values.len());
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(&condition.replace('?', &number));
    }

    /// Adds a condition without a value.
    fn require(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }
}

/// Returns statements, oldest first.
pub(super) fn statements(
    connection: &Connection,
    filter: &Filter,
) -> rusqlite::Result<Vec<Statement>> {
    let (sql, values) = statements_sql(filter);
    let mut select = connection.prepare(&sql)?;
    let rows = select.query_map(params_from_iter(values), statement)?;
    let mut statements = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    statements.reverse();
    Ok(statements)
}

/// Returns sessions, oldest first.
pub(super) fn sessions(
    connection: &Connection,
    filter: &Filter,
    is_alive: IsAlive<'_>,
) -> rusqlite::Result<Vec<Session>> {
    let (sql, values) = sessions_sql(filter);
    let mut select = connection.prepare(&sql)?;
    let rows = select.query_map(params_from_iter(values), |row| session(row, is_alive))?;
    let mut sessions = Vec::new();
    let limit = filter.limit.unwrap_or(usize::MAX);
    for session in rows {
        if sessions.len() == limit {
            break;
        }
        let session = session?;
        // Only now is it known whether the session is still there.
        let has_failed = session.ended_badly || session.exit.is_some_and(|exit| exit != 0);
        if has_failed || !filter.is_failed {
            sessions.push(session);
        }
    }
    sessions.reverse();
    Ok(sessions)
}

/// Returns the question for statements, newest first, and its values.
pub(super) fn statements_sql(filter: &Filter) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    let (words, signs): (Vec<_>, Vec<_>) =
        filter.words.iter().partition(|word| word.contains(char::is_alphanumeric));
    if !words.is_empty() {
        let query: Vec<String> =
            words.iter().map(|word| format!("\"{}\"*", word.replace('"', "\"\""))).collect();
        conditions.add(
            "t.id IN (SELECT rowid FROM statements_text WHERE statements_text MATCH ?)",
            query.join(" "),
        );
    }
    for sign in signs {
        conditions.add("instr(t.text, ?) > 0", sign.clone());
    }
    if let Some(client) = &filter.client {
        conditions.add("s.client = ?", client.clone());
    }
    if let Some(tier) = filter.tier {
        conditions.add("t.tier = ?", tier_rank(tier));
    }
    if let Some(target) = &filter.target {
        conditions
            .add("(t.target LIKE ? ESCAPE '\\' OR t.address LIKE ? ESCAPE '\\')", like(target));
    }
    if let Some(session) = &filter.session {
        conditions.add("t.session = ?", session.clone());
    }
    if let Some(since) = filter.since {
        conditions.add("t.time >= ?", since.as_microsecond());
    }
    if let Some(until) = filter.until {
        conditions.add("t.time < ?", until.as_microsecond());
    }
    if filter.is_held {
        conditions.require("t.verdict = 'hold'");
    }
    if filter.is_failed {
        conditions.require("t.error IS NOT NULL");
    }
    let limit = filter.limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
    let sql = format!(
        "SELECT t.session, t.n, t.time, s.client, t.tier, t.target, t.text, t.source, t.verdict,
             t.rule, t.answer, t.reason, t.rows, t.duration_ms, t.error
         FROM statements t JOIN sessions s ON s.id = t.session{}
         ORDER BY t.time DESC, t.id DESC{limit}",
        conditions.sql
    );
    (sql, conditions.values)
}

fn sessions_sql(filter: &Filter) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    // What was imported is no session.
    conditions.require("s.id NOT LIKE 'import-%'");
    if let Some(client) = &filter.client {
        conditions.add("s.client = ?", client.clone());
    }
    // A session counts for every tier and target that a statement of it had.
    if let Some(tier) = filter.tier {
        conditions.add(
            "(s.tier = ? OR EXISTS
                 (SELECT 1 FROM statements t WHERE t.session = s.id AND t.tier = ?))",
            tier_rank(tier),
        );
    }
    if let Some(target) = &filter.target {
        conditions.add(
            "(s.target LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM statements t
                 WHERE t.session = s.id
                 AND (t.target LIKE ? ESCAPE '\\' OR t.address LIKE ? ESCAPE '\\')))",
            like(target),
        );
    }
    if let Some(session) = &filter.session {
        conditions.add("s.id = ?", session.clone());
    }
    // A session is in a window if any part of it is.
    if let Some(since) = filter.since {
        conditions.add("s.last >= ?", since.as_microsecond());
    }
    if let Some(until) = filter.until {
        conditions.add("s.started < ?", until.as_microsecond());
    }
    if filter.is_held {
        conditions.require("s.held > 0");
    }
    let sql = format!(
        "SELECT s.id, s.client, s.argv, s.tier, s.target, s.started, s.last, s.exit, s.statements,
             s.held, s.gaps, s.bytes, s.indexed, s.cwd, s.tty, s.path, s.pid, s.pid_started
         FROM sessions s{} ORDER BY s.started DESC, s.id DESC",
        conditions.sql
    );
    (sql, conditions.values)
}

fn statement(row: &Row<'_>) -> rusqlite::Result<Statement> {
    Ok(Statement {
        session: row.get(0)?,
        n: unsigned(row.get(1)?),
        time: timestamp(row.get(2)?),
        client: row.get(3)?,
        tier: tier_of(row.get(4)?),
        target: row.get(5)?,
        text: row.get(6)?,
        source: row.get(7)?,
        verdict: row.get(8)?,
        rule: row.get(9)?,
        answer: row.get(10)?,
        reason: row.get(11)?,
        rows: row.get::<_, Option<i64>>(12)?.map(unsigned),
        duration_ms: row.get::<_, Option<i64>>(13)?.map(unsigned),
        error: row.get(14)?,
    })
}

fn session(row: &Row<'_>, is_alive: IsAlive<'_>) -> rusqlite::Result<Session> {
    let argv: String = row.get(2)?;
    let last = timestamp(row.get(6)?);
    let exit: Option<i64> = row.get(7)?;
    let (bytes, indexed) = (unsigned(row.get(11)?), unsigned(row.get(12)?));
    let (pid, pid_started): (u32, Option<i64>) = (row.get(16)?, row.get(17)?);
    let ended_badly = exit.is_none() && !is_alive(pid, pid_started.map(unsigned));
    // While it runs, a line without an end is only one that is being written.
    let has_torn_tail = ended_badly && indexed < bytes;
    Ok(Session {
        session: row.get(0)?,
        client: row.get(1)?,
        argv: serde_json::from_str(&argv).unwrap_or_default(),
        tier: tier_of(row.get(3)?),
        target: row.get(4)?,
        started: timestamp(row.get(5)?),
        ended: (exit.is_some() || ended_badly).then_some(last),
        exit,
        ended_badly,
        statements: unsigned(row.get(8)?),
        held: unsigned(row.get(9)?),
        gaps: unsigned(row.get(10)?) + u64::from(has_torn_tail),
        bytes,
        cwd: PathBuf::from(row.get::<_, String>(13)?),
        tty: row.get(14)?,
        path: PathBuf::from(row.get::<_, String>(15)?),
    })
}

fn time_if_known<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    imported::known(*time).serialize(serializer)
}

fn word_if_any<S: Serializer>(word: &str, serializer: S) -> Result<S::Ok, S::Error> {
    Some(word).filter(|word| !word.is_empty()).serialize(serializer)
}

/// SQLite has no unsigned numbers; ours went in as such.
fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// Returns the pattern for texts that contain `part`.
fn like(part: &str) -> String {
    let mut pattern = String::from("%");
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}
