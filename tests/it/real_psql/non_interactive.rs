//! Runs without a conversation: byte for byte as bare, wherever the streams go.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use super::steps::production;
use crate::support::postgres::cluster;
use crate::support::pty::Pty;
use crate::support::tool::{Tool, find, needs};
use crate::support::world::{Tier, World, run};

/// One invocation: arguments (`$URI` and `$PORT` are filled in) and what stdin holds.
pub(crate) type Invocation = (&'static [&'static str], &'static str);

/// What people write in scripts, Makefiles and cron tables.
const INVOCATIONS: &[Invocation] = &[
    (&["$URI", "-c", "select 1"], ""),
    (&["$URI", "-c", "select 1", "-c", "select 2; select 3"], ""),
    (&["$URI", "-Atc", "select id, name from families order by id limit 3"], ""),
    (&["$URI", "--csv", "-c", "select 'a,b' as x, null as y"], ""),
    (&["$URI", "-H", "-c", "select '<b>' as x"], ""),
    (&["$URI", "-xc", "select * from families where id = 1"], ""),
    (&["$URI", "-c", "select 1/0"], ""),
    (&["$URI", "-c", "selec 1"], ""),
    (&["$URI", "-c", "select 1/0; select 2"], ""),
    (&["$URI", "-v", "ON_ERROR_STOP=1", "-c", "select 1/0", "-c", "select 2"], ""),
    (&["$URI", "-c", "delete from members where id = 1 returning *"], ""),
    (&["$URI", "-c", "delete from families"], ""),
    (&["$URI", "-c", "\\d families"], ""),
    (&["$URI", "-c", "\\dt", "-c", "\\nonsense"], ""),
    (&["$URI", "-f", "script.sql"], ""),
    (&["$URI", "-f", "errors.sql"], ""),
    (&["$URI", "-v", "ON_ERROR_STOP=1", "-f", "errors.sql"], ""),
    (&["$URI", "-1", "-f", "errors.sql"], ""),
    (&["$URI", "-1", "-f", "script.sql"], ""),
    (&["$URI", "-f", "outer.sql"], ""),
    (&["$URI", "-f", "nowhere.sql"], ""),
    (&["$URI", "-f", "-"], "select 1;\nselect 1/0;\nselect 2;\n"),
    (&["$URI"], "select 1;\nselect 1/0;\nselect 2;\n"),
    (&["$URI"], "select 1\n"),
    (&["$URI"], ""),
    (&["$URI"], "\\echo one\n\\warn two\nselect 3 as three \\gset\nselect :three;\n"),
    (
        &["$URI"],
        "copy members from stdin;\n9001\t1\tx\n\\.\nselect * from members where id > 9000;\n",
    ),
    // Input that ends in the middle of something.
    (&["$URI"], "create temp table r (n text);\ncopy r from stdin;\nrow1\nrow2"),
    (&["$URI", "-f", "-"], "create temp table r (n int);\ncopy r from stdin;\n1\n2\n"),
    (&["$URI"], "create temp table r (n text);\n\\copy r from pstdin\nrow1\n"),
    (&["$URI", "-c", "\\copy members from stdin", "-c", "select 1"], "9001\t1\tx\n"),
    (&["$URI", "-f", "copy.sql"], "9001\t1\tx\n"),
    (&["$URI", "-e"], "select 1;\n/* nothing */\n"),
    (&["$URI", "-e"], "\\set x 1\nselect :x"),
    (&["$URI"], "select 'never"),
    (&["$URI"], "select 1 /* never\n"),
    (
        &["$URI"],
        "create or replace function begin() returns int language sql as 'select 1';\nselect 2;\n",
    ),
    (&["$URI"], "do $$ begin raise notice 'said'; raise warning 'loud'; end $$;\n"),
    (&["$URI"], "delete from members;\ndrop table members;\nselect count(*) from families;\n"),
    (&["$URI", "-v", "ON_ERROR_STOP=1"], "select 1;\nselect 1/0;\nselect 2;\n"),
    (&["$URI", "-a"], "select 1;\n-- a comment\nselect 2;\n"),
    (&["$URI", "-e"], "select 1;\nselect 2;\n"),
    (&["$URI", "-b"], "select 1/0;\n"),
    (&["$URI", "-E", "-c", "\\dn"], ""),
    (&["$URI", "-q", "-v", "who=world"], "select :'who' as hello;\n"),
    (&["$URI", "-o", "out.txt", "-c", "select 1"], ""),
    (&["$URI", "-L", "log.txt", "-c", "select 1"], ""),
    (&["$URI", "-n"], "select 1;\n"),
    (&["$URI", "-X", "-c", "select 1"], ""),
    (&["$URI", "-S"], "select 1\nselect 2\n"),
    (&["$URI", "-s", "-c", "select 1"], "\n"),
    (&["$URI", "-s", "-c", "select 1"], "x\n"),
    (&["$URI", "-i"], "select 1;\n"),
    (&["$URI", "-c", "select 1 \\; select 2"], ""),
    (&["$URI"], "select generate_series(1, 2000) as n;\n"),
    (&["$URI"], "select 1 \\; select 2;\n\\if false\nselect 3;\n\\else\nselect 4;\n\\endif\n"),
    (&["$URI"], "\\q\nselect 1;\n"),
    (&["$URI"], "\\i script.sql\n\\ir script.sql\n\\! echo shell\n\\copy families to stdout\n"),
    (&["$URI", "-P", "null=none", "-P", "border=2", "-c", "select null as n"], ""),
    (&["$URI", "-AtF", "|", "-R", ";", "-c", "select id, name from families where id < 4"], ""),
    (&["$URI", "-z", "-0", "-c", "select 1, 2"], ""),
    (&["$URI", "-v", "x=1", "-v", "y", "-f", "-"], "select :x;\n\\echo :y\n"),
    (&["$URI", "-w", "-c", "select 1"], ""),
    (&["$URI", "-1", "-c", "delete from members where id = 1", "-c", "select 1/0"], ""),
    (&["$URI", "-1", "-f", "-"], "delete from members;\nselect 1/0;\n"),
    (&["$URI", "-1"], "select 1;\n"),
    (&["$URI", "-c", "select 1", "-f", "script.sql", "-c", "\\echo done"], ""),
    (&["$URI", "-f", "-"], "\\set t families\nselect count(*) from :t;\n\\prompt 'name? ' n\nx\n"),
    (&["$URI"], "select 'select ' || n from generate_series(1, 3) n \\gexec\nselect 1 \\gdesc\n"),
    (&["$URI", "-e", "-f", "meta.sql"], ""),
    (&["$URI", "-a", "-f", "meta.sql"], ""),
    (&["$URI", "-b", "-f", "meta.sql"], ""),
    (&["$URI", "-v", "ECHO=queries", "-f", "meta.sql"], ""),
    (&["$URI", "-f", "echo.sql"], ""),
    (&["$URI", "-f", "echo.sql", "-f", "script.sql"], ""),
    (&["$URI"], "\\i echo.sql\nselect 6;\n\\set ECHO none\nselect 7;\n"),
    (
        &["$URI"],
        "\\set ECHO queries\n-- a comment\nselect 1;\nselect\n 2\n;\n\\set ECHO none\nselect 3;\n",
    ),
    (
        &["$URI"],
        "\\set ECHO all\nselect 1;\n\\set ECHO errors\nselect 1/0;\n\\unset ECHO\nselect 3;\n",
    ),
    (
        &["$URI"],
        "\\set ECHO queries\nselect 'select ' || n from generate_series(1, 2) n \\gexec\n\\dn\n",
    ),
    (&["-l"], ""),
    (&["--version"], ""),
    (&["-V"], ""),
    (&["-?"], ""),
    (&["--help=variables"], ""),
    (&["--no-such-option"], ""),
    (
        &[
            "-h",
            "localhost",
            "-p",
            "$PORT",
            "-U",
            "nobody-there",
            "-d",
            "nowhere",
            "-c",
            "select 1",
        ],
        "",
    ),
    (&["-h", "localhost", "-p", "1", "-c", "select 1"], ""),
    (&["-h", "localhost", "-p", "$PORT", "-U", "app", "$DB", "-c", "select current_user"], ""),
    (&["host=localhost port=$PORT user=app dbname=$DB", "-c", "select current_user"], ""),
];

