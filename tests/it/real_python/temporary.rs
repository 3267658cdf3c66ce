//! Temporary tables: each driver is asked whether one is there, and what is done to it needs no question.

use super::stage::Stage;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::cluster;
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] =
    &[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::MariaDb, Tool::TestClock];

/// Uses a temporary table in every way that loses its rows, then takes it back, and the real one of its
/// name is meant again.
const OWN: &str = "
run('CREATE TEMPORARY TABLE t AS SELECT id FROM families')
for n in range(1, 30): run('DELETE FROM t WHERE id = %d' % n)
run('DELETE FROM t'); run('DROP TABLE t')
$BEGIN; run('CREATE TEMPORARY TABLE families AS SELECT 1 AS id'); run('DELETE FROM families'); $BACK
print('so far', flush=True)
run('DELETE FROM families')
";

#[test]
fn a_temporary_table_is_nobodys_concern_as_long_as_it_is_there() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::with_drivers();
    let maria = MariaDb::start();
    let database = &stage.world.database;
    let (dsn, uri) = (
        format!("host=localhost port={} dbname={} user=app", cluster().port, database.name),
        database.uri("app"),
    );
    let shop = format!("host='127.0.0.1', port={}, user='root', autocommit=True", maria.port);
    let begun = "run('BEGIN')";
    for (begin, start, back) in [
        (
            "import psycopg2; c = psycopg2.connect('$DSN'); c.autocommit = True; k = c.cursor(); run = k.execute",
            "c.autocommit = False",
            "c.rollback()",
        ),
        (
            "import psycopg; c = psycopg.connect('$DSN', autocommit=True); run = c.execute",
            "tx = c.transaction(); tx.__enter__()",
            "tx.__exit__(ValueError, ValueError(), None)",
        ),
        (
            "import asyncio, asyncpg; loop = asyncio.new_event_loop(); do = loop.run_until_complete
c = do(asyncpg.connect('$URI')); run = lambda text: do(c.execute(text))",
            begun,
            "run('ROLLBACK')",
        ),
        (
            "import sqlite3; c = sqlite3.connect('orders.db', isolation_level=None); run = c.execute",
            begun,
            "c.rollback()",
        ),
        (
            "import pymysql; c = pymysql.connect(database='shop', $SHOP); k = c.cursor(); run = k.execute",
            begun,
            "run('DROP TEMPORARY TABLE families')",
        ),
        (
            "import MySQLdb; c = MySQLdb.connect(db='shop', $SHOP); k = c.cursor(); run = k.execute",
            begun,
            "run('DROP TEMPORARY TABLE families')",
        ),
        (
            "import mysql.connector; c = mysql.connector.connect(database='shop', $SHOP); k = c.cursor(); run = k.execute",
            begun,
            "run('DROP TEMPORARY TABLE families')",
        ),
        (
            "import sqlalchemy as sa; c = sa.create_engine('sqlite:///orders.db').connect()
run = lambda text: c.execute(sa.text(text))",
            "c.commit()",
            "run('DROP TABLE families')",
        ),
    ] {
        let begin = begin.replace("$DSN", &dsn).replace("$URI", &uri).replace("$SHOP", &shop);
        let end = OWN.replace("$BEGIN", start).replace("$BACK", back);
        let output = stage.run(&format!("{begin}{end}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"so far\n", "{begin}: {said}");
        assert!(said.contains("deletes every row of families"), "{begin}: {said}");
        assert_eq!(output.status.code(), Some(125), "{begin}: {said}");
    }
    assert_eq!((database.count("families"), maria.left(), stage.left()), (1000, 20, 20));
}
