//! What a client's folder knows of a person at its prompt.

use std::path::PathBuf;

use super::tap::Echo;
use crate::lang::Effect;
use crate::session::keys::Keys;
use crate::target::Address;

/// A line that is about to be submitted.
#[derive(Debug, Clone)]
pub struct Submitted<'a> {
    /// The line as it stands behind the prompt.
    pub line: &'a str,
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

/// What a submitted line does that no tap will tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unseen {
    /// Statements that would run unasked.
    pub statements: Vec<String>,
    /// Effects of commands for the client itself.
    pub effects: Vec<Effect>,
    /// Commands on the line that run whatever is answered to its statements.
    pub remarks: Vec<String>,
    /// Where the line connects to before its later statements run; none where that cannot be
    /// read.
    pub connects: Vec<Option<Address>>,
    /// Where the client begins and ends to show statements before it runs them.
    pub echoes: Vec<Echo>,
}

impl Unseen {
    /// Says in one line what would run unasked.
    #[must_use]
    pub fn summary(&self) -> String {
        let effects = self.effects.iter().map(|effect| effect.phrase.clone());
        self.statements.iter().cloned().chain(effects).collect::<Vec<_>>().join("; ")
    }

    /// Adds what else a line may do.
    pub fn add(&mut self, more: Self) {
        fn add<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
            for one in more {
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        add(&mut self.statements, more.statements);
        add(&mut self.effects, more.effects);
        add(&mut self.remarks, more.remarks);
        self.connects.extend(more.connects);
    }

    /// Returns whether there is nothing to judge.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.statements.is_empty() && self.effects.is_empty()
    }
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
