//! An operation that a driver is about to send, as effects.

use super::protocol::{Deed, Operation};
use crate::lang::sql::{self, Ends, Flavour};
use crate::lang::{Class, Effect, Reading, Scope, Verb, driver};

/// Reads what an operation would do, one run of it.
#[must_use]
pub fn reading(operation: &Operation) -> Reading {
    match (&operation.sql, operation.engine.as_str()) {
        (Some(text), "sqlite") => sql::read(text, Flavour::Sqlite, Ends::Server),
        (Some(text), "mysql") => sql::read(text, Flavour::Mysql, Ends::Server),
        (Some(text), _) => driver::read(text),
        (None, engine) => {
            let effects = operation.deeds.iter().map(|deed| effect(deed, noun(engine)));
            Reading::Understood(effects.collect())
        }
    }
}

/// What a store holds many of.
fn noun(engine: &str) -> &'static str {
    match engine {
        "aws" => "items",
        "sqlite" => "tables",
        _ => "documents",
    }
}

fn effect(deed: &Deed, noun: &'static str) -> Effect {
    let (class, verb, scope) = (class(deed.verb), deed.verb, deed.scope);
    let mut effect = Effect::new(class, verb, 0..0, phrase(deed, noun));
    effect.object.clone_from(&deed.object);
    effect.scope = scope;
    effect
}

/// Which row of the table a verb of a store without SQL belongs to. What is not known to be mild
/// is not taken to be.
fn class(verb: Verb) -> Class {
    match verb {
        Verb::Read => Class::Read,
        Verb::Session => Class::Session,
        Verb::Insert | Verb::Create | Verb::Alter | Verb::Grant => Class::Add,
        Verb::Lock | Verb::Rewrite => Class::Heavy,
        Verb::Update | Verb::Replace | Verb::Revoke | Verb::Rename | Verb::AlterType => {
            Class::Change
        }
        Verb::Delete => Class::Remove,
        Verb::Truncate | Verb::Drop | Verb::DropColumn | Verb::Detach | Verb::Admin => {
            Class::Destroy
        }
        Verb::Execute => Class::Opaque,
        Verb::Shell | Verb::Unguard => Class::Escape,
    }
}

fn phrase(deed: &Deed, noun: &'static str) -> String {
    let object = deed.object.as_deref();
    let of = object.map_or_else(|| "the whole database".to_owned(), str::to_owned);
    let in_it = object.map_or_else(String::new, |object| format!(" of {object}"));
    let (does, what) = match deed.verb {
        Verb::Drop => return format!("drops {of}"),
        Verb::Truncate => return format!("empties {of}"),
        Verb::Rename => return format!("renames {of}"),
        Verb::Shell => return format!("runs {of}, which is UNGUARDED"),
        Verb::Execute => return format!("runs a script that may remove anything{in_it}"),
        Verb::Delete => ("deletes", noun),
        Verb::Update => ("updates", noun),
        Verb::Replace => ("overwrites", noun),
        Verb::Read
        | Verb::Session
        | Verb::Insert
        | Verb::Create
        | Verb::Alter
        | Verb::Grant
        | Verb::Lock
        | Verb::Rewrite
        | Verb::Revoke
        | Verb::AlterType
        | Verb::DropColumn
        | Verb::Detach
        | Verb::Admin
        | Verb::Unguard => return format!("acts on {of}"),
    };
    // Some are not told apart by what they are part of.
    let plain = ["keys", "files"].into_iter().find(|&plain| object == Some(plain));
    let (what, in_it) = plain.map_or((what, in_it), |plain| (plain, String::new()));
    match deed.scope {
        Scope::One => {
            let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            format!("{does} {article} {}{in_it}", what.trim_end_matches('s'))
        }
        Scope::Filtered => format!("{does} {what}{in_it} that match"),
        Scope::Unknown => format!("{does} {what}{in_it}, nobody knows how many"),
        Scope::All => format!("{does} all {what}{in_it}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::Place;

    fn told(verb: Verb, object: Option<&str>, scope: Scope) -> String {
        let deed = Deed { verb, object: object.map(str::to_owned), scope, count: 1 };
        let operation = Operation {
            engine: "mongodb".to_owned(),
            place: Place::default(),
            text: String::new(),
            sql: None,
            deeds: vec![deed],
            count: 1,
        };
        reading(&operation).effects().iter().map(|effect| effect.phrase.clone()).collect()
    }

    #[test]
    fn deeds_in_words() {
        let on = Some("app.families");
        let all = [
            told(Verb::Delete, on, Scope::One),
            told(Verb::Delete, on, Scope::Filtered),
            told(Verb::Delete, on, Scope::All),
            told(Verb::Update, on, Scope::Unknown),
            told(Verb::Replace, on, Scope::All),
            told(Verb::Drop, on, Scope::All),
            told(Verb::Truncate, None, Scope::All),
            told(Verb::Delete, Some("keys"), Scope::One),
            told(Verb::Admin, None, Scope::All),
            told(Verb::Delete, Some("files"), Scope::One),
            told(Verb::Shell, Some("psql"), Scope::Unknown),
            told(Verb::Execute, None, Scope::Unknown),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        deletes a document of app.families
        deletes documents of app.families that match
        deletes all documents of app.families
        updates documents of app.families, nobody knows how many
        overwrites all documents of app.families
        drops app.families
        empties the whole database
        deletes a key
        acts on the whole database
        deletes a file
        runs psql, which is UNGUARDED
        runs a script that may remove anything
        ");
    }
}
