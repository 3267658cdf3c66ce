//! `nightlatch history`: recorded statements, newest last.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::{Timestamp, Zoned};

use super::recorded::{self, Kept};
use crate::cli::HistoryArgs;
use crate::clock::Clock;
use crate::error::Error;
use crate::record::imported;
use crate::search::{self, Ended, Ending, Search};
use crate::store::{Filter, Statement, Store, Terms};
use crate::ui::table::{self, Align, Cell, Column, Fit, Table, View};
use crate::ui::theme::{Style, Theme};
use crate::world::World;

/// Below so many columns, times are short.
const NARROW: usize = 100;

/// The status where the statement that is printed is to be edited.
const EDIT_STATUS: u8 = 10;

/// The status where the person gave up, as of a program that Ctrl-C ended.
const CANCEL_STATUS: u8 = 130;

const COLUMNS: &[Column] = &[
    ("TIME", Align::Left, Fit::Last),
    ("SESSION", Align::Left, Fit::Last),
    ("N", Align::Right, Fit::Last),
    ("TARGET", Align::Left, Fit::Cut),
    ("VERDICT", Align::Left, Fit::Last),
    ("ROWS", Align::Right, Fit::Drop),
    ("STATEMENT", Align::Left, Fit::Keep),
];

/// Prints the statements that are asked for.
///
/// Where there is none it prints nothing, as `git log` does, and says so among the notes; the
/// status is 0.
///
/// # Errors
///
/// If an argument means nothing, the index cannot be used or `out` fails.
pub fn run(
    args: &HistoryArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let Some(data_dir) = recorded::any(world, view)? else {
        // A script that asked for one statement has none.
        return Ok(u8::from(args.interactive));
    };
    let session = args.filter.session.as_deref();
    let session = session.map(|name| recorded::session(&data_dir, name)).transpose()?;
    let now = clock.now().to_zoned(view.zone.clone());
    let mut filter = args.filter.filter(session.map(|found| found.session), &now)?;
    filter.terms = Terms::new(&args.query.join(" "));
    filter.is_in_output = args.output;
    if args.interactive {
        return search(&data_dir, args, filter, (world, clock), out, view);
    }
    let store = recorded::open(&data_dir, view)?;
    let is_none = if args.json {
        json(&store, &filter, out)? == 0
    } else {
        let statements = store.statements(&filter).map_err(recorded::store_error)?;
        if !statements.is_empty() {
            table(&statements, &now, view).write(out, view).map_err(recorded::write_error)?;
        }
        statements.is_empty()
    };
    if is_none {
        recorded::note(view, "No statement matches.");
    }
    Ok(0)
}

/// Of what was imported nobody may know the time.
fn time(statement: &Statement, short_at: Option<&Zoned>, view: &View<'_>) -> String {
    imported::known(statement.time)
        .map_or_else(|| "imported".to_owned(), |time| when(time, short_at, view))
}

/// Prints one object per line as they are found; returns how many.
fn json(store: &Store, filter: &Filter, out: &mut dyn Write) -> Result<usize, Error> {
    let mut count = 0;
    let mut wrote = Ok(());
    let visited = store.visit_oldest(filter, &mut |statement| {
        count += 1;
        wrote = serde_json::to_writer(&mut *out, &statement)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out));
        if wrote.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    visited.map_err(recorded::store_error)?;
    wrote.map_err(recorded::write_error)?;
    Ok(count)
}

/// Lets a person search, and prints what they take.
///
/// The status is 0, or 10 where it is to be edited first; 130 where nothing was taken.
fn search(
    data_dir: &Path,
    args: &HistoryArgs,
    filter: Filter,
    (world, clock): (&World, &Clock),
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    if world.var("TERM") == Some("dumb") {
        return Err(no_screen("TERM is dumb"));
    }
    let (store, kept) = recorded::open_for_search(data_dir, view)?;
    let ended = search::run(Search {
        store,
        update: (kept == Kept::Writable).then(|| data_dir.to_owned()),
        typed: args.query.join(" "),
        filter,
        here: world.var("NIGHTLATCH_SESSION").map(str::to_owned),
        theme: Theme::new(super::may_colour(world)),
        zone: view.zone.clone(),
        clock: *clock,
    });
    match ended.map_err(|error| no_screen(&error.to_string()))? {
        Ended::Taken(statement, ending) => {
            // A terminal must not be told anything by a statement; a script wants it as it is.
            let text = match view.width {
                Some(_) => table::lines(&statement.text),
                None => statement.text,
            };
            writeln!(out, "{text}").map_err(recorded::write_error)?;
            Ok(match ending {
                Ending::Accepted => 0,
                Ending::Edited => EDIT_STATUS,
            })
        }
        Ended::Cancelled => Ok(CANCEL_STATUS),
        Ended::Signal(number) => Ok(u8::try_from(128 + number).unwrap_or(u8::MAX)),
    }
}

fn no_screen(why: &str) -> Error {
    Error::ours("The interactive search needs a terminal.")
        .hint("Without one: nightlatch history WORDS")
        .because(why.to_owned())
}

fn table(statements: &[Statement], now: &Zoned, view: &View<'_>) -> Table {
    let mut table = Table::new(COLUMNS);
    let is_narrow = view.width.is_some_and(|width| width < NARROW);
    for statement in statements {
        // An answer says that there was a hold.
        let verdict = statement.answer.as_ref().unwrap_or(&statement.verdict);
        let is_mild = statement.verdict == "allow";
        let rows = match (&statement.error, statement.rows) {
            (Some(error), _) => Cell::new(&format!("error {error}")).style(Style::Warning),
            (None, Some(rows)) => Cell::new(&rows.to_string()),
            (None, None) => Cell::default(),
        };
        table.row(vec![
            Cell::new(&time(statement, is_narrow.then_some(now), view)).style(Style::Faint),
            Cell::new(&statement.session).style(Style::Faint),
            Cell::new(&statement.n.to_string()),
            Cell::new(&statement.target).style(Style::Tier(statement.tier)),
            Cell::new(verdict).style(if is_mild { Style::Faint } else { Style::Strong }),
            rows,
            Cell::new(&statement.text),
        ]);
    }
    table
}

/// A time as a person reads it; where room is short, so much of it as differs from now.
fn when(time: Timestamp, short_at: Option<&Zoned>, view: &View<'_>) -> String {
    let Some(now) = short_at else {
        return view.time(time);
    };
    let time = time.to_zoned(view.zone.clone());
    let format = if time.date() == now.date() {
        "%H:%M:%S"
    } else if time.year() == now.year() {
        "%m-%d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    time.strftime(format).to_string()
}
