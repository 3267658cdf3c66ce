//! Broken glass: files that lift friction on a target for a time.
//!
//! One counts only while all that it says fits: the target, the wall clock between its two times,
//! this boot of this machine, and no more time gone by on the clock that nobody can set. So
//! neither a clock that is put back nor a copied file makes it last longer. What cannot be read
//! lifts nothing.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::os::boot::Boot;
use crate::target::Target;

/// How notes of a recording begin that tell of broken glass.
pub const NOTE: &str = "break-glass: ";

/// The folder of the files in the data folder.
const FOLDER: &str = "break-glass";

/// How the name of a whole file ends.
const ENDING: &str = "json";

/// No more of a file is read, in bytes: ours are far smaller.
const LARGEST: u64 = 64 << 10;

/// What one file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glass {
    /// The target's name, or else `host:port/database`.
    pub target: String,
    /// Why.
    pub reason: String,
    /// From when.
    pub from: Timestamp,
    /// Until when, at the latest.
    pub until: Timestamp,
    /// The boot it was broken in.
    pub boot: String,
    /// How long that boot had lasted, in milliseconds.
    pub boot_ms: u64,
    /// The recording that tells of it.
    pub session: Option<String>,
}

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Those that can be read, in force or not.
    pub glasses: Vec<(PathBuf, Glass)>,
    /// Those that cannot.
    pub unreadable: Vec<PathBuf>,
}

impl Glass {
    /// Tells whether it lifts anything at a moment.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp, boot: &Boot) -> bool {
        let lasts = Duration::try_from(self.until.duration_since(self.from)).unwrap_or_default();
        let passed = boot.elapsed.checked_sub(Duration::from_millis(self.boot_ms));
        self.boot == boot.id
            && (self.from..self.until).contains(&now)
            && passed.is_some_and(|passed| passed < lasts)
    }

    /// Tells whether it is about a target.
    #[must_use]
    pub fn is_for(&self, target: &Target) -> bool {
        target.answers_to(&self.target)
    }
}

/// Writes a file; whoever reads the folder sees all of it or nothing.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(data_dir: &Path, name: &str, glass: &Glass) -> io::Result<PathBuf> {
    let folder = data_dir.join(FOLDER);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let (path, part) = (folder.join(name).with_extension(ENDING), folder.join(format!(".{name}")));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let written = serde_json::to_vec(glass)
        .map_err(io::Error::from)
        .and_then(|bytes| file.write_all(&bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&part, &path));
    if written.is_err() {
        drop(fs::remove_file(&part));
    }
    written.map(|()| path)
}

/// Reads all files. A folder that is not there has none, and one that cannot be read is named.
#[must_use]
pub fn read(data_dir: &Path) -> Found {
    let folder = data_dir.join(FOLDER);
    let mut found = Found::default();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            if !is_nothing(&error) {
                found.unreadable.push(folder);
            }
            return found;
        }
    };
    let is_ours = |path: &PathBuf| path.extension().is_some_and(|ending| ending == ENDING);
    let paths = entries.flatten().map(|entry| entry.path());
    for path in paths.filter(is_ours) {
        match one(&path) {
            Ok(glass) => found.glasses.push((path, glass)),
            // Mended by another process in between.
            Err(error) if is_nothing(&error) => {}
            Err(_) => found.unreadable.push(path),
        }
    }
    found.glasses.sort_by_key(|(_, glass)| glass.until);
    found
}

fn one(path: &Path) -> io::Result<Glass> {
    let facts = fs::symlink_metadata(path)?;
    if !facts.is_file() || facts.len() > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Whether nothing can be there: no folder, or a file in its place.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn glass() -> Glass {
        Glass {
            target: "orders-prod".to_owned(),
            reason: "the queue is stuck".to_owned(),
            from: at("2026-11-20T22:40:00Z"),
            until: at("2026-11-20T23:40:00Z"),
            boot: "this".to_owned(),
            boot_ms: 1_000_000,
            session: None,
        }
    }

    #[test]
    fn it_ends_by_itself_whatever_the_clock_is_set_to() {
        let minutes = |passed: u64| Duration::from_secs(1000 + passed * 60);
        let before = Duration::from_secs(999);
        for (now, boot, elapsed, is_in_force) in [
            ("2026-11-20T22:40:00Z", "this", minutes(0), true),
            ("2026-11-20T23:39:59Z", "this", minutes(59), true),
            ("2026-11-20T23:40:00Z", "this", minutes(59), false),
            // The clock was put back, by an hour and before the beginning.
            ("2026-11-20T22:45:00Z", "this", minutes(60), false),
            ("2026-11-20T22:39:59Z", "this", minutes(5), false),
            // Another boot, or another machine that shares the folder.
            ("2026-11-20T22:45:00Z", "that", minutes(5), false),
            ("2026-11-20T22:45:00Z", "this", before, false),
        ] {
            let boot = Boot { id: boot.to_owned(), elapsed };
            assert_eq!(glass().is_in_force(at(now), &boot), is_in_force, "{now} {elapsed:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_lifts_nothing() {
        let data = tempfile::tempdir().expect("a folder");
        assert_eq!(read(data.path()), Found::default());
        let path = write(data.path(), "one", &glass()).expect("it can be written");
        let folder = path.parent().expect("a folder");
        let whole = fs::read(&path).expect("it is there");
        let bad: Vec<(&str, &[u8])> = vec![
            ("empty", b""),
            ("torn", &whole[..whole.len() - 1]),
            ("noise", b"\xff\xfe\0"),
            ("other", b"{\"target\": \"orders-prod\"}"),
        ];
        for (name, bytes) in &bad {
            fs::write(folder.join(name).with_extension(ENDING), bytes).expect("a file");
        }
        fs::create_dir(folder.join("folder.json")).expect("a folder");
        fs::write(folder.join(".part"), &whole).expect("a file");
        let found = read(data.path());
        assert_eq!(found.glasses, [(path, glass())]);
        assert_eq!(found.unreadable.len(), bad.len() + 1);
    }

    #[test]
    fn a_name_that_is_taken_is_not_written_over() {
        let data = tempfile::tempdir().expect("a folder");
        fs::create_dir(data.path().join(FOLDER)).expect("a folder");
        fs::write(data.path().join(FOLDER).join(".one"), "").expect("a file");
        assert!(write(data.path(), "one", &glass()).is_err());
    }
}
