//! What a scrollback hands on, and who takes it.

use std::io;
use std::time::Duration;

use super::line::Line;

/// Something that stands between two lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A statement was about to run: its number.
    Statement(u64),
    /// A line of ours, such as that something was not recorded.
    Note(String),
    /// A pager or an editor had the whole screen.
    FullScreen {
        /// What scrolled by in it and what stood there last.
        lines: Vec<Line>,
        /// How many lines before them were not kept.
        left_out: u64,
        /// How long it took.
        time: Duration,
    },
}

/// Who takes the lines, in order.
pub trait Sink {
    /// Takes the next line.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    fn line(&mut self, line: &Line) -> io::Result<()>;

    /// Takes what stands between the last line and the next.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    fn item(&mut self, item: Item) -> io::Result<()>;
}
