//! Session logs into the index, from where the last pass stopped.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::capture::{Capture, decode_text};
use super::words::Words;
use super::{Indexed, StoreError, tier_rank};
use crate::record::course::Course;
use crate::record::find::{self, Recorded};
use crate::record::imported;
use crate::record::read::Found;
use crate::record::{Answer, Log, Marker, ReadError, Reader, Source, Start};
use crate::target::Target;

/// An output that is no longer than this is read again from its statement on while it grows.
const REREAD_BYTES: u64 = 256 << 10;

/// How far a session's log is in the index.
#[derive(Debug, Clone, Copy)]
struct Known {
    id: i64,
    started: i64,
    /// Bytes of the log when it was read.
    bytes: i64,
    /// Of these, the bytes that are whole lines.
    indexed: u64,
    /// Where the next pass begins, and how far into the session that is.
    resume: (u64, Duration),
    is_over: bool,
    /// By how much the clock on the wall was ahead of the session's own, at least and at most.
    range: (i64, i64),
}

/// Says whether any log has something that the index has not, or is gone.
pub(super) fn is_stale(connection: &Connection, data_dir: &Path) -> Result<bool, StoreError> {
    let known = known(connection)?;
    let logs = logs(data_dir)?;
    Ok(logs.len() != known.len()
        || logs.iter().any(|log| is_log_stale(log, known.get(&log.session))))
}

/// Reads what is new and drops sessions whose logs are gone. Call it in a transaction.
///
/// Stops after `limit` new statements; true if there may be more. A log that `indexed` says is
/// unreadable is not tried again.
pub(super) fn update(
    connection: &Connection,
    data_dir: &Path,
    limit: usize,
    indexed: &mut Indexed,
) -> Result<bool, StoreError> {
    let known = known(connection)?;
    let logs = logs(data_dir)?;
    let present: HashSet<&str> = logs.iter().map(|log| log.session.as_str()).collect();
    for (_, gone) in known.iter().filter(|(session, _)| !present.contains(session.as_str())) {
        connection.execute("DELETE FROM statements WHERE session = ?1", [gone.id])?;
        connection.execute("DELETE FROM sessions WHERE id = ?1", [gone.id])?;
    }
    let before = indexed.statements;
    let mut words = Words::default();
    for log in &logs {
        let known = known.get(&log.session).copied();
        if !is_log_stale(log, known.as_ref()) || indexed.failed.contains(&log.session) {
            continue;
        }
        if indexed.statements - before >= limit {
            return Ok(true);
        }
        match Scan::start(connection, log, known, &mut words) {
            Ok(scan) => {
                indexed.statements += scan.run()?;
                indexed.sessions += 1;
            }
            Err(ScanError::Read(error)) => {
                indexed.unreadable.push(error.to_string());
                indexed.failed.push(log.session.clone());
            }
            Err(ScanError::Store(error)) => return Err(error),
        }
    }
    Ok(false)
}

/// Returns the logs of sessions, and of what was imported.
fn logs(data_dir: &Path) -> Result<Vec<Recorded>, StoreError> {
    let mut logs = find::all(data_dir)?;
    let path = data_dir.to_owned();
    logs.extend(imported::all(data_dir).map_err(|source| StoreError::Io { path, source })?);
    Ok(logs)
}

fn is_log_stale(log: &Recorded, known: Option<&Known>) -> bool {
    known
        .is_none_or(|known| !known.is_over && length(log).is_some_and(|bytes| bytes != known.bytes))
}

/// Returns the length of a log in bytes.
fn length(log: &Recorded) -> Option<i64> {
    Log::len(&log.path).ok().map(|bytes| bytes as i64)
}

/// Returns what is known of every session.
fn known(connection: &Connection) -> Result<HashMap<String, Known>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT session, id, started, bytes, indexed, resume, resume_at, exit, behind, ahead
         FROM sessions",
    )?;
    let rows = select.query_map([], |row| {
        let number = |at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.cast_unsigned());
        let known = Known {
            id: row.get(1)?,
            started: row.get(2)?,
            bytes: row.get(3)?,
            indexed: number(4)?,
            resume: (number(5)?, Duration::from_micros(number(6)?)),
            is_over: row.get::<_, Option<i64>>(7)?.is_some(),
            range: (row.get(8)?, row.get(9)?),
        };
        Ok((row.get(0)?, known))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One pass over the new part of one log.
struct Scan<'a> {
    connection: &'a Connection,
    words: &'a mut Words,
    /// The row of the session.
    id: i64,
    reader: Reader<Log>,
    started: i64,
    /// None of what was imported: that has no course of its own.
    course: Option<Course>,
    bytes: i64,
    /// What stands before this was counted by an earlier pass.
    counted: u64,
    size: (u16, u16),
    /// The statement whose output comes now.
    open: Option<Open>,
    /// The last new statement's id and moment; one that came after it has a later id.
    last: (i64, Timestamp),
    /// The most dangerous target of this part, the later of two equals.
    target: Option<Target>,
    exit: Option<i32>,
    statements: usize,
    held: usize,
    gaps: usize,
}

