//! Looks that are worn on terminals: a small file for each, so that what a session leaves on that was
//! killed together with its monitor, or below an ssh, is taken off by the next one there.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::os::guise::Guise;
use crate::os::job;
use crate::record::process;

/// The folder below that of all data.
const FOLDER: &str = "looks";

/// The file of one terminal.
#[derive(Debug, Default)]
pub struct Wardrobe {
    path: Option<PathBuf>,
}

impl Wardrobe {
    /// Names the file; nothing is made or read yet. Without a terminal there is none.
    #[must_use]
    pub fn new(data_dir: Option<&Path>, terminal: Option<&Path>) -> Self {
        let name = terminal.map(|terminal| terminal.to_string_lossy().replace('/', "-"));
        let path = data_dir.zip(name).map(|(folder, name)| folder.join(FOLDER).join(name));
        Self { path }
    }

    /// Returns the file, which goes when the look does.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Takes note of what is worn now; a disk that fails costs a repair, no more.
    pub fn wear(&self, worn: &[Guise]) {
        let Some(path) = &self.path else { return };
        if worn.is_empty() {
            drop(fs::remove_file(path));
            return;
        }
        let made = path
            .parent()
            .map(|folder| fs::DirBuilder::new().recursive(true).mode(0o700).create(folder));
        if let Some(Ok(())) = made {
            drop(fs::write(path, format!("{} {}\n", job::own_pid(), Guise::pack(worn))));
        }
    }

    /// Returns what a session left on that is no longer there.
    #[must_use]
    pub fn left(&self) -> Vec<Guise> {
        let text = self.path.as_ref().and_then(|path| fs::read_to_string(path).ok());
        let mut words = text.as_deref().unwrap_or_default().split_whitespace();
        let pid = words.next().and_then(|word| word.parse().ok());
        let worn = words.next().and_then(|word| word.parse().ok());
        let is_left = pid.is_some_and(|pid| !process::is_alive(pid, None));
        worn.filter(|_| is_left).map(|worn| Guise::unpack(worn).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_session_wore_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let wardrobe = Wardrobe::new(Some(folder.path()), Some(Path::new("/dev/pts/3")));
        assert_eq!(wardrobe.left(), []);
        wardrobe.wear(&[Guise::Title, Guise::Background]);
        assert_eq!(wardrobe.left(), [], "we are there");
        let file = folder.path().join("looks/-dev-pts-3");
        let text = fs::read_to_string(&file).expect("written");
        let (_, worn) = text.split_once(' ').expect("two words");
        // No process has a number as large.
        fs::write(&file, format!("{} {worn}", i32::MAX)).expect("written");
        assert_eq!(wardrobe.left(), [Guise::Title, Guise::Background]);
        for torn in ["", "x", "2147483647", "2147483647 x", "\0"] {
            fs::write(&file, torn).expect("written");
            assert_eq!(wardrobe.left(), [], "{torn:?}");
        }
        wardrobe.wear(&[]);
        assert!(!file.exists());
        Wardrobe::default().wear(&[Guise::Title]);
    }
}
