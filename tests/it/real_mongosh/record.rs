//! What is on disk afterwards: statements as they were typed, and no secret.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::stage::{NEEDED, PROMPT, Stage, enter, leave, refuse};
use crate::real_psql::steps::wait_for_question;
use crate::support::pty::Key;
use crate::support::tool::needs;
use crate::support::world::run;

fn history(stage: &Stage) -> Vec<serde_json::Value> {
    let output = run(stage.world.nightlatch(["history", "--json"]), "");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text(row: &serde_json::Value) -> &str {
    row["text"].as_str().expect("a text")
}

#[test]
fn statements_are_kept_as_typed() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    stage.world.write("one.js", "var one = 1; // from a file\n");
    let mut pty = stage.open();
    enter(&mut pty, "db.family.countDocuments({name: \"é 'x'\"})  // why");
    pty.line("use other");
    pty.wait_for_prompt("other> ");
    pty.line("use app");
    pty.wait_for_prompt("app> ");
    pty.type_text("function f() {\r");
    pty.wait_for("... ");
    pty.type_text("return 7\r}\r");
    pty.wait_for_prompt("app> ");
    enter(&mut pty, "load('one.js')");
    pty.line("db.family.drop()");
    refuse(&mut pty);
    leave(&mut pty);
    let history = history(&stage);
    let texts: Vec<&str> = history.iter().map(text).collect();
    insta::assert_snapshot!(texts.join("\n--\n"), @r#"
    db.family.countDocuments({name: "é 'x'"})  // why
    --
    use other
    --
    use app
    --
    function f() {
    return 7
    }
    --
    load('one.js')
    --
    var one = 1; // from a file
    --
    db.family.drop()
    --
    drop app.family
    --
    exit
    "#);
    assert!(
        history.iter().any(|row| text(row) == "drop app.family" && row["answer"] == "cancelled")
    );
}

#[test]
fn what_came_of_statements_and_operations_is_kept() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open();
    enter(&mut pty, "db.family.insertMany([{_id: 100}, {_id: 101}])");
    enter(&mut pty, "");
    enter(&mut pty, "throw new Error('wrong')");
    pty.line("for (let n = 0; n < 20; n++) db.family.deleteOne({_id: n})");
    wait_for_question(&mut pty);
    pty.answer("app");
    pty.wait_for("nightlatch: released");
    pty.wait_for_prompt(PROMPT);
    enter(&mut pty, "db.family.findOne({_id: 100})");
    leave(&mut pty);
    let history = history(&stage);
    let (of_loop, typed): (Vec<_>, Vec<_>) =
        history.iter().partition(|row| text(row).starts_with("delete app.family"));
    let told = |row: &&serde_json::Value| {
        let took = if row["duration_ms"].is_null() { "" } else { "known" };
        format!("{} | {} | {} | {took}", text(row), row["rows"], row["error"])
    };
    insta::assert_snapshot!(typed.iter().map(told).collect::<Vec<_>>().join("\n"), @r#"
    db.family.insertMany([{_id: 100}, {_id: 101}]) | 2 | null | known
    throw new Error('wrong') | null | "wrong" | known
    for (let n = 0; n < 20; n++) db.family.deleteOne({_id: n}) | 20 | null | known
    db.family.findOne({_id: 100}) | null | null | known
    exit | null | null | known
    "#);
    assert_eq!(of_loop.len(), 20, "each of a lease is kept");
    assert!(of_loop.iter().all(|row| row["rows"] == 1 && !row["duration_ms"].is_null()));
}

#[test]
fn what_a_killed_shell_has_sent_is_kept() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open();
    pty.line("for (let n = 0; n < 100000; n++) db.family.deleteOne({_id: n})");
    wait_for_question(&mut pty);
    pty.answer("app");
    pty.wait_for("nightlatch: released");
    while stage.server.arrived("delete").len() < 300 {
        nix::poll::poll(&mut [], 5_u8).ok();
    }
    let all = stage.world.processes();
    let shell = all.iter().find(|process| process.name.starts_with("mongosh")).expect("it runs");
    kill(Pid::from_raw(shell.pid), Signal::SIGKILL).expect("sent");
    pty.wait_for_exit();
    let sent = stage.server.arrived("delete").len();
    let is_one = |row: &&serde_json::Value| text(row).starts_with("delete app.family");
    let kept = history(&stage).iter().filter(is_one).count();
    assert!(kept >= sent, "{kept} of {sent}");
}

#[test]
fn secrets_are_on_no_disk() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open();
    for line in [
        "db.auth('ann', 'hunter2-a')",
        "db.createUser({user: 'ann', pwd: 'hunter2-b', roles: []})",
        "connect('mongodb://ann:hunter2-c@127.0.0.1:1/app?serverSelectionTimeoutMS=1')",
        "db.changeUserPassword('ann', 'hunter2-d')",
    ] {
        pty.line(line);
        pty.wait_for_silence(std::time::Duration::from_millis(900));
        if pty.screen().contains("Enter to cancel") {
            pty.press(Key::Enter);
        }
        pty.wait_for_prompt("app> ");
        pty.wait_for_silence(std::time::Duration::from_millis(400));
    }
    pty.line("passwordPrompt()");
    pty.wait_for("Enter password");
    pty.line("hunter2-e");
    pty.wait_for_prompt("app> ");
    enter(&mut pty, "'the end'");
    leave(&mut pty);
    let history = history(&stage);
    let told = history.iter().map(text).collect::<Vec<_>>().join("\n");
    assert!(!told.contains("hunter2"), "{told}");
    let mut folders = vec![stage.world.data()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = fs::read(entry.path()).expect("a file");
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("hunter2-"), "{:?}: {text}", entry.path());
        }
    }
}

#[test]
fn a_killed_session_comes_back_into_mongoshs_own_history() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut pty = stage.open();
    enter(&mut pty, "db.family.findOne({_id: 3})");
    pty.kill(Signal::SIGKILL);
    pty.wait_for_exit();
    let output = run(stage.world.nightlatch(["recover", "last", "--write-history"]), "");
    assert!(output.status.success(), "{output:?}");
    let own = stage.world.home().join(".mongodb/mongosh/mongosh_repl_history");
    let own = fs::read_to_string(own).expect("written");
    assert!(own.lines().any(|line| line == "db.family.findOne({_id: 3})"), "{own}");
}
