//! `nightlatch show`: what a session looked like, as plain text.

use std::io::Write;

use super::recorded;
use crate::cli::ShowArgs;
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::record::find::Recorded;
use crate::record::page::Page;
use crate::record::{Answer, Event, Log, Marker, ReadError, Reader};
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
    let data_dir = recorded::data_dir(world)?;
    let found = recorded::session(&data_dir, &args.session)?;
    let (start, reader) = Reader::open(&found.path).map_err(recorded::read_error)?;
    let (cols, rows) = (start.header.cols, start.header.rows);
    let mut events = Events { reader, found };
    match args.statement {
        None => scrollback(&mut events, Page::new(cols, rows, out), view)?,
        Some(n) => statement(n, &mut events, (cols, rows), out, view)?,
    }
    Ok(0)
}

/// The events of one log.
struct Events {
    reader: Reader<Log>,
    found: Recorded,
}

impl Events {
    fn next(&mut self) -> Result<Option<Event>, Error> {
        let path = &self.found.path;
        self.reader
            .next()
            .map_err(|source| recorded::read_error(ReadError::Io { path: path.clone(), source }))
    }
}

/// Prints everything, with a line where something was not recorded.
fn scrollback(events: &mut Events, mut page: Page<'_>, view: &mut View<'_>) -> Result<(), Error> {
    while let Some(event) = events.next()? {
        show(&event, &mut page, view)?;
    }
    page.end().map_err(recorded::write_error)
}

/// Prints one statement, its output up to its outcome or the next statement, and how it ended.
fn statement(
    wanted: u64,
    events: &mut Events,
    (mut cols, mut rows): (u16, u16),
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<(), Error> {
    let head = loop {
        match events.next()? {
            None => return Err(no_statement(wanted, &events.found.session)),
            Some(Event::Resize { cols: new_cols, rows: new_rows }) => {
                (cols, rows) = (new_cols, new_rows);
            }
            Some(Event::Marker(marker)) => {
                if let Marker::Statement { n, time, text, target, verdict, .. } = *marker
                    && n == wanted
                {
                    let (time, target) = (view.time(time), describe(&target));
                    let text = table::lines(text.trim_end());
                    break format!("Statement {n}, {time}, {target}, {verdict}:\n{text}\n\n");
                }
            }
            Some(_) => {}
        }
    };
    out.write_all(head.as_bytes()).map_err(recorded::write_error)?;
    let mut page = Page::new(cols, rows, out);
    let mut ends = Vec::new();
    while let Some(event) = events.next()? {
        if let Event::Marker(marker) = &event {
            match &**marker {
                Marker::Answer { n, answer, reason, .. } if *n == wanted => {
                    ends.push(describe_answer(*answer, reason.as_deref()));
                }
                Marker::Outcome { n, rows, duration_ms, error } if *n == wanted => {
                    ends.extend(
                        rows.map(|rows| {
                            format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
                        }),
                    );
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
        show(&event, &mut page, view)?;
    }
    page.end().map_err(recorded::write_error)?;
    if !ends.is_empty() {
        writeln!(out, "\n{}", ends.join(", ")).map_err(recorded::write_error)?;
    }
    Ok(())
}

/// Shows one event: output as it was, a gap as a line of its own.
fn show(event: &Event, page: &mut Page<'_>, view: &mut View<'_>) -> Result<(), Error> {
    let gap = match event {
        Event::Marker(marker) => match &**marker {
            Marker::Gap { what, bytes, why } => {
                let bytes = bytes.map_or(String::new(), |bytes| format!("{bytes} bytes of "));
                Some(format!("{bytes}{what} not recorded: {why}"))
            }
            Marker::Statement { .. }
            | Marker::Answer { .. }
            | Marker::Outcome { .. }
            | Marker::Target { .. }
            | Marker::Note { .. } => None,
        },
        Event::Broken { bytes } => Some(format!("{bytes} bytes of the log cannot be read")),
        Event::Torn { .. } => {
            recorded::note(
                view,
                "The log stops within an event: it is being written, or was lost.",
            );
            None
        }
        Event::Output(_) | Event::Resize { .. } | Event::Exit(_) | Event::Other(_) => None,
    };
    match gap {
        Some(gap) => page.note(&visible::one_line(&gap)),
        None => page.event(event),
    }
    .map_err(recorded::write_error)
}

fn no_statement(n: u64, session: &str) -> Error {
    Error::new(Kind::Usage, format!("Session {session} has no statement {n}."))
        .hint(format!("`nightlatch history --session {session}` lists what it has."))
}

fn describe(target: &Target) -> String {
    let name = target.name.clone().unwrap_or_else(|| target.address.to_string());
    format!("{} ({})", visible::one_line(&name), target.tier)
}

fn describe_answer(answer: Answer, reason: Option<&str>) -> String {
    let answer = match answer {
        Answer::Released => "released",
        Answer::Cancelled => "cancelled",
    };
    match reason {
        Some(reason) => format!("{answer} ({})", visible::one_line(reason)),
        None => answer.to_owned(),
    }
}
