//! Statements of MySQL and MariaDB that their words alone tell.

use super::script::Script;
use super::{alter, called, object};
use crate::lang::words::Words;
use crate::lang::{Class, Scope, Verb};

/// Settings that keep mistakes from happening, while they are on.
const GUARDS: &[&str] = &["foreign_key_checks", "sql_log_bin", "sql_safe_updates", "safe_updates"];

/// What stands before the name of a setting.
const SETTING_SCOPES: &[&str] = &["global", "local", "persist", "persist_only", "session"];

/// Reads a statement; says whether it was one of these.
pub(super) fn statement(script: &mut Script, words: &Words<'_>) -> bool {
    let first = words.piece(0).to_ascii_lowercase();
    match first.as_str() {
        "xa" if words.is(1, &["rollback"]) => {
            let phrase = format!("throws a transaction away: {}", words.shown());
            script.push(Class::Destroy, Verb::Admin, None, Scope::All, phrase);
        }
        "show" | "use" | "help" | "checksum" | "check" | "handler" | "unlock" | "release"
        | "savepoint" | "commit" | "rollback" | "signal" | "resignal" | "get" | "xa" | "cache"
        | "deallocate" | "binlog" => {
            if first == "binlog" {
                let phrase = "applies changes that nobody can read".to_owned();
                script.push(Class::Opaque, Verb::Execute, None, Scope::Unknown, phrase);
            } else {
                script.session("reads, or concerns this session only");
            }
        }
        // MariaDB in Oracle's ways: a block without NOT ATOMIC.
        "begin" if words.len() > 1 && !words.is(1, &["work"]) => alter::block(script, words),
        "declare" => alter::block(script, words),
        "begin" => script.session("begins a transaction"),
        "if" | "case" | "loop" | "repeat" | "while" | "for" => alter::block(script, words),
        "start" | "stop" => {
            if words.is(1, &["transaction"]) {
                script.session("begins a transaction");
            } else {
                admin(script, words, Scope::One);
            }
        }
        "explain" | "desc" | "describe" | "analyze" => explain(script, words, &first),
        "set" => set(script, words),
        "lock" | "backup" => {
            let phrase = format!("locks; others wait: {}", words.shown());
            script.push(Class::Heavy, Verb::Lock, None, Scope::One, phrase);
        }
        "flush" if (1..3).any(|at| words.is(at, &["table", "tables", "hosts"])) => {
            let phrase = format!("closes tables; others wait: {}", words.shown());
            script.push(Class::Heavy, Verb::Lock, None, Scope::One, phrase);
        }
        "flush" => script.session("flushes"),
        "optimize" | "repair" => {
            let phrase = format!("rewrites tables; others wait: {}", words.shown());
            script.push(Class::Heavy, Verb::Rewrite, None, Scope::One, phrase);
        }
        "reset" | "purge" => reset(script, words),
        "kill" => {
            let scope = if words.find(&["user"]).is_some() { Scope::Unknown } else { Scope::One };
            admin(script, words, scope);
        }
        "shutdown" | "restart" => admin(script, words, Scope::All),
        "change" => admin(script, words, Scope::One),
        "clone" => {
            let phrase = format!("replaces all data of the server: {}", words.shown());
            script.push(Class::Destroy, Verb::Admin, None, Scope::All, phrase);
        }
        "truncate" => {
            let at = if words.is(1, &["table"]) { 2 } else { 1 };
            let table = words.name(at).0;
            let phrase = format!("truncates {}", table.as_deref().unwrap_or("?"));
            script.push(Class::Destroy, Verb::Truncate, table, Scope::All, phrase);
        }
        "drop" => object::drop(script, words),
        "create" => create(script, words),
        "alter" => alter::alter(script, words),
        "rename" => {
            let start = if words.is(1, &["table", "tables", "user"]) { 2 } else { 1 };
            for part in words.from(start).parts() {
                let name = part.name(0).0;
                let phrase = format!("renames {}", part.shown());
                script.push(Class::Change, Verb::Rename, name, Scope::One, phrase);
            }
        }
        "grant" => script.push(Class::Add, Verb::Grant, None, Scope::One, "grants".to_owned()),
        "revoke" => {
            let phrase = format!("revokes: {}", words.shown());
            script.push(Class::Change, Verb::Revoke, None, Scope::Filtered, phrase);
        }
        "call" => {
            let procedure = words.name(1).0;
            let phrase = format!("calls procedure {}", procedure.as_deref().unwrap_or("?"));
            let object = procedure.clone();
            script.push(Class::Change, Verb::Execute, object, Scope::Filtered, phrase);
            called::calls(script, &words.from(2));
        }
        "do" => called::calls(script, words),
        "prepare" => prepare(script, words),
        "execute" => execute(script, words),
        "load" => load(script, words),
        "install" => {
            let phrase = format!("installs: {}", words.shown());
            script.push(Class::Add, Verb::Create, None, Scope::One, phrase);
        }
        "uninstall" => {
            let phrase = format!("removes a part of the server: {}", words.shown());
            script.push(Class::Destroy, Verb::Drop, None, Scope::All, phrase);
        }
        "import" => {
            script.push(Class::Add, Verb::Create, None, Scope::One, "imports tables".to_owned());
        }
        "delete" if words.is(1, &["history"]) => {
            let table = words.name(3).0;
            let phrase = format!("deletes the history of {}", table.as_deref().unwrap_or("?"));
            script.push(Class::Destroy, Verb::Delete, table, Scope::All, phrase);
        }
        _ => return false,
    }
    true
}

