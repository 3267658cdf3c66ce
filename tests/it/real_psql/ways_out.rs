//! Promise 2, the ways out: refusal always refuses, and only the right word releases.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::keys::wait_for_any_prompt;
use super::steps::{QUESTION, leave, production, wait_for_question};
use crate::support::process::Process;
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, kills, needs};
use crate::support::world::{Tier, World, run};

/// Opens the client on production and brings a DELETE to its dialogue.
fn held() -> Option<(World, Pty)> {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return None;
    }
    let world = World::new(Tier::Production);
    let mut pty = world.open();
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    world.database.assert_untouched();
    Some((world, pty))
}

/// Sees that the statement was cancelled and that the client goes on.
fn goes_on(world: &World, pty: &mut Pty) {
    pty.wait_for("nightlatch: cancelled");
    wait_for_any_prompt(pty, world);
    pty.wait_for_silence(PERSON_PAUSE);
    world.database.assert_untouched();
    pty.line("select 40 + 2 as usable;");
    pty.wait_for("     42");
    wait_for_any_prompt(pty, world);
    leave(world, pty);
}

/// Returns the client's process.
fn client(world: &World) -> Process {
    let processes = world.processes();
    let client = processes.iter().find(|process| process.name == "psql");
    client.unwrap_or_else(|| panic!("no client among {processes:?}")).clone()
}

/// Sees that everything is gone and nothing ran.
fn is_over(world: &World) {
    world.assert_nothing_left();
    world.database.wait_until_alone();
    world.database.assert_untouched();
}

/// Says no with one key.
fn says_no(key: Key) {
    let Some((world, mut pty)) = held() else {
        return;
    };
    pty.press(key);
    goes_on(&world, &mut pty);
}

/// Says no with a word.
fn says(word: &str) {
    let Some((world, mut pty)) = held() else {
        return;
    };
    pty.answer(word);
    goes_on(&world, &mut pty);
}

#[test]
fn enter() {
    says_no(Key::Enter);
}

#[test]
fn escape() {
    says_no(Key::Escape);
}

#[test]
fn ctrl_c() {
    says_no(Key::Ctrl('c'));
}

#[test]
fn ctrl_d() {
    says_no(Key::Ctrl('d'));
}

#[test]
fn wrong_word() {
    says("no");
}

#[test]
fn yes_is_a_wrong_word_here() {
    says("yes");
}

#[test]
fn empty_words() {
    says("   ");
}

/// Almost the right word: longer, shorter, upper case.
#[test]
fn almost_the_word() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    let name = world.database.name.clone();
    for wrong in [format!("{name}x"), name[..name.len() - 1].to_owned(), name.to_uppercase()] {
        pty.answer(&wrong);
        pty.wait_for("nightlatch: cancelled");
        wait_for_any_prompt(&mut pty, &world);
        pty.wait_for_silence(PERSON_PAUSE);
        world.database.assert_untouched();
        pty.line("DELETE FROM families;");
        wait_for_question(&mut pty);
    }
    pty.press(Key::Enter);
    goes_on(&world, &mut pty);
}

/// A pasted word is not an answer.
#[test]
fn pasted_word() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    let name = world.database.name.clone();
    pty.paste_bracketed(&format!("{name}\n"));
    pty.wait_for_silence(PERSON_PAUSE);
    world.database.assert_untouched();
    assert!(!pty.recent().contains("nightlatch: released"), "{}", pty.dump());
    pty.press(Key::Ctrl('c'));
    goes_on(&world, &mut pty);
}

#[test]
fn terminated() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    pty.kill(Signal::SIGTERM);
    pty.finish();
    drop(pty);
    is_over(&world);
}

#[test]
fn hung_up_by_signal() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    pty.kill(Signal::SIGHUP);
    pty.wait_for_exit();
    drop(pty);
    is_over(&world);
}

#[test]
fn window_closed() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    pty.hang_up();
    is_over(&world);
}

/// Twenty times, because what it guards against happened one time in twenty.
#[test]
fn nightlatch_killed() {
    for _ in 0..20 {
        let Some((world, mut pty)) = held() else {
            return;
        };
        pty.kill(Signal::SIGKILL);
        pty.wait_for_exit();
        is_over(&world);
    }
}

