//! The table of keys: where each value lives, its limits, and what "stricter" means for it.

use std::time::Duration;

use super::Config;

/// What a project's file may do to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stricter {
    /// Make it smaller.
    Less,
    /// Make it greater.
    More,
    /// Turn it on.
    On,
    /// Nothing: the key is not about policy.
    Never,
}

/// A place in the configuration for a plain value.
#[derive(Debug)]
pub enum Slot<'a> {
    /// A duration, written `"15m"`.
    Duration(&'a mut Duration),
    /// A number from 1.
    Count(&'a mut u32),
    /// A number of days, 0 for all of them.
    Days(&'a mut u32),
    /// A size in bytes, written `"10GB"`.
    Size(&'a mut u64),
    /// True or false.
    Flag(&'a mut bool),
}

/// A key with a plain value.
#[derive(Debug)]
pub struct Key {
    /// The table it stands in.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What a project's file may do to it.
    pub stricter: Stricter,
    /// Least and greatest duration that make sense; ignored for others.
    pub limits: (Duration, Duration),
    /// Where the value lives.
    pub slot: fn(&mut Config) -> Slot<'_>,
}

const fn limits(least_ms: u64, greatest_s: u64) -> (Duration, Duration) {
    (Duration::from_millis(least_ms), Duration::from_secs(greatest_s))
}

const NONE: (Duration, Duration) = limits(0, 0);
const DAY: u64 = 86_400;

/// Every key with a plain value, in the order `config show` prints them.
pub const KEYS: &[Key] = &[
    Key {
        section: "hours",
        name: "weekends",
        stricter: Stricter::On,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.calendar.weekends),
    },
    Key {
        section: "hold",
        name: "timeout",
        stricter: Stricter::Less,
        limits: limits(1_000, 7 * DAY),
        slot: |c| Slot::Duration(&mut c.hold.timeout),
    },
    Key {
        section: "hold",
        name: "timeout_no_terminal",
        stricter: Stricter::Less,
        limits: limits(1_000, 7 * DAY),
        slot: |c| Slot::Duration(&mut c.hold.timeout_no_terminal),
    },
    Key {
        section: "hold",
        name: "paste_quiet",
        stricter: Stricter::More,
        // Below this a terminal's own delays would let a slow paste answer.
        limits: limits(50, 60),
        slot: |c| Slot::Duration(&mut c.hold.paste_quiet),
    },
    Key {
        section: "hold",
        name: "late_wait",
        stricter: Stricter::More,
        limits: limits(0, 3_600),
        slot: |c| Slot::Duration(&mut c.hold.limits.late_wait),
    },
    Key {
        section: "hold",
        name: "bulk_count",
        stricter: Stricter::Less,
        limits: NONE,
        slot: |c| Slot::Count(&mut c.hold.limits.bulk_count),
    },
    Key {
        section: "hold",
        name: "bulk_window",
        stricter: Stricter::More,
        limits: limits(1_000, DAY),
        slot: |c| Slot::Duration(&mut c.hold.limits.bulk_window),
    },
    Key {
        section: "hold",
        name: "bulk_window_count",
        stricter: Stricter::Less,
        limits: NONE,
        slot: |c| Slot::Count(&mut c.hold.limits.bulk_window_count),
    },
    Key {
        section: "idle",
        name: "production",
        stricter: Stricter::Less,
        limits: limits(1_000, 365 * DAY),
        slot: |c| Slot::Duration(&mut c.idle_production),
    },
    Key {
        section: "idle",
        name: "wrong_tab",
        stricter: Stricter::On,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.wrong_tab),
    },
    Key {
        section: "idle",
        name: "disconnect",
        stricter: Stricter::Never,
        limits: limits(0, 365 * DAY),
        slot: |c| Slot::Duration(&mut c.disconnect),
    },
    Key {
        section: "record",
        name: "journal_wait",
        stricter: Stricter::Never,
        limits: limits(10, 60),
        slot: |c| Slot::Duration(&mut c.journal_wait),
    },
    Key {
        section: "record",
        name: "max_total",
        stricter: Stricter::Never,
        limits: NONE,
        slot: |c| Slot::Size(&mut c.record.max_total_bytes),
    },
    Key {
        section: "record",
        name: "max_session",
        stricter: Stricter::Never,
        limits: NONE,
        slot: |c| Slot::Size(&mut c.record.max_session_bytes),
    },
    Key {
        section: "record",
        name: "keep_days",
        stricter: Stricter::Never,
        limits: NONE,
        slot: |c| Slot::Days(&mut c.record.keep_days),
    },
    Key {
        section: "look",
        name: "banner",
        stricter: Stricter::On,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.look.banner),
    },
    Key {
        section: "look",
        name: "title",
        stricter: Stricter::On,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.look.title),
    },
    Key {
        section: "look",
        name: "colour",
        stricter: Stricter::On,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.look.colour),
    },
    Key {
        section: "look",
        name: "tab",
        stricter: Stricter::On,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.look.tab),
    },
    Key {
        section: "impact",
        name: "enabled",
        stricter: Stricter::On,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.impact.enabled),
    },
    Key {
        section: "impact",
        name: "timeout",
        stricter: Stricter::Never,
        limits: limits(100, 60),
        slot: |c| Slot::Duration(&mut c.impact.timeout),
    },
    Key {
        section: "notify",
        name: "desktop",
        stricter: Stricter::Never,
        limits: NONE,
        slot: |c| Slot::Flag(&mut c.notify),
    },
];

/// Keys whose values are read by their own code.
pub const SPECIAL: &[(&str, &str)] = &[
    ("hours", "late"),
    ("hours", "tiers"),
    ("hours", "timezone"),
    ("look", "tint"),
    ("redact", "patterns"),
];

/// Keys of a `[[target]]`.
pub const TARGET: &[&str] =
    &["name", "tier", "match", "impact", "idle", "late", "weekends", "timezone"];

/// Keys of a `[[freeze]]`.
pub const FREEZE: &[&str] = &["name", "from", "to", "every", "reason", "targets", "tiers"];

/// Keys of an entry of `redact.patterns`.
pub const REDACT: &[&str] = &["kind", "pattern"];

/// Tables that may stand several times.
pub const LISTS: &[&str] = &["target", "freeze"];

/// Returns the names of every table, each once.
#[must_use]
pub fn sections() -> Vec<&'static str> {
    let mut names: Vec<&str> = LISTS.to_vec();
    let plain = KEYS.iter().map(|key| key.section);
    for name in plain.chain(SPECIAL.iter().map(|(section, _)| *section)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Returns the keys of a table that stands once.
#[must_use]
pub fn keys_of(section: &str) -> Vec<&'static str> {
    let special = SPECIAL.iter().filter(|(of, _)| *of == section).map(|(_, name)| *name);
    special.chain(KEYS.iter().filter(|key| key.section == section).map(|key| key.name)).collect()
}

/// Returns the known word closest to a mistyped one, if any is close.
#[must_use]
pub fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|known| (strsim::jaro_winkler(&word, known), *known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
