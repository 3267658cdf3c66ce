//! The index over real logs: whole, growing, torn and gone.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Filter, Indexed, Store, Terms, output};
use crate::clock::Clock;
use crate::record::{Answer, Durability, Header, Marker, Recorder, Source};
use crate::target::{Address, Target, Tier};

pub(crate) fn target(tier: Tier, name: Option<&str>) -> Target {
    let address = Address {
        user: Some("ann".into()),
        host: Some("db.example.com".into()),
        port: Some(5432),
        database: Some("orders".into()),
    };
    Target { address, tier, name: name.map(str::to_owned) }
}

pub(crate) fn statement(n: u64, time: &str, text: &str, verdict: &str, target: Target) -> Marker {
    Marker::Statement {
        n,
        time: time.parse().unwrap(),
        text: text.to_owned(),
        source: Source::Tap,
        target,
        verdict: verdict.to_owned(),
        rule: (verdict == "hold").then(|| "delete-without-where".to_owned()),
        reasons: if verdict == "hold" { vec!["deletes every row of a".into()] } else { vec![] },
        redacted: Vec::new(),
        destroys: false,
        engine: None,
    }
}

/// Records a session of two statements, the second one held and released.
pub(crate) fn record(data: &Path, now: &str) -> PathBuf {
    let clock = Clock::starting_at(now.parse().unwrap());
    let header = Header {
        cols: 80,
        rows: 24,
        client: "psql".into(),
        argv: vec!["psql".into(), "postgres://ann:hunter2@db.example.com/orders".into()],
        cwd: "/home/ann".into(),
        pid: u32::MAX,
        ..Header::default()
    };
    let mut recorder = Recorder::start(data, &header, clock).unwrap();
    let staging = target(Tier::Staging, None);
    let production = target(Tier::Production, Some("orders-prod"));
    recorder.output(b"orders=> select 1;\r\n");
    recorder.marker(statement(1, now, "select count(*)\n  from families", "allow", staging));
    recorder.output(b" 1\r\n");
    recorder.marker(Marker::outcome(1, Some(1), Some(12), None));
    recorder.output(b"orders=> delete from orders;\r\n");
    recorder.marker(statement(2, now, "delete from orders", "hold", production));
    recorder.marker(Marker::Answer {
        n: 2,
        time: now.parse().unwrap(),
        answer: Answer::Released,
        reason: None,
        moment: None,
    });
    recorder.output(b"DELETE 3\r\n");
    recorder.marker(Marker::outcome(2, Some(3), None, None));
    recorder.finish(0);
    recorder.path().to_owned()
}

fn nobody(_: u32, _: Option<u64>) -> bool {
    false
}

fn everything(store: &Store) -> String {
    let statements = store.statements(&Filter::default()).unwrap();
    let sessions = store.sessions(&Filter::default(), &nobody).unwrap();
    serde_json::to_string_pretty(&(statements, sessions)).unwrap()
}

fn texts(store: &Store, filter: &Filter) -> Vec<String> {
    store.statements(filter).unwrap().into_iter().map(|statement| statement.text).collect()
}

#[test]
fn an_index_that_grew_line_by_line_equals_one_built_at_once() {
    let data = tempfile::tempdir().unwrap();
    let path = record(data.path(), "2026-11-20T06:00:00Z");
    let whole = fs::read(&path).unwrap();
    let header = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    fs::write(&path, &whole[..header]).unwrap();
    let mut store = Store::open(data.path()).unwrap();
    // Pieces of seven bytes: most passes meet a torn line.
    for piece in whole[header..].chunks(7) {
        OpenOptions::new().append(true).open(&path).unwrap().write_all(piece).unwrap();
        store.update().unwrap();
    }
    let grown = everything(&store);
    assert_eq!(store.update().unwrap(), Indexed::default());
    let rebuilt = store.rebuild().unwrap();
    assert_eq!((rebuilt.sessions, rebuilt.statements), (1, 2));
    assert_eq!(everything(&store), grown);
    assert!(grown.contains("select count"), "{grown}");
}