/// Nobody is left who could end the client first: the kernel does, and its input stays open until
/// then. At once with the question or a moment later, on a terminal and through a pipe.
#[test]
fn nightlatch_and_its_monitor_killed() {
    let Some(world) = production() else { return };
    let script = world.write("script.sql", "\\set x 1\nDELETE FROM families;\n");
    for round in 0..kills(20) {
        let mut command = world.wrapped([world.database.uri("app")]);
        let is_piped = round % 2 == 1;
        if is_piped {
            command.stdin(fs::File::open(&script).expect("the script"));
        }
        let mut pty = Pty::spawn_with(command, [!is_piped, true, true]);
        if !is_piped {
            pty.wait_for_prompt(&world.database.prompt());
            pty.line("DELETE FROM families;");
        }
        pty.wait_for(QUESTION);
        pty.pump(Duration::from_micros(round as u64 * 7919 % 5000));
        let mut ours = world.processes();
        ours.retain(|process| ["nightlatch", "nl-monitor"].contains(&process.name.as_str()));
        assert_eq!(ours.len(), 2, "{ours:?}");
        if round / 2 % 2 == 1 {
            ours.reverse();
        }
        for process in ours {
            // The monitor may just have ended by itself.
            kill(Pid::from_raw(process.pid), Signal::SIGKILL).ok();
        }
        pty.wait_for_exit();
        is_over(&world);
    }
}

/// What keeps a refused statement from running is not ended together with nightlatch by whoever
/// ends that by name, and holds nothing that it has no need of.
#[test]
fn monitor_goes_by_a_name_of_its_own() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    let processes = world.processes();
    let monitor = processes.iter().find(|process| process.name == "nl-monitor");
    let monitor = monitor.unwrap_or_else(|| panic!("no monitor among {processes:?}"));
    assert_eq!(monitor.arguments(), "nl-monitor");
    let open: Vec<_> = fs::read_dir(format!("/proc/{}/fd", monitor.pid))
        .expect("it runs")
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .collect();
    assert!(!open.iter().any(|path| path.ends_with("session.cast")), "{open:?}");
    // 0, 1 and 2, the line to the relay, follower, leader, user terminal, and its own signals.
    assert!(open.len() <= 12, "{open:?}");
    pty.press(Key::Escape);
    goes_on(&world, &mut pty);
}

/// Killed in the moment at which the statement is on its way to the question.
#[test]
fn nightlatch_killed_at_submission() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    for step in 0..20 {
        let world = World::new(Tier::Production);
        let mut pty = world.open();
        pty.line("DELETE FROM families;");
        pty.pump(Duration::from_micros(step * 300));
        pty.kill(Signal::SIGKILL);
        pty.wait_for_exit();
        is_over(&world);
    }
}

/// Interrupted from elsewhere psql goes on waiting for the answer, but will not run the statement
/// whatever the answer is: so nothing must say that it ran.
#[test]
fn client_interrupted_from_elsewhere() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    kill(Pid::from_raw(client(&world).pid), Signal::SIGINT).expect("the client is there");
    pty.wait_for("nightlatch: cancelled (interrupted)");
    wait_for_any_prompt(&mut pty, &world);
    pty.wait_for_silence(PERSON_PAUSE);
    world.database.assert_untouched();
    pty.line("select 40 + 2 as usable;");
    pty.wait_for("     42");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    is_over(&world);
}

#[test]
fn client_killed_from_elsewhere() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    kill(Pid::from_raw(client(&world).pid), Signal::SIGKILL).expect("the client is there");
    let status = pty.finish();
    assert_eq!(status.code(), Some(128 + 9), "{}", pty.dump());
    drop(pty);
    is_over(&world);
}

/// The server goes away while the statement is held.
#[test]
fn connection_lost_while_held() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    let name = &world.database.name;
    world.database.sql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    ));
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    wait_for_any_prompt(&mut pty, &world);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.press(Key::Ctrl('d'));
    pty.finish();
    drop(pty);
    is_over(&world);
}

