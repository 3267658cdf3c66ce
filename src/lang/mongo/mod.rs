//! MongoDB to effects: commands as they go over the wire, and the JavaScript that is typed.

mod command;
mod filter;
mod javascript;
mod table;
#[cfg(test)]
mod tests;

pub use command::command;
pub use javascript::{Names, javascript};
