//! Functions that do more than compute.

use super::script::Script;
use crate::lang::function::removes_by_name;
use crate::lang::words::Words;
use crate::lang::{Class, Scope, Verb};

/// Name, row of the table, verb, what it does.
const DEEDS: &[(&str, Class, Verb, &str)] = &[
    ("sys_exec", Class::Escape, Verb::Shell, "runs a program on the server"),
    ("sys_eval", Class::Escape, Verb::Shell, "runs a program on the server"),
    ("load_extension", Class::Escape, Verb::Shell, "loads a library"),
    ("writefile", Class::Escape, Verb::Shell, "writes a file"),
    ("edit", Class::Escape, Verb::Shell, "runs an editor"),
    ("setval", Class::Change, Verb::Update, "sets a sequence"),
];

/// Returns whether a bare word in text no parser understands is the name of such a function.
pub(super) fn is_dangerous(word: &str) -> bool {
    DEEDS.iter().any(|(name, class, ..)| *name == word && *class >= Class::Remove)
}

/// Adds what the functions called in a statement do.
pub(super) fn calls(script: &mut Script, words: &Words<'_>) {
    for index in 0..words.len().saturating_sub(1) {
        if !words.is_open(index + 1) || words.tokens[index].kind != crate::lang::token::Kind::Word {
            continue;
        }
        let name = words.piece(index).to_ascii_lowercase();
        // `INSERT INTO delete_log (…)` names a table.
        let is_named =
            index > 0 && words.is(index - 1, &["from", "into", "join", "table", "update"]);
        if is_named {
            continue;
        }
        if let Some((_, class, verb, what)) = DEEDS.iter().find(|(known, ..)| *known == name) {
            let phrase = format!("{what} ({name})");
            script.push(*class, *verb, Some(name.clone()), Scope::One, phrase);
        } else if removes_by_name(&name) {
            let phrase = format!("calls a function that removes, by its name ({name})");
            script.push(Class::Change, Verb::Execute, Some(name.clone()), Scope::Filtered, phrase);
        }
    }
}
