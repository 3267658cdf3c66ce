//! `nightlatch play`: on a real terminal, which is given back on every way out.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;

use nightlatch::clock::Clock;
use nix::sys::signal::Signal;

use crate::support::DEADLINE;
use crate::support::past::Past;
use crate::support::process::Process;
use crate::support::pty::{Key, Pty};

/// What stands in the last row when it is over.
const END: &str = " end ";

/// Three statements, ten seconds apart.
fn session() -> Past {
    let mut past = Past::new(60, 10).output(0.1, "orders=> ");
    for (n, text) in ["select 'one';", "select 'two';", "delete from three;"].iter().enumerate() {
        past = past
            .output(10.0, &format!("{text}\r\n"))
            .statement(text, if n == 2 { "hold" } else { "allow" })
            .output(0.01, &format!("result {}\r\norders=> ", n + 1));
    }
    past.output(10.0, "\\q\r\n").exit(0)
}

fn play(past: &Past, args: &[&str]) -> Pty {
    Pty::spawn(past.nightlatch(&[&["play", "last"], args].concat()))
}

/// Waits for the end and leaves.
#[track_caller]
fn leave(pty: &mut Pty) {
    pty.wait_until("the end", |screen| screen.lines.iter().any(|line| line.starts_with(END)));
    pty.type_text("q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}

#[test]
fn a_session_plays_to_its_end() {
    let past = session();
    for args in [&["--speed", "1000"][..], &["--idle-limit", "0.05"]] {
        let mut pty = play(&past, args);
        pty.wait_until("the last line", |screen| screen.contains("orders=> \\q"));
        let screen = pty.wait_until("the end", |screen| screen.lines[23].starts_with(END));
        assert_eq!(screen.lines[..2], ["orders=> select 'one';", "result 1"]);
        assert!(screen.lines[23].contains("statement 3 of 3  00:00:40 of 00:00:40"), "{screen}");
        leave(&mut pty);
    }
}

#[test]
fn keys_pause_step_and_jump() {
    let past = session();
    let mut pty = play(&past, &[]);
    pty.wait_until("the first prompt", |screen| screen.contains("orders=>"));
    pty.type_text(" ");
    pty.wait_until("a pause", |screen| screen.lines[23].starts_with(" paused"));
    pty.type_text("]");
    pty.wait_until("one", |screen| screen.contains("statement 1 of 3"));
    pty.type_text(".");
    pty.wait_until("its result", |screen| screen.contains("result 1"));
    pty.type_text("\x1b[C");
    pty.wait_until("two", |screen| screen.contains("select 'two';"));
    pty.type_text("]");
    pty.wait_until("three", |screen| screen.contains("statement 3 of 3"));
    let screen = pty.wait_until("why", |screen| screen.lines[23].contains("cancelled: delete"));
    assert!(!screen.contains("result 3"), "{screen}");
    pty.type_text("]");
    pty.wait_until("no more", |screen| screen.lines[23].contains("no later statement"));
    pty.type_text("[[");
    let screen =
        pty.wait_until("one again", |screen| screen.lines[23].contains("statement 1 of 3"));
    assert!(!screen.contains("two"), "{screen}");
    pty.type_text("++++++++++");
    pty.wait_until("faster", |screen| screen.lines[23].contains("speed 1000"));
    pty.type_text(" ");
    leave(&mut pty);
}

#[test]
fn it_begins_where_it_is_told() {
    let past = session();
    let mut pty = play(&past, &["--from", "2"]);
    let screen = pty.wait_until("two", |screen| screen.lines[23].contains("statement 2 of 3"));
    assert!(screen.contains("select 'two';") && screen.contains("result 1"), "{screen}");
    pty.press(Key::Ctrl('c'));
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    let mut pty = play(&past, &["--from", "9"]);
    pty.wait_for("has no statement 9");
    assert_eq!(pty.finish().code(), Some(2));
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    let past = session();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        let mut pty = play(&past, &[]);
        pty.wait_until("it plays", |screen| screen.is_alternate && screen.contains("orders=>"));
        pty.kill(signal);
        let status = pty.finish();
        assert_eq!(status.code(), Some(128 + signal as i32), "{}", pty.dump());
        assert_eq!(status.signal(), None);
    }
    let mut pty = play(&past, &[]);
    pty.wait_until("it plays", |screen| screen.is_alternate && screen.contains("orders=>"));
    pty.kill(Signal::SIGKILL);
    pty.wait_until("the screen before", |screen| !screen.is_alternate && screen.is_cursor_shown);
    pty.check_restored();
    let mut pty = play(&past, &[]);
    pty.wait_until("it plays", |screen| screen.is_alternate && screen.contains("orders=>"));
    let pid = pty.pid.as_raw();
    pty.hang_up();
    let clock = Clock::system();
    while Process::read(pid).is_some() {
        assert!(clock.elapsed() < DEADLINE, "it goes on without a terminal");
        nix::poll::poll(&mut [], 5_u8).ok();
    }
}

#[test]
fn it_is_suspended_and_goes_on() {
    let past = session();
    let mut pty = play(&past, &["--speed", "0.01"]);
    for _ in 0..2 {
        pty.wait_until("it plays", |screen| screen.is_alternate && screen.contains("orders=>"));
        pty.press(Key::Ctrl('z'));
        pty.wait_for_stop();
        pty.check_restored();
        pty.foreground();
    }
    pty.wait_until("it plays", |screen| screen.is_alternate && screen.contains("orders=>"));
    pty.kill(Signal::SIGTSTP);
    pty.wait_for_stop();
    pty.check_restored();
    pty.foreground();
    pty.wait_until("it plays", |screen| screen.is_alternate && screen.contains("orders=>"));
    pty.type_text("q");
    assert_eq!(pty.finish().code(), Some(0));
}

#[test]
fn a_session_that_runs_is_followed() {
    let past = Past::live(60, 10).output(0.1, "orders=> ").raw("[0.1, \"o\", \"sel");
    let mut pty = play(&past, &[]);
    pty.wait_until("what is there", |screen| screen.contains("orders=>"));
    let mut log = OpenOptions::new().append(true).open(past.path()).expect("log");
    log.write_all(b"ect 1;\"]\n[0.1, \"o\", \" as it comes\"]\n").expect("log");
    pty.wait_until("what came", |screen| screen.contains("orders=> select 1; as it comes"));
    log.write_all(b"[0.1, \"x\", \"0\"]\n").expect("log");
    leave(&mut pty);
}

#[test]
fn a_smaller_terminal_is_warned_about() {
    let past = Past::new(100, 40)
        .output(0.1, &"x".repeat(90))
        .output(0.1, &"\r\nline".repeat(38))
        .output(0.1, "\r\nwhere the cursor is")
        .exit(0);
    let mut pty = play(&past, &["--speed", "100"]);
    let screen = pty.wait_until("a warning", |screen| {
        screen.lines[23].contains("cut: the session had 100x40, this terminal is smaller")
    });
    assert!(screen.lines.iter().all(|line| line.chars().count() <= 80), "{screen}");
    pty.wait_until("the end of it", |screen| screen.lines[22] == "where the cursor is");
    pty.resize(120, 50);
    let screen = pty.wait_until("all of it", |screen| screen.lines[0].len() == 90);
    assert_eq!(screen.lines[39], "where the cursor is");
    leave(&mut pty);
}

/// What a recording would have a terminal do, it does not do again.
#[test]
fn nothing_but_text_reaches_the_terminal() {
    let hostile = "\x1b]52;c;aGk=\x07\x1b]0;title\x07\x1b[6n\x1b[c\x1b[?1003h\x1b[?2004hplain";
    let past = Past::new(60, 10).output(0.1, hostile).exit(0);
    let mut pty = play(&past, &["--speed", "1000"]);
    pty.wait_until("the text", |screen| screen.contains("plain"));
    leave(&mut pty);
    for bad in ["\x1b]", "\x1b[6n", "\x1b[c", "?1003", "?2004"] {
        assert!(!String::from_utf8_lossy(&pty.raw).contains(bad), "{bad:?}");
    }
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let past = session();
    let output = past.run(&["play", "last"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r"
    nightlatch: There is no terminal to play on.
      try: `nightlatch show last` prints the session; `nightlatch export` makes a file of it.
    ");
    for bad in [&["--speed", "0"][..], &["--speed", "x"], &["--idle-limit", "-1"]] {
        let output = past.run(&[&["play", "last"], bad].concat());
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn a_session_of_nothing_is_over_at_once() {
    let past = Past::new(80, 24);
    let mut pty = play(&past, &[]);
    leave(&mut pty);
    let past = Past::new(1, 1).output(0.0, "日x").exit(0);
    let mut pty = play(&past, &[]);
    leave(&mut pty);
}
