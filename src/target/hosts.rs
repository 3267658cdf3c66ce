//! The built-in table of names: words that speak for a tier, and the hosts of providers.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Tier;

/// Read at the first name that is looked at: the table is checked by its own examples in a test.
static HOSTS: LazyLock<Hosts> = LazyLock::new(|| {
    toml::from_str(include_str!("hosts.toml")).expect("a test reads the same text")
});

/// Words that take production out of the word after them: `pre-prod`, `non_production`.
const UNDOING: &[&str] = &["pre", "non", "not", "no", "pseudo"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hosts {
    word: Vec<Words>,
    quiet: Quiet,
    service: Vec<Service>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    tier: Tier,
    words: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for the tests"))]
    speaks: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for the tests"))]
    quiet: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quiet {
    ends: Vec<String>,
    last_labels: Vec<String>,
    next_door: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    name: String,
    tier: Tier,
    ends: Vec<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    infix: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for the tests"))]
    speaks: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for the tests"))]
    quiet: Vec<String>,
}

/// Returns the provider whose host this is, and what its hosts are where no name tells.
#[must_use]
pub fn provider(host: &str) -> Option<(&'static str, Tier)> {
    let host = normal(host);
    let is_its = |service: &&Service| {
        host.starts_with(&service.prefix)
            && host.contains(&service.infix)
            && service.ends.iter().any(|end| host.len() > end.len() && host.ends_with(end.as_str()))
    };
    HOSTS.service.iter().find(is_its).map(|service| (service.name.as_str(), service.tier))
}

/// Tells whether a host has its name within a cluster of Kubernetes only.
#[must_use]
pub fn is_in_cluster(host: &str) -> bool {
    let host = normal(host);
    [".svc", ".svc.cluster.local"].iter().any(|end| host.ends_with(end))
}

/// Returns the most dangerous tier that a host's name speaks for, with the word that says so.
#[must_use]
pub fn tier_in_host(host: &str) -> Option<(Tier, String)> {
    let host = normal(host);
    let quiet = &HOSTS.quiet;
    let is_next_door = host.strip_suffix(&quiet.next_door).is_some_and(|name| !name.contains('.'));
    if is_next_door || quiet.ends.iter().any(|end| host.ends_with(end.as_str())) {
        return None;
    }
    let name = match host.rsplit_once('.') {
        Some((name, last)) if quiet.last_labels.iter().any(|label| label == last) => name,
        Some(_) | None => host.as_str(),
    };
    tier_in_name(name)
}

/// Returns the most dangerous tier that any name speaks for, with the word that says so.
///
/// Words end at anything that is no letter, at digits (`prod2`) and before a capital
/// (`ordersProd`), so `product_catalog`, `reproduction` and `livestock` say nothing.
#[must_use]
pub fn tier_in_name(name: &str) -> Option<(Tier, String)> {
    let words = words(name);
    let tier_of = |(at, word): (usize, &String)| {
        let row = HOSTS.word.iter().find(|row| row.words.contains(word))?;
        let before = at.checked_sub(1).map(|before| words[before].as_str());
        match before.filter(|before| UNDOING.contains(before)) {
            Some(before) if row.tier == Tier::Production => {
                Some((Tier::Staging, format!("{before}-{word}")))
            }
            Some(_) => None,
            None => Some((row.tier, word.clone())),
        }
    };
    words.iter().enumerate().filter_map(tier_of).max_by_key(|(tier, _)| *tier)
}

/// Splits a name into its words, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        if !letter.is_alphabetic() || was_small && letter.is_uppercase() {
            words.push(String::new());
        }
        was_small = letter.is_lowercase();
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase().filter(|letter| letter.is_alphabetic()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn normal(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_speak_as_their_examples_say() {
        for row in &HOSTS.word {
            for (name, expected) in row
                .speaks
                .iter()
                .map(|name| (name, true))
                .chain(row.quiet.iter().map(|name| (name, false)))
            {
                let found = tier_in_host(name).map(|(tier, _)| tier);
                assert_eq!(found == Some(row.tier), expected, "{name}: {found:?}");
            }
        }
    }

    #[test]
    fn providers_are_known_by_their_examples() {
        for row in &HOSTS.service {
            assert!(row.speaks.iter().chain(&row.quiet).count() >= 3, "{}: examples", row.name);
            for name in &row.speaks {
                assert_eq!(provider(name), Some((row.name.as_str(), row.tier)), "{name}");
            }
            for name in &row.quiet {
                assert_ne!(provider(name).map(|found| found.0), Some(row.name.as_str()), "{name}");
            }
        }
        for name in ["localhost", "db.example.com", "", "[local]", "/run/postgresql", "10.0.0.1"] {
            assert_eq!(provider(name), None, "{name}");
        }
    }
}
