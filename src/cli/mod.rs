//! The command line, as clap reads it.

mod check;
mod config;
mod rules;
mod target;
pub mod time;

pub use check::CheckArgs;
pub use config::{ConfigArgs, ConfigCommand};
pub use rules::{RulesArgs, RulesCommand};
pub use target::TargetArgs;
