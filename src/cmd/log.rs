//! One session's log as the commands that show it read it.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::time::Duration;

use super::recorded;
use crate::error::Error;
use crate::record::find::Recorded;
use crate::record::{Event, Marker, ReadError, Reader, Start};
use crate::render::Outline;
use crate::ui::visible;

/// An open log.
pub(super) struct Log {
    found: Recorded,
    /// Its header.
    pub(super) start: Start,
    reader: Reader<BufReader<File>>,
}

impl Log {
    /// Opens the log of the session that `name` means.
    pub(super) fn open(data_dir: &Path, name: &str) -> Result<Self, Error> {
        let found = recorded::session(data_dir, name)?;
        Self::of(found)
    }

    /// Opens it once more, at its beginning.
    pub(super) fn again(&self) -> Result<Self, Error> {
        Self::of(self.found.clone())
    }

    fn of(found: Recorded) -> Result<Self, Error> {
        let (start, reader) = Reader::open(&found.path).map_err(recorded::read_error)?;
        Ok(Self { found, start, reader })
    }

    /// Returns the session's whole id.
    pub(super) fn session(&self) -> &str {
        &self.found.session
    }

    /// Returns the next event; none at the end of what is there so far.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Error> {
        let event = self.reader.next();
        self.checked(event)
    }

    /// Returns the next event that is no output.
    pub(super) fn next_but_output(&mut self) -> Result<Option<Event>, Error> {
        let event = self.reader.next_but_output();
        self.checked(event)
    }

    /// Goes on to a place that was asked for before.
    pub(super) fn skip_to(&mut self, place: u64) -> Result<(), Error> {
        let skipped = self.reader.skip_to(place);
        self.checked(skipped)
    }

    /// Returns where the next event is.
    pub(super) fn place(&self) -> u64 {
        self.reader.offset()
    }

    /// Returns how far into the session the last event was.
    pub(super) fn time(&self) -> Duration {
        self.reader.time()
    }

    /// Reads on to the end and tells all but the output. Each event is shown to `look` first.
    pub(super) fn outline(&mut self, look: &mut dyn FnMut(&Event)) -> Result<Outline, Error> {
        let mut outline = Outline::new(self.start.header.target.clone());
        while let Some(event) = self.next_but_output()? {
            look(&event);
            outline.event(event, self.time(), self.place());
        }
        outline.time = self.time();
        Ok(outline)
    }

    fn checked<T>(&self, result: io::Result<T>) -> Result<T, Error> {
        let path = &self.found.path;
        result.map_err(|source| recorded::read_error(ReadError::Io { path: path.clone(), source }))
    }
}

/// Returns the number of the statement that an event is, if it is one.
pub(super) fn statement(event: &Event) -> Option<u64> {
    match event {
        Event::Marker(marker) => match &**marker {
            Marker::Statement { n, .. } => Some(*n),
            _ => None,
        },
        _ => None,
    }
}

/// Says what is missing at an event, if anything is.
pub(super) fn missing(event: &Event) -> Option<String> {
    let text = match event {
        Event::Marker(marker) => match &**marker {
            Marker::Gap { what, bytes, why } => {
                let bytes = bytes.map_or(String::new(), |bytes| format!("{bytes} bytes of "));
                format!("{bytes}{what} not recorded: {why}")
            }
            Marker::Statement { .. }
            | Marker::Answer { .. }
            | Marker::Outcome { .. }
            | Marker::Target { .. }
            | Marker::Note { .. } => return None,
        },
        Event::Broken { bytes } => format!("{bytes} bytes of the log cannot be read"),
        Event::Torn { .. }
        | Event::Output(_)
        | Event::Resize { .. }
        | Event::Exit(_)
        | Event::Other(_) => return None,
    };
    Some(visible::one_line(&text))
}

/// What is said of a log that stops within an event.
pub(super) const TORN: &str = "The log stops within an event: it is being written, or was lost.";
