//! What happened, out of all the logs that may know, in one order.

use jiff::Timestamp;

use super::super::past::{self, Deed, Fate, Outcome, Past, Want, What};
use super::super::recorded;
use super::safe::{self, Clocks, Safe};
use super::{Named, Timeline};
use crate::error::{Error, Kind};
use crate::glass::NOTE;
use crate::record::course::Moment;
use crate::record::find::Recorded;
use crate::record::{Answer, process};
use crate::store::{Filter, Store};
use crate::target::{Target, Tier};
use crate::ui::table::View;

/// Something that happened, as it is told.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) at: Moment,
    pub(super) session: String,
    pub(super) client: String,
    /// The terminal it happened on.
    pub(super) tty: Option<String>,
    /// Where; none where nothing is known.
    pub(super) target: Option<Target>,
    pub(super) kind: Event,
}

/// What it was.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A client was started with this command line.
    Started(String),
    /// It was connected.
    Connected,
    /// A statement.
    Statement(Box<Told>),
    /// A hold was answered.
    Answered { n: u64, answer: Answer, reason: Option<String> },
    /// Something was not recorded.
    Gap(String),
    /// The glass was broken, or is whole again.
    Glass(String),
    /// Something worth knowing.
    Note(String),
    /// The client ended so.
    Ended(String),
}

/// A statement, as it is told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) n: u64,
    pub(super) text: String,
    pub(super) verdict: String,
    pub(super) rule: Option<String>,
    pub(super) reasons: Vec<String>,
    pub(super) fate: Fate,
    pub(super) is_destructive: bool,
    /// No recovery to a time is enough.
    pub(super) removes_files: bool,
    pub(super) outcome: Option<Outcome>,
    /// What became of it, in words.
    pub(super) end: String,
    /// The moment before it.
    pub(super) safe: Safe,
}

impl Row {
    /// The statement, if it is one.
    pub(super) fn told(&self) -> Option<&Told> {
        match &self.kind {
            Event::Statement(told) => Some(told),
            Event::Started(_)
            | Event::Connected
            | Event::Answered { .. }
            | Event::Gap(_)
            | Event::Glass(_)
            | Event::Note(_)
            | Event::Ended(_) => None,
        }
    }

    /// The tier of where it happened.
    pub(super) fn tier(&self) -> Tier {
        self.target.as_ref().map_or(Tier::Unknown, |target| target.tier)
    }

    /// Where it happened, as a person names it.
    pub(super) fn target_name(&self) -> String {
        self.target.as_ref().map_or_else(String::new, Target::label)
    }

    /// What happened, in words, and the text it is about.
    pub(super) fn words(&self) -> (String, String) {
        match &self.kind {
            Event::Started(argv) => (format!("{} started", self.client), argv.clone()),
            Event::Connected => {
                let address = self.target.as_ref().map(|target| target.address.to_string());
                ("connected".to_owned(), address.unwrap_or_default())
            }
            Event::Statement(told) => (told.end.clone(), told.text.clone()),
            Event::Answered { n, answer, reason } => {
                (format!("{} statement {n}", answer.word()), reason.clone().unwrap_or_default())
            }
            Event::Gap(why) => ("not recorded".to_owned(), why.clone()),
            Event::Glass(text) => ("BREAK-GLASS".to_owned(), text.clone()),
            Event::Note(text) => ("note".to_owned(), text.clone()),
            Event::Ended(how) => ("session over".to_owned(), how.clone()),
        }
    }
}

