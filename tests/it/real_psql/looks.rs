//! Promise 1: at every step, the wrapped client's screen is the bare client's screen.

use std::time::Duration;

use super::keys::{Do, perform, wait_until_busy, watch};
use super::steps::production;
use crate::support::pty::{Key, Pty};
use crate::support::screen::Screen;
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World};

/// A program that stands in for an editor: it replaces the file's text, or does what the file `mode`
/// says.
const EDITOR: &str = r#"#!/bin/sh
for file; do :; done
case "$(cat mode 2>/dev/null)" in
same) ;;
fails) exit 3 ;;
killed) kill -9 $$ ;;
interrupted) kill -INT $$ ;;
asks) printf 'what? '; read -r word; echo "select '$word' as answered;" > "$file" ;;
tells) echo "select '$# $PSQL_EDITOR $EDITOR' as told;" > "$file" ;;
*) echo 'select 77 as edited;' > "$file" ;;
esac
"#;

/// Does the same to the bare client and to the wrapped one, on development and on production, and
/// compares the screens after each step, the exit status, and the terminal's settings.
fn same(deeds: &[Do]) {
    same_with(deeds, Announced::OnProduction);
}

/// Where nightlatch may say a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announced {
    OnProduction,
    Everywhere,
}

fn same_with(deeds: &[Do], announced: Announced) {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock, Tool::Less]) {
        return;
    }
    let mut world = World::new(Tier::Development);
    let editor = world.write_program("editor", EDITOR);
    world.set("PSQL_EDITOR", editor.to_str().expect("UTF-8"));
    world.set("PAGER", "less");
    let mut bare = world.open_bare();
    let screens = watch(&mut bare, &world, deeds);
    bare.line("\\q");
    let status = bare.finish();
    drop(bare);
    for tier in [Tier::Development, Tier::Production] {
        world.database.reset();
        drop(std::fs::remove_file(world.home().join(".psql_history")));
        world.set_tier(tier);
        let mut wrapped = world.open();
        for (deed, expected) in deeds.iter().zip(&screens) {
            perform(&mut wrapped, &world, *deed);
            wrapped.wait_until(
                &format!("the bare client's screen after {deed:?} on {tier:?}:\n{expected}"),
                |screen| alike(screen, expected, tier, announced),
            );
        }
        // Nothing more may come once the screens are the same.
        let last = wrapped.wait_for_silence(Duration::from_millis(150));
        let is_alike =
            screens.last().is_some_and(|expected| alike(&last, expected, tier, announced));
        assert!(is_alike, "something came after the last deed\n{}", wrapped.dump());
        wrapped.line("\\q");
        assert_eq!(wrapped.finish(), status, "{}", wrapped.dump());
        drop(wrapped);
        world.assert_nothing_left();
    }
}

/// Compares exactly, but for lines of nightlatch's own where it may say some.
fn alike(wrapped: &Screen, bare: &Screen, tier: Tier, announced: Announced) -> bool {
    if tier == Tier::Production || announced == Announced::Everywhere {
        wrapped.is_but_for_own_lines(bare)
    } else {
        wrapped == bare
    }
}

/// Makes a test of each named list of deeds.
macro_rules! same {
    ($($name:ident: [$($deed:expr),+ $(,)?];)+) => {
        $(#[test]
        fn $name() {
            same(&[$($deed),+]);
        })+
    };
}

