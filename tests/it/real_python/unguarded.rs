//! Where the guard cannot get in, the screen says so, and the session is recorded all the same.

use super::stage::{ROWS, Stage, enter, wait_for_question};
use crate::support::pty::{Key, Pty};
use crate::support::python::{Interpreter, ancient, interpreters};
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock];

#[test]
fn options_that_keep_it_out_are_said() {
    if !needs(NEEDED) {
        return;
    }
    // Newer ones take it in all the same.
    for option in ["-I", "-E", "-S", "-qS"] {
        let stage = Stage::new();
        let mut pty = Pty::spawn(stage.wrapped(&[option]));
        pty.wait_for("nightlatch: UNGUARDED: with -");
        pty.wait_for_prompt(">>> ");
        enter(&mut pty, "print(6 * 7)");
        pty.press(Key::Ctrl('d'));
        assert_eq!(pty.finish().code(), Some(0));
        let output = crate::support::world::run(stage.world.nightlatch(["show", "last"]), "");
        assert!(String::from_utf8_lossy(&output.stdout).contains("42"), "{option}");
    }
}

#[test]
fn what_is_typed_is_read_off_the_screen() {
    if !needs(NEEDED) {
        return;
    }
    let programs: [(_, &[&str]); 2] = [
        (Some(stage_python()), &["-I", "-i", "fill.py", "x.db"]),
        (ancient(), &["-i", "fill.py", "x.db"]),
    ];
    for (python, args) in programs {
        let Some(python) = python else { continue };
        let mut stage = Stage::new();
        let uri = stage.world.database.uri("app");
        stage.world.set("DATABASE_URL", &uri);
        let mut pty = Pty::spawn(stage.wrapped_program(&python, args));
        pty.wait_for("nightlatch: UNGUARDED");
        pty.wait_for_prompt(">>> ");
        enter(&mut pty, "n = 'no family'");
        pty.line("for n in range(20): c.execute('delete from families where id = %d' % n)");
        wait_for_question(&mut pty);
        pty.press(Key::Enter);
        pty.wait_for("KeyboardInterrupt");
        pty.wait_for_prompt(">>> ");
        pty.wait_for_silence(std::time::Duration::from_millis(350));
        enter(&mut pty, "n");
        pty.wait_for("no family");
        pty.paste_plain("c.execute('delete from families')\n");
        wait_for_question(&mut pty);
        pty.press(Key::Enter);
        pty.wait_for("KeyboardInterrupt");
        pty.wait_for_prompt(">>> ");
        pty.wait_for_silence(std::time::Duration::from_millis(350));
        pty.line("print(c.execute('select count(*) from families').fetchone())");
        pty.wait_for("(20,)");
        pty.line("exit()");
        pty.finish();
        let told: Vec<String> = stage
            .history()
            .iter()
            .map(|row| format!("{} {}", row["source"], row["answer"]))
            .collect();
        let (drafted, refused) = ("\"draft\" null", "\"draft\" \"cancelled\"");
        assert_eq!(told, [drafted, refused, drafted, refused, drafted, drafted]);
    }
}

/// By ssh an echo comes late, and here never.
#[test]
fn what_is_typed_counts_before_it_is_echoed() {
    if !needs(NEEDED) {
        return;
    }
    let mut stage = Stage::new();
    let uri = stage.world.database.uri("app");
    stage.world.set("DATABASE_URL", &uri);
    let program = stage.world.write_program(
        "silent",
        "#!/bin/sh\nstty -icanon -echo\nwhile printf '>>> '; read -r line; do echo \"ran $line.\"; done\n",
    );
    let mut pty = Pty::spawn(stage.wrapped_program(&program, &[]));
    pty.wait_for("nightlatch: UNGUARDED");
    pty.wait_for_prompt(">>> ");
    pty.type_text("n = 1");
    pty.press(Key::Enter);
    pty.wait_for("ran n = 1.");
    pty.wait_for_prompt(">>> ");
    for part in ["for n in range(20): c.execute('delete ", "from families')"] {
        pty.type_text(part);
    }
    pty.press(Key::Enter);
    wait_for_question(&mut pty);
    pty.press(Key::Enter);
    pty.finish();
    assert!(!pty.dump().contains("ran for"), "{}", pty.dump());
    let told: Vec<String> = stage.history().iter().map(|row| row["text"].to_string()).collect();
    assert_eq!(told, ["\"n = 1\"", "\"for n in range(20): c.execute('delete from families')\""]);
}

