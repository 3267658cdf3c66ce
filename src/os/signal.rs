//! Signals as bytes in a pipe, so that the loop sees them in order with everything else.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use signal_hook::consts;

/// A signal that the loop cares about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caught {
    /// The terminal changed its size.
    Resize,
    /// The terminal is gone.
    HangUp,
    /// Somebody asks us to end.
    Terminate,
    /// Ctrl-C, from a terminal that is not raw or from elsewhere.
    Interrupt,
    /// Ctrl-\.
    Quit,
    /// A child changed its state.
    Child,
    /// Ctrl-Z, from a terminal that is not raw or from elsewhere.
    Stop,
    /// We run again after a stop.
    Continued,
}

impl Caught {
    /// Returns the signal's number.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Resize => consts::SIGWINCH,
            Self::HangUp => consts::SIGHUP,
            Self::Terminate => consts::SIGTERM,
            Self::Interrupt => consts::SIGINT,
            Self::Quit => consts::SIGQUIT,
            Self::Child => consts::SIGCHLD,
            Self::Stop => consts::SIGTSTP,
            Self::Continued => consts::SIGCONT,
        }
    }
}

/// Makes a write beyond the limit on the size of files (`ulimit -f`) an error instead of our end.
/// The client has the limit as it would have it bare.
pub fn survive_file_limit() {
    if !is_ignored(consts::SIGXFSZ) {
        // A handler goes at exec, which being ignored does not. Without one we are where we were.
        signal_hook::flag::register(consts::SIGXFSZ, Arc::default()).ok();
    }
}

/// Catches signals for as long as the process lives.
#[derive(Debug)]
pub struct Signals {
    pipes: Vec<(Caught, UnixStream)>,
    wake: UnixStream,
    wake_writer: UnixStream,
}

impl Signals {
    /// Starts to catch `which`. A signal that was ignored when we were started (`nohup`) stays
    /// ignored, as it would for the client alone.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn catch(which: &[Caught]) -> io::Result<Self> {
        let (wake, wake_writer) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        wake_writer.set_nonblocking(true)?;
        let mut signals = Self { pipes: Vec::with_capacity(which.len() + 1), wake, wake_writer };
        for &caught in which {
            if !is_ignored(caught.number()) {
                signals.also(caught)?;
            }
        }
        Ok(signals)
    }

    /// Catches Ctrl-C's signal as well, also where it was ignored when we were started, as a shell
    /// does for what it runs in the background: a client may heed it all the same.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn and_interrupts(mut self) -> io::Result<Self> {
        if self.pipes.iter().all(|(caught, _)| *caught != Caught::Interrupt) {
            self.also(Caught::Interrupt)?;
        }
        Ok(self)
    }

    fn also(&mut self, caught: Caught) -> io::Result<()> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(caught.number(), writer)?;
        signal_hook::low_level::pipe::register(caught.number(), self.wake_writer.try_clone()?)?;
        self.pipes.push((caught, reader));
        Ok(())
    }

    /// Returns what came since the last call, each signal once.
    pub fn take(&mut self) -> Vec<Caught> {
        drain(&mut self.wake);
        let mut caught = Vec::new();
        for (which, reader) in &mut self.pipes {
            if drain(reader) {
                caught.push(*which);
            }
        }
        caught
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Empties the pipe; tells whether there was anything in it.
fn drain(reader: &mut UnixStream) -> bool {
    let mut buffer = [0; 64];
    let mut any = false;
    while matches!(reader.read(&mut buffer), Ok(count) if count > 0) {
        any = true;
    }
    any
}

/// Keeps these signals from stopping or ending us, in a way that a client started later does not
/// inherit: exec sets caught signals back to their default.
///
/// # Errors
/// When a handler cannot be set.
pub fn shrug_off(numbers: &[i32]) -> io::Result<()> {
    for &number in numbers {
        if !is_ignored(number) {
            // SAFETY: the handler does nothing, so it is safe in any context.
            unsafe { signal_hook::low_level::register(number, || ()) }?;
        }
    }
    Ok(())
}

/// Returns whether this signal stops who uses a terminal from the background.
#[must_use]
pub fn is_for_terminal(signal: i32) -> bool {
    matches!(signal, consts::SIGTTIN | consts::SIGTTOU)
}

/// Runs `action` while SIGTTOU is blocked: changing a terminal from the background would stop us.
pub fn without_ttou<T>(action: impl FnOnce() -> T) -> T {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTTOU);
    let mut before = SigSet::empty();
    let blocked = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&set), Some(&mut before)).is_ok();
    let result = action();
    if blocked {
        // Setting back a mask that was just read cannot fail.
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    }
    result
}

/// Whether a signal does nothing to this process.
pub(super) fn is_ignored(number: i32) -> bool {
    // SAFETY: a zeroed sigaction is a valid out-parameter, and passing no new action only reads.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        libc::sigaction(number, std::ptr::null(), &raw mut current) == 0
            && current.sa_sigaction == libc::SIG_IGN
    }
}
