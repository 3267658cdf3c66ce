//! psql: what it prints, what it reads, and what it does not tell.

pub mod args;
pub mod banner;
mod draft;
pub mod echo;
mod encoding;
pub mod history;
mod identity;
pub mod impact;
pub mod inquire;
pub mod launch;
pub mod mark;
pub mod meta;
mod moment;
pub mod preflight;
pub mod prompt;
pub mod rc;
mod routines;
pub mod side;
pub mod surroundings;
pub mod tap;
pub mod text;
pub mod unseen;
mod went;
