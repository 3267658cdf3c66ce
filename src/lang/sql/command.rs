//! Lines that are for the command-line client itself: they end with the line, not with `;`.

use super::Flavour;
use super::script::Script;
use crate::lang::words::Words;
use crate::lang::{Class, Scope, Verb};

/// Commands of MySQL's client that are words; the short ones start with a backslash.
const WORDS: &[&str] = &[
    "charset",
    "clear",
    "connect",
    "edit",
    "ego",
    "exit",
    "go",
    "nopager",
    "notee",
    "nowarning",
    "pager",
    "print",
    "prompt",
    "quit",
    "rehash",
    "resetconnection",
    "sandbox",
    "source",
    "status",
    "system",
    "tee",
    "use",
    "warnings",
];

/// Short commands of MySQL's client that take something up to the delimiter; the others end at once.
const WITH_ARGUMENT: &str = "!.CPRTdhru";

/// Commands of SQLite's shell that do more than show, with how many letters of them are enough.
const SQLITE: &[(&str, usize)] = &[
    ("archive", 1),
    ("backup", 3),
    ("clone", 2),
    ("connection", 4),
    ("dbconfig", 3),
    ("edit", 2),
    ("excel", 3),
    ("filectrl", 2),
    ("import", 1),
    ("load", 1),
    ("once", 2),
    ("open", 2),
    ("output", 2),
    ("read", 3),
    ("restore", 3),
    ("save", 3),
    ("shell", 2),
    ("system", 2),
    ("www", 1),
];

/// Returns whether a line that begins a statement is for the client.
pub(super) fn is_command(line: &str, flavour: Flavour) -> bool {
    match flavour {
        Flavour::Sqlite => line.starts_with('.'),
        Flavour::Mysql => {
            let is_short =
                line.starts_with('\\') && !line.starts_with("\\g") && !line.starts_with("\\G");
            let word = line.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
            let behind = line[word.len()..].chars().next();
            let is_whole = behind.is_none_or(|c| c.is_whitespace() || c == ';');
            is_short || is_whole && WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
        }
    }
}

/// Returns how long a command of MySQL's client is, and what ends it; SQL follows on the same line.
pub(super) fn ends(line: &str, delimiter: &str) -> (usize, usize) {
    let short = line.strip_prefix('\\').and_then(|rest| rest.chars().next());
    let is_short = short.is_some();
    let start = 1 + short.map_or(0, char::len_utf8);
    let argument = line.get(start..).unwrap_or_default();
    if is_short && !short.is_some_and(|name| WITH_ARGUMENT.contains(name)) {
        return (start.min(line.len()), 0);
    }
    if short == Some('d') {
        let named = argument.trim_start();
        let length = named.find(char::is_whitespace).unwrap_or(named.len());
        return (line.len() - named.len() + length, 0);
    }
    let end = line.find(delimiter).map(|at| (at, delimiter.len()));
    // Not beyond it: a line may be all commands.
    let before = &line[..end.map_or(line.len(), |(at, _)| at)];
    let sent = ["\\g", "\\G"].into_iter().filter(|_| !is_short);
    let sent = sent.filter_map(|end| before.find(end).map(|at| (at, end.len()))).min();
    sent.or(end).unwrap_or((line.len(), 0))
}

/// Returns the name of a command, whole and folded.
fn name(line: &str, flavour: Flavour) -> String {
    let first = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        first.trim_end_matches(';').to_owned()
    };
    // `\!ls` and `\.file` need no space.
    let short = line.get(..2).filter(|short| short.starts_with('\\'));
    match (short, line.strip_prefix('.')) {
        (Some(short), _) => short.to_owned(),
        (None, Some(rest)) if flavour == Flavour::Sqlite => {
            // The shell takes quotes off, and any beginning that is long enough.
            let said = first(rest).replace(['"', '\''], "");
            let known = SQLITE
                .iter()
                .find(|(whole, enough)| said.len() >= *enough && whole.starts_with(said.as_str()));
            format!(".{}", known.map_or(said.as_str(), |(whole, _)| whole))
        }
        (None, _) => first(line),
    }
}

