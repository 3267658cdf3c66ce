//! Statements of SQLite that their words alone tell.

use super::script::Script;
use super::{alter, called, object};
use crate::lang::words::{Words, bare};
use crate::lang::{Class, Scope, Verb};

/// Reads a statement; says whether it was one of these.
pub(super) fn statement(script: &mut Script, words: &Words<'_>) -> bool {
    let first = words.piece(0).to_ascii_lowercase();
    match first.as_str() {
        "explain" | "analyze" => {}
        "begin" | "commit" | "end" | "rollback" | "savepoint" | "release" => {
            script.session("begins, ends or keeps a transaction");
        }
        "attach" | "detach" => script.session("changes which files this connection sees"),
        "vacuum" | "reindex" => {
            let phrase = format!("rewrites; others wait: {}", words.shown());
            script.push(Class::Heavy, Verb::Rewrite, None, Scope::One, phrase);
        }
        "pragma" => pragma(script, words),
        "drop" => object::drop(script, words),
        "create" => create(script, words),
        "alter" => alter::alter(script, words),
        _ => return false,
    }
    true
}

fn create(script: &mut Script, words: &Words<'_>) {
    let before = script.count();
    object::create(script, words);
    if words.find(&["select"]).is_some() && script.count() == before + 1 {
        called::calls(script, words);
    }
}

/// PRAGMA: asks, or sets.
fn pragma(script: &mut Script, words: &Words<'_>) {
    let at = if words.piece(2) == "." { 3 } else { 1 };
    let name = bare(words.piece(at)).to_ascii_lowercase();
    let value = match words.piece(at + 1) {
        "=" => words.from(at + 2).shown().to_ascii_lowercase(),
        "(" => words.piece(at + 2).to_ascii_lowercase(),
        _ => return,
    };
    let value = value.trim_matches(['\'', '"']);
    let is_off = matches!(value, "0" | "off" | "no" | "false");
    let (class, verb, scope, phrase) = match name.as_str() {
        "writable_schema" | "schema_version" if !is_off => (
            Class::Opaque,
            Verb::Unguard,
            Scope::Unknown,
            format!("lets the schema be overwritten ({name})"),
        ),
        "foreign_keys" | "cell_size_check" if is_off => {
            (Class::Escape, Verb::Unguard, Scope::Unknown, format!("switches {name} off"))
        }
        "ignore_check_constraints" | "trusted_schema" if !is_off => {
            (Class::Escape, Verb::Unguard, Scope::Unknown, format!("switches {name} on"))
        }
        "journal_mode" if matches!(value, "off" | "memory") => (
            Class::Change,
            Verb::Admin,
            Scope::One,
            format!("keeps no journal on disk: a crash can ruin the file ({value})"),
        ),
        "synchronous" if is_off => (
            Class::Change,
            Verb::Admin,
            Scope::One,
            "does not wait for the disk: a crash can ruin the file".to_owned(),
        ),
        "user_version" | "application_id" => {
            (Class::Change, Verb::Update, Scope::One, format!("sets {name} of the file"))
        }
        "rekey" | "hexrekey" => {
            (Class::Change, Verb::Alter, Scope::All, "changes the key of the file".to_owned())
        }
        "incremental_vacuum" => {
            (Class::Heavy, Verb::Rewrite, Scope::One, "rewrites; others wait".to_owned())
        }
        _ => return script.session("asks, or changes this connection only"),
    };
    script.push(class, verb, Some(name), scope, phrase);
}
