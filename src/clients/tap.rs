//! What a tap that speaks through the client's own output tells the relay.

use std::path::Path;

use super::unseen::{Echo, Unseen};
use crate::target::Address;

/// Where the transaction stands, as the client tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transaction {
    /// None is open.
    Idle,
    /// One is open.
    Open,
    /// One is open and has failed.
    Failed,
    /// Nothing is known.
    #[default]
    Unknown,
}

/// Whether the client still asks us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// It asks, and we answer.
    Ours,
    /// The person wants to be asked as well: the question is shown and the answer is theirs.
    Theirs,
    /// It no longer asks.
    No,
    /// The prompt did not tell.
    Unknown,
}

/// What a prompt tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFacts {
    /// Whether a new statement begins here; otherwise one goes on, or its data.
    pub is_fresh: bool,
    /// Whether the lines typed here are data for the running statement.
    pub takes_data: bool,
    /// Where the client is connected; none if the prompt could not tell.
    pub address: Option<Address>,
    /// The server's process for this connection: a new one means a new connection.
    pub backend_pid: Option<u32>,
    /// Where the transaction stands.
    pub transaction: Transaction,
    /// Whether the client still asks us.
    pub guarded: Guarded,
    /// Rows of the last statement.
    pub rows: Option<u64>,
    /// Error code of the last statement; none if it went well.
    pub error: Option<String>,
    /// The client's version, in its own numbering.
    pub version: Option<u32>,
    /// The server's version, as people write it.
    pub server_version: Option<String>,
}

/// How a statement went, as what it printed tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Went {
    /// Rows it touched.
    pub rows: Option<u64>,
    /// The error as the client gave it.
    pub error: Option<String>,
    /// Whether it would have said by now that it went well, and has not.
    pub is_silent: bool,
}

/// Something the output held beside what is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A prompt begins at this offset of the shown bytes.
    Prompt(usize, Box<PromptFacts>),
    /// The prompt ends there: what follows is the draft.
    PromptEnd(usize),
}

/// What the client waits for, given that it is blocked reading its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing of ours: it reads for itself.
    Nothing,
    /// It asks about a statement.
    Statement {
        /// Every text that could be the statement: the most severe one counts.
        texts: Vec<String>,
        /// Which of them to show.
        likely: usize,
        /// The question as the client printed it, for a person who wants to see it.
        banner: Vec<u8>,
    },
    /// It asks, and what about could not be read: nothing may be assumed.
    Unreadable,
}

/// Reads a client's output for what it tells and asks us.
pub trait Tap: std::fmt::Debug {
    /// Takes output; appends what is to be shown to `shown`, and what was seen to `seen` (offsets
    /// into `shown`).
    fn output(&mut self, bytes: &[u8], shown: &mut Vec<u8>, seen: &mut Vec<Seen>);

    /// Returns whether something is kept back that may be a question.
    fn may_ask(&self) -> bool;

    /// Returns whether a question may lie before what was printed last: programs that the client
    /// has started print between its question and its wait for the answer.
    fn may_hide_question(&self) -> bool {
        false
    }

    /// Tells what the client asks, when it is known to be blocked reading its input and all its
    /// output has been taken. What is kept back and is no question is appended to `shown`.
    /// `adds_cr` tells that each LF came as CR LF.
    fn asked(&mut self, adds_cr: bool, shown: &mut Vec<u8>) -> Asked;

    /// Returns how the statement before the one that was asked about last went, as far as what it
    /// printed tells; at the end, that of the last.
    fn went(&mut self) -> Went {
        Went::default()
    }

    /// Gives up what is kept back: the client is busy with something else.
    fn let_go(&mut self, shown: &mut Vec<u8>);

    /// Takes note of a line that goes into the client's own standard input, and tells what of it
    /// no question will tell. `cwd` is the client's working directory, `address` where it is
    /// connected.
    fn follow_input(&mut self, line: &[u8], cwd: &Path, address: &Address) -> Unseen;

    /// Takes note of where a text that is about to be read changes what the client shows.
    fn foresee(&mut self, echoes: Vec<Echo>);

    /// Returns what the client would have printed of a statement, had it not asked: its question
    /// takes the place of the echo that some options ask for.
    fn echo<'a>(&self, banner: &'a [u8]) -> Option<&'a [u8]>;

    /// What to send before that input ends, if a statement was begun and not ended: the client
    /// would run it, and its question would read end of file, which counts as a yes.
    fn before_end(&self) -> Option<&'static [u8]>;

    /// Says what a prompt's client cannot tell us, for the person to know.
    fn shortcoming(&self, facts: &PromptFacts) -> Option<&'static str>;

    /// Tells whether a statement takes data from the client's standard input.
    fn takes_data(&self, text: &str) -> bool;

    /// What ends data on the client's standard input without ending that input.
    fn end_of_data(&self) -> &'static [u8];

    /// What to send so that the statement runs, and so that it does not.
    fn answers(&self) -> (&'static [u8], &'static [u8]);
}
