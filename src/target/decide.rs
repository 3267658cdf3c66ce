//! From an address, or a command line, to a tier with its evidence.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use serde::Serialize;

use super::evidence::{Evidence, Strength, weigh};
use super::hosts::{is_in_cluster, provider, tier_in_host, tier_in_name};
use super::libpq::Param;
use super::pattern::{DEFAULT_SOCKET, Pattern, is_loopback, is_socket};
use super::tunnel::{self, Far, Tunnel, Tunnels};
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
    /// What leads from this machine's ports to elsewhere.
    pub tunnels: Option<&'a Tunnels>,
    /// The cluster of Kubernetes that this machine's commands go to.
    pub cluster: Option<&'a Cluster>,
    /// What the live connection adds.
    pub seen: Option<&'a Seen>,
    /// How many tunnels were passed on the way.
    pub passed: u8,
}

/// More tunnels than anybody puts behind one another: they may make a ring.
const MOST_TUNNELS: u8 = 4;

/// The name of a cluster, looked for when the first host in one is asked about.
pub type Cluster = LazyCell<Option<String>, Box<dyn FnOnce() -> Option<String>>>;

/// What was seen of a live connection itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Other names of the host, each with how it was found: "the peer address 10.1.2.3".
    pub aliases: Vec<(String, String)>,
    /// What is remembered of the server.
    pub server: Option<Remembered>,
}

/// A server that was met before, through any door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What it was then.
    pub tier: Tier,
    /// Its name in the configuration then.
    pub name: Option<String>,
    /// How it was reached, and when: "orders@db1.prod.example.com:5432/orders on 2026-11-20".
    pub text: String,
}

/// A target and everything that speaks for its tier, strongest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Where, and how much depends on it.
    pub target: Target,
    /// Why, strongest first.
    pub evidence: Vec<Evidence>,
    /// What of it is not of the address itself, so that the address alone would not tell it again.
    #[serde(skip)]
    pub noted: Vec<Evidence>,
}

impl Decided {
    /// Tells whether a `[[target]]` of the configuration decided the tier.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.evidence.first().is_some_and(|item| item.strength == Strength::Configured)
    }

    /// Adds evidence that is not of the address itself.
    #[must_use]
    pub fn also(self, evidence: Vec<Evidence>) -> Self {
        let Target { address, tier, name } = self.target;
        let names = name.into_iter().map(|name| (tier, name)).collect();
        let mut found = Found { evidence: self.evidence, raised: Vec::new(), names };
        found.evidence.extend(evidence.iter().cloned());
        let noted = self.noted.into_iter().chain(evidence).collect();
        Self { noted, ..found.decide(&address) }
    }

    /// Returns the evidence that speaks for another tier than was decided, hints left out.
    pub fn conflicts(&self) -> impl Iterator<Item = &Evidence> {
        let counts =
            |item: &&Evidence| item.strength > Strength::Place && item.tier != self.target.tier;
        self.evidence.iter().filter(counts)
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
            decided.also(noted(&endpoint.address, &resolved, surroundings))
        })
        .collect();
    all.sort_by_key(|decided| std::cmp::Reverse(decided.target.tier));
    Ok(all)
}

