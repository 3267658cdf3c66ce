//! What has let a statement through in experiments, and must not: promise 5 above all.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::forged::{CLOSING, OPENING};
use super::keys::{wait_for_any_prompt, wait_until_busy};
use super::steps::{
    QUESTION, leave, production, refuse, refuse_and_leave, say_no, wait_for_question,
};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World};

/// Types while a query runs, and sees that none of it answers the question.
fn type_ahead(text: &str) {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("select pg_sleep(1);");
    wait_until_busy(&mut pty, &world, "pg_sleep(1)");
    pty.type_text(&text.replace("$DB", &world.database.name));
    wait_for_question(&mut pty);
    // Whatever was typed ahead has been there for long: still nothing is answered.
    assert!(!pty.recent().contains("nightlatch: released"), "{}", pty.dump());
    refuse_and_leave(&world, &mut pty);
}

#[test]
fn type_ahead_of_empty_lines() {
    type_ahead("\r\r yes\rDELETE FROM families;\r");
}

#[test]
fn type_ahead_of_empty_lines_after() {
    type_ahead("DELETE FROM families;\r\r\r\r\r");
}

#[test]
fn type_ahead_of_the_word_after() {
    type_ahead("DELETE FROM families;\r$DB\r");
}

#[test]
fn type_ahead_of_everything() {
    type_ahead("\r\r yes\r$DB\rDELETE FROM families;\r\r$DB\ryes\r\r");
}

/// The word typed with the statement, as one write, at an idle prompt.
#[test]
fn word_typed_with_the_statement() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    let name = &world.database.name;
    pty.type_text(&format!("DELETE FROM families;\r{name}\r\r"));
    wait_for_question(&mut pty);
    assert!(!pty.recent().contains("nightlatch: released"), "{}", pty.dump());
    refuse_and_leave(&world, &mut pty);
}

/// Typed ahead of the question without an Enter: the answer begins after the question.
#[test]
fn half_a_word_typed_ahead_is_not_part_of_the_answer() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    let name = &world.database.name;
    let (half, rest) = name.split_at(3);
    pty.type_text(&format!("DELETE FROM families;\r{half}"));
    wait_for_question(&mut pty);
    pty.answer(rest);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_silence(PERSON_PAUSE);
    leave(&world, &mut pty);
}

/// After a cancel, nothing left over answers the next question or becomes SQL.
#[test]
fn nothing_is_left_over_after_a_cancel() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    for line in [
        "DELETE FROM families; DELETE FROM members; DROP TABLE members;",
        "select 'DELETE FROM families' from generate_series(1, 5) \\gexec",
        "DELETE FROM families;",
    ] {
        pty.line(line);
        refuse(&mut pty, &world);
        world.database.assert_untouched();
        assert!(!pty.recent().contains("ERROR"), "a leftover became SQL\n{}", pty.dump());
        pty.line("select 40 + 2;");
        pty.wait_for("42");
        wait_for_any_prompt(&mut pty, &world);
        assert!(!pty.recent().contains("ERROR"), "a leftover became SQL\n{}", pty.dump());
    }
    leave(&world, &mut pty);
}

