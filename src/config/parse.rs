//! Texts inside the configuration: durations, hours, dates, time zones.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, Timestamp};

use crate::policy::window::{DAY, Edge, Window};

/// Reads a duration: `300ms`, `15m`, `1h 30m`.
#[must_use]
pub(super) fn duration(text: &str) -> Option<Duration> {
    let parsed: SignedDuration = text.parse().ok()?;
    Duration::try_from(parsed).ok()
}

/// Writes a duration the way [`duration`] reads it.
#[must_use]
pub(crate) fn show_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    match units.iter().find(|(unit, _)| ms.is_multiple_of(*unit) && ms / unit > 0) {
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None => "0s".to_owned(),
    }
}

/// Units of sizes, as disks are sold and as memory is counted.
const SIZES: &[(&str, u64)] = &[
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// Reads a size: `10GB`, `500 MB`, `1.5GiB`.
#[must_use]
pub(super) fn size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let (_, scale) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(*scale);
    }
    let bytes = number.parse::<f64>().ok()? * *scale as f64;
    (0.0..1e18).contains(&bytes).then_some(bytes as u64)
}

/// Writes a size the way [`size`] reads it.
#[must_use]
pub(super) fn show_size(bytes: u64) -> String {
    let whole = SIZES.iter().find(|(_, scale)| bytes >= *scale && bytes.is_multiple_of(*scale));
    let (name, scale) = whole.unwrap_or(&("B", 1));
    format!("{}{name}", bytes / scale)
}

/// Reads a window: `22:00-06:00`, `Friday 16:00-24:00`, `Friday 16:00 - Monday 06:00`, `Friday`.
///
/// # Errors
///
/// Returns a phrase that says what is wrong.
pub(super) fn window(text: &str) -> Result<Window, String> {
    let wrong = || "hours look like `22:00-06:00` or `Friday 16:00-24:00`".to_owned();
    let (begin, end) = match text.split_once('-') {
        Some((begin, end)) => (moment(begin)?, moment(end)?),
        None => match moment(text)? {
            (Some(day), None) => ((Some(day), None), (Some(day), None)),
            _ => return Err(wrong()),
        },
    };
    let ((weekday, from), (last, to)) = (begin, end);
    let is_whole_days = from.is_none() && to.is_none();
    if from.is_some() != to.is_some() || (weekday.is_none() && (last.is_some() || is_whole_days)) {
        return Err(wrong());
    }
    let (from, to) = (from.unwrap_or(0), to.unwrap_or(DAY));
    let days = match weekday.zip(last) {
        Some((weekday, last)) => {
            let days = weekday.until(last).unsigned_abs();
            if days == 0 && to <= from { 7 } else { days }
        }
        None if to == from => {
            return Err("the range is empty: both ends are the same".to_owned());
        }
        None => u8::from(to < from),
    };
    Ok(Window { weekday, from, days, to })
}

/// Reads `Friday`, `16:00` or both.
fn moment(text: &str) -> Result<(Option<Weekday>, Option<u16>), String> {
    let text = text.trim();
    let (day, time) = match text.split_once(char::is_whitespace) {
        Some((day, time)) => (Some(day), Some(time.trim())),
        None if text.starts_with(|c: char| c.is_alphabetic()) => (Some(text), None),
        None => (None, Some(text)),
    };
    Ok((day.map(weekday).transpose()?, time.map(minute).transpose()?))
}

fn weekday(word: &str) -> Result<Weekday, String> {
    let lower = word.to_lowercase();
    let named = |(name, _): &&(&str, Weekday)| {
        let name = name.to_lowercase();
        name == lower || name[..3] == *lower
    };
    let found = WEEKDAYS.iter().find(named);
    found.map(|(_, day)| *day).ok_or_else(|| format!("`{word}` is no day of the week"))
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
    ("Sunday", Weekday::Sunday),
];

/// Writes a window the way [`window`] reads it.
#[must_use]
pub(super) fn show_window(window: Window) -> String {
    let Window { weekday, from, days, to } = window;
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let name = |day: Weekday| {
        WEEKDAYS.iter().find(|(_, known)| *known == day).map_or("", |(name, _)| *name)
    };
    match weekday {
        None => format!("{}-{}", time(from), time(to)),
        Some(day) if days == 0 => format!("{} {}-{}", name(day), time(from), time(to)),
        Some(day) => {
            let last = day.wrapping_add(days);
            format!("{} {} - {} {}", name(day), time(from), name(last), time(to))
        }
    }
}

