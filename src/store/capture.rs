//! What a statement printed, as text of a bounded length: the beginning and the end of it.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::time::Duration;

use crate::record::{Answer, Event, Marker, ReadError, Reader};
use crate::render::{Bytes, FullScreens, Scrollback, Text};

/// What is kept of the beginning, in bytes as the client printed them.
const HEAD_BYTES: usize = 32 << 10;

/// What is kept of the end, where errors and row counts stand.
const TAIL_BYTES: usize = 8 << 10;

/// A preview looks no further than this behind the statement; the end of a longer output is not
/// in it.
const LOOK_BYTES: u64 = if cfg!(test) { 256 << 10 } else { 32 << 20 };

/// Between the two.
const LEFT_OUT: &str = "[…]";

/// Takes a statement's output piece by piece.
#[derive(Debug)]
pub(super) struct Capture {
    size: (u16, u16),
    head: Vec<u8>,
    tail: Vec<u8>,
    is_cut: bool,
    /// The last events as they stand in the log: most of a long output is never decoded.
    late: VecDeque<Vec<u8>>,
    late_bytes: usize,
}

impl Capture {
    /// Begins with a terminal of so many columns and rows.
    pub(super) fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            head: Vec::new(),
            tail: Vec::new(),
            is_cut: false,
            late: VecDeque::new(),
            late_bytes: 0,
        }
    }

    /// Says whether nothing was printed.
    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// Takes what was printed next.
    pub(super) fn output(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES - self.head.len();
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(&rest[rest.len().saturating_sub(TAIL_BYTES)..]);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.is_cut |= surplus > 0 || rest.len() > TAIL_BYTES;
        self.tail.drain(..surplus);
    }

    /// Takes what was printed next, as the JSON string that it is in the log.
    pub(super) fn json(&mut self, data: &[u8]) {
        if self.head.len() < HEAD_BYTES {
            self.output(decode_text(data).as_bytes());
            return;
        }
        self.late_bytes += data.len();
        self.late.push_back(data.to_vec());
        // JSON is never shorter than what it stands for, and at most six times as long.
        while let Some(first) = self.late.front()
            && self.late_bytes - first.len() > TAIL_BYTES * 6
        {
            self.late_bytes -= first.len();
            self.late.pop_front();
            self.is_cut = true;
        }
    }

    /// Forgets the end: it is not the end of what was printed.
    fn leave_out_the_end(&mut self) {
        self.tail.clear();
        self.late.clear();
        self.is_cut = true;
    }

    /// Returns the lines that were left on the screen.
    pub(super) fn text(&mut self) -> String {
        for late in std::mem::take(&mut self.late) {
            self.output(decode_text(&late).as_bytes());
        }
        let mut out = Vec::new();
        let sink = Text::new(&mut out, Bytes::Shown, FullScreens::Shown);
        let mut page = Scrollback::new(self.size.0, self.size.1, sink);
        let tail = if self.is_cut {
            // Whole lines, and no end of an escape sequence that begins before them.
            let start = memchr::memchr(b'\n', &self.tail).map_or(0, |newline| newline + 1);
            &self.tail[start..]
        } else {
            &self.tail[..]
        };
        let between =
            if self.is_cut { format!("\x1b[0m\r\n{LEFT_OUT}\r\n") } else { String::new() };
        let all = [&self.head[..], between.as_bytes(), tail].concat();
        // A page fails only where its writer does.
        drop(page.event(&Event::Output(all), Duration::ZERO));
        drop(page.end(Duration::ZERO));
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Decodes a JSON string; what is none is empty.
pub(super) fn decode_text(data: &[u8]) -> String {
    serde_json::from_slice(data).unwrap_or_default()
}

/// Where a statement is in its log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The log.
    pub path: PathBuf,
    /// Where the statement's marker starts, in bytes.
    pub(super) offset: u64,
    /// How far into the session that is.
    pub(super) time: Duration,
    /// The statement's number.
    pub(super) n: u64,
}

