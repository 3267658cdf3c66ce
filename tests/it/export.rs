//! `nightlatch export`: what others are handed, opened with the programs they have.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::past::{ID, Past};
use crate::support::pty::Pty;
use crate::support::tool::{Tool, find, needs};
use crate::support::world::{Tier, World, run};

/// What a row or a statement may hold to break out of a page.
const EVIL: &str = "</script></pre></div>--><img src=x onerror=\"document.title='evil'\">\
                    <script>document.title='evil'</script>&lt;{{nonce}}";

fn session() -> Past {
    Past::new(60, 10)
        .output(0.5, "orders=> select 'families';\r\n")
        .statement("select 'families';", "allow")
        .output(0.1, " \x1b[1;32mfamilies\x1b[0m\r\n 日本語\r\n")
        .outcome(Some(1), None)
        .output(1.0, &format!("orders=> select '{EVIL}';\r\n"))
        .statement(&format!("select '{EVIL}';"), "allow")
        .output(0.1, &format!(" {EVIL}\r\n"))
        .outcome(None, Some("42P01"))
        .output(2.0, "orders=> delete from families;\r\n")
        .statement("delete from families;", "hold")
        .output(0.1, "nightlatch: cancelled\r\n")
        .output(0.1, "\x1b[?1049h a pager's needle\r\n(END)")
        .output(4.0, "\x1b[?1049l")
        .gap("the disk was full")
        .output(0.1, "orders=> \\q\r\n")
        .exit(0)
}

/// Opens a page in a browser without a window, and returns what its script made of it.
#[track_caller]
fn opened(past: &Past, page: &Path, fragment: &str) -> String {
    let mut command = Command::new(find("chromium").expect("chromium"));
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]);
    // Until all has come to rest.
    command.arg("--virtual-time-budget=2000");
    // Nothing may be loaded from anywhere, and what cannot be is told among the messages.
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"]);
    command.arg(format!("--user-data-dir={}", past.file("browser").display()));
    command.arg(format!("file://{}{fragment}", page.display()));
    command.env("HOME", past.file("")).current_dir(past.file(""));
    let output = command.output().expect("the browser starts");
    let noted = String::from_utf8_lossy(&output.stderr);
    assert!(!noted.contains("CONSOLE"), "the page complains: {noted}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn exported(past: &Past, name: &str) -> std::path::PathBuf {
    let file = past.file(name);
    past.printed(&["export", "last", "-o", file.to_str().expect("UTF-8")]);
    file
}

#[test]
fn the_page_searches_in_a_browser() {
    if !needs(&[Tool::Chromium]) {
        return;
    }
    let past = session();
    let page = exported(&past, "session.html");
    let plain = opened(&past, &page, "");
    assert!(plain.contains("data-ready=\"yes\""), "the script did not run\n{plain}");
    // Twice in what was typed, once in a result; colours are between the letters for nobody.
    let searched = opened(&past, &page, "#q=FAMILIES");
    assert!(searched.contains("data-hits=\"3\""), "{searched}");
    assert!(searched.contains(">1 of 3</output>"), "{searched}");
    // Of the list only what has the word is left.
    let hidden = searched.matches("hidden=\"\"").count();
    assert_eq!(hidden, 1, "{searched}");
    let none = opened(&past, &page, "#q=unicorns");
    assert!(none.contains("data-hits=\"0\"") && none.contains(">no hit</output>"), "{none}");
    // A hit in what is folded opens it.
    let folded = opened(&past, &page, "#q=pager%27s%20needle");
    assert!(folded.contains("<details class=\"fs\" open=\"\">"), "{folded}");
    let special = opened(&past, &page, "#q=(END)");
    assert!(special.contains("data-hits=\"1\""), "a pattern's letters are letters\n{special}");
}

#[test]
fn what_a_recording_holds_stays_text() {
    if !needs(&[Tool::Chromium]) {
        return;
    }
    let past = session();
    let page = exported(&past, "session.html");
    let source = fs::read_to_string(&page).expect("page");
    for word in ["http:", "https:", "//cdn", "@import", "url(", "{{"] {
        let is_evil = word == "{{";
        let count = source.matches(word).count();
        // The one in the recording, where it is typed, printed and listed, and in the timeline.
        assert!(count == 0 || (is_evil && count >= 3), "{count} {word}");
    }
    assert_eq!(source.matches("<script").count(), 1);
    let dom = opened(&past, &page, "#q=onerror");
    assert!(dom.contains("<title>psql on orders-prod, 2026-11-18 11:00</title>"), "{dom}");
    assert!(!dom.contains("<img"), "{dom}");
    assert_eq!(dom.matches("<script").count(), 1, "{dom}");
    assert!(dom.contains("&lt;/script&gt;&lt;/pre&gt;"), "{dom}");
    assert!(!dom.contains("<b>reasons"), "{dom}");
}

