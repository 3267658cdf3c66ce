//! A call is judged by what the function does: its text comes from the server, or from the session.

use super::keys::wait_for_any_prompt;
use super::steps::{QUESTION, production, say_no, wait_for_question};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World};

const SWEEP: &str = "create function sweep() returns void language plpgsql as \
                     $$ begin delete from families; end $$";
const OUTER: &str = "create function \"Report\"() returns void language sql as 'select sweep()'";
const ATOMIC: &str = "create function gone() returns bigint begin atomic \
                      delete from families; select 1; end";
const HARMLESS: &str = "create function sums() returns bigint language sql as \
                        'select count(*) from families'";

#[test]
fn a_function_of_the_server_that_deletes_is_held() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    for call in
        ["select sweep();", "select 1 + gone();", "select \"Report\"() from generate_series(1, 2);"]
    {
        let world = World::new(Tier::Production);
        for function in [SWEEP, OUTER, ATOMIC, HARMLESS] {
            world.database.sql(function);
        }
        let mut pty = world.open();
        pty.line("select sums() + 4000000 as harmless;");
        pty.wait_for("(1 row)");
        wait_for_any_prompt(&mut pty, &world);
        assert!(!pty.recent().contains(QUESTION), "{}", pty.dump());
        pty.line(call);
        wait_for_question(&mut pty);
        let screen = pty.recent();
        assert!(screen.contains("() deletes every row of families"), "{}", pty.dump());
        say_no(&mut pty, &world);
        wait_for_any_prompt(&mut pty, &world);
        world.database.assert_untouched();
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
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
