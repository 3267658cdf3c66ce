//! A session bus of its own, and what passes on it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use nightlatch::clock::Clock;

use super::DEADLINE;

/// A bus, and a monitor on it.
pub(crate) struct Bus {
    daemon: Child,
    monitor: Child,
    /// What `DBUS_SESSION_BUS_ADDRESS` is to say.
    pub(crate) address: String,
    lines: Receiver<String>,
    seen: String,
}

impl Bus {
    /// Starts both, with the socket in a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let address = format!("unix:path={}", folder.join("bus").display());
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address", "--address", &address])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon");
        // It prints its address once it listens.
        let lines = lines_of(&mut daemon);
        let address = lines.recv_timeout(DEADLINE).expect("the bus starts");
        let mut monitor = Command::new("dbus-monitor")
            .args(["--address", &address, "interface='org.freedesktop.Notifications'"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-monitor");
        let lines = lines_of(&mut monitor);
        let mut bus = Self { daemon, monitor, address, lines, seen: String::new() };
        // The monitor says so once it has become one.
        bus.wait_for("NameLost");
        bus
    }

    /// Waits until a text has passed, and returns all that has.
    ///
    /// # Panics
    /// If it does not within the deadline.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> &str {
        let clock = Clock::system();
        while !self.seen.contains(text) {
            let left = DEADLINE.saturating_sub(clock.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push_str(&(line + "\n")),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{text:?} did not pass:\n{}", self.seen)
                }
            }
        }
        &self.seen
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        for child in [&mut self.monitor, &mut self.daemon] {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let (sender, receiver) = channel();
    let read = move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("lines".to_owned()).spawn(read).expect("a thread");
    receiver
}
