//! Late hours, weekends and freezes: what the hour means for policy.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

/// Minutes of a day, from midnight: `from` is in the range, `to` is not; it may run over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateRange {
    /// First minute.
    pub from: u16,
    /// First minute after it.
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

/// A `[[freeze]]`: nothing should change meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// Shown in the dialogue.
    pub name: String,
    /// When it begins.
    pub from: Edge,
    /// When it ends; a day is in it.
    pub to: Edge,
    /// Why, for the person.
    pub reason: Option<String>,
}

/// The hours of the configuration, without the time zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// Late hours of each day.
    pub late: Vec<LateRange>,
    /// Whether Saturday and Sunday are late all day.
    pub weekends: bool,
    /// Freezes.
    pub freezes: Vec<Freeze>,
}

/// What a moment means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moment {
    /// Why the hour is late: `late hours`, `weekend`.
    pub late: Option<&'static str>,
    /// The freeze that is on, as `name` or `name: reason`.
    pub freeze: Option<String>,
    /// Local time for a person: `23:12 CET, Friday`.
    pub local: String,
}

impl Moment {
    /// Tells whether the strictest column of the table applies.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.late.is_some() || self.freeze.is_some()
    }
}

impl Calendar {
    /// Says what a moment means in a time zone.
    #[must_use]
    pub fn moment(&self, now: Timestamp, zone: &TimeZone) -> Moment {
        let local = now.to_zoned(zone.clone());
        let minute =
            u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
        let late = if self.late.iter().any(|range| range.contains(minute)) {
            Some("late hours")
        } else if self.weekends && weekend {
            Some("weekend")
        } else {
            None
        };
        let freeze = self.freezes.iter().find(|freeze| freeze.is_on(now, zone));
        Moment {
            late,
            freeze: freeze.map(|freeze| match &freeze.reason {
                Some(reason) => format!("{}: {reason}", freeze.name),
                None => freeze.name.clone(),
            }),
            local: local.strftime("%H:%M %Z, %A").to_string(),
        }
    }
}

impl LateRange {
    /// Tells whether a minute of the day is in the range.
    #[must_use]
    pub fn contains(self, minute: u16) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl Freeze {
    /// Tells whether the freeze is on at a moment.
    #[must_use]
    pub fn is_on(&self, now: Timestamp, zone: &TimeZone) -> bool {
        self.from.start(zone).is_none_or(|from| from <= now)
            && self.to.end(zone).is_none_or(|to| now < to)
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

    fn calendar() -> Calendar {
        Calendar {
            late: vec![LateRange { from: 22 * 60, to: 6 * 60 }],
            weekends: true,
            freezes: vec![
                Freeze {
                    name: "christmas".to_owned(),
                    from: Edge::Day("2026-12-21".parse().expect("a date")),
                    to: Edge::Day("2026-12-24".parse().expect("a date")),
                    reason: Some("nobody is here".to_owned()),
                },
                Freeze {
                    name: "launch".to_owned(),
                    from: Edge::Local("2026-10-25T02:30:00".parse().expect("a time")),
                    to: Edge::Instant("2026-10-25T04:00:00Z".parse().expect("a time")),
                    reason: None,
                },
            ],
        }
    }

    fn at(time: &str) -> Moment {
        let zone = TimeZone::get("Europe/Berlin").expect("Berlin is in the database");
        calendar().moment(time.parse().expect(time), &zone)
    }

    #[test]
    fn late_hours_weekends_and_summer_time() {
        // 2026: summer time in Berlin from 29 March to 25 October.
        for (time, late, local) in [
            ("2026-11-20T12:00:00Z", None, "13:00 CET, Friday"),
            ("2026-11-20T20:59:59Z", None, "21:59 CET, Friday"),
            ("2026-11-20T21:00:00Z", Some("late hours"), "22:00 CET, Friday"),
            ("2026-11-20T23:30:00Z", Some("late hours"), "00:30 CET, Saturday"),
            ("2026-11-20T04:59:00Z", Some("late hours"), "05:59 CET, Friday"),
            ("2026-11-20T05:00:00Z", None, "06:00 CET, Friday"),
            ("2026-11-21T12:00:00Z", Some("weekend"), "13:00 CET, Saturday"),
            ("2026-11-22T12:00:00Z", Some("weekend"), "13:00 CET, Sunday"),
            ("2026-11-22T23:00:00Z", Some("late hours"), "00:00 CET, Monday"),
            // The same hour of UTC is late or not as the zone says.
            ("2026-07-15T20:30:00Z", Some("late hours"), "22:30 CEST, Wednesday"),
            ("2026-01-14T20:30:00Z", None, "21:30 CET, Wednesday"),
            // Either side of the missing and of the repeated hour.
            ("2026-03-29T00:59:59Z", Some("late hours"), "01:59 CET, Sunday"),
            ("2026-03-29T01:00:00Z", Some("late hours"), "03:00 CEST, Sunday"),
            ("2026-03-30T04:00:00Z", None, "06:00 CEST, Monday"),
            ("2026-10-26T04:59:00Z", Some("late hours"), "05:59 CET, Monday"),
            ("2026-10-26T05:00:00Z", None, "06:00 CET, Monday"),
        ] {
            let moment = at(time);
            assert_eq!((moment.late, moment.local.as_str()), (late, local), "{time}");
        }
    }

    #[test]
    fn freezes_take_their_last_day_and_the_wider_of_two_meanings() {
        let christmas = Some("christmas: nobody is here");
        for (time, freeze) in [
            ("2026-12-20T22:59:59Z", None),
            ("2026-12-20T23:00:00Z", christmas),
            ("2026-12-24T22:59:59Z", christmas),
            ("2026-12-24T23:00:00Z", None),
            // 02:30 comes twice; the first begins it, and it does not end in between.
            ("2026-10-25T00:29:00Z", None),
            ("2026-10-25T00:30:00Z", Some("launch")),
            ("2026-10-25T01:10:00Z", Some("launch")),
            ("2026-10-25T04:00:00Z", None),
        ] {
            assert_eq!(at(time).freeze.as_deref(), freeze, "{time}");
        }
    }

    #[test]
    fn a_freeze_alone_makes_the_hour_late() {
        let moment = at("2026-12-22T12:00:00Z");
        assert!(moment.late.is_none() && moment.is_late());
    }

    #[test]
    fn a_range_within_a_day_and_an_empty_one() {
        let day = LateRange { from: 540, to: 600 };
        assert!(day.contains(540) && day.contains(599) && !day.contains(600));
        assert!(!LateRange { from: 5, to: 5 }.contains(5));
    }
}
