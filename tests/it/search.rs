//! The interactive search on a real terminal: keys in, a screen out, and every way to leave it.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightlatch::clock::Clock;
use nix::sys::signal::{Signal, kill};

use crate::support::pty::{Key, Pty};
use crate::support::recorded::Recorded;
use crate::support::tool::{Tool, needs};

/// Starts a search on a terminal, its standard output in a file, and waits for it.
fn search(past: &Recorded, args: &[&str]) -> Pty {
    let mut command = past.command(&["history", "-i"]);
    command.args(args).stdout(fs::File::create(taken(past)).expect("a file"));
    let mut pty = Pty::spawn_with(command, [true, false, true]);
    pty.wait_until("the search", |screen| {
        let is_counted = screen.contains(" in all") && !screen.contains("… in all");
        screen.is_alternate && is_counted && !screen.contains("indexing")
    });
    pty
}

fn taken(past: &Recorded) -> PathBuf {
    past.folder().join("taken")
}

/// Returns what the search has printed.
fn printed(past: &Recorded) -> String {
    fs::read_to_string(taken(past)).expect("a file")
}

#[track_caller]
fn ends(pty: &mut Pty, status: i32) {
    assert_eq!(pty.finish().code(), Some(status), "{}", pty.dump());
}

#[test]
fn what_is_typed_is_found_and_enter_prints_it() {
    if !needs(&[Tool::TestClock]) {
        return;
    }
    let past = Recorded::usual();
    let mut pty = search(&past, &[]);
    let screen = pty.wait_until("what it printed", |screen| screen.contains("BEGIN"));
    insta::assert_snapshot!(
        screen.to_string().replace(session(&screen.to_string()), "<session id>"), @r#"
     0|2026-11-18 09:01:00  billing  production  <session id> #2
     1|3 ms
     2|begin;
     3|
     4|BEGIN
     5|
     6|
     7|
     8|
     9|────────────────────────────────────────────────────────────────────────────────
    10|
    11|
    12|
    13|
    14|
    15|
    16|
    17|    2h orders-prod        select * from families;
    18|    2h orders-prod      x delete from orders;
    19|    2h orders-prod        select 'Größe', '家族' from members;
    20|    1h billing            select 1;
    21|>   1h billing            begin;
    22|5 in all  Enter prints  Tab edits  ^Y copies  ^R scope  ^O outputs  Esc ends
    23|>
      cursor at column 2, row 23, alternate screen
    "#);
    pty.type_text("FAM el");
    pty.wait_until("the families", |screen| {
        screen.contains(">   2h orders-prod        select * from families;")
            && screen.contains("1 in all")
            && screen.contains(" 1 | konrad")
    });
    pty.press(Key::Enter);
    ends(&mut pty, 0);
    assert_eq!(printed(&past), "select * from families;\n");
    assert!(!String::from_utf8_lossy(&pty.raw).contains("\x1b[31m"), "the colours of the output");
}

/// The id in the first row of the preview.
fn session(screen: &str) -> &str {
    let (_, rest) = screen.split_once("production  ").expect("a preview");
    rest.split_once(' ').expect("a number").0
}

#[test]
fn tab_prints_for_editing_and_lines_stay_as_they_were() {
    let past = Recorded::usual();
    let mut pty = search(&past, &["größe"]);
    pty.wait_until("one", |screen| screen.contains("1 in all"));
    pty.press(Key::Tab);
    ends(&mut pty, 10);
    assert_eq!(printed(&past), "select 'Größe', '家族'\n  from members;\n");
}

#[test]
fn what_is_typed_faster_than_it_can_be_searched_is_what_is_printed() {
    let past = Recorded::usual();
    let mut pty = search(&past, &[]);
    pty.type_text("delete\r");
    ends(&mut pty, 0);
    assert_eq!(printed(&past), "delete from orders;\n");
}

#[test]
fn every_way_out_restores_the_terminal_and_prints_nothing() {
    let past = Recorded::usual();
    for key in [Key::Escape, Key::Ctrl('c'), Key::Ctrl('g'), Key::Ctrl('d')] {
        let mut pty = search(&past, &[]);
        pty.press(key);
        ends(&mut pty, 130);
        assert_eq!(printed(&past), "", "{key:?}");
    }
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let mut pty = search(&past, &[]);
        pty.kill(signal);
        ends(&mut pty, status);
        assert_eq!(printed(&past), "", "{signal}");
    }
    let mut pty = search(&past, &[]);
    let (pid, end) = (pty.pid, pty.deadline());
    pty.hang_up();
    let clock = Clock::system();
    while kill(pid, None).is_ok() {
        assert!(clock.elapsed() < end, "it stays without a terminal");
        nix::poll::poll(&mut [], 5_u8).ok();
    }
}

