//! What a text does that no tap will tell, as a client's folder reads it.

use crate::lang::Effect;
use crate::target::Address;

/// What a submitted line does that no tap will tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unseen {
    /// Statements that would run unasked.
    pub statements: Vec<String>,
    /// Statements before them that a client asks about, which define what they may call.
    pub made: Vec<String>,
    /// Effects of commands for the client itself.
    pub effects: Vec<Effect>,
    /// Commands on the line that run whatever is answered to its statements.
    pub remarks: Vec<String>,
    /// Where the line connects to before its later statements run; none where that cannot be
    /// read.
    pub connects: Vec<Option<Address>>,
    /// Where the client begins and ends to show statements before it runs them.
    pub echoes: Vec<Echo>,
    /// Whether the line is a command for the client itself, which is recorded whatever it does.
    pub is_command: bool,
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
        add(&mut self.made, more.made);
        add(&mut self.effects, more.effects);
        add(&mut self.remarks, more.remarks);
        self.connects.extend(more.connects);
        self.is_command |= more.is_command;
    }

    /// Returns whether there is nothing to judge.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.statements.is_empty() && self.effects.is_empty()
    }
}

/// What of a text changes what the client shows, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Echo {
    /// A statement.
    Statement(String),
    /// From here on statements are shown before they run, or not.
    Set(bool),
}
