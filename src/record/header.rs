//! The first line of a session log: asciicast v3 keys, and ours under `nightlatch`.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::redact::{self, Secret};
use crate::target::Target;

/// The version of what nightlatch puts into a log; a reader refuses a later one. To be raised when
/// an earlier nightlatch would misread a log, not when it would only miss something.
pub(crate) const FORMAT: u32 = 1;

/// What is known of a session before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Columns of the user terminal.
    pub cols: u16,
    /// Rows of the user terminal.
    pub rows: u16,
    /// `TERM`.
    pub term: Option<String>,
    /// The client's name: `psql`.
    pub client: String,
    /// The client's command line, program first. Redacted before it is written.
    pub argv: Vec<String>,
    /// A title for players. Redacted before it is written.
    pub title: Option<String>,
    /// Where the client will be connected, as far as it is known.
    pub target: Option<Target>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The user terminal's device, such as `/dev/pts/3`.
    pub tty: Option<String>,
    /// The process id of nightlatch.
    pub pid: u32,
    /// When that process started, in the system's own unit; tells it from a later one with its id.
    pub pid_started: Option<u64>,
}

/// Where a segment stands in its session's log; part of its header, if it is not the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Its number, from 1.
    pub(crate) n: u32,
    /// Bytes of the log before it, headers of segments not counted but for the first.
    pub(crate) offset: u64,
    /// Time of the last event before it, in microseconds since the session's start.
    pub(crate) time_us: u64,
}

/// The header line as it is written and read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HeaderLine {
    pub(crate) version: u8,
    pub(crate) term: Term,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) nightlatch: Option<Ours>,
    /// What the command line had of secrets, which the client may show again. Never written.
    #[serde(skip)]
    pub(crate) secrets: Vec<Secret>,
}

/// The terminal of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Term {
    pub(crate) cols: u16,
    pub(crate) rows: u16,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub(crate) kind: Option<String>,
}

/// What nightlatch adds to the header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ours {
    /// See [`FORMAT`].
    #[serde(default = "first_format")]
    pub(crate) format: u32,
    /// Where this segment stands, if it is not the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) segment: Option<Place>,
    pub(crate) session: String,
    pub(crate) started: Timestamp,
    pub(crate) client: String,
    pub(crate) argv: Vec<String>,
    #[serde(default)]
    pub(crate) target: Option<Target>,
    pub(crate) cwd: PathBuf,
    #[serde(default)]
    pub(crate) tty: Option<String>,
    pub(crate) pid: u32,
    #[serde(default)]
    pub(crate) pid_started: Option<u64>,
}

impl HeaderLine {
    /// Returns the line as it is written, newline included.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("a header is plain data");
        line.push(b'\n');
        line
    }

    /// Makes it the header of a later segment, which begins with a screen of this size.
    pub(crate) fn set_place(&mut self, place: Place, (cols, rows): (u16, u16)) {
        (self.term.cols, self.term.rows) = (cols, rows);
        if let Some(ours) = &mut self.nightlatch {
            ours.segment = Some(place);
        }
    }
}

impl Header {
    /// Returns the line to write, with every secret redacted.
    pub(crate) fn line(&self, session: &str, started: Timestamp) -> HeaderLine {
        let (argv, secrets) = redact::redact_argv(&self.argv);
        HeaderLine {
            version: 3,
            term: Term { cols: self.cols, rows: self.rows, kind: self.term.clone() },
            timestamp: Some(started.as_second()),
            command: Some(argv.join(" ")),
            title: self.title.as_deref().map(|title| redact::redact(title).text.into_owned()),
            secrets,
            nightlatch: Some(Ours {
                format: FORMAT,
                segment: None,
                session: session.to_owned(),
                started,
                client: self.client.clone(),
                argv,
                target: self.target.clone(),
                cwd: self.cwd.clone(),
                tty: self.tty.clone(),
                pid: self.pid,
                pid_started: self.pid_started,
            }),
        }
    }
}

fn first_format() -> u32 {
    1
}

/// The header of a log, as far as it is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The session's id.
    pub session: String,
    /// When it started.
    pub started: Timestamp,
    /// What else is known of it.
    pub header: Header,
}

impl HeaderLine {
    /// Returns what is ours, if this is a header of ours.
    pub(super) fn into_start(self) -> Option<Start> {
        let ours = self.nightlatch?;
        (self.version == 3 && ours.format <= FORMAT).then_some(Start {
            session: ours.session,
            started: ours.started,
            header: Header {
                cols: self.term.cols,
                rows: self.term.rows,
                term: self.term.kind,
                client: ours.client,
                argv: ours.argv,
                title: self.title,
                target: ours.target,
                cwd: ours.cwd,
                tty: ours.tty,
                pid: ours.pid,
                pid_started: ours.pid_started,
            },
        })
    }
}
