//! `nightlatch demo python`: the incident, safely, with nothing but a Python.

use std::fs;
use std::path::PathBuf;

use super::stage::{Stage, block, wait_for_question};
use crate::support::pty::{Key, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::run;

/// A world with a Python on its path, and temporary files of its own.
fn stage() -> Option<(Stage, PathBuf)> {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock]) {
        return None;
    }
    let mut stage = Stage::new();
    let python = crate::support::python::usual().expect("python").path.clone();
    let bin = stage.world.home().join("bin");
    fs::create_dir(&bin).expect("folder");
    stage
        .world
        .write_program("bin/python3", &format!("#!/bin/sh\nexec {} \"$@\"\n", python.display()));
    stage.world.set("PATH", &format!("{}:/usr/bin:/bin", bin.display()));
    let temporary = stage.world.home().join("t");
    fs::create_dir(&temporary).expect("folder");
    stage.world.set("TMPDIR", temporary.to_str().expect("UTF-8"));
    Some((stage, temporary))
}

#[test]
fn a_newcomer_feels_both_holds() {
    let Some((stage, temporary)) = stage() else { return };
    let mut pty = Pty::spawn(stage.world.nightlatch(["demo", "python"]));
    pty.wait_for_prompt(">>> ");
    block(&mut pty, &["for family in Family.objects: family.delete()"]);
    wait_for_question(&mut pty);
    pty.press(Key::Enter);
    pty.wait_for("Refused");
    pty.wait_for_prompt(">>> ");
    pty.wait_for_silence(std::time::Duration::from_millis(400));
    pty.line("Family.objects.count()");
    pty.wait_for("1000");
    pty.wait_for_prompt(">>> ");
    pty.line("tidy()");
    wait_for_question(&mut pty);
    pty.press(Key::Enter);
    pty.wait_for("Refused");
    pty.wait_for_prompt(">>> ");
    pty.wait_for_silence(std::time::Duration::from_millis(400));
    pty.line("Family.objects.count()");
    pty.wait_for("996");
    pty.wait_for_prompt(">>> ");
    pty.line("exit()");
    pty.wait_for("is removed.");
    assert_eq!(pty.finish().code(), Some(0));
    assert_eq!(fs::read_dir(temporary).expect("folder").count(), 0);
}

#[test]
fn without_a_terminal_it_shows_a_refusal() {
    let Some((stage, temporary)) = stage() else { return };
    let output = run(stage.world.nightlatch(["demo", "python"]), "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{output:?}");
    assert!(said.contains("All 1,000 families are still there"), "{said}");
    assert_eq!(fs::read_dir(temporary).expect("folder").count(), 0);
}
