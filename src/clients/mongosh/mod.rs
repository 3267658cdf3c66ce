//! mongosh: what is put into the process, and how it is started.
//!
//! The guard in `assets/` tells us statements and commands over a socket (see `crate::tap`); the
//! screen and the keys are left alone.

pub mod args;
mod draft;
pub mod launch;
mod script;
pub mod text;
pub mod uri;
