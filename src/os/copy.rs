//! Going on as two processes: running our program once more would cost a start as long as the first.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::unistd::{ForkResult, Pid, fork};

use super::file::close_all_but;

/// What a copy ends with where it could not even begin.
const FAILED: i32 = 125;

/// Goes on as two processes: the copy does its work, with none but these descriptors open, and ends.
///
/// There must be no other thread.
///
/// # Errors
/// When the system has no process left.
pub(super) fn copy_of_us(kept: &[i32], work: impl FnOnce() -> io::Result<u8>) -> io::Result<()> {
    let work = || {
        close_all_but(kept);
        work()
    };
    copy(work).map(drop)
}

/// As [`copy_of_us`], with every descriptor open, and tells who the copy is.
///
/// # Errors
/// When the system has no process left.
pub(super) fn copy(work: impl FnOnce() -> io::Result<u8>) -> io::Result<Pid> {
    // SAFETY: no other thread runs, so that no lock is held which the copy would wait for.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let work = || work().map_or(FAILED, i32::from);
            let status = catch_unwind(AssertUnwindSafe(work)).unwrap_or(FAILED);
            // SAFETY: ends the process and runs nothing that the relay has registered for its end.
            unsafe { libc::_exit(status) }
        }
    }
}
