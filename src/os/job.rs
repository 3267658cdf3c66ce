//! Job control and signals to others.

use std::io;

use nix::sys::signal::{SigHandler, Signal, kill, raise, signal};
use nix::unistd::Pid;

/// Stops our whole job as Ctrl-Z at a terminal would, and returns when it goes on. Where the
/// process group is orphaned the kernel throws the signal away, as it would for the client alone.
///
/// # Errors
/// When the signal cannot be sent.
pub fn suspend() -> io::Result<()> {
    // SAFETY: the default action is no handler of ours; nothing can run in signal context.
    let before = unsafe { signal(Signal::SIGTSTP, SigHandler::SigDfl) }?;
    let group = kill(Pid::from_raw(0), Signal::SIGTSTP);
    if group.is_err() {
        raise(Signal::SIGTSTP)?;
    }
    // SAFETY: puts back what was there before.
    unsafe { signal(Signal::SIGTSTP, before) }?;
    Ok(())
}

/// Sends a signal to one process.
///
/// # Errors
/// When it is gone or not ours.
pub fn signal_process(pid: i32, number: i32) -> io::Result<()> {
    kill(Pid::from_raw(pid), Signal::try_from(number)?)?;
    Ok(())
}

/// Returns whether a process of this id exists.
#[must_use]
pub fn is_alive(pid: i32) -> bool {
    !matches!(kill(Pid::from_raw(pid), None), Err(nix::errno::Errno::ESRCH))
}

/// Returns the id of the process that started us.
#[must_use]
pub fn parent_pid() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Returns our own process id.
#[must_use]
pub fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}
