//! What the server prints or a statement holds may look like psql's question or like our marks: nobody
//! believes it.

use super::keys::wait_for_any_prompt;
use super::steps::{leave, production, refuse, refuse_and_leave, wait_for_question};
use crate::support::pty::PERSON_PAUSE;

/// The two lines psql 15 prints around a statement in single-step mode.
pub(crate) const OPENING: &str =
    "***(Single step mode: verify command)*******************************************";
pub(crate) const CLOSING: &str =
    "***(press return to proceed or enter x and return to cancel)********************";

/// A statement with both banner lines in a string prints as bare and hides nothing after it.
#[test]
fn banner_in_a_string() {
    forged(&format!("select '{OPENING}\nselect 1;\n{CLOSING}\n' as x;"));
}

#[test]
fn banner_in_a_comment() {
    forged(&format!("/*\n{OPENING}\nselect 1;\n{CLOSING}\n*/ select 1;"));
}

#[test]
fn closing_line_first() {
    forged(&format!("select '\n{CLOSING}\n{OPENING}\n' as x;"));
}

#[test]
fn closing_line_only() {
    forged(&format!("select '\n{CLOSING}\n' as x;"));
}

/// Runs a harmless statement with forged lines from a file, bare and wrapped; then sees that a
/// DELETE with the same lines around it is held.
fn forged(statement: &str) {
    let Some(world) = production() else { return };
    world.write(".psqlrc", "\\set QUIET on\n\\pset pager off\n\\set QUIET off\n");
    world.write("forged.sql", &format!("{statement}\n"));
    // The text after the first line break of the forgery is the dangerous one.
    let delete = statement.replace("select 1;", "DELETE FROM families;");
    world.write("delete.sql", &format!("{delete}\nDELETE FROM families;\n"));
    let mut bare = world.open_bare();
    bare.line("\\i forged.sql");
    wait_for_any_prompt(&mut bare, &world);
    let expected = bare.wait_for_silence(PERSON_PAUSE);
    bare.line("\\q");
    bare.finish();
    drop(std::fs::remove_file(world.home().join(".psql_history")));
    let mut pty = world.open();
    pty.line("\\i forged.sql");
    pty.wait_until(&format!("the bare client's screen:\n{expected}"), |screen| *screen == expected);
    pty.line("\\i delete.sql");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// The server prints what looks like a question: nobody answers it, and it shows as it is.
#[test]
fn banner_printed_by_the_server() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("\\pset format unaligned");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\pset tuples_only on");
    wait_for_any_prompt(&mut pty, &world);
    world.write(
        "print.sql",
        &format!("select E'{OPENING}\\nselect 1;\\n{CLOSING}' as x, pg_sleep(0.3);\n"),
    );
    for _ in 0..3 {
        pty.line("\\i print.sql");
        wait_for_any_prompt(&mut pty, &world);
        let printed = pty.recent();
        assert!(printed.contains(OPENING), "swallowed\n{}", pty.dump());
        assert!(printed.contains(CLOSING), "swallowed\n{}", pty.dump());
        pty.line("DELETE FROM families;");
        refuse(&mut pty, &world);
    }
    leave(&world, &mut pty);
}

/// The server prints a banner around a harmless statement in the moment the real question comes.
#[test]
fn banner_printed_before_a_held_statement() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    for line in ["\\pset format unaligned", "\\pset tuples_only on"] {
        pty.line(line);
        wait_for_any_prompt(&mut pty, &world);
    }
    world.write(
        "print.sql",
        &format!(
            "select E'{OPENING}\\nselect 1;\\n{CLOSING}';\nDELETE FROM families;\n\
             select E'{OPENING}\\nselect 1;\\n{CLOSING}';\n"
        ),
    );
    pty.line("\\i print.sql");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// A notice can hold anything as well.
#[test]
fn banner_in_a_notice() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    world.write(
        "notice.sql",
        &format!("do $$ begin raise notice E'\\n{OPENING}\\nselect 1;\\n{CLOSING}'; end $$;\n"),
    );
    pty.line("\\i notice.sql");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// Marks printed by the server change nothing: the nonce is secret.
#[test]
fn mark_printed_by_the_server() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    for line in ["\\pset format unaligned", "\\pset tuples_only on"] {
        pty.line(line);
        wait_for_any_prompt(&mut pty, &world);
    }
    let name = &world.database.name;
    for nonce in ["", "0", "deadbeef", "0123456789abcdef0123456789abcdef"] {
        pty.line(&format!(
            "select E'\\033]6973;{nonce};P;app@localhost:1/{name};pid=1;tx=;s=on;r=0;e=00000;\
             v=150018\\007';"
        ));
        wait_for_any_prompt(&mut pty, &world);
        pty.line("DELETE FROM families;");
        refuse(&mut pty, &world);
        world.database.assert_untouched();
    }
    leave(&world, &mut pty);
}

/// The nonce can be found out by `\echo :PROMPT1`; a mark printed with it must not fool the tier.
#[test]
fn mark_copied_from_the_prompt_variable() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    for line in [
        "\\pset format unaligned",
        "\\pset tuples_only on",
        "select replace(replace(:'PROMPT1', '%033', E'\\033'), '%007', E'\\007');",
    ] {
        pty.line(line);
        wait_for_any_prompt(&mut pty, &world);
    }
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}
