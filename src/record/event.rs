//! The markers of a session log: what nightlatch knows beside the bytes.
//!
//! A marker is an asciicast `m` event whose label is one of these as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::target::Target;

/// Where a statement's text came from, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The client itself said what it was about to run.
    Tap,
    /// Read off the screen at the submitting key.
    Draft,
    /// Read before the client started: `-c`, `-f`, a script.
    Preflight,
}

/// How a hold ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It ran.
    Released,
    /// It did not run.
    Cancelled,
}

impl Source {
    /// Returns its word, as in `history --json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tap => "tap",
            Self::Draft => "draft",
            Self::Preflight => "preflight",
        }
    }
}

impl Answer {
    /// Returns its word, as in `history --json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Marker {
    /// A statement is about to run: the intent, on disk before the effect.
    Statement {
        /// Number in the session, from 1.
        n: u64,
        /// When.
        time: Timestamp,
        /// The text, redacted, never shortened.
        text: String,
        /// Where the text came from.
        source: Source,
        /// Where it would happen.
        target: Target,
        /// `allow`, `notice`, `hold` or `deny`.
        verdict: String,
        /// The rule that decided.
        rule: Option<String>,
        /// The phrases of the verdict.
        reasons: Vec<String>,
        /// Kinds of secrets that were redacted from the text.
        redacted: Vec<String>,
    },
    /// A hold was answered.
    Answer {
        /// The statement's number.
        n: u64,
        /// When.
        time: Timestamp,
        /// How it ended.
        answer: Answer,
        /// Why: what the person gave as reason, or `timeout`, `interrupted`, `hang-up`.
        reason: Option<String>,
    },
    /// A statement has ended.
    Outcome {
        /// The statement's number.
        n: u64,
        /// Rows touched or returned; unknown is none, never 0.
        rows: Option<u64>,
        /// From release to the next sign of life; none if a pager ran.
        duration_ms: Option<u64>,
        /// The error as the client gave it (SQLSTATE for psql).
        error: Option<String>,
    },
    /// The connection changed.
    Target {
        /// Where the client is now.
        target: Target,
    },
    /// Something was not recorded.
    Gap {
        /// What is missing: `output`, `statement`, `draft`, `tail`.
        what: String,
        /// How many bytes, if known.
        bytes: Option<u64>,
        /// Why, for a person.
        why: String,
    },
    /// Something a person looking back should know: unguarded, tap lost, bypassed.
    Note {
        /// A sentence.
        text: String,
    },
}
