//! The only clock: wall time for records and policy, elapsed time for the relay.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::os::boot;

/// Tells the time.
///
/// Under the `test-fakes` feature `NIGHTLATCH_TEST_NOW` (RFC 3339) moves the wall clock to that
/// moment at start, from where it runs on. Shipped builds have no such switch: it would let an
/// audit record lie.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// How long the machine had been up.
    start: Duration,
    shift: SignedDuration,
}

impl Clock {
    /// Starts a clock that follows the machine's.
    #[must_use]
    pub fn system() -> Self {
        Self { start: boot::elapsed(), shift: SignedDuration::ZERO }
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

    /// Returns the time since this clock was started; it never goes backwards. What the machine
    /// slept counts: nobody has used a session meanwhile.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        boot::elapsed().saturating_sub(self.start)
    }
}
