//! An operation that a driver is about to send, as effects.

use super::protocol::Operation;
use crate::lang::{Reading, deed, driver};

/// Reads what an operation would do, one run of it.
#[must_use]
pub fn reading(operation: &Operation) -> Reading {
    if let Some(text) = &operation.sql {
        return driver::read(text);
    }
    let deeds = operation.deeds.iter();
    let effects = deeds.map(|deed| deed::effect(deed.verb, deed.object.as_deref(), deed.scope));
    Reading::Understood(effects.collect())
}