#[test]
fn one_that_is_killed_has_the_terminal_given_back() {
    let past = Recorded::usual();
    let mut pty = search(&past, &[]);
    pty.kill(Signal::SIGKILL);
    pty.wait_until("the screen before", |screen| !screen.is_alternate && screen.is_cursor_shown);
    pty.check_restored();
    // While it is stopped the terminal is the shell's.
    let mut pty = search(&past, &[]);
    pty.press(Key::Ctrl('z'));
    pty.wait_for_stop();
    let shown = pty.raw.len();
    pty.kill(Signal::SIGKILL);
    pty.foreground();
    pty.wait_for_exit();
    pty.wait_for_silence(Duration::from_millis(100));
    assert_eq!(pty.raw[shown..].escape_ascii().to_string(), "");
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_back() {
    let past = Recorded::usual();
    let mut pty = search(&past, &["fam"]);
    pty.press(Key::Ctrl('z'));
    pty.wait_for_stop();
    pty.check_restored();
    pty.foreground();
    pty.wait_until("the search again", |screen| {
        screen.is_alternate && screen.contains("families") && screen.cursor_line() == "> fam"
    });
    pty.press(Key::Enter);
    ends(&mut pty, 0);
    assert_eq!(printed(&past), "select * from families;\n");
}

#[test]
fn ctrl_y_copies_what_is_selected() {
    let past = Recorded::usual();
    let mut pty = search(&past, &[]);
    pty.press(Key::Up);
    pty.press(Key::Ctrl('y'));
    pty.wait_until("that it was copied", |screen| screen.contains("Copied 9 characters."));
    let copied = format!("\x1b]52;c;{}\x07", STANDARD.encode("select 1;"));
    assert!(String::from_utf8_lossy(&pty.raw).contains(&copied), "{}", pty.dump());
    pty.press(Key::Escape);
    ends(&mut pty, 130);
}

#[test]
fn the_scope_and_the_outputs_are_a_key_away() {
    let past = Recorded::usual();
    let mut pty = search(&past, &["orders"]);
    pty.wait_until("the one", |screen| screen.contains("1 in all"));
    pty.press(Key::Ctrl('r'));
    pty.wait_until("the target", |screen| screen.contains("1 in target orders-prod"));
    pty.press(Key::Ctrl('r'));
    pty.wait_until("the session", |screen| screen.contains("1 in session "));
    pty.press(Key::Ctrl('r'));
    pty.wait_until("what was held", |screen| screen.contains("1 in held"));
    pty.press(Key::Ctrl('r'));
    pty.wait_until("what failed", |screen| screen.contains("0 in failed"));
    pty.press(Key::Enter);
    pty.wait_until("nothing", |screen| screen.contains("Nothing to print."));
    pty.press(Key::Ctrl('r'));
    pty.press(Key::Ctrl('u'));
    pty.type_text("konr");
    pty.wait_until("none", |screen| screen.contains("No statement matches."));
    pty.press(Key::Ctrl('o'));
    pty.wait_until("by its output", |screen| {
        screen.contains("1 in all + outputs") && screen.contains("select * from families;")
    });
    pty.press(Key::Enter);
    ends(&mut pty, 0);
    assert_eq!(printed(&past), "select * from families;\n");
}

#[test]
fn any_size_will_do() {
    let past = Recorded::usual();
    let mut pty = search(&past, &["from"]);
    for (columns, rows) in [(40, 10), (200, 50), (20, 6), (1, 1), (132, 3), (80, 24)] {
        pty.resize(columns, rows);
        pty.wait_until("the line", |screen| {
            let is_line = columns < 5 || screen.cursor_line().trim_end().ends_with("from");
            is_line && screen.cursor.1 + 1 == usize::from(rows)
        });
    }
    let text = pty.wait_until("all", |screen| screen.contains("3 in all"));
    assert!(text.contains("delete from orders;"), "{text}");
    pty.press(Key::Up);
    pty.press(Key::Up);
    pty.press(Key::Down);
    pty.press(Key::Enter);
    ends(&mut pty, 0);
    assert_eq!(printed(&past), "delete from orders;\n");
}

#[test]
fn a_paste_is_a_search_and_takes_nothing() {
    let past = Recorded::usual();
    let mut pty = search(&past, &[]);
    pty.paste_bracketed("select 1;\n\x1b[2J\n");
    let screen = pty.wait_until("what was pasted", |screen| screen.contains("> select 1; [2J"));
    assert!(screen.contains("0 in all") || screen.contains("…"), "{screen}");
    pty.press(Key::Ctrl('u'));
    pty.paste_bracketed("select\t1");
    pty.wait_until("the one", |screen| screen.contains("1 in all"));
    pty.press(Key::Enter);
    ends(&mut pty, 0);
    assert_eq!(printed(&past), "select 1;\n");
}

#[test]
fn statements_that_come_meanwhile_are_found_by_the_next_search() {
    let past = Recorded::usual();
    let mut recorder = past.record("orders-prod", &[("select now();", "")]);
    let mut pty = search(&past, &[]);
    pty.wait_until("the running session", |screen| screen.contains("select now();"));
    recorder.output(b"x");
    recorder.finish(0);
    pty.press(Key::Escape);
    ends(&mut pty, 130);
}

#[test]
fn on_a_terminal_nothing_of_a_statement_is_obeyed() {
    let past = Recorded::new();
    past.record("orders-prod", &[("select '\x1b]0;title\x07';", "")]).finish(0);
    let mut pty = Pty::spawn(past.command(&["history", "-i"]));
    pty.wait_until("the search", |screen| screen.contains("1 in all"));
    pty.press(Key::Enter);
    ends(&mut pty, 0);
    assert!(pty.screen().contains("select '^[]0;title^G';"), "{}", pty.dump());
    assert!(!String::from_utf8_lossy(&pty.raw).contains("\x1b]0;"), "{}", pty.dump());
}

#[test]
fn without_a_terminal_it_says_so() {
    let past = Recorded::usual();
    let mut command = past.command(&["history", "-i"]);
    command.env("TERM", "dumb");
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(125));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r#"
nightlatch: The interactive search needs a terminal.
  because: TERM is dumb
  try: Without one: nightlatch history WORDS
"#);
    let past = Recorded::new();
    let output = past.output(&["history", "-i"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}
