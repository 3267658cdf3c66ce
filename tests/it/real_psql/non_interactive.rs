//! Runs without a conversation: byte for byte as bare on development, refused on production where
//! nobody can be asked.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use super::held::{QUESTION, wait_for_question};
use crate::support::postgres::{PASSWORD, cluster};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

/// One invocation: arguments (`$URI` and `$PORT` are filled in) and what stdin holds.
type Invocation = (&'static [&'static str], &'static str);

/// What people write in scripts, Makefiles and cron tables.
const INVOCATIONS: &[Invocation] = &[
    (&["$URI", "-c", "select 1"], ""),
    (&["$URI", "-c", "select 1", "-c", "select 2; select 3"], ""),
    (
        &[
            "$URI",
            "-Atc",
            "select id, name from families order by id limit 3",
        ],
        "",
    ),
    (&["$URI", "--csv", "-c", "select 'a,b' as x, null as y"], ""),
    (&["$URI", "-H", "-c", "select '<b>' as x"], ""),
    (&["$URI", "-xc", "select * from families where id = 1"], ""),
    (&["$URI", "-c", "select 1/0"], ""),
    (&["$URI", "-c", "selec 1"], ""),
    (&["$URI", "-c", "select 1/0; select 2"], ""),
    (
        &[
            "$URI",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            "select 1/0",
            "-c",
            "select 2",
        ],
        "",
    ),
    (
        &["$URI", "-c", "delete from members where id = 1 returning *"],
        "",
    ),
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
    (
        &["$URI"],
        "\\echo one\n\\warn two\nselect 3 as three \\gset\nselect :three;\n",
    ),
    (
        &["$URI"],
        "copy members from stdin;\n9001\t1\tx\n\\.\nselect * from members where id > 9000;\n",
    ),
    (
        &["$URI"],
        "do $$ begin raise notice 'said'; raise warning 'loud'; end $$;\n",
    ),
    (
        &["$URI"],
        "delete from members;\ndrop table members;\nselect count(*) from families;\n",
    ),
    (
        &["$URI", "-v", "ON_ERROR_STOP=1"],
        "select 1;\nselect 1/0;\nselect 2;\n",
    ),
    (&["$URI", "-a"], "select 1;\n-- a comment\nselect 2;\n"),
    (&["$URI", "-e"], "select 1;\nselect 2;\n"),
    (&["$URI", "-b"], "select 1/0;\n"),
    (&["$URI", "-E", "-c", "\\dn"], ""),
    (
        &["$URI", "-q", "-v", "who=world"],
        "select :'who' as hello;\n",
    ),
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
    (
        &["$URI"],
        "select 1 \\; select 2;\n\\if false\nselect 3;\n\\else\nselect 4;\n\\endif\n",
    ),
    (&["$URI"], "\\q\nselect 1;\n"),
    (
        &["$URI"],
        "\\i script.sql\n\\ir script.sql\n\\! echo shell\n\\copy families to stdout\n",
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
    (
        &[
            "-h",
            "localhost",
            "-p",
            "$PORT",
            "-U",
            "app",
            "$DB",
            "-c",
            "select current_user",
        ],
        "",
    ),
    (
        &[
            "host=localhost port=$PORT user=app dbname=$DB",
            "-c",
            "select current_user",
        ],
        "",
    ),
];

/// Fills in what an argument refers to.
fn filled(world: &World, args: &[&str]) -> Vec<String> {
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
    world.database.reset();
    world.write(
        "script.sql",
        "select 1 as one;\ninsert into members values (9001, 1, 'x');\n",
    );
    world.write(
        "errors.sql",
        "insert into members values (9002, 1, 'x');\nselect 1/0;\nselect 2;\n",
    );
    world.write(
        "outer.sql",
        "\\echo outer\n\\ir script.sql\n\\ir nowhere.sql\nselec 1;\n",
    );
    for name in ["out.txt", "log.txt"] {
        drop(fs::remove_file(world.home().join(name)));
    }
}

/// Runs a command in a session without a terminal.
fn without_terminal(world: &World, inner: &Command) -> Command {
    let mut command = world.command("/usr/bin/setsid");
    command
        .arg("--wait")
        .arg(inner.get_program())
        .args(inner.get_args());
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
        world
            .database
            .sql("select to_regclass('families') is not null"),
        world
            .database
            .sql("select coalesce(to_regclass('members')::text, 'none')"),
    )
}

