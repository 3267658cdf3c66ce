//! Events to asciicast v3 lines, fast enough that a 1 GB result is recorded as it passes.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Output within this time of an event's start joins it, in microseconds: a screen shows a frame
/// every 16 ms, so nobody sees the difference.
const JOIN_US: u64 = 5_000;

/// An event that is this long is closed, so that a torn tail costs little and lines stay readable.
const EVENT_BYTES: usize = 64 << 10;

/// The event code of exact bytes, base64, that the next `o` event shows with U+FFFD.
pub(crate) const EXACT: char = 'b';

/// The longest escape: `\u001b`.
const ESCAPE_BYTES: usize = 6;

/// Encodes events into a buffer that the writer empties.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    buffer: Buffer,
    /// The time of the last event, from which the next one's interval runs.
    last_us: u64,
    /// The open `o` event: when it began and how many bytes of output it has.
    open: Option<(u64, usize)>,
    /// The begin of a character whose rest has not come yet.
    torn: [u8; 4],
    torn_len: usize,
}

impl Encoder {
    /// Adds output; it may stay in an open event until the next [`Encoder::close`].
    pub(crate) fn output(&mut self, time_us: u64, bytes: &[u8]) {
        let rest = self.join(time_us, bytes);
        self.text(time_us, rest);
    }

    /// Adds an event whose data is a string.
    pub(crate) fn event(&mut self, time_us: u64, code: char, data: &str) {
        self.close();
        self.begin(time_us, code);
        self.buffer.escape(data.as_bytes());
        self.buffer.push(b"\"]\n");
    }

    /// Ends the open event, so that the buffer holds whole lines.
    pub(crate) fn close(&mut self) {
        if self.open.take().is_some() {
            self.buffer.push(b"\"]\n");
        }
    }

    /// Writes what is left of a torn character: nothing will follow it.
    pub(crate) fn end(&mut self, time_us: u64) {
        if self.torn_len > 0 {
            let torn = self.torn;
            let torn = &torn[..std::mem::take(&mut self.torn_len)];
            self.exact(time_us, torn);
        }
        self.close();
    }

    /// Returns the whole lines so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer.bytes[..self.buffer.len]
    }

    /// Returns the time of the last event.
    pub(crate) fn last_us(&self) -> u64 {
        self.last_us
    }

    /// Forgets the lines so far, which have been written.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Forgets the lines so far, which have not been written; the last event was at `last_us`.
    pub(crate) fn discard(&mut self, last_us: u64) {
        self.open = None;
        self.buffer.clear();
        self.last_us = last_us;
        self.torn_len = 0;
    }

    /// Completes a torn character with the first of `bytes`; returns the rest of them.
    fn join<'a>(&mut self, time_us: u64, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while self.torn_len > 0 {
            let Some((first, after)) = rest.split_first() else {
                break;
            };
            let torn_len = self.torn_len;
            self.torn[torn_len] = *first;
            let torn = self.torn;
            let torn = &torn[..=torn_len];
            match std::str::from_utf8(torn) {
                Ok(_) => {
                    self.torn_len = 0;
                    self.valid(time_us, torn);
                    return after;
                }
                Err(error) if error.error_len().is_none() => self.torn_len += 1,
                // The new byte does not belong to it.
                Err(_) => {
                    self.torn_len = 0;
                    self.exact(time_us, &torn[..torn_len]);
                    return rest;
                }
            }
            rest = after;
        }
        rest
    }

    /// Adds output that starts at a character.
    fn text(&mut self, time_us: u64, bytes: &[u8]) {
        let Err(error) = std::str::from_utf8(bytes) else {
            self.valid(time_us, bytes);
            return;
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        self.valid(time_us, valid);
        if error.error_len().is_some() {
            let end = rest.len() - torn_len(rest);
            self.exact(time_us, &rest[..end]);
            self.keep(&rest[end..]);
        } else {
            self.keep(rest);
        }
    }

    /// Keeps the begin of a character for the next output.
    fn keep(&mut self, torn: &[u8]) {
        self.torn[..torn.len()].copy_from_slice(torn);
        self.torn_len = torn.len();
    }

    /// Adds UTF-8.
    fn valid(&mut self, time_us: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.open.is_some_and(|(begun, len)| {
            time_us.saturating_sub(begun) > JOIN_US || len + bytes.len() > EVENT_BYTES
        }) {
            self.close();
        }
        let (begun, len) = self.open.unwrap_or_else(|| {
            self.begin(time_us, 'o');
            (time_us, 0)
        });
        self.open = Some((begun, len + bytes.len()));
        self.buffer.escape(bytes);
    }

    /// Adds output that is not UTF-8: exactly, and then as players can show it.
    fn exact(&mut self, time_us: u64, bytes: &[u8]) {
        self.event(time_us, EXACT, &STANDARD.encode(bytes));
        self.event(time_us, 'o', &String::from_utf8_lossy(bytes));
    }

    /// Begins an event, up to its data.
    fn begin(&mut self, time_us: u64, code: char) {
        let time_us = time_us.max(self.last_us);
        let interval = time_us - self.last_us;
        self.last_us = time_us;
        let mut head = [0; 48];
        let mut rest = &mut head[..];
        let (seconds, micros) = (interval / 1_000_000, interval % 1_000_000);
        write!(rest, "[{seconds}.{micros:06}, \"{code}\", \"").expect("48 bytes hold any interval");
        let len = 48 - rest.len();
        self.buffer.push(&head[..len]);
    }
}

