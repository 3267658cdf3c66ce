//! What a person at the prompt is asked, and what comes of each answer.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::stage::{FAMILIES, NEEDED, PROMPT, Stage, enter, leave, refuse, say_no};
use crate::real_psql::steps::wait_for_question;
use crate::real_target::tabs::{go_and_come, wait_for_why};
use crate::support::pty::{Key, Pty};
use crate::support::tool::needs;

const ALL: usize = FAMILIES as usize;

/// What the fifth deletion leaves when the first four have gone.
const AFTER_FOUR: usize = ALL - 4;

/// A script whose loop no text shows to be one of deletions.
const TIDY: &str = "del = ['delete', 'One'].join(''); \
                    tidy = (n) => { while (n-- > 0) { try { db.family[del]({_id: n}) } \
                    catch (error) { print('went on') } } };\n";

fn opened() -> (Stage, Pty) {
    let stage = Stage::new();
    stage.world.write("tidy.js", TIDY);
    let mut pty = stage.open();
    enter(&mut pty, "load('tidy.js')");
    (stage, pty)
}

#[test]
fn the_fifth_deletion_of_a_statement_is_held() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    pty.line("tidy(20)");
    wait_for_question(&mut pty);
    let screen = pty.screen();
    assert!(screen.contains("4 of app.family deleted so far"), "{screen}");
    assert!(screen.contains("impact: 1 of 16 documents match"), "{screen}");
    refuse(&mut pty);
    assert_eq!(stage.server.left(), AFTER_FOUR, "{}", pty.dump());
    assert!(!pty.screen().contains("went on"), "{}", pty.dump());
    // Counts begin anew with each statement.
    enter(&mut pty, "tidy(4)");
    assert_eq!(stage.server.left(), AFTER_FOUR - 4);
    leave(&mut pty);
    stage.world.assert_nothing_left();
}

#[test]
fn scripts_that_are_loaded_in_a_loop_count_together() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    stage.world.write("one.js", "db.family.deleteOne({});\n");
    pty.line("for (let n = 0; n < 9; n++) load('one.js')");
    refuse(&mut pty);
    assert_eq!(stage.server.left(), AFTER_FOUR, "{}", pty.dump());
    leave(&mut pty);
}

#[test]
fn deletions_that_go_out_at_once_count_together() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    enter(&mut pty, "raw = db.getMongo()._serviceProvider");
    pty.line("Promise.all([...Array(20).keys()].map(n => raw[del]('app', 'family', {_id: n})))");
    refuse(&mut pty);
    assert_eq!(stage.server.left(), AFTER_FOUR, "{}", pty.dump());
    leave(&mut pty);
}

#[test]
fn the_word_releases_it_and_it_runs_to_its_end() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    pty.line("tidy(20)");
    wait_for_question(&mut pty);
    pty.answer("app");
    pty.wait_for("nightlatch: released");
    pty.wait_for_prompt(PROMPT);
    assert_eq!(stage.server.left(), 0, "{}", pty.dump());
    leave(&mut pty);
}

#[test]
fn every_way_to_say_no_is_one() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    for key in [Key::Enter, Key::Escape, Key::Ctrl('c'), Key::Ctrl('d')] {
        pty.line("try { db.family.deleteMany({}) } catch (error) { print('went' + ' on') }");
        wait_for_question(&mut pty);
        say_no(&mut pty, key, PROMPT);
    }
    for word in ["yes", "App", "families-prod", "app app"] {
        pty.line("try { db.family.deleteMany({}) } catch (error) { print('went' + ' on') }");
        wait_for_question(&mut pty);
        pty.answer(word);
        pty.wait_for("nightlatch: cancelled");
        pty.wait_for_prompt(PROMPT);
        pty.wait_for_silence(Duration::from_millis(350));
    }
    assert!(!pty.screen().contains("went on"), "{}", pty.dump());
    assert_eq!(stage.server.arrived("delete"), []);
    leave(&mut pty);
}

#[test]
fn the_prompt_comes_after_the_question_of_what_nobody_waits_for() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    let later = "later = (n) => { const raw = db.getMongo()._serviceProvider, all = []; \
                 while (n-- > 0) all.push(raw[del]('app', 'family', {_id: n})); return {all} };\n";
    stage.world.write("later.js", later);
    enter(&mut pty, "load('later.js')");
    pty.line("later(20).all.length");
    wait_for_question(&mut pty);
    let recent = pty.recent();
    assert!(!recent.contains("\napp>"), "{recent}");
    say_no(&mut pty, Key::Enter, PROMPT);
    assert_eq!(stage.server.left(), AFTER_FOUR, "{}", pty.dump());
    leave(&mut pty);
}

