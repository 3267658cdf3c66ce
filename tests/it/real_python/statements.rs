//! The exact text of every statement is in the history, from every shell.

use super::stage::{ROWS, Stage, block, enter, wait_for_question};
use crate::real_psql::non_interactive::without_terminal;
use crate::support::pty::{Key, Pty};
use crate::support::python::{drivers, interpreters};
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock];

fn texts(stage: &Stage) -> Vec<String> {
    let history = stage.history();
    let text = |row: &serde_json::Value| row["text"].as_str().expect("text").trim_end().to_owned();
    history.iter().map(text).collect()
}

#[test]
fn the_interpreters_own_prompt() {
    if !needs(NEEDED) {
        return;
    }
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        let mut pty = stage.open();
        enter(&mut pty, "x = 1");
        enter(&mut pty, "x = 1");
        enter(&mut pty, "# only a remark");
        enter(&mut pty, "");
        enter(&mut pty, "  ");
        block(&mut pty, &["for n in range(2):", "    print('é', n)"]);
        pty.wait_for("é 1");
        pty.wait_for_prompt(">>> ");
        enter(&mut pty, "1 / 0");
        pty.press(Key::Ctrl('p'));
        pty.wait_until("the line", |screen| screen.cursor_line().ends_with("1 / 0"));
        pty.press(Key::Enter);
        pty.wait_for("ZeroDivisionError");
        pty.wait_for_prompt(">>> ");
        pty.line("exit()");
        assert_eq!(pty.finish().code(), Some(0));
        let told: Vec<String> = texts(&stage)
            .into_iter()
            .filter(|text| !text.starts_with('#'))
            // Newer prompts indent by themselves.
            .map(|text| text.replace("        ", "    "))
            .collect();
        let block = "for n in range(2):\n    print('é', n)";
        let expected = ["x = 1", "x = 1", block, "1 / 0", "1 / 0", "exit()"];
        assert_eq!(told, expected, "{:?}", interpreter.version);
        let untimed: Vec<_> =
            stage.history().into_iter().filter(|row| row["duration_ms"].is_null()).collect();
        assert!(untimed.is_empty(), "{:?}: {untimed:?}", interpreter.version);
    }
}

/// What a name stands for is told without running any code of it: it may be lazy, and fail.
#[test]
fn what_a_name_stands_for_is_left_alone() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let lines = "class Lazy:
  def __getattribute__(self, name): print('woken', name); raise KeyError(name)
class Meta(type):
  def __getattribute__(kind, name): print('asked', name); return type.__getattribute__(kind, name)
";
    stage.world.write(
        "lazy.py",
        &format!("{lines}class Kind(metaclass=Meta): pass\nlazy, kind = Lazy(), Kind()\n"),
    );
    let mut pty = Pty::spawn(stage.wrapped(&["-q", "-i", "lazy.py"]));
    pty.wait_for_prompt(">>> ");
    for line in ["lazy is None", "kind is None", "Kind is None"] {
        enter(&mut pty, line);
    }
    let screen = pty.screen().lines.join("\n");
    assert_eq!(screen.matches("False").count(), 3, "{screen}");
    assert!(!screen.contains("woken") && !screen.contains("asked"), "{screen}");
    pty.line("exit()");
    assert_eq!(pty.finish().code(), Some(0));
}

#[test]
fn a_nested_console_and_the_debugger() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage
        .world
        .write("app.py", "y = 3\nimport code; code.interact(local={'y': y})\nprint('end')\n");
    let mut pty = Pty::spawn(stage.wrapped(&["app.py"]));
    pty.wait_for_prompt(">>> ");
    enter(&mut pty, "z = y + 1");
    pty.press(Key::Ctrl('d'));
    pty.wait_for("end");
    assert_eq!(pty.finish().code(), Some(0));
    let told = texts(&stage);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("code.interact"), "{told:?}");
    assert_eq!(told[1], "z = y + 1");
}

#[test]
fn a_command_and_a_script() {
    if !needs(NEEDED) {
        return;
    }
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        stage.world.write("script.py", "print('one')\n");
        let run = |args: &[&str]| crate::support::world::run(stage.wrapped(args), "");
        assert_eq!(run(&["-c", "print('two')"]).stdout, b"two\n");
        assert_eq!(run(&["script.py"]).stdout, b"one\n");
        let mut told = texts(&stage);
        told.sort();
        assert_eq!(told, ["print('one')", "print('two')"], "{:?}", interpreter.version);
    }
}

/// What is run without being typed, with what stands on standard input, and its text.
const PROGRAMS: &[(&[&str], &str, &str)] = &[
    (&["-m", "package"], "", "print('package')"),
    (&["folder"], "", "print('folder')"),
    (&["folder.zip"], "", "print('folder')"),
    (&["-x", "script.py"], "", "print('script')"),
    (&["-m", "cProfile", "script.py"], "", "print('script')"),
    (&["-m", "trace", "--trace", "script.py"], "", "print('script')"),
    (&["-m", "pdb", "-c", "q", "script.py"], "", "print('script')"),
    (&[], "print('piped')\n", "print('piped')"),
    (&["-"], "print('piped')\n", "print('piped')"),
    (
        &["-c", "import runpy, sys; runpy.run_module('package')"],
        "",
        "import runpy, sys; runpy.run_module('package')",
    ),
];

