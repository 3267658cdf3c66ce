//! The timeline for a terminal: the table, and below it what to do.

use std::io::{self, Write};

use jiff::Timestamp;

use super::super::past::Fate;
use super::Timeline;
use super::gather::{Event, Row, Told};
use super::report::Report;
use super::safe::Family;
use super::time::precise;
use crate::ui::table::{Align, Cell, Fit, Table, View};
use crate::ui::theme::{Style, tier_word};
use crate::ui::visible;

/// Prints it.
pub(super) fn write(timeline: &Timeline, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let shared = Shared::of(timeline, view);
    shared.heading(timeline, out, view)?;
    let mut columns = vec![("TIME", Align::Left, Fit::Keep)];
    if !shared.is_session {
        columns.push(("SESSION", Align::Left, Fit::Drop));
    }
    columns.push(("N", Align::Right, Fit::Keep));
    if !shared.is_target {
        columns.push(("TARGET", Align::Left, Fit::Cut));
    }
    columns.extend([("WHAT", Align::Left, Fit::Cut), ("", Align::Left, Fit::Keep)]);
    let mut table = Table::new(&columns);
    for row in &timeline.rows {
        let (mut what, text) = row.words();
        if is_damage(row) {
            what.insert_str(0, "! ");
        }
        let n = row.told().map_or_else(String::new, |told| told.n.to_string());
        let time =
            if shared.is_day { time_of_day(row.at.wall, view) } else { precise(row.at.wall, view) };
        let mut cells = vec![Cell::new(&time).style(Style::Faint)];
        if !shared.is_session {
            cells.push(Cell::new(&row.session).style(Style::Faint));
        }
        cells.push(Cell::new(&n));
        if !shared.is_target {
            cells.push(Cell::new(&row.target_name()).style(Style::Tier(row.tier())));
        }
        cells.extend([Cell::new(&what).style(style(row)), Cell::new(&text)]);
        table.row(cells);
    }
    table.write(out, view)?;
    for report in timeline.reports(&timeline.open, view) {
        writeln!(out, "\n{}:", way_back(report.told))?;
        statement(&report, out)?;
    }
    match timeline.reports(&timeline.first, view).next() {
        Some(report) => moment(&report, out, view),
        None => writeln!(out, "\nNo statement here is known to have destroyed anything."),
    }
}

/// What all rows have in common, which a terminal is not asked to show with each of them.
struct Shared {
    is_day: bool,
    is_session: bool,
    is_target: bool,
}

impl Shared {
    fn of(timeline: &Timeline, view: &View<'_>) -> Self {
        let is_terminal = view.width.is_some();
        let is_one = |of: &dyn Fn(&Row) -> String| {
            let mut all = timeline.rows.iter().map(of);
            let first = all.next();
            is_terminal && first.is_some_and(|first| all.all(|other| other == first))
        };
        Self {
            is_day: is_one(&|row| day(row.at.wall, view)),
            is_session: is_one(&|row| row.session.clone()),
            is_target: is_one(&Row::target_name),
        }
    }

    fn heading(&self, timeline: &Timeline, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
        let Some(row) = timeline.rows.first() else { return Ok(()) };
        let mut words = Vec::new();
        if self.is_day {
            words.push(day(row.at.wall, view));
        }
        if self.is_target {
            let mut word = String::new();
            view.theme.paint(&mut word, Style::Tier(row.tier()), tier_word(row.tier()));
            words.push(format!("{word}  {}", visible::one_line(&row.target_name())));
        }
        if self.is_session {
            words.push(format!("session {}", row.session));
        }
        if words.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}\n", words.join("  "))
    }
}

/// Prints the last safe moment.
fn moment(report: &Report<'_>, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    writeln!(out, "\n{}", heading(report.told))?;
    statement(report, out)?;
    let mut line = String::from("\n");
    view.theme.paint(&mut line, Style::Strong, "Last safe moment");
    writeln!(out, "{line}, {}:", report.why)?;
    writeln!(out, "  UTC    {}", report.utc)?;
    writeln!(out, "  local  {}", report.local)?;
    for (what, value) in &report.values {
        writeln!(out, "\n{what}:")?;
        for line in value.lines() {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// Says what can still be done about a statement that has not taken effect.
pub(super) fn way_back(told: &Told) -> &'static str {
    match told.fate {
        Fate::Running if told.safe.family == Family::Postgres => {
            "Not over yet: Ctrl-C in that session, or pg_cancel_backend, stops it"
        }
        Fate::Running => "Not over yet: Ctrl-C in that session stops it",
        _ => "Not committed yet: ROLLBACK in that session takes it back",
    }
}

/// Says what the named statement is.
pub(super) fn heading(told: &Told) -> &'static str {
    match (told.is_destructive, told.fate) {
        (true, Fate::Ran) => "The first statement that destroyed something:",
        (true, Fate::Unknown) => "The first statement that may have destroyed something:",
        (_, Fate::Cancelled) => "The statement did not run:",
        (_, Fate::Held) => "The statement is held:",
        (_, Fate::Failed) => "The statement failed:",
        (_, Fate::RolledBack) => "The statement was rolled back:",
        (_, Fate::Ran | Fate::Unknown | Fate::Open | Fate::Running) => "The statement:",
    }
}

fn statement(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Report { row, told, at, .. } = report;
    let line = format!("  [{}:{}] {at}  ", row.session, told.n);
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

fn day(time: Timestamp, view: &View<'_>) -> String {
    time.to_zoned(view.zone.clone()).strftime("%A, %Y-%m-%d (%Z)").to_string()
}

fn time_of_day(time: Timestamp, view: &View<'_>) -> String {
    time.to_zoned(view.zone.clone()).strftime("%H:%M:%S.%3f").to_string()
}

/// Says whether it may have destroyed something.
fn is_damage(row: &Row) -> bool {
    row.told().is_some_and(|told| told.is_destructive && told.fate.may_have_run())
}

fn style(row: &Row) -> Style {
    match &row.kind {
        Event::Statement(_) if is_damage(row) => Style::Warning,
        Event::Statement(told) => match told.fate {
            Fate::Ran => Style::Plain,
            Fate::Failed | Fate::RolledBack | Fate::Open | Fate::Running | Fate::Unknown => {
                Style::Warning
            }
            Fate::Cancelled | Fate::Held => Style::Faint,
        },
        Event::Gap(_) | Event::Glass(_) => Style::Warning,
        Event::Answered { .. } => Style::Strong,
        Event::Started(_) | Event::Connected | Event::Note(_) | Event::Ended(_) => Style::Faint,
    }
}
