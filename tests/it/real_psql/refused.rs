//! Runs without a conversation on production: refused where nobody can be asked, asked on the
//! terminal where there is one, released by an approval that names the target.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::non_interactive::{Invocation, filled, without_terminal};
use super::steps::{QUESTION, production, wait_for_question};
use crate::support::postgres::{PASSWORD, cluster};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::world::{World, run, try_run};

/// What is refused on production where nobody can be asked.
const REFUSED: &[Invocation] = &[
    (&["$URI", "-c", "DELETE FROM families"], ""),
    (&["$URI", "-c", "select 1", "-c", "TRUNCATE families CASCADE"], ""),
    (&["$URI", "-f", "delete.sql"], ""),
    (&["$URI", "-f", "outer.sql"], ""),
    (&["$URI", "-1", "-f", "delete.sql"], ""),
    (&["$URI", "-f", "-"], "DELETE FROM families;\n"),
    (&["$URI"], "DELETE FROM families;\n"),
    (
        &["$URI"],
        "begin;\ninsert into members values (9001, 1, 'x');\nDELETE FROM families;\ncommit;\n",
    ),
    (&["$URI"], "\\i delete.sql\n"),
    (&["$URI"], "\\set t families\nDELETE FROM :t;\n"),
    (&["$URI"], "select 'DELETE FROM families' \\gexec\n"),
    (&["$URI"], "DELETE FROM families\n"),
    (&["$URI"], "-- don't\nDELETE FROM families;\n"),
    (&["$URI"], "\\set SINGLESTEP off\nDELETE FROM families;\n"),
    (&["$URI"], "DELETE FROM families \\watch 1\n"),
    // Without its last line end, psql would read end of file together with the question.
    (&["$URI"], "DELETE FROM families;"),
    (&["$URI", "-f", "-"], "select 1;\nDELETE FROM families;"),
    (&["$URI"], "copy nosuch from stdin;\nDELETE FROM families;"),
    // psql takes the name for a block that no semicolon ends.
    (
        &["$URI"],
        "create function begin() returns int language sql as 'select 1';\nDELETE FROM families;\n",
    ),
    // What a variable hides cannot be read beforehand.
    (&["$URI"], "\\set q DELETE\n:q FROM families \\watch 1\n"),
    (&["$URI"], "\\set f off.sql\n\\i :f\nDELETE FROM families;\n"),
    (&["$URI"], "\\set SINGLESTEP off\n\\set q DELETE\n:q FROM families;\n"),
    (&["$URI"], "\\set SINGLESTEP off\nselect 'DELETE FROM families' \\gexec\n"),
    (&["$URI", "-S"], "DELETE FROM families\n"),
    // Where a line ends a statement, this is no column called delete.
    (&["$URI", "-S", "-f", "lines.sql"], ""),
    (&["$URI", "-S", "-f", "-"], "select 1\ndelete from families\n"),
    (&["$URI", "-v", "SINGLELINE=on", "-f", "lines.sql"], ""),
    // A run that writes what it reads.
    (
        &[
            "$URI",
            "-Ato",
            "own.sql",
            "-c",
            "select 'delete from families;'",
            "-c",
            "\\o",
            "-f",
            "own.sql",
        ],
        "",
    ),
    // What was to be a temporary table is not there, or no longer.
    (&["$URI", "-f", "failed.sql"], ""),
    (&["$URI", "-f", "rolled-back.sql"], ""),
    (&["$URI", "-f", "dropped.sql"], ""),
    // In GBK the quote belongs to the character before it.
    (&["$URI?client_encoding=GBK", "-f", "quoted.sql"], ""),
    (&["$URI?client_encoding=GBK"], "select '日'; select '; delete from families; --';\n"),
    (&["$URI", "-X", "-c", "DELETE FROM families"], ""),
    (&["$URI", "-v", "SINGLESTEP=off", "-c", "DELETE FROM families"], ""),
    (&["$URI", "-c", "\\i delete.sql"], ""),
    (&["host=localhost port=$PORT user=app dbname=$DB", "-c", "DELETE FROM families"], ""),
    (&["-h", "localhost", "-p", "$PORT", "-U", "app", "$DB", "-c", "DELETE FROM families"], ""),
    (&["-d", "$URI", "-c", "DELETE FROM families"], ""),
    (&["--dbname=$URI", "--command=DELETE FROM families"], ""),
];