/// CREATE: what AS SELECT reads may call functions.
fn create(script: &mut Script, words: &Words<'_>) {
    object::create(script, words);
    if words.is(1, &["table", "temporary"]) && words.find(&["select"]).is_some() {
        called::calls(script, words);
    }
}

fn admin(script: &mut Script, words: &Words<'_>, scope: Scope) {
    // A phrase is stored and shown: CHANGE MASTER can hold a password.
    let what: Vec<&str> = (0..words.len().min(3)).map(|at| words.piece(at)).collect();
    let phrase = format!("acts on the server: {}", what.join(" "));
    script.push(Class::Change, Verb::Admin, None, scope, phrase);
}

/// EXPLAIN runs nothing, and with ANALYZE the whole statement. MariaDB's ANALYZE does so too.
fn explain(script: &mut Script, words: &Words<'_>, first: &str) {
    const TABLES: &[&str] = &["local", "no_write_to_binlog", "table", "tables"];
    let mut at = 1;
    if first == "analyze" {
        if words.is(1, TABLES) {
            return script.session("gathers statistics");
        }
    } else if words.is(1, &["analyze"]) {
        at = 2;
    } else {
        return;
    }
    if words.is(at, &["format"]) {
        at += 3;
    }
    script.read(&words.from(at));
}

