//! `nightlatch history`: recorded statements, newest last.

use std::io::Write;

use super::recorded;
use crate::cli::HistoryArgs;
use crate::clock::Clock;
use crate::error::Error;
use crate::record::imported;
use crate::store::Statement;
use crate::ui::table::{Align, Cell, Column, Fit, Table, View};
use crate::ui::theme::Style;
use crate::world::World;

const COLUMNS: &[Column] = &[
    ("TIME", Align::Left, Fit::Keep),
    ("SESSION", Align::Left, Fit::Keep),
    ("N", Align::Right, Fit::Keep),
    ("TARGET", Align::Left, Fit::Cut),
    ("VERDICT", Align::Left, Fit::Keep),
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
    let data_dir = recorded::data_dir(world)?;
    if recorded::is_empty(&data_dir, view)? {
        return Ok(0);
    }
    let session = args.filter.session.as_deref();
    let session = session.map(|name| recorded::session(&data_dir, name)).transpose()?;
    let now = clock.now().to_zoned(view.zone.clone());
    let mut filter = args.filter.filter(session.map(|found| found.session), &now)?;
    filter.words =
        args.query.iter().flat_map(|words| words.split_whitespace()).map(str::to_owned).collect();
    let store = recorded::open(&data_dir, view)?;
    let statements = store.statements(&filter).map_err(recorded::store_error)?;
    if statements.is_empty() {
        recorded::note(view, "No statement matches.");
    } else if args.json {
        for statement in &statements {
            serde_json::to_writer(&mut *out, statement)
                .map_err(|error| recorded::write_error(error.into()))?;
            writeln!(out).map_err(recorded::write_error)?;
        }
    } else {
        table(&statements, view).write(out, view).map_err(recorded::write_error)?;
    }
    Ok(0)
}

/// Of what was imported nobody may know the time.
fn time(statement: &Statement, view: &View<'_>) -> String {
    imported::known(statement.time).map_or_else(|| "imported".to_owned(), |time| view.time(time))
}

fn table(statements: &[Statement], view: &View<'_>) -> Table {
    let mut table = Table::new(COLUMNS);
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
            Cell::new(&time(statement, view)).style(Style::Faint),
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
