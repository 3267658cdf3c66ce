//! The real psql on a real terminal against a real server.

mod attacks;
mod bad_input;
mod behind;
mod bindings;
mod driver;
mod editor;
mod forged;
mod functions;
pub(crate) mod held;
mod holes;
mod impact;
pub(crate) mod keys;
mod late;
mod looks;
pub(crate) mod non_interactive;
mod refused;
mod signals;
pub(crate) mod steps;
mod stress;
mod versions;
mod ways_out;
