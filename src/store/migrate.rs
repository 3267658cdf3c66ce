//! The tables of the index, as a numbered list that is only ever appended to.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Marks the file as ours: `nlch`.
pub(super) const APPLICATION_ID: i64 = 0x6e6c_6368;

/// Every step from an empty file to today. Never edit one: add the next.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        client TEXT NOT NULL,
        argv TEXT NOT NULL,              -- JSON
        tier INTEGER NOT NULL,           -- of the most dangerous target so far
        target TEXT,                     -- that target, as a person would name it
        started INTEGER NOT NULL,        -- microseconds since 1970, as all times
        last INTEGER NOT NULL,           -- the last event so far
        exit INTEGER,                    -- null while it runs and if it ended badly
        statements INTEGER NOT NULL DEFAULT 0,
        held INTEGER NOT NULL DEFAULT 0,
        gaps INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,  -- of the log
        indexed INTEGER NOT NULL,        -- bytes of the log that are in the index
        cwd TEXT NOT NULL,
        tty TEXT,
        pid INTEGER NOT NULL,
        pid_started INTEGER
    ) STRICT;
    CREATE INDEX sessions_by_start ON sessions (started);

    CREATE TABLE statements (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        time INTEGER NOT NULL,
        tier INTEGER NOT NULL,
        target TEXT NOT NULL,
        address TEXT NOT NULL,
        text TEXT NOT NULL,
        source TEXT NOT NULL,
        verdict TEXT NOT NULL,
        rule TEXT,
        answer TEXT,
        reason TEXT,
        rows INTEGER,
        duration_ms INTEGER,
        error TEXT,
        UNIQUE (session, n)
    ) STRICT;
    CREATE INDEX statements_by_time ON statements (time, id);

    CREATE VIRTUAL TABLE statements_text USING fts5 (
        text, content = 'statements', content_rowid = 'id', prefix = '2 3'
    );
    CREATE TRIGGER statements_added AFTER INSERT ON statements BEGIN
        INSERT INTO statements_text (rowid, text) VALUES (new.id, new.text);
    END;
    CREATE TRIGGER statements_removed AFTER DELETE ON statements BEGIN
        INSERT INTO statements_text (statements_text, rowid, text)
        VALUES ('delete', old.id, old.text);
    END;
