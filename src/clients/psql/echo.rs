//! psql's `ECHO=queries` under single-step: psql asks in place of showing the statement, so it is
//! shown for it.
//!
//! Where `\set ECHO` stands in a text is known when the text is read, which is before it runs; at
//! which statement psql is by then is known from its question.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use super::meta::{Item, Meta};
use crate::clients::Echo;

/// Lists what matters of a text; nothing where it does not change ECHO.
#[must_use]
pub fn read(items: &[Item]) -> Vec<Echo> {
    let changes = |item: &Item| matches!(item, Item::Meta(meta) if change(meta).is_some());
    if !items.iter().any(changes) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in items {
        match item {
            Item::Statement { text, .. } => found.push(Echo::Statement(text.clone())),
            Item::Meta(meta) => {
                found.extend(change(meta).map(Echo::Set));
                found.extend(meta.sends.clone().map(Echo::Statement));
            }
            Item::Data(_) | Item::Incomplete(_) => {}
        }
    }
    found
}

/// Tells what a meta command makes of ECHO, if anything. A value psql does not know changes nothing.
fn change(meta: &Meta) -> Option<bool> {
    if meta.args.first().map(String::as_str) != Some("ECHO") || meta.is_dynamic {
        return None;
    }
    match &*meta.name {
        "unset" => Some(false),
        "set" => value(&meta.args[1..].concat()),
        _ => None,
    }
}

/// Reads a value of ECHO.
pub fn value(value: &str) -> Option<bool> {
    match &*value.to_ascii_lowercase() {
        "queries" => Some(true),
        "all" | "errors" | "none" => Some(false),
        _ => None,
    }
}

/// Follows ECHO through what runs.
#[derive(Debug, Clone, Default)]
pub struct Follower {
    shows: bool,
    ahead: VecDeque<Echo>,
}

impl Follower {
    /// Begins with a value.
    #[must_use]
    pub fn new(shows: bool) -> Self {
        Self { shows, ahead: VecDeque::new() }
    }

    /// Takes note of what is about to be read.
    pub fn foresee(&mut self, echoes: Vec<Echo>) {
        self.ahead.extend(echoes);
    }

    /// Tells whether this statement is to be shown.
    pub fn shows(&mut self, text: &str) -> bool {
        let is_it = |echo: &Echo| matches!(echo, Echo::Statement(known) if is_same(known, text));
        let is_set = |echo: &Echo| matches!(echo, Echo::Set(_));
        // A statement that was not foreseen comes from elsewhere: behind all that was.
        let count = match self.ahead.iter().position(is_it) {
            Some(at) => at + 1,
            None if self.ahead.iter().all(is_set) => self.ahead.len(),
            None => 0,
        };
        for echo in self.ahead.drain(..count) {
            if let Echo::Set(shows) = echo {
                self.shows = shows;
            }
        }
        self.shows
    }
}

/// Compares a statement as it was read with what psql sends: without comments around it.
fn is_same(known: &str, sent: &str) -> bool {
    let bare = |text: &str| text.trim().trim_end_matches(';').trim_end().to_owned();
    let (known, sent) = (bare(known), bare(sent));
    !sent.is_empty() && (known == sent || known.ends_with(&sent) || sent.ends_with(&known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::psql::meta;

    fn follower(text: &str) -> Follower {
        let mut follower = Follower::default();
        follower.foresee(read(&meta::scan(text)));
        follower
    }

    #[test]
    fn statements_are_shown_from_the_setting_on() {
        let mut follower = follower(
            "select 1;\n\\set ECHO queries\nselect 2;\n\\set ECHO none\nselect 3 \\g\n\\set ECHO QUERIES\n",
        );
        assert!(!follower.shows("select 1;"));
        assert!(follower.shows("select 2;"));
        assert!(follower.shows("select 'generated'"), "by what came before");
        assert!(!follower.shows("select 3 "));
        assert!(follower.shows("select 4;"), "behind the end");
    }

    #[test]
    fn what_changes_nothing_is_nothing() {
        for text in
            ["select 1;", "\\echo ECHO", "\\set ECHO :x", "\\set ECHO nonsense", "\\set x 1"]
        {
            assert_eq!(read(&meta::scan(&format!("{text}\n"))), [], "{text}");
        }
        let mut follower = Follower::new(true);
        assert!(follower.shows("select 1;"));
        follower.foresee(read(&meta::scan("\\unset ECHO\n")));
        assert!(!follower.shows("select 1;"));
    }
}
