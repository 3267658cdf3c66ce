//! Sessions that are over, written as a log would be: what looks back at them needs no client.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

use super::world::run;

/// The id of the session.
pub(crate) const ID: &str = "1m7q50gw181h";

/// When it started.
const STARTED: &str = "2026-11-18T11:00:00Z";

/// A data folder with one session, and its log on the way.
pub(crate) struct Past {
    folder: TempDir,
    log: String,
    statements: u64,
    /// What the clock on the wall shows, as statements have it.
    clock: &'static str,
}

impl Past {
    /// Starts a session on a terminal of this size.
    pub(crate) fn new(cols: u16, rows: u16) -> Self {
        Self::of(cols, rows, u32::MAX)
    }

    /// Starts a session whose process is this one, so that it counts as running.
    pub(crate) fn live(cols: u16, rows: u16) -> Self {
        Self::of(cols, rows, std::process::id())
    }

    fn of(cols: u16, rows: u16, pid: u32) -> Self {
        let folder =
            tempfile::Builder::new().prefix("nightlatch-past-").tempdir().expect("tempdir");
        let header = json!({
            "version": 3,
            "term": {"cols": cols, "rows": rows, "type": "xterm-256color"},
            "timestamp": 1_795_000_000,
            "command": "psql orders",
            "title": "psql orders",
            "nightlatch": {
                "session": ID, "started": STARTED, "client": "psql", "argv": ["psql", "orders"],
                "cwd": "/home/ann", "pid": pid,
            },
        });
        let past = Self { folder, log: format!("{header}\n"), statements: 0, clock: STARTED };
        fs::create_dir_all(past.path().parent().expect("a folder")).expect("folder");
        past.save()
    }

    /// Adds output, `after` seconds.
    pub(crate) fn output(self, after: f64, text: &str) -> Self {
        self.event(after, 'o', text)
    }

    /// Adds output that is no UTF-8.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        use base64::Engine;
        let exact = base64::engine::general_purpose::STANDARD.encode(bytes);
        self.event(0.0, 'b', &exact).event(0.0, 'o', &String::from_utf8_lossy(bytes))
    }

    /// Adds a new size.
    pub(crate) fn resize(self, cols: u16, rows: u16) -> Self {
        self.event(0.0, 'r', &format!("{cols}x{rows}"))
    }

    /// Sets the clock on the wall.
    pub(crate) fn clock(mut self, now: &'static str) -> Self {
        self.clock = now;
        self
    }

    /// Adds a statement and, if it was held, that it was cancelled.
    pub(crate) fn statement(self, text: &str, verdict: &str) -> Self {
        let past = self.intent(text, verdict);
        if verdict == "hold" { past.answer("cancelled") } else { past }
    }

    fn intent(mut self, text: &str, verdict: &str) -> Self {
        self.statements += 1;
        let n = self.statements;
        let address = json!({"user": "ann", "host": "db1", "port": 5432, "database": "orders"});
        let statement = json!({
            "kind": "statement", "n": n, "time": self.clock, "text": text, "source": "tap",
            "target": {"address": address, "tier": "production", "name": "orders-prod"},
            "verdict": verdict, "rule": null, "reasons": ["because of <b>reasons</b>"], "redacted": [],
        });
        self.event(0.0, 'm', &statement.to_string())
    }

    /// Adds a statement that was held and released, and printed something before its answer was
    /// written.
    pub(crate) fn released(self, text: &str, printed: &str) -> Self {
        let past = self.intent(text, "hold").output(0.0, "nightlatch: held\r\n");
        let n = past.statements;
        let note = json!({"kind": "note", "text": format!("statement {n} is let run")});
        past.event(0.0, 'm', &note.to_string()).output(0.0, printed).answer("released")
    }

    fn answer(self, answer: &str) -> Self {
        let answer = json!({
            "kind": "answer", "n": self.statements, "time": self.clock, "answer": answer,
            "reason": (answer == "cancelled").then_some("timeout"),
        });
        self.event(0.0, 'm', &answer.to_string())
    }

    /// Adds how the last statement ended.
    pub(crate) fn outcome(self, rows: Option<u64>, error: Option<&str>) -> Self {
        let outcome = json!({
            "kind": "outcome", "n": self.statements, "rows": rows, "duration_ms": 12, "error": error,
        });
        self.event(0.0, 'm', &outcome.to_string())
    }

    /// Adds that something was not recorded.
    pub(crate) fn gap(self, why: &str) -> Self {
        let gap = json!({"kind": "gap", "what": "output", "bytes": 7, "why": why});
        self.event(0.0, 'm', &gap.to_string())
    }

    /// Adds the client's end.
    pub(crate) fn exit(self, status: i32) -> Self {
        self.event(0.0, 'x', &status.to_string())
    }

    /// Adds any text to the log.
    pub(crate) fn raw(mut self, text: &str) -> Self {
        self.log.push_str(text);
        self.save()
    }

    /// Adds many lines of output at once.
    pub(crate) fn lines(mut self, count: usize) -> Self {
        for n in 0..count {
            let text =
                json!(format!("{n:>8} | a row of some result | \u{1b}[32mgreen\u{1b}[0m\r\n"));
            writeln!(self.log, "[0.001, \"o\", {text}]").expect("a string");
        }
        self.save()
    }

    fn event(mut self, after: f64, code: char, data: &str) -> Self {
        writeln!(self.log, "[{after:.6}, \"{code}\", {}]", json!(data)).expect("a string");
        self.save()
    }

    fn save(self) -> Self {
        fs::write(self.path(), &self.log).expect("log");
        self
    }

    /// Returns the log's path.
    pub(crate) fn path(&self) -> PathBuf {
        self.data().join("sessions/2026/11").join(ID).join("session.cast")
    }

    /// Returns the data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns the path of a file of the test's own.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Prepares nightlatch.
    pub(crate) fn nightlatch(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightlatch"));
        command.env_clear().args(args).current_dir(self.folder.path());
        command.env("NIGHTLATCH_DATA_DIR", self.data()).env("TZ", "UTC").env("TERM", "xterm");
        command.env("NIGHTLATCH_CONFIG", self.folder.path().join("none.toml"));
        command
    }

    /// Runs nightlatch to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        run(self.nightlatch(args), "")
    }

    /// Runs nightlatch with variables beside the usual ones.
    pub(crate) fn run_with(&self, args: &[&str], vars: &[(&str, &str)]) -> Output {
        let mut command = self.nightlatch(args);
        command.envs(vars.iter().copied());
        run(command, "")
    }

    /// Runs nightlatch, which must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn printed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let noted = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {noted}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}
