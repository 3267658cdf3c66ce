//! What one run of a client is doing, and what may pass: pure, fed by the relay.
#![forbid(unsafe_code)]

pub mod attire;
pub mod drift;
pub mod gate;
pub mod keys;
pub mod modes;
pub mod names;
pub mod own;
pub mod prepared;
pub mod reports;
pub mod script;
pub mod typed;
pub mod whole;
