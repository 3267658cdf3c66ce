//! What policy says of a statement.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lang::Effect;
use crate::target::Tier;

/// What a person must do to release a hold, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Challenge {
    /// Type `yes`.
    Yes,
    /// Type the target's name.
    TypeTarget {
        /// Whether a reason is asked for, and stored.
        reason: bool,
        /// How long to wait before the answer is asked for.
        wait: Duration,
    },
}

/// What happens to a statement, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// Goes through in silence.
    Allow,
    /// Goes through with one line on the terminal.
    Notice,
    /// Waits for the person.
    Hold(Challenge),
    /// Does not run.
    Deny,
}

impl Decision {
    /// Returns what is left of it where the glass was broken: a hold asks for `yes`, and what no
    /// answer would release asks for the target's name.
    #[must_use]
    pub fn lifted(self) -> Self {
        match self {
            Self::Allow | Self::Notice => self,
            Self::Hold(_) => Self::Hold(Challenge::Yes),
            Self::Deny => Self::Hold(Challenge::TypeTarget { reason: false, wait: Duration::ZERO }),
        }
    }

    /// Returns the word used in JSON and in the history.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Notice => "notice",
            Self::Hold(_) => "hold",
            Self::Deny => "deny",
        }
    }
}

/// How the text was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A parser understood all of it.
    Parsed,
    /// No parser understood it; only its words are known.
    Text,
}

/// One effect with the rule it fell under and what that rule decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What would happen.
    pub effect: Effect,
    /// The rule's id, such as `delete-without-where`; none where no rule has an opinion.
    pub rule: Option<String>,
    /// What the rule, or else the table, decided for this effect alone.
    pub decision: Decision,
}

/// The most severe decision over all effects, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What happens.
    pub decision: Decision,
    /// How the text was understood.
    pub confidence: Confidence,
    /// Every effect, in order of the text.
    pub findings: Vec<Finding>,
    /// One phrase for each thing that counts, no full stop: "deletes every row of families".
    pub reasons: Vec<String>,
    /// The tier that decided: production where a broken configuration did not speak.
    pub judged_as: Tier,
}

impl Verdict {
    /// Returns the rule that decided, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.findings
            .iter()
            .filter(|finding| finding.decision == self.decision)
            .find_map(|finding| finding.rule.as_deref())
    }
}
