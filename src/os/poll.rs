//! Waiting for several file descriptors at once.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

/// So many are waited for without a list on the heap.
const FEW: usize = 8;

/// What to wait for on one descriptor, and what came of it.
#[derive(Debug)]
pub struct Wait<'fd> {
    fd: PollFd<'fd>,
}

impl<'fd> Wait<'fd> {
    /// Waits until there is something to read, or the other side has hung up.
    #[must_use]
    pub fn readable(fd: BorrowedFd<'fd>) -> Self {
        Self { fd: PollFd::new(fd, PollFlags::POLLIN) }
    }

    /// Waits until something can be written.
    #[must_use]
    pub fn writable(fd: BorrowedFd<'fd>) -> Self {
        Self { fd: PollFd::new(fd, PollFlags::POLLOUT) }
    }

    /// Waits only for a hang-up or an error.
    #[must_use]
    pub fn hang_up(fd: BorrowedFd<'fd>) -> Self {
        Self { fd: PollFd::new(fd, PollFlags::empty()) }
    }

    /// Returns whether anything happened, hang-ups and errors included, so that the reader or
    /// writer gets to see them.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.fd.any().unwrap_or(true)
    }

    /// Returns whether the other side is gone.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.fd.revents().is_none_or(|events| {
            events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL)
        })
    }
}

/// Waits until one of `waits` is ready or the time is up; none waits for ever. A signal ends the
/// wait early, with nothing ready.
///
/// # Errors
/// When the kernel refuses to poll.
pub fn poll(waits: &mut [Wait<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let mut few: [PollFd<'_>; FEW] = std::array::from_fn(|index| match waits.get(index) {
        Some(wait) => wait.fd.clone(),
        // SAFETY: descriptor 0 is only a filler that is never passed to the kernel.
        None => PollFd::new(unsafe { BorrowedFd::borrow_raw(0) }, PollFlags::empty()),
    });
    let mut many: Vec<PollFd<'_>>;
    let used = if waits.len() <= FEW {
        &mut few[..waits.len()]
    } else {
        many = waits.iter().map(|wait| wait.fd.clone()).collect();
        &mut many[..]
    };
    let result = wait(used, timeout);
    for (wait, fd) in waits.iter_mut().zip(used.iter()) {
        wait.fd = fd.clone();
    }
    match result {
        Ok(_) => Ok(()),
        Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Linux can wait for parts of a millisecond.
#[cfg(target_os = "linux")]
fn wait(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> nix::Result<i32> {
    let timeout = timeout.map(nix::sys::time::TimeSpec::from_duration);
    nix::poll::ppoll(fds, timeout, None)
}

#[cfg(not(target_os = "linux"))]
fn wait(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> nix::Result<i32> {
    let timeout = timeout.map_or(nix::poll::PollTimeout::NONE, |time| {
        nix::poll::PollTimeout::try_from(
            time.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32
        )
        .unwrap_or(nix::poll::PollTimeout::MAX)
    });
    nix::poll::poll(fds, timeout)
}
