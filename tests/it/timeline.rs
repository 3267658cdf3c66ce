//! What happened, and the last safe moment: proved by a recovery to it.

use std::fs;
use std::path::{Path, PathBuf};

use nightlatch::clock::Clock;
use serde_json::Value;

use crate::support::DEADLINE;
use crate::support::past::Past;
use crate::support::postgres::{as_server_user, free_port, server_user};
use crate::support::pty::{PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, find, needs};
use crate::support::world::{Tier, World, run};

const TOOLS: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::TestClock];

fn nightlatch(world: &World, args: &[&str]) -> String {
    let output = run(world.nightlatch(args), "");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn summary(world: &World, args: &[&str]) -> Value {
    let args = [&["timeline", "--json"], args].concat();
    let out = nightlatch(world, &args);
    serde_json::from_str(out.lines().last().expect("a line")).expect("JSON")
}

/// Types a statement that is held, and the word that releases it.
fn release(pty: &mut Pty, statement: &str, word: &str, prompt: &str) {
    pty.line(statement);
    pty.wait_for("to run it, Enter to cancel:");
    pty.wait_for_silence(PERSON_PAUSE);
    pty.answer(word);
    pty.wait_for("nightlatch: released");
    pty.wait_until("the prompt", |screen| screen.cursor_line().starts_with(prompt));
}

/// Several statements of one line, a file, a transaction that nobody began, commands of psql's own.
#[test]
fn what_failed_or_was_taken_back_is_told_as_that() {
    if !needs(TOOLS) {
        return;
    }
    let world = World::new(Tier::Development);
    fs::write(world.home().join("two.sql"), "delete from nowhere2;\nselect 5;\n").expect("a file");
    let mut pty = world.open();
    for (line, answer) in [
        ("delete from nowhere1; select 3;", "(1 row)"),
        ("\\i two.sql", "(1 row)"),
        ("select n from generate_series(1, 7) n;", "(7 rows)"),
        ("\\! true", ""),
        ("begin; delete from members where id = 1;", "DELETE"),
        ("delete from nowhere3;", "does not exist"),
        ("commit;", "ROLLBACK"),
        ("\\set AUTOCOMMIT off", ""),
        ("delete from members where id = 2;", "DELETE"),
        ("rollback;", "ROLLBACK"),
        ("delete from members where id = 3;", "DELETE"),
    ] {
        pty.line(line);
        pty.wait_for(answer);
        pty.wait_until("the prompt", |screen| {
            let line = screen.cursor_line();
            line.starts_with(&world.database.name) && line.trim_end().ends_with('>')
        });
    }
    pty.line("\\q");
    pty.finish();
    let events = nightlatch(&world, &["timeline", "--json"]);
    let told: Vec<String> = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["fate"].is_string())
        .filter(|event| event["text"].as_str().is_some_and(|text| !text.starts_with("select")))
        .map(|event| {
            format!("{} {} {}", event["fate"], event["rows"], event["text"]).replace('"', "")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    failed null delete from nowhere1;
    ran null \\i two.sql
    failed null delete from nowhere2;
    ran null \\! true
    ran null begin;
    rolled-back 1 delete from members where id = 1;
    failed 0 delete from nowhere3;
    ran 0 commit;
    ran null \\set AUTOCOMMIT off
    rolled-back 1 delete from members where id = 2;
    ran 0 rollback;
    rolled-back 1 delete from members where id = 3;
    ");
    assert_eq!(summary(&world, &[])["first_destructive"], Value::Null);
}

#[test]
fn the_first_that_really_ran_is_named() {
    if !needs(TOOLS) {
        return;
    }
    let world = World::new(Tier::Production);
    let (word, prompt) = (world.database.name.clone(), world.database.name.clone());
    let mut pty = world.open();
    pty.line("delete from families;");
    pty.wait_for("to run it, Enter to cancel:");
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line("");
    pty.wait_for("nightlatch: cancelled");
    pty.wait_until("the prompt", |screen| screen.cursor_line().starts_with(&prompt));
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line("begin;");
    pty.wait_for("BEGIN");
    release(&mut pty, "delete from members;", &word, &prompt);
    let open = summary(&world, &[]);
    assert_eq!(open["first_destructive"], Value::Null, "{open}");
    assert_eq!(open["open"][0]["text"], "delete from members;");
    pty.line("rollback;");
    pty.wait_for("ROLLBACK");
    assert_eq!(summary(&world, &[])["first_destructive"], Value::Null);
    release(&mut pty, "truncate members;", &word, &prompt);
    release(&mut pty, "delete from families;", &word, &prompt);
    pty.line("\\q");
    pty.finish();

    let last = summary(&world, &[]);
    let first = &last["first_destructive"];
    assert_eq!((&first["text"], &first["fate"]), (&"truncate members;".into(), &"ran".into()));
    assert_eq!(first["last_safe"]["clock"], "server");
    assert_eq!(first["last_safe"]["before"], "release");
    let text = nightlatch(&world, &["timeline"]);
    for expected in ["cancelled, did not run", "rolled back", "recovery_target_time = '", "LSN"] {
        let is_there = text.to_lowercase().contains(&expected.to_lowercase());
        assert!(is_there, "{expected}:\n{text}");
    }
    // Another statement, another target, another window.
    let id = first["session"].as_str().expect("an id");
    let before = summary(&world, &["--before", &format!("{id}:1")]);
    assert_eq!(before["first_destructive"]["fate"], "cancelled");
    assert!(nightlatch(&world, &["timeline", "--target", "elsewhere"]).is_empty());
    assert!(nightlatch(&world, &["timeline", "--tier", "staging"]).is_empty());
    assert!(nightlatch(&world, &["timeline", "--until", "2h"]).is_empty());
    let html = nightlatch(&world, &["timeline", "--html"]);
    assert!(html.contains("truncate members;") && !html.contains("<script"), "{html}");
    let markdown = nightlatch(&world, &["timeline", "--markdown"]);
    assert!(markdown.contains("```\ntruncate members;\n```"), "{markdown}");
}

/// A server with archiving, on a port of its own.
struct Archived {
    folder: PathBuf,
    _folder: tempfile::TempDir,
}

impl Archived {
    fn new() -> Self {
        let temporary = tempfile::Builder::new().prefix("nightlatch-pitr-").tempdir().expect("dir");
        let folder = temporary.path().to_owned();
        if let Some(user) = server_user() {
            nix::unistd::chown(&folder, Some(user.uid), Some(user.gid)).expect("chown");
        }
        let archived = Self { folder, _folder: temporary };
        archived.ok("mkdir", &["archive"]);
        archived.ok("initdb", &["--no-sync", "-A", "trust", "-U", "postgres", "-D", "data"]);
        archived
    }

    /// Starts a server on a folder with more settings; returns its port.
    fn start(&self, name: &str, settings: &str) -> u16 {
        let port = free_port();
        let folder = self.folder.display();
        let common = format!(
            "port = {port}\nlisten_addresses = 'localhost'\nunix_socket_directories = '{folder}'\n\
             fsync = off\nwal_level = replica\n{settings}\n"
        );
        let file = self.folder.join(name).join("postgresql.conf");
        let before = fs::read_to_string(&file).expect("settings");
        fs::write(&file, before + &common).expect("settings");
        self.ok("pg_ctl", &["-w", "-l", "log", "-D", name, "start"]);
        port
    }

    fn stop(&self, name: &str) -> bool {
        self.run("pg_ctl", &["-w", "-m", "immediate", "-D", name, "stop"]).is_ok()
    }

    fn ok(&self, program: &str, args: &[&str]) -> String {
        self.run(program, args).unwrap_or_else(|error| {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("{program} {args:?}: {error}\n{log}")
        })
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<String, String> {
        let postgres = find("postgres").expect("postgres");
        let beside = postgres.with_file_name(program);
        let program = if beside.exists() { beside } else { PathBuf::from(program) };
        // Into files: a server that pg_ctl starts would keep pipes open.
        let (out, err) = (self.folder.join("out"), self.folder.join("err"));
        let status = as_server_user(&program, &self.folder)
            .args(args)
            .stdin(std::process::Stdio::null())
            .stdout(fs::File::create(&out).expect("out"))
            .stderr(fs::File::create(&err).expect("err"))
            .status()
            .expect("the program starts");
        let read = |path: &Path| fs::read_to_string(path).expect("UTF-8").trim_end().to_owned();
        if status.success() { Ok(read(&out)) } else { Err(read(&err)) }
    }

    fn sql(&self, port: u16, sql: &str) -> Result<String, String> {
        let (port, folder) = (port.to_string(), self.folder.to_str().expect("UTF-8"));
        self.run("psql", &["-XAtqw", "-U", "postgres", "-h", folder, "-p", &port, "-c", sql])
    }

    /// Waits until a query gives the expected answer.
    fn wait_for(&self, port: u16, sql: &str, expected: &str) {
        let clock = Clock::system();
        loop {
            let answer = self.sql(port, sql);
            if answer.as_deref() == Ok(expected) {
                return;
            }
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(clock.elapsed() < DEADLINE, "{sql}: {answer:?}\n{log}");
        }
    }

    /// Recovers the base backup to a target and counts what is in the table.
    fn recovered(&self, name: &str, target: &str) -> String {
        self.ok("cp", &["-a", "base", name]);
        self.ok("touch", &[&format!("{name}/recovery.signal")]);
        let archive = self.folder.join("archive");
        let settings = format!(
            "archive_mode = off\nrestore_command = 'cp {}/%f %p'\n{target}\n\
             recovery_target_inclusive = off\nrecovery_target_action = promote\n",
            archive.display()
        );
        let port = self.start(name, &settings);
        self.wait_for(port, "select pg_is_in_recovery()", "f");
        let count = self.sql(port, "select count(*) from families").expect("a count");
        assert!(self.stop(name));
        count
    }
}

impl Drop for Archived {
    fn drop(&mut self) {
        for name in ["data", "by_time", "by_lsn", "after"] {
            self.stop(name);
        }
    }
}

#[test]
fn a_recovery_to_the_last_safe_moment_has_the_rows() {
    if !needs(TOOLS) {
        return;
    }
    let server = Archived::new();
    let archive = server.folder.join("archive");
    let settings = format!("archive_mode = on\narchive_command = 'cp %p {}/%f'", archive.display());
    let port = server.start("data", &settings);
    let sql = |sql: &str| server.sql(port, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    sql("create table families as select generate_series(1, 1000) as id");
    let (port_text, folder) = (port.to_string(), server.folder.to_str().expect("UTF-8"));
    let base = ["-U", "postgres", "-h", folder, "-p", &port_text, "-D", "base", "-X", "fetch"];
    server.ok("pg_basebackup", &[&base[..], &["-c", "fast"]].concat());

    // Our clock is not the server's: the test clock stands elsewhere.
    let world = World::new(Tier::Production);
    let config = format!(
        "[[target]]\nname = \"restored\"\ntier = \"production\"\nmatch = [\"localhost:{port}\"]\n"
    );
    fs::write(world.home().parent().expect("a folder").join("config.toml"), config)
        .expect("config");
    let uri = format!("postgres://postgres@localhost:{port}/postgres");
    let mut pty = Pty::spawn(world.wrapped([uri]));
    pty.wait_until("the prompt", |screen| screen.cursor_line().starts_with("postgres=#"));
    pty.line("delete from families where id > 900;");
    pty.wait_for("DELETE 100");
    pty.wait_until("the prompt", |screen| screen.cursor_line().starts_with("postgres=#"));
    release(&mut pty, "delete from families;", "postgres", "postgres=#");
    pty.line("insert into families values (-1);");
    pty.wait_for("INSERT 0 1");
    pty.line("\\q");
    pty.finish();

    let wal = sql("select pg_walfile_name(pg_switch_wal())");
    server.wait_for(port, "select last_archived_wal from pg_stat_archiver", &wal);
    let last = summary(&world, &["--before", "last:2"]);
    let safe = &last["first_destructive"]["last_safe"];
    assert_eq!(safe["clock"], "server", "{safe}");
    let time = format!(
        "recovery_target_time = '{}'",
        safe["recovery_target_time"].as_str().expect("a time")
    );
    let lsn = format!(
        "recovery_target_lsn = '{}'",
        safe["recovery_target_lsn"].as_str().expect("a position")
    );
    // What was deleted before is gone; what this statement deleted is there.
    assert_eq!(server.recovered("by_time", &time), "900", "{time}");
    assert_eq!(server.recovered("by_lsn", &lsn), "900", "{lsn}");
    // A recovery to the end shows that the archive has what came after.
    assert_eq!(server.recovered("after", ""), "1");
    assert!(server.stop("data"));
}

/// Two days back, and forward again: by an hour more than it was.
#[test]
fn a_clock_that_is_set_changes_no_order_and_hides_nothing() {
    let past = Past::new(80, 24)
        .output(60.0, "orders=> ")
        .clock("2026-11-18T11:01:00Z")
        .statement("select 1;", "allow")
        .output(60.0, "orders=> ")
        .clock("2026-11-16T11:02:00Z")
        .statement("delete from a;", "allow")
        .outcome(Some(7), None)
        .gap("the disk was full")
        .output(60.0, "orders=> ")
        .clock("2026-11-18T12:03:00Z")
        .statement("select 3;", "allow")
        .outcome(Some(1), None)
        .exit(0);
    let told = past.printed(&["timeline", "--since", "2026-11-18 10:00"]);
    let rows = &told[..told.find("\n\n").expect("an empty line")];
    insta::assert_snapshot!(rows, @r"
    TIME                     SESSION       N  TARGET       WHAT                  
    2026-11-18 11:00:00.000  1m7q50gw181h                  psql started          psql orders
    2026-11-18 11:01:00.000  1m7q50gw181h  1  orders-prod  may have run          select 1;
    2026-11-16 11:02:00.000  1m7q50gw181h                  note                  this machine's clock was set back by 48h
    2026-11-16 11:02:00.000  1m7q50gw181h  2  orders-prod  ! ran, 7 rows, 12 ms  delete from a;
    2026-11-16 11:02:00.000  1m7q50gw181h                  not recorded          7 bytes of output: the disk was full
    2026-11-18 12:03:00.000  1m7q50gw181h                  note                  this machine's clock was set forward by 49h
    2026-11-18 12:03:00.000  1m7q50gw181h  3  orders-prod  ran, 1 row, 12 ms     select 3;
    2026-11-18 12:03:00.000  1m7q50gw181h                  session over          ended
    ");
    for (window, texts) in [
        (["--since", "2026-11-18 11:01:30"], &["delete from a;", "select 3;"][..]),
        (["--since", "2026-11-18 12:00"], &["select 3;"]),
        (["--until", "2026-11-17"], &["delete from a;"]),
        (["--limit", "2"], &["delete from a;", "select 3;"]),
    ] {
        let json = past.printed(&[&["history", "--json"], &window[..]].concat());
        let found: Vec<Value> =
            json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(found.iter().map(|one| &one["text"]).collect::<Vec<_>>(), texts, "{window:?}");
        if window[0] != "--limit" {
            let told = past.printed(&[&["timeline"], &window[..]].concat());
            assert!(texts.iter().all(|text| told.contains(text)), "{told}");
        }
    }
}
