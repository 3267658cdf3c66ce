//! The client's three ends: a pty where the person has a terminal, a pipe where not, or as given.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::os::file::{is_same, pipe, set_nonblocking};
use crate::os::pty::Pty;
use crate::os::spawn::End;
use crate::os::term::{Terminals, UserTerm};

/// Whether the client asks us before each statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It asks, and its output and input pass through us.
    Tapped,
    /// It was read beforehand and runs at full speed: pipes and files are handed over.
    Read,
}

/// Everything between us and the client.
#[derive(Debug)]
pub struct Ends {
    /// The inner pty, where the person has a terminal on standard input or output.
    pub pty: Option<Pty>,
    /// The pipe into the client's standard input.
    pub feed: Option<File>,
    /// The pipe out of the client's standard output.
    pub drain: Option<File>,
    /// Whether the client's standard input is the pty.
    pub keys_are_input: bool,
}

impl Ends {
    /// Makes the ends, and what the client gets as 0, 1 and 2.
    ///
    /// # Errors
    /// When the system has no pty or descriptor left.
    pub fn make(
        terminals: Terminals,
        term: Option<&UserTerm>,
        manner: Manner,
    ) -> io::Result<(Self, [End; 3])> {
        let has_pty = (terminals.stdin || terminals.stdout) && term.is_some();
        let pty = match term {
            Some(term) if has_pty => Some(Pty::open(term.size(), Some(term))?),
            _ => None,
        };
        let follower = |pty: &Option<Pty>| -> io::Result<End> {
            match pty {
                Some(pty) => Ok(End::Fd(pty.follower().try_clone_to_owned()?)),
                None => Ok(End::AsGiven),
            }
        };
        let mut feed = None;
        let stdin = if terminals.stdin && has_pty {
            follower(&pty)?
        } else if manner == Manner::Tapped {
            let (reader, writer) = pipe()?;
            set_nonblocking(&writer)?;
            feed = Some(File::from(writer));
            End::Fd(reader)
        } else {
            End::AsGiven
        };
        let mut drain = None;
        let mut stderr_follows = None;
        let stdout = if terminals.stdout && has_pty {
            follower(&pty)?
        } else if manner == Manner::Tapped {
            let (reader, writer) = pipe()?;
            set_nonblocking(&reader)?;
            drain = Some(File::from(reader));
            // `2>&1`: what goes to the same place must stay in order, so it goes our way too.
            if is_same(io::stdout(), io::stderr()) {
                stderr_follows = Some(writer.try_clone()?);
            }
            End::Fd(writer)
        } else {
            End::AsGiven
        };
        let stderr = match stderr_follows {
            Some(writer) => End::Fd(writer),
            None if terminals.stderr && has_pty => follower(&pty)?,
            None => End::AsGiven,
        };
        let keys_are_input = terminals.stdin && has_pty;
        Ok((Self { pty, feed, drain, keys_are_input }, [stdin, stdout, stderr]))
    }

    /// Returns what the monitor shall keep open: while any of it is, the client's input cannot
    /// end. The feed stands at [`FEED_PLACE`], the drain at [`drain_place`].
    #[must_use]
    pub fn to_hold(&self) -> Vec<BorrowedFd<'_>> {
        let mut hold = Vec::with_capacity(3);
        hold.extend(self.feed.as_ref().map(AsFd::as_fd));
        hold.extend(self.drain.as_ref().map(AsFd::as_fd));
        hold.extend(self.pty.as_ref().map(|pty| pty.leader().as_fd()));
        hold
    }
}

/// Where the feed stands among what the monitor holds, if there is one.
pub const FEED_PLACE: i32 = 0;

/// Where the drain stands among what the monitor holds.
#[must_use]
pub fn drain_place(has_feed: bool) -> i32 {
    i32::from(has_feed)
}

/// Our own standard output for writing without waiting, where it is a pipe; else a copy of it.
///
/// # Errors
/// When it is closed.
pub fn own_stdout() -> io::Result<File> {
    crate::os::file::reopen_for_writing(io::stdout()).or_else(|_| own(io::stdout()).map(File::from))
}

/// A copy of one of our own standard ends.
///
/// # Errors
/// When it is closed.
pub fn own(fd: impl AsFd) -> io::Result<OwnedFd> {
    fd.as_fd().try_clone_to_owned()
}
