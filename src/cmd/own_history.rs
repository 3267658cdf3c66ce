//! A client's own history file on disk: found, read, and added to, with a copy beside it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::clients::history::{Circumstances, Entry, Format, Keeps, lines};
use crate::store::cells::{self, CellsError};

/// How often a file that changes while it is written is read again.
const TRIES: usize = 5;

/// What stands behind the name of a copy.
const BACKUP: &str = ".nightlatch-backup-";

/// A history file as it was read.
#[derive(Debug)]
pub(super) struct OwnHistory {
    /// The file itself, links followed.
    pub(super) path: PathBuf,
    /// What it holds, oldest first; nothing if it does not exist yet.
    pub(super) entries: Vec<Entry>,
    format: Format,
    state: Option<State>,
}

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

/// What was done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Added {
    /// The copy of what was there before; none if the file is new.
    pub(super) backup: Option<PathBuf>,
}

/// Why a file is not read or not written. Then it is as it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// Which file it is cannot be told.
    #[error("{0}")]
    Unknown(String),
    /// It is a device or the like: the person has switched history off.
    #[error("{} is no regular file: the client keeps no history there", .0.display())]
    NoFile(PathBuf),
    /// A link to nothing.
    #[error("{} is a link to a file that does not exist", .0.display())]
    Dangling(PathBuf),
    /// It cannot be understood.
    #[error("{} is not such a history file: {why}", .path.display())]
    Unreadable { path: PathBuf, why: lines::Unreadable },
    /// The same of a database.
    #[error("{error}")]
    Cells { error: CellsError },
    /// There is no database to add to, and making one is the client's business.
    #[error("{} does not exist yet: start the client once, so that it makes it", .0.display())]
    NoDatabase(PathBuf),
    /// It belongs to somebody else, to whom a new file could not be given.
    #[error("{} belongs to another user", .0.display())]
    Owner(PathBuf),
    /// The person does not want it to be written.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Something else writes it all the time.
    #[error("{} keeps changing", .0.display())]
    Busy(PathBuf),
    /// The system said no.
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl OwnHistory {
    /// Finds and reads the history of a client; `given` is the file where the person named it.
    pub(super) fn read(
        keeps: &Keeps,
        here: &Circumstances<'_>,
        given: Option<&Path>,
        zone: &TimeZone,
    ) -> Result<Self, Refused> {
        let files = match given {
            Some(path) => vec![path.to_owned()],
            None => (keeps.files)(here).map_err(Refused::Unknown)?,
        };
        let named = files.iter().find(|path| path.symlink_metadata().is_ok()).or(files.first());
        let named = named.ok_or_else(|| Refused::Unknown("there is no such file".to_owned()))?;
        let named = here.world.cwd.join(named);
        let (path, state) = resolve(&named)?;
        let mut history = Self { path, entries: Vec::new(), format: keeps.format, state };
        if state.is_some() {
            history.load(zone)?;
        }
        Ok(history)
    }

    /// Returns whether the file is there.
    pub(super) fn exists(&self) -> bool {
        self.state.is_some()
    }

    /// Adds entries, oldest first, after the file was copied. Whoever reads it meanwhile sees what
    /// was there or all of it.
    pub(super) fn add(&mut self, entries: &[&Entry], now: &Zoned) -> Result<Added, Refused> {
        if fs::metadata(&self.path).is_ok_and(|facts| facts.permissions().readonly()) {
            return Err(Refused::ReadOnly(self.path.clone()));
        }
        match self.format {
            Format::Cells => self.add_cells(entries, now),
            Format::Lines(_) | Format::NewestFirst => self.add_lines(entries, now.timestamp()),
        }
    }

    fn load(&mut self, zone: &TimeZone) -> Result<(), Refused> {
        self.entries = match self.format {
            Format::Cells => {
                let cells = cells::read(&self.path).map_err(|error| Refused::Cells { error })?;
                let entry = |cell: cells::Cell| Entry {
                    time: cell.started.and_then(|started| moment(&started, zone)),
                    text: cell.text,
                };
                cells.into_iter().map(entry).collect()
            }
            Format::Lines(_) | Format::NewestFirst => {
                let bytes = fs::read(&self.path).map_err(|source| self.io(source))?;
                lines::read(&bytes, self.format).map_err(|why| self.unreadable(why))?
            }
        };
        Ok(())
    }

    fn add_lines(&mut self, entries: &[&Entry], now: Timestamp) -> Result<Added, Refused> {
        for _ in 0..TRIES {
            let state = state(&self.path).map_err(|source| self.io(source))?;
            let old = match state {
                Some(_) => fs::read(&self.path).map_err(|source| self.io(source))?,
                None => Vec::new(),
            };
            let new =
                lines::with(&old, self.format, entries, now).map_err(|why| self.unreadable(why))?;
            let mode = self.mode();
            let copy = state.map(|_| self.copy(&old, mode, now)).transpose()?;
            let written = self.replace(&new, mode, state);
            match written {
                Ok(true) => return Ok(Added { backup: copy }),
                // Somebody wrote to it in between; the copy is of no use.
                Ok(false) | Err(_) => {
                    if let Some(copy) = copy {
                        drop(fs::remove_file(copy));
                    }
                    written?;
                }
            }
        }
        Err(Refused::Busy(self.path.clone()))
    }

    fn add_cells(&mut self, entries: &[&Entry], now: &Zoned) -> Result<Added, Refused> {
        if !self.exists() {
            return Err(Refused::NoDatabase(self.path.clone()));
        }
        let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
        let start = entries.iter().find_map(|entry| entry.time).unwrap_or(now.timestamp());
        let start = start.to_zoned(now.time_zone().clone()).datetime();
        let times = (
            start.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string(),
            now.timestamp().strftime("%Y-%m-%d %H:%M:%S.%6f+00:00").to_string(),
        );
        let backup = self.free_name(now.timestamp());
        // It is private from its first byte.
        let private = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&backup);
        drop(private.map_err(|source| Refused::Io { path: backup.clone(), source })?);
        let added = cells::add(&self.path, &texts, (&times.0, &times.1), &backup);
        if let Err(error) = added {
            drop(fs::remove_file(&backup));
            return Err(Refused::Cells { error });
        }
        let mode = Permissions::from_mode(self.mode());
        fs::set_permissions(&backup, mode).map_err(|source| self.io(source))?;
        Ok(Added { backup: Some(backup) })
    }

    /// Writes a copy beside the file.
    fn copy(&self, bytes: &[u8], mode: u32, now: Timestamp) -> Result<PathBuf, Refused> {
        let path = self.free_name(now);
        let written = write_new(&path, bytes, mode);
        written.map(|_| path.clone()).map_err(|source| Refused::Io { path, source })
    }

    /// Puts new content in place of the file, if it still is as it was; says whether.
    fn replace(&self, bytes: &[u8], mode: u32, before: Option<State>) -> Result<bool, Refused> {
        let io = |source| self.io(source);
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        if before.is_none() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        }
        let beside = with_suffix(&self.path, &format!(".nightlatch-{}", std::process::id()));
        let result = (|| {
            let file = write_new(&beside, bytes, mode).map_err(io)?;
            self.keep_owner(&beside, &file)?;
            if state(&self.path).map_err(io)? != before {
                return Ok(false);
            }
            fs::rename(&beside, &self.path).map_err(io)?;
            // The new name is on the disk as well; some file systems cannot be asked to.
            drop(File::open(folder).and_then(|folder| folder.sync_all()));
            Ok(true)
        })();
        if !matches!(result, Ok(true)) {
            drop(fs::remove_file(&beside));
        }
        result
    }

    /// Gives a new file to whom the old one belongs.
    fn keep_owner(&self, beside: &Path, file: &File) -> Result<(), Refused> {
        let Ok(old) = fs::metadata(&self.path) else { return Ok(()) };
        let new = file.metadata().map_err(|source| self.io(source))?;
        if (old.uid(), old.gid()) == (new.uid(), new.gid()) {
            return Ok(());
        }
        let given = std::os::unix::fs::chown(beside, Some(old.uid()), Some(old.gid()));
        if given.is_err() && old.uid() != new.uid() {
            return Err(Refused::Owner(self.path.clone()));
        }
        Ok(())
    }

    /// Returns the file's mode; a new one is private.
    fn mode(&self) -> u32 {
        fs::metadata(&self.path).map_or(0o600, |file| file.permissions().mode() & 0o7777)
    }

    /// Returns a name for a copy that nothing has.
    fn free_name(&self, now: Timestamp) -> PathBuf {
        let time = now.strftime("%Y%m%dT%H%M%SZ");
        let plain = with_suffix(&self.path, &format!("{BACKUP}{time}"));
        let numbered = (2..).map(|number| with_suffix(&plain, &format!("-{number}")));
        std::iter::once(plain.clone())
            .chain(numbered)
            .find(|path| path.symlink_metadata().is_err())
            .unwrap_or(plain)
    }

    fn io(&self, source: io::Error) -> Refused {
        Refused::Io { path: self.path.clone(), source }
    }

    fn unreadable(&self, why: lines::Unreadable) -> Refused {
        Refused::Unreadable { path: self.path.clone(), why }
    }
}

