//! Bytes from the user terminal to keys, however they are torn.
//!
//! What is no key of a person's is swallowed whole: cursor and function keys, mouse reports, the
//! terminal's replies to the client's questions, and everything between the two marks of a
//! bracketed paste.

use std::time::Duration;

/// An Esc that nothing follows for this long is the key and not the start of a sequence.
pub(super) const LONE_ESCAPE: Duration = Duration::from_millis(50);

/// A Ctrl-C after this much silence inside a paste is a person's: the end mark got lost.
const STALLED_PASTE: Duration = Duration::from_millis(300);

/// What ends a bracketed paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// A key, or something that counts as input and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A character; U+FFFD stands for bytes that are no UTF-8.
    Char(char),
    Enter,
    Backspace,
    /// Ctrl-U.
    KillLine,
    /// Ctrl-W.
    KillWord,
    /// Ctrl-C or Ctrl-\.
    Interrupt,
    /// Ctrl-D.
    EndOfFile,
    /// Ctrl-Z.
    Suspend,
    /// A bracketed paste starts.
    PasteStart,
    /// A bracketed paste is over.
    PasteEnd,
    /// Input without a meaning here.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    Utf8 {
        bytes: [u8; 4],
        have: usize,
        want: usize,
    },
    /// After ESC, since when.
    Escape(Duration),
    /// After `ESC [`; the number so far, and whether any byte came.
    Csi {
        number: u32,
        is_first: bool,
    },
    /// So many bytes belong to what came before.
    Skip(u8),
    /// OSC, DCS and kin, up to ST or BEL.
    Text,
    /// So many bytes of the end mark have matched.
    Paste(usize),
}

/// The decoder.
#[derive(Debug, Default)]
pub(super) struct Keys {
    state: State,
    last: Duration,
}

impl Keys {
    /// Returns when a waiting Esc turns out to be alone.
    pub(super) fn escape_due(&self) -> Option<Duration> {
        match self.state {
            State::Escape(since) => Some(since + LONE_ESCAPE),
            State::Ground
            | State::Utf8 { .. }
            | State::Csi { .. }
            | State::Skip(_)
            | State::Text
            | State::Paste(_) => None,
        }
    }

    /// Takes one byte; returns the key it completes.
    pub(super) fn feed(&mut self, byte: u8, now: Duration) -> Option<Key> {
        let silence = now.saturating_sub(std::mem::replace(&mut self.last, now));
        let (state, key) = match self.state {
            State::Ground => ground(byte, now),
            State::Utf8 { bytes, have, want } => utf8(byte, bytes, have, want, now),
            State::Escape(_) => escape(byte, now),
            State::Csi { number, is_first } => csi(byte, number, is_first, now),
            State::Skip(_) if byte == 0x03 => (State::Ground, Some(Key::Interrupt)),
            State::Skip(left) if left > 1 => (State::Skip(left - 1), None),
            State::Skip(_) => (State::Ground, Some(Key::Other)),
            State::Text => match byte {
                0x03 => (State::Ground, Some(Key::Interrupt)),
                0x1b => (State::Escape(now), None),
                0x00..=0x1f => (State::Ground, Some(Key::Other)),
                _ => (State::Text, None),
            },
            State::Paste(_) if byte == 0x03 && silence >= STALLED_PASTE => {
                (State::Ground, Some(Key::Interrupt))
            }
            State::Paste(matched) if byte == PASTE_END[matched] => {
                if matched + 1 == PASTE_END.len() {
                    (State::Ground, Some(Key::PasteEnd))
                } else {
                    (State::Paste(matched + 1), None)
                }
            }
            // ESC occurs in the mark only as its first byte, so a mismatch starts over.
            State::Paste(_) => (State::Paste(usize::from(byte == PASTE_END[0])), None),
        };
        self.state = state;
        key
    }
}

