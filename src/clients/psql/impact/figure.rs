//! Numbers as a person reads them.
#![forbid(unsafe_code)]

/// Writes a share of an estimated total in whole percent; only none is 0. What may be all is not
/// told from it: 100.
pub(super) fn percent(rows: f64, total: f64) -> String {
    let percent = (rows / total * 100.0).round();
    if rows == 0.0 {
        "0 %".to_owned()
    } else if rows / total < 0.01 {
        "under 1 %".to_owned()
    } else {
        format!("≈ {percent} %")
    }
}

/// Writes a whole number with commas.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes a span of time in its largest unit.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let (number, unit) = match seconds {
        s if s < 90.0 => (s, "s"),
        s if s < 5_400.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3_600.0, "h"),
        s => (s / 86_400.0, "days"),
    };
    format!("{} {unit}", grouped(number.floor()))
}

/// Writes a number of bytes.
pub(super) fn size(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut whole = bytes / 1024;
    let mut part = bytes % 1024;
    while whole >= 1024 && unit + 1 < UNITS.len() {
        (whole, part) = (whole / 1024, whole % 1024);
        unit += 1;
    }
    if unit > 0 && whole < 10 {
        format!("{whole}.{} {}", part * 10 / 1024, UNITS[unit])
    } else {
        format!("{whole} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_never_rounded_to_less() {
        let shares = [(0.0, "0 %"), (1.0, "under 1 %"), (421.0, "≈ 42 %"), (997.0, "≈ 100 %")];
        assert_eq!(shares.map(|(rows, _)| percent(rows, 1000.0)), shares.map(|(_, share)| share));
        assert_eq!([0.0, 999.0, 1e6].map(grouped), ["0", "999", "1,000,000"]);
        assert_eq!([512, 8192, 1_700_000, 99 << 30].map(size), ["0 kB", "8 kB", "1.6 MB", "99 GB"]);
    }
}
