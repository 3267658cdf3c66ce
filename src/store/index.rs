//! Session logs into the index, from where the last pass stopped.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Connection, named_params};

use super::{Indexed, StoreError, tier_rank};
use crate::record::find::{self, Recorded};
use crate::record::read::Found;
use crate::record::{Answer, Log, Marker, ReadError, Reader, Source, Start};
use crate::target::Target;

/// How far a session's log is in the index.
#[derive(Debug, Clone, Copy)]
struct Known {
    started: i64,
    last: i64,
    /// Bytes of the log when it was read.
    bytes: i64,
    /// Of these, the bytes that are whole lines.
    indexed: i64,
    is_over: bool,
}

/// Says whether any log has something that the index has not, or is gone.
pub(super) fn is_stale(connection: &Connection, data_dir: &Path) -> Result<bool, StoreError> {
    let known = known(connection)?;
    let logs = find::all(data_dir)?;
    Ok(logs.len() != known.len()
        || logs.iter().any(|log| is_log_stale(log, known.get(&log.session))))
}

/// Forgets everything.
pub(super) fn clear(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM statements", [])?;
    connection.execute("DELETE FROM sessions", [])?;
    Ok(())
}

/// Reads what is new and drops sessions whose logs are gone. Call it in a transaction.
pub(super) fn update(connection: &Connection, data_dir: &Path) -> Result<Indexed, StoreError> {
    let known = known(connection)?;
    let logs = find::all(data_dir)?;
    let present: HashSet<&str> = logs.iter().map(|log| log.session.as_str()).collect();
    for gone in known.keys().filter(|session| !present.contains(session.as_str())) {
        connection.execute("DELETE FROM statements WHERE session = ?1", [gone])?;
        connection.execute("DELETE FROM sessions WHERE id = ?1", [gone])?;
    }
    let mut indexed = Indexed::default();
    for log in &logs {
        let known = known.get(&log.session).copied();
        if !is_log_stale(log, known.as_ref()) {
            continue;
        }
        match Scan::start(connection, log, known) {
            Ok(scan) => {
                indexed.statements += scan.run()?;
                indexed.sessions += 1;
            }
            Err(ScanError::Read(error)) => indexed.unreadable.push(error.to_string()),
            Err(ScanError::Store(error)) => return Err(error),
        }
    }
    Ok(indexed)
}

fn is_log_stale(log: &Recorded, known: Option<&Known>) -> bool {
    known.is_none_or(|known| {
        !known.is_over && Log::len(&log.path).is_ok_and(|bytes| bytes as i64 != known.bytes)
    })
}

