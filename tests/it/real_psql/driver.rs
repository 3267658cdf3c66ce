//! The test driver itself, tried on the bare client: what these tests stand on can be trusted.

use std::os::unix::process::ExitStatusExt;

use crate::support::pty::{Key, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World};

#[test]
fn bare_client_answers_and_ends() {
    if !needs(&[Tool::Psql, Tool::Postgres]) {
        return;
    }
    let world = World::new(Tier::Production);
    world.database.assert_untouched();
    let mut pty = world.open_bare();
    pty.line("select 40 + 2 as answer;");
    pty.wait_for("(1 row)");
    let screen = pty.wait_for_prompt(&world.database.prompt());
    assert!(screen.contains("    42"), "{screen}");
    pty.press(Key::Ctrl('d'));
    assert_eq!(pty.finish().code(), Some(0));
    drop(pty);
    world.assert_nothing_left();
}

#[test]
fn holder_reports_stops_and_goes_on() {
    if !needs(&[Tool::Bash]) {
        return;
    }
    let world = World::new(Tier::Production);
    let mut command = world.command("/bin/bash");
    command.args(["-c", "echo one; read a; echo got $a; exit 7"]);
    let mut pty = Pty::spawn(command);
    pty.wait_for("one");
    pty.press(Key::Ctrl('z'));
    pty.wait_for_stop();
    pty.foreground();
    pty.line("x");
    pty.wait_for("got x");
    assert_eq!(pty.finish().code(), Some(7));
}

#[test]
fn closing_the_terminal_hangs_up() {
    if !needs(&[Tool::Psql, Tool::Postgres]) {
        return;
    }
    let world = World::new(Tier::Production);
    let mut pty = world.open_bare();
    pty.hang_up();
    world.assert_nothing_left();
}

#[test]
fn a_killed_command_reports_its_signal() {
    if !needs(&[Tool::Bash]) {
        return;
    }
    let world = World::new(Tier::Production);
    let mut command = world.command("/bin/bash");
    command.args(["-c", "kill -9 $$"]);
    let mut pty = Pty::spawn(command);
    assert_eq!(pty.finish().signal(), Some(9));
}
