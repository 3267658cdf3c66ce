//! The table of clients: what the rest of the program needs to know of each by its name.

use super::launcher::{Command, Launcher};
use super::psql;
use crate::lang::Reading;
use crate::lang::sql::{self, Ends, Flavour};
use crate::target::libpq::{Given, Surroundings};
use crate::world::World;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Reads a text as the client would.
    pub read: Read,
    /// Reads where a command line of it would connect.
    pub given: fn(&[String]) -> Result<Given, String>,
    /// Gathers what the client reads beside its command line to know where to connect.
    pub surroundings: fn(&World) -> Surroundings,
    /// Reads a command line that is to be run.
    pub launch: fn(Command<'_>) -> Box<dyn Launcher>,
}

/// Every client.
pub const KNOWN: &[Known] = &[Known {
    name: "psql",
    read: psql::text::read,
    given: psql_given,
    surroundings: psql::surroundings::surroundings,
    launch: |command| Box::new(psql::launch::PsqlLaunch::new(command)),
}];

/// How a text is read.
pub type Read = fn(&str) -> Reading;

/// Clients that cannot be run yet, and whose texts can be read all the same.
pub const READ: &[(&str, Read)] = &[
    ("mysql", |text| sql::read(text, Flavour::Mysql, Ends::Client)),
    ("mariadb", |text| sql::read(text, Flavour::Mysql, Ends::Client)),
    ("sqlite3", |text| sql::read(text, Flavour::Sqlite, Ends::Client)),
];

/// Returns how the texts of a client are read.
#[must_use]
pub fn reader(name: &str) -> Option<Read> {
    let read = || READ.iter().find(|(known, _)| *known == name).map(|(_, read)| *read);
    by_name(name).map(|known| known.read).or_else(read)
}

/// Returns the client with a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

fn psql_given(args: &[String]) -> Result<Given, String> {
    let invocation =
        psql::args::parse(args).map_err(|error| format!("it does not know {}", error.option))?;
    Ok(Given {
        dbname: invocation.dbname,
        host: invocation.host,
        port: invocation.port,
        user: invocation.username,
        cluster: invocation.cluster,
    })
}
