//! Promise 2, the ways in: however a destructive statement is brought to run, it waits for the
//! person, and does not run when the person says no.

use super::keys::{Do, perform, wait_for_any_prompt};
use super::steps::{QUESTION, production, refuse, wait_for_question};
use crate::support::postgres::PASSWORD;
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, is_rehearsal, needs};
use crate::support::world::{Tier, World};

/// Files and variables the deeds refer to.
pub(crate) fn furnish(world: &mut World) {
    world.write("delete.sql", "DELETE FROM families;\n");
    world.write("outer.sql", "select 'outer';\n\\ir delete.sql\nselect 'not reached';\n");
    world.write("some.sql", "insert into members values (9001, 1, 'x');\nDELETE FROM members;\n");
    world.write("watch.sql", "select 1;\nDELETE FROM families \\watch 1\n");
    world.write("off.sql", "\\set SINGLESTEP off\nDELETE FROM families;\n");
    world.write(
        ".psql_history",
        "select 'older';\nDELETE FROM families;\nselect 'newer than any other';\n",
    );
    let editor = "#!/bin/sh\nprintf 'DELETE FROM families;\\n' > \"$1\"\n";
    let editor = world.write_program("editor", editor);
    world.set("PSQL_EDITOR", editor.to_str().expect("UTF-8"));
}

/// Brings a statement to run on production and says no; the client must be usable afterwards.
///
/// In a rehearsal the bare client runs it, and it must destroy something: else it proves nothing.
pub(crate) fn holds(deeds: &[Do]) {
    let Some(mut world) = production() else { return };
    furnish(&mut world);
    let mut pty = world.open();
    for deed in deeds {
        perform(&mut pty, &world, *deed);
    }
    if is_rehearsal() {
        let end = pty.deadline();
        while !world.database.is_touched() {
            assert!(!pty.is_hopeless(end), "nothing would have been lost\n{}", pty.dump());
        }
        return;
    }
    refuse(&mut pty, &world);
    world.database.assert_untouched();
    assert!(!pty.recent().contains("DELETE "), "something ran\n{}", pty.dump());
    pty.line("select 40 + 2 as usable;");
    pty.wait_for("     42");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    drop(pty);
    world.assert_nothing_left();
    world.database.assert_untouched();
}

/// Makes a test of each named list of deeds, the last of which submits.
macro_rules! held {
    ($($name:ident: [$($deed:expr),+ $(,)?];)+) => {
        $(#[test]
        fn $name() {
            holds(&[$($deed),+]);
        })+
    };
}