#[test]
fn statements_have_their_places_and_what_became_of_them() {
    let past = session();
    let source = fs::read_to_string(exported(&past, "session.html")).expect("page");
    for n in 1..=3 {
        assert_eq!(source.matches(&format!("id=\"s{n}\"")).count(), 1, "{n}");
        // From the timeline, from the list, and from itself.
        assert_eq!(source.matches(&format!("href=\"#s{n}\"")).count(), 3, "{n}");
    }
    let place = |text: &str| source.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place("=&gt; delete from families;\n") < place("id=\"s3\""));
    assert!(place("id=\"s3\"") < place("</div>nightlatch: cancelled"));
    for text in [
        "<b>hold</b> · <b>cancelled</b>: timeout",
        "error 42P01",
        "1 row · 12 ms",
        "7 bytes of output not recorded: the disk was full",
        "<span class=\"f2 o\">families</span>",
        "<span class=\"w\" style=\"--w:6\">日本語</span>",
        "class=\"tier production\"",
        "<details class=\"fs\"><summary>full screen, 2 lines, 4 s</summary>",
    ] {
        place(text);
    }
}

/// A hundred thousand lines open and are searched. What is far from the window is not laid out.
#[test]
fn a_long_session_opens() {
    if !needs(&[Tool::Chromium]) {
        return;
    }
    let past = Past::new(80, 24).lines(100_000).output(0.1, "the last needle\r\n").exit(0);
    let page = exported(&past, "long.html");
    let dom = opened(&past, &page, "#q=needle");
    assert!(dom.contains("data-hits=\"1\""), "{}", &dom[..2000]);
    assert!(dom.contains("data-now=\"in view\""), "{}", &dom[..2000]);
    assert_eq!(dom.matches("<div class=\"c\"").count(), 1001);
}

#[test]
fn json_lines_are_those_of_history() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Production);
    let mut pty = world.open();
    for line in ["select 1;", "select 1/0;", "update families set name = 'x' where id = 1;"] {
        pty.line(line);
        pty.wait_for_prompt(&world.database.prompt());
    }
    pty.line("\\q");
    pty.finish();
    let printed = |args: &[&str]| {
        let output = run(world.nightlatch(args), "");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let history = printed(&["history", "--json", "--session", "last"]);
    assert_eq!(history.lines().count(), 3, "{history}");
    assert_eq!(printed(&["export", "last", "--format", "jsonl"]), history);
}

#[test]
fn text_is_what_show_prints_and_exact() {
    let past = session().raw("");
    assert_eq!(
        past.printed(&["export", "last", "--format", "txt"]),
        past.printed(&["show", "last"])
    );
    let latin = Past::new(80, 24).bytes(b"caf\xe9 \xff\xfe\r\n").output(0.0, "é\r\n");
    let output = latin.run(&["export", "last", "--format", "txt"]);
    assert_eq!(output.stdout, b"caf\xe9 \xff\xfe\n\xc3\xa9\n");
    assert_eq!(latin.printed(&["show", "last"]), "caf\u{fffd} \u{fffd}\u{fffd}\né\n");
}