", "
    -- All of it comes from the logs, and is read again from there.
    DROP TABLE statements_text;
    DROP TABLE statements;
    DROP TABLE sessions;

    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL UNIQUE,
        path TEXT NOT NULL,
        client TEXT NOT NULL,
        argv TEXT NOT NULL,              -- JSON
        tier INTEGER NOT NULL,           -- of the most dangerous target so far
        target TEXT,                     -- that target, as a person would name it
        started INTEGER NOT NULL,        -- microseconds since 1970, as all times
        last INTEGER NOT NULL,           -- the last event so far
        exit INTEGER,                    -- null while it runs and if it ended badly
        statements INTEGER NOT NULL DEFAULT 0,
        held INTEGER NOT NULL DEFAULT 0,
        gaps INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,  -- of the log
        indexed INTEGER NOT NULL,        -- bytes of the log that are in the index
        resume INTEGER NOT NULL,         -- where the next pass begins: a statement that has not ended
        resume_at INTEGER NOT NULL,      -- microseconds into the session there
        cwd TEXT NOT NULL,
        tty TEXT,
        pid INTEGER NOT NULL,
        pid_started INTEGER
    ) STRICT;
    CREATE INDEX sessions_by_start ON sessions (started);

    CREATE TABLE targets (
        id INTEGER PRIMARY KEY,
        tier INTEGER NOT NULL,
        name TEXT NOT NULL,              -- as a person would name it
        address TEXT NOT NULL,
        UNIQUE (tier, name, address)
    ) STRICT;

    -- The id is the time in milliseconds, moved on until it is free: so the order of ids is that
    -- of time, in the text indexes as well, and the newest can be found without a look at the rest.
    CREATE TABLE statements (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        time INTEGER NOT NULL,
        target INTEGER NOT NULL REFERENCES targets (id),
        text TEXT NOT NULL,
        source TEXT NOT NULL,
        verdict TEXT NOT NULL,
        rule TEXT,
        answer TEXT,
        reason TEXT,
        rows INTEGER,
        duration_ms INTEGER,
        error TEXT,
        place INTEGER NOT NULL,          -- of its marker in the log
        place_at INTEGER NOT NULL,       -- microseconds into the session there
        UNIQUE (session, n)
    ) STRICT;
    CREATE INDEX statements_held ON statements (verdict) WHERE verdict = 'hold';
    CREATE INDEX statements_failed ON statements (id) WHERE error IS NOT NULL;
    CREATE INDEX statements_by_target ON statements (target);

    -- Which three letters in a row a statement has, and no more: what is found is looked at again.
    CREATE VIRTUAL TABLE statements_text USING fts5 (
        text, content = 'statements', content_rowid = 'id', tokenize = 'trigram', detail = none,
        columnsize = 0
    );
    CREATE TRIGGER statements_added AFTER INSERT ON statements BEGIN
        INSERT INTO statements_text (rowid, text) VALUES (new.id, new.text);
    END;

    -- The words of statements and of what they printed, which is kept in the logs only.
    CREATE VIRTUAL TABLE outputs_text USING fts5 (
        text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
    );
    CREATE TRIGGER statements_removed AFTER DELETE ON statements BEGIN
        INSERT INTO statements_text (statements_text, rowid, text)
        VALUES ('delete', old.id, old.text);
        DELETE FROM outputs_text WHERE rowid = old.id;
    END;
", "
    -- As one types, the begin of a word is asked for: with a list of its own, not that of each word
    -- that begins so. All is read again from the logs.
    DROP TABLE outputs_text;
    CREATE VIRTUAL TABLE outputs_text USING fts5 (
        text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0',
        prefix = '1 2 3'
    );
    DELETE FROM statements;
    DELETE FROM targets;
    DELETE FROM sessions;
", "
    -- The words of outputs_text that begin with an ASCII sign, each once, but for short ones.
    CREATE TABLE output_words (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE VIRTUAL TABLE temp.outputs_terms USING fts5vocab (main, outputs_text, row);
    INSERT INTO output_words SELECT term FROM outputs_terms WHERE length(term) > 3;
    DROP TABLE temp.outputs_terms;

    -- A clock that is set back changes no order: the id comes from the moment, which only goes on in
    -- a session. All times are in microseconds.
    ALTER TABLE statements ADD COLUMN moment INTEGER NOT NULL DEFAULT 0;
    UPDATE statements SET moment = time;
    ALTER TABLE sessions ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;  -- the clock at least, and
    ALTER TABLE sessions ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;   -- at most, of the session's own
"];

/// What a rebuild drops before the steps are taken again.
const DROP_ALL: &str = "
    DROP TABLE statements_text;
    DROP TABLE outputs_text;
    DROP TABLE output_words;
    DROP TABLE statements;
    DROP TABLE targets;
    DROP TABLE sessions;
";

/// Returns the version of an index that is up to date.
pub(super) fn known() -> i64 {
    MIGRATIONS.len() as i64
}

/// Brings the tables up to date.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if check(connection, path)? == known() {
        return Ok(());
    }
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior)?;
    // Another command may have been faster.
    let version = check(&transaction, path)?;
    take_steps(&transaction, version)?;
    transaction.commit()?;
    Ok(())
}

/// Makes all tables anew, empty. Call it in a transaction.
pub(super) fn reset(transaction: &Connection) -> Result<(), StoreError> {
    transaction.execute_batch(DROP_ALL)?;
    take_steps(transaction, 0)
}

