//! A small server that speaks MongoDB's wire protocol, keeps documents in memory, or hands all to a
//! server of MongoDB itself, and logs every command that arrives: what is not in the log was never
//! sent.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bson::{Bson, Document, doc};

use super::mongod::Mongod;

/// The only kind of message that is spoken here; older ones are for the very first greeting.
const OP_MSG: i32 = 2013;
const OP_QUERY: i32 = 2004;
const OP_REPLY: i32 = 1;

/// The bytes before a message's body: lengths, numbers, kind.
const HEAD: usize = 16;

/// What drivers send by themselves.
const GREETINGS: &[&str] = &["hello", "ismaster", "ping", "endsessions", "buildinfo"];

/// The flag of a message that wants no answer.
const MORE_TO_COME: u8 = 2;

/// The flag of a message with a checksum behind it: servers send such to each other.
const CHECKSUM: u8 = 1;

/// No message of a test is longer.
const MOST_BYTES: usize = 16 << 20;

/// A running server; it ends with the test.
pub(crate) struct Mongo {
    /// Where it listens on localhost.
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    /// What answers in its place.
    pub(crate) real: Option<Mongod>,
}

#[derive(Default)]
struct State {
    /// Documents by `database.collection`.
    collections: BTreeMap<String, Vec<Document>>,
    /// Every command but greetings and questions about the server.
    log: Vec<Document>,
    /// What it says of itself when it is greeted.
    own: Document,
    /// Where all is handed to in place of being answered.
    behind: Option<u16>,
}

impl Mongo {
    /// Starts a server with some families in it, on a port of the range the tests' configuration
    /// takes for production.
    pub(crate) fn start(families: i32) -> Self {
        let mut state = State::default();
        let documents = (0..families).map(|n| doc! { "_id": n, "name": format!("family {n}") });
        state.collections.insert("app.family".to_owned(), documents.collect());
        Self::serve(state)
    }

    /// The same with a server of MongoDB itself behind it, the primary of a replica set.
    pub(crate) fn start_real(families: i32) -> Self {
        let real = Mongod::start();
        let own = Self::serve(State { behind: Some(real.port), ..State::default() });
        real.fill(&format!("127.0.0.1:{}", own.port), families);
        Self { real: Some(real), ..own }
    }

    fn serve(state: State) -> Self {
        let listener = (27_100..27_999)
            .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
            .expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let serve = move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                let name = "mongo-connection".to_owned();
                let serve = move || drop(converse(stream, &state));
                std::thread::Builder::new().name(name).spawn(serve).expect("a thread");
            }
        };
        std::thread::Builder::new().name("mongo".to_owned()).spawn(serve).expect("a thread");
        Self { port, state, real: None }
    }

    /// The same as the only member of a replica set.
    pub(crate) fn start_set(families: i32, name: &str) -> Self {
        let own = Self::start(families);
        own.join(name, &format!("localhost:{}", own.port));
        own
    }

    /// Makes it the only member of a replica set, under a name of its own.
    pub(crate) fn join(&self, set: &str, me: &str) {
        lock(&self.state).own = doc! {
            "setName": set, "setVersion": 1, "me": me, "primary": me, "hosts": [me],
            "secondary": false,
        };
    }

    /// Counts the documents that are left.
    pub(crate) fn left(&self) -> usize {
        lock(&self.state).collections.get("app.family").map_or(0, Vec::len)
    }

    /// Returns the commands of a name that have arrived.
    pub(crate) fn arrived(&self, name: &str) -> Vec<Document> {
        let state = lock(&self.state);
        let is_it = |command: &&Document| command.keys().next().is_some_and(|first| first == name);
        state.log.iter().filter(is_it).cloned().collect()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One message as it came.
struct Heard {
    bytes: Vec<u8>,
    kind: i32,
}

impl Heard {
    fn read(stream: &mut TcpStream) -> std::io::Result<Self> {
        let mut bytes = vec![0; HEAD];
        stream.read_exact(&mut bytes)?;
        let heard = Self { kind: number(&bytes, 12), bytes };
        let length = usize::try_from(number(&heard.bytes, 0)).unwrap_or(0);
        assert!((HEAD..MOST_BYTES).contains(&length), "a message of {length} bytes");
        let mut bytes = heard.bytes;
        bytes.resize(length, 0);
        stream.read_exact(&mut bytes[HEAD..])?;
        Ok(Self { bytes, ..heard })
    }

    fn body(&self) -> &[u8] {
        &self.bytes[HEAD..]
    }

    fn command(&self) -> Document {
        match self.kind {
            OP_MSG => message(self.body()),
            OP_QUERY => query(self.body()),
            other => panic!("message of kind {other}"),
        }
    }

    fn wants_answer(&self) -> bool {
        self.kind != OP_MSG || self.body()[0] & MORE_TO_COME == 0
    }

    fn answered_with(&self, answer: &Document) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.kind {
            OP_MSG => bytes.extend([0; 5]),
            // No flags, no cursor, from the first, one document.
            _ => bytes.extend([0_i32, 0, 0, 0, 1].iter().flat_map(|n| n.to_le_bytes())),
        }
        answer.to_writer(&mut bytes).expect("plain");
        let length = i32::try_from(bytes.len() + HEAD).expect("small");
        let kind = if self.kind == OP_MSG { OP_MSG } else { OP_REPLY };
        let request = number(&self.bytes, 4);
        let head = [length, request, request, kind];
        head.iter().flat_map(|number| number.to_le_bytes()).chain(bytes).collect()
    }
}

