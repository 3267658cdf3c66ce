//! The table of readings, and what must hold for any text.

use proptest::prelude::*;
use serde::Deserialize;

use super::{assigned, executes, prepared, read, split};
use crate::lang::{Class, Reading, Scope, Verb};

#[derive(Deserialize)]
struct Table {
    reading: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
    does: Vec<String>,
    unclear: Option<String>,
    #[serde(default)]
    miss: Vec<String>,
}

const TABLE: &str = include_str!("../../../tests/verdicts/postgres.toml");

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).expect("enums serialize").as_str().expect("to words").to_owned()
}

fn lines(reading: &Reading) -> Vec<String> {
    let line = |effect: &crate::lang::Effect| {
        let object = effect.object.as_deref().unwrap_or("");
        let words = [word(effect.class), word(effect.verb), word(effect.scope)].join(" ");
        format!("{words} {object}").trim_end().to_owned()
    };
    reading.effects().iter().map(line).collect()
}

fn unclear(reading: &Reading) -> Option<&'static str> {
    match reading {
        Reading::Understood(_) => None,
        Reading::Unclear { destructive_word: true, .. } => Some("word"),
        Reading::Unclear { destructive_word: false, .. } => Some("harmless"),
    }
}

#[test]
fn every_row_of_the_table_reads_as_it_says() {
    let table: Table = toml::from_str(TABLE).expect("the table is TOML");
    assert!(table.reading.len() >= 150, "the table has {} rows", table.reading.len());
    let mut wrong = Vec::new();
    for row in &table.reading {
        let reading = read(&row.text);
        let (found, doubt) = (lines(&reading), unclear(&reading));
        if found != row.does || doubt != row.unclear.as_deref() {
            wrong.push(format!(
                "{}\n  table {:?} {:?}\n  found {found:?} {doubt:?} {reading:?}",
                row.text, row.does, row.unclear
            ));
        }
        if !row.miss.is_empty() && row.miss == found {
            wrong.push(format!("{}\n  is no miss any more", row.text));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn only(text: &str) -> crate::lang::Effect {
    let reading = read(text);
    match reading.effects() {
        [effect] => effect.clone(),
        effects => panic!("{text}: {effects:?}"),
    }
}

#[test]
fn phrases_say_what_a_person_needs_to_know() {
    let phrases = |text: &str| {
        let phrases: Vec<_> =
            read(text).effects().iter().map(|effect| effect.phrase.clone()).collect();
        phrases.join("\n")
    };
    insta::assert_snapshot!(phrases(
        "delete from families; delete from f where a = 1 /* x */ and\n  b > 2;
         update t set a = 1 where true; drop table if exists public.orders, b cascade;
         delete from f where a NOT  between 1 and 2 or b between 3 and 4; truncate a cascade; alter table t drop column c, alter d type date;
         insert into t values (1) on conflict (id) do update set a = 1;
         merge into t using s on t.id = s.id when matched then delete;
         do $$ begin for i in 1..3 loop delete from t where id = i; execute 'drop ' || x; end loop; end $$;
         select pg_terminate_backend(pid) from pg_stat_activity;
         create or replace view v as select 1; create unique index i on t (a);
         drop trigger tr on t; drop owned by bob; copy t from program 'cat';
         delete from t where name in ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'ccccccccccccccccc')"
    ), @r#"
    deletes every row of families
    deletes rows of f where a = 1 and b > 2
    updates every row of t ("where true" leaves none out)
    drops table public.orders and what depends on it
    drops table b and what depends on it
    deletes rows of f where a not between 1 and 2 or b between 3 and 4
    truncates a and every table that refers to it
    drops column c of table t
    rewrites every value of column d of table t: alter d type date
    inserts into t, overwriting rows that are there
    deletes rows of t that match the source
    deletes rows of t where id = i, in a loop
    runs SQL put together on the way, in a loop: "'drop ' || x"
    ends every session it finds (pg_terminate_backend)
    creates or replaces view v
    creates index i
    drops trigger tr on t
    drops everything bob owns in this database
    copies rows into t
    runs a program on the server: program 'cat'
    deletes rows of t where name in ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
    "#);
}

#[test]
fn rows_of_a_plain_statement_can_be_counted() {
    let text = "select 1; delete from only s.\"T\" as x where x.a = 1 and b returning *;";
    let reading = read(text);
    let rows = reading.effects()[1].rows.clone().expect("it is plain");
    assert_eq!(&text[rows.source], "only s.\"T\" as x");
    assert_eq!(&text[rows.condition.expect("it has one")], "x.a = 1 and b");

    let text = "update t * set a = 1";
    let rows = only(text).rows.expect("it is plain");
    assert_eq!((&text[rows.source], rows.condition), ("t *", None));

    for text in [
        "delete from t using u where t.id = u.id",
        "update t set a = 1 from u",
        "with x as (select 1) delete from t where id in (select * from x)",
        "with d as (delete from t where a returning 1) select * from d",
        "delete from t where current of c",
        "delete from t where id = $1",
        "do $$ begin delete from t where id = 1; end $$",
        "do $$ begin execute 'delete from t'; end $$",
    ] {
        let effects = read(text).effects().to_vec();
        assert!(!effects.is_empty(), "{text}");
        assert!(effects.iter().all(|effect| effect.rows.is_none()), "{text}");
    }
}

#[test]
fn an_update_names_the_columns_it_sets() {
    assert_eq!(
        assigned("update t set A = 1, \"b C\" = a, d[1] = 2 where a;"),
        Some(vec!["a".to_owned(), "\"b C\"".to_owned(), "d".to_owned()])
    );
    assert_eq!(assigned("update t set (a, b) = (1, 2)"), None);
    assert_eq!(assigned("delete from t"), None);
}

#[test]
fn spans_point_into_the_text_that_was_given() {
    let at = |text: &str, index: usize| text[read(text).effects()[index].span.clone()].to_owned();
    assert_eq!(at("\u{feff}-- ü\nselect 1; delete from t;", 1), "delete from t");
    assert_eq!(
        at("select 'ü'; do $x$ begin delete from t where a; end $x$", 1),
        "delete from t where a"
    );
    assert_eq!(
        at("do 'begin delete from t where a = ''ü''; end'", 0),
        "delete from t where a = ''ü''"
    );
    assert_eq!(at("do $$ begin select 1 into x; delete from t; end $$", 0), "delete from t");
    assert_eq!(at("do $$ begin execute 'drop table t'; end $$", 0), "'drop table t'");
    assert_eq!(at("drop table a, s.b", 1), "s.b");
}

#[test]
fn a_prepared_statement_is_known_by_name() {
    let (name, inner, reading) =
        prepared("PREPARE Gone (int) AS DELETE FROM t WHERE id = $1").expect("it prepares");
    assert_eq!(inner, "DELETE FROM t WHERE id = $1");
    assert_eq!((name.as_str(), lines(&reading)), ("gone", vec!["remove delete filtered t".into()]));
    let (name, _, reading) = prepared("prepare \"A b\" as select 1").expect("it prepares");
    assert_eq!((name.as_str(), lines(&reading)), ("\"A b\"", vec!["read read one".into()]));
    assert_eq!(prepared("prepare x as delete from t; select 1").map(|(name, ..)| name), None);
    assert_eq!(prepared("select 1"), None);
    assert_eq!(prepared("prepare transaction 'x'"), None);

    assert_eq!(executes("execute GONE(4);").as_deref(), Some("gone"));
    assert_eq!(executes("explain analyze execute gone").as_deref(), Some("gone"));
    assert_eq!(executes("create table x as execute gone").as_deref(), Some("gone"));
    assert_eq!(executes("explain execute gone"), None);
    assert_eq!(executes("select 'execute gone'"), None);
}

#[test]
fn statements_are_split_as_psql_does() {
    let pieces = |text: &str| -> Vec<String> {
        split(text).into_iter().map(|range| text[range].to_owned()).collect()
    };
    assert_eq!(
        pieces("-- a;\nselect ';' /* ; */; ;select (1;2);\n select $$;$$"),
        ["select ';' /* ; */;", "select (1;2);", "select $$;$$"]
    );
    assert_eq!(
        pieces(
            "create or replace function f() returns int begin atomic select case when true then 1 end; end; select 1"
        ),
        [
            "create or replace function f() returns int begin atomic select case when true then 1 end; end;",
            "select 1"
        ]
    );
    assert_eq!(pieces("begin; end; select 1"), ["begin;", "end;", "select 1"]);
    assert_eq!(
        pieces("copy t (a) from stdin csv;\n'\n;\n\\.\nselect 1;"),
        ["copy t (a) from stdin csv;", "select 1;"]
    );
    assert_eq!(
        pieces("create rule r as on delete to t do (select 1; select 2); x"),
        ["create rule r as on delete to t do (select 1; select 2);", "x"]
    );
}

#[test]
fn nesting_of_any_depth_is_answered() {
    for depth in [10, 140, 1_000, 4_000, 100_000] {
        let many = |piece: &str| piece.repeat(depth);
        for (text, name) in [
            (format!("delete from t where {}1{}", many("("), many(")")), "brackets"),
            (format!("delete from t where {} true", many("not ")), "not"),
            (format!("select {}1", many("- ")), "signs"),
            (format!("delete from t where {}1{}", many("f("), many(")")), "calls"),
            (format!("delete from t where {}1{}", many("array["), many("]")), "arrays"),
            (format!("delete from t where a = 1{}", many(" or a = 1")), "or"),
            (format!("delete from t where a = 1{}", many(" or not a = 1 and b")), "or and"),
            (format!("select 1{}", many(" union all select 1")), "union"),
            (format!("select {}1{}", many("case when true then "), many(" end")), "case"),
            (format!("select * from {}t{}", many("(select * from "), many(") x")), "subqueries"),
            (format!("select * from t{}", many(" join t on true")), "joins"),
            (format!("{} delete from t {}", many("with x as ("), many(") select 1")), "with"),
            (format!("select a{}", many(".a")), "fields"),
            (format!("select a{}", many("[1]")), "subscripts"),
            (format!("select a{}", many("::int")), "casts"),
            (format!("select 1 {}", many("@")), "operator"),
            (format!("select {}", many("'a'\n")), "strings"),
            (many("explain "), "explain"),
            (many("create schema a "), "schemas"),
            (
                format!(
                    "do $$ begin {} delete from t; {} end $$",
                    many("if a then "),
                    many("end if; ")
                ),
                "if",
            ),
            (
                format!("do $$ begin {} delete from t; {} end $$", many("begin "), many("end; ")),
                "blocks",
            ),
            (
                format!("do $$ begin a := {}1{}; end $$", many("("), many(")")),
                "brackets in a block",
            ),
            (
                format!("do 'begin {} delete from t; {} end'", many("loop "), many("end loop; ")),
                "loops",
            ),
            (
                format!(
                    "create function f() returns int language sql as $$ select {}1{} $$",
                    many("("),
                    many(")")
                ),
                "body",
            ),
            (many("("), "open"),
            (many(")"), "closed"),
            (many("$a$"), "dollars"),
            (many("$a"), "parameters"),
            (many("/*"), "comments"),
        ] {
            eprintln!("{depth} {name}");
            let reading = read(&text);
            if name.ends_with("brackets") && depth > 20_000 {
                assert_eq!(unclear(&reading), Some("word"), "{name}");
            }
        }
    }
}

#[test]
fn megabytes_are_read_whole() {
    // Anything that is not linear makes itself felt here: the block once took minutes.
    const BYTES: usize = 1_000_000;
    let block = "delete from t where id = 1;";
    for (text, effects) in [
        (format!("insert into t values (1){}", ", (2, 'x')".repeat(BYTES / 10)), 1),
        ("insert into t values (1, 'x');\n".repeat(BYTES / 31), BYTES / 31),
        (format!("delete from t where id in (1{})", ", 2".repeat(BYTES / 3)), 1),
        (format!("select 1{}", ", a between 1 and 2".repeat(BYTES / 19)), 1),
        (format!("select '{}'", "x''".repeat(BYTES / 3)), 1),
        (format!("copy t from stdin;\n{}\\.\n", "a;\n".repeat(BYTES / 3)), 1),
        ("copy t from stdin;\n".repeat(BYTES / 19), BYTES / 19),
        (format!("do $$ begin {} end $$", block.repeat(BYTES / 27)), BYTES / 27),
    ] {
        let reading = read(&text);
        assert_eq!((unclear(&reading), reading.effects().len()), (None, effects));
    }
}

/// Pieces that make trouble together more often than random characters do.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "select", "delete", "from", "t", "where", "true", "(", ")", ";", ",", "'", "\"", "$$",
        "$a$", "--", "\n", "/*", "*/", "E'", "\\", "\\.", "with", "as", "update", "set", "=", "1",
        "do", "begin", "end", "if", "then", "loop", "for", "in", "execute", "drop", "table",
        "alter", "column", "type", "merge", "into", "using", "on", "when", "matched", "create",
        "function", "or", "replace", "language", "sql", "explain", "analyze", "prepare", "copy",
        "stdin", "not", "and", "is", "null", "like", "any", "exists", "*", ".", ":", "::", "[",
        "]", "@", "case", "U&'", "ü", "\u{0}", "\u{feff}", "$1", "1e", "0x", "values", "insert",
        "conflict", "grant", "revoke", "all", "to", "only", "cascade", "union", "order", "by",
        "limit", "join",
    ]);
    prop::collection::vec((piece, prop::bool::ANY), 0..40).prop_map(|pieces| {
        pieces
            .into_iter()
            .map(|(piece, space)| [piece, if space { " " } else { "" }].concat())
            .collect()
    })
}

