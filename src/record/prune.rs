//! What goes when recordings are too old or too many: first the plan, then the doing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::find::{self, NotFound, Recorded};
use super::folder;
use super::imported;
use super::live::{self, Marked};
use super::read::{ReadError, Reader};
use super::repair::{self, End};
use super::segment;

/// How long a session that ended badly is kept by what happens by itself: someone may still come
/// to recover what was typed in it.
const CRASHED_DAYS: i64 = 30;

/// What recordings may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All together, in bytes on the disk.
    pub max_total_bytes: u64,
    /// One session, in bytes on the disk.
    pub max_session_bytes: u64,
    /// Days since a session's last event; 0 is no limit.
    pub keep_days: u32,
}

impl Limits {
    /// Nothing is too old or too much.
    pub const NONE: Self =
        Self { max_total_bytes: u64::MAX, max_session_bytes: u64::MAX, keep_days: 0 };
}

/// Who wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// A person reads the plan: it may say that a session ended badly.
    Told,
    /// Nobody does: what ended badly not long ago stays.
    Quiet,
}

/// One session, or one client's imported history, as it lies on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Its id.
    pub session: String,
    /// Its folder; of what was imported, the log.
    pub folder: PathBuf,
    /// What it takes, in bytes.
    pub bytes: u64,
    /// When anything of it was last written.
    pub last: Timestamp,
    /// It is still being written.
    pub is_running: bool,
}

impl Lying {
    /// Tells whether it was imported: it can be again, from the client's own history.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        imported::is_one(&self.session)
    }
}

/// So much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Sessions.
    pub sessions: usize,
    /// Histories that were imported.
    pub imports: usize,
    /// What all of it takes on the disk.
    pub bytes: u64,
}

impl Amount {
    /// Counts.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Lying>) -> Self {
        let mut amount = Self::default();
        for lying in all {
            match lying.is_imported() {
                true => amount.imports += 1,
                false => amount.sessions += 1,
            }
            amount.bytes += lying.bytes;
        }
        amount
    }

    /// Returns what is left when so much of it goes.
    #[must_use]
    pub fn without(self, gone: Self) -> Self {
        Self {
            sessions: self.sessions - gone.sessions,
            imports: self.imports - gone.imports,
            bytes: self.bytes - gone.bytes,
        }
    }
}

/// Why a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is older than it may be.
    Old {
        /// Days since its last event.
        days: i64,
    },
    /// It is the oldest, and all together are too large.
    TooMuch,
}

/// A session that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The session.
    pub lying: Lying,
    /// Why.
    pub why: Why,
    /// Its log has no exit: it was killed, or the machine went down.
    pub ended_badly: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What goes, oldest first.
    pub removals: Vec<Removal>,
    /// What is there now.
    pub before: Amount,
}

impl Plan {
    /// Returns what goes.
    #[must_use]
    pub fn removed(&self) -> Amount {
        Amount::of(self.removals.iter().map(|removal| &removal.lying))
    }
}

/// Returns what lies in a data folder: what was imported, which goes before anything that cannot be
/// had again, and then the sessions, oldest first.
///
/// # Errors
///
/// If a folder cannot be read.
pub fn survey(data_dir: &Path) -> Result<Vec<Lying>, NotFound> {
    let imports = imported::all(data_dir);
    let imports = imports.map_err(|source| NotFound::Io { path: data_dir.to_owned(), source })?;
    let mut all: Vec<Lying> = imports.into_iter().filter_map(import).collect();
    for found in find::all(data_dir)? {
        let Some(folder) = found.path.parent().map(Path::to_owned) else { continue };
        let (bytes, last) = match segment::usage(&folder) {
            Ok(usage) => usage,
            // Someone else has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(NotFound::Io { path: folder, source }),
        };
        let is_running = is_running(data_dir, &found.session, &found.path);
        let last = last.and_then(|last| Timestamp::try_from(last).ok()).unwrap_or_default();
        all.push(Lying { session: found.session, folder, bytes, last, is_running });
    }
    Ok(all)
}