/// A log file may hold the time.
fn without_dates(text: &str) -> String {
    text.lines()
        .filter(|line| !line.contains("2026"))
        .collect::<Vec<_>>()
        .join("\n")
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
            failures.push(format!(
                "{args:?} < {stdin:?}\nbare: {bare}\nwrapped: {wrapped}"
            ));
        }
    }
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} differ:\n{}",
        failures.join("\n==========\n")
    );
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
            (
                &["$URI", "-f", "-"][..],
                "select 1;\nselect 1/0;\ndelete from members;\n",
            ),
            (
                &["$URI"][..],
                "select 1;\nselect 1/0;\ndelete from members;\n\\echo done\n",
            ),
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
                failures.push(format!(
                    "{args:?} {streams:?}\nbare: {bare}\nwrapped: {wrapped}"
                ));
            }
        }
    }
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} differ:\n{}",
        failures.join("\n==========\n")
    );
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
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Production);
    let text = format!("select length('{}');\n", "x".repeat(3_000_000));
    let args = [world.database.uri("app"), "-At".to_owned()];
    let output = run(world.wrapped(&args), &text);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "3000000\n",
        "{:?}",
        output.status
    );
}

/// What is refused on production where nobody can be asked.
const REFUSED: &[Invocation] = &[
    (&["$URI", "-c", "DELETE FROM families"], ""),
    (
        &["$URI", "-c", "select 1", "-c", "TRUNCATE families CASCADE"],
        "",
    ),
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
    (&["$URI", "-S"], "DELETE FROM families\n"),
    (&["$URI", "-X", "-c", "DELETE FROM families"], ""),
    (
        &["$URI", "-v", "SINGLESTEP=off", "-c", "DELETE FROM families"],
        "",
    ),
    (&["$URI", "-c", "\\i delete.sql"], ""),
    (
        &[
            "host=localhost port=$PORT user=app dbname=$DB",
            "-c",
            "DELETE FROM families",
        ],
        "",
    ),
    (
        &[
            "-h",
            "localhost",
            "-p",
            "$PORT",
            "-U",
            "app",
            "$DB",
            "-c",
            "DELETE FROM families",
        ],
        "",
    ),
    (&["-d", "$URI", "-c", "DELETE FROM families"], ""),
    (&["--dbname=$URI", "--command=DELETE FROM families"], ""),
];

#[test]
fn refused_where_nobody_can_be_asked() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Production);
    world.write("delete.sql", "DELETE FROM families;\n");
    world.write("outer.sql", "\\ir delete.sql\n");
    let mut failures = Vec::new();
    for (args, stdin) in REFUSED {
        let args = filled(&world, args);
        let output = run(without_terminal(&world, &world.wrapped(&args)), stdin);
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
    assert!(
        failures.is_empty(),
        "{count} are not refused:\n{}",
        failures.join("\n")
    );
    world.assert_nothing_left();
}

/// The variables that connect the client are seen too.
#[test]
fn refused_by_variables_and_service_file() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = World::new(Tier::Production);
    let port = cluster().port;
    let name = world.database.name.clone();
    let service = format!("[orders]\nhost=localhost\nport={port}\nuser=app\ndbname={name}\n");
    let file = world.write("services.conf", &service);
    world.set("PGSERVICEFILE", file.to_str().expect("UTF-8"));
    let output = run(
        without_terminal(
            &world,
            &world.wrapped(["service=orders", "-c", "DELETE FROM families"]),
        ),
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
    let output = run(
        without_terminal(&world, &world.wrapped(["-c", "DELETE FROM families"])),
        "",
    );
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    world.database.assert_untouched();
}

