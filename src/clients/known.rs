//! The table of clients: what the rest of the program needs to know of each by its name.

use std::ffi::OsStr;
use std::path::Path;

use super::launcher::{Command, Decide, Launcher};
use super::{behind, kubectl, mongosh, psql, python, rails, told, url};
use crate::lang::sql::{self, Ends, Flavour};
use crate::lang::{self, Reading};
use crate::target::{Decided, Known as Targets, for_invocation};
use crate::world::World;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What it is called on the command line.
    pub name: &'static str,
    /// The first version whose statements can be held; none where no version tells.
    pub oldest: Option<&'static [u32]>,
    /// Whether a hook inside it tells each operation that a statement sends: what a statement did
    /// is then said by those, and not by its text.
    pub tells_operations: bool,
    /// Reads a text as the client would.
    pub read: Read,
    /// Says where a text is none of the client's language; none where each text may be one.
    pub mistake: Option<Mistake>,
    /// Decides where a command line of it would connect, the most dangerous place first; a phrase
    /// where the client would refuse it.
    pub decide: Decide,
    /// Reads a command line that is to be run.
    pub launch: fn(Command<'_>) -> Box<dyn Launcher>,
    /// Arguments that make it show whether its tap works and do nothing else. [`TRIAL_PORT`] in them
    /// stands for the port of a server on this machine that lets everybody in and does nothing.
    pub trial: &'static [&'static str],
}

/// See [`Known::trial`].
pub const TRIAL_PORT: &str = "{port}";

/// Every client.
pub const KNOWN: &[Known] = &[
    Known {
        name: "psql",
        oldest: Some(&[11]),
        tells_operations: false,
        read: psql::text::read,
        mistake: None,
        decide: psql_decide,
        launch: |command| psql::launch::launch(command, psql_behind),
        trial: &[
            "-X",
            "-w",
            "-d",
            "host=127.0.0.1 port={port} user=trial dbname=trial sslmode=disable gssencmode=disable",
            "-c",
            "SELECT 1",
        ],
    },
    python_by("python3", Some(&[3, 8])),
    python_by("python", Some(&[3, 8])),
    python_by("ipython", None),
    Known {
        name: "mongosh",
        oldest: Some(&[1, 10]),
        tells_operations: true,
        read: lang::mongo::javascript,
        mistake: None,
        decide: mongosh::uri::decide,
        launch: |command| Box::new(mongosh::launch::launch(command)),
        trial: &["--nodb", "--norc", "--quiet", "--eval", "0"],
    },
    Known {
        name: "mongo",
        oldest: None,
        tells_operations: false,
        read: lang::mongo::javascript,
        mistake: None,
        decide: mongosh::uri::decide,
        launch: |command| Box::new(mongosh::launch::legacy(command)),
        trial: &["--nodb", "--norc", "--quiet", "--eval", "0"],
    },
];

/// Finds the first place, in bytes, at which a text cannot be parsed, and why.
pub type Mistake = fn(&str) -> Option<(usize, String)>;

/// How a text is read.
pub type Read = fn(&str) -> Reading;

/// Clients that cannot be run yet, and whose texts can be read all the same.
pub const READ: &[(&str, Read)] = &[
    ("mysql", |text| sql::read(text, Flavour::Mysql, Ends::Client)),
    ("mariadb", |text| sql::read(text, Flavour::Mysql, Ends::Client)),
    ("sqlite3", |text| sql::read(text, Flavour::Sqlite, Ends::Client)),
];

/// Clients that cannot be run yet, and whose command lines can be read all the same.
pub const TOLD: &[(&str, Decide)] = &[
    ("mysql", told::mysql),
    ("mariadb", told::mysql),
    ("redis-cli", told::redis),
    ("sqlite3", told::sqlite),
    ("rails", rails::decide),
    ("rake", rails::decide),
    ("irb", url::decide),
    ("node", url::decide),
    ("flask", url::decide),
    ("django-admin", url::decide),
    ("kubectl", kubectl::decide),
];

/// Returns how it is decided where a command line of a client would connect.
#[must_use]
pub fn decider(name: &str) -> Option<Decide> {
    let told = || TOLD.iter().find(|(known, _)| *known == name).map(|(_, decide)| *decide);
    by_name(name).map(|known| known.decide).or_else(told)
}

/// Returns how the texts of a client are read.
#[must_use]
pub fn reader(name: &str) -> Option<Read> {
    let read = || READ.iter().find(|(known, _)| *known == name).map(|(_, read)| *read);
    by_name(name).map(|known| known.read).or_else(read)
}

/// Returns the client with a name; `python3.12` is `python`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Known> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let is_numbered = |known: &&Known| name != plain && known.name == plain;
    KNOWN.iter().find(|known| known.name == name).or_else(|| KNOWN.iter().find(is_numbered))
}

/// Returns the client that a command is by its name, which may say where it is: `/opt/pg/bin/psql`.
#[must_use]
pub fn by_command(name: &OsStr) -> Option<&'static Known> {
    Path::new(name).file_name()?.to_str().and_then(by_name)
}

/// The row of one of Python's names and shells: they differ in nothing that matters here.
const fn python_by(name: &'static str, oldest: Option<&'static [u32]>) -> Known {
    Known {
        name,
        oldest,
        tells_operations: true,
        read: lang::python::read,
        mistake: Some(lang::python::mistake),
        decide: url::decide,
        launch: |command| Box::new(python::launch::launch(command)),
        trial: &["-c", "pass"],
    }
}

fn psql_decide(
    args: &[String],
    world: &World,
    targets: &Targets<'_>,
) -> Result<Vec<Decided>, String> {
    let given = psql::surroundings::given(args)?;
    for_invocation(&given, &psql::surroundings::surroundings(world), targets)
}

fn psql_behind(
    words: &[String],
    world: &World,
    targets: &Targets<'_>,
) -> Result<Vec<Decided>, String> {
    behind::decide((psql_decide, psql::launch::is_psql), words, world, targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_part_of_no_name() {
        let name = |name| by_name(name).map(|known| known.name);
        assert_eq!(name("python3.12"), Some("python"));
        assert_eq!(name("python3"), Some("python3"));
        assert_eq!(name("ipython3"), Some("ipython"));
        assert_eq!(name("psql"), Some("psql"));
        assert_eq!(name("perl5"), None);
        assert_eq!(name("3"), None);
    }

    #[test]
    fn a_command_may_say_where_it_is() {
        let name = |name: &str| by_command(OsStr::new(name)).map(|known| known.name);
        assert_eq!(name("/opt/pg/bin/psql"), Some("psql"));
        assert_eq!(name("venv/bin/python3.12"), Some("python"));
        assert_eq!(name("psql"), Some("psql"));
        assert_eq!(name("/opt/psql/sqlplus"), None);
        assert_eq!(name(".."), None);
    }
}
