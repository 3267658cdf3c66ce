//! Text to reading: what a statement would do, found by real parsers. The only user of them.
#![forbid(unsafe_code)]

mod alike;
mod condition;
pub mod deed;
pub mod driver;
pub mod effect;
mod function;
pub mod mongo;
mod pattern;
pub mod postgres;
pub mod python;
mod shape;
pub mod sql;
mod temporary;
mod token;
#[cfg(test)]
mod told;
mod words;

pub use effect::{Class, Effect, Reading, Rows, Scope, Verb};
pub use pattern::pattern;
pub use temporary::keep_own;