/// Fills in what an argument refers to.
pub(crate) fn filled(world: &World, args: &[&str]) -> Vec<String> {
    let port = cluster().port.to_string();
    args.iter()
        .map(|arg| {
            arg.replace("$URI", &world.database.uri("app"))
                .replace("$PORT", &port)
                .replace("$DB", &world.database.name)
        })
        .collect()
}

/// Writes the scripts and makes a fresh state of files and database.
fn furnish(world: &World) {
    if world.database.is_touched() {
        world.database.reset();
    }
    world.write("script.sql", "select 1 as one;\ninsert into members values (9001, 1, 'x');\n");
    world.write(
        "errors.sql",
        "insert into members values (9002, 1, 'x');\nselect 1/0;\nselect 2;\n",
    );
    world.write("outer.sql", "\\echo outer\n\\ir script.sql\n\\ir nowhere.sql\nselec 1;\n");
    world.write("meta.sql", "\\set x 1\nselect :x; select 2;\nselect\n  3;\nselect 1/0;\n");
    world.write("copy.sql", "\\copy members from pstdin\nselect 1;\n");
    world.write(
        "echo.sql",
        "select 1;\n\\set ECHO queries\nselect 2; select\n3;\n\\set x 4\nselect :x \\g\nselect 5;\n",
    );
    for name in ["out.txt", "log.txt"] {
        drop(fs::remove_file(world.home().join(name)));
    }
}

