//! Runs that a shell, or `timeout`, starts in the background of a terminal.

use std::process::Command;

use super::stage::{ROWS, Stage, wait_for_question};
use crate::support::pty::{Key, Pty};
use crate::support::tool::{Tool, needs};

/// Starts the job, waits until it stops by itself, and brings it back.
const UNTIL_STOPPED: &str = "set -m; \"$@\" & until [ -n \"$(jobs -s)\" ]; do :; done; \
                             echo brought back; fg; echo ended $?";

/// The wrapped interpreter with a script, started by a line of shell as `"$@"`.
fn by_shell(stage: &Stage, line: &str, script: &str) -> Command {
    stage.world.write("job.py", script);
    let wrapped = stage.wrapped(&["job.py"]);
    let mut command = stage.world.command("/bin/bash");
    command.args(["-c", line, "bash"]).arg(wrapped.get_program()).args(wrapped.get_args());
    command
}

/// The job reads a line, and ends.
fn gets_a_line(mut pty: Pty, stage: &Stage) {
    pty.line("Ada");
    pty.wait_for("it got Ada");
    pty.wait_for("ended 0");
    pty.finish();
    stage.world.assert_nothing_left();
}

#[test]
fn a_script_in_the_background_runs_on() {
    if !needs(&[Tool::Interpreter, Tool::Bash]) {
        return;
    }
    let stage = Stage::new();
    for line in ["set -m; \"$@\" & wait $!; echo ended $?", "timeout 60 \"$@\"; echo ended $?"] {
        let mut pty = Pty::spawn(by_shell(&stage, line, "print('the answer', 6 * 7)"));
        pty.wait_for("the answer 42");
        pty.wait_for("ended 0");
        assert_eq!(pty.finish().code(), Some(0), "{line}");
    }
    stage.world.assert_nothing_left();
}

#[test]
fn a_script_that_reads_the_terminal_stops_until_it_is_brought_back() {
    if !needs(&[Tool::Interpreter, Tool::Bash]) {
        return;
    }
    let stage = Stage::new();
    let script = "print('it begins')\nprint('it got', input('name: '))";
    let mut pty = Pty::spawn(by_shell(&stage, UNTIL_STOPPED, script));
    pty.wait_for("it begins");
    pty.wait_for("brought back");
    gets_a_line(pty, &stage);
}

#[test]
fn a_job_that_is_given_the_terminal_while_it_runs_has_it() {
    if !needs(&[Tool::Interpreter, Tool::Bash]) {
        return;
    }
    let stage = Stage::new();
    let script = "open('go').close()\nprint('it got', input('name: '))";
    let line = "set -m; mkfifo go; \"$@\" & sh -c ': > go' & fg %1; echo ended $?";
    let pty = Pty::spawn(by_shell(&stage, line, script));
    gets_a_line(pty, &stage);
}

#[test]
fn a_question_in_the_background_stops_the_job_and_is_asked_when_it_is_back() {
    if !needs(&[Tool::Interpreter, Tool::Bash]) {
        return;
    }
    let stage = Stage::new();
    let script = "import sqlite3\nc = sqlite3.connect('orders.db', isolation_level=None)\n\
                  c.execute('delete from families')";
    let mut pty = Pty::spawn(by_shell(&stage, UNTIL_STOPPED, script));
    pty.wait_for("brought back");
    wait_for_question(&mut pty);
    assert_eq!(stage.left(), ROWS);
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for("ended 1");
    pty.finish();
    assert_eq!(stage.left(), ROWS);
    stage.world.assert_nothing_left();
}
