//! The clock that nobody can set: how long this boot of this machine has lasted.

use std::fs;
use std::time::Duration;

/// Where Linux tells which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

#[cfg(target_os = "linux")]
const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// A boot, and how long it has lasted, sleep included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Boot {
    /// Which one; empty where the system does not tell.
    pub id: String,
    /// Since it began.
    pub elapsed: Duration,
}

impl Boot {
    /// Looks at the running one.
    #[must_use]
    pub fn now() -> Self {
        let id = fs::read_to_string(BOOT_ID).map(|id| id.trim().to_owned()).unwrap_or_default();
        Self { id, elapsed: elapsed() }
    }
}

/// Returns how long this boot has lasted, sleep included.
#[must_use]
pub fn elapsed() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is ours and large enough for what the call writes.
    unsafe {
        libc::clock_gettime(CLOCK, &raw mut time);
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_goes_on() {
        let (first, second) = (Boot::now(), Boot::now());
        assert_eq!(first.id, second.id);
        assert!(first.elapsed > Duration::ZERO && second.elapsed >= first.elapsed);
    }
}