/// Returns whether a command may make names mean other tables.
pub(super) fn connects(line: &str, flavour: Flavour) -> bool {
    const CONNECTS: &[&str] = &[
        ".connection",
        ".dbconfig",
        ".open",
        ".read",
        ".restore",
        "\\.",
        "\\r",
        "\\u",
        "\\x",
        "connect",
        "resetconnection",
        "source",
        "use",
    ];
    CONNECTS.contains(&name(line, flavour).as_str())
}

/// Returns what `.archive` does to the archive or to files, if it does not only list.
fn archive(line: &str) -> Option<(Class, Verb, Scope, String)> {
    let mut words = line.split_whitespace().skip_while(|word| !word.starts_with('-')).peekable();
    let first = words.peek().copied().unwrap_or_default().to_owned();
    let has = |long: &str, short: char| {
        words.clone().any(|word| word.starts_with(long))
            || first.starts_with('-') && !first.starts_with("--") && first.contains(short)
    };
    Some(match () {
        () if has("--create", 'c') => {
            (Class::Destroy, Verb::Drop, Scope::All, format!("begins the archive anew: {line}"))
        }
        () if has("--remove", 'r') => (
            Class::Remove,
            Verb::Delete,
            Scope::Filtered,
            format!("deletes from the archive: {line}"),
        ),
        () if has("--insert", 'i') || has("--update", 'u') || has("--extract", 'x') => {
            (Class::Change, Verb::Replace, Scope::Filtered, format!("overwrites files: {line}"))
        }
        () => return None,
    })
}

/// Reads a command; says whether it was one.
pub(super) fn command(script: &mut Script, words: &Words<'_>) -> bool {
    let line = words.line();
    if !is_command(line, script.flavour) {
        return false;
    }
    let name = name(line, script.flavour);
    let pipes = line.contains('|');
    let shown = words.shown();
    let (class, verb, scope, phrase) = match name.as_str() {
        "source" | "\\." | ".read" => (
            Class::Opaque,
            Verb::Execute,
            Scope::Unknown,
            format!("runs a file, which was not read: {shown}"),
        ),
        "system" | "\\!" | "edit" | "\\e" | ".shell" | ".system" | ".load" | ".edit" | ".excel"
        | ".www" => {
            (Class::Escape, Verb::Shell, Scope::Unknown, format!("runs a program: {shown}"))
        }
        "pager" | "\\P" if line.split_whitespace().nth(1).is_some() => {
            (Class::Escape, Verb::Shell, Scope::Unknown, format!("runs a program: {shown}"))
        }
        ".output" | ".once" | ".import" if pipes || name == ".once" && line.contains(" -") => {
            (Class::Escape, Verb::Shell, Scope::Unknown, format!("runs a program: {shown}"))
        }
        ".import" => {
            (Class::Add, Verb::Insert, Scope::Unknown, "copies rows from a file".to_owned())
        }
        ".restore" => (
            Class::Destroy,
            Verb::Replace,
            Scope::All,
            "replaces the whole database by a file".to_owned(),
        ),
        ".open" if line.contains("-new") => (
            Class::Destroy,
            Verb::Replace,
            Scope::All,
            format!("empties the file that it opens: {shown}"),
        ),
        ".backup" | ".save" | ".clone" => {
            (Class::Change, Verb::Replace, Scope::One, format!("overwrites a file: {shown}"))
        }
        ".dbconfig" if line.contains("reset_database") => (
            Class::Destroy,
            Verb::Drop,
            Scope::All,
            "lets the next VACUUM empty the database".to_owned(),
        ),
        ".dbconfig" | ".filectrl" if line.split_whitespace().nth(2).is_some() => (
            Class::Escape,
            Verb::Unguard,
            Scope::Unknown,
            format!("changes what is guarded: {shown}"),
        ),
        ".archive" if let Some(found) = archive(line) => found,
        _ => {
            script.session("is for the client itself");
            return true;
        }
    };
    script.push(class, verb, None, scope, phrase);
    true
}
