//! A process of ours that goes on quietly when nightlatch has ended.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use super::start::own_program;

/// What everything but interactive work runs at.
const NICE: i32 = 10;

/// The first descriptor that is no standard one.
const FIRST_OTHER: u32 = 3;

/// Starts ourselves again in the background with one hidden argument and its operand: without a
/// terminal, and without anything a caller may wait for the end of.
///
/// # Errors
/// When our own program cannot be run again.
pub fn start(hidden: &str, operand: &OsStr) -> io::Result<()> {
    let mut command = Command::new(own_program()?);
    command.arg0("nl-tidy").arg(hidden).arg(operand);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    // It may outlive us. If it does not, this keeps it from standing in process lists as a zombie.
    thread::Builder::new().name("tidy".to_owned()).spawn(move || child.wait()).map(drop)
}

/// Leaves the terminal, lets go of what was inherited, and makes room for others; to be called
/// first, before anything is opened.
pub fn become_background() {
    super::process::rename_self(c"nl-tidy");
    // It fails for a leader of a process group, which a fresh child is not.
    nix::unistd::setsid().ok();
    #[cfg(target_os = "linux")]
    // SAFETY: nothing of ours is open yet but the three standard descriptors, which stay.
    unsafe {
        // A kernel without this call leaves them open: no harm but for a caller that waits.
        libc::syscall(libc::SYS_close_range, FIRST_OTHER, u32::MAX, 0_u32);
    }
    // SAFETY: nice changes nothing but this process's priority.
    unsafe {
        libc::nice(NICE);
    }
}
