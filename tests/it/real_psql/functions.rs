//! A call is judged by what the function does: its text comes from the server, or from the session.

use super::keys::wait_for_any_prompt;
use super::non_interactive::without_terminal;
use super::steps::{QUESTION, production, say_no, wait_for_question};
use crate::support::world::run;

const SWEEP: &str = "create function sweep() returns void language plpgsql as \
                     $$ begin delete from families; end $$";
const OUTER: &str = "create function \"Report\"() returns void language sql as 'select sweep()'";
const ATOMIC: &str = "create function gone() returns bigint begin atomic \
                      delete from families; select 1; end";
const HARMLESS: &str = "create function sums() returns bigint language sql as \
                        'select count(*) from families'";

/// What runs it without calling it.
const WAYS: &str = "create function same(a int, b int) returns bool language sql as \
                    'delete from families; select true';
                    create operator === (leftarg = int, rightarg = int, function = same);
                    create function adds(a int, b int) returns int language sql as \
                    'delete from families; select 1';
                    create aggregate adding (int) (sfunc = adds, stype = int, initcond = 0);
                    create view gone_view as select gone(); create view \"Outer\" as table gone_view;
                    create materialized view gone_mv as select gone() with no data;
                    create table gone_default (a bigint default gone(), b int);
                    create domain fine as int check (value === 1);
                    create function part(f families) returns bigint language sql as 'select gone()';
                    create function fired() returns trigger language plpgsql as \
                    'begin delete from families; return new; end';
                    create table ruled (a int);
                    create rule empties as on insert to ruled do also delete from families;
                    create type odd as (v int); create function to_odd(int) returns odd language sql as \
                    'delete from families; select row($1)::odd';
                    create cast (int as odd) with function to_odd(int) as assignment;
                    create table odds (o odd);
                    create table firing (a int); grant all on all tables in schema public to public;
                    create trigger fires after insert on firing for each row execute function fired();";

#[test]
fn a_function_of_the_server_that_deletes_is_held() {
    let Some(world) = production() else { return };
    for function in [SWEEP, OUTER, ATOMIC, HARMLESS, WAYS] {
        world.database.sql(function);
    }
    let mut pty = world.open();
    pty.line("select sums() + 4000000 as harmless;");
    pty.wait_for("(1 row)");
    wait_for_any_prompt(&mut pty, &world);
    assert!(!pty.recent().contains(QUESTION), "{}", pty.dump());
    // What triggers and rules do is worth a word, not a question.
    for (table, told) in [
        ("firing", "firing runs fired(), which deletes every row"),
        ("ruled", "rule empties of ruled deletes every row"),
    ] {
        pty.line(&format!("begin; insert into {table} values (1); rollback;"));
        pty.wait_for(told);
        pty.wait_for("ROLLBACK");
        wait_for_any_prompt(&mut pty, &world);
    }
    for call in [
        "select sweep();",
        "select 1 + gone();",
        "select \"Report\"() from generate_series(1, 2);",
        "select * from \"Outer\";",
        "refresh materialized view gone_mv;",
        "create table x as table gone_view;",
        "select 1 === 2;",
        "select adding(1);",
        "insert into gone_default (b) values (1);",
        "select '1'::fine;",
        "insert into odds values (1);",
        "select f.part from families f;",
        "alter table families add n bigint default gone();",
        "create trigger t after insert on firing execute function fired();",
    ] {
        pty.line(call);
        wait_for_question(&mut pty);
        let screen = pty.recent();
        assert!(screen.contains("deletes every row of families"), "{call}: {}", pty.dump());
        say_no(&mut pty, &world);
        wait_for_any_prompt(&mut pty, &world);
        world.database.assert_untouched();
    }
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}

#[test]
fn a_run_without_a_person_asks_for_functions_too() {
    let Some(world) = production() else { return };
    for function in [SWEEP, OUTER, HARMLESS] {
        world.database.sql(function);
    }
    for (call, status) in [
        ("select sums()", 0),
        ("select sweep()", 125),
        ("select \"Report\"()", 125),
        ("explain analyze select sweep()", 125),
    ] {
        for ways in [&["-c", call][..], &["-X", "-c", "select 1", "-c", call], &["-1", "-c", call]]
        {
            let command = world.wrapped([&[world.database.uri("app").as_str()], ways].concat());
            let output = run(without_terminal(&world, &command), "");
            assert_eq!(output.status.code(), Some(status), "{ways:?}: {output:?}");
            world.database.assert_untouched();
        }
        let piped = world.wrapped([world.database.uri("app")]);
        let made = SWEEP.replace("sweep", "swept");
        let calls_made = call.replace("sweep", "swept");
        for script in [
            format!("{call};\n"),
            format!("\\set SINGLESTEP off\n{call};\n"),
            format!("\\set SINGLESTEP off\n{made};\n{calls_made};\n"),
            format!("{made};\n\\set SINGLESTEP off\n{calls_made};\n"),
        ] {
            let output = run(without_terminal(&world, &piped), &script);
            assert_eq!(output.status.code(), Some(status), "{script}: {output:?}");
            let file = world.write("script.sql", &script);
            let uri = world.database.uri("app");
            let file = world.wrapped([uri.as_ref(), "-f".as_ref(), file.as_os_str()]);
            let output = run(without_terminal(&world, &file), "");
            assert_eq!(output.status.code(), Some(status), "{script}: {output:?}");
            world.database.assert_untouched();
        }
    }
}

#[test]
fn a_function_of_the_session_that_deletes_is_held() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    pty.line("select count(*) as before from families;");
    pty.wait_for("(1 row)");
    wait_for_any_prompt(&mut pty, &world);
    pty.line(&format!("{};", SWEEP.replace("sweep", "swept")));
    pty.wait_for("CREATE FUNCTION");
    wait_for_any_prompt(&mut pty, &world);
    pty.line("select swept();");
    wait_for_question(&mut pty);
    assert!(pty.recent().contains("swept() deletes every row of families"), "{}", pty.dump());
    say_no(&mut pty, &world);
    wait_for_any_prompt(&mut pty, &world);
    world.database.assert_untouched();
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}
