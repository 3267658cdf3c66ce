//! The single integration binary: the module list and nothing else.

mod check;
mod config;
mod demo;
mod house;
mod policy;
mod real_psql;
mod rules;
mod support;
mod targets;
mod verdicts;
