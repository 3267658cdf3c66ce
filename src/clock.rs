//! The only clock: wall time for records and policy, elapsed time for the relay.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Tells the time.
///
/// Under the `test-fakes` feature `NIGHTLATCH_TEST_NOW` (RFC 3339) moves the wall clock to that
/// moment at start, from where it runs on. Shipped builds have no such switch: it would let an
/// audit record lie.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    shift: SignedDuration,
}

impl Clock {
    /// Starts a clock that follows the machine's.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn system() -> Self {
        Self { start: Instant::now(), shift: SignedDuration::ZERO }
    }

    /// Starts a clock that reads `now` at this moment and runs on from there.
    #[must_use]
    pub fn starting_at(now: Timestamp) -> Self {
        let mut clock = Self::system();
        clock.shift = now.duration_since(Timestamp::now());
        clock
    }

    /// Returns the wall time in UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.shift).unwrap_or(Timestamp::MAX)
    }

    /// Returns the time since this clock was started; it never goes backwards.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