/// Writes a psqlrc, then sees that a DELETE is held.
fn with_rc(text: &str) {
    let Some(world) = production() else { return };
    world.write(".psqlrc", text);
    let mut pty = world.open();
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

#[test]
fn error_in_the_rc_file() {
    with_rc("\\set ON_ERROR_STOP on\nselec broken;\n\\set after 1\n");
}

#[test]
fn unknown_command_in_the_rc_file() {
    with_rc("\\set ON_ERROR_STOP on\n\\nonsense\nselect 1/0;\n");
}

#[test]
fn open_quote_in_the_rc_file() {
    with_rc("\\set ON_ERROR_STOP on\n\\pset null '(null)\n");
}

#[test]
fn echo_in_the_rc_file() {
    with_rc("\\set QUIET on\n\\timing on\n\\x auto\n\\set ECHO queries\n");
}

#[test]
fn single_step_off_in_the_rc_file() {
    with_rc("\\set SINGLESTEP off\n");
}

#[test]
fn quit_of_an_included_file_in_the_rc_file() {
    with_rc("\\! printf 'select 1;\\n\\\\q\\n' > inner.sql\n\\i inner.sql\n");
}

/// A DELETE in the user's own rc file is held as well.
#[test]
fn delete_in_the_rc_file() {
    let Some(world) = production() else { return };
    world.write(".psqlrc", "DELETE FROM families;\n");
    let mut pty = Pty::spawn(world.wrapped([world.database.uri("app")]));
    wait_for_question(&mut pty);
    say_no(&mut pty, &world);
    pty.wait_until("a prompt", |screen| screen.cursor_line() == world.database.prompt().trim_end());
    leave(&world, &mut pty);
}

/// The user's rc file counts as it does bare: variables, prompts, and PSQLRC itself.
#[test]
fn rc_file_counts_as_bare() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let other = world.write("other.psqlrc", "\\set from other\n\\set PROMPT1 'rc> '\n");
    world.write(".psqlrc", "\\set from home\n\\set PROMPT1 'rc> '\n\\set ON_ERROR_STOP on\n");
    world.write(".psqlrc-15", "\\set from versioned\n\\set PROMPT1 'rc> '\n");
    let look = |command: std::process::Command| {
        let mut pty = Pty::spawn(command);
        pty.wait_for_prompt("rc> ");
        pty.line("\\echo :from :ON_ERROR_STOP :PSQLRC");
        pty.wait_for("rc> ");
        pty.line("\\! echo \"rc is ${PSQLRC-unset}\"");
        pty.wait_for("rc> ");
        let screen = pty.wait_for_silence(PERSON_PAUSE);
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0));
        screen
    };
    for is_other in [false, true] {
        if is_other {
            world.set("PSQLRC", other.to_str().expect("UTF-8"));
        }
        let bare = look(world.bare([world.database.uri("app")]));
        drop(std::fs::remove_file(world.home().join(".psql_history")));
        let wrapped = look(world.wrapped([world.database.uri("app")]));
        drop(std::fs::remove_file(world.home().join(".psql_history")));
        assert_eq!(bare.to_string(), wrapped.to_string());
    }
}

/// A prompt of the user's own, set later, takes the marks away but not the guard.
#[test]
fn prompt_changed_later() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("\\set PROMPT1 'mine> '");
    pty.wait_for("mine> ");
    pty.line("select 40 + 2;");
    pty.wait_for("42");
    pty.wait_for_prompt("mine> ");
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    say_no(&mut pty, &world);
    pty.wait_until("the prompt", |screen| screen.cursor_line() == "mine>");
    leave(&world, &mut pty);
}

/// Without single-step the draft guards, and the screen says that it is less.
#[test]
fn single_step_off_is_said() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("\\set SINGLESTEP off");
    pty.wait_for("nightlatch:");
    wait_for_any_prompt(&mut pty, &world);
    for line in ["DELETE FROM families;", "TRUNCATE families CASCADE;", "\\i delete.sql"] {
        world.write("delete.sql", "DELETE FROM families;\n");
        pty.line(line);
        refuse(&mut pty, &world);
    }
    leave(&world, &mut pty);
}

/// What no question tells of, and the text alone does not say, is held as what cannot be read.
#[test]
fn unseen_and_unreadable_is_held() {
    let Some(world) = production() else { return };
    world.write("watch.sql", "DELETE FROM families\n\\watch 1\n");
    let mut pty = world.open();
    for line in ["\\set q DELETE", "\\set f watch.sql"] {
        pty.line(line);
        wait_for_any_prompt(&mut pty, &world);
    }
    for line in [":q FROM families \\watch 1", "select 1; :q FROM families \\watch 1", "\\i :f"] {
        pty.line(line);
        refuse(&mut pty, &world);
    }
    leave(&world, &mut pty);
}

/// No prompt tells that the guard is gone: the line that took it away does.
#[test]
fn guard_taken_away_at_an_unmarked_prompt() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("\\set PROMPT1 'mine> '");
    pty.wait_for("mine> ");
    pty.line("\\set SINGLESTEP off");
    pty.wait_for("nightlatch: takes nightlatch's guard away");
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// Without a line editor Ctrl-D hands over what was typed, and a second one ends the input: not
/// together with the question.
#[test]
fn end_of_file_behind_a_statement() {
    let Some(world) = production() else { return };
    let uri = world.database.uri("app");
    let mut pty = Pty::spawn(world.wrapped(["-n".to_owned(), uri]));
    pty.wait_for_prompt(&world.database.prompt());
    pty.type_text("DELETE FROM families;");
    pty.press(Key::Ctrl('d'));
    pty.press(Key::Ctrl('d'));
    wait_for_question(&mut pty);
    world.database.assert_untouched();
    // The second Ctrl-D may have come late enough to be the answer.
    if !pty.recent().contains("nightlatch: cancelled") {
        pty.press(Key::Escape);
        pty.wait_for("nightlatch: cancelled");
    }
    pty.wait_for_silence(PERSON_PAUSE);
    world.database.assert_untouched();
    leave(&world, &mut pty);
}

