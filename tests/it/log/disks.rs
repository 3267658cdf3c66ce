//! Disks that are full, frozen or read-only, and limits on files: the terminal goes on, statements
//! are kept before output, and what is missing is told.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Read, read_all};
use crate::support::bus::Bus;
use crate::support::pty::Pty;
use crate::support::tool::{Tool, find, needs, skip};
use crate::support::world::{Tier, World, run};

/// Something mounted at a world's data folder, for as long as this lives.
struct Disk {
    at: PathBuf,
    is_frozen: bool,
}

impl Disk {
    /// Mounts a file system in memory; none where nobody may.
    fn in_memory(world: &World, options: &str) -> Option<Self> {
        Self::mount(world, &["-t", "tmpfs", "-o", options, "none"])
    }

    /// Mounts a file system on a file of its own.
    fn on_file(world: &World) -> Option<Self> {
        let file = world.home().join("disk");
        std::fs::File::create(&file).and_then(|file| file.set_len(32 << 20)).expect("a file");
        let path = file.to_str().expect("UTF-8");
        if !is_done("mkfs.ext4", &["-q", path]) {
            skip("no mkfs.ext4");
            return None;
        }
        Self::mount(world, &["-o", "loop", path])
    }

    fn mount(world: &World, args: &[&str]) -> Option<Self> {
        let at = world.data();
        std::fs::create_dir_all(&at).expect("a folder");
        let mut args = args.to_vec();
        args.push(at.to_str().expect("UTF-8"));
        if !is_done("mount", &args) {
            skip("nobody may mount here");
            return None;
        }
        Some(Self { at, is_frozen: false })
    }

    /// Fills it to the last byte.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.at.join("filler");
        let mut file = std::fs::File::create(&path).expect("a file");
        while file.write_all(&[0xa5; 4096]).is_ok() {}
        path
    }

    /// Makes every write wait, or lets them all go on.
    fn freeze(&mut self, is_frozen: bool) {
        let option = if is_frozen { "-f" } else { "-u" };
        assert!(is_done("fsfreeze", &[option, self.path()]), "fsfreeze {option}");
        self.is_frozen = is_frozen;
    }

    fn path(&self) -> &str {
        self.at.to_str().expect("UTF-8")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_frozen {
            self.freeze(false);
        }
        is_done("umount", &["-l", self.path()]);
    }
}

/// Runs a program of the system's; tells whether it did what it should.
fn is_done(program: &str, args: &[&str]) -> bool {
    let program = find(program).unwrap_or_else(|| Path::new("/usr/sbin").join(program));
    let status = Command::new(program).args(args).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Prints two megabytes.
const MUCH: &str = "select n, repeat('x', 2000) from generate_series(1, 1000) n;";

fn without_pager(world: &World) -> Command {
    world.wrapped([world.database.uri("app").as_str(), "-P", "pager=off"])
}

/// Opens a session without a pager.
fn open(world: &World) -> Pty {
    let mut pty = Pty::spawn(without_pager(world));
    pty.wait_for_prompt(&world.database.prompt());
    pty
}

/// Types a statement and waits for its answer.
fn ask(pty: &mut Pty, world: &World, text: &str, answer: &str) {
    pty.wait_for_prompt(&world.database.prompt());
    pty.line(text);
    pty.wait_for(answer);
}

/// Returns all that is on the screen, as one line.
fn screen(pty: &mut Pty) -> String {
    pty.screen().lines.concat()
}

/// Waits until a session that began without a log has one, which is told at the next occasion.
fn goes_on(pty: &mut Pty, world: &World) {
    let data = world.data();
    pty.wait_until("a log", |_| read_all(&data).iter().any(|log| !log.statements.is_empty()));
    // It is told at a key: by then the writer may still be at it.
    let is_told = |pty: &mut Pty| pty.screen().lines.concat().contains("recording goes on");
    for _ in 0..100 {
        pty.line("");
        pty.wait_for_silence(Duration::from_millis(100));
        if is_told(pty) {
            break;
        }
    }
    assert!(is_told(pty), "{}", pty.dump());
    pty.line("");
}

fn leave(pty: &mut Pty, world: &World) {
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    world.assert_nothing_left();
}

fn only(world: &World) -> Read {
    let mut all = read_all(&world.data());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn can_run() -> bool {
    needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock])
}

