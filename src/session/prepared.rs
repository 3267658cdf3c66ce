//! Prepared statements of the session: an EXECUTE does what its PREPARE said.

use std::collections::BTreeMap;

use crate::lang::{Effect, Reading, postgres};

/// Most names that are remembered; a program that prepares more is not typing.
const MOST_NAMES: usize = 1000;

/// What the session has prepared, by name.
#[derive(Debug, Default)]
pub struct Prepared {
    readings: BTreeMap<String, Reading>,
}

impl Prepared {
    /// Reads a statement; an EXECUTE of a known name reads as what was prepared.
    #[must_use]
    pub fn read(&self, text: &str) -> Reading {
        let reading = postgres::read(text);
        if self.readings.is_empty() {
            return reading;
        }
        let known = postgres::executes(text).and_then(|name| self.readings.get(&name));
        match known {
            None => reading,
            Some(prepared) => at_the_call(prepared, text.len()),
        }
    }

    /// A statement was let through: a PREPARE is remembered.
    pub fn let_through(&mut self, text: &str) {
        // Nearly no statement is one, and reading it to find that out costs more than this.
        let may_be_one =
            text.as_bytes().windows(7).any(|word| word.eq_ignore_ascii_case(b"prepare"));
        if may_be_one
            && let Some((name, reading)) = postgres::prepared(text)
            && self.readings.len() < MOST_NAMES
        {
            self.readings.insert(name, reading);
        }
    }

    /// Another connection: nothing is prepared.
    pub fn clear(&mut self) {
        self.readings.clear();
    }
}

/// The effects of a PREPARE, placed in the text of its EXECUTE.
fn at_the_call(prepared: &Reading, length: usize) -> Reading {
    let place = |effects: &[Effect]| -> Vec<Effect> {
        effects
            .iter()
            .cloned()
            .map(|mut effect| {
                effect.span = 0..length;
                effect.rows = None;
                effect
            })
            .collect()
    };
    match prepared {
        Reading::Understood(effects) => Reading::Understood(place(effects)),
        Reading::Unclear { reason, effects, destructive_word } => Reading::Unclear {
            reason: reason.clone(),
            effects: place(effects),
            destructive_word: *destructive_word,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Class;

    #[test]
    fn an_execute_does_what_was_prepared() {
        let mut prepared = Prepared::default();
        prepared.let_through("/* a */ PrePare gone as delete from families");
        let reading = prepared.read("execute gone");
        assert_eq!(reading.effects().len(), 1, "{reading:?}");
        assert_eq!(reading.effects()[0].class, Class::Remove);
        prepared.clear();
        assert_eq!(prepared.read("execute gone").effects()[0].class, Class::Opaque);
    }
}
