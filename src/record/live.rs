//! Which sessions are running: a locked file for each in `live/`, so that one whose process was
//! killed is found at the next start without looking at all of them.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::folder::{SESSIONS, private_folders};
use super::segment::private;
use crate::target::Target;

/// The folder of the markers in the data folder.
const FOLDER: &str = "live";

/// The marker of a session that runs in this process.
///
/// The kernel lets go of its lock however the process ends, and other machines that share the
/// data folder see it too. Dropping the marker leaves the file: the session did not end well.
#[derive(Debug)]
pub(super) struct Live {
    path: PathBuf,
    /// Locked for as long as it is open. Its first line is the session's folder, and each after that
    /// where the session was from then on: nothing is written over, so that no reader sees half of it.
    file: File,
}

impl Live {
    /// Marks a session as running; `folder` is the session's.
    pub(super) fn mark(data_dir: &Path, session: &str, folder: &Path) -> io::Result<Self> {
        let parent = data_dir.join(FOLDER);
        match private_folders().create(&parent) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let path = parent.join(session);
        let (mut file, locked) = loop {
            let file = private().write(true).create_new(true).open(&path)?;
            let locked = file.lock();
            // Before it is locked it looks like what a killed session left, and may be cleared away.
            if locked.is_err() || is_at(&file, &path)? {
                break (file, locked);
            }
        };
        let marked = locked.and_then(|()| {
            let place = folder.strip_prefix(data_dir).unwrap_or(folder);
            file.write_all(place.as_os_str().as_encoded_bytes())?;
            file.write_all(b"\n")
        });
        if let Err(error) = marked {
            drop(fs::remove_file(&path));
            return Err(error);
        }
        Ok(Self { path, file })
    }

    /// Takes note of where the session is. A disk that fails costs others the knowledge, no more.
    pub(super) fn at(&mut self, target: &Target) {
        if let Ok(mut line) = serde_json::to_vec(target) {
            line.push(b'\n');
            drop(self.file.write_all(&line));
        }
    }

    /// The session has ended and its log says so.
    pub(super) fn end(self) {
        // One that cannot be removed costs the next start a look.
        drop(fs::remove_file(&self.path));
    }
}

/// Says whether a file is still the one at a path.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    Ok(fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())))
}

/// What a marker says.
#[derive(Debug)]
pub(super) enum Marked {
    /// The session runs.
    Running,
    /// Its process is gone. As long as this is held nobody else repairs the session.
    Dead(Dead),
    /// There is no marker, or nobody can tell.
    Unknown,
}

/// The marker of a session whose process is gone.
#[derive(Debug)]
pub(super) struct Dead {
    path: PathBuf,
    _lock: File,
}

impl Dead {
    /// The session has been repaired: the marker is no longer needed.
    pub(super) fn clear(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Looks at the marker of one session.
pub(super) fn look(data_dir: &Path, session: &str) -> Marked {
    look_at(data_dir.join(FOLDER).join(session))
}

fn look_at(path: PathBuf) -> Marked {
    // Locks over NFS want a file that is open for writing.
    let Ok(file) = private().read(true).write(true).open(&path) else {
        return Marked::Unknown;
    };
    match file.try_lock() {
        Ok(()) => Marked::Dead(Dead { path, _lock: file }),
        Err(TryLockError::WouldBlock) => Marked::Running,
        Err(TryLockError::Error(_)) => Marked::Unknown,
    }
}

/// Returns the sessions that have a marker but no process, each with its folder.
pub(super) fn dead(data_dir: &Path) -> io::Result<Vec<(String, PathBuf, Dead)>> {
    let mut found = Vec::new();
    for (session, path) in markers(data_dir)? {
        let Marked::Dead(dead) = look_at(path.clone()) else { continue };
        // It may have ended well between the two looks.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match place(&text, &session) {
            Some(place) => found.push((session, data_dir.join(place), dead)),
            // The kill came before there was anything else, or it is no marker of ours.
            None => dead.clear()?,
        }
    }
    Ok(found)
}

/// Returns the folder that a marker names, if it is one of that session: what is there will be cut
/// and cleared.
fn place<'a>(text: &'a str, session: &str) -> Option<&'a Path> {
    let place = Path::new(text.lines().next()?);
    let is_plain = place.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && place.starts_with(SESSIONS) && place.ends_with(session)).then_some(place)
}