/// What the names people gave to a service, and noted above a password, say of a server.
fn noted(
    address: &Address,
    resolved: &libpq::Resolved,
    surroundings: &libpq::Surroundings,
) -> Vec<Evidence> {
    let service = resolved.service.as_deref().map(|name| ("service name", name));
    let comment = surroundings
        .pass_file
        .as_deref()
        .and_then(|text| libpq::pass_file::comment(address, text))
        .map(|comment| ("comment in the password file", comment));
    let speak = |(source, text): (&str, &str)| Evidence::in_name(text, Strength::Name, source);
    service.into_iter().chain(comment).filter_map(speak).collect()
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
    let mut found = Found::default();
    let aliases = known.seen.map_or(&[][..], |seen| &seen.aliases);
    // libpq connects to `hostaddr` where it is given; patterns may name either.
    let others = hostaddr
        .into_iter()
        .map(|number| (number, ""))
        .chain(aliases.iter().map(|(name, how)| (name.as_str(), how.as_str())));
    let called: Vec<(Address, &str)> =
        std::iter::once((address.clone(), ""))
            .chain(others.map(|(host, how)| {
                (Address { host: Some(host.to_owned()), ..address.clone() }, how)
            }))
            .collect();
    for rule in known.rules {
        let matching =
            called.iter().find_map(|(address, how)| Some((rule.matching(address)?, *how)));
        let Some((pattern, how)) = matching else { continue };
        let comma = if how.is_empty() { "" } else { ", " };
        let text = format!("`{pattern}` is {}{comma}{how}", rule.name);
        found.add(rule.tier, Strength::Configured, "config", text);
        found.names.push((rule.tier, rule.name.clone()));
        if rule.raises_only {
            found.raised.extend(found.evidence.pop());
        }
    }
    if let Some(server) = known.seen.and_then(|seen| seen.server.as_ref()) {
        let text = format!("the same server as {}", server.text);
        // Only what is dangerous stays so through every door: a live server may have been made from
        // a copy of a staging one.
        let strength = match server.tier {
            Tier::Production => Strength::Server,
            Tier::Development | Tier::Unknown | Tier::Staging => Strength::Hint,
        };
        found.add(server.tier, strength, "server identity", text);
        found.names.extend(server.name.clone().map(|name| (server.tier, name)));
    }
    unconfigured(address, hostaddr, known, &mut found);
    found.decide(address)
}

/// The evidence found so far.
#[derive(Default)]
struct Found {
    evidence: Vec<Evidence>,
    /// What a project's file says.
    raised: Vec<Evidence>,
    /// Names from the configuration, each with the tier it stands for; the first that fits counts.
    names: Vec<(Tier, String)>,
}

impl Found {
    fn add(&mut self, tier: Tier, strength: Strength, source: &str, text: String) {
        self.evidence.push(Evidence { tier, strength, source: source.to_owned(), text });
    }

    fn decide(self, address: &Address) -> Decided {
        let Self { mut evidence, raised, names } = self;
        // A project's rule counts only where it makes the tier more dangerous than it was.
        let before = weigh(&evidence);
        evidence.extend(raised.into_iter().filter(|item| item.tier >= before));
        evidence.sort_by_key(|item| std::cmp::Reverse((item.strength, item.tier)));
        let tier = weigh(&evidence);
        let name = names.into_iter().find(|(named, _)| *named == tier).map(|(_, name)| name);
        let target = Target { address: address.clone(), tier, name };
        Decided { target, evidence, noted: Vec::new() }
    }
}

/// What the address says by itself.
fn unconfigured(address: &Address, hostaddr: Option<&str>, known: &Known<'_>, found: &mut Found) {
    let host = address.host.as_deref().unwrap_or(DEFAULT_SOCKET);
    let reached = hostaddr.unwrap_or(host);
    let socket = hostaddr.is_none() && is_socket(host);
    // A socket has a number in its name; a database file has none.
    let file = socket && host.starts_with('/') && address.port.is_none();
    let is_here = socket || is_loopback(reached);
    let own = if socket { tunnel::of_socket(host) } else { None };
    let listener = own.as_ref().or_else(|| listener(address, known).filter(|_| is_here));
    let tunnel = listener.filter(|tunnel| tunnel.far != Far::Container);
    match tunnel {
        Some(tunnel) => through(tunnel, address, known, found),
        None if is_here => {
            let text = match (listener, socket) {
                _ if file => "a file of this machine".to_owned(),
                (Some(container), _) => format!("{} is {container}", door(address)),
                (None, true) => "a unix socket of this machine".to_owned(),
                (None, false) => format!("{reached} is this machine"),
            };
            found.add(Tier::Development, Strength::Place, "address", text);
            if let Some((tier, word)) = known.machine.and_then(tier_in_host).filter(|_| !file) {
                let text = format!(
                    "`{word}` in this machine's name, {}",
                    known.machine.unwrap_or_default()
                );
                found.add(tier, Strength::Name, "machine name", text);
            }
        }
        None => {}
    }
    if !socket {
        named(host, "host name", found);
    }
    // Names of a cluster mean another server in each.
    if is_in_cluster(host)
        && let Some(cluster) = known.cluster.and_then(|cluster| cluster.as_deref())
    {
        let said = Evidence::in_name(cluster, Strength::Provider, "context of Kubernetes");
        found.evidence.extend(said);
    }
    let is_told_there = tunnel.is_some_and(|tunnel| matches!(tunnel.far, Far::Server { .. }));
    if let Some(database) = &address.database
        && !is_told_there
        && let Some((tier, word)) = tier_in_name(database)
    {
        // A local copy is often named after its original: the contract makes it development. And
        // no database's name says that its server is not live.
        let is_weak = (is_here && tunnel.is_none()) || tier == Tier::Development;
        let strength = if is_weak { Strength::Hint } else { Strength::Name };
        found.add(tier, strength, "database name", format!("`{word}` in {database}"));
    }
}