#[test]
fn an_index_follows_a_log_through_segments_packing_and_repair() {
    let data = tempfile::tempdir().unwrap();
    let header = Header { client: "psql".into(), cols: 80, rows: 24, ..Header::default() };
    let mut recorder = Recorder::start(data.path(), &header, Clock::system()).unwrap();
    let mut store = Store::open(data.path()).unwrap();
    for n in 1..=150 {
        let (time, target) = ("2026-11-20T06:00:00Z", target(Tier::Staging, None));
        let text = format!("select {n}");
        let intent = statement(n, time, &text, "allow", target);
        recorder.intent(intent, Durability::Written, Duration::from_secs(20)).unwrap();
        recorder.output(format!("row of statement {n} {:032x}\r\n", n * n).repeat(60).as_bytes());
        recorder.marker(Marker::outcome(n, Some(n), None, None));
        if n % 7 == 0 {
            store.update().unwrap();
        }
    }
    // Killed, and then made whole and packed.
    drop(recorder);
    store.update().unwrap();
    let limits = crate::record::prune::Limits::NONE;
    let now = Clock::system().now();
    assert_eq!(crate::record::tidy::run(data.path(), limits, now).unwrap().repaired, 1);
    store.update().unwrap();
    assert_eq!(store.update().unwrap(), Indexed::default());
    let followed = everything(&store);
    assert_eq!(texts(&store, &Filter::default()).len(), 150);
    assert_eq!(store.sessions(&Filter::default(), &nobody).unwrap()[0].gaps, 1);
    store.rebuild().unwrap();
    assert_eq!(everything(&store), followed);
}

#[test]
fn a_session_without_its_process_has_ended_badly() {
    let data = tempfile::tempdir().unwrap();
    let path = record(data.path(), "2026-11-20T06:00:00Z");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    let session = |is_alive| store.sessions(&Filter::default(), is_alive).unwrap().remove(0);
    let running = session(&|_, _| true);
    assert_eq!((running.ended, running.ended_badly, running.gaps), (None, false, 0));
    let lost = session(&nobody);
    assert!(lost.ended.is_some() && lost.ended_badly);
    assert_eq!((lost.exit, lost.gaps), (None, 1), "the torn tail is a gap");
}

#[test]
fn a_session_is_of_the_highest_tier_it_met_and_its_secrets_are_gone() {
    let data = tempfile::tempdir().unwrap();
    record(data.path(), "2026-11-20T06:00:00Z");
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    let session = store.sessions(&Filter::default(), &nobody).unwrap().remove(0);
    assert_eq!((session.tier, session.target.as_deref()), (Tier::Production, Some("orders-prod")));
    assert_eq!((session.statements, session.held, session.gaps, session.exit), (2, 1, 0, Some(0)));
    assert_eq!(session.argv[1], "postgres://ann:[redacted:uri-password]@db.example.com/orders");
}

#[test]
fn filters_find_what_they_say() {
    let data = tempfile::tempdir().unwrap();
    record(data.path(), "2026-11-20T06:00:00Z");
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    let select = "select count(*)\n  from families";
    let delete = "delete from orders";
    let time = |time: &str| Some(time.parse().unwrap());
    let word = |words: &[&str]| Filter { terms: Terms::new(&words.join(" ")), ..Filter::default() };
    for (filter, expected) in [
        (Filter::default(), &[select, delete][..]),
        (word(&["famil", "SELECT"]), &[select]),
        (word(&["count(*)"]), &[select]),
        (word(&["*"]), &[select]),
        (word(&["\"", "or"]), &[]),
        (word(&["families", "delete"]), &[]),
        (Filter { tier: Some(Tier::Production), ..Filter::default() }, &[delete]),
        (Filter { target: Some("ORDERS-prod".into()), ..Filter::default() }, &[delete]),
        (Filter { target: Some("example.com".into()), ..Filter::default() }, &[select, delete]),
        (Filter { target: Some("db_example".into()), ..Filter::default() }, &[]),
        (Filter { client: Some("mongosh".into()), ..Filter::default() }, &[]),
        (Filter { is_held: true, ..Filter::default() }, &[delete]),
        (Filter { is_failed: true, ..Filter::default() }, &[]),
        (Filter { limit: Some(1), ..Filter::default() }, &[delete]),
        (Filter { since: time("2026-11-20T06:00:01Z"), ..Filter::default() }, &[]),
        (Filter { until: time("2026-11-20T06:00:00Z"), ..Filter::default() }, &[]),
        (Filter { since: time("2026-11-20T06:00:00Z"), ..Filter::default() }, &[select, delete]),
    ] {
        assert_eq!(texts(&store, &filter), expected, "{filter:?}");
    }
}