/// Reads what the filter lets through.
pub(super) fn timeline(
    store: &Store,
    filter: &Filter,
    before: Option<(String, u64)>,
    now: Timestamp,
    view: &mut View<'_>,
) -> Result<Timeline, Error> {
    let sessions = store.sessions(filter, &process::is_alive).map_err(recorded::store_error)?;
    let mut pasts = Vec::new();
    for session in sessions {
        let log = Recorded { session: session.session, path: session.path };
        match past::read(&log, Want::Deeds) {
            Ok(past) => pasts.push(past),
            // One log that is gone must not hide what the others tell.
            Err(error) => recorded::note(view, &format!("nightlatch: {error}")),
        }
    }
    let clocks = Clocks::of(&pasts);
    let mut rows: Vec<Row> = pasts.iter().flat_map(|past| rows(past, filter, &clocks)).collect();
    rows.sort_by(|one, other| (one.at.order, &one.session).cmp(&(other.at.order, &other.session)));
    let named = |row: usize| rows[row].told().map(|told| Named { row, safe: told.safe.clone() });
    let first = match before {
        Some((session, n)) => {
            let is_it = |row: &Row| row.session == session && row.told().is_some_and(|t| t.n == n);
            let row = rows.iter().position(is_it).ok_or_else(|| {
                Error::new(Kind::Usage, format!("Session {session} has no statement {n} there."))
                    .hint(format!("`nightlatch history --session {session}` lists what it has."))
            })?;
            named(row)
        }
        None => (0..rows.len())
            .filter(|&row| is_damage(&rows[row], &[Fate::Ran, Fate::Unknown]))
            .filter_map(named)
            .min_by_key(|named| named.safe.moment),
    };
    let open = (0..rows.len())
        .filter(|&row| is_damage(&rows[row], &[Fate::Open, Fate::Running]))
        .filter_map(named)
        .collect();
    let until = filter.until.unwrap_or(now);
    Ok(Timeline { since: filter.since, until, first, open, rows })
}

fn is_damage(row: &Row, fates: &[Fate]) -> bool {
    row.told().is_some_and(|told| told.is_destructive && fates.contains(&told.fate))
}

/// Tells one session.
fn rows(past: &Past, filter: &Filter, clocks: &Clocks) -> Vec<Row> {
    let header = &past.header;
    let mut here = header.target.clone();
    let mut rows = Vec::new();
    let mut has_connected = false;
    let row = |at, target: Option<&Target>, kind| Row {
        at,
        session: past.session.clone(),
        client: header.client.clone(),
        tty: header.tty.clone(),
        target: target.cloned(),
        kind,
    };
    rows.push(row(past.started.into(), here.as_ref(), Event::Started(header.argv.join(" "))));
    for thing in &past.things {
        match &thing.what {
            What::Connected(target) => {
                // What the command line said is not yet a connection.
                let is_news = thing.at.order > past.started
                    && (!has_connected || here.as_ref() != Some(target));
                if is_news {
                    has_connected = true;
                    rows.push(row(thing.at, Some(target), Event::Connected));
                }
                here = Some(target.clone());
            }
            What::Statement(deed) => {
                let told = told(past, thing.at.wall, deed, clocks);
                let target = Some(&deed.target);
                rows.push(row(thing.at, target, Event::Statement(Box::new(told))));
                if let Some(given) = &deed.answer {
                    let (n, answer, reason) = (deed.n, given.answer, given.reason.clone());
                    let kind = Event::Answered { n, answer, reason };
                    rows.push(row(given.at, target, kind));
                }
            }
            What::Gap(why) => rows.push(row(thing.at, here.as_ref(), Event::Gap(why.clone()))),
            What::Note(text) => {
                let event = match text.strip_prefix(NOTE) {
                    Some(text) => Event::Glass(text.to_owned()),
                    None => Event::Note(text.clone()),
                };
                rows.push(row(thing.at, here.as_ref(), event));
            }
        }
    }
    if past.end != past::End::Running {
        rows.push(row(past.last, here.as_ref(), Event::Ended(past.end.words())));
    }
    rows.retain(|row| is_wanted(row, filter));
    rows
}

fn told(past: &Past, at: Timestamp, deed: &Deed, clocks: &Clocks) -> Told {
    Told {
        n: deed.n,
        text: deed.text.clone(),
        verdict: deed.verdict.clone(),
        rule: deed.rule.clone(),
        reasons: deed.reasons.clone(),
        fate: deed.fate,
        is_destructive: deed.is_destructive(&past.header.client),
        removes_files: deed.removes_files(),
        outcome: deed.outcome.clone(),
        end: deed.end_words(),
        safe: safe::before(past, at, deed, clocks),
    }
}

fn is_wanted(row: &Row, filter: &Filter) -> bool {
    let is_in_time = filter.since.is_none_or(|since| row.at.order >= since)
        && filter.until.is_none_or(|until| row.at.wall < until);
    let is_tier = filter.tier.is_none_or(|tier| row.tier() == tier);
    let is_target = filter.target.as_ref().is_none_or(|wanted| {
        let wanted = wanted.to_lowercase();
        row.target.as_ref().is_some_and(|target| {
            let address = target.address.to_string().to_lowercase();
            let name = target.name.as_deref().unwrap_or_default().to_lowercase();
            address.contains(&wanted) || name.contains(&wanted)
        })
    });
    is_in_time && is_tier && is_target
}
