//! The one room for unsafe code, nix and libc: everything above it works with safe types.
#![allow(unsafe_code, reason = "this folder is where it lives; every block says why it is sound")]

mod afloat;
pub mod background;
pub mod boot;
mod caretaker;
pub mod channel;
mod copy;
pub mod disk;
pub mod file;
pub mod guise;
pub mod identity;
pub mod job;
pub mod keepsake;
pub mod monitor;
pub mod net;
pub mod poll;
pub mod process;
pub mod pty;
pub mod random;
pub mod signal;
pub mod socket;
pub mod spawn;
pub mod start;
pub mod term;