/// Since 3.13 Python's own line editor shows where it wraps a line.
#[test]
fn a_wrapped_line_is_one() {
    if !needs(NEEDED) {
        return;
    }
    let editions = [false, true].into_iter();
    let all = editions.flat_map(|is_edited| interpreters().iter().map(move |it| (it, is_edited)));
    for (Interpreter { path, version }, is_edited) in all {
        let mut stage = Stage::with(path);
        let uri = stage.world.database.uri("app");
        stage.world.set("DATABASE_URL", &uri);
        let mut pty = Pty::spawn(stage.wrapped(&["-E", "-q"]));
        pty.wait_for("nightlatch: UNGUARDED");
        pty.wait_for_prompt(">>> ");
        // The row ends within "delete".
        let text = format!("x{} = 1; c.execute('delete from families')", "y".repeat(52));
        for key in text.chars() {
            pty.type_text(&key.to_string());
        }
        if is_edited {
            // Where it moves to only the screen tells.
            pty.press(Key::Ctrl('e'));
        }
        pty.wait_until("all of it", |screen| screen.lines.concat().contains("families')"));
        pty.press(Key::Enter);
        wait_for_question(&mut pty);
        pty.press(Key::Enter);
        pty.wait_for("KeyboardInterrupt");
        pty.wait_for_prompt(">>> ");
        pty.wait_for_silence(std::time::Duration::from_millis(350));
        pty.line("exit()");
        pty.finish();
        let told = stage.history()[0]["text"].to_string();
        assert_eq!(told, format!("\"{text}\""), "{version:?}");
    }
}

fn stage_python() -> std::path::PathBuf {
    crate::support::python::usual().expect("python").path.clone()
}

#[test]
fn a_python_that_runs_takes_the_guard_in() {
    let new = |found: &&Interpreter| found.version >= (3, 14);
    let Some(newest) = interpreters().iter().find(new).filter(|_| needs(NEEDED)) else { return };
    for option in ["-I", "-E", "-S"] {
        let stage = Stage::with(&newest.path.canonicalize().expect("it is there"));
        let mut pty = Pty::spawn(stage.wrapped(&[option, "-c", TEXT]));
        pty.wait_for("begun");
        wait_for_question(&mut pty);
        pty.press(Key::Enter);
        pty.wait_for_exit();
        assert_eq!(stage.left(), ROWS, "{option}");
    }
}

/// Says that it runs, and deletes once it is guarded.
const TEXT: &str = "import sqlite3, sys
print('begun', flush=True)
while not any('nightlatch' in str(finder).lower() for finder in sys.meta_path): pass
sqlite3.connect('orders.db').execute('delete from families')";

#[test]
fn a_python_that_a_program_starts_without_the_guard_is_said() {
    if !needs(NEEDED) {
        return;
    }
    for start in [
        "subprocess.run([sys.executable, '-u', '-S', '-c', 'pass'])",
        "subprocess.run([sys.executable, '-c', 'pass'], env={})",
        "os.system('env -i %s -c pass' % sys.executable)",
        "subprocess.run(['timeout', '10', sys.executable, '-I', '-c', 'pass'])",
        "subprocess.run(['nice', '-n', '5', 'env', '-i', sys.executable, '-c', 'pass'])",
        "subprocess.Popen(['sudo', sys.executable, '-c', 'pass'], executable='/bin/true').wait()",
        "subprocess.run(['sh', '-ec', 'exec %s -S -c pass' % sys.executable])",
        "os.system('echo 1 | xargs %s -E -c pass' % sys.executable)",
    ] {
        let output = Stage::new().run(&format!("import os, subprocess, sys; {start}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("UNGUARDED: a Python that is started with"), "{start}: {said}");
    }
}

#[test]
fn a_python_that_never_reports_in_is_said() {
    if !needs(NEEDED) {
        return;
    }
    let Some(ancient) = ancient() else { return };
    let stage = Stage::new();
    let mut pty = Pty::spawn(stage.wrapped_program(&ancient, &[]));
    pty.wait_for("nightlatch: UNGUARDED: the client has not reported in");
    pty.line("print 6 * 7");
    pty.wait_for("42");
    pty.line("exit()");
    assert_eq!(pty.finish().code(), Some(0));
}

#[test]
fn an_environment_that_was_thrown_away_is_said() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let python = stage_python();
    let wrapper = stage.world.write_program(
        "python3",
        &format!("#!/bin/sh\nexec env -i {} -c 'print(1)'\n", python.display()),
    );
    let mut pty = Pty::spawn(stage.wrapped_program(&wrapper, &[]));
    pty.wait_for("nightlatch: UNGUARDED: the client has not reported in");
    assert_eq!(pty.finish().code(), Some(0));
}

#[test]
fn a_driver_without_a_tap_is_said() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage.world.write("oracledb.py", "");
    let mut pty = stage.open();
    enter(&mut pty, "import sys; sys.path.insert(0, '.')");
    pty.line("import oracledb");
    pty.wait_for("nightlatch: UNGUARDED: oracledb has no tap, its deletes are not asked about");
    pty.wait_for_prompt(">>> ");
    pty.line("exit()");
    pty.finish();
}

#[test]
fn a_tap_that_does_not_fit_is_said() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    std::fs::create_dir(stage.world.home().join("pymysql")).expect("folder");
    stage.world.write("pymysql/__init__.py", "from . import connections\n");
    stage.world.write("pymysql/connections.py", "class Connection: pass\n");
    let mut pty = stage.open();
    enter(&mut pty, "import sys; sys.path.insert(0, '.')");
    pty.line("import pymysql");
    pty.wait_for("nightlatch: UNGUARDED: the tap on pymysql.connections does not work");
    pty.wait_for_prompt(">>> ");
    pty.line("exit()");
    pty.finish();
}
