//! Sees to what sessions leave behind: those that were killed, what is not packed yet, and what
//! is more than may be kept. Done by a process of its own, so that no session waits for it.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::badly;
use super::find;
use super::folder;
use super::live;
use super::prune::{self, Care, Limits};
use super::repair::{self, End};
use super::segment;
use super::thin;

/// Locked by whoever tidies up; says when all of the folder was last seen to.
const STAMP_NAME: &str = "tidied";

/// Locked by whoever waits to be the next.
const NEXT_NAME: &str = "tidied.next";

/// How often all of the folder is seen to, and how old what looks like a leftover must be.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What is so short is packed by the session itself at its end: that takes a millisecond or two.
const SMALL_BYTES: u64 = 256 << 10;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tidied {
    /// Sessions that were killed and are whole now.
    pub repaired: usize,
    /// Sessions that were packed.
    pub packed: usize,
    /// Sessions that went because of the limits.
    pub removed: usize,
}

/// Tells at a session's start whether there is something to tidy up: a session was killed, or it
/// is time. Costs next to nothing.
#[must_use]
pub fn is_due(data_dir: &Path, now: Timestamp) -> bool {
    live::is_any_dead(data_dir) || is_time(data_dir, now)
}

/// Sees to a session that has ended in this process, if that takes no time; returns whether
/// something is left to tidy up.
#[must_use]
pub fn after(data_dir: &Path, folder: &Path, now: Timestamp) -> bool {
    let is_small = repair::plain_bytes(folder).is_ok_and(|bytes| bytes <= SMALL_BYTES)
        && matches!(repair::end(folder), Ok(End::Exit));
    if is_small {
        // What goes wrong is tried again within the hour.
        drop(repair::pack(folder));
    }
    !is_small || is_due(data_dir, now)
}

/// Tidies up, after another process that is at it, unless a third waits for that already: it will see
/// all that there is.
///
/// # Errors
///
/// If the data folder cannot be used. What is wrong with one session keeps no other from being
/// seen to.
pub fn run(data_dir: &Path, limits: Limits, now: Timestamp) -> io::Result<Tidied> {
    let mut stamp = own_file(&data_dir.join(STAMP_NAME))?;
    if !is_our_turn(data_dir, &stamp)? {
        return Ok(Tidied::default());
    }
    let repaired = repair_dead(data_dir, limits.max_session_bytes)?;
    let mut tidied = Tidied { repaired, ..Tidied::default() };
    for found in find::all(data_dir).map_err(io::Error::other)? {
        let Some(folder) = found.path.parent() else { continue };
        make_private(folder);
        let is_plain = repair::plain_bytes(folder).is_ok_and(|bytes| bytes > 0);
        let is_untidy = segment::leftovers(folder).is_ok_and(|found| !found.is_empty());
        if (is_plain || is_untidy) && !prune::is_running(data_dir, &found.session, &found.path) {
            // What tidied up may have been killed itself.
            let packed = over(folder)
                .and_then(|()| segment::clean(folder))
                .and_then(|()| repair::pack(folder))
                .and_then(|()| thin::keep(folder, limits.max_session_bytes));
            tidied.packed += usize::from(packed.is_ok());
        }
    }
    remove_hidden(data_dir, now);
    let all = prune::survey(data_dir).map_err(io::Error::other)?;
    for removal in prune::plan(&all, limits, now, Care::Quiet, &prune::end).removals {
        tidied.removed += usize::from(prune::remove(data_dir, &removal.lying).unwrap_or(false));
    }
    stamp.set_len(0)?;
    stamp.rewind()?;
    write!(stamp, "{now}")?;
    Ok(tidied)
}

/// Opens a file of ours. A link or a pipe of that name is not ours, and what it leads to must not be
/// written over.
fn own_file(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|facts| !facts.is_file()) {
        fs::remove_file(path)?;
    }
    segment::private().read(true).write(true).create(true).truncate(false).open(path)
}

