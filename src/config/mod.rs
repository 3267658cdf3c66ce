//! The configuration: built-in defaults, the user's file, and the project's, which may only make
//! policy stricter. A mistake never stops a session: the good parts count, every mistake is kept.

pub mod error;
pub mod load;
pub mod types;

pub use error::ConfigError;
pub use load::{Loaded, load};
pub use types::Config;
