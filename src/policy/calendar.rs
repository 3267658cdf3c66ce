//! Late hours, weekends and freezes: what the hour means for policy.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::window::{Freeze, Window};
use crate::target::Tier;

/// Windows that follow each other without a pause are looked through so far.
const FAR: usize = 500;

/// The hours of one target, and its freezes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// Late hours.
    pub late: Vec<Window>,
    /// Whether Saturday and Sunday are late all day.
    pub weekends: bool,
    /// The tiers that have late hours.
    pub tiers: Vec<Tier>,
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
    /// Tells whether the stricter column of the table applies.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.late.is_some() || self.freeze.is_some()
    }

    /// Returns why, most telling first.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.freeze.as_deref().or(self.late)
    }
}

/// Whose hours are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// How much depends on it.
    pub tier: Tier,
    /// The target's name, if it has one.
    pub name: Option<&'a str>,
    /// Its clock.
    pub zone: &'a TimeZone,
}

impl Calendar {
    /// Says what a moment means at a place.
    #[must_use]
    pub fn moment(&self, now: Timestamp, place: Place<'_>) -> Moment {
        let has_hours = self.tiers.contains(&place.tier);
        let is_late = || self.late.iter().any(|window| window.end(now, place.zone).is_some());
        let late = if has_hours && is_late() {
            Some("late hours")
        } else if has_hours && self.weekend_end(now, place.zone).is_some() {
            Some("weekend")
        } else {
            None
        };
        let freeze = self.freezes(place).find(|freeze| freeze.end(now, place.zone).is_some());
        Moment { late, freeze: freeze.map(Freeze::label), local: local(now, place.zone) }
    }

    /// Returns when it is next neither late nor frozen at a place, which may be now; none if that
    /// is nowhere in sight.
    #[must_use]
    pub fn quiet_from(&self, now: Timestamp, place: Place<'_>) -> Option<Timestamp> {
        let mut at = now;
        for _ in 0..FAR {
            match self.end(at, place) {
                None => return Some(at),
                Some(end) if end == Timestamp::MAX => return None,
                Some(end) => at = end,
            }
        }
        None
    }

    /// Returns when the last window or freeze ends that is open at a moment.
    fn end(&self, at: Timestamp, place: Place<'_>) -> Option<Timestamp> {
        let has_hours = self.tiers.contains(&place.tier);
        let hours = self.late.iter().filter_map(|window| window.end(at, place.zone));
        let hours = hours.chain(self.weekend_end(at, place.zone)).filter(|_| has_hours);
        let freezes = self.freezes(place).filter_map(|freeze| freeze.end(at, place.zone));
        hours.chain(freezes).max()
    }

    fn weekend_end(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.weekends { Window::WEEKEND.end(now, zone) } else { None }
    }

    fn freezes(&self, place: Place<'_>) -> impl Iterator<Item = &Freeze> {
        self.freezes.iter().filter(move |freeze| freeze.is_for(place.tier, place.name, &self.tiers))
    }
}

