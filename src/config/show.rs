//! The configuration as text, the way a file would say it.

use super::keys::{KEYS, Slot};
use super::types::OwnHours;
use super::{Config, parse};
use crate::policy::Window;
use crate::policy::window::When;
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
        match &freeze.when {
            When::Once { from, to } => {
                text.push_str(&format!("from = {}\n", quote(&parse::show_edge(*from))));
                text.push_str(&format!("to = {}\n", quote(&parse::show_edge(*to))));
            }
            When::Every(windows) => text.push_str(&format!("every = {}\n", show_windows(windows))),
        }
        if let Some(reason) = &freeze.reason {
            text.push_str(&format!("reason = {}\n", quote(reason)));
        }
        if !freeze.targets.is_empty() {
            text.push_str(&list("targets", freeze.targets.iter().map(|name| quote(name))));
        }
        if !freeze.tiers.is_empty() {
            text.push_str(&tiers(&freeze.tiers));
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
        if let Some(own) = config.own_hours.iter().find(|own| own.target == target.name) {
            own_hours(&mut text, own);
        }
    }
    text
}

fn hours(config: &Config) -> String {
    let zone = config.timezone.as_deref().unwrap_or("system");
    let late = show_windows(&config.calendar.late);
    let tiers = tiers(&config.calendar.tiers);
    format!("late = {late}\n{tiers}timezone = {}\n", quote(zone))
}

fn own_hours(text: &mut String, own: &OwnHours) {
    if let Some(late) = &own.late {
        text.push_str(&format!("late = {}\n", show_windows(late)));
    }
    if let Some(weekends) = own.weekends {
        text.push_str(&format!("weekends = {weekends}\n"));
    }
    if let Some(zone) = &own.timezone {
        text.push_str(&format!("timezone = {}\n", quote(zone.as_deref().unwrap_or("system"))));
    }
}

fn show_windows(windows: &[Window]) -> String {
    let shown: Vec<String> =
        windows.iter().map(|window| quote(&parse::show_window(*window))).collect();
    match shown.as_slice() {
        [] => quote("off"),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

fn tiers(tiers: &[Tier]) -> String {
    list("tiers", tiers.iter().map(|tier| quote(&tier.to_string())))
}

fn list(key: &str, entries: impl Iterator<Item = String>) -> String {
    format!("{key} = [{}]\n", entries.collect::<Vec<_>>().join(", "))
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
