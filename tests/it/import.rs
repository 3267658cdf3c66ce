//! The clients' own histories in the index: found, once, without secrets, and again after the index
//! was built anew.

use std::fs;

use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

fn nightlatch(world: &World, args: &[&str]) -> String {
    let output = run(world.nightlatch(args), "");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A world with three histories.
fn world() -> World {
    let world = World::new(Tier::Development);
    world.write(
        ".psql_history",
        "select 1,\u{1}  'größe';\nalter role ann password 'hunter2';\nselect 1,\u{1}  'größe';\n",
    );
    world.write(".mysql_history", "_HiStOrY_V2_\nselect\\040'maria';\n");
    world.write(".python_history", "#1763676843\nimport os\n");
    world
}

#[test]
fn what_is_imported_is_found_once_and_without_secrets() {
    if !needs(&[Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = world();
    let dry = nightlatch(&world, &["import", "--dry-run"]);
    assert!(dry.contains("psql: 3 would be imported"), "{dry}");
    assert_eq!(nightlatch(&world, &["history", "--json"]), "");
    let said = nightlatch(&world, &["import"]);
    let path = world.home().to_string_lossy().into_owned();
    insta::assert_snapshot!(said.replace(&path, "~"), @r#"
    psql: 3 imported from ~/.psql_history, 1 without their secrets
    python: 1 imported from ~/.python_history
    mariadb: 1 imported from ~/.mysql_history
    "#);
    let again = nightlatch(&world, &["import"]);
    assert!(again.contains("psql: 0 imported") && again.contains("3 there already"), "{again}");

    let found = nightlatch(&world, &["history", "--json"]);
    assert_eq!(found.lines().count(), 5, "{found}");
    assert!(!found.contains("hunter2"), "{found}");
    assert!(found.contains(r#""text":"select 1,\n  'größe';","source":"import","verdict":null"#));
    assert!(found.contains(r#""time":"2025-11-20T22:14:03Z","client":"python""#), "{found}");
    assert_eq!(found.matches(r#""time":null"#).count(), 4, "{found}");
    let table = nightlatch(&world, &["history", "maria"]);
    assert!(table.contains("imported") && table.contains("select 'maria';"), "{table}");
    assert_eq!(nightlatch(&world, &["sessions"]), "", "no session");

    // A line more is one more; a file that was cut takes nothing away.
    world.write(".psql_history", "select 1,\u{1}  'größe';\nselect 'new';\n");
    let more = nightlatch(&world, &["import", "--client", "psql"]);
    assert!(more.contains("psql: 1 imported"), "{more}");
    assert_eq!(nightlatch(&world, &["history", "--json"]).lines().count(), 6);
}

#[test]
fn an_index_that_is_built_again_has_it_too() {
    if !needs(&[Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = world();
    nightlatch(&world, &["import"]);
    let before = nightlatch(&world, &["history", "--json"]);
    nightlatch(&world, &["reindex"]);
    assert_eq!(nightlatch(&world, &["history", "--json"]), before);
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        fs::remove_file(world.data().join(name)).ok();
    }
    assert_eq!(nightlatch(&world, &["history", "--json"]), before);
}

#[test]
fn what_sessions_recorded_is_not_imported_again() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let mut pty = world.open();
    pty.line("select 'recorded'; select 'too';");
    pty.wait_for("too");
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("\\q");
    pty.finish();
    let said = nightlatch(&world, &["import", "--client", "psql", "--json"]);
    assert!(said.contains(r#""recorded":1"#) && said.contains(r#""imported":1"#), "{said}");
    let found = nightlatch(&world, &["history", "--json"]);
    assert_eq!(found.matches("recorded").count(), 1, "{found}");
}

#[test]
fn a_file_that_is_none_is_said() {
    if !needs(&[Tool::Postgres]) {
        return;
    }
    let world = World::new(Tier::Development);
    let output = run(world.nightlatch(["import", "--client", "oracle"]), "");
    assert_eq!(output.status.code(), Some(2));
    let binary = world.write("binary", "\u{2}\u{3}b");
    let args = ["import", "--client", "psql", "--file", binary.to_str().expect("UTF-8")];
    let output = run(world.nightlatch(args), "");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{stderr}");
    assert!(stderr.contains("is not such a history file"), "{stderr}");
}
