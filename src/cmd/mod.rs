//! The subcommands, each thin.

pub mod history;
mod recorded;
#[cfg(test)]
mod recorded_test;
pub mod reindex;
pub mod sessions;
pub mod show;
