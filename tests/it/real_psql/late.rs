//! Late: the reason, the countdown, hours that begin while a session is open, and broken glass.

use nix::sys::signal::Signal;

use super::keys::wait_for_any_prompt;
use super::steps::{QUESTION, leave, production, refuse_and_leave, say_no, wait_for_question};
use crate::support::bus::{Bus, Desktop};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, find, needs};
use crate::support::world::{Tier, WORKING_HOURS, World, run};

/// A Wednesday, 23:40 in Berlin.
const NIGHT: &str = "2026-11-18T22:40:00Z";

/// What asks for a reason and a wait.
const UNBOUNDED: &str = "DELETE FROM families;";

const REASON: &str = "reason, Enter to cancel:";
const COUNTDOWN: &str = " s, Esc to cancel";

/// A world at an hour in which waits are over sooner.
fn at(now: &str) -> Option<World> {
    let mut world = production()?;
    world.add_config("\n[hold]\nlate_wait = \"3s\"\n");
    world.set("NIGHTLATCH_TEST_NOW", now);
    Some(world)
}

/// Where a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reason,
    Countdown,
}

fn open_to(world: &World, stage: Stage) -> Pty {
    let mut pty = world.open();
    pty.line(UNBOUNDED);
    pty.wait_for(REASON);
    pty.wait_for_silence(PERSON_PAUSE);
    if stage == Stage::Countdown {
        pty.answer("the queue is stuck");
        pty.wait_for(COUNTDOWN);
    }
    pty
}

#[test]
fn no_key_and_no_end_of_it_runs_the_statement() {
    let Some(world) = at(NIGHT) else { return };
    let over = |pty: &mut Pty, how: &str| match how {
        "kill" => pty.kill(Signal::SIGKILL),
        "terminate" => pty.kill(Signal::SIGTERM),
        _ => pty.hang_up(),
    };
    for stage in [Stage::Reason, Stage::Countdown] {
        for key in [Key::Escape, Key::Ctrl('c'), Key::Ctrl('d'), Key::Enter] {
            // Enter says no to the question for a reason, and nothing to a countdown.
            if key == Key::Enter && stage == Stage::Countdown {
                continue;
            }
            let mut pty = open_to(&world, stage);
            pty.press(key);
            pty.wait_for("nightlatch: cancelled");
            pty.wait_for_silence(PERSON_PAUSE);
            leave(&world, &mut pty);
        }
        for how in ["kill", "terminate", "hang-up"] {
            let mut pty = open_to(&world, stage);
            over(&mut pty, how);
            world.assert_nothing_left();
            world.database.wait_until_alone();
            world.database.assert_untouched();
        }
    }
}

/// What was typed or pasted before the countdown ended is no answer, and a new size changes
/// nothing.
#[test]
fn nothing_typed_ahead_of_the_question_answers_it() {
    let Some(world) = at(NIGHT) else { return };
    let name = world.database.name.clone();
    let mut pty = open_to(&world, Stage::Countdown);
    pty.line(&name);
    pty.paste_bracketed(&format!("{name}\r"));
    pty.press(Key::Enter);
    pty.resize(60, 20);
    pty.wait_for(COUNTDOWN);
    pty.paste_plain(&format!("{name}\r{name}\r"));
    pty.wait_for(QUESTION);
    pty.wait_for_silence(PERSON_PAUSE);
    world.database.assert_untouched();
    assert!(pty.screen().contains(QUESTION), "{}", pty.dump());
    pty.answer(&name);
    pty.wait_for("nightlatch: released");
    pty.wait_for("DELETE 1000");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    let history = run(world.nightlatch(["history", "--json", "--held"]), "");
    let told = String::from_utf8_lossy(&history.stdout).into_owned();
    assert!(told.contains("\"reason\":\"the queue is stuck\""), "{told}");
    let timeline = run(world.nightlatch(["timeline", "--since", "1h"]), "");
    let told = String::from_utf8_lossy(&timeline.stdout).into_owned();
    assert!(told.contains("the queue is stuck"), "{told}");
}

/// Opens a session shortly before an hour begins, and presses Enter until it says so.
#[track_caller]
fn says_at_a_prompt(world: &World, pty: &mut Pty, text: &str) {
    let end = pty.deadline();
    while !pty.screen().contains(text) {
        assert!(!pty.is_hopeless(end), "nothing is said\n{}", pty.dump());
        pty.press(Key::Enter);
        wait_for_any_prompt(pty, world);
    }
}

