//! The loop that deleted every family is held: before it starts where the source shows it, and at
//! the fifth where it does not, however it is written.

use super::stage::{ROWS, Stage, block, enter, wait_for_question};
use crate::support::pty::{Key, Pty};
use crate::support::python::interpreters;
use crate::support::tool::{Tool, needs};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock];

/// What the fifth deletion leaves when the first four have gone.
const AFTER_FOUR: usize = ROWS - 4;

/// Says no, and looks whether the shell is still of use.
fn refuse(stage: &Stage, pty: &mut Pty, left: usize) {
    wait_for_question(pty);
    assert_eq!(stage.left(), left, "while it is held\n{}", pty.dump());
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for("Refused");
    pty.wait_for_prompt(">>> ");
    pty.wait_for_silence(std::time::Duration::from_millis(350));
    assert!(!pty.recent().contains("_nightlatch"), "our frames\n{}", pty.dump());
    assert_eq!(stage.left(), left, "after it was refused\n{}", pty.dump());
    pty.line("c.execute('select count(*) from families').fetchone()");
    pty.wait_for(&format!("({left},)"));
    pty.wait_for_prompt(">>> ");
    pty.line("exit()");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    stage.world.assert_nothing_left();
}

#[test]
fn a_loop_the_source_shows_is_held_before_it_starts() {
    if !needs(NEEDED) {
        return;
    }
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        let mut pty = stage.open_file();
        block(
            &mut pty,
            &["for n in range(20): c.execute('delete from families where id = ?', (n,))"],
        );
        refuse(&stage, &mut pty, ROWS);
    }
}

#[test]
fn a_loop_in_a_function_is_held_at_the_fifth() {
    if !needs(NEEDED) {
        return;
    }
    for interpreter in interpreters() {
        let stage = Stage::with(&interpreter.path);
        let mut pty = stage.open_file();
        stage.world.write(
            "tidy.py",
            "def tidy(c):\n    for n in range(20):\n        c.execute('delete from families where id = ?', (n,))\n",
        );
        enter(&mut pty, "import sys; sys.path.insert(0, '.'); from tidy import tidy");
        pty.line("tidy(c)");
        wait_for_question(&mut pty);
        let screen = pty.screen();
        assert!(screen.contains("4 of families deleted so far"), "{screen}");
        assert!(screen.contains("type orders.db to run it"), "{screen}");
        refuse(&stage, &mut pty, AFTER_FOUR);
    }
}

/// Runs a module's function at the prompt that hides its loop, and refuses at the fifth.
fn held_at_the_fifth(module: &str, call: &str) {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage.world.write("tidy.py", module);
    let mut pty = stage.open_file();
    enter(&mut pty, "import sys; sys.path.insert(0, '.'); import tidy");
    pty.line(call);
    refuse(&stage, &mut pty, AFTER_FOUR);
}

#[test]
fn code_that_catches_exceptions_gets_no_further() {
    let module = "def run(c):
    for n in range(20):
        try:
            c.execute('delete from families where id = ?', (n,))
        except Exception as error:
            print('went on', n)
";
    held_at_the_fifth(module, "tidy.run(c)");
}

#[test]
fn many_rows_at_once_are_counted_beforehand() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open_file();
    enter(&mut pty, "rows = [(n,) for n in range(20)]");
    pty.line("c.executemany('delete from families where id = ?', rows)");
    refuse(&stage, &mut pty, ROWS);
}

#[test]
fn rows_that_come_one_by_one_are_counted_as_they_come() {
    let module = "def run(c):
    c.isolation_level = None
    c.executemany('delete from families where id = ?', ((n,) for n in range(20)))
";
    held_at_the_fifth(module, "tidy.run(c)");
}

#[test]
fn threads_are_counted_together() {
    let module = "import sqlite3, threading
def one(n):
    c = sqlite3.connect('orders.db', isolation_level=None, timeout=30)
    c.execute('delete from families where id = ?', (n,))
    c.close()
def run():
    threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
";
    held_at_the_fifth(module, "tidy.run()");
}

#[test]
fn a_pool_that_is_refused_comes_back() {
    let module = "import sqlite3, multiprocessing
def one(n):
    c = sqlite3.connect('orders.db', isolation_level=None, timeout=30)
    c.execute('delete from families where id = ?', (n,))
def run():
    with multiprocessing.get_context('fork').Pool(3) as pool: pool.map(one, range(20), 1)
";
    held_at_the_fifth(module, "tidy.run()");
}

#[test]
fn forked_workers_are_counted_together() {
    let module = "import sqlite3, os
def run():
    for n in range(20):
        if os.fork() == 0:
            c = sqlite3.connect('orders.db', isolation_level=None, timeout=30)
            try:
                c.execute('delete from families where id = ?', (n,))
            finally:
                os._exit(0)
    for n in range(20): os.wait()
    raise RuntimeError('Refused in the workers')
";
    held_at_the_fifth(module, "tidy.run()");
}

#[test]
fn everything_at_once_is_held_at_once() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open_file();
    enter(&mut pty, "statement = 'dele' + 'te from fam' + 'ilies'");
    pty.line("getattr(c, 'exe' + 'cute')(statement)");
    refuse(&stage, &mut pty, ROWS);
}

#[test]
fn a_released_loop_runs_to_its_end_and_is_asked_about_once() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open_file();
    block(&mut pty, &["for n in range(20): c.execute('delete from families where id = ?', (n,))"]);
    wait_for_question(&mut pty);
    pty.answer("orders.db");
    pty.wait_for("nightlatch: released");
    pty.wait_for_prompt(">>> ");
    assert_eq!(stage.left(), 0, "{}", pty.dump());
    let history = stage.history();
    let released: Vec<_> =
        history.iter().filter(|row| row["answer"] == "released").map(|row| &row["text"]).collect();
    assert_eq!(released.len(), 1, "{released:?}");
    pty.line("exit()");
    pty.finish();
}

#[test]
fn another_object_asks_again() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage.world.write(
        "tidy.py",
        "def run(c):
    for n in range(5): c.execute('delete from families where id = ?', (n,))
    c.execute('delete from families')
",
    );
    let mut pty = stage.open_file();
    enter(&mut pty, "import sys; sys.path.insert(0, '.'); import tidy");
    pty.line("tidy.run(c)");
    wait_for_question(&mut pty);
    pty.answer("orders.db");
    pty.wait_for("deletes every row of families");
    refuse(&stage, &mut pty, ROWS - 5);
}

#[test]
fn late_at_night_one_answer_is_enough_for_one_deletion() {
    if !needs(NEEDED) {
        return;
    }
    let mut stage = Stage::new();
    let config = stage.world.home().join("nightlatch.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration");
    std::fs::write(&config, text.replace("late = \"off\"", "late = \"00:00-23:59\""))
        .expect("written");
    stage.world.set("TZ", "UTC");
    let mut pty = stage.open_file();
    pty.line("c.execute('delete from families where id = ?', (3,))");
    wait_for_question(&mut pty);
    assert_eq!(stage.left(), ROWS);
    pty.answer("yes");
    pty.wait_for("sqlite3.Cursor object");
    pty.wait_for_prompt(">>> ");
    assert_eq!(stage.left(), ROWS - 1);
    pty.line("exit()");
    pty.finish();
}