/// Returns how many bytes at the end begin a character that is not complete.
fn torn_len(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    (0..tail.len())
        .find(|&at| {
            std::str::from_utf8(&tail[at..])
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .map_or(0, |at| tail.len() - at)
}

/// Bytes that grow but are zeroed only once: `len` of them count.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// What is kept from one batch to the next; a large statement is not.
    const KEPT_BYTES: usize = 1 << 20;

    fn clear(&mut self) {
        self.len = 0;
        if self.bytes.len() > 2 * Self::KEPT_BYTES {
            self.bytes.truncate(Self::KEPT_BYTES);
            self.bytes.shrink_to_fit();
        }
    }

    /// Makes room for `more` bytes.
    fn room(&mut self, more: usize) {
        let needed = self.len + more;
        if self.bytes.len() < needed {
            self.bytes.resize(needed.next_power_of_two(), 0);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len());
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Adds UTF-8 as the inside of a JSON string.
    fn escape(&mut self, text: &[u8]) {
        for piece in text.chunks(8 << 10) {
            self.room(piece.len() * ESCAPE_BYTES + 8);
            self.len = escape_into(&mut self.bytes, self.len, piece);
        }
    }
}

/// Escapes `text` into `out` from `at` on, which has room for six times its length and 8 bytes;
/// returns where it ended.
fn escape_into(out: &mut [u8], mut at: usize, text: &[u8]) -> usize {
    let mut from = 0;
    while let Some(word) = text.get(from..from + 8) {
        let word: [u8; 8] = word.try_into().expect("a slice of 8 bytes");
        // All eight are copied; those after a special byte are written over.
        out[at..at + 8].copy_from_slice(&word);
        let clean = clean_len(word);
        at += clean;
        from += clean;
        if clean < 8 {
            at = escape_byte(out, at, text[from]);
            from += 1;
        }
    }
    for &byte in &text[from..] {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            at = escape_byte(out, at, byte);
        } else {
            out[at] = byte;
            at += 1;
        }
    }
    at
}

/// Returns how many of eight bytes come before the first that JSON wants escaped.
fn clean_len(word: [u8; 8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(word);
    // The lowest flag of each test is exact; a borrow can only forge flags above a true one.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    let quote = zero(word ^ (ONES * u64::from(b'"')));
    let backslash = zero(word ^ (ONES * u64::from(b'\\')));
    ((control | quote | backslash).trailing_zeros() / 8) as usize
}

/// Writes one escape and returns where it ended.
fn escape_byte(out: &mut [u8], at: usize, byte: u8) -> usize {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out[at..at + 6].copy_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return at + 6;
        }
    };
    out[at..at + 2].copy_from_slice(&[b'\\', short]);
    at + 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::read::{Event, Reader};

    /// Reads lines back and joins neighbouring output, which may be cut into events anyhow.
    fn decode(lines: &[u8]) -> Vec<Event> {
        let mut reader = Reader::new(lines, 0, 0);
        let mut events: Vec<Event> = Vec::new();
        while let Some(event) = reader.next().unwrap() {
            match (events.last_mut(), event) {
                (Some(Event::Output(before)), Event::Output(more)) => before.extend(more),
                (_, event) => events.push(event),
            }
        }
        events
    }

    fn encode(pieces: &[&[u8]]) -> Vec<u8> {
        let mut encoder = Encoder::default();
        for piece in pieces {
            encoder.output(0, piece);
        }
        encoder.end(0);
        encoder.bytes().to_vec()
    }

    #[test]
    fn lines_are_what_asciicast_v3_says() {
        let mut encoder = Encoder::default();
        encoder.output(1_500_000, b"a\"\\\r\n\x1b[0m");
        encoder.output(1_500_100, "\u{e9}\u{1f600}".as_bytes());
        encoder.event(1_600_000, 'r', "80x24");
        encoder.output(1_600_000, b"caf\xc3");
        encoder.output(1_600_001, b"\xa9 \xff.");
        encoder.end(2_000_000);
        insta::assert_snapshot!(String::from_utf8(encoder.bytes().to_vec()).unwrap(), @r#"
        [1.500000, "o", "a\"\\\r\n\u001b[0mé😀"]
        [0.100000, "r", "80x24"]
        [0.000000, "o", "café "]
        [0.000001, "b", "/y4="]
        [0.000000, "o", "�."]
        "#);
    }

    #[test]
    fn output_joins_only_for_a_moment() {
        let mut encoder = Encoder::default();
        encoder.output(0, b"a");
        encoder.output(JOIN_US, b"b");
        encoder.output(JOIN_US + 1, b"c");
        encoder.close();
        assert_eq!(encoder.bytes().iter().filter(|&&byte| byte == b'\n').count(), 2);
    }

    #[test]
    fn bytes_torn_at_every_point_give_the_same_output() {
        let text = "a\"é\u{1f600}\r\n\u{1}".as_bytes();
        let bad = b"\xf0\x9f\x98x\xff\xc3\xe2\x82".as_slice();
        let all = [text, bad, text].concat();
        let expected = [Event::Output(all.clone())];
        for at in 0..=all.len() {
            let (one, two) = all.split_at(at);
            assert_eq!(decode(&encode(&[one, two])), expected, "{at}");
        }
        let bytes: Vec<&[u8]> = all.chunks(1).collect();
        assert_eq!(decode(&encode(&bytes)), expected);
    }

    #[test]
    fn a_character_torn_between_reads_is_not_replaced() {
        let text = "é€\u{1f600}";
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let lines = String::from_utf8(encode(&bytes)).unwrap();
        assert_eq!(lines, format!("[0.000000, \"o\", \"{text}\"]\n"));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let all = pieces.concat();
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let expected = if all.is_empty() { vec![] } else { vec![Event::Output(all)] };
            prop_assert_eq!(decode(&encode(&pieces)), expected);
        }

        #[test]
        fn a_text_is_escaped_as_serde_escapes_it(text in any::<String>()) {
            let mut buffer = Buffer::default();
            buffer.escape(text.as_bytes());
            let escaped = format!("\"{}\"", std::str::from_utf8(&buffer.bytes[..buffer.len]).unwrap());
            prop_assert_eq!(serde_json::to_string(&text).unwrap(), escaped);
        }
    }
}