fn number(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"))
}

/// Answers one connection until it ends.
fn converse(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let behind = lock(state).behind;
    if let Some(port) = behind {
        return hand_on(stream, port, state);
    }
    loop {
        let heard = Heard::read(&mut stream)?;
        let answer = lock(state).run(&heard.command());
        if heard.wants_answer() {
            stream.write_all(&heard.answered_with(&answer))?;
        }
    }
}

/// Lets another server answer a connection.
fn hand_on(mut stream: TcpStream, port: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    let (mut from, mut to) = (server.try_clone()?, stream.try_clone()?);
    let back = move || drop(std::io::copy(&mut from, &mut to));
    std::thread::Builder::new().name("mongo-back".to_owned()).spawn(back)?;
    loop {
        let heard = Heard::read(&mut stream)?;
        lock(state).note(&heard.command());
        server.write_all(&heard.bytes)?;
    }
}

/// Reads an OP_MSG: one body, and documents beside it under a name.
fn message(body: &[u8]) -> Document {
    let body = if body[0] & CHECKSUM == 0 { body } else { &body[..body.len() - 4] };
    let mut cursor = Cursor::new(&body[4..]);
    let mut command = Document::new();
    let end = body.len() as u64 - 4;
    while cursor.position() < end {
        let mut kind = [0];
        cursor.read_exact(&mut kind).expect("a kind");
        if kind[0] == 0 {
            command.extend(Document::from_reader(&mut cursor).expect("a document"));
            continue;
        }
        let begin = cursor.position();
        let mut size = [0; 4];
        cursor.read_exact(&mut size).expect("a size");
        let last = begin + u64::try_from(i32::from_le_bytes(size)).expect("a size");
        let mut name = Vec::new();
        loop {
            let mut byte = [0];
            cursor.read_exact(&mut byte).expect("a name");
            if byte[0] == 0 {
                break;
            }
            name.push(byte[0]);
        }
        let mut documents = Vec::new();
        while cursor.position() < last {
            documents.push(Bson::from(Document::from_reader(&mut cursor).expect("a document")));
        }
        command.insert(String::from_utf8(name).expect("UTF-8"), documents);
    }
    command
}

/// Reads an OP_QUERY: flags, a name, two numbers, and the command.
fn query(body: &[u8]) -> Document {
    let name = body[4..].iter().position(|&byte| byte == 0).expect("a name's end");
    Document::from_reader(&body[4 + name + 1 + 8..]).expect("a command")
}

impl State {
    /// Writes a command down, unless it is one of those that drivers send by themselves.
    fn note(&mut self, command: &Document) {
        let name = command.keys().next().map(|name| name.to_ascii_lowercase());
        if !name.is_some_and(|name| GREETINGS.contains(&name.as_str())) {
            self.log.push(command.clone());
        }
    }

