//! The history index: SQLite over the session logs, disposable. The only user of rusqlite.
#![forbid(unsafe_code)]

pub mod cells;
mod index;
mod migrate;
mod query;
#[cfg(test)]
pub(crate) mod store_test;

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::record::find::NotFound;
use crate::target::Tier;

pub use query::{Filter, Session, Statement};

/// The index's name in the data folder.
const FILE_NAME: &str = "history.db";

/// Held while the index is opened.
const LOCK_NAME: &str = "history.lock";

/// How long a command waits for another one that is indexing.
const BUSY_WAIT: Duration = Duration::from_secs(30);

/// Says whether the process of a session is still there: its id, and when it started.
pub type IsAlive<'a> = &'a dyn Fn(u32, Option<u64>) -> bool;

/// The open index.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    data_dir: PathBuf,
}

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
        let mut private = OpenOptions::new();
        private.write(true).create(true).truncate(false).mode(0o600);
        // SQLite gives up at once where two switch a file to WAL, whatever its timeout.
        let lock_path = data_dir.join(LOCK_NAME);
        let lock = private.open(&lock_path).and_then(|lock| lock.lock().map(|()| lock));
        let _lock = lock.map_err(|source| StoreError::Io { path: lock_path, source })?;
        // SQLite makes files as the umask says, and its other files as this one is.
        private.open(&path).map_err(io)?;
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_WAIT)?;
        // Before anything is changed: the file may be someone else's.
        migrate::check(&connection, &path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate::migrate(&mut connection, &path)?;
        Ok(Self { connection, data_dir: data_dir.to_owned() })
    }

    /// Reads what the logs have that the index has not.
    ///
    /// # Errors
    ///
    /// If the logs cannot be found or SQLite fails. A log that cannot be read is only reported.
    pub fn update(&mut self) -> Result<Indexed, StoreError> {
        let behavior = TransactionBehavior::Immediate;
        if !index::is_stale(&self.connection, &self.data_dir)? {
            return Ok(Indexed::default());
        }
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let indexed = index::update(&transaction, &self.data_dir)?;
        transaction.commit()?;
        Ok(indexed)
    }

    /// Forgets everything and reads all logs again.
    ///
    /// # Errors
    ///
    /// As [`Store::update`].
    pub fn rebuild(&mut self) -> Result<Indexed, StoreError> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        index::clear(&transaction)?;
        let indexed = index::update(&transaction, &self.data_dir)?;
        transaction.commit()?;
        Ok(indexed)
    }

    /// Removes an index that cannot be opened, so that it can be made again.
    ///
    /// # Errors
    ///
    /// If a file cannot be removed.
    pub fn remove(data_dir: &Path) -> Result<(), StoreError> {
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
        Ok(query::statements(&self.connection, filter)?)
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
        let Self::Sqlite(error) = self else {
            return false;
        };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    }
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
