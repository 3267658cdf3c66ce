//! `nightlatch show`: what a person saw, and no more.

use std::fs;

use crate::support::past::{ID, Past};
use crate::support::tmux::Tmux;
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

/// Columns and rows at the start.
const SIZE: (u16, u16) = (70, 18);

/// Everything a person does at a prompt, on a terminal that others wrote: the text of both is the
/// same line by line.
#[test]
fn it_is_what_another_terminal_shows() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock, Tool::Less, Tool::Tmux]) {
        return;
    }
    let mut world = World::new(Tier::Production);
    world.set("PAGER", "less");
    let prompt = format!("{}=>", world.database.name);
    let tmux = Tmux::start(&world, &world.wrapped([world.database.uri("app")]), SIZE.0, SIZE.1);
    tmux.wait_for_end(&prompt);
    let enter = |end: &str| {
        tmux.wait_for_silence();
        tmux.press("Enter");
        tmux.wait_for_end(end);
    };

    tmux.type_text("selecct");
    for _ in 0..2 {
        tmux.press("BSpace");
    }
    tmux.type_text("t 1 as one, '漢字 é 😀' as \"größe\";");
    enter(&prompt);
    tmux.type_text("select * from fam");
    tmux.press("Tab");
    tmux.wait_for_end("from families");
    tmux.type_text(" order by id limit 9;");
    enter(&prompt);
    tmux.type_text("select * from pg_stat_a");
    tmux.press("Tab");
    tmux.press("Tab");
    tmux.wait_for("pg_stat_archiver");
    tmux.press("C-u");
    tmux.type_text(
        "select 'a word that was typed in the middle of a line that wraps around' as x;",
    );
    tmux.press("C-a");
    tmux.type_text("-- ");
    tmux.press("C-d");
    tmux.press("BSpace");
    tmux.press("BSpace");
    tmux.press("BSpace");
    tmux.type_text("s");
    enter(&prompt);
    tmux.press("C-r");
    tmux.type_text("größe");
    tmux.wait_for("reverse-i-search");
    tmux.press("Enter");
    tmux.wait_for_end(&prompt);
    tmux.paste("select 1,\n  2\nfrom families\nlimit 1;");
    tmux.press("Enter");
    tmux.wait_for_end(&prompt);
    tmux.resize(50, 12);
    tmux.type_text("select repeat('0123456789', 12) as wide;");
    enter(":");
    tmux.press("q");
    tmux.wait_for_end(&prompt);
    tmux.resize(90, 24);
    tmux.type_text("\\pset pager always");
    tmux.press("Enter");
    tmux.wait_for_end(&prompt);
    tmux.type_text("select generate_series(1, 200) as n;");
    tmux.press("Enter");
    tmux.wait_for("  20");
    tmux.press("Space");
    tmux.wait_for("  40");
    tmux.press("q");
    tmux.wait_for_end(&prompt);
    tmux.type_text("\\pset pager off");
    tmux.press("Enter");
    tmux.wait_for_end(&prompt);
    tmux.type_text("\\set PROMPT1 '%[%033[1;32m%]green>%[%033[0m%] '");
    tmux.press("Enter");
    tmux.wait_for("green>");
    tmux.type_text("select 1/0;");
    tmux.press("Enter");
    tmux.wait_for_end("green>");
    tmux.type_text("\\q");
    tmux.press("Enter");
    tmux.wait_for("over");

    let seen = tmux.scrollback();
    let over = seen.iter().rposition(|line| line == "over").expect("the end");
    let output = run(world.nightlatch(["show", "last"]), "");
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    let is_fold = |line: &&str| !line.starts_with("[full screen, ");
    let told: Vec<&str> = shown.lines().filter(is_fold).collect();
    assert_eq!(told.len() + 2, shown.lines().count(), "one line for a pager\n{shown}");
    assert_eq!(told, seen[..over], "\n{shown}");
    assert!(!shown.contains(['\x08', '\x1b', '\r', '\x07']), "{shown:?}");

    let all = run(world.nightlatch(["show", "last", "--full-screen"]), "");
    let all = String::from_utf8(all.stdout).expect("UTF-8");
    for n in 1..40 {
        assert!(all.lines().any(|line| line.trim() == n.to_string()), "{n} of the pager\n{all}");
    }
}

