//! An operation that a driver is about to send, as effects.

use serde_json::Value;

use super::protocol::{Command, Deed, Operation};
use crate::lang::{Class, Effect, Reading, Scope, Verb, driver};

/// Reads what an operation would do, one run of it.
#[must_use]
pub fn reading(operation: &Operation) -> Reading {
    if let Some(command) = &operation.command {
        return command_reading(command);
    }
    match &operation.sql {
        Some(text) => driver::read(text),
        None => Reading::Understood(operation.deeds.iter().map(effect).collect()),
    }
}

/// Returns what a person is shown of an operation.
#[must_use]
pub fn text(operation: &Operation) -> String {
    let Some(Command { name, fields }) = &operation.command else { return operation.text.clone() };
    let database = operation.place.database.as_deref().unwrap_or_default();
    let on = match fields.get(name).and_then(Value::as_str) {
        Some(collection) => format!("{database}.{collection}"),
        None => database.to_owned(),
    };
    let mut rest = fields.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.remove(name);
        rest.retain(|key, _| !BESIDE_THE_POINT.contains(&key.as_str()));
        // A password is nobody's to see, here or in a log.
        if let Some(secret) = rest.get_mut("pwd") {
            *secret = Value::from("[redacted:password]");
        }
    }
    format!("{name} {on} {rest}")
}

/// Fields of a command that say nothing of what it does.
const BESIDE_THE_POINT: &[&str] =
    &["ordered", "writeConcern", "maxTimeMS", "comment", "bypassDocumentValidation", "errorsOnly"];

fn command_reading(command: &Command) -> Reading {
    let verb = match command.name.as_str() {
        "delete" => Verb::Delete,
        "update" | "findAndModify" => Verb::Update,
        "drop" | "dropDatabase" | "dropIndexes" => Verb::Drop,
        _ => Verb::Execute,
    };
    let object = command.fields.get(&command.name).and_then(Value::as_str).map(str::to_owned);
    let is_one = |one: &Value| one.get("limit").and_then(Value::as_u64) == Some(1);
    let ops = command.fields.get("deletes").and_then(Value::as_array);
    let scope = if ops.is_some_and(|ops| ops.iter().all(is_one)) { Scope::One } else { Scope::All };
    Reading::Understood(vec![effect(&Deed { verb, object, scope, count: 1 })])
}

fn effect(deed: &Deed) -> Effect {
    let (class, verb, scope) = (class(deed.verb), deed.verb, deed.scope);
    let mut effect = Effect::new(class, verb, 0..0, phrase(deed));
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

fn phrase(deed: &Deed) -> String {
    let object = deed.object.as_deref();
    let of = object.map_or_else(|| "the whole database".to_owned(), str::to_owned);
    let in_it = object.map_or_else(String::new, |object| format!(" of {object}"));
    let (does, what) = match deed.verb {
        Verb::Drop => return format!("drops {of}"),
        Verb::Truncate => return format!("empties {of}"),
        Verb::Rename => return format!("renames {of}"),
        Verb::Delete => ("deletes", "documents"),
        Verb::Update => ("updates", "documents"),
        Verb::Replace => ("overwrites", "documents"),
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
        | Verb::Execute
        | Verb::Shell
        | Verb::Unguard => return format!("acts on {of}"),
    };
    let is_keys = object == Some("keys");
    let (what, in_it) = if is_keys { ("keys", String::new()) } else { (what, in_it) };
    match deed.scope {
        Scope::One => format!("{does} a {}{in_it}", what.trim_end_matches('s')),
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
            command: None,
            countable: false,
            transaction: false,
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
        ");
    }
}
