//! A recorded session made readable: lines of text with their colours, statements in their places,
//! and the formats it is handed on in. Values in, values out: no file, no variable, no clock.
#![forbid(unsafe_code)]

pub mod line;
pub mod scrollback;
mod standin;
pub mod text;

pub use line::Line;
pub use scrollback::{Item, Scrollback, Sink};
pub use text::{Bytes, FullScreens, Text};
