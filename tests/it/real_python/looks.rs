//! What a person sees and a program finds is as without nightlatch.

use std::process::Command;
use std::time::Duration;

use super::stage::Stage;
use crate::support::pty::{Key, Pty};
use crate::support::python::{drivers, interpreters};
use crate::support::tool::{Tool, needs};
use crate::support::world::run;

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock];

/// What is typed, one key group at a time.
const TYPED: &[&str] = &[
    "x = 6 * 7\r",
    "x\r",
    "for n in range(3):\r",
    "    print(n)\r",
    "\r",
    "1 / 0\r",
    "sqlite3.connect(':memory:').execute('selec')\r",
    "print('a', end='')\r",
    "input('name: ')\r",
    "nobody\r",
    "x.bit_l\t",
    "()\r",
    "half a li\x15",
    "\x1b[A",
    "\r",
    "def f(:\r",
    "wrong\x03",
    "import os; os.system('echo from below')\r",
    "x.__add__\x01y = \r",
    "exit()\r",
];

/// Types all of it and returns every byte that came.
fn bytes(command: Command, first: &str) -> String {
    let mut pty = Pty::spawn(command);
    pty.wait_for(first);
    pty.wait_for_silence(Duration::from_millis(150));
    for keys in TYPED {
        pty.type_text(keys);
        pty.wait_for_silence(Duration::from_millis(80));
    }
    pty.press(Key::Enter);
    pty.finish();
    // Objects stand where they happen to stand.
    let text = String::from_utf8_lossy(&pty.raw).into_owned();
    regex::Regex::new("0x[0-9a-f]+").expect("fits").replace_all(&text, "0x0").into_owned()
}

#[test]
fn every_byte_is_the_same() {
    if !needs(NEEDED) {
        return;
    }
    for interpreter in interpreters() {
        let mut stage = Stage::with(&interpreter.path);
        // A driver's own errors look as they do, past the tap.
        let start = stage.world.write("start.py", "import sqlite3\n");
        stage.world.set("PYTHONSTARTUP", start.to_str().expect("UTF-8"));
        // On a busy machine a key may come while the last answer is still being printed.
        let mut seen = (String::new(), String::new());
        for _ in 0..3 {
            seen = (bytes(stage.bare(&["-q"]), ">>> "), bytes(stage.wrapped(&["-q"]), ">>> "));
            if seen.0 == seen.1 {
                break;
            }
        }
        assert!(seen.0.contains("42"), "{}", seen.0);
        assert_eq!(seen.0, seen.1, "{:?}", interpreter.version);
    }
}

#[test]
fn every_byte_of_ipython_is_the_same() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock]) {
        return;
    }
    let stage = Stage::with_drivers();
    let ipython = drivers().expect("made").join("ipython");
    let screen = |command: Command| {
        let mut pty = Pty::spawn(command);
        pty.wait_for("In [1]:");
        for keys in ["6 * 7\r", "1 / 0\r", "[n for n in range(3)]\r"] {
            pty.wait_for_silence(Duration::from_millis(300));
            pty.type_text(keys);
        }
        pty.wait_for_silence(Duration::from_millis(300));
        pty.screen().lines
    };
    let mut bare = stage.world.command(&ipython);
    bare.args(["--no-banner", "--no-term-title"]);
    let wrapped = stage.wrapped_program(&ipython, &["--no-banner", "--no-term-title"]);
    assert_eq!(screen(bare), screen(wrapped));
}

#[test]
fn a_program_finds_no_trace() {
    if !needs(NEEDED) {
        return;
    }
    let program = "import sys, os
print([p for p in sys.path])
print(sorted(n for n in dir()))
print('sitecustomize' in sys.modules, '_nightlatch' in sys.modules)
print(sys.stdin.isatty(), sys.stdout.isatty(), sys.argv)
print(sys.flags)
sys.exit(3)
";
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        stage.world.write("find.py", program);
        let bare = run(stage.bare(&["find.py", "-x", "a b"]), "");
        let wrapped = run(stage.wrapped(&["find.py", "-x", "a b"]), "");
        assert_eq!(bare.stdout, wrapped.stdout, "{:?}", interpreter.version);
        assert_eq!(bare.stderr, wrapped.stderr);
        assert_eq!(wrapped.status.code(), Some(3));
    }
}

#[test]
fn the_persons_own_sitecustomize_and_path_are_kept() {
    if !needs(NEEDED) {
        return;
    }
    let mut stage = Stage::new();
    let own = stage.world.home().join("own");
    std::fs::create_dir(&own).expect("folder");
    stage.world.write("own/sitecustomize.py", "import sys; sys.own = 'mine'\n");
    stage.world.write("own/module.py", "name = 'found'\n");
    stage.world.set("PYTHONPATH", own.to_str().expect("UTF-8"));
    let program = "import sys, module, sitecustomize
print(sys.own, module.name, sitecustomize.__file__, sys.path[1:3])";
    let bare = run(stage.bare(&["-c", program]), "");
    let wrapped = run(stage.wrapped(&["-c", program]), "");
    assert_eq!(String::from_utf8_lossy(&wrapped.stderr), "");
    assert_eq!(bare.stdout, wrapped.stdout);
    assert!(String::from_utf8_lossy(&bare.stdout).starts_with("mine found"), "{bare:?}");
}

#[test]
fn data_on_standard_input_is_the_programs() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let program = "import sys; print(sys.stdin.read().upper())";
    let output = run(stage.wrapped(&["-c", program]), "some data\n");
    assert_eq!(output.stdout, b"SOME DATA\n\n");
    let output = run(stage.wrapped(&["-"]), "print('from a pipe')\n");
    assert_eq!(output.stdout, b"from a pipe\n");
}

#[test]
fn help_and_version_are_pythons_own() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    for option in ["--version", "-V", "--help"] {
        let bare = run(stage.bare(&[option]), "");
        let wrapped = run(stage.wrapped(&[option]), "");
        assert_eq!(bare.status.code(), wrapped.status.code());
        assert_eq!(bare.stdout.len(), wrapped.stdout.len(), "{option}");
    }
    assert!(!stage.world.data().exists(), "nothing is recorded");
}

#[test]
fn a_debugger_steps_over_the_guard() {
    if !needs(NEEDED) {
        return;
    }
    let program = "import sqlite3
c = sqlite3.connect(':memory:')
c.execute('create table t (a)')
c.execute('drop table t')
c.set_trace_callback(print)
c.execute('update t set a = 1 where a = 2')
";
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        stage.world.write("program.py", program);
        let args = ["-m", "pdb", "program.py"];
        let keys = "n\nn\ns\ns\ns\nw\ns\nw\nq\n";
        let bare = run(stage.bare(&args), keys);
        let wrapped = run(stage.wrapped(&args), keys);
        let (bare, wrapped) = [bare, wrapped].map(|output| output.stdout).into();
        assert_eq!(
            String::from_utf8_lossy(&wrapped),
            String::from_utf8_lossy(&bare),
            "{:?}",
            interpreter.version
        );
    }
}