same! {
    select: [
        Do::Run("select 1;"),
        Do::Run("select id, name, null as nothing from families order by id limit 3;"),
        Do::Run("select;"),
        Do::Run(""),
        Do::Run("select 'ä€𝄞' as \"wide 漢字\";"),
    ];
    error: [
        Do::Run("select 1/0;"),
        Do::Run("selec 1;"),
        Do::Run("\\nonsense"),
        Do::Run("select * from nowhere;"),
        Do::Run("begin;"),
        Do::Run("select 1/0;"),
        Do::Run("select 1;"),
        Do::Run("rollback;"),
    ];
    describe: [Do::Run("\\d families"), Do::Run("\\dt"), Do::Run("\\d nowhere"), Do::Run("\\conninfo")];
    expanded: [
        Do::Run("\\x"),
        Do::Run("select * from families where id = 7;"),
        Do::Run("\\x"),
        Do::Run("select * from families where id = 7 \\gx"),
        Do::Run("\\pset null '(null)'"),
        Do::Run("select null as n \\g (format=unaligned tuples_only=on)"),
    ];
    several_lines: [
        Do::Line("select id", "-> "),
        Do::Line("  from families", "-> "),
        Do::Run("  where id < 3;"),
        Do::Line("select 'it", "'> "),
        Do::Run("is';"),
        Do::Line("select (1", "(> "),
        Do::Run(");"),
        Do::Line("select $$ a", "$> "),
        Do::Run("b $$;"),
        Do::Line("select 1 /* open", "*> "),
        Do::Run("closed */;"),
        Do::Line("select 5", "-> "),
        Do::Run("\\r"),
        Do::Line("select 6", "-> "),
        Do::Press(Key::Ctrl('c')),
        Do::Prompt,
    ];
    statements_on_one_line: [
        Do::Run("select 1; select 2; select 1/0; select 3;"),
        Do::Run("select 1 \\; select 2;"),
    ];
    copy_from_the_keyboard: [
        Do::Line("copy members from stdin;", ">> "),
        Do::Line("9001\t1\tnew one", ">> "),
        Do::Line("9002\t1\tdelete from families;", ">> "),
        Do::Run("\\."),
        Do::Run("select * from members where id > 9000;"),
        Do::Line("copy members from stdin with csv;", ">> "),
        Do::Run("\\."),
    ];
    history_search: [
        Do::Run("select 123 as first;"),
        Do::Run("select 456 as second;"),
        Do::Press(Key::Up),
        Do::WaitFor("second"),
        Do::Press(Key::Up),
        Do::WaitFor("first"),
        Do::Press(Key::Enter),
        Do::Prompt,
        Do::Press(Key::Ctrl('r')),
        Do::WaitFor("reverse"),
        Do::Text("4"),
        Do::Press(Key::Enter),
        Do::Prompt,
    ];
    completion: [
        Do::Blind("select * from fam"),
        Do::Press(Key::Tab),
        Do::WaitFor("ilies"),
        Do::Blind(" where id = 5;"),
        Do::Press(Key::Enter),
        Do::Prompt,
        Do::Blind("alter ta"),
        Do::Press(Key::Tab),
        Do::WaitFor("ble"),
        Do::Press(Key::Ctrl('c')),
        Do::Prompt,
        Do::Blind("create "),
        Do::Press(Key::Tab),
        Do::Press(Key::Tab),
        Do::WaitFor("DATABASE"),
        Do::Press(Key::Ctrl('c')),
        Do::Prompt,
    ];
    line_editing: [
        Do::Text("select 12x"),
        Do::Press(Key::Backspace),
        Do::Text("3"),
        Do::Press(Key::Left),
        Do::Press(Key::Left),
        Do::Blind("9"),
        Do::Press(Key::Ctrl('e')),
        Do::Text(";"),
        Do::Press(Key::Enter),
        Do::Prompt,
        Do::Text("abandoned"),
        Do::Press(Key::Ctrl('c')),
        Do::Prompt,
        Do::Press(Key::Ctrl('l')),
        Do::Prompt,
    ];
    line_longer_than_the_window: [
        Do::Run("\\pset pager off"),
        Do::Blind("select 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        Do::Blind("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
        Do::Press(Key::Ctrl('a')),
        Do::Press(Key::Ctrl('e')),
        Do::Blind("' as x;"),
        Do::Press(Key::Enter),
        Do::Prompt,
    ];
    editor: [Do::Run("\\e"), Do::Run("select 5 as five;"), Do::Run("\\g")];
    editor_that_changes_nothing: [
        Do::Run("\\! echo same > mode"),
        Do::Run("\\e"),
        Do::Run("select 5 as five;"),
        Do::Run("\\e"),
        Do::Line("select 6", "-> "),
        Do::Line("\\e", "-> "),
        Do::Run("\\g"),
    ];
    editor_that_fails: [
        Do::Run("\\! echo fails > mode"),
        Do::Run("\\e"),
        Do::Line("select 6", "-> "),
        Do::Line("\\e", "-> "),
        Do::Run(";"),
        Do::Run("\\! echo killed > mode"),
        Do::Run("\\e"),
        Do::Run("\\! echo interrupted > mode"),
        Do::Run("\\e"),
        Do::Run("\\! echo > mode; mv editor gone"),
        Do::Run("\\e"),
        Do::Run("\\! mv gone editor"),
    ];
    editor_at_the_terminal: [
        Do::Run("\\! echo asks > mode"),
        Do::Line("\\e", "what? "),
        Do::Run("a word"),
        Do::Run("\\! echo tells > mode"),
        Do::Run("\\setenv PSQL_EDITOR_LINENUMBER_ARG '--line '"),
        Do::Run("\\e some.sql 3"),
        Do::Run("\\! cat some.sql"),
        Do::Run("\\ef"),
        Do::Run("\\! rm mode some.sql"),
    ];
    variables_and_prompts: [
        Do::Run("\\set who 'world'"),
        Do::Run("select :'who' as hello;"),
        Do::Line("\\prompt 'name? ' name", "name? "),
        Do::Run("Ada"),
        Do::Run("\\echo :name"),
        Do::Run("\\echo `echo from the shell`"),
    ];
    notices_and_results: [
        Do::Run("do $$ begin raise notice 'hello'; end $$;"),
        Do::Run("insert into members values (9001, 1, 'one');"),
        Do::Run("create table fresh (id int);"),
        Do::Run("\\echo :ROW_COUNT :SQLSTATE"),
        Do::Run("begin;"),
        Do::Run("insert into fresh values (1), (2);"),
        Do::Run("commit;"),
    ];
    reconnect: [
        Do::Run("\\c"),
        Do::Run("\\c $DB"),
        Do::Run("\\c nowhere"),
        Do::Run("select 1;"),
    ];
    resize_while_busy: [
        Do::Blind("select pg_sleep(1);\r"),
        Do::Busy("pg_sleep(1)"),
        Do::Resize(100, 30),
        Do::Prompt,
        Do::Run("\\! stty size"),
        Do::Run("select repeat('x', 90) as wide;"),
    ];
    interrupted_query: [
        Do::Blind("select pg_sleep(60);\r"),
        Do::Busy("pg_sleep(60)"),
        Do::Press(Key::Ctrl('c')),
        Do::Prompt,
        Do::Run("select 2;"),
    ];
    include: [
        Do::Run("\\! printf 'select 1;\\nselect 1/0;\\n\\\\echo done\\n' > script.sql"),
        Do::Run("\\i script.sql"),
        Do::Run("\\ir script.sql"),
        Do::Run("\\i nowhere.sql"),
    ];
    shown_statements: [
        Do::Run("\\set ECHO queries"),
        Do::Run("select 1;"),
        Do::Run("\\set ECHO none"),
        Do::Run("select 2;"),
    ];
    generated_statements: [
        Do::Run("select 'select ' || n from generate_series(1, 3) as n \\gexec"),
        Do::Run("select 5 as five \\gset"),
        Do::Run("select :five;"),
        Do::Run("select 1 as a \\gdesc"),
    ];
    own_single_step: [
        Do::Run("\\set SINGLESTEP on"),
        Do::Line("select 1;", "*******\n"),
        Do::Press(Key::Enter),
        Do::WaitFor("(1 row)"),
        Do::Line("select 2;", "*******\n"),
        Do::Line("x", "$DB=> "),
    ];
    pasted_lines: [
        Do::Paste("select 1;\nselect 2;"),
        Do::Press(Key::Enter),
        Do::Prompt,
        Do::PastePlain("select 3;\nselect 4;\n"),
        Do::WaitFor("    4"),
        Do::Prompt,
    ];
}

/// What other programs of a pipeline write, and what a job in the background prints, looks the same.
#[test]
fn pipelines_and_jobs_look_as_bare() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let uri = world.database.uri("app");
    let nightlatch = env!("CARGO_BIN_EXE_nightlatch");
    for (script, last) in [
        ("PSQL \"URI\" -c 'select 5 as five' | cat; echo all done", "all done"),
        ("PSQL \"URI\" -c 'select 6 as six' & wait; echo job done", "job done"),
    ] {
        let mut screens = Vec::new();
        // A function, as the alias is: a job's line in the shell says the same.
        for psql in ["command psql".to_owned(), format!("{nightlatch} psql")] {
            let script = script.replace("PSQL", "psql").replace("URI", &uri);
            let script = format!("psql() {{ {psql} \"$@\"; }}; {script}");
            let mut command = world.command("bash");
            command.args(["-c", &format!("set -m; {script}")]);
            let mut pty = Pty::spawn(command);
            screens.push(pty.wait_for(last).to_string());
            assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
        }
        assert_eq!(screens[0], screens[1], "{script}");
    }
    world.assert_nothing_left();
}

