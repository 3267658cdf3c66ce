//! One line of a session as it left the screen, with the looks of its parts.

use avt::Pen;

use super::standin::StandIns;

/// One line: rows that the terminal wrapped are joined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// The text: UTF-8, but for bytes that the client printed and that are none. No line end; no
    /// blanks at the end, unless they have a look of their own.
    pub bytes: Vec<u8>,
    /// How its parts look, in order; together they are the whole line.
    pub spans: Vec<Span>,
}

/// A part of a line with one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it ends in the line, in bytes.
    pub end: usize,
    /// Colours and the like.
    pub pen: Pen,
}

impl Line {
    /// Appends a row of the screen.
    pub(super) fn push(&mut self, row: &avt::Line, stand_ins: &StandIns) {
        let cells = row.cells();
        let is_blank = |cell: &avt::Cell| cell.char() == ' ' && is_unseen(cell.pen());
        let used = if row.is_wrapped() {
            cells.len()
        } else {
            cells.iter().rposition(|cell| !is_blank(cell)).map_or(0, |last| last + 1)
        };
        for cell in &cells[..used] {
            // The second half of a wide character has no width of its own.
            if cell.width() == 0 {
                continue;
            }
            stand_ins.write(cell.char(), &mut self.bytes);
            let end = self.bytes.len();
            match self.spans.last_mut() {
                Some(last) if last.pen == *cell.pen() => last.end = end,
                _ => self.spans.push(Span { end, pen: *cell.pen() }),
            }
        }
    }

    /// Returns the text with U+FFFD for what is no text.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// Returns the parts: text, U+FFFD for what is none, and look.
    pub fn parts(&self) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, Pen)> {
        let mut start = 0;
        self.spans.iter().map(move |span| {
            let part = &self.bytes[start..span.end];
            start = span.end;
            (String::from_utf8_lossy(part), span.pen)
        })
    }

    /// Says whether nothing of it can be seen.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(|&byte| byte == b' ')
    }

    /// Makes it a line of plain text.
    pub(super) fn set(&mut self, text: &str) {
        self.clear();
        self.bytes.extend_from_slice(text.as_bytes());
        if !text.is_empty() {
            self.spans.push(Span { end: text.len(), pen: Pen::default() });
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }
}

/// Says whether a blank with this look cannot be told from an empty cell.
fn is_unseen(pen: &Pen) -> bool {
    pen.background().is_none()
        && !pen.is_inverse()
        && !pen.is_underline()
        && !pen.is_strikethrough()
}
