//! Evidence to tier: where a client is, or would be, connected.
#![forbid(unsafe_code)]

pub mod decide;
pub mod evidence;
pub mod hosts;
pub mod libpq;

pub mod pattern;
pub mod tier;
pub mod tunnel;

pub use decide::{
    Cluster, Decided, Known, Remembered, Seen, TargetRule, for_address, for_invocation,
};
pub use evidence::{Evidence, Strength};
pub use pattern::Pattern;
pub use tier::{Address, Target, Tier};
