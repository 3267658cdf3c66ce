//! The first write after coming back to a shell, whatever draws its line: it is asked for, and no
//! report of the terminal's focus reaches the line.

use std::time::Duration;

use super::stage::Stage;
use crate::real_target::tabs::{go_and_come, wait_for_why};
use crate::support::pty::Pty;
use crate::support::python::drivers;
use crate::support::tool::{Tool, needs};

/// How long nothing may come before a shell is taken to wait.
const SETTLED: Duration = Duration::from_millis(400);

#[test]
fn it_is_asked_for_in_every_shell() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock]) {
        return;
    }
    for (name, args, prompt) in [
        ("python", &[][..], ">>>"),
        ("ipython", &["--no-banner"], "In ["),
        ("ptpython", &[], ">>>"),
        ("bpython", &[], ">>>"),
    ] {
        let mut stage = Stage::with_drivers();
        let other = stage.open();
        stage.world.set("DATABASE_URL", "sqlite:///orders.db");
        let program = drivers().expect("made").join(name);
        let mut pty = Pty::spawn(stage.wrapped_program(&program, args));
        pty.wait_for(prompt);
        // Nothing is connected yet: the variable tells.
        pty.wait_for_bytes("]2;PRODUCTION orders-prod");
        assert!(pty.is_mode_on("?1004"), "{name}: the terminal is not asked for its focus");
        pty.wait_for_silence(SETTLED);
        go_and_come(&mut pty);
        pty.line("import sqlite3; c = sqlite3.connect('orders.db', isolation_level=None)");
        pty.wait_for_silence(SETTLED);
        pty.type_text("c.execute('update families set ");
        go_and_come(&mut pty);
        pty.line("name = id where id = 1').rowcount");
        wait_for_why(&mut pty, " is open too");
        pty.answer("yes");
        pty.wait_for("nightlatch: released");
        pty.wait_for_silence(SETTLED);
        assert!(!pty.recent().contains("Error"), "{name}: {}", pty.dump());
        drop(other);
    }
}
