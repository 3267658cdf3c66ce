//! Questions to the index, and their answers as rows.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, Row, Rows, params_from_iter};
use serde::{Serialize, Serializer};

use super::capture::Place;
use super::index::timestamp;
use super::memory::{self, Memory};
use super::terms::Terms;
use super::words;
use super::{IsAlive, tier_of, tier_rank};
use crate::record::imported;
use crate::target::Tier;

/// The columns that [`statement`] reads.
const COLUMNS: &str = "t.id, s.session, t.n, t.time, s.client, g.tier, g.name, t.text, t.source,
     t.verdict, t.rule, t.answer, t.reason, t.rows, t.duration_ms, t.error, s.path, t.place, t.place_at, t.moment";

/// The tables that they are of, statements first.
const TABLES: &str = "statements t CROSS JOIN sessions s ON s.id = t.session
     CROSS JOIN targets g ON g.id = t.target";

/// Which statements or sessions are wanted; nothing set means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Words that must all be in the statement.
    pub terms: Terms,
    /// Whether it counts as well if they are all in what the statement printed.
    pub is_in_output: bool,
    /// The client's name.
    pub client: Option<String>,
    /// The tier.
    pub tier: Option<Tier>,
    /// Part of the target's name or address.
    pub target: Option<String>,
    /// The target's whole name.
    pub target_name: Option<String>,
    /// The session's whole id.
    pub session: Option<String>,
    /// Not before this, by the clock on the wall or by the session's own.
    pub since: Option<Timestamp>,
    /// Before this, by the clock on the wall.
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
    /// Its id in the index, in the order of time; not for those outside, since it may change.
    #[serde(skip)]
    pub id: i64,
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
    /// A time that is never before `time` nor before that of an earlier statement of the session,
    /// whatever was done to the clock.
    #[serde(skip)]
    pub moment: Timestamp,
    /// Where it is in its log.
    #[serde(skip)]
    pub place: Place,
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

/// Adds what the questions call to a new connection.
pub(super) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("has_words", 2, flags, |context: &Context<'_>| {
        let terms = context.get_or_create_aux(1, |words| {
            Ok::<_, rusqlite::types::FromSqlError>(Terms::new(words.as_str()?))
        })?;
        Ok(context.get_raw(0).as_str().is_ok_and(|text| terms.is_in(text)))
    })
}

/// Which statements come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    NewestFirst,
    OldestFirst,
}

/// Shows statements until there are no more or no more are wanted; the first ones, if there is a
/// limit.
///
/// `share` says how common a trigram is.
pub(super) fn visit(
    connection: &Connection,
    filter: &Filter,
    order: Order,
    share: &dyn Fn(&str) -> usize,
    visitor: &mut dyn FnMut(Statement) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let (mut text_select, mut output_select) = (None, None);
    let by_text = statements_sql(filter, order, share);
    let mut by_text = Ahead::of(connection, Some(by_text), &mut text_select)?;
    let by_output = outputs_sql(connection, filter, order)?;
    let mut by_output = Ahead::of(connection, by_output, &mut output_select)?;
    let limit = filter.limit.unwrap_or(usize::MAX);
    let mut last = None;
    let mut count = 0;
    while count < limit {
        let is_text_next = match (by_text.id(), by_output.id()) {
            (Some(text), Some(output)) if order == Order::OldestFirst => text <= output,
            (text, output) => text.is_some() && text >= output,
        };
        let from = if is_text_next { &mut by_text } else { &mut by_output };
        let Some(statement) = from.take()? else { break };
        // Found in both.
        if last.replace(statement.id) == Some(statement.id) {
            continue;
        }
        count += 1;
        if visitor(statement).is_break() {
            break;
        }
    }
    Ok(())
}