held! {
    typed: [Do::Text("DELETE FROM families;"), Do::Press(Key::Enter)];
    lower_case: [Do::Blind("delete from families;\r")];
    recalled: [
        Do::Press(Key::Up),
        Do::WaitFor("newer"),
        Do::Press(Key::Up),
        Do::WaitFor("DELETE"),
        Do::Press(Key::Enter),
    ];
    recalled_and_changed: [
        Do::Press(Key::Up),
        Do::WaitFor("newer"),
        Do::Press(Key::Up),
        Do::WaitFor("DELETE"),
        Do::Press(Key::Ctrl('a')),
        Do::Blind("select 1; "),
        Do::Press(Key::Enter),
    ];
    searched: [
        Do::Press(Key::Ctrl('r')),
        Do::WaitFor("reverse"),
        Do::Blind("DEL"),
        Do::WaitFor("DELETE"),
        Do::Press(Key::Enter),
    ];
    completed: [
        Do::Blind("DELETE FROM fam"),
        Do::Press(Key::Tab),
        Do::WaitFor("ilies"),
        Do::Blind(";"),
        Do::Press(Key::Enter),
    ];
    edited: [
        Do::Blind("DELETE FROM familiesxx"),
        Do::Press(Key::Backspace),
        Do::Press(Key::Backspace),
        Do::Blind(";"),
        Do::Press(Key::Enter),
    ];
    over_several_lines: [
        Do::Line("DELETE", "-> "),
        Do::Line("FROM families", "-> "),
        Do::Blind(";\r"),
    ];
    pasted: [
        Do::Paste("DELETE FROM families;\nDELETE FROM members;\nselect 'pasted rest';\n"),
        Do::Press(Key::Enter),
    ];
    pasted_plainly: [
        Do::PastePlain("DELETE FROM families;\nDELETE FROM members;\nDROP TABLE members;\n"),
    ];
    in_a_pasted_transaction: [
        Do::PastePlain("begin;\nselect 1;\nDELETE FROM members;\ncommit;\n"),
    ];
    second_on_the_line: [Do::Blind("select 1; delete from families; select 2;\r")];
    joined_with_backslash: [Do::Blind("select 1\\; delete from families;\r")];
    by_g: [Do::Blind("DELETE FROM families \\g\r")];
    by_gx: [Do::Blind("DELETE FROM families \\gx\r")];
    by_g_with_file: [Do::Blind("DELETE FROM families \\g out.txt\r")];
    by_gset: [Do::Blind("DELETE FROM families returning 1 as x \\gset\r")];
    by_gexec: [Do::Blind("select 'DELETE FROM families' \\gexec\r")];
    by_g_again: [Do::Line("DELETE FROM families", "-> "), Do::Blind("\\g\r")];
    from_a_file: [Do::Blind("\\i delete.sql\r")];
    from_a_file_in_a_file: [Do::Blind("\\i outer.sql\r")];
    after_other_statements_of_a_file: [Do::Run("begin;"), Do::Blind("\\i some.sql\r")];
    from_a_relative_file: [Do::Blind("\\ir delete.sql\r")];
    from_the_editor: [Do::Blind("\\e\r")];
    from_a_variable: [Do::Run("\\set t families"), Do::Blind("DELETE FROM :t;\r")];
    from_a_macro: [Do::Run("\\set q 'DELETE FROM families;'"), Do::Blind(":q\r")];
    from_the_shell: [Do::Run("\\set q `echo 'DELETE FROM families;'`"), Do::Blind(":q\r")];
    after_a_comment_with_an_apostrophe: [
        Do::Run("-- don't"),
        Do::Blind("DELETE FROM families;\r"),
    ];
    behind_a_comment_with_an_apostrophe: [Do::Blind("/* it's */ DELETE FROM families; -- 'tis\r")];
    after_a_string_with_a_comment: [Do::Blind("select '--'; DELETE FROM families;\r")];
    truncate: [Do::Blind("TRUNCATE families CASCADE;\r")];
    drop_table: [Do::Blind("DROP TABLE members;\r")];
    drop_column: [Do::Blind("ALTER TABLE families DROP COLUMN name;\r")];
    drop_schema: [Do::Blind("drop schema public cascade;\r")];
    schema_qualified: [Do::Blind("DELETE FROM public.families;\r")];
    quoted_names: [Do::Blind("DELETE FROM \"public\".\"families\";\r")];
    where_true: [Do::Blind("DELETE FROM families WHERE true;\r")];
    where_always_true: [Do::Blind("DELETE FROM families WHERE id = id OR 1 = 1;\r")];
    in_a_cte: [
        Do::Blind("WITH gone AS (DELETE FROM families RETURNING *) SELECT count(*) FROM gone;\r"),
    ];
    in_a_do_block: [Do::Blind("DO $$ BEGIN DELETE FROM families; END $$;\r")];
    in_a_do_block_by_execute: [
        Do::Blind("DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'families'; END $$;\r"),
    ];
    by_merge: [
        Do::Blind("MERGE INTO members m USING families f ON m.family_id = f.id \
                   WHEN MATCHED THEN DELETE;\r"),
    ];
    by_execute: [
        Do::Run("PREPARE gone AS DELETE FROM families;"),
        Do::Blind("EXECUTE gone;\r"),
    ];
    by_explain_analyze: [Do::Blind("EXPLAIN ANALYZE DELETE FROM families;\r")];
    in_copy: [Do::Blind("COPY (DELETE FROM families RETURNING id) TO STDOUT;\r")];
    in_client_copy: [Do::Blind("\\copy (DELETE FROM families RETURNING id) to 'out.txt'\r")];
    update_of_all: [Do::Blind("UPDATE families SET name = 'same';\r")];
    by_watch: [Do::Blind("DELETE FROM families \\watch 1\r")];
    by_watch_on_its_own_line: [
        Do::Line("DELETE FROM families", "-> "),
        Do::Blind("\\watch 1\r"),
    ];
    by_watch_in_a_file: [Do::Blind("\\i watch.sql\r")];
    in_a_transaction: [Do::Run("begin;"), Do::Blind("DELETE FROM members;\r")];
    in_a_failed_savepoint: [
        Do::Run("begin;"),
        Do::Run("savepoint a;"),
        Do::Run("select 1/0;"),
        Do::Run("rollback to a;"),
        Do::Blind("DELETE FROM members;\r"),
    ];
    without_autocommit: [
        Do::Run("\\set AUTOCOMMIT off"),
        Do::Blind("DELETE FROM members;\r"),
    ];
    with_error_stop: [
        Do::Run("\\set ON_ERROR_STOP on"),
        Do::Blind("DELETE FROM members;\r"),
    ];
    with_error_rollback: [
        Do::Run("\\set ON_ERROR_ROLLBACK on"),
        Do::Run("begin;"),
        Do::Blind("DELETE FROM members;\r"),
    ];
    after_reconnecting: [Do::Run("\\c"), Do::Blind("DELETE FROM families;\r")];
    after_a_cancelled_line: [
        Do::Blind("DELETE FROM fam"),
        Do::Press(Key::Ctrl('c')),
        Do::Prompt,
        Do::Blind("DELETE FROM families;\r"),
    ];
    after_a_reset_buffer: [
        Do::Line("select 1", "-> "),
        Do::Run("\\r"),
        Do::Blind("DELETE FROM families;\r"),
    ];
    with_single_step_off: [
        Do::Run("\\set SINGLESTEP off"),
        Do::Blind("DELETE FROM families;\r"),
    ];
    with_echo_on: [Do::Run("\\set ECHO all"), Do::Blind("DELETE FROM families;\r")];
    with_hidden_queries: [
        Do::Run("\\set ECHO_HIDDEN on"),
        Do::Run("\\dt"),
        Do::Blind("DELETE FROM families;\r"),
    ];
}