    fn run(&mut self, command: &Document) -> Document {
        let name = command.keys().next().cloned().unwrap_or_default();
        let database = command.get_str("$db").unwrap_or("admin").to_owned();
        let place = format!("{database}.{}", command.get_str(&name).unwrap_or_default());
        let ok = doc! { "ok": 1.0 };
        match name.to_ascii_lowercase().as_str() {
            "hello" | "ismaster" => {
                let mut hello = doc! {
                    "ok": 1.0, "helloOk": true, "ismaster": true, "isWritablePrimary": true,
                    "maxBsonObjectSize": 16 << 20, "maxMessageSizeBytes": 48_000_000,
                    "maxWriteBatchSize": 100_000, "minWireVersion": 0, "maxWireVersion": 25,
                    "logicalSessionTimeoutMinutes": 30, "readOnly": false,
                };
                hello.extend(self.own.clone());
                return hello;
            }
            "ping" | "endsessions" | "buildinfo" => {
                return doc! { "ok": 1.0, "version": "8.0.0", "versionArray": [8, 0, 0, 0] };
            }
            _ => {}
        }
        self.note(command);
        let documents = self.collections.entry(place.clone()).or_default();
        match name.as_str() {
            "find" => {
                let wanted = command.get_document("filter").cloned().unwrap_or_default();
                let found: Vec<Bson> = documents
                    .iter()
                    .filter(|one| fits(one, &wanted))
                    .cloned()
                    .map(Bson::from)
                    .collect();
                doc! { "ok": 1.0, "cursor": { "id": 0_i64, "ns": place, "firstBatch": found } }
            }
            "aggregate" => {
                let wanted = command.get_array("pipeline").ok().and_then(|stages| {
                    stages.first()?.as_document()?.get_document("$match").ok().cloned()
                });
                let wanted = wanted.unwrap_or_default();
                let count = documents.iter().filter(|one| fits(one, &wanted)).count();
                let count = i32::try_from(count).expect("few");
                let batch =
                    if count == 0 { Vec::new() } else { vec![doc! { "_id": 1, "n": count }] };
                doc! { "ok": 1.0, "cursor": { "id": 0_i64, "ns": place, "firstBatch": batch } }
            }
            "count" => doc! { "ok": 1.0, "n": i32::try_from(documents.len()).expect("few") },
            "insert" => {
                let more = command.get_array("documents").expect("documents");
                documents.extend(more.iter().filter_map(Bson::as_document).cloned());
                doc! { "ok": 1.0, "n": i32::try_from(more.len()).expect("few") }
            }
            "delete" => {
                let before = documents.len();
                for one in command.get_array("deletes").expect("deletes") {
                    let one = one.as_document().expect("a document");
                    let wanted = one.get_document("q").expect("q").clone();
                    let is_single = one.get_i32("limit").is_ok_and(|limit| limit == 1);
                    let mut gone = 0;
                    documents.retain(|there| {
                        let goes = fits(there, &wanted) && !(is_single && gone > 0);
                        gone += usize::from(goes);
                        !goes
                    });
                }
                let n = i32::try_from(before - documents.len()).expect("few");
                doc! { "ok": 1.0, "n": n }
            }
            "listCollections" => {
                let names: Vec<Bson> = self
                    .collections
                    .keys()
                    .filter_map(|name| name.strip_prefix(&format!("{database}.")))
                    .filter(|name| *name != "1")
                    .map(|name| Bson::from(doc! { "name": name, "type": "collection" }))
                    .collect();
                let ns = format!("{database}.$cmd.listCollections");
                doc! { "ok": 1.0, "cursor": { "id": 0_i64, "ns": ns, "firstBatch": names } }
            }
            "listDatabases" => {
                doc! { "ok": 1.0, "databases": [{ "name": "app", "sizeOnDisk": 8192.0 }] }
            }
            "drop" => {
                documents.clear();
                ok
            }
            "dropDatabase" => {
                self.collections.retain(|name, _| !name.starts_with(&format!("{database}.")));
                ok
            }
            "update" => doc! { "ok": 1.0, "n": 1, "nModified": 1 },
            _ => ok,
        }
    }
}

/// Tells whether a document has every value that is wanted.
fn fits(document: &Document, wanted: &Document) -> bool {
    wanted.iter().all(|(name, value)| match value {
        Bson::Document(operator) => operator
            .get_array("$in")
            .is_ok_and(|any| document.get(name).is_some_and(|there| any.contains(there))),
        value => document.get(name) == Some(value),
    })
}
