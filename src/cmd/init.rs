//! `nightlatch init`: code for a shell; with it completions and man pages, made of the command line.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;

use clap::CommandFactory;

use super::program::find;
use super::recorded::write_error;
use crate::cli::{Cli, CompletionsArgs, GenerateArgs, Generated, InitArgs, Shell};
use crate::clients::known::{KNOWN, by_name};
use crate::error::{Error, Kind};
use crate::record::badly;
use crate::world::World;

/// What binds no key.
const NO_KEY: &str = "none";

/// Prints the code.
///
/// # Errors
///
/// If a client or a key is not known, or `out` fails.
pub fn run(args: &InitArgs, world: &World, out: &mut dyn Write) -> Result<u8, Error> {
    let source = match args.shell {
        Shell::Bash => include_str!("../../shell/nightlatch.bash"),
        Shell::Zsh => include_str!("../../shell/nightlatch.zsh"),
        Shell::Fish => include_str!("../../shell/nightlatch.fish"),
    };
    let has_news = world.data_dir().is_some_and(|data_dir| badly::is_any(&data_dir));
    let notice = if has_news { "command nightlatch recover --notice" } else { "" };
    let code = source
        .replace("@CLIENTS@", &clients(args, world)?.join(" "))
        .replace("@NOTICE@", notice)
        .replace("@KEY@", &binding(&args.key, args.shell)?);
    out.write_all(code.as_bytes()).map_err(write_error)?;
    Ok(0)
}

/// Returns the names of the clients to wrap: those that are wanted, else those that are installed.
fn clients(args: &InitArgs, world: &World) -> Result<Vec<String>, Error> {
    let Some(wanted) = &args.clients else {
        let names = KNOWN.iter().map(|known| known.name);
        let installed = names.filter(|name| find(OsStr::new(name), world).is_ok());
        return Ok(installed.map(str::to_owned).collect());
    };
    for name in wanted {
        if by_name(name).is_none() {
            let known: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
            return Err(Error::new(Kind::Usage, format!("{name} is not a client that we know."))
                .hint(format!("Known are {}.", known.join(", "))));
        }
    }
    Ok(wanted.clone())
}

/// Writes what binds keys such as `ctrl-x ctrl-h` to the history in a shell.
fn binding(keys: &str, shell: Shell) -> Result<String, Error> {
    if keys == NO_KEY {
        return Ok(String::new());
    }
    let (control, meta) = match shell {
        Shell::Bash => ("\\C-", "\\e"),
        Shell::Zsh => ("^", "^["),
        Shell::Fish => ("\\c", "\\e"),
    };
    let mut sequence = String::new();
    for key in keys.split_whitespace() {
        let letter = |key: &str| {
            let mut letters = key.chars();
            letters.next().filter(|one| one.is_ascii_alphabetic() && letters.next().is_none())
        };
        let read = |name: &str| key.strip_prefix(name).and_then(letter);
        match (read("ctrl-"), read("alt-")) {
            (Some(letter), _) => {
                let letter = if shell == Shell::Zsh { letter.to_ascii_uppercase() } else { letter };
                sequence.push_str(control);
                sequence.push(letter);
            }
            (None, Some(letter)) => {
                sequence.push_str(meta);
                sequence.push(letter);
            }
            (None, None) => {
                return Err(Error::new(
                    Kind::Usage,
                    format!("{key} is not a key that can be bound."),
                )
                .hint("Write ctrl- or alt- and a letter: ctrl-g, \"ctrl-x ctrl-h\", or none."));
            }
        }
    }
    let history = "nightlatch history -i";
    Ok(match shell {
        Shell::Bash => ["emacs-standard", "vi-insert"]
            .map(|keymap| format!("bind -m {keymap} -x '\"{sequence}\": {history}'"))
            .join("\n    "),
        Shell::Zsh => ["emacs", "viins"]
            .map(|keymap| format!("bindkey -M {keymap} '{sequence}' nightlatch-history"))
            .join("\n    "),
        Shell::Fish => ["default", "insert"]
            .map(|mode| format!("bind -M {mode} {sequence} __nightlatch_history"))
            .join("\n    "),
    })
}

/// Prints completions of nightlatch's own commands.
///
/// # Errors
///
/// If `out` fails.
pub fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "nightlatch", &mut script);
    out.write_all(&script).map_err(write_error)?;
    Ok(0)
}

/// Writes a man page for every command into a folder.
///
/// # Errors
///
/// If the folder cannot be made or written to.
pub fn generate(args: &GenerateArgs) -> Result<u8, Error> {
    let Generated::Man { folder } = &args.what;
    write_pages(folder).map_err(|error| {
        Error::ours(format!("The man pages cannot be written to {}.", folder.display()))
            .because(error)
            .hint("Name a folder that you can write to.")
    })?;
    Ok(0)
}

fn write_pages(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_each_shell_wants_them() {
        let told = |keys: &str, shell| binding(keys, shell).unwrap();
        insta::assert_snapshot!(told("ctrl-x ctrl-h", Shell::Bash), @r#"
        bind -m emacs-standard -x '"\C-x\C-h": nightlatch history -i'
            bind -m vi-insert -x '"\C-x\C-h": nightlatch history -i'
        "#);
        insta::assert_snapshot!(told("ctrl-x alt-h", Shell::Zsh), @r"
        bindkey -M emacs '^X^[h' nightlatch-history
            bindkey -M viins '^X^[h' nightlatch-history
        ");
        insta::assert_snapshot!(told("ctrl-g", Shell::Fish), @r"
        bind -M default \cg __nightlatch_history
            bind -M insert \cg __nightlatch_history
        ");
        assert_eq!(told(NO_KEY, Shell::Bash), "");
        for wrong in ["f1", "ctrl-", "ctrl-'", "alt-xy", "ctrl-ä"] {
            assert!(binding(wrong, Shell::Bash).is_err(), "{wrong}");
        }
    }
}