fn session() -> Past {
    Past::new(40, 10)
        .output(0.1, "orders=> select 1;\r\n")
        .statement("select 1;", "allow")
        .output(0.1, " 1\r\n")
        .outcome(Some(1), None)
        .output(0.1, "orders=> select 2;\r\n")
        .statement("select 2;", "allow")
        .output(0.1, "\x1b[?1049h\x1b[H 2\r\n(END)")
        .output(3.0, "\x1b[?1049l")
        .outcome(Some(1), None)
        .output(0.1, "orders=> delete from a;\r\n")
        .statement("delete from a;", "hold")
        .output(0.1, "type orders: \r\nnightlatch: cancelled\r\norders=> \\q\r\n")
        .exit(0)
}

#[test]
fn a_full_screen_is_one_line_unless_asked_for() {
    let past = session();
    insta::assert_snapshot!(past.printed(&["show", "last"]), @r"
    orders=> select 1;
     1
    orders=> select 2;
    [full screen, 2 lines, 3 s]
    orders=> delete from a;
    type orders:
    nightlatch: cancelled
    orders=> \q
    ");
    insta::assert_snapshot!(past.printed(&["show", ID, "--full-screen"]), @r"
    orders=> select 1;
     1
    orders=> select 2;
    [full screen, 2 lines, 3 s:]
     2
    (END)
    [end of full screen]
    orders=> delete from a;
    type orders:
    nightlatch: cancelled
    orders=> \q
    ");
}

#[test]
fn one_statement_has_its_output_and_its_end() {
    let past = session();
    let one = |n: &str| past.printed(&["show", "last", "--statement", n]);
    insta::assert_snapshot!(one("1"), @r"
    Statement 1, 2026-11-18 11:00:00+00:00, orders-prod (production), allow:
    select 1;

     1

    1 row, 12 ms
    ");
    insta::assert_snapshot!(one("2"), @r"
    Statement 2, 2026-11-18 11:00:00+00:00, orders-prod (production), allow:
    select 2;

    [full screen, 2 lines, 3 s:]
     2
    (END)
    [end of full screen]

    1 row, 12 ms
    ");
    insta::assert_snapshot!(one("3"), @r"
    Statement 3, 2026-11-18 11:00:00+00:00, orders-prod (production), hold:
    delete from a;


    cancelled (timeout)
    ");
}

#[test]
fn what_is_missing_is_told_where_it_is_missing() {
    let past = Past::new(40, 10)
        .output(0.0, "a\r\nb")
        .gap("the disk was full")
        .output(0.0, "c\r\n")
        .raw("rubbish\n")
        .output(0.0, "d\r\n")
        .raw("[0.1, \"o\", \"e");
    let output = past.run(&["show", "last"]);
    insta::assert_snapshot!(String::from_utf8(output.stdout).expect("UTF-8"), @r"
    a
    bc
    [in the line above: 7 bytes of output not recorded: the disk was full]
    [8 bytes of the log cannot be read]
    d
    ");
    let noted = String::from_utf8_lossy(&output.stderr);
    assert!(noted.contains("stops within an event"), "{noted}");
}

#[test]
fn a_log_of_nothing_is_nothing() {
    assert_eq!(Past::new(80, 24).printed(&["show", "last"]), "");
    assert_eq!(Past::new(0, 0).output(0.0, "x").printed(&["show", "last"]), "x\n");
    let past = Past::new(80, 24).raw("\n\n{}\n[]\n[1]\n[1,\"o\"]\n[1,\"o\",3]\n");
    assert!(past.run(&["show", "last"]).status.success());
    fs::write(past.path(), "").expect("log");
    assert_eq!(past.run(&["show", "last"]).status.code(), Some(125));
}

/// Memory does not grow with the session: a log of 30 MB is shown in 60 MB of address space, of
/// which the program itself takes a good part.
#[test]
fn a_long_session_needs_no_more_memory() {
    if !needs(&[Tool::Bash]) {
        return;
    }
    let past = Past::new(120, 40).lines(400_000);
    let size = fs::metadata(past.path()).expect("log").len();
    assert!(size > 30 << 20, "{size}");
    for format in ["txt", "cast", "html"] {
        let mut command = std::process::Command::new("/bin/bash");
        let script = format!("ulimit -v 60000; exec '{}' \"$@\"", env!("CARGO_BIN_EXE_nightlatch"));
        command.args(["-c", &script, "bash", "export", "last", "--format", format, "-o", "out"]);
        command.env_clear().env("NIGHTLATCH_DATA_DIR", past.data());
        command.current_dir(past.file("")).arg("--force");
        let output = command.output().expect("bash");
        let noted = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{format}: {noted}");
    }
}
