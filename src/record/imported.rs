//! What was imported from the clients' own histories: one log for each client, in the format of a
//! session's, so that the index is built again from it as from the others.
//!
//! `imported/<client>.jsonl` in the data folder. It is only ever appended to.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::event::{Marker, Source};
use super::find::Recorded;
use super::read::{Event, ReadError, Reader};
use crate::redact;
use crate::target::Target;

/// The folder in the data folder.
const FOLDER: &str = "imported";

/// What the names of the files end with.
const EXTENSION: &str = "jsonl";

/// What stands before the client's name where a session's id is wanted. No id of a session has a
/// hyphen.
const PREFIX: &str = "import-";

/// Times before this only keep an order: milliseconds since 1970 where nobody knows the time.
const FIRST_KNOWN: Timestamp = Timestamp::constant(31_536_000, 0);

/// One entry of a client's history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Imported {
    /// The text, redacted.
    pub text: String,
    /// When it was typed, if that is known.
    pub time: Option<Timestamp>,
}

impl Imported {
    /// Takes the secrets out of a text.
    #[must_use]
    pub fn new(text: &str, time: Option<Timestamp>) -> Self {
        Self { text: redact::redact(text).text.into_owned(), time }
    }
}

/// Returns a time that is one, and no mere order.
#[must_use]
pub fn known(time: Timestamp) -> Option<Timestamp> {
    (time >= FIRST_KNOWN).then_some(time)
}

/// Says whether what stands for a session is such a log.
#[must_use]
pub fn is_one(session: &str) -> bool {
    session.starts_with(PREFIX)
}

/// Returns all such logs.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn all(data_dir: &Path) -> io::Result<Vec<Recorded>> {
    let entries = match fs::read_dir(data_dir.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut logs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_log = path.extension().is_some_and(|extension| extension == EXTENSION);
        if let Some(client) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_log) {
            logs.push(Recorded { session: format!("{PREFIX}{client}"), path });
        }
    }
    logs.sort_unstable();
    Ok(logs)
}

/// Reads what was imported of a client, oldest first; nothing if nothing was.
///
/// # Errors
///
/// If the log is there and cannot be read.
pub fn read(data_dir: &Path, client: &str) -> Result<Vec<Imported>, ReadError> {
    let path = path(data_dir, client);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let (_, mut reader) = Reader::open(&path)?;
    let mut entries = Vec::new();
    let failed = |source| ReadError::Io { path: path.clone(), source };
    while let Some(event) = reader.next().map_err(failed)? {
        if let Event::Marker(marker) = event
            && let Marker::Statement { text, time, .. } = *marker
        {
            entries.push(Imported { text, time: known(time) });
        }
    }
    Ok(entries)
}

/// Appends entries, of which there are `there` already.
///
/// # Errors
///
/// What the system said. A line that was only begun is cut off again.
pub fn append(
    data_dir: &Path,
    client: &str,
    there: usize,
    entries: &[Imported],
    now: Timestamp,
) -> io::Result<()> {
    let path = path(data_dir, client);
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir.join(FOLDER))?;
    let mut lines = String::new();
    for (n, entry) in (there as u64 + 1..).zip(entries) {
        let unknown = || Timestamp::from_millisecond(n as i64).unwrap_or(Timestamp::UNIX_EPOCH);
        let redacted = redact::redact(&entry.text);
        let marker = Marker::Statement {
            n,
            time: entry.time.unwrap_or_else(unknown),
            redacted: redacted.kinds.iter().map(|&kind| kind.to_owned()).collect(),
            text: redacted.text.into_owned(),
            source: Source::Import,
            target: Target::default(),
            verdict: String::new(),
            rule: None,
            reasons: Vec::new(),
            destroys: false,
            engine: None,
        };
        let marker = serde_json::to_string(&marker)?;
        lines.push_str(&format!("[0.000000, \"m\", {}]\n", json!(marker)));
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    file.lock()?;
    let before = file.metadata()?.len();
    let header = if before == 0 { header(client, now) } else { String::new() };
    let written = file.write_all((header + &lines).as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        drop(file.set_len(before));
    }
    written
}

fn header(client: &str, now: Timestamp) -> String {
    let header = json!({
        "version": 3,
        "term": {"cols": 80, "rows": 24},
        "timestamp": now.as_second(),
        "title": format!("imported history of {client}"),
        "nightlatch": {
            "session": format!("{PREFIX}{client}"),
            "started": now,
            "client": client,
            "argv": [client],
            "cwd": "",
            "pid": 0,
        },
    });
    format!("{header}\n")
}

fn path(data_dir: &Path, client: &str) -> PathBuf {
    data_dir.join(FOLDER).join(format!("{client}.{EXTENSION}"))
}

/// Keeps other imports waiting for as long as it lives.
///
/// # Errors
///
/// What the system said.
pub fn lock(data_dir: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let file = open_lock(data_dir)?;
    file.lock()?;
    Ok(file)
}

fn open_lock(data_dir: &Path) -> io::Result<File> {
    let path = data_dir.join("import.lock");
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Removes such a log, unless something is being imported just now; returns whether it did.
///
/// # Errors
///
/// What the system said.
pub fn remove(data_dir: &Path, log: &Path) -> io::Result<bool> {
    let lock = open_lock(data_dir)?;
    if lock.try_lock().is_err() {
        return Ok(false);
    }
    match fs::remove_file(log) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_imported_reads_back_without_its_secrets() {
        let data = tempfile::tempdir().unwrap();
        let now = "2026-11-20T22:14:03Z".parse().unwrap();
        let entries = [
            Imported::new("select 1,\n 'größe';", None),
            Imported::new("alter role ann password 'hunter2';", Some(now)),
        ];
        assert_eq!(read(data.path(), "psql").unwrap(), []);
        append(data.path(), "psql", 0, &entries[..1], now).unwrap();
        append(data.path(), "psql", 1, &entries[1..], now).unwrap();
        let there = read(data.path(), "psql").unwrap();
        assert_eq!(there, entries);
        assert!(!there[1].text.contains("hunter2"));
        let logs = all(data.path()).unwrap();
        assert_eq!(logs.len(), 1);
        assert!(is_one(&logs[0].session));
        let bytes = fs::read_to_string(&logs[0].path).unwrap();
        assert_eq!(bytes.lines().count(), 3, "{bytes}");
    }

    #[test]
    fn an_unknown_time_is_none() {
        assert_eq!(known(Timestamp::from_millisecond(5_000_000).unwrap()), None);
        let time = "2026-11-20T22:14:03Z".parse().unwrap();
        assert_eq!(known(time), Some(time));
    }
}
