//! The folders of sessions: their names, and how one is made.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::fault::RecordError;

/// Crockford's base 32 in lower case: no letter that looks like a digit, and it sorts as it counts.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The folder of all sessions in the data folder.
pub(super) const SESSIONS: &str = "sessions";

/// The log's name in its session's folder.
pub(crate) const LOG_NAME: &str = "session.cast";

/// What the folder of a session begins with until its log has a header, and while it is removed.
const HIDDEN: &str = ".";

/// Tries at a free session id; two sessions in one millisecond clash once in 32,768.
const ID_TRIES: usize = 8;

/// Returns a new session id: 12 characters that sort by `now`, the last three of them random.
#[must_use]
pub fn new_session_id(now: Timestamp) -> String {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0) & ((1 << 45) - 1);
    let random = RandomState::new().build_hasher().finish() & 0x7fff;
    let bits = millis << 15 | random;
    (0..12).rev().map(|digit| char::from(ALPHABET[(bits >> (digit * 5) & 31) as usize])).collect()
}

/// Returns when a session started, by its id; none if it is no id.
pub(super) fn session_started(session: &str) -> Option<Timestamp> {
    let digits = session.bytes().map(|byte| ALPHABET.iter().position(|letter| *letter == byte));
    let bits = digits.clone().try_fold(0_u64, |bits, digit| Some(bits << 5 | digit? as u64))?;
    let millis = i64::try_from(bits >> 15).ok().filter(|_| session.len() == 12)?;
    Timestamp::from_millisecond(millis).ok()
}

/// Returns the folder of a session: `sessions/<yyyy>/<mm>/<id>` below the data folder, in UTC.
pub(crate) fn folder(data_dir: &Path, session: &str, started: Timestamp) -> PathBuf {
    data_dir.join(SESSIONS).join(started.strftime("%Y/%m").to_string()).join(session)
}

/// A session's folder that is being made: nobody takes it for a session yet.
#[derive(Debug)]
pub(crate) struct NewFolder {
    /// The session's id.
    pub(crate) session: String,
    /// What it is to be.
    pub(crate) path: PathBuf,
    /// What it is so far.
    pub(crate) hidden: PathBuf,
}

impl NewFolder {
    /// Makes it, 0700 as all above it that are new.
    pub(crate) fn make(data_dir: &Path, started: Timestamp) -> Result<Self, RecordError> {
        let mut tries = ID_TRIES;
        loop {
            tries -= 1;
            match Self::take(data_dir, new_session_id(started), started) {
                // Taken, or an empty month was just removed.
                Err(RecordError::Folder { source, .. })
                    if tries > 0
                        && matches!(
                            source.kind(),
                            io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                        ) => {}
                made => return made,
            }
        }
    }

    /// Makes that of a session whose id is known, unless it is there.
    pub(crate) fn take(
        data_dir: &Path,
        session: String,
        started: Timestamp,
    ) -> Result<Self, RecordError> {
        let path = folder(data_dir, &session, started);
        let hidden = hidden(&path);
        let made = match path.parent() {
            Some(parent) => private_folders().recursive(true).create(parent),
            None => Ok(()),
        };
        match made.and_then(|()| private_folders().create(&hidden)) {
            Ok(()) if path.exists() => {
                drop(fs::remove_dir(&hidden));
                Err(RecordError::Folder { path, source: io::ErrorKind::AlreadyExists.into() })
            }
            Ok(()) => Ok(Self { session, path, hidden }),
            Err(source) => Err(RecordError::Folder { path, source }),
        }
    }

    /// Shows it, now that its log has a header.
    pub(crate) fn show(&self) -> io::Result<()> {
        fs::rename(&self.hidden, &self.path)
    }
}

/// Returns what a session's folder is called where nobody shall take it for a session.
pub(crate) fn hidden(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!("{HIDDEN}{name}"))
}

/// Tells whether a folder's name is one of those.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with(HIDDEN)
}

/// How folders are made.
pub(crate) fn private_folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_twelve_characters_that_sort_by_time() {
        let early = new_session_id("2026-11-20T06:00:00Z".parse().unwrap());
        let late = new_session_id("2026-11-20T06:00:00.001Z".parse().unwrap());
        assert_eq!(early.len(), 12);
        assert!(early < late, "{early} {late}");
        assert!(early.bytes().all(|byte| ALPHABET.contains(&byte)), "{early}");
    }

    #[test]
    fn folders_go_by_year_and_month() {
        let folder = folder(Path::new("/d"), "abc", "2026-03-01T00:00:00Z".parse().unwrap());
        assert_eq!(folder, Path::new("/d/sessions/2026/03/abc"));
    }
}
