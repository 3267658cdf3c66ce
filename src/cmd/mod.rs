//! The subcommands, one file each, thin.

pub mod check;
pub mod config;
pub mod rules;
pub mod surroundings;
pub mod target;
