//! Statements of plain shapes to effects.

use std::ops::Range;

use super::function::{self, Deed};
use super::plain::line;
use super::rows::is_catalogue;
use crate::lang::alike::{Care, Dialect};
use crate::lang::shape::shape;
use crate::lang::token::Statement;
use crate::lang::{Class, Effect, Rows, Scope, Verb};

/// How PostgreSQL's statements are told from earlier ones.
pub(super) const DIALECT: Dialect = Dialect { care, show: line, shows_where: false };

fn care(name: &str) -> Care {
    match function::deed(name) {
        Some(Deed::Runs(_)) => Care::Runs,
        Some(Deed::Does(..) | Deed::Ends | Deed::Sets) => Care::Acts,
        None => Care::Free,
    }
}

/// Reads such a statement, placed `base` bytes into the submitted text; none if it is any other.
pub(super) fn read(text: &str, statement: &Statement, base: usize) -> Option<Effect> {
    let shape = shape(text, &statement.tokens)?;
    let place = |tokens: Range<usize>| {
        let tokens = &statement.tokens[tokens];
        Some(base + tokens.first()?.range.start..base + tokens.last()?.range.end)
    };
    let source = place(shape.table)?;
    let table = text[source.start - base..source.end - base].to_ascii_lowercase();
    // A space or a comment may stand in a name; and the session's own are told apart elsewhere.
    if !table.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte))
        || table.starts_with("pg_temp.")
        || is_catalogue(&table)
    {
        return None;
    }
    let span = place(0..shape.end)?;
    let Some(condition) = shape.condition else {
        let phrase = format!("inserts into {table}");
        return Some(Effect::on(Class::Add, Verb::Insert, Some(table), Scope::One, span, phrase));
    };
    let (class, does) = match shape.verb {
        Verb::Delete => (Class::Remove, "deletes"),
        _ => (Class::Change, "updates"),
    };
    let line = line(text, &statement.tokens[condition.clone()]);
    let phrase = format!("{does} rows of {table} where {line}");
    let rows = Some(Rows { source, condition: place(condition) });
    let effect = Effect::on(class, shape.verb, Some(table), Scope::Filtered, span, phrase);
    Some(Effect { rows, ..effect })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lang::Reading;
    use crate::lang::postgres::token::statements;
    use crate::lang::postgres::{parse, tree::Place};
    use crate::lang::sql::{self, Ends, Flavour};

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
    const GAP: &str = "( |\n|  |/\\* a \\*/|-- x\n)";
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
            // With brackets it is no plain shape, and means the same.
            for flavour in [Flavour::Mysql, Flavour::Sqlite] {
                let read = |text: &str| sql::read(text, flavour, Ends::Client);
                let tree = text.replacen(&first, &format!("({first})"), 1);
                let (quick, whole) = (read(&text), read(&tree));
                let told = |reading: &Reading| -> Vec<_> {
                    let effects = reading.effects().iter();
                    effects.map(|e| (e.class, e.verb, e.object.clone(), e.scope)).collect()
                };
                prop_assert_eq!(told(&quick), told(&whole), "{}", tree);
            }
        }
    }
}
