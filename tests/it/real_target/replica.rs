//! A real replica says that it is one.

use crate::support::postgres::Cluster;
use crate::support::pty::Pty;
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World};

#[test]
fn a_replica_is_told_in_the_title_at_once_and_in_a_line() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let replica = Cluster::replica();
    world.announce();
    let port = replica.port;
    world.add_config(&format!(
        "[[target]]\nname = \"copy\"\ntier = \"production\"\nmatch = [\"localhost:{port}\"]\n"
    ));
    let uri = format!("postgres://app@localhost:{port}/{}", world.database.name);
    let mut pty = Pty::spawn(world.wrapped([uri]));
    let screen = pty.wait_for_prompt(&world.database.prompt());
    assert!(screen.contains("  server 1") && screen.contains(" CET, Wednesday"), "{screen}");
    assert!(
        screen.contains(&format!("nightlatch: because `localhost:{port}` is copy")),
        "{screen}"
    );
    pty.wait_for_bytes("]2;PRODUCTION copy (replica)");
    pty.line("DELETE FROM members WHERE id = 1;");
    pty.wait_for("the server is a replica (version 1");
    pty.wait_for("cannot execute DELETE in a read-only transaction");
    // Another server is another matter.
    pty.line(&format!("\\c \"{}\"", world.database.uri("app")));
    pty.wait_for("development from here on");
    pty.line("\\q");
    pty.finish();
    world.assert_nothing_left();
}
