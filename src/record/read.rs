//! Reads session logs, live and finished, whole and torn.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::damage;
use super::encode::EXACT;
use super::event::Marker;
use super::header::{FORMAT, HeaderLine, Start};
use super::log::Log;

/// Reads one log, event by event.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    /// Where the next line starts.
    offset: u64,
    time_us: u64,
    line: Vec<u8>,
    /// Whether that line had no end when it was read.
    is_torn: bool,
    /// The exact bytes of the next output.
    exact: Option<Vec<u8>>,
    /// What stood there in place of the header, not told yet.
    lost: Option<u64>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The client, or nightlatch, wrote to the user terminal: exactly these bytes.
    Output(Vec<u8>),
    /// The user terminal has a new size.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// What nightlatch knows beside the bytes.
    Marker(Box<Marker>),
    /// The client has ended.
    Exit(i32),
    /// A line that is no event: something was lost here.
    Broken {
        /// How long it is.
        bytes: u64,
    },
    /// A last line without an end: the writer is in the middle of it, or never ended it.
    Torn {
        /// How long it is so far.
        bytes: u64,
    },
    /// An event of a kind this version does not know.
    Other(char),
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system said no.
    #[error("cannot read the session log {}", .path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A later nightlatch wrote it.
    #[error("{} was written by a later nightlatch: its version is {found}, the last known one {FORMAT}", .path.display())]
    TooNew {
        /// The log.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// Its first line is not a header that nightlatch writes, or not all of it is there.
    #[error("{} does not start like a session log", .path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
    },
}

/// An event that is found but not decoded, for readers that want only some kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A whole event: its code and its data as JSON.
    Event { code: char, data: &'a [u8] },
    /// See [`Event::Broken`].
    Broken { bytes: u64 },
    /// See [`Event::Torn`].
    Torn { bytes: u64 },
}

impl Found<'_> {
    fn is_torn(&self) -> bool {
        matches!(self, Self::Torn { .. })
    }
}

impl Reader<Log> {
    /// Opens a log and reads its header; live or finished, plain or packed.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not a session log or one of a later nightlatch.
    pub fn open(path: &Path) -> Result<(Start, Self), ReadError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let mut reader = Self::new(Log::open(path).map_err(io)?, 0, 0);
        if let Some(start) = reader.start().map_err(io)? {
            return Ok((start, reader));
        }
        if let Some(found) = later(&reader.line) {
            return Err(ReadError::TooNew { path: path.to_owned(), found });
        }
        // Without its end the line may still become one.
        let line = Some(&reader.line).filter(|line| line.last() == Some(&b'\n'));
        let Some((line, start)) = line.zip(damage::start(path)) else {
            return Err(ReadError::NotALog { path: path.to_owned() });
        };
        let bytes = damage::lost(line).unwrap_or(line.len() as u64);
        (reader.offset, reader.lost) = (bytes, Some(bytes));
        Ok((start, reader))
    }

    /// Opens a log at a line that an earlier reader came to, at that reader's time.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(crate) fn open_at(path: &Path, offset: u64, time: Duration) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Ok(Self::new(Log::open_at(path, offset).map_err(io)?, offset, time_us))
    }
}

impl<R: BufRead> Reader<R> {
    /// Starts at `offset`, at `time_us`.
    pub(crate) fn new(from: R, offset: u64, time_us: u64) -> Self {
        Self { from, offset, time_us, line: Vec::new(), is_torn: false, exact: None, lost: None }
    }

    /// Reads the header; none if the first line is not one.
    pub(crate) fn start(&mut self) -> io::Result<Option<Start>> {
        if !self.read_line()? {
            return Ok(None);
        }
        self.offset = self.line.len() as u64;
        Ok(serde_json::from_slice::<HeaderLine>(&self.line).ok().and_then(HeaderLine::into_start))
    }

    /// Returns the next event, or none at the end of what is there so far.
    ///
    /// # Errors
    ///
    /// What the system said.
    #[expect(clippy::should_implement_trait, reason = "an iterator would hide the errors")]
    pub fn next(&mut self) -> io::Result<Option<Event>> {
        loop {
            let Some(found) = self.find()? else {
                return Ok(None);
            };
            let (code, data) = match found {
                Found::Event { code, data } => (code, data),
                Found::Broken { bytes } => return Ok(Some(Event::Broken { bytes })),
                Found::Torn { bytes } => return Ok(Some(Event::Torn { bytes })),
            };
            let bytes = data.len() as u64;
            let Ok(data) = serde_json::from_slice::<String>(data) else {
                return Ok(Some(Event::Broken { bytes }));
            };
            if code == EXACT {
                self.exact = STANDARD.decode(&data).ok();
                continue;
            }
            return Ok(Some(self.decode(code, data)));
        }
    }

