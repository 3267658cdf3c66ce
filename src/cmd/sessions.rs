//! `nightlatch sessions`: recorded sessions, newest last.

use std::io::Write;

use super::recorded;
use crate::cli::SessionsArgs;
use crate::clock::Clock;
use crate::error::Error;
use crate::record::{find, process};
use crate::store::Session;
use crate::ui::table::{Align, Cell, Column, Fit, Table, View};
use crate::ui::theme::Style;
use crate::world::World;

const COLUMNS: &[Column] = &[
    ("SESSION", Align::Left, Fit::Keep),
    ("STARTED", Align::Left, Fit::Last),
    ("ENDED", Align::Left, Fit::Drop),
    ("TARGET", Align::Left, Fit::Cut),
    ("STATEMENTS", Align::Right, Fit::Drop),
    ("HELD", Align::Right, Fit::Drop),
    ("GAPS", Align::Right, Fit::Last),
    ("COMMAND", Align::Left, Fit::Keep),
];

/// Prints the sessions that are asked for; where there is none, as `history` does.
///
/// # Errors
///
/// If an argument means nothing, the index cannot be used or `out` fails.
pub fn run(
    args: &SessionsArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let Some(data_dir) = recorded::any(world, view)? else { return Ok(0) };
    let session = args.filter.session.as_deref();
    let session = session.map(|name| recorded::session(&data_dir, name)).transpose()?;
    let now = clock.now().to_zoned(view.zone.clone());
    let filter = args.filter.filter(session.map(|found| found.session), &now)?;
    let store = recorded::open(&data_dir, view)?;
    let mut sessions =
        store.sessions(&filter, &process::is_alive).map_err(recorded::store_error)?;
    if sessions.is_empty() {
        recorded::note(view, "No session matches.");
    } else if args.json {
        for session in &mut sessions {
            session.path = find::place(&session.path);
            serde_json::to_writer(&mut *out, &*session)
                .map_err(|error| recorded::write_error(error.into()))?;
            writeln!(out).map_err(recorded::write_error)?;
        }
    } else {
        table(&sessions, view).write(out, view).map_err(recorded::write_error)?;
    }
    Ok(0)
}

fn table(sessions: &[Session], view: &View<'_>) -> Table {
    let mut table = Table::new(COLUMNS);
    let count = |count: u64, style| {
        let cell = Cell::new(&count.to_string());
        if count == 0 { cell.style(Style::Faint) } else { cell.style(style) }
    };
    for session in sessions {
        table.row(vec![
            Cell::new(&session.session),
            Cell::new(&view.time(session.started)).style(Style::Faint),
            ended(session),
            Cell::new(session.target.as_deref().unwrap_or("?")).style(Style::Tier(session.tier)),
            count(session.statements, Style::Plain),
            count(session.held, Style::Strong),
            count(session.gaps, Style::Warning),
            Cell::new(&session.argv.join(" ")),
        ]);
    }
    table
}

/// Says how a session ended and how long it took.
fn ended(session: &Session) -> Cell {
    let Some(ended) = session.ended else {
        return Cell::new("running").style(Style::Strong);
    };
    let seconds = ended.duration_since(session.started).as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let took = match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min"),
        (..) => format!("{hours} h {minutes:02} min"),
    };
    match session.exit {
        None => Cell::new(&format!("lost after {took}")).style(Style::Warning),
        Some(0) => Cell::new(&format!("after {took}")),
        Some(exit) => Cell::new(&format!("status {exit}, {took}")).style(Style::Strong),
    }
}
