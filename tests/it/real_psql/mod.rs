//! The real psql on a real terminal against a real server.

mod driver;
mod held;
mod keys;
mod looks;
mod non_interactive;
mod ways_out;
