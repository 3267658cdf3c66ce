//! Tables the session has made itself: emptying or dropping them again needs no question.

use std::collections::BTreeSet;

use crate::clients::Transaction;
use crate::lang::{Class, Effect, Verb};
use crate::session::names::{is_of_rows, words};

/// Words of a statement that may tie others' rows to an own table.
const TIES: &[&str] = &["attach", "inherit", "references", "rule", "trigger"];

/// The session's own tables, as statements name them.
///
/// A table is own from the prompt after the CREATE TABLE that made it, if that was the only
/// statement of its line and there was no error. A view is not: its rows are another's. A table
/// stops being own on its first DROP, when a transaction that could have made it ends other than by
/// a plain prompt, on a change of `search_path`, when others' rows may hang on it (partitions, heirs,
/// foreign keys, triggers), and whenever there is doubt.
#[derive(Debug, Default)]
pub struct OwnObjects {
    names: BTreeSet<String>,
    /// Made by the line that runs now, which has not ended yet.
    maybe: Option<String>,
    /// Statements of this line so far.
    statements: u32,
    /// Whether anything was made in a transaction that is still open.
    in_transaction: bool,
    /// Whether the line is nothing but SQL: some meta commands do not run what stands before them.
    is_plain: bool,
}

impl OwnObjects {
    /// Returns the names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.names.clone()
    }

    /// Tells whether nothing is own, nor may be once the line has ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.maybe.is_none()
    }

    /// A line was submitted, which has a meta command in it or not.
    pub fn submitted(&mut self, is_plain: bool) {
        self.statements = 0;
        self.is_plain = is_plain;
        self.maybe = None;
    }

    /// A statement was let through, after which names may mean other tables or not.
    pub fn let_through(&mut self, text: &str, effects: &[Effect], moved: bool) {
        self.statements += 1;
        self.maybe = None;
        let text = text.to_ascii_lowercase();
        let words = words(&text);
        let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
        let may_drop =
            effects.iter().any(|effect| matches!(effect.verb, Verb::Execute | Verb::Admin));
        if may_drop || moved || !is_of_rows(effects) && has(TIES) {
            self.names.clear();
        }
        for effect in effects.iter().filter(|one| matches!(one.verb, Verb::Drop | Verb::Rename)) {
            // By whatever schema it is called, and from whatever block or function.
            let gone = effect.object.as_deref().map(last_part);
            self.names.retain(|name| gone.is_some_and(|gone| gone != last_part(name)));
        }
        let [effect] = effects else { return };
        let makes = effect.class == Class::Add && effect.verb == Verb::Create;
        // Where the name may have existed before, or stands for something else, there is doubt; and
        // what goes ON COMMIT leaves its name to another, which nobody tells.
        let is_doubtful = has(&["exists", "commit", "foreign"]);
        let kind = words.iter().find(|word| {
            !["create", "global", "local", "temp", "temporary", "unlogged"].contains(word)
        });
        if makes && kind == Some(&"table") && self.statements == 1 && self.is_plain && !is_doubtful
        {
            self.maybe.clone_from(&effect.object);
        }
    }

    /// A prompt came: the line has ended, well or not.
    pub fn at_prompt(&mut self, is_well: bool, transaction: Transaction) {
        let made = self.maybe.take().filter(|_| is_well && self.statements == 1);
        match transaction {
            // A COMMIT that fails takes back what was made.
            Transaction::Idle if self.in_transaction && !is_well => return self.clear(),
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

/// Returns a name without the schema before it; of a quoted one perhaps less.
fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Scope, postgres};
    use crate::session::names::Moves;

    fn effect(class: Class, verb: Verb, object: &str) -> Effect {
        let mut effect = Effect::new(class, verb, 0..0, String::new());
        effect.object = Some(object.to_owned());
        effect.scope = Scope::All;
        effect
    }

    fn let_through(own: &mut OwnObjects, text: &str, effects: &[Effect]) {
        let moved = Moves::default().take(text, effects, true);
        own.let_through(text, effects, moved);
    }

    fn create(own: &mut OwnObjects, text: &str) {
        own.submitted(true);
        let_through(own, text, &[effect(Class::Add, Verb::Create, "t")]);
        own.at_prompt(true, Transaction::Idle);
    }

    #[test]
    fn what_was_made_is_own_until_it_is_dropped() {
        let mut own = OwnObjects::default();
        create(&mut own, "create temp table t (a int)");
        assert!(own.names().contains("t"));
        own.submitted(true);
        let_through(&mut own, "drop table t", &[effect(Class::Destroy, Verb::Drop, "t")]);
        assert!(own.names().is_empty(), "a second DROP would hit another table of that name");
    }

    #[test]
    fn doubt_makes_nothing_own() {
        let mut own = OwnObjects::default();
        create(&mut own, "create table if not exists t (a int)");
        assert!(own.names().is_empty());

        create(&mut own, "create temp table t (a int) ON COMMIT drop");
        assert!(own.names().is_empty(), "it is gone, and the next of its name is another");

        own.submitted(true);
        let_through(&mut own, "create table t ()", &[effect(Class::Add, Verb::Create, "t")]);
        own.at_prompt(false, Transaction::Idle);
        assert!(own.names().is_empty(), "it failed");

        create(&mut own, "create table t ()");
        let_through(&mut own, "set search_path to other", &[]);
        assert!(own.names().is_empty());

        create(&mut own, "create table t ()");
        own.submitted(true);
        let_through(&mut own, "rollback", &[]);
        assert!(own.names().is_empty());

        create(&mut own, "create table t ()");
        own.clear();
        assert!(own.names().is_empty());

        for text in
            ["create view t as select * from u", "create schema t", "create foreign table t ()"]
        {
            create(&mut own, text);
            assert!(own.names().is_empty(), "{text}");
        }
    }

    #[test]
    fn what_may_mean_or_reach_another_table_is_not_own() {
        for (text, is_own) in [
            ("abort", false),
            ("prepare transaction 'x'", false),
            ("set local role other", false),
            ("set schema 'other'", false),
            ("reset all", false),
            ("alter table families inherit t", false),
            ("alter table t attach partition families default", false),
            ("alter table families add foreign key (id) references t on delete cascade", false),
            ("create table u (a int references t)", false),
            ("create rule r as on delete to t do also delete from u", false),
            ("select 1; abort", false),
            ("drop table pg_temp.t", false),
            ("alter table pg_temp.t rename to u", false),
            ("do $$ begin drop table pg_temp.t; end $$", false),
            ("do $$ begin execute 'drop table ' || x; end $$", false),
            ("select pg_terminate_backend(pg_backend_pid())", false),
            ("/* select */ abort", false),
            ("select set_config('search_path', 'x', false)", false),
            ("select tidy()", false),
            ("select lower('x'), count(*) from u where a in (1)", true),
            ("select role, rule from references_of;", true),
            ("insert into t (a) values ('rollback')", true),
            ("create index on t (a)", true),
        ] {
            let mut own = OwnObjects::default();
            create(&mut own, "CREATE UNLOGGED TABLE t (a int)");
            own.submitted(true);
            let_through(&mut own, text, postgres::read(text).effects());
            assert_eq!(own.names().contains("t"), is_own, "{text}");
        }
    }

    #[test]
    fn what_may_not_have_been_made_is_not_own() {
        let mut own = OwnObjects::default();
        own.submitted(false);
        let_through(&mut own, "create table t ()", &[effect(Class::Add, Verb::Create, "t")]);
        own.at_prompt(true, Transaction::Idle);
        assert!(own.names().is_empty(), "\\gdesc makes nothing");

        create(&mut own, "create table t ()");
        own.submitted(true);
        let_through(&mut own, "create table u ()", &[effect(Class::Add, Verb::Create, "u")]);
        own.at_prompt(true, Transaction::Open);
        own.submitted(true);
        let_through(&mut own, "commit", &[]);
        own.at_prompt(false, Transaction::Idle);
        assert!(own.names().is_empty(), "the COMMIT has failed");
    }

    #[test]
    fn a_failed_transaction_takes_its_objects_along() {
        let mut own = OwnObjects::default();
        own.submitted(true);
        let_through(&mut own, "create table t ()", &[effect(Class::Add, Verb::Create, "t")]);
        own.at_prompt(true, Transaction::Open);
        assert!(own.names().contains("t"));
        own.at_prompt(false, Transaction::Failed);
        assert!(own.names().is_empty());
    }
}