/// Writes a moment for a person: `23:12 CET, Friday`.
#[must_use]
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M %Z, %A").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::Weekday;

    use super::super::window::{Edge, When};
    use super::*;

    fn once(name: &str, from: Edge, to: Edge, reason: Option<&str>) -> Freeze {
        let (targets, tiers) = (Vec::new(), Vec::new());
        let (name, reason) = (name.to_owned(), reason.map(str::to_owned));
        Freeze { name, when: When::Once { from, to }, reason, targets, tiers }
    }

    fn window(weekday: Option<Weekday>, from: u16, days: u8, to: u16) -> Window {
        Window { weekday, from: from * 60, days, to: to * 60 }
    }

    fn calendar() -> Calendar {
        let day = |text: &str| Edge::Day(text.parse().expect("a date"));
        let friday = Freeze {
            when: When::Every(vec![window(Some(Weekday::Friday), 16, 0, 24)]),
            targets: vec!["orders".to_owned()],
            tiers: vec![Tier::Staging],
            ..once("friday", day("2026-01-01"), day("2026-01-01"), None)
        };
        Calendar {
            late: vec![window(None, 22, 1, 6)],
            weekends: true,
            tiers: vec![Tier::Production],
            freezes: vec![
                once("christmas", day("2026-12-21"), day("2026-12-24"), Some("nobody is here")),
                once(
                    "launch",
                    Edge::Local("2026-10-25T02:30:00".parse().expect("a time")),
                    Edge::Instant("2026-10-25T04:00:00Z".parse().expect("a time")),
                    None,
                ),
                friday,
            ],
        }
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect(name)
    }

    fn at(time: &str) -> Moment {
        at_place(time, Tier::Production, None)
    }

    fn at_place(time: &str, tier: Tier, name: Option<&str>) -> Moment {
        let zone = &zone("Europe/Berlin");
        calendar().moment(time.parse().expect(time), Place { tier, name, zone })
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
    fn a_window_is_one_stretch_however_the_clock_is_put() {
        let until = |to| Calendar {
            late: vec![Window { to, ..window(None, 22, 1, 0) }],
            tiers: vec![Tier::Production],
            ..Calendar::default()
        };
        let late = |calendar: &Calendar, name, time: &str| {
            let place = Place { tier: Tier::Production, name: None, zone: &zone(name) };
            calendar.moment(time.parse().expect(time), place).is_late()
        };
        for (to, zone, time, is_late) in [
            // 02:30 comes twice in Berlin: the night is over after the second, not in between.
            (150, "Europe/Berlin", "2026-10-25T00:29:59Z", true),
            (150, "Europe/Berlin", "2026-10-25T00:45:00Z", true),
            (150, "Europe/Berlin", "2026-10-25T01:29:59Z", true),
            (150, "Europe/Berlin", "2026-10-25T01:30:00Z", false),
            // It is skipped in spring: the night ends where it would have been.
            (150, "Europe/Berlin", "2026-03-29T01:29:59Z", true),
            (150, "Europe/Berlin", "2026-03-29T01:30:00Z", false),
            // Midnight itself is skipped in Santiago, and half an hour in Lord Howe.
            (0, "America/Santiago", "2026-09-06T03:59:59Z", true),
            (0, "America/Santiago", "2026-09-06T05:00:00Z", false),
            (360, "Australia/Lord_Howe", "2026-10-03T18:59:59Z", true),
            (360, "Australia/Lord_Howe", "2026-10-03T19:00:00Z", false),
        ] {
            assert_eq!(late(&until(to), zone, time), is_late, "{zone} {time}");
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
    fn hours_are_of_a_tier_and_freezes_of_a_target() {
        let friday = Some("friday");
        for (time, tier, name, late, freeze) in [
            ("2026-11-20T22:00:00Z", Tier::Production, None, Some("late hours"), None),
            ("2026-11-20T22:00:00Z", Tier::Staging, None, None, None),
            ("2026-11-20T14:59:59Z", Tier::Staging, Some("orders"), None, None),
            ("2026-11-20T15:00:00Z", Tier::Staging, Some("orders"), None, friday),
            ("2026-11-20T22:59:59Z", Tier::Staging, Some("orders"), None, friday),
            ("2026-11-20T23:00:00Z", Tier::Staging, Some("orders"), None, None),
            ("2026-11-20T15:00:00Z", Tier::Staging, Some("other"), None, None),
            ("2026-11-20T15:00:00Z", Tier::Production, Some("orders"), None, None),
            ("2026-12-22T12:00:00Z", Tier::Development, None, None, None),
        ] {
            let moment = at_place(time, tier, name);
            assert_eq!((moment.late, moment.freeze.as_deref()), (late, freeze), "{time} {tier}");
        }
    }

    #[test]
    fn the_next_quiet_time_is_behind_all_that_follows_without_a_pause() {
        let zone = &zone("Europe/Berlin");
        let place = Place { tier: Tier::Production, name: None, zone };
        let quiet = |calendar: &Calendar, time: &str| {
            let quiet = calendar.quiet_from(time.parse().expect(time), place)?;
            Some(quiet.to_zoned(zone.clone()).strftime("%F %H:%M").to_string())
        };
        for (time, expected) in [
            ("2026-11-19T12:00:00Z", "2026-11-19 13:00"),
            ("2026-11-19T22:40:00Z", "2026-11-20 06:00"),
            // Friday night runs into the weekend, and that into the night to Monday.
            ("2026-11-20T22:40:00Z", "2026-11-23 06:00"),
            ("2026-12-19T12:00:00Z", "2026-12-25 06:00"),
            // Over both changes of the clock.
            ("2026-03-27T22:00:00Z", "2026-03-30 06:00"),
            ("2026-10-23T21:00:00Z", "2026-10-26 06:00"),
        ] {
            assert_eq!(quiet(&calendar(), time).as_deref(), Some(expected), "{time}");
        }
        let always = Calendar { late: vec![window(None, 0, 0, 24)], ..calendar() };
        assert_eq!(quiet(&always, "2026-11-19T12:00:00Z"), None);
    }

    #[test]
    fn a_freeze_alone_makes_the_hour_late() {
        let moment = at("2026-12-22T12:00:00Z");
        assert!(moment.late.is_none() && moment.is_late());
    }
}
