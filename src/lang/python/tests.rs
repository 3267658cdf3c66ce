//! The table of Python statements, and what no row shows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::{read, read_with};
use crate::lang::Reading;
use crate::lang::told::told;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// What the names of all rows stand for.
    types: BTreeMap<String, String>,
    reading: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    text: String,
    #[serde(default)]
    does: Vec<String>,
}

#[test]
fn every_row_of_the_table() {
    let table: Table =
        toml::from_str(include_str!("../../../tests/verdicts/python.toml")).expect("TOML");
    let mut wrong = Vec::new();
    for row in &table.reading {
        let Reading::Understood(effects) = read_with(&row.text, &table.types) else {
            wrong.push(format!("not understood: {}", row.text));
            continue;
        };
        let does: Vec<String> = effects.iter().map(told).collect();
        if does != row.does {
            wrong.push(format!("{}\n    reads  {does:?}\n    not    {:?}", row.text, row.does));
        }
        for effect in &effects {
            assert!(row.text.get(effect.span.clone()).is_some(), "{}: span", row.text);
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert!(table.reading.iter().filter(|row| row.does.is_empty()).count() >= 47);
    assert!(table.reading.iter().filter(|row| !row.does.is_empty()).count() >= 60);
}

#[test]
fn a_loop_is_told_apart_from_one() {
    let looped = |text: &str| read(text).effects().iter().filter(|effect| effect.looped).count();
    assert_eq!(looped("for f in Family.objects: f.delete()"), 1);
    assert_eq!(looped("Family.objects.first().delete()"), 0);
    assert_eq!(looped("for f in xs:\n  def g(): f.delete()\n"), 0);
    assert_eq!(looped("for f in xs: pass\nelse: f.delete()"), 0);
}

#[test]
fn deep_and_odd_texts_are_survived() {
    let nested = format!("{}x.delete(){}", "(".repeat(5000), ")".repeat(5000));
    assert!(matches!(read(&nested), Reading::Unclear { destructive_word: true, .. }));
    let chained = format!("x{}.delete()", ".a".repeat(50_000));
    assert!(matches!(read(&chained), Reading::Unclear { .. }));
    let indented: String = (0..2000).map(|n| format!("{}if x:\n", " ".repeat(n))).collect();
    assert!(matches!(read(&(indented + "delete")), Reading::Unclear { .. }));
    let minus = format!("delete({}1)", "-".repeat(100_000));
    assert!(matches!(read(&minus), Reading::Unclear { .. }));
    assert_eq!(read("for f in (delete"), Reading::Understood(Vec::new()));
    assert_eq!(read("x = 'a.b.c' # delete\n"), Reading::Understood(Vec::new()));
}

proptest! {
    #[test]
    fn nothing_makes_it_fall_over(text in "[a-z.(){}\\[\\]:= \n'\"#*@%!-]{0,200}") {
        let _read = read(&format!("{text} delete"));
    }
}
