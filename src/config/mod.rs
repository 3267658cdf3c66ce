//! The configuration: built-in defaults, the user's file, and the project's, which may only make
//! policy stricter. A mistake never stops a session: the good parts count, every mistake is kept.

pub mod error;
mod hours;
pub mod keys;
pub mod load;
mod parse;
mod read;
pub mod show;
mod tables;
pub mod types;
mod zone;

pub use error::ConfigError;
pub use load::{Loaded, load, load_text};
pub(crate) use parse::show_duration;
pub use read::Layer;
pub use types::Config;
