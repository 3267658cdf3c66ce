//! The markers of a session log: what nightlatch knows beside the bytes.
//!
//! A marker is an asciicast `m` event whose label is one of these as JSON.

use jiff::{SignedDuration, Timestamp};
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
    /// Imported from the client's own history.
    Import,
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
            Self::Import => "import",
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

/// The moment of a release. What it lets run had not begun yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Just before the release was sent, by our clock.
    pub sent: Timestamp,
    /// What the server said of itself while the statement was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerMoment>,
}

/// What a server said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMoment {
    /// Its clock.
    pub time: Timestamp,
    /// Our clock when its answer had come: never earlier than what it read.
    pub heard: Timestamp,
    /// Where its log of changes ended, in its own words (PostgreSQL: `0/3000148`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
}

impl Release {
    /// Returns the moment by the server's clock, never later than it was; none if the server has
    /// not told its time.
    #[must_use]
    pub fn by_server(&self) -> Option<Timestamp> {
        let server = self.server.as_ref()?;
        self.sent.checked_add(server.ahead()).ok()
    }
}

impl ServerMoment {
    /// Returns by how much the server's clock is ahead of ours, at least.
    #[must_use]
    pub fn ahead(&self) -> SignedDuration {
        self.time.duration_since(self.heard)
    }
}

/// Where a transaction stands once a statement has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// None is open.
    Idle,
    /// One is open.
    Open,
    /// One is open and has failed.
    Failed,
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
        /// Whether it was judged to remove or overwrite what was there. Where it is not set, the
        /// text decides.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        destroys: bool,
        /// What kind of server it goes to, of a client that reaches several: `postgres`, `mysql`,
        /// `sqlite`, `mongodb`, `redis`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        engine: Option<String>,
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
        /// Of a release: when it was sent, and what the server said of itself before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moment: Option<Box<Release>>,
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
        /// Nobody heard how it went: there may have been an error.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        unheard: bool,
        /// Where the transaction stood behind it; none if that is not known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        transaction: Option<Standing>,
    },
    /// The connection changed.
    Target {
        /// Where the client is now.
        target: Target,
    },
    /// Something was not recorded.
    Gap {
        /// What is missing: `output`, `statement`, `draft`, `tail`; `intent` where a statement is
        /// there but went on before it was.
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

/// The words of [`Marker::letting_run`], around the number.
const LETTING_RUN: (&str, &str) = ("statement ", " is let run");

impl Marker {
    /// A statement that has ended, of whose transaction nothing is known.
    #[must_use]
    pub fn outcome(
        n: u64,
        rows: Option<u64>,
        duration_ms: Option<u64>,
        error: Option<String>,
    ) -> Self {
        Self::Outcome { n, rows, duration_ms, error, unheard: false, transaction: None }
    }

    /// Returns a note that a held statement is about to be let run. Its answer is written only once
    /// the client has taken it, which may be when it is over.
    #[must_use]
    pub fn letting_run(n: u64) -> Self {
        Self::Note { text: format!("{}{n}{}", LETTING_RUN.0, LETTING_RUN.1) }
    }

    /// Returns the number of the statement that such a note is about.
    #[must_use]
    pub fn let_run(&self) -> Option<u64> {
        let Self::Note { text } = self else { return None };
        text.strip_prefix(LETTING_RUN.0)?.strip_suffix(LETTING_RUN.1)?.parse().ok()
    }
}
