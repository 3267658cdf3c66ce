//! What the commands that look back share: where to look, and errors with a next step.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};
use crate::os::file::free_bytes;
use crate::record::find::{self, NotFound, Recorded};
use crate::record::{self, ReadError, imported};
use crate::store::{Indexed, Store, StoreError};
use crate::ui::table::View;
use crate::world::World;

/// How many sessions an error about an ambiguous prefix names.
const NAMED_SESSIONS: usize = 5;

/// What helps a damaged index.
const REINDEX: &str = "Build it again from the logs: nightlatch reindex";

/// SQLite needs more room than this to change anything, in bytes: the files beside the index.
const INDEX_BYTES: u64 = 64 << 10;

/// Where nothing is recorded yet, this says how to begin.
const BEGIN: &str = "Nothing is recorded yet. Start a client through nightlatch: nightlatch psql";

/// Returns the data folder, which need not exist.
pub(super) fn data_dir(world: &World) -> Result<PathBuf, Error> {
    world.data_dir().ok_or_else(|| {
        Error::ours("There is no folder for recordings: the home folder is not known.")
            .hint("Set HOME, or NIGHTLATCH_DATA_DIR to the folder to use.")
    })
}

/// Returns the data folder if anything is recorded there.
///
/// Else it says how to begin: there is nothing else to do.
pub(super) fn any(world: &World, view: &mut View<'_>) -> Result<Option<PathBuf>, Error> {
    let data_dir = data_dir(world)?;
    let logs = find::all(&data_dir).map_err(|error| not_found(&error))?;
    if logs.is_empty() && imported::all(&data_dir).is_ok_and(|logs| logs.is_empty()) {
        note(view, BEGIN);
        return Ok(None);
    }
    Ok(Some(data_dir))
}

/// Whether an index can be brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Writable,
    /// It can only be read, or is in memory.
    Fixed,
}

/// Opens the index and brings it up to date.
///
/// Where it cannot be written this is said: an old index answers with what it has, and where there
/// is none one is made in memory.
pub(super) fn open(data_dir: &Path, view: &mut View<'_>) -> Result<Store, Error> {
    let (store, _) = open_any(data_dir, view)?;
    update(store, data_dir, view)
}

/// Opens the index for a search, which brings it up to date by itself where it can.
pub(super) fn open_for_search(
    data_dir: &Path,
    view: &mut View<'_>,
) -> Result<(Store, Kept), Error> {
    let (store, kept) = open_any(data_dir, view)?;
    match kept {
        Kept::Writable => Ok((store, kept)),
        Kept::Fixed => Ok((update(store, data_dir, view)?, kept)),
    }
}

fn open_any(data_dir: &Path, view: &mut View<'_>) -> Result<(Store, Kept), Error> {
    match Store::open(data_dir) {
        Ok(store) => Ok((store, Kept::Writable)),
        Err(error) if error.is_unwritable() => {
            let store = Store::open_to_read(data_dir);
            let error = index_error(error, data_dir);
            let store = store.or_else(|_| in_memory(data_dir, &error, view))?;
            Ok((store, Kept::Fixed))
        }
        Err(error) => Err(store_error(error)),
    }
}

fn update(mut store: Store, data_dir: &Path, view: &mut View<'_>) -> Result<Store, Error> {
    match store.update() {
        Ok(indexed) => report(&indexed, view),
        Err(error) if error.is_unwritable() => {
            let is_empty = store.is_empty().map_err(store_error)?;
            let error = index_error(error, data_dir);
            if is_empty {
                return in_memory(data_dir, &error, view);
            }
            note(view, &format!("nightlatch: {}", said(&error, "What is newest may be missing.")));
        }
        Err(error) => return Err(store_error(error)),
    }
    Ok(store)
}

/// Makes an index of all logs that is gone afterwards, since there can be none on disk.
fn in_memory(data_dir: &Path, why: &Error, view: &mut View<'_>) -> Result<Store, Error> {
    note(view, &format!("nightlatch: {}", said(why, "The index is built in memory this time.")));
    let mut store = Store::in_memory(data_dir).map_err(store_error)?;
    let indexed = store.update().map_err(store_error)?;
    report(&indexed, view);
    Ok(store)
}

/// An error that is only a remark, with what follows from it.
fn said(error: &Error, so: &str) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})"));
    format!("{}{} {so}", error.message, cause.unwrap_or_default())
}

