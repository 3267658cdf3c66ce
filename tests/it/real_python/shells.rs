//! The same loop in every shell: held with nothing deleted, and the shell goes on.

use std::process::Command;
use std::time::Duration;

use super::stage::{ROWS, Stage, wait_for_question};
use crate::support::pty::{Key, Pty};
use crate::support::python::{drivers, interpreters};
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock];

/// How long nothing may come before a shell is taken to wait.
const SETTLED: Duration = Duration::from_millis(400);

/// Types the loop at a shell's prompt and refuses it.
fn holds(command: impl Fn(&Stage) -> Command, prompt: &str) {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::with_drivers();
    let mut pty = Pty::spawn(command(&stage));
    pty.wait_for(prompt);
    pty.wait_for_silence(SETTLED);
    pty.line("import sqlite3; c = sqlite3.connect('orders.db', isolation_level=None)");
    pty.wait_for_silence(SETTLED);
    pty.line("for n in range(20): c.execute('delete from families where id = ?', (n,))");
    pty.wait_for_silence(SETTLED);
    if !pty.recent().contains("to run it") {
        pty.press(Key::Enter);
    }
    wait_for_question(&mut pty);
    assert_eq!(stage.left(), ROWS, "{}", pty.dump());
    pty.press(Key::Enter);
    pty.wait_for("Refused");
    pty.wait_for_silence(SETTLED);
    assert!(!pty.recent().contains("_nightlatch"), "our frames\n{}", pty.dump());
    assert_eq!(stage.left(), ROWS, "{}", pty.dump());
    pty.line("print('still', 'of use')");
    pty.wait_for("still of use");
    let history = stage.history();
    let is_it = |row: &&serde_json::Value| {
        row["answer"] == "cancelled"
            && row["text"].as_str().is_some_and(|it| it.starts_with("for n"))
    };
    assert_eq!(history.iter().filter(is_it).count(), 1, "{history:?}");
}

fn shell(name: &str, args: &'static [&'static str]) -> impl Fn(&Stage) -> Command + use<> {
    let name = name.to_owned();
    move |stage| stage.wrapped_program(&drivers().expect("made").join(&name), args)
}

#[test]
fn ipython() {
    holds(shell("ipython", &["--no-banner"]), "In [");
}

/// What IPython makes of a loop that one of its own commands is given.
#[test]
fn ipythons_own_commands() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::with_drivers();
    let mut pty = Pty::spawn(shell("ipython", &["--no-banner"])(&stage));
    let ask = |pty: &mut Pty, line: &str| {
        pty.wait_for_silence(SETTLED);
        pty.line(line);
        pty.wait_for_silence(SETTLED);
    };
    pty.wait_for("In [");
    ask(&mut pty, "import sqlite3; c = sqlite3.connect('orders.db', isolation_level=None)");
    ask(&mut pty, "%config TerminalInteractiveShell.confirm_exit = False");
    for command in
        ["%timeit -n1 -r1 ", "%time ", "%prun -q ", "%%time\n", "%%timeit -n1 -r1\n", "!"]
    {
        let line = "[c.execute('delete from families where id = ?', (n,)) for n in range(20)]";
        let line = if command == "!" { "sqlite3 orders.db 'delete from families'" } else { line };
        match command.strip_suffix('\n') {
            Some(command) => {
                ask(&mut pty, command);
                ask(&mut pty, line);
                // Two empty lines end it.
                ask(&mut pty, "");
                pty.press(Key::Enter);
            }
            None => ask(&mut pty, &format!("{command}{line}")),
        }
        wait_for_question(&mut pty);
        assert_eq!(stage.left(), ROWS, "{command}\n{}", pty.dump());
        pty.press(Key::Enter);
        pty.wait_for("Refused");
        assert_eq!(stage.left(), ROWS, "{command}\n{}", pty.dump());
    }
    stage.world.write("tidy.py", "for n in range(3): print('tidied', n)\n");
    ask(&mut pty, "%run tidy.py");
    pty.wait_for("tidied 2");
    let told = stage.history();
    for text in ["%run tidy.py", "for n in range(3): print('tidied', n)"] {
        let times =
            told.iter().filter(|row| row["text"].as_str().is_some_and(|it| it.trim_end() == text));
        assert_eq!(times.count(), 1, "{text} {told:?}");
    }
}

#[test]
fn ptpython() {
    holds(shell("ptpython", &[]), ">>>");
}