/// What the name of a host, or of something like one, says.
fn named(host: &str, source: &str, found: &mut Found) {
    if let Some((tier, word)) = tier_in_host(host) {
        found.add(tier, Strength::Name, source, format!("`{word}` in {host}"));
    }
    if let Some((provider, tier)) = provider(host) {
        let text = format!("{host} is a server of {provider}");
        found.add(tier, Strength::Provider, source, text);
    }
}

/// Says which port of this machine an address is.
fn door(address: &Address) -> String {
    let host = address.host.as_deref().unwrap_or(DEFAULT_SOCKET);
    match address.port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Returns what listens on a port of this machine to pass it on.
fn listener<'a>(address: &Address, known: &Known<'a>) -> Option<&'a Tunnel> {
    let host = address.host.as_deref().unwrap_or(DEFAULT_SOCKET);
    let ours = known.tunnels?.iter().filter(|tunnel| tunnel.is_at(host, address.port));
    let is_for = |tunnel: &&Tunnel| {
        tunnel.database.as_ref().is_none_or(|name| Some(name) == address.database.as_ref())
    };
    ours.filter(is_for).max_by_key(|tunnel| tunnel.database.is_some())
}

/// What is known of a tunnel's far end.
fn through(tunnel: &Tunnel, address: &Address, known: &Known<'_>, found: &mut Found) {
    let door = door(address);
    let mut inner = Found::default();
    match &tunnel.far {
        Far::Server { host, port, database } => {
            let far = Address {
                host: Some(host.clone()),
                port: port.or(address.port),
                database: database.clone().or_else(|| address.database.clone()),
                user: address.user.clone(),
            };
            // The far end's own loopback is not this machine's, and what else listens here does not
            // matter there, unless it goes through nothing.
            let is_here = tunnel.via.is_empty()
                && (is_socket(host) || is_loopback(host))
                && known.passed < MOST_TUNNELS;
            let beyond = if is_here {
                Known { seen: None, passed: known.passed + 1, ..*known }
            } else {
                Known { rules: known.rules, ..Known::default() }
            };
            let decided = for_endpoint(&far, None, &beyond);
            let counts = |item: &Evidence| is_here || item.strength != Strength::Place;
            inner.evidence.extend(decided.evidence.into_iter().filter(counts));
            inner.names.extend(decided.target.name.map(|name| (decided.target.tier, name)));
        }
        Far::Named(name) => named(name, "host name", &mut inner),
        Far::Container | Far::Unknown => {}
    }
    for name in &tunnel.via {
        named(name, "the way there", &mut inner);
    }
    let names = inner.names.clone();
    let tier = weigh(&inner.evidence);
    let strength = inner.evidence.iter().map(|item| item.strength).max();
    found.add(
        tier,
        strength.unwrap_or(Strength::Place).max(Strength::Place),
        "listener",
        format!("{door} is {tunnel}"),
    );
    for item in inner.evidence {
        let source = format!("{}, behind {door}", item.source);
        found.evidence.push(Evidence { source, ..item });
    }
    found.names.extend(names);
}