/// Looks at the result of a query in a pager.
fn pages(query: &'static str) {
    same(&[
        Do::Run("\\pset pager always"),
        Do::Blind(query),
        Do::FullScreen,
        Do::WaitFor(":"),
        Do::Blind(" "),
        Do::WaitFor(":"),
        Do::Blind("q"),
        Do::Prompt,
        Do::Run("select 1 \\g (pager=off)"),
    ]);
}

#[test]
fn pager_has_the_whole_screen() {
    pages("select generate_series(1, 100) as n;\r");
}

/// More than a pipe holds: psql waits for the pager while the pager waits for a key.
#[test]
fn pager_of_a_long_result_takes_keys() {
    pages("select generate_series(1, 50000) as n;\r");
}

/// A prompt of the user's own has no mark: that is said, and nothing else changes.
#[test]
fn prompt_of_ones_own() {
    let deeds = [
        Do::Line("\\set PROMPT1 'mine> '", "mine> "),
        Do::Line("select 1;", "(1 row)\n\nmine> "),
        Do::Line("select 2;", "(1 row)\n\nmine> "),
    ];
    same_with(&deeds, Announced::Everywhere);
}

/// End of file at the prompt ends the client as it would end bare.
#[test]
fn end_of_file_leaves() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let leave = |mut pty: Pty| {
        pty.press(Key::Ctrl('d'));
        let status = pty.finish();
        (status, pty.screen())
    };
    let bare = leave(world.open_bare());
    assert_eq!(leave(world.open()), bare);
    world.assert_nothing_left();
}

