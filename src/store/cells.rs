//! A notebook's history: a SQLite database of someone else's, with the tables `sessions` and
//! `history`.
//!
//! It lives here because this folder is the only user of rusqlite; it has nothing to do with the
//! index.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

/// How long to wait for a notebook that is writing.
const BUSY_WAIT: Duration = Duration::from_secs(3);

/// One cell that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The text as it was typed.
    pub text: String,
    /// When its session started, as the database has it.
    pub started: Option<String>,
}

/// Why a database cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CellsError {
    /// It is not a history of this kind.
    #[error("{} is not a history of cells", .0.display())]
    Foreign(PathBuf),
    /// It is damaged.
    #[error("{} is damaged", .0.display())]
    Damaged(PathBuf),
    /// SQLite said no.
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
}

/// Reads all cells, oldest first.
///
/// # Errors
///
/// If it is no such database or cannot be read.
pub fn read(path: &Path) -> Result<Vec<Cell>, CellsError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut select = connection.prepare(
        "SELECT h.source_raw, s.start FROM history h LEFT JOIN sessions s ON s.session = h.session
         WHERE h.source_raw IS NOT NULL ORDER BY h.session, h.line",
    )?;
    let cells = select.query_map([], |row| Ok(Cell { text: row.get(0)?, started: row.get(1)? }))?;
    Ok(cells.collect::<Result<_, _>>()?)
}

/// Adds cells as a session of their own, the newest, after a copy of the database was made.
/// `started` and `ended` are written as they are.
///
/// # Errors
///
/// If it is no such database, is damaged or cannot be written; then nothing has changed.
pub fn add(
    path: &Path,
    texts: &[&str],
    (started, ended): (&str, &str),
    backup: &Path,
) -> Result<(), CellsError> {
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let health: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        return Err(CellsError::Damaged(path.to_owned()));
    }
    connection.execute("VACUUM INTO ?1", [backup.to_string_lossy()])?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO sessions (start, end, num_cmds, remark) VALUES (?1, ?2, ?3, '')",
        params![started, ended, texts.len() as i64],
    )?;
    let session = transaction.last_insert_rowid();
    for (line, text) in (1_i64..).zip(texts) {
        transaction.execute(
            "INSERT INTO history (session, line, source, source_raw) VALUES (?1, ?2, ?3, ?3)",
            params![session, line, text],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

fn open(path: &Path, how: OpenFlags) -> Result<Connection, CellsError> {
    let connection = Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_WAIT)?;
    let has = |sql: &str| match connection.prepare(sql) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::Unknown)) => {
            Ok(false)
        }
        Err(rusqlite::Error::SqlInputError { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    let is_one = has("SELECT session, start, end, num_cmds, remark FROM sessions")?
        && has("SELECT session, line, source, source_raw FROM history")?;
    if !is_one {
        return Err(CellsError::Foreign(path.to_owned()));
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "
        CREATE TABLE sessions (session integer primary key autoincrement, start timestamp,
            end timestamp, num_cmds integer, remark text);
        CREATE TABLE history (session integer, line integer, source text, source_raw text,
            PRIMARY KEY (session, line));
        INSERT INTO sessions VALUES (7, '2026-11-20 09:41:05.245093', NULL, NULL, '');
        INSERT INTO history VALUES (7, 1, 'x = 1', 'x = 1');";

    #[test]
    fn cells_are_added_as_the_newest_session_beside_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let (path, backup) = (folder.path().join("h.sqlite"), folder.path().join("backup"));
        Connection::open(&path).unwrap().execute_batch(TABLES).unwrap();
        let new = ["for i in x:\n    print('größe')", "y"];
        let times = ("2026-11-20 22:14:03.000000", "2026-11-20 22:15:03.000000");
        add(&path, &new, times, &backup).unwrap();
        let texts: Vec<_> = read(&path).unwrap().into_iter().map(|cell| cell.text).collect();
        assert_eq!(texts, ["x = 1", new[0], "y"]);
        let before = read(&backup).unwrap();
        let started = Some("2026-11-20 09:41:05.245093".to_owned());
        assert_eq!(before, [Cell { text: "x = 1".to_owned(), started }]);
    }

    #[test]
    fn another_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("birds");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE birds (x)").unwrap();
        let before = std::fs::read(&path).unwrap();
        let added = add(&path, &["x"], ("", ""), &folder.path().join("backup"));
        assert!(matches!(added, Err(CellsError::Foreign(_))), "{added:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        std::fs::write(&path, "no database at all, but long enough to look like one").unwrap();
        assert!(read(&path).is_err());
    }
}
