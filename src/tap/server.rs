//! Our end of the socket: connections, lines torn anywhere, answers.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::protocol::{self, Answer, MOST_LINE_BYTES, Message};
use crate::os::poll::Wait;
use crate::os::socket::Socket;

/// Most processes that may be connected at once.
const MOST_CONNECTIONS: usize = 512;

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;

/// Who asks: one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asker(u64);

/// Something that came over the socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A message, which waits for its answer.
    Message(Asker, Box<Message>),
    /// A line that is no message: nothing may be assumed of it.
    Unreadable(Asker),
    /// The connection was closed: what it asked is taken back.
    Gone(Asker),
    /// Somebody else tried to connect.
    Stranger,
}

/// The socket and all connections to it.
#[derive(Debug)]
pub struct Server {
    socket: Socket,
    connections: Vec<Connection>,
    next: u64,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    asker: Asker,
    stream: UnixStream,
    /// What was read of a line that has not ended yet.
    line: Vec<u8>,
    is_gone: bool,
}

impl Server {
    /// Serves a socket.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self { socket, connections: Vec::new(), next: 0, buffer: vec![0; READ_BYTES] }
    }

    /// Returns the socket's name.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.socket.path()
    }

    /// Returns what to wait for.
    pub fn waits(&self) -> impl Iterator<Item = Wait<'_>> {
        let listener = (self.connections.len() < MOST_CONNECTIONS)
            .then(|| Wait::readable(self.socket.as_fd()));
        let connections =
            self.connections.iter().map(|connection| Wait::readable(connection.stream.as_fd()));
        listener.into_iter().chain(connections)
    }

    /// Takes everything that has come.
    pub fn hear(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        while self.connections.len() < MOST_CONNECTIONS {
            match self.socket.accept() {
                Ok(Some(stream)) => {
                    self.next += 1;
                    let asker = Asker(self.next);
                    let line = Vec::new();
                    self.connections.push(Connection { asker, stream, line, is_gone: false });
                }
                Ok(None) => break,
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    heard.push(Heard::Stranger);
                }
                // No descriptor left: those that are connected are still served.
                Err(_) => break,
            }
        }
        for connection in &mut self.connections {
            connection.hear(&mut self.buffer, &mut heard);
        }
        self.connections.retain(|connection| !connection.is_gone);
        heard
    }

    /// Answers; a connection that is gone needs none.
    pub fn answer(&mut self, asker: Asker, answer: Answer) {
        let found = self.connections.iter_mut().find(|connection| connection.asker == asker);
        let Some(connection) = found else { return };
        // A line is far smaller than the socket's own buffer, and each is read before the next.
        if connection.stream.write_all(answer.line().as_bytes()).is_err() {
            connection.is_gone = true;
        }
    }
}

impl Connection {
    /// Reads what has come.
    fn hear(&mut self, buffer: &mut [u8], heard: &mut Vec<Heard>) {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            if count == 0 {
                self.is_gone = true;
                heard.push(Heard::Gone(self.asker));
                return;
            }
            self.take(&buffer[..count], heard);
            if self.is_gone {
                heard.push(Heard::Gone(self.asker));
                return;
            }
        }
    }

    fn take(&mut self, mut bytes: &[u8], heard: &mut Vec<Heard>) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.line);
            heard.push(match protocol::parse(&line) {
                Ok(message) => Heard::Message(self.asker, Box::new(message)),
                Err(_) => Heard::Unreadable(self.asker),
            });
        }
        self.line.extend_from_slice(bytes);
        // Nobody sends such a line: whoever it is gets no answer, and so no permission.
        self.is_gone |= self.line.len() > MOST_LINE_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead};

    use super::*;

    fn server(folder: &tempfile::TempDir) -> Server {
        Server::new(Socket::open(&[folder.path()], "t").expect("made"))
    }

    const HELLO: &str = "{\"t\":\"hello\",\"protocol\":1,\"client\":\"x\",\"version\":\"1\"}\n";

    #[test]
    fn a_line_torn_anywhere_is_one_message() {
        let folder = tempfile::tempdir().expect("tempdir");
        for cut in 0..HELLO.len() {
            let mut server = server(&folder);
            let mut client = UnixStream::connect(server.path()).expect("connects");
            client.write_all(&HELLO.as_bytes()[..cut]).expect("written");
            assert_eq!(server.hear(), [], "cut at {cut}");
            client.write_all(&HELLO.as_bytes()[cut..]).expect("written");
            let heard = server.hear();
            let [Heard::Message(asker, _)] = heard[..] else { panic!("cut at {cut}: {heard:?}") };
            server.answer(asker, Answer::No("why"));
            let mut line = String::new();
            io::BufReader::new(&client).read_line(&mut line).expect("answered");
            assert_eq!(line, "no why\n");
        }
    }

    #[test]
    fn nonsense_and_a_close_are_told() {
        let folder = tempfile::tempdir().expect("tempdir");
        let mut server = server(&folder);
        let mut client = UnixStream::connect(server.path()).expect("connects");
        client.write_all(b"\xff\xfe\nhalf a li").expect("written");
        drop(client);
        let heard = server.hear();
        assert!(matches!(heard[..], [Heard::Unreadable(_), Heard::Gone(_)]), "{heard:?}");
        assert_eq!(server.connections.len(), 0);
        server.answer(Asker(1), Answer::Go);
    }
}