#[test]
fn every_program_is_told_of_once_and_before_it_runs() {
    if !needs(NEEDED) {
        return;
    }
    for interpreter in interpreters() {
        for (args, input, text) in PROGRAMS {
            let stage = Stage::with(&interpreter.path);
            for folder in ["package", "folder"] {
                std::fs::create_dir(stage.world.home().join(folder)).expect("folder");
                stage
                    .world
                    .write(&format!("{folder}/__main__.py"), &format!("print('{folder}')\n"));
            }
            stage.world.write("package/__init__.py", "");
            stage.world.write("script.py", "print('script')\n");
            let zip = ["-m", "zipfile", "-c", "folder.zip", "folder/__main__.py"];
            let made = crate::support::world::run(stage.bare(&zip), "");
            assert!(made.status.success(), "{made:?}");
            let bare = crate::support::world::run(stage.bare(args), input);
            let wrapped = crate::support::world::run(stage.wrapped(args), input);
            if !args.contains(&"cProfile") {
                assert_eq!(bare.stdout, wrapped.stdout, "{args:?} {:?}", interpreter.version);
            }
            assert_eq!(texts(&stage), [*text], "{args:?} {:?}", interpreter.version);
        }
    }
}

#[test]
fn a_text_that_django_is_given_is_a_statement() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock]) {
        return;
    }
    let text = "import sqlite3; c = sqlite3.connect('orders.db')\nfor n in range(20): c.execute('delete from families where id = ?', (n,))\n";
    for (args, input) in [
        (&["manage.py", "shell", "-c", text][..], ""),
        (&["manage.py", "shell"], text),
        (&[], text),
    ] {
        let stage = Stage::with_drivers();
        stage.world.write("manage.py", crate::real_python::shells::MANAGE);
        let output =
            crate::support::world::run(without_terminal(&stage.world, &stage.wrapped(args)), input);
        assert_eq!(output.status.code(), Some(125), "{args:?} {output:?}");
        assert_eq!(stage.left(), ROWS, "{args:?}");
        assert_eq!(texts(&stage).last().map(String::as_str), Some(text.trim_end()), "{args:?}");
    }
}

/// Django connects with the first query, which may be the loop that deletes.
#[test]
fn the_first_query_of_django_may_be_the_loop() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock]) {
        return;
    }
    let mut stage = Stage::with_drivers();
    let uri = stage.world.database.uri("app");
    stage.world.set("DATABASE_URL", &uri);
    stage.world.write(
        "models.py",
        "import django
from django.conf import settings
settings.configure(DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'orders.db'}})
django.setup()
from django.db import models
class Family(models.Model):
    class Meta: app_label, db_table = 'app', 'families'
",
    );
    let mut pty = Pty::spawn(stage.wrapped(&["-q", "-i", "models.py"]));
    pty.wait_for_prompt(">>> ");
    pty.line("n = [family.delete() for family in Family.objects.all()]");
    wait_for_question(&mut pty);
    pty.press(Key::Enter);
    pty.wait_for_prompt(">>> ");
    pty.wait_for_silence(std::time::Duration::from_millis(350));
    pty.press(Key::Ctrl('d'));
    pty.finish();
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn the_asyncio_prompt() {
    if !needs(NEEDED) {
        return;
    }
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        let mut pty = Pty::spawn(stage.wrapped(&["-m", "asyncio"]));
        pty.wait_for_prompt(">>> ");
        pty.wait_for_silence(std::time::Duration::from_millis(100));
        enter(&mut pty, "await asyncio.sleep(0, 'slept')");
        pty.press(Key::Ctrl('d'));
        pty.wait_for_exit();
        let told = texts(&stage);
        let is_told = told.iter().any(|text| text == "await asyncio.sleep(0, 'slept')");
        assert!(is_told, "{:?}: {told:?}", interpreter.version);
    }
}

#[test]
fn ipython_and_its_magic() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::PythonDrivers, Tool::TestClock]) {
        return;
    }
    let stage = Stage::with_drivers();
    let ipython = drivers().expect("made").join("ipython");
    let mut pty = Pty::spawn(stage.wrapped_program(&ipython, &["--no-banner", "--colors=NoColor"]));
    pty.wait_for("In [1]:");
    pty.wait_for_silence(std::time::Duration::from_millis(200));
    pty.line("a = 40; b = 2");
    pty.wait_for("In [2]:");
    pty.wait_for_silence(std::time::Duration::from_millis(200));
    pty.line("%time a + b");
    pty.wait_for("Out[2]: 42");
    pty.wait_for("In [3]:");
    pty.wait_for_silence(std::time::Duration::from_millis(200));
    pty.press(Key::Ctrl('d'));
    pty.wait_for("Do you really want to exit");
    pty.line("y");
    assert_eq!(pty.wait_for_exit().code(), Some(0));
    // The program that pip made for it is nothing that anybody typed.
    assert_eq!(texts(&stage), ["a = 40; b = 2", "%time a + b"]);
}