#[test]
fn a_cast_is_plain() {
    let past = Past::new(80, 24)
        .output(0.5, "a\r\n")
        .bytes(b"\xff\r\n")
        .resize(100, 30)
        .statement("delete\n from a", "hold")
        .output(1.25, "b\r\n")
        .exit(3);
    let cast = past.printed(&["export", "last", "--format", "cast"]);
    insta::assert_snapshot!(cast, @r#"
    {"version":3,"term":{"cols":80,"rows":24,"type":"xterm-256color"},"timestamp":1794999600,"command":"psql orders","title":"psql orders"}
    [0.500000, "o", "a\r\n"]
    [0.000000, "o", "�\r\n"]
    [0.000000, "r", "100x30"]
    [0.000000, "m", "1 (hold): delete from a"]
    [0.000000, "m", "1 cancelled"]
    [1.250000, "o", "b\r\n"]
    [0.000000, "x", "3"]
    "#);
}

/// The player of asciicasts reads what is exported, and the log itself while it is written.
#[test]
fn the_player_of_casts_reads_them() {
    if !needs(&[Tool::Asciinema]) {
        return;
    }
    let past = session();
    let cast = exported(&past, "session.cast");
    let live = Past::live(60, 10)
        .output(0.1, "orders=> select 1;\r\n")
        .statement("select 1;", "allow")
        .output(0.1, " 1\r\n");
    let program = find("asciinema").expect("asciinema");
    let convert = |file: &Path, to: &str| {
        let mut command = Command::new(&program);
        command.args(["convert", "-q", "-f", to]).arg(file).arg("-");
        let output = command.env("HOME", past.file("")).output().expect("asciinema starts");
        let noted = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {noted}", file.display());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for file in [&cast, &past.path(), &live.path()] {
        for to in ["asciicast-v2", "asciicast-v3", "raw", "txt"] {
            assert!(convert(file, to).contains("orders=>"), "{to} of {}", file.display());
        }
    }
    assert_eq!(convert(&cast, "raw"), convert(&past.path(), "raw"));
    for (file, last) in [(&cast, "\\q"), (&past.path(), "\\q"), (&live.path(), " 1")] {
        let mut command = Command::new(&program);
        command.args(["play", "-s", "1000"]).arg(file);
        command.env_clear().env("HOME", past.file("")).env("TERM", "xterm-256color");
        let mut pty = Pty::spawn(command);
        pty.wait_for(last);
        assert_eq!(pty.wait_for_exit().code(), Some(0), "{}", pty.dump());
    }
}

#[test]
fn no_file_is_lost() {
    let past = session();
    let file = past.file("a.txt");
    fs::write(&file, "mine").expect("file");
    let there = past.run(&["export", "last", "-o", "a.txt"]);
    assert_eq!(there.status.code(), Some(2));
    let noted =
        String::from_utf8_lossy(&there.stderr).replace(file.to_str().expect("UTF-8"), "<file>");
    insta::assert_snapshot!(noted, @r"
    nightlatch: <file> exists already.
      try: Choose another name, or replace it with --force.
    ");
    assert_eq!(fs::read_to_string(&file).expect("file"), "mine");
    past.printed(&["export", "last", "-o", "a.txt", "--force"]);
    assert!(fs::read_to_string(&file).expect("file").starts_with("orders=> "));
    let names = || {
        let entries = fs::read_dir(past.file("")).expect("folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["a.txt", "data"]);
    for args in [
        &["export", "last", "-o", "no/where.txt"][..],
        &["export", "last", "-o", "data", "--format", "txt"],
        &["export", "last", "-o", "data", "--format", "txt", "--force"],
        &["export", "last", "-o", "noformat"],
        &["export", "last"],
        &["export", "zzz", "-o", "b.txt"],
    ] {
        let output = past.run(args);
        assert!(!output.status.success(), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("nightlatch: "), "{output:?}");
        assert_eq!(names(), ["a.txt", "data"], "{args:?}");
    }
    // A disk that is full: nothing half written.
    let full = past.run(&["export", "last", "-o", "/dev/full", "--format", "txt", "--force"]);
    assert_eq!(full.status.code(), Some(2), "{full:?}");
    let log = past.path();
    let over = past.run(&["export", ID, "-o", log.to_str().expect("UTF-8")]);
    assert_eq!(over.status.code(), Some(2), "not over its own log: {over:?}");
}

/// Who changes their mind gets the prompt back at once, and finds no half of a file.
#[test]
fn an_interrupt_leaves_nothing() {
    let past = Past::new(120, 40).lines(600_000);
    let parts = || {
        let entries = fs::read_dir(past.file("")).expect("folder");
        let names = entries.map(|entry| entry.expect("entry").file_name());
        names.filter(|name| name != "data").collect::<Vec<_>>()
    };
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let command = past.nightlatch(&["export", "last", "-o", "big.html"]);
        let mut pty = Pty::spawn(command);
        pty.wait_until("the file is begun", |_| !parts().is_empty());
        pty.kill(signal);
        assert_eq!(pty.finish().code(), Some(status), "{}", pty.dump());
        assert_eq!(parts(), [""; 0]);
    }
}

/// Whoever reads the result may stop early.
#[test]
fn a_reader_that_stops_is_no_error() {
    if !needs(&[Tool::Bash]) {
        return;
    }
    let past = Past::new(80, 24).lines(20_000);
    for format in ["txt", "cast", "html"] {
        let mut command = Command::new("/bin/bash");
        let script = format!(
            "set -o pipefail; '{}' export last --format {format} | head -c 100 >/dev/null",
            env!("CARGO_BIN_EXE_nightlatch")
        );
        command.args(["-c", &script]).env_clear().env("NIGHTLATCH_DATA_DIR", past.data());
        let output = run(command, "");
        assert_eq!(output.status.code(), Some(0), "{format}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
    }
}
