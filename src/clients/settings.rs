//! What a program is told to run as: the settings of frameworks, and `.env` files.

use std::fs;
use std::path::Path;

use crate::target::{Evidence, Strength};
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
const OPTIONS: &[&str] = &["--settings", "--configuration", "--database", "--environment", "-e"];

/// Files that set variables, the one that counts more first.
const FILES: &[&str] = &[".env.local", ".env"];

/// What the top folder of a project has in it.
const PROJECT: &str = ".git";

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
        .filter_map(|(source, value)| Evidence::in_name(value, Strength::Name, &source))
        .collect()
}

/// Reads a plain file of settings; none where there is none, or one that is too large for that.
#[must_use]
pub fn small_file(path: &Path) -> Option<String> {
    let is_plain =
        fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() <= MOST_BYTES);
    is_plain.then(|| fs::read_to_string(path).ok()).flatten()
}

/// One setting of a `.env` file.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, with what it takes from others.
    pub value: String,
    /// The file it stands in, as a person would call it.
    pub file: String,
}

/// Reads the `.env` files of the working directory, which many programs load by themselves, or of
/// the next folder above that has some, within the same project and the home folder.
#[must_use]
pub fn dot_env(world: &World) -> Vec<Setting> {
    let home = world.home.as_deref();
    for folder in world.cwd.ancestors() {
        let is_own = folder == world.cwd;
        if !is_own && Some(folder) == home {
            break;
        }
        let mut found = Vec::new();
        for name in FILES {
            let path = folder.join(name);
            let Some(text) = small_file(&path) else { continue };
            let file = if is_own { (*name).to_owned() } else { path.display().to_string() };
            read(&text, &file, world, &mut found);
        }
        if !found.is_empty() || folder.join(PROJECT).exists() {
            return found;
        }
    }
    Vec::new()
}

/// Adds what a file sets that is not set yet.
fn read(text: &str, file: &str, world: &World, found: &mut Vec<Setting>) {
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=')
        else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        let (value, is_literal) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => (value[1..].split(quote).next(), quote == '\''),
            Some(_) | None => (value.split(" #").next().map(str::trim_end), false),
        };
        let value = value.unwrap_or_default();
        let value = if is_literal { value.to_owned() } else { expanded(value, world, found) };
        let is_new = !found.iter().any(|setting| setting.name == name);
        if !name.starts_with('#') && !value.is_empty() && is_new {
            found.push(Setting { name: name.to_owned(), value, file: file.to_owned() });
        }
    }
}

/// Puts in what stands for other settings and variables: `${NAME}` and `${NAME:-otherwise}`.
fn expanded(value: &str, world: &World, found: &[Setting]) -> String {
    let mut parts = value.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once('}') else { continue };
        let (name, otherwise) = name.split_once(":-").unwrap_or((name, ""));
        let set = || found.iter().find(|setting| setting.name == name);
        let told = world.var(name).or_else(|| set().map(|setting| setting.value.as_str()));
        text.push_str(told.unwrap_or(otherwise));
        text.push_str(rest);
    }
    text
}