#[test]
fn asyncio() {
    holds(shell("python", &["-m", "asyncio"]), ">>> ");
}

#[test]
fn a_console_within_a_program() {
    const PROGRAM: &[&str] = &["-c", "import code; code.interact(local={'y': 1})"];
    holds(shell("python", PROGRAM), ">>> ");
}

#[test]
fn a_console_that_is_the_program() {
    holds(shell("python", &["-m", "code"]), ">>> ");
}

#[test]
fn a_script_that_stays_at_a_prompt() {
    let command = |stage: &Stage| {
        stage.world.write("app.py", "print('begun')\n");
        stage.wrapped(&["-i", "app.py"])
    };
    holds(command, ">>> ");
}

#[test]
fn bpython() {
    holds(shell("bpython", &[]), ">>>");
}

#[test]
fn flask_shell() {
    let command = |stage: &Stage| {
        stage.world.write("app.py", "import flask\napp = flask.Flask('app')\n");
        stage.wrapped(&["-m", "flask", "shell"])
    };
    holds(command, ">>> ");
}

#[test]
fn the_debugger() {
    let command = |stage: &Stage| {
        stage.world.write("app.py", "x = 1\n");
        stage.wrapped(&["-m", "pdb", "app.py"])
    };
    holds(command, "(Pdb)");
}

#[test]
fn an_interactive_debugger_within_a_program() {
    let command = |stage: &Stage| {
        stage.world.write("app.py", "x = 1\nbreakpoint()\n");
        stage.wrapped(&["app.py"])
    };
    holds(command, "(Pdb)");
}

/// A project of Django that has nothing.
pub(super) const MANAGE: &str = "import sys
from django.conf import settings
settings.configure(INSTALLED_APPS=[], DATABASES={})
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
";

#[test]
fn django_manage_shell() {
    let command = |stage: &Stage| {
        stage.world.write("manage.py", MANAGE);
        stage.wrapped(&["manage.py", "shell", "-i", "python"])
    };
    holds(command, ">>> ");
}

/// Newer debuggers run what has functions within in a way of its own, and once more where that fails.
#[test]
fn the_debugger_and_functions_within_a_statement() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock]) {
        return;
    }
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        stage.world.write("app.py", OPENED);
        let mut pty = Pty::spawn(stage.wrapped(&["app.py"]));
        let ask = |pty: &mut Pty, line: &str| {
            pty.wait_for_prompt("(Pdb) ");
            pty.wait_for_silence(SETTLED);
            pty.line(line);
        };
        ask(&mut pty, "x = list(map(lambda n: remove(n), range(20)))");
        wait_for_question(&mut pty);
        assert!(pty.recent().contains("by `x = list(map"), "{}", pty.dump());
        pty.press(Key::Enter);
        pty.wait_for("Refused");
        ask(
            &mut pty,
            "[c.execute('delete from families where id = ?', (n,)) for n in (lambda: range(20))()]",
        );
        wait_for_question(&mut pty);
        pty.press(Key::Enter);
        pty.wait_for("Refused");
        ask(&mut pty, "q");
        pty.wait_for_exit();
        assert_eq!(stage.left(), ROWS - 4, "{:?}\n{}", interpreter.version, pty.dump());
        let asked = stage.history().iter().filter(|row| row["answer"] == "cancelled").count();
        assert_eq!(asked, 2, "{:?}", interpreter.version);
    }
}

/// A program that has a connection, and what deletes through it, when the debugger is there.
const OPENED: &str = "import sqlite3
c = sqlite3.connect('orders.db', isolation_level=None)
def remove(n): c.execute('delete from families where id = ?', (n,))
breakpoint()
";

/// A program that drives a kernel, as consoles and notebooks do.
const KERNEL: &str = "import jupyter_client
manager = jupyter_client.KernelManager(kernel_name='python3'); manager.start_kernel()
client = manager.client(); client.start_channels(); client.wait_for_ready(timeout=60)
for text in ['%time 6 * 7', 'import sqlite3; c = sqlite3.connect(\"orders.db\", isolation_level=None)',
             'for n in range(20): c.execute(\"delete from families where id = ?\", (n,))']:
    client.execute_interactive(text, timeout=60)
";

#[test]
fn a_kernel_of_jupyter() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::with_drivers();
    stage.refused(KERNEL);
    assert_eq!(stage.left(), ROWS);
    let history = stage.history();
    assert!(history.iter().any(|row| row["text"] == "%time 6 * 7"), "{history:?}");
}
