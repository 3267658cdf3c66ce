//! Every way out of a hold refuses.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::libc::O_NONBLOCK;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::stage::{ROWS, Stage, block, enter, wait_for_question};
use crate::real_psql::non_interactive::without_terminal;
use crate::support::DEADLINE;
use crate::support::pty::{Key, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::run;

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Interpreter, Tool::TestClock];

/// Opens a shell with a held loop.
fn held() -> Option<(Stage, Pty)> {
    if !needs(NEEDED) {
        return None;
    }
    let stage = Stage::new();
    let mut pty = stage.open_file();
    block(&mut pty, &["for n in range(20): c.execute('delete from families where id = ?', (n,))"]);
    wait_for_question(&mut pty);
    Some((stage, pty))
}

/// Presses keys that must refuse; the shell must be of use afterwards.
fn refuses(keys: &[Key], seen: &str) {
    let Some((stage, mut pty)) = held() else { return };
    for key in keys {
        pty.press(*key);
    }
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for(seen);
    pty.wait_for_prompt(">>> ");
    pty.wait_for_silence(std::time::Duration::from_millis(350));
    assert_eq!(stage.left(), ROWS);
    enter(&mut pty, "1 + 1");
    pty.line("exit()");
    assert_eq!(pty.finish().code(), Some(0));
    assert_eq!(stage.history().last().expect("the statement")["answer"], serde_json::Value::Null);
}

#[test]
fn enter_refuses() {
    refuses(&[Key::Enter], "Refused");
}

#[test]
fn escape_refuses() {
    refuses(&[Key::Escape], "Refused");
}

#[test]
fn control_d_refuses() {
    refuses(&[Key::Ctrl('d')], "Refused");
}

#[test]
fn control_c_refuses_and_interrupts() {
    refuses(&[Key::Ctrl('c')], "KeyboardInterrupt");
}

#[test]
fn another_word_refuses() {
    let Some((stage, mut pty)) = held() else { return };
    pty.answer("yes");
    pty.wait_for("nightlatch: cancelled (another word)");
    pty.wait_for_prompt(">>> ");
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn an_interrupt_from_elsewhere_withdraws() {
    let Some((stage, mut pty)) = held() else { return };
    let python = stage
        .world
        .processes()
        .into_iter()
        .find(|process| process.name.starts_with("python"))
        .expect("it runs");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(python.pid), Signal::SIGINT).expect("sent");
    pty.wait_for("nightlatch: cancelled (interrupted)");
    pty.wait_for("KeyboardInterrupt");
    pty.wait_for_prompt(">>> ");
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn closing_the_terminal_refuses() {
    let Some((stage, mut pty)) = held() else { return };
    pty.hang_up();
    stage.world.assert_nothing_left();
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn killing_nightlatch_refuses() {
    let Some((stage, mut pty)) = held() else { return };
    pty.kill(Signal::SIGKILL);
    pty.wait_for_exit();
    stage.world.assert_nothing_left();
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn terminating_nightlatch_refuses() {
    let Some((stage, mut pty)) = held() else { return };
    pty.kill(Signal::SIGTERM);
    pty.wait_for_exit();
    stage.world.assert_nothing_left();
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn a_worker_that_outlives_nightlatch_reads_and_deletes_nothing() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage.world.write(
        "worker.py",
        // Opening a FIFO waits for its other end.
        "import os, sqlite3
for name in 'ready', 'go', 'said': os.mkfifo(name)
if os.fork() == 0:
    os.setsid()
    c = sqlite3.connect('orders.db', isolation_level=None)
    open('ready', 'w').close()
    open('go').close()
    try:
        c.execute('delete from families where id = 1')
        said = 'deleted'
    except Exception as error:
        said = str(error)
    said += ' %d' % c.execute('select count(*) from families').fetchone()[0]
    open('said', 'w').write(said)
    os._exit(0)
open('ready').close()
",
    );
    let mut pty = Pty::spawn(stage.wrapped(&["-i", "worker.py"]));
    pty.wait_for_prompt(">>> ");
    pty.kill(Signal::SIGKILL);
    pty.wait_for_exit();
    let open = |name: &str, options: &mut OpenOptions| {
        options.read(true).open(stage.world.home().join(name)).expect("a FIFO")
    };
    // Open at both ends, so that neither side is waited for.
    let _go = open("go", OpenOptions::new().write(true));
    let mut said = open("said", OpenOptions::new().custom_flags(O_NONBLOCK));
    let waited = PollTimeout::try_from(DEADLINE).expect("it fits");
    let told = poll(&mut [PollFd::new(said.as_fd(), PollFlags::POLLIN)], waited);
    assert_eq!(told, Ok(1), "the worker says nothing");
    let mut text = [0; 200];
    let length = said.read(&mut text).expect("it said something");
    let said = String::from_utf8_lossy(&text[..length]);
    assert_eq!(said, "it was not sent (nightlatch is gone, and without it nothing is deleted) 20");
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn a_suspended_question_stands_when_the_job_comes_back() {
    let Some((stage, mut pty)) = held() else { return };
    pty.press(Key::Ctrl('z'));
    pty.wait_for_stop();
    pty.foreground();
    wait_for_question(&mut pty);
    assert_eq!(stage.left(), ROWS);
    pty.press(Key::Enter);
    pty.wait_for("Refused");
    pty.wait_for_prompt(">>> ");
    assert_eq!(stage.left(), ROWS);
}

#[test]
fn a_paste_goes_along_with_the_statement_in_it() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open_file();
    enter(&mut pty, "x = 'dele' + 'te from families'");
    pty.paste_plain("c.execute(x)\nc.execute('drop table families')\nprint('the rest')\n");
    wait_for_question(&mut pty);
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_prompt(">>> ");
    pty.wait_for_silence(std::time::Duration::from_millis(350));
    assert_eq!(stage.left(), ROWS);
    assert!(!pty.recent().contains("the rest\r\n"), "{}", pty.dump());
}

#[test]
fn a_script_that_nobody_watches_is_ended() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let script = "import sqlite3
c = sqlite3.connect('orders.db', isolation_level=None)
for n in range(20):
    try: c.execute('delete from families where id = ?', (n,))
    except BaseException: pass
";
    stage.world.write("script.py", script);
    let output = run(without_terminal(&stage.world, &stage.wrapped(&["script.py"])), "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("NIGHTLATCH_APPROVE="), "{said}");
    assert_eq!(stage.left(), ROWS - 4);
}
