//! What must hold for any text, and where things stand.

use proptest::prelude::*;

use super::script::Script;
use super::{Ends, Flavour, lex, query, read, read_with, routine, split};
use crate::lang::postgres::{Memory, Source, Told};
use crate::lang::turn::LONG_BYTES;
use crate::lang::words::Words;
use crate::lang::{Class, Reading, Scope, Verb};

const BOTH: [Flavour; 2] = [Flavour::Mysql, Flavour::Sqlite];

fn told(text: &str, flavour: Flavour) -> Vec<String> {
    let reading = read(text, flavour, Ends::Client);
    let tell = |effect: &crate::lang::Effect| {
        format!("{} | {}", effect.phrase, &text[effect.span.clone()])
    };
    reading.effects().iter().map(tell).collect()
}

#[test]
fn phrases_say_what_a_person_needs_to_know() {
    let text = "delete from t where a = 1 -- b
        ; update a join b on a.id = b.id set a.x = 1; drop table if exists `a b`, s.c;
        alter table t drop column x, add y int, modify z int; truncate s.t; replace into t values (1);
        /*!40000 drop database d */; set global x = 1, sql_safe_updates = 0;
        set @q = 'delete from t'; prepare p from @q; execute p; execute q;
        delete a, b from t1 a join t2 b using (id); create event e on schedule every 1 day do delete from t";
    insta::assert_snapshot!(told(text, Flavour::Mysql).join("\n"), @r"
    deletes rows of t where a = 1 | delete from t where a = 1
    updates every row of a that has a match | update a join b on a.id = b.id set a.x = 1
    drops table `a b` | drop table if exists `a b`, s.c
    drops table s.c | drop table if exists `a b`, s.c
    drops column x of t | alter table t drop column x, add y int, modify z int
    adds to t: add y int | alter table t drop column x, add y int, modify z int
    rewrites a column of t: modify z int | alter table t drop column x, add y int, modify z int
    truncates s.t | truncate s.t
    writes into t, overwriting rows that are there | replace into t values (1)
    drops database d | drop database d
    alters the server's configuration: global x = 1 | set global x = 1, sql_safe_updates = 0
    switches sql_safe_updates off | set global x = 1, sql_safe_updates = 0
    changes this session only | set @q = 'delete from t'
    prepares a statement | prepare p from @q
    deletes every row of t | execute p
    runs q, which was not seen | execute q
    deletes every row of t1 that has a match | delete a, b from t1 a join t2 b using (id)
    deletes every row of t2 that has a match | delete a, b from t1 a join t2 b using (id)
    creates event e | create event e on schedule every 1 day do delete from t
    event e, whenever it runs, deletes every row of t | create event e on schedule every 1 day do delete from t
    ");
}

#[test]
fn statements_end_where_the_client_and_the_server_say() {
    let pieces = |text: &str, flavour, ends| -> Vec<String> {
        split(text, flavour, ends).into_iter().map(|range| text[range].to_owned()).collect()
    };
    let procedure = "create procedure p() begin select 1; select 2; end";
    assert_eq!(pieces(procedure, Flavour::Mysql, Ends::Server), [procedure]);
    assert_eq!(pieces(procedure, Flavour::Mysql, Ends::Client).len(), 3);
    let client =
        format!("DELIMITER //\n{procedure}//\ndelimiter ;\nselect ';'; select 1\\G select 2");
    assert_eq!(
        pieces(&client, Flavour::Mysql, Ends::Client),
        [&format!("{procedure}//"), "select ';';", "select 1\\G", "select 2"]
    );
    let trigger = "create trigger t after delete on a begin delete from b; select case when 1 then 2 end; end;";
    assert_eq!(
        pieces(&format!("{trigger} drop table x"), Flavour::Sqlite, Ends::Client),
        [trigger, "drop table x"]
    );
    assert_eq!(pieces("begin; select 1; end; select 2", Flavour::Sqlite, Ends::Client).len(), 4);
    assert_eq!(
        pieces("select 'a\\'; drop', \"b;\" # x;\n, `c;`; y", Flavour::Mysql, Ends::Client).len(),
        2
    );
    assert_eq!(pieces("select 'a\\', [b;], \"c;\"; y", Flavour::Sqlite, Ends::Client).len(), 2);
}

#[test]
fn blocks_that_run_now_are_read() {
    let found = |text: &str| {
        let reading = read(text, Flavour::Mysql, Ends::Server);
        let tell = |effect: &crate::lang::Effect| (effect.verb, effect.scope);
        reading.effects().iter().map(tell).collect::<Vec<_>>()
    };
    assert_eq!(
        found(
            "begin not atomic if 1 = 1 then delete from t where id = 1; end if; drop table x; end"
        ),
        [(Verb::Delete, Scope::Filtered), (Verb::Drop, Scope::All)]
    );
    assert_eq!(
        found("for r in (select id from t) do delete from t where id = r.id; end for"),
        [(Verb::Delete, Scope::Unknown)]
    );
    assert_eq!(found("create procedure p() begin drop table t; end")[0].0, Verb::Create);
}

#[test]
fn strings_whose_end_depends_on_a_setting_are_doubted() {
    let text = "set sql_mode = 'NO_BACKSLASH_ESCAPES'; select 'a\\'; drop table t; -- '";
    let reading = read(text, Flavour::Mysql, Ends::Client);
    assert!(matches!(reading, Reading::Unclear { destructive_word: true, .. }), "{reading:?}");
}

#[test]
fn nesting_of_any_depth_is_answered() {
    for flavour in BOTH {
        for depth in [10, 40, 140, 1_000, 4_000, 20_000] {
            let many = |piece: &str| piece.repeat(depth);
            for text in [
                format!("delete from t where {}1{}", many("("), many(")")),
                format!("delete from t where {} true", many("not ")),
                format!("select {}1", many("- ")),
                format!("select {}1", many("!")),
                format!("delete from t where {}1{}", many("f("), many(")")),
                format!("delete from t where a = 1{}", many(" or a = 1")),
                format!("delete from t where a = 1{}", many(" or not a = 1 and b")),
                format!("delete from t where a = 1{}", many(" + 1")),
                format!("select 1{}", many(" union all select 1")),
                format!("select {}1{}", many("case when true then "), many(" end")),
                format!("select * from {}t{}", many("(select * from "), many(") x")),
                format!("select * from {}t{}", many("("), many(")")),
                format!("select * from t{}", many(" join t on true")),
                format!("delete from t{}", many(" join t on true")),
                format!("with x as {} delete from t", many("(with x as (select 1) select 1)")),
                format!("select a{}", many(".a")),
                format!("select {}", many("'a'\n")),
                many("explain "),
                many("explain analyze "),
                many("set statement x = 1 for "),
                many("begin not atomic "),
                format!("{}drop table t", many("execute immediate '")),
                many("("),
                many(")"),
                many("/*!"),
                many("/*"),
                many("`"),
                many("["),
                many("delimiter a\n"),
                many("@"),
            ] {
                drop(read(&text, flavour, Ends::Client));
                drop(read(&text, flavour, Ends::Server));
            }
        }
    }
}

#[test]
fn megabytes_are_read_whole() {
    const BYTES: usize = 1_000_000;
    for flavour in BOTH {
        for (text, effects) in [
            (format!("insert into t values (1){}", ", (2, 'x')".repeat(BYTES / 10)), 1),
            ("insert into t values (1, 'x');\n".repeat(BYTES / 31), BYTES / 31),
            (format!("delete from t where id in (1{})", ", 2".repeat(BYTES / 3)), 1),
            (format!("select '{}'", "x''".repeat(BYTES / 3)), 1),
            ("delete from t where id = 1;\n".repeat(BYTES / 100), BYTES / 100),
        ] {
            let reading = read(&text, flavour, Ends::Client);
            assert!(matches!(reading, Reading::Understood(_)), "{}", &text[..40]);
            assert_eq!(reading.effects().len(), effects, "{}", &text[..40]);
        }
    }
}

/// Pieces that make trouble together more often than random characters do.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "select",
        "delete",
        "from",
        "t",
        "where",
        "true",
        "(",
        ")",
        ";",
        ",",
        "'",
        "\"",
        "`",
        "[",
        "]",
        "--",
        "\n",
        "#",
        "/*",
        "*/",
        "/*!",
        "/*M!",
        "\\",
        "\\g",
        "with",
        "as",
        "update",
        "set",
        "=",
        "1",
        "do",
        "begin",
        "not",
        "atomic",
        "end",
        "if",
        "then",
        "loop",
        "for",
        "in",
        "execute",
        "immediate",
        "drop",
        "table",
        "alter",
        "column",
        "modify",
        "into",
        "using",
        "on",
        "join",
        "create",
        "trigger",
        "or",
        "replace",
        "explain",
        "analyze",
        "prepare",
        "load",
        "data",
        "infile",
        "and",
        "is",
        "null",
        "like",
        "exists",
        "*",
        ".",
        ":",
        "@a",
        "@@",
        "case",
        "ü",
        "\u{0}",
        "\u{feff}",
        "$1",
        "1e",
        "0x",
        "values",
        "insert",
        "duplicate",
        "key",
        "grant",
        "revoke",
        "all",
        "to",
        "partition",
        "limit",
        "order",
        "by",
        "pragma",
        "writable_schema",
        "delimiter ",
        "$$",
        "history",
        "each",
        "row",
        "event",
        "global",
    ]);
    prop::collection::vec((piece, prop::bool::ANY), 0..40).prop_map(|pieces| {
        let pieces = pieces.into_iter();
        pieces.map(|(piece, space)| [piece, if space { " " } else { "" }].concat()).collect()
    })
}