/// Returns what is known of every session.
fn known(connection: &Connection) -> Result<HashMap<String, Known>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, started, last, bytes, indexed, exit FROM sessions")?;
    let rows = select.query_map([], |row| {
        let known = Known {
            started: row.get(1)?,
            last: row.get(2)?,
            bytes: row.get(3)?,
            indexed: row.get(4)?,
            is_over: row.get::<_, Option<i64>>(5)?.is_some(),
        };
        Ok((row.get(0)?, known))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One pass over the new part of one log.
struct Scan<'a> {
    connection: &'a Connection,
    session: &'a str,
    reader: Reader<Log>,
    started: i64,
    bytes: i64,
    /// The most dangerous target of this part, the later of two equals.
    target: Option<Target>,
    exit: Option<i32>,
    statements: usize,
    held: usize,
    gaps: usize,
}

enum ScanError {
    Read(ReadError),
    Store(StoreError),
}

impl<'a> Scan<'a> {
    /// Opens a log where the last pass stopped, making its session's row if there was none.
    fn start(
        connection: &'a Connection,
        log: &'a Recorded,
        known: Option<Known>,
    ) -> Result<Self, ScanError> {
        let bytes = Log::len(&log.path).map_or(0, |bytes| bytes as i64);
        let (started, target, reader) = match known {
            Some(known) => {
                let time = u64::try_from(known.last - known.started).unwrap_or(0);
                let from = known.indexed as u64;
                let reader = Reader::open_at(&log.path, from, Duration::from_micros(time))
                    .map_err(ScanError::Read)?;
                (known.started, None, reader)
            }
            None => {
                let (start, reader) = Reader::open(&log.path).map_err(ScanError::Read)?;
                insert_session(connection, log, &start)
                    .map_err(|error| ScanError::Store(error.into()))?;
                (start.started.as_microsecond(), start.header.target, reader)
            }
        };
        Ok(Self {
            connection,
            session: &log.session,
            reader,
            started,
            bytes,
            target,
            exit: None,
            statements: 0,
            held: 0,
            gaps: 0,
        })
    }

    /// Reads to the end of the log as it is now; returns how many statements were new.
    fn run(mut self) -> Result<usize, StoreError> {
        // A log that cannot be read further is as one that ends there: the next pass tries again.
        while let Ok(Some(found)) = self.reader.find() {
            match found {
                Found::Event { code: 'm', data } => match decode::<Marker>(data) {
                    Some(marker) => self.marker(marker)?,
                    None => self.gaps += 1,
                },
                Found::Event { code: 'x', data } => {
                    let status = serde_json::from_slice::<String>(data).ok();
                    self.exit = status.and_then(|status| status.parse().ok()).or(Some(0));
                }
                Found::Event { .. } => {}
                Found::Broken { .. } => self.gaps += 1,
                Found::Torn { .. } => break,
            }
        }
        self.finish()?;
        Ok(self.statements)
    }

    fn marker(&mut self, marker: Marker) -> Result<(), rusqlite::Error> {
        match marker {
            Marker::Statement { n, time, text, source, target, verdict, rule, .. } => {
                let mut insert = self.connection.prepare_cached(
                    "INSERT OR IGNORE INTO statements
                     (session, n, time, tier, target, address, text, source, verdict, rule)
                     VALUES (:session, :n, :time, :tier, :target, :address, :text, :source,
                         :verdict, :rule)",
                )?;
                let is_new = insert.execute(named_params! {
                    ":session": self.session,
                    ":n": n as i64,
                    ":time": time.as_microsecond(),
                    ":tier": tier_rank(target.tier),
                    ":target": name(&target),
                    ":address": target.address.to_string(),
                    ":text": text,
                    ":source": source_word(source),
                    ":verdict": verdict,
                    ":rule": rule,
                })? > 0;
                self.statements += usize::from(is_new);
                self.held += usize::from(is_new && verdict == "hold");
                self.see(target);
            }
            Marker::Answer { n, answer, reason, .. } => {
                let answer = match answer {
                    Answer::Released => "released",
                    Answer::Cancelled => "cancelled",
                };
                self.amend(
                    "UPDATE statements SET answer = ?3, reason = ?4
                     WHERE session = ?1 AND n = ?2",
                    &[&self.session, &(n as i64), &answer, &reason],
                )?;
            }
            Marker::Outcome { n, rows, duration_ms, error } => {
                self.amend(
                    "UPDATE statements SET rows = ?3, duration_ms = ?4, error = ?5
                     WHERE session = ?1 AND n = ?2",
                    &[
                        &self.session,
                        &(n as i64),
                        &rows.map(|rows| rows as i64),
                        &duration_ms.map(|duration| duration as i64),
                        &error,
                    ],
                )?;
            }
            Marker::Target { target } => self.see(target),
            Marker::Gap { .. } => self.gaps += 1,
            Marker::Note { .. } => {}
        }
        Ok(())
    }

    fn amend(&self, sql: &str, values: &[&dyn ToSql]) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute(values).map(drop)
    }

    /// Remembers a target if nothing more dangerous was seen.
    fn see(&mut self, target: Target) {
        if self.target.as_ref().is_none_or(|seen| target.tier >= seen.tier) {
            self.target = Some(target);
        }
    }

    /// Writes what the session's row has of this part.
    fn finish(&self) -> Result<(), rusqlite::Error> {
        let last = self.started + i64::try_from(self.reader.time().as_micros()).unwrap_or(0);
        let mut update = self.connection.prepare_cached(
            "UPDATE sessions SET last = :last, exit = :exit, bytes = :bytes, indexed = :indexed,
                 statements = statements + :statements, held = held + :held, gaps = gaps + :gaps
             WHERE id = :id",
        )?;
        update.execute(named_params! {
            ":id": self.session,
            ":last": last,
            ":exit": self.exit,
            ":bytes": self.bytes.max(self.reader.offset() as i64),
            ":indexed": self.reader.offset() as i64,
            ":statements": self.statements as i64,
            ":held": self.held as i64,
            ":gaps": self.gaps as i64,
        })?;
        let Some(target) = &self.target else {
            return Ok(());
        };
        self.amend(
            "UPDATE sessions SET tier = ?2, target = ?3 WHERE id = ?1 AND tier <= ?2",
            &[&self.session, &tier_rank(target.tier), &name(target)],
        )
    }
}

fn insert_session(
    connection: &Connection,
    log: &Recorded,
    start: &Start,
) -> Result<(), rusqlite::Error> {
    let header = &start.header;
    let mut insert = connection.prepare_cached(
        "INSERT INTO sessions
         (id, path, client, argv, tier, started, last, indexed, cwd, tty, pid, pid_started)
         VALUES (:id, :path, :client, :argv, -1, :started, :started, 0, :cwd, :tty, :pid,
             :pid_started)",
    )?;
    insert.execute(named_params! {
        ":id": log.session,
        ":path": log.path.to_string_lossy(),
        ":client": header.client,
        ":argv": serde_json::to_string(&header.argv).unwrap_or_default(),
        ":started": start.started.as_microsecond(),
        ":cwd": header.cwd.to_string_lossy(),
        ":tty": header.tty,
        ":pid": header.pid,
        ":pid_started": header.pid_started.map(|start| start as i64),
    })?;
    Ok(())
}

/// Decodes a JSON string that holds JSON.
fn decode<T: serde::de::DeserializeOwned>(data: &[u8]) -> Option<T> {
    let inner = serde_json::from_slice::<String>(data).ok()?;
    serde_json::from_str(&inner).ok()
}

/// The target as a person would name it.
fn name(target: &Target) -> String {
    target.name.clone().unwrap_or_else(|| target.address.to_string())
}

fn source_word(source: Source) -> &'static str {
    match source {
        Source::Tap => "tap",
        Source::Draft => "draft",
        Source::Preflight => "preflight",
    }
}

/// Returns a stored time.
pub(super) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
