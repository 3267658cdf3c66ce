//! Puts what was typed back into the client's own history file.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde_json::json;

use super::super::own_history::{OwnHistory, Refused};
use super::super::past::prompt::Prompts;
use super::super::past::{self, Deed, End, Past, Want, What};
use super::super::recorded;
use super::Place;
use super::fit::{REDACTED, SECRET, was_typed, why_left_out};
use crate::cli::RecoverArgs;
use crate::clients::history::{self, Circumstances, Entry, Keeps};
use crate::error::Error;
use crate::record::Source;
use crate::record::find::Recorded;
use crate::ui::table::View;
use crate::ui::visible;

/// Held while history files are written.
const LOCK_NAME: &str = "recover.lock";

/// What `--dry-run` shows of a line.
const SHOWN_COLUMNS: usize = 500;

/// Why what was not typed is not put back.
const NOT_SEEN: &str = "it was not seen at the prompt: from a file or an editor";

/// One history file and what may be missing in it.
struct Plan {
    file: OwnHistory,
    keeps: &'static Keeps,
    client: String,
    /// What was typed: the session, the number if it is a statement, and the text.
    typed: Vec<(String, Option<u64>, Entry)>,
    /// What cannot be put back: the session, the number, and why.
    left_out: Vec<(String, Option<u64>, String)>,
}

/// Writes, or with `--dry-run` only says so. A file that is refused does not keep others from being
/// written.
pub(super) fn run(
    args: &RecoverArgs,
    sessions: &[Recorded],
    place: &Place<'_>,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let _lock = lock(place).map_err(|error| {
        let message = format!("Cannot write {}.", place.data_dir.join(LOCK_NAME).display());
        Error::ours(message).because(error)
    })?;
    let (plans, mut failure) = plans(args, sessions, place, view)?;
    if plans.is_empty() && failure.is_none() {
        recorded::note(view, "Nothing to put back.");
    }
    for mut plan in plans.into_values() {
        if let Err(error) = carry_out(&mut plan, args, place, out)? {
            failure.get_or_insert(error);
        }
    }
    failure.map_or(Ok(0), Err)
}

/// Gathers what each file may miss; the second is why a session is left out.
fn plans(
    args: &RecoverArgs,
    sessions: &[Recorded],
    place: &Place<'_>,
    view: &mut View<'_>,
) -> Result<(BTreeMap<PathBuf, Plan>, Option<Error>), Error> {
    let mut plans: BTreeMap<PathBuf, Plan> = BTreeMap::new();
    let mut failure = None;
    for session in sessions {
        let past = past::read(session, Want::Screens)?;
        let (id, client) = (&past.session, &past.header.client);
        if past.end == End::Running {
            let text = format!(
                "Session {id} is still running: {client} writes its own history when it ends."
            );
            recorded::note(view, &text);
            continue;
        }
        let Some(keeps) = history::by_client(client) else {
            let text = format!("Session {id}: nothing is known of a history file of {client}.");
            recorded::note(view, &visible::one_line(&text));
            continue;
        };
        if past.deeds().next().is_none() {
            continue;
        }
        let here =
            Circumstances { world: place.world, argv: &past.header.argv, address: address(&past) };
        let zone = place.now.time_zone();
        let file = match OwnHistory::read(keeps, &here, args.file.as_deref(), zone) {
            Ok(file) => file,
            Err(refused) => {
                failure.get_or_insert(refusal(client, &refused));
                continue;
            }
        };
        let plan = plans.entry(file.path.clone()).or_insert_with(|| Plan {
            file,
            keeps,
            client: client.clone(),
            typed: Vec::new(),
            left_out: Vec::new(),
        });
        plan.gather(&past);
    }
    Ok((plans, failure))
}

impl Plan {
    fn gather(&mut self, past: &Past) {
        let prompts = Prompts::of(past);
        let id = &past.session;
        let mut time = past.started;
        for (screen, statement) in past.stretches() {
            let begin = self.keeps.commands;
            for command in begin.into_iter().flat_map(|begin| prompts.commands(screen, begin)) {
                if command.contains(REDACTED) {
                    self.left_out.push((id.clone(), None, SECRET.to_owned()));
                } else {
                    let entry = Entry { text: command.to_owned(), time: Some(time) };
                    self.typed.push((id.clone(), None, entry));
                }
            }
            let Some((at, deed)) = statement else { continue };
            time = at;
            let left_out =
                why_left_out(deed).or_else(|| (!was_typed(deed)).then(|| NOT_SEEN.to_owned()));
            match left_out {
                Some(why) => self.left_out.push((id.clone(), Some(deed.n), why)),
                None => {
                    let text = text(deed, self.keeps.ends);
                    self.typed.push((id.clone(), Some(deed.n), Entry { text, time: Some(at) }));
                }
            }
        }
    }
}