#[test]
fn a_full_disk_loses_output_and_keeps_statements() {
    if !can_run() {
        return;
    }
    let mut world = World::new(Tier::Development);
    let Some(disk) = Disk::in_memory(&world, "size=2500k,mode=700") else { return };
    // The desktop is told as well.
    let bus = needs(&[Tool::DbusDaemon, Tool::DbusMonitor]).then(|| Bus::start(&world.home()));
    if let Some(bus) = &bus {
        world.set("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    }
    let mut pty = open(&world);
    ask(&mut pty, &world, MUCH, "(1000 rows)");
    pty.wait_for("recording of output stopped: the disk is full");
    if let Some(mut bus) = bus {
        bus.wait_for("not recorded");
        bus.wait_for("recording of output stopped");
    }
    for n in 0..20 {
        ask(&mut pty, &world, &format!("select {n} + 1000 as number;"), &format!(" {}", n + 1000));
    }
    leave(&mut pty, &world);
    let log = only(&world);
    assert_eq!(log.statements.len(), 21, "{:?}", log.statements);
    assert!(log.has_exit);
    let why = ("output".to_owned(), "the disk is full".to_owned());
    assert!(log.gaps.contains(&why), "{:?}", log.gaps);
    drop(disk);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_said_and_the_client_runs() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let Some(disk) = Disk::in_memory(&world, "size=64k,mode=700") else { return };
    let filler = disk.fill();
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 1 + 41 as answer;", " 42");
    assert!(pty.dump().contains("recording is off"), "{}", pty.dump());
    leave(&mut pty, &world);
    // With room for the log's name, its header, its first lines, but not for what psql starts with.
    for pages in 1..=6 {
        let file = std::fs::OpenOptions::new().write(true).open(&filler).expect("the filler");
        file.set_len(file.metadata().expect("its length").len() - 4096 * pages).expect("room");
        let mut pty = open(&world);
        ask(&mut pty, &world, "select 1 + 41 as answer;", " 42");
        leave(&mut pty, &world);
        std::fs::remove_dir_all(world.data().join("sessions")).expect("what was recorded");
        disk.fill();
    }
    // With room for the header but not for more, statements go on as far as they get.
    std::fs::remove_file(filler).expect("the filler");
    let mut pty = Pty::spawn(world.wrapped([world.database.uri("app")]));
    pty.wait_for("recording of output stopped: the disk is full");
    pty.wait_for("=> ");
    pty.line("");
    ask(&mut pty, &world, "select 1 + 41 as answer;", " 42");
    leave(&mut pty, &world);
    let log = only(&world);
    assert_eq!(log.statements, ["select 1 + 41 as answer;"]);
    let why = ("output".to_owned(), "the disk is full".to_owned());
    assert!(log.gaps.contains(&why), "{:?}", log.gaps);
    drop(disk);
}

#[test]
fn a_frozen_disk_never_holds_the_terminal_up() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let Some(mut disk) = Disk::on_file(&world) else { return };
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'before';", "before");
    pty.wait_for_prompt(&world.database.prompt());
    disk.freeze(true);
    // What was typed is seen, and what was asked is answered.
    pty.type_text("select 'frozen';");
    pty.wait_for("select 'frozen';");
    pty.line("");
    pty.wait_for("is not recorded yet: the disk does not answer");
    pty.wait_for("(1 row)");
    ask(&mut pty, &world, "select 'still frozen';", "(1 row)");
    pty.wait_for_prompt(&world.database.prompt());
    disk.freeze(false);
    ask(&mut pty, &world, "select 'thawed';", "(1 row)");
    leave(&mut pty, &world);
    let log = only(&world);
    let expected = ["before", "frozen", "still frozen", "thawed"];
    assert_eq!(log.statements, expected.map(|word| format!("select '{word}';")));
    assert!(log.has_exit);
    // That they went on before they were on disk is told for good.
    let intents = log.gaps.iter().filter(|(what, _)| what == "intent");
    let why = "could go on before the disk had it: the disk does not answer";
    let why = [2, 3].map(|n| format!("statement {n} {why}"));
    assert_eq!(intents.map(|(_, why)| why.as_str()).collect::<Vec<_>>(), why);
    drop(disk);
}

#[test]
fn a_frozen_disk_holds_up_no_production_session_that_goes_elsewhere_and_ends() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Production);
    let Some(mut disk) = Disk::on_file(&world) else { return };
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'before';", "(1 row)");
    pty.wait_for_prompt(&world.database.prompt());
    disk.freeze(true);
    // What servers are is remembered, and what the terminal wears.
    pty.line("\\c postgres");
    pty.wait_for_prompt("postgres=> ");
    pty.line("select 'there';");
    pty.wait_for("(1 row)");
    pty.wait_for_prompt("postgres=> ");
    pty.line("\\q");
    pty.wait_for("the end was not recorded: the disk does not answer");
    disk.freeze(false);
    assert_eq!(pty.finish().code(), Some(0));
    world.assert_nothing_left();
    drop(disk);
}

