//! A server that was production stays so through another door.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::{fs, io};

use crate::real_psql::steps::refuse_and_leave;
use crate::support::postgres::cluster;
use crate::support::pty::{PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

/// Passes connections on to the server, as a program does that nobody knows.
pub(super) fn door() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback address");
    let port = listener.local_addr().expect("bound").port();
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let pass = |mut from: TcpStream, mut to: TcpStream| {
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    };
    named("door")
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", cluster().port)) else { return };
                let (back, there) = (stream.try_clone(), server.try_clone());
                let (Ok(back), Ok(there)) = (back, there) else { return };
                drop(named("in").spawn(move || pass(stream, there)));
                drop(named("out").spawn(move || pass(server, back)));
            }
        })
        .expect("a thread");
    port
}

#[test]
fn the_same_server_through_another_door_keeps_its_tier() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Production);
    world.announce();
    let name = world.database.name.clone();
    let elsewhere = format!("postgres://app@127.0.0.1:{}/{name}", door());

    // Not met yet: a port of this machine, so nothing is held.
    let mut pty = Pty::spawn(world.wrapped([&elsewhere]));
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("delete from members where id = -1;");
    pty.wait_for("DELETE 0");
    pty.line("\\q");
    pty.finish();

    let mut pty = world.open();
    let is_met = || {
        let mut files = fs::read_dir(world.data().join("servers")).into_iter().flatten().flatten();
        files.any(|file| file.path().extension().is_some_and(|extension| extension == "json"))
    };
    pty.wait_until("the server is remembered", |_| is_met());
    pty.line("\\q");
    pty.finish();

    let mut pty = Pty::spawn(world.wrapped([&elsewhere]));
    pty.wait_for_prompt(&world.database.prompt());
    pty.wait_for_bytes("]2;PRODUCTION orders-prod");
    pty.line("delete from families;");
    let screen = pty.wait_for(&format!("type {name} to run it"));
    // It has the name that the configuration gives to the other door.
    assert!(screen.contains("held PRODUCTION  orders-prod  app@127.0.0.1"), "{screen}");
    // The title said so at once; the line comes below the one that was being typed.
    assert!(screen.contains("because of the same server as app@localhost"), "{screen}");
    pty.wait_for_silence(PERSON_PAUSE);
    refuse_and_leave(&world, &mut pty);

    // A script through that door, read beforehand or asked about one by one.
    for script in ["delete from families", "\\set t families\ndelete from :t;"] {
        let output = run(world.wrapped([&elsewhere]), script);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(125), "{script}: {said}");
        assert!(said.contains("refused on production orders-prod"), "{script}: {said}");
        world.database.assert_untouched();
    }
    let output = run(world.wrapped([&elsewhere]), "select 40 + 2;");
    assert!(String::from_utf8_lossy(&output.stdout).contains("42"), "{output:?}");

    // What the configuration says of a door counts more, and makes it forgotten.
    world.set_tier(Tier::Development);
    world.announce();
    world.add_config(&format!(
        "[[target]]\nname = \"mine\"\ntier = \"development\"\nmatch = [\"localhost:{}\"]\n",
        cluster().port
    ));
    for uri in [world.database.uri("app"), elsewhere] {
        let mut pty = Pty::spawn(world.wrapped([&uri]));
        pty.wait_for_prompt(&world.database.prompt());
        pty.line("delete from members where id = -1;");
        pty.wait_for("DELETE 0");
        pty.line("\\q");
        pty.finish();
    }
    world.assert_nothing_left();
}

#[test]
fn what_people_noted_holds_at_the_prompt() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = World::new(Tier::Development);
    let (port, name) = (cluster().port, &world.database.name);
    let service = format!("[live]\nhost=127.0.0.1\nport={port}\ndbname={name}\nuser=app\n");
    world.write(".pg_service.conf", &service);
    let mut pty = Pty::spawn(world.wrapped(["service=live"]));
    pty.wait_for_prompt(&world.database.prompt());
    pty.line("delete from families;");
    pty.wait_for(&format!("type {name} to run it"));
    pty.wait_for_silence(PERSON_PAUSE);
    refuse_and_leave(&world, &mut pty);
}
