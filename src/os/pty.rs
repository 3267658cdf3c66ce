//! The inner pty: the relay holds the leader, the client lives on the follower.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::termios::{
    self, InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios,
};

use super::poll::{Wait, poll};
use super::term::{Size, UserTerm, set_size};

mod ioctl {
    nix::ioctl_read_bad!(pending_bytes, libc::FIONREAD, libc::c_int);
}

/// What the client has made of its terminal just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Whole lines are read (`ICANON`): no line editor, pager or editor is at work.
    pub is_cooked: bool,
    /// Typed bytes are shown (`ECHO`).
    pub echoes: bool,
    /// Ctrl-C and its kin make signals (`ISIG`).
    pub makes_signals: bool,
    /// A written LF comes out as CR LF (`OPOST` and `ONLCR`).
    pub adds_cr: bool,
    /// A typed CR is read as LF (`ICRNL`).
    pub cr_is_lf: bool,
    /// The byte that interrupts, usually 0x03.
    pub interrupt: u8,
    /// The byte that quits, usually 0x1c.
    pub quit: u8,
    /// The byte that suspends, usually 0x1a.
    pub suspend: u8,
    /// The byte that takes a character of a line back, usually 0x7f.
    pub erase: u8,
    /// The byte that takes a word back, usually 0x17.
    pub erase_word: u8,
    /// The byte that takes the line back, usually 0x15.
    pub kill: u8,
    /// The byte that makes text of the next, usually 0x16.
    pub quote: u8,
}

/// The leader, with a follower for the client and one to look at the input queue.
#[derive(Debug)]
pub struct Pty {
    leader: File,
    follower: OwnedFd,
}

impl Pty {
    /// Opens a pty of the given size that starts with the settings of `like`.
    ///
    /// # Errors
    /// When the system has no pty left.
    pub fn open(size: Size, like: Option<&UserTerm>) -> io::Result<Self> {
        let ends = nix::pty::openpty(None, like.map(UserTerm::original))?;
        for end in [&ends.master, &ends.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&ends.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK | OFlag::O_RDWR))?;
        set_size(ends.slave.as_fd(), size)?;
        Ok(Self { leader: File::from(ends.master), follower: ends.slave })
    }

    /// Returns the leader, which does not block.
    #[must_use]
    pub fn leader(&self) -> &File {
        &self.leader
    }

    /// Returns the follower.
    #[must_use]
    pub fn follower(&self) -> BorrowedFd<'_> {
        self.follower.as_fd()
    }

    /// Tells the client a new size.
    ///
    /// # Errors
    /// When the pty is gone.
    pub fn resize(&self, size: Size) -> io::Result<()> {
        set_size(self.leader.as_fd(), size)
    }

    /// Passes on that the settings it began with have changed, unless the client has made others of
    /// them: a shell's line editor may have had the terminal when we looked.
    ///
    /// # Errors
    /// When the pty is gone.
    pub fn renew(&self, before: &Termios, now: &Termios) -> io::Result<()> {
        if termios::tcgetattr(&self.follower)? == *before {
            termios::tcsetattr(&self.follower, SetArg::TCSANOW, now)?;
        }
        Ok(())
    }

    /// Reads what the client has made of its terminal: one system call.
    ///
    /// # Errors
    /// When the pty is gone.
    pub fn mode(&self) -> io::Result<Mode> {
        let now = termios::tcgetattr(&self.follower)?;
        let key = |index: SpecialCharacterIndices| now.control_chars[index as usize];
        Ok(Mode {
            is_cooked: now.local_flags.contains(LocalFlags::ICANON),
            echoes: now.local_flags.contains(LocalFlags::ECHO),
            makes_signals: now.local_flags.contains(LocalFlags::ISIG),
            adds_cr: now.output_flags.contains(OutputFlags::OPOST | OutputFlags::ONLCR),
            cr_is_lf: now.input_flags.contains(InputFlags::ICRNL),
            interrupt: key(SpecialCharacterIndices::VINTR),
            quit: key(SpecialCharacterIndices::VQUIT),
            suspend: key(SpecialCharacterIndices::VSUSP),
            erase: key(SpecialCharacterIndices::VERASE),
            erase_word: key(SpecialCharacterIndices::VWERASE),
            kill: key(SpecialCharacterIndices::VKILL),
            quote: key(SpecialCharacterIndices::VLNEXT),
        })
    }

    /// Returns how many bytes wait to be read by the client (whole lines only while cooked).
    ///
    /// # Errors
    /// When the pty is gone.
    pub fn unread_bytes(&self) -> io::Result<usize> {
        // What was just written may still be on its way through the kernel's own queue; asking
        // whether the follower can be read brings it in, so that 0 means "all of it was read".
        let mut waits = [Wait::readable(self.follower.as_fd())];
        poll(&mut waits, Some(Duration::ZERO))?;
        unread(self.follower.as_fd())
    }
}

impl Pty {
    /// Throws away what was typed and has not been read by the client.
    ///
    /// # Errors
    /// When the pty is gone.
    pub fn discard_unread(&self) -> io::Result<()> {
        Ok(termios::tcflush(&self.follower, termios::FlushArg::TCIFLUSH)?)
    }
}

/// Returns how many bytes wait to be read from `fd`, a pty's follower or a pipe.
///
/// # Errors
/// When the descriptor is gone.
pub fn unread(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is borrowed and `count` is a valid out-parameter of the right type.
    unsafe { ioctl::pending_bytes(fd.as_raw_fd(), &raw mut count) }?;
    Ok(usize::try_from(count).unwrap_or(0))
}
