//! A recorded screen drawn on a terminal of another size: only what changed, and nothing of what
//! the recording would have the terminal do.

use avt::{Color, Pen};
use unicode_width::UnicodeWidthChar;

use super::line::Line;
use super::scrollback::Scrollback;
use super::sink::Sink;

/// What a terminal needs before anything is drawn: a screen of its own, and no wrapping.
pub const ENTER: &str = "\x1b[?1049h\x1b[?7l\x1b[2J";

/// What gives the terminal back as it was.
pub const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Draws screens, row by row where they changed.
#[derive(Debug, Default)]
pub struct Stage {
    size: (usize, usize),
    rows: Vec<String>,
}

/// What stands in the last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status<'a> {
    /// The text, visible already.
    pub text: &'a str,
    /// Whether it may cover a row of the recording.
    pub is_pressing: bool,
}

impl Stage {
    /// Draws everything anew the next time, on a terminal of this many columns and rows.
    pub fn resize(&mut self, cols: usize, rows: usize) {
        self.size = (cols.max(1), rows.max(1));
        self.rows.clear();
    }

    /// Returns the terminal's columns and rows.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Says whether a screen of this size does not fit.
    #[must_use]
    pub fn is_too_small(&self, (cols, rows): (usize, usize)) -> bool {
        cols > self.size.0 || rows > self.size.1
    }

    /// Returns what to write so that the terminal shows the screen and the status; empty if it
    /// does so already.
    pub fn draw<S: Sink>(&mut self, page: &Scrollback<S>, status: Status<'_>) -> String {
        let (cols, rows) = self.size;
        let (_, recorded) = page.size();
        let has_status = status.is_pressing || recorded < rows;
        let room = if has_status { rows - 1 } else { rows };
        let cursor = page.cursor();
        // Where it does not fit, what is around the cursor is what happens.
        let from = cursor.map_or(recorded, |(_, row)| row + 1).saturating_sub(room);
        let from = from.min(recorded.saturating_sub(room));
        let mut wanted: Vec<String> =
            page.screen().skip(from).take(room).map(|line| row(&line, cols)).collect();
        wanted.resize(room, String::new());
        if has_status {
            wanted.push(bar(status.text, cols));
        }

        let mut out = String::new();
        let is_new = self.rows.len() != rows;
        for (at, row) in wanted.iter().enumerate() {
            if is_new || self.rows.get(at) != Some(row) {
                out.push_str(&format!("\x1b[{};1H\x1b[0m\x1b[2K{row}", at + 1));
            }
        }
        self.rows = wanted;
        let place = cursor.filter(|(col, row)| *col <= cols && (from..from + room).contains(row));
        let after = match place {
            Some((col, row)) => {
                format!("\x1b[0m\x1b[{};{}H\x1b[?25h", row - from + 1, col.min(cols - 1) + 1)
            }
            None => "\x1b[0m\x1b[?25l".to_owned(),
        };
        // All at once, where the terminal can.
        format!("\x1b[?2026h\x1b[?25l{out}{after}\x1b[?2026l")
    }
}

/// Returns a row cut to the terminal's width, with its colours.
fn row(line: &Line, cols: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (text, pen) in line.parts() {
        if column >= cols {
            break;
        }
        out.push_str(&sgr(&pen));
        column += fit(&text, cols - column, &mut out);
    }
    out
}

/// Returns the status in a bar as wide as the terminal.
fn bar(text: &str, cols: usize) -> String {
    let mut out = String::from("\x1b[0;7m");
    let used = fit(text, cols, &mut out);
    out.push_str(&" ".repeat(cols - used));
    out
}

/// Appends as much of a text as fits, and returns its columns. What is no letter is not sent.
fn fit(text: &str, room: usize, out: &mut String) -> usize {
    let mut used = 0;
    for c in text.chars() {
        let c = if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        let width = c.width().unwrap_or(1);
        if used + width > room {
            break;
        }
        out.push(c);
        used += width;
    }
    used
}

