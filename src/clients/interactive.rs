//! What a client's folder knows of a person at its prompt.

use std::path::PathBuf;

use super::unseen::Unseen;
use crate::session::keys::Keys;
use crate::target::Address;

/// A line that is about to be submitted.
#[derive(Debug, Clone)]
pub struct Submitted<'a> {
    /// The line as it stands behind the prompt.
    pub line: &'a str,
    /// The line as it was typed, where that was nothing but text.
    pub typed: Option<String>,
    /// Whether the key makes a comment of it first, or undoes that.
    pub is_commented: bool,
    /// Whether a new statement begins with it.
    pub is_fresh: bool,
    /// Whether the client asks us before each statement.
    pub is_guarded: bool,
    /// The client's working directory, for files it names.
    pub cwd: PathBuf,
    /// Where the client is connected now.
    pub address: &'a Address,
}

/// A client at whose prompt a person types.
pub trait Interactive: std::fmt::Debug {
    /// Returns what its line editor knows of the keys that submit a line.
    fn keys(&self) -> Keys;

    /// Reads a line that is about to be submitted for what no tap will tell.
    fn unseen(&mut self, submitted: &Submitted<'_>) -> Unseen;

    /// Reads what an editor has left, which the client takes in place of the line: without a
    /// submitting key. Nothing, where the editor changed nothing and no line was begun.
    fn edited(&mut self, _left: &Submitted<'_>, _is_changed: bool) -> Unseen {
        Unseen::default()
    }

    /// The statement at hand was thrown away, as Ctrl-C does.
    fn interrupted(&mut self);

    /// The line that was read last has not been passed, and with it the statement at hand is thrown
    /// away.
    fn withdrawn(&mut self) {
        self.interrupted();
    }
}
