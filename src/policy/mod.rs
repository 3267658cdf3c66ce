//! Effects, tier, session facts and time to verdict: the rules, the calendar and `judge`.
#![forbid(unsafe_code)]

pub mod verdict;

pub use verdict::{Challenge, Confidence, Decision, Finding, Verdict};
