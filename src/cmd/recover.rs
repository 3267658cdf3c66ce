//! `nightlatch recover`: what sessions that ended badly typed and saw.

mod fit;
mod sheet;
mod write;

use std::io::Write;
use std::path::Path;

use jiff::Zoned;

use super::past::{self, End, Want};
use super::recorded;
use crate::cli::{FilterArgs, RecoverArgs};
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::record::badly::{self, Badly};
use crate::record::find::Recorded;
use crate::record::{process, tidy};
use crate::store::{Filter, Session};
use crate::ui::table::{Align, Cell, Column, Fit, Table, View};
use crate::ui::theme::Style;
use crate::ui::visible;
use crate::world::World;

const COLUMNS: &[Column] = &[
    ("SESSION", Align::Left, Fit::Keep),
    ("STARTED", Align::Left, Fit::Drop),
    ("WHAT HAPPENED", Align::Left, Fit::Last),
    ("TARGET", Align::Left, Fit::Cut),
    ("STATEMENTS", Align::Right, Fit::Last),
    ("THE LAST ONE", Align::Left, Fit::Keep),
];

/// What a list shows of a statement, even where no terminal cuts it.
const LAST_COLUMNS: usize = 200;

/// Lists sessions that ended badly, prints one, or puts statements back into a client's history.
///
/// # Errors
///
/// If an argument means nothing, a log, the index or a history file cannot be used, or `out`
/// fails.
pub fn run(
    args: &RecoverArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    if args.notice {
        return notice(world, out);
    }
    let Some(data_dir) = recorded::any(world, view)? else { return Ok(0) };
    let now = clock.now().to_zoned(view.zone.clone());
    let place = Place { world, data_dir: &data_dir, now: &now };
    let wanted = match args.session.as_deref() {
        None => None,
        Some("last") => Some(last_bad(args, &place, view)?),
        Some(name) => Some(recorded::session(&data_dir, name)?),
    };
    if args.write_history {
        let sessions = match wanted {
            Some(session) => vec![session],
            None => bad(args, &place, view)?.iter().map(log).collect(),
        };
        return write::run(args, &sessions, &place, out, view);
    }
    match wanted {
        Some(session) => {
            let past = past::read(&session, Want::Screens)?;
            if past.end == End::Running {
                recorded::note(view, "This session is still running.");
            }
            sheet::write(&past, args.json, out, view)?;
        }
        None => list(&bad(args, &place, view)?, args, &place, out, view)?,
    }
    Ok(0)
}

/// Says once which sessions ended badly; nothing where there are none, or no recordings.
fn notice(world: &World, out: &mut dyn Write) -> Result<u8, Error> {
    let Some(data_dir) = world.data_dir() else { return Ok(0) };
    let unusable = |error| {
        Error::ours(format!("The recordings in {} cannot be used.", data_dir.display()))
            .because(error)
            .hint("nightlatch doctor")
    };
    // Whoever wants something back wants all there is.
    tidy::repair_dead(&data_dir, u64::MAX).map_err(unusable)?;
    let badly = badly::take(&data_dir).map_err(unusable)?;
    let said = match badly.as_slice() {
        [] => return Ok(0),
        [one] => {
            let Badly { session, client } = one;
            format!("{client} session {session} ended badly: nightlatch recover {session}")
        }
        many => format!("{} sessions ended badly: nightlatch recover", many.len()),
    };
    writeln!(out, "nightlatch: {said}").map_err(recorded::write_error)?;
    Ok(0)
}

/// Where and when the command runs.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    world: &'a World,
    data_dir: &'a Path,
    now: &'a Zoned,
}

/// Returns the sessions that ended badly, oldest first.
fn bad(args: &RecoverArgs, place: &Place<'_>, view: &mut View<'_>) -> Result<Vec<Session>, Error> {
    let filter = FilterArgs {
        client: args.client.clone(),
        since: args.since.clone(),
        ..FilterArgs::default()
    };
    let filter = filter.filter(None, place.now)?;
    let store = recorded::open(place.data_dir, view)?;
    let sessions = store.sessions(&filter, &process::is_alive).map_err(recorded::store_error)?;
    Ok(sessions.into_iter().filter(|session| how(session).is_bad()).collect())
}

fn last_bad(args: &RecoverArgs, place: &Place<'_>, view: &mut View<'_>) -> Result<Recorded, Error> {
    bad(args, place, view)?.last().map(log).ok_or_else(|| {
        Error::new(Kind::Usage, "No session ended badly.")
            .hint("`nightlatch sessions` lists all; any of them can be named by its id.")
    })
}

fn log(session: &Session) -> Recorded {
    Recorded { session: session.session.clone(), path: session.path.clone() }
}

fn how(session: &Session) -> End {
    let status = session.exit.and_then(|exit| i32::try_from(exit).ok());
    match status {
        Some(status) => End::of_status(status),
        None if session.ended_badly => End::Lost,
        None => End::Running,
    }
}

fn list(
    sessions: &[Session],
    args: &RecoverArgs,
    place: &Place<'_>,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<(), Error> {
    if sessions.is_empty() {
        recorded::note(view, "No session ended badly.");
        return Ok(());
    }
    let store = recorded::open(place.data_dir, view)?;
    let mut table = Table::new(COLUMNS);
    for session in sessions {
        if args.json {
            serde_json::to_writer(&mut *out, session)
                .map_err(|error| recorded::write_error(error.into()))?;
            writeln!(out).map_err(recorded::write_error)?;
            continue;
        }
        let id = session.session.clone();
        let last = Filter { session: Some(id), limit: Some(1), ..Filter::default() };
        let last = store.statements(&last).map_err(recorded::store_error)?;
        table.row(vec![
            Cell::new(&session.session),
            Cell::new(&view.time(session.started)).style(Style::Faint),
            Cell::new(&how(session).words()).style(Style::Warning),
            Cell::new(session.target.as_deref().unwrap_or("?")).style(Style::Tier(session.tier)),
            Cell::new(&session.statements.to_string()),
            Cell::new(&visible::cut(last.first().map_or("", |last| &last.text), LAST_COLUMNS)),
        ]);
    }
    if !args.json {
        table.write(out, view).and_then(|()| out.flush()).map_err(recorded::write_error)?;
        recorded::note(
            view,
            "`nightlatch recover SESSION` shows one; `nightlatch recover --write-history` puts \
             what is missing back into the client's history.",
        );
    }
    Ok(())
}
