//! Looks that are worn on terminals: a small file for each, so that what a session leaves on that was
//! killed together with its monitor, or below an ssh, is taken off by the next one there.

use std::cell::OnceCell;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::os::guise::Guise;
use crate::os::job;
use crate::record::process;

/// The folder below that of all data.
const FOLDER: &str = "looks";

/// How long the end of a session waits for the file to go.
const PATIENCE: Duration = Duration::from_millis(250);

/// The file of one terminal.
#[derive(Debug, Default)]
pub struct Wardrobe {
    path: Option<PathBuf>,
    clerk: OnceCell<Option<Clerk>>,
}

/// The thread that writes it: a disk that hangs must not hold the terminal up.
#[derive(Debug)]
struct Clerk {
    worn: Option<Sender<Vec<Guise>>>,
    /// Hangs up once all is written.
    done: Receiver<()>,
}

impl Wardrobe {
    /// Names the file; nothing is made or read yet. Without a terminal there is none.
    #[must_use]
    pub fn new(data_dir: Option<&Path>, terminal: Option<&Path>) -> Self {
        let name = terminal.map(|terminal| terminal.to_string_lossy().replace('/', "-"));
        let path = data_dir.zip(name).map(|(folder, name)| folder.join(FOLDER).join(name));
        Self { path, clerk: OnceCell::new() }
    }

    /// Returns the file, which goes when the look does.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Takes note of what is worn now; a disk that fails costs a repair, no more.
    pub fn wear(&self, worn: &[Guise]) {
        let Some(path) = &self.path else { return };
        let clerk = self.clerk.get_or_init(|| Clerk::start(path.clone()));
        if let Some(worn_by) = clerk.as_ref().and_then(|clerk| clerk.worn.as_ref()) {
            drop(worn_by.send(worn.to_vec()));
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

impl Clerk {
    /// Starts it; none where the system has no thread left.
    fn start(path: PathBuf) -> Option<Self> {
        let (sender, receiver) = channel::<Vec<Guise>>();
        let (working, done) = channel();
        let work = move || {
            receiver.into_iter().for_each(|worn| note(&path, &worn));
            drop(working);
        };
        thread::Builder::new().name("looks".to_owned()).spawn(work).ok()?;
        Some(Self { worn: Some(sender), done })
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.worn = None;
        // A hang-up is the end of its work, and a disk that hangs has had its time.
        self.done.recv_timeout(PATIENCE).ok();
    }
}

/// Writes down what is worn.
fn note(path: &Path, worn: &[Guise]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_session_wore_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let wardrobe = || Wardrobe::new(Some(folder.path()), Some(Path::new("/dev/pts/3")));
        assert_eq!(wardrobe().left(), []);
        wardrobe().wear(&[Guise::Title, Guise::Background]);
        assert_eq!(wardrobe().left(), [], "we are there");
        let file = folder.path().join("looks/-dev-pts-3");
        let text = fs::read_to_string(&file).expect("written");
        let (_, worn) = text.split_once(' ').expect("two words");
        // No process has a number as large.
        fs::write(&file, format!("{} {worn}", i32::MAX)).expect("written");
        assert_eq!(wardrobe().left(), [Guise::Title, Guise::Background]);
        for torn in ["", "x", "2147483647", "2147483647 x", "\0"] {
            fs::write(&file, torn).expect("written");
            assert_eq!(wardrobe().left(), [], "{torn:?}");
        }
        wardrobe().wear(&[]);
        assert!(!file.exists());
        Wardrobe::default().wear(&[Guise::Title]);
    }
}