/// Returns how a log of what was imported lies there; none if it is just gone.
fn import(log: Recorded) -> Option<Lying> {
    let facts = fs::metadata(&log.path).ok()?;
    let last = facts.modified().ok().and_then(|last| Timestamp::try_from(last).ok());
    let (bytes, last) = (facts.len(), last.unwrap_or_default());
    Some(Lying { session: log.session, folder: log.path, bytes, last, is_running: false })
}

/// Decides what goes. A session that runs never does, nor one that a later nightlatch wrote; one
/// that cannot be read only if a person is told.
#[must_use]
pub fn plan(
    all: &[Lying],
    limits: Limits,
    now: Timestamp,
    care: Care,
    end: &dyn Fn(&Lying) -> io::Result<End>,
) -> Plan {
    let before = Amount::of(all);
    let mut plan = Plan { removals: Vec::new(), before };
    let mut left = before.bytes;
    for lying in all.iter().filter(|lying| !lying.is_running) {
        let days = now.duration_since(lying.last).as_hours() / 24;
        let is_old = limits.keep_days > 0
            && now.duration_since(lying.last)
                > SignedDuration::from_hours(24 * i64::from(limits.keep_days));
        let why = if is_old {
            Why::Old { days }
        } else if left > limits.max_total_bytes {
            Why::TooMuch
        } else {
            continue;
        };
        let end = end(lying);
        if end.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Unsupported) {
            continue;
        }
        let ended_badly = !matches!(end, Ok(End::Exit));
        if care == Care::Quiet && (end.is_err() || (ended_badly && days < CRASHED_DAYS)) {
            continue;
        }
        left -= lying.bytes;
        plan.removals.push(Removal { lying: lying.clone(), why, ended_badly });
    }
    plan
}

