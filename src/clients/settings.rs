//! What a program is told to run as: the settings of frameworks, and `.env` files.

use std::fs;
use std::path::Path;

use crate::target::hosts::tier_in_name;
use crate::target::{Evidence, Strength, Tier};
use crate::world::World;

/// Variables that name the settings a program runs with.
const VARIABLES: &[&str] = &[
    "DJANGO_SETTINGS_MODULE",
    "DJANGO_ENV",
    "DJANGO_CONFIGURATION",
    "RAILS_ENV",
    "RACK_ENV",
    "NODE_ENV",
    "APP_ENV",
    "APP_SETTINGS",
    "FLASK_ENV",
    "PYTHON_ENV",
    "ENVIRONMENT",
    "DEPLOY_ENV",
    "MIX_ENV",
];

/// Options that do the same: of Django's commands, and of Rails'.
const OPTIONS: &[&str] = &["--settings", "--configuration", "--environment", "-e"];

/// The longest file of settings that is read, in bytes.
const MOST_BYTES: u64 = 1 << 16;

/// Returns what command line and variables say that a program runs as. That it runs as
/// development says nothing of the server it was pointed at.
#[must_use]
pub fn evidence(args: &[String], world: &World) -> Vec<Evidence> {
    let variables =
        VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), world.var(name)?)));
    let options = args.iter().enumerate().filter_map(|(at, arg)| {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name, value),
            None => (arg.as_str(), args.get(at + 1)?.as_str()),
        };
        let is_meant = OPTIONS.contains(&name) || (arg.contains('=') && VARIABLES.contains(&name));
        is_meant.then(|| (name.to_owned(), value))
    });
    variables
        .chain(options)
        .filter_map(|(source, value)| {
            let (tier, word) = tier_in_name(value)?;
            let strength = if tier == Tier::Development { Strength::Hint } else { Strength::Name };
            Some(Evidence { tier, strength, source, text: format!("`{word}` in {value}") })
        })
        .collect()
}

/// Reads a plain file of settings; none where there is none, or one that is too large for that.
#[must_use]
pub fn small_file(path: &Path) -> Option<String> {
    let is_plain =
        fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() <= MOST_BYTES);
    is_plain.then(|| fs::read_to_string(path).ok()).flatten()
}

/// Reads the `.env` file of the working directory, which many programs load by themselves.
#[must_use]
pub fn dot_env(world: &World) -> Vec<(String, String)> {
    let text = small_file(&world.cwd.join(".env")).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
            let value = value.trim();
            let value = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
                Some(_) | None => value.split(" #").next().unwrap_or_default().trim_end(),
            };
            let is_set = !name.starts_with('#') && !value.is_empty();
            is_set.then(|| (name.trim().to_owned(), value.to_owned()))
        })
        .collect()
}
