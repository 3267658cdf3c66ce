//! One data folder: two terminals, a rebuild between them, and what other versions left in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use nightlatch::record::find;
use serde_json::Value;

use super::read_all;
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::TestClock];

fn nightlatch(world: &World, args: &[&str]) -> (Output, String) {
    let output = run(world.nightlatch(args), "");
    let text = [&output.stdout[..], &output.stderr].concat();
    (output, String::from_utf8(text).expect("UTF-8"))
}

/// The statements that the index knows, of all sessions. Each session has a test clock of its own.
fn texts(world: &World) -> BTreeSet<String> {
    let (output, said) = nightlatch(world, &["history", "--json"]);
    assert!(output.status.success(), "{said}");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let text = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["text"].to_string();
    lines.lines().map(text).collect()
}

#[test]
fn two_terminals_are_recorded_side_by_side_through_a_rebuild() {
    if !needs(NEEDED) {
        return;
    }
    let world = World::new(Tier::Development);
    let prompt = world.database.prompt();
    let mut terminals = [world.open(), world.open()];
    let mut expected = BTreeSet::new();
    for round in 0..6 {
        for (which, pty) in terminals.iter_mut().enumerate() {
            let text = format!("select {round} * 10 + {which} + 4000 as n;");
            pty.line(&text);
            pty.wait_for(&format!(" {}", round * 10 + which + 4000));
            pty.wait_for_prompt(&prompt);
            expected.insert(format!("{text:?}"));
        }
        let command: &[&str] = if round % 2 == 0 { &["reindex"] } else { &["sessions"] };
        let (output, said) = nightlatch(&world, command);
        assert!(output.status.success(), "{said}");
        assert_eq!(texts(&world), expected);
    }
    for pty in &mut terminals {
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0));
    }
    world.assert_nothing_left();
    assert_eq!(texts(&world), expected);
    assert!(read_all(&world.data()).iter().all(|log| log.has_exit && log.gaps.is_empty()));
}

/// Puts a session beside another one, with another header.
fn as_of(log: &Path, session: &str, change: impl Fn(&mut Value)) -> PathBuf {
    let text = fs::read_to_string(log).expect("a plain log");
    let (head, events) = text.split_once('\n').expect("a header");
    let mut head: Value = serde_json::from_str(head).expect("JSON");
    head["nightlatch"]["session"] = session.into();
    change(&mut head["nightlatch"]);
    let folder = log.parent().expect("a folder").with_file_name(session);
    fs::create_dir(&folder).expect("a folder");
    let path = folder.join("session.cast");
    fs::write(&path, format!("{head}\n{events}")).expect("a log");
    path
}

#[test]
fn what_an_earlier_version_left_is_read_and_what_a_later_one_left_is_refused_and_kept() {
    if !needs(NEEDED) {
        return;
    }
    let world = World::new(Tier::Development);
    let one_session = |text: &str| {
        let mut pty = world.open();
        pty.line(text);
        pty.wait_for("(1 row)");
        pty.wait_for_prompt(&world.database.prompt());
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0));
        world.assert_nothing_left();
    };
    one_session("select 'now';");
    let log = find::all(&world.data()).expect("sessions").remove(0).path;
    // Neither a format nor a marker of its own, nor a note of when it was tidied; an older index.
    as_of(&log, "1aaaaaaaaaaa", |head| {
        head.as_object_mut().expect("an object").remove("format");
    });
    fs::remove_file(world.data().join("tidied")).ok();
    let later = as_of(&log, "1bbbbbbbbbbb", |head| head["format"] = 99.into());
    let before = fs::read(&later).expect("a log");

    let (output, said) = nightlatch(&world, &["history", "--json"]);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("select 'now';").count(), 2, "{said}");
    assert!(said.contains("written by a later nightlatch"), "{said}");
    for command in [&["show", "1b"][..], &["export", "1b", "--format", "txt"], &["recover", "1b"]] {
        let (output, said) = nightlatch(&world, command);
        assert_eq!(output.status.code(), Some(125), "{command:?}: {said}");
        assert!(said.contains("written by a later nightlatch: its version is 99"), "{said}");
    }
    let (output, said) = nightlatch(&world, &["show", "1a"]);
    assert!(output.status.success() && said.contains("(1 row)"), "{said}");
    // The next session tidies up, and leaves it as it is.
    one_session("select 'next';");
    let (_, said) = nightlatch(&world, &["prune"]);
    assert_eq!(fs::read(&later).expect("a log"), before, "{said}");
    assert_eq!(texts(&world).len(), 2);
}

#[test]
fn pipes_in_the_folder_hold_nobody_up() {
    if !needs(NEEDED) {
        return;
    }
    let world = World::new(Tier::Development);
    let uri = world.database.uri("app");
    let one_session = || run(world.wrapped([uri.as_str(), "-XAtc", "select 41 + 1"]), "");
    one_session();
    let month = find::all(&world.data()).expect("sessions").remove(0).path;
    let month = month.ancestors().nth(2).expect("a month").to_owned();
    fs::remove_file(world.data().join("tidied")).ok();
    for session in ["1aaaaaaaaaaa", "1bbbbbbbbbbb"] {
        fs::create_dir(month.join(session)).expect("a folder");
    }
    for pipe in [
        world.data().join("live/1cccccccccccc"),
        world.data().join("tidied"),
        world.data().join("ended-badly"),
        month.join("1aaaaaaaaaaa/session.cast"),
        month.join("1bbbbbbbbbbb/session.0001.cast.zst"),
    ] {
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    }
    let output = one_session();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "42\n", "{output:?}");
    for command in [&["__tidy"][..], &["history"], &["sessions"], &["prune"], &["recover"]] {
        let mut command = world.nightlatch(command);
        if command.get_args().any(|arg| arg == "__tidy") {
            command.arg(world.data());
        }
        let output = run(command, "");
        assert!(output.status.success(), "{output:?}");
    }
    world.assert_nothing_left();
    assert_eq!(texts(&world).len(), 1);
}
