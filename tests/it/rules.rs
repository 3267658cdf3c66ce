//! Every rule page is true: what it shows is held and let pass as it says.

use nightlatch::clients::known;
use nightlatch::config::{Loaded, load};
use nightlatch::lang::Reading;
use nightlatch::policy::rule::Most;
use nightlatch::policy::{Decision, Facts, Moment, Rule, Verdict, judge};
use nightlatch::target::Tier;
use nightlatch::world::World;

/// Reads as the client of the pages does, meta commands too.
fn read(text: &str) -> Reading {
    (known::by_name("psql").expect("psql is known").read)(text)
}

/// Judges as at the strictest hour.
fn strictest(text: &str) -> Verdict {
    let late = Moment { late: Some("late hours"), ..Moment::default() };
    judge(&read(text), &Facts::new(Tier::Production, late))
}

fn names(verdict: &Verdict) -> Vec<&str> {
    verdict.findings.iter().filter_map(|finding| finding.rule.as_deref()).collect()
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
fn the_examples_of_own_rules_are_true() {
    let mut world = World::default();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/config.toml");
    world.vars.insert("NIGHTLATCH_CONFIG".into(), file.into());
    let loaded = load(&world);
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    let rules = &loaded.config.rules;
    assert!(!rules.is_empty());
    let mut facts = Facts::new(Tier::Production, Moment::default());
    facts.rules = rules.clone();
    for rule in rules.iter() {
        facts.tier = rule.tiers.first().copied().unwrap_or(Tier::Production);
        let least = rule.decision.expect("the loader asks for it").decision();
        for text in &rule.hold {
            let verdict = judge(&read(text), &facts);
            assert!(verdict.decision >= least, "{text}: {verdict:?}");
            assert_eq!(verdict.rule(), Some(rule.id.as_str()), "{text}");
            assert!(verdict.reasons.contains(&rule.title));
        }
        for text in &rule.pass {
            assert_ne!(judge(&read(text), &facts).rule(), Some(rule.id.as_str()), "{text}");
        }
    }
    facts.tier = Tier::Development;
    let verdict = judge(&read("DROP TABLE ledger"), &facts);
    assert_eq!(verdict.decision, Decision::Allow, "the rule names its tiers");
}

/// Loads rules of one's own; with them the mistakes, without the folder's name.
fn load_pages<T: AsRef<[u8]>>(
    pages: impl IntoIterator<Item = (&'static str, T)>,
) -> (Loaded, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).expect("a folder");
    for (name, text) in pages {
        std::fs::write(rules.join(name), text).expect("a file");
    }
    let mut world = World::default();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "").expect("a file");
    world.vars.insert("NIGHTLATCH_CONFIG".into(), file.into());
    let loaded = load(&world);
    let place = format!("{}/", rules.display());
    let lines = loaded.errors.iter().map(|error| error.line().replace(&place, "")).collect();
    (loaded, lines)
}

#[test]
fn own_rules_with_mistakes_are_told() {
    let page = |id: &str, more: &str| format!("id = \"{id}\"\ntitle = \"t\"\nwhy = \"w\"\n{more}");
    let (loaded, lines) = load_pages([
        ("a.toml", page("mine", "decision = \"deny\"\n")),
        ("b.toml", page("mine", "decision = \"deny\"\n")),
        ("c.toml", page("drop", "decision = \"deny\"\n")),
        ("d.toml", page("toothless", "")),
        ("e.toml", page("loose", "decision = \"allow\"\n")),
        ("f.txt", "not a rule".to_owned()),
    ]);
    assert_eq!(
        lines,
        [
            "b.toml:1:1: there is a rule `mine` already",
            "c.toml:1:1: there is a rule `drop` already",
            "d.toml:1:1: the rule `toothless` needs a `decision`",
            "e.toml:4:12: this is not a rule",
        ]
    );
    assert_eq!(loaded.config.rules.len(), 1);
    assert!(loaded.config.broken && !loaded.config.targets_doubtful);
}

#[test]
fn a_rule_is_made_stricter_by_its_name() {
    let (loaded, lines) = load_pages([
        (
            "a.toml",
            "id = \"ask\"\noverlays = \"delete-rows\"\ntiers = [\"staging\"]\ndecision = \"yes\"\n",
        ),
        (
            "b.toml",
            "id = \"never\"\noverlays = \"drop\"\nobjects = [\"ledger\"]\ndecision = \"deny\"\n",
        ),
        ("c.toml", "id = \"lost\"\noverlays = \"delete\"\ndecision = \"deny\"\n"),
        (
            "d.toml",
            "id = \"mixed\"\noverlays = \"drop\"\nverbs = [\"drop\"]\ndecision = \"deny\"\n",
        ),
        ("e.toml", "id = \"bare\"\nverbs = [\"drop\"]\ndecision = \"deny\"\n"),
    ]);
    assert_eq!(
        lines,
        [
            "c.toml:1:1: the rule `lost`: there is no rule `delete`",
            "d.toml:1:1: the rule `mixed`: what it means is the other rule's: leave out classes, \
             verbs and scopes",
            "e.toml:1:1: the rule `bare`: it needs a `title`",
        ]
    );
    let mut facts = Facts::new(Tier::Staging, Moment::default());
    facts.rules = loaded.config.rules.clone();
    let told = |facts: &Facts, text: &str| {
        let verdict = judge(&read(text), facts);
        (verdict.decision.word(), verdict.rule().unwrap_or("none").to_owned())
    };
    assert_eq!(told(&facts, "DELETE FROM a WHERE b = 1"), ("hold", "ask".into()));
    assert_eq!(told(&facts, "UPDATE a SET c = 1 WHERE b = 1").0, "allow");
    assert_eq!(told(&facts, "DROP TABLE ledger"), ("deny", "never".into()));
    assert_eq!(told(&facts, "TRUNCATE ledger"), ("hold", "truncate".into()), "another rule's");
    facts.tier = Tier::Development;
    assert_eq!(told(&facts, "DELETE FROM a WHERE b = 1").0, "allow");
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
