//! An operation that a driver is about to send, as effects.

use super::protocol::Operation;
use crate::lang::sql::{self, Ends, Flavour};
use crate::lang::{Reading, deed, driver};

/// Reads what an operation would do, one run of it.
#[must_use]
pub fn reading(operation: &Operation) -> Reading {
    match (&operation.sql, operation.engine.as_str()) {
        (Some(text), "sqlite") => sql::read(text, Flavour::Sqlite, Ends::Server),
        (Some(text), "mysql") => sql::read(text, Flavour::Mysql, Ends::Server),
        (Some(text), _) => driver::read(text),
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
