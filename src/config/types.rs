//! What the configuration says, as values.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::zone;
use crate::policy::calendar::Place;
use crate::policy::{Calendar, Facts, Limits, Moment, Rule, Window};
use crate::target::{Decided, TargetRule, Tier};

/// The whole configuration. `Config::default()` is the built-in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[[target]]`, those of the user before those of the project.
    pub targets: Vec<TargetRule>,
    /// `[hours]` and `[[freeze]]`.
    pub calendar: Calendar,
    /// `[hours] timezone`; none is the machine's.
    pub timezone: Option<String>,
    /// Hours of single targets, instead of `[hours]`.
    pub own_hours: Vec<OwnHours>,
    /// The file of the machine's own zone; none leaves finding it to the slow way.
    pub zone_file: Option<PathBuf>,
    /// `[hold]`.
    pub hold: Hold,
    /// `[idle] production`.
    pub idle_production: Duration,
    /// `[idle] wrong_tab`: whether the first write after coming back to production is asked for.
    pub wrong_tab: bool,
    /// `[idle] disconnect`: after how long an unused production session is ended; zero is never.
    pub disconnect: Duration,
    /// `[record] journal_wait`: how long a statement waits to be on disk.
    pub journal_wait: Duration,
    /// The rest of `[record]`.
    pub record: Record,
    /// `[redact] patterns`.
    pub redact: Vec<RedactPattern>,
    /// `[look]`.
    pub look: Look,
    /// `[impact]`.
    pub impact: Impact,
    /// `[notify] desktop`.
    pub notify: bool,
    /// The user's own rules: `rules/*.toml` beside the user's file.
    pub rules: Arc<[Rule]>,
    /// Something was wrong anywhere.
    pub broken: bool,
    /// Something was wrong that may have hidden a `[[target]]`.
    pub targets_doubtful: bool,
}

/// The hours of a `[[target]]`; what it does not say is as in `[hours]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnHours {
    /// The target's name.
    pub target: String,
    /// `late`.
    pub late: Option<Vec<Window>>,
    /// `weekends`.
    pub weekends: Option<bool>,
    /// `timezone`; inside, none is the machine's.
    pub timezone: Option<Option<String>>,
}

/// `[hold]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// How long an unanswered hold stays open.
    pub timeout: Duration,
    /// The same where stdin is no terminal.
    pub timeout_no_terminal: Duration,
    /// How long nothing may have been typed before an answer counts.
    pub paste_quiet: Duration,
    /// Numbers that policy needs.
    pub limits: Limits,
}

/// How much of `[record]` is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// What all recordings together may take on the disk, in bytes.
    pub max_total_bytes: u64,
    /// What one session may take on the disk, in bytes.
    pub max_session_bytes: u64,
    /// How many days a session is kept; 0 keeps it until there is no room.
    pub keep_days: u32,
}

/// A secret of the user's own kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactPattern {
    /// What is written in its place: `[redacted:kind]`.
    pub kind: String,
    /// A regular expression; checked, not compiled.
    pub pattern: String,
}

/// `[look]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether a production session says where it is, in one line above its first prompt.
    pub banner: bool,
    /// Whether the terminal's title names a production target.
    pub title: bool,
    /// Whether nightlatch's own lines are coloured.
    pub colour: bool,
    /// Whether the terminal's tab is coloured on production, where tabs have a colour.
    pub tab: bool,
    /// The background on production.
    pub tint: Tint,
}

/// `[look] tint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tint {
    /// The terminal's own.
    Off,
    /// Reddish, where the terminal says whether it is dark or light.
    Auto,
    /// Red, green and blue.
    Colour([u8; 3]),
}

impl Tint {
    /// Reads `auto`, `off` or `#rrggbb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = match text {
            "off" => return Some(Self::Off),
            "auto" => return Some(Self::Auto),
            colour => colour.strip_prefix('#').filter(|digits| digits.len() == 6)?,
        };
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = value.to_be_bytes();
        Some(Self::Colour([red, green, blue]))
    }
}

impl std::fmt::Display for Tint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Auto => f.write_str("auto"),
            Self::Colour([red, green, blue]) => write!(f, "#{red:02x}{green:02x}{blue:02x}"),
        }
    }
}

/// `[impact]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impact {
    /// Whether a side connection asks how many rows a held statement means.
    pub enabled: bool,
    /// How long it may take.
    pub timeout: Duration,
}

impl Config {
    /// Says what a moment means at a target, by its name if it has one. The time zone database is
    /// read here, so ask only when the answer matters.
    #[must_use]
    pub fn moment(&self, now: Timestamp, tier: Tier, name: Option<&str>) -> Moment {
        let (calendar, zone) = self.hours(name);
        calendar.moment(now, Place { tier, name, zone: &zone })
    }

    /// Says what a moment means where a session is.
    #[must_use]
    pub fn moment_at(&self, now: Timestamp, decided: &Decided) -> Moment {
        self.moment(now, self.hours_tier(decided), decided.target.name.as_deref())
    }

