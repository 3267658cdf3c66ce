//! What covers a table, in both kinds of truth.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Condition, Cover, Op, Truth};
use crate::lang::sql::{self, Ends, Flavour};
use crate::lang::{Reading, Scope, postgres};

type Read = fn(&str) -> Reading;

#[derive(Deserialize)]
struct Conditions {
    all: Vec<String>,
    some: Vec<String>,
}

#[test]
fn conditions_are_told_apart_in_each_language() {
    let table = include_str!("../../../tests/verdicts/conditions.toml");
    let table: BTreeMap<String, Conditions> = toml::from_str(table).expect("it is TOML");
    let readers: [(&str, Read); 3] = [
        ("postgres", postgres::read),
        ("mysql", |text| sql::read(text, Flavour::Mysql, Ends::Client)),
        ("sqlite", |text| sql::read(text, Flavour::Sqlite, Ends::Client)),
    ];
    let mut wrong = Vec::new();
    for (name, read) in readers {
        let own = ["everywhere", name].map(|language| &table[language]);
        let all = own.iter().flat_map(|table| &table.all).map(|text| (text, Scope::All));
        let some = own.iter().flat_map(|table| &table.some).map(|text| (text, Scope::Filtered));
        for (text, expected) in all.chain(some) {
            let reading = read(&format!("DELETE FROM users WHERE {text}"));
            let scope = reading.effects().first().map(|effect| effect.scope);
            if scope != Some(expected) || !matches!(reading, Reading::Understood(_)) {
                wrong.push(format!("{name}: {text}: {reading:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn column(name: &str) -> Condition {
    Condition::Column(name.to_owned())
}

fn number(number: f64) -> Condition {
    Condition::Number(number)
}

fn is(left: Condition, op: Op, right: f64) -> Condition {
    Condition::compare(left, op, number(right))
}

fn cover(condition: &Condition) -> Cover {
    condition.cover(Truth::Strict)
}

#[test]
fn what_leaves_a_value_as_it_is_changes_nothing() {
    let plus = |left, right| Condition::Arithmetic('+', Box::new(left), Box::new(right));
    let same = Condition::compare(column("id"), Op::Equal, plus(column("id"), number(0.0)));
    assert_eq!(cover(&same), Cover::All);
    let other = Condition::compare(column("id"), Op::Equal, plus(column("id"), number(1.0)));
    assert_eq!(cover(&other), Cover::Some);
    let twice = plus(plus(number(0.0), column("id")), number(0.0));
    assert_eq!(cover(&Condition::compare(twice, Op::LessOrEqual, column("id"))), Cover::All);
    let random = || Condition::Call("random".into(), vec![]);
    assert_eq!(cover(&Condition::compare(random(), Op::Equal, random())), Cover::Some);
}

#[test]
fn parts_that_complete_each_other_cover_all() {
    let id = || column("id");
    for (parts, expected) in [
        (vec![is(id(), Op::Greater, 5.0), is(id(), Op::LessOrEqual, 5.0)], Cover::All),
        (vec![is(id(), Op::Greater, 5.0), is(id(), Op::Less, 9.0)], Cover::All),
        (vec![is(id(), Op::Greater, 5.0), is(id(), Op::Less, 5.0)], Cover::Some),
        (vec![is(id(), Op::Greater, 9.0), is(id(), Op::Less, 5.0)], Cover::Some),
        (vec![is(id(), Op::Greater, 5.0), is(column("no"), Op::Less, 9.0)], Cover::Some),
        (vec![is(id(), Op::Equal, 5.0), is(id(), Op::Unequal, 5.0)], Cover::All),
    ] {
        assert_eq!(cover(&Condition::Or(parts.clone())), expected, "{parts:?}");
    }
    let never = Condition::And(vec![is(id(), Op::Equal, 5.0), is(id(), Op::Unequal, 5.0)]);
    assert_eq!(cover(&never), Cover::None);
    assert_eq!(cover(&never.negated(true)), Cover::All);
}

#[test]
fn bounds_that_no_key_reaches_leave_none_out() {
    let id = || column("id");
    assert_eq!(
        cover(&Condition::between(id(), number(-9.3e18), number(9_223_372_036_854_775_807.0))),
        Cover::All
    );
    assert_eq!(cover(&Condition::between(id(), number(0.0), number(99_999_999.0))), Cover::Some);
    assert_eq!(cover(&is(id(), Op::Greater, 0.0)), Cover::Some);
    let length = || Condition::Call("length".into(), vec![column("name")]);
    assert_eq!(cover(&is(length(), Op::GreaterOrEqual, 0.0)), Cover::All);
    assert_eq!(cover(&is(length(), Op::Greater, 0.0)), Cover::Some);
}

#[test]
fn numbers_are_true_only_where_the_server_takes_them() {
    assert_eq!(number(1.0).cover(Truth::Numeric), Cover::All);
    assert_eq!(number(0.0).cover(Truth::Numeric), Cover::None);
    assert_eq!(number(1.0).cover(Truth::Strict), Cover::Either);
    let text = |text: &str| Condition::Text(text.to_owned());
    assert_eq!(text("1a").cover(Truth::Numeric), Cover::All);
    assert_eq!(text("a").cover(Truth::Numeric), Cover::None);
    assert_eq!(text("yes").cover(Truth::Strict), Cover::All);
}

#[test]
fn nulls_exclude() {
    let null = || Condition::Known(None);
    assert_eq!(cover(&Condition::compare(column("a"), Op::Unequal, null())), Cover::None);
    assert_eq!(cover(&Condition::compare(column("id"), Op::Differs, null())), Cover::All);
    assert_eq!(cover(&Condition::compare(column("a"), Op::Differs, null())), Cover::Some);
    assert_eq!(cover(&Condition::compare(column("a"), Op::Same, null())), Cover::Some);
    assert_eq!(cover(&null().negated(true)), Cover::None);
}
