//! When things happened in a session whose machine's clock may have been set meanwhile.
//!
//! Events have a time since the session's start, which only goes on; statements and answers have that
//! of the clock on the wall as well, which somebody may set back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// By less than this the two differ without anybody's doing: a moment lies between a marker's time
/// and its place in the log.
const NOTABLE: SignedDuration = SignedDuration::from_secs(5);

/// The time by both clocks, as far as a session is known.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    started: Timestamp,
    /// By how much the clock on the wall is ahead of the session's own.
    shift: SignedDuration,
    /// By how much it was at least and at most.
    range: (SignedDuration, SignedDuration),
    /// The last moment.
    wall: Timestamp,
    last: Timestamp,
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the clock on the wall.
    pub wall: Timestamp,
    /// A time that is never before one that the session had earlier, nor before `wall`.
    pub order: Timestamp,
}

impl From<Timestamp> for Moment {
    /// With a clock that nobody has set.
    fn from(wall: Timestamp) -> Self {
        Self { wall, order: wall }
    }
}

impl Course {
    /// Begins with a session.
    #[must_use]
    pub fn new(started: Timestamp) -> Self {
        let zero = SignedDuration::ZERO;
        Self { started, shift: zero, range: (zero, zero), wall: started, last: started }
    }

    /// Goes on with what [`Course::range`] told, and the last [`Moment::order`].
    #[must_use]
    pub fn resumed(
        started: Timestamp,
        range: (SignedDuration, SignedDuration),
        last: Timestamp,
    ) -> Self {
        Self { range, last: last.max(started), ..Self::new(started) }
    }

    /// Takes note of what the clock on the wall was so far into the session; returns by how much it
    /// was set, if it was.
    pub fn see(&mut self, into: Duration, wall: Timestamp) -> Option<SignedDuration> {
        let shift = wall.duration_since(self.own(into));
        let set = shift - self.shift;
        if set.abs() < NOTABLE {
            return None;
        }
        self.shift = shift;
        self.range = (self.range.0.min(shift), self.range.1.max(shift));
        Some(set)
    }

    /// Returns when something happened so far into the session, and by the clock on the wall, if that
    /// was told.
    pub fn moment(&mut self, into: Duration, wall: Option<Timestamp>) -> Moment {
        let own = self.own(into);
        let wall = wall.unwrap_or_else(|| {
            let estimate = add(own, self.shift);
            // As far as nobody has set it, the clock goes on, too.
            let is_near = self.wall.duration_since(estimate) < NOTABLE;
            if is_near { estimate.max(self.wall) } else { estimate }
        });
        self.wall = wall;
        self.last = self.last.max(add(own, self.range.1)).max(wall);
        Moment { wall, order: self.last }
    }

    /// Returns by how much the clock on the wall was ahead of the session's own, at least and at most.
    #[must_use]
    pub fn range(&self) -> (SignedDuration, SignedDuration) {
        self.range
    }

    fn own(&self, into: Duration) -> Timestamp {
        add(self.started, SignedDuration::try_from(into).unwrap_or(SignedDuration::MAX))
    }
}

fn add(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times in seconds: into the session, and by the clock on the wall if it is told.
    #[test]
    fn the_order_goes_on_whatever_is_done_to_the_clock() {
        let second = |time: i64| Timestamp::from_second(time).unwrap();
        let mut course = Course::new(second(1000));
        for (into, wall, set, expected) in [
            (1, None, None, (1001, 1001)),
            (2, Some(1004), None, (1004, 1004)),
            (3, None, None, (1004, 1004)),
            // Set back by 500 s: the session's own clock goes on.
            (10, Some(510), Some(-500), (510, 1010)),
            (20, None, None, (520, 1020)),
            (30, Some(530), None, (530, 1030)),
            // Forward by 700: from here on the clock on the wall is the later one.
            (40, Some(1240), Some(700), (1240, 1240)),
            // And back to what it was.
            (50, Some(1050), Some(-200), (1050, 1250)),
        ] {
            let wall = wall.map(second);
            let into = Duration::from_secs(into);
            let told = wall.and_then(|wall| course.see(into, wall));
            assert_eq!(told.map(|set| set.as_secs()), set, "{into:?}");
            let expected = Moment { wall: second(expected.0), order: second(expected.1) };
            let moment = course.moment(into, wall);
            assert_eq!(moment, expected, "{into:?}");
        }
    }
}
