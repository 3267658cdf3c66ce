//! The one place input can stop: what the person typed and the client has not been given yet.
//!
//! At the prompt bytes pass up to the key that submits; what comes behind it waits here until the
//! client is seen to wait for it. Otherwise a line typed ahead would answer a question that the
//! client asks us.

use std::collections::VecDeque;

use super::keys::{Keys, Submit};

/// Starts and ends a bracketed paste, inside which no key submits.
const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// Most bytes that wait. A terminal keeps 4 KiB of type-ahead; a paste without brackets is larger.
pub const PENDING_BYTES: usize = 1 << 20;

/// What may pass at the prompt.
#[derive(Debug, PartialEq, Eq)]
pub enum Pass {
    /// All of it; nothing was submitted.
    All(Vec<u8>),
    /// These bytes, and behind them the submitting key.
    UpTo(Vec<u8>, u8),
}

/// Bytes on their way to the client.
#[derive(Debug)]
pub struct Gate {
    pending: VecDeque<u8>,
    /// Knows which keys submit.
    keys: Keys,
    /// What the last one handed over.
    submit: Submit,
    /// Whether the client has asked for pastes to be bracketed.
    brackets: bool,
    /// Whether the bytes passed so far end inside a bracketed paste.
    in_paste: bool,
    /// How much of the next start or end of a paste has passed.
    matched: usize,
    /// The keys of the line so far, where they only wrote text and took back some of it.
    written: Option<Vec<u8>>,
    /// Those of the line that was submitted last.
    line: Option<Vec<u8>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(Keys::default())
    }
}

