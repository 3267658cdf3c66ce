//! The single integration binary: the module list and nothing else.

mod house;
mod real_psql;
mod support;
