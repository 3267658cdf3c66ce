//! The timeline for a terminal: the table, and below it what to do.

use std::io::{self, Write};

use jiff::Timestamp;

use super::super::past::Fate;
use super::gather::{Event, Row, Told};
use super::{Named, Timeline};
use crate::ui::table::{Align, Cell, Column, Fit, Table, View};
use crate::ui::theme::Style;
use crate::ui::visible;

const COLUMNS: &[Column] = &[
    ("TIME", Align::Left, Fit::Keep),
    ("SESSION", Align::Left, Fit::Drop),
    ("N", Align::Right, Fit::Keep),
    ("TARGET", Align::Left, Fit::Cut),
    ("WHAT", Align::Left, Fit::Cut),
    ("", Align::Left, Fit::Keep),
];

/// Prints it.
pub(super) fn write(timeline: &Timeline, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let mut table = Table::new(COLUMNS);
    for row in &timeline.rows {
        let (what, text) = row.words();
        let n = row.told().map_or_else(String::new, |told| told.n.to_string());
        table.row(vec![
            Cell::new(&precise(row.at, view)).style(Style::Faint),
            Cell::new(&row.session).style(Style::Faint),
            Cell::new(&n),
            Cell::new(&row.target_name()).style(Style::Tier(row.tier())),
            Cell::new(&what).style(style(row)),
            Cell::new(&text),
        ]);
    }
    table.write(out, view)?;
    for named in &timeline.open {
        let row = timeline.row(named);
        writeln!(out, "\nNot committed yet, so ROLLBACK in that session takes it back:")?;
        statement(row, out, view)?;
    }
    match &timeline.first {
        Some(first) => moment(timeline, first, out, view),
        None => writeln!(out, "\nNo statement here is known to have destroyed anything."),
    }
}

/// Prints the last safe moment.
fn moment(
    timeline: &Timeline,
    first: &Named,
    out: &mut dyn Write,
    view: &View<'_>,
) -> io::Result<()> {
    let (row, safe) = (timeline.row(first), &first.safe);
    let Some(told) = row.told() else { return Ok(()) };
    writeln!(out, "\n{}", heading(told))?;
    statement(row, out, view)?;
    let mut line = String::from("\n");
    view.theme.paint(&mut line, Style::Strong, "Last safe moment");
    writeln!(out, "{line}, {}:", safe.why())?;
    writeln!(out, "  UTC    {}", safe.recovery_target_time())?;
    writeln!(out, "  local  {}", local(safe.moment, view))?;
    for (what, value) in safe.values(&row.client, told.removes_files) {
        writeln!(out, "\n{what}:")?;
        for line in value.lines() {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// Says what the named statement is.
pub(super) fn heading(told: &Told) -> &'static str {
    match (told.is_destructive, told.fate) {
        (true, Fate::Ran) => "The first statement that destroyed something:",
        (true, Fate::Unknown) => "The first statement that may have destroyed something:",
        (_, Fate::Cancelled) => "The statement did not run:",
        (_, Fate::Failed) => "The statement failed:",
        (_, Fate::RolledBack) => "The statement was rolled back:",
        (_, Fate::Ran | Fate::Unknown | Fate::Open) => "The statement:",
    }
}

fn statement(row: &Row, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let Some(told) = row.told() else { return Ok(()) };
    let line = format!("  [{}:{}] {}  ", row.session, told.n, precise(row.at, view));
    writeln!(
        out,
        "{line}{}  {}",
        visible::one_line(&row.target_name()),
        visible::one_line(&told.end)
    )?;
    for line in told.text.trim_end().lines() {
        writeln!(out, "  {}", visible::one_line(line))?;
    }
    Ok(())
}

/// A time to the millisecond.
pub(super) fn precise(time: Timestamp, view: &View<'_>) -> String {
    time.to_zoned(view.zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// A time with all that tells which one it is.
pub(super) fn local(time: Timestamp, view: &View<'_>) -> String {
    time.to_zoned(view.zone.clone()).strftime("%Y-%m-%d %H:%M:%S.%6f%:z (%A, %Z)").to_string()
}

fn style(row: &Row) -> Style {
    match &row.kind {
        Event::Statement(told) if told.is_destructive && told.fate.may_have_run() => Style::Warning,
        Event::Statement(told) => match told.fate {
            Fate::Ran => Style::Plain,
            Fate::Failed | Fate::RolledBack | Fate::Open | Fate::Unknown => Style::Warning,
            Fate::Cancelled => Style::Faint,
        },
        Event::Gap(_) => Style::Warning,
        Event::Answered { .. } => Style::Strong,
        Event::Started(_) | Event::Connected | Event::Note(_) | Event::Ended(_) => Style::Faint,
    }
}
