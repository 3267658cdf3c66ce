//! The clients' own history files: whose is where, and how it is written.
//!
//! A client that is killed writes none of what was typed. These are the formats in which that can
//! be put back, and read. Nothing here touches a file that holds statements: texts in, texts out.

mod join;
pub mod lines;
pub(in crate::clients) mod place;
mod vis;

use std::path::PathBuf;

use jiff::Timestamp;

pub use place::Circumstances;

use super::psql;

/// One thing a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The text, with its newlines.
    pub text: String,
    /// When, where the format has it.
    pub time: Option<Timestamp>,
}

impl Entry {
    /// Makes an entry of a time nobody knows.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), time: None }
    }
}

/// How a client writes its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A file of lines, the newest last, as readline, libedit and linenoise write it.
    Lines(Several),
    /// A file of lines, the newest first; several lines of an entry are joined to one.
    NewestFirst,
    /// A SQLite database with the tables `sessions` and `history`.
    Cells,
}

/// How a file of lines keeps an entry of several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    /// With U+0001 in place of the newlines.
    Marked,
    /// With a carriage return before the newlines, where the file does that already; each line as
    /// an entry of its own where it does not.
    Returned,
    /// As one line where that means the same, else each line as an entry of its own. A new file of
    /// this kind has libedit's escapes.
    Joined,
    /// Each line as an entry of its own.
    Apart,
}

/// A client's history.
#[derive(Debug, Clone, Copy)]
pub struct Keeps {
    /// The names that the client goes by.
    pub clients: &'static [&'static str],
    /// How it is written.
    pub format: Format,
    /// Where it may be: the first file that exists is meant, else the first. Fails with a phrase
    /// where nobody can tell.
    pub files: fn(&Circumstances<'_>) -> Result<Vec<PathBuf>, String>,
    /// What ends a statement; then an entry of the file may be several statements.
    pub ends: Option<char>,
    /// What a command for the client itself begins with, where it has such and keeps them too.
    pub commands: Option<char>,
}

/// Every client whose history can be read and added to.
pub const KEPT: &[Keeps] = &[
    Keeps {
        clients: &["psql"],
        format: Format::Lines(Several::Marked),
        files: psql::history::files,
        ends: Some(';'),
        commands: Some('\\'),
    },
    Keeps {
        clients: &["mongosh"],
        format: Format::NewestFirst,
        files: place::mongosh,
        ends: None,
        commands: None,
    },
    Keeps {
        clients: &["mongo"],
        format: Format::Lines(Several::Apart),
        files: place::mongo,
        ends: None,
        commands: None,
    },
    Keeps {
        clients: &["python", "python3"],
        format: Format::Lines(Several::Returned),
        files: place::python,
        ends: None,
        commands: None,
    },
    Keeps {
        clients: &["ipython"],
        format: Format::Cells,
        files: place::ipython,
        ends: None,
        commands: None,
    },
    Keeps {
        clients: &["redis-cli"],
        format: Format::Lines(Several::Apart),
        files: place::redis,
        ends: None,
        commands: None,
    },
    Keeps {
        clients: &["mariadb", "mysql"],
        format: Format::Lines(Several::Joined),
        files: place::mariadb,
        ends: Some(';'),
        commands: Some('\\'),
    },
    Keeps {
        clients: &["sqlite3"],
        format: Format::Lines(Several::Apart),
        files: place::sqlite,
        ends: Some(';'),
        commands: Some('.'),
    },
];

/// Returns how a client keeps its history.
#[must_use]
pub fn by_client(name: &str) -> Option<&'static Keeps> {
    KEPT.iter().find(|keeps| keeps.clients.contains(&name))
}

