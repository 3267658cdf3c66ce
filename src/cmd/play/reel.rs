//! A session's log as something to go back and forth in.

use std::time::Duration;

use super::super::log::Log;
use crate::error::Error;
use crate::record::{Event, process};
use crate::render::{Outline, Scrollback, Still};

/// How much of the log may lie between two stills; going back costs reading this much at most.
const STILL_BYTES: u64 = 1 << 20;

/// The log, the screen at one place in it, and the way back.
pub(super) struct Reel {
    log: Log,
    /// The screen at this place.
    pub(super) page: Scrollback<()>,
    /// All statements that are known.
    pub(super) outline: Outline,
    /// Up to where `outline` knows the log.
    outlined: u64,
    stills: Vec<(Place, Still)>,
    /// The next event, and when it is.
    ahead: Option<(Event, Duration)>,
    /// Where the last event ended.
    place: Place,
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    offset: u64,
    time: Duration,
}

impl Reel {
    /// Starts before the first event.
    pub(super) fn new(log: Log) -> Result<Self, Error> {
        let mut all = log.again()?;
        let outline = all.outline(&mut |_| {})?;
        let outlined = all.place();
        let page = Scrollback::new(log.start.header.cols, log.start.header.rows, ());
        let place = Place { offset: log.place(), time: Duration::ZERO };
        let still = page.still();
        Ok(Self {
            log,
            page,
            outline,
            outlined,
            stills: still.into_iter().map(|still| (place, still)).collect(),
            ahead: None,
            place,
        })
    }

    /// Returns when the next event is; none at the end of what is there so far.
    pub(super) fn next_at(&mut self) -> Result<Option<Duration>, Error> {
        while self.ahead.is_none() {
            match self.log.next()? {
                None => return Ok(None),
                Some(Event::Torn { .. }) => {}
                Some(event) => self.ahead = Some((event, self.log.time())),
            }
        }
        Ok(self.ahead.as_ref().map(|(_, at)| *at))
    }

    /// Shows the next event, and returns whether there was one.
    pub(super) fn advance(&mut self) -> Result<bool, Error> {
        self.next_at()?;
        let Some((event, at)) = self.ahead.take() else { return Ok(false) };
        // Writing to nowhere cannot fail.
        drop(self.page.event(&event, at));
        self.place = Place { offset: self.log.place(), time: at };
        if self.place.offset > self.outlined {
            self.outline.event(event, at, self.place.offset);
            self.outlined = self.place.offset;
        }
        let last = self.stills.last().map_or(0, |(place, _)| place.offset);
        if self.place.offset >= last + STILL_BYTES
            && let Some(still) = self.page.still()
        {
            self.stills.push((self.place, still));
        }
        Ok(true)
    }

    /// Goes back to before where the `index`th statement was sent, or as near as is known ahead.
    /// [`Reel::advance`] leads to it from here; returns whether there is such a statement.
    pub(super) fn approach(&mut self, index: usize) -> Result<bool, Error> {
        let Some(wanted) = self.outline.statements.get(index).map(|told| told.place) else {
            return Ok(false);
        };
        let before = self.stills.partition_point(|(place, _)| place.offset <= wanted);
        let (still_at, still) = &self.stills[before.saturating_sub(1)];
        if wanted < self.place.offset || still_at.offset > self.place.offset {
            self.page.restore(still);
            self.place = *still_at;
            self.log = self.log.again()?;
            self.log.skip_to(self.place.offset)?;
            self.ahead = None;
        }
        Ok(true)
    }

    /// Says whether the `index`th statement has been sent here.
    pub(super) fn is_at(&self, index: usize) -> bool {
        let statements = &self.outline.statements;
        statements.get(index).is_none_or(|told| told.place <= self.place.offset)
    }

    /// Returns which statement was sent last, if any was.
    pub(super) fn statement(&self) -> Option<usize> {
        let statements = &self.outline.statements;
        statements.partition_point(|told| told.place <= self.place.offset).checked_sub(1)
    }

    /// Returns how far into the session this place is.
    pub(super) fn time(&self) -> Duration {
        self.place.time
    }

    /// Says whether more may come, because the session is still on.
    pub(super) fn is_live(&self) -> bool {
        let header = &self.log.start.header;
        self.outline.exit.is_none() && process::is_alive(header.pid, header.pid_started)
    }
}
