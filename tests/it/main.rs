//! The single integration binary: the module list and nothing else.

mod check;
mod config;
mod demo;
mod doctor;
mod export;
mod house;
mod import;
mod index;
mod log;
mod play;
mod policy;
mod real_mongosh;
mod real_psql;
mod real_python;
mod real_target;
mod recover;
mod rules;
mod search;
mod shells;
mod show;
mod support;
mod targets;
mod timeline;
mod verdicts;
