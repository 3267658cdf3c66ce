//! Sessions that ended badly: told from others, shown, and put back into the client's own history,
//! where the client itself finds it.

use std::fs;
use std::path::Path;

use nightlatch::clients::history::{Entry, by_client, lines};
use nix::sys::signal::Signal;

use crate::support::past::{ID, Past};
use crate::support::pty::{Key, Pty};
use crate::support::tool::{Tool, find, needs};
use crate::support::world::{Tier, World, run};

const TOOLS: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::TestClock];

fn nightlatch(world: &World, args: &[&str]) -> String {
    let output = run(world.nightlatch(args), "");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8") + &stderr
}

/// A session of several kinds of statements.
fn session(world: &World) -> Pty {
    world.write("file.sql", "select 'of a file';\n");
    let mut pty = world.open();
    let prompt = world.database.prompt();
    pty.line("select 1,");
    pty.line("  'größe' as x;");
    pty.wait_for("(1 row)");
    pty.wait_for_prompt(&prompt);
    pty.line("select 2; select 3 \\g");
    pty.wait_for_prompt(&prompt);
    pty.line("\\i file.sql");
    pty.wait_for("of a file");
    pty.wait_for_prompt(&prompt);
    pty.line("create role x password 'hunter2';");
    pty.wait_for_prompt(&prompt);
    let long = format!("select length('{}') as long;", "ab c".repeat(600));
    pty.line(&long);
    pty.wait_for("(1 row)");
    pty
}

#[test]
fn a_killed_session_comes_back_and_psql_finds_it() {
    if !needs(TOOLS) {
        return;
    }
    let world = World::new(Tier::Development);
    let history = world.write(".psql_history", "select 'old';\n");
    let mut pty = session(&world);
    // While it lives it is none of these.
    assert!(nightlatch(&world, &["recover"]).contains("No session ended badly."));
    pty.kill(Signal::SIGKILL);
    pty.wait_for_exit();
    world.assert_nothing_left();

    let list = nightlatch(&world, &["recover"]);
    assert!(list.contains("nightlatch was killed"), "{list}");
    let sheet = nightlatch(&world, &["recover", "last"]);
    assert!(sheet.contains("select 1,\n  'größe' as x;\n"), "{sheet}");
    assert!(sheet.contains("  |         1 | größe\n"), "{sheet}");
    assert!(!sheet.contains("hunter2"), "{sheet}");

    let dry = nightlatch(&world, &["recover", "--write-history", "--dry-run"]);
    assert!(dry.contains("5 lines would be added"), "{dry}");
    assert_eq!(fs::read_to_string(&history).expect("history"), "select 'old';\n");
    let said = nightlatch(&world, &["recover", "last", "--write-history"]);
    assert!(said.contains("5 lines added to"), "{said}");
    assert!(said.contains("it held a secret"), "{said}");
    assert!(said.contains("not seen at the prompt"), "{said}");
    let written = fs::read_to_string(&history).expect("history");
    assert!(
        written.starts_with("select 'old';\nselect 1,\u{1}  'größe' as x;\nselect 2;\nselect 3;\n")
    );
    assert!(written.contains("\n\\i file.sql\n"), "{written}");
    assert_eq!(written.lines().count(), 6, "{written}");
    let again = nightlatch(&world, &["recover", "--write-history"]);
    assert!(again.contains("0 lines added to"), "{again}");
    assert_eq!(fs::read_to_string(&history).expect("history"), written);
    assert_eq!(backups(&world.home()), ["select 'old';\n"]);

    let mut psql = world.open_bare();
    psql.press(Key::Up);
    psql.wait_until("the long one", |screen| screen.contains("ab c') as long;"));
    drop(psql);
    // Not through the long one, which fills the screen: what came before it, searched for.
    let mut psql = world.open_bare();
    psql.press(Key::Ctrl('r'));
    psql.type_text("as x");
    psql.wait_until("the second line", |screen| screen.contains("'größe' as x;"));
    psql.press(Key::Enter);
    // Both lines ran, as one statement.
    psql.wait_for("1 | größe");
    psql.line("\\q");
    assert_eq!(psql.finish().code(), Some(0));
}

