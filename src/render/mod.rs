//! A recorded session made readable: lines of text with their colours, statements in their places,
//! and the formats it is handed on in. Values in, values out: no file, no variable, no clock.
#![forbid(unsafe_code)]

pub mod cast;
mod full;
pub mod html;
pub mod line;
pub mod outline;
mod plain;
pub mod scrollback;
#[cfg(test)]
mod scrollback_test;
pub mod sink;
pub mod stage;
mod standin;
pub mod text;

pub use cast::Cast;
pub use html::Html;
pub use line::Line;
pub use outline::{Outline, Told};
pub use scrollback::{Scrollback, Still};
pub use sink::{Item, Sink};
pub use stage::Stage;
pub use text::{Bytes, FullScreens, Text};
