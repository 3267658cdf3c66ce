//! psql's variables, as far as they can hold more than a value: psql reads what stands in one as if
//! it were typed, meta commands included.

use std::collections::BTreeMap;

use super::Meta;

/// The variables whose values are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variables {
    /// None where nobody follows them.
    known: Option<BTreeMap<String, String>>,
    /// Whether there are others: their values come from queries, programs, variables of the world
    /// or the keyboard.
    has_unknown: bool,
    /// Whether `\if` was seen: what is set may be left as it was.
    has_branches: bool,
}

impl Variables {
    /// Begins to follow variables: those given on the command line are known.
    #[must_use]
    pub fn given(variables: &[(String, Option<String>)]) -> Self {
        let mut given = Self { known: Some(BTreeMap::new()), ..Self::default() };
        for (name, value) in variables {
            given.set(name, value.as_deref().unwrap_or(""));
        }
        given
    }

    fn set(&mut self, name: &str, value: &str) {
        let Some(known) = &mut self.known else { return };
        if self.has_branches && known.get(name).is_some_and(|value| is_special(value)) {
            return;
        }
        known.insert(name.to_owned(), value.to_owned());
    }

    fn forget(&mut self, name: &str) {
        if let Some(known) = &mut self.known
            && !self.has_branches
        {
            known.remove(name);
        }
    }

    /// Forgets the variables that a query's columns may set. Their names stand in it, unless it
    /// names none.
    fn forget_columns(&mut self, prefix: &str, query: &str) {
        let query = query.to_ascii_lowercase();
        let names_none =
            ["*", "table", "execute", "values"].iter().any(|word| query.contains(word));
        let is_kept = |name: &str| {
            let column = name.strip_prefix(prefix).map(str::to_ascii_lowercase);
            column.is_none_or(|column| !names_none && !query.contains(&column))
        };
        if let Some(known) = &mut self.known {
            known.retain(|name, value| is_kept(name) || (self.has_branches && is_special(value)));
        }
    }

    /// Adds what they may be as well; of two values the one that may be more counts.
    pub(super) fn add(&mut self, other: &Self) {
        self.has_unknown |= other.has_unknown;
        self.has_branches |= other.has_branches;
        let Some(known) = &mut self.known else { return };
        for (name, value) in other.known.iter().flatten() {
            if is_special(value) || !known.contains_key(name) {
                known.insert(name.clone(), value.clone());
            }
        }
    }

    /// Follows what sets variables, and what makes that depend on others.
    pub(in crate::clients::psql) fn follow(&mut self, meta: &Meta) {
        let first = meta.args.first().map_or("", String::as_str);
        match &*meta.name {
            "if" | "elif" | "else" | "endif" => self.has_branches = true,
            "set" if meta.shell.is_empty() && !first.is_empty() => {
                self.set(first, &meta.args[1..].concat());
            }
            "unset" => self.forget(first),
            "set" | "getenv" => {
                self.forget(first);
                self.has_unknown = true;
            }
            "prompt" => {
                self.forget(meta.args.last().map_or("", String::as_str));
                self.has_unknown = true;
            }
            "gset" => {
                self.forget_columns(first, meta.sends.as_deref().unwrap_or_default());
                self.has_unknown = true;
            }
            _ => {}
        }
    }

    /// Returns whether the end of a line ends a statement.
    pub(in crate::clients::psql) fn end_lines(&self) -> bool {
        let value = self.known.as_ref().and_then(|known| known.get("SINGLELINE"));
        value.is_some_and(|value| is_true(value) || value.is_empty() || is_special(value))
    }

    /// Returns whether `\if` was seen.
    pub(super) fn has_branches(&self) -> bool {
        self.has_branches
    }

    /// Returns the length of a `:name` at the start of a text whose value nobody knows.
    pub(super) fn unknown_at(&self, rest: &str) -> Option<usize> {
        let known = self.known.as_ref().filter(|_| self.has_unknown)?;
        let name = name_at(rest)?;
        (!known.contains_key(name)).then_some(1 + name.len())
    }

