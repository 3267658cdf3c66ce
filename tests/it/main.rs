//! The single integration binary: the module list and nothing else.

mod config;
mod house;
mod policy;
mod real_psql;
mod support;