/// Suspended with the statement still held, and drawn again on `fg`.
#[test]
fn suspended_while_held() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    pty.press(Key::Ctrl('z'));
    pty.wait_for_stop();
    pty.check_restored();
    world.database.assert_untouched();
    let seen = pty.raw.len();
    pty.foreground();
    pty.wait_until("the question again", |screen| {
        screen.lines.iter().filter(|line| line.contains(QUESTION)).count() > 0
            && screen.cursor_line().contains(QUESTION)
    });
    assert!(pty.raw.len() > seen, "nothing is drawn again\n{}", pty.dump());
    pty.wait_for_silence(PERSON_PAUSE);
    pty.press(Key::Enter);
    goes_on(&world, &mut pty);
}

/// The window changes its size while the question stands.
#[test]
fn resized_while_held() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    pty.resize(60, 15);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.resize(120, 40);
    pty.wait_for_silence(PERSON_PAUSE);
    world.database.assert_untouched();
    pty.press(Key::Enter);
    goes_on(&world, &mut pty);
}

/// The dialogue says what a person needs to decide.
#[test]
fn dialogue_says_where_what_and_why() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    let shown = pty.recent();
    let name = &world.database.name;
    for part in
        ["orders-prod", "DELETE FROM families;", "every row of", &format!("type {name} {QUESTION}")]
    {
        assert!(shown.contains(part), "no {part:?} in the dialogue\n{}", pty.dump());
    }
    // The impact may come a little later than the question.
    pty.wait_for("1,000 rows");
    pty.wait_for("members");
    pty.press(Key::Enter);
    goes_on(&world, &mut pty);
}

/// How long a released statement took counts from the release, not from when that was noticed.
#[test]
fn a_released_statement_has_its_duration() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("DELETE FROM families USING (SELECT pg_sleep(0.3)) AS slept;");
    wait_for_question(&mut pty);
    pty.answer(&world.database.name.clone());
    pty.wait_for("DELETE 1000");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    let output = run(world.nightlatch(["history", "--json"]), "");
    let line = String::from_utf8(output.stdout).expect("UTF-8");
    let delete: serde_json::Value = serde_json::from_str(line.trim()).expect("one statement");
    assert!(delete["duration_ms"].as_u64() >= Some(300), "{delete}");
}

/// The right word releases, and the history has all of it.
#[test]
fn the_word_releases() {
    let Some((world, mut pty)) = held() else {
        return;
    };
    let name = world.database.name.clone();
    pty.answer(&name);
    pty.wait_for("nightlatch: released");
    pty.wait_for("DELETE 1000");
    wait_for_any_prompt(&mut pty, &world);
    assert_eq!(world.database.count("families"), 0);
    assert_eq!(world.database.count("members"), 0);
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    wait_for_any_prompt(&mut pty, &world);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    drop(pty);
    world.assert_nothing_left();

    let output = run(world.nightlatch(["history", "--json"]), "");
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let deletes: Vec<_> =
        lines.iter().filter(|line| line["text"] == "DELETE FROM families;").collect();
    assert_eq!(deletes.len(), 2, "{lines:#?}");
    for (delete, answer) in deletes.iter().zip(["released", "cancelled"]) {
        for (key, expected) in [
            ("client", "psql"),
            ("tier", "production"),
            ("source", "tap"),
            ("verdict", "hold"),
            ("answer", answer),
        ] {
            assert_eq!(delete[key], expected, "{key} of {delete:#}");
        }
    }
    assert_eq!(deletes[0]["rows"], 1000, "{:#}", deletes[0]);
    assert_eq!(deletes[1]["rows"], serde_json::Value::Null, "{:#}", deletes[1]);
    assert!(fs::read_dir(world.data()).is_ok_and(|mut data| data.next().is_some()));
}

/// No answer for the time the configuration gives counts as no.
#[test]
fn timed_out() {
    let Some(world) = production() else { return };
    world.add_config("[hold]\ntimeout = \"1s\"\n");
    let mut pty = world.open();
    pty.line("DELETE FROM families;");
    pty.wait_for(QUESTION);
    pty.wait_for("no answer for 1 s");
    goes_on(&world, &mut pty);
}