/// Locks the stamp, which may have to be waited for: whoever has it may have passed by already what
/// has just become untidy. Returns false if another waits, or nothing can be locked.
fn is_our_turn(data_dir: &Path, stamp: &File) -> io::Result<bool> {
    match stamp.try_lock() {
        Ok(()) => return Ok(true),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(_)) => return Ok(false),
    }
    let next = own_file(&data_dir.join(NEXT_NAME))?;
    if next.try_lock().is_err() {
        return Ok(false);
    }
    stamp.lock()?;
    Ok(true)
}

/// Makes the logs of sessions whole that were killed, and no larger than they may be; returns how
/// many there were.
///
/// # Errors
///
/// If the data folder cannot be used.
pub fn repair_dead(data_dir: &Path, max_session_bytes: u64) -> io::Result<usize> {
    let mut count = 0;
    for (_, folder, dead) in live::dead(data_dir)? {
        let repaired = match folder.exists() {
            true => repair::repair(&folder)
                .and_then(|()| repair::pack(&folder))
                .and_then(|()| thin::keep(&folder, max_session_bytes)),
            false => Ok(()),
        };
        if repaired.is_ok() {
            count += 1;
            drop(badly::note(data_dir, &folder));
            drop(dead.clear());
        }
    }
    Ok(count)
}

/// Makes the log of a session that has no marker whole, if it is not: an earlier nightlatch made
/// none. One of a later nightlatch is left as it is.
fn over(folder: &Path) -> io::Result<()> {
    let log = folder.join(folder::LOG_NAME);
    super::Reader::open(&log).map_err(io::Error::other)?;
    match repair::end(folder)? {
        End::Exit | End::Told => Ok(()),
        End::Open => repair::repair(folder),
    }
}

/// Says whether all of the folder should be seen to again.
fn is_time(data_dir: &Path, now: Timestamp) -> bool {
    let path = data_dir.join(STAMP_NAME);
    let read = segment::open_file(&path).and_then(io::read_to_string);
    if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        // A new data folder, where there is nothing to see to for a while.
        let made = segment::private().write(true).create_new(true).open(&path);
        // One that cannot be written is tried again by the next session.
        drop(made.and_then(|mut stamp| write!(stamp, "{now}")));
        return false;
    }
    let then: Timestamp =
        read.ok().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    // A clock that was set back must not put it off for years.
    now.duration_since(then).abs() > EVERY
}

/// Takes rights away that others have on a session; one that is not ours stays as it is.
fn make_private(folder: &Path) {
    if fs::symlink_metadata(folder).is_ok_and(|facts| facts.is_dir()) {
        restrict(folder, 0o700);
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
        for entry in entries.filter(is_file) {
            restrict(&entry.path(), 0o600);
        }
    }
}

/// Closes the folder above all sessions if others may look into it; returns what a person must be
/// told then.
pub(super) fn close(data_dir: &Path) -> Option<String> {
    let sessions = data_dir.join(folder::SESSIONS);
    match restrict(&sessions, 0o700) {
        Rights::Private => None,
        Rights::Taken => {
            Some(format!("others could read recordings: {} is closed now", sessions.display()))
        }
        Rights::Kept => {
            Some(format!("others can read recordings: chmod 700 {}", sessions.display()))
        }
    }
}

/// What became of the rights of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// There were none.
    Private,
    /// They are gone.
    Taken,
    /// They are still there.
    Kept,
}

/// Takes rights away that others have.
fn restrict(path: &Path, mode: u32) -> Rights {
    match fs::symlink_metadata(path) {
        Ok(facts) if !facts.is_symlink() && facts.permissions().mode() & 0o077 != 0 => {
            match fs::set_permissions(path, Permissions::from_mode(mode)) {
                Ok(()) => Rights::Taken,
                Err(_) => Rights::Kept,
            }
        }
        Ok(_) | Err(_) => Rights::Private,
    }
}