    /// Returns the next event that is no output, which is not decoded and so costs little.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn next_but_output(&mut self) -> io::Result<Option<Event>> {
        loop {
            let (code, data) = match self.find()? {
                None => return Ok(None),
                Some(Found::Event { code: 'o' | EXACT, .. }) => continue,
                Some(Found::Event { code, data }) => (code, data),
                Some(Found::Broken { bytes }) => return Ok(Some(Event::Broken { bytes })),
                Some(Found::Torn { bytes }) => return Ok(Some(Event::Torn { bytes })),
            };
            let bytes = data.len() as u64;
            let data = serde_json::from_slice::<String>(data);
            return Ok(Some(data.map_or(Event::Broken { bytes }, |data| self.decode(code, data))));
        }
    }

    /// Goes on to the line at `offset` without decoding what is before it.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        while self.offset < offset && matches!(self.find()?, Some(found) if !found.is_torn()) {}
        Ok(())
    }

    /// Returns how far into the session the last event was.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.time_us)
    }

    /// Returns where the next line starts; a torn one is read again from there.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Finds the next event without decoding its data.
    pub(crate) fn find(&mut self) -> io::Result<Option<Found<'_>>> {
        if let Some(bytes) = self.lost.take() {
            return Ok(Some(Found::Broken { bytes }));
        }
        if !self.read_line()? {
            return Ok(None);
        }
        let bytes = self.line.len() as u64;
        self.is_torn = self.line.last() != Some(&b'\n');
        if self.is_torn {
            return Ok(Some(Found::Torn { bytes }));
        }
        let Some((interval_us, code, data)) = split(&self.line) else {
            let bytes = damage::lost(&self.line).unwrap_or(bytes);
            self.offset += bytes;
            return Ok(Some(Found::Broken { bytes }));
        };
        self.offset += bytes;
        self.time_us = self.time_us.saturating_add(interval_us);
        Ok(Some(Found::Event { code, data }))
    }

    /// Reads one line, leaving out comments; false at the end. A torn one goes on where it stopped
    /// if the writer has gone on since.
    fn read_line(&mut self) -> io::Result<bool> {
        loop {
            if !self.is_torn {
                self.line.clear();
            }
            if self.from.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(false);
            }
            self.is_torn = false;
            if self.line[0] != b'#' || self.line.last() != Some(&b'\n') {
                return Ok(true);
            }
            self.offset += self.line.len() as u64;
        }
    }

    /// Makes an event of its code and data.
    fn decode(&mut self, code: char, data: String) -> Event {
        match code {
            'o' => Event::Output(self.exact.take().unwrap_or_else(|| data.into_bytes())),
            'r' => data
                .split_once('x')
                .and_then(|(cols, rows)| {
                    Some(Event::Resize { cols: cols.parse().ok()?, rows: rows.parse().ok()? })
                })
                .unwrap_or(Event::Other(code)),
            'm' => serde_json::from_str(&data)
                .map_or(Event::Other(code), |marker| Event::Marker(Box::new(marker))),
            'x' => data.parse().map_or(Event::Other(code), Event::Exit),
            _ => Event::Other(code),
        }
    }
}

/// Returns the version of a header that only a later nightlatch can read.
fn later(line: &[u8]) -> Option<u64> {
    let header: serde_json::Value = serde_json::from_slice(line).ok()?;
    let format = header.get("nightlatch")?.get("format").and_then(serde_json::Value::as_u64);
    format.filter(|format| *format > FORMAT.into())
}

/// Splits `[0.001, "o", "data"]` into microseconds, code and data.
pub(super) fn split(line: &[u8]) -> Option<(u64, char, &[u8])> {
    let line = line.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?;
    let comma = memchr::memchr(b',', line)?;
    let interval_us = micros(line[..comma].trim_ascii())?;
    let rest = line[comma + 1..].trim_ascii_start().strip_prefix(b"\"")?;
    let (&code, rest) = rest.split_first()?;
    let data = rest.strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b",")?.trim_ascii();
    let is_string = data.len() >= 2 && data.starts_with(b"\"") && data.ends_with(b"\"");
    (is_string && code.is_ascii()).then_some((interval_us, char::from(code), data))
}