/// A password with an apostrophe, typed before the prompt, swallows nothing of what follows.
#[test]
fn after_a_password_with_an_apostrophe() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) || is_rehearsal() {
        return;
    }
    let world = World::new(Tier::Production);
    let mut pty = Pty::spawn(world.wrapped(["-W", &world.database.uri("locked")]));
    pty.wait_for("Password");
    pty.line(PASSWORD);
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("DELETE FROM families;");
    refuse(&mut pty, &world);
    pty.line("\\q");
    pty.finish();
    world.database.assert_untouched();
}

/// What no parser understands and has a destructive word in it waits, whatever the server makes of it.
#[test]
fn not_understood_but_destructive() {
    if !is_rehearsal() {
        holds(&[Do::Blind("delete frm families;\r")]);
    }
}

/// A filtered delete in working hours runs at once, with one line said.
#[test]
fn one_row_runs_with_a_notice() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("DELETE FROM members WHERE id = 7;");
    pty.wait_for("DELETE 1");
    wait_for_any_prompt(&mut pty, &world);
    assert!(pty.recent().contains("nightlatch:"), "nothing said\n{}", pty.dump());
    assert_eq!(world.database.count("members"), 2999);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
}

/// At night the same delete asks for `yes`.
#[test]
fn one_row_is_held_at_night() {
    let Some(mut world) = production() else { return };
    world.set("NIGHTLATCH_TEST_NOW", "2026-11-18T23:30:00Z");
    let mut pty = world.open();
    pty.line("DELETE FROM members WHERE id = 7;");
    pty.wait_for("type yes to run it, Enter to cancel:");
    pty.wait_for_silence(PERSON_PAUSE);
    world.database.assert_untouched();
    pty.answer("yes");
    pty.wait_for("nightlatch: released");
    pty.wait_for("DELETE 1");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
}

/// What only looks destructive is not held: words in strings, comments and COPY data.
#[test]
fn words_are_not_statements() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    for line in [
        "select 'DELETE FROM families;';",
        "-- DELETE FROM families;",
        "/* DROP TABLE families; */ select 1;",
        "explain delete from families;",
        "select $$ truncate families; $$;",
        "comment on table families is 'drop table families';",
        "selec 'typo';",
    ] {
        pty.line(line);
        wait_for_any_prompt(&mut pty, &world);
        assert!(!pty.recent().contains(QUESTION), "{line} is held\n{}", pty.dump());
    }
    world.database.assert_untouched();
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
}

/// A cancel inside a transaction says what is due, and leaves the transaction to the person.
#[test]
fn cancel_in_a_transaction_says_what_is_due() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    let insert = "insert into members values (9001, 1, 'mine');";
    let delete = "DELETE FROM families;";
    for lines in [&["begin;", insert, delete][..], &[&format!("begin; {insert} {delete}")]] {
        let (last, before) = lines.split_last().expect("lines");
        for line in before {
            pty.line(line);
            wait_for_any_prompt(&mut pty, &world);
        }
        pty.line(last);
        wait_for_question(&mut pty);
        assert!(pty.recent().contains("transaction"), "{}", pty.dump());
        pty.press(Key::Enter);
        pty.wait_for("nightlatch: cancelled");
        pty.wait_for("ROLLBACK");
        wait_for_any_prompt(&mut pty, &world);
        pty.wait_for_silence(PERSON_PAUSE);
        pty.line("commit;");
        pty.wait_for("COMMIT\n");
        wait_for_any_prompt(&mut pty, &world);
        assert_eq!(world.database.count("members"), 3001);
        assert_eq!(world.database.count("families"), 1000);
        pty.line("delete from members where id = 9001;");
        pty.wait_for("DELETE 1\n");
        wait_for_any_prompt(&mut pty, &world);
    }
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
}