/// As [`visit`], newest first and without a limit, with what the statements themselves say from
/// memory.
pub(super) fn visit_with(
    connection: &Connection,
    memory: &Memory,
    filter: &Filter,
    visitor: &mut dyn FnMut(Statement) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let mut select = None;
    let by_output = outputs_sql(connection, filter, Order::NewestFirst)?;
    let mut by_output = Ahead::of(connection, by_output, &mut select)?;
    let mut result = Ok(());
    let mut show = |id: Option<i64>| {
        let mut is_shown = false;
        while by_output.id().is_some_and(|output| Some(output) >= id) {
            is_shown = by_output.id() == id;
            let Some(statement) = by_output.take()? else { break };
            if visitor(statement).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(match id.filter(|_| !is_shown).map(|id| memory::one(connection, id)).transpose()? {
            // The index may have been built again since.
            Some(Some(statement)) if filter.terms.is_in(&statement.text) => visitor(statement),
            _ => ControlFlow::Continue(()),
        })
    };
    let mut shown = |id| {
        show(id).unwrap_or_else(|error| {
            result = Err(error);
            ControlFlow::Break(())
        })
    };
    if memory.visit(filter, &mut |id| shown(Some(id))).is_continue() {
        // That it was broken off is for the visitor to know.
        let _ = shown(None);
    }
    result
}

/// The answer to one question, and a look at what comes next.
struct Ahead<'a> {
    rows: Option<Rows<'a>>,
    next: Option<Statement>,
}

impl<'a> Ahead<'a> {
    /// Asks a question, if there is one; `place` is where it is kept meanwhile.
    fn of<'c>(
        connection: &'c Connection,
        question: Option<(String, Vec<Value>)>,
        place: &'a mut Option<CachedStatement<'c>>,
    ) -> rusqlite::Result<Self> {
        let mut ahead = Self { rows: None, next: None };
        if let Some((sql, values)) = question {
            let select = place.insert(connection.prepare_cached(&sql)?);
            ahead.rows = Some(select.query(params_from_iter(values))?);
            ahead.take()?;
        }
        Ok(ahead)
    }

    fn id(&self) -> Option<i64> {
        self.next.as_ref().map(|statement| statement.id)
    }

    fn take(&mut self) -> rusqlite::Result<Option<Statement>> {
        let next = match &mut self.rows {
            Some(rows) => rows.next()?.map(statement).transpose()?,
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, next))
    }
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

/// Returns the question for statements, and its values.
pub(super) fn statements_sql(
    filter: &Filter,
    order: Order,
    share: &dyn Fn(&str) -> usize,
) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    let trigrams = filter.terms.trigrams(share);
    let has_trigrams = trigrams.is_some();
    if let Some(trigrams) = trigrams {
        conditions.add("f.statements_text MATCH ?", trigrams);
    }
    if !filter.terms.is_empty() {
        conditions.add("has_words(t.text, ?)", filter.terms.text());
    }
    let text = has_trigrams.then_some("statements_text");
    statements_of(text, filter, order, conditions)
}

/// Returns the question for the statement of an id.
pub(super) fn one_sql() -> String {
    format!("SELECT {COLUMNS} FROM {TABLES} WHERE t.id = ?1")
}

/// Returns the question for statements by what they printed; none if that is not asked for, or
/// nothing has printed it.
fn outputs_sql(
    connection: &Connection,
    filter: &Filter,
    order: Order,
) -> rusqlite::Result<Option<(String, Vec<Value>)>> {
    if !filter.is_in_output {
        return Ok(None);
    }
    let phrases = words::question(connection, &filter.terms)?;
    Ok(phrases.map(|phrases| {
        let mut conditions = Conditions::default();
        conditions.add("f.outputs_text MATCH ?", phrases);
        statements_of(Some("outputs_text"), filter, order, conditions)
    }))
}

