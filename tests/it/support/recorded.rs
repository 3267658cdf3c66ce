//! A past to look back on: recorded sessions in a folder of their own, without any client.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use jiff::Timestamp;
use nightlatch::clock::Clock;
use nightlatch::record::{Answer, Header, Marker, Recorder, Source};
use nightlatch::target::{Address, Target, Tier};

/// When the recorded sessions were: each of a past is a minute after the one before.
const RECORDED: &str = "2026-11-18T09:00:00Z";

/// A folder of recordings.
pub(crate) struct Recorded {
    folder: tempfile::TempDir,
    sessions: AtomicU8,
}

impl Recorded {
    /// Starts with nothing.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("tempdir"), sessions: AtomicU8::new(0) }
    }

    /// Records a session of statements, each with what it printed; a statement that starts with
    /// `delete` was held and cancelled.
    pub(crate) fn record(&self, name: &str, statements: &[(&str, &str)]) -> Recorder {
        let minute = self.sessions.fetch_add(1, Ordering::Relaxed);
        let start = RECORDED.replacen(":00:", &format!(":{minute:02}:"), 1);
        let clock = Clock::starting_at(start.parse().expect("a time"));
        let header = Header {
            cols: 80,
            rows: 24,
            client: "psql".into(),
            argv: vec!["psql".into()],
            cwd: "/".into(),
            pid: u32::MAX,
            ..Header::default()
        };
        let mut recorder = Recorder::start(&self.data(), &header, clock).expect("a recorder");
        for (n, (text, printed)) in (1..).zip(statements) {
            recorder.marker(statement(n, text, name, clock.now()));
            if text.starts_with("delete") {
                let time = clock.now();
                let answer = Answer::Cancelled;
                recorder.marker(Marker::Answer { n, time, answer, reason: None, moment: None });
            }
            recorder.output(printed.as_bytes());
            let outcome = Marker::outcome(n, None, Some(3), None);
            recorder.marker(outcome);
        }
        recorder
    }

    /// Some sessions as people have them.
    pub(crate) fn usual() -> Self {
        let past = Self::new();
        let statements = [
            ("select * from families;", " id | name\r\n 1 | \x1b[31mkonrad\x1b[0m\r\n"),
            ("delete from orders;", ""),
            ("select 'Größe', '家族'\n  from members;", "(0 rows)\r\n"),
        ];
        past.record("orders-prod", &statements).finish(0);
        past.record("billing", &[("select 1;", " 1\r\n"), ("begin;", "BEGIN\r\n")]).finish(0);
        past
    }

    /// Returns the data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Prepares nightlatch.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightlatch"));
        command.env_clear().current_dir(self.folder.path()).args(args);
        for (name, value) in [
            ("NIGHTLATCH_DATA_DIR", self.data()),
            ("NIGHTLATCH_CONFIG", self.folder.path().join("config.toml")),
            ("HOME", self.folder.path().to_owned()),
        ] {
            command.env(name, value);
        }
        command.envs([
            ("TERM", "xterm-256color"),
            ("TZ", "UTC"),
            ("NO_COLOR", "1"),
            ("NIGHTLATCH_TEST_NOW", "2026-11-18T11:00:00Z"),
        ]);
        command
    }

    /// Runs nightlatch to its end, without a terminal.
    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().expect("it runs")
    }

    /// Returns a folder for whatever a test needs beside the data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A statement on production; one that starts with `delete` is held.
pub(crate) fn statement(n: u64, text: &str, target: &str, time: Timestamp) -> Marker {
    let address = Address { database: Some("orders".into()), ..Address::default() };
    let verdict = if text.starts_with("delete") { "hold" } else { "allow" };
    Marker::Statement {
        n,
        time,
        text: text.to_owned(),
        source: Source::Tap,
        target: Target { address, tier: Tier::Production, name: Some(target.to_owned()) },
        verdict: verdict.to_owned(),
        rule: None,
        reasons: Vec::new(),
        redacted: Vec::new(),
        destroys: false,
        engine: None,
    }
}