#[test]
fn a_disk_that_does_not_answer_holds_no_start_up_and_is_recorded_on_once_it_does() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let Some(mut disk) = Disk::on_file(&world) else { return };
    disk.freeze(true);
    let mut pty = open(&world);
    let said = screen(&mut pty);
    assert!(said.contains("recording is off") && said.contains("does not answer"), "{said}");
    // One that ends before has nothing to wait for.
    let mut short = open(&world);
    ask(&mut short, &world, "select 'gone';", "(1 row)");
    short.wait_for_prompt(&world.database.prompt());
    short.line("\\q");
    assert_eq!(short.finish().code(), Some(0));
    for text in ["select 'frozen';", "select 'still frozen';"] {
        ask(&mut pty, &world, text, "(1 row)");
    }
    pty.wait_for_prompt(&world.database.prompt());
    assert_eq!(screen(&mut pty).matches("nightlatch: ").count(), 1, "it is told once");
    disk.freeze(false);
    goes_on(&mut pty, &world);
    ask(&mut pty, &world, "select 'thawed';", "(1 row)");
    leave(&mut pty, &world);
    let log = only(&world);
    let expected = ["frozen", "still frozen", "thawed"];
    assert_eq!(log.statements, expected.map(|word| format!("select '{word}';")));
    assert!(log.has_exit);
    let why = ("output".to_owned(), "the disk did not answer".to_owned());
    assert!(log.gaps.contains(&why), "{:?}", log.gaps);
    drop(disk);
}

#[test]
fn a_session_that_began_on_a_full_disk_is_recorded_once_there_is_room() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let Some(disk) = Disk::in_memory(&world, "size=4m,mode=700") else { return };
    let filler = disk.fill();
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'full';", "(1 row)");
    pty.wait_for_prompt(&world.database.prompt());
    assert_eq!(screen(&mut pty).matches("nightlatch: ").count(), 1, "it is told once");
    std::fs::remove_file(filler).expect("the filler");
    goes_on(&mut pty, &world);
    ask(&mut pty, &world, "select 'room';", "(1 row)");
    leave(&mut pty, &world);
    let log = only(&world);
    assert_eq!(log.statements, ["select 'full';", "select 'room';"]);
    assert!(log.has_exit);
    let why = ("output".to_owned(), "the disk is full".to_owned());
    assert!(log.gaps.contains(&why), "{:?}", log.gaps);
    drop(disk);
}

#[test]
fn commands_that_write_say_that_the_disk_is_full_and_where() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let Some(disk) = Disk::in_memory(&world, "size=4m,mode=700") else { return };
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'before';", "(1 row)");
    leave(&mut pty, &world);
    world.write(".psql_history", "select 'typed';\n");
    let filler = disk.fill();
    // With room for some of the files that an index is made of.
    for pages in [0, 1, 3, 8, 12] {
        let file = std::fs::OpenOptions::new().write(true).open(&filler).expect("the filler");
        file.set_len(file.metadata().expect("its length").len() - 4096 * pages).expect("room");
        for (command, so, status) in [
            ("reindex", "the index cannot be written", 125),
            ("history", "the index cannot be written", 0),
        ] {
            let output = run(world.nightlatch([command]), "");
            let said = String::from_utf8_lossy(&output.stderr).replace(disk.path(), "DATA");
            let expected = format!("The disk of DATA is full: {so}.");
            assert!(said.contains(&expected), "{command} with {pages} pages: {said}");
            assert_eq!(output.status.code(), Some(status), "{said}");
        }
        disk.fill();
    }
    let output = run(world.nightlatch(["import", "--client", "psql"]), "");
    let said = String::from_utf8_lossy(&output.stderr).replace(disk.path(), "DATA");
    insta::assert_snapshot!(said, @r"
    nightlatch: The disk of DATA is full: the index cannot be written. The index is built in memory this time.
    nightlatch: The disk of DATA is full: the history of psql is not kept.
      try: Free some space there: nightlatch prune --dry-run says which recordings could go.
    ");
    drop(disk);
}

