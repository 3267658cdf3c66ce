//! What a program or a person finds in a driver is as without a tap: what its methods say of themselves, what they
//! warn of, and what they answer to wrong arguments.

use super::stage::Stage;
use crate::support::mariadb::MariaDb;
use crate::support::mongo::Mongo;
use crate::support::python::interpreters;
use crate::support::redis::Redis;
use crate::support::tool::{Tool, needs};
use crate::support::world::run;

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock];

/// What shows expressions.
const SHOWN: &str = include_str!("alike/shown.py");

/// Runs a program bare and wrapped, where nothing is production; it must show as much, and `some` of it.
fn alike(mut stage: Stage, program: &str, server: &str, some: &str) {
    stage.world.set("NIGHTLATCH_CONFIG", "/dev/null");
    stage.world.set("SERVER", server);
    stage.world.write("shown.py", SHOWN);
    stage.world.write("program.py", program);
    let [bare, wrapped] = [stage.bare(&["program.py"]), stage.wrapped(&["program.py"])].map(|it| {
        let output = run(it, "");
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned())
    });
    assert!(bare[0].contains(some), "{bare:?}");
    for (bare, wrapped) in bare.iter().zip(&wrapped) {
        let only = |one: &str, other: &str| -> Vec<String> {
            one.lines()
                .filter(|line| !other.lines().any(|it| it == *line))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(only(wrapped, bare), only(bare, wrapped));
        assert!(bare == wrapped, "the same lines, otherwise\n{wrapped}");
    }
}

#[test]
fn sqlite() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock]) {
        return;
    }
    for interpreter in interpreters() {
        let program = include_str!("alike/sqlite.py");
        alike(Stage::with(&interpreter.path), program, "", "<built-in method execute of");
    }
}

/// The same with the environment that has the drivers.
fn alike_at(program: &str, server: &str, some: &str) {
    alike(Stage::with_drivers(), program, server, some);
}

#[test]
fn psycopg2() {
    if needs(NEEDED) {
        let stage = Stage::with_drivers();
        let server = stage.world.database.uri("app");
        alike(stage, include_str!("alike/psycopg2.py"), &server, "<built-in method execute of");
    }
}

#[test]
fn pymysql() {
    if needs(NEEDED) && needs(&[Tool::MariaDb]) {
        let maria = MariaDb::start();
        alike_at(include_str!("alike/pymysql.py"), &maria.port.to_string(), "Connection.query");
    }
}

#[test]
fn redis() {
    if needs(NEEDED) && needs(&[Tool::Redis]) {
        let redis = Redis::start();
        alike_at(
            include_str!("alike/redis.py"),
            &redis.port.to_string(),
            "Connection.send_command",
        );
    }
}

#[test]
fn pymongo() {
    if needs(NEEDED) {
        let mongo = Mongo::start(0);
        alike_at(
            include_str!("alike/pymongo.py"),
            &mongo.port.to_string(),
            "Collection.delete_one",
        );
    }
}
