//! The four tiers and the address of an operation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much depends on a target, least first; ties go to the greater.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// A developer's own.
    Development,
    /// Nothing speaks for any tier; treated as staging.
    #[default]
    Unknown,
    /// Shared, not live.
    Staging,
    /// Live.
    Production,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Unknown => "unknown",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}

/// Where a connection goes, as far as it is known. Never holds a password.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Address {
    /// Database user.
    pub user: Option<String>,
    /// Host name, address, or folder of a unix socket.
    pub host: Option<String>,
    /// TCP port, or the number in a unix socket's name.
    pub port: Option<u16>,
    /// Database name (sqlite: the file's path).
    pub database: Option<String>,
}

impl Address {
    /// Writes `host:port/database`, the form that approvals take.
    #[must_use]
    pub fn place(&self) -> String {
        let host = self.host.as_deref().unwrap_or("");
        let database = self.database.as_deref().unwrap_or("");
        match self.port {
            Some(port) => format!("{host}:{port}/{database}"),
            None => format!("{host}/{database}"),
        }
    }
}

impl fmt::Display for Address {
    /// Writes `user@host:port/database`, leaving out what is not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(self.host.as_deref().unwrap_or("?"))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.database.as_deref().unwrap_or("?"))
    }
}

/// An address with its tier and, where a `[[target]]` matched, that target's name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Target {
    /// Where.
    pub address: Address,
    /// How much depends on it.
    pub tier: Tier,
    /// The name from the configuration.
    pub name: Option<String>,
}

impl Target {
    /// Returns what a person calls it: its name, or else its address.
    #[must_use]
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.address.to_string())
    }

    /// Tells whether a person means this one: by its name, or as `host:port/database`.
    #[must_use]
    pub fn answers_to(&self, word: &str) -> bool {
        self.name.as_deref() == Some(word) || self.address.place() == word
    }
}
