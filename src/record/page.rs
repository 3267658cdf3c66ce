//! Recorded output as the lines of text that it left on the screen.

use std::io::{self, Write};

use avt::{Line, Observation, Observer, ScreenKind, Terminal};

use super::read::Event;

/// How a program leaves the alternate screen; what stood there is gone then.
const LEAVE: [&str; 2] = ["\x1b[?1049l", "\x1b[?1047l"];

/// Clears the screen, as Ctrl-L does.
const CLEAR: &str = "\x1b[2J";

/// A screen without a size is taken for one of this.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

/// Feeds output to a terminal and writes each line once it has left the screen.
///
/// Of what a pager or an editor draws on the alternate screen, the text has what was there last:
/// it may be all that is left of a result.
pub struct Page<'a> {
    terminal: Terminal,
    lines: Lines<'a>,
}

/// Takes the lines that scroll off the top.
struct Lines<'a> {
    out: &'a mut dyn Write,
    /// Rows of a line that is longer than the screen is wide.
    begun: String,
    /// Empty lines, which are written only if another line follows.
    empty: usize,
    failure: Option<io::Error>,
}

impl<'a> Page<'a> {
    /// Starts with an empty screen.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the size is never zero")]
    pub fn new(cols: u16, rows: u16, out: &'a mut dyn Write) -> Self {
        let (default_cols, default_rows) = DEFAULT_SIZE;
        let cols = if cols == 0 { default_cols } else { cols };
        let rows = if rows == 0 { default_rows } else { rows };
        let terminal = Terminal::new(cols.into(), rows.into()).expect("neither is zero");
        let lines = Lines { out, begun: String::new(), empty: 0, failure: None };
        Self { terminal, lines }
    }

    /// Takes the next event; only output and sizes count.
    ///
    /// # Errors
    ///
    /// If a line cannot be written.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Output(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let mut rest = &*text;
                while let Some(at) = LEAVE.iter().filter_map(|leave| rest.find(leave)).min() {
                    let (before, after) = rest.split_at(at);
                    self.feed(before);
                    let seen = self.full_screen();
                    let (leave, after) = after.split_at(LEAVE[0].len());
                    self.feed(leave);
                    self.feed(&seen);
                    rest = after;
                }
                self.feed(rest);
            }
            Event::Resize { cols, rows } => {
                self.terminal.resize_with((*cols).into(), (*rows).into(), &mut self.lines);
            }
            Event::Marker(_)
            | Event::Exit(_)
            | Event::Broken { .. }
            | Event::Torn { .. }
            | Event::Other(_) => {}
        }
        self.lines.failure.take().map_or(Ok(()), Err)
    }

    /// Adds a line of ours, in brackets.
    ///
    /// # Errors
    ///
    /// If a line cannot be written.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        let newline = if self.terminal.cursor().col > 0 { "\r\n" } else { "" };
        self.event(&Event::Output(format!("{newline}\x1b[0m[{text}]\r\n").into_bytes()))
    }

    /// Writes what is on the screen.
    ///
    /// # Errors
    ///
    /// If a line cannot be written.
    pub fn end(mut self) -> io::Result<()> {
        let seen = self.full_screen();
        if !seen.is_empty() {
            self.feed(LEAVE[0]);
            self.feed(&seen);
        }
        for line in self.terminal.primary_screen().all_lines() {
            self.lines.line(line);
        }
        self.lines.failure.take().map_or(Ok(()), Err)
    }
}

