//! The clients we know: one folder each, and nowhere else is a client named.

pub mod interactive;
pub mod launcher;
pub mod psql;
pub mod tap;

pub use launcher::Launcher;
pub use interactive::{Inquiry, Interactive, Submitted, Unseen};
pub use tap::{Asked, Guarded, PromptFacts, Seen, Tap, Transaction};
