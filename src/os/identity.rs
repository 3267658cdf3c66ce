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

/// A user that a program can be started as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Its user id.
    pub user: u32,
    /// The id of its first group.
    pub group: u32,
}

/// Tells whether we may do everything.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Returns the first of these users that this machine knows.
#[must_use]
pub fn account(names: &[&str]) -> Option<Account> {
    let named = |name: &&str| User::from_name(name).ok().flatten();
    let user = names.iter().find_map(named)?;
    Some(Account { user: user.uid.as_raw(), group: user.gid.as_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_name() {
        assert!(machine_name().is_some_and(|name| !name.is_empty()));
    }

    #[test]
    fn the_first_account_that_exists_is_taken() {
        let root = account(&["no such user", "root"]);
        assert_eq!(root.map(|account| account.user), Some(0));
        assert_eq!(account(&["no such user"]), None);
    }
}
