//! The line between relay and monitor: small fixed frames over a socket pair.
//!
//! It is also the lifeline: when the relay is gone, however it went, the monitor reads end of
//! file and ends the client before it lets go of anything.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// One frame: a tag byte and a 32-bit number. Small enough to be written whole, always.
const FRAME_BYTES: usize = 5;

/// What the monitor tells the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The monitor has noted the terminal's settings and waits for [`Order::Start`].
    Ready,
    /// The client runs under this process id.
    Started(i32),
    /// The client could not be started: an errno.
    Failed(i32),
    /// The client was stopped by this signal.
    Stopped(i32),
    /// The client ended with this status.
    Exited(i32),
    /// The client was ended by this signal.
    Signalled(i32),
}

/// What the relay tells the monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Start the client.
    Start,
    /// Continue the stopped client.
    Continue,
    /// We are in the foreground (1) or not (0), and so shall the client be on its own terminal.
    Front(i32),
    /// End the client at once, so that it reads nothing more.
    Kill,
    /// Send this signal to the client.
    Signal(i32),
    /// Let go of the copy at this place of what is held: the client shall see what it would see
    /// bare.
    LetGo(i32),
    /// The terminal's look is ours in these respects, as `Guise::pack` has them.
    Wear(i32),
    /// The relay has restored the terminal and ends: end as well.
    Bye,
}

/// One end of the line.
#[derive(Debug)]
pub struct Channel {
    stream: UnixStream,
}

impl Channel {
    /// Makes both ends; they are closed on exec.
    ///
    /// # Errors
    /// When the system has no file descriptors left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = UnixStream::pair()?;
        Ok((Self { stream: one }, Self { stream: other }))
    }

    /// Gives up the end as a descriptor.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.stream.into()
    }

    /// Takes over an inherited end.
    #[must_use]
    pub fn from_fd(fd: OwnedFd) -> Self {
        Self { stream: UnixStream::from(fd) }
    }

    /// Sends a report.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn report(&mut self, report: Report) -> io::Result<()> {
        let (tag, number) = match report {
            Report::Ready => (b'r', 0),
            Report::Started(pid) => (b's', pid),
            Report::Failed(errno) => (b'f', errno),
            Report::Stopped(signal) => (b'z', signal),
            Report::Exited(status) => (b'x', status),
            Report::Signalled(signal) => (b'k', signal),
        };
        self.send(tag, number)
    }

    /// Sends an order.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn order(&mut self, order: Order) -> io::Result<()> {
        let (tag, number) = match order {
            Order::Start => (b'a', 0),
            Order::Continue => (b'c', 0),
            Order::Front(is_front) => (b'F', is_front),
            Order::Kill => (b'K', 0),
            Order::Signal(signal) => (b'S', signal),
            Order::LetGo(place) => (b'l', place),
            Order::Wear(worn) => (b'w', worn),
            Order::Bye => (b'b', 0),
        };
        self.send(tag, number)
    }

    /// Waits for the next report; none when the other end is gone.
    ///
    /// # Errors
    /// When reading fails or the frame makes no sense.
    pub fn next_report(&mut self) -> io::Result<Option<Report>> {
        let Some((tag, number)) = self.receive()? else {
            return Ok(None);
        };
        Ok(Some(match tag {
            b'r' => Report::Ready,
            b's' => Report::Started(number),
            b'f' => Report::Failed(number),
            b'z' => Report::Stopped(number),
            b'x' => Report::Exited(number),
            b'k' => Report::Signalled(number),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }))
    }

    /// Waits for the next order; none when the other end is gone.
    ///
    /// # Errors
    /// When reading fails or the frame makes no sense.
    pub fn next_order(&mut self) -> io::Result<Option<Order>> {
        let Some((tag, number)) = self.receive()? else {
            return Ok(None);
        };
        Ok(Some(match tag {
            b'a' => Order::Start,
            b'c' => Order::Continue,
            b'F' => Order::Front(number),
            b'K' => Order::Kill,
            b'S' => Order::Signal(number),
            b'l' => Order::LetGo(number),
            b'w' => Order::Wear(number),
            b'b' => Order::Bye,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }))
    }

    fn send(&mut self, tag: u8, number: i32) -> io::Result<()> {
        let mut frame = [tag; FRAME_BYTES];
        frame[1..].copy_from_slice(&number.to_ne_bytes());
        self.stream.write_all(&frame)
    }

    fn receive(&mut self) -> io::Result<Option<(u8, i32)>> {
        let mut frame = [0; FRAME_BYTES];
        match self.stream.read_exact(&mut frame) {
            Ok(()) => {
                let [tag, number @ ..] = frame;
                Ok(Some((tag, i32::from_ne_bytes(number))))
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_arrives_as_it_was_sent() {
        let (mut relay, mut monitor) = Channel::pair().unwrap();
        for report in [
            Report::Ready,
            Report::Started(4_000_000),
            Report::Failed(2),
            Report::Stopped(20),
            Report::Exited(3),
            Report::Signalled(9),
        ] {
            monitor.report(report).unwrap();
            assert_eq!(relay.next_report().unwrap(), Some(report));
        }
        for order in [
            Order::Start,
            Order::Continue,
            Order::Front(1),
            Order::Kill,
            Order::Signal(15),
            Order::LetGo(1),
            Order::Bye,
        ] {
            relay.order(order).unwrap();
            assert_eq!(monitor.next_order().unwrap(), Some(order));
        }
    }

    #[test]
    fn a_lost_end_reads_as_none() {
        let (relay, mut monitor) = Channel::pair().unwrap();
        drop(relay);
        assert_eq!(monitor.next_order().unwrap(), None);
    }
}
