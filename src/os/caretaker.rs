//! The small process beside a command that has the whole screen: it gives the terminal back where
//! the command is killed and cannot do so itself.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::unistd::setsid;

use super::copy::copy_of_us;
use super::keepsake::Keepsake;
use super::process::rename_self;
use super::signal::shrug_off;

/// What the command says when it takes the terminal, and when it has given it back.
const TAKEN: u8 = 1;
const GIVEN_BACK: u8 = 0;

/// The process; it ends with us.
#[derive(Debug)]
pub(super) struct Caretaker {
    line: UnixStream,
}

impl Caretaker {
    /// Starts it: a copy of this process, which must have no other thread yet. `back` takes off what
    /// the command puts on the terminal behind `tty`.
    ///
    /// # Errors
    /// When the system has no process or descriptor left.
    pub(super) fn start(tty: BorrowedFd<'_>, back: &'static str) -> io::Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        let keepsake = Keepsake::take(tty.try_clone_to_owned()?)?;
        let kept = [keepsake.as_raw_fd(), theirs.as_raw_fd()];
        let theirs = OwnedFd::from(theirs);
        copy_of_us(&kept, || watch(UnixStream::from(theirs), &keepsake, back))?;
        Ok(Self { line })
    }

    /// Takes note of who has the terminal from now on.
    pub(super) fn note(&mut self, is_taken: bool) {
        // Without anybody at the other end all is as if there had never been one.
        drop(self.line.write_all(&[if is_taken { TAKEN } else { GIVEN_BACK }]));
    }
}

/// Is the process.
fn watch(mut line: UnixStream, keepsake: &Keepsake, back: &str) -> io::Result<u8> {
    rename_self(c"nl-caretaker");
    // No key and no hang-up of the terminal's reaches a session of its own.
    setsid()?;
    shrug_off(&[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM])?;
    let mut last = [GIVEN_BACK];
    loop {
        match line.read(&mut last) {
            Ok(0) => break,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    if last == [TAKEN] {
        keepsake.restore_settings();
        keepsake.write(back);
    }
    Ok(0)
}
