//! What makes this connection read a name otherwise than a new one would.

use crate::clients::Transaction;
use crate::lang::{Class, Effect, Verb};

/// Words whose presence in a statement may change how later names are read. Where one stands only
/// in a string, figures are absent that could have been shown.
const SETTING_WORDS: [&str; 6] =
    ["search_path", "set role", "set local role", "session authorization", "set_config", "discard"];

/// What the session has done since it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drift {
    /// `search_path`, role or the like may have changed.
    pub settings: bool,
    /// A temporary object may have been made.
    pub temporary: bool,
    /// Objects may have changed in a transaction that is still open.
    pub open_ddl: bool,
}

impl Drift {
    /// A statement was let through.
    pub fn let_through(&mut self, text: &str, effects: &[Effect]) {
        let words = text.to_ascii_lowercase();
        self.settings |= SETTING_WORDS.iter().any(|word| words.contains(word));
        self.temporary |= words.contains("temp");
        self.open_ddl |= effects.iter().any(|effect| {
            effect.class == Class::Destroy
                || effect.class == Class::Opaque
                || matches!(
                    effect.verb,
                    Verb::Create | Verb::Alter | Verb::Rename | Verb::AlterType | Verb::Replace
                )
        });
    }

    /// A prompt came.
    pub fn at_prompt(&mut self, transaction: Transaction) {
        if transaction == Transaction::Idle {
            self.open_ddl = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Reading;

    fn after(text: &str) -> Drift {
        let mut drift = Drift::default();
        let reading = crate::lang::postgres::read(text);
        assert!(matches!(reading, Reading::Understood(_)), "{text}");
        drift.let_through(text, reading.effects());
        drift
    }

    #[test]
    fn what_changes_the_meaning_of_names_is_noticed() {
        assert_eq!(after("select 1"), Drift::default());
        assert!(after("SET search_path TO other").settings);
        assert!(after("set role admin").settings);
        assert!(after("create temp table t (a int)").temporary);
        let mut drift = after("alter table a rename to b");
        assert!(drift.open_ddl);
        drift.at_prompt(Transaction::Open);
        assert!(drift.open_ddl);
        drift.at_prompt(Transaction::Idle);
        assert!(!drift.open_ddl);
    }
}
