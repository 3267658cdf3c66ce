//! MySQL's procedures and functions that the text itself makes: what their bodies do counts where they
//! are called.

use std::collections::BTreeMap;

use super::alter;
use super::script::Script;
use crate::lang::words::Words;
use crate::lang::{Class, Effect, Verb};

/// How many routines deep a call is followed.
const MOST_CALLS: usize = 4;

/// Words that a body begins with; none stands among what is said of a routine before.
const BODY: &[&str] = &[
    "alter", "begin", "call", "case", "create", "delete", "do", "drop", "execute", "flush", "for",
    "grant", "if", "insert", "kill", "load", "lock", "loop", "prepare", "rename", "repeat",
    "replace", "return", "revoke", "select", "truncate", "update", "while", "with",
];

/// What routines do, by their names without a schema.
#[derive(Debug, Default)]
pub(super) struct Routines {
    known: BTreeMap<String, Vec<Effect>>,
}

impl Routines {
    /// Returns what a routine does, and those it calls.
    pub(super) fn follow(&self, name: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.follow_to(name, MOST_CALLS, &mut effects);
        effects
    }

    fn follow_to(&self, name: &str, depth: usize, effects: &mut Vec<Effect>) {
        for effect in self.known.get(&folded(name)).into_iter().flatten() {
            let called = effect.object.as_ref().filter(|_| effect.verb == Verb::Execute);
            match called {
                Some(inner) if depth > 1 => self.follow_to(inner, depth - 1, effects),
                Some(_) => {}
                None if effects.iter().any(|known| known.phrase == effect.phrase) => {}
                None => effects.push(effect.clone()),
            }
        }
    }

    /// Whether nothing was made that can be called.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Forgets one that is dropped.
    pub(super) fn forget(&mut self, name: &str) {
        self.known.remove(&folded(name));
    }
}

/// Remembers what a CREATE PROCEDURE or CREATE FUNCTION makes. Where one of its name is there, the CREATE
/// may fail, so that either may be called.
pub(super) fn learn(script: &mut Script, words: &Words<'_>, name: &str, parameters: usize) {
    let behind =
        if words.is_open(parameters) { words.after_bracket(parameters) } else { parameters };
    let Some(start) = (behind..words.len()).find(|at| words.is(*at, BODY)) else { return };
    let effects = script.aside(|script| alter::block(script, &words.from(start)));
    // Its own tables are its own affair.
    let is_made = |effect: &Effect| {
        let same = |made: &Effect| made.verb == Verb::Create && made.object == effect.object;
        effect.verb != Verb::Execute && effects.iter().any(same)
    };
    let counts = |effect: &&Effect| {
        matches!(effect.class, Class::Change | Class::Remove | Class::Destroy) && !is_made(effect)
    };
    let effects: Vec<Effect> = effects.iter().filter(counts).cloned().collect();
    script.routines.known.entry(folded(name)).or_default().extend(effects);
}

/// Adds what a routine does that is called here.
pub(super) fn call(script: &mut Script, name: &str) {
    for effect in script.routines.follow(name) {
        let phrase = format!("{name}() {}", effect.phrase);
        script.push(effect.class, effect.verb, effect.object, effect.scope, phrase);
    }
}

fn folded(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_lowercase()
}