#[test]
fn words_are_looked_up_in_the_text_index() {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path()).unwrap();
    let filter = Filter { terms: Terms::new("families"), ..Filter::default() };
    let (sql, values) = super::query::statements_sql(&filter, super::Order::NewestFirst, &|_| 0);
    let mut plan = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let plan: Vec<String> = plan
        .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(plan.iter().any(|line| line.contains("SCAN f VIRTUAL TABLE")), "{plan:?}");
    assert!(!plan.iter().any(|line| line == "SCAN t"), "{plan:?}");
}

#[test]
fn a_log_that_is_gone_is_forgotten_and_one_that_is_none_is_reported() {
    let data = tempfile::tempdir().unwrap();
    let path = record(data.path(), "2026-11-20T06:00:00Z");
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let other = path.parent().unwrap().with_file_name("zzz");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("session.cast"), "{}\n").unwrap();
    let indexed = store.update().unwrap();
    assert_eq!(indexed.unreadable.len(), 1, "{indexed:?}");
    assert_eq!(texts(&store, &Filter::default()), [""; 0]);
    let found = texts(&store, &Filter { terms: Terms::new("delete"), ..Filter::default() });
    assert_eq!(found, [""; 0], "the text index has forgotten too");
}

#[test]
fn two_commands_at_once_index_every_statement_once() {
    let data = tempfile::tempdir().unwrap();
    for day in 10..20 {
        record(data.path(), &format!("2026-11-{day}T06:00:00Z"));
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Store::open(data.path()).unwrap().update().unwrap());
        }
    });
    let store = Store::open(data.path()).unwrap();
    assert_eq!(texts(&store, &Filter::default()).len(), 20);
    let sessions = store.sessions(&Filter::default(), &nobody).unwrap();
    assert!(sessions.iter().all(|session| session.statements == 2 && session.held == 1));
    assert_eq!(sessions.len(), 10);
    let is_sorted = sessions.is_sorted_by_key(|session| session.started);
    assert!(is_sorted, "oldest first");
    let count = |filter: &Filter| store.sessions(filter, &nobody).unwrap().len();
    for limit in [0, 1, 9, 100] {
        let filter = Filter { limit: Some(limit), ..Filter::default() };
        assert_eq!(count(&filter), limit.min(10));
    }
    assert_eq!(count(&Filter { is_failed: true, ..Filter::default() }), 0);
    assert_eq!(count(&Filter { is_held: true, ..Filter::default() }), 10);
    assert_eq!(count(&Filter { tier: Some(Tier::Staging), ..Filter::default() }), 10);
    assert_eq!(count(&Filter { tier: Some(Tier::Development), ..Filter::default() }), 0);
    assert_eq!(count(&Filter { target: Some("5432".into()), ..Filter::default() }), 10);
}

fn outputs(store: &Store, typed: &str) -> Vec<u64> {
    let terms = Terms::new(typed);
    let filter = Filter { terms, is_in_output: true, ..Filter::default() };
    store.statements(&filter).unwrap().into_iter().map(|statement| statement.n).collect()
}