fn holds_together(text: &str) {
    for flavour in BOTH {
        for ends in [Ends::Client, Ends::Server] {
            for effect in read(text, flavour, ends).effects() {
                assert!(text.get(effect.span.clone()).is_some(), "{text:?} {effect:?}");
                assert!(!effect.phrase.is_empty());
            }
            let mut end = 0;
            for range in split(text, flavour, ends) {
                assert!(range.start >= end && range.start < range.end, "{text:?}");
                assert!(text.get(range.clone()).is_some(), "{text:?}");
                end = range.end;
            }
        }
    }
}

/// What would be held on production, whatever the hour.
fn is_stopped(reading: &Reading) -> bool {
    let is_effect = |effect: &crate::lang::Effect| {
        matches!(effect.class, Class::Destroy | Class::Opaque)
            || matches!(effect.class, Class::Change | Class::Remove)
    };
    matches!(reading, Reading::Unclear { destructive_word: true, .. })
        || reading.effects().iter().any(is_effect)
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
        for flavour in BOTH {
            let text = match skin {
                0 => format!("select '{word}'"),
                1 => format!("select 1 -- {word}"),
                2 => format!("select /* {word} */ 1"),
                3 => format!("select \"{word}\""),
                4 => format!("select `{word}` from t"),
                _ => format!("select 'it''s {word}; '"),
            };
            let reading = read(&text, flavour, Ends::Client);
            prop_assert!(!is_stopped(&reading), "{} {:?}", text, reading);
        }
    }

    #[test]
    fn a_delete_is_seen_in_any_company(
        before in prop::sample::select(vec!["", "select 1;", "-- it's\n", "/* ' */", "begin;", "select 'a;b';", "\u{feff}", "insert into t values ('\"', \"'\");"]),
        text in prop::sample::select(vec![
            "delete from t", "DELETE FROM t", "delete\n\tfrom t", "delete/* */from t", "delete from t where 1 = 1",
            "with x as (select 1) delete from t", "delete from `t`",
        ]),
        after in prop::sample::select(vec!["", ";", "; select 1", " -- where id = 1", "\n/* x */;", ";commit"]),
    ) {
        for flavour in BOTH {
            let text = format!("{before}{text}{after}");
            let reading = read(&text, flavour, Ends::Client);
            let found = reading.effects().iter().any(|effect| {
                effect.verb == Verb::Delete && effect.scope == Scope::All && effect.object.as_deref() == Some("t")
            });
            prop_assert!(found, "{} {:?}", text, reading);
        }
    }

    #[test]
    fn what_cannot_be_read_and_has_a_destructive_word_is_stopped(
        before in soup(),
        word in prop::sample::select(vec!["delete", "DROP", "truncate", "Update"]),
    ) {
        // Where the soup left nothing open, the word stands outside strings and comments.
        let text = format!("zzz {word} zzz");
        for flavour in BOTH {
            prop_assert!(is_stopped(&read(&text, flavour, Ends::Client)));
            drop(read(&format!("{before} {text}"), flavour, Ends::Client));
        }
    }
}