fn ground(byte: u8, now: Duration) -> (State, Option<Key>) {
    let key = match byte {
        0x03 | 0x1c => Key::Interrupt,
        0x04 => Key::EndOfFile,
        0x08 | 0x7f => Key::Backspace,
        b'\r' | b'\n' => Key::Enter,
        0x15 => Key::KillLine,
        0x17 => Key::KillWord,
        0x1a => Key::Suspend,
        0x1b => return (State::Escape(now), None),
        0x00..=0x1f => Key::Other,
        0x20..=0x7e => Key::Char(char::from(byte)),
        0xc2..=0xf4 => {
            let want = match byte {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            return (State::Utf8 { bytes: [byte, 0, 0, 0], have: 1, want }, None);
        }
        _ => Key::Char(char::REPLACEMENT_CHARACTER),
    };
    (State::Ground, Some(key))
}

fn utf8(
    byte: u8,
    mut bytes: [u8; 4],
    have: usize,
    want: usize,
    now: Duration,
) -> (State, Option<Key>) {
    if byte & 0xc0 != 0x80 {
        // The torn letter is lost; the byte that broke it still counts if it is a control.
        return if byte < 0x20 {
            ground(byte, now)
        } else {
            (State::Ground, Some(Key::Char(char::REPLACEMENT_CHARACTER)))
        };
    }
    bytes[have] = byte;
    if have + 1 < want {
        return (State::Utf8 { bytes, have: have + 1, want }, None);
    }
    let text = std::str::from_utf8(&bytes[..want]).ok();
    let letter = text.and_then(|text| text.chars().next());
    (State::Ground, Some(Key::Char(letter.unwrap_or(char::REPLACEMENT_CHARACTER))))
}

fn escape(byte: u8, now: Duration) -> (State, Option<Key>) {
    match byte {
        b'[' => (State::Csi { number: 0, is_first: true }, None),
        b'O' => (State::Skip(1), None),
        b']' | b'P' | b'X' | b'^' | b'_' => (State::Text, None),
        // A second Esc may start the sequence of an Alt key.
        0x1b => (State::Escape(now), None),
        0x03 => (State::Ground, Some(Key::Interrupt)),
        // Alt with a letter: the letter belongs to it, to its last byte.
        0xc2..=0xdf => (State::Skip(1), None),
        0xe0..=0xef => (State::Skip(2), None),
        0xf0..=0xf4 => (State::Skip(3), None),
        _ => (State::Ground, Some(Key::Other)),
    }
}

fn csi(byte: u8, number: u32, is_first: bool, now: Duration) -> (State, Option<Key>) {
    match byte {
        b'0'..=b'9' => {
            let number = number.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
            (State::Csi { number, is_first: false }, None)
        }
        // Only a number that stands alone can be the mark of a paste.
        0x20..=0x3f => (State::Csi { number: u32::MAX, is_first: false }, None),
        // The Linux console's function keys: `ESC [ [ A`.
        b'[' if is_first => (State::Skip(1), None),
        // The oldest mouse report: three bytes of any value follow.
        b'M' if is_first => (State::Skip(3), None),
        b'~' if number == 200 => (State::Paste(0), Some(Key::PasteStart)),
        0x40..=0x7e => (State::Ground, Some(Key::Other)),
        0x03 => (State::Ground, Some(Key::Interrupt)),
        0x1b => (State::Escape(now), None),
        _ => (State::Ground, Some(Key::Other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.iter().filter_map(|byte| keys.feed(*byte, Duration::ZERO)).collect()
    }

    #[test]
    fn what_is_no_key_is_swallowed_whole() {
        for sequence in [
            "\x1b[A",
            "\x1bOA",
            "\x1b[1;5D",
            "\x1b[3~",
            "\x1b[[A",
            "\x1b[M !!",
            "\x1b[<0;3;4M",
            "\x1b[?62;4c",
            "\x1b]11;rgb:0/0/0\x07",
            "\x1b]11;rgb:0/0/0\x1b\\",
            "\x1bP1$r\x1b\\",
            "\x1bx",
            "\x1bé",
            "\x1b\x1b[A",
            "\x1b[I",
        ] {
            let found = keys(format!("{sequence}z").as_bytes());
            assert_eq!(found, [Key::Other, Key::Char('z')], "{sequence:?}");
        }
    }

    #[test]
    fn a_paste_is_two_marks_whatever_is_in_it() {
        for inside in ["orders\r", "\x03", "\x1b", "\x1b[201", "\x1b\x1b[20", "\x1b[200~"] {
            let found = keys(format!("\x1b[200~{inside}\x1b[201~").as_bytes());
            assert_eq!(found, [Key::PasteStart, Key::PasteEnd], "{inside:?}");
        }
    }

    #[test]
    fn a_stalled_paste_does_not_lock_the_person_out() {
        let mut keys = Keys::default();
        for byte in b"\x1b[200~abc" {
            keys.feed(*byte, Duration::ZERO);
        }
        assert_eq!(keys.feed(0x03, Duration::from_millis(299)), None);
        assert_eq!(keys.feed(0x03, Duration::from_secs(1)), Some(Key::Interrupt));
    }

    #[test]
    fn letters_of_any_length_and_broken_ones() {
        assert_eq!(keys("é家😀".as_bytes()), [Key::Char('é'), Key::Char('家'), Key::Char('😀')]);
        assert_eq!(keys(b"\xc3\x03"), [Key::Interrupt]);
        let broken = Key::Char(char::REPLACEMENT_CHARACTER);
        assert_eq!(keys(b"\xff\xed\xa0\x80\x80"), [broken, broken, broken]);
    }
}
