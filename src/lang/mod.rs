//! Text to reading: what a statement would do, found by real parsers. The only user of them.
#![forbid(unsafe_code)]

pub mod driver;
pub mod effect;
pub mod postgres;
pub mod python;

pub use effect::{Class, Effect, Reading, Rows, Scope, Verb};
