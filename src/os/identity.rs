//! Who runs us, and on which machine.

use nix::unistd::{User, geteuid};

/// Returns the name of the user, as libpq finds it for its default.
#[must_use]
pub fn user_name() -> Option<String> {
    User::from_uid(geteuid()).ok().flatten().map(|user| user.name)
}

/// Returns the name of this machine.
#[must_use]
pub fn machine_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_name() {
        assert!(machine_name().is_some_and(|name| !name.is_empty()));
    }
}
