//! A line as the terminal's own editing makes it: what a client reads where no line editor is at
//! work.

const END_OF_FILE: u8 = 0x04;

/// The keys that edit; 0 for one that is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Editing {
    /// Takes a character back, usually 0x7f.
    pub erase: u8,
    /// Takes a word back, usually 0x17.
    pub erase_word: u8,
    /// Takes the line back, usually 0x15.
    pub kill: u8,
    /// Makes text of the key behind it, usually 0x16.
    pub quote: u8,
}

/// What was typed of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typed {
    text: Vec<u8>,
    is_quoting: bool,
}

impl Typed {
    /// Takes keys up to the one that ends the line; returns the line then, without its end.
    pub fn press(&mut self, keys: &[u8], editing: Editing) -> Option<Vec<u8>> {
        for &key in keys {
            let is = |other: u8| other != 0 && key == other;
            if std::mem::take(&mut self.is_quoting) {
                self.text.push(key);
            } else if matches!(key, b'\r' | b'\n' | END_OF_FILE) {
                return Some(std::mem::take(&mut self.text));
            } else if is(editing.quote) {
                self.is_quoting = true;
            } else if is(editing.erase) {
                self.erase();
            } else if is(editing.erase_word) {
                self.erase_word();
            } else if is(editing.kill) {
                self.text.clear();
            } else {
                self.text.push(key);
            }
        }
        None
    }

    /// The line is thrown away, as Ctrl-C does.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes a whole character back.
    fn erase(&mut self) -> Option<u8> {
        let mut last = self.text.pop()?;
        while (0x80..0xc0).contains(&last) {
            last = self.text.pop()?;
        }
        Some(last)
    }

    /// Takes letters and digits back, with what stands behind them.
    fn erase_word(&mut self) {
        let mut has_letters = false;
        while let Some(&last) = self.text.last() {
            let is_letter = last.is_ascii_alphanumeric() || last == b'_' || last >= 0x80;
            if has_letters && !is_letter {
                break;
            }
            has_letters |= is_letter;
            self.erase();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_edit_the_line_however_torn() {
        let editing = Editing { erase: 0x7f, erase_word: 0x17, kill: 0x15, quote: 0x16 };
        for (keys, expected) in [
            ("select 1;\r", "select 1;"),
            ("-- x\x15delete\n", "delete"),
            ("deé\x7flete\r", "delete"),
            ("delete from t;  \x17\x17x\r", "delete x"),
            ("-- \x16\rdelete\r", "-- \rdelete"),
            ("a\x16\x16b\x16\x7f\r", "a\x16b\x7f"),
            ("\x7f\x17\x15\x04", ""),
        ] {
            for cut in 0..keys.len() {
                let (before, behind) = keys.as_bytes().split_at(cut);
                let mut typed = Typed::default();
                assert_eq!(typed.press(before, editing), None, "{keys:?}");
                let line = typed.press(behind, editing);
                assert_eq!(line.as_deref(), Some(expected.as_bytes()), "{keys:?} cut at {cut}");
            }
        }
    }
}