/// Follows links to the file that is meant, which may not exist yet.
fn resolve(named: &Path) -> Result<(PathBuf, Option<State>), Refused> {
    let io = |source| Refused::Io { path: named.to_owned(), source };
    let path = match fs::canonicalize(named) {
        Ok(path) => path,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match named.symlink_metadata() {
                Ok(_) => Err(Refused::Dangling(named.to_owned())),
                Err(_) => Ok((named.to_owned(), None)),
            };
        }
        Err(error) => return Err(io(error)),
    };
    if !fs::metadata(&path).map_err(io)?.is_file() {
        return Err(Refused::NoFile(path));
    }
    let state = state(&path).map_err(io)?;
    Ok((path, state))
}

fn state(path: &Path) -> io::Result<Option<State>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some(State {
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file that did not exist, to the disk.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        drop(fs::remove_file(path));
        return Err(error);
    }
    Ok(file)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads a time of a database: with its offset, or else in `zone`.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    civil.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::history::{KEPT, by_client};
    use crate::world::World;

    const NOW: &str = "2026-11-20T22:14:03+00:00[UTC]";

    fn psql(file: &Path) -> Result<OwnHistory, Refused> {
        let world = World::default();
        let here = Circumstances { world: &world, argv: &[], address: None };
        let keeps = by_client(KEPT[0].clients[0]).unwrap();
        OwnHistory::read(keeps, &here, Some(file), &TimeZone::UTC)
    }

    fn add(file: &Path, text: &str) -> Result<Added, Refused> {
        let now: Zoned = NOW.parse().unwrap();
        psql(file)?.add(&[&Entry::new(text)], &now)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn mode_and_copy_are_kept_and_no_other_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        fs::write(&file, "select 1;\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let first = add(&file, "select 2;").unwrap().backup.unwrap();
        let second = add(&file, "select 3;").unwrap().backup.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "select 1;\nselect 2;\nselect 3;\n");
        assert_eq!(fs::read_to_string(&first).unwrap(), "select 1;\n");
        assert_eq!(fs::read_to_string(&second).unwrap(), "select 1;\nselect 2;\n");
        assert_eq!((mode(&file), mode(&first)), (0o640, 0o640));
        assert!(first.ends_with("history.nightlatch-backup-20261120T221403Z"), "{first:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_new_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/history");
        assert_eq!(add(&file, "select 1;").unwrap(), Added { backup: None });
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
    }

    #[test]
    fn links_are_followed_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("dotfiles"), folder.path().join("history"));
        fs::write(&file, "select 1;\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let backup = add(&link, "select 2;").unwrap().backup.unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "select 1;\nselect 2;\n");
        assert!(backup.to_string_lossy().contains("dotfiles.nightlatch-backup-"));
        fs::remove_file(&file).unwrap();
        assert!(matches!(add(&link, "x"), Err(Refused::Dangling(_))));
    }

    #[test]
    fn what_is_no_history_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("history");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(matches!(add(&link, "x"), Err(Refused::NoFile(_))));
        assert!(matches!(add(folder.path(), "x"), Err(Refused::NoFile(_))));
        let file = folder.path().join("binary");
        fs::write(&file, b"\0\x01\x02").unwrap();
        assert!(matches!(add(&file, "x"), Err(Refused::Unreadable { .. })));
        assert_eq!(fs::read(&file).unwrap(), b"\0\x01\x02");
        let file = folder.path().join("frozen");
        fs::write(&file, "select 1;\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
        assert!(matches!(add(&file, "x"), Err(Refused::ReadOnly(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
