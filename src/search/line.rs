//! The line in which the search is typed.

use unicode_width::UnicodeWidthChar;

use super::keys::Key;
use crate::ui::visible;

/// One line of text and a cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    /// In bytes.
    cursor: usize,
}

impl Line {
    /// Makes a line with the cursor at its end.
    pub(super) fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// Returns what was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes a key; says whether it is one for editing.
    pub(super) fn key(&mut self, key: &Key) -> bool {
        match key {
            Key::Char(letter) => self.insert(letter.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => self.insert(text),
            Key::Backspace => self.remove(self.before(), self.cursor),
            Key::Delete => self.remove(self.cursor, self.after()),
            Key::KillToStart => self.remove(0, self.cursor),
            Key::KillToEnd => self.remove(self.cursor, self.text.len()),
            Key::KillWord => self.remove(self.word_before(), self.cursor),
            Key::Left => self.cursor = self.before(),
            Key::Right => self.cursor = self.after(),
            Key::WordLeft => self.cursor = self.word_before(),
            Key::WordRight => self.cursor = self.word_after(),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    /// Returns the part that fits into `width` columns, made visible, and the cursor's column in
    /// it; the cursor is always inside.
    pub(super) fn view(&self, width: usize) -> (String, usize) {
        let room = width.saturating_sub(1);
        let mut before = String::new();
        let mut column = 0;
        for letter in self.text[..self.cursor].chars().rev() {
            let columns = letter.width().unwrap_or(0);
            if column + columns > room {
                break;
            }
            column += columns;
            before.insert(0, letter);
        }
        let mut view = visible::one_line(&before);
        let column = visible::width(&view).min(room);
        let mut left = width - column.min(width);
        for letter in visible::one_line(&self.text[self.cursor..]).chars() {
            let columns = letter.width().unwrap_or(0);
            if columns > left {
                break;
            }
            left -= columns;
            view.push(letter);
        }
        (view, column)
    }

    /// Inserts text; lines become words, and nothing that moves a cursor gets in.
    fn insert(&mut self, text: &str) {
        for letter in text.chars() {
            let letter = if letter.is_whitespace() { ' ' } else { letter };
            if visible::is_plain(letter) || visible::is_mark(letter) {
                self.text.insert(self.cursor, letter);
                self.cursor += letter.len_utf8();
            }
        }
    }

    fn remove(&mut self, start: usize, end: usize) {
        self.text.drain(start..end);
        self.cursor = start;
    }

    /// The start of the letter before the cursor, with its marks.
    fn before(&self) -> usize {
        let mut letters = self.text[..self.cursor].char_indices().rev();
        letters.find(|(_, letter)| !visible::is_mark(*letter)).map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let mut letters = self.text[self.cursor..].char_indices().skip(1);
        let next = letters.find(|(_, letter)| !visible::is_mark(*letter));
        next.map_or(self.text.len(), |(at, _)| self.cursor + at)
    }

    fn word_before(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before.rfind(char::is_whitespace).map_or(0, |at| at + 1)
    }

    fn word_after(&self) -> usize {
        let after = &self.text[self.cursor..];
        let blanks = after.len() - after.trim_start().len();
        let word = after[blanks..].find(char::is_whitespace);
        word.map_or(self.text.len(), |at| self.cursor + blanks + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[Key]) -> String {
        let mut line = Line::new("delete from 家族");
        for key in keys {
            assert!(line.key(key), "{key:?}");
        }
        let (before, after) = line.text.split_at(line.cursor);
        format!("{before}|{after}")
    }

    #[test]
    fn editing_is_as_in_a_shell() {
        assert_eq!(typed(&[]), "delete from 家族|");
        assert_eq!(typed(&[Key::Backspace]), "delete from 家|");
        assert_eq!(typed(&[Key::Left, Key::Char('x')]), "delete from 家x|族");
        assert_eq!(typed(&[Key::KillWord, Key::KillWord]), "delete |");
        assert_eq!(typed(&[Key::Home, Key::WordRight, Key::KillToEnd]), "delete|");
        assert_eq!(typed(&[Key::WordLeft, Key::KillToStart]), "|家族");
        assert_eq!(typed(&[Key::Home, Key::Delete, Key::Right]), "e|lete from 家族");
        let paste = Key::Paste("a\r\n\tb\x1b[2J\u{202e}".to_owned());
        assert_eq!(typed(&[Key::Home, Key::KillToEnd, paste]), "a   b[2J|");
    }

    #[test]
    fn a_mark_goes_with_its_letter() {
        let mut line = Line::new("ae\u{301}");
        line.key(&Key::Left);
        assert_eq!(line.cursor, 1);
        line.key(&Key::Delete);
        assert_eq!(line.text(), "a");
    }

    #[test]
    fn the_cursor_is_always_in_view() {
        for width in 0..20 {
            let mut line = Line::new("delete from 家族 where id = 3");
            for _ in 0..40 {
                let (view, column) = line.view(width);
                assert!(visible::width(&view) <= width.max(1), "{width} {view:?}");
                assert!(column < width.max(1), "{width} {column}");
                line.key(&Key::Left);
            }
        }
        assert_eq!(Line::new("delete from 家族").view(6), ("m 家族".chars().skip(1).collect(), 5));
    }
}
