//! `nightlatch rules`: the pages, listed and explained.

use std::io::Write;

use crate::cli::{RulesArgs, RulesCommand};
use crate::clock::Clock;
use crate::config::keys::closest;
use crate::error::{Error, Kind};
use crate::policy::Rule;
use crate::policy::rule::Most;
use crate::world::World;

/// Lists or explains the rules.
///
/// # Errors
///
/// Returns a usage error for a rule that is not there.
pub fn run(
    args: &RulesArgs,
    _world: &World,
    _clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let text = match args
        .command
        .as_ref()
        .unwrap_or(&RulesCommand::List { json: false })
    {
        RulesCommand::List { json: false } => list(),
        RulesCommand::List { json: true } => json()?,
        RulesCommand::Explain { id } => explain(Rule::by_id(id).ok_or_else(|| unknown(id))?),
    };
    out.write_all(text.as_bytes())
        .map_err(|error| Error::ours("The rules cannot be written out.").because(error))?;
    Ok(0)
}

fn list() -> String {
    let width = Rule::all()
        .iter()
        .map(|rule| rule.id.len())
        .max()
        .unwrap_or_default();
    Rule::all()
        .iter()
        .map(|rule| format!("{:<width$}  {}\n", rule.id, rule.title))
        .collect()
}

fn json() -> Result<String, Error> {
    let mut text = String::new();
    for rule in Rule::all() {
        let line = serde_json::to_string(rule)
            .map_err(|error| Error::ours("A rule cannot be written as JSON.").because(error))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

fn explain(rule: &Rule) -> String {
    let indent = |texts: &[String]| -> String {
        texts
            .iter()
            .map(|text| format!("  {}\n", text.replace('\n', "\n  ")))
            .collect()
    };
    let stops = match rule.most {
        Most::Notice => "Noticed",
        Most::Hold => "Held",
    };
    format!(
        "{}: {}\n\n{}\n\n{stops} on production, at the latest in late hours:\n{}\nNot this rule's:\n{}",
        rule.id,
        rule.title,
        rule.why.trim(),
        indent(&rule.hold),
        indent(&rule.pass),
    )
}

fn unknown(id: &str) -> Error {
    let ids: Vec<&str> = Rule::all().iter().map(|rule| rule.id.as_str()).collect();
    let hint = match closest(id, &ids) {
        Some(close) => format!("nightlatch rules explain {close}"),
        None => "nightlatch rules list".to_owned(),
    };
    Error::new(Kind::Usage, format!("There is no rule `{id}`.")).hint(hint)
}
