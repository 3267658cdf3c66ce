//! What goes over the socket.
//!
//! A hook connects to the socket that `NIGHTLATCH_SOCK` names, once for each process, and says
//! `hello`. Each message is one line of JSON with its kind in `t` and the process in `pid`; each
//! is answered by one line before the next is sent:
//!
//! - `go`: go on; with a number behind it, so many more operations of the kind need not be asked about,
//!   and with `quietly` behind that, only how many there were is wanted; `go files` to a hello: files
//!   are targets too, and are asked about wherever they lie
//! - `no`, perhaps with a reason behind it: it must not run; the code that asked gets an error
//! - `stop`: the same, and the person pressed Ctrl-C
//!
//! What is sent within such a lease is told in `again`, soon, and not answered. Nor is `ended`, which
//! tells how something went that was let through.
//!
//! Of an operation that is `countable`, `count` may come first, while a person is asked: the hook
//! then tells the `figures`, which are not answered.
//!
//! Of an operation that `looks`, `look` may come first: the hook then asks its server for its functions,
//! and asks again with what it was told.
//!
//! Closing the connection while a question stands takes it back. Where nobody answers, what would
//! destroy must not run, and everything else may.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::lang::postgres::Source;
use crate::lang::{Scope, Verb};
use crate::target::Address;
use crate::target::pattern::is_loopback;

/// The version that both sides speak.
pub const VERSION: u32 = 1;

/// Longest line that is read, in bytes: a statement's text and its JSON around it.
pub const MOST_LINE_BYTES: usize = 64 << 20;

/// One message of a hook.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "kebab-case")]
pub enum Message {
    /// A process is there, and is guarded from now on.
    Hello {
        /// The version it speaks.
        protocol: u32,
        /// Which client it is.
        client: String,
        /// That client's version.
        version: String,
    },
    /// A statement is about to run.
    Statement(Statement),
    /// An operation is about to be sent.
    Operation(Operation),
    /// An editor has left a text, which the client runs as if it were typed.
    Edited {
        /// The text.
        text: String,
        /// Whether the editor has changed it.
        changed: bool,
    },
    /// A connection is being made.
    Connected {
        /// What kind of server.
        engine: String,
        /// Where.
        place: Place,
    },
    /// The client stands at its prompt.
    Prompt {
        /// Where what is typed there would go.
        place: Place,
    },
    /// What the operation that is asked about would touch; none where that is not known.
    Figures {
        /// How many its conditions match.
        #[serde(default)]
        matched: Option<u64>,
        /// How many there are.
        #[serde(default)]
        total: Option<u64>,
    },
    /// Operations that were sent within a lease, of the kind that was asked about last.
    Again {
        /// The number of one.
        #[serde(default)]
        id: Option<u64>,
        /// Its command; none where only their count is told.
        #[serde(default)]
        command: Option<Command>,
        /// How many.
        #[serde(default = "once")]
        count: u32,
    },
    /// A statement or an operation that was let through has ended.
    Ended {
        /// Its number.
        id: u64,
        /// How it went.
        #[serde(flatten)]
        ending: Ending,
    },
    /// Something about the guard itself.
    Remark {
        /// `untapped`: a driver is loaded that is not asked about; `failed`: a tap does not work.
        kind: String,
        /// What it is about.
        what: String,
        /// Why, or what follows.
        why: String,
    },
}

impl Message {
    /// Returns whether it tells of something that has happened, and waits for no answer.
    #[must_use]
    pub fn is_told(&self) -> bool {
        matches!(self, Self::Again { .. } | Self::Ended { .. })
    }
}

/// How a statement or an operation went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Ending {
    /// How many rows or documents it wrote to, where that is known.
    #[serde(default)]
    pub rows: Option<u64>,
    /// How long it took, in milliseconds, without the time it was asked about.
    #[serde(rename = "took_ms")]
    pub duration_ms: u64,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}

/// A statement that is about to run, whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Statement {
    /// Its number, where the hook will tell how it went.
    #[serde(default)]
    pub id: Option<u64>,
    /// Its text; none where the client does not tell.
    pub text: Option<String>,
    /// What was typed, where the client makes another text of it.
    #[serde(default)]
    pub typed: Option<String>,
    /// How the text was had: `file` for a script, which is recorded and not judged beforehand,
    /// `command` for one from the command line, `typed` for a line of a client that reads several
    /// ahead.
    #[serde(default)]
    pub how: String,
    /// What its names stand for now: `module numpy`, `class` or `of` and the class with what it
    /// is made from, most special first.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// The engines whose drivers are loaded.
    #[serde(default)]
    pub drivers: Vec<String>,
    /// Whether it runs within another, which goes on afterwards: a script that a statement loads.
    #[serde(default)]
    pub within: bool,
}

impl Statement {
    /// Tells whether a program was started with it, and nobody typed it: one that a typed statement
    /// starts is a part of that.
    #[must_use]
    pub fn is_program(&self) -> bool {
        self.how == "command" || self.is_script()
    }

