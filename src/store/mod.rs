//! The history index: SQLite over the session logs, disposable. The only user of rusqlite.
#![forbid(unsafe_code)]

mod capture;
pub mod cells;
mod index;
mod memory;
mod migrate;
mod query;
mod sample;
#[cfg(test)]
pub(crate) mod store_test;
mod terms;
mod words;

use std::cell::OnceCell;
use std::fs::{self, OpenOptions};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use query::Order;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags, TransactionBehavior};
use sample::Sample;

use crate::record::find::NotFound;
use crate::record::is_full;
use crate::target::Tier;

pub use capture::{Place, output};
pub use memory::Memory;
pub use query::{Filter, Session, Statement};
pub use terms::Terms;

/// The index's name in the data folder.
const FILE_NAME: &str = "history.db";

/// Held while the index is opened.
const LOCK_NAME: &str = "history.lock";

/// How long a command waits for another one that is indexing, before it answers without the newest.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How long a rebuild waits: there is nothing else that it could do.
const REBUILD_WAIT: Duration = Duration::from_secs(120);

/// Pages that a connection keeps; negative numbers are KiB to SQLite.
const CACHE_KIB: i64 = -16 * 1024;

/// New statements after which others may read and write again.
const BATCH_STATEMENTS: usize = 20_000;

/// Says whether the process of a session is still there: its id, and when it started.
pub type IsAlive<'a> = &'a dyn Fn(u32, Option<u64>) -> bool;

/// The open index.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    data_dir: PathBuf,
    /// What statements are like, looked up when it is first asked for.
    sample: OnceCell<Sample>,
}

/// Stops a question to the index from another thread.
pub struct Interrupter(InterruptHandle);

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file belongs to something else.
    #[error("{} is not an index of nightlatch's", .0.display())]
    Foreign(PathBuf),
    /// A later nightlatch wrote it.
    #[error("{} was written by a later nightlatch: its version is {found}, the last known one {known}", .path.display())]
    TooNew {
        /// The index.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last version known here.
        known: i64,
    },
    /// The file or its folder cannot be made or removed.
    #[error("cannot write {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The logs cannot be found.
    #[error(transparent)]
    Logs(#[from] NotFound),
    /// The file is not what SQLite wrote.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// SQLite said no.
    #[error("the index failed")]
    Sqlite(#[from] rusqlite::Error),
}

/// What a pass over the logs found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Sessions with something new.
    pub sessions: usize,
    /// Statements that are new.
    pub statements: usize,
    /// Logs that cannot be read, each with the reason.
    pub unreadable: Vec<String>,
    /// Their sessions.
    failed: Vec<String>,
}

impl Interrupter {
    /// Stops what is being asked now, if anything is.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

impl std::fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupter")
    }
}

