//! Evidence to tier: where a client is, or would be, connected.
#![forbid(unsafe_code)]

pub mod decide;
pub mod evidence;
pub mod libpq;
pub mod names;
pub mod pattern;
pub mod tier;

pub use decide::{Decided, Known, TargetRule, for_address, for_invocation};
pub use evidence::{Evidence, Strength};
pub use pattern::Pattern;
pub use tier::{Address, Target, Tier};
