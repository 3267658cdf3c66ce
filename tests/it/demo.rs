//! `nightlatch demo`: a newcomer feels a hold, and nothing of it stays behind, however it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nightlatch::clock::Clock;
use nix::sys::signal::Signal;

use crate::support::DEADLINE;
use crate::support::process::{self, Process};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

/// How the line ends that asks.
const QUESTION: &str = "type orders to run it, Enter to cancel:";

/// The client's prompt in the demonstration.
const PROMPT: &str = "orders=# ";

/// The pause between two keys of somebody who types fast.
const KEY_PAUSE: Duration = Duration::from_millis(60);

/// A world whose temporary files are its own, so that what stays behind is seen.
fn world() -> Option<(World, PathBuf)> {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return None;
    }
    let mut world = World::new(Tier::Development);
    // A socket's path has little room, and the server's user must be able to get through.
    let temporary = world.home().parent().expect("the world's folder").join("t");
    fs::create_dir(&temporary).expect("folder");
    for folder in [&temporary, temporary.parent().expect("the world's folder")] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).expect("mode");
    }
    world.set("TMPDIR", temporary.to_str().expect("UTF-8"));
    Some((world, temporary))
}

/// Finds the programs that work in a folder, whoever they belong to.
fn working_in(folder: &Path) -> Vec<Process> {
    let folder = folder.to_str().expect("UTF-8");
    let is_there = |process: &Process| {
        let cwd = fs::read_link(format!("/proc/{}/cwd", process.pid)).unwrap_or_default();
        process.arguments().contains(folder) || cwd.to_string_lossy().starts_with(folder)
    };
    process::all().into_iter().filter(is_there).collect()
}

/// Checks that neither a file nor a program is left.
#[track_caller]
fn assert_gone(world: &World, temporary: &Path) {
    world.assert_nothing_left();
    let clock = Clock::system();
    loop {
        let programs = working_in(temporary);
        let files: Vec<_> = fs::read_dir(temporary).expect("folder").collect();
        if programs.is_empty() && files.is_empty() {
            return;
        }
        assert!(clock.elapsed() < DEADLINE, "left behind: {files:?} {programs:?}");
        nix::poll::poll(&mut [], 5_u8).ok();
    }
}

fn enter(world: &World) -> Pty {
    let mut pty = Pty::spawn(world.nightlatch(["demo"]));
    pty.wait_for_prompt(PROMPT);
    pty
}

#[test]
fn a_newcomer_refuses_and_releases() {
    let Some((world, temporary)) = world() else { return };
    let mut pty = enter(&world);
    assert!(!working_in(&temporary).is_empty(), "the server is not where it is looked for");
    pty.line("delete from families;");
    pty.wait_for("1,000 rows, 100 % of public.families");
    pty.wait_for(QUESTION);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_prompt(PROMPT);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line("select count(*) from members;");
    pty.wait_for("  3812");
    pty.wait_for_prompt(PROMPT);
    pty.line("delete from families;");
    pty.wait_for(QUESTION);
    pty.wait_for_silence(PERSON_PAUSE);
    // As a person does: a word that comes at once could be a paste.
    for key in "orders\r".chars() {
        pty.type_text(&key.to_string());
        pty.wait_for_silence(KEY_PAUSE);
    }
    pty.wait_until("the rows are gone", |screen| screen.to_string().contains("DELETE 1000"));
    pty.wait_for_prompt(PROMPT);
    pty.line("\\q");
    let screen = pty.wait_for("is removed.").to_string();
    let (_, listed) = screen.split_once("$ nightlatch history").expect("the list");
    for words in ["orders-demo  cancelled", "orders-demo  released"] {
        assert!(listed.contains(words), "{words}\n{screen}");
    }
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    drop(pty);
    assert_gone(&world, &temporary);
    assert!(!world.data().exists(), "the demo is none of the user's sessions");
    let history = fs::read_to_string(world.home().join(".psql_history")).unwrap_or_default();
    assert_eq!(history, "", "the demo is in the user's own history");
}

#[test]
fn without_a_terminal_a_refusal_is_shown() {
    let Some((mut world, temporary)) = world() else { return };
    // None of these may reach the demonstration.
    world.set("PGHOST", "/nowhere");
    world.set("NIGHTLATCH", "off");
    world.set("NIGHTLATCH_APPROVE", "orders-demo");
    let output = run(world.nightlatch(["demo"]), "");
    let (said, noted) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}\n{noted}");
    assert!(noted.contains("refused on production orders-demo"), "{noted}");
    for word in ["Exit status 125", "3,812 members", "cancelled", "is removed."] {
        assert!(said.contains(word), "{word}\n{said}");
    }
    assert_gone(&world, &temporary);
}

#[test]
fn a_folder_that_is_kept_has_everything() {
    let Some((world, temporary)) = world() else { return };
    let output = run(world.nightlatch(["demo", "--keep"]), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    world.assert_nothing_left();
    let kept = fs::read_dir(&temporary).expect("folder").next().expect("one").expect("entry");
    for name in ["pg/data/PG_VERSION", "data/history.db", "config.toml"] {
        assert!(kept.path().join(name).exists(), "{name}");
    }
    assert!(String::from_utf8_lossy(&output.stdout).contains(kept.path().to_str().expect("UTF-8")));
}

#[test]
fn ctrl_c_while_it_starts_leaves_nothing() {
    let Some((world, temporary)) = world() else { return };
    let mut pty = Pty::spawn(world.nightlatch(["demo"]));
    pty.wait_for("throw-away");
    pty.press(Key::Ctrl('c'));
    assert_eq!(pty.finish().code(), Some(130), "{}", pty.dump());
    drop(pty);
    assert_gone(&world, &temporary);
}

#[test]
fn signals_and_a_closed_window_leave_nothing() {
    let Some((world, temporary)) = world() else { return };
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let mut pty = enter(&world);
        pty.line("delete from families;");
        pty.wait_for(QUESTION);
        pty.kill(signal);
        pty.wait_for_exit();
        drop(pty);
        assert_gone(&world, &temporary);
    }
    let mut pty = enter(&world);
    pty.hang_up();
    drop(pty);
    assert_gone(&world, &temporary);
}

#[test]
fn a_server_that_fails_says_why() {
    let Some((mut world, temporary)) = world() else { return };
    let folder = world.home().join("bin");
    fs::create_dir(&folder).expect("folder");
    world.write_program("bin/initdb", "#!/bin/sh\necho 'the disk is full' >&2\nexit 1\n");
    world.write_program("bin/postgres", "#!/bin/sh\nexit 1\n");
    world.set("PATH", &format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()));
    let opened = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(world.home(), opened).expect("mode");
    let output = run(world.nightlatch(["demo"]), "");
    let noted = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{noted}");
    assert!(
        noted.contains("server cannot be made") && noted.contains("the disk is full"),
        "{noted}"
    );
    assert_gone(&world, &temporary);
}