/// Makes a question for statements, of which a text index says which may be meant.
fn statements_of(
    text: Option<&str>,
    filter: &Filter,
    order: Order,
    mut conditions: Conditions,
) -> (String, Vec<Value>) {
    if let Some(client) = &filter.client {
        conditions.add("s.client = ?", client.clone());
    }
    if let Some(tier) = filter.tier {
        conditions.add("g.tier = ?", tier_rank(tier));
    }
    if let Some(target) = &filter.target {
        conditions.add(
            "t.target IN (SELECT id FROM targets
                 WHERE name LIKE ? ESCAPE '\\' OR address LIKE ? ESCAPE '\\')",
            like(target),
        );
    }
    if let Some(name) = &filter.target_name {
        conditions.add("t.target IN (SELECT id FROM targets WHERE name = ?)", name.clone());
    }
    if let Some(session) = &filter.session {
        conditions.add("t.session = (SELECT id FROM sessions WHERE session = ?)", session.clone());
    }
    if let Some(since) = filter.since {
        conditions.add("t.moment >= ?", since.as_microsecond());
        // No id is before its moment, and the text indexes know ids.
        let id = if text.is_some() { "f.rowid >= ?" } else { "t.id >= ?" };
        conditions.add(id, since.as_millisecond());
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
    let (from, id) = match text {
        Some(text) => (format!("{text} f CROSS JOIN {TABLES}"), "f.rowid"),
        None => (TABLES.to_owned(), "t.id"),
    };
    if text.is_some() {
        conditions.require("t.id = f.rowid");
    }
    let direction = match order {
        Order::NewestFirst => "DESC",
        Order::OldestFirst => "ASC",
    };
    let sql = format!("SELECT {COLUMNS} FROM {from}{} ORDER BY {id} {direction}", conditions.sql);
    (sql, conditions.values)
}

fn sessions_sql(filter: &Filter) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    // What was imported is no session.
    conditions.require("s.session NOT LIKE 'import-%'");
    if let Some(client) = &filter.client {
        conditions.add("s.client = ?", client.clone());
    }
    // A session counts for every tier and target that a statement of it had.
    if let Some(tier) = filter.tier {
        conditions.add(
            "(s.tier = ? OR EXISTS (SELECT 1 FROM statements t JOIN targets g ON g.id = t.target
                 WHERE t.session = s.id AND g.tier = ?))",
            tier_rank(tier),
        );
    }
    if let Some(target) = &filter.target {
        conditions.add(
            "(s.target LIKE ? ESCAPE '\\' OR EXISTS
                 (SELECT 1 FROM statements t JOIN targets g ON g.id = t.target
                 WHERE t.session = s.id
                 AND (g.name LIKE ? ESCAPE '\\' OR g.address LIKE ? ESCAPE '\\')))",
            like(target),
        );
    }
    if let Some(session) = &filter.session {
        conditions.add("s.session = ?", session.clone());
    }
    // A session is in a window if any part of it is.
    if let Some(since) = filter.since {
        conditions.add("s.last + s.ahead >= ?", since.as_microsecond());
    }
    if let Some(until) = filter.until {
        conditions.add("s.started + s.behind < ?", until.as_microsecond());
    }
    if filter.is_held {
        conditions.require("s.held > 0");
    }
    let sql = format!(
        "SELECT s.session, s.client, s.argv, s.tier, s.target, s.started, s.last, s.exit, s.statements,
             s.held, s.gaps, s.bytes, s.indexed, s.cwd, s.tty, s.path, s.pid, s.pid_started
         FROM sessions s{} ORDER BY s.started DESC, s.session DESC",
        conditions.sql
    );
    (sql, conditions.values)
}

pub(super) fn statement(row: &Row<'_>) -> rusqlite::Result<Statement> {
    Ok(Statement {
        id: row.get(0)?,
        session: row.get(1)?,
        n: unsigned(row.get(2)?),
        time: timestamp(row.get(3)?),
        client: row.get(4)?,
        tier: tier_of(row.get(5)?),
        target: row.get(6)?,
        text: row.get(7)?,
        source: row.get(8)?,
        verdict: row.get(9)?,
        rule: row.get(10)?,
        answer: row.get(11)?,
        reason: row.get(12)?,
        rows: row.get::<_, Option<i64>>(13)?.map(unsigned),
        duration_ms: row.get::<_, Option<i64>>(14)?.map(unsigned),
        error: row.get(15)?,
        moment: timestamp(row.get(19)?),
        place: Place {
            path: PathBuf::from(row.get::<_, String>(16)?),
            offset: unsigned(row.get(17)?),
            time: Duration::from_micros(unsigned(row.get(18)?)),
            n: unsigned(row.get(2)?),
        },
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
