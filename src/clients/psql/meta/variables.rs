//! psql's variables, as far as they can hold more than a value: psql reads what stands in one as if
//! it were typed, meta commands included.

use std::collections::BTreeMap;

use super::Meta;

/// The variables whose values are known and have a backslash, or another variable, in them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variables {
    /// None where nobody follows them.
    known: Option<BTreeMap<String, String>>,
}

impl Variables {
    /// Begins to follow variables: those given on the command line are known.
    #[must_use]
    pub fn given(variables: &[(String, Option<String>)]) -> Self {
        let mut given = Self { known: Some(BTreeMap::new()) };
        for (name, value) in variables {
            given.set(name, value.as_deref().unwrap_or(""));
        }
        given
    }

    fn set(&mut self, name: &str, value: &str) {
        let Some(known) = &mut self.known else { return };
        if value.contains(['\\', ':']) {
            known.insert(name.to_owned(), value.to_owned());
        } else {
            known.remove(name);
        }
    }

    /// Follows `\set` and `\unset`.
    pub(super) fn follow(&mut self, meta: &Meta) {
        let Some((name, value)) = meta.args.split_first() else { return };
        match &*meta.name {
            "set" if meta.shell.is_empty() => self.set(name, &value.concat()),
            "set" | "unset" | "getenv" => self.set(name, ""),
            _ => {}
        }
    }

    /// Returns what `:name` at the start of a text stands for, and how long it is there.
    pub(super) fn at(&self, rest: &str) -> Option<(&str, usize)> {
        let known = self.known.as_ref().filter(|known| !known.is_empty())?;
        let name = rest.strip_prefix(':')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let length = name.bytes().position(|byte| !is_name(byte)).unwrap_or(name.len());
        Some((known.get(&name[..length])?, 1 + length))
    }
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
        assert!(metas(Variables::default(), "\\set q '\\\\! x'\n:q\n").len() == 1, "not followed");
    }

    #[test]
    fn a_variable_in_itself_ends() {
        drop(metas(Variables::given(&[("q".into(), Some(":q :q\\x".into()))]), ":q\n"));
    }
}
