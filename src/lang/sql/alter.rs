//! ALTER TABLE, action by action, and blocks of statements.

use super::script::Script;
use crate::lang::token::is_word;
use crate::lang::words::{Words, bare};
use crate::lang::{Class, Scope, Verb};

/// Words between ALTER and TABLE.
const BEFORE_TABLE: &[&str] = &["ignore", "offline", "online"];

/// Words that blocks start with.
const BLOCKS: &[&str] = &["begin", "case", "for", "if", "loop", "repeat", "while"];

/// Words that only steer what a block runs: a statement starts after the last of them.
const STEERING: &[&str] = &["atomic", "begin", "do", "else", "loop", "repeat", "then"];

/// Words that close a part of a block, or declare.
const CLOSING: &[&str] =
    &["close", "declare", "end", "fetch", "iterate", "leave", "open", "return", "until"];

/// ALTER of anything.
pub(super) fn alter(script: &mut Script, words: &Words<'_>) {
    let mut at = 1;
    while words.is(at, BEFORE_TABLE) {
        at += 1;
    }
    if !words.is(at, &["table"]) {
        other(script, words);
        return;
    }
    at += 1;
    if words.are(at, &["if", "exists"]) {
        at += 2;
    }
    let (table, mut next) = words.name(at);
    if words.is(next, &["wait", "nowait"]) {
        next += if words.is(next, &["wait"]) { 2 } else { 1 };
    }
    let ignores = (1..at).any(|at| words.is(at, &["ignore"]));
    let table = table.as_deref().unwrap_or("?");
    for action in words.from(next).parts() {
        self::action(script, table, &action);
        if ignores
            && action.is(0, &["add"])
            && (1..4).any(|at| action.is(at, &["primary", "unique"]))
        {
            let phrase =
                format!("deletes rows of {table} that are there twice: {}", action.shown());
            script.push(
                Class::Remove,
                Verb::Delete,
                Some(table.to_owned()),
                Scope::Unknown,
                phrase,
            );
        }
    }
}

fn action(script: &mut Script, table: &str, action: &Words<'_>) {
    let shown = action.shown();
    // Names may be left out, and IF EXISTS put in.
    let named = |from: usize| {
        let from = if action.are(from, &["if", "exists"]) { from + 2 } else { from };
        action.name(from).0.unwrap_or_else(|| "?".to_owned())
    };
    let first = action.piece(0).to_ascii_lowercase();
    let second = action.piece(1).to_ascii_lowercase();
    let (class, verb, scope, phrase) = match (first.as_str(), second.as_str()) {
        ("drop", "partition") => {
            let phrase = format!("drops partition {} of {table} with its rows", named(2));
            (Class::Destroy, Verb::Drop, Scope::All, phrase)
        }
        ("drop", "primary") => {
            let phrase = format!("drops the primary key of {table}");
            (Class::Destroy, Verb::DropColumn, Scope::All, phrase)
        }
        ("drop", "default") => {
            (Class::Change, Verb::Alter, Scope::One, format!("alters {table}: {shown}"))
        }
        ("drop", "system") => {
            let phrase = format!("drops the history of {table}");
            (Class::Destroy, Verb::Drop, Scope::All, phrase)
        }
        ("drop", "foreign" | "column" | "index" | "key" | "constraint" | "check" | "period") => {
            let from = if second == "foreign" { 3 } else { 2 };
            let what = if second == "foreign" { "foreign key" } else { &*second };
            let phrase = format!("drops {what} {} of {table}", named(from));
            (Class::Destroy, Verb::DropColumn, Scope::All, phrase)
        }
        ("drop", _) => {
            let phrase = format!("drops column {} of {table}", named(1));
            (Class::Destroy, Verb::DropColumn, Scope::All, phrase)
        }
        ("truncate", "partition") => {
            let phrase = format!("empties partition {} of {table}", named(2));
            (Class::Destroy, Verb::Truncate, Scope::All, phrase)
        }
        ("discard", _) => {
            let phrase = format!("throws away the data of {table}: {shown}");
            (Class::Destroy, Verb::Truncate, Scope::All, phrase)
        }
        ("exchange" | "convert", "partition") => {
            let phrase = format!("changes a partition of {table} for another table: {shown}");
            (Class::Destroy, Verb::Detach, Scope::All, phrase)
        }
        ("remove" | "coalesce" | "reorganize", _) | ("partition", "by") | ("convert", _) => {
            let phrase = format!("rewrites every row of {table}: {shown}");
            (Class::Change, Verb::AlterType, Scope::All, phrase)
        }
        ("modify" | "change", _) if is_wide(action) => {
            let phrase = format!("changes the type of a column of {table}: {shown}");
            (Class::Change, Verb::AlterType, Scope::One, phrase)
        }
        ("modify" | "change", _) => {
            let phrase = format!("rewrites a column of {table}: {shown}");
            (Class::Change, Verb::AlterType, Scope::All, phrase)
        }
        ("rename", _) => {
            (Class::Change, Verb::Rename, Scope::One, format!("renames in {table}: {shown}"))
        }
        ("add" | "import", _) => {
            (Class::Add, Verb::Alter, Scope::One, format!("adds to {table}: {shown}"))
        }
        ("engine", _) if is_engine(action, &["blackhole"]) => {
            let phrase = format!("throws away every row of {table}: {shown}");
            (Class::Destroy, Verb::Truncate, Scope::All, phrase)
        }
        ("engine", _) if is_engine(action, &["heap", "memory"]) => {
            let phrase = format!("keeps the rows of {table} only until the next restart: {shown}");
            (Class::Destroy, Verb::Rewrite, Scope::All, phrase)
        }
        ("engine" | "force" | "optimize" | "rebuild" | "repair" | "order", _) => (
            Class::Heavy,
            Verb::Rewrite,
            Scope::One,
            format!("rewrites {table}; others wait: {shown}"),
        ),
        // How it is done, not what.
        ("algorithm" | "lock" | "analyze" | "check" | "", _) => return,
        _ => (Class::Change, Verb::Alter, Scope::One, format!("alters {table}: {shown}")),
    };
    script.push(class, verb, Some(table.to_owned()), scope, phrase);
}

