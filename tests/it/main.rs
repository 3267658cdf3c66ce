//! The single integration binary: the module list and nothing else.

mod check;
mod config;
mod policy;
mod rules;
mod targets;