/// Returns a statement as it is typed.
fn text(deed: &Deed, end: Option<char>) -> String {
    let text = deed.text.trim_end();
    match end {
        Some(end) if deed.source == Source::Tap && !text.ends_with(end) => format!("{text}{end}"),
        _ => text.to_owned(),
    }
}

fn address(past: &Past) -> Option<&crate::target::Address> {
    past.things.iter().rev().find_map(|thing| match &thing.what {
        What::Connected(target) => Some(&target.address),
        What::Statement(deed) => Some(&deed.target.address),
        What::Gap(_) | What::Note(_) => None,
    })
}

/// Writes one file and tells of it. The inner error is one of that file only.
fn carry_out(
    plan: &mut Plan,
    args: &RecoverArgs,
    place: &Place<'_>,
    out: &mut dyn Write,
) -> Result<Result<(), Error>, Error> {
    let typed: Vec<Entry> = plan.typed.iter().map(|(.., entry)| entry.clone()).collect();
    let missing = history::missing(&plan.file.entries, &typed, plan.keeps.ends);
    let mut backup = None;
    if !missing.is_empty() && !args.dry_run {
        match plan.file.add(&missing, place.now) {
            Ok(added) => backup = added.backup,
            Err(refused) => return Ok(Err(refusal(&plan.client, &refused))),
        }
    }
    let report = Report { plan, typed: &typed, missing: &missing, backup };
    let written = if args.json { report.json(args, out) } else { report.text(args, out) };
    written.map_err(recorded::write_error).map(Ok)
}

/// What was done to one file.
struct Report<'a> {
    plan: &'a Plan,
    typed: &'a [Entry],
    missing: &'a [&'a Entry],
    backup: Option<PathBuf>,
}

impl Report<'_> {
    fn json(&self, args: &RecoverArgs, out: &mut dyn Write) -> io::Result<()> {
        let plan = self.plan;
        let is_missing =
            |entry: &Entry| self.missing.iter().any(|missing| std::ptr::eq(*missing, entry));
        let added: Vec<_> = self
            .typed
            .iter()
            .zip(&plan.typed)
            .filter(|(entry, _)| is_missing(entry))
            .map(|(entry, (session, n, _))| json!({"session": session, "n": n, "text": entry.text}))
            .collect();
        let left_out: Vec<_> = plan
            .left_out
            .iter()
            .map(|(session, n, why)| json!({"session": session, "n": n, "why": why}))
            .collect();
        let line = json!({
            "file": plan.file.path,
            "client": plan.client,
            "dry_run": args.dry_run,
            "added": added,
            "there": self.typed.len() - self.missing.len(),
            "left_out": left_out,
            "backup": self.backup,
        });
        writeln!(out, "{line}")
    }

    fn text(&self, args: &RecoverArgs, out: &mut dyn Write) -> io::Result<()> {
        let plan = self.plan;
        let path = visible::one_line(&plan.file.path.to_string_lossy());
        let count = self.missing.len();
        let plural = if count == 1 { "line" } else { "lines" };
        let does = if args.dry_run { "would be added to" } else { "added to" };
        writeln!(out, "{count} {plural} {does} {path}")?;
        if args.dry_run {
            for entry in self.missing {
                writeln!(
                    out,
                    "  {}",
                    visible::cut(&visible::one_line(&entry.text), SHOWN_COLUMNS)
                )?;
            }
        }
        let there = self.typed.len() - count;
        if there > 0 {
            writeln!(out, "  {there} more are there already")?;
        }
        for (session, n, why) in &plan.left_out {
            let what = n.map_or_else(|| "a command".to_owned(), |n| format!("statement {n}"));
            writeln!(out, "  left out: {what} of {session}: {}", visible::one_line(why))?;
        }
        if let Some(backup) = &self.backup {
            let backup = visible::one_line(&backup.to_string_lossy());
            writeln!(out, "  what was there before is in {backup}")?;
        }
        Ok(())
    }
}

/// Makes a refusal an error for the user.
fn refusal(client: &str, refused: &Refused) -> Error {
    let message = format!("The history of {client} is left alone: {refused}.");
    let error = Error::ours(visible::one_line(&message));
    match refused {
        Refused::Unknown(_) | Refused::NoFile(_) | Refused::Dangling(_) => {
            error.hint("Name the file: --file FILE")
        }
        Refused::ReadOnly(path) => error.hint(format!("chmod u+w {}", path.display())),
        Refused::Busy(_) => error.hint("End the clients that use it, and try again."),
        Refused::Unreadable { .. }
        | Refused::Cells { .. }
        | Refused::NoDatabase(_)
        | Refused::Owner(_)
        | Refused::Io { .. } => error,
    }
}

fn lock(place: &Place<'_>) -> io::Result<std::fs::File> {
    let path = place.data_dir.join(LOCK_NAME);
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}