/// Returns the sequence for a look, from whatever it was.
fn sgr(pen: &Pen) -> String {
    let mut codes = vec!["0".to_owned()];
    for (is_on, code) in [
        (pen.is_bold(), "1"),
        (pen.is_faint(), "2"),
        (pen.is_italic(), "3"),
        (pen.is_underline(), "4"),
        (pen.is_blink(), "5"),
        (pen.is_inverse(), "7"),
        (pen.is_strikethrough(), "9"),
    ] {
        if is_on {
            codes.push(code.to_owned());
        }
    }
    for (layer, colour) in [("3", pen.foreground()), ("4", pen.background())] {
        match colour {
            None => {}
            Some(Color::Indexed(index)) if index < 8 => codes.push(format!("{layer}{index}")),
            Some(Color::Indexed(index)) => codes.push(format!("{layer}8;5;{index}")),
            Some(Color::RGB(rgb)) => {
                codes.push(format!("{layer}8;2;{};{};{}", rgb.r, rgb.g, rgb.b));
            }
        }
    }
    format!("\x1b[{}m", codes.join(";"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::Event;

    fn page(cols: u16, rows: u16, text: &str) -> Scrollback<()> {
        let mut page = Scrollback::new(cols, rows, ());
        page.event(&Event::Output(text.into()), Duration::ZERO).unwrap();
        page
    }

    /// What a terminal of the stage's size shows then, and where its cursor is.
    fn shown(stage: &mut Stage, page: &Scrollback<()>, status: &str) -> (Vec<String>, usize) {
        let (cols, rows) = stage.size;
        let mut terminal = avt::Terminal::new(cols, rows).unwrap();
        let is_pressing = !status.is_empty();
        terminal.feed(ENTER);
        terminal.feed(stage.draw(page, Status { text: status, is_pressing }).as_str());
        let lines = terminal.screen().visible_lines();
        let lines = lines.map(|line| line.text().trim_end().to_owned()).collect();
        (lines, terminal.cursor().row)
    }

    #[test]
    fn a_screen_that_fits_is_itself() {
        let mut stage = Stage::default();
        stage.resize(10, 4);
        let page = page(8, 3, "a\r\n\x1b[1;38;5;200mb日\x1b[0m\r\nc");
        assert_eq!(shown(&mut stage, &page, "ok").0, ["a", "b日", "c", "ok"]);
        let pens = |terminal: &avt::Terminal| {
            let line = terminal.screen().line(1).unwrap();
            line.cells().iter().map(|cell| *cell.pen()).collect::<Vec<_>>()
        };
        let mut again = avt::Terminal::new(10, 4).unwrap();
        stage.resize(10, 4);
        again.feed(stage.draw(&page, Status { text: "", is_pressing: false }).as_str());
        let mut bare = avt::Terminal::new(10, 4).unwrap();
        bare.feed("a\r\n\x1b[1;38;5;200mb日\x1b[0m");
        assert_eq!(pens(&again), pens(&bare));
    }

    #[test]
    fn one_that_does_not_fit_shows_where_the_cursor_is() {
        let mut stage = Stage::default();
        stage.resize(5, 3);
        let long = page(9, 6, "1\r\n2\r\n3\r\n4\r\n12345日\r\n");
        assert!(stage.is_too_small(long.size()));
        assert_eq!(shown(&mut stage, &long, "").0, ["4", "12345", ""]);
        assert_eq!(
            shown(&mut stage, &long, "status"),
            (vec!["12345".into(), "".into(), "statu".into()], 1)
        );
        let top = page(9, 6, "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[H");
        assert_eq!(shown(&mut stage, &top, ""), (vec!["1".into(), "2".into(), "3".into()], 0));
        let wide = page(9, 6, "1234日");
        assert_eq!(shown(&mut stage, &wide, "").0[0], "1234", "no half of a letter");
        for (cols, rows) in [(0, 0), (1, 1), (1, 2)] {
            stage.resize(cols, rows);
            shown(&mut stage, &long, "status");
            shown(&mut stage, &long, "");
        }
    }

    #[test]
    fn only_what_changed_is_drawn_again() {
        let mut stage = Stage::default();
        stage.resize(10, 4);
        let mut page = page(10, 4, "one\r\ntwo");
        let status = Status { text: "", is_pressing: false };
        stage.draw(&page, status);
        page.event(&Event::Output(b"!".to_vec()), Duration::ZERO).unwrap();
        let drawn = stage.draw(&page, status);
        assert!(drawn.contains("two!") && !drawn.contains("one"), "{drawn:?}");
    }

    #[test]
    fn the_terminal_is_asked_and_told_nothing() {
        let mut stage = Stage::default();
        stage.resize(40, 4);
        let hostile =
            "\x1b]52;c;aGk=\x07\x1b]0;title\x07\x1b[6n\x1b[c\x1b[?1003h\u{9b}5nx\x1bP+q\x1b\\y";
        let drawn = stage.draw(&page(40, 4, hostile), Status { text: "", is_pressing: false });
        for bad in ["]52", "]0;", "6n", "[c", "1003", "5n", "+q"] {
            assert!(!drawn.contains(bad), "{bad} in {drawn:?}");
        }
        assert!(drawn.contains("xy"));
    }
}
