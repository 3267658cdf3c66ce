//! One folder for each client; no client is named anywhere else.

pub mod psql;
