//! `nightlatch init`, `nightlatch completions` and `nightlatch generate`.

use std::path::PathBuf;

use clap_complete::Shell as CompletedShell;

/// Print code for a shell that runs the clients through nightlatch
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Put one of these where your shell starts:\n\n  \
    ~/.bashrc                    eval \"$(nightlatch init bash)\"\n  \
    ~/.zshrc, after compinit     eval \"$(nightlatch init zsh)\"\n  \
    ~/.config/fish/config.fish   nightlatch init fish | source")]
pub struct InitArgs {
    /// The shell
    pub shell: Shell,
    /// Only these clients, instead of all that are installed
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub clients: Option<Vec<String>>,
    /// The keys that open the history, such as `ctrl-g` or `alt-h`; `none` binds nothing
    #[arg(long, default_value = "ctrl-x ctrl-h")]
    pub key: String,
}

/// A shell that we have code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash 4.4 or later.
    Bash,
    /// zsh 5.8 or later.
    Zsh,
    /// fish 3.3 or later.
    Fish,
}

/// Print completions of nightlatch's own commands
#[derive(Debug, Clone, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: CompletedShell,
}

/// Write what packages are made of
#[derive(Debug, Clone, clap::Args)]
pub struct GenerateArgs {
    /// What to write
    #[command(subcommand)]
    pub what: Generated,
}

/// What can be written.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Generated {
    /// A man page for every command, into a folder
    Man {
        /// The folder, which is made if need be
        folder: PathBuf,
    },
}
