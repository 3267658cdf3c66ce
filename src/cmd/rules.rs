//! `nightlatch rules`: the pages, listed and explained.

use std::io::Write;

use crate::cli::{RulesArgs, RulesCommand};
use crate::clock::Clock;
use crate::config::keys::closest;
use crate::config::{self, ConfigError};
use crate::error::{Error, Kind};
use crate::policy::Rule;
use crate::policy::rule::Most;
use crate::ui::visible::one_line;
use crate::world::World;

/// Lists or explains the rules.
///
/// # Errors
///
/// Returns a usage error for a rule that is not there.
pub fn run(
    args: &RulesArgs,
    world: &World,
    _clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let loaded = config::load(world);
    let own = loaded.config.rules;
    let rules: Vec<&Rule> = own.iter().chain(Rule::all()).collect();
    let list_all = RulesCommand::List { json: false };
    let text = match args.command.as_ref().unwrap_or(&list_all) {
        RulesCommand::List { json: false } => list(&rules, &loaded.errors),
        RulesCommand::List { json: true } => json(&rules)?,
        RulesCommand::Explain { id } => {
            let found = rules.iter().find(|rule| rule.id == *id);
            explain(found.ok_or_else(|| unknown(id, &rules))?)
        }
    };
    out.write_all(text.as_bytes())
        .map_err(|error| Error::ours("The rules cannot be written out.").because(error))?;
    Ok(0)
}

fn list(rules: &[&Rule], mistakes: &[ConfigError]) -> String {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let lines = rules.iter().map(|rule| format!("{:<width$}  {}\n", rule.id, rule.title));
    let mistakes = mistakes
        .iter()
        .map(|mistake| format!("the configuration has a mistake: {}\n", one_line(&mistake.line())));
    lines.chain(mistakes).collect()
}

fn json(rules: &[&Rule]) -> Result<String, Error> {
    let mut text = String::new();
    for rule in rules {
        let line = serde_json::to_string(rule)
            .map_err(|error| Error::ours("A rule cannot be written as JSON.").because(error))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

fn explain(rule: &Rule) -> String {
    let indent = |texts: &[String]| -> String {
        texts.iter().map(|text| format!("  {}\n", text.replace('\n', "\n  "))).collect()
    };
    let stops = match (rule.decision, rule.most) {
        (Some(raise), _) => format!("At least {} wherever it applies:", raise.decision().word()),
        (None, Most::Notice) => "Noticed on production, at the latest in late hours:".to_owned(),
        (None, Most::Hold) => "Held on production, at the latest in late hours:".to_owned(),
    };
    format!(
        "{}: {}\n\n{}\n\n{stops}\n{}\nNot this rule's:\n{}",
        rule.id,
        rule.title,
        rule.why.trim(),
        indent(&rule.hold),
        indent(&rule.pass),
    )
}

fn unknown(id: &str, rules: &[&Rule]) -> Error {
    let ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    let hint = match closest(id, &ids) {
        Some(close) => format!("nightlatch rules explain {close}"),
        None => "nightlatch rules list".to_owned(),
    };
    Error::new(Kind::Usage, format!("There is no rule `{id}`.")).hint(hint)
}
