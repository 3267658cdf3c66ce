//! A member of a replica set that was production stays so through another door.

use super::stage::{FAMILIES, NEEDED, Stage, leave, place};
use crate::real_psql::steps::wait_for_question;
use crate::support::mongo::Mongo;
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::needs;

#[test]
fn the_same_member_through_another_door_keeps_its_tier() {
    if !needs(NEEDED) {
        return;
    }
    let stage = Stage::new();
    let door = Mongo::start(FAMILIES);
    for server in [&stage.server, &door] {
        server.join("rs0", "mongo1.internal:27017");
    }
    let open = |server: &Mongo| {
        let mut command = stage.wrapped_alone();
        command.args([&place(server), "--quiet"]);
        let mut pty = Pty::spawn(command);
        pty.wait_until("the prompt", |screen| screen.cursor_line().ends_with("app>"));
        pty
    };
    // Not met yet: a port of this machine.
    let mut pty = open(&door);
    pty.line("db.family.deleteMany({_id: -1}).deletedCount + 100");
    pty.wait_for("100");
    leave(&mut pty);
    leave(&mut open(&stage.server));
    let mut pty = open(&door);
    pty.line("db.family.deleteMany({})");
    wait_for_question(&mut pty);
    let screen = pty.screen();
    assert!(screen.contains("held PRODUCTION  families-prod  127.0.0.1"), "{screen}");
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_until("the prompt", |screen| screen.cursor_line().ends_with("app>"));
    pty.wait_for_silence(PERSON_PAUSE);
    assert_eq!(door.left(), 20, "nothing is gone");
    leave(&mut pty);
}
