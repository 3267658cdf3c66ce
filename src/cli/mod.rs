//! The command line: clap types, from which help, man pages and completions come.

pub mod check;
pub mod config;
pub mod history;
pub mod reindex;
pub mod rules;
pub mod run;
pub mod sessions;
pub mod show;
pub mod target;

use clap::{Parser, Subcommand};

/// Runs psql (and other database clients) exactly as they are, records everything, knows
/// production, and holds destructive statements until you confirm.
#[derive(Debug, Parser)]
#[command(
    name = "nightlatch",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "`nightlatch psql ARGS…` runs psql with these arguments; `nightlatch psql --help` \
                  is psql's own help."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run psql as it is, recorded and guarded.
    #[command(disable_help_flag = true)]
    Psql(run::ClientArgs),
    /// Run a client under another name or with options of our own.
    Run(run::RunArgs),
    /// List statements, newest last.
    History(history::HistoryArgs),
    /// List recorded sessions, newest last.
    Sessions(sessions::SessionsArgs),
    /// Print a session's scrollback as plain text.
    Show(show::ShowArgs),
    /// Judge the text on standard input.
    Check(check::CheckArgs),
    /// Say what a command line would connect to, and why.
    Target(target::TargetArgs),
    /// List and explain the rules.
    Rules(rules::RulesArgs),
    /// Show and check the configuration.
    Config(config::ConfigArgs),
    /// Rebuild the history index from the session logs.
    Reindex(reindex::ReindexArgs),
}
