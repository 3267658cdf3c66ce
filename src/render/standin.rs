//! Characters that stand in the emulator's cells for what a cell has no room for: a letter with its
//! combining marks, and a byte that is no text.
//!
//! A cell of the emulator is one character. What is more is kept here, and a character that stands
//! for nothing else stands for it, one as wide. One of those that a program really printed is kept
//! in the same way, so that the two are never confused.

use std::collections::HashMap;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::ui::visible;

/// The characters that stand in for narrow ones, a private plane, and for wide ones, of which none
/// will be given away soon. The last two of a plane are no characters.
const STANDING: [Range<u32>; 2] = [0x10_0000..0x10_FFFE, 0x3_8000..0x3_FFFE];

/// The first of them.
const FIRST: u32 = STANDING[1].start;

/// Marks on one letter; more would climb over the lines above.
const MARKS_PER_LETTER: usize = 4;

/// What stand-ins stand for.
#[derive(Debug, Default)]
pub(super) struct StandIns {
    /// By width.
    kept: [Vec<Box<[u8]>>; 2],
    known: HashMap<Box<[u8]>, char>,
}

impl StandIns {
    /// Returns the character to print for one that a program printed.
    pub(super) fn of_char(&mut self, c: char) -> char {
        match place(c) {
            Some((width, _)) => self.keep(width, c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => c,
        }
    }

    /// Returns the character to print for a byte that is no text.
    pub(super) fn of_byte(&mut self, byte: u8) -> char {
        self.keep(Width::Narrow, &[byte])
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
        let width = if cell.width() == Some(2) { Width::Wide } else { Width::Narrow };
        Some(self.keep(width, &bytes))
    }

    /// Appends what a cell's character stands for.
    pub(super) fn write(&self, cell: char, out: &mut Vec<u8>) {
        if cell.is_ascii() {
            out.push(cell as u8);
            return;
        }
        match place(cell).and_then(|(width, at)| self.kept[width as usize].get(at)) {
            Some(kept) => out.extend_from_slice(kept),
            None => out.extend_from_slice(cell.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    fn keep(&mut self, width: Width, bytes: &[u8]) -> char {
        if let Some(&known) = self.known.get(bytes) {
            return known;
        }
        let (kept, standing) = (&mut self.kept[width as usize], &STANDING[width as usize]);
        let free = char::from_u32(standing.start + kept.len() as u32);
        let Some(free) = free.filter(|_| kept.len() < standing.len()) else {
            return char::REPLACEMENT_CHARACTER;
        };
        kept.push(bytes.into());
        self.known.insert(bytes.into(), free);
        free
    }
}

/// How many cells a character has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Narrow,
    Wide,
}

/// Returns which of those that stand in a character is.
fn place(c: char) -> Option<(Width, usize)> {
    let code = u32::from(c);
    let at = |width: Width| {
        let standing = &STANDING[width as usize];
        standing.contains(&code).then(|| (width, (code - standing.start) as usize))
    };
    // Nearly all are below.
    if code < FIRST { None } else { at(Width::Narrow).or_else(|| at(Width::Wide)) }
}

/// Says whether a character belongs to the one before it: a combining mark, or what joins letters and
/// pictures or keeps them apart.
pub(super) fn is_joined(c: char) -> bool {
    visible::is_mark(c) || matches!(c, '\u{200c}' | '\u{200d}')
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
        let (kana, wide) = (stand_ins.with_mark('か', '\u{3099}').unwrap(), '\u{38001}');
        assert_eq!(kana.width(), Some(2));
        let real_wide = stand_ins.of_char(wide);
        assert_eq!(written(&stand_ins, kana), "か\u{3099}".as_bytes());
        assert_eq!(written(&stand_ins, real_wide), wide.to_string().as_bytes());
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
            stand_ins.keep(Width::Narrow, format!("{code}").as_bytes());
        }
        assert_eq!(stand_ins.of_byte(0xfe), char::REPLACEMENT_CHARACTER);
    }
}
