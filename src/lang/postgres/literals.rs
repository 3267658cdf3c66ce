//! `INSERT INTO t (a, b) VALUES (1, 'x'), …` with nothing but literals: what long scripts of data
//! are made of, and what its tokens alone tell.
//!
//! The parser would say the same and takes ten times as long; anything else than this very shape
//! is left to it.

use std::ops::Range;

use crate::lang::token::{Kind, Statement, Token};
use crate::lang::{Class, Effect, Scope, Verb};

/// Words that are literals.
const LITERALS: [&str; 4] = ["null", "true", "false", "default"];

/// Reads such a statement, placed `base` bytes into the submitted text; none if it is any other.
pub(super) fn insert(text: &str, statement: &Statement, base: usize) -> Option<Effect> {
    let mut tokens = Tokens { text, rest: &statement.tokens };
    tokens.word("insert")?;
    tokens.word("into")?;
    let mut table = tokens.name()?.to_ascii_lowercase();
    while tokens.takes(".") {
        table.push('.');
        table.push_str(&tokens.name()?.to_ascii_lowercase());
    }
    if tokens.takes("(") {
        tokens.list(|tokens| tokens.name().map(drop))?;
    }
    tokens.word("values")?;
    loop {
        tokens.takes("(").then_some(())?;
        tokens.list(Tokens::literal)?;
        if !tokens.takes(",") {
            break;
        }
    }
    let last = statement.tokens.len() - tokens.rest.len() - 1;
    tokens.takes(";");
    if !tokens.rest.is_empty() {
        return None;
    }
    let start = base + statement.range.start;
    let end = base + statement.tokens[last].range.end;
    let phrase = format!("inserts into {table}");
    let mut effect = Effect::new(Class::Add, Verb::Insert, start..end, phrase);
    effect.object = Some(table);
    effect.scope = Scope::One;
    effect.reversible = true;
    Some(effect)
}

/// What is left to read.
struct Tokens<'a> {
    text: &'a str,
    rest: &'a [Token],
}

impl<'a> Tokens<'a> {
    fn piece(&self, range: &Range<usize>) -> &'a str {
        &self.text[range.clone()]
    }

    /// Takes a token if it is this one.
    fn takes(&mut self, wanted: &str) -> bool {
        let is_it = self.rest.first().is_some_and(|token| self.piece(&token.range) == wanted);
        if is_it {
            self.rest = &self.rest[1..];
        }
        is_it
    }

    fn word(&mut self, wanted: &str) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.piece(&first.range).eq_ignore_ascii_case(wanted).then(|| self.rest = rest)
    }

    /// Takes a name without quotes that is no word of the statement's own shape.
    fn name(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        let piece = self.piece(&first.range);
        let is_name = first.kind == Kind::Word
            && piece.is_ascii()
            && !["values", "select", "default", "overriding", "as"]
                .iter()
                .any(|word| piece.eq_ignore_ascii_case(word));
        is_name.then(|| {
            self.rest = rest;
            piece
        })
    }

    /// Takes a number, a string or a word that is a literal.
    fn literal(&mut self) -> Option<()> {
        if !self.takes("-") {
            self.takes("+");
        }
        let (first, rest) = self.rest.split_first()?;
        let piece = self.piece(&first.range);
        let is_literal = match first.kind {
            Kind::Plain => true,
            Kind::Word => LITERALS.iter().any(|word| piece.eq_ignore_ascii_case(word)),
            Kind::Other => {
                piece.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                    && piece.starts_with(|first: char| first.is_ascii_digit())
            }
            Kind::Escaped
            | Kind::Text
            | Kind::Name
            | Kind::Open
            | Kind::Close
            | Kind::Comma
            | Kind::Semicolon => false,
        };
        is_literal.then(|| self.rest = rest)
    }

    /// Takes one or more of something with commas between, and the bracket that closes them.
    fn list(&mut self, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        loop {
            one(self)?;
            if self.takes(")") {
                return Some(());
            }
            self.takes(",").then_some(())?;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lang::postgres::token::statements;
    use crate::lang::postgres::{parse, tree::Place};

    fn quick(text: &str) -> Option<Effect> {
        let found = statements(text);
        assert_eq!(found.len(), 1, "{text}");
        insert(text, &found[0], 0)
    }

    fn whole(text: &str) -> Vec<Effect> {
        let found = statements(text);
        let slice = &text[found[0].range.clone()];
        let (root, is_clean) = parse(slice);
        assert!(is_clean, "{text}");
        super::super::statements(&root, Place::Exact(found[0].range.start), 0).0
    }

    #[test]
    fn only_inserts_of_literals_are_read_here() {
        for text in [
            "insert into t values (now())",
            "insert into t values ('a' || 'b')",
            "insert into t values (1) on conflict (id) do update set id = 2",
            "insert into t values (1) returning id",
            "insert into t values ((select 1))",
            "insert into t values (1::int)",
            "insert into t values (E'a\\'b')",
            "insert into t values ($$a$$)",
            "insert into t values (array[1])",
            "insert into t select 1",
            "insert into t default values",
            "insert into t as u values (1)",
            "insert into \"T\" values (1)",
            "insert into t values (1,)",
            "insert into t values ()",
            "insert into t values (1) (2)",
            "insert into t values (1), ",
            "insert into t (a values (1)",
            "insert into values (1)",
            "insert into t",
            "with a as (delete from u) insert into t values (1)",
            "delete from t",
        ] {
            assert_eq!(quick(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_parser_says_the_same(
            table in "(s_[a-z]{1,4}\\.)?(t_[A-Za-z0-9_]{0,6})",
            columns in prop::option::of(prop::collection::vec("c_[a-z]{0,3}", 1..4)),
            values in prop::collection::vec(
                "[0-9]{1,8}|-[0-9]{1,3}|[0-9]{1,3}\\.[0-9]{1,3}|NULL|true|Default|'[a-z ;(),-]{0,12}'|'it''s'",
                1..5,
            ),
            rows in 1_usize..4,
            before in "| |\n|/\\* a \\*/ ",
            after in "|;| ;|; |-- x",
        ) {
            let columns = columns.map_or(String::new(), |names| format!(" ({})", names.join(", ")));
            let row = format!("({})", values.join(","));
            let rows = vec![row; rows].join(", ");
            let text = format!("{before}INSERT INTO {table}{columns} VALUES {rows}{after}");
            let found = quick(&text);
            prop_assert_eq!(found.into_iter().collect::<Vec<_>>(), whole(&text));
        }
    }
}
