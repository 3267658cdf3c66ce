//! A result's file: it appears whole or not at all, and takes no other file's place unasked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the new one is refused.
    Kept,
    /// It is replaced once the new one is whole.
    Replaced,
}

/// A file on its way. Dropped before [`NewFile::keep`], nothing of it is left.
pub(super) struct NewFile {
    path: PathBuf,
    existing: Existing,
    /// What is written to, in the same folder.
    temporary: PathBuf,
    file: BufWriter<File>,
}

impl NewFile {
    /// Starts a file, readable by its owner only.
    pub(super) fn start(path: &Path, existing: Existing) -> Result<Self, Error> {
        let path = match fs::canonicalize(path) {
            // What a link leads to is replaced, not the link.
            Ok(real) => real,
            Err(_) => path.to_owned(),
        };
        match fs::symlink_metadata(&path) {
            Ok(_) if existing == Existing::Kept => return Err(is_there(&path)),
            Ok(found) if !found.is_file() => {
                let message = format!("{} is not a regular file.", path.display());
                return Err(Error::new(Kind::Usage, message)
                    .hint("Write to standard output and redirect it: -o -"));
            }
            Ok(_) | Err(_) => {}
        }
        let Some(name) = path.file_name() else {
            let message = format!("{} is not a name for a file.", path.display());
            return Err(Error::new(Kind::Usage, message));
        };
        let mut temporary_name = std::ffi::OsString::from(".");
        temporary_name.push(name);
        temporary_name.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(temporary_name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&temporary).map_err(|error| cannot(&path, error))?;
        Ok(Self { path, existing, temporary, file: BufWriter::with_capacity(1 << 16, file) })
    }

    /// Puts the file in its place.
    pub(super) fn keep(mut self) -> Result<(), Error> {
        let path = self.path.clone();
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| cannot(&path, error))?;
        let placed = match self.existing {
            Existing::Replaced => fs::rename(&self.temporary, &path),
            Existing::Kept => match fs::hard_link(&self.temporary, &path) {
                Ok(()) => Ok(()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(is_there(&path));
                }
                // A file system without links: the look before has to do.
                Err(_) if !path.exists() => fs::rename(&self.temporary, &path),
                Err(_) => return Err(is_there(&path)),
            },
        };
        placed.map_err(|error| cannot(&path, error))
    }
}

impl NewFile {
    /// Says which file an error is about.
    fn named(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| self.named(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| self.named(&error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        drop(fs::remove_file(&self.temporary));
    }
}

fn is_there(path: &Path) -> Error {
    Error::new(Kind::Usage, format!("{} exists already.", path.display()))
        .hint("Choose another name, or replace it with --force.")
}

fn cannot(path: &Path, error: io::Error) -> Error {
    Error::ours(format!("Cannot write {}.", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, existing: Existing) -> Result<(), Error> {
        let mut file = NewFile::start(path, existing)?;
        file.write_all(b"new").unwrap();
        file.keep()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let file = NewFile::start(&path, Existing::Kept).unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(names(folder.path()), [""; 0], "given up");
        write(&path, Existing::Kept).unwrap();
        assert_eq!(names(folder.path()), ["a.txt"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_there_is_replaced_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        // One that appears while the new one is written counts too.
        let mut late = NewFile::start(&path, Existing::Kept).unwrap();
        late.write_all(b"late").unwrap();
        fs::write(&path, "old").unwrap();
        for failed in [write(&path, Existing::Kept), late.keep()] {
            let error = failed.unwrap_err();
            assert!(error.message.contains("exists already"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, Existing::Replaced).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["a.txt", "link"]);
    }

    #[test]
    fn folders_and_devices_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path(), Path::new("/dev/null"), &folder.path().join("no/where")] {
            assert!(write(path, Existing::Replaced).is_err(), "{}", path.display());
        }
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
