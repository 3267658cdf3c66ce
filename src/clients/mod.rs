//! The clients we know: one folder each, and nowhere else is a client named.

pub mod behind;
mod draft;
pub mod history;
pub mod hooked;
pub mod interactive;
pub mod known;
mod kubectl;
pub mod launcher;
pub mod line_editor;
pub mod mongosh;
pub mod my_cnf;
pub mod psql;
pub mod python;
pub mod rails;
pub mod settings;
pub mod side;
pub mod started;
pub mod tap;
pub mod told;
pub mod unseen;
pub mod url;

pub use interactive::{Interactive, Submitted};
pub use launcher::{
    Command, Greets, Hook, Input, Late, Launcher, ONLY_SHOWN, OWN_EDITOR, ReadStatement,
    TELL_EDITED, UNKNOWN_DRIVER,
};
pub use psql::preflight::Preflight;
pub use side::{Inquiry, ReadAnswer, ServerIdentity, ServerSaid, Side};
pub use tap::{Asked, Guarded, PromptFacts, Seen, Tap, Transaction, Went};
pub use unseen::{Echo, Unseen};
