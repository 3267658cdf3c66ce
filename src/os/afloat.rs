//! A descriptor that stays open while any of several processes lives, and that one can still close.
//!
//! It is sent into a socket and never received: what holds the socket's other end keeps it open.
//! The client has that end too, so that its input cannot end before it does, whoever of us is
//! killed. A plain copy would do that as well, but nobody could take it back from the client.

use std::io::{self, IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

/// Keeps a descriptor open, for this process and for those that inherit it. Dropping it closes the
/// descriptor for all of them.
#[derive(Debug)]
pub(super) struct Afloat {
    socket: UnixStream,
}

impl Afloat {
    /// Keeps a copy of `fd` open.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub(super) fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let (sender, socket) = UnixStream::pair()?;
        let fds = [fd.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        // Descriptors go with bytes: one.
        let byte = [IoSlice::new(&[0])];
        sendmsg::<()>(sender.as_raw_fd(), &byte, &rights, MsgFlags::empty(), None)?;
        Ok(Self { socket })
    }
}

impl AsFd for Afloat {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Afloat {
    fn drop(&mut self) {
        // Who reads the byte without asking for its descriptors makes the system close them.
        drop(self.socket.read(&mut [0]));
    }
}

/// Leaves an [`Afloat`] to the program that this process is about to become; for use between fork
/// and exec.
///
/// # Errors
/// When it is closed.
pub(super) fn leave_open(afloat: BorrowedFd<'_>) -> io::Result<()> {
    fcntl(afloat, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_ends_when_its_last_copy_is_dropped_and_not_before() {
        let (mut reader, writer) = io::pipe().unwrap();
        let afloat = Afloat::new(writer.as_fd()).unwrap();
        let of_a_client = afloat.socket.try_clone().unwrap();
        drop(writer);
        crate::os::file::set_nonblocking(&reader).unwrap();
        let mut byte = [0];
        assert_eq!(reader.read(&mut byte).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(afloat);
        assert_eq!(reader.read(&mut byte).unwrap(), 0, "and the client has it no more");
        drop(of_a_client);
    }
}
