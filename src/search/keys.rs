//! Bytes from the terminal to keys, however they are torn.

use std::time::Duration;

/// An Esc that nothing follows for this long is the key and not the start of a sequence.
const LONE_ESCAPE: Duration = Duration::from_millis(50);

/// What ends a bracketed paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// Most of a paste that is taken; nobody searches for more.
const MOST_PASTED: usize = 4 << 10;

/// A key by what it means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    /// All of a bracketed paste.
    Paste(String),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    KillToStart,
    KillToEnd,
    KillWord,
    /// To older statements.
    Up,
    /// To newer ones.
    Down,
    PageUp,
    PageDown,
    /// The preview, a few lines.
    PreviewUp,
    PreviewDown,
    /// Esc, Ctrl-C, Ctrl-G.
    Cancel,
    /// Ctrl-D.
    EndOfFile,
    /// Ctrl-Y.
    Copy,
    /// Ctrl-R.
    Scope,
    /// Ctrl-O.
    Outputs,
    /// Ctrl-L.
    Redraw,
    /// Ctrl-Z.
    Suspend,
    /// Without a meaning here.
    Other,
}

/// The decoder.
#[derive(Debug, Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    is_pasting: bool,
    /// When the last bytes came.
    last: Duration,
}

impl Keys {
    /// Takes what came.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Duration) {
        self.last = now;
        if self.is_pasting && bytes == [0x03] {
            // The end of the paste was lost; a person wants out.
            self.is_pasting = false;
            self.bytes.clear();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns when what has come so far is all there will be of a key.
    pub(super) fn due(&self) -> Option<Duration> {
        (!self.bytes.is_empty() && !self.is_pasting).then(|| self.last + LONE_ESCAPE)
    }

    /// Returns the next key, if all of it is there.
    pub(super) fn next(&mut self, now: Duration) -> Option<Key> {
        if self.is_pasting {
            return self.paste();
        }
        if self.bytes.is_empty() {
            return None;
        }
        let (key, used) = match read(&self.bytes) {
            Some(read) => read,
            None if now < self.last + LONE_ESCAPE => return None,
            // Nothing follows: an Esc by itself, or a torn sequence nobody can read.
            None if self.bytes == [0x1b] => (Key::Cancel, 1),
            None => (Key::Other, self.bytes.len()),
        };
        self.bytes.drain(..used);
        if key == Key::Paste(String::new()) {
            self.is_pasting = true;
            return self.paste();
        }
        Some(key)
    }

    fn paste(&mut self) -> Option<Key> {
        let end = self.bytes.windows(PASTE_END.len()).position(|part| part == PASTE_END);
        let Some(end) = end else {
            if self.bytes.len() > MOST_PASTED + PASTE_END.len() {
                // The end mark may have begun.
                let surplus = MOST_PASTED..self.bytes.len() - PASTE_END.len();
                self.bytes.drain(surplus);
            }
            return None;
        };
        self.is_pasting = false;
        let text = String::from_utf8_lossy(&self.bytes[..end.min(MOST_PASTED)]).into_owned();
        self.bytes.drain(..end + PASTE_END.len());
        Some(Key::Paste(text))
    }
}

/// Reads the key at the start; none if more bytes may belong to it.
fn read(bytes: &[u8]) -> Option<(Key, usize)> {
    let key = match bytes[0] {
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 | 0x07 | 0x1c => Key::Cancel,
        0x04 => Key::EndOfFile,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x08 | 0x7f => Key::Backspace,
        b'\t' => Key::Tab,
        b'\r' | b'\n' => Key::Enter,
        0x0b => Key::KillToEnd,
        0x0c => Key::Redraw,
        0x0e => Key::Down,
        0x0f => Key::Outputs,
        0x10 => Key::Up,
        0x12 => Key::Scope,
        0x15 => Key::KillToStart,
        0x17 => Key::KillWord,
        0x19 => Key::Copy,
        0x1a => Key::Suspend,
        0x1b => return escape(bytes),
        0x00..=0x1f => Key::Other,
        _ => return letter(bytes),
    };
    Some((key, 1))
}

fn letter(bytes: &[u8]) -> Option<(Key, usize)> {
    let part = &bytes[..bytes.len().min(4)];
    let valid = match str::from_utf8(part) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            str::from_utf8(&part[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => {
            return error.error_len().map(|len| (Key::Char(char::REPLACEMENT_CHARACTER), len));
        }
    };
    let letter = valid.chars().next()?;
    Some((Key::Char(letter), letter.len_utf8()))
}

fn escape(bytes: &[u8]) -> Option<(Key, usize)> {
    let (key, used) = match bytes.get(1)? {
        b'[' => return control_sequence(bytes),
        b'O' => (arrow(*bytes.get(2)?, 1), 3),
        b']' | b'P' | b'X' | b'^' | b'_' => {
            let rest = &bytes[2..];
            let end = rest.iter().position(|&byte| byte == 0x07 || byte == 0x1b)?;
            // It ends with BEL, or with ESC and a backslash.
            (
                Key::Other,
                2 + end + if rest[end] == 0x07 { 1 } else { rest.get(end + 1).map(|_| 2)? },
            )
        }
        // The second one starts anew.
        0x1b => (Key::Cancel, 1),
        b'b' => (Key::WordLeft, 2),
        b'f' => (Key::WordRight, 2),
        0x7f | 0x08 => (Key::KillWord, 2),
        // Alt with a letter, to its last byte.
        0x80.. => (Key::Other, 1 + letter(&bytes[1..])?.1),
        _ => (Key::Other, 2),
    };
    Some((key, used.min(bytes.len())))
}

/// `ESC [ parameters final`.
fn control_sequence(bytes: &[u8]) -> Option<(Key, usize)> {
    let body = &bytes[2..];
    match body.first()? {
        // The Linux console's function keys, and the oldest mouse report.
        b'[' => return body.get(1).map(|_| (Key::Other, 4)),
        b'M' => return body.get(3).map(|_| (Key::Other, 6)),
        _ => {}
    }
    let end = body.iter().position(|byte| !(0x20..=0x3f).contains(byte))?;
    let used = 2 + end + 1;
    if !(0x40..=0x7e).contains(&body[end]) {
        // No sequence: what breaks it counts by itself.
        return Some((Key::Other, used - 1));
    }
    let text = str::from_utf8(&body[..end]).unwrap_or_default();
    let mut numbers = text.split(';').map(|number| number.parse().unwrap_or(0));
    let first: u32 = numbers.next().unwrap_or(0);
    let modifier: u32 = numbers.next().unwrap_or(1);
    let key = match (body[end], first) {
        (b'~', 200) => Key::Paste(String::new()),
        (b'~', 1 | 7) => Key::Home,
        (b'~', 4 | 8) => Key::End,
        (b'~', 3) => Key::Delete,
        (b'~', 5) => Key::PageUp,
        (b'~', 6) => Key::PageDown,
        (last, _) => arrow(last, modifier),
    };
    Some((key, used))
}

/// A cursor key; `modifier` is xterm's: 1 for none, 2 for Shift, 3 for Alt, 5 for Ctrl.
fn arrow(last: u8, modifier: u32) -> Key {
    match (last, modifier) {
        (b'A', 0 | 1) => Key::Up,
        (b'B', 0 | 1) => Key::Down,
        (b'A', _) => Key::PreviewUp,
        (b'B', _) => Key::PreviewDown,
        (b'C', 0 | 1) => Key::Right,
        (b'D', 0 | 1) => Key::Left,
        (b'C', _) => Key::WordRight,
        (b'D', _) => Key::WordLeft,
        (b'H', _) => Key::Home,
        (b'F', _) => Key::End,
        (b'M', _) => Key::Enter,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds pieces and lets time pass at the end.
    fn keys(pieces: &[&[u8]]) -> Vec<Key> {
        let mut keys = Keys::default();
        let mut all = Vec::new();
        for piece in pieces {
            keys.feed(piece, Duration::ZERO);
            all.extend(std::iter::from_fn(|| keys.next(Duration::ZERO)));
        }
        all.extend(std::iter::from_fn(|| keys.next(LONE_ESCAPE)));
        all
    }

    const ALL: &[u8] =
        "a\u{e9}家\x1b[A\x1bOB\x1b[1;2A\x1b[5~\x1b[200~x\r\x03y\x1b[201~\x1bb\x1b[3~\r\
        \x1b]11;rgb:0/0/0\x1b\\\x1b[<0;1;1M"
            .as_bytes();

    fn expected() -> Vec<Key> {
        let mut keys: Vec<Key> = "aé家".chars().map(Key::Char).collect();
        keys.extend([Key::Up, Key::Down, Key::PreviewUp, Key::PageUp]);
        keys.push(Key::Paste("x\r\x03y".to_owned()));
        keys.extend([Key::WordLeft, Key::Delete, Key::Enter, Key::Other]);
        keys
    }

    #[test]
    fn keys_are_the_same_however_they_are_torn() {
        let whole = keys(&[ALL]);
        assert_eq!(whole[..expected().len()], expected());
        for at in 1..ALL.len() {
            // A lone Ctrl-C ends a paste whose end was lost.
            assert_eq!(keys(&[&ALL[..at], &ALL[at..]]), whole, "{at}");
        }
    }

    #[test]
    fn an_escape_by_itself_is_one_after_a_while() {
        assert_eq!(keys(&[b"\x1b"]), [Key::Cancel]);
        let mut decoder = Keys::default();
        decoder.feed(b"\x1b", Duration::ZERO);
        assert_eq!(decoder.next(Duration::ZERO), None);
        assert_eq!(decoder.due(), Some(LONE_ESCAPE));
        assert_eq!(decoder.next(LONE_ESCAPE), Some(Key::Cancel));
        assert_eq!(decoder.due(), None);
    }

    #[test]
    fn a_paste_without_an_end_is_bounded_and_ctrl_c_gets_out() {
        let mut decoder = Keys::default();
        decoder.feed(b"\x1b[200~", Duration::ZERO);
        for _ in 0..100 {
            decoder.feed(&[b'x'; 4096], Duration::ZERO);
            assert_eq!(decoder.next(Duration::ZERO), None);
        }
        assert!(decoder.bytes.len() <= MOST_PASTED + PASTE_END.len());
        decoder.feed(b"\x03", Duration::ZERO);
        assert_eq!(decoder.next(Duration::ZERO), Some(Key::Cancel));
    }

    proptest! {
        #[test]
        fn any_bytes_are_used_up(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut decoder = Keys::default();
            decoder.feed(&bytes, Duration::ZERO);
            while decoder.next(LONE_ESCAPE).is_some() {}
            prop_assert!(decoder.bytes.is_empty() || decoder.is_pasting);
        }
    }
}