/// Returns whether `ENGINE = name`, in quotes or without, names one of these.
fn is_engine(action: &Words<'_>, list: &[&str]) -> bool {
    (1..3).any(|at| is_word(&bare(action.piece(at)), list))
}

/// Returns whether a column gets a type that holds whatever common type was there before.
fn is_wide(action: &Words<'_>) -> bool {
    let mut at = if action.is(1, &["column"]) { 2 } else { 1 };
    if action.are(at, &["if", "exists"]) {
        at += 2;
    }
    let names = if action.is(0, &["change"]) { 2 } else { 1 };
    for _ in 0..names {
        at = action.name(at).1;
    }
    action.is(at, &["bigint", "json", "longblob", "longtext", "text"])
        && action.find(&["unsigned", "character", "charset", "not"]).is_none()
}

/// ALTER of what is no table.
fn other(script: &mut Script, words: &Words<'_>) {
    // ALTER DEFINER = 'a'@'b' EVENT e
    let at = match words.is(1, &["definer"]) {
        true => words.find(&["event", "function", "procedure", "view"]).unwrap_or(1),
        false => 1,
    };
    let what = words.piece(at).to_ascii_lowercase();
    let start = if words.are(at + 1, &["if", "exists"]) { at + 3 } else { at + 1 };
    let name = words.name(start).0;
    let shown = name.clone().unwrap_or_default();
    if words.find(&["drop"]).is_some() && what.ends_with("space") {
        let phrase = format!("drops a file of tablespace {shown}");
        script.push(Class::Destroy, Verb::Drop, name, Scope::All, phrase);
    } else if what == "instance" {
        let phrase = format!("alters the server: {}", words.from(2).shown());
        script.push(Class::Change, Verb::Admin, None, Scope::One, phrase);
    } else {
        // A phrase is stored and shown: what follows can hold a password.
        let phrase = format!("alters {what} {shown}");
        script.push(Class::Change, Verb::Alter, name, Scope::One, phrase);
        if what == "event" {
            super::object::by_itself(script, &words.from(start), &format!("event {shown}"));
        }
    }
}

/// Reads the statements of a block that runs now.
pub(super) fn block(script: &mut Script, words: &Words<'_>) {
    let was_looped = script.is_looped;
    for piece in words.statements() {
        let opens_loop = piece.find(&["loop", "repeat", "while", "for"]).is_some_and(|at| at <= 3);
        script.is_looped |= opens_loop;
        let ends_loop = piece.is(0, &["end"]) && piece.is(1, &["for", "loop", "repeat", "while"]);
        if ends_loop {
            script.is_looped = was_looped;
        }
        let statement = piece.from(starts(&piece));
        // A block that is nothing but itself is none.
        if statement.len() == words.len() && statement.is(0, BLOCKS) {
            script.unclear(words, "not understood");
            continue;
        }
        if statement.len() > 0 && !statement.is(0, CLOSING) {
            script.read(&statement);
        }
    }
    script.is_looped = was_looped;
}

/// Returns where the statement of a piece starts: after the last steering word before it.
fn starts(piece: &Words<'_>) -> usize {
    let mut start = 0;
    for index in 0..piece.len() {
        if piece.is(index, &["delete", "insert", "replace", "select", "update", "with"])
            && (index == start || !piece.is(0, &["if", "while", "case", "for", "elseif"]))
        {
            break;
        }
        if piece.is(index, STEERING) {
            start = index + 1;
        }
    }
    start
}
