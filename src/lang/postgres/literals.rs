//! What long scripts of data are made of, and what its tokens alone tell: `INSERT INTO t (a, b)
//! VALUES (1, 'x'), …`, `DELETE FROM t WHERE id = 1 AND …` and `UPDATE t SET a = 1 WHERE id = 1`, with
//! nothing but literals.
//!
//! The parser would say the same and takes ten times as long; anything else than these very shapes
//! is left to it.

use std::ops::Range;

use squawk_syntax::quote::is_reserved_word;

use super::tree::{in_one_line, shorten};
use crate::lang::token::{Kind, Statement, Token};
use crate::lang::{Class, Effect, Rows, Scope, Verb};

/// Words that are literals.
const LITERALS: [&str; 4] = ["null", "true", "false", "default"];

/// Reads such a statement, placed `base` bytes into the submitted text; none if it is any other.
pub(super) fn read(text: &str, statement: &Statement, base: usize) -> Option<Effect> {
    let mut tokens = Tokens { text, rest: &statement.tokens };
    let (found, rows) = if tokens.word("insert").is_some() {
        (tokens.insert()?, None)
    } else {
        tokens.delete_or_update()?
    };
    let last = statement.tokens.len() - tokens.rest.len() - 1;
    tokens.takes(";");
    if !tokens.rest.is_empty() {
        return None;
    }
    let (class, verb, table, scope, phrase) = found;
    let span = base + statement.range.start..base + statement.tokens[last].range.end;
    let mut effect = Effect::on(class, verb, Some(table), scope, span, phrase);
    let place = |range: Range<usize>| base + range.start..base + range.end;
    effect.rows = rows.map(|(source, condition)| Rows {
        source: place(source),
        condition: Some(place(condition)),
    });
    Some(effect)
}

/// Class, verb, table, scope and phrase of an effect.
type Found = (Class, Verb, String, Scope, String);

/// What is left to read.
struct Tokens<'a> {
    text: &'a str,
    rest: &'a [Token],
}

impl<'a> Tokens<'a> {
    fn insert(&mut self) -> Option<Found> {
        self.word("into")?;
        let (table, _) = self.table()?;
        if self.takes("(") {
            self.list(|tokens| tokens.name().map(drop))?;
        }
        self.word("values")?;
        loop {
            self.takes("(").then_some(())?;
            self.list(Self::literal)?;
            if !self.takes(",") {
                break;
            }
        }
        let phrase = format!("inserts into {table}");
        Some((Class::Add, Verb::Insert, table, Scope::One, phrase))
    }

    fn delete_or_update(&mut self) -> Option<(Found, Option<(Range<usize>, Range<usize>)>)> {
        let is_delete = self.word("delete").is_some();
        self.word(if is_delete { "from" } else { "update" })?;
        let (table, source) = self.table()?;
        if !is_delete {
            self.word("set")?;
            loop {
                self.name()?;
                self.takes("=").then_some(())?;
                self.literal()?;
                if !self.takes(",") {
                    break;
                }
            }
        }
        self.word("where")?;
        let (line, condition) = self.condition()?;
        let (class, verb, does) = match is_delete {
            true => (Class::Remove, Verb::Delete, "deletes"),
            false => (Class::Change, Verb::Update, "updates"),
        };
        let phrase = format!("{does} rows of {table} where {line}");
        Some(((class, verb, table, Scope::Filtered, phrase), Some((source, condition))))
    }

    /// Takes `a = 1 AND b <> 'x' AND …` with one equality at least, so that it cannot be true of
    /// every row; returns it in one line, and where it stands.
    fn condition(&mut self) -> Option<(String, Range<usize>)> {
        let whole = self.rest;
        let mut has_equality = false;
        loop {
            self.name()?;
            let (first, second) =
                (self.rest.first()?.range.clone(), self.rest.get(1)?.range.clone());
            if self.takes("=") {
                has_equality = true;
            } else if first.end == second.start && self.piece(&(first.start..second.end)) == "<>" {
                self.rest = &self.rest[2..];
            } else {
                return None;
            }
            self.value()?;
            if self.word("and").is_none() {
                break;
            }
        }
        let taken = &whole[..whole.len() - self.rest.len()];
        let range = taken.first()?.range.start..taken.last()?.range.end;
        let mut last = range.start;
        let line = in_one_line(taken.iter().map(|token| {
            let is_apart = token.range.start > std::mem::replace(&mut last, token.range.end);
            (is_apart, &self.text[token.range.clone()])
        }));
        has_equality.then(|| (shorten(&line), range))
    }

