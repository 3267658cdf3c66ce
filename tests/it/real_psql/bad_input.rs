//! What is wrong around a session: a clear message with the next step, and the session goes on
//! where that is safe.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output};

use super::keys::wait_for_any_prompt;
use super::non_interactive::without_terminal;
use super::steps::{QUESTION, production, refuse_and_leave, wait_for_question};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::find;
use crate::support::world::run;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn unknown_client() {
    let Some(world) = production() else { return };
    let output = run(world.nightlatch(["sqlplus", "-c", "select 1"]), "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = said(&output);
    assert!(text.contains("no known client named sqlplus"), "{text}");
    assert!(text.contains("nightlatch run --as CLIENT -- COMMAND"), "{text}");
}

#[test]
fn client_by_its_path() {
    let Some(world) = production() else { return };
    let Some(psql) = find("psql") else { return };
    let output = run(world.nightlatch([psql.as_os_str(), OsStr::new("--help")]), "");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("psql is the PostgreSQL"),
        "{output:?}"
    );
    let typed = [psql.as_os_str(), OsStr::new("-c"), OsStr::new("select 7")];
    drop(run(world.nightlatch(typed), ""));
    let history = run(world.nightlatch(["history"]), "");
    assert!(String::from_utf8_lossy(&history.stdout).contains("select 7"), "{history:?}");
}

#[test]
fn client_that_cannot_be_run() {
    let Some(mut world) = production() else { return };
    world.write("psql", "not a program");
    let path = world.home();
    world.set("PATH", path.to_str().expect("UTF-8"));
    let output = run(world.nightlatch(["psql", "-c", "select 1"]), "");
    assert_eq!(output.status.code(), Some(126), "{output:?}");
    assert!(said(&output).contains("cannot be run"), "{output:?}");
    let program = world.write_program("psql", "#!/no/such/interpreter\n");
    let output = run(world.nightlatch(["psql", "-c", "select 1"]), "");
    let code = output.status.code();
    assert!(code == Some(126) || code == Some(127), "{program:?} {output:?}");
    assert!(said(&output).contains("psql"), "{output:?}");
}

/// A configuration that is no file: said, and destructive statements are held as on production.
#[test]
fn configuration_that_cannot_be_read() {
    let Some(mut world) = production() else { return };
    let home = world.home();
    world.set("NIGHTLATCH_CONFIG", home.to_str().expect("UTF-8"));
    let output = run(world.nightlatch(["config", "check"]), "");
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    let mut pty = world.open();
    assert!(pty.screen().to_string().contains("the configuration has 1 mistake"), "{}", pty.dump());
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// A data folder that cannot be made: said, and the guard is there all the same.
#[test]
fn data_folder_that_cannot_be_written() {
    let Some(mut world) = production() else { return };
    let file = world.write("file", "in the way");
    world.set("NIGHTLATCH_DATA_DIR", file.join("data").to_str().expect("UTF-8"));
    let mut pty = world.open();
    let screen = pty.screen().lines.concat();
    assert!(screen.contains("recording is off"), "{}", pty.dump());
    assert!(screen.contains("NIGHTLATCH_DATA_DIR"), "{}", pty.dump());
    assert!(!screen.contains("break-glass"), "{}", pty.dump());
    pty.line("select 40 + 2;");
    pty.wait_for("42");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    assert!(pty.recent().contains("not recorded"), "{}", pty.dump());
    refuse_and_leave(&world, &mut pty);
}

/// A disk that fills up: said, the session goes on, and what is held says that it is not recorded.
#[test]
fn disk_that_is_full() {
    let Some(mut world) = production() else { return };
    let disk = world.home().join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let mount = format!("mount -t tmpfs -o size=1536k none '{}'", disk.display());
    let in_namespace = |script: &str| {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["-m", "/bin/sh", "-c", script, "sh"]);
        command
    };
    if !in_namespace(&mount).status().is_ok_and(|status| status.success()) {
        // Not root, or in a container that may not mount.
        writeln!(std::io::stderr(), "SKIPPED: disk_that_is_full: no file system can be mounted")
            .ok();
        return;
    }
    world.set("NIGHTLATCH_DATA_DIR", disk.to_str().expect("UTF-8"));
    let wrapped = world.wrapped([world.database.uri("app")]);
    let script = format!("{mount} && exec \"$@\"");
    let mut command = in_namespace(&script);
    command.arg(wrapped.get_program()).args(wrapped.get_args());
    command.env_clear().current_dir(world.home());
    command.envs(wrapped.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut pty = Pty::spawn(command);
    pty.wait_for_prompt(&world.database.prompt());
    for line in ["\\pset pager off", "select n, md5(n::text) from generate_series(1, 60000) n;"] {
        pty.line(line);
        wait_for_any_prompt(&mut pty, &world);
    }
    let shown = String::from_utf8_lossy(&pty.raw).into_owned();
    assert!(shown.contains("nightlatch: "), "nothing is said of the disk\n{}", pty.dump());
    pty.line("select 40 + 2;");
    pty.wait_for("42");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// A window too small for anything: the question is asked, and refuses.
#[test]
fn terminal_that_is_tiny() {
    let Some(world) = production() else { return };
    for (columns, rows) in [(20, 3), (8, 2), (1, 1)] {
        let mut pty = world.open();
        pty.resize(columns, rows);
        pty.line("DELETE FROM families;");
        pty.wait_until("a held statement", |_| true);
        let end = pty.deadline();
        let squeezed = |text: &str| text.replace([' ', '\n', '\r'], "");
        while !squeezed(&pty.recent()).contains(&squeezed(QUESTION)) {
            assert!(!pty.is_hopeless(end), "no question in {columns}x{rows}\n{}", pty.dump());
        }
        pty.wait_for_silence(PERSON_PAUSE);
        world.database.assert_untouched();
        pty.press(Key::Enter);
        let end = pty.deadline();
        while !squeezed(&pty.recent()).contains("nightlatch:cancelled") {
            assert!(!pty.is_hopeless(end), "not cancelled in {columns}x{rows}\n{}", pty.dump());
        }
        pty.resize(80, 24);
        pty.wait_for_silence(PERSON_PAUSE);
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    }
    world.database.assert_untouched();
    world.assert_nothing_left();
}

/// A psql too old to tell how many rows a statement touched: said, and guarded as any.
#[test]
fn client_that_is_old() {
    let Some(mut world) = production() else { return };
    let psql = find("psql").expect("psql");
    let old = format!("#!/bin/sh\nexec '{}' -v VERSION_NUM= \"$@\"\n", psql.display());
    world.write_program("psql", &old);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", world.home().display());
    world.set("PATH", &path);
    let mut pty = Pty::spawn(world.nightlatch(["psql", &world.database.uri("app")]));
    pty.wait_for("older than 11");
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("DELETE FROM families;");
    wait_for_question(&mut pty);
    refuse_and_leave(&world, &mut pty);
}

/// What is not psql at all, under its name: nothing asks, and nothing hangs.
#[test]
fn client_that_is_something_else() {
    let Some(mut world) = production() else { return };
    world.write_program("psql", "#!/bin/sh\necho \"not psql: $#\"; cat; exit 3\n");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", world.home().display());
    world.set("PATH", &path);
    let command: Command = without_terminal(&world, &world.nightlatch(["psql"]));
    let output = run(command, "one\ntwo\n");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.starts_with("not psql") && printed.contains("\none\ntwo\n"), "{output:?}");
    world.assert_nothing_left();
}