impl Store {
    /// Opens the index of a data folder, making it or bringing its tables up to date.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, is not ours or is from a later version.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        let io = |source| StoreError::Io { path: path.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(io)?;
        // SQLite gives up at once where two switch a file to WAL, whatever its timeout.
        let _lock = lock(data_dir)?;
        // SQLite makes files as the umask says, and its other files as this one is.
        private_file().open(&path).map_err(io)?;
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_WAIT)?;
        // Before anything is changed: the file may be someone else's.
        migrate::check(&connection, &path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        migrate::migrate(&mut connection, &path)?;
        Self::with(connection, data_dir)
    }

    /// Opens an index that is there and of this version, to read what it has.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not ours, or is of another version.
    pub fn open_to_read(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        // Where not even the files beside it can be made, nobody else can be writing it either.
        let connection = ["mode=ro", "immutable=1"].iter().find_map(|how| {
            let connection = Connection::open_with_flags(uri(&path, how), flags).ok()?;
            migrate::check(&connection, &path).ok().map(|version| (connection, version))
        });
        match connection {
            Some((connection, version)) if version == migrate::known() => {
                Self::with(connection, data_dir)
            }
            _ => Err(StoreError::Sqlite(rusqlite::Error::InvalidPath(path))),
        }
    }

    /// Says whether there is nothing in it.
    ///
    /// # Errors
    ///
    /// If SQLite fails.
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM sessions)";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Makes an empty index in memory, for a data folder that cannot be written.
    ///
    /// # Errors
    ///
    /// If SQLite fails.
    pub fn in_memory(data_dir: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        migrate::migrate(&mut connection, Path::new(":memory:"))?;
        Self::with(connection, data_dir)
    }

    fn with(connection: Connection, data_dir: &Path) -> Result<Self, StoreError> {
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        query::add_functions(&connection)?;
        Ok(Self { connection, data_dir: data_dir.to_owned(), sample: OnceCell::new() })
    }

    /// Reads what the logs have that the index has not.
    ///
    /// # Errors
    ///
    /// If the logs cannot be found or SQLite fails; what was read until then stays. A log that
    /// cannot be read is only reported.
    pub fn update(&mut self) -> Result<Indexed, StoreError> {
        let mut indexed = Indexed::default();
        if !index::is_stale(&self.connection, &self.data_dir)? {
            return Ok(indexed);
        }
        let mut is_more = true;
        while is_more {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let dir = &self.data_dir;
            is_more = index::update(&transaction, dir, BATCH_STATEMENTS, &mut indexed)?;
            transaction.commit()?;
        }
        Ok(indexed)
    }

    /// Forgets everything and reads all logs again. Others see the old index until it is done.
    ///
    /// # Errors
    ///
    /// As [`Store::update`]; nothing has changed then. If the file is damaged, only
    /// [`Store::remove`] helps.
    pub fn rebuild(&mut self) -> Result<Indexed, StoreError> {
        let damage: String =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if damage != "ok" {
            return Err(StoreError::Damaged(damage));
        }
        let mut indexed = Indexed::default();
        self.connection.busy_timeout(REBUILD_WAIT)?;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        migrate::reset(&transaction)?;
        index::update(&transaction, &self.data_dir, usize::MAX, &mut indexed)?;
        transaction.commit()?;
        Ok(indexed)
    }

    /// Removes an index that cannot be opened, so that it can be made again.
    ///
    /// # Errors
    ///
    /// If a file cannot be removed.
    pub fn remove(data_dir: &Path) -> Result<(), StoreError> {
        let _lock = lock(data_dir)?;
        for suffix in ["", "-wal", "-shm"] {
            let path = data_dir.join(format!("{FILE_NAME}{suffix}"));
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::Io { path, source });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Returns the statements a filter lets through, oldest first.
    ///
    /// # Errors
    ///
    /// If SQLite fails.
    pub fn statements(&self, filter: &Filter) -> Result<Vec<Statement>, StoreError> {
        let mut statements = Vec::new();
        self.visit(filter, &mut |statement| {
            statements.push(statement);
            ControlFlow::Continue(())
        })?;
        statements.reverse();
        // Ids keep the order of moments but where two are in one.
        statements.sort_by_key(|statement| statement.moment);
        Ok(statements)
    }

    /// Shows the statements a filter lets through, oldest first; where there is no limit, as they
    /// are found, so that none but the one that is shown is in memory.
    ///
    /// # Errors
    ///
    /// If SQLite fails.
    pub fn visit_oldest(
        &self,
        filter: &Filter,
        visitor: &mut dyn FnMut(Statement) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if filter.limit.is_none() {
            return self.visit_in(Order::OldestFirst, filter, visitor);
        }
        for statement in self.statements(filter)? {
            if visitor(statement).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Shows the statements a filter lets through, newest first, as they are found, until the
    /// visitor has seen enough.
    ///
    /// # Errors
    ///
    /// If SQLite fails, or [`Interrupter::interrupt`] was called: see
    /// [`StoreError::is_interrupt`].
    pub fn visit(
        &self,
        filter: &Filter,
        visitor: &mut dyn FnMut(Statement) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.visit_in(Order::NewestFirst, filter, visitor)
    }

    fn visit_in(
        &self,
        order: Order,
        filter: &Filter,
        visitor: &mut dyn FnMut(Statement) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let share = |part: &str| {
            let sample = self.sample.get_or_init(|| Sample::take(&self.connection));
            sample.share(part)
        };
        Ok(query::visit(&self.connection, filter, order, &share, visitor)?)
    }

    /// Reads all statements into memory, for [`Store::visit_with`].
    ///
    /// # Errors
    ///
    /// If SQLite fails.
    pub fn memory(&self) -> Result<Memory, StoreError> {
        Ok(memory::read(&self.connection)?)
    }

    /// As [`Store::visit`], from memory where that can tell; of equal statements on one target it
    /// may show the newest only.
    ///
    /// # Errors
    ///
    /// As [`Store::visit`].
    pub fn visit_with(
        &self,
        memory: &Memory,
        filter: &Filter,
        visitor: &mut dyn FnMut(Statement) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if !memory.knows(filter) {
            return self.visit(filter, visitor);
        }
        Ok(query::visit_with(&self.connection, memory, filter, visitor)?)
    }

    /// Returns what stops a question from another thread.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.connection.get_interrupt_handle())
    }

    /// Returns the sessions a filter lets through, oldest first.
    ///
    /// # Errors
    ///
    /// If SQLite fails.
    pub fn sessions(
        &self,
        filter: &Filter,
        is_alive: IsAlive<'_>,
    ) -> Result<Vec<Session>, StoreError> {
        Ok(query::sessions(&self.connection, filter, is_alive)?)
    }
}

impl StoreError {
    /// Says whether the file is damaged, so that only making it again helps.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
            || matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// Says whether the index is sound but cannot be written now: the folder is read-only, the disk
    /// is full, or another command has been writing for very long.
    #[must_use]
    pub fn is_unwritable(&self) -> bool {
        use ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, PermissionDenied, ReadOnly,
            SystemIoFailure,
        };
        matches!(self, Self::Io { .. })
            || self.code().is_some_and(|code| {
                [
                    CannotOpen,
                    DatabaseBusy,
                    DatabaseLocked,
                    DiskFull,
                    PermissionDenied,
                    ReadOnly,
                    SystemIoFailure,
                ]
                .contains(&code)
            })
    }

    /// Says whether there was no room on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_full(source),
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                // The second is what it says where the file that is shared has no room.
                error.code == ErrorCode::DiskFull || error.extended_code == SQLITE_IOERR_SHMSIZE
            }
            Self::Sqlite(_)
            | Self::Foreign(_)
            | Self::TooNew { .. }
            | Self::Damaged(_)
            | Self::Logs(_) => false,
        }
    }

    /// Says whether an [`Interrupter`] did it.
    #[must_use]
    pub fn is_interrupt(&self) -> bool {
        self.code() == Some(ErrorCode::OperationInterrupted)
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Foreign(_)
            | Self::TooNew { .. }
            | Self::Damaged(_)
            | Self::Io { .. }
            | Self::Logs(_) => None,
        }
    }
}

/// Takes the lock that is held while the index is opened or removed.
fn lock(data_dir: &Path) -> Result<fs::File, StoreError> {
    let path = data_dir.join(LOCK_NAME);
    let lock = private_file().open(&path).and_then(|lock| lock.lock().map(|()| lock));
    lock.map_err(|source| StoreError::Io { path, source })
}

/// Returns the name of a file for SQLite, with how it is to be opened.
fn uri(path: &Path, how: &str) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{uri}?{how}")
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

/// Tiers as they are stored: in order, so that the greater wins.
fn tier_rank(tier: Tier) -> i64 {
    match tier {
        Tier::Development => 0,
        Tier::Unknown => 1,
        Tier::Staging => 2,
        Tier::Production => 3,
    }
}

/// The tier of a stored rank.
fn tier_of(rank: i64) -> Tier {
    match rank {
        0 => Tier::Development,
        2 => Tier::Staging,
        3 => Tier::Production,
        _ => Tier::Unknown,
    }
}