#[test]
fn outputs_are_found_by_their_words_also_while_they_grow() {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-20T06:00:00Z".parse().unwrap());
    let header = Header { client: "psql".into(), pid: u32::MAX, ..Header::default() };
    let mut recorder = Recorder::start(data.path(), &header, clock).unwrap();
    let mut store = Store::open(data.path()).unwrap();
    let mut pass = |recorder: &mut Recorder| {
        recorder.intent(note(), Durability::Written, Duration::from_secs(9)).unwrap();
        store.update().unwrap();
    };
    let now = "2026-11-20T06:00:00Z";
    let target = || target(Tier::Staging, None);
    recorder.output(b"before anything\r\n");
    recorder.marker(statement(1, now, "select * from people", "allow", target()));
    recorder.output(b" ann@example.com | \x1b[31mKon");
    pass(&mut recorder);
    recorder.output(b"rad\x1b[0m\r\n");
    pass(&mut recorder);
    recorder.output(b"(2 rows)\r\n");
    recorder.marker(Marker::outcome(1, Some(2), None, None));
    recorder.output(b"orders=> prompt\r\n");
    recorder.marker(statement(2, now, "select 'konrad'", "allow", target()));
    pass(&mut recorder);
    recorder.finish(0);
    store.update().unwrap();
    for (typed, expected) in [
        ("konrad", &[1, 2][..]),
        ("KON people", &[1]),
        ("ann@example", &[1]),
        ("example ann", &[1]),
        ("rows", &[1]),
        ("onrad", &[2]),
        ("prompt", &[]),
        ("before", &[]),
        ("31m", &[]),
        ("\"ann", &[1]),
        ("select", &[1, 2]),
        ("'", &[2]),
    ] {
        assert_eq!(outputs(&store, typed), expected, "{typed}");
    }
    store.rebuild().unwrap();
    assert_eq!(outputs(&store, "konrad"), [1, 2]);
    assert_eq!(store.statements(&Filter::default()).unwrap().len(), 2);
}

#[test]
fn the_preview_finds_a_statement_in_a_log_that_was_shortened() {
    let data = tempfile::tempdir().unwrap();
    let path = record(data.path(), "2026-11-20T06:00:00Z");
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    let found = store.statements(&Filter::default()).unwrap();
    let printed = || -> Vec<String> {
        found.iter().map(|found| output(&found.place, &|| true).unwrap()).collect()
    };
    assert_eq!(printed(), [" 1\n", "DELETE 3\n"]);
    let log = fs::read_to_string(&path).unwrap();
    fs::write(&path, log.replacen("orders=> select 1;", "", 1)).unwrap();
    assert_eq!(printed(), [" 1\n", "DELETE 3\n"]);
    let header = log.find('\n').unwrap() + 1;
    fs::write(&path, &log[..header]).unwrap();
    assert_eq!(printed(), ["", ""], "it is gone");
    fs::remove_file(&path).unwrap();
    assert!(output(&found[0].place, &|| true).is_err());
}

#[test]
fn a_preview_of_a_huge_output_is_its_beginning() {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-20T06:00:00Z".parse().unwrap());
    let header = Header { client: "psql".into(), pid: u32::MAX, ..Header::default() };
    let mut recorder = Recorder::start(data.path(), &header, clock).unwrap();
    for n in 1..=2 {
        let target = target(Tier::Staging, None);
        recorder.marker(statement(n, "2026-11-20T06:00:00Z", "select", "allow", target));
        for row in 0..40_000 / n {
            recorder.output(format!("row {row:06} of statement {n}\r\n").as_bytes());
            recorder.ease(Duration::from_secs(9));
        }
    }
    recorder.finish(0);
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    let found = store.statements(&Filter::default()).unwrap();
    let first = output(&found[0].place, &|| true).unwrap();
    assert!(first.starts_with("row 000000 of statement 1\n") && first.ends_with("\n[…]\n"));
    assert!(output(&found[0].place, &|| false).unwrap().is_empty(), "nobody wants it");
    assert_eq!(outputs(&store, "039999"), [1], "the index has its end");
    assert_eq!(outputs(&store, "020000"), [0; 0]);
}

