//! A session bus of its own, what passes on it, and a desktop that shows it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use nightlatch::clock::Clock;

use super::DEADLINE;

/// Who owns the name that notifications are sent to.
const OWNER: &str = "type='signal',member='NameOwnerChanged',arg0='org.freedesktop.Notifications'";

/// A bus, and a monitor on it.
pub(crate) struct Bus {
    daemon: Child,
    monitor: Child,
    /// What `DBUS_SESSION_BUS_ADDRESS` is to say.
    pub(crate) address: String,
    passed: Said,
}

/// A screen that nobody looks at, and a real daemon that draws notifications on it.
pub(crate) struct Desktop {
    screen: Child,
    daemon: Child,
    /// What it has drawn.
    drawn: Said,
}

/// The lines that a program prints.
struct Said {
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
        let address = Said::by(&mut daemon).line();
        let mut monitor = Command::new("dbus-monitor")
            .args(["--address", &address, "interface='org.freedesktop.Notifications'", OWNER])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-monitor");
        let passed = Said::by(&mut monitor);
        let mut bus = Self { daemon, monitor, address, passed };
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
        self.passed.wait_for(text)
    }
}

impl Desktop {
    /// Starts both, and waits until whoever sends a notification on the bus reaches this daemon.
    pub(crate) fn start(bus: &mut Bus) -> Self {
        let mut screen = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb");
        let display = format!(":{}", Said::by(&mut screen).line());
        let mut daemon = Command::new("dunst")
            .arg("-print")
            .envs([("DISPLAY", &display), ("DBUS_SESSION_BUS_ADDRESS", &bus.address)])
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dunst");
        let drawn = Said::by(&mut daemon);
        bus.wait_for("member=NameOwnerChanged");
        Self { screen, daemon, drawn }
    }

    /// Waits until a text is in what it has drawn, and returns all of that.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> &str {
        self.drawn.wait_for(text)
    }
}

impl Said {
    fn by(child: &mut Child) -> Self {
        Self { lines: lines_of(child), seen: String::new() }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("it says so once it has started")
    }

    #[track_caller]
    fn wait_for(&mut self, text: &str) -> &str {
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
        end([&mut self.monitor, &mut self.daemon]);
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        end([&mut self.daemon, &mut self.screen]);
    }
}

fn end(children: [&mut Child; 2]) {
    for child in children {
        child.kill().ok();
        child.wait().ok();
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
