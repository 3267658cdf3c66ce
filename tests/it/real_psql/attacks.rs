//! Detours on which a statement or the guard's end could come past the question.

use std::fs;
use std::time::Duration;

use super::held::furnish;
use super::keys::{wait_for_any_prompt, wait_for_next_prompt};
use super::non_interactive::without_terminal;
use super::steps::{
    QUESTION, leave, production, refuse_and_leave, refuse_for_good, say_no, wait_for_question,
};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::world::{World, run};

/// Runs without a question of psql's, and deletes everything.
const WATCH: &str = "DELETE FROM families \\watch 1";

/// Types lines, the last of which must be held; leaves with nothing lost.
fn held_after(prepare: impl FnOnce(&mut World), lines: &[&str]) {
    let Some(mut world) = production() else { return };
    furnish(&mut world);
    prepare(&mut world);
    let mut pty = world.open();
    let (last, before) = lines.split_last().expect("a line");
    for line in before {
        pty.line(line);
        wait_for_next_prompt(&mut pty, &world);
        assert!(!pty.recent().contains(QUESTION), "{line} is held\n{}", pty.dump());
    }
    pty.line(last);
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// A variable that holds a meta command: psql runs it where the variable stands.
#[test]
fn variable_holds_a_watch() {
    held_after(|_| {}, &["\\set q 'DELETE FROM families \\\\watch 1'", ":q"]);
}

/// The same, with the statement typed and only the command in the variable.
#[test]
fn variable_holds_the_command() {
    held_after(|_| {}, &["\\set w '\\\\watch 1'", "DELETE FROM families :w"]);
}

/// A file that is found only in the folder the line goes to first.
#[test]
fn file_in_a_folder_gone_to_on_the_same_line() {
    let folder = |world: &mut World| {
        fs::create_dir(world.home().join("sub")).expect("a folder");
        world.write("sub/there.sql", &format!("{WATCH}\n"));
    };
    held_after(folder, &["\\cd sub \\\\ \\i there.sql"]);
}

/// The same in a file.
#[test]
fn file_in_a_folder_gone_to_in_a_file() {
    let folder = |world: &mut World| {
        fs::create_dir(world.home().join("sub")).expect("a folder");
        world.write("sub/there.sql", &format!("{WATCH}\n"));
        world.write("goes.sql", "\\cd sub\n\\i there.sql\n");
    };
    held_after(folder, &["\\i goes.sql"]);
}

/// A file that the line itself writes.
#[test]
fn file_written_on_the_same_line() {
    held_after(
        |_| {},
        &[
            "select 'DELETE FROM families \\watch 1' \\g (format=unaligned tuples_only=on) made.sql \\i made.sql",
        ],
    );
}

/// Strings that end elsewhere for psql where backslashes count in them: set where nobody sees it.
#[test]
fn strings_read_the_other_way() {
    held_after(backslashes_quote, &["select 'x\\' || '; DELETE FROM families \\watch 1 ' '"]);
}

/// The same within one statement.
#[test]
fn statement_read_the_other_way() {
    held_after(
        backslashes_quote,
        &["with a as (select '\\''), d as (DELETE FROM families RETURNING 1) select ') select ';"],
    );
}

fn backslashes_quote(world: &mut World) {
    world.set("PGOPTIONS", "-c standard_conforming_strings=off");
}

/// What `\if` leaves out is still there afterwards.
#[test]
fn statement_around_a_branch() {
    for skipped in ["\\r", "; select 1"] {
        held_after(
            |_| {},
            &["DELETE FROM families", "\\if false", skipped, "\\endif", "\\watch 1"],
        );
    }
}

/// A comment ends at a CR, too.
#[test]
fn line_end_of_another_system() {
    let file = |world: &mut World| drop(world.write("cr.sql", &format!("-- x\r{WATCH}\n")));
    held_after(file, &["\\i cr.sql"]);
}

/// Typed as text where the terminal edits the line itself.
#[test]
fn line_end_typed_as_text() {
    let Some(world) = production() else { return };
    let mut pty = Pty::spawn(world.wrapped(["-n", &world.database.uri("app")]));
    pty.wait_for_prompt(&world.database.prompt());
    pty.type_text(&format!("-- x\x16\r{WATCH}\r"));
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// Before the first prompt: psql is not started until somebody has answered.
#[test]
fn start_up_file_that_watches() {
    let Some(world) = production() else { return };
    world.write(".psqlrc", &format!("{WATCH}\n"));
    let mut pty = Pty::spawn(world.wrapped([world.database.uri("app")]));
    wait_for_question(&mut pty);
    refuse_for_good(&world, &mut pty);
}

/// Repeats what psql sent last, which is not what was typed last: a line of single-line mode, which
/// no semicolon ends, and a line before one that was not passed on.
#[test]
fn the_statement_before() {
    for (options, time, lines) in [
        (&["-S"][..], "12:30", &["DELETE FROM families"][..]),
        (&[], "23:30", &["DELETE FROM families;", "select 1; \\! true"]),
    ] {
        let Some(mut world) = production() else { return };
        world.set("NIGHTLATCH_TEST_NOW", &format!("2026-11-18T{time}:00Z"));
        let uri = world.database.uri("app");
        let mut pty = Pty::spawn(world.wrapped(options.iter().copied().chain([uri.as_str()])));
        wait_for_next_prompt(&mut pty, &world);
        pty.line("select 1;");
        wait_for_next_prompt(&mut pty, &world);
        for line in lines {
            pty.line(line);
            pty.wait_for("Enter to cancel:");
            pty.wait_for_silence(PERSON_PAUSE);
            say_no(&mut pty, &world);
            wait_for_next_prompt(&mut pty, &world);
        }
        pty.line("\\watch 1");
        pty.wait_for("Enter to cancel:");
        pty.wait_for_silence(PERSON_PAUSE);
        refuse_and_leave(&world, &mut pty);
    }
}

/// Data of a COPY that fails are statements for psql: refused where there is nobody to ask.
#[test]
fn data_of_a_copy_that_fails() {
    let Some(world) = production() else { return };
    let args = ["-X".to_owned(), world.database.uri("app")];
    let script = format!("copy nowhere from stdin;\n{WATCH}\n");
    let output = run(without_terminal(&world, &world.wrapped(&args)), &script);
    assert_eq!(output.status.code(), Some(125), "{}", String::from_utf8_lossy(&output.stderr));
    world.database.assert_untouched();
    world.assert_nothing_left();
}

/// Key by key and with second thoughts, where standard output is a file and no line editor at work.
#[test]
fn typed_without_a_line_editor() {
    for typed in
        [WATCH, "-- \x15DELETE FROM families \\watch 1", "DELETE FROM families \\watcc\x7fh 1"]
    {
        let Some(world) = production() else { return };
        let wrapped = world.wrapped([world.database.uri("app")]);
        let mut pty = Pty::spawn_with(wrapped, [true, false, true]);
        pty.wait_for_silence(PERSON_PAUSE);
        for key in typed.chars() {
            pty.type_text(key.encode_utf8(&mut [0; 4]));
            pty.wait_for_silence(Duration::from_millis(20));
        }
        pty.press(Key::Enter);
        wait_for_question(&mut pty);
        refuse_for_good(&world, &mut pty);
    }
}

/// A variable whose value nobody knows, where a statement begins.
#[test]
fn variable_from_a_query_or_a_program() {
    let file = |world: &mut World| drop(world.write("q.txt", WATCH));
    held_after(file, &["\\set q `cat q.txt`", ":q"]);
    held_after(file, &["select 'DELETE FROM families \\watch 1' as q \\gset", ":q"]);
}

/// A variable that opens a string, which a quote on the line then closes.
#[test]
fn variable_holds_a_quote() {
    held_after(|_| {}, &["\\set q ''''", "select 1 :q ; ' DELETE FROM families \\watch 1"]);
}

/// A pasted text is one line for psql: its commands take words of the next line for arguments, and
/// none of it is a COPY's data.
#[test]
fn pasted_lines_are_one() {
    for text in
        ["copy nowhere from stdin;\nDELETE FROM families \\watch 1", "\\x\nselect 1 \\watch 1"]
    {
        let Some(world) = production() else { return };
        let mut pty = world.open();
        pty.line("DELETE FROM families;");
        wait_for_question(&mut pty);
        pty.press(Key::Escape);
        pty.wait_for("nightlatch: cancelled");
        wait_for_any_prompt(&mut pty, &world);
        pty.wait_for_silence(PERSON_PAUSE);
        pty.paste_bracketed(text);
        pty.press(Key::Enter);
        wait_for_question(&mut pty);
        refuse_and_leave(&world, &mut pty);
    }
}

#[test]
fn the_guard_taken_from_a_variable_of_the_world() {
    let Some(mut world) = production() else { return };
    world.set("OFF", "off");
    let mut pty = world.open();
    pty.line("\\getenv SINGLESTEP OFF");
    pty.wait_for("nightlatch:");
    wait_for_any_prompt(&mut pty, &world);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// Nobody to ask, and the guard is taken away before the script runs.
#[test]
fn guard_taken_away_before_a_script() {
    let Some(world) = production() else { return };
    let uri = world.database.uri("app");
    world.write("hidden.sql", "select 'DELETE FROM ' || 'families' \\gexec\n");
    world.write("variable.sql", "\\set t families\nDELETE FROM :t;\n");
    let mut failures = Vec::new();
    for rc in ["", "\\set SINGLESTEP off\n", "\\unset SINGLESTEP\n", "\\i off.sql\n"] {
        world.write(".psqlrc", rc);
        world.write("off.sql", "\\set SINGLESTEP off\n");
        for given in
            [&[][..], &["-v", "SINGLESTEP=off"], &["-vSINGLESTEP=0"], &["-v", "SINGLESTEP"]]
        {
            for file in ["hidden.sql", "variable.sql"] {
                let mut args = vec![uri.as_str()];
                args.extend(given);
                for by_stdin in [false, true] {
                    let mut args = args.clone();
                    let text = fs::read_to_string(world.home().join(file)).expect("the script");
                    if !by_stdin {
                        args.extend(["-f", file]);
                    }
                    let input = if by_stdin { text.as_str() } else { "" };
                    let output = run(without_terminal(&world, &world.wrapped(&args)), input);
                    let is_whole = world.database.count("families") == 1000;
                    if output.status.code() != Some(125) || !is_whole {
                        failures.push(format!("{rc:?} {args:?} {input:?}: {output:?}"));
                        world.database.reset();
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    world.assert_nothing_left();
}

/// A prompt that runs a program each time it is printed is an escape like any other.
#[test]
fn prompt_that_runs_a_program() {
    let Some(mut world) = production() else { return };
    world.set("NIGHTLATCH_TEST_NOW", "2026-11-18T23:30:00Z");
    let mut pty = world.open();
    pty.line("\\set PROMPT1 '%`touch gone`> '");
    pty.wait_for("type yes to run it, Enter to cancel:");
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line("");
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_silence(PERSON_PAUSE);
    assert!(!world.home().join("gone").exists());
    leave(&world, &mut pty);
}

/// What a program that psql has started prints behind the question hides nothing: neither is the
/// next line of the script taken for an answer.
#[test]
fn output_of_another_program_behind_the_question() {
    let Some(world) = production() else { return };
    for _ in 0..6 {
        let script = "\\o |sed -u 's/^/> /'\nselect generate_series(1,5000);\n\
                      delete from families;\nselect 2;\nselect 3;\n";
        let args = ["-X".to_owned(), world.database.uri("app")];
        let output = run(without_terminal(&world, &world.wrapped(&args)), script);
        assert_eq!(output.status.code(), Some(125), "{}", String::from_utf8_lossy(&output.stderr));
        world.database.assert_untouched();
    }
    world.assert_nothing_left();
}

/// A program that goes on beside psql's prompt takes no key from it.
#[test]
fn enter_passes_while_output_goes_to_a_program() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("\\o |cat");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("select 40 + 2 as piped;");
    pty.wait_for("    42");
    pty.line("\\o");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    world.assert_nothing_left();
}

/// What asks for more than standard input has gets nothing that is not there for an answer.
#[test]
fn a_prompt_beyond_the_end_of_input() {
    let Some(world) = production() else { return };
    world.write("ask.sql", "\\prompt 'name? ' v\ninsert into members values (9001, 1, :'v');\n");
    let args = [world.database.uri("app"), "-f".to_owned(), "ask.sql".to_owned()];
    let output = run(world.wrapped(&args), "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("standard input has ended and the client wants more"), "{said}");
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert_eq!(run(world.wrapped(&args), "given\n").status.code(), Some(0));
    assert_eq!(world.database.sql("select name from members where id > 9000"), "given");
    world.assert_nothing_left();
}

/// Where the line's end ends a statement, it is judged there once nobody asks any more.
#[test]
fn a_line_that_is_sent_without_its_semicolon() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    for line in ["\\set SINGLELINE on", "\\set SINGLESTEP off"] {
        pty.line(line);
        wait_for_any_prompt(&mut pty, &world);
    }
    pty.line("delete from families");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// A line editor whose prompt just fits draws what is typed so that it cannot be read.
#[test]
fn a_terminal_as_wide_as_the_prompt() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    let columns = u16::try_from(world.database.prompt().len()).expect("a short name");
    pty.resize(columns, 24);
    pty.wait_for_silence(Duration::from_millis(200));
    for key in "delete from families \\watch 1".chars() {
        pty.type_text(key.encode_utf8(&mut [0; 4]));
        pty.wait_for_silence(Duration::from_millis(20));
    }
    pty.press(Key::Enter);
    pty.wait_until("the question", |screen| screen.contains("ancel"));
    pty.wait_for_silence(PERSON_PAUSE);
    refuse_and_leave(&world, &mut pty);
}