/// Tells whether any session has a marker but no process.
pub(super) fn is_any_dead(data_dir: &Path) -> bool {
    markers(data_dir).is_ok_and(|markers| {
        markers.into_iter().any(|(_, path)| matches!(look_at(path), Marked::Dead(_)))
    })
}

/// Returns where the sessions are that run, but for one of them.
///
/// # Errors
/// When the folder cannot be read.
pub fn elsewhere(data_dir: &Path, own: &str) -> io::Result<Vec<Target>> {
    let others = markers(data_dir)?.into_iter().filter(|(session, _)| session != own);
    let target = |(_, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).ok()?;
        // A line without an end is still being written.
        let (whole, _) = text.rsplit_once('\n')?;
        let target = serde_json::from_str(whole.lines().next_back()?).ok()?;
        matches!(look_at(path), Marked::Running).then_some(target)
    };
    Ok(others.filter_map(target).collect())
}

fn markers(data_dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(data_dir.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Opening a pipe waits for whoever is at its other end, and a link may lead to one.
        if let Ok(session) = entry.file_name().into_string()
            && entry.file_type().is_ok_and(|kind| kind.is_file())
        {
            found.push((session, entry.path()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_tells_running_from_dead_and_goes_with_a_good_end() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("sessions/2026/11/abc");
        let live = Live::mark(data.path(), "abc", &folder).unwrap();
        assert!(matches!(look(data.path(), "abc"), Marked::Running));
        assert!(dead(data.path()).unwrap().is_empty());
        assert!(!is_any_dead(data.path()));
        live.end();
        assert!(matches!(look(data.path(), "abc"), Marked::Unknown));

        let folder = folder.with_file_name("abd");
        drop(Live::mark(data.path(), "abd", &folder).unwrap());
        assert!(is_any_dead(data.path()));
        let (session, found, marker) = dead(data.path()).unwrap().pop().unwrap();
        assert_eq!((session.as_str(), found), ("abd", folder));
        marker.clear().unwrap();
        assert!(!is_any_dead(data.path()));
    }

    #[test]
    fn where_the_others_are_is_told_by_the_last_whole_line_of_those_that_run() {
        let data = tempfile::tempdir().unwrap();
        let named = |name: &str| Target { name: Some(name.to_owned()), ..Target::default() };
        let others = || {
            let found = elsewhere(data.path(), "own").unwrap();
            found.iter().map(Target::label).collect::<Vec<_>>()
        };
        assert!(others().is_empty());
        let mark = |session| Live::mark(data.path(), session, data.path()).unwrap();
        let (mut own, mut live, mut dead) = (mark("own"), mark("live"), mark("dead"));
        assert!(others().is_empty(), "none has said where it is");
        for live in [&mut own, &mut live, &mut dead] {
            live.at(&named("a"));
        }
        drop(dead);
        assert_eq!(others(), ["a"]);
        live.at(&named("b"));
        assert_eq!(others(), ["b"]);
        live.file.write_all(b"{\"torn").unwrap();
        assert_eq!(others(), ["b"]);
    }
    #[test]
    fn what_is_no_marker_of_ours_leads_nowhere() {
        use std::os::unix::fs::symlink;
        let data = tempfile::tempdir().unwrap();
        let live = data.path().join(FOLDER);
        fs::create_dir(&live).unwrap();
        let elsewhere = data.path().join("elsewhere");
        fs::write(&elsewhere, "sessions/2026/11/linked\n").unwrap();
        symlink(&elsewhere, live.join("linked")).unwrap();
        fs::create_dir(live.join("folder")).unwrap();
        for (session, place) in [
            ("up", "sessions/../../up"),
            ("absolute", "/tmp/absolute"),
            ("other", "sessions/2026/11/another"),
            ("outside", "live/outside"),
            ("none", ""),
        ] {
            fs::write(live.join(session), format!("{place}\n")).unwrap();
        }
        fs::write(live.join("ours"), "sessions/2026/11/ours\n").unwrap();
        let found = dead(data.path()).unwrap();
        let found: Vec<&str> = found.iter().map(|(session, ..)| session.as_str()).collect();
        assert_eq!(found, ["ours"]);
        assert!(elsewhere.exists() && live.join("linked").exists());
    }
}
