//! What a person sees: texts and drawings as values. The callers write them to the terminal.
#![forbid(unsafe_code)]

pub mod error;
pub mod hold;
pub mod notice;
pub mod refusal;
pub mod table;
pub mod theme;
pub mod visible;
pub(crate) mod wrap;