    /// Takes a table's name, with its schema or without.
    fn table(&mut self) -> Option<(String, Range<usize>)> {
        let start = self.rest.first()?.range.start;
        let mut last = self.rest.first()?.range.end;
        let mut table = self.name()?.to_ascii_lowercase();
        while self.takes(".") {
            last = self.rest.first()?.range.end;
            table.push('.');
            table.push_str(&self.name()?.to_ascii_lowercase());
        }
        // The session's own are told apart elsewhere.
        (!table.starts_with("pg_temp.")).then_some((table, start..last))
    }

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
            && !["values", "overriding"].iter().any(|word| piece.eq_ignore_ascii_case(word))
            && !is_reserved_word(piece);
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
        if first.kind == Kind::Word && LITERALS.iter().any(|word| piece.eq_ignore_ascii_case(word))
        {
            self.rest = rest;
            return Some(());
        }
        self.value()
    }

    /// Takes a number without sign or a string.
    fn value(&mut self) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        let piece = self.piece(&first.range);
        let is_value = match first.kind {
            Kind::Plain => true,
            Kind::Other => {
                piece.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                    && piece.starts_with(|first: char| first.is_ascii_digit())
            }
            Kind::Word
            | Kind::Escaped
            | Kind::Text
            | Kind::Name
            | Kind::Open
            | Kind::Close
            | Kind::Comma
            | Kind::Semicolon => false,
        };
        is_value.then(|| self.rest = rest)
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
        read(text, &found[0], 0)
    }

    fn whole(text: &str) -> Vec<Effect> {
        let found = statements(text);
        let slice = &text[found[0].range.clone()];
        let (root, is_clean) = parse(slice);
        assert!(is_clean, "{text}");
        super::super::statements(&root, Place::Exact(found[0].range.start), 0).0
    }

    #[test]
    fn only_plain_shapes_are_read_here() {
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
            "delete from t where id <> 1",
            "delete from t where id = 1 or id = 2",
            "delete from t where id = id",
            "delete from t where 1 = 1",
            "delete from t where user = 'x'",
            "delete from t where id = null",
            "delete from t where id = 1 returning id",
            "delete from t where t.id = 1",
            "delete from t where id = 'a' 'b'",
            "delete from t where id < > 1 and id = 1",
            "delete from t where id = -1",
            "delete from t where id = $1",
            "delete from t where id = 1 + 1",
            "delete from t where id = 1::int",
            "delete from t u where id = 1",
            "delete from only t where id = 1",
            "delete from only where id = 1",
            "delete from t where current of c",
            "delete from pg_temp.t where id = 1",
            "update t set a = 1",
            "update t set a = a + 1 where id = 1",
            "update t set (a, b) = (1, 2) where id = 1",
            "update t set a = f() where id = 1",
            "update t set a[1] = 2 where id = 1",
            "update t u set a = 1 where id = 1",
            "update t set a = 1 from u where id = 1",
        ] {
            assert_eq!(quick(text), None, "{text}");
        }
    }

    /// Spaces and comments between tokens, a table's name, a value.
    const GAP: &str = "( |\n|  |/\\* a \\*/|--x\n)";
    const TABLE: &str = "(s_[a-z]{1,4}\\.)?(t_[A-Za-z0-9_]{0,6})";
    const VALUE: &str = "[0-9]{1,8}|[0-9]{1,3}\\.[0-9]{1,3}|'[a-z ;(),=-]{0,40}'|'it''s'|'null'";

    fn like(pattern: &str) -> impl Strategy<Value = String> + use<> {
        prop::string::string_regex(pattern).expect("the pattern is one of ours")
    }

    proptest! {
        #[test]
        fn the_parser_says_the_same_of_inserts(
            table in TABLE,
            columns in prop::option::of(prop::collection::vec("c_[a-z]{0,3}", 1..4)),
            values in prop::collection::vec(like(&format!("{VALUE}|NULL|true|Default|-[0-9]{{1,3}}")), 1..5),
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

        #[test]
        fn the_parser_says_the_same_of_deletes_and_updates(
            head in like(&format!(
                "DELETE{GAP}FROM{GAP}{TABLE}|Update {TABLE}{GAP}SET a = ({VALUE}|null|-3), b=1")),
            gap in GAP,
            first in like(&format!("c_[A-Z]?{GAP}?={GAP}?({VALUE})")),
            more in prop::collection::vec(
                like(&format!("{GAP}and{GAP}(c_[a-z]|name|date|value){GAP}?(=|<>){GAP}?({VALUE})")), 0..6),
            after in "|;| ;|; |-- x",
        ) {
            let text = format!("{head}{gap}WHERE{gap}{first}{}{after}", more.concat());
            let found = quick(&text);
            prop_assert_eq!(found.into_iter().collect::<Vec<_>>(), whole(&text));
        }
    }
}