fn note() -> Marker {
    Marker::Note { text: "a moment".to_owned() }
}

#[test]
fn one_by_one_or_all_at_once_they_are_the_same() {
    let data = tempfile::tempdir().unwrap();
    for day in 10..20 {
        record(data.path(), &format!("2026-11-{day}T06:00:00Z"));
    }
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    for (typed, is_in_output, limit) in
        [("", false, None), ("fam", false, None), ("orders", true, None), ("orders", true, Some(3))]
    {
        let terms = Terms::new(typed);
        let filter = Filter { terms, is_in_output, limit, ..Filter::default() };
        let mut found = Vec::new();
        let mut visitor = |statement| {
            found.push(statement);
            std::ops::ControlFlow::Continue(())
        };
        store.visit_oldest(&filter, &mut visitor).unwrap();
        assert!(!found.is_empty() && found.is_sorted_by_key(|statement| statement.time));
        assert_eq!(found, store.statements(&filter).unwrap(), "{typed}");
    }
}

#[test]
fn nothing_typed_is_a_syntax_error() {
    let data = tempfile::tempdir().unwrap();
    record(data.path(), "2026-11-20T06:00:00Z");
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    let memory = store.memory().unwrap();
    for typed in [
        "users.id = 3;",
        "\"",
        "\"\"\"\"",
        "'",
        "* ^ -",
        "AND OR NOT NEAR",
        "a AND",
        "text:x",
        "{a b}:c",
        "(((",
        "NEAR(a b)",
        "%_\\",
        "\u{0}",
        "日本",
        "\u{fffd}\u{10ffff}",
        "-- /*",
        "\\d+",
        "a\"*b",
    ] {
        for is_in_output in [false, true] {
            let filter = Filter { terms: Terms::new(typed), is_in_output, ..Filter::default() };
            store.statements(&filter).unwrap();
            let mut visitor = |_| std::ops::ControlFlow::Continue(());
            store.visit_with(&memory, &filter, &mut visitor).unwrap();
        }
    }
}

