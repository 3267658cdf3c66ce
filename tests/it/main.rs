//! The single integration binary: the module list and nothing else.

mod config;
mod policy;
mod rules;
