//! `nightlatch show`: what a session looked like, as plain text.

use std::io::Write;

use super::log::{self, Log};
use super::recorded;
use crate::cli::ShowArgs;
use crate::clock::Clock;
use crate::error::Error;
use crate::record::{Answer, Event, Marker};
use crate::render::{Bytes, FullScreens, Item, Scrollback, Sink, Text};
use crate::target::Target;
use crate::ui::table::{self, View};
use crate::ui::visible;
use crate::world::World;

/// Prints the scrollback of a session, or one statement with its output.
///
/// # Errors
///
/// If there is no such session or statement, the log cannot be read or `out` fails.
pub fn run(
    args: &ShowArgs,
    world: &World,
    _clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let mut log = Log::open(&recorded::data_dir(world)?, &args.session)?;
    let full_screens = if args.full_screen { FullScreens::Shown } else { FullScreens::Folded };
    match args.statement {
        None => scrollback(&mut log, out, (Bytes::Shown, full_screens), view)?,
        Some(n) => statement(n, &mut log, out, view)?,
    }
    Ok(0)
}

/// Prints everything, with a line where something was not recorded.
pub(super) fn scrollback(
    log: &mut Log,
    out: &mut dyn Write,
    (bytes, full_screens): (Bytes, FullScreens),
    view: &mut View<'_>,
) -> Result<(), Error> {
    let (cols, rows) = (log.start.header.cols, log.start.header.rows);
    let mut page = Scrollback::new(cols, rows, Text::new(out, bytes, full_screens));
    while let Some(event) = log.next()? {
        show(&event, log, &mut page, view)?;
    }
    page.end(log.time()).map_err(recorded::write_error)?;
    Ok(())
}

/// Prints one statement, its output up to its outcome or the next statement, and how it ended.
fn statement(
    wanted: u64,
    log: &mut Log,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<(), Error> {
    let (mut cols, mut rows) = (log.start.header.cols, log.start.header.rows);
    let head = loop {
        match log.next_but_output()? {
            None => return Err(recorded::no_statement(wanted, log.session())),
            Some(Event::Resize { cols: new_cols, rows: new_rows }) => {
                (cols, rows) = (new_cols, new_rows);
            }
            Some(Event::Marker(marker)) => {
                if let Marker::Statement { n, time, text, target, verdict, .. } = *marker
                    && n == wanted
                {
                    let (time, target) = (view.time_and_zone(time), describe(&target));
                    let text = table::lines(text.trim_end());
                    break format!("Statement {n}, {time}, {target}, {verdict}:\n{text}\n\n");
                }
            }
            Some(_) => {}
        }
    };
    out.write_all(head.as_bytes()).map_err(recorded::write_error)?;
    // A result that went through a pager is nowhere else.
    let text = Text::new(&mut *out, Bytes::Shown, FullScreens::Shown);
    let mut page = Scrollback::new(cols, rows, text);
    let mut ends = Vec::new();
    while let Some(event) = log.next()? {
        if let Event::Marker(marker) = &event {
            match &**marker {
                Marker::Answer { n, answer, reason, .. } if *n == wanted => {
                    ends.push(describe_answer(*answer, reason.as_deref()));
                    if *answer == Answer::Cancelled {
                        // What comes now belongs to whatever is typed next.
                        break;
                    }
                }
                Marker::Outcome { n, rows, duration_ms, error, .. } if *n == wanted => {
                    ends.extend(rows.map(table::rows));
                    ends.extend(duration_ms.map(|duration| format!("{duration} ms")));
                    ends.extend(
                        error.as_ref().map(|error| format!("error {}", visible::one_line(error))),
                    );
                    break;
                }
                Marker::Statement { .. } => break,
                Marker::Answer { .. }
                | Marker::Outcome { .. }
                | Marker::Target { .. }
                | Marker::Gap { .. }
                | Marker::Note { .. } => {}
            }
        }
        show(&event, log, &mut page, view)?;
    }
    page.end(log.time()).map_err(recorded::write_error)?;
    if !ends.is_empty() {
        writeln!(out, "\n{}", ends.join(", ")).map_err(recorded::write_error)?;
    }
    Ok(())
}

/// Shows one event: output as it was, a gap as a line of its own.
fn show<S: Sink>(
    event: &Event,
    log: &Log,
    page: &mut Scrollback<S>,
    view: &mut View<'_>,
) -> Result<(), Error> {
    if let Some(missing) = log::missing(event) {
        page.item(Item::Note(missing));
    }
    if matches!(event, Event::Torn { .. }) {
        recorded::note(view, log::TORN);
    }
    page.event(event, log.time()).map_err(recorded::write_error)
}

fn describe(target: &Target) -> String {
    format!("{} ({})", visible::one_line(&target.label()), target.tier)
}

fn describe_answer(answer: Answer, reason: Option<&str>) -> String {
    let answer = answer.word();
    match reason {
        Some(reason) => format!("{answer} ({})", visible::one_line(reason)),
        None => answer.to_owned(),
    }
}
