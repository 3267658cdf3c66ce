//! The statements of a session with how they ended, and how the session itself did.

use std::time::Duration;

use jiff::Timestamp;

use crate::record::{Answer, Event, Marker, Source};
use crate::target::Target;

/// What a session's events tell beside its output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Its statements, in order.
    pub statements: Vec<Told>,
    /// The most dangerous target it was connected to, the later of two equals.
    pub target: Option<Target>,
    /// How long it is.
    pub time: Duration,
    /// The client's exit status; none while it runs and if it ended badly.
    pub exit: Option<i32>,
    /// In how many places something was not recorded.
    pub gaps: u64,
}

/// One statement and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Number in the session, from 1.
    pub n: u64,
    /// How far into the session it was.
    pub at: Duration,
    /// Where its event ends in the log; see [`crate::record::Reader::offset`].
    pub place: u64,
    /// When.
    pub time: Timestamp,
    /// The text, redacted.
    pub text: String,
    /// Where the text came from.
    pub source: Source,
    /// Where it would happen.
    pub target: Target,
    /// `allow`, `notice`, `hold` or `deny`.
    pub verdict: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The phrases of the verdict.
    pub reasons: Vec<String>,
    /// How a hold ended, and why if somebody said so.
    pub answer: Option<(Answer, Option<String>)>,
    /// Rows touched or returned.
    pub rows: Option<u64>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// The error as the client gave it.
    pub error: Option<String>,
}

impl Outline {
    /// Starts with what a log's header tells.
    #[must_use]
    pub fn new(target: Option<Target>) -> Self {
        Self { target, ..Self::default() }
    }

    /// Takes the next event, `at` this time, ending at `place` in the log. Output need not come.
    pub fn event(&mut self, event: Event, at: Duration, place: u64) {
        self.time = at;
        match event {
            Event::Marker(marker) => self.marker(*marker, at, place),
            Event::Exit(status) => self.exit = Some(status),
            Event::Broken { .. } => self.gaps += 1,
            Event::Output(_) | Event::Resize { .. } | Event::Torn { .. } | Event::Other(_) => {}
        }
    }

    fn marker(&mut self, marker: Marker, at: Duration, place: u64) {
        match marker {
            Marker::Statement { n, time, text, source, target, verdict, rule, reasons, .. } => {
                self.see(&target);
                // A number that comes again is not one more statement.
                if self.statements.last().is_some_and(|last| last.n >= n) {
                    return;
                }
                self.statements.push(Told {
                    n,
                    at,
                    place,
                    time,
                    text,
                    source,
                    target,
                    verdict,
                    rule,
                    reasons,
                    answer: None,
                    rows: None,
                    duration_ms: None,
                    error: None,
                });
            }
            Marker::Answer { n, answer, reason, .. } => {
                if let Some(told) = self.statement(n) {
                    told.answer = Some((answer, reason));
                }
            }
            Marker::Outcome { n, rows, duration_ms, error, .. } => {
                if let Some(told) = self.statement(n) {
                    (told.rows, told.duration_ms, told.error) = (rows, duration_ms, error);
                }
            }
            Marker::Target { target } => self.see(&target),
            Marker::Gap { .. } => self.gaps += 1,
            Marker::Note { .. } => {}
        }
    }

    fn statement(&mut self, n: u64) -> Option<&mut Told> {
        let at = self.statements.binary_search_by_key(&n, |told| told.n).ok()?;
        self.statements.get_mut(at)
    }

    /// Remembers a target if nothing more dangerous was seen.
    fn see(&mut self, target: &Target) {
        if self.target.as_ref().is_none_or(|seen| target.tier >= seen.tier) {
            self.target = Some(target.clone());
        }
    }
}

impl Told {
    /// Says how it was decided and answered, in one word: that of the answer if there was one.
    #[must_use]
    pub fn word(&self) -> &str {
        self.answer.as_ref().map_or(&self.verdict, |(answer, _)| answer.word())
    }

    /// Says whether it was stopped to be asked about, or was refused.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.verdict == "hold" || self.verdict == "deny"
    }
}
