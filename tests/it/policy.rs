//! The policy of the contract, cell by cell, and what moves an effect between cells.

use std::time::Duration;

use nightlatch::lang::{Class, Effect, Reading, Scope, Verb, postgres};
use nightlatch::policy::bulk::Counted;
use nightlatch::policy::{Challenge, Confidence, Decision, Facts, Moment, Tally, judge};
use nightlatch::target::Tier;

/// The table of the contract: D development, S staging and unknown, P production, L production in
/// late hours; `-` allow, `n` notice, `y` hold with yes, `t` hold with the target's name, `r` the
/// same with a reason and a wait.
const TABLE: &str = "
    row                          D S P L
    read                         - - - -
    session                      - - - -
    add                          - - - n
    heavy                        - - n n
    change-one                   - - n y
    change-filtered              - - n y
    remove-one                   - - n y
    remove-filtered              - - n y
    change-all                   - y t r
    change-unknown               - y t r
    remove-all                   - y t r
    remove-unknown               - y t r
    destroy                      - y t r
    bulk                         - y t r
    opaque                       - n y t
    unreadable                   - n y t
    typo                         - - - -
    escape                       - n n y
";

fn effect(class: Class, verb: Verb, scope: Scope) -> Effect {
    Effect {
        class,
        verb,
        object: Some("families".to_owned()),
        scope,
        reversible: true,
        span: 0..6,
        phrase: format!("{verb:?} of {scope:?}").to_lowercase(),
        rows: None,
        looped: false,
        outlasts: false,
    }
}

fn unclear(destructive_word: bool) -> Reading {
    Reading::Unclear { reason: "near `SELCT`".to_owned(), effects: Vec::new(), destructive_word }
}

fn reading(row: &str) -> Reading {
    let one = |class, verb, scope| Reading::Understood(vec![effect(class, verb, scope)]);
    match row {
        "read" => one(Class::Read, Verb::Read, Scope::All),
        "session" => one(Class::Session, Verb::Session, Scope::All),
        "add" => one(Class::Add, Verb::Insert, Scope::Unknown),
        "heavy" => one(Class::Heavy, Verb::Lock, Scope::All),
        "change-one" => one(Class::Change, Verb::Update, Scope::One),
        "change-filtered" => one(Class::Change, Verb::Update, Scope::Filtered),
        "change-all" => one(Class::Change, Verb::Update, Scope::All),
        "change-unknown" => one(Class::Change, Verb::Replace, Scope::Unknown),
        "remove-one" => one(Class::Remove, Verb::Delete, Scope::One),
        "remove-filtered" => one(Class::Remove, Verb::Delete, Scope::Filtered),
        "remove-all" => one(Class::Remove, Verb::Delete, Scope::All),
        "remove-unknown" => one(Class::Remove, Verb::Delete, Scope::Unknown),
        "destroy" => one(Class::Destroy, Verb::Drop, Scope::All),
        "bulk" => Reading::Understood(vec![effect(Class::Remove, Verb::Delete, Scope::One); 5]),
        "opaque" => one(Class::Opaque, Verb::Execute, Scope::Unknown),
        "escape" => one(Class::Escape, Verb::Shell, Scope::Unknown),
        "unreadable" => unclear(true),
        "typo" => unclear(false),
        other => panic!("no row {other}"),
    }
}

fn late() -> Moment {
    Moment { late: Some("late hours"), freeze: None, local: "23:00".to_owned() }
}

fn letter(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "-",
        Decision::Notice => "n",
        Decision::Hold(Challenge::Yes) => "y",
        Decision::Hold(Challenge::TypeTarget { reason: false, wait: Duration::ZERO }) => "t",
        Decision::Hold(Challenge::TypeTarget { reason: true, wait })
            if wait == Duration::from_secs(10) =>
        {
            "r"
        }
        Decision::Hold(_) | Decision::Deny => "?",
    }
}

#[test]
fn every_cell_of_the_table() {
    let freeze = Moment { freeze: Some("christmas".to_owned()), ..Moment::default() };
    let mut rows = 0;
    for line in TABLE.lines().skip(2).filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [row, development, middle, production, night] = words[..] else { panic!("{line}") };
        for (tier, moment, expected) in [
            (Tier::Development, Moment::default(), development),
            (Tier::Development, late(), middle),
            (Tier::Unknown, Moment::default(), middle),
            (Tier::Unknown, late(), production),
            (Tier::Staging, Moment::default(), middle),
            (Tier::Staging, late(), production),
            (Tier::Production, Moment::default(), production),
            (Tier::Production, late(), night),
            (Tier::Production, freeze.clone(), night),
        ] {
            let facts = Facts::new(tier, moment);
            let verdict = judge(&reading(row), &facts);
            assert_eq!(letter(verdict.decision), expected, "{row} on {tier}: {verdict:?}");
            assert_eq!(verdict.reasons.is_empty(), expected == "-", "{row} on {tier}");
        }
        rows += 1;
    }
    assert_eq!(rows, 18);
}

#[test]
fn confidence_is_text_where_a_part_was_not_read() {
    let facts = Facts::new(Tier::Production, Moment::default());
    assert_eq!(judge(&unclear(false), &facts).confidence, Confidence::Text);
    assert_eq!(judge(&reading("read"), &facts).confidence, Confidence::Parsed);
    let part = Reading::Unclear {
        reason: "near `x`".to_owned(),
        effects: vec![effect(Class::Destroy, Verb::Drop, Scope::All)],
        destructive_word: true,
    };
    let verdict = judge(&part, &facts);
    assert_eq!(letter(verdict.decision), "t", "what was read counts");
    assert_eq!(verdict.findings.len(), 2, "and so does what was not");
    assert_eq!(verdict.rule(), Some("drop"));
}