/// A statement that has not ended.
struct Open {
    id: i64,
    n: u64,
    text: String,
    place: (u64, Duration),
    capture: Capture,
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
        words: &'a mut Words,
    ) -> Result<Self, ScanError> {
        let bytes = length(log).unwrap_or(0);
        let (start, reader) = Reader::open(&log.path).map_err(ScanError::Read)?;
        let size = (start.header.cols, start.header.rows);
        let (id, started, target, reader) = match known {
            Some(known) => {
                let reader = Reader::open_at(&log.path, known.resume.0, known.resume.1)
                    .map_err(ScanError::Read)?;
                (known.id, known.started, None, reader)
            }
            None => {
                let id = insert_session(connection, log, &start)
                    .map_err(|error| ScanError::Store(error.into()))?;
                (id, start.started.as_microsecond(), start.header.target, reader)
            }
        };
        let (course, last) = resumed(connection, id, start.started, known)
            .map_err(|error| ScanError::Store(error.into()))?;
        Ok(Self {
            connection,
            words,
            id,
            reader,
            started,
            course: (!imported::is_one(&log.session)).then_some(course),
            bytes,
            counted: known.map_or(0, |known| known.indexed),
            size,
            open: None,
            last,
            target,
            exit: None,
            statements: 0,
            held: 0,
            gaps: 0,
        })
    }

    /// Reads to the end of the log as it is now; returns how many statements were new.
    fn run(mut self) -> Result<usize, StoreError> {
        loop {
            let place = (self.reader.offset(), self.reader.time());
            // A log that cannot be read further is as one that ends there: the next pass tries again.
            let Ok(Some(found)) = self.reader.find() else { break };
            let is_new = place.0 >= self.counted;
            match found {
                Found::Event { code: 'm', data } => match decode::<Marker>(data) {
                    Some(marker) => self.marker(marker, place)?,
                    None => self.gaps += usize::from(is_new),
                },
                Found::Event { code: 'o', data } => {
                    if let Some(open) = &mut self.open {
                        open.capture.json(data);
                    }
                }
                Found::Event { code: 'r', data } => {
                    let size = decode_text(data);
                    self.resize(&size);
                }
                Found::Event { code: 'x', data } => {
                    self.exit = decode_text(data).parse().ok().or(Some(0));
                }
                Found::Event { .. } => {}
                Found::Broken { .. } => self.gaps += usize::from(is_new),
                Found::Torn { .. } => break,
            }
        }
        self.finish()?;
        Ok(self.statements)
    }

    fn marker(&mut self, marker: Marker, place: (u64, Duration)) -> Result<(), StoreError> {
        match marker {
            Marker::Statement { n, time, text, source, target, verdict, rule, .. } => {
                self.close()?;
                let moment = self.moment(time);
                let row =
                    New { n, time, moment, text: &text, source, verdict: &verdict, rule, place };
                let (id, is_new) = self.insert(&row, &target)?;
                self.statements += usize::from(is_new);
                self.held += usize::from(is_new && verdict == "hold");
                self.see(target);
                let capture = Capture::new(self.size);
                self.open = Some(Open { id, n, text, place, capture });
            }
            Marker::Answer { n, answer, reason, .. } => {
                let answer = match answer {
                    Answer::Released => "released",
                    Answer::Cancelled => "cancelled",
                };
                self.amend(
                    "UPDATE statements SET answer = ?3, reason = ?4
                     WHERE session = ?1 AND n = ?2",
                    &[&self.id, &(n as i64), &answer, &reason],
                )?;
                if answer == "cancelled" && self.open.as_ref().is_some_and(|open| open.n == n) {
                    // What comes now belongs to whatever is typed next.
                    self.close()?;
                }
            }
            Marker::Outcome { n, rows, duration_ms, error, .. } => {
                self.amend(
                    "UPDATE statements SET rows = ?3, duration_ms = ?4, error = ?5
                     WHERE session = ?1 AND n = ?2",
                    &[
                        &self.id,
                        &(n as i64),
                        &rows.map(|rows| rows as i64),
                        &duration_ms.map(|duration| duration as i64),
                        &error,
                    ],
                )?;
                if self.open.as_ref().is_some_and(|open| open.n == n) {
                    self.close()?;
                }
            }
            Marker::Target { target } => self.see(target),
            Marker::Gap { .. } => self.gaps += usize::from(place.0 >= self.counted),
            Marker::Note { .. } => {}
        }
        Ok(())
    }

    /// Writes a statement if it is not there yet; returns its id and whether it is new.
    fn insert(&mut self, row: &New<'_>, target: &Target) -> Result<(i64, bool), rusqlite::Error> {
        let mut known = self
            .connection
            .prepare_cached("SELECT id FROM statements WHERE session = ?1 AND n = ?2")?;
        if let Some(id) = known.query_row((self.id, row.n as i64), |row| row.get(0)).optional()? {
            return Ok((id, false));
        }
        let time = row.moment.as_millisecond();
        let (last_id, last) = self.last;
        // Many in one moment drift ahead of it; what was imported may be in any order.
        let id = self.free_id(if row.moment < last { time } else { time.max(last_id + 1) })?;
        self.last = (id, row.moment);
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO statements
             (id, session, n, time, moment, target, text, source, verdict, rule, place, place_at)
             VALUES (:id, :session, :n, :time, :moment, :target, :text, :source, :verdict, :rule, :place,
                 :place_at)",
        )?;
        insert.execute(named_params! {
            ":id": id,
            ":session": self.id,
            ":n": row.n as i64,
            ":time": row.time.as_microsecond(),
            ":moment": row.moment.as_microsecond(),
            ":target": self.target_row(target)?,
            ":text": row.text,
            ":source": row.source.word(),
            ":verdict": row.verdict,
            ":rule": row.rule,
            ":place": row.place.0 as i64,
            ":place_at": micros(row.place.1),
        })?;
        Ok((id, true))
    }

    /// Returns when a statement that is told now came, whatever was done to the clock on the wall.
    fn moment(&mut self, wall: Timestamp) -> Timestamp {
        let into = self.reader.time();
        let Some(course) = &mut self.course else { return wall };
        course.see(into, wall);
        course.moment(into, Some(wall)).order
    }

    /// Returns the first id from `from` on that no statement has.
    fn free_id(&self, from: i64) -> Result<i64, rusqlite::Error> {
        let mut taken = self
            .connection
            .prepare_cached("SELECT id FROM statements WHERE id >= ?1 ORDER BY id")?;
        let mut free = from;
        let mut rows = taken.query([from])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? != free {
                break;
            }
            free += 1;
        }
        Ok(free)
    }

    /// Returns the row of a target, making it if there is none.
    fn target_row(&self, target: &Target) -> Result<i64, rusqlite::Error> {
        let (rank, name) = (tier_rank(target.tier), name(target));
        let values = (rank, name.as_str(), target.address.to_string());
        let mut known = self.connection.prepare_cached(
            "SELECT id FROM targets WHERE tier = ?1 AND name = ?2 AND address = ?3",
        )?;
        if let Some(id) = known.query_row(values.clone(), |row| row.get(0)).optional()? {
            return Ok(id);
        }
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO targets (tier, name, address) VALUES (?1, ?2, ?3)")?;
        insert.insert(values)
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

    fn resize(&mut self, size: &str) {
        let numbers = size.split_once('x').map(|(cols, rows)| (cols.parse(), rows.parse()));
        if let Some((Ok(cols), Ok(rows))) = numbers {
            self.size = (cols, rows);
        }
    }

    /// Indexes what the open statement has printed.
    fn close(&mut self) -> Result<(), rusqlite::Error> {
        self.open.take().map_or(Ok(()), |mut open| self.index_output(&mut open))
    }

    fn index_output(&mut self, open: &mut Open) -> Result<(), rusqlite::Error> {
        if open.capture.is_empty() {
            return Ok(());
        }
        // An earlier pass may have seen the beginning of it.
        self.amend("DELETE FROM outputs_text WHERE rowid = ?1", &[&open.id])?;
        let text = format!("{}\n{}", open.text, open.capture.text());
        self.words.add(self.connection, &text)?;
        self.amend("INSERT INTO outputs_text (rowid, text) VALUES (?1, ?2)", &[&open.id, &text])
    }

    /// Writes what the session's row has of this part.
    fn finish(&mut self) -> Result<(), rusqlite::Error> {
        let (end, time) = (self.reader.offset(), self.reader.time());
        let mut resume = (end, time);
        if let Some(mut open) = self.open.take() {
            self.index_output(&mut open)?;
            if self.exit.is_none() && end - open.place.0 <= REREAD_BYTES {
                resume = open.place;
            }
        }
        let mut update = self.connection.prepare_cached(
            "UPDATE sessions SET last = :last, exit = :exit, bytes = :bytes, indexed = :indexed,
                 resume = :resume, resume_at = :resume_at, statements = statements + :statements,
                 held = held + :held, gaps = gaps + :gaps, behind = :behind, ahead = :ahead
             WHERE id = :id",
        )?;
        let (behind, ahead) = self.course.as_ref().map(Course::range).unwrap_or_default();
        update.execute(named_params! {
            ":behind": signed_micros(behind),
            ":ahead": signed_micros(ahead),
            ":id": self.id,
            ":last": self.started + micros(time),
            ":exit": self.exit,
            ":bytes": self.bytes.max(end as i64),
            ":indexed": end as i64,
            ":resume": resume.0 as i64,
            ":resume_at": micros(resume.1),
            ":statements": self.statements as i64,
            ":held": self.held as i64,
            ":gaps": self.gaps as i64,
        })?;
        let Some(target) = &self.target else {
            return Ok(());
        };
        self.amend(
            "UPDATE sessions SET tier = ?2, target = ?3 WHERE id = ?1 AND tier <= ?2",
            &[&self.id, &tier_rank(target.tier), &name(target)],
        )
    }
}

