//! psql behind another program, where no guard reaches it: said, recorded, and read off the screen.

use super::steps::{leave, production, say_no, wait_for_question};
use crate::support::pty::Pty;
use crate::support::world::run;

#[test]
fn started_by_another_program() {
    let Some(world) = production() else { return };
    let uri = world.database.uri("app");
    let ready = world.database.prompt();
    let more = ready.replace('=', "-");
    let launcher = world.write_program("launcher", "#!/bin/sh\nshift 2\nexec \"$@\"\n");
    let launcher = launcher.to_str().expect("UTF-8");
    for line in [
        &["env", "A=1", "psql", "-X", &uri][..],
        &[launcher, "exec", "orders-prod", "psql", "-X", &uri],
    ] {
        let mut command = world.nightlatch(["run", "--as", "psql", "--"]);
        command.args(line);
        let mut pty = Pty::spawn(command);
        pty.wait_for("nightlatch: UNGUARDED: psql is started by");
        pty.wait_for_prompt(&ready);
        pty.line("select 40 +");
        pty.wait_for_prompt(&more);
        pty.line("2;");
        pty.wait_for("42");
        pty.wait_for_prompt(&ready);
        pty.line("delete from");
        pty.wait_for_prompt(&more);
        pty.line("families;");
        wait_for_question(&mut pty);
        say_no(&mut pty, &world);
        pty.wait_for_prompt(&ready);
        pty.line("delete from families where id = 1 and false;");
        pty.wait_for("DELETE 0");
        leave(&world, &mut pty);
    }
    let history = run(world.nightlatch(["history", "--json"]), "");
    let history = String::from_utf8_lossy(&history.stdout);
    assert_eq!(history.matches("select 40 +\\n2;").count(), 2, "{history}");
    assert_eq!(history.matches("\"answer\":\"cancelled\"").count(), 2, "{history}");
}
