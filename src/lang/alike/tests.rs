//! What is told from earlier statements is what the parsers say.

use serde::Deserialize;

use crate::lang::sql::{self, Ends, Flavour};
use crate::lang::{Effect, Reading, Rows, postgres};

/// Literals that other literals are replaced by: such as decide conditions, and such as do not.
const NUMBERS: &[&str] = &["0", "1", "7", "1.5", "2147483648", "9223372036854775807"];
const STRINGS: &[&str] = &[
    "''",
    "'%'",
    "'t'",
    "'0'",
    "'1'",
    "'x'",
    "'it''s'",
    "'delete-all'",
    "'.*'",
    "'DELETE FROM t'",
];

/// How many statements like it are made of each.
const VARIATIONS: usize = 20;

/// Statements in which literals matter, and others that look like them.
const TEXTS: &[&str] = &[
    "delete from t where id = 1",
    "delete from t where 1 = 1 and id = 1 or a = 2",
    "delete from t where f(a) = 1 and id > 0",
    "delete from t where id = 1 and (a = 2 or 3 = 3)",
    "delete from t where id > 0 or id <= 0",
    "delete from t where a between 1 and id = 2",
    "delete from t where a between 1 and 2 and id = 3",
    "delete from t where case when a and id = 1 and b then 1 = 1 else 2 = 2 end",
    "delete from t where not id = 1 and a like '%'",
    "delete from t where id = 1 and a like '%'",
    "delete from t where id in (1, 2, 3) and 1 = 1",
    "delete from t where id in (1)",
    "delete from t where id in (select id from u where 1 = 1)",
    "delete from t where id in (select id from t where 1 = 1)",
    "delete from t where id in (select id from \"t\" where x = 1 or 2 = 2)",
    "delete from s.t x using u where x.a = u.b and u.c = 1",
    "delete from s.t x using u where u.c = 1 and 2 = 2",
    "delete from t using t u where t.a = u.a and u.a = 1",
    "delete from t where u.id = 1 and 2 = 2",
    "delete from t where current_schema = 'x' and 1 = 1",
    "delete from t where id = 1 order by a limit 1",
    "delete from t where id = 1 returning a, 'x'",
    "update t set a = 'x', b = f(1), c = now() where id = 1 and d < now() - interval '1 day'",
    "update t set a = case when b = 1 then 2 else 3 end where id = '1'::int",
    "update only s.t as u set (a, b) = (1, 'x') from v where u.id = v.no and v.x = 1",
    "update t set a = (select max(a) from t where b = 1) where c = 2",
    "insert into t values (1, 'x'), (2, 'y'), (3, 'z') on conflict (id) do update set a = 1",
    "insert into t values (1, now()) on conflict do nothing",
    "insert into t (a, b) values (1, now()), (2, now()), (3, now())",
    "insert into t select 1, 'x', a from u where b = 1 or 2 = 2",
    "insert into t(t) values ('delete-all')",
    "insert into t values (now()) on duplicate key update a = 1",
    "replace into t select 1, a from u where b = 'x'",
    "select setval('s', 1, true)",
    "select pg_terminate_backend(1)",
    "select pg_terminate_backend(pid) from pg_stat_activity where pid = 1",
    "select lo_unlink(oid) from x where 1 = 1",
    "select dblink_exec('x', 'DROP TABLE t')",
    "select 'a' 'b', 1",
    "select 1 from t for update",
    "select a from t where b = 1 and c like '%' limit 10",
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Corpus {
    hold: Vec<String>,
    notice: Vec<String>,
    allow: Vec<String>,
    reading: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
}

/// Replaces what looks like a literal by others, the same way for the same seed.
fn varied(text: &str, seed: usize) -> String {
    let (mut varied, mut rest, mut turn) = (String::new(), text, seed);
    while let Some(first) = rest.chars().next() {
        turn = turn.wrapping_mul(31).wrapping_add(17);
        let is_apart = !varied.ends_with(|c: char| c.is_alphanumeric() || "_$.'\\&\"".contains(c));
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let string =
            rest.strip_prefix('\'').and_then(|inner| inner.find('\'')).map_or(0, |at| at + 2);
        let (length, others) = match first {
            '\'' if string > 0 => (string, STRINGS),
            '0'..='9' => (digits, NUMBERS),
            c => (c.len_utf8(), &[][..]),
        };
        match others.get(turn / 64 % (others.len() + 2)).filter(|_| is_apart) {
            Some(other) => varied.push_str(other),
            None => varied.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    varied
}

/// Reads statements one after the other in one text, and each by itself.
fn agree(read: fn(&str) -> Reading, statements: &[String]) {
    let mut whole = String::new();
    let mut single: Vec<Effect> = Vec::new();
    let moved = |range: &std::ops::Range<usize>, by: usize| range.start + by..range.end + by;
    for text in statements {
        let Reading::Understood(effects) = read(text) else { continue };
        for effect in effects {
            let by = whole.len();
            let rows = effect.rows.as_ref().map(|rows| Rows {
                source: moved(&rows.source, by),
                condition: rows.condition.as_ref().map(|condition| moved(condition, by)),
            });
            single.push(Effect { span: moved(&effect.span, by), rows, ..effect });
        }
        whole.push_str(text);
        whole.push_str(";\n");
    }
    assert_eq!(read(&whole), Reading::Understood(single), "{whole}");
}

/// Whether a text is one statement about rows, which means the same wherever it stands.
fn is_one(text: &str, count: usize) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let is_rows = ["delete", "insert", "replace", "select", "update"].contains(&first.as_str());
    // What hides the semicolon behind it, or changes what follows.
    let is_open =
        ["--", "#", "/*", "@", "\\", "conforming", "escapes", "set_config", "search_path"];
    let is_open = is_open.iter().any(|sign| text.to_ascii_lowercase().contains(sign));
    count == 1 && text.len() < 300 && is_rows && !is_open && !text.contains(';')
}

fn agrees(corpora: &[&str], found: &str, read: fn(&str) -> Reading, count: fn(&str) -> usize) {
    let found = found.lines().map(|line| serde_json::from_str::<String>(line).expect("it is JSON"));
    let tables = corpora.iter().flat_map(|table| {
        let Corpus { hold, notice, allow, reading } =
            toml::from_str(table).expect("the corpus is TOML");
        let rows = reading.into_iter().map(|row| row.text);
        hold.into_iter().chain(notice).chain(allow).chain(rows)
    });
    let own = TEXTS.iter().map(|text| (*text).to_owned());
    for text in own.chain(tables).chain(found).filter(|text| is_one(text, count(text))) {
        let variations = (0..VARIATIONS).map(|seed| varied(&text, seed * text.len()));
        let texts: Vec<String> =
            [text.clone(), text.clone()].into_iter().chain(variations).collect();
        agree(read, &texts);
    }
}

#[test]
fn brackets_that_close_what_none_opened_are_answered() {
    for text in ["delete from t where id in )select 1)", "update t set a = 1 where id in )select"] {
        drop(postgres::read(text));
        drop(sql::read(text, Flavour::Mysql, Ends::Client));
    }
}

#[test]
fn the_parser_of_postgresql_says_the_same() {
    let corpora = [
        include_str!("../../../tests/verdicts/corpus-postgres.toml"),
        include_str!("../../../tests/verdicts/adversary-postgres.toml"),
        include_str!("../../../tests/verdicts/postgres.toml"),
    ];
    let found = include_str!("../../../fuzz/corpus/postgres.jsonl");
    agrees(&corpora, found, postgres::read, |text| postgres::split(text).len());
}

#[test]
fn the_parser_of_mysql_says_the_same() {
    let corpora = [
        include_str!("../../../tests/verdicts/corpus-mysql.toml"),
        include_str!("../../../tests/verdicts/adversary-mysql.toml"),
    ];
    let found = include_str!("../../../fuzz/corpus/mysql.jsonl");
    let read = |text: &str| sql::read(text, Flavour::Mysql, Ends::Client);
    agrees(&corpora, found, read, |text| sql::split(text, Flavour::Mysql, Ends::Client).len());
}

#[test]
fn the_parser_of_sqlite_says_the_same() {
    let corpora = [
        include_str!("../../../tests/verdicts/corpus-sqlite.toml"),
        include_str!("../../../tests/verdicts/adversary-sqlite.toml"),
    ];
    let found = include_str!("../../../fuzz/corpus/sqlite.jsonl");
    let read = |text: &str| sql::read(text, Flavour::Sqlite, Ends::Client);
    agrees(&corpora, found, read, |text| sql::split(text, Flavour::Sqlite, Ends::Client).len());
}
