//! Finds session logs below the data folder, by id, by prefix and `last`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{LOG_NAME, SESSIONS, is_hidden};
use super::segment;

/// One recorded session on disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recorded {
    /// Its id.
    pub session: String,
    /// Its log, for [`super::Reader::open`]; the file itself is gone once it is packed.
    pub path: PathBuf,
}

/// Why a session was not found.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// There is no session at all.
    #[error("nothing is recorded yet")]
    Nothing,
    /// No id starts so.
    #[error("no session's id starts with {0:?}")]
    Unknown(String),
    /// More than one id starts so.
    #[error("{} sessions' ids start with {prefix:?}", .sessions.len())]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// All of them, oldest first.
        sessions: Vec<String>,
    },
    /// The folders cannot be read.
    #[error("cannot read the folder {}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Returns all sessions, oldest first; none if there is no data folder yet.
///
/// # Errors
///
/// If a folder cannot be read.
pub fn all(data_dir: &Path) -> Result<Vec<Recorded>, NotFound> {
    let mut sessions = Vec::new();
    for folder in folders(data_dir)? {
        let name = folder.file_name().and_then(|name| name.to_str());
        if let Some(session) = name.filter(|name| !is_hidden(name)).map(str::to_owned) {
            sessions.push(Recorded { session, path: folder.join(LOG_NAME) });
        }
    }
    sessions.sort_unstable();
    Ok(sessions)
}

/// Returns the folders that are no sessions yet, or no longer.
pub(super) fn hidden(data_dir: &Path) -> Result<Vec<PathBuf>, NotFound> {
    let mut folders = folders(data_dir)?;
    folders
        .retain(|folder| folder.file_name().and_then(|name| name.to_str()).is_some_and(is_hidden));
    Ok(folders)
}

/// Returns the folders of all months.
fn folders(data_dir: &Path) -> Result<Vec<PathBuf>, NotFound> {
    let mut folders = Vec::new();
    for year in children(&data_dir.join(SESSIONS))? {
        for month in children(&year)? {
            folders.extend(children(&month)?);
        }
    }
    Ok(folders)
}

/// Finds the session that `name` means: an id, a unique prefix of one, or `last`.
///
/// # Errors
///
/// If it means none or more than one.
pub fn one(data_dir: &Path, name: &str) -> Result<Recorded, NotFound> {
    let mut sessions = all(data_dir)?;
    let Some(last) = sessions.last() else {
        return Err(NotFound::Nothing);
    };
    if name == "last" {
        return Ok(last.clone());
    }
    sessions.retain(|recorded| recorded.session.starts_with(&name.to_ascii_lowercase()));
    match sessions.len() {
        0 => Err(NotFound::Unknown(name.to_owned())),
        1 => Ok(sessions.remove(0)),
        _ => Err(NotFound::Ambiguous {
            prefix: name.to_owned(),
            sessions: sessions.into_iter().map(|recorded| recorded.session).collect(),
        }),
    }
}

/// Returns where the log of a session lies by now: its only file, packed or not, else the folder of
/// its files.
#[must_use]
pub fn place(log: &Path) -> PathBuf {
    let Some(folder) = log.parent() else { return log.to_owned() };
    match (log.exists(), segment::finished(folder).as_deref()) {
        (true, Ok([]) | Err(_)) => log.to_owned(),
        (false, Ok(&[(n, form)])) => segment::path(folder, n, form),
        (true | false, _) => folder.to_owned(),
    }
}

/// Returns the folders in a folder; none if it does not exist or is a file.
fn children(folder: &Path) -> Result<Vec<PathBuf>, NotFound> {
    let io = |source| NotFound::Io { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(io(error)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(io)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(sessions: &[&str]) -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        for session in sessions {
            fs::create_dir_all(data.path().join("sessions").join(session)).unwrap();
        }
        data
    }

    #[test]
    fn sessions_are_found_by_prefix_and_last() {
        let data = data(&["2026/11/0ab1", "2026/10/0aa2", "2026/11/0ab3"]);
        let id = |name| one(data.path(), name).map(|recorded| recorded.session);
        assert_eq!(id("last").unwrap(), "0ab3");
        assert_eq!(id("0aa").unwrap(), "0aa2");
        assert_eq!(id("0AB1").unwrap(), "0ab1");
        assert!(matches!(id("x"), Err(NotFound::Unknown(_))));
        let Err(NotFound::Ambiguous { sessions, .. }) = id("0ab") else { panic!("ambiguous") };
        assert_eq!(sessions, ["0ab1", "0ab3"]);
    }

    #[test]
    fn a_log_lies_where_its_files_are() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("session.cast");
        let named = |add: &[&str]| {
            add.iter().for_each(|name| fs::write(folder.path().join(name), "").unwrap());
            place(&log).strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(named(&["session.0001.cast.zst"]), "session.0001.cast.zst");
        assert_eq!(named(&["session.0002.cast.zst"]), "");
        assert_eq!(named(&["session.cast"]), "");
        fs::remove_file(folder.path().join("session.0001.cast.zst")).unwrap();
        fs::remove_file(folder.path().join("session.0002.cast.zst")).unwrap();
        assert_eq!(named(&[]), "session.cast");
    }

    #[test]
    fn no_data_folder_is_no_session() {
        assert_eq!(all(Path::new("/nowhere/at/all")).unwrap(), []);
        assert!(matches!(one(Path::new("/nowhere"), "last"), Err(NotFound::Nothing)));
    }
}