/// Returns what a statement printed so far: the first lines and the last ones of it. Empty once
/// `is_wanted` says no.
///
/// # Errors
///
/// If the log cannot be read.
pub fn output(place: &Place, is_wanted: &dyn Fn() -> bool) -> Result<String, ReadError> {
    let io = |source| ReadError::Io { path: place.path.clone(), source };
    let (start, whole) = Reader::open(&place.path)?;
    let size = (start.header.cols, start.header.rows);
    let at = Reader::open_at(&place.path, place.offset, place.time)?;
    let found = match read(at, size, place.n, First::IsIt, is_wanted).map_err(io)? {
        // A log that was shortened has it somewhere else, if at all.
        None => read(whole, size, place.n, First::MayBeAny, is_wanted).map_err(io)?,
        found => found,
    };
    Ok(found.map_or_else(String::new, |mut capture| capture.text()))
}

/// What is known of the first statement that a reader comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// It is the one that is looked for, or that one is not here.
    IsIt,
    MayBeAny,
}

/// Reads on to the statement of a number, and what it printed; none if it does not come.
fn read<R: BufRead>(
    mut reader: Reader<R>,
    mut size: (u16, u16),
    wanted: u64,
    first: First,
    is_wanted: &dyn Fn() -> bool,
) -> io::Result<Option<Capture>> {
    let mut capture: Option<Capture> = None;
    let mut end = u64::MAX;
    while let Some(event) = reader.next()?
        && is_wanted()
    {
        if let Some(capture) = &mut capture
            && reader.offset() > end
        {
            capture.leave_out_the_end();
            break;
        }
        match (event, &mut capture) {
            (Event::Output(bytes), Some(capture)) => capture.output(&bytes),
            (Event::Resize { cols, rows }, None) => size = (cols, rows),
            (Event::Marker(marker), capture) => match *marker {
                Marker::Statement { n, .. } if n == wanted => {
                    *capture = Some(Capture::new(size));
                    end = reader.offset() + LOOK_BYTES;
                }
                Marker::Statement { .. } if capture.is_some() || first == First::IsIt => break,
                Marker::Outcome { n, .. } if n == wanted => break,
                Marker::Answer { n, answer: Answer::Cancelled, .. } if n == wanted => break,
                Marker::Statement { .. }
                | Marker::Outcome { .. }
                | Marker::Answer { .. }
                | Marker::Target { .. }
                | Marker::Gap { .. }
                | Marker::Note { .. } => {}
            },
            (Event::Exit(_) | Event::Torn { .. }, _) => break,
            (
                Event::Output(_) | Event::Resize { .. } | Event::Broken { .. } | Event::Other(_),
                _,
            ) => {}
        }
    }
    Ok(capture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pieces: &[&str]) -> String {
        let mut capture = Capture::new((80, 24));
        for piece in pieces {
            capture.output(piece.as_bytes());
        }
        capture.text()
    }

    #[test]
    fn what_was_printed_is_text_without_escape_sequences() {
        assert_eq!(
            captured(&["\x1b[31mERR", "OR:\x1b[0m  no\r\n", "50%\r100%\r\n"]),
            "ERROR:  no\n100%\n"
        );
        assert_eq!(captured(&[]), "");
    }

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let line = |n: usize| format!("row {n:06}\r\n");
        let lines: Vec<String> = (0..1_000_000 / 12).map(line).collect();
        let pieces: Vec<&str> = lines.iter().map(String::as_str).collect();
        let text = captured(&pieces);
        assert!(text.starts_with("row 000000\nrow 000001\n"), "{}", &text[..40]);
        assert!(text.contains(&format!("\n{LEFT_OUT}\nrow ")), "cut at lines");
        assert!(text.ends_with("row 083332\n") && text.len() < HEAD_BYTES + TAIL_BYTES);
        let whole = lines.concat();
        assert_eq!(captured(&[&whole]), text, "however it is torn");
        let mut capture = Capture::new((80, 24));
        for piece in whole.as_bytes().chunks(4095) {
            let piece = String::from_utf8_lossy(piece);
            capture.json(serde_json::to_string(&piece).unwrap().as_bytes());
        }
        assert_eq!(capture.text(), text, "and as it is in the log");
    }

    #[test]
    fn what_fits_is_not_cut() {
        let bytes = "x".repeat(HEAD_BYTES + TAIL_BYTES);
        assert_eq!(captured(&[&bytes]).trim_end(), bytes);
    }
}
