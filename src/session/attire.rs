//! What a client changes of its terminal's look: read off what it prints, at any split.

use memchr::memchr;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The title.
    Title,
    /// The background's colour.
    Background,
    /// All there is: the terminal was reset.
    All,
}

/// Follows the output.
#[derive(Debug, Default)]
pub struct Attire {
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    /// Behind an escape.
    Escaped,
    /// In the number that says what a command of the operating system's kind is about.
    Number(u16),
    /// In the text of a command, and whether an escape in it came last.
    Text(u16, bool),
}

impl Attire {
    /// Reads output; tells each change once it is whole.
    pub fn feed(&mut self, bytes: &[u8], mut tell: impl FnMut(Changed)) {
        let mut rest = bytes;
        loop {
            if self.state == State::Plain {
                let Some(at) = memchr(ESCAPE, rest) else { return };
                rest = &rest[at + 1..];
                self.state = State::Escaped;
            }
            let Some((&byte, tail)) = rest.split_first() else { return };
            rest = tail;
            self.state = match (self.state, byte) {
                (State::Escaped, b']') => State::Number(0),
                (State::Escaped, ESCAPE) => State::Escaped,
                (State::Escaped, b'c') => {
                    tell(Changed::All);
                    State::Plain
                }
                (State::Number(number), b'0'..=b'9') => {
                    let digit = u16::from(byte - b'0');
                    State::Number(number.saturating_mul(10).saturating_add(digit))
                }
                (State::Number(number), b';') => State::Text(number, false),
                (State::Number(number) | State::Text(number, false), ESCAPE) => {
                    State::Text(number, true)
                }
                (State::Number(number) | State::Text(number, _), BELL)
                | (State::Text(number, true), b'\\') => {
                    match number {
                        0 | 2 => tell(Changed::Title),
                        11 | 111 => tell(Changed::Background),
                        _ => {}
                    }
                    State::Plain
                }
                // Anything else behind an escape ends what it stands in.
                (State::Text(_, true) | State::Escaped | State::Number(_), _) => State::Plain,
                (text @ State::Text(..), _) | (text @ State::Plain, _) => text,
            };
        }
    }

    /// Returns whether something of ours can stand behind output that ends so: within no character
    /// and no sequence.
    #[must_use]
    pub fn is_between(&self, bytes: &[u8]) -> bool {
        if self.state != State::Plain || bytes.last().is_some_and(|byte| !byte.is_ascii()) {
            return false;
        }
        let Some(at) = memchr::memrchr(ESCAPE, bytes) else { return true };
        match &bytes[at + 1..] {
            [b'[', parameters @ ..] => parameters.iter().any(|byte| (0x40..=0x7e).contains(byte)),
            [b'(' | b')' | b'#' | b'%', rest @ ..] => !rest.is_empty(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_once_they_are_whole_at_every_split() {
        for (output, told) in [
            ("plain \x1b[31mred\x1b[0m", ""),
            ("\x1b]0;a title\x07", "Title"),
            ("\x1b]2;a title\x1b\\b", "Title"),
            ("\x1b]11;#000000\x07\x1b]111\x07", "Background Background"),
            ("\x1b]1;icon\x07\x1b]8;;http://x\x07", ""),
            ("a\x1bc", "All"),
            ("\x1b]2;torn\x1b[31m\x1b]2;b\x07", "Title"),
            ("\x1b\x1b]99999999;\x07", ""),
            ("\x1b]2;never ended", ""),
        ] {
            for at in 0..=output.len() {
                let (mut attire, mut found) = (Attire::default(), Vec::new());
                for piece in [&output[..at], &output[at..]] {
                    attire.feed(piece.as_bytes(), |changed| found.push(format!("{changed:?}")));
                }
                assert_eq!(found.join(" "), told, "{output:?} at {at}");
            }
        }
    }

    #[test]
    fn nothing_of_ours_tears_what_is_a_clients() {
        for (output, is_between) in [
            ("", true),
            ("abc", true),
            ("é", false),
            ("\x1b", false),
            ("\x1b[3", false),
            ("\x1b[31m", true),
            ("\x1b[?25", false),
            ("\x1b(", false),
            ("\x1b(B", true),
            ("\x1b]2;ti", false),
            ("\x1b]2;title\x07", true),
        ] {
            let mut attire = Attire::default();
            attire.feed(output.as_bytes(), |_| {});
            assert_eq!(attire.is_between(output.as_bytes()), is_between, "{output:?}");
        }
    }
}
