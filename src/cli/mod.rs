//! The command line, as clap reads it.

mod check;
mod config;
mod filter;
mod history;
mod reindex;
mod rules;
mod sessions;
mod show;
mod target;
pub mod time;

pub use check::CheckArgs;
pub use config::{ConfigArgs, ConfigCommand};
pub use filter::FilterArgs;
pub use history::HistoryArgs;
pub use reindex::ReindexArgs;
pub use rules::{RulesArgs, RulesCommand};
pub use sessions::SessionsArgs;
pub use show::ShowArgs;
pub use target::TargetArgs;
