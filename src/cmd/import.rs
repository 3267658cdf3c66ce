//! `nightlatch import`: the clients' own history files into the index.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::own_history::OwnHistory;
use super::recorded;
use crate::cli::ImportArgs;
use crate::clients::history::{self, Circumstances, Entry, KEPT, Keeps};
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::record::imported::{self, Imported};
use crate::store::{Filter, Store};
use crate::ui::table::View;
use crate::ui::visible;
use crate::world::World;

/// Reads what is new in the history files that are there.
///
/// # Errors
///
/// If a client is not known, a file that was named cannot be read, or the data folder or `out`
/// fails.
pub fn run(
    args: &ImportArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let data_dir = recorded::data_dir(world)?;
    let wanted: Vec<&Keeps> = match &args.client {
        None => KEPT.iter().collect(),
        Some(name) => vec![history::by_client(name).ok_or_else(|| unknown(name))?],
    };
    let _lock = imported::lock(&data_dir)
        .map_err(|error| recorded::unwritten("nothing is imported", &data_dir, error))?;
    let store = recorded::open(&data_dir, view)?;
    let mut has_found = false;
    for keeps in wanted {
        let argv = [keeps.clients[0].to_owned()];
        let here = Circumstances { world, argv: &argv, address: None };
        let file = match OwnHistory::read(keeps, &here, args.file.as_deref(), &view.zone) {
            Ok(file) if file.exists() => file,
            Ok(file) if args.file.is_some() => {
                let path = visible::one_line(&file.path.to_string_lossy());
                return Err(Error::ours(format!("There is no {path}.")));
            }
            Ok(_) => continue,
            Err(refused) => {
                let message =
                    visible::one_line(&format!("{} is not imported: {refused}.", argv[0]));
                if args.client.is_some() {
                    return Err(Error::ours(message).hint("Name the file: --file FILE"));
                }
                recorded::note(view, &format!("nightlatch: {message}"));
                continue;
            }
        };
        has_found = true;
        let found = Found::new(&data_dir, keeps, &file, &store)?;
        if !args.dry_run && !found.new.is_empty() {
            found.keep(&data_dir, clock.now())?;
        }
        found.tell(args, &file.path, out).map_err(recorded::write_error)?;
    }
    if !has_found {
        recorded::note(view, "No history file of a client is there.");
        return Ok(0);
    }
    // The index has it from here on, and not only when somebody asks for it.
    if !args.dry_run {
        drop(recorded::open(&data_dir, view)?);
    }
    Ok(0)
}

/// What a file holds.
struct Found {
    client: &'static str,
    /// What is not there yet, oldest first.
    new: Vec<Imported>,
    /// How many were imported before.
    there: usize,
    /// How many of them are in the file.
    known: usize,
    /// How many are statements of recorded sessions.
    recorded: usize,
    /// How many of the new ones have lost a secret.
    redacted: usize,
}

impl Found {
    fn new(
        data_dir: &Path,
        keeps: &'static Keeps,
        file: &OwnHistory,
        store: &Store,
    ) -> Result<Self, Error> {
        let client = keeps.clients[0];
        let before = imported::read(data_dir, client).map_err(recorded::read_error)?;
        let mut counts: HashMap<&Imported, usize> = HashMap::new();
        for entry in &before {
            *counts.entry(entry).or_default() += 1;
        }
        let sessions = of_sessions(store, keeps)?;
        let mut found =
            Self { client, new: vec![], there: before.len(), known: 0, recorded: 0, redacted: 0 };
        for entry in &file.entries {
            let Entry { text, time } = entry;
            let new = Imported::new(text.trim_end(), *time);
            if let Some(count) = counts.get_mut(&new).filter(|count| **count > 0) {
                *count -= 1;
                found.known += 1;
            } else if is_in(&new.text, keeps, &sessions) {
                found.recorded += 1;
            } else {
                found.redacted += usize::from(new.text != text.trim_end());
                found.new.push(new);
            }
        }
        Ok(found)
    }

    fn keep(&self, data_dir: &Path, now: Timestamp) -> Result<(), Error> {
        imported::append(data_dir, self.client, self.there, &self.new, now).map_err(|error| {
            let what = format!("the history of {} is not kept", self.client);
            recorded::unwritten(&what, data_dir, error)
        })
    }

    fn tell(&self, args: &ImportArgs, path: &Path, out: &mut dyn Write) -> std::io::Result<()> {
        if args.json {
            let line = json!({
                "client": self.client,
                "file": path,
                "dry_run": args.dry_run,
                "imported": self.new.len(),
                "there": self.known,
                "recorded": self.recorded,
                "redacted": self.redacted,
            });
            return writeln!(out, "{line}");
        }
        let does = if args.dry_run { "would be imported" } else { "imported" };
        let path = visible::one_line(&path.to_string_lossy());
        let (client, count) = (self.client, self.new.len());
        let mut line = format!("{client}: {count} {does} from {path}");
        for (count, what) in [
            (self.known, "there already"),
            (self.recorded, "recorded by sessions"),
            (self.redacted, "without their secrets"),
        ] {
            if count > 0 {
                line.push_str(&format!(", {count} {what}"));
            }
        }
        writeln!(out, "{line}")
    }
}

/// Says whether all of an entry was recorded.
fn is_in(text: &str, keeps: &Keeps, sessions: &HashSet<String>) -> bool {
    let mut pieces = history::pieces(text, keeps.ends).peekable();
    pieces.peek().is_some() && pieces.all(|piece| sessions.contains(&piece))
}

/// Returns what sessions of a client recorded.
fn of_sessions(store: &Store, keeps: &Keeps) -> Result<HashSet<String>, Error> {
    let mut known = HashSet::new();
    for client in keeps.clients {
        let filter = Filter { client: Some((*client).to_owned()), ..Filter::default() };
        let statements = store.statements(&filter).map_err(recorded::store_error)?;
        for statement in statements.iter().filter(|found| !imported::is_one(&found.session)) {
            known.extend(history::pieces(&statement.text, keeps.ends));
        }
    }
    Ok(known)
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = KEPT.iter().flat_map(|keeps| keeps.clients.iter().copied()).collect();
    let name = visible::one_line(name);
    Error::new(Kind::Usage, format!("Nothing is known of a history of {name}."))
        .hint(format!("Known are: {}", names.join(", ")))
}
