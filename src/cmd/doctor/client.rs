//! The clients: which would be run, whether it is new enough, and whether the shell wraps it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::program::find;
use super::{Finding, State, tap};
use crate::clients::known::Known;
use crate::clock::Clock;
use crate::os::job::parent_pid;
use crate::world::World;

/// Where the code of `nightlatch init` says what it wraps: its process, its name, and the clients.
const VARIABLE: &str = "NIGHTLATCH_SHELL";

/// The shell that the command was typed in.
pub(super) enum Shell {
    /// It wraps these.
    Wraps { name: String, clients: Vec<String> },
    /// A shell around it does, and it does not: it has not read the code itself.
    Inherited,
    /// Nothing is known of it.
    Unknown,
}

impl Shell {
    /// Reads what the shell has exported.
    pub(super) fn of(world: &World) -> Self {
        let mut words = world.var(VARIABLE).unwrap_or_default().split(' ').map(str::to_owned);
        match (words.next().and_then(|pid| pid.parse::<i32>().ok()), words.next()) {
            (Some(pid), Some(name)) if pid == parent_pid() => {
                Self::Wraps { name, clients: words.collect() }
            }
            (Some(_), _) => Self::Inherited,
            (None, _) => Self::Unknown,
        }
    }

    fn wraps(&self, client: &str) -> bool {
        matches!(self, Self::Wraps { clients, .. } if clients.iter().any(|name| name == client))
    }

    /// Says how the shell is set up.
    pub(super) fn finding(&self, world: &World) -> Finding {
        const WHAT: &str = "shell";
        let login = world.var("SHELL").map(Path::new).and_then(Path::file_name);
        let line = match login.and_then(OsStr::to_str) {
            Some("zsh") => "In ~/.zshrc, after compinit: eval \"$(nightlatch init zsh)\"",
            Some("fish") => "In ~/.config/fish/config.fish: nightlatch init fish | source",
            _ => "In ~/.bashrc: eval \"$(nightlatch init bash)\"",
        };
        match self {
            Self::Wraps { name, clients } => {
                Finding::new(WHAT, State::Ok, format!("{name} wraps {}", clients.join(", ")))
            }
            Self::Inherited => {
                let text =
                    "a shell around this one wraps the clients, this one does not".to_owned();
                Finding::new(WHAT, State::Note, text).hint(line)
            }
            Self::Unknown => {
                let text = "it wraps nothing that we know of".to_owned();
                Finding::new(WHAT, State::Note, text).hint(line)
            }
        }
    }
}

/// Looks at one client.
pub(super) fn look(known: &Known, shell: &Shell, world: &World, clock: Clock) -> Finding {
    let what = format!("client {}", known.name);
    let Ok(path) = find(OsStr::new(known.name), world) else {
        return Finding::new(&what, State::Note, "not installed".into());
    };
    let wrapped = if shell.wraps(known.name) { ", wrapped by the shell" } else { "" };
    let Some(version) = version(&path) else {
        let text = format!("{} does not say its version{wrapped}", path.display());
        return Finding::new(&what, State::Note, text)
            .hint(format!("Does it run? {} --version", path.display()));
    };
    let text = format!("{} {}{wrapped}", path.display(), dotted(&version));
    if let Some(oldest) = known.oldest.filter(|oldest| version.as_slice() < *oldest) {
        let needed = format!("Held statements need {} or later.", dotted(oldest));
        return Finding::new(&what, State::Problem, text).hint(needed);
    }
    let is_passed_over = matches!(shell, Shell::Wraps { .. }) && wrapped.is_empty();
    match tap::works(known, &path, world, clock) {
        Ok(()) if is_passed_over => {
            let text = format!("{text}, its tap works, and the shell does not wrap it");
            Finding::new(&what, State::Note, text).hint(format!(
                "If no function or alias of your own stands there (type {}), open a new shell.",
                known.name
            ))
        }
        Ok(()) => Finding::new(&what, State::Ok, format!("{text}, its tap works")),
        Err(why) => Finding::new(&what, State::Problem, format!("{text}, its tap fails: {why}"))
            .hint(format!("Nothing would be held. Does it run by itself? {}", path.display())),
    }
}

/// Asks a program for its version.
fn version(program: &Path) -> Option<Vec<u32>> {
    let mut command = Command::new(program);
    let output = command.arg("--version").stdin(Stdio::null()).output().ok()?;
    // Python 2 says it on its standard error.
    let text = [output.stdout, output.stderr].concat();
    read_version(&String::from_utf8_lossy(&text))
}

/// Finds the first number with a point in it.
fn read_version(text: &str) -> Option<Vec<u32>> {
    let word = text.split_whitespace().find(|word| {
        word.contains('.') && word.starts_with(|letter: char| letter.is_ascii_digit())
    })?;
    let parts = word.split('.').map(|part| {
        part.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default().parse().ok()
    });
    Some(parts.map_while(|part| part).collect())
}

fn dotted(version: &[u32]) -> String {
    version.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (text, version) in [
            ("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(vec![15, 18])),
            ("Python 3.13.1+", Some(vec![3, 13, 1])),
            ("psql (PostgreSQL) 17beta1", None),
            ("8.12.0", Some(vec![8, 12, 0])),
            ("", None),
        ] {
            assert_eq!(read_version(text), version, "{text}");
        }
        assert!([10, 23].as_slice() < [11].as_slice());
        assert!([11].as_slice() >= [11].as_slice());
    }

    #[test]
    fn only_the_shell_itself_wraps() {
        let mut world = World::default();
        assert!(matches!(Shell::of(&world), Shell::Unknown));
        world.vars.insert(VARIABLE.into(), "1 bash one two".into());
        assert!(matches!(Shell::of(&world), Shell::Inherited));
        let own = format!("{} zsh one two", parent_pid());
        world.vars.insert(VARIABLE.into(), own.into());
        let shell = Shell::of(&world);
        assert!(shell.wraps("one") && !shell.wraps("three"));
        assert_eq!(shell.finding(&world).found, "zsh wraps one, two");
    }
}
