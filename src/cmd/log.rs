//! One session's log as the commands that show it read it.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::recorded;
use crate::error::Error;
use crate::os::signal::{Caught, Signals};
use crate::record::find::Recorded;
use crate::record::{self, Event, Marker, ReadError, Reader, Start};
use crate::render::Outline;
use crate::ui::visible;

/// An open log.
pub(super) struct Log {
    found: Recorded,
    /// Its header.
    pub(super) start: Start,
    reader: Reader<record::Log>,
    stops: Option<Stops>,
}

/// What ends the reading early.
struct Stops {
    signals: Signals,
    caught: Option<Caught>,
    /// Events until the next look.
    left: u32,
}

/// Events between two looks at the signals; one is 64 KiB at most.
const LOOK_EVERY: u32 = 32;

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

    /// Opens a log that was found.
    pub(super) fn of(found: Recorded) -> Result<Self, Error> {
        let (start, reader) = Reader::open(&found.path).map_err(recorded::read_error)?;
        Ok(Self { found, start, reader, stops: None })
    }

    /// Returns the session's whole id.
    pub(super) fn session(&self) -> &str {
        &self.found.session
    }

    /// From now on a signal that asks us to end is the end of the log.
    pub(super) fn stop_at_signals(&mut self) -> Result<(), Error> {
        let signals = Signals::catch(&[Caught::Interrupt, Caught::Terminate, Caught::HangUp])
            .map_err(|error| Error::ours("Signals cannot be caught.").because(error))?;
        self.stops = Some(Stops { signals, caught: None, left: 0 });
        Ok(())
    }

    /// Returns the signal that ended the log, if one did. One that came late counts too.
    pub(super) fn stopped(&mut self) -> Option<Caught> {
        let stops = self.stops.as_mut()?;
        stops.left = 0;
        stops.look();
        stops.caught
    }

    /// Returns the next event; none at the end of what is there so far.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Error> {
        if self.stops.as_mut().is_some_and(Stops::look) {
            return Ok(None);
        }
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

impl Stops {
    /// Says whether a signal has come; looks now and then.
    fn look(&mut self) -> bool {
        if self.left == 0 && self.caught.is_none() {
            self.left = LOOK_EVERY;
            self.caught = self.signals.take().first().copied();
        }
        self.left = self.left.saturating_sub(1);
        self.caught.is_some()
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