/// Reads a decimal number of seconds as microseconds; what is finer is dropped.
fn micros(number: &[u8]) -> Option<u64> {
    let mut parts = number.splitn(2, |&byte| byte == b'.');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or_default());
    let digits = |digits: &[u8]| {
        digits.iter().try_fold(0_u64, |sum, &digit| {
            let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
            sum.checked_mul(10)?.checked_add(digit)
        })
    };
    let short = &fraction[..fraction.len().min(6)];
    digits(&fraction[short.len()..])?;
    let scale = 10_u64.pow(6 - short.len() as u32);
    digits(whole)?.checked_mul(1_000_000)?.checked_add(digits(short)? * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = concat!(
        r#"{"version":3,"term":{"cols":80,"rows":24},"timestamp":1,"nightlatch":{"session":"abc","#,
        r#""started":"2026-11-20T06:00:00Z","client":"psql","argv":["psql"],"cwd":"/","pid":7}}"#,
        "\n# a comment\n[0.5, \"o\", \"h\\u00e9\\r\\n\"]\n[1,\"r\",\"100x50\"]\n",
        "[0.000001, \"b\", \"/w==\"]\n[0, \"o\", \"\u{fffd}\"]\n",
        r#"[0.25, "m", "{\"kind\":\"note\",\"text\":\"hi\"}"]"#,
        "\n[0.0, \"z\", \"?\"]\n[0.0, \"x\", \"3\"]\n"
    );

    fn read(log: &[u8]) -> Option<(Vec<Event>, Duration)> {
        let mut reader = Reader::new(log, 0, 0);
        reader.start().unwrap()?;
        let mut events = Vec::new();
        while let Some(event) = reader.next().unwrap() {
            events.push(event);
        }
        Some((events, reader.time()))
    }

    #[test]
    fn every_kind_of_event_is_read() {
        let (events, time) = read(LOG.as_bytes()).unwrap();
        assert_eq!(
            events,
            [
                Event::Output("hé\r\n".into()),
                Event::Resize { cols: 100, rows: 50 },
                Event::Output(vec![0xff]),
                Event::Marker(Box::new(Marker::Note { text: "hi".to_owned() })),
                Event::Other('z'),
                Event::Exit(3),
            ]
        );
        assert_eq!(time, Duration::from_micros(1_750_001));
    }

    #[test]
    fn a_log_cut_anywhere_reads_up_to_the_cut_and_says_so() {
        let (whole, _) = read(LOG.as_bytes()).unwrap();
        let header = LOG.find('\n').unwrap();
        for end in 0..LOG.len() {
            let Some((mut events, _)) = read(&LOG.as_bytes()[..end]) else {
                assert!(end < header, "{end}");
                continue;
            };
            let cut = &LOG.as_bytes()[..end];
            if end > header && cut[end - 1] != b'\n' {
                let tail = end - cut.iter().rposition(|&byte| byte == b'\n').unwrap() - 1;
                assert_eq!(events.pop(), Some(Event::Torn { bytes: tail as u64 }), "{end}");
            }
            assert_eq!(events[..], whole[..events.len()], "{end}");
        }
    }

    #[test]
    fn a_broken_line_is_reported_and_the_rest_is_read() {
        let log = LOG.replace("[1,\"r\"", "[0.1, \"o\", \"ab\n[1,\"r\"");
        let (events, _) = read(log.as_bytes()).unwrap();
        assert_eq!(events[1], Event::Broken { bytes: 15 });
        assert_eq!(events[2], Event::Resize { cols: 100, rows: 50 });
    }

    #[test]
    fn a_torn_line_goes_on_when_the_writer_does() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cut = LOG.find("\\r\\n").unwrap();
        std::fs::write(file.path(), &LOG.as_bytes()[..cut]).unwrap();
        let (_, mut reader) = Reader::open(file.path()).unwrap();
        assert!(matches!(reader.next().unwrap(), Some(Event::Torn { .. })));
        assert_eq!(reader.next().unwrap(), None, "told once");
        std::fs::write(file.path(), LOG).unwrap();
        assert_eq!(reader.next().unwrap(), Some(Event::Output("hé\r\n".into())));
    }

    #[test]
    fn output_is_skipped_and_places_are_found_again() {
        let mut reader = Reader::new(LOG.as_bytes(), 0, 0);
        reader.start().unwrap();
        let resize = Event::Resize { cols: 100, rows: 50 };
        assert_eq!(reader.next_but_output().unwrap(), Some(resize));
        let place = reader.offset();
        let note = Event::Marker(Box::new(Marker::Note { text: "hi".to_owned() }));
        assert_eq!(reader.next_but_output().unwrap(), Some(note));
        let mut again = Reader::new(LOG.as_bytes(), 0, 0);
        again.start().unwrap();
        again.skip_to(place).unwrap();
        assert_eq!(again.next().unwrap(), Some(Event::Output(vec![0xff])));
        again.skip_to(u64::MAX).unwrap();
        assert_eq!(again.next().unwrap(), None);
    }

    #[test]
    fn an_interval_is_read_exactly() {
        for (number, expected) in [
            ("0", Some(0)),
            ("12", Some(12_000_000)),
            ("0.1", Some(100_000)),
            ("0.123456", Some(123_456)),
            ("0.1234569", Some(123_456)),
            ("1e3", None),
            ("-1", None),
            ("0.x", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(micros(number.as_bytes()), expected, "{number}");
        }
    }
}
