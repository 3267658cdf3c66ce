//! The corpora of tests/verdicts: every statement is held, noticed or let through as it says.

use nightlatch::clients::known;
use nightlatch::policy::{Decision, Facts, Moment, judge};
use nightlatch::target::Tier;
use serde::Deserialize;

#[derive(Deserialize)]
struct Corpus {
    client: String,
    hold: Vec<String>,
    notice: Vec<String>,
    allow: Vec<String>,
}

/// Judges every statement on production by day; fails with all that differ.
#[track_caller]
fn agrees(file: &str) {
    let corpus: Corpus = toml::from_str(file).expect("the corpus is TOML");
    let read = known::reader(&corpus.client).expect("the client can be read");
    let facts = Facts::new(Tier::Production, Moment::default());
    let (mut misses, mut false_holds) = (Vec::new(), Vec::new());
    let lists = [("hold", &corpus.hold), ("notice", &corpus.notice), ("allow", &corpus.allow)];
    for (expected, text) in lists.iter().flat_map(|(word, list)| list.iter().map(|t| (*word, t))) {
        let verdict = judge(&read(text), &facts);
        let severity = |word: &str| ["allow", "notice", "hold"].iter().position(|w| *w == word);
        let line = || format!("{expected}: {text}\n    {verdict:?}");
        match severity(verdict.decision.word()).cmp(&severity(expected)) {
            std::cmp::Ordering::Less => misses.push(line()),
            std::cmp::Ordering::Greater => false_holds.push(line()),
            std::cmp::Ordering::Equal => {}
        }
        // What runs is in the text, or stands for the whole of it.
        for finding in &verdict.findings {
            assert!(text.get(finding.effect.span.clone()).is_some(), "{text}: {finding:?}");
            assert!(verdict.decision > Decision::Allow || verdict.reasons.is_empty(), "{text}");
        }
    }
    let report =
        |what: &str, list: &[String]| format!("{} {what}:\n{}", list.len(), list.join("\n"));
    assert!(
        misses.is_empty() && false_holds.is_empty(),
        "{}\n{}",
        report("missed", &misses),
        report("held or noticed for nothing", &false_holds)
    );
}

#[test]
fn postgres_corpus() {
    agrees(include_str!("../verdicts/corpus-postgres.toml"));
    agrees(include_str!("../verdicts/adversary-postgres.toml"));
}

#[test]
fn mysql_corpus() {
    agrees(include_str!("../verdicts/corpus-mysql.toml"));
    agrees(include_str!("../verdicts/adversary-mysql.toml"));
}

#[test]
fn sqlite_corpus() {
    agrees(include_str!("../verdicts/corpus-sqlite.toml"));
    agrees(include_str!("../verdicts/adversary-sqlite.toml"));
}

/// What the fuzzer has found is read as it was: without a panic, and with every effect in the text.
#[test]
fn texts_of_the_fuzzer_are_read() {
    let corpora = [
        ("psql", include_str!("../../fuzz/corpus/postgres.jsonl")),
        ("mysql", include_str!("../../fuzz/corpus/mysql.jsonl")),
        ("sqlite3", include_str!("../../fuzz/corpus/sqlite.jsonl")),
    ];
    for (client, lines) in corpora {
        let read = known::reader(client).expect("the client can be read");
        for line in lines.lines() {
            let text: String = serde_json::from_str(line).expect("a line is a string");
            for effect in read(&text).effects() {
                assert!(text.get(effect.span.clone()).is_some(), "{client}: {line}: {effect:?}");
            }
        }
    }
}

#[test]
fn mongosh_corpus() {
    agrees(include_str!("../verdicts/corpus-mongosh.toml"));
    agrees(include_str!("../verdicts/adversary-mongosh.toml"));
}