    /// Tells whether it is a script's whole text.
    #[must_use]
    pub fn is_script(&self) -> bool {
        self.how == "file"
    }
}

/// A destructive operation that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Operation {
    /// Its number, where the hook will tell how it went.
    #[serde(default)]
    pub id: Option<u64>,
    /// What kind of server: `postgres`, `sqlite`, `mysql`, `mongodb`, `redis`, …; `file` for files,
    /// whose place is their folder, `shell` for programs, which run wherever the session is.
    pub engine: String,
    /// Where.
    pub place: Place,
    /// What a person is shown; empty where the command tells it.
    #[serde(default)]
    pub text: String,
    /// The SQL, for engines that speak it.
    #[serde(default)]
    pub sql: Option<String>,
    /// The program that is about to be started, where it is one that reaches a database.
    #[serde(default)]
    pub started: Option<Box<Started>>,
    /// How its driver logs in, where the server has functions and may be asked about them.
    #[serde(default)]
    pub login: Option<Box<Login>>,
    /// Whether the hook can ask the server for its functions.
    #[serde(default)]
    pub looks: bool,
    /// Temporary tables of the connection that the SQL names, as the server has just told.
    #[serde(default)]
    pub own: Box<[String]>,
    /// What the server told of its functions, where it was asked.
    #[serde(default)]
    pub told: Option<Box<Functions>>,
    /// What it does, for engines that speak no SQL.
    #[serde(default)]
    pub deeds: Vec<Deed>,
    /// The command, for MongoDB where the hook tells it whole.
    #[serde(default)]
    pub command: Option<Command>,
    /// Whether the hook can count what it would touch.
    #[serde(default)]
    pub countable: bool,
    /// Whether what it removes is a file below the folder for temporary ones.
    #[serde(default)]
    pub temporary: bool,
    /// Whether it is part of a transaction of several.
    #[serde(default)]
    pub transaction: bool,
    /// Whether the hook can tell what does the same, and may be given a lease on it.
    #[serde(default)]
    pub repeatable: bool,
    /// How often the SQL or the command runs.
    #[serde(default = "once")]
    pub count: u32,
}

/// The functions of a server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Functions {
    /// Their texts.
    pub functions: Vec<Source>,
    /// Why not all of them are told.
    pub unread: Option<String>,
}

/// A program that is about to be started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Started {
    /// Its name, and its arguments.
    pub argv: Vec<String>,
    /// Those of its variables that may tell where it goes.
    pub vars: BTreeMap<String, String>,
    /// Its working directory; empty where that is ours.
    pub folder: String,
}

/// How a driver logs in, in libpq's words: `password`, `sslmode` and the like.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Login(pub BTreeMap<String, String>);

impl std::fmt::Debug for Login {
    /// Leaves out what may be a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A command of MongoDB's wire protocol.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Command {
    /// What it is called: the server goes by the first of its fields.
    pub name: String,
    /// All its fields, in extended JSON.
    pub fields: serde_json::Value,
}

/// One thing an operation does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deed {
    /// What is done.
    pub verb: Verb,
    /// To what.
    #[serde(default)]
    pub object: Option<String>,
    /// How much of it, each time.
    pub scope: Scope,
    /// How often.
    #[serde(default = "once")]
    pub count: u32,
}

/// Where a connection goes, as the driver tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Place {
    /// Name, number, or folder of a unix socket or of a database file.
    #[serde(default)]
    pub host: Option<String>,
    /// Port.
    #[serde(default)]
    pub port: Option<u16>,
    /// Database, or the name of its file.
    #[serde(default)]
    pub database: Option<String>,
    /// User.
    #[serde(default)]
    pub user: Option<String>,
    /// Other names of the server, with their ports: what the person asked for where the driver
    /// found this server by it.
    #[serde(default)]
    pub names: Vec<String>,
    /// The name of its replica set.
    #[serde(default)]
    pub set: Option<String>,
    /// What it is in its cluster, in the driver's word: `RSPrimary`, `Mongos`, `Standalone`.
    #[serde(default)]
    pub role: Option<String>,
    /// What it calls itself in its set, with its port, whatever name it was reached by.
    #[serde(default)]
    pub me: Option<String>,
}

impl Place {
    /// Says who the server is, in words that stay the same through every door; none where many
    /// servers may say the same of themselves.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let (set, me) = (self.set.as_deref()?, self.me.as_deref()?);
        let host = me.rsplit_once(':').map_or(me, |(host, _)| host);
        (!is_loopback(host)).then(|| format!("MongoDB {set} {me}"))
    }

    /// Returns the address, and those of the other names.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        let exact = Address::from(self.clone());
        let named = self.names.iter().chain(&self.me).map({
            let exact = exact.clone();
            move |name| {
                let (host, port) = match name.rsplit_once(':') {
                    Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
                    Some(_) | None => (name.as_str(), exact.port),
                };
                Address { host: Some(host.to_owned()), port, ..exact.clone() }
            }
        });
        std::iter::once(exact.clone()).chain(named)
    }

    /// Says what the server is in its cluster, where that is more than a single server.
    #[must_use]
    pub fn standing(&self) -> Option<String> {
        let set = self.set.as_deref();
        match (self.role.as_deref()?, set) {
            ("RSPrimary", Some(set)) => Some(format!("the primary of replica set {set}")),
            ("RSSecondary", Some(set)) => Some(format!("a secondary of replica set {set}")),
            (_, Some(set)) => Some(format!("a member of replica set {set}")),
            ("Mongos", None) => Some("a router of a sharded cluster".to_owned()),
            ("LoadBalancer", None) => Some("a load balancer".to_owned()),
            (_, None) => None,
        }
    }
}

