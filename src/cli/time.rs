//! Times as people write them: `2h`, `yesterday 23:00`, RFC 3339.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, Timestamp, ToSpan, Zoned};

/// For hints.
pub const EXAMPLES: &str =
    "Write 2h, 30m, 3 days, 23:00, yesterday 23:00, 2026-11-20, or 2026-11-20T23:00:00Z.";

/// Reads a time, none if it is none.
///
/// A span such as `2h` is so long before `now`; a day without a time is its first moment; what has
/// no zone is in that of `now`.
#[must_use]
pub fn moment(text: &str, now: &Zoned) -> Option<Timestamp> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Some(now.timestamp());
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let civil = civil(text, now.date());
    if let Some(civil) = civil {
        return civil.to_zoned(now.time_zone().clone()).ok().map(|zoned| zoned.timestamp());
    }
    let span = text.strip_suffix(" ago").unwrap_or(text).parse::<Span>().ok()?;
    now.checked_sub(span.abs()).ok().map(|zoned| zoned.timestamp())
}

/// Reads a day, a time of today, or both.
fn civil(text: &str, today: Date) -> Option<DateTime> {
    if let Ok(both) = text.parse::<DateTime>() {
        return Some(both);
    }
    if let Ok(time) = clock_time(text) {
        return Some(today.to_datetime(time));
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let day = match word.to_ascii_lowercase().as_str() {
        "today" => today,
        "yesterday" => today.checked_sub(1.day()).ok()?,
        _ => word.parse().ok()?,
    };
    let time = match rest.trim() {
        "" => Time::midnight(),
        time => clock_time(time).ok()?,
    };
    Some(day.to_datetime(time))
}

/// Reads `23:00` and `23:00:00`, and nothing without a colon: `23` may be anything.
fn clock_time(text: &str) -> Result<Time, jiff::Error> {
    if !text.contains(':') {
        return Err(jiff::Error::from_args(format_args!("no time of day")));
    }
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_mean_them() {
        let now: Zoned = "2026-11-20T07:30:00+01:00[Europe/Berlin]".parse().unwrap();
        for (text, expected) in [
            ("2h", Some("2026-11-20T04:30:00Z")),
            ("90 minutes ago", Some("2026-11-20T05:00:00Z")),
            ("1 day", Some("2026-11-19T06:30:00Z")),
            ("now", Some("2026-11-20T06:30:00Z")),
            ("today", Some("2026-11-19T23:00:00Z")),
            ("yesterday", Some("2026-11-18T23:00:00Z")),
            ("Yesterday 23:00", Some("2026-11-19T22:00:00Z")),
            ("06:15", Some("2026-11-20T05:15:00Z")),
            ("2026-11-20", Some("2026-11-19T23:00:00Z")),
            ("2026-11-20 06:15", Some("2026-11-20T05:15:00Z")),
            ("2026-11-20T06:15:00", Some("2026-11-20T05:15:00Z")),
            ("2026-11-20T06:15:00Z", Some("2026-11-20T06:15:00Z")),
            ("2026-11-20T06:15:00+02:00", Some("2026-11-20T04:15:00Z")),
            ("2026-07-01 12:00", Some("2026-07-01T10:00:00Z")),
            ("", None),
            ("23", None),
            ("tomorrowish", None),
            ("yesterday noonish", None),
        ] {
            let expected = expected.map(|time| time.parse().unwrap());
            assert_eq!(moment(text, &now), expected, "{text:?}");
        }
    }
}
