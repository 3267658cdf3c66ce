//! The transaction that is open: what the last prompt told, and what was let through since.

use std::time::Duration;

use super::Keeper;
use crate::clients::Transaction;
use crate::lang::postgres;

impl Keeper {
    /// Returns the transaction's state and how long it has been open.
    #[must_use]
    pub fn transaction(&self) -> (Transaction, Duration) {
        let since = self.transaction_since.unwrap_or_else(|| self.clock.elapsed());
        (self.transaction, self.clock.elapsed().saturating_sub(since))
    }

    /// Takes what a prompt tells.
    pub(super) fn follow_transaction(&mut self, now: Transaction) {
        if matches!(now, Transaction::Open | Transaction::Failed) {
            if self.transaction_since.is_none() {
                self.transaction_since = Some(self.clock.elapsed());
            }
        } else {
            self.transaction_since = None;
        }
        self.transaction = now;
    }

    /// A statement was let through, with others behind it on its line: the next prompt tells only
    /// after them whether it has begun or ended a transaction.
    pub(super) fn foresee_transaction(&mut self, text: &str) {
        if self.transaction == Transaction::Unknown {
            return;
        }
        if let Some(is_open) = opens(text) {
            self.follow_transaction(if is_open { Transaction::Open } else { Transaction::Idle });
        }
    }
}

/// A longer text holds data, and reading it again would take a while.
const LONG_BYTES: usize = 16 << 10;

/// Returns whether a transaction is open after a text; none where it leaves that as it was.
fn opens(text: &str) -> Option<bool> {
    if text.len() > LONG_BYTES {
        return None;
    }
    let mut state = None;
    for range in postgres::split(text) {
        let words = text[range].split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<String> = words.map(str::to_ascii_lowercase).collect();
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let is_chained = words.ends_with(&["and".to_owned(), "chain".to_owned()]);
        state = match (word(0), word(1)) {
            ("begin", _) | ("start", "transaction") => Some(true),
            ("rollback" | "commit", "to" | "prepared") => state,
            ("commit" | "end" | "rollback" | "abort", _) => Some(is_chained),
            ("prepare", "transaction") => Some(false),
            _ => state,
        };
    }
    state
}

#[cfg(test)]
mod tests {
    use super::opens;

    #[test]
    fn the_words_tell() {
        for (text, expected) in [
            ("begin;", Some(true)),
            ("BEGIN ISOLATION LEVEL SERIALIZABLE", Some(true)),
            ("start transaction read only", Some(true)),
            ("commit", Some(false)),
            ("rollback and chain", Some(true)),
            ("rollback to savepoint a", None),
            ("commit prepared 'x'", None),
            ("prepare transaction 'x'", Some(false)),
            ("begin\\; delete from t", Some(true)),
            ("/* begin */ select 1", None),
            ("select 'commit'", None),
        ] {
            assert_eq!(opens(&text.replace('\\', "")), expected, "{text}");
        }
    }
}
