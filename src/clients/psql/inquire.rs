//! Asking the server what a held statement would touch, on a connection of its own.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::clients::{Inquiry, PromptFacts};
use crate::policy::Verdict;

/// Knows how this session connects.
#[derive(Debug, Clone)]
pub struct Inquirer {
    /// psql itself.
    pub program: PathBuf,
    /// The arguments that say where, as the person gave them.
    pub connection: Vec<OsString>,
}

impl Inquirer {
    /// Makes the question for a statement; none where the answer could be wrong.
    #[must_use]
    pub fn inquire(
        &self,
        _text: &str,
        _verdict: &Verdict,
        _facts: &PromptFacts,
    ) -> Option<Inquiry> {
        None
    }
}
