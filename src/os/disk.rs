//! Whether a disk answers: asked by a process of its own, since a call on one that hangs may never
//! return, and keeps its own process from ending, killed or not.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use super::file;
use super::poll::{Wait, poll};

/// Descriptors that are closed one by one where the kernel cannot close all at once.
const MOST_DESCRIPTORS: i32 = 1024;

/// A question to a disk, on its way for as long as the disk does not answer.
#[derive(Debug)]
pub struct Question {
    pid: Pid,
    /// Hangs up with the process: whatever the disk says is an answer.
    answer: OwnedFd,
}

impl Question {
    /// Asks the disk of a folder, or of the folder above that is there, for a change that needs the
    /// disk and changes nothing: the time of the folder's own last change.
    ///
    /// # Errors
    /// When the system has no process or descriptor left.
    pub fn ask(folder: &Path) -> io::Result<Self> {
        // All that the process needs is made before: between a fork and its end, where others may
        // have threads, nothing but system calls is allowed.
        let folders = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty());
        let folders: Vec<CString> = folders
            .map(|one| CString::new(one.as_os_str().as_bytes()))
            .collect::<Result<_, _>>()?;
        let (answer, open) = file::pipe()?;
        // SAFETY: the process makes system calls only, and ends.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Self { pid: child, answer }),
            ForkResult::Child => {
                // SAFETY: none of it touches memory but to read the paths, or is ever given back.
                unsafe { put(&folders, open.as_raw_fd()) }
            }
        }
    }

    /// Returns whether the disk has answered, for which it is given some more time.
    #[must_use]
    pub fn is_answered(&self, within: Duration) -> bool {
        let mut wait = [Wait::hang_up(self.answer.as_fd())];
        // A signal that ends the wait early is as good as none: nobody catches one yet.
        poll(&mut wait, Some(within)).is_ok() && wait[0].is_ready()
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let is_answered = self.is_answered(Duration::ZERO);
        // It goes once the disk lets it.
        kill(self.pid, Signal::SIGKILL).ok();
        let flags = if is_answered { WaitPidFlag::empty() } else { WaitPidFlag::WNOHANG };
        while waitpid(self.pid, Some(flags)) == Err(Errno::EINTR) {}
    }
}

/// Is the process: lets go of all that others could wait for the end of, and asks.
///
/// # Safety
/// Only for a process that was just forked.
unsafe fn put(folders: &[CString], open: i32) -> ! {
    // SAFETY: system calls on numbers and on strings that live as long as the process.
    unsafe {
        // No hang-up and no key of the terminal's is for it.
        libc::setsid();
        libc::dup2(open, 0);
        close_from(1);
        for folder in folders {
            let now = std::ptr::null();
            let done = libc::utimensat(libc::AT_FDCWD, folder.as_ptr(), now, 0);
            if done == 0 || Errno::last() != Errno::ENOENT {
                break;
            }
        }
        libc::_exit(0)
    }
}

/// Closes all descriptors from this one on.
///
/// # Safety
/// None of them is used any more.
unsafe fn close_from(first: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: the caller has promised it.
    if unsafe { libc::syscall(libc::SYS_close_range, first, i32::MAX, 0) } == 0 {
        return;
    }
    for number in first..MOST_DESCRIPTORS {
        // SAFETY: the same; closing what is not open does nothing.
        unsafe { libc::close(number) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn whatever_a_disk_says_is_an_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let is_there = folder.path().to_owned();
        for path in [is_there.as_path(), &is_there.join("not/yet"), Path::new("/proc/1/task")] {
            let question = Question::ask(path).expect("a process");
            assert!(question.is_answered(LONG), "{}", path.display());
        }
        assert_eq!(std::fs::read_dir(&is_there).expect("a folder").count(), 0);
    }
}
