//! A session as plain text.

use std::io::{self, Write};

use super::line::Line;
use super::sink::{Item, Sink};

/// What becomes of bytes that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// U+FFFD stands for each, as a terminal shows them.
    Shown,
    /// They are written as they were.
    Exact,
}

/// What becomes of a pager's or an editor's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FullScreens {
    /// One line says that it was there.
    Folded,
    /// All that it showed is written.
    Shown,
}

/// Writes lines, without blank ones at the end.
#[derive(Debug)]
pub struct Text<W> {
    out: W,
    bytes: Bytes,
    full_screens: FullScreens,
    /// Empty lines, which are written only if another line follows.
    empty: usize,
}

impl<W: Write> Text<W> {
    /// Writes to `out`.
    pub fn new(out: W, bytes: Bytes, full_screens: FullScreens) -> Self {
        Self { out, bytes, full_screens, empty: 0 }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let bytes = bytes.trim_ascii_end();
        if bytes.is_empty() {
            self.empty += 1;
            return Ok(());
        }
        for _ in 0..std::mem::take(&mut self.empty) {
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(bytes)?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Sink for Text<W> {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        match self.bytes {
            Bytes::Shown => self.write(line.text().as_bytes()),
            Bytes::Exact => self.write(&line.bytes),
        }
    }

    fn item(&mut self, item: Item) -> io::Result<()> {
        match item {
            Item::Statement(_) => Ok(()),
            Item::Note(text) => self.write(format!("[{text}]").as_bytes()),
            Item::FullScreen { lines, left_out, time } => {
                let count = lines.len() as u64 + left_out;
                let what = full_screen(count, time);
                if self.full_screens == FullScreens::Folded {
                    return self.write(format!("[{what}]").as_bytes());
                }
                self.write(format!("[{what}:]").as_bytes())?;
                if left_out > 0 {
                    self.write(format!("[the first {left_out} are not kept]").as_bytes())?;
                }
                for line in &lines {
                    self.line(line)?;
                }
                self.write(b"[end of full screen]")
            }
        }
    }
}

/// Says that a full-screen program was there, in one line.
#[must_use]
pub fn full_screen(lines: u64, time: std::time::Duration) -> String {
    let lines = format!("{lines} {}", if lines == 1 { "line" } else { "lines" });
    format!("full screen, {lines}, {} s", time.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::Event;
    use crate::render::Scrollback;

    fn text(output: &[u8], bytes: Bytes, full_screens: FullScreens) -> Vec<u8> {
        let mut out = Vec::new();
        let mut page = Scrollback::new(20, 3, Text::new(&mut out, bytes, full_screens));
        page.event(&Event::Output(output.to_vec()), Duration::ZERO).unwrap();
        page.item(Item::Note("here".to_owned()));
        page.end(Duration::from_secs(2)).unwrap();
        out
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_or_exact() {
        let latin = b"caf\xe9\r\n\r\n\xc3\x28 \r\n\r\n";
        let shown = text(latin, Bytes::Shown, FullScreens::Folded);
        assert_eq!(String::from_utf8(shown).unwrap(), "caf\u{fffd}\n\n\u{fffd}(\n\n[here]\n");
        let exact = text(latin, Bytes::Exact, FullScreens::Folded);
        assert_eq!(exact, b"caf\xe9\n\n\xc3(\n\n[here]\n");
    }

    #[test]
    fn a_full_screen_is_folded_or_shown() {
        let pager = b"a\r\n\x1b[?1049h1\r\n2\r\n3\r\n4";
        let told =
            |full_screens| String::from_utf8(text(pager, Bytes::Shown, full_screens)).unwrap();
        insta::assert_snapshot!(told(FullScreens::Folded), @r"
        a
        [full screen, 4 lines, 2 s]
        [here]
        ");
        insta::assert_snapshot!(told(FullScreens::Shown), @r"
        a
        [full screen, 4 lines, 2 s:]
        1
        2
        3
        4
        [end of full screen]
        [here]
        ");
    }
}