impl Page<'_> {
    fn feed(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(CLEAR) {
            let (before, after) = rest.split_at(at);
            self.terminal.feed_with(before, &mut self.lines);
            if self.terminal.active_screen_kind() != ScreenKind::Alternate {
                // A cleared screen is not a lost one: what stood there scrolls off instead.
                let rows: Vec<bool> = self
                    .terminal
                    .screen()
                    .visible_lines()
                    .map(|line| !line.text().trim().is_empty())
                    .collect();
                let used = rows.iter().rposition(|is_used| *is_used).map_or(0, |last| last + 1);
                let last = rows.len();
                let scroll = format!("\x1b7\x1b[{last};1H{}\x1b8", "\n".repeat(used));
                self.terminal.feed_with(&scroll, &mut self.lines);
            }
            self.terminal.feed_with(CLEAR, &mut self.lines);
            rest = &after[CLEAR.len()..];
        }
        self.terminal.feed_with(rest, &mut self.lines);
    }

    /// Returns what stands on the alternate screen, to be fed to the other one; empty if that is
    /// not in use or blank.
    fn full_screen(&self) -> String {
        if self.terminal.active_screen_kind() != ScreenKind::Alternate {
            return String::new();
        }
        let lines: Vec<String> = self.terminal.screen().visible_lines().map(Line::text).collect();
        let text = lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\r\n");
        let text = text.trim_end();
        if text.is_empty() {
            return String::new();
        }
        format!("\x1b[0m[full screen, as it was last]\r\n{text}\r\n[end of full screen]\r\n")
    }
}

impl Lines<'_> {
    fn line(&mut self, line: &Line) {
        self.begun.push_str(&line.text());
        if line.is_wrapped() {
            return;
        }
        let text = std::mem::take(&mut self.begun);
        let text = text.trim_end();
        if text.is_empty() {
            self.empty += 1;
            return;
        }
        let empty = "\n".repeat(std::mem::take(&mut self.empty));
        if self.failure.is_none() {
            self.failure = writeln!(self.out, "{empty}{text}").err();
        }
    }
}

impl Observer for Lines<'_> {
    type Output = ();

    fn evicted(&mut self, _: &mut Observation<'_>, line: &Line) {
        self.line(line);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(events: &[Event]) -> String {
        let mut out = Vec::new();
        let mut page = Page::new(10, 3, &mut out);
        for event in events {
            page.event(event).unwrap();
        }
        page.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    fn output(text: &str) -> Event {
        Event::Output(text.into())
    }

    #[test]
    fn lines_come_out_as_the_screen_left_them() {
        let text = "one\r\n\r\ntwo\x08\x08\x1b[31mOO\x1b[0m\r\nlonger than ten\r\n4\r\n5\r\n\r\n";
        assert_eq!(page(&[output(text)]), "one\n\ntOO\nlonger than ten\n4\n5\n");
        let bytes: Vec<Event> = text.split("").map(output).collect();
        assert_eq!(page(&bytes), "one\n\ntOO\nlonger than ten\n4\n5\n");
    }

    #[test]
    fn a_pager_leaves_what_it_showed_last() {
        let pager = "\x1b[?1049h\x1b[H\x1b[2Jfirst\x1b[H\x1b[2J 1000\r\n(1 row)";
        let left = "[full screen, as it was last]\n 1000\n(1 row)\n[end of full screen]\n";
        let text = format!("a\r\n{pager}\x1b[?1049lb\r\n");
        assert_eq!(page(&[output(&text)]), format!("a\n{left}b\n"));
        assert_eq!(page(&[output(pager)]), left, "a session that ended in it");
        assert_eq!(page(&[output("a\x1b[?1049h\x1b[?1049lb")]), "ab\n", "nothing was shown");
    }

    #[test]
    fn a_cleared_screen_is_kept() {
        let cleared = output("one\r\ntwo\r\n\x1b[H\x1b[2Jthree\r\n");
        assert_eq!(page(&[cleared]), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_new_size_loses_nothing() {
        let events =
            [output("a\r\nb\r\nc\r\nd\r\n"), Event::Resize { cols: 20, rows: 2 }, output("e\r\n")];
        assert_eq!(page(&events), "a\nb\nc\nd\ne\n");
    }

    #[test]
    fn a_screen_without_a_size_is_one_all_the_same() {
        let mut out = Vec::new();
        let mut page = Page::new(0, 0, &mut out);
        page.event(&output("x")).unwrap();
        page.event(&Event::Resize { cols: 0, rows: 0 }).unwrap();
        page.end().unwrap();
        assert_eq!(out, b"x\n");
    }
}
