//! The line being typed.

use crate::ui::visible;

/// Letters of an answer or a reason; what is typed beyond is dropped.
const LONGEST: usize = 500;

/// What has been typed since the prompt, and how it came.
#[derive(Debug, Default)]
pub(super) struct Entry {
    text: String,
    bursts: u32,
}

impl Entry {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Says whether the keys came in several bursts, as from a person, or there is only one.
    pub(super) fn is_typed(&self) -> bool {
        self.bursts > 1 || self.text.chars().nth(1).is_none()
    }

    /// Adds a letter. One that cannot be seen becomes U+FFFD, so that it shows and matches no
    /// word.
    pub(super) fn push(&mut self, letter: char, starts_burst: bool) {
        if self.text.chars().count() >= LONGEST {
            return;
        }
        self.bursts += u32::from(starts_burst);
        let is_fine = letter == ' '
            || visible::is_plain(letter)
            || (visible::is_mark(letter)
                && self.text.chars().last().is_some_and(visible::is_plain));
        self.text.push(if is_fine { letter } else { char::REPLACEMENT_CHARACTER });
    }

    /// Removes the last letter with its marks.
    pub(super) fn backspace(&mut self) {
        while self.text.pop().is_some_and(visible::is_mark) {}
        self.forget_if_empty();
    }

    pub(super) fn kill_word(&mut self) {
        let kept = self.text.trim_end().rfind(' ').map_or(0, |space| space + 1);
        self.text.truncate(kept);
        self.forget_if_empty();
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.forget_if_empty();
    }

    fn forget_if_empty(&mut self) {
        if self.text.is_empty() {
            self.bursts = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Entry {
        let mut entry = Entry::default();
        for letter in text.chars() {
            entry.push(letter, true);
        }
        entry
    }

    #[test]
    fn letters_and_words_are_taken_back_whole() {
        let mut entry = typed("cleaning up e\u{301}");
        entry.backspace();
        assert_eq!(entry.text(), "cleaning up ");
        entry.kill_word();
        assert_eq!(entry.text(), "cleaning ");
        entry.kill_word();
        assert_eq!(entry.text(), "");
        entry.backspace();
        assert_eq!(entry.text(), "");
    }

    #[test]
    fn what_cannot_be_seen_does_not_match() {
        assert_eq!(typed("ord\u{200b}ers").text(), "ord\u{fffd}ers");
        assert_eq!(typed("\u{301}x").text(), "\u{fffd}x");
    }

    #[test]
    fn there_is_an_end() {
        assert_eq!(typed(&"x".repeat(LONGEST + 9)).text().len(), LONGEST);
    }

    #[test]
    fn one_burst_is_not_typing() {
        let mut entry = Entry::default();
        entry.push('d', true);
        assert!(entry.is_typed());
        entry.push('b', false);
        assert!(!entry.is_typed());
    }
}
