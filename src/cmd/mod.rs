//! The subcommands, one file each, thin.

pub mod check;
pub mod config;
pub mod history;
mod recorded;
#[cfg(test)]
mod recorded_test;
pub mod reindex;
pub mod rules;
pub mod sessions;
pub mod show;
pub mod surroundings;
pub mod target;