fn holds_together(text: &str) {
    let reading = read(text);
    for effect in reading.effects() {
        assert!(text.get(effect.span.clone()).is_some(), "{text:?} {effect:?}");
        if let Some(rows) = &effect.rows {
            assert!(text.get(rows.source.clone()).is_some(), "{text:?} {effect:?}");
        }
        assert!(!effect.phrase.is_empty());
    }
    let mut end = 0;
    for range in split(text) {
        assert!(range.start >= end && range.start < range.end, "{text:?}");
        assert!(text.get(range.clone()).is_some(), "{text:?}");
        end = range.end;
    }
    drop((prepared(text), executes(text)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        holds_together(&text);
    }

    #[test]
    fn any_soup_of_words_is_answered(text in soup()) {
        holds_together(&text);
    }

    #[test]
    fn words_in_strings_and_comments_are_never_effects(
        word in prop::sample::select(vec!["delete from t", "drop table t", "truncate t", "update t set a = 1"]),
        skin in 0..6_usize,
    ) {
        let text = match skin {
            0 => format!("select '{word}'"),
            1 => format!("select 1 -- {word}"),
            2 => format!("select /* {word} */ 1"),
            3 => format!("select $x$ {word}; $x$"),
            4 => format!("select E'\\'; {word}; '"),
            _ => format!("select 1 as \"{word}\""),
        };
        prop_assert_eq!(only(&text).class, Class::Read);
    }

    #[test]
    fn a_delete_is_seen_in_any_company(
        before in prop::sample::select(vec!["", "select 1;", "-- it's\n", "/* ' */", "begin;", "select 'a;b';", "\u{feff}"]),
        text in prop::sample::select(vec![
            "delete from t", "DELETE FROM t", "with x as (delete from t returning *) select * from x",
            "do $q$ begin delete from t; end $q$", "explain analyze delete from t", "delete\n\tfrom t",
            "delete/* */from t", "delete from t where 1 = 1",
        ]),
        after in prop::sample::select(vec!["", ";", "; select 1", " -- where id = 1", "\n/* x */;", ";commit"]),
    ) {
        let text = format!("{before}{text}{after}");
        let reading = read(&text);
        let found = reading.effects().iter().any(|effect| {
            effect.verb == Verb::Delete && effect.scope == Scope::All && effect.object.as_deref() == Some("t")
        });
        prop_assert!(found, "{} {:?}", text, reading);
    }
}
