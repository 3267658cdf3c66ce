//! The real psql on a real terminal against a real server.

mod bad_input;
mod bindings;
mod driver;
mod forged;
mod functions;
mod held;
mod holes;
mod impact;
mod keys;
mod looks;
mod non_interactive;
mod refused;
mod signals;
mod stress;
mod ways_out;