#[test]
fn what_a_released_statement_printed_is_its_output_and_the_question_is_not() {
    let past = Past::new(80, 24)
        .output(0.0, "orders=> delete from a;\r\n")
        .released("delete from a;", "DELETE 3\r\n")
        .outcome(Some(3), None)
        .output(0.0, "orders=> ");
    let told = past.printed(&["recover", ID, "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["output"], &told["fate"]), (&"DELETE 3\n".into(), &"ran".into()));
}

/// Killed while it prints more than it can be taken: what was typed is there, and the log opens.
#[test]
fn sessions_that_are_killed_in_the_middle_of_their_output_come_back() {
    if !needs(TOOLS) || !needs(&[Tool::Python]) {
        return;
    }
    let endless = "select generate_series(1, 100000000) as n, repeat('x', 500);";
    let looped = "for n in range(10 ** 9): print(n, 'x' * 500)\r";
    for (program, prompt, typed, much) in [
        ("psql", None, "select 'typed before';", endless),
        ("python3", Some(">>> "), "before = '''typed\rbefore'''", looped),
    ] {
        let world = World::new(Tier::Development);
        let mut pty = match prompt {
            None => {
                let mut pty = world.open();
                pty.line("\\set FETCH_COUNT 1000");
                pty.line("\\pset pager off");
                pty
            }
            Some(prompt) => {
                let mut pty = Pty::spawn(world.nightlatch([program]));
                pty.wait_for_prompt(prompt);
                pty
            }
        };
        let own = world.database.prompt();
        let prompt = prompt.unwrap_or(&own);
        pty.wait_for_prompt(prompt);
        pty.line(typed);
        pty.wait_for_prompt(prompt);
        pty.line(much);
        pty.wait_for(&"x".repeat(60));
        // It is written within a moment of being shown.
        let is_kept = || nightlatch(&world, &["show", "last"]).contains("xxxxxxxx");
        let end = pty.deadline();
        while !is_kept() {
            assert!(!pty.is_hopeless(end), "{program}: {}", pty.dump());
        }
        world.kill_all();
        pty.wait_for_exit();
        let sheet = nightlatch(&world, &["recover", "last"]);
        for line in [typed, much].into_iter().flat_map(|text| text.split_terminator('\r')) {
            assert!(sheet.contains(line), "{program}: {line}: {sheet:.3000}");
        }
        let dry = nightlatch(&world, &["recover", "last", "--write-history", "--dry-run"]);
        assert!(!dry.contains("left out"), "{program}: {dry}");
        assert!(nightlatch(&world, &["show", "last"]).contains("xxxxxxxx"), "{program}");
        assert!(nightlatch(&world, &["recover"]).contains("nightlatch was killed"), "{program}");
    }
}

#[test]
fn a_closed_terminal_is_a_bad_end_and_a_clean_exit_is_none() {
    if !needs(TOOLS) {
        return;
    }
    let world = World::new(Tier::Development);
    let mut pty = world.open();
    pty.line("select 'kept by psql';");
    pty.wait_for("(1 row)");
    pty.line("\\q");
    pty.finish();
    assert!(nightlatch(&world, &["recover"]).contains("No session ended badly."));
    let kept = fs::read_to_string(world.home().join(".psql_history")).expect("history");
    let said = nightlatch(&world, &["recover", &session_id(&world), "--write-history"]);
    assert!(said.contains("0 lines added"), "{said}");
    assert_eq!(fs::read_to_string(world.home().join(".psql_history")).expect("history"), kept);

    let mut pty = world.open();
    pty.line("select 'lost';");
    pty.wait_for("(1 row)");
    pty.hang_up();
    world.assert_nothing_left();
    let list = nightlatch(&world, &["recover"]);
    assert!(list.contains("its terminal was closed"), "{list}");
    nightlatch(&world, &["recover", "--write-history"]);
    let written = fs::read_to_string(world.home().join(".psql_history")).expect("history");
    assert_eq!(written, format!("{kept}select 'lost';\n"));
}

#[test]
fn a_history_that_is_switched_off_or_no_text_is_left_alone() {
    if !needs(TOOLS) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let mut pty = session(&world);
    pty.kill(Signal::SIGKILL);
    pty.wait_for_exit();
    let database = world.write("database", "SQLite format 3\0and more");
    for (file, why) in [
        ("/dev/null", "is no regular file"),
        (database.to_str().expect("UTF-8"), "it is a database"),
    ] {
        world.set("PSQL_HISTORY", file);
        let output = run(world.nightlatch(["recover", "--write-history"]), "");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
    }
    assert_eq!(fs::read(&database).expect("file"), b"SQLite format 3\0and more");
    assert_eq!(backups(&world.home()), Vec::<String>::new());
}

/// Writes a client's history with nothing but the format's own code, and looks for it with Up.
fn finds(client: &str, file: &Path, before: &str, open: impl FnOnce() -> Pty, expected: &[&str]) {
    let typed = ["x = 'größe'", "print('a')\nprint('b')", "select 40 + 2;"];
    let keeps = by_client(client).expect("known");
    let entries: Vec<Entry> = typed.iter().map(|text| Entry::new(*text)).collect();
    let entries: Vec<&Entry> = entries.iter().collect();
    let now = "2026-11-20T22:14:03Z".parse().expect("a time");
    let bytes = lines::with(before.as_bytes(), keeps.format, &entries, now).expect("lines");
    fs::write(file, bytes).expect("history");
    let mut pty = open();
    for line in expected {
        pty.press(Key::Up);
        pty.wait_until(line, |screen| screen.cursor_line().contains(line));
    }
}

#[test]
fn python_finds_what_was_written() {
    if !needs(&[Tool::Python]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let file = world.home().join(".python_history");
    world.set("PYTHON_HISTORY", file.to_str().expect("UTF-8"));
    let expected = ["select 40 + 2;", "print('b')", "print('a')", "x = 'größe'", "old"];
    finds("python", &file, "old = 1\n", || ready(&world, "python3", ">>>"), &expected);
}

#[test]
fn sqlite_finds_what_was_written() {
    if !needs(&[Tool::Sqlite]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let file = world.home().join("sqlite_history");
    world.set("SQLITE_HISTORY", file.to_str().expect("UTF-8"));
    let expected = ["select 40 + 2;", "print('b')", "print('a')", "x = 'größe'", "old"];
    finds("sqlite3", &file, "old;\n", || ready(&world, "sqlite3", "sqlite>"), &expected);
}

#[test]
fn redis_cli_finds_what_was_written() {
    if !needs(&[Tool::RedisCli]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let file = world.home().join("redis_history");
    world.set("REDISCLI_HISTFILE", file.to_str().expect("UTF-8"));
    // Nobody listens there, and the prompt comes all the same.
    world.set("REDISCLI_PORT", "1");
    let expected = ["select 40 + 2;", "print('b')", "print('a')", "x = 'größe'", "old"];
    finds("redis-cli", &file, "old\n", || ready(&world, "redis-cli", ">"), &expected);
}

fn ready(world: &World, program: &str, prompt: &str) -> Pty {
    let mut pty = Pty::spawn(world.command(find(program).expect("there")));
    pty.wait_until(prompt, |screen| screen.cursor_line().contains(prompt));
    pty
}

fn session_id(world: &World) -> String {
    let line = nightlatch(world, &["sessions", "--json"]);
    line.split('"').nth(3).expect("an id").to_owned()
}

/// Returns what the copies beside histories hold.
fn backups(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains(".nightlatch-backup-"))
        .collect();
    files.sort();
    files.iter().map(|path| fs::read_to_string(path).expect("UTF-8")).collect()
}
