//! Objects the session has made itself: dropping them again needs no question.

use std::collections::BTreeSet;

use crate::clients::Transaction;
use crate::lang::{Class, Effect, Verb};

/// The session's own objects, as statements name them.
///
/// An object is own from the prompt after the CREATE that made it, if that was the only statement
/// of its line and there was no error. It stops being own on its first DROP, when a transaction
/// that could have made it ends other than by a plain prompt, on a change of `search_path`, and
/// whenever there is doubt.
#[derive(Debug, Default)]
pub struct OwnObjects {
    names: BTreeSet<String>,
    /// Made by the line that runs now, which has not ended yet.
    maybe: Option<String>,
    /// Statements of this line so far.
    statements: u32,
    /// Whether anything was made in a transaction that is still open.
    in_transaction: bool,
}

impl OwnObjects {
    /// Returns the names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.names.clone()
    }

    /// A line was submitted.
    pub fn submitted(&mut self) {
        self.statements = 0;
        self.maybe = None;
    }

    /// A statement was let through.
    pub fn let_through(&mut self, text: &str, effects: &[Effect]) {
        self.statements += 1;
        self.maybe = None;
        let words = text.to_ascii_lowercase();
        if ["search_path", "discard", "rollback", "set role", "session authorization"]
            .iter()
            .any(|word| words.contains(word))
        {
            self.names.clear();
        }
        for effect in effects {
            if let (Verb::Drop | Verb::Rename, Some(object)) = (effect.verb, &effect.object) {
                self.names.remove(object);
            }
        }
        let [effect] = effects else { return };
        let is_plain = effect.class == Class::Add && effect.verb == Verb::Create;
        // Where the name may have existed before, or stands for something else, there is doubt; and
        // what goes ON COMMIT leaves its name to another, which nobody tells.
        let is_doubtful = ["exists", "commit"].iter().any(|word| words.contains(word));
        if is_plain && self.statements == 1 && !is_doubtful {
            self.maybe.clone_from(&effect.object);
        }
    }

    /// A prompt came: the line has ended, well or not.
    pub fn at_prompt(&mut self, is_well: bool, transaction: Transaction) {
        let made = self.maybe.take().filter(|_| is_well && self.statements == 1);
        match transaction {
            Transaction::Idle => self.in_transaction = false,
            Transaction::Open => self.in_transaction |= made.is_some(),
            Transaction::Failed | Transaction::Unknown => {
                if self.in_transaction || transaction == Transaction::Unknown {
                    self.clear();
                }
                return;
            }
        }
        self.names.extend(made);
    }

    /// Another connection: nothing is own.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Scope;

    fn effect(class: Class, verb: Verb, object: &str) -> Effect {
        let mut effect = Effect::new(class, verb, 0..0, String::new());
        effect.object = Some(object.to_owned());
        effect.scope = Scope::All;
        effect
    }

    fn create(own: &mut OwnObjects, text: &str) {
        own.submitted();
        own.let_through(text, &[effect(Class::Add, Verb::Create, "t")]);
        own.at_prompt(true, Transaction::Idle);
    }

    #[test]
    fn what_was_made_is_own_until_it_is_dropped() {
        let mut own = OwnObjects::default();
        create(&mut own, "create temp table t (a int)");
        assert!(own.names().contains("t"));
        own.submitted();
        own.let_through("drop table t", &[effect(Class::Destroy, Verb::Drop, "t")]);
        assert!(own.names().is_empty(), "a second DROP would hit another table of that name");
    }

    #[test]
    fn doubt_makes_nothing_own() {
        let mut own = OwnObjects::default();
        create(&mut own, "create table if not exists t (a int)");
        assert!(own.names().is_empty());

        create(&mut own, "create temp table t (a int) ON COMMIT drop");
        assert!(own.names().is_empty(), "it is gone, and the next of its name is another");

        own.submitted();
        own.let_through("create table t ()", &[effect(Class::Add, Verb::Create, "t")]);
        own.at_prompt(false, Transaction::Idle);
        assert!(own.names().is_empty(), "it failed");

        create(&mut own, "create table t ()");
        own.let_through("set search_path to other", &[]);
        assert!(own.names().is_empty());

        create(&mut own, "create table t ()");
        own.submitted();
        own.let_through("rollback", &[]);
        assert!(own.names().is_empty());

        create(&mut own, "create table t ()");
        own.clear();
        assert!(own.names().is_empty());
    }

    #[test]
    fn a_failed_transaction_takes_its_objects_along() {
        let mut own = OwnObjects::default();
        own.submitted();
        own.let_through("create table t ()", &[effect(Class::Add, Verb::Create, "t")]);
        own.at_prompt(true, Transaction::Open);
        assert!(own.names().contains("t"));
        own.at_prompt(false, Transaction::Failed);
        assert!(own.names().is_empty());
    }
}