impl Gate {
    /// Makes an empty gate for a line editor with these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self {
            pending: VecDeque::new(),
            keys,
            submit: Submit::Line,
            brackets: false,
            in_paste: false,
            matched: 0,
            written: Some(Vec::new()),
            line: None,
        }
    }

    /// Returns the line that was submitted last as it was typed, where its keys were nothing but
    /// text: what a screen too narrow for its prompt shows of it may be another.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        self.line.as_deref().and_then(|line| std::str::from_utf8(line).ok())
    }

    fn write(&mut self, byte: u8) {
        match (&mut self.written, byte) {
            // A line begins anew.
            (written, 0x03) => *written = Some(Vec::new()),
            (Some(line), 0x7f) => {
                while line.pop().is_some_and(|byte| (0x80..0xc0).contains(&byte)) {}
            }
            (Some(line), b' '..) if line.len() < PENDING_BYTES => line.push(byte),
            (written, _) => *written = None,
        }
    }

    /// Returns what the last submitting key hands over.
    #[must_use]
    pub fn submit(&self) -> &Submit {
        &self.submit
    }

    /// The keys passed last have submitted a line, and were not known to: from now on they are.
    /// Returns them.
    pub fn learn(&mut self) -> Vec<u8> {
        let keys = self.keys.learn();
        self.keys.forget();
        self.submit = Submit::Line;
        keys
    }

    /// Takes note of whether the client wants pastes bracketed.
    pub fn set_brackets(&mut self, on: bool) {
        self.brackets = on;
        if !on {
            self.in_paste = false;
            self.matched = 0;
        }
    }

    /// Returns whether the client wants pastes bracketed.
    #[must_use]
    pub fn has_brackets(&self) -> bool {
        self.brackets
    }

    /// Adds what the person typed.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend(bytes);
    }

    /// Returns how many bytes wait.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Returns whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Throws away what waits; returns how many bytes that was.
    pub fn discard(&mut self) -> usize {
        self.in_paste = false;
        self.matched = 0;
        self.keys.forget();
        let count = self.pending.len();
        self.pending.clear();
        count
    }

    /// Takes what may pass at a line editor's prompt: up to the first submitting key.
    pub fn take_line(&mut self) -> Pass {
        let mut passed = Vec::with_capacity(self.pending.len());
        while let Some(byte) = self.pending.pop_front() {
            self.track_paste(byte);
            if self.in_paste {
                self.keys.forget();
            } else if let Some(submit) = self.keys.press(byte) {
                self.keys.forget();
                self.submit = submit;
                self.line = self.written.replace(Vec::new());
                return Pass::UpTo(passed, byte);
            }
            self.write(byte);
            passed.push(byte);
        }
        Pass::All(passed)
    }

    /// Takes one whole line, for a reader that reads lines: nothing behind it may be read ahead.
    /// Without an end of line all that is there is taken.
    pub fn take_cooked_line(&mut self) -> Vec<u8> {
        let end = self
            .pending
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n' | 0x04))
            .map_or(self.pending.len(), |at| at + 1);
        self.pending.drain(..end).collect()
    }

    /// Puts bytes back in front.
    pub fn put_back(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().rev() {
            self.pending.push_front(byte);
        }
    }

    /// Takes one key, for a pager or editor that reads keys: what it leaves unread when it ends
    /// would answer the client's next question. A bracketed paste counts as one key.
    pub fn take_key(&mut self) -> Vec<u8> {
        let front = self.pending.make_contiguous();
        let count = match front {
            [] => 0,
            [0x1b, ..] if front.starts_with(PASTE_START) => memchr::memmem::find(front, PASTE_END)
                .map_or(front.len(), |at| at + PASTE_END.len()),
            [0x1b, b'[', rest @ ..] => {
                2 + rest.iter().position(|byte| (0x40..=0x7e).contains(byte)).map_or(0, |at| at + 1)
            }
            [0x1b, b'O', _, ..] => 3,
            [0x1b, next, ..] if *next != 0x1b => 2,
            [first, rest @ ..] if *first >= 0xc0 => {
                1 + rest.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count()
            }
            [_, ..] => 1,
        };
        self.pending.drain(..count).collect()
    }

    /// Follows bracketed pastes however torn.
    fn track_paste(&mut self, byte: u8) {
        if !self.brackets {
            return;
        }
        let awaited = if self.in_paste { PASTE_END } else { PASTE_START };
        if awaited[self.matched] == byte {
            self.matched += 1;
        } else {
            self.matched = usize::from(byte == awaited[0]);
        }
        if self.matched == awaited.len() {
            self.matched = 0;
            self.in_paste = !self.in_paste;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gate(bytes: &[u8]) -> Gate {
        let mut gate = Gate::default();
        gate.set_brackets(true);
        gate.push(bytes);
        gate
    }

    #[test]
    fn a_line_of_nothing_but_text_is_known_as_typed() {
        for (keys, expected) in [
            ("delete from t \\watch 1\r", Some("delete from t \\watch 1")),
            ("sela\x7fé\x7fect 1\r", Some("select 1")),
            ("drop \x03select 1\r", Some("select 1")),
            ("\x1b[Aselect\r", None),
            ("sel\tect\r", None),
            ("first\rsecond\r", Some("second")),
        ] {
            let mut gate = gate(keys.as_bytes());
            while let Pass::UpTo(..) = gate.take_line() {}
            assert_eq!(gate.line(), expected, "{keys:?}");
        }
    }

    #[test]
    fn a_line_passes_up_to_its_submitting_key() {
        let mut gate = gate(b"select 1;\rdelete from families;\r");
        assert_eq!(gate.take_line(), Pass::UpTo(b"select 1;".to_vec(), b'\r'));
        assert_eq!(gate.pending_bytes(), 22);
        assert_eq!(gate.take_line(), Pass::UpTo(b"delete from families;".to_vec(), b'\r'));
        assert_eq!(gate.take_line(), Pass::All(vec![]));
    }

    #[test]
    fn a_bracketed_paste_submits_nothing_however_torn() {
        let text = b"a\x1b[200~one;\rtwo;\r\x1b[201~b\rc";
        for cut in 0..text.len() {
            let mut gate = gate(&text[..cut]);
            let mut passed = Vec::new();
            let mut submits = 0;
            for more in [&text[cut..], b""] {
                loop {
                    match gate.take_line() {
                        Pass::All(bytes) => {
                            passed.extend(bytes);
                            break;
                        }
                        Pass::UpTo(bytes, key) => {
                            passed.extend(bytes);
                            passed.push(key);
                            submits += 1;
                        }
                    }
                }
                gate.push(more);
            }
            assert_eq!(passed, text, "cut at {cut}");
            assert_eq!(submits, 1, "cut at {cut}");
        }
    }

    #[test]
    fn keys_are_taken_whole() {
        let mut gate = gate("q\x1b[1;5Aé\x1bOP\x1bx\x1b[200~a\rb\x1b[201~\r".as_bytes());
        let keys: Vec<Vec<u8>> = std::iter::from_fn(|| {
            let key = gate.take_key();
            (!key.is_empty()).then_some(key)
        })
        .collect();
        let expected: [&[u8]; 7] = [
            b"q",
            b"\x1b[1;5A",
            "é".as_bytes(),
            b"\x1bOP",
            b"\x1bx",
            b"\x1b[200~a\rb\x1b[201~",
            b"\r",
        ];
        assert_eq!(keys, expected);
    }

    proptest! {
        #[test]
        fn nothing_is_dropped_or_reordered(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            choices in proptest::collection::vec(0_u8..3, 0..300),
        ) {
            let mut gate = gate(&bytes);
            let mut passed = Vec::new();
            for choice in choices.into_iter().chain(std::iter::repeat_n(2, 300)) {
                match choice {
                    0 => match gate.take_line() {
                        Pass::All(bytes) => passed.extend(bytes),
                        Pass::UpTo(bytes, key) => {
                            passed.extend(bytes);
                            passed.push(key);
                        }
                    },
                    1 => passed.extend(gate.take_cooked_line()),
                    _ => passed.extend(gate.take_key()),
                }
            }
            prop_assert_eq!(passed, bytes);
        }
    }
}
