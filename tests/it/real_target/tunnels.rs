//! A real psql through a real ssh tunnel.

use crate::real_psql::steps::{leave, say_no};
use crate::support::postgres::cluster;
use crate::support::pty::{PERSON_PAUSE, Pty};
use crate::support::sshd::Sshd;
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

#[test]
fn a_local_port_is_where_ssh_leads() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::Sshd, Tool::TestClock]) {
        return;
    }
    // Nothing in the configuration says what this server is: only the way there does.
    let world = World::new(Tier::Development);
    world.announce();
    let sshd = Sshd::start("bastion-prod");
    let forward = sshd.forward("bastion-prod", &format!("localhost:{}", cluster().port));
    let port = forward.port.to_string();
    let name = world.database.name.clone();

    let told = run(world.nightlatch(["target", "--", "psql", "-h", "localhost", "-p", &port]), "");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let text = format!("localhost:{port} is an ssh tunnel to 127.0.0.1:{}", cluster().port);
    assert!(told.contains("tier      production"), "{told}");
    assert!(told.contains(&text), "{told}");

    let uri = format!("postgres://app@localhost:{port}/{name}");
    let mut pty = Pty::spawn(world.wrapped([&uri]));
    let screen = pty.wait_for_prompt(&world.database.prompt());
    assert!(screen.contains("nightlatch: PRODUCTION"), "{screen}");
    assert!(screen.contains("because localhost"), "{screen}");
    pty.line("delete from families;");
    pty.wait_for(&format!("type {name} to run it"));
    pty.wait_for_silence(PERSON_PAUSE);
    say_no(&mut pty, &world);
    drop(forward);
    leave(&world, &mut pty);

    let refused = run(world.wrapped([uri.as_str(), "-c", "select 1"]), "");
    assert!(!refused.status.success(), "the tunnel has gone");
}