/// Removes folders of sessions that never began, and of such that were only half removed.
fn remove_hidden(data_dir: &Path, now: Timestamp) {
    for folder in find::hidden(data_dir).unwrap_or_default() {
        let written = fs::metadata(&folder).and_then(|facts| facts.modified());
        let written = written.ok().and_then(|written| Timestamp::try_from(written).ok());
        // A session that is just about to begin has one too.
        if written.is_some_and(|written| now.duration_since(written) > EVERY) {
            drop(fs::remove_dir_all(&folder));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::record::{Durability, Event, Header, Marker, Reader, Recorder};

    const LIMITS: Limits = Limits::NONE;

    fn now() -> Timestamp {
        Clock::system().now()
    }

    /// Starts a session and records something.
    fn recorder(data: &Path) -> Recorder {
        let pid = std::process::id();
        let pid_started = crate::record::process::started(pid);
        let header = Header { client: "psql".into(), pid, pid_started, ..Header::default() };
        let mut recorder = Recorder::start(data, &header, Clock::system()).unwrap();
        for n in 0..200 {
            let note = Marker::Note { text: format!("note {n}") };
            recorder.intent(note, Durability::Written, Duration::from_secs(20)).unwrap();
        }
        recorder
    }

    fn folder(recorder: &Recorder) -> PathBuf {
        recorder.path().parent().unwrap().to_owned()
    }

    fn notes(log: &Path) -> (usize, usize) {
        let (_, mut reader) = Reader::open(log).unwrap();
        let (mut notes, mut gaps) = (0, 0);
        while let Some(event) = reader.next().unwrap() {
            if let Event::Marker(marker) = event {
                match *marker {
                    Marker::Note { .. } => notes += 1,
                    Marker::Gap { .. } => gaps += 1,
                    _ => {}
                }
            }
        }
        (notes, gaps)
    }

    #[test]
    fn a_killed_session_is_repaired_and_a_running_one_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let killed = recorder(data.path());
        let log = killed.path().to_owned();
        drop(killed);
        let mut running = recorder(data.path());
        assert!(is_due(data.path(), now()));
        let done = run(data.path(), LIMITS, now()).unwrap();
        assert_eq!(done, Tidied { repaired: 1, packed: 0, removed: 0 });
        assert_eq!(notes(&log), (200, 1));
        assert!(!log.exists(), "it is packed");
        assert!(running.path().exists());
        assert!(!is_due(data.path(), now()));
        running.finish(0);
        assert!(!after(data.path(), &folder(&running), now()));
        assert!(!running.path().exists(), "it is packed at once");
        assert_eq!(notes(running.path()), (200, 0));
        assert_eq!(run(data.path(), LIMITS, now()).unwrap(), Tidied::default());
    }

    #[test]
    fn what_ends_while_others_tidy_up_is_seen_to_by_one_that_waits() {
        let data = tempfile::tempdir().unwrap();
        let mut recorder = recorder(data.path());
        recorder.finish(0);
        let stamp = own_file(&data.path().join(STAMP_NAME)).unwrap();
        stamp.lock().unwrap();
        let data = &data;
        std::thread::scope(|scope| {
            // It does not wait where the look below is in its way.
            let tidy = || run(data.path(), LIMITS, now()).unwrap();
            let waiting = scope.spawn(move || {
                std::iter::repeat_with(tidy).map(|done| done.packed).find(|&packed| packed > 0)
            });
            let clock = Clock::system();
            let is_free = || own_file(&data.path().join(NEXT_NAME)).unwrap().try_lock().is_ok();
            while is_free() {
                assert!(clock.elapsed() < Duration::from_secs(20), "nobody waits");
            }
            let third = run(data.path(), LIMITS, now()).unwrap();
            assert_eq!(third, Tidied::default());
            assert!(recorder.path().exists());
            stamp.unlock().unwrap();
            assert_eq!(waiting.join().unwrap(), Some(1));
        });
    }

    #[test]
    fn what_an_earlier_nightlatch_left_is_repaired_too() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("sessions/2026/01/0aaaaaaaaaaa");
        fs::create_dir_all(&folder).unwrap();
        let log = folder.join("session.cast");
        let header = r#"{"version":3,"term":{"cols":80,"rows":24},"nightlatch":{"session":"0aaaaaaaaaaa","started":"2026-01-20T06:00:00Z","client":"psql","argv":["psql"],"cwd":"/","pid":4194304,"pid_started":1}}"#;
        let line =
            "[0.1, \"m\", \"{\\\"kind\\\":\\\"note\\\",\\\"text\\\":\\\"hi\\\"}\"]\n".repeat(100);
        fs::write(&log, format!("{header}\n{line}[0.1, \"o\", \"to")).unwrap();
        fs::set_permissions(&log, Permissions::from_mode(0o644)).unwrap();
        run(data.path(), LIMITS, now()).unwrap();
        assert_eq!(notes(&log), (100, 1));
        assert!(!log.exists());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&segment::path(&folder, 1, segment::Form::Packed)), 0o600);
    }

    #[test]
    fn a_log_of_a_later_nightlatch_is_refused_and_never_touched() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("sessions/2026/01/0aaaaaaaaaaa");
        fs::create_dir_all(&folder).unwrap();
        let log = folder.join("session.cast");
        let text = format!(
            "{{\"version\":3,\"term\":{{}},\"nightlatch\":{{\"format\":2,\"session\":7}}}}\n{}",
            "[0.1, \"o\", \"text\"]\n".repeat(1000)
        );
        fs::write(&log, &text).unwrap();
        let limits = Limits { max_total_bytes: 0, keep_days: 1, ..LIMITS };
        let later = now() + SignedDuration::from_hours(24 * 365);
        assert_eq!(run(data.path(), limits, later).unwrap(), Tidied::default());
        assert_eq!(fs::read_to_string(&log).unwrap(), text);
        let error = Reader::open(&log).unwrap_err().to_string();
        assert!(error.ends_with("its version is 2, the last known one 1"), "{error}");
    }

    #[test]
    fn what_was_killed_while_it_tidied_up_is_finished() {
        let data = tempfile::tempdir().unwrap();
        let mut recorder = recorder(data.path());
        recorder.finish(0);
        let folder = folder(&recorder);
        drop(recorder);
        assert!(!after(data.path(), &folder, now()));
        let plain = segment::path(&folder, 1, segment::Form::Plain);
        fs::write(&plain, "what was packed").unwrap();
        fs::write(folder.join("session.0001.7-0.part"), "half").unwrap();
        run(data.path(), LIMITS, now()).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_others_may_read_is_closed_and_told() {
        let data = tempfile::tempdir().unwrap();
        drop(recorder(data.path()));
        let sessions = data.path().join("sessions");
        fs::set_permissions(&sessions, Permissions::from_mode(0o755)).unwrap();
        let mut second = recorder(data.path());
        let told = second.troubles().unwrap();
        assert!(told.starts_with("others could read recordings: "), "{told}");
        assert_eq!(fs::metadata(&sessions).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(recorder(data.path()).troubles(), None);
    }

    #[test]
    fn a_session_that_ended_before_it_was_packed_takes_no_more_than_it_may() {
        let data = tempfile::tempdir().unwrap();
        let recorder = recorder(data.path());
        let folder = folder(&recorder);
        drop(recorder);
        let head = fs::read_to_string(folder.join(folder::LOG_NAME)).unwrap();
        // Something that does not pack away.
        let mut hash = 1_u64;
        let mut line = |_| {
            hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
            format!("[0.1, \"o\", \"{hash:016x}{:016x}\"]\n", hash.wrapping_mul(hash))
        };
        for n in 1..=20 {
            let text: String = (0..400).map(&mut line).collect();
            let plain = segment::path(&folder, n, segment::Form::Plain);
            fs::write(plain, format!("{}\n{text}", head.lines().next().unwrap())).unwrap();
        }
        fs::remove_file(folder.join(folder::LOG_NAME)).unwrap();
        let max_session_bytes = 50_000;
        run(data.path(), Limits { max_session_bytes, ..LIMITS }, now()).unwrap();
        let (bytes, _) = segment::usage(&folder).unwrap();
        assert!(bytes <= max_session_bytes && bytes > max_session_bytes / 2, "{bytes}");
    }

    #[test]
    fn limits_are_kept_by_what_is_done_quietly() {
        let data = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            recorder(data.path()).finish(0);
        }
        let running = recorder(data.path());
        let limits = Limits { max_total_bytes: 0, ..LIMITS };
        assert_eq!(run(data.path(), limits, now()).unwrap().removed, 3);
        let left = find::all(data.path()).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].session, running.session());
    }
}
