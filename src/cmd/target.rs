//! `nightlatch target`: what a command line would connect to, and why that tier.

use std::io::Write;

use serde::Serialize;

use crate::cli::TargetArgs;
use crate::clients::known;
use crate::clock::Clock;
use crate::config;
use crate::error::{Error, Kind};
use crate::here::Here;
use crate::target::{Decided, Evidence, Tier};
use crate::ui::visible::one_line;
use crate::world::World;

/// One target as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    tier: Tier,
    target: String,
    name: Option<&'a str>,
    user: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<u16>,
    database: Option<&'a str>,
    evidence: &'a [Evidence],
    /// What of it speaks for another tier.
    conflicts: Vec<&'a Evidence>,
}

/// The whole answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    first: Shown<'a>,
    /// Further hosts that would be tried.
    others: Vec<Shown<'a>>,
    config_errors: Vec<String>,
}

/// Prints where a command line would connect.
///
/// # Errors
///
/// Returns a usage error for a client that is not known or arguments that it would refuse.
pub fn run(
    args: &TargetArgs,
    world: &World,
    _clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let usage = |message: String| Error::new(Kind::Usage, message);
    let Some((name, rest)) = args.command.split_first() else {
        return Err(usage("No client was given.".to_owned()));
    };
    let decide = known::decider(name).ok_or_else(|| unknown_client(name))?;
    let refuses = |why: String| usage(format!("{name} would refuse this command line: {why}."));
    let loaded = config::load(world);
    let here = Here::new(world);
    let known = here.known(&loaded.config.targets);
    let all = decide(rest, world, &known).map_err(refuses)?;
    let config_errors: Vec<String> = loaded.errors.iter().map(|error| error.line()).collect();
    let text = if args.json {
        json(&all, config_errors)?
    } else {
        let closed = all.iter().any(|decided| loaded.config.fails_closed(decided));
        let warning = if closed { FAILS_CLOSED } else { "" };
        let notes = config_errors.iter().map(|error| note(error));
        all.iter().map(text).chain([warning.to_owned()]).chain(notes).collect()
    };
    out.write_all(text.as_bytes())
        .map_err(|error| Error::ours("The answer cannot be written.").because(error))?;
    Ok(0)
}

/// What a broken configuration means for a target it does not name.
const FAILS_CLOSED: &str = "held      as on production: a mistake in the configuration may hide what \
                            it says of this target\n";

/// Says which clients are known.
pub(super) fn unknown_client(name: &str) -> Error {
    let names: Vec<&str> = known::KNOWN.iter().map(|known| known.name).collect();
    Error::new(Kind::Usage, format!("The client `{name}` is not known.")).hint(names.join(" or "))
}

fn note(error: &str) -> String {
    format!("note      the configuration has a mistake: {}\n", one_line(error))
}

fn text(decided: &Decided) -> String {
    let target = &decided.target;
    let mut text = format!("target    {}\n", one_line(&target.address.to_string()));
    if let Some(name) = &target.name {
        text.push_str(&format!("name      {}\n", one_line(name)));
    }
    text.push_str(&format!("tier      {}\n", target.tier));
    let mut label = "evidence";
    for item in &decided.evidence {
        let tier = item.tier.to_string();
        text.push_str(&format!(
            "{label:<10}{tier:<13}{} ({})\n",
            one_line(&item.text),
            one_line(&item.source)
        ));
        label = "";
    }
    for item in decided.conflicts() {
        text.push_str(&format!(
            "conflict  {} speaks for {}; {} counts\n",
            one_line(&item.text),
            item.tier,
            target.tier
        ));
    }
    if decided.evidence.is_empty() {
        text.push_str("evidence  none\n");
    }
    text
}

fn json(all: &[Decided], config_errors: Vec<String>) -> Result<String, Error> {
    let mut shown = all.iter().map(|decided| {
        let address = &decided.target.address;
        Shown {
            tier: decided.target.tier,
            target: address.to_string(),
            name: decided.target.name.as_deref(),
            user: address.user.as_deref(),
            host: address.host.as_deref(),
            port: address.port,
            database: address.database.as_deref(),
            evidence: &decided.evidence,
            conflicts: decided.conflicts().collect(),
        }
    });
    let Some(first) = shown.next() else {
        return Err(Error::ours("There is no target."));
    };
    let answer = Answer { first, others: shown.collect(), config_errors };
    let mut text = serde_json::to_string(&answer)
        .map_err(|error| Error::ours("The answer cannot be written as JSON.").because(error))?;
    text.push('\n');
    Ok(text)
}
