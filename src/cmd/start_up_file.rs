//! The start-up file that the client is given, for as long as the session lives.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::world::World;

/// One that was written; it goes when this is dropped.
#[derive(Debug)]
pub(super) struct StartUpFile {
    pub(super) path: PathBuf,
    is_left: bool,
}

/// Returns where it may be, the best first: beside the log, and where that disk is full in memory.
pub(super) fn places(session: Option<PathBuf>, world: &World) -> Vec<PathBuf> {
    let runtime = world.var("XDG_RUNTIME_DIR").map(PathBuf::from);
    session
        .into_iter()
        .chain(runtime)
        .chain([PathBuf::from("/dev/shm"), std::env::temp_dir()])
        .collect()
}

impl StartUpFile {
    /// Writes it to the first place that takes it.
    pub(super) fn write(places: &[PathBuf], nonce: &str, text: &str) -> Result<Self, Error> {
        let mut first = None;
        for place in places {
            let path = place.join(format!("start-up-{nonce}"));
            match write(&path, text) {
                Ok(()) => return Ok(Self { path, is_left: false }),
                Err(error) => first = first.or(Some((path, error))),
            }
        }
        let (path, error) =
            first.unwrap_or_else(|| (PathBuf::new(), io::ErrorKind::NotFound.into()));
        Err(Error::ours(format!("The start-up file {} cannot be written.", path.display()))
            .because(error)
            .hint("Free some space, or set NIGHTLATCH_DATA_DIR to another disk."))
    }

    /// The disk of this folder hangs: what is there stays, and is removed with what else the session
    /// has left.
    pub(super) fn leave_in(&mut self, folder: &Path) {
        self.is_left = self.path.starts_with(folder);
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(path)))
}

impl Drop for StartUpFile {
    fn drop(&mut self) {
        // It holds nothing but this run's marks; a stray one does no harm.
        if !self.is_left {
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_to_the_first_place_that_takes_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = [PathBuf::from("/dev/full"), folder.path().join("gone"), folder.path().into()];
        let file = StartUpFile::write(&places, "abc", "text").expect("one takes it");
        assert_eq!(file.path, folder.path().join("start-up-abc"));
        assert_eq!(fs::read_to_string(&file.path).expect("written"), "text");
        let error = StartUpFile::write(&places[..2], "abc", "text").expect_err("none takes it");
        assert!(format!("{error:?}").contains("/dev/full/start-up-abc"), "{error:?}");
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
