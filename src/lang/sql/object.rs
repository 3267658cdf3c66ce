//! CREATE and DROP of anything.

use super::script::Script;
use super::{Flavour, alter};
use crate::lang::words::Words;
use crate::lang::{Class, Scope, Verb};

/// Kinds of object whose name is two words, in the order that finds the longer one.
const TWO_WORDS: &[&[&str]] = &[
    &["package", "body"],
    &["resource", "group"],
    &["logfile", "group"],
    &["undo", "tablespace"],
    &["spatial", "reference", "system"],
];

/// Objects whose body runs by itself from now on.
const BY_ITSELF: &[&str] = &["event", "trigger"];

/// DROP: one effect for each object.
pub(super) fn drop(script: &mut Script, words: &Words<'_>) {
    let mut at = 1;
    if words.is(at, &["prepare"]) {
        script.session("forgets a prepared statement");
        return;
    }
    let is_temporary = words.is(at, &["temporary"]);
    at += usize::from(is_temporary);
    let (what, after) = kind(words, at);
    at = after;
    if words.are(at, &["if", "exists"]) {
        at += 2;
    }
    let is_one =
        !matches!(what.as_str(), "table" | "tables" | "view" | "user" | "role" | "sequence");
    let parts = words.from(at).parts();
    for part in if is_one { &parts[..1] } else { &parts[..] } {
        let (name, next) = part.name(0);
        let on = part.is(next, &["on"]).then(|| part.name(next + 1).0).flatten();
        let named = match (&name, &on) {
            (Some(name), Some(on)) => Some(format!("{name} on {on}")),
            _ => name,
        };
        let is_own = is_temporary
            || script.flavour == Flavour::Sqlite
                && named.as_deref().is_some_and(|name| name.starts_with("temp."));
        let shown = named.as_deref().unwrap_or("?");
        if matches!(what.as_str(), "function" | "procedure") {
            script.routines.forget(shown);
        }
        let what = what.trim_end_matches('s');
        if is_own {
            script.session(&format!("drops {what} {shown} of this connection"));
        } else {
            let phrase = format!("drops {what} {shown}");
            script.push(Class::Destroy, Verb::Drop, named, Scope::All, phrase);
        }
    }
}

/// CREATE: an addition, unless OR REPLACE overwrites.
pub(super) fn create(script: &mut Script, words: &Words<'_>) {
    let replaces = words.are(1, &["or", "replace"]);
    let Some(at) = (1..words.len()).find(|index| is_kind(words, *index)) else {
        script.unclear(words, "not understood");
        return;
    };
    let (what, mut next) = kind(words, at);
    if words.are(next, &["if", "not", "exists"]) {
        next += 3;
    }
    let (name, after) = words.name(next);
    let shown = name.clone().unwrap_or_default();
    if replaces {
        // Of a table or a database all rows go along.
        let holds_rows = matches!(what.as_str(), "table" | "database" | "schema" | "sequence");
        let class = if holds_rows { Class::Destroy } else { Class::Change };
        let scope = if holds_rows { Scope::All } else { Scope::One };
        let phrase = format!("creates {what} {shown} anew, in place of the one that is there");
        script.push(class, Verb::Replace, name, scope, phrase);
    } else {
        let phrase = format!("creates {what} {shown}").trim_end().to_owned();
        script.push(Class::Add, Verb::Create, name, Scope::One, phrase);
    }
    let is_routine = matches!(what.as_str(), "function" | "procedure");
    if let Some(name) = words.name(next).0.filter(|_| is_routine) {
        script.routines.learn(words, &name, after);
    }
    if BY_ITSELF.contains(&what.as_str()) {
        by_itself(script, &words.from(after), &format!("{what} {shown}"));
    }
}

/// The body of a trigger or an event: what it does to every row each time it runs counts now.
pub(super) fn by_itself(script: &mut Script, words: &Words<'_>, whose: &str) {
    let start = match script.flavour {
        Flavour::Sqlite => words.find(&["begin"]).map(|at| at + 1),
        Flavour::Mysql => words.find(&["do", "begin"]).map(|at| at + 1).or_else(|| {
            words
                .find(&["row"])
                .map(|at| at + if words.is(at + 1, &["follows", "precedes"]) { 3 } else { 1 })
        }),
    };
    let Some(start) = start else { return };
    let before = script.count();
    alter::block(script, &words.from(start));
    for effect in script.take_since(before) {
        let is_open = effect.class >= Class::Change
            && effect.class != Class::Escape
            && matches!(effect.scope, Scope::All);
        if is_open {
            let phrase = format!("{whose}, whenever it runs, {}", effect.phrase);
            script.push(effect.class, effect.verb, effect.object, effect.scope, phrase);
        }
    }
}

fn is_kind(words: &Words<'_>, index: usize) -> bool {
    words.is(
        index,
        &[
            "aggregate",
            "database",
            "event",
            "function",
            "index",
            "logfile",
            "package",
            "procedure",
            "resource",
            "role",
            "schema",
            "sequence",
            "server",
            "spatial",
            "table",
            "tablespace",
            "trigger",
            "undo",
            "user",
            "view",
            "virtual",
        ],
    ) && !words.are(index, &["spatial", "index"])
        && !words.is(index, &["virtual", "aggregate"])
}

/// Returns the words for what kind of object it is, and the place after them.
fn kind(words: &Words<'_>, at: usize) -> (String, usize) {
    let length = TWO_WORDS.iter().find(|list| words.are(at, list)).map_or(1, |list| list.len());
    let kind: Vec<String> =
        (at..at + length).map(|index| words.piece(index).to_ascii_lowercase()).collect();
    (kind.join(" "), at + length)
}
