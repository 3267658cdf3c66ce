//! The one error a user meets: what happened, to what, and what to do next.

use std::fmt;

/// Who is to blame, which decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line makes no sense: status 2.
    Usage,
    /// nightlatch itself failed or refused: status 125, as `env` and `timeout` have it.
    Ours,
    /// The client was found and cannot be run: status 126.
    CannotRun,
    /// The client was not found: status 127.
    NotFound,
}

impl Kind {
    /// Returns the exit status of a failure of this kind.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Ours => 125,
            Self::CannotRun => 126,
            Self::NotFound => 127,
        }
    }
}

/// A failure on its way to the user.
///
/// `message` is a sentence with a full stop; `hint` says what to try next.
#[derive(Debug)]
pub struct Error {
    /// Decides the exit status.
    pub kind: Kind,
    /// What happened, and to what.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of the given kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Makes an error that is nightlatch's own failure.
    pub fn ours(message: impl Into<String>) -> Self {
        Self::new(Kind::Ours, message)
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause, which is printed below the message.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
