//! `nightlatch check`: the verdict on a text, without running it.

use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;

use serde::Serialize;

use crate::cli::{CheckArgs, time};
use crate::clients::known;
use crate::clock::Clock;
use crate::config::{self, ConfigError};
use crate::error::{Error, Kind};
use crate::lang::{Scope, Verb};
use crate::policy::{Challenge, Confidence, Decision, Facts, Verdict, judge};
use crate::target::Tier;
use crate::ui::visible::one_line;
use crate::world::World;

/// The object of the contract.
#[derive(Serialize)]
struct Answer<'a> {
    verdict: &'static str,
    challenge: Option<&'static str>,
    confidence: Confidence,
    effects: Vec<Shown<'a>>,
    reasons: &'a [String],
    tier: Tier,
    asks_reason: bool,
    wait_s: u64,
    config_errors: Vec<String>,
}

/// One effect of it.
#[derive(Serialize)]
struct Shown<'a> {
    verb: Verb,
    object: Option<&'a str>,
    scope: Scope,
    reversible: bool,
    span: [usize; 2],
    rule: Option<&'a str>,
    verdict: &'static str,
}

/// Judges standard input, or a file.
///
/// # Errors
///
/// Returns a usage error for a client or a time that is not known, and our own for a text that
/// cannot be read.
pub fn run(
    args: &CheckArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let mut bytes = Vec::new();
    match &args.file {
        Some(file) => {
            bytes = fs::read(file).map_err(|error| {
                Error::ours(format!("{} cannot be read.", file.display())).because(error)
            })?;
        }
        None => {
            std::io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|error| Error::ours("Standard input cannot be read.").because(error))?;
        }
    }
    tell(&String::from_utf8_lossy(&bytes), args, world, clock, out)
}

/// Judges a text.
///
/// # Errors
///
/// As [`run`].
pub fn tell(
    text: &str,
    args: &CheckArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let read = known::reader(&args.client).ok_or_else(|| unknown_reader(&args.client))?;
    let loaded = config::load(world);
    let config = loaded.config;
    let mistakes: Vec<String> = loaded.errors.iter().map(ConfigError::line).collect();
    let at = match &args.at {
        None => clock.now(),
        Some(at) => {
            let zone = config.zone();
            time::moment(at, &clock.now().to_zoned(zone)).ok_or_else(|| {
                Error::new(Kind::Usage, format!("`{at}` is not a time.")).hint(time::EXAMPLES)
            })?
        }
    };
    let (limits, rules) = (config.hold.limits, Arc::clone(&config.rules));
    let facts = Facts { limits, rules, ..Facts::new(args.tier, config.moment(at)) };
    let verdict = judge(&read(text), &facts);
    let text =
        if args.json { json(&verdict, args.tier, mistakes)? } else { plain(&verdict, &mistakes) };
    out.write_all(text.as_bytes())
        .map_err(|error| Error::ours("The verdict cannot be written.").because(error))?;
    Ok(match verdict.decision {
        Decision::Allow | Decision::Notice => 0,
        Decision::Hold(_) | Decision::Deny => 1,
    })
}

fn unknown_reader(name: &str) -> Error {
    let names = known::KNOWN.iter().map(|known| known.name);
    let names: Vec<&str> = names.chain(known::READ.iter().map(|(name, _)| *name)).collect();
    Error::new(Kind::Usage, format!("The client `{name}` is not known.")).hint(names.join(" or "))
}

fn plain(verdict: &Verdict, mistakes: &[String]) -> String {
    let mut text = match verdict.decision {
        Decision::Allow => "allow".to_owned(),
        Decision::Notice => "notice".to_owned(),
        Decision::Deny => "deny".to_owned(),
        Decision::Hold(Challenge::Yes) => "hold: asks for yes".to_owned(),
        Decision::Hold(Challenge::TypeTarget { reason, wait }) => {
            let mut text = "hold: asks for the target's name".to_owned();
            if reason {
                text.push_str(", after a reason");
            }
            if !wait.is_zero() {
                text.push_str(&format!(" and {} s", wait.as_secs()));
            }
            text
        }
    };
    text.push('\n');
    for reason in &verdict.reasons {
        // A reason quotes the text, which may hold anything.
        text.push_str(&format!("  {}\n", one_line(reason)));
    }
    if let Some(rule) = verdict.rule().filter(|_| verdict.decision > Decision::Allow) {
        text.push_str(&format!("  why: nightlatch rules explain {rule}\n"));
    }
    for mistake in mistakes {
        let mistake = one_line(mistake);
        text.push_str(&format!("  the configuration has a mistake: {mistake}\n"));
    }
    text
}

fn json(verdict: &Verdict, tier: Tier, config_errors: Vec<String>) -> Result<String, Error> {
    let (challenge, asks_reason, wait_s) = match verdict.decision {
        Decision::Hold(Challenge::Yes) => (Some("yes"), false, 0),
        Decision::Hold(Challenge::TypeTarget { reason, wait }) => {
            (Some("type-target"), reason, wait.as_secs())
        }
        Decision::Allow | Decision::Notice | Decision::Deny => (None, false, 0),
    };
    let effects = verdict
        .findings
        .iter()
        .map(|finding| Shown {
            verb: finding.effect.verb,
            object: finding.effect.object.as_deref(),
            scope: finding.effect.scope,
            reversible: finding.effect.reversible,
            span: [finding.effect.span.start, finding.effect.span.end],
            rule: finding.rule.as_deref(),
            verdict: finding.decision.word(),
        })
        .collect();
    let answer = Answer {
        verdict: verdict.decision.word(),
        challenge,
        confidence: verdict.confidence,
        effects,
        reasons: &verdict.reasons,
        tier,
        asks_reason,
        wait_s,
        config_errors,
    };
    let mut text = serde_json::to_string(&answer)
        .map_err(|error| Error::ours("The verdict cannot be written as JSON.").because(error))?;
    text.push('\n');
    Ok(text)
}