/// Returns those of `typed`, in their order, that `kept` does not have; what was typed twice in a
/// row is one.
///
/// Blanks do not count. Where an entry of the file can hold several statements (`ends`),
/// a statement that stands in one of them, between semicolons, is there.
#[must_use]
pub fn missing<'a>(kept: &[Entry], typed: &'a [Entry], ends: Option<char>) -> Vec<&'a Entry> {
    let mut known: std::collections::HashSet<String> = std::collections::HashSet::new();
    for entry in kept {
        let whole = squeeze(&entry.text);
        if let Some(end) = ends {
            known.extend(statements(&whole, end).map(str::to_owned));
        }
        known.insert(strip(&whole).to_owned());
    }
    // Where lines stand apart, an entry of several is there if each of them is.
    let has = |text: &str| known.contains(strip(&squeeze(text)));
    let mut missing: Vec<&Entry> = Vec::new();
    for entry in typed {
        let is_there =
            has(&entry.text) || (entry.text.contains('\n') && entry.text.lines().all(&has));
        let is_repeated = missing.last().is_some_and(|last| last.text == entry.text);
        if !is_there && !is_repeated && !entry.text.trim().is_empty() {
            missing.push(entry);
        }
    }
    missing
}

/// Cuts an entry into the statements that it can be compared by, without blanks and ends that do not
/// count.
pub fn pieces(text: &str, ends: Option<char>) -> impl Iterator<Item = String> {
    let text = squeeze(text);
    let pieces: Vec<String> = match ends {
        None => vec![strip(&text).to_owned()],
        Some(end) => text.split(end).map(|piece| piece.trim().to_owned()).collect(),
    };
    pieces.into_iter().filter(|piece| !piece.is_empty())
}

/// Puts one blank where there are several, or a newline.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes the semicolons off the end.
fn strip(text: &str) -> &str {
    text.trim_end_matches([';', ' '])
}

/// Cuts a line into what stands between semicolons, whole tails included: a semicolon in a string
/// makes pieces that nothing equals.
fn statements(line: &str, end: char) -> impl Iterator<Item = &str> {
    line.split(end).flat_map(|piece| {
        // `select 3 \g` is in the log as `select 3`.
        let before = piece.split('\\').next().unwrap_or(piece);
        [piece.trim(), before.trim()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(texts: &[&str]) -> Vec<Entry> {
        texts.iter().map(|text| Entry::new(*text)).collect()
    }

    fn texts<'a>(kept: &[&str], typed: &'a [Entry], ends: Option<char>) -> Vec<&'a str> {
        let missing = missing(&entries(kept), typed, ends);
        missing.into_iter().map(|entry| entry.text.as_str()).collect()
    }

    #[test]
    fn what_the_file_has_is_not_missing() {
        let typed = entries(&["select 1;", "select\n  2;", "select 3", "select 4;", "select 4;"]);
        let kept = ["select 1;", "select 2 ;", "begin; select 3 \\g"];
        assert_eq!(texts(&kept, &typed, Some(';')), ["select 4;"]);
        assert_eq!(texts(&kept, &typed, None), ["select 3", "select 4;"]);
        assert_eq!(texts(&[], &typed, Some(';')).len(), 4);
    }

    #[test]
    fn part_of_another_statement_is_not_the_statement() {
        let typed = entries(&["select 1;"]);
        assert_eq!(texts(&["insert into t select 1;"], &typed, Some(';')), ["select 1;"]);
        assert_eq!(texts(&["select 1 from t;"], &typed, Some(';')), ["select 1;"]);
    }

    #[test]
    fn lines_apart_count_together() {
        let typed = entries(&["for i in x:\n    print(i)", "if y:\n    z()"]);
        let kept = ["for i in x:", "    print(i)", "if y:"];
        assert_eq!(texts(&kept, &typed, None), ["if y:\n    z()"]);
    }

    #[test]
    fn every_client_is_in_one_row() {
        let mut names: Vec<_> = KEPT.iter().flat_map(|keeps| keeps.clients).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for known in crate::clients::known::KNOWN {
            assert!(by_client(known.name).is_some(), "{} keeps no history?", known.name);
        }
    }
}