fn take_steps(transaction: &Connection, version: i64) -> Result<(), StoreError> {
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", known())?;
    Ok(())
}

/// Returns the version of a file that is ours or empty.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let (id, version): (i64, i64) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID && (id != 0 || tables != 0) {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let known = known();
    if version > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found: version, known });
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::store_test::record;
    use crate::store::{FILE_NAME, Filter, Store};

    fn open(data_dir: &Path) -> Connection {
        Connection::open(data_dir.join(FILE_NAME)).unwrap()
    }

    #[test]
    fn a_new_index_is_ours_private_and_opens_again() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        drop(Store::open(data.path()).unwrap());
        drop(Store::open(data.path()).unwrap());
        let mode = data.path().join(FILE_NAME).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let id: i64 =
            open(data.path()).pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
        assert_eq!(id, APPLICATION_ID);
    }

    /// As every version before this one has left it.
    #[test]
    fn an_index_of_any_earlier_version_is_brought_up_to_date() {
        for version in 1..MIGRATIONS.len() {
            let data = tempfile::tempdir().unwrap();
            record(data.path(), "2026-11-20T06:00:00Z");
            let old = open(data.path());
            for migration in &MIGRATIONS[..version] {
                old.execute_batch(migration).unwrap();
            }
            old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
            old.pragma_update(None, "user_version", version as i64).unwrap();
            if version == 1 {
                old.execute_batch(
                    "INSERT INTO sessions (id, path, client, argv, tier, started, last, indexed, cwd,
                         pid) VALUES ('abc', '/gone', 'psql', '[]', 0, 1, 1, 1, '/', 1);
                     INSERT INTO statements (session, n, time, tier, target, address, text, source,
                         verdict) VALUES ('abc', 1, 1, 0, 'a', 'a', 'select 1', 'tap', 'allow');",
                )
                .unwrap();
            }
            drop(old);
            let mut store = Store::open(data.path()).unwrap();
            assert_eq!(store.update().unwrap().statements, 2, "from version {version}");
            let found = store.statements(&Filter::default()).unwrap();
            assert_eq!(found.len(), 2, "and what has no log is gone");
            drop(store);
            let schema = |connection: &Connection| -> Vec<String> {
                let sql = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY 1";
                let mut select = connection.prepare(sql).unwrap();
                select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            };
            let new = tempfile::tempdir().unwrap();
            drop(Store::open(new.path()).unwrap());
            assert_eq!(schema(&open(data.path())), schema(&open(new.path())));
        }
    }

    #[test]
    fn the_words_of_outputs_are_taken_from_their_index() {
        let mut old = Connection::open_in_memory().unwrap();
        for migration in &MIGRATIONS[..3] {
            old.execute_batch(migration).unwrap();
        }
        old.execute("INSERT INTO outputs_text (rowid, text) VALUES (7, 'id | Customers é')", [])
            .unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 3).unwrap();
        migrate(&mut old, Path::new(":memory:")).unwrap();
        let words: String = old
            .query_row("SELECT group_concat(word) FROM output_words", [], |row| row.get(0))
            .unwrap();
        assert_eq!(words, "customers");
    }

    #[test]
    fn an_index_from_the_future_is_refused_and_untouched() {
        let data = tempfile::tempdir().unwrap();
        drop(Store::open(data.path()).unwrap());
        open(data.path()).pragma_update(None, "user_version", 99).unwrap();
        let error = Store::open(data.path()).unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found: 99, .. }), "{error}");
    }

    #[test]
    fn a_database_of_something_else_is_refused() {
        let data = tempfile::tempdir().unwrap();
        open(data.path()).execute_batch("CREATE TABLE birds (name TEXT)").unwrap();
        let error = Store::open(data.path()).unwrap_err();
        assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_is_damage() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(FILE_NAME), "not a database at all, but long enough")
            .unwrap();
        assert!(Store::open(data.path()).unwrap_err().is_damage());
    }
}
