//! The one room for unsafe code, nix and libc: everything above it works with safe types.
#![allow(
    unsafe_code,
    reason = "this folder is where it lives; every block says why it is sound"
)]

pub mod channel;
pub mod file;
pub mod job;
pub mod monitor;
pub mod poll;
pub mod process;
pub mod pty;
pub mod signal;
pub mod spawn;
pub mod term;

/// Returns the name of the user who runs us.
#[must_use]
pub fn user_name() -> Option<String> {
    let uid = nix::unistd::geteuid();
    nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name)
}

/// Returns the name of this machine.
#[must_use]
pub fn host_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}
