//! What `judge` knows beside the reading: target, time and session.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Bulk, Moment, Rule};
use crate::target::Tier;

/// The numbers of the configuration that policy needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The wait of a late hold.
    pub late_wait: Duration,
    /// Which operation of one submission on one object is a bulk.
    pub bulk_count: u32,
    /// Which operation within the window is a bulk.
    pub bulk_window_count: u32,
    /// The sliding window.
    pub bulk_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            late_wait: Duration::from_secs(10),
            bulk_count: 5,
            bulk_window_count: 20,
            bulk_window: Duration::from_secs(10),
        }
    }
}

/// Friction that is lifted for a time: somebody broke the glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lift {
    /// Until when, for a person: `00:10 CET, Saturday`.
    pub until: String,
    /// Why, as the person gave it.
    pub reason: String,
}

/// Everything `judge` knows beside the reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Where it would happen.
    pub tier: Tier,
    /// The hour: late, a freeze.
    pub moment: Moment,
    /// The configuration is broken and did not speak for this target
    /// (`Config::fails_closed`): destructive effects are judged as on production.
    pub fail_closed: bool,
    /// The session has been idle for so long that its next write is asked for.
    pub idle: bool,
    /// The person has come back to this session from another window: what else is open there, in
    /// words. Its next write is asked for.
    pub returned: Option<String>,
    /// Objects the session has made itself, as statements name them.
    pub own: BTreeSet<String>,
    /// What this submission and the window have done so far.
    pub bulk: Bulk,
    /// Numbers of the configuration.
    pub limits: Limits,
    /// Rules of the user.
    pub rules: Arc<[Rule]>,
    /// The glass was broken: nothing asks for more than `yes`.
    pub lift: Option<Lift>,
}

impl Facts {
    /// Makes the facts of a session that has done nothing yet.
    #[must_use]
    pub fn new(tier: Tier, moment: Moment) -> Self {
        Self { tier, moment, ..Self::default() }
    }
}
