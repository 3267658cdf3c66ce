//! A throw-away Redis, without a file on the disk.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use nightlatch::clock::Clock;

use super::DEADLINE;
use super::tool::find;

/// A running server; it ends with the test.
pub(crate) struct Redis {
    /// Where it listens on localhost.
    pub(crate) port: u16,
    server: Child,
}

impl Redis {
    /// Starts an empty server, on a port of the range the tests' configuration takes for
    /// production.
    pub(crate) fn start() -> Self {
        let port = (6_310..6_399)
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .expect("a free port");
        let server = Command::new(find("redis-server").expect("redis-server"))
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--dir", "/tmp"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let redis = Self { port, server };
        let clock = Clock::system();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(clock.elapsed() < DEADLINE, "the server does not come up");
            nix::poll::poll(&mut [], 5_u8).ok();
        }
        redis
    }

    /// Counts the keys.
    pub(crate) fn keys(&self) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.write_all(b"DBSIZE\r\n").expect("written");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("answered");
        line.trim().trim_start_matches(':').parse().expect("a number")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