#[test]
fn refused_where_nobody_can_be_asked() {
    let Some(world) = production() else { return };
    world.write("delete.sql", "DELETE FROM families;\n");
    world.write("outer.sql", "\\ir delete.sql\n");
    world.write("off.sql", "\\set SINGLESTEP off\n");
    world.write("lines.sql", "select 1\ndelete from families\n");
    world.write("own.sql", "select 1;\n");
    world.write(
        "failed.sql",
        "create temp table families (x nosuchtype);\nupdate families set name = '';\n",
    );
    world.write(
        "rolled-back.sql",
        "begin;\ncreate temp table members (id int);\nselect 1/0;\ncommit;\ndelete from members;\n",
    );
    world.write(
        "dropped.sql",
        "create temp table members (id int);\ndrop table pg_temp.members;\ndelete from members;\n",
    );
    world.write("quoted.sql", "select '日'; select '; delete from families; --';\n");
    let mut failures = Vec::new();
    for (args, stdin) in REFUSED {
        let args = filled(&world, args);
        let output = match try_run(without_terminal(&world, &world.wrapped(&args)), stdin) {
            Ok(output) => output,
            Err(what) => {
                failures.push(what);
                world.database.reset();
                continue;
            }
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_refused = output.status.code() == Some(125)
            && said.contains("nightlatch")
            && said.contains("NIGHTLATCH_APPROVE=");
        let is_whole =
            world.database.count("families") == 1000 && world.database.count("members") == 3000;
        if !(is_refused && is_whole) {
            failures.push(format!("{args:?} < {stdin:?}: {output:?}"));
        }
        if !is_whole {
            world.database.reset();
        }
    }
    let count = failures.len();
    assert!(failures.is_empty(), "{count} are not refused:\n{}", failures.join("\n"));
    world.assert_nothing_left();
}

/// What a script makes, prepares and sets counts for what follows in it.
#[test]
fn what_needs_nobody_is_not_refused() {
    let Some(world) = production() else { return };
    world.write(
        "own.sql",
        "create temp table t (id int);\ninsert into t values (1);\ndelete from t;\ndrop table t;\n",
    );
    world.write(
        "one.sql",
        "begin;\ncreate temp table t (id int);\ndelete from t;\ndrop table t;\ncommit;\n",
    );
    world.write(
        "values.sql",
        "\\set name x\nselect 7 as one \\gset\nupdate members set name = :'name' where id = :one;\n\
         delete from members where id = :given;\n",
    );
    world.write(
        "plan.sql",
        "prepare p (int) as delete from members where id = $1;\nexecute p(3);\n",
    );
    for args in [
        &["-v", "ON_ERROR_STOP=1", "-f", "own.sql"][..],
        &["-1", "-f", "own.sql"],
        &["-f", "one.sql"],
        &["-v", "given=6", "-f", "values.sql"],
        &["-f", "plan.sql"],
        &["-c", "prepare p as select 1", "-c", "execute p"],
    ] {
        let uri = [world.database.uri("app")];
        let args: Vec<&str> = uri.iter().map(String::as_str).chain(args.iter().copied()).collect();
        let output = run(without_terminal(&world, &world.wrapped(&args)), "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("ERROR"), "{args:?}: {output:?}");
    }
    assert_eq!((world.database.count("families"), world.database.count("members")), (1000, 2998));
}

/// The variables that connect the client are seen too.
#[test]
fn refused_by_variables_and_service_file() {
    let Some(mut world) = production() else { return };
    let port = cluster().port;
    let name = world.database.name.clone();
    let service = format!("[orders]\nhost=localhost\nport={port}\nuser=app\ndbname={name}\n");
    let file = world.write("services.conf", &service);
    world.set("PGSERVICEFILE", file.to_str().expect("UTF-8"));
    let output = run(
        without_terminal(&world, &world.wrapped(["service=orders", "-c", "DELETE FROM families"])),
        "",
    );
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    world.database.assert_untouched();
    for (variable, value) in [
        ("PGHOST", "localhost"),
        ("PGPORT", &port.to_string()),
        ("PGUSER", "app"),
        ("PGDATABASE", &name),
    ] {
        world.set(variable, value);
    }
    let output = run(without_terminal(&world, &world.wrapped(["-c", "DELETE FROM families"])), "");
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    world.database.assert_untouched();
}

#[test]
fn approval_releases_one_target() {
    let Some(mut world) = production() else { return };
    let name = world.database.name.clone();
    let args = [world.database.uri("app"), "-c".to_owned(), "DELETE FROM families".to_owned()];
    for wrong in ["orders-staging".to_owned(), "yes".to_owned(), "1".to_owned(), name.clone()] {
        world.set("NIGHTLATCH_APPROVE", &wrong);
        let output = run(without_terminal(&world, &world.wrapped(&args)), "");
        assert_eq!(output.status.code(), Some(125), "{wrong}: {output:?}");
        world.database.assert_untouched();
    }
    for right in ["orders-prod".to_owned(), format!("localhost:{}/{name}", cluster().port)] {
        world.set("NIGHTLATCH_APPROVE", &right);
        let output = run(without_terminal(&world, &world.wrapped(&args)), "");
        assert_eq!(output.status.code(), Some(0), "{right}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "DELETE 1000\n");
        assert_eq!(world.database.count("families"), 0);
        world.database.reset();
    }
}

/// What the refusal prints can be pasted.
#[test]
fn refusal_prints_the_approval_ready_to_paste() {
    let Some(mut world) = production() else { return };
    let args = [world.database.uri("app"), "-c".to_owned(), "DELETE FROM families".to_owned()];
    let output = run(without_terminal(&world, &world.wrapped(&args)), "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, rest) = said.split_once("NIGHTLATCH_APPROVE=").expect("the approval is printed");
    let end = rest.find(|char: char| char.is_whitespace() || char == '`').unwrap_or(rest.len());
    world.set("NIGHTLATCH_APPROVE", rest[..end].trim_matches(['\'', '"']));
    let output = run(without_terminal(&world, &world.wrapped(&args)), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// Where there is a terminal, it is asked even if stdin and stdout are something else.
#[test]
fn redirected_run_asks_on_the_terminal() {
    let Some(world) = production() else { return };
    let name = world.database.name.clone();
    let file = world.write("delete.sql", "DELETE FROM families;\nselect 'after';\n");
    for streams in
        [[false, true, true], [false, false, true], [false, false, false], [true, false, true]]
    {
        for is_released in [false, true] {
            let mut args = vec![world.database.uri("app")];
            if streams[0] {
                args.extend(["-f".to_owned(), "delete.sql".to_owned()]);
            }
            let mut command = world.wrapped(&args);
            command.stdin(File::open(&file).expect("file"));
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut pty = Pty::spawn_with(command, streams);
            wait_for_question(&mut pty);
            world.database.assert_untouched();
            if is_released {
                pty.answer(&name);
                assert_eq!(pty.finish().code(), Some(0), "{streams:?}\n{}", pty.dump());
                assert_eq!(world.database.count("families"), 0, "{streams:?}");
            } else {
                pty.press(Key::Enter);
                assert_eq!(pty.finish().code(), Some(125), "{streams:?}\n{}", pty.dump());
                world.database.assert_untouched();
            }
            world.database.reset();
        }
    }
}

/// The password is asked as bare asks it, and goes to no record.
#[test]
fn password_is_asked_and_not_recorded() {
    let Some(world) = production() else { return };
    let ask = |command: Command| {
        let mut pty = Pty::spawn(command);
        pty.wait_for("Password");
        pty.line(PASSWORD);
        pty.wait_for_prompt(&world.database.prompt());
        pty.line("\\q");
        (pty.finish(), pty.screen())
    };
    let bare = ask(world.bare(["-W", &world.database.uri("locked")]));
    assert_eq!(ask(world.wrapped(["-W", &world.database.uri("locked")])), bare);
    // With stdin from a file the password still comes from the terminal.
    let script = world.write("script.sql", "select 40 + 2;\nDELETE FROM families;\n");
    let mut command = world.wrapped(["-W", &world.database.uri("locked")]);
    command.stdin(File::open(script).expect("script"));
    let mut pty = Pty::spawn_with(command, [false, true, true]);
    pty.wait_for("Password");
    pty.line(PASSWORD);
    pty.wait_for(QUESTION);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.press(Key::Enter);
    assert_eq!(pty.finish().code(), Some(125), "{}", pty.dump());
    world.database.assert_untouched();
    for file in files_below(&world.data()) {
        let bytes = fs::read(&file).expect("file");
        let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "the password is in {}", file.display());
    }
}

/// Lists every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// An approval that names something else is told what would have fitted; and where a broken
/// configuration makes a target count as production, the refusal says so.
#[test]
fn refusal_says_what_would_have_fitted() {
    let Some(mut world) = production() else { return };
    let args = [world.database.uri("app"), "-c".to_owned(), "DELETE FROM families".to_owned()];
    let address = format!("localhost:{}/{}", cluster().port, world.database.name);
    let refused = |world: &World| {
        let output = run(without_terminal(world, &world.wrapped(&args)), "");
        assert_eq!(output.status.code(), Some(125), "{output:?}");
        world.database.assert_untouched();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(!refused(&world).contains("the approval names"));
    world.set("NIGHTLATCH_APPROVE", "orders");
    let said = refused(&world);
    let line =
        format!("the approval names 'orders', and this target is 'orders-prod' or '{address}'");
    assert!(said.contains(&line), "{said}");
    // The same where psql has to be asked statement by statement.
    let script = "\\set t families\nDELETE FROM :t;\n";
    let output = run(without_terminal(&world, &world.wrapped(&args[..1])), script);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&line), "{said}");

    let config =
        world.write("broken.toml", "[[target]]\nname = \"x\"\ntier = \"prod\"\nmatch = 1\n");
    world.set("NIGHTLATCH_CONFIG", config.to_str().expect("UTF-8"));
    let said = refused(&world);
    assert!(said.contains(&format!("refused on production {address}")), "{said}");
    assert!(said.contains("the configuration has errors, so this target counts as production"));
}
