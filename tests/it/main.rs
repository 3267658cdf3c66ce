//! The single integration binary: the module list and nothing else.

mod check;
mod config;
mod demo;
mod house;
mod import;
mod policy;
mod real_psql;
mod recover;
mod rules;
mod support;
mod targets;
mod timeline;