/// Names the logs that could not be read.
pub(super) fn report(indexed: &Indexed, view: &mut View<'_>) {
    for why in &indexed.unreadable {
        note(view, &format!("nightlatch: {why}"));
    }
}

/// Writes a remark. One that cannot be written is not worth an error.
pub(super) fn note(view: &mut View<'_>, text: &str) {
    drop(writeln!(view.notes, "{text}"));
}

/// Finds the session that an argument means.
pub(super) fn session(data_dir: &Path, name: &str) -> Result<Recorded, Error> {
    find::one(data_dir, name).map_err(|error| not_found(&error))
}

/// Says that a session has no such statement.
pub(super) fn no_statement(n: u64, session: &str) -> Error {
    Error::new(Kind::Usage, format!("Session {session} has no statement {n}."))
        .hint(format!("`nightlatch history --session {session}` lists what it has."))
}

pub(super) fn not_found(error: &NotFound) -> Error {
    let sentence = sentence(&error.to_string());
    match error {
        NotFound::Nothing => Error::ours(sentence)
            .hint("Start a client through nightlatch, for example: nightlatch psql"),
        NotFound::Unknown(_) => Error::new(Kind::Usage, sentence)
            .hint("`nightlatch sessions` lists them; `last` is the newest."),
        NotFound::Ambiguous { sessions, .. } => {
            let named: Vec<&str> =
                sessions.iter().take(NAMED_SESSIONS).map(String::as_str).collect();
            let more = if sessions.len() > named.len() { ", …" } else { "" };
            Error::new(Kind::Usage, sentence)
                .hint(format!("Write more of it: {}{more}", named.join(", ")))
        }
        NotFound::Io { source, .. } => Error::ours(sentence).because(source.to_string()),
    }
}

/// Makes an error of the index one for the user.
pub(super) fn store_error(error: StoreError) -> Error {
    let message = sentence(&error.to_string());
    let is_damage = error.is_damage();
    let with = Error::ours(message);
    match error {
        StoreError::TooNew { .. } => with
            .hint("Update nightlatch. Or delete the file: the index is built again from the logs."),
        StoreError::Foreign(_) => with.hint(
            "Move the file away, or set NIGHTLATCH_DATA_DIR to a folder of nightlatch's own.",
        ),
        StoreError::Damaged(_) => with.hint(REINDEX),
        StoreError::Sqlite(error) if is_damage => with.hint(REINDEX).because(error),
        StoreError::Sqlite(error) => with.because(error),
        StoreError::Io { source, .. } => {
            with.hint("Check who may write there, and whether the disk is full.").because(source)
        }
        StoreError::Logs(_) => with,
    }
}

/// Makes an error of an index that is to be written one for the user: that the disk is full is not in
/// all that SQLite says then.
pub(super) fn index_error(error: StoreError, data_dir: &Path) -> Error {
    let has_no_room = || free_bytes(data_dir).is_ok_and(|free| free < INDEX_BYTES);
    if error.is_full() || (error.is_unwritable() && has_no_room()) {
        return full(data_dir, "the index cannot be written");
    }
    store_error(error)
}

/// Makes an error of a file in the data folder one for the user, by what could not be done.
pub(super) fn unwritten(what: &str, data_dir: &Path, error: io::Error) -> Error {
    if record::is_full(&error) {
        return full(data_dir, what);
    }
    Error::ours(sentence(&format!("{what}: {} cannot be written", data_dir.display())))
        .because(error)
        .hint("Make it yours and the disk writable, or set NIGHTLATCH_DATA_DIR.")
}

fn full(data_dir: &Path, so: &str) -> Error {
    Error::ours(format!("The disk of {} is full: {so}.", data_dir.display()))
        .hint("Free some space there: nightlatch prune --dry-run says which recordings could go.")
}

/// Makes an error of a log one for the user.
pub(super) fn read_error(error: ReadError) -> Error {
    let with = Error::ours(sentence(&error.to_string()));
    match error {
        ReadError::Io { source, .. } => with.because(source),
        ReadError::TooNew { .. } => with.hint("Update nightlatch to read it. It is left as it is."),
        ReadError::NotALog { .. } => {
            with.hint("If the session is only just starting, try again in a moment.")
        }
    }
}

/// Makes an error of the output one for the user.
pub(super) fn write_error(error: io::Error) -> Error {
    Error::ours("Cannot write the result.").because(error)
}

/// Makes a sentence of a fragment.
fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let is_path = fragment.starts_with('/');
    format!("{}{}.", if is_path { fragment[..1].to_owned() } else { first }, letters.as_str())
}
