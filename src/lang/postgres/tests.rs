//! The table of readings, and what must hold for any text.

use proptest::prelude::*;
use serde::Deserialize;

use super::{executes, prepared, read, split};
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
    serde_json::to_value(value)
        .expect("enums serialize")
        .as_str()
        .expect("to words")
        .to_owned()
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
        Reading::Unclear {
            destructive_word: true,
            ..
        } => Some("word"),
        Reading::Unclear {
            destructive_word: false,
            ..
        } => Some("harmless"),
    }
}

#[test]
fn every_row_of_the_table_reads_as_it_says() {
    let table: Table = toml::from_str(TABLE).expect("the table is TOML");
    assert!(
        table.reading.len() >= 150,
        "the table has {} rows",
        table.reading.len()
    );
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
        if row.miss == found {
            wrong.push(format!("{}\n  is no miss any more", row.text));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} rows differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
