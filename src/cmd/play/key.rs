//! What a person presses while a session plays.

/// One thing a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Stop, or go on.
    Pause,
    /// One event further.
    Step,
    /// To the next statement.
    Next,
    /// To the statement before.
    Previous,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// Away.
    Quit,
    /// Ctrl-Z.
    Suspend,
}

/// Makes keys of bytes, which may come torn.
#[derive(Debug, Default)]
pub(super) struct Keys {
    sequence: Vec<u8>,
}

/// The longest sequence that is waited for.
const LONGEST: usize = 16;

impl Keys {
    /// Takes bytes and returns the keys they are. What means nothing is passed over.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut keys = Vec::new();
        for &byte in bytes {
            if self.sequence.is_empty() {
                if byte == 0x1b {
                    self.sequence.push(byte);
                } else {
                    keys.extend(plain(byte));
                }
                continue;
            }
            let is_first = self.sequence.len() == 1;
            if is_first && !matches!(byte, b'[' | b'O') {
                // Escape alone, and then something else.
                self.sequence.clear();
                keys.extend(if byte == 0x1b { None } else { plain(byte) });
                continue;
            }
            self.sequence.push(byte);
            let is_last = !is_first && (0x40..=0x7e).contains(&byte);
            if is_last {
                keys.extend(arrow(byte));
            }
            if is_last || self.sequence.len() >= LONGEST {
                self.sequence.clear();
            }
        }
        keys
    }
}

fn plain(byte: u8) -> Option<Key> {
    Some(match byte {
        b' ' => Key::Pause,
        b'.' => Key::Step,
        b']' => Key::Next,
        b'[' => Key::Previous,
        b'+' | b'=' => Key::Faster,
        b'-' => Key::Slower,
        // Ctrl-C, Ctrl-D, Ctrl-\.
        b'q' | b'Q' | 0x03 | 0x04 | 0x1c => Key::Quit,
        0x1a => Key::Suspend,
        _ => return None,
    })
}

fn arrow(last: u8) -> Option<Key> {
    Some(match last {
        b'C' | b'B' => Key::Next,
        b'D' | b'A' => Key::Previous,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_keys_however_they_are_torn() {
        let bytes = b" .\x1b[C]\x1b[D[\x1bOC+-\x1b[200~q\x1b[1;5Dq";
        use Key::{Faster, Next, Pause, Previous, Quit, Slower, Step};
        let expected = [
            Pause, Step, Next, Next, Previous, Previous, Next, Faster, Slower, Quit, Previous, Quit,
        ];
        assert_eq!(Keys::default().take(bytes), expected);
        let mut keys = Keys::default();
        let torn: Vec<Key> = bytes.iter().flat_map(|byte| keys.take(&[*byte])).collect();
        assert_eq!(torn, expected);
    }

    #[test]
    fn escape_alone_swallows_no_key() {
        assert_eq!(Keys::default().take(b"\x1bq"), [Key::Quit]);
        assert_eq!(Keys::default().take(b"\x1b\x1b."), [Key::Step]);
        let endless = [b"\x1b[".as_slice(), &[b'0'; 100], b"q"].concat();
        assert_eq!(Keys::default().take(&endless), [Key::Quit]);
    }
}
