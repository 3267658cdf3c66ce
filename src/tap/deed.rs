//! An operation that a driver is about to send: as effects, and in words.

use serde_json::Value;

use super::protocol::{Command, Operation};
use crate::lang::postgres::Memory;
use crate::lang::sql::{self, Ends, Flavour};
use crate::lang::{Reading, deed, driver, mongo};

/// Fields of a command that say nothing of what it does.
const BESIDE_THE_POINT: &[&str] =
    &["ordered", "writeConcern", "maxTimeMS", "comment", "bypassDocumentValidation", "errorsOnly"];

/// Reads what an operation would do, one run of it; `memory` is what the server told of itself.
#[must_use]
pub fn reading(operation: &Operation, memory: &Memory) -> Reading {
    if let Some(Command { name, fields }) = &operation.command {
        return Reading::Understood(mongo::command(database(operation), name, fields));
    }
    match (&operation.sql, operation.engine.as_str()) {
        (Some(text), "sqlite") => sql::read(text, Flavour::Sqlite, Ends::Server),
        (Some(text), "mysql" | "mariadb") => {
            sql::read_with(text, Flavour::Mysql, Ends::Server, memory)
        }
        (Some(text), _) => driver::read(text, memory),
        (None, engine) => {
            let noun = noun(engine);
            let effects = operation
                .deeds
                .iter()
                .map(|deed| deed::effect_on(noun, deed.verb, deed.object.as_deref(), deed.scope));
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

/// Returns what a person is shown of an operation.
#[must_use]
pub fn text(operation: &Operation) -> String {
    let Some(Command { name, fields }) = &operation.command else { return operation.text.clone() };
    let mut rest = fields.clone();
    let mut on = database(operation).to_owned();
    if let Some(rest) = rest.as_object_mut() {
        if let Some(Value::String(collection)) = rest.remove(name) {
            on = format!("{on}.{collection}");
        }
        rest.retain(|key, _| !BESIDE_THE_POINT.contains(&key.as_str()));
        // A password is nobody's to see, here or in a log.
        if let Some(secret) = rest.get_mut("pwd") {
            *secret = Value::from("[redacted:password]");
        }
        if rest.is_empty() {
            return format!("{name} {on}");
        }
    }
    format!("{name} {on} {rest}")
}

fn database(operation: &Operation) -> &str {
    operation.place.database.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_words() {
        for (name, fields, expected) in [
            (
                "delete",
                r#"{"delete": "f", "deletes": [{"q": {}, "limit": 0}], "ordered": true}"#,
                r#"delete app.f {"deletes":[{"limit":0,"q":{}}]}"#,
            ),
            ("dropDatabase", r#"{"dropDatabase": 1, "comment": "x"}"#, "dropDatabase app"),
            (
                "updateUser",
                r#"{"updateUser": "ann", "pwd": "hunter2"}"#,
                r#"updateUser app.ann {"pwd":"[redacted:password]"}"#,
            ),
            ("odd", "7", "odd app 7"),
        ] {
            let operation = serde_json::json!({
                "engine": "mongodb",
                "place": { "database": "app" },
                "command": { "name": name, "fields": serde_json::from_str::<Value>(fields).expect("JSON") },
            });
            let operation: Operation = serde_json::from_value(operation).expect("an operation");
            assert_eq!(text(&operation), expected);
        }
    }
}