/// Tells how a session on the disk ends.
///
/// # Errors
///
/// If it cannot be read; `Unsupported` if a later nightlatch wrote it.
pub fn end(lying: &Lying) -> io::Result<End> {
    if lying.is_imported() {
        return Ok(End::Exit);
    }
    match Reader::open(&lying.folder.join(folder::LOG_NAME)) {
        Ok(_) => repair::end(&lying.folder),
        Err(ReadError::TooNew { .. }) => Err(io::ErrorKind::Unsupported.into()),
        Err(ReadError::Io { source, .. }) => Err(source),
        Err(ReadError::NotALog { .. }) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Removes one session, unless it runs again or is gone; returns whether it did.
///
/// # Errors
///
/// What the system said.
pub fn remove(data_dir: &Path, lying: &Lying) -> io::Result<bool> {
    if lying.is_imported() {
        return imported::remove(data_dir, &lying.folder);
    }
    if matches!(live::look(data_dir, &lying.session), Marked::Running) {
        return Ok(false);
    }
    // Out of sight at once: half a session is worse than none.
    let hidden = folder::hidden(&lying.folder);
    match fs::rename(&lying.folder, &hidden) {
        Ok(()) => fs::remove_dir_all(&hidden)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    // Months and years that are empty now; the rest say that they are not.
    for folder in lying.folder.ancestors().skip(1).take(2) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(true)
}

/// Says whether a session is being written.
pub(super) fn is_running(data_dir: &Path, session: &str, log: &Path) -> bool {
    match live::look(data_dir, session) {
        Marked::Running => true,
        Marked::Dead(_) => false,
        // What is written has a live segment.
        Marked::Unknown if !log.exists() => false,
        // Only a session whose process could not mark it is written without a marker.
        Marked::Unknown => Reader::open(log).is_ok_and(|(start, _)| {
            let header = start.header;
            super::process::is_alive(header.pid, header.pid_started)
                && log.parent().map(repair::end).is_some_and(|end| !matches!(end, Ok(End::Exit)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-20T06:00:00Z";

    fn lying(session: &str, bytes: u64, days_ago: i64) -> Lying {
        let now: Timestamp = NOW.parse().unwrap();
        Lying {
            session: session.to_owned(),
            folder: PathBuf::from(session),
            bytes,
            last: now - SignedDuration::from_hours(24 * days_ago + 1),
            is_running: session.starts_with('r'),
        }
    }

    /// Sessions whose name begins with `c` were killed.
    fn names(all: &[Lying], max_total_bytes: u64, keep_days: u32, care: Care) -> Vec<String> {
        let end = |lying: &Lying| match lying.session.as_bytes()[0] {
            b'c' => Ok(End::Told),
            b'u' => Err(io::ErrorKind::NotFound.into()),
            b'n' => Err(io::ErrorKind::Unsupported.into()),
            _ => Ok(End::Exit),
        };
        let limits = Limits { max_total_bytes, keep_days, ..Limits::NONE };
        let plan = plan(all, limits, NOW.parse().unwrap(), care, &end);
        plan.removals
            .iter()
            .map(|removal| {
                let why = match removal.why {
                    Why::Old { days } => format!("{days} days"),
                    Why::TooMuch => "too much".to_owned(),
                };
                let badly = if removal.ended_badly { ", ended badly" } else { "" };
                format!("{}: {why}{badly}", removal.lying.session)
            })
            .collect()
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits_and_a_running_one_never() {
        let all = [lying("a", 10, 9), lying("r", 50, 8), lying("b", 10, 7), lying("d", 10, 1)];
        assert_eq!(names(&all, 80, 0, Care::Told), [""; 0]);
        assert_eq!(names(&all, 79, 0, Care::Told), ["a: too much"]);
        assert_eq!(names(&all, 65, 0, Care::Told), ["a: too much", "b: too much"]);
        assert_eq!(names(&all, 0, 0, Care::Told), ["a: too much", "b: too much", "d: too much"]);
        assert_eq!(names(&all, 80, 6, Care::Told), ["a: 9 days", "b: 7 days"]);
        assert_eq!(names(&all, 80, 9, Care::Told), ["a: 9 days"]);
    }

    #[test]
    fn what_was_imported_counts_and_goes_first() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("sessions/2026/11/0aa1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("session.cast"), [b'x'; 100]).unwrap();
        let entry = imported::Imported { text: "select 1;".to_owned(), time: None };
        let now = NOW.parse().unwrap();
        imported::append(data.path(), "psql", 0, &[entry], now).unwrap();
        let all = survey(data.path()).unwrap();
        let amount = Amount::of(&all);
        assert_eq!((amount.sessions, amount.imports), (1, 1));
        assert!(amount.bytes > 300, "{amount:?}");
        let limits = Limits { max_total_bytes: 200, ..Limits::NONE };
        let plan = plan(&all, limits, now, Care::Quiet, &end);
        assert_eq!(plan.before.without(plan.removed()).sessions, 1);
        let [only] = &plan.removals[..] else { panic!("{plan:?}") };
        assert_eq!(only.lying.session, "import-psql");
        let lock = imported::lock(data.path()).unwrap();
        assert!(!remove(data.path(), &only.lying).unwrap(), "something is being imported");
        drop(lock);
        assert!(remove(data.path(), &only.lying).unwrap());
        assert_eq!(imported::read(data.path(), "psql").unwrap(), []);
    }

    #[test]
    fn what_ended_badly_is_said_and_stays_for_a_while_where_nobody_is_told() {
        let all = [lying("c0", 10, 40), lying("c1", 10, 20), lying("u", 10, 15), lying("b", 10, 7)];
        assert_eq!(
            names(&all, 20, 19, Care::Told),
            ["c0: 40 days, ended badly", "c1: 20 days, ended badly"]
        );
        assert_eq!(names(&all, 20, 0, Care::Quiet), ["c0: too much, ended badly", "b: too much"]);
        assert_eq!(names(&[lying("n", 10, 40)], 0, 1, Care::Told), [""; 0], "a later version's");
    }

    #[test]
    fn a_removed_session_is_gone_with_its_empty_month() {
        let data = tempfile::tempdir().unwrap();
        for session in ["2026/10/0aa1", "2026/11/0ab1"] {
            let folder = data.path().join("sessions").join(session);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("session.cast"), "x").unwrap();
        }
        let all = survey(data.path()).unwrap();
        assert!(remove(data.path(), &all[0]).unwrap());
        assert!(!remove(data.path(), &all[0]).unwrap(), "it is gone");
        assert!(!data.path().join("sessions/2026/10").exists());
        assert_eq!(survey(data.path()).unwrap(), all[1..]);
    }
}
