//! `nightlatch prune`: removes recordings that are too old or too many; and the hidden command
//! that does so, and what else is left to do, in the background.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::recorded;
use crate::cli::PruneArgs;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::error::Error;
use crate::os::background;
use crate::record::prune::{self, Amount, Care, Limits, Plan, Removal, Why};
use crate::record::tidy;
use crate::ui::table::{Align, Cell, Column, Fit, Table, View};
use crate::ui::theme::Style;
use crate::world::World;

/// The hidden first argument that makes nightlatch tidy up a data folder.
pub const TIDY: &str = "__tidy";

const COLUMNS: &[Column] = &[
    ("SESSION", Align::Left, Fit::Keep),
    ("LAST EVENT", Align::Left, Fit::Keep),
    ("SIZE", Align::Right, Fit::Keep),
    ("WHY", Align::Left, Fit::Keep),
];

/// One session that goes, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    session: &'a str,
    path: &'a Path,
    bytes: u64,
    last: jiff::Timestamp,
    reason: String,
    ended_badly: bool,
    removed: bool,
}

/// Removes what the limits say, or says what it would remove.
///
/// # Errors
///
/// If the folder cannot be read, a session cannot be removed or `out` fails.
pub fn run(
    args: &PruneArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let Some(data_dir) = recorded::any(world, view)? else { return Ok(0) };
    let loaded = config::load(world);
    if !loaded.errors.is_empty() {
        return Err(Error::ours("Nothing is removed: the configuration has mistakes.")
            .hint("A limit may be among them: nightlatch config check"));
    }
    let limits = limits(&loaded.config);
    let all = prune::survey(&data_dir).map_err(|error| recorded::not_found(&error))?;
    let plan = prune::plan(&all, limits, clock.now(), Care::Told, &prune::end);
    let mut removed = Vec::new();
    let mut failed = None;
    for removal in &plan.removals {
        match args.dry_run {
            true => removed.push(false),
            false => match prune::remove(&data_dir, &removal.lying) {
                Ok(is_gone) => removed.push(is_gone),
                Err(error) => {
                    removed.push(false);
                    failed = failed.or(Some((removal.lying.folder.clone(), error)));
                }
            },
        }
    }
    if args.json {
        for (removal, &removed) in plan.removals.iter().zip(&removed) {
            serde_json::to_writer(&mut *out, &line(removal, removed, limits))
                .map_err(|error| recorded::write_error(error.into()))?;
            writeln!(out).map_err(recorded::write_error)?;
        }
    } else {
        if !plan.removals.is_empty() {
            table(&plan, limits, view).write(out, view).map_err(recorded::write_error)?;
        }
        writeln!(out, "{}", summary(&plan, args.dry_run)).map_err(recorded::write_error)?;
    }
    match failed {
        None => Ok(0),
        Some((folder, error)) => {
            Err(Error::ours(format!("{} could not be removed.", folder.display()))
                .because(error)
                .hint("Remove it yourself, or make it yours and try again."))
        }
    }
}

fn line(removal: &Removal, removed: bool, limits: Limits) -> Line<'_> {
    Line {
        session: &removal.lying.session,
        path: &removal.lying.folder,
        bytes: removal.lying.bytes,
        last: removal.lying.last,
        reason: reason(removal, limits),
        ended_badly: removal.ended_badly,
        removed,
    }
}

fn table(plan: &Plan, limits: Limits, view: &View<'_>) -> Table {
    let mut table = Table::new(COLUMNS);
    for removal in &plan.removals {
        let mut why = reason(removal, limits);
        if removal.ended_badly {
            why.push_str("; it ended badly");
        }
        table.row(vec![
            Cell::new(&removal.lying.session),
            Cell::new(&view.time(removal.lying.last)).style(Style::Faint),
            Cell::new(&size(removal.lying.bytes)),
            Cell::new(&why).style(if removal.ended_badly { Style::Warning } else { Style::Plain }),
        ]);
    }
    table
}

fn reason(removal: &Removal, limits: Limits) -> String {
    let most = || size(limits.max_total_bytes);
    match removal.why {
        Why::Old { days } => {
            format!("{days} days old, kept for {}", limits.keep_days)
        }
        Why::TooMuch if removal.lying.is_imported() => {
            format!("it can be imported again, and all take more than {}", most())
        }
        Why::TooMuch => format!("the oldest, and all take more than {}", most()),
    }
}

fn summary(plan: &Plan, is_dry: bool) -> String {
    let gone = plan.removed();
    let stays = amount(plan.before.without(gone));
    if plan.removals.is_empty() {
        return format!("Nothing to remove: {stays}.");
    }
    let verb = if is_dry { "Would remove" } else { "Removed" };
    let mut text = format!("{verb} {}. What stays: {stays}.", amount(gone));
    if is_dry && plan.removals.iter().any(|removal| removal.ended_badly) {
        text.push_str(
            "\nSome ended badly: look at them before they go, with nightlatch show SESSION.",
        );
    }
    text
}

/// Says what there is, as `2 sessions and 1 imported history, 1.2 GB`.
pub(super) fn amount(amount: Amount) -> String {
    let sessions = (amount.sessions, "session", "sessions");
    let imports = (amount.imports, "imported history", "imported histories");
    let counts: Vec<String> = [sessions, imports]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, more)| format!("{count} {}", if count == 1 { one } else { more }))
        .collect();
    let counts = if counts.is_empty() { "0 sessions".to_owned() } else { counts.join(" and ") };
    format!("{counts}, {}", size(amount.bytes))
}

/// Writes a size for a person.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

/// Returns what the configuration says recordings may take.
fn limits(config: &Config) -> Limits {
    Limits {
        max_total_bytes: config.record.max_total_bytes,
        max_session_bytes: config.record.max_session_bytes,
        keep_days: config.record.keep_days,
    }
}

/// At a session's start: sees to what was killed before, in the background.
pub fn tidy_before(data_dir: &Path, clock: &Clock) {
    if tidy::is_due(data_dir, clock.now()) {
        start(data_dir);
    }
}

/// At a session's end: packs it, in the background if that takes time.
pub fn tidy_after(data_dir: &Path, folder: &Path, clock: &Clock) {
    if tidy::after(data_dir, folder, clock.now()) {
        start(data_dir);
    }
}

fn start(data_dir: &Path) {
    // What cannot be done now is due again at the next session.
    drop(background::start(TIDY, data_dir.as_os_str()));
}

/// Is the process in the background.
#[must_use]
pub fn tidy(args: &[OsString], world: &World, clock: &Clock) -> u8 {
    background::become_background();
    let Some(data_dir) = args.first().map(|arg| PathBuf::from(OsStr::new(arg))) else {
        return 2;
    };
    let loaded = config::load(world);
    let mut limits = limits(&loaded.config);
    if !loaded.errors.is_empty() {
        // A limit may be among the mistakes: nothing goes because of a typing error.
        limits = Limits::NONE;
    }
    u8::from(tidy::run(&data_dir, limits, clock.now()).is_err())
}
