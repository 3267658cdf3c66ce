//! Versions of psql whose question and prompt differ from the machine's own.

use super::keys::wait_for_any_prompt;
use super::steps::{production, refuse, wait_for_question};
use crate::support::psql::others;
use crate::support::pty::{Key, PERSON_PAUSE};
use crate::support::tool::{Tool, needs};
use crate::support::world::{World, run};

/// Does something in a world of each version.
fn with_each(does: impl Fn(&World)) {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock, Tool::OtherPsql]) {
        return;
    }
    for folder in others().into_iter().flatten() {
        let Some(mut world) = production() else { return };
        world.set("PATH", &format!("{}:/usr/bin:/bin", folder.display()));
        // Its line editor does not look where Debian keeps them.
        world.set("TERMINFO_DIRS", "/lib/terminfo:/usr/share/terminfo");
        does(&world);
        world.assert_nothing_left();
    }
}

#[test]
fn a_session_is_held_and_released() {
    with_each(|world| {
        let mut pty = world.open();
        pty.line("select 40 + 2 as sum;");
        pty.wait_for("42");
        wait_for_any_prompt(&mut pty, world);
        for line in ["delete from families;", "delete from families \\g", "drop table members;"] {
            pty.line(line);
            refuse(&mut pty, world);
        }
        pty.line("delete from families \\watch 1");
        refuse(&mut pty, world);
        pty.press(Key::Up);
        pty.press(Key::Up);
        pty.press(Key::Enter);
        wait_for_question(&mut pty);
        pty.press(Key::Ctrl('c'));
        pty.wait_for("nightlatch: cancelled");
        pty.wait_for_silence(PERSON_PAUSE);
        world.database.assert_untouched();
        pty.line("delete from families;");
        wait_for_question(&mut pty);
        pty.answer(&world.database.name);
        pty.wait_for("DELETE 1000");
        wait_for_any_prompt(&mut pty, world);
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
        assert_eq!(world.database.count("families"), 0);
    });
}

#[test]
fn scripts_are_refused_or_run() {
    with_each(|world| {
        let uri = world.database.uri("app");
        world.write("asks.sql", "\\set n 7\nselect :n + 1;\ndelete from :t;\nselect 'after';\n");
        for args in [&["-c", "delete from families"][..], &["-v", "t=members", "-f", "asks.sql"]] {
            let output = run(world.wrapped([&[uri.as_str()], args].concat()), "");
            assert_eq!(output.status.code(), Some(125), "{output:?}");
            assert!(!String::from_utf8_lossy(&output.stdout).contains("after"), "{output:?}");
            world.database.assert_untouched();
        }
        let output = run(world.wrapped([&uri, "-At"]), "\\set n 7\nselect :n + 1;\nselect 2");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "8\n2\n", "{output:?}");
    });
}
