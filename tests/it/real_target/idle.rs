//! A production session that nobody uses: told of, and ended.

use std::fs;
use std::time::Duration;

use crate::real_psql::keys::wait_for_any_prompt;
use crate::real_psql::steps::production;

/// Ended after one second at the prompt, with what was typed thrown away and history kept; never in
/// a transaction.
#[test]
fn one_that_nobody_uses_is_ended_outside_transactions() {
    let Some(world) = production() else { return };
    world.add_config("\n[idle]\ndisconnect = \"1s\"\n");
    let mut pty = world.open();
    pty.line("BEGIN;");
    pty.wait_for("BEGIN");
    pty.watch_for(Duration::from_secs(2));
    assert!(!pty.has_exited(), "{}", pty.dump());
    pty.line("SELECT 'kept';");
    pty.wait_for("(1 row)");
    pty.line("COMMIT;");
    wait_for_any_prompt(&mut pty, &world);
    pty.type_text("DELETE FROM members;");
    pty.wait_for("disconnected: nobody has used this production session for 1s");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    world.assert_nothing_left();
    world.database.assert_untouched();
    let history = fs::read_to_string(world.home().join(".psql_history")).expect("history");
    assert!(history.contains("SELECT 'kept';") && !history.contains("DELETE"), "{history}");
}
