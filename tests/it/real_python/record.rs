//! What the record tells of what was deleted from Python.

use std::time::Duration;

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

/// Typed slowly, at once, or several lines at once: the line editor shows it letter by letter.
#[test]
fn a_secret_typed_at_the_prompt_is_not_in_its_echo() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open_file();
    enter(&mut pty, "pw = 'hunter2'");
    for letter in "url = 'mongodb://ann:hunter2@db'".chars() {
        pty.type_text(letter.encode_utf8(&mut [0; 4]));
        pty.pump(Duration::from_millis(20));
    }
    enter(&mut pty, "");
    enter(&mut pty, "print('alone', flush=True)");
    pty.paste_plain("a = 40 + 2\nprint(a)\npassword = 'hunter2'\nprint('usable')\n");
    pty.wait_for("\nusable");
    pty.line("exit()");
    pty.finish();
    let output = run(stage.world.nightlatch(["export", "last", "--format", "cast"]), "");
    let cast = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!cast.contains("hunter2"), "{cast}");
    let output = run(stage.world.nightlatch(["show", "last"]), "");
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    let output = run(stage.world.nightlatch(["show", "last", "--statement", "4"]), "");
    let of_one = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(of_one.contains("\nalone\n") && !of_one.contains(">>>"), "{of_one}");
    for seen in [
        ">>> pw = '[redacted:password]'",
        ">>> url = 'mongodb://ann:[redacted:uri-password]@db'",
        "\n42\n",
        "password = '[redacted:password]'",
        "\nusable\n",
    ] {
        assert!(shown.contains(seen), "no {seen:?} in\n{shown}");
    }
}
