//! The real psql on a real terminal against a real server.

mod driver;
