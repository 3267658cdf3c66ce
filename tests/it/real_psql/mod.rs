//! The real psql on a real terminal against a real server.

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
mod ways_out;
