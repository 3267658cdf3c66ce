//! `nightlatch config`: where the configuration is, what it says, and what is wrong with it.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::cli::{ConfigArgs, ConfigCommand};
use crate::clock::Clock;
use crate::config::error::Style;
use crate::config::load::project_file;
use crate::config::{self, ConfigError, Loaded, show};
use crate::error::Error;
use crate::world::World;

/// Shows, finds or checks the configuration.
///
/// # Errors
///
/// Returns our own error for a file that cannot be read, if it was asked for.
pub fn run(
    args: &ConfigArgs,
    world: &World,
    _clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let (text, status) = match args.command.as_ref().unwrap_or(&ConfigCommand::Show) {
        ConfigCommand::Path => (paths(world), 0),
        ConfigCommand::Show => (show(&config::load(world)), 0),
        ConfigCommand::Check { file: None } => check(&config::load(world)),
        ConfigCommand::Check { file: Some(file) } => check(&load_file(file)?),
    };
    out.write_all(text.as_bytes())
        .map_err(|error| Error::ours("The configuration cannot be written out.").because(error))?;
    Ok(status)
}

fn load_file(file: &Path) -> Result<Loaded, Error> {
    let source = fs::read_to_string(file).map_err(|error| {
        Error::ours(format!("{} cannot be read.", file.display())).because(error)
    })?;
    Ok(config::load_text(file, &source))
}

fn paths(world: &World) -> String {
    let user = world.config_file();
    let files = user.into_iter().chain(project_file(world));
    files
        .map(|file| {
            let state = if file.exists() { "" } else { " (not there)" };
            format!("{}{state}\n", file.display())
        })
        .collect()
}

fn show(loaded: &Loaded) -> String {
    let mut text = String::new();
    for file in &loaded.files {
        text.push_str(&format!("# from {}\n", file.display()));
    }
    for error in &loaded.errors {
        text.push_str(&format!("# mistake: {}\n", error.line()));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&show::show(&loaded.config));
    text
}

fn check(loaded: &Loaded) -> (String, u8) {
    let messages: Vec<String> =
        loaded.errors.iter().map(|error: &ConfigError| error.render(Style::Plain)).collect();
    match (messages.len(), loaded.files.len()) {
        (0, 0) => ("No configuration file: the built-in configuration counts.\n".to_owned(), 0),
        (0, 1) => (format!("No mistakes in {}.\n", loaded.files[0].display()), 0),
        (0, files) => (format!("No mistakes in {files} files.\n"), 0),
        (_, _) => (format!("{}\n", messages.join("\n\n")), 1),
    }
}