/// The user's own single-step: psql's question is the user's, after ours.
#[test]
fn own_single_step_still_holds() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("\\set SINGLESTEP on");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("DELETE FROM families;");
    refuse(&mut pty, &world);
    leave(&world, &mut pty);
}

/// One transaction for the whole file: a cancel takes all of it back.
#[test]
fn single_transaction_and_cancel() {
    let Some(world) = production() else { return };
    world.write(
        "some.sql",
        "insert into members values (9001, 1, 'x');\nDELETE FROM families;\nselect 'after';\n",
    );
    let uri = world.database.uri("app");
    for key in [Key::Enter, Key::Ctrl('c'), Key::Escape] {
        let mut pty = Pty::spawn(world.wrapped([uri.as_str(), "-1", "-f", "some.sql"]));
        wait_for_question(&mut pty);
        world.database.assert_untouched();
        pty.press(key);
        assert_eq!(pty.finish().code(), Some(125), "{}", pty.dump());
        assert!(!pty.recent().contains("after"), "{}", pty.dump());
        world.database.assert_untouched();
    }
    world.assert_nothing_left();
}

/// A cancel inside an included file ends that file: what follows in it does not run.
#[test]
fn cancel_ends_the_included_file() {
    let Some(world) = production() else { return };
    world.write("some.sql", "DELETE FROM families;\ninsert into members values (9001, 1, 'x');\n");
    let mut pty = world.open();
    pty.line("\\i some.sql");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// One's own temporary table may be dropped; the next DROP of the name is the real table's.
#[test]
fn second_drop_after_a_temporary_table() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("create temp table members (id int);");
    pty.wait_for("CREATE TABLE");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("drop table members;");
    wait_for_any_prompt(&mut pty, &world);
    assert!(!pty.recent().contains(QUESTION), "one's own is held\n{}", pty.dump());
    world.database.assert_untouched();
    pty.line("drop table members;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// What is made in the session and reaches the rows of another, or only has its name.
#[test]
fn not_ones_own() {
    let Some(world) = production() else { return };
    for lines in [
        &["create view mine as select * from families;", "delete from mine;"][..],
        &["create view mine as select * from families;", "update mine set name = '';"],
        &["create temp view mine as select * from families;", "delete from mine;"],
        &[
            "create table mine (like families);",
            "alter table families inherit mine;",
            "delete from mine;",
        ],
        &[
            "create table mine (id int primary key);",
            "alter table families add foreign key (id) references mine on delete cascade not valid;",
            "delete from mine;",
        ],
        &["begin;", "create temp table members (id int);", "abort;", "delete from members;"],
        &[
            "create temp table members (id int);",
            "\\;abort;",
            "discard temp;",
            "delete from members;",
        ],
        &[
            "create temp table members (id int);",
            "drop table pg_temp.members;",
            "delete from members;",
        ],
        &[
            "create temp table members (id int);",
            "select pg_terminate_backend(pg_backend_pid()); delete from members;",
        ],
        &[
            "create temp table members as select 1 as id;",
            "\\! kill-connection",
            "select 1; delete from members;",
        ],
        &["create temp table members (id int) \\gdesc", "delete from members;"],
        &["create table app (id int);", "drop owned by app;"],
        &["create table app (id int);", "drop role app;"],
        &["create schema members;", "drop table members;"],
    ] {
        let (last, before) = lines.split_last().expect("a line");
        let mut pty = world.open();
        for line in before {
            if *line == "\\! kill-connection" {
                world.database.end_all();
                continue;
            }
            pty.line(line);
            wait_for_any_prompt(&mut pty, &world);
            assert!(!pty.recent().contains(QUESTION), "{line}\n{}", pty.dump());
        }
        pty.line(last);
        wait_for_question(&mut pty);
        pty.press(Key::Enter);
        pty.wait_for("nightlatch: cancelled");
        pty.wait_for_silence(PERSON_PAUSE);
        assert_eq!(world.database.sql("select count(*) from families where name <> ''"), "1000");
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
        world.database.reset();
    }
    world.assert_nothing_left();
}

/// One that goes with its transaction leaves its name to the real table.
#[test]
fn temporary_table_that_goes_on_commit() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("create temp table members (id int) on commit drop;");
    pty.wait_for("CREATE TABLE");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("delete from members;");
    refuse(&mut pty, &world);
    leave(&world, &mut pty);
}

/// The same with both on one line, and with a rollback in between.
#[test]
fn temporary_table_forgotten() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    for line in [
        "create temp table members (id int); drop table members; drop table members;",
        "begin; create temp table members (id int); rollback; drop table members;",
        "create temp table if not exists members (id int); discard all; drop table members;",
        "create temp table members (id int); drop table public.members;",
    ] {
        pty.line(line);
        refuse(&mut pty, &world);
        pty.line("\\c");
        wait_for_any_prompt(&mut pty, &world);
    }
    leave(&world, &mut pty);
}

