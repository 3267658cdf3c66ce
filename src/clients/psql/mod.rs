//! psql: what it prints, what it reads, and what it does not tell.

pub mod args;
pub mod banner;
pub mod mark;
pub mod tap;
pub mod meta;