#[test]
fn the_most_severe_effect_decides_and_all_are_told() {
    let effects = vec![
        effect(Class::Read, Verb::Read, Scope::All),
        effect(Class::Change, Verb::Update, Scope::One),
        effect(Class::Remove, Verb::Delete, Scope::All),
    ];
    let verdict = judge(&Reading::Understood(effects), &Facts::new(Tier::Production, late()));
    assert_eq!(letter(verdict.decision), "r");
    assert_eq!(verdict.rule(), Some("delete-without-where"));
    let rules: Vec<_> = verdict.findings.iter().map(|finding| finding.rule.as_deref()).collect();
    assert_eq!(rules, [None, Some("update-rows"), Some("delete-without-where")]);
    assert_eq!(verdict.reasons, ["update of one", "delete of all", "late hours"]);
}

#[test]
fn own_objects_are_noticed_at_most() {
    let mut facts = Facts::new(Tier::Production, late());
    facts.own.insert("families".to_owned());
    for (row, expected) in [("remove-all", "n"), ("bulk", "n"), ("opaque", "t")] {
        assert_eq!(letter(judge(&reading(row), &facts).decision), expected, "{row}");
    }
    let decision = |text: &str, facts: &Facts| letter(judge(&postgres::read(text), facts).decision);
    for (text, expected) in [
        ("drop table families", "n"),
        ("drop table if exists families", "n"),
        ("drop table families cascade", "r"),
        ("truncate families", "n"),
        ("drop role families", "r"),
        ("drop database families", "r"),
        ("drop owned by families", "r"),
        ("drop schema families", "r"),
    ] {
        assert_eq!(decision(text, &facts), expected, "{text}");
    }
    facts.own = ["other".to_owned()].into();
    assert_eq!(decision("drop table families", &facts), "r");
}

#[test]
fn an_idle_production_session_is_asked_before_a_write() {
    let mut facts = Facts::new(Tier::Production, Moment::default());
    facts.idle = true;
    for (row, expected) in
        [("read", "-"), ("add", "y"), ("change-one", "y"), ("destroy", "t"), ("session", "-")]
    {
        assert_eq!(letter(judge(&reading(row), &facts).decision), expected, "{row}");
    }
    facts.tier = Tier::Staging;
    assert_eq!(letter(judge(&reading("add"), &facts).decision), "-");
}

#[test]
fn a_broken_configuration_fails_closed_for_what_destroys_and_open_for_the_rest() {
    let mut facts = Facts::new(Tier::Unknown, Moment::default());
    facts.fail_closed = true;
    for (row, expected) in [
        ("read", "-"),
        ("add", "-"),
        ("heavy", "-"),
        ("escape", "n"),
        ("change-one", "n"),
        ("remove-all", "t"),
        ("destroy", "t"),
        ("bulk", "t"),
        ("opaque", "y"),
    ] {
        assert_eq!(letter(judge(&reading(row), &facts).decision), expected, "{row}");
    }
    facts.tier = Tier::Development;
    facts.moment = late();
    let verdict = judge(&reading("destroy"), &facts);
    assert_eq!(letter(verdict.decision), "r");
    assert_eq!(
        verdict.reasons,
        [
            "drop of all",
            "the configuration has errors, so this target counts as production",
            "late hours"
        ]
    );
}

#[test]
fn a_loop_is_stopped_at_the_fifth_and_at_the_twentieth() {
    let one = reading("remove-one");
    let mut facts = Facts::new(Tier::Production, Moment::default());
    let limits = facts.limits;
    let mut tally = Tally::default();
    let decide = |tally: &mut Tally, facts: &mut Facts, at: u64| {
        let at = Duration::from_secs(at);
        facts.bulk = tally.bulk(at, &limits);
        let verdict = judge(&one, facts);
        tally.add(one.effects(), at);
        letter(verdict.decision)
    };
    let asked: String = (0..6).map(|_| decide(&mut tally, &mut facts, 0)).collect();
    assert_eq!(asked, "nnnntt");

    // A release holds for this submission, and for this verb on this object only.
    tally.release(one.effects());
    assert_eq!(decide(&mut tally, &mut facts, 0), "n");
    let mut other = effect(Class::Remove, Verb::Delete, Scope::One);
    other.object = Some("members".to_owned());
    let other = Reading::Understood(vec![other; 5]);
    facts.bulk = tally.bulk(Duration::ZERO, &limits);
    assert_eq!(letter(judge(&other, &facts).decision), "t");

    // Each typed by itself: the window counts them, and forgets them.
    tally.clear();
    let mut typed = String::new();
    for _ in 0..21 {
        tally.submit();
        typed.push_str(decide(&mut tally, &mut facts, 100));
    }
    assert_eq!(typed, format!("{}tt", "n".repeat(19)));
    tally.submit();
    assert_eq!(decide(&mut tally, &mut facts, 111), "n");
}

#[test]
fn a_loop_the_source_shows_is_stopped_at_the_first() {
    let mut facts = Facts::new(Tier::Production, Moment::default());
    facts.bulk.loop_shown = true;
    let verdict = judge(&reading("remove-one"), &facts);
    assert_eq!(letter(verdict.decision), "t");
    assert_eq!(verdict.rule(), Some("bulk"));
    assert_eq!(verdict.reasons, ["delete of one", "a loop around delete on families"]);
    assert_eq!(letter(judge(&reading("add"), &facts).decision), "-");
    facts.bulk.counted = vec![Counted {
        verb: Verb::Delete,
        object: Some("families".to_owned()),
        count: 1,
        released: true,
    }];
    assert_eq!(letter(judge(&reading("remove-one"), &facts).decision), "n");
}
