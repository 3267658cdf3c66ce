//! Where a session is: real tunnels, real servers through several doors, and what the terminal shows.

mod doors;
mod idle;
mod look;
mod replica;
pub(crate) mod tabs;
mod tunnels;
