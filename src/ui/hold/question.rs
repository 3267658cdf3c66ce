//! What a dialogue is opened with.

use std::time::Duration;

use crate::policy::Challenge;
use crate::target::Target;
use crate::ui::visible;

/// Bytes of an answer; PostgreSQL's names have 63.
const LONGEST_WORD: usize = 63;

/// What is to be decided, and where it is shown.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where the statement would run.
    pub target: Target,
    /// What releases a [`Challenge::TypeTarget`]; see [`answer_word`].
    pub answer_word: String,
    /// The time on the person's clock: `23:41`.
    pub local_time: String,
    /// Why it is late: `late hours 22:00-06:00`, or the name of a freeze.
    pub late: Option<String>,
    /// The statement, exactly.
    pub statement: String,
    /// The verdict's reasons.
    pub reasons: Vec<String>,
    /// What must be done to release it.
    pub challenge: Challenge,
    /// Whether `yes all` releases what differs only in its values as well.
    pub has_shape: bool,
    /// The transaction that is open, if one is.
    pub transaction: Option<Transaction>,
    /// Meta commands on the same line that run whatever the answer is.
    pub beyond_reach: Vec<String>,
    /// After this long without an answer the statement is cancelled.
    pub timeout: Duration,
    /// Usually [`QUIET`](super::QUIET).
    pub quiet: Duration,
    /// Usually [`BURST`](super::BURST).
    pub burst: Duration,
    /// Columns and rows of the user terminal.
    pub size: (u16, u16),
    /// False under `NO_COLOR` and `TERM=dumb`.
    pub is_coloured: bool,
    /// False under `TERM=dumb`: nothing is redrawn in place and no mode is switched.
    pub can_move: bool,
    /// Whether the cursor stands at the start of an empty line.
    pub is_fresh_line: bool,
    /// Whether bracketed paste is on already, and is to stay on afterwards.
    pub has_bracketed_paste: bool,
    /// Whether the statement is in the recording.
    pub is_recorded: bool,
    /// Whether figures may still come by [`set_impact`](super::Dialogue::set_impact).
    pub impact_pending: bool,
}

/// A transaction the statement would run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction {
    /// How it is doing.
    pub state: TransactionState,
    /// How long it has been open.
    pub since: Duration,
    /// Whether something of the statement stays when it is rolled back.
    pub outlasted: bool,
}

impl Transaction {
    /// Makes a transaction that takes statements.
    #[must_use]
    pub fn open(since: Duration) -> Self {
        Self { state: TransactionState::Open, since, outlasted: false }
    }
}

/// How a transaction is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// Statements run in it.
    Open,
    /// An error has ended it; only ROLLBACK is accepted.
    Failed,
}

/// Returns the word that releases a statement for a target: its database, else its configured
/// name, else its host, whichever first is not empty and can be typed; `yes` if none can. A database
/// that is a number is one of Redis', which every server has: there the host comes first.
#[must_use]
pub fn answer_word(target: &Target) -> &str {
    let can_be_typed = |word: &&str| {
        !word.is_empty()
            && word.len() <= LONGEST_WORD
            && word.trim() == *word
            && visible::one_line(word) == *word
    };
    let address = &target.address;
    let is_number =
        |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let order = if address.database.as_ref().is_some_and(is_number) {
        [&address.host, &target.name, &address.database]
    } else {
        [&address.database, &target.name, &address.host]
    };
    order.into_iter().filter_map(|word| word.as_deref()).find(can_be_typed).unwrap_or("yes")
}
