//! psql's input where it can be read in more than one way.
//!
//! Whether a backslash in a plain string quotes what follows (`standard_conforming_strings` is off)
//! is set in the server, the database, the role or a function, and told to psql alone. So a text for
//! which it makes a difference is followed both ways.
#![forbid(unsafe_code)]

use super::{Item, Meta, State, Strings, Variables};

/// Most ways that are followed. Two, unless a script changes the setting again and again.
const MOST_WAYS: usize = 8;

/// What makes the difference.
const SETTING: &str = "standard_conforming_strings";

/// Where psql may be within a statement, carried from line to line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    /// Never empty; the first is the usual one.
    ways: Vec<State>,
}

/// What is still open where the input ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenEnd {
    /// Nothing.
    Nothing,
    /// The data of a COPY, or a statement, if the COPY has failed.
    Data,
    /// A parenthesis or a block of a statement: no semicolon ends it.
    Nested,
    /// A string, a name or a comment: nothing ends it, and the server refuses it.
    Quoted,
    /// A statement.
    Statement,
}

impl Default for Ways {
    fn default() -> Self {
        Self::following(Variables::default())
    }
}

impl Ways {
    /// Begins with variables that are followed from here on.
    #[must_use]
    pub fn following(variables: Variables) -> Self {
        Self { ways: vec![State::following(variables)] }
    }

    /// Begins with variables at a prompt, where one text may have several lines.
    #[must_use]
    pub fn at_prompt(variables: Variables) -> Self {
        Self { ways: vec![State::following(variables).at_prompt()] }
    }

    /// Returns whether nothing has been started, whichever way it is read.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.ways.iter().all(State::is_fresh)
    }

    /// Returns what is still open where the input ends.
    #[must_use]
    pub fn open_end(&self) -> OpenEnd {
        if self.is_fresh() {
            return OpenEnd::Nothing;
        }
        if self.ways.iter().any(State::is_data_due) {
            return OpenEnd::Data;
        }
        if self.ways.iter().all(State::is_nested) {
            OpenEnd::Nested
        } else if self.ways.iter().all(State::is_quoted) {
            OpenEnd::Quoted
        } else {
            OpenEnd::Statement
        }
    }

    /// Forgets the statement at hand, as Ctrl-C does.
    pub fn interrupt(&mut self) {
        self.ways.iter_mut().for_each(State::interrupt);
        self.join();
    }

    /// A new statement begins: what was begun before was thrown away, or sent by itself.
    pub fn begin(&mut self) {
        let begun = self.ways.iter().filter(|way| !way.is_fresh()).cloned();
        let sent: Vec<State> = begun.map(State::sent).collect();
        self.ways.extend(sent);
        self.interrupt();
    }

    /// The variables as they may be now.
    #[must_use]
    pub fn variables(&self) -> Variables {
        let mut all = self.ways[0].variables.clone();
        self.ways[1..].iter().for_each(|way| all.add(&way.variables));
        all
    }

    /// Goes on with these variables.
    pub fn set_variables(&mut self, variables: &Variables) {
        for way in &mut self.ways {
            way.variables.clone_from(variables);
        }
    }

    /// Adds where psql may be as well.
    pub fn add(&mut self, other: Self) {
        self.ways.extend(other.ways);
        self.join();
    }

    /// Splits whole lines of input: once for each way, the usual one first.
    pub fn scan(&mut self, text: &str) -> Vec<Vec<Item>> {
        let may_differ = text.contains("\\'");
        let may_change = text.to_ascii_lowercase().contains(SETTING);
        let mut all = Vec::with_capacity(self.ways.len());
        for mut way in std::mem::take(&mut self.ways) {
            let is_open = way.strings == Strings::Unknown && may_differ;
            let other = is_open.then(|| way.clone().escaped());
            all.push(way.scan(text));
            if let Some(mut other) = other {
                let items = other.scan(text);
                way.strings = Strings::Escaped;
                if other != way || Some(&items) != all.last() {
                    way.strings = Strings::Plain;
                    all.push(items);
                    self.ways.push(other);
                } else {
                    way.strings = Strings::Unknown;
                }
            }
            self.ways.push(way);
        }
        if may_change && all.len() > 1 {
            let why = "has backslashes and quotes, and changes how they are read";
            all[0].push(Item::Meta(Meta::unknown(0..text.len(), why)));
        }
        if may_change {
            self.ways.iter_mut().for_each(|way| way.strings = Strings::Unknown);
        }
        self.join();
        all
    }

    /// Joins ways that have become the same.
    fn join(&mut self) {
        let mut joined: Vec<State> = Vec::with_capacity(self.ways.len());
        for mut way in self.ways.drain(..) {
            way.forget_seen();
            if !joined.contains(&way) {
                joined.push(way);
            }
        }
        joined.truncate(MOST_WAYS);
        self.ways = joined;
    }
}

/// Returns a statement as it is read where backslashes in plain strings quote, written so that it
/// is read like that everywhere; none where that makes no difference.
#[must_use]
pub fn escaped(text: &str) -> Option<String> {
    if !text.contains("\\'") {
        return None;
    }
    let written = State::default().escaped().written(text);
    // Only what was a plain string has got an `E`.
    let is_same = Ways::default().scan(text).len() == 1;
    (!is_same).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metas(ways: &mut Ways, text: &str) -> Vec<String> {
        let items = ways.scan(text).into_iter().flatten();
        items
            .filter_map(|item| match item {
                Item::Meta(meta) => Some(format!("{} {:?}", meta.name, meta.sends)),
                Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => None,
            })
            .collect()
    }

    #[test]
    fn strings_are_read_both_ways_where_that_differs() {
        let mut ways = Ways::default();
        let hidden = r"select '\' || '; DELETE FROM t \watch 1 ' '";
        assert_eq!(metas(&mut ways, hidden), [r#"watch Some(" DELETE FROM t ")"#]);
        assert!(!ways.is_fresh());
        ways.interrupt();
        for _ in 0..2 {
            ways.scan("select 1;\n");
        }
        assert_eq!(ways.ways.len(), 1, "both ways are the same again");
        for text in [r"select 'a\b', 'c\\', E'\'', 1;", r"select $$\'$$, 2; -- \'", "select 1;"] {
            assert_eq!(ways.scan(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn what_was_begun_may_have_been_sent() {
        let mut ways = Ways::default();
        ways.scan("select 1;\ndelete from t\n");
        ways.begin();
        let repeats = metas(&mut ways, "\\watch 1\n");
        let expected = [r#"watch Some("select 1;")"#, r#"watch Some("\ndelete from t\n")"#];
        assert_eq!(repeats, expected);
    }

    #[test]
    fn a_string_left_open_one_way_is_closed_later() {
        let mut ways = Ways::default();
        assert_eq!(metas(&mut ways, "select '\\'\n"), [""; 0]);
        assert_eq!(metas(&mut ways, "' \\! x\n"), ["! None"]);
    }

    #[test]
    fn a_statement_is_written_as_it_is_read() {
        for (text, expected) in [
            (r"select '\'' || 'x'", Some(r"select E'\'' || E'x'")),
            (r"select E'\'', 'a'", None),
            (r"select 'C:\x', 'it''s'", None),
        ] {
            assert_eq!(escaped(text).as_deref(), expected, "{text}");
        }
    }
}