#[test]
fn approval_releases_one_target() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = World::new(Tier::Production);
    let name = world.database.name.clone();
    let args = [
        world.database.uri("app"),
        "-c".to_owned(),
        "DELETE FROM families".to_owned(),
    ];
    for wrong in [
        "orders-staging".to_owned(),
        "yes".to_owned(),
        "1".to_owned(),
        name.clone(),
    ] {
        world.set("NIGHTLATCH_APPROVE", &wrong);
        let output = run(without_terminal(&world, &world.wrapped(&args)), "");
        assert_eq!(output.status.code(), Some(125), "{wrong}: {output:?}");
        world.database.assert_untouched();
    }
    for right in [
        "orders-prod".to_owned(),
        format!("localhost:{}/{name}", cluster().port),
    ] {
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
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = World::new(Tier::Production);
    let args = [
        world.database.uri("app"),
        "-c".to_owned(),
        "DELETE FROM families".to_owned(),
    ];
    let output = run(without_terminal(&world, &world.wrapped(&args)), "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, rest) = said
        .split_once("NIGHTLATCH_APPROVE=")
        .expect("the approval is printed");
    let end = rest
        .find(|char: char| char.is_whitespace() || char == '`')
        .unwrap_or(rest.len());
    world.set("NIGHTLATCH_APPROVE", rest[..end].trim_matches(['\'', '"']));
    let output = run(without_terminal(&world, &world.wrapped(&args)), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// On production, what destroys nothing is as bare too.
#[test]
fn reading_production_is_as_bare() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Production);
    for stdin in [
        "select 1;\nselect 1/0;\n",
        "\\dt\nselect 2 \\gx\n",
        "insert into members values (9, 1, 'x');\n",
    ] {
        let args = filled(&world, &["$URI"]);
        let bare = run(without_terminal(&world, &world.bare(&args)), stdin);
        let wrapped = run(without_terminal(&world, &world.wrapped(&args)), stdin);
        assert_eq!(seen(&world, &bare), seen(&world, &wrapped), "{stdin}");
    }
}

/// Where there is a terminal, it is asked even if stdin and stdout are something else.
#[test]
fn redirected_run_asks_on_the_terminal() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Production);
    let name = world.database.name.clone();
    let file = world.write("delete.sql", "DELETE FROM families;\nselect 'after';\n");
    for streams in [
        [false, true, true],
        [false, false, true],
        [false, false, false],
        [true, false, true],
    ] {
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
                pty.line(&name);
                assert_eq!(pty.finish().code(), Some(0), "{streams:?}\n{}", pty.dump());
                assert_eq!(world.database.count("families"), 0, "{streams:?}");
            } else {
                pty.press(Key::Enter);
                assert_eq!(
                    pty.finish().code(),
                    Some(125),
                    "{streams:?}\n{}",
                    pty.dump()
                );
                world.database.assert_untouched();
            }
            world.database.reset();
        }
    }
}

/// The password is asked as bare asks it, and goes to no record.
#[test]
fn password_is_asked_and_not_recorded() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Production);
    let ask = |command: Command| {
        let mut pty = Pty::spawn(command);
        pty.wait_for("Password");
        pty.line(PASSWORD);
        pty.wait_for_prompt(&world.database.prompt());
        pty.line("\\q");
        (pty.finish(), pty.screen())
    };
    let bare = ask(world.bare(["-W", &world.database.uri("locked")]));
    assert_eq!(
        ask(world.wrapped(["-W", &world.database.uri("locked")])),
        bare
    );
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
        let found = bytes
            .windows(PASSWORD.len())
            .any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "the password is in {}", file.display());
    }
}

/// Lists every file below a folder.
fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
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