#[test]
fn ctrl_c_is_a_no_and_loses_no_connection() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    pty.line("var own = 7; db.family.deleteMany({})");
    wait_for_question(&mut pty);
    pty.press(Key::Ctrl('c'));
    pty.wait_for("Refused");
    pty.wait_for_prompt(PROMPT);
    assert!(!pty.screen().contains("Stopping execution"), "{}", pty.dump());
    pty.wait_for_silence(Duration::from_millis(350));
    pty.line("[own, db.family.countDocuments()]");
    pty.wait_for("[ 7, 20 ]");
    assert_eq!(stage.server.arrived("delete"), []);
    leave(&mut pty);
}

#[test]
fn what_was_pasted_behind_it_goes_along() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    pty.paste_plain("db.family.deleteMany({})\ndb.family.drop()\ndb.dropDatabase()\n");
    refuse(&mut pty);
    assert_eq!(stage.server.left(), ALL);
    assert!(pty.screen().contains("ahead of a refusal"), "{}", pty.dump());
    assert_eq!(stage.server.arrived("drop"), []);
    leave(&mut pty);
}

#[test]
fn a_prompt_elsewhere_is_judged_by_where_it_goes() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let other = crate::support::mongo::Mongo::start(FAMILIES);
    let mut pty = stage.open();
    enter(&mut pty, &format!("db = connect('mongodb://127.0.0.1:{}/app')", other.port));
    enter(&mut pty, "db.family.deleteMany({})");
    assert_eq!(other.left(), 0, "development\n{}", pty.dump());
    enter(&mut pty, &format!("db = connect('mongodb://127.0.0.1:{}/app')", stage.server.port));
    pty.line("db.family.deleteMany({})");
    refuse(&mut pty);
    assert_eq!(stage.server.left(), ALL);
    leave(&mut pty);
}

#[test]
fn a_signal_while_it_is_held_sends_nothing() {
    if !needs(NEEDED) {
        return;
    }
    for (whom, signal) in [
        ("nightlatch", Signal::SIGKILL),
        ("nightlatch", Signal::SIGHUP),
        ("nightlatch", Signal::SIGTERM),
        ("mongosh", Signal::SIGINT),
        ("mongosh", Signal::SIGTERM),
    ] {
        let (stage, mut pty) = opened();
        pty.line("db.family.deleteMany({})");
        wait_for_question(&mut pty);
        let all = stage.world.processes();
        let process = all.iter().find(|one| one.name.starts_with(whom)).expect("it runs");
        kill(Pid::from_raw(process.pid), signal).expect("sent");
        pty.wait_for_exit();
        stage.world.assert_nothing_left();
        assert_eq!(stage.server.arrived("delete"), []);
    }
}

/// Loops that the text shows, typed one after the other: nothing of them is sent.
const LOOPS: &[&str] = &[
    "db.family.find().forEach(one => db.family.deleteOne({_id: one._id}))",
    "for (let n = 0; n < 20; n++) db.family.deleteOne({_id: n})",
    "let w = 0; while (w < 20) db.family.deleteOne({_id: w++})",
    "[1, 2, 3, 4, 5, 6].map(n => db.family['delete' + 'One']({_id: n}))",
    "for (const one of c.find().toArray()) c.deleteOne({_id: one._id})",
    "for (let n = 0; n < 9; n++) wipe(n)",
    "const cursor = db.family.find(); while (cursor.hasNext()) c.deleteOne(cursor.next())",
];

#[test]
fn a_loop_the_text_shows_is_held_before_its_first_deletion() {
    if !needs(NEEDED) {
        return;
    }
    let (stage, mut pty) = opened();
    enter(&mut pty, "const c = db.family");
    enter(&mut pty, "wipe = (n) => c.deleteOne({_id: n})");
    for text in LOOPS {
        pty.line(text);
        refuse(&mut pty);
        assert!(pty.screen().contains("it was not run"), "{text}\n{}", pty.dump());
        assert_eq!(stage.server.arrived("delete"), [], "{text}");
    }
    pty.line(LOOPS[1]);
    wait_for_question(&mut pty);
    pty.answer("app");
    pty.wait_for("nightlatch: released");
    pty.wait_for_prompt(PROMPT);
    assert_eq!(stage.server.left(), 0, "asked once\n{}", pty.dump());
    leave(&mut pty);
}

/// No report of the terminal's focus reaches the line that mongosh draws.
#[test]
fn the_first_write_after_coming_back_is_asked_for() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let mut elsewhere = stage.wrapped_alone();
    elsewhere.args(["--nodb", "--quiet"]);
    let mut other = Pty::spawn(elsewhere);
    other.wait_for_prompt("> ");
    let mut pty = stage.open();
    assert!(pty.is_mode_on("?1004"), "the terminal is not asked for its focus");
    pty.type_text("db.family.updateOne({_id: 1}, ");
    go_and_come(&mut pty);
    pty.line("{$set: {name: 'x'}})");
    wait_for_why(&mut pty, " is open too");
    pty.answer("yes");
    pty.wait_for("nightlatch: released");
    pty.wait_for("modifiedCount");
    pty.wait_for_prompt(PROMPT);
    leave(&mut pty);
    drop(other);
}
