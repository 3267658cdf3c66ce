//! Python and its shells: what is put into the process, and how it is started.
//!
//! The guard in `assets/` tells us statements and operations over a socket (see `crate::tap`); the
//! screen and the keys are left alone.

pub mod args;
pub mod draft;
pub mod launch;
pub mod live;
