//! Every rule page is true: what it shows is held and let pass as it says.

use nightlatch::clients::known;
use nightlatch::lang::Reading;
use nightlatch::policy::rule::Most;
use nightlatch::policy::{Decision, Facts, Moment, Rule, Verdict, judge};
use nightlatch::target::Tier;

/// Reads as the client of the pages does, meta commands too.
fn read(text: &str) -> Reading {
    (known::by_name("psql").expect("psql is known").read)(text)
}

/// Judges as at the strictest hour.
fn strictest(text: &str) -> Verdict {
    let late = Moment {
        late: Some("late hours"),
        ..Moment::default()
    };
    judge(&read(text), &Facts::new(Tier::Production, late))
}

fn names(verdict: &Verdict) -> Vec<&str> {
    verdict
        .findings
        .iter()
        .filter_map(|finding| finding.rule.as_deref())
        .collect()
}

#[test]
fn what_a_page_holds_is_stopped_by_its_rule() {
    let mut wrong = Vec::new();
    for rule in Rule::all() {
        for text in &rule.hold {
            let verdict = strictest(text);
            if !names(&verdict).contains(&rule.id.as_str()) {
                wrong.push(format!("{}: {text}: {verdict:?}", rule.id));
            }
            let expected = match rule.most {
                Most::Notice => verdict.decision == Decision::Notice,
                Most::Hold => verdict.decision > Decision::Notice,
            };
            if !expected {
                wrong.push(format!("{}: {text} is {:?}", rule.id, verdict.decision));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_page_lets_pass_is_not_its_rules() {
    let mut wrong = Vec::new();
    for rule in Rule::all() {
        for text in &rule.pass {
            let reading = read(text);
            let verdict = strictest(text);
            if names(&verdict).contains(&rule.id.as_str()) {
                wrong.push(format!("{}: {text}: {verdict:?}", rule.id));
            }
            if matches!(reading, Reading::Unclear { .. }) {
                wrong.push(format!("{}: {text} is not understood", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn own_objects_do_not_excuse_what_goes_along() {
    let mut facts = Facts::new(Tier::Production, Moment::default());
    facts.own = ["mine".to_owned()].into();
    for (text, decision) in [
        ("DROP TABLE mine", "notice"),
        ("TRUNCATE mine", "notice"),
        ("DELETE FROM mine", "notice"),
        ("DROP TABLE mine CASCADE", "hold"),
        ("TRUNCATE mine CASCADE", "hold"),
        ("DROP TABLE mine, theirs", "hold"),
        ("ALTER TABLE mine DROP COLUMN a CASCADE", "hold"),
    ] {
        let verdict = judge(&read(text), &facts);
        assert_eq!(verdict.decision.word(), decision, "{text}: {verdict:?}");
    }
}
