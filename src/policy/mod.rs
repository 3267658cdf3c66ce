//! Effects, tier, session facts and time to verdict: the rules, the calendar and `judge`.
#![forbid(unsafe_code)]

pub mod bulk;
pub mod calendar;
pub mod facts;
pub mod judge;
pub mod rule;
pub mod table;
pub mod verdict;
pub mod window;

pub use bulk::{Bulk, Tally};
pub use calendar::{Calendar, Moment};
pub use facts::{Facts, Lift, Limits};
pub use judge::judge;
pub use rule::Rule;
pub use verdict::{Challenge, Confidence, Decision, Finding, Verdict};
pub use window::{Freeze, Window};
