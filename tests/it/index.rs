//! The index while sessions run: several commands at once, a rebuild in between, killed commands.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use nightlatch::record::{Durability, Recorder};

use crate::support::recorded::{Recorded, statement};

/// Statements that each session has in the end.
const EACH: u64 = 60;

#[track_caller]
fn succeeds(output: &Output) -> String {
    let noted = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && noted.is_empty(), "{}\n{noted}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns session and number of every statement, each once.
#[track_caller]
fn statements(json: &str) -> BTreeSet<(String, u64)> {
    let mut all = BTreeSet::new();
    for line in json.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let session = line["session"].as_str().expect("an id").to_owned();
        let is_new = all.insert((session, line["n"].as_u64().expect("a number")));
        assert!(is_new, "twice: {line}");
    }
    all
}

fn write(recorder: &mut Recorder) {
    for n in 1..=EACH {
        let text = format!("select {n} from families;");
        let intent = statement(n, &text, "orders-prod", Timestamp::now());
        recorder.intent(intent, Durability::Written, Duration::from_secs(9)).expect("written");
        recorder.output(format!(" customer-{n}\r\n").as_bytes());
    }
    recorder.finish(0);
}

#[test]
fn commands_of_all_kinds_agree_while_sessions_run() {
    let past = Recorded::new();
    let mut recorders = [past.record("orders-prod", &[]), past.record("billing", &[])];
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing: Vec<_> =
            recorders.iter_mut().map(|recorder| scope.spawn(|| write(recorder))).collect();
        let commands: [&[&str]; 4] = [
            &["history", "--json"],
            &["reindex"],
            &["sessions", "--json"],
            &["history", "--json", "--output", "customer-1"],
        ];
        for args in commands {
            let (past, is_over) = (&past, &is_over);
            scope.spawn(move || {
                let mut before = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let out = succeeds(&past.output(args));
                    if args == ["history", "--json"] {
                        let now = statements(&out).len();
                        assert!(now >= before, "{now} after {before}");
                        before = now;
                    }
                }
            });
        }
        for writing in writing {
            writing.join().expect("no panic");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let all = statements(&succeeds(&past.output(&["history", "--json"])));
    assert_eq!(all.len() as u64, 2 * EACH);
    let found = succeeds(&past.output(&["history", "--json", "--output", "customer-60"]));
    assert_eq!(statements(&found).len(), 2, "{found}");
    let again = succeeds(&past.output(&["reindex"]));
    assert_eq!(again, "Indexed 120 statements of 2 sessions.\n");
    assert_eq!(statements(&succeeds(&past.output(&["history", "--json"]))), all);
}

#[test]
fn a_command_that_is_killed_leaves_an_index_that_works() {
    let past = Recorded::new();
    for _ in 0..8 {
        write(&mut past.record("orders-prod", &[]));
    }
    for tries in 0..10_u8 {
        let mut command = past.command(&[if tries % 2 == 0 { "reindex" } else { "history" }]);
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("it runs");
        // Each a little later: within the opening, the reading, the writing.
        nix::poll::poll(&mut [], tries * 4).ok();
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
    }
    let all = statements(&succeeds(&past.output(&["history", "--json"])));
    assert_eq!(all.len() as u64, 8 * EACH);
}

#[test]
fn the_index_and_what_belongs_to_it_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let past = Recorded::usual();
    succeeds(&past.output(&["history"]));
    let mut files = 0;
    for entry in fs::read_dir(past.data()).expect("folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        let expected = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", entry.path().display());
        files += 1;
    }
    assert!(files >= 3, "the index, its lock and the sessions");
}

#[test]
fn in_a_pipe_a_statement_is_one_line_and_json_has_it_as_it_was() {
    let past = Recorded::new();
    let long = format!("select '{}',\n\t'\x1b[2J'   -- two\n  from families;", "x".repeat(5000));
    past.record("orders-prod", &[(&long, ""), ("begin;", "")]).finish(0);
    let table = succeeds(&past.output(&["history"]));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "a title, and a line for each: {table}");
    let whole = format!("select '{}', '^[[2J' -- two from families;", "x".repeat(5000));
    assert!(lines[1].ends_with(&whole), "{table}");
    let json = succeeds(&past.output(&["history", "--json"]));
    let first: serde_json::Value =
        serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["text"], long);
}
