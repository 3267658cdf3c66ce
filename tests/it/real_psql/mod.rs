//! The real psql on a real terminal against a real server.

mod driver;
mod forged;
pub(crate) mod held;
mod holes;
mod keys;
mod looks;
pub(crate) mod non_interactive;
mod refused;
mod ways_out;