/// By something that cleans up.
#[test]
fn a_log_that_is_removed_while_it_is_written_is_told() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'before';", "(1 row)");
    pty.wait_for_prompt(&world.database.prompt());
    std::fs::remove_dir_all(world.data()).expect("all of it");
    pty.line("select 'after';");
    pty.wait_for("statement 2 is not recorded yet: the log was removed");
    ask(&mut pty, &world, "select 1 + 41 as answer;", " 42");
    leave(&mut pty, &world);
}

#[test]
fn a_disk_that_becomes_read_only_is_told_and_the_client_goes_on() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let Some(disk) = Disk::on_file(&world) else { return };
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'before';", "(1 row)");
    pty.wait_for_prompt(&world.database.prompt());
    // As the kernel does it where the disk fails, whoever is writing.
    assert!(is_done("mount", &["-o", "remount,abort", disk.path()]));
    pty.line("select 'after';");
    pty.wait_for("statement 2 is not recorded yet: the disk is read-only");
    for n in 0..5 {
        ask(&mut pty, &world, &format!("select {n} + 1000 as number;"), &format!(" {}", n + 1000));
    }
    leave(&mut pty, &world);
    let log = only(&world);
    assert_eq!((log.statements, log.has_exit), (vec!["select 'before';".to_owned()], false));
    drop(disk);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_later_sessions_are_recorded() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let Some(disk) = Disk::in_memory(&world, "size=20m,mode=700") else { return };
    {
        // Nobody can record on it at all.
        assert!(is_done("mount", &["-o", "remount,ro", disk.path()]));
        let mut pty = open(&world);
        ask(&mut pty, &world, "select 1 + 41 as answer;", " 42");
        assert!(pty.dump().contains("recording is off"), "{}", pty.dump());
        leave(&mut pty, &world);
        let doctor = run(world.nightlatch(["doctor"]), "");
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(said.contains("cannot be written: nothing is recorded"), "{said}");
        assert!(is_done("mount", &["-o", "remount,rw", disk.path()]));
    }
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'before';", "(1 row)");
    leave(&mut pty, &world);
    assert_eq!(only(&world).statements, ["select 'before';"]);
    drop(disk);
}

/// Runs the wrapped client with a limit on the size of every file it writes.
fn limited(world: &World, bytes: u64) -> Pty {
    let mut command = world.command(find("prlimit").expect("prlimit"));
    let wrapped = without_pager(world);
    command.arg(format!("--fsize={bytes}")).arg(wrapped.get_program()).args(wrapped.get_args());
    let mut pty = Pty::spawn(command);
    pty.wait_for_prompt(&world.database.prompt());
    pty
}

#[test]
fn a_limit_on_the_size_of_files_ends_neither_the_session_nor_its_recording() {
    if !can_run() || !needs(&[Tool::Prlimit]) {
        return;
    }
    let world = World::new(Tier::Development);
    let mut pty = limited(&world, 600_000);
    ask(&mut pty, &world, MUCH, "(1000 rows)");
    ask(&mut pty, &world, "select 'after';", "(1 row)");
    leave(&mut pty, &world);
    let log = only(&world);
    assert_eq!(log.statements, [MUCH, "select 'after';"]);
    assert_eq!(log.gaps, []);
    assert!(log.output.len() > 2_000_000, "{}", log.output.len());
}

#[test]
fn a_reader_sees_each_line_while_it_is_written() {
    if !can_run() {
        return;
    }
    let world = World::new(Tier::Development);
    let mut pty = open(&world);
    ask(&mut pty, &world, "select 'seen' || ' live';", "seen live");
    pty.wait_for_silence(Duration::from_millis(100));
    let log = only(&world);
    assert!(String::from_utf8_lossy(&log.output).contains("seen live"));
    assert!(!log.has_exit);
    leave(&mut pty, &world);
}
