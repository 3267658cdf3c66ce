//! The configuration as text, the way a file would say it.

use super::keys::{KEYS, Slot};
use super::{Config, parse};
use crate::target::Tier;

/// Writes the whole configuration as TOML.
#[must_use]
pub fn show(config: &Config) -> String {
    // The table of keys hands out places to write; a copy keeps this a reader.
    let mut copy = config.clone();
    let mut text = String::new();
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            if !section.is_empty() {
                text.push('\n');
            }
            section = key.section;
            text.push_str(&format!("[{section}]\n"));
            if section == "hours" {
                text.push_str(&hours(config));
            }
            if section == "look" {
                text.push_str(&format!("tint = {}\n", quote(&config.look.tint.to_string())));
            }
        }
        let value = match (key.slot)(&mut copy) {
            Slot::Duration(value) => quote(&parse::show_duration(*value)),
            Slot::Count(value) | Slot::Days(value) => value.to_string(),
            Slot::Size(value) => quote(&parse::show_size(*value)),
            Slot::Flag(value) => value.to_string(),
        };
        text.push_str(&format!("{} = {value}\n", key.name));
    }
    text.push_str("\n[redact]\n");
    let patterns = config.redact.iter().map(|entry| {
        format!("{{ kind = {}, pattern = {} }}", quote(&entry.kind), quote(&entry.pattern))
    });
    text.push_str(&list("patterns", patterns));
    for freeze in &config.calendar.freezes {
        text.push_str(&format!("\n[[freeze]]\nname = {}\n", quote(&freeze.name)));
        text.push_str(&format!("from = {}\n", quote(&parse::show_edge(freeze.from))));
        text.push_str(&format!("to = {}\n", quote(&parse::show_edge(freeze.to))));
        if let Some(reason) = &freeze.reason {
            text.push_str(&format!("reason = {}\n", quote(reason)));
        }
    }
    for target in &config.targets {
        text.push_str(&format!("\n[[target]]\nname = {}\n", quote(&target.name)));
        let tier: Tier = target.tier;
        text.push_str(&format!("tier = \"{tier}\"\n"));
        let patterns = target.patterns.iter().map(|pattern| quote(&pattern.to_string()));
        text.push_str(&list("match", patterns));
        if let Some(impact) = target.impact {
            text.push_str(&format!("impact = {impact}\n"));
        }
        if let Some(idle) = target.idle {
            text.push_str(&format!("idle = {}\n", quote(&parse::show_duration(idle))));
        }
    }
    text
}

fn hours(config: &Config) -> String {
    let ranges: Vec<String> =
        config.calendar.late.iter().map(|range| quote(&parse::show_range(*range))).collect();
    let late = match ranges.as_slice() {
        [] => quote("off"),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let zone = config.timezone.as_deref().unwrap_or("system");
    format!("late = {late}\ntimezone = {}\n", quote(zone))
}

fn list(key: &str, entries: impl Iterator<Item = String>) -> String {
    format!("{key} = [{}]\n", entries.collect::<Vec<_>>().join(", "))
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
