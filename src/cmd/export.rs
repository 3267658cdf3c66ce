//! `nightlatch export`: a session as a file that other programs read.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;

use super::log::{self, Log};
use super::new_file::{Existing, NewFile};
use super::{recorded, show};
use crate::cli::{ExportArgs, Format};
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::os::random;
use crate::record::{Event, process};
use crate::render::html::About;
use crate::render::{Bytes, Cast, FullScreens, Html, Item, Scrollback, Told};
use crate::store::{Place, Statement};
use crate::ui::table::View;
use crate::world::World;

/// Sessions of more lines than this are slow to open in a browser.
const MANY_LINES: u64 = 500_000;

/// Writes a session in one of the formats, to a file or to `out`.
///
/// # Errors
///
/// If there is no such session, its log cannot be read, or the file is there already or cannot be
/// written.
pub fn run(
    args: &ExportArgs,
    world: &World,
    _clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let format = format(args)?;
    let mut log = Log::open(&recorded::data_dir(world)?, &args.session)?;
    if args.output == Path::new("-") {
        return write(format, args, &mut log, out, view).map(|()| 0);
    }
    let existing = if args.force { Existing::Replaced } else { Existing::Kept };
    // Nothing half written stays behind.
    log.stop_at_signals()?;
    let mut file = NewFile::start(&args.output, existing)?;
    write(format, args, &mut log, &mut file, view)?;
    if let Some(caught) = log.stopped() {
        return Ok(u8::try_from(128 + caught.number()).unwrap_or(u8::MAX));
    }
    file.keep()?;
    recorded::note(view, &format!("Written: {}", args.output.display()));
    Ok(0)
}

/// Returns the format that is asked for, or that the file's name means.
fn format(args: &ExportArgs) -> Result<Format, Error> {
    let by_name = || match args.output.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "cast" => Some(Format::Cast),
        "txt" => Some(Format::Txt),
        "jsonl" => Some(Format::Jsonl),
        "html" | "htm" => Some(Format::Html),
        _ => None,
    };
    args.format.or_else(by_name).ok_or_else(|| {
        Error::new(Kind::Usage, "Which format is wanted?")
            .hint("Say --format cast, txt, jsonl or html, or name the file so: -o session.html")
    })
}

fn write(
    format: Format,
    args: &ExportArgs,
    log: &mut Log,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<(), Error> {
    match format {
        Format::Cast => cast(log, out, view),
        Format::Txt => {
            let full_screens =
                if args.full_screen { FullScreens::Shown } else { FullScreens::Folded };
            show::scrollback(log, out, (Bytes::Exact, full_screens), view)
        }
        Format::Jsonl => jsonl(log, out, view),
        Format::Html => html(log, out, view),
    }?;
    out.flush().map_err(recorded::write_error)
}

fn cast(log: &mut Log, out: &mut dyn Write, view: &mut View<'_>) -> Result<(), Error> {
    let mut cast = Cast::new(out, &log.start).map_err(recorded::write_error)?;
    while let Some(event) = log.next()? {
        remark(&event, view);
        cast.event(&event, log.time()).map_err(recorded::write_error)?;
    }
    Ok(())
}

fn jsonl(log: &mut Log, out: &mut dyn Write, view: &mut View<'_>) -> Result<(), Error> {
    let outline = log.outline(&mut |event| remark(event, view))?;
    for told in outline.statements {
        let line = statement(told, log);
        serde_json::to_writer(&mut *out, &line)
            .map_err(|error| recorded::write_error(error.into()))?;
        writeln!(out).map_err(recorded::write_error)?;
    }
    Ok(())
}

/// Returns a statement as `history --json` has it.
fn statement(told: Told, log: &Log) -> Statement {
    let (answer, reason) = told
        .answer
        .map_or((None, None), |(answer, reason)| (Some(answer.word().to_owned()), reason));
    Statement {
        // None of these is written.
        id: 0,
        moment: told.time,
        place: Place::default(),
        session: log.session().to_owned(),
        n: told.n,
        // As fine as the index keeps it.
        time: Timestamp::from_microsecond(told.time.as_microsecond()).unwrap_or(told.time),
        client: log.start.header.client.clone(),
        tier: told.target.tier,
        target: told.target.label(),
        text: told.text,
        source: told.source.word().to_owned(),
        verdict: told.verdict,
        rule: told.rule,
        answer,
        reason,
        rows: told.rows,
        duration_ms: told.duration_ms,
        error: told.error,
    }
}

fn html(log: &mut Log, out: &mut dyn Write, view: &mut View<'_>) -> Result<(), Error> {
    let outline = log.again()?.outline(&mut |_| {})?;
    let start = log.start.clone();
    let nonce = random::token();
    let header = &start.header;
    let is_running = outline.exit.is_none() && process::is_alive(header.pid, header.pid_started);
    let zone = view.zone.clone();
    let about = About { start: &start, outline: &outline, is_running, zone, nonce: &nonce };
    let html = Html::new(out, about).map_err(recorded::write_error)?;
    let mut page = Scrollback::new(header.cols, header.rows, html);
    while let Some(event) = log.next()? {
        remark(&event, view);
        if let Some(n) = log::statement(&event) {
            page.item(Item::Statement(n));
        }
        if let Some(missing) = log::missing(&event) {
            page.item(Item::Note(missing));
        }
        page.event(&event, log.time()).map_err(recorded::write_error)?;
    }
    let html = page.end(log.time()).map_err(recorded::write_error)?;
    if html.lines() > MANY_LINES {
        let text = format!("{} lines are many for a browser; txt opens at once.", html.lines());
        recorded::note(view, &text);
    }
    html.end().map_err(recorded::write_error)?;
    Ok(())
}

fn remark(event: &Event, view: &mut View<'_>) {
    if matches!(event, Event::Torn { .. }) {
        recorded::note(view, log::TORN);
    }
}