/// Runs a command in a session without a terminal.
pub(crate) fn without_terminal(world: &World, inner: &Command) -> Command {
    let mut command = world.command("/usr/bin/setsid");
    command.arg("--wait").arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

/// Everything a script can see of a run.
fn seen(world: &World, output: &Output) -> String {
    let file = |name: &str| fs::read_to_string(world.home().join(name)).unwrap_or_default();
    format!(
        "status {:?} signal {:?}\n--- stdout\n{}\n--- stderr\n{}\n--- out.txt\n{}\n--- log.txt\n{}\n\
         --- families {} members {}",
        output.status.code(),
        output.status.signal(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        file("out.txt"),
        without_dates(&file("log.txt")),
        world.database.sql("select to_regclass('families') is not null"),
        world.database.sql("select coalesce(to_regclass('members')::text, 'none')"),
    )
}

/// A log file may hold the time.
fn without_dates(text: &str) -> String {
    text.lines().filter(|line| !line.contains("2026")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_invocation_is_as_bare_without_a_terminal() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let mut failures = Vec::new();
    for (args, stdin) in INVOCATIONS {
        let args = filled(&world, args);
        furnish(&world);
        let bare = run(without_terminal(&world, &world.bare(&args)), stdin);
        let bare = seen(&world, &bare);
        furnish(&world);
        let wrapped = run(without_terminal(&world, &world.wrapped(&args)), stdin);
        let wrapped = seen(&world, &wrapped);
        if bare != wrapped {
            failures.push(format!("{args:?} < {stdin:?}\nbare: {bare}\nwrapped: {wrapped}"));
        }
    }
    let count = failures.len();
    assert!(failures.is_empty(), "{count} differ:\n{}", failures.join("\n==========\n"));
    world.assert_nothing_left();
}

/// Which of stdin, stdout and stderr are the terminal: all but the three at once.
const STREAMS: &[[bool; 3]] = &[
    [true, true, true],
    [false, true, true],
    [true, false, true],
    [true, true, false],
    [false, false, true],
    [false, true, false],
    [true, false, false],
    [false, false, false],
];

/// Runs on a terminal with some streams redirected to files; returns all that can be seen.
fn redirected(world: &World, mut command: Command, stdin: &str, streams: [bool; 3]) -> String {
    let stdin = world.write("stdin.txt", stdin);
    let (out, err) = (world.write("stdout.txt", ""), world.write("stderr.txt", ""));
    if !streams[0] {
        command.stdin(File::open(stdin).expect("stdin"));
    }
    if !streams[1] {
        command.stdout(File::create(&out).expect("stdout"));
    }
    if !streams[2] {
        command.stderr(File::create(&err).expect("stderr"));
    }
    let mut pty = Pty::spawn_with(command, streams);
    let status = pty.finish();
    let screen = pty.screen();
    format!(
        "{status:?}\n--- terminal\n{screen}\n--- stdout\n{}\n--- stderr\n{}",
        fs::read_to_string(out).expect("stdout"),
        fs::read_to_string(err).expect("stderr")
    )
}

#[test]
fn every_redirection_is_as_bare() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    world.set("PAGER", "cat");
    let mut failures = Vec::new();
    for streams in STREAMS {
        for (args, stdin) in [
            (&["$URI", "-c", "select 1", "-c", "select 1/0"][..], ""),
            (&["$URI", "-c", "select generate_series(1, 40)"][..], ""),
            (&["$URI", "-f", "errors.sql"][..], ""),
            (&["$URI", "-f", "-"][..], "select 1;\nselect 1/0;\ndelete from members;\n"),
            (&["$URI"][..], "select 1;\nselect 1/0;\ndelete from members;\n\\echo done\n"),
        ] {
            // With the terminal as stdin these would wait for a person.
            if streams[0] && !stdin.is_empty() {
                continue;
            }
            let args = filled(&world, args);
            furnish(&world);
            let bare = redirected(&world, world.bare(&args), stdin, *streams);
            furnish(&world);
            let wrapped = redirected(&world, world.wrapped(&args), stdin, *streams);
            if bare != wrapped {
                failures.push(format!("{args:?} {streams:?}\nbare: {bare}\nwrapped: {wrapped}"));
            }
        }
    }
    let count = failures.len();
    assert!(failures.is_empty(), "{count} differ:\n{}", failures.join("\n==========\n"));
}

/// What people's shells do to the streams, with the status and all that is said.
#[test]
fn odd_streams_are_as_bare() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let into = r"-c 'create temp table f (like families)' -c '\copy f from stdin (format binary)'";
    let out = r"-Atc '\copy families to pstdout (format binary)'";
    let mut failures = Vec::new();
    for line in [
        r#""$@" -c 'select 1' 2>&-"#,
        r#""$@" -c 'select 1' <&-"#,
        r#""$@" -f meta.sql <&-"#,
        r#""$@" -f ."#,
        r#""$@" -c 'select 1' > /dev/full"#,
        r#""$@" -c '\dt' > /dev/full"#,
        &format!(r#""$@" {out} | "$@" {into} -c 'select count(*) from f'"#),
        &format!(r#""$@" {out} > f.bin; "$@" {into} -c 'select count(*) from f' < f.bin"#),
    ] {
        let seen_of = |client: &Command| {
            furnish(&world);
            let mut command = world.command("/bin/sh");
            command.args(["-c", &format!("{line}; echo status $? >&2"), "sh"]);
            command.arg(client.get_program()).args(client.get_args());
            seen(&world, &run(without_terminal(&world, &command), ""))
        };
        let uri = [world.database.uri("app")];
        let (bare, wrapped) = (seen_of(&world.bare(&uri)), seen_of(&world.wrapped(&uri)));
        if bare != wrapped {
            failures.push(format!("{line}\nbare: {bare}\nwrapped: {wrapped}"));
        }
    }
    let count = failures.len();
    assert!(failures.is_empty(), "{count} differ:\n{}", failures.join("\n==========\n"));
    world.assert_nothing_left();
}

/// Where the client cannot meet the trouble itself, it is said, and what follows is as bare.
#[test]
fn streams_that_fail_are_told() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    furnish(&world);
    let full = "nightlatch: standard output cannot be written, and what comes there is lost: No \
                space left on device (os error 28)\npsql:meta.sql:5: ERROR:  division by zero\n";
    let folder = "nightlatch: standard input cannot be read: Is a directory (os error 21)\n";
    for (redirected, status, expected) in [("-f meta.sql > /dev/full", 0, full), ("< .", 1, folder)]
    {
        let mut command = world.command("/bin/sh");
        command.args(["-c", &format!("\"$@\" {redirected}"), "sh"]);
        let wrapped = world.wrapped([world.database.uri("app")]);
        command.arg(wrapped.get_program()).args(wrapped.get_args());
        let output = run(without_terminal(&world, &command), "");
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected, "{redirected}");
        assert_eq!(output.status.code(), Some(status), "{redirected}");
    }
    world.assert_nothing_left();
}

/// A reader that goes away ends the client as it would end bare.
#[test]
fn closed_stdout_ends_the_run() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock, Tool::Bash]) {
        return;
    }
    let world = World::new(Tier::Development);
    let head = |client: &Command| {
        let mut command = world.command("/bin/bash");
        command.args(["-c", "\"$@\" | head -n 2; echo ${PIPESTATUS[0]}", "bash"]);
        command.arg(client.get_program()).args(client.get_args());
        run(command, "")
    };
    let sql = "select generate_series(1, 300000)";
    let args = [world.database.uri("app"), "-Atc".to_owned(), sql.to_owned()];
    let bare = head(&world.bare(&args));
    let wrapped = head(&world.wrapped(&args));
    assert_eq!(seen(&world, &bare), seen(&world, &wrapped));
    world.assert_nothing_left();
}