/// SET: one effect for each assignment that reaches further than this session, or lifts a guard.
fn set(script: &mut Script, words: &Words<'_>) {
    if words.is(1, &["statement"])
        && let Some(at) = words.find(&["for"])
    {
        script.read(&words.from(at + 1));
        return;
    }
    if words.is(1, &["password", "role", "default"]) && !words.is(1, &["role"]) {
        let phrase = "sets a password or a default role".to_owned();
        script.push(Class::Change, Verb::Alter, None, Scope::One, phrase);
        return;
    }
    let before = script.count();
    let mut is_global = false;
    for part in words.from(1).parts() {
        let scoped = part.is(0, SETTING_SCOPES);
        if scoped {
            is_global = part.is(0, &["global", "persist", "persist_only"]);
        }
        let piece = part.piece(usize::from(scoped)).to_ascii_lowercase();
        let dotted = part.piece(usize::from(scoped) + 1) == ".";
        let setting = match (piece.as_str(), dotted) {
            ("@@global" | "@@persist" | "@@persist_only", true) => {
                is_global = true;
                part.piece(2).to_ascii_lowercase()
            }
            ("@@session" | "@@local", true) => part.piece(2).to_ascii_lowercase(),
            _ => piece.trim_start_matches("@@").to_owned(),
        };
        let value = part.len().checked_sub(1).map(|last| part.piece(last)).unwrap_or_default();
        let is_off = matches!(value.to_ascii_lowercase().as_str(), "0" | "off" | "false" | "'off'");
        if GUARDS.contains(&setting.as_str()) && is_off {
            let phrase = format!("switches {setting} off");
            script.push(Class::Escape, Verb::Unguard, Some(setting), Scope::Unknown, phrase);
        } else if is_global {
            let phrase = format!("alters the server's configuration: {}", part.shown());
            script.push(Class::Change, Verb::Admin, Some(setting), Scope::One, phrase);
        } else if let Some((name, next)) = part.variable(usize::from(scoped)) {
            // `@a = 'text'`, so that a PREPARE FROM @a can be read.
            let at = part.len().saturating_sub(1);
            let is_plain = at == next + 1 || at == next + 2 && part.piece(next) == ":";
            match part.string(at).filter(|_| is_plain) {
                Some(text) => drop(script.variables.insert(name, text)),
                None => drop(script.variables.remove(&name)),
            }
        }
    }
    called::calls(script, words);
    if script.count() == before {
        script.session("changes this session only");
    }
}

fn reset(script: &mut Script, words: &Words<'_>) {
    let (class, phrase) = match words.piece(1).to_ascii_lowercase().as_str() {
        "query" => return script.session("empties a cache"),
        "persist" => (Class::Change, "forgets settings of the server".to_owned()),
        "slave" | "replica" => {
            (Class::Destroy, "forgets where replication stands, and drops relay logs".to_owned())
        }
        _ => (Class::Destroy, format!("deletes binary logs: {}", words.shown())),
    };
    script.push(class, Verb::Admin, None, Scope::All, phrase);
}

fn prepare(script: &mut Script, words: &Words<'_>) {
    if let Some(name) = words.name(1).0 {
        let text = match words.string(3) {
            Some(text) if words.len() == 4 => Some(text),
            _ => words.variable(3).and_then(|(name, _)| script.variables.get(&name).cloned()),
        };
        script.prepared.insert(name.to_lowercase(), text);
    }
    script.session("prepares a statement");
}

/// EXECUTE: what was prepared in this text is known.
fn execute(script: &mut Script, words: &Words<'_>) {
    let (name, text) = if words.is(1, &["immediate"]) {
        let text = match words.string(2) {
            Some(text) => Some(text).filter(|_| words.len() == 3 || words.is(3, &["using"])),
            None => words.variable(2).and_then(|(name, _)| script.variables.get(&name).cloned()),
        };
        (None, text)
    } else {
        let name = words.name(1).0;
        let known = name.as_ref().and_then(|name| script.prepared.get(&name.to_lowercase()));
        (name, known.cloned().flatten())
    };
    match text {
        Some(text) => script.inner(&text),
        None => {
            let shown = name.as_deref().unwrap_or("a text");
            let phrase = format!("runs {shown}, which was not seen");
            script.push(Class::Opaque, Verb::Execute, name, Scope::Unknown, phrase);
        }
    }
}

fn load(script: &mut Script, words: &Words<'_>) {
    if !words.is(1, &["data", "xml"]) {
        return script.session("loads indexes into memory");
    }
    let table = (0..words.len())
        .find(|at| words.are(*at, &["into", "table"]))
        .and_then(|at| words.name(at + 2).0);
    let shown = table.as_deref().unwrap_or("?").to_owned();
    if words.find(&["replace"]).is_some() {
        let phrase = format!("loads rows into {shown}, replacing those that are there");
        script.push(Class::Change, Verb::Replace, table, Scope::Unknown, phrase);
    } else {
        let phrase = format!("loads rows into {shown}");
        script.push(Class::Add, Verb::Insert, table, Scope::One, phrase);
    }
}
