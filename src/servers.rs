//! Servers that were live: one small file each, so that another way to the same server finds it.
//!
//! Only what was decided by better evidence than a place is remembered, and only production: a
//! copy of a live database carries its identity along, and the other way round nothing that was
//! harmless once may make anything harmless. A `[[target]]` that says otherwise makes it forgotten.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::target::{Address, Decided, Remembered, Strength, Tier};

/// The folder below that of all data.
const FOLDER: &str = "servers";

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Server {
    /// Who it is.
    id: String,
    /// What it was.
    tier: Tier,
    /// The name from the configuration.
    name: Option<String>,
    /// How it was reached.
    address: Address,
    /// On which day, as `2026-11-20`.
    day: String,
}

/// What is remembered of servers.
#[derive(Debug, Clone)]
pub struct Servers {
    folder: PathBuf,
}

impl Servers {
    /// Remembers below a data folder; nothing is made or read yet.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER) }
    }

    /// Returns whether nothing is remembered of any server.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        fs::read_dir(&self.folder).map_or(true, |mut files| files.next().is_none())
    }

    /// Returns what is remembered of a server, reached as `now` or otherwise.
    #[must_use]
    pub fn recall(&self, id: &str, now: &Address) -> Option<Remembered> {
        let Server { tier, name, address, day, .. } = self.read(id)?;
        // The very door at hand adds nothing.
        (address != *now).then(|| Remembered { tier, text: format!("{address} on {day}"), name })
    }

    /// Takes note of what a server was decided to be; a disk that fails costs a memory, no more.
    pub fn remember(&self, id: &str, decided: &Decided, now: Timestamp) {
        let target = &decided.target;
        let is_live = target.tier == Tier::Production
            && decided.evidence.first().is_some_and(|item| {
                // What only the memory knows must not be renewed by it.
                item.strength > Strength::Place && item.strength != Strength::Server
            });
        if !is_live {
            if decided.is_configured() {
                drop(fs::remove_file(self.file(id)));
            }
            return;
        }
        let server = Server {
            id: id.to_owned(),
            tier: target.tier,
            name: target.name.clone(),
            address: target.address.clone(),
            day: now.strftime("%Y-%m-%d").to_string(),
        };
        if self.read(id).as_ref() != Some(&server) {
            drop(self.write(&server));
        }
    }

    fn file(&self, id: &str) -> PathBuf {
        let name: String =
            id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        self.folder.join(format!("{name}.json"))
    }

    fn read(&self, id: &str) -> Option<Server> {
        let text = fs::read_to_string(self.file(id)).ok()?;
        serde_json::from_str::<Server>(&text).ok().filter(|server| server.id == id)
    }

    /// Writes beside and puts in place, so that nobody ever reads half a file.
    fn write(&self, server: &Server) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let file = self.file(&server.id);
        let beside = file.with_extension(format!("{}.new", std::process::id()));
        let mut text = serde_json::to_string(server)?;
        text.push('\n');
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?
            .write_all(text.as_bytes())?;
        fs::rename(beside, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Known, Pattern, TargetRule, for_address};

    fn rule(tier: Tier, pattern: &str) -> TargetRule {
        let patterns = vec![Pattern::parse(pattern).expect("a pattern")];
        let (raises_only, impact, idle) = (false, None, None);
        TargetRule { name: "orders".to_owned(), tier, patterns, raises_only, impact, idle }
    }

    #[test]
    fn only_what_was_live_is_remembered_until_the_configuration_says_otherwise() {
        let folder = tempfile::tempdir().expect("a folder");
        let servers = Servers::new(folder.path());
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        let at = |host: &str| Address { host: Some(host.to_owned()), ..Address::default() };
        let see = |host: &str, rules: &[TargetRule]| {
            let decided = for_address(&at(host), &Known { rules, ..Known::default() });
            servers.remember("server 7/1", &decided, now);
            servers.recall("server 7/1", &at("localhost")).map(|known| known.text)
        };
        let orders = Some("db1/? on 2026-11-20".to_owned());
        assert_eq!(see("localhost", &[]), None);
        assert_eq!(see("db1", &[]), None);
        assert_eq!(see("db1", &[rule(Tier::Production, "db1")]), orders);
        assert_eq!(see("localhost", &[]), orders);
        assert_eq!(servers.recall("server 7/1", &at("db1")), None);
        assert_eq!(servers.recall("server 7/2", &at("localhost")), None);
        assert_eq!(see("db-prod", &[]), Some("db-prod/? on 2026-11-20".to_owned()));
        assert_eq!(see("db2", &[rule(Tier::Development, "db2")]), None);
        fs::write(folder.path().join("servers/server-7-1.json"), b"{torn").expect("written");
        assert_eq!(servers.recall("server 7/1", &at("localhost")), None);
    }
}
