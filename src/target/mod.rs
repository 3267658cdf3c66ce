//! Evidence to tier: where a client is, or would be, connected.
#![forbid(unsafe_code)]

pub mod tier;

pub use tier::{Address, Target, Tier};
