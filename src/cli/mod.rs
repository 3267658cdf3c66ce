//! The command line, as clap reads it: help, man pages and completions come from here.

mod check;
mod config;
mod demo;
mod doctor;
mod export;
mod filter;
mod history;
mod import;
mod init;
mod play;
mod prune;
mod recover;
mod reindex;
mod rules;
mod run;
mod sessions;
mod show;
mod target;
pub mod time;
mod timeline;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

pub use check::CheckArgs;
pub use config::{ConfigArgs, ConfigCommand};
pub use demo::{DemoArgs, DemoClient};
pub use doctor::DoctorArgs;
pub use export::{ExportArgs, Format};
pub use filter::FilterArgs;
pub use history::HistoryArgs;
pub use import::ImportArgs;
pub use init::{CompletionsArgs, GenerateArgs, Generated, InitArgs, Shell};
pub use play::{PlayArgs, SPEEDS};
pub use prune::PruneArgs;
pub use recover::RecoverArgs;
pub use reindex::ReindexArgs;
pub use rules::{RulesArgs, RulesCommand};
pub use run::RunArgs;
pub use sessions::SessionsArgs;
pub use show::ShowArgs;
pub use target::TargetArgs;
pub use timeline::TimelineArgs;

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
    /// Run a client under another name or with options of our own.
    Run(RunArgs),
    /// List statements, newest last.
    History(HistoryArgs),
    /// List recorded sessions, newest last.
    Sessions(SessionsArgs),
    /// Print a session's scrollback as plain text.
    Show(ShowArgs),
    /// Show what lost sessions typed and saw, and put it back into the client's history.
    Recover(RecoverArgs),
    /// Tell what happened to a target, and the last safe moment before it was damaged.
    Timeline(TimelineArgs),
    /// Read the clients' own history files, so that `history` finds what is in them.
    Import(ImportArgs),
    /// Replay a session on the terminal.
    Play(PlayArgs),
    /// Write a session as asciicast, text, JSON Lines or a page for a browser.
    Export(ExportArgs),
    /// Judge the text on standard input, or files.
    Check(CheckArgs),
    /// Say what a command line would connect to, and why.
    Target(TargetArgs),
    /// List and explain the rules.
    Rules(RulesArgs),
    /// Show and check the configuration.
    Config(ConfigArgs),
    /// Rebuild the history index from the session logs.
    Reindex(ReindexArgs),
    /// Remove the oldest recordings, as `[record]` in the configuration says.
    Prune(PruneArgs),
    /// Look whether everything is as it should be, and say what to do.
    Doctor(DoctorArgs),
    /// Try a hold on a throw-away database that counts as production.
    Demo(DemoArgs),
    /// Print code for a shell that runs the clients through nightlatch.
    Init(InitArgs),
    /// Print completions of nightlatch's own commands.
    Completions(CompletionsArgs),
    /// Write what packages are made of.
    #[command(hide = true)]
    Generate(GenerateArgs),
    /// A client and its own arguments.
    #[command(external_subcommand)]
    Client(Vec<OsString>),
}
