//! A stretch of recorded output as text: bounded, however much there was.

use std::time::Duration;

use crate::record::Event;
use crate::render::{Bytes, FullScreens, Scrollback, Text};

/// How much output of a stretch is kept at its begin, and at its end.
const KEPT_BYTES: usize = 64 << 10;

/// Output on its way to text.
#[derive(Debug)]
pub(in crate::cmd) struct Stretch {
    size: (u16, u16),
    head: Vec<u8>,
    tail: Vec<u8>,
    dropped: usize,
}

impl Stretch {
    /// Begins with an empty screen.
    pub(in crate::cmd) fn new(size: (u16, u16)) -> Self {
        Self { size, head: Vec::new(), tail: Vec::new(), dropped: 0 }
    }

    /// Takes output and sizes.
    pub(in crate::cmd) fn event(&mut self, event: Event) {
        match event {
            Event::Output(bytes) => {
                let room = KEPT_BYTES.saturating_sub(self.head.len()).min(bytes.len());
                self.head.extend_from_slice(&bytes[..room]);
                self.tail.extend_from_slice(&bytes[room..]);
                if self.tail.len() > 2 * KEPT_BYTES {
                    self.trim();
                }
            }
            Event::Resize { cols, rows } => self.size = (cols, rows),
            Event::Marker(_)
            | Event::Exit(_)
            | Event::Broken { .. }
            | Event::Torn { .. }
            | Event::Other(_) => {}
        }
    }

    /// Says whether nothing had to be left out.
    pub(in crate::cmd) fn is_whole(&self) -> bool {
        self.dropped == 0 && self.tail.len() <= KEPT_BYTES
    }

    /// Returns the text and begins anew.
    pub(in crate::cmd) fn end(&mut self) -> String {
        self.trim();
        let mut out = Vec::new();
        let text = Text::new(&mut out, Bytes::Shown, FullScreens::Folded);
        let mut page = Scrollback::new(self.size.0, self.size.1, text);
        let mut pieces = vec![std::mem::take(&mut self.head)];
        if self.dropped > 0 {
            let left_out = format!("\r\n[{} bytes left out]\r\n", self.dropped);
            pieces.push(left_out.into_bytes());
        }
        pieces.push(std::mem::take(&mut self.tail));
        self.dropped = 0;
        // Written to memory, which does not fail.
        for piece in pieces {
            drop(page.event(&Event::Output(piece), Duration::ZERO));
        }
        drop(page.end(Duration::ZERO));
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Keeps the last of the tail, from a line's begin.
    fn trim(&mut self) {
        let Some(over) = self.tail.len().checked_sub(KEPT_BYTES) else { return };
        let line = memchr::memchr(b'\n', &self.tail[over..]).map_or(over, |at| over + at + 1);
        self.tail.drain(..line);
        self.dropped += line;
    }
}

/// Says whether a text was typed where this is the screen: each of its lines stands there, whatever
/// prompts and line breaks the terminal put between its letters.
pub(in crate::cmd) fn shows(screen: &str, text: &str) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).collect() };
    let screen = letters(screen);
    text.lines().all(|line| screen.contains(&letters(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: &[&str]) -> String {
        let mut stretch = Stretch::new((80, 24));
        for piece in pieces {
            stretch.event(Event::Output(piece.as_bytes().to_vec()));
        }
        stretch.end()
    }

    #[test]
    fn much_output_keeps_both_ends_and_says_so() {
        let line = "0123456789012345678901234567890123456789\r\n";
        let middle = line.repeat(50_000);
        let text = text(&["first\r\n", &middle, "last"]);
        assert!(text.starts_with("first\n") && text.ends_with("last\n"), "{}", text.len());
        assert!(text.contains(" bytes left out]"));
        assert!(text.len() < 4 * KEPT_BYTES);
    }

    #[test]
    fn typed_text_is_found_behind_prompts_and_edits() {
        let screen = text(&["x=> selct\x08 \x08\x08 \x08ect 1,\r\nx->   'größe';\r\n"]);
        assert!(shows(&screen, "select 1,\n  'größe';"), "{screen}");
        assert!(!shows(&screen, "delete from families;"));
    }
}