/// A statement as its marker has it.
struct New<'a> {
    n: u64,
    time: Timestamp,
    moment: Timestamp,
    text: &'a str,
    source: Source,
    verdict: &'a str,
    rule: Option<String>,
    place: (u64, Duration),
}

/// Returns a session's course as far as it is known, and its last statement's id and moment.
fn resumed(
    connection: &Connection,
    id: i64,
    started: Timestamp,
    known: Option<Known>,
) -> Result<(Course, (i64, Timestamp)), rusqlite::Error> {
    let Some(known) = known else { return Ok((Course::new(started), (0, Timestamp::MIN))) };
    let last = connection
        .prepare_cached(
            "SELECT id, moment FROM statements WHERE session = ?1 ORDER BY n DESC LIMIT 1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, timestamp(row.get(1)?))))
        .optional()?
        .unwrap_or((0, Timestamp::MIN));
    let (behind, ahead) = known.range;
    let range = (SignedDuration::from_micros(behind), SignedDuration::from_micros(ahead));
    Ok((Course::resumed(started, range, last.1), last))
}

/// Returns the id of the new row.
fn insert_session(
    connection: &Connection,
    log: &Recorded,
    start: &Start,
) -> Result<i64, rusqlite::Error> {
    let header = &start.header;
    let mut insert = connection.prepare_cached(
        "INSERT INTO sessions
         (session, path, client, argv, tier, started, last, indexed, resume, resume_at, cwd, tty,
             pid, pid_started)
         VALUES (:session, :path, :client, :argv, -1, :started, :started, 0, 0, 0, :cwd, :tty,
             :pid, :pid_started)",
    )?;
    insert.insert(named_params! {
        ":session": log.session,
        ":path": log.path.to_string_lossy(),
        ":client": header.client,
        ":argv": serde_json::to_string(&header.argv).unwrap_or_default(),
        ":started": start.started.as_microsecond(),
        ":cwd": header.cwd.to_string_lossy(),
        ":tty": header.tty,
        ":pid": header.pid,
        ":pid_started": header.pid_started.map(|start| start as i64),
    })
}

/// Decodes a JSON string that holds JSON.
fn decode<T: serde::de::DeserializeOwned>(data: &[u8]) -> Option<T> {
    serde_json::from_str(&decode_text(data)).ok()
}

/// The target as a person would name it.
fn name(target: &Target) -> String {
    target.name.clone().unwrap_or_else(|| target.address.to_string())
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn signed_micros(time: SignedDuration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Returns a stored time.
pub(super) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
