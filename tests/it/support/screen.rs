//! What a person would see: the VT emulator's screen as plain text.

use std::fmt;

/// One look at the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Screen {
    /// The visible lines, without trailing blanks.
    pub(crate) lines: Vec<String>,
    /// Column and row of the cursor.
    pub(crate) cursor: (usize, usize),
    /// Whether the cursor is shown.
    pub(crate) is_cursor_shown: bool,
    /// Whether a full-screen program has the alternate screen.
    pub(crate) is_alternate: bool,
}

impl Screen {
    /// Takes a look at the emulator.
    pub(crate) fn of(terminal: &avt::Terminal) -> Self {
        let cursor = terminal.cursor();
        Self {
            lines: terminal
                .screen()
                .visible_lines()
                .map(|line| line.text().trim_end().to_owned())
                .collect(),
            cursor: (cursor.col, cursor.row),
            is_cursor_shown: cursor.visible,
            is_alternate: terminal.active_screen_kind() == avt::ScreenKind::Alternate,
        }
    }

    /// Tells whether the text stands on one line of the screen.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }

    /// Tells whether this screen is the other one, but for lines of nightlatch's own, which push
    /// what is above them up by as many rows.
    pub(crate) fn is_but_for_own_lines(&self, other: &Self) -> bool {
        let is_own = |line: &&String| line.starts_with("nightlatch: ");
        let above = |screen: &Self| -> Vec<String> {
            let lines = screen.lines.iter().take(screen.cursor.1 + 1);
            lines.filter(|line| !is_own(line)).rev().cloned().collect()
        };
        let below = |screen: &Self| -> Vec<String> {
            let lines = screen.lines.iter().skip(screen.cursor.1 + 1);
            lines.filter(|line| !line.is_empty()).cloned().collect()
        };
        let is_scrolled = self.lines.iter().any(|line| is_own(&line)) || self == other;
        let (own, others) = (above(self), above(other));
        let count = if is_scrolled { own.len().min(others.len()) } else { own.len() };
        own.get(..count) == others.get(..count)
            && (is_scrolled || others.len() == own.len())
            && below(self) == below(other)
            && self.cursor.0 == other.cursor.0
            && self.is_cursor_shown == other.is_cursor_shown
            && self.is_alternate == other.is_alternate
    }

    /// Returns the line the cursor is on.
    pub(crate) fn cursor_line(&self) -> &str {
        self.lines.get(self.cursor.1).map_or("", String::as_str)
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        for (row, line) in self.lines.iter().enumerate().take(used.max(self.cursor.1 + 1)) {
            writeln!(f, "{row:>3}|{line}")?;
        }
        let alternate = if self.is_alternate { ", alternate screen" } else { "" };
        write!(f, "   cursor at column {}, row {}{alternate}", self.cursor.0, self.cursor.1)
    }
}

/// Removes escape sequences and carriage returns, so that text can be looked for.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\x1b' => match chars.next() {
                Some('[') => {
                    // A control sequence ends with the first byte from @ to ~.
                    for next in chars.by_ref() {
                        if ('@'..='~').contains(&next) {
                            break;
                        }
                    }
                }
                Some(']') => {
                    while let Some(next) = chars.next() {
                        if next == '\x07' {
                            break;
                        }
                        if next == '\x1b' {
                            chars.next();
                            break;
                        }
                    }
                }
                Some(_) | None => {}
            },
            '\r' | '\x07' | '\x0f' => {}
            other => out.push(other),
        }
    }
    out
}

#[test]
fn own_lines_are_looked_past_and_nothing_else() {
    let screen = |lines: &[&str]| Screen {
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        cursor: (0, lines.len() - 1),
        is_cursor_shown: true,
        is_alternate: false,
    };
    let bare = screen(&["a", "b", "c", "d"]);
    assert!(screen(&["a", "b", "c", "d"]).is_but_for_own_lines(&bare));
    assert!(screen(&["b", "nightlatch: x", "c", "d"]).is_but_for_own_lines(&bare));
    assert!(!screen(&["b", "nightlatch: x", "d", "d"]).is_but_for_own_lines(&bare));
    assert!(!screen(&["b", "c", "d"]).is_but_for_own_lines(&bare));
    assert!(!screen(&["b", "c", "d", ""]).is_but_for_own_lines(&bare));
}

#[test]
fn plain_text_has_no_escape_sequences() {
    assert_eq!(
        plain(b"\x1b[?2004ha\x1b[1;31mb\r\n\x1b]0;title\x07c\x1b]2;t\x1b\\d\x1b=e"),
        "ab\ncde"
    );
}
