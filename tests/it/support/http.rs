//! A small server that takes any request of HTTP and logs it: what is not in the log was never sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A running server; it ends with the test.
pub(crate) struct Http {
    /// Where it listens on localhost.
    pub(crate) port: u16,
    log: Arc<Mutex<Vec<String>>>,
}

impl Http {
    /// Starts a server that answers everything with one body, on a port of the range the tests'
    /// configuration takes for production.
    pub(crate) fn start(body: &'static str) -> Self {
        let listener = (9_201..9_299)
            .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
            .expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&log);
        let serve = move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&shared);
                let name = "http-connection".to_owned();
                let serve = move || drop(converse(&stream, body, &log));
                std::thread::Builder::new().name(name).spawn(serve).expect("a thread");
            }
        };
        std::thread::Builder::new().name("http".to_owned()).spawn(serve).expect("a thread");
        Self { port, log }
    }

    /// Counts the requests that have arrived and begin so: `DELETE /orders/`.
    pub(crate) fn arrived(&self, begin: &str) -> usize {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().filter(|line| line.starts_with(begin)).count()
    }
}

/// Answers one connection until it ends.
fn converse(stream: &TcpStream, body: &str, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut sent = vec![0; length];
        reader.read_exact(&mut sent)?;
        log.lock().unwrap_or_else(PoisonError::into_inner).push(first);
        write!(
            out,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
             X-Elastic-Product: Elasticsearch\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}
