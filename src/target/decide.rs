//! From an address, or a command line, to a tier with its evidence.

use std::collections::BTreeMap;

use serde::Serialize;

use super::evidence::{Evidence, Strength, weigh};
use super::libpq::Param;
use super::names::tier_in_name;
use super::pattern::{DEFAULT_SOCKET, Pattern, is_loopback, is_socket};
use super::{Address, Target, Tier, libpq};

/// One `[[target]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRule {
    /// Shown in titles and dialogues.
    pub name: String,
    /// What its addresses are.
    pub tier: Tier,
    /// Which addresses it means; excluding patterns win.
    pub patterns: Vec<Pattern>,
    /// Whether it may only raise a tier: rules of a `.nightlatch.toml`.
    pub raises_only: bool,
    /// Whether the impact side connection is made; none leaves it to `[impact] enabled`.
    pub impact: Option<bool>,
    /// How long a session may idle before its next write is asked for; none leaves it to `[idle]`.
    pub idle: Option<std::time::Duration>,
}

impl TargetRule {
    /// Returns the pattern that makes the address one of this target's.
    #[must_use]
    pub fn matching(&self, address: &Address) -> Option<&Pattern> {
        let mut fitting = self.patterns.iter().filter(|pattern| pattern.fits(address));
        let first = fitting.next()?;
        (!first.excludes() && !fitting.any(Pattern::excludes)).then_some(first)
    }
}

/// What is known of the world beside the address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The targets of the configuration.
    pub rules: &'a [TargetRule],
    /// The name of this machine: on a production server loopback is production.
    pub machine: Option<&'a str>,
}

/// A target and everything that speaks for its tier, strongest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Where, and how much depends on it.
    pub target: Target,
    /// Why, strongest first.
    pub evidence: Vec<Evidence>,
}

impl Decided {
    /// Tells whether a `[[target]]` of the configuration decided the tier.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.evidence.first().is_some_and(|item| item.strength == Strength::Configured)
    }
}

/// Decides the tier of an address, as the live connection reports it (`[local]` for sockets).
#[must_use]
pub fn for_address(address: &Address, known: &Known<'_>) -> Decided {
    for_endpoint(address, None, known)
}

/// Decides what a psql command line would connect to. Of several hosts each is looked at and the
/// most dangerous is returned first; the others follow in the order psql tries them.
///
/// # Errors
///
/// Returns a phrase where libpq itself would refuse the parameters.
pub fn for_invocation(
    given: &libpq::Given,
    surroundings: &libpq::Surroundings,
    known: &Known<'_>,
) -> Result<Vec<Decided>, String> {
    let resolved = libpq::resolve(given, surroundings)?;
    let mut all: Vec<Decided> = resolved
        .endpoints
        .iter()
        .map(|endpoint| {
            let mut decided = for_endpoint(&endpoint.address, endpoint.hostaddr.as_deref(), known);
            for item in &mut decided.evidence {
                if let Some(from) = origin(&item.source, &resolved.sources) {
                    item.source = format!("{}, from {from}", item.source);
                }
            }
            decided
        })
        .collect();
    all.sort_by_key(|decided| std::cmp::Reverse(decided.target.tier));
    Ok(all)
}

/// Returns where the parameter behind a piece of evidence came from.
fn origin<'a>(evidence: &str, sources: &'a BTreeMap<Param, String>) -> Option<&'a String> {
    match evidence {
        "database name" => sources.get(&Param::Dbname),
        "address" => sources.get(&Param::Hostaddr).or_else(|| sources.get(&Param::Host)),
        "host name" => sources.get(&Param::Host).or_else(|| sources.get(&Param::Hostaddr)),
        _ => None,
    }
}

fn for_endpoint(address: &Address, hostaddr: Option<&str>, known: &Known<'_>) -> Decided {
    let host = address.host.as_deref().unwrap_or(DEFAULT_SOCKET);
    let mut evidence = Vec::new();
    let mut raised = Vec::new();
    // libpq connects to `hostaddr` where it is given; patterns may name either.
    let by_number =
        hostaddr.map(|number| Address { host: Some(number.to_owned()), ..address.clone() });
    let mut name = None;
    for rule in known.rules {
        let found = rule
            .matching(address)
            .or_else(|| by_number.as_ref().and_then(|address| rule.matching(address)));
        let Some(pattern) = found else { continue };
        let item = Evidence {
            tier: rule.tier,
            strength: Strength::Configured,
            source: "config".to_owned(),
            text: format!("`{pattern}` of {} matches", rule.name),
        };
        if rule.raises_only { &mut raised } else { &mut evidence }.push((item, &rule.name));
    }
    let mut weighed: Vec<Evidence> = evidence.iter().map(|(item, _)| item.clone()).collect();
    weighed.extend(unconfigured(address, host, hostaddr, known.machine));
    let before = weigh(&weighed);
    // A project's rule counts only where it makes the tier more dangerous than it was.
    for (item, rule_name) in raised {
        if item.tier >= before {
            weighed.push(item.clone());
            evidence.push((item, rule_name));
        }
    }
    weighed.sort_by_key(|item| std::cmp::Reverse((item.strength, item.tier)));
    let tier = weigh(&weighed);
    for (item, rule_name) in &evidence {
        if item.tier == tier && name.is_none() {
            name = Some((*rule_name).clone());
        }
    }
    Decided { target: Target { address: address.clone(), tier, name }, evidence: weighed }
}

/// What the address says by itself.
fn unconfigured(
    address: &Address,
    host: &str,
    hostaddr: Option<&str>,
    machine: Option<&str>,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let item = |tier, strength, source: &str, text: String| Evidence {
        tier,
        strength,
        source: source.to_owned(),
        text,
    };
    let reached = hostaddr.unwrap_or(host);
    let socket = hostaddr.is_none() && is_socket(host);
    let is_here = socket || is_loopback(reached);
    if is_here {
        let text = if socket {
            "a unix socket of this machine".to_owned()
        } else {
            format!("{reached} is this machine")
        };
        evidence.push(item(Tier::Development, Strength::Place, "address", text));
        if let Some((tier, word)) = machine.and_then(tier_in_name) {
            let machine = machine.unwrap_or_default();
            let text = format!("`{word}` in this machine's name, {machine}");
            evidence.push(item(tier, Strength::Name, "machine name", text));
        }
    }
    if !socket && let Some((tier, word)) = tier_in_name(host) {
        let text = format!("`{word}` in {host}");
        evidence.push(item(tier, Strength::Name, "host name", text));
    }
    if let Some(database) = &address.database
        && let Some((tier, word)) = tier_in_name(database)
    {
        // A local copy is often named after its original: the contract makes it development.
        let strength = if is_here { Strength::Hint } else { Strength::Name };
        let text = format!("`{word}` in {database}");
        evidence.push(item(tier, strength, "database name", text));
    }
    evidence
}
