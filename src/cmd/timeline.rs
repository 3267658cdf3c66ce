//! `nightlatch timeline`: what happened to a target, across sessions and terminals.

mod gather;
mod html;
mod json;
mod markdown;
mod report;
mod safe;
mod text;
mod time;

use std::io::Write;

use jiff::{SignedDuration, Timestamp};

use super::recorded;
use crate::cli::{FilterArgs, TimelineArgs};
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::ui::table::View;
use crate::world::World;
use gather::Row;
use safe::Safe;

/// How far back from its end it looks where nothing is said.
const DEFAULT_SINCE: SignedDuration = SignedDuration::from_hours(24);

/// What is told.
struct Timeline {
    /// What happened, oldest first.
    rows: Vec<Row>,
    /// The window.
    since: Option<Timestamp>,
    until: Timestamp,
    /// The statement that is asked about, or the first destructive one that may have run.
    first: Option<Named>,
    /// Destructive statements of transactions that are still open.
    open: Vec<Named>,
}

/// A statement that was named, and the moment before it.
struct Named {
    row: usize,
    safe: Safe,
}

impl Timeline {
    fn row(&self, named: &Named) -> &Row {
        &self.rows[named.row]
    }
}

/// Prints what happened.
///
/// # Errors
///
/// If an argument means nothing, the index or a log cannot be read, or `out` fails.
pub fn run(
    args: &TimelineArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let Some(data_dir) = recorded::any(world, view)? else { return Ok(0) };
    let before = args.before.as_deref().map(statement).transpose()?;
    let before = match before {
        None => None,
        Some((name, n)) => Some((recorded::session(&data_dir, name)?.session, n)),
    };
    let session = args.session.as_deref().map(|name| recorded::session(&data_dir, name));
    let session = match (session.transpose()?, &before) {
        (Some(session), _) => Some(session.session),
        (None, Some((session, _))) => Some(session.clone()),
        (None, None) => None,
    };
    let filter = FilterArgs {
        client: args.client.clone(),
        tier: args.tier,
        target: args.target.clone(),
        since: args.since.clone(),
        until: args.until.clone(),
        ..FilterArgs::default()
    };
    let now = clock.now().to_zoned(view.zone.clone());
    let mut filter = filter.filter(session, &now)?;
    if filter.since.is_none() && filter.session.is_none() {
        let until = filter.until.unwrap_or(now.timestamp());
        filter.since = until.checked_sub(DEFAULT_SINCE).ok();
    }
    let store = recorded::open(&data_dir, view)?;
    let timeline = gather::timeline(&store, &filter, before, now.timestamp(), view)?;
    if timeline.rows.is_empty() {
        recorded::note(view, "Nothing happened there in that time, as far as is recorded.");
        if !args.html && !args.markdown {
            return Ok(0);
        }
    }
    let written = if args.json {
        json::write(&timeline, out)
    } else if args.markdown {
        markdown::write(&timeline, out, view)
    } else if args.html {
        html::write(&timeline, out, view)
    } else {
        text::write(&timeline, out, view)
    };
    written.map_err(recorded::write_error)?;
    Ok(0)
}

/// Reads `SESSION:N`.
fn statement(text: &str) -> Result<(&str, u64), Error> {
    let parts = text.rsplit_once(':').and_then(|(name, n)| Some((name, n.parse().ok()?)));
    parts.ok_or_else(|| {
        Error::new(Kind::Usage, format!("--before {text:?} names no statement."))
            .hint("Write the session and the statement's number, as in last:5.")
    })
}
