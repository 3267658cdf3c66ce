//! `nightlatch prune`: what it says, what it does, and what it never does.

use std::fs;
use std::path::Path;

use nightlatch::record::find::{self, Recorded};

use super::read_all;
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

/// Runs a session that is over at once, and makes it so many days old.
fn session(world: &World, sql: &str, days: u64) -> Recorded {
    let before = find::all(&world.data()).expect("sessions");
    let uri = world.database.uri("app");
    let output = run(world.wrapped([uri.as_str(), "-XAtc", sql]), "");
    assert!(output.status.success(), "{output:?}");
    let mut new = find::all(&world.data()).expect("sessions");
    new.retain(|session| !before.contains(session));
    age(&new[0].path, days);
    new.remove(0)
}

fn prune(world: &World, args: &[&str]) -> (i32, String) {
    let mut command = world.nightlatch(["prune"]);
    command.args(args);
    let output = run(command, "");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a status"), String::from_utf8(text).expect("UTF-8"))
}

/// Makes everything of a session as old as this.
fn age(log: &Path, days: u64) {
    let folder = log.parent().expect("a folder");
    // The clock of the tests says that it is noon of this day.
    let noon = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_794_999_600);
    let then = noon - std::time::Duration::from_secs(days * 86_400 + 3_600);
    for entry in fs::read_dir(folder).expect("a folder") {
        let file = fs::File::open(entry.expect("an entry").path()).expect("a file");
        file.set_modified(then).expect("a time");
    }
}

#[test]
fn old_sessions_go_and_one_that_runs_stays() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    assert_eq!(
        prune(&world, &[]),
        (
            0,
            "Nothing is recorded yet. Start a client through nightlatch: nightlatch psql\n"
                .to_owned()
        )
    );
    let old = session(&world, "select 0", 40);
    let young = session(&world, "select 1", 20);
    let mut pty = world.open();
    let mut all = find::all(&world.data()).expect("sessions");
    for session in &all {
        if *session != old && *session != young {
            age(&session.path, 90);
        }
    }
    world.add_config("[record]\nkeep_days = 30\n");
    let (status, text) = prune(&world, &["--dry-run"]);
    assert_eq!(status, 0);
    let shown = text.replace(&old.session, "<session id>");
    let sizes = regex::Regex::new(r" *[0-9.]+ (B|kB|MB)").expect("compiles");
    insta::assert_snapshot!(sizes.replace_all(&shown,  " # B"), @r"
    SESSION       LAST EVENT             SIZE  WHY
    <session id>  2026-10-09 12:00:00 # B  40 days old, kept for 30
    Would remove 1 session, # B. What stays: 2 sessions, # B.
    ");
    assert_eq!(find::all(&world.data()).expect("sessions").len(), 3);

    let (status, text) = prune(&world, &["--json"]);
    assert_eq!(status, 0);
    let line: serde_json::Value = serde_json::from_str(&text).expect("one object");
    assert_eq!(line["session"], old.session);
    assert_eq!(line["reason"], "40 days old, kept for 30");
    assert_eq!(line["removed"], true);
    assert_eq!(line["ended_badly"], false);
    all.retain(|session| *session != old);
    assert_eq!(find::all(&world.data()).expect("sessions"), all);
    let (_, text) = prune(&world, &[]);
    assert!(text.starts_with("Nothing to remove: 2 sessions, "), "{text}");

    pty.line("\\q");
    pty.finish();
    // The index follows.
    let listed = run(world.nightlatch(["history"]), "");
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    assert!(!listed.contains("select 0") && listed.contains("select 1"), "{listed}");
}

#[test]
fn a_mistake_in_the_configuration_removes_nothing() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    session(&world, "select 1", 1000);
    world.add_config("[record]\nkeep_days = 30\nmax_total = \"a lot\"\n");
    for args in [&["--dry-run"][..], &[]] {
        let (status, text) = prune(&world, args);
        assert_eq!(status, 125);
        assert!(text.contains("Nothing is removed: the configuration has mistakes."), "{text}");
    }
    assert_eq!(read_all(&world.data()).len(), 1);
}
