//! Characters that stand in the emulator's cells for what a cell has no room for: a letter with its
//! combining marks, and a byte that is no text.
//!
//! A cell of the emulator is one character. What is more is kept here, and a character from a
//! private plane stands for it. One from that plane that a program really printed is kept in the
//! same way, so that the two are never confused.

use std::collections::HashMap;

use unicode_width::UnicodeWidthChar;

/// The private plane whose characters stand in.
const FIRST: u32 = 0x10_0000;

/// How many there are: the plane's last two are no characters.
const MOST: usize = 0xFFFE;

/// Marks on one letter; more would climb over the lines above.
const MARKS_PER_LETTER: usize = 4;

/// What stand-ins stand for.
#[derive(Debug, Default)]
pub(super) struct StandIns {
    kept: Vec<Box<[u8]>>,
    known: HashMap<Box<[u8]>, char>,
}

impl StandIns {
    /// Returns the character to print for one that a program printed.
    pub(super) fn of_char(&mut self, c: char) -> char {
        if u32::from(c) < FIRST {
            return c;
        }
        let mut buffer = [0; 4];
        self.keep(c.encode_utf8(&mut buffer).as_bytes())
    }

    /// Returns the character to print for a byte that is no text.
    pub(super) fn of_byte(&mut self, byte: u8) -> char {
        self.keep(&[byte])
    }

    /// Returns the character to print for a cell with one more mark on it; none if it has enough
    /// of them.
    pub(super) fn with_mark(&mut self, cell: char, mark: char) -> Option<char> {
        let mut bytes = Vec::new();
        self.write(cell, &mut bytes);
        let marks = std::str::from_utf8(&bytes).ok()?.chars().count() - 1;
        if marks >= MARKS_PER_LETTER {
            return None;
        }
        bytes.extend_from_slice(mark.encode_utf8(&mut [0; 4]).as_bytes());
        Some(self.keep(&bytes))
    }

    /// Appends what a cell's character stands for.
    pub(super) fn write(&self, cell: char, out: &mut Vec<u8>) {
        if cell.is_ascii() {
            out.push(cell as u8);
            return;
        }
        let kept = u32::from(cell).checked_sub(FIRST).and_then(|at| self.kept.get(at as usize));
        match kept {
            Some(kept) => out.extend_from_slice(kept),
            None => out.extend_from_slice(cell.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> char {
        if let Some(&known) = self.known.get(bytes) {
            return known;
        }
        let at = self.kept.len();
        let free = char::from_u32(FIRST + at as u32).filter(|_| at < MOST);
        let Some(free) = free else {
            return char::REPLACEMENT_CHARACTER;
        };
        self.kept.push(bytes.into());
        self.known.insert(bytes.into(), free);
        free
    }
}

/// Says whether a character has no cell of its own: a combining mark, or one that is not seen.
pub(super) fn has_no_cell(c: char) -> bool {
    c >= '\u{300}' && c.width() == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(stand_ins: &StandIns, cell: char) -> Vec<u8> {
        let mut out = Vec::new();
        stand_ins.write(cell, &mut out);
        out
    }

    #[test]
    fn what_stands_in_comes_back() {
        let mut stand_ins = StandIns::default();
        let accent = stand_ins.with_mark('e', '\u{301}').unwrap();
        assert_eq!(accent.width(), Some(1));
        let byte = stand_ins.of_byte(0xff);
        // What a program really printed is not taken for one of ours.
        let real = stand_ins.of_char('\u{100000}');
        assert_eq!(written(&stand_ins, accent), "e\u{301}".as_bytes());
        assert_eq!(written(&stand_ins, byte), [0xff]);
        assert_eq!(written(&stand_ins, real), "\u{100000}".as_bytes());
        assert_eq!(written(&stand_ins, 'é'), "é".as_bytes());
        assert_eq!(stand_ins.with_mark('e', '\u{301}'), Some(accent), "kept once");
    }

    #[test]
    fn there_is_an_end_to_marks_and_to_stand_ins() {
        let mut stand_ins = StandIns::default();
        let mut cell = 'e';
        for _ in 0..MARKS_PER_LETTER {
            cell = stand_ins.with_mark(cell, '\u{301}').unwrap();
        }
        assert_eq!(stand_ins.with_mark(cell, '\u{301}'), None);
        for code in 0..0x1_0000 {
            stand_ins.keep(format!("{code}").as_bytes());
        }
        assert_eq!(stand_ins.of_byte(0xfe), char::REPLACEMENT_CHARACTER);
    }
}