#[test]
fn statements_of_one_moment_are_all_there_and_in_order() {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-20T06:00:00Z".parse().unwrap());
    let header = Header { client: "psql".into(), pid: u32::MAX, ..Header::default() };
    for _ in 0..2 {
        let mut recorder = Recorder::start(data.path(), &header, clock).unwrap();
        for n in 1..=50 {
            let target = target(Tier::Staging, None);
            let text = format!("select {n};");
            recorder.marker(statement(n, "2026-11-20T06:00:00Z", &text, "allow", target));
        }
        recorder.finish(0);
    }
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    let found = store.statements(&Filter::default()).unwrap();
    assert_eq!(found.len(), 100);
    for session in store.sessions(&Filter::default(), &nobody).unwrap() {
        let of = found.iter().filter(|statement| statement.session == session.session);
        assert!(of.map(|statement| statement.n).eq(1..=50));
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_change_the_order_of_a_session() {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-20T06:00:00Z".parse().unwrap());
    let header = Header { client: "psql".into(), pid: u32::MAX, ..Header::default() };
    let mut recorder = Recorder::start(data.path(), &header, clock).unwrap();
    let mut store = Store::open(data.path()).unwrap();
    for (n, day) in [(1, 20), (2, 10), (3, 19), (4, 21), (5, 20)] {
        let target = target(Tier::Staging, None);
        let (time, text) = (format!("2026-11-{day}T06:00:00Z"), format!("select {day};"));
        let marker = statement(n, &time, &text, "allow", target);
        recorder.intent(marker, Durability::Written, Duration::from_secs(9)).unwrap();
        store.update().unwrap();
    }
    recorder.finish(0);
    for _ in 0..2 {
        let last = texts(&store, &Filter { limit: Some(4), ..Filter::default() });
        assert_eq!(last, ["select 10;", "select 19;", "select 21;", "select 20;"]);
        let since = Some("2026-11-20T12:00:00Z".parse().unwrap());
        let filter = Filter { since, terms: Terms::new("select"), ..Filter::default() };
        assert_eq!(texts(&store, &filter), ["select 21;", "select 20;"]);
        let until = Some("2026-11-15T12:00:00Z".parse().unwrap());
        let filter = Filter { until, ..Filter::default() };
        assert_eq!(texts(&store, &filter), ["select 10;"]);
        for filter in [filter, Filter { since, ..Filter::default() }] {
            assert_eq!(store.sessions(&filter, &nobody).unwrap().len(), 1, "{filter:?}");
        }
        store.rebuild().unwrap();
    }
}

#[test]
fn a_rebuild_is_seen_whole_or_not_at_all() {
    let data = tempfile::tempdir().unwrap();
    for day in 10..20 {
        record(data.path(), &format!("2026-11-{day}T06:00:00Z"));
    }
    let mut writer = Store::open(data.path()).unwrap();
    writer.update().unwrap();
    let reader = Store::open(data.path()).unwrap();
    std::thread::scope(|scope| {
        let rebuilding = scope.spawn(move || {
            for _ in 0..10 {
                assert_eq!(writer.rebuild().unwrap().statements, 20);
            }
        });
        while !rebuilding.is_finished() {
            assert_eq!(texts(&reader, &Filter::default()).len(), 20);
        }
    });
}

#[test]
fn an_index_in_memory_answers_the_same() {
    let data = tempfile::tempdir().unwrap();
    record(data.path(), "2026-11-20T06:00:00Z");
    let mut store = Store::in_memory(data.path()).unwrap();
    store.update().unwrap();
    let found = texts(&store, &Filter { terms: Terms::new("fam"), ..Filter::default() });
    assert_eq!(found, ["select count(*)\n  from families"]);
    assert!(!data.path().join("history.db").exists());
}

#[test]
fn an_index_is_read_where_it_cannot_be_written() {
    let data = tempfile::tempdir().unwrap();
    let odd = data.path().join("a folder? with #100% \u{e9}");
    assert!(Store::open_to_read(&odd).is_err(), "there is none");
    record(&odd, "2026-11-20T06:00:00Z");
    let mut store = Store::open(&odd).unwrap();
    assert!(store.is_empty().unwrap());
    store.update().unwrap();
    drop(store);
    let mut store = Store::open_to_read(&odd).unwrap();
    assert!(!store.is_empty().unwrap());
    assert_eq!(store.update().unwrap(), Indexed::default());
    assert_eq!(texts(&store, &Filter::default()).len(), 2);
    record(&odd, "2026-11-20T06:00:01Z");
    let error = store.update().unwrap_err();
    assert!(error.is_unwritable(), "{error:?}");
}

#[test]
fn damage_within_is_said_and_only_removing_the_file_helps() {
    let data = tempfile::tempdir().unwrap();
    for day in 10..20 {
        record(data.path(), &format!("2026-11-{day}T06:00:00Z"));
    }
    let mut store = Store::open(data.path()).unwrap();
    store.update().unwrap();
    drop(store);
    let path = data.path().join("history.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8192..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let mut damaged = match Store::open(data.path()) {
        Ok(store) => store,
        Err(error) => return assert!(error.is_damage(), "{error}"),
    };
    let error = damaged.statements(&Filter::default()).unwrap_err();
    assert!(error.is_damage(), "{error}");
    let error = damaged.rebuild().unwrap_err();
    assert!(error.is_damage(), "{error}");
    Store::remove(data.path()).unwrap();
    assert_eq!(Store::open(data.path()).unwrap().rebuild().unwrap().statements, 20);
}