    /// Returns what `:name` at the start of a text stands for, if that is known, and how long it is there.
    pub(super) fn named(&self, rest: &str) -> Option<(Option<&str>, usize)> {
        let name = name_at(rest)?;
        let value = self.known.as_ref().and_then(|known| known.get(name));
        Some((value.map(String::as_str), 1 + name.len()))
    }

    /// Returns what `:name` at the start of a text stands for, and how long it is there.
    pub(super) fn at(&self, rest: &str) -> Option<(&str, usize)> {
        let known = self.known.as_ref().filter(|known| !known.is_empty())?;
        let name = name_at(rest)?;
        let value = known.get(name).filter(|value| is_special(value))?;
        Some((value, 1 + name.len()))
    }
}

/// Returns the name behind a colon at the start of a text.
fn name_at(rest: &str) -> Option<&str> {
    let name = rest.strip_prefix(':')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let length = name.bytes().position(|byte| !is_name(byte)).unwrap_or(name.len());
    (length > 0).then(|| &name[..length])
}

/// Tells whether a value can be more than words: a command, a variable, the start of a string or
/// comment, the end of a statement.
fn is_special(value: &str) -> bool {
    value.contains(['\\', ':', '\'', '"', '$', ';', '(', ')', '-', '/'])
}

/// Reads a boolean as psql does: any beginning of true, yes or on, and 1.
pub(in crate::clients::psql) fn is_true(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    !value.is_empty()
        && (["true", "yes"].iter().any(|word| word.starts_with(&value))
            || value == "on"
            || value == "1")
}

#[cfg(test)]
mod tests {
    use super::super::{Item, State};
    use super::*;

    fn metas(variables: Variables, text: &str) -> Vec<(String, Option<String>)> {
        let items = State::following(variables).scan(text).into_iter();
        items
            .filter_map(|item| match item {
                Item::Meta(meta) => {
                    Some((meta.name, meta.sends.map(|text| text.trim().to_owned())))
                }
                Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => None,
            })
            .collect()
    }

    #[test]
    fn what_a_variable_holds_is_read() {
        let given = |value: &str| Variables::given(&[("q".into(), Some(value.into()))]);
        let watch = [("watch".to_owned(), Some("delete from t".to_owned()))];
        assert_eq!(metas(given("delete from t \\watch 1"), ":q\n"), watch);
        assert_eq!(metas(given("\\watch"), "delete from t :q 1\n"), watch);
        let set = "\\set w '\\\\watch 1'\n\\set q 'delete from t :w'\n:q\n";
        assert_eq!(metas(given(""), set)[2..], watch);
        for text in ["select ':q';", "select 1::q;", "-- :q", "select $$:q$$;", ":other"] {
            assert!(metas(given("\\! x"), &format!("{text}\n")).is_empty(), "{text}");
        }
        assert!(metas(given("\\! x"), "\\unset q\n:q\n").len() == 1);
        assert_eq!(
            metas(given("\\watch"), "\\if 0\n\\set q\n\\endif\ndelete from t :q\n")[3..],
            watch
        );
        let opens = "select 1 :q ' delete from t \\watch 1\n";
        assert_eq!(metas(given("'"), opens).len(), 1, "the string is closed");
        let macros = "select 1 as q \\gset\n:q\n\\set p x\n:p\nselect :q;\n";
        let names: Vec<String> =
            metas(given(""), macros).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["gset", ":", "set"], "what stands first and is not known");
        assert!(metas(Variables::default(), "\\set q '\\\\! x'\n:q\n").len() == 1, "not followed");
    }

    #[test]
    fn a_variable_in_itself_ends() {
        drop(metas(Variables::given(&[("q".into(), Some(":q :q\\x".into()))]), ":q\n"));
    }

    #[test]
    fn psql_reads_booleans_in_many_spellings() {
        for value in ["on", "ON", "t", "tru", "y", "1", "TRUE"] {
            assert!(is_true(value), "{value}");
        }
        for value in ["", "off", "o", "f", "0", "no", "2"] {
            assert!(!is_true(value), "{value}");
        }
    }
}
