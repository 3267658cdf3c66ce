//! `nightlatch doctor`: what is as it should be, what is not, and what to do about it.

mod client;
mod place;
mod tap;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Serialize;

use super::prune::{amount, size};
use super::recorded;
use crate::cli::DoctorArgs;
use crate::clients::known::KNOWN;
use crate::clock::Clock;
use crate::config::{self, Loaded};
use crate::error::Error;
use crate::os::{file, keepsake};
use crate::record::prune::{self, Amount};
use crate::ui::table::View;
use crate::ui::theme::Style;
use crate::world::World;

/// What nobody but the owner may do with a recording.
const OTHERS: u32 = 0o077;

/// From how much of the limit on, in percent, it is said that the oldest recordings will go.
const NEARLY_FULL: u64 = 90;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Note,
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    state: State,
    found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Finding {
    fn new(what: &str, state: State, found: String) -> Self {
        Self { what: what.to_owned(), state, found, hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Looks at everything; status 1 if anything needs to be done.
///
/// # Errors
///
/// If `out` fails.
pub fn run(
    args: &DoctorArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &View<'_>,
) -> Result<u8, Error> {
    if args.repair_terminal {
        return repair(out);
    }
    let loaded = config::load(world);
    let mut findings = vec![configuration(&loaded, world), place::program(world)];
    findings.extend(recordings(&loaded, world));
    let shell = client::Shell::of(world);
    findings.push(shell.finding(world));
    findings.extend(KNOWN.iter().map(|known| client::look(known, &shell, world, *clock)));
    findings.extend(place::terminal(world));
    findings.push(place::desktop(loaded.config.notify, world));
    findings.extend(place::switches(world));
    for finding in &findings {
        let written = if args.json {
            serde_json::to_writer(&mut *out, finding)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out))
        } else {
            line(finding, out, view)
        };
        written.map_err(recorded::write_error)?;
    }
    Ok(u8::from(findings.iter().any(|finding| finding.state == State::Problem)))
}

fn repair(out: &mut dyn Write) -> Result<u8, Error> {
    keepsake::repair().map_err(|error| {
        Error::ours("There is no terminal to repair.")
            .because(error)
            .hint("Run it in the terminal that looks wrong.")
    })?;
    writeln!(out, "The terminal is as shells expect it.").map_err(recorded::write_error)?;
    Ok(0)
}

fn line(finding: &Finding, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let (word, style) = match finding.state {
        State::Ok => ("ok", Style::Faint),
        State::Note => ("note", Style::Plain),
        State::Problem => ("problem", Style::Warning),
    };
    let mut painted = String::new();
    view.theme.paint(&mut painted, style, &format!("{word:7}"));
    writeln!(out, "{painted} {}: {}", finding.what, finding.found)?;
    match &finding.hint {
        Some(hint) => writeln!(out, "{:8}{hint}", ""),
        None => Ok(()),
    }
}

fn configuration(loaded: &Loaded, world: &World) -> Finding {
    let count = loaded.errors.len();
    if let [first, ..] = &loaded.errors[..] {
        let (file, title) = (first.file.display(), &first.title);
        let more = if count == 1 { String::new() } else { format!(", and {} more", count - 1) };
        let text = format!("{file}: {title}{more}");
        let help = first.help.as_ref().map(|help| format!("{help}; ")).unwrap_or_default();
        return Finding::new("configuration", State::Problem, text)
            .hint(format!("{help}nightlatch config check"));
    }
    let targets = loaded.config.targets.len();
    let files: Vec<_> = loaded.files.iter().map(|file| file.display().to_string()).collect();
    if files.is_empty() {
        let path = world.config_file().map(|file| file.display().to_string()).unwrap_or_default();
        return Finding::new("configuration", State::Note, "there is none".into()).hint(format!(
            "Only telling names and providers' hosts are production: name your targets in {path}"
        ));
    }
    let targets = if targets == 1 { "1 target".into() } else { format!("{targets} targets") };
    Finding::new("configuration", State::Ok, format!("{}, {targets}", files.join(", ")))
}

/// The folder of recordings, and what it takes.
fn recordings(loaded: &Loaded, world: &World) -> Vec<Finding> {
    const WHAT: &str = "recordings";
    let Ok(folder) = recorded::data_dir(world) else {
        return vec![
            Finding::new(WHAT, State::Problem, "there is no folder to keep them in".into())
                .hint("Set HOME or NIGHTLATCH_DATA_DIR."),
        ];
    };
    let mut found = Vec::new();
    match access(&folder) {
        Ok(None) => {}
        Ok(Some(finding)) => found.push(finding),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("none yet; they will be in {}", folder.display());
            return vec![Finding::new(WHAT, State::Ok, text)];
        }
        Err(error) => {
            let text = format!("{} cannot be looked at: {error}", folder.display());
            return vec![
                Finding::new(WHAT, State::Problem, text)
                    .hint("Make it yours, or set NIGHTLATCH_DATA_DIR."),
            ];
        }
    }
    let most = loaded.config.record.max_total_bytes;
    found.extend(place::disk(&folder, most));
    found.push(match prune::survey(&folder) {
        Ok(all) => {
            let there = Amount::of(&all);
            let text = format!("{}: {} of {}", folder.display(), amount(there), size(most));
            if there.bytes > most / 100 * NEARLY_FULL {
                Finding::new(WHAT, State::Note, text).hint(
                    "The oldest will go: see nightlatch prune --dry-run, and max_total in [record].",
                )
            } else {
                Finding::new(WHAT, State::Ok, text)
            }
        }
        Err(error) => Finding::new(WHAT, State::Problem, error.to_string())
            .hint("Make the folder yours, or set NIGHTLATCH_DATA_DIR."),
    });
    found
}

/// Looks who may read and write the folder; none if all is well.
fn access(folder: &Path) -> io::Result<Option<Finding>> {
    const WHAT: &str = "folder of recordings";
    let facts = fs::metadata(folder)?;
    if facts.permissions().mode() & OTHERS != 0 {
        let text = format!("{} can be looked into by others", folder.display());
        return Ok(Some(
            Finding::new(WHAT, State::Problem, text)
                .hint(format!("chmod go= {}", folder.display())),
        ));
    }
    if !file::is_writable(folder) {
        let text = format!("{} cannot be written: nothing is recorded", folder.display());
        return Ok(Some(
            Finding::new(WHAT, State::Problem, text)
                .hint("Make it yours and the disk writable, or set NIGHTLATCH_DATA_DIR."),
        ));
    }
    Ok(None)
}
