//! The session log: an append-only asciicast v3 file written by its own thread.
#![forbid(unsafe_code)]

pub mod event;

pub use event::{Answer, Marker, Source};
