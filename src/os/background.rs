//! Processes of ours beside a session: they go on quietly when nightlatch has ended, or answer it
//! when they are ready.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::start::own_program;

/// What everything but interactive work runs at.
const NICE: i32 = 10;

/// The first descriptor that is no standard one.
const FIRST_OTHER: u32 = 3;

/// What these processes are called.
const NAME: &std::ffi::CStr = c"nl-tidy";

/// Starts ourselves again in the background with one hidden argument and its operand: without a
/// terminal, and without anything a caller may wait for the end of.
///
/// # Errors
/// When our own program cannot be run again.
pub fn start(hidden: &str, operand: &OsStr) -> io::Result<()> {
    let mut command = command(hidden)?;
    // The terminal may hang up before the program has begun.
    // SAFETY: the call is one that a child of a process with threads may do.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(io::Error::from)) };
    let mut child = command.arg(operand).spawn()?;
    // It may outlive us. If it does not, this keeps it from standing in process lists as a zombie.
    thread::Builder::new().name("tidy".to_owned()).spawn(move || child.wait()).map(drop)
}

/// Starts ourselves in the background with one hidden argument and a text on standard input. All of
/// it happens on a thread of its own, and whether it works nobody is told.
pub fn tell(hidden: &'static str, text: Vec<u8>) {
    let tell = move || -> io::Result<()> {
        let mut child = command(hidden)?.stdin(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(&text)?;
        }
        child.wait().map(drop)
    };
    // Without a thread left there is nobody to tell.
    drop(thread::Builder::new().name("notify".to_owned()).spawn(tell));
}

/// A process of ours that writes an answer and ends.
#[derive(Debug)]
pub struct Asked {
    child: Child,
}

/// Asks ourselves in the background, with one hidden argument and its operand. It starts no thread.
///
/// # Errors
/// When our own program cannot be run again.
pub fn ask(hidden: &str, operand: &OsStr) -> io::Result<Asked> {
    let child = command(hidden)?.arg(operand).stdout(Stdio::piped()).spawn()?;
    Ok(Asked { child })
}

impl Asked {
    /// Waits for the answer on a thread of its own; it comes once it is whole.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn listen(self) -> io::Result<Receiver<String>> {
        let (sender, receiver) = channel();
        let listen = move || {
            let Ok(output) = self.child.wait_with_output() else { return };
            if output.status.success() {
                // Whoever asked may have gone on without it.
                drop(sender.send(String::from_utf8_lossy(&output.stdout).into_owned()));
            }
        };
        thread::Builder::new().name("asked".to_owned()).spawn(listen)?;
        Ok(receiver)
    }
}

fn command(hidden: &str) -> io::Result<Command> {
    let mut command = Command::new(own_program()?);
    command.arg0(NAME.to_str().unwrap_or_default()).arg(hidden);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

/// Leaves the terminal, lets go of what was inherited, and makes room for others; to be called
/// first, before anything is opened.
pub fn become_background() {
    super::process::rename_self(NAME);
    // It fails where it has been done already.
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