#[test]
fn brackets_the_parser_tries_twice_are_answered_soon() {
    // A parser that tries each bracket in two ways takes twice as long for each.
    for flavour in BOTH {
        let open = "(".repeat(44);
        for text in [
            format!("select * from {open}"),
            format!("select {open}select"),
            format!("delete from t where a in {open}"),
        ] {
            drop(read(&text, flavour, Ends::Client));
        }
    }
}

#[test]
fn a_call_does_what_its_text_does() {
    let bodies = [
        ("app", "sweep", "begin delete from t; return 1; end"),
        ("app", "zap", "begin delete from t where id = n; return n; end"),
        ("app", "greet", "return concat('delete from t', n)"),
        ("app", "made", "begin create temporary table x (a int); delete from x; end"),
        (
            "app",
            "tidy",
            "begin declare done int default 0; declare continue handler for not found set done = 1; if n > 1 then call tidier(); end if; end",
        ),
        ("app", "tidier", "truncate t"),
        (
            "app",
            "each",
            "begin declare c cursor for select id from t; open c; l: loop fetch c into n; delete from t where id = n; end loop; end",
        ),
        ("app", "round_and_round", "begin call round_and_round(); end"),
        ("app", "outward", "begin call somebody_elses(); end"),
        ("old", "greet", "begin drop table t; end"),
    ];
    let sources = bodies.map(|(schema, name, text)| {
        let [schema, name, language, text] = [schema, name, "sql", text].map(str::to_owned);
        Source { schema, name, language, text, ..Source::default() }
    });
    let mut memory = Memory::default();
    memory.learn_server(Told { sources: sources.to_vec(), ..Told::default() });
    let does = |text: &str| {
        let reading = read_with(text, Flavour::Mysql, Ends::Server, &memory);
        let effects = reading.effects().iter().filter(|effect| effect.class > Class::Add);
        effects
            .map(|effect| format!("{} ({:?})", effect.phrase, effect.scope))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let told = [
        "select sweep()",
        "SELECT `App`.`sweep` ()",
        "select zap(3)",
        "select zap(id) from t",
        "update u set a = zap(1) where id = 3",
        "call tidy(1)",
        "call each",
        "call outward()",
        "call round_and_round()",
        "call unknown()",
        "select app.greet(1)",
        "select greet(1)",
        "call made()",
        "create procedure p() call tidy(1)",
        "select 'sweep()', sweep from t",
        "drop function sweep",
        "create table y as select sweep()",
    ]
    .map(|text| format!("{text} | {}", does(text)).trim_end().to_owned());
    insta::assert_snapshot!(told.join("\n"), @r"
    select sweep() | sweep() deletes every row of t (All)
    SELECT `App`.`sweep` () | sweep() deletes every row of t (All)
    select zap(3) | zap() deletes rows of t where id = n (Filtered)
    select zap(id) from t | zap() deletes rows of t where id = n, for each row (Unknown)
    update u set a = zap(1) where id = 3 | updates rows of u where id = 3 (Filtered); zap() deletes rows of t where id = n, for each row (Unknown)
    call tidy(1) | tidier() truncates t (All)
    call each | each() deletes rows of t where id = n, in a loop (Unknown)
    call outward() | outward() calls procedure somebody_elses (Filtered)
    call round_and_round() |
    call unknown() | calls procedure unknown (Filtered)
    select app.greet(1) |
    select greet(1) | greet() drops table t (All)
    call made() |
    create procedure p() call tidy(1) |
    select 'sweep()', sweep from t |
    drop function sweep | drops function sweep (All)
    create table y as select sweep() | sweep() deletes every row of t (All)
    ");
}

/// What a text's statements do, read one after the other.
fn in_order(text: &str, flavour: Flavour) -> Reading {
    let mut script = Script::of_text(flavour, text.len());
    for statement in lex::statements(text, flavour, Ends::Client) {
        let before = script.count();
        script.statement(text, &statement, None);
        let words = Words::new(text, &statement.tokens);
        routine::follow(&mut script, before, &words, &Memory::default());
    }
    script.finish()
}

#[test]
fn long_texts_read_as_short_ones_do() {
    let made = |n: usize| {
        format!(
            "delete from t{n} where a_{n} = {n} or b is null;\nselect f{}(), a from t;\n\
             create procedure f{n}() delete from u{n};\nupdate t set a = lower('x') where {n} = {n};\n\
             insert into t select a from (;\nset @a = 'drop table t';\nselect 1 into @a;\nprepare p from @a;\n\
             execute p;\ncreate temporary table own{n} (a int);\ndelete from own{n};\n",
            n / 2
        )
    };
    let calls: String = (0..100).map(made).collect();
    for text in [&calls, &calls.replace("create procedure", "drop procedure")] {
        assert!(text.len() > LONG_BYTES);
        for flavour in BOTH {
            assert!(read(text, flavour, Ends::Client) == in_order(text, flavour), "{flavour:?}");
        }
    }
}

#[test]
fn of_queries_the_parser_says_what_their_words_say() {
    let tables = [
        include_str!("../../../tests/verdicts/adversary-mysql.toml"),
        include_str!("../../../tests/verdicts/adversary-sqlite.toml"),
        include_str!("../../../tests/verdicts/corpus-mysql.toml"),
        include_str!("../../../tests/verdicts/corpus-sqlite.toml"),
    ];
    let mut count = 0;
    for (table, flavour) in tables.iter().flat_map(|table| BOTH.map(|flavour| (table, flavour))) {
        // Quotes and all: what is no statement is none to either.
        let texts = table.lines().flat_map(|line| [line, line.trim_matches(['\'', '"', ',', ' '])]);
        for text in texts {
            for statement in lex::statements(text, flavour, Ends::Client) {
                let words = Words::new(text, &statement.tokens);
                let mut script = Script::new(flavour);
                if statement.is_doubtful
                    || words.len() < 2
                    || !query::plain_query(&mut script, &words)
                {
                    continue;
                }
                let (plain, mut parsed) = (script.finish(), Script::new(flavour));
                query::statement(&mut parsed, &words);
                match parsed.finish() {
                    Reading::Unclear { destructive_word, effects, .. } => {
                        assert!(!destructive_word && effects == plain.effects(), "{text}");
                    }
                    parsed @ Reading::Understood(_) => assert_eq!(parsed, plain, "{text}"),
                }
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}