/// A lost connection is made again as bare, and the marks go on.
#[test]
fn lost_connection_is_reset_as_bare() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let lose = |mut pty: Pty| {
        let name = &world.database.name;
        world.database.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ));
        pty.line("select 1;");
        pty.wait_for("Attempting reset: Succeeded.");
        pty.wait_for_prompt(&world.database.prompt());
        pty.line("\\q");
        let status = pty.finish();
        (status, pty.screen())
    };
    let bare = lose(world.open_bare());
    assert_eq!(lose(world.open()), bare);
}

/// Ctrl-Z suspends while a query runs, and `fg` goes on: no shell takes part.
#[test]
fn suspended_and_continued() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("select pg_sleep(1);");
    wait_until_busy(&mut pty, &world, "pg_sleep(1)");
    pty.press(Key::Ctrl('z'));
    pty.wait_for_stop();
    // A suspended program leaves the terminal to the shell.
    pty.check_restored();
    pty.foreground();
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("select 40 + 2;");
    pty.wait_for("42");
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0));
    drop(pty);
    world.assert_nothing_left();
}

/// The same under a shell with job control, at the prompt and while busy.
#[test]
fn job_of_an_interactive_shell() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock, Tool::Bash]) {
        return;
    }
    let world = World::new(Tier::Production);
    let mut command = world.command("/bin/bash");
    command.args(["--norc", "--noprofile", "-i"]).env("PS1", "shell$ ");
    let mut pty = Pty::spawn(command);
    pty.wait_for_prompt("shell$ ");
    let client = world.wrapped([world.database.uri("app")]);
    let words = std::iter::once(client.get_program()).chain(client.get_args());
    let words: Vec<_> = words.map(|word| format!("'{}'", word.to_str().expect("UTF-8"))).collect();
    pty.line(&words.join(" "));
    pty.wait_for_prompt(&world.database.prompt());
    for _ in 0..3 {
        pty.line("select pg_sleep(2);");
        wait_until_busy(&mut pty, &world, "pg_sleep(2)");
        pty.press(Key::Ctrl('z'));
        pty.wait_for("Stopped");
        pty.wait_for_prompt("shell$ ");
        pty.line("echo still $((40 + 2))");
        pty.wait_for("still 42");
        pty.line("fg");
        pty.wait_for_prompt(&world.database.prompt());
    }
    pty.line("select 40 + 3;");
    pty.wait_for("43");
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("\\q");
    pty.wait_for_prompt("shell$ ");
    pty.line("echo status $?");
    pty.wait_for("status 0");
    pty.wait_for_prompt("shell$ ");
    pty.press(Key::Ctrl('d'));
    assert_eq!(pty.finish().code(), Some(0));
    drop(pty);
    world.assert_nothing_left();
}