/// A result larger than any buffer arrives whole, and a reader that is slow gets all of it.
#[test]
fn large_output_is_whole() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let sql = "select n, repeat(md5(n::text), 30) from generate_series(1, 20000) as n";
    let args = [world.database.uri("app"), "-Atc".to_owned(), sql.to_owned()];
    let bare = run(world.bare(&args), "");
    let wrapped = run(world.wrapped(&args), "");
    assert_eq!(bare.stdout.len(), wrapped.stdout.len());
    assert!(bare.stdout == wrapped.stdout, "the bytes differ");
    assert_eq!(bare.status, wrapped.status);
}

/// A statement larger than any buffer runs, and comes back whole.
#[test]
fn large_statement_passes() {
    let Some(world) = production() else { return };
    let text = format!("select length('{}');\n", "x".repeat(3_000_000));
    let args = [world.database.uri("app"), "-At".to_owned()];
    let output = run(world.wrapped(&args), &text);
    let printed = String::from_utf8_lossy(&output.stdout);
    let end = &printed[printed.len().saturating_sub(200)..];
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(printed == "3000000\n", "{} bytes came: … {end}\n{said}", printed.len());
    assert!(output.status.success(), "{:?}", output.status);
}

/// On production, what destroys nothing is as bare too.
#[test]
fn reading_production_is_as_bare() {
    let Some(world) = production() else { return };
    let latin1 = b"\\encoding latin1\nselect '\xe9' as \"\xfc\";\n";
    fs::write(world.home().join("latin.sql"), latin1).expect("write");
    for (args, stdin) in [
        (&["$URI"][..], "select 1;\nselect 1/0;\n"),
        (&["$URI"], "\\dt\nselect 2 \\gx\n"),
        (&["$URI"], "insert into members values (9, 1, 'x');\n"),
        (&["$URI", "-f", "latin.sql"], ""),
        (&["$URI?client_encoding=latin1", "-f", "latin.sql"], ""),
    ] {
        let args = filled(&world, args);
        let bare = run(without_terminal(&world, &world.bare(&args)), stdin);
        let wrapped = run(without_terminal(&world, &world.wrapped(&args)), stdin);
        assert_eq!(seen(&world, &bare), seen(&world, &wrapped), "{args:?} {stdin}");
    }
}

