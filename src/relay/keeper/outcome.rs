//! What became of a statement that ran.

use super::Keeper;
use crate::clients::{PromptFacts, Transaction, Went};
use crate::record::{Marker, Standing};

/// How a statement went, as far as it was heard.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Rows it touched or returned.
    pub rows: Option<u64>,
    /// The error as the client gave it.
    pub error: Option<String>,
    /// Whether there may have been one that nobody heard of.
    pub is_unheard: bool,
    /// Where the transaction stands behind it.
    pub transaction: Transaction,
}

impl From<Went> for Heard {
    fn from(went: Went) -> Self {
        let Went { rows, error, is_silent } = went;
        Self { rows, error, is_unheard: is_silent, transaction: Transaction::Unknown }
    }
}

impl From<&PromptFacts> for Heard {
    fn from(facts: &PromptFacts) -> Self {
        let (error, transaction) = (facts.error.clone(), facts.transaction);
        Self { rows: facts.rows, error, is_unheard: false, transaction }
    }
}

impl Keeper {
    /// Takes note that the running statement has ended, and what was heard of it.
    pub fn ended(&mut self, heard: Heard) {
        let Some((n, began)) = self.running.take() else { return };
        let took = self.clock.elapsed().saturating_sub(began);
        let duration_ms =
            (!self.has_paged).then(|| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let Heard { rows, error, is_unheard: unheard, transaction } = heard;
        let transaction = match transaction {
            Transaction::Idle => Some(Standing::Idle),
            Transaction::Open => Some(Standing::Open),
            Transaction::Failed => Some(Standing::Failed),
            Transaction::Unknown => None,
        };
        self.mark(Marker::Outcome { n, rows, duration_ms, error, unheard, transaction });
    }
}