    /// Returns when it is next neither late nor frozen where a session is, in words for a person;
    /// none if that is now or nowhere in sight.
    #[must_use]
    pub fn quiet_from(&self, now: Timestamp, decided: &Decided) -> Option<String> {
        let name = decided.target.name.as_deref();
        let (calendar, zone) = self.hours(name);
        let place = Place { tier: self.hours_tier(decided), name, zone: &zone };
        let quiet = calendar.quiet_from(now, place).filter(|quiet| *quiet > now)?;
        let is_soon = quiet.duration_since(now) < SignedDuration::from_hours(6 * 24);
        let words = if is_soon { "%H:%M %Z, %A" } else { "%H:%M %Z, %A, %F" };
        Some(quiet.to_zoned(zone).strftime(words).to_string())
    }

    /// Returns the tier whose hours count: what may be production has production's.
    fn hours_tier(&self, decided: &Decided) -> Tier {
        if self.fails_closed(decided) { Tier::Production } else { decided.target.tier }
    }

    /// Returns the hours of a target and its clock.
    fn hours(&self, name: Option<&str>) -> (Cow<'_, Calendar>, TimeZone) {
        let Some(own) = self.own_hours.iter().find(|own| name == Some(own.target.as_str())) else {
            return (Cow::Borrowed(&self.calendar), self.zone());
        };
        let mut calendar = self.calendar.clone();
        if let Some(late) = &own.late {
            calendar.late.clone_from(late);
        }
        calendar.weekends = own.weekends.unwrap_or(calendar.weekends);
        let zone = own.timezone.as_ref().unwrap_or(&self.timezone);
        (Cow::Owned(calendar), self.zone_named(zone.as_deref()))
    }

    /// Returns the configured time zone, else the machine's.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.zone_named(self.timezone.as_deref())
    }

    fn zone_named(&self, name: Option<&str>) -> TimeZone {
        name.and_then(zone::zone)
            .or_else(|| self.zone_file.as_deref().and_then(zone::file))
            .unwrap_or_else(TimeZone::system)
    }

    /// Tells whether a target is a file.
    #[must_use]
    pub fn names_files(&self) -> bool {
        self.targets.iter().flat_map(|target| &target.patterns).any(|it| it.is_path())
    }

    /// Tells whether destructive statements on a target are judged as on production because a
    /// mistake in the configuration may have hidden what it said of the target.
    #[must_use]
    pub fn fails_closed(&self, decided: &Decided) -> bool {
        if decided.is_configured() {
            return false;
        }
        match decided.target.tier {
            Tier::Production => false,
            Tier::Staging | Tier::Unknown => self.broken,
            Tier::Development => self.targets_doubtful,
        }
    }

    /// Makes the facts of a session that has done nothing yet.
    #[must_use]
    pub fn facts(&self, decided: &Decided, now: Timestamp) -> Facts {
        self.facts_at(decided, self.moment_at(now, decided))
    }

    /// Makes the same facts where the moment is known already: finding it reads the zone's file.
    #[must_use]
    pub fn facts_at(&self, decided: &Decided, moment: Moment) -> Facts {
        Facts {
            fail_closed: self.fails_closed(decided),
            limits: self.hold.limits,
            rules: Arc::clone(&self.rules),
            ..Facts::new(decided.target.tier, moment)
        }
    }

    /// Returns how long a session on a target may idle before its next write is asked for.
    #[must_use]
    pub fn idle(&self, decided: &Decided) -> Duration {
        self.rule(decided).and_then(|rule| rule.idle).unwrap_or(self.idle_production)
    }

    /// Tells whether the impact side connection may be made to a target.
    #[must_use]
    pub fn impact(&self, decided: &Decided) -> bool {
        self.rule(decided).and_then(|rule| rule.impact).unwrap_or(self.impact.enabled)
    }

    /// Everything empty, to be written over by the built-in file.
    pub(super) fn blank() -> Self {
        let zero = Duration::ZERO;
        Self {
            targets: Vec::new(),
            calendar: Calendar::default(),
            timezone: None,
            own_hours: Vec::new(),
            zone_file: None,
            hold: Hold {
                timeout: zero,
                timeout_no_terminal: zero,
                paste_quiet: zero,
                limits: Limits::default(),
            },
            idle_production: zero,
            wrong_tab: false,
            disconnect: zero,
            journal_wait: zero,
            record: Record { max_total_bytes: 0, max_session_bytes: 0, keep_days: 0 },
            redact: Vec::new(),
            look: Look { banner: false, title: false, colour: false, tab: false, tint: Tint::Off },
            impact: Impact { enabled: false, timeout: zero },
            notify: false,
            rules: Arc::default(),
            broken: false,
            targets_doubtful: false,
        }
    }

    fn rule(&self, decided: &Decided) -> Option<&TargetRule> {
        let name = decided.target.name.as_ref()?;
        self.targets.iter().find(|rule| rule.name == *name)
    }
}
