//! What an editor leaves is run without a submitting key: `\e` and its kin.

use super::keys::{wait_for_any_prompt, wait_for_next_prompt};
use super::steps::{leave, production, refuse_and_leave, wait_for_question};
use crate::support::pty::PERSON_PAUSE;
use crate::support::world::World;

/// Runs without a question of psql's, and deletes everything.
const WATCH: &str = "DELETE FROM families \\watch 1";

/// How the person has told psql of the editor.
#[derive(Debug, Clone, Copy)]
enum Told {
    Variable(&'static str),
    StartUp(&'static str),
    Prompt(&'static str),
}

/// Leaves a text in the editor that the lines start, and sees that it is held.
fn held_when(left: &str, told: Told, lines: &[&str]) {
    let Some(mut world) = production() else { return };
    let editor = editor(&world, left);
    let at_prompt = match told {
        Told::Variable(name) => {
            world.set(name, &editor);
            None
        }
        Told::StartUp(name) => {
            world.write("more.sql", &format!("\\setenv {name} '{editor}'\n"));
            world.write(".psqlrc", "\\i more.sql\n");
            None
        }
        Told::Prompt(name) => Some(format!("\\setenv {name} '{editor}'")),
    };
    let mut pty = world.open();
    let (last, before) = lines.split_last().expect("a line");
    for line in at_prompt.iter().map(String::as_str).chain(before.iter().copied()) {
        pty.line(line);
        wait_for_next_prompt(&mut pty, &world);
    }
    pty.line(last);
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// Writes an editor that replaces the file, which is its last argument.
fn editor(world: &World, left: &str) -> String {
    world.write("watch.sql", &format!("{WATCH}\n"));
    world.write("other.sql", "select 1;\n");
    world.write("left.sql", &format!("{left}\n"));
    let text = "#!/bin/sh\nfor file; do :; done\ncat left.sql > \"$file\"\n";
    let path = world.write_program("editor", text);
    path.to_str().expect("UTF-8").to_owned()
}

/// Makes a test of each text left, and of how the editor is found and started.
macro_rules! held_when {
    ($($name:ident: $left:expr, $told:expr, $lines:expr;)+) => {
        $(#[test]
        fn $name() {
            held_when($left, $told, &$lines);
        })+
    };
}

held_when! {
    watch: WATCH, Told::Variable("PSQL_EDITOR"), ["\\e"];
    guard_taken_away: "\\set SINGLESTEP off \\\\ DELETE FROM families;", Told::Variable("PSQL_EDITOR"), ["\\e"];
    file_that_watches: "\\i watch.sql", Told::Variable("PSQL_EDITOR"), ["\\e"];
    function: WATCH, Told::Variable("PSQL_EDITOR"), ["\\ef"];
    file: WATCH, Told::Variable("PSQL_EDITOR"), ["\\e other.sql"];
    begun_in_the_editor: "DELETE FROM families", Told::Variable("PSQL_EDITOR"), ["\\e", "\\watch 1"];
    other_variable: WATCH, Told::Variable("EDITOR"), ["\\e"];
    last_variable: WATCH, Told::Variable("VISUAL"), ["\\e"];
    start_up_file: WATCH, Told::StartUp("PSQL_EDITOR"), ["\\e"];
    set_at_the_prompt: WATCH, Told::Prompt("EDITOR"), ["\\e"];
    set_past_us_at_the_prompt: WATCH, Told::Prompt("PSQL_EDITOR"), ["\\e"];
}

/// A released text runs, and psql goes on with what is left of it.
#[test]
fn released_text_runs() {
    let Some(mut world) = production() else { return };
    let editor = editor(&world, "select 40 + 2 as edited;\n\\! echo shell");
    world.set("PSQL_EDITOR", &editor);
    world.set("NIGHTLATCH_TEST_NOW", "2026-11-18T23:30:00Z");
    let mut pty = world.open();
    pty.line("\\e");
    wait_for_question(&mut pty);
    pty.answer("yes");
    pty.wait_for("nightlatch: released");
    pty.wait_for("shell");
    wait_for_any_prompt(&mut pty, &world);
    pty.wait_for_silence(PERSON_PAUSE);
    leave(&world, &mut pty);
}