fn minute(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is not a time from 00:00 to 24:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str| {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    match (number(hour), number(minute)) {
        (Some(24), Some(0)) => Ok(24 * 60),
        (Some(hour @ 0..24), Some(minute @ 0..60)) if text.len() >= 4 => Ok(hour * 60 + minute),
        (Some(_) | None, Some(_) | None) => Err(wrong()),
    }
}

/// Reads one end of a freeze: a day, a local time or a moment.
#[must_use]
pub(super) fn edge(text: &str) -> Option<Edge> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Edge::Instant(at));
    }
    if text.len() > "2026-12-24".len() {
        return text.parse::<DateTime>().ok().map(Edge::Local);
    }
    text.parse::<Date>().ok().map(Edge::Day)
}

/// Writes one end the way [`edge`] reads it.
#[must_use]
pub(super) fn show_edge(edge: Edge) -> String {
    match edge {
        Edge::Day(date) => date.to_string(),
        Edge::Local(local) => local.to_string(),
        Edge::Instant(at) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_back() {
        for (text, ms, shown) in [
            ("300ms", 300, "300ms"),
            ("15m", 900_000, "15m"),
            ("1h 30m", 5_400_000, "90m"),
            ("60s", 60_000, "1m"),
            ("0s", 0, "0s"),
        ] {
            let read = duration(text).expect(text);
            assert_eq!(read, Duration::from_millis(ms), "{text}");
            assert_eq!(show_duration(read), shown);
            assert_eq!(duration(shown), Some(read));
        }
        for text in ["", "15", "m", "-5m", "15 parsecs", "1y"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_come_back() {
        for (text, bytes, shown) in [
            ("10GB", 10_000_000_000, "10GB"),
            ("500 mb", 500_000_000, "500MB"),
            ("1.5GB", 1_500_000_000, "1500MB"),
            ("2GiB", 2 << 30, "2GiB"),
            ("1025B", 1025, "1025B"),
            ("0B", 0, "0B"),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
            assert_eq!(show_size(bytes), shown);
            assert_eq!(size(shown), Some(bytes));
        }
        for text in ["", "10", "GB", "-1GB", "1.2.3GB", "10 parsecs", "99999999999TB", ".GB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn windows_come_back() {
        for (text, shown) in [
            ("22:00-06:30", "22:00-06:30"),
            ("9:00 - 17:00", "09:00-17:00"),
            ("18:00-24:00", "18:00-24:00"),
            ("friday 16:00-24:00", "Friday 16:00-24:00"),
            ("Fri 22:00-06:00", "Friday 22:00 - Saturday 06:00"),
            ("Friday 16:00 - Monday 06:00", "Friday 16:00 - Monday 06:00"),
            ("Sun 16:00-Sun 08:00", "Sunday 16:00 - Sunday 08:00"),
            ("Sun 08:00-Sun 16:00", "Sunday 08:00-16:00"),
            ("Saturday", "Saturday 00:00-24:00"),
            ("sat-sun", "Saturday 00:00 - Sunday 24:00"),
        ] {
            let read = window(text).expect(text);
            assert_eq!(show_window(read), shown, "{text}");
            assert_eq!(window(shown), Ok(read), "{text}");
        }
        for text in [
            "22:00",
            "22-6",
            "25:00-06:00",
            "22:00-06:60",
            "22:00-22:00",
            "+2:00-3:00",
            "",
            "-",
            "22:00-Friday",
            "Friday-22:00",
            "Friday 22:00",
            "Freitag 16:00-24:00",
            "f-s",
            "22:00-Monday 06:00",
            "Friday 16:00-Monday",
            "Fri 16:00-16:00",
            "é-é",
        ] {
            assert!(window(text).is_err(), "{text}");
        }
    }

    #[test]
    fn edges() {
        assert!(matches!(edge("2026-12-24"), Some(Edge::Day(_))));
        assert!(matches!(edge("2026-12-24T18:00"), Some(Edge::Local(_))));
        assert!(matches!(edge("2026-12-24T18:00:00+01:00"), Some(Edge::Instant(_))));
        for text in ["2026-02-30", "24.12.2026", "tomorrow", ""] {
            assert_eq!(edge(text), None, "{text}");
        }
    }
}