#[test]
fn hours_that_begin_are_told_at_the_next_prompt() {
    let freeze = "\n[[freeze]]\nname = \"inventory\"\nevery = \"Wednesday 12:00-13:00\"\n";
    for (now, config, text) in [
        ("2026-11-18T20:59:55Z", "", "LATE (late hours), 22:00 CET, Wednesday"),
        ("2026-11-18T10:59:55Z", freeze, "LATE (inventory), 12:00 CET, Wednesday"),
        // Midnight, which is no border where the night goes on.
        ("2026-11-20T22:59:55Z", "", "LATE (late hours)"),
        // The hour that comes twice ends no night: 02:59:55 summer time, then 02:00 once more.
        ("2026-10-25T00:59:55Z", "", "LATE (late hours)"),
    ] {
        let Some(world) = at(now) else { return };
        world.add_config(config);
        let mut pty = world.open();
        says_at_a_prompt(&world, &mut pty, text);
        pty.line("DELETE FROM members WHERE id = 7;");
        pty.wait_for("type yes to run it, Enter to cancel:");
        pty.wait_for_silence(PERSON_PAUSE);
        refuse_and_leave(&world, &mut pty);
    }
}

/// The machine is taken to another zone while a session is open: its next prompt tells.
#[test]
fn a_zone_that_changes_is_told_at_the_next_prompt() {
    let Some(mut world) = at("2026-11-18T14:00:00Z") else { return };
    let file = world.home().join("zone");
    let put = |zone: &str| {
        std::fs::copy(format!("/usr/share/zoneinfo/{zone}"), &file).expect("a zone");
    };
    put("Europe/Berlin");
    world.set("TZ", &format!(":{}", file.display()));
    let path = world.home().join("../config.toml");
    let config = std::fs::read_to_string(&path).expect("config");
    std::fs::write(&path, config.replace("Europe/Berlin", "system")).expect("config");
    let mut pty = world.open();
    pty.line("DELETE FROM members WHERE id = -1;");
    pty.wait_for("DELETE 0");
    wait_for_any_prompt(&mut pty, &world);
    put("Pacific/Auckland");
    says_at_a_prompt(&world, &mut pty, "LATE (late hours), 03:0");
    pty.line("DELETE FROM members WHERE id = -1;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// A question that stands while it becomes late asks again, for more.
#[test]
fn a_question_that_becomes_late_asks_for_more() {
    let Some(world) = at("2026-11-18T20:59:54Z") else { return };
    let mut pty = world.open();
    pty.line(UNBOUNDED);
    wait_for_question(&mut pty);
    // Nothing tells of it while the question stands there.
    pty.watch_for(std::time::Duration::from_secs(6));
    pty.answer(&world.database.name.clone());
    pty.wait_for(REASON);
    pty.wait_for_silence(PERSON_PAUSE);
    refuse_and_leave(&world, &mut pty);
}

/// Breaks the glass at a time, on a terminal of its own.
fn break_glass(world: &mut World, now: &str, time: &str) {
    world.set("NIGHTLATCH_TEST_NOW", now);
    let mut pty = Pty::spawn(world.nightlatch(["break-glass", "orders-prod", "--for", time]));
    pty.wait_for(REASON);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.answer("the queue is stuck");
    pty.wait_for("type orders-prod to run it");
    pty.wait_for_silence(PERSON_PAUSE);
    pty.answer("orders-prod");
    pty.wait_for("nightlatch: broken until");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}

/// The one file of broken glass, and what it says.
fn glass_file(world: &World) -> (std::path::PathBuf, String) {
    let folder = world.data().join("break-glass");
    let file = std::fs::read_dir(&folder).expect("a folder").next().expect("a file").expect("one");
    (file.path(), std::fs::read_to_string(file.path()).expect("text"))
}

#[test]
fn broken_glass_is_loud_and_ends_by_itself() {
    let Some(mut world) = at(NIGHT) else { return };
    // Two sessions are open already, a minute ahead of the one that breaks it.
    world.set("NIGHTLATCH_TEST_NOW", "2026-11-18T22:41:00Z");
    let mut both = [world.open(), world.open()];
    break_glass(&mut world, NIGHT, "1h");
    for pty in &mut both {
        says_at_a_prompt(&world, pty, "BREAK-GLASS on orders-prod until 00:4");
        pty.line(UNBOUNDED);
        // Still a question, and the mildest there is.
        pty.wait_for("type yes to run it, Enter to cancel:");
        assert!(pty.recent().contains("break-glass until 00:4"), "{}", pty.dump());
        pty.wait_for_silence(PERSON_PAUSE);
        say_no(pty, &world);
    }
    // Its time is over: a minute after its beginning by its file, and by the sessions' clocks.
    let (path, text) = glass_file(&world);
    let (before, rest) = text.split_once("\"until\":\"").expect("an end");
    let (_, after) = rest.split_once('"').expect("it is quoted");
    std::fs::write(&path, format!("{before}\"until\":\"2026-11-18T22:41:00Z\"{after}"))
        .expect("a file");
    for pty in &mut both {
        says_at_a_prompt(&world, pty, "BREAK-GLASS on orders-prod is over");
        pty.line(UNBOUNDED);
        pty.wait_for(REASON);
        pty.wait_for_silence(PERSON_PAUSE);
        say_no(pty, &world);
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    }
    world.assert_nothing_left();
    let timeline = run(world.nightlatch(["timeline", "--since", "1h", "--target", "orders"]), "");
    let told = String::from_utf8_lossy(&timeline.stdout).into_owned();
    assert!(told.contains("BREAK-GLASS") && told.contains("the queue is stuck"), "{told}");
}

/// Nothing that is not written and asked for lifts anything.
#[test]
fn glass_that_is_not_broken_lifts_nothing() {
    let Some(mut world) = at(NIGHT) else { return };
    let without = super::non_interactive::without_terminal;
    // Nobody to ask, in the background, with the words given beforehand.
    let words = ["break-glass", "orders-prod", "--reason", "because"];
    let output = run(without(&world, &world.nightlatch(words)), "orders-prod\n");
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    let output = run(world.nightlatch(["break-glass", "--list"]), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "nightlatch: nothing is lifted\n");
    // Said no.
    let mut pty = Pty::spawn(world.nightlatch(words));
    pty.wait_for("type orders-prod to run it");
    pty.wait_for_silence(PERSON_PAUSE);
    pty.press(Key::Escape);
    assert_eq!(pty.finish().code(), Some(125), "{}", pty.dump());
    // Files that say less than all, and another target's.
    break_glass(&mut world, NIGHT, "1h");
    let (path, whole) = glass_file(&world);
    world.set("NIGHTLATCH_TEST_NOW", "2026-11-18T22:45:00Z");
    for text in [
        whole[..whole.len() / 2].to_owned(),
        whole.replace("orders-prod", "orders"),
        whole.replace("\"until\":\"2026-11-18T23", "\"until\":\"2026-11-18T22"),
        whole.replace("\"boot\":\"", "\"boot\":\"x"),
        whole.replace("\"from\":\"2026-11-18T22:4", "\"from\":\"2026-11-18T22:5"),
    ] {
        assert_ne!(text, whole);
        std::fs::write(&path, text).expect("a file");
        refuse_and_leave(&world, &mut open_to(&world, Stage::Reason));
    }
    // A clock that is put back: before it was broken nothing is lifted.
    std::fs::write(&path, whole).expect("a file");
    world.set("NIGHTLATCH_TEST_NOW", "2026-11-18T22:30:00Z");
    refuse_and_leave(&world, &mut open_to(&world, Stage::Reason));
}

/// What a session opened late has to say comes from the index, asked in a process of its own.
#[test]
fn a_session_opened_late_says_what_there_is_to_know() {
    let Some(mut world) = at("2026-11-18T11:00:00Z") else { return };
    let mut pty = world.open();
    pty.line("DELETE FROM members WHERE id = 7;");
    pty.wait_for("DELETE 1");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    world.set("NIGHTLATCH_TEST_NOW", "2026-11-18T14:40:00Z");
    let output = run(world.nightlatch(["__night", "orders-prod"]), "");
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout), @r"
    you have been at it since 12:00, for 3 h 40 min: 1 session
    here on Wed 2026-11-18 12:00: DELETE FROM members WHERE id = 7; (1 row)
    ");
    world.set("NIGHTLATCH_TEST_NOW", NIGHT);
    let path = world.home().join("../config.toml");
    let config = std::fs::read_to_string(&path).expect("config");
    std::fs::write(&path, config.replace("banner = false", "")).expect("config");
    let mut pty = world.open();
    pty.wait_for("late: the next quiet time begins at 06:00 CET, Thursday");
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    world.assert_nothing_left();
}

/// What passes on the bus tells where and why, has no statement in it, and nothing to answer with.
#[test]
fn the_desktop_is_told_of_a_question_nobody_looks_at() {
    if !needs(&[Tool::DbusDaemon, Tool::DbusMonitor]) {
        return;
    }
    let Some(mut world) = at(NIGHT) else { return };
    world.add_config("\n[idle]\nproduction = \"2s\"\n");
    let mut bus = Bus::start(&world.home());
    world.set("DBUS_SESSION_BUS_ADDRESS", &bus.address.clone());
    let mut pty = world.open();
    bus.wait_for("orders-prod: opened late");
    pty.line("DELETE FROM families WHERE '4111-1111' = '4111-1111';");
    pty.wait_for(REASON);
    assert!(pty.is_mode_on("?1004"), "the terminal is not asked for its focus");
    // The person looks elsewhere.
    pty.send(b"\x1b[O");
    bus.wait_for("orders-prod: a question is waiting");
    bus.wait_for("DELETE that takes every row");
    // Its last part: it stays for as long as the desktop likes.
    let told = bus.wait_for("int32 -1").to_owned();
    assert!(!told.contains("4111"), "{told}");
    let mut lines = told.lines().map(str::trim);
    while lines.any(|line| line.ends_with("member=Notify")) {
        // After the texts stand the actions, of which there are none.
        assert!(lines.any(|line| line == "array ["), "{told}");
        assert_eq!(lines.next(), Some("]"), "{told}");
    }
    // It comes back and says no, and no report of it reaches the client.
    pty.send(b"\x1b[I");
    pty.wait_for_silence(PERSON_PAUSE);
    say_no(&mut pty, &world);
    bus.wait_for("orders-prod: still open, and nobody uses it");
    leave(&world, &mut pty);
    world.set("NIGHTLATCH_TEST_NOW", WORKING_HOURS);
    let mut pty = world.open();
    pty.line(&"DELETE FROM members WHERE id = -1; ".repeat(5));
    bus.wait_for("orders-prod: a loop was stopped");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// A daemon that people have draws it, and says what it drew.
#[test]
fn a_real_daemon_shows_it() {
    if !needs(&[Tool::DbusDaemon, Tool::DbusMonitor, Tool::Dunst, Tool::Xvfb]) {
        return;
    }
    let Some(mut world) = at(NIGHT) else { return };
    let mut bus = Bus::start(&world.home());
    let mut desktop = Desktop::start(&mut bus);
    world.set("DBUS_SESSION_BUS_ADDRESS", &bus.address.clone());
    let doctor = run(world.nightlatch(["doctor"]), "");
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("ok      notifications: shown by dunst"), "{told}");
    let mut pty = world.open();
    desktop.wait_for("summary: 'orders-prod: opened late'");
    pty.line("DELETE FROM families WHERE '<b>4111</b>' = '<b>4111</b>';");
    pty.wait_for(REASON);
    pty.send(b"\x1b[O");
    desktop.wait_for("summary: 'orders-prod: a question is waiting'");
    let drawn = desktop.wait_for("urgency: CRITICAL").to_owned();
    assert!(drawn.contains("DELETE that takes every row"), "{drawn}");
    assert!(!drawn.contains("4111"), "{drawn}");
    pty.send(b"\x1b[I");
    pty.wait_for_silence(PERSON_PAUSE);
    refuse_and_leave(&world, &mut pty);
}

/// The whole program at hours that its own clock cannot be told of: those of the machine.
#[test]
fn the_machine_s_own_clock_counts() {
    if !needs(&[Tool::Faketime, Tool::Psql]) {
        return;
    }
    let mut world = World::new(Tier::Production);
    world.set("NIGHTLATCH_TEST_NOW", "");
    for (zone, now, is_late) in [
        ("Europe/Berlin", "2026-11-18 21:59:00", false),
        ("Europe/Berlin", "2026-11-18 23:40:00", true),
        ("Europe/Berlin", "2026-11-19 00:10:00", true),
        ("Europe/Berlin", "2026-11-19 06:00:01", false),
        // Monday after the clock was put on, and after it was put back.
        ("Europe/Berlin", "2026-03-30 05:59:00", true),
        ("Europe/Berlin", "2026-03-30 06:00:01", false),
        ("Europe/Berlin", "2026-10-26 05:59:00", true),
        ("Europe/Berlin", "2026-10-26 06:00:01", false),
        // The machine's zone is another one than the configuration's.
        ("America/New_York", "2026-11-18 12:00:00", false),
        ("America/New_York", "2026-11-18 16:30:00", true),
    ] {
        world.set("TZ", zone);
        let nightlatch = env!("CARGO_BIN_EXE_nightlatch");
        let mut command = world.command(find("faketime").expect("faketime"));
        command.args([now, nightlatch, "check", "--client", "psql", "--json"]);
        let output = run(command, "delete from families where id = 7;\n");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let verdict = if is_late { "\"verdict\":\"hold\"" } else { "\"verdict\":\"notice\"" };
        assert!(told.replace(' ', "").contains(verdict), "{zone} {now}: {told}");
    }
}

/// A real session while the machine's clock passes the hour, midnight, and the hour that a
/// daylight-saving change leaves out.
#[test]
fn a_session_goes_on_over_the_machine_s_hours() {
    if !needs(&[Tool::Faketime, Tool::Psql, Tool::Postgres]) {
        return;
    }
    for (late, utc) in [
        ("22:00-06:00", "2026-11-18 22:40:00"),
        ("22:00-06:00", "2026-11-18 20:59:57"),
        ("00:00-06:00", "2026-11-18 22:59:57"),
        ("03:00-04:00", "2026-03-29 00:59:57"),
    ] {
        let (world, mut pty) = by_the_machine(late, utc);
        let end = pty.deadline();
        while memchr::memmem::find(&pty.raw, b"LATE (").is_none() {
            assert!(!pty.is_hopeless(end), "{utc}: {}", pty.dump());
            pty.line("SELECT 1;");
            pty.wait_for("(1 row)");
            wait_for_any_prompt(&mut pty, &world);
        }
        pty.line("DELETE FROM members WHERE id = 7;");
        wait_for_question(&mut pty);
        refuse_and_leave(&world, &mut pty);
    }
}

/// The same while the clock is put back from 03:00 to 02:00: a night is over only when its end has
/// come twice, and one that ends later goes on.
#[test]
fn a_session_goes_on_over_the_hour_that_comes_twice() {
    if !needs(&[Tool::Faketime, Tool::Psql, Tool::Postgres]) {
        return;
    }
    for (late, is_late_after) in [("22:00-02:00", false), ("22:00-02:30", true)] {
        let (world, mut pty) = by_the_machine(late, "2026-10-25 00:59:50");
        pty.line("DELETE FROM members WHERE id = -1;");
        wait_for_question(&mut pty);
        assert!(pty.screen().contains("02:59"), "{}", pty.dump());
        say_no(&mut pty, &world);
        wait_for_any_prompt(&mut pty, &world);
        // Nothing tells of it but the next statement.
        pty.watch_for(std::time::Duration::from_secs(11));
        pty.line("DELETE FROM members WHERE id = -1;");
        if is_late_after {
            wait_for_question(&mut pty);
            assert!(pty.screen().contains("02:00"), "{}", pty.dump());
            refuse_and_leave(&world, &mut pty);
        } else {
            pty.wait_for("DELETE 0");
            wait_for_any_prompt(&mut pty, &world);
            leave(&world, &mut pty);
        }
    }
}

/// Opens a session in Berlin whose hours go by the machine's clock, which stands at a time of UTC.
fn by_the_machine(late: &str, utc: &str) -> (World, Pty) {
    let mut world = World::new(Tier::Production);
    for (name, value) in [("NIGHTLATCH_TEST_NOW", ""), ("TZ", "UTC"), ("DONT_FAKE_MONOTONIC", "1")]
    {
        world.set(name, value);
    }
    let path = world.home().join("../config.toml");
    let config = std::fs::read_to_string(&path).expect("config");
    let config = config.replace("22:00-06:00", late).replace("weekends = true", "weekends = false");
    std::fs::write(&path, config).expect("config");
    let mut command = world.command(find("faketime").expect("faketime"));
    command.args(["-f", &format!("@{utc}"), env!("CARGO_BIN_EXE_nightlatch"), "psql"]);
    command.arg(world.database.uri("app"));
    let mut pty = Pty::spawn(command);
    pty.wait_for_prompt(&world.database.prompt());
    (world, pty)
}