impl From<Address> for Place {
    fn from(address: Address) -> Self {
        let Address { user, host, port, database } = address;
        Self { host, port, database, user, ..Self::default() }
    }
}

impl From<Place> for Address {
    fn from(place: Place) -> Self {
        let known = |part: Option<String>| part.filter(|part| !part.is_empty());
        Self {
            user: known(place.user),
            host: known(place.host),
            port: place.port,
            database: known(place.database),
        }
    }
}

/// Operations that need not be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// How many.
    pub more: u32,
    /// Whether only their count is wanted.
    pub is_quiet: bool,
}

/// What a hook is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Go,
    /// Go on, and it need not be asked about again: it destroys nothing.
    GoHarmless,
    /// Go on, and ask about temporary files as well: some may be targets.
    GoWithFiles,
    /// Go on, and so many more of the kind without asking.
    Lease(Lease),
    /// It must not run; the reason is for the person.
    No(&'static str),
    /// It must not run, and the person pressed Ctrl-C.
    Stop,
    /// A person is asked; meanwhile it is to be told what would be touched.
    Count,
    /// The server's functions are wanted first.
    Look,
}

impl Answer {
    /// Returns the line to send.
    #[must_use]
    pub fn line(self) -> String {
        match self {
            Self::Go => "go\n".to_owned(),
            Self::GoHarmless => "go harmless\n".to_owned(),
            Self::GoWithFiles => "go files\n".to_owned(),
            Self::Lease(Lease { more, is_quiet: true }) => format!("go {more} quietly\n"),
            Self::Lease(Lease { more, is_quiet: false }) => format!("go {more}\n"),
            Self::No("") => "no\n".to_owned(),
            Self::No(why) => format!("no {why}\n"),
            Self::Stop => "stop\n".to_owned(),
            Self::Count => "count\n".to_owned(),
            Self::Look => "look\n".to_owned(),
        }
    }
}

/// Reads one line of a hook.
///
/// # Errors
/// When it is no message that we know.
pub fn parse(line: &[u8]) -> Result<Message, serde_json::Error> {
    serde_json::from_slice(line)
}

fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let hello = br#"{"protocol":1,"client":"python","version":"3.11.7","t":"hello","pid":7}"#;
        assert!(matches!(parse(hello), Ok(Message::Hello { protocol: 1, .. })));
        let statement = br#"{"id":1,"text":null,"how":"unknown","t":"statement","pid":7}"#;
        let Ok(Message::Statement(found)) = parse(statement) else { panic!("not read") };
        assert_eq!(found.text, None);
        let operation = br#"{"t":"operation","engine":"mongodb","place":{"host":"db","port":27017},
            "text":"delete families","deeds":[{"verb":"delete","object":"app.families","scope":"one"}],
            "sql":null}"#;
        let Ok(Message::Operation(found)) = parse(operation) else { panic!("not read") };
        assert_eq!(found.count, 1);
        assert_eq!(found.deeds[0].scope, Scope::One);
        assert_eq!(Address::from(found.place).to_string(), "db:27017/?");
    }

    #[test]
    fn what_is_only_told_is_known_as_that() {
        let command = Command { name: "ping".into(), fields: serde_json::json!({"ping": 1}) };
        let ending = Ending { rows: None, duration_ms: 7, error: Some("wrong".to_owned()) };
        for (line, expected) in [
            (
                r#"{"t":"again","id":3,"command":{"name":"ping","fields":{"ping":1}}}"#,
                Message::Again { id: Some(3), command: Some(command), count: 1 },
            ),
            (
                r#"{"t":"again","count":200}"#,
                Message::Again { id: None, command: None, count: 200 },
            ),
            (
                r#"{"pid":1,"t":"ended","id":4,"took_ms":7,"error":"wrong"}"#,
                Message::Ended { id: 4, ending },
            ),
        ] {
            let found = parse(line.as_bytes()).expect("read");
            assert!(found.is_told());
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_lease_is_told_behind_the_answer() {
        for (is_quiet, expected) in [(false, "go 256\n"), (true, "go 256 quietly\n")] {
            assert_eq!(Answer::Lease(Lease { more: 256, is_quiet }).line(), expected);
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for line in ["", "{", "[]", "{}", r#"{"t":"else"}"#, r#"{"t":"operation"}"#, "\u{0}"] {
            assert!(parse(line.as_bytes()).is_err(), "{line:?}");
        }
    }
}
