//! Windows of a calendar: stretches of local time that come again each day or each week, and
//! freezes.
//!
//! A window is a stretch between two moments, not a pattern of clock times: where the clock is put
//! back within it, it does not end and begin again, and where an end is skipped or comes twice,
//! the wider meaning counts.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use crate::target::Tier;

/// Minutes of a day.
pub const DAY: u16 = 24 * 60;

/// A stretch that comes each day or each week: `22:00-06:00`, `Friday 16:00 - Monday 06:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The day it begins on; none is every day.
    pub weekday: Option<Weekday>,
    /// The minute of that day it begins at.
    pub from: u16,
    /// So many days later it ends.
    pub days: u8,
    /// At this minute, which is not in it.
    pub to: u16,
}

/// One end of a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// A whole day of the calendar's time zone.
    Day(Date),
    /// A wall clock time of the calendar's time zone.
    Local(DateTime),
    /// A moment.
    Instant(Timestamp),
}

/// When a freeze is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Once.
    Once {
        /// When it begins.
        from: Edge,
        /// When it ends; a day is in it.
        to: Edge,
    },
    /// Again and again.
    Every(Vec<Window>),
}

/// A `[[freeze]]`: nothing should change meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// Shown in the dialogue.
    pub name: String,
    /// When.
    pub when: When,
    /// Why, for the person.
    pub reason: Option<String>,
    /// The targets it is for, by name; empty is all.
    pub targets: Vec<String>,
    /// The tiers it is for; empty leaves it to `[hours] tiers`.
    pub tiers: Vec<Tier>,
}

impl Window {
    /// Saturday and Sunday.
    pub const WEEKEND: Self = Self { weekday: Some(Weekday::Saturday), from: 0, days: 2, to: 0 };

    /// Tells whether a minute of the week, from Monday 00:00, is in the window.
    #[must_use]
    pub fn contains(self, minute: u32) -> bool {
        let (day, week) = (u32::from(DAY), u32::from(DAY) * 7);
        let length = u32::from(self.days) * day + u32::from(self.to) - u32::from(self.from);
        let is_in = |weekday: u32| {
            let from = weekday * day + u32::from(self.from);
            (minute + week - from) % week < length
        };
        match self.weekday {
            Some(weekday) => is_in(u32::from(weekday.to_monday_zero_offset().unsigned_abs())),
            None => (0..7).any(is_in),
        }
    }

    /// Returns when the window ends that is open at a moment, the last of several.
    pub(super) fn end(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = now.to_zoned(zone.clone()).date();
        // A day more than it can last: some zones have left out a whole day.
        (0..=i64::from(self.days) + 1)
            .filter_map(|back| today.checked_sub(back.days()).ok())
            .filter(|date| self.weekday.is_none_or(|weekday| weekday == date.weekday()))
            .filter_map(|date| {
                let from = zone.to_ambiguous_timestamp(at(date, 0, self.from)?).earlier().ok()?;
                let to = zone.to_ambiguous_timestamp(at(date, self.days, self.to)?).later().ok()?;
                (from <= now && now < to).then_some(to)
            })
            .max()
    }
}

/// The minute of a day some days later; the last minute of a day is the first of the next.
fn at(date: Date, days: u8, minute: u16) -> Option<DateTime> {
    let days = i64::from(days) + i64::from(minute / DAY);
    let date = date.checked_add(days.days()).ok()?;
    let part = |number: u16| i8::try_from(number).ok();
    Some(date.at(part(minute % DAY / 60)?, part(minute % 60)?, 0, 0))
}

impl Freeze {
    /// Returns when the freeze ends, if it is on at a moment.
    pub(super) fn end(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.when {
            When::Every(windows) => windows.iter().filter_map(|w| w.end(now, zone)).max(),
            When::Once { from, to } => {
                let end = to.end(zone).unwrap_or(Timestamp::MAX);
                let has_begun = from.start(zone).is_none_or(|from| from <= now);
                (has_begun && now < end).then_some(end)
            }
        }
    }

    /// Tells whether it is for a target.
    pub(super) fn is_for(&self, tier: Tier, name: Option<&str>, usual: &[Tier]) -> bool {
        let tiers = if self.tiers.is_empty() { usual } else { &self.tiers };
        let is_meant = |wanted: &String| name == Some(wanted.as_str());
        tiers.contains(&tier) && (self.targets.is_empty() || self.targets.iter().any(is_meant))
    }

    /// Returns what a person is told: `name` or `name: reason`.
    pub(super) fn label(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{}: {reason}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Edge {
    /// The earliest moment it can mean; none is before all time.
    fn start(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Day(date) => Self::Local(date.at(0, 0, 0, 0)).start(zone),
            Self::Local(local) => zone.to_ambiguous_timestamp(local).earlier().ok(),
            Self::Instant(at) => Some(at),
        }
    }

    /// The first moment after it, the latest it can mean; none is after all time.
    fn end(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Day(date) => Self::Local(date.tomorrow().ok()?.at(0, 0, 0, 0)).end(zone),
            Self::Local(local) => zone.to_ambiguous_timestamp(local).later().ok(),
            Self::Instant(at) => Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_of_a_week() {
        let friday = Window { weekday: Some(Weekday::Friday), from: 960, days: 3, to: 360 };
        let nightly = Window { weekday: None, from: 1320, days: 1, to: 360 };
        let day = u32::from(DAY);
        for (window, minute, is_in) in [
            (friday, 4 * day + 959, false),
            (friday, 4 * day + 960, true),
            (friday, 6 * day, true),
            (friday, 359, true),
            (friday, 360, false),
            (nightly, 0, true),
            (nightly, 3 * day + 1319, false),
            (nightly, 6 * day + 1320, true),
            (Window::WEEKEND, 5 * day, true),
            (Window::WEEKEND, 7 * day - 1, true),
            (Window::WEEKEND, 0, false),
        ] {
            assert_eq!(window.contains(minute), is_in, "{window:?} {minute}");
        }
    }
}