/// A client started by the client's shell escape is guarded, or said not to be.
#[test]
fn nested_client_is_not_silent() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line(&format!("\\! psql '{}'", world.database.uri("app")));
    pty.wait_for("nightlatch:");
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("\\q");
    wait_for_any_prompt(&mut pty, &world);
    leave(&world, &mut pty);
}

/// `-n` and `-X` have other ways of carrying the marks.
#[test]
fn without_line_editing_and_without_rc() {
    for option in ["-n", "-X", "-q", "-S", "-e", "-E", "-a"] {
        let Some(world) = production() else { return };
        let mut pty = Pty::spawn(world.wrapped([option, &world.database.uri("app")]));
        let end = if option == "-S" { "^> " } else { "=> " };
        pty.wait_for_prompt(&format!("{}{end}", world.database.name));
        pty.line("DELETE FROM families;");
        refuse(&mut pty, &world);
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{option}\n{}", pty.dump());
        world.database.assert_untouched();
    }
}

/// Data typed for COPY is neither a statement nor an answer.
#[test]
fn copy_data_is_not_a_statement() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("begin;");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("copy members (id, family_id, name) from stdin;");
    pty.wait_for(">> ");
    for line in ["9001\t1\tDELETE FROM families;", "9002\t1\t\\\\! rm", OPENING, CLOSING] {
        // The last two are not valid rows: the server says so at the end.
        pty.line(line);
        pty.wait_for(">> ");
        assert!(!pty.recent().contains(QUESTION), "{}", pty.dump());
    }
    pty.line("\\.");
    pty.wait_for("ERROR");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("rollback;");
    wait_for_any_prompt(&mut pty, &world);
    leave(&world, &mut pty);
}

/// Data pasted behind a COPY goes line by line, and the statement behind it is held.
#[test]
fn copy_data_pasted_with_its_statement() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("begin;");
    wait_for_any_prompt(&mut pty, &world);
    pty.paste_plain(
        "copy members from stdin;\n9001\t1\tx\n9002\t1\ty\n\\.\nDELETE FROM families;\n",
    );
    wait_for_question(&mut pty);
    assert!(pty.recent().contains("COPY 2"), "the data was not taken\n{}", pty.dump());
    refuse_and_leave(&world, &mut pty);
}

/// A list of completions draws the prompt again, and the Enter typed behind it still submits.
#[test]
fn enter_typed_with_a_list_of_completions() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.type_text("DROP \t\tTABLE members;\r");
    wait_for_question(&mut pty);
    assert!(pty.recent().contains("TABLESPACE"), "nothing was listed\n{}", pty.dump());
    refuse_and_leave(&world, &mut pty);
}

/// Interrupted from elsewhere: the rest of the paste does not run without its first statement.
#[test]
fn interrupted_in_a_paste() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.paste_plain("DELETE FROM families;\nDELETE FROM members WHERE id = 1;\n");
    wait_for_question(&mut pty);
    let client = world.processes().into_iter().find(|process| process.name == "psql");
    let client = Pid::from_raw(client.expect("a client").pid);
    kill(client, Signal::SIGINT).expect("it is there");
    pty.wait_for("typed ahead were discarded");
    wait_for_any_prompt(&mut pty, &world);
    pty.wait_for_silence(PERSON_PAUSE);
    leave(&world, &mut pty);
}