/// A client that is not there, as `env` says it.
#[test]
fn missing_client_is_127() {
    let mut world = World::new(Tier::Development);
    world.set("PATH", "/nonexistent");
    let output = run(world.nightlatch(["psql", "-c", "select 1"]), "");
    assert_eq!(output.status.code(), Some(127), "{output:?}");
    assert!(!output.stderr.is_empty(), "nothing said");
}

/// `PGSERVICE`, Debian's `--cluster`, and psql by its own path.
#[test]
fn other_ways_to_say_where_are_as_bare() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let (port, name) = (cluster().port, world.database.name.clone());
    let service = format!("[orders]\nhost=localhost\nport={port}\nuser=app\ndbname={name}\n");
    let file = world.write("services.conf", &service);
    world.set("PGSERVICEFILE", file.to_str().expect("UTF-8"));
    world.set("PGSERVICE", "orders");
    let place = format!("15/localhost:{port}");
    for args in [
        &["-c", "select current_user, current_database()"][..],
        &["--cluster", &place, "-U", "app", "-d", &name, "-c", "select current_user"],
        &["--cluster", "99/nowhere", "-c", "select 1"],
    ] {
        let bare = run(without_terminal(&world, &world.bare(args)), "");
        let wrapped = run(without_terminal(&world, &world.wrapped(args)), "");
        assert_eq!(seen(&world, &bare), seen(&world, &wrapped), "{args:?}");
    }
    let server = find("postgres").and_then(|file| file.canonicalize().ok()).expect("postgres");
    let psql = server.with_file_name("psql");
    let mut command = world.command(&psql);
    command.args(["-c", "select 1/0"]);
    let bare = run(without_terminal(&world, &command), "");
    let mut command = world.nightlatch(["run", "--as", "psql", "--"]);
    command.arg(&psql).args(["-c", "select 1/0"]);
    let wrapped = run(without_terminal(&world, &command), "");
    assert_eq!(seen(&world, &bare), seen(&world, &wrapped));
}

/// No prompt tells how many rows a statement of a script touched; its command tag does, if it is
/// shown.
#[test]
fn a_script_has_the_rows_of_its_command_tags() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let script = "\\set x 1\nCREATE TABLE n AS SELECT generate_series(1, 3) i;\nINSERT INTO n VALUES (7), (8);\n\
                  UPDATE n SET i = 0 WHERE i = :x;\nselect 'DELETE 9';\n\
                  DELETE FROM n RETURNING 'DELETE 9';\n\\set QUIET on\nINSERT INTO n VALUES (1);\n\
                  \\set QUIET off\nDELETE FROM n;\n";
    let args = [world.database.uri("app"), "-At".to_owned()];
    let output = run(world.wrapped(&args), script);
    assert!(output.status.success(), "{output:?}");
    let output = run(world.nightlatch(["history", "--json"]), "");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let rows: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line)["rows"].clone())
        .collect();
    let expected = serde_json::json!([null, 2, 1, null, null, null, 1]);
    assert_eq!(serde_json::Value::from(rows), expected, "{lines}");
}
