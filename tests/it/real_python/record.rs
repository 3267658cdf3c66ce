//! What the record tells of what was deleted from Python.

use serde_json::Value;

use super::stage::{Stage, enter};
use crate::support::tool::{Tool, needs};
use crate::support::world::run;

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock];

#[test]
fn the_timeline_names_what_only_the_driver_saw_and_how_its_server_goes_back() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open_file();
    enter(
        &mut pty,
        "go = lambda n: c.execute(' '.join(['DELETE', 'FROM families WHERE id =', n]))",
    );
    enter(&mut pty, "n = go('3').rowcount");
    pty.line("exit()");
    pty.finish();
    assert_eq!(stage.left(), 19);

    let timeline = |args: &[&str]| {
        let output = run(stage.world.nightlatch([&["timeline"], args].concat()), "");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let told = timeline(&["--json"]);
    let last: Value = serde_json::from_str(told.lines().last().expect("a line")).expect("JSON");
    let first = &last["first_destructive"];
    assert_eq!(first["text"], "DELETE FROM families WHERE id = 3", "{told}");
    assert_eq!(first["last_safe"]["recovery_target_time"], Value::Null);
    let text = timeline(&[]);
    assert!(text.contains("sqlite3 COPY .recover"), "{text}");
    for other in ["recovery_target", "aws rds", "mongorestore", "mysqlbinlog"] {
        assert!(!text.contains(other), "{text}");
    }
    let end = text.find("session over").expect("an end");
    assert!(text.find("DELETE FROM").is_some_and(|at| at < end), "{text}");
}
