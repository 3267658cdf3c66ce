//! Figures of several ways to do the same, side by side.

use std::io::{self, Write};
use std::time::Duration;

/// Prints median, 99th percentile and the ratio of the medians to the first row's.
pub(crate) fn rows(
    out: &mut impl Write,
    title: &str,
    names: &[&str],
    times: &[Vec<Duration>],
    unit: impl Fn(Duration) -> f64,
) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    writeln!(out, "  {:<24}{:>10}{:>10}{:>10}", "", "p50", "p99", "time ×")?;
    let first = times.first().map_or(Duration::ZERO, |times| percentile(times, 50));
    for (name, times) in names.iter().zip(times) {
        let (middle, late) = (percentile(times, 50), percentile(times, 99));
        let ratio = middle.as_secs_f64() / first.as_secs_f64();
        let (middle, late) = (unit(middle), unit(late));
        writeln!(out, "  {name:<24}{middle:>10.2}{late:>10.2}{ratio:>10.2}")?;
    }
    out.flush()
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * percent).div_ceil(100)).copied().unwrap_or_default()
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
