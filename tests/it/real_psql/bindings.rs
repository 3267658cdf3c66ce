//! Keys of one's own that submit a line: what no question of psql's tells of is held at them too.

use super::keys::wait_for_any_prompt;
use super::steps::{QUESTION, leave, production, refuse_and_leave, wait_for_question};
use crate::support::pty::{PERSON_PAUSE, Pty};
use crate::support::world::World;

/// Runs without a question of psql's, and deletes everything.
const WATCH: &str = "DELETE FROM families \\watch 1";

/// Writes an inputrc, types keys, and sees that the line is held before it is submitted.
fn held_at(inputrc: &str, keys: &str) {
    let Some(world) = production() else { return };
    world.write(".inputrc", inputrc);
    let mut pty = world.open();
    is_held_at(&world, &mut pty, keys);
}

fn is_held_at(world: &World, pty: &mut Pty, keys: &str) {
    pty.type_text(keys);
    wait_for_question(pty);
    refuse_and_leave(world, pty);
}

#[test]
fn accept_line_on_another_key() {
    held_at("\"\\C-t\": accept-line\n", &format!("{WATCH}\x14"));
}

#[test]
fn accept_line_on_two_keys() {
    held_at("\"\\C-x\\C-s\": accept-line\n", &format!("{WATCH}\x18\x13"));
}

#[test]
fn accept_line_on_a_function_key() {
    held_at("\"\\e[24~\": accept-line\n", &format!("{WATCH}\x1b[24~"));
}

#[test]
fn operate_and_get_next_on_another_key() {
    held_at("Control-g: operate-and-get-next\n", &format!("{WATCH}\x07"));
}

#[test]
fn operate_and_get_next_where_it_always_is() {
    held_at("", &format!("{WATCH}\x0f"));
}

#[test]
fn insert_comment_where_it_always_is() {
    held_at("", &format!("{WATCH}\x1b#"));
}

/// With an argument the key takes a comment away.
#[test]
fn insert_comment_with_an_argument() {
    held_at("", &format!("-- {WATCH}\x1b1\x1b#"));
    held_at("set comment-begin /**/\n", &format!("/**/{WATCH}\x1b1\x1b#"));
}

/// A comment of one's own closes one that is open.
#[test]
fn insert_comment_of_ones_own() {
    held_at("set comment-begin */\n", &format!("/* \r{WATCH}\x1b#"));
}

#[test]
fn macro_that_is_return() {
    held_at("\"\\C-t\": \"\\C-m\"\n", &format!("{WATCH}\x14"));
}

#[test]
fn macro_that_types_the_line_as_well() {
    held_at("\"\\C-xd\": \"DELETE FROM families \\\\watch 1\\C-m\"\n", "\x18d");
}

#[test]
fn macro_that_recalls_a_line() {
    let Some(world) = production() else { return };
    world.write(".inputrc", "\"\\C-xp\": \"\\C-p\\C-m\"\n");
    world.write(".psql_history", &format!("{WATCH}\n"));
    let mut pty = world.open();
    is_held_at(&world, &mut pty, "\x18p");
}

#[test]
fn macro_of_a_macro() {
    held_at("\"\\C-t\": \"\\C-g\"\n\"\\C-g\": \"\\n\"\n", &format!("{WATCH}\x14"));
}

#[test]
fn macro_recorded_at_the_keyboard() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.type_text("\x18(\\echo recorded\r");
    wait_for_any_prompt(&mut pty, &world);
    pty.type_text("\x18)");
    is_held_at(&world, &mut pty, "\x18e");
}

#[test]
fn bound_in_an_included_file() {
    let Some(world) = production() else { return };
    world.write(".inputrc", "$if psql\n$include ~/more\n$endif\n");
    world.write("more", "\"\\C-t\": accept-line\n");
    let mut pty = world.open();
    is_held_at(&world, &mut pty, &format!("{WATCH}\x14"));
}

#[test]
fn bound_in_a_file_that_a_variable_names() {
    let Some(mut world) = production() else { return };
    let file = world.write("mine", "\"\\C-t\": accept-line\n");
    world.set("INPUTRC", file.to_str().expect("UTF-8"));
    let mut pty = world.open();
    is_held_at(&world, &mut pty, &format!("{WATCH}\x14"));
}

#[test]
fn bound_in_a_file_that_the_rc_file_names() {
    let Some(world) = production() else { return };
    let file = world.write("mine", "\"\\C-t\": accept-line\n");
    world.write(".psqlrc", &format!("\\setenv INPUTRC '{}'\n", file.display()));
    let mut pty = world.open();
    is_held_at(&world, &mut pty, &format!("{WATCH}\x14"));
}

#[test]
fn end_of_file_in_vi_mode() {
    held_at("set editing-mode vi\n", &format!("{WATCH}\x04"));
}

#[test]
fn comment_in_vi_command_mode() {
    held_at("set editing-mode vi\n", &format!("{WATCH}\x1bb#"));
}

#[test]
fn return_in_vi_command_mode() {
    held_at("set editing-mode vi\n", &format!("{WATCH}\x1b0\r"));
}

/// A statement is asked about by psql itself, whatever key submits it.
#[test]
fn statements_are_held_at_any_key() {
    held_at("\"\\C-t\": accept-line\n", "DELETE FROM families;\x14");
}

/// Bound while the session runs: nobody could know it the first time. It is said, and known then.
#[test]
fn a_key_bound_later_is_learnt() {
    let Some(world) = production() else { return };
    world.write(".inputrc", "# nothing yet\n");
    let mut pty = world.open();
    world.write(".inputrc", "\"\\C-t\": accept-line\n");
    // Reads the file again.
    pty.type_text("\x18\x12");
    pty.type_text("\\! echo from the shell\x14");
    pty.wait_for("ran unasked: submitted by ^T");
    wait_for_any_prompt(&mut pty, &world);
    pty.wait_for_silence(PERSON_PAUSE);
    is_held_at(&world, &mut pty, &format!("{WATCH}\x14"));
}

/// What only looks like it asks nothing: keys that edit, and text with `#` in it.
#[test]
fn keys_that_edit_submit_nothing() {
    let Some(world) = production() else { return };
    world.write(".inputrc", "\"\\C-t\": accept-line\n\"\\C-xs\": \"select \"\n");
    let mut pty = world.open();
    pty.type_text(&format!("{WATCH}\x01\x05\x1b[D\x1b[C\x18s # v \x04\x1bb"));
    pty.wait_for_silence(PERSON_PAUSE);
    assert!(!pty.recent().contains(QUESTION), "{}", pty.dump());
    pty.type_text("\x03");
    wait_for_any_prompt(&mut pty, &world);
    leave(&world, &mut pty);
}
