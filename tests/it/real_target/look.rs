//! The terminal looks different on production, and as before on every way out.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::doors::door;
use crate::support::postgres::cluster;
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World};

/// What a terminal shows besides its cells: it keeps titles on a stack, as xterm does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    title: String,
    titles: Vec<String>,
    background: String,
}

impl Shown {
    fn before() -> Self {
        let (title, background) = ("shell".to_owned(), "own".to_owned());
        Self { title, titles: Vec::new(), background }
    }

    /// What a terminal shows that was sent these bytes.
    fn after(bytes: &[u8]) -> Self {
        let mut shown = Self::before();
        let text = String::from_utf8_lossy(bytes);
        for part in text.split('\x1b').skip(1) {
            let command = part.split('\x07').next().unwrap_or_default();
            let title = ["]2;", "]0;"].iter().find_map(|begin| command.strip_prefix(begin));
            if let Some(title) = title {
                shown.title = title.to_owned();
            } else if let Some(colour) = command.strip_prefix("]11;") {
                shown.background = colour.to_owned();
            } else if command.starts_with("]111") {
                shown.background = Self::before().background;
            } else if command.starts_with("[22;2t") {
                shown.titles.push(shown.title.clone());
            } else if command.starts_with("[23;2t") {
                shown.title = shown.titles.pop().expect("a title on the stack");
            }
        }
        shown
    }
}

fn shown(pty: &mut Pty) -> Shown {
    drop(pty.screen());
    Shown::after(&pty.raw)
}

/// Waits until the terminal looks so: what is ours comes behind what is the client's.
fn wait_for_look(pty: &mut Pty, look: &Shown) {
    let end = pty.deadline();
    while shown(pty) != *look {
        assert!(!pty.is_hopeless(end), "{:?}\n{}", shown(pty), pty.dump());
    }
}

/// Waits until what is worn is written down, beside the session, for the next one on the terminal.
fn wait_for_note(pty: &mut Pty, world: &World) {
    let looks = world.data().join("looks");
    pty.wait_until("the note of the look", |_| {
        let notes = fs::read_dir(&looks).into_iter().flatten().flatten();
        notes.into_iter().any(|note| note.metadata().is_ok_and(|facts| facts.len() > 0))
    });
}

fn on_production() -> Shown {
    let mut shown = Shown::before();
    shown.titles = vec![std::mem::replace(&mut shown.title, "PRODUCTION orders-prod".to_owned())];
    shown.background = "#2b0b0b".to_owned();
    shown
}

/// A way out.
type Leave = fn(&mut Pty);

fn dark() -> World {
    let mut world = World::new(Tier::Production);
    world.set("COLORFGBG", "15;0");
    world
}

#[test]
fn the_look_goes_with_the_session() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock, Tool::Bash]) {
        return;
    }
    let leave: [(&str, Leave); 4] = [
        ("quit", |pty| pty.line("\\q")),
        ("end of file", |pty| pty.press(Key::Ctrl('d'))),
        ("terminated", |pty| pty.kill(Signal::SIGTERM)),
        // The monitor gives the terminal back then.
        ("killed", |pty| pty.kill(Signal::SIGKILL)),
    ];
    for (how, leave) in leave {
        let world = dark();
        let mut pty = world.open();
        assert_eq!(shown(&mut pty), on_production(), "{how}\n{}", pty.dump());
        wait_for_note(&mut pty, &world);
        leave(&mut pty);
        pty.wait_for_exit();
        world.assert_nothing_left();
        assert_eq!(shown(&mut pty), Shown::before(), "{how}\n{}", pty.dump());
        assert!(!pty.is_mode_on("?1004"), "the focus is still reported: {how}");
        let mut notes = fs::read_dir(world.data().join("looks")).expect("a folder");
        assert!(notes.next().is_none(), "the next session would take it off again: {how}");
    }
}

/// A session that is killed with its monitor leaves its look on.
#[test]
fn what_is_left_on_is_taken_off_by_the_next_session() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock, Tool::Bash]) {
        return;
    }
    let world = dark();
    let nightlatch = env!("CARGO_BIN_EXE_nightlatch");
    let (first, name, door) = (world.database.uri("app"), &world.database.name, door());
    let next = format!("postgres://app@127.0.0.1:{door}/{name}");
    let mut command = world.command("/bin/bash");
    let first = format!("as=$(stty -g); {nightlatch} psql '{first}'; stty $as");
    command.args(["-c", &format!("{first}; exec {nightlatch} psql '{next}'")]);
    let mut pty = Pty::spawn(command);
    pty.wait_for_prompt(&world.database.prompt());
    assert_eq!(shown(&mut pty), on_production(), "{}", pty.dump());
    wait_for_note(&mut pty, &world);
    let processes = world.processes();
    let pid = |name: &str| {
        let process = processes.iter().find(|process| process.name == name);
        Pid::from_raw(process.expect(name).pid)
    };
    let (relay, monitor) = (pid("nightlatch"), pid("nl-monitor"));
    for (pid, signal) in
        [(relay, Signal::SIGSTOP), (monitor, Signal::SIGKILL), (relay, Signal::SIGKILL)]
    {
        kill(pid, signal).expect("it is there");
    }
    wait_for_look(&mut pty, &Shown::before());
    pty.wait_for_prompt(&world.database.prompt());
    assert!(!pty.is_mode_on("?1004"), "the focus is still reported");
    pty.line("\\q");
    pty.finish();
    assert_eq!(shown(&mut pty), Shown::before(), "{}", pty.dump());
}

#[test]
fn a_stopped_session_and_another_place_look_as_before() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = dark();
    world.announce();
    let mut pty = world.open();
    pty.press(Key::Ctrl('z'));
    pty.wait_for_stop();
    assert_eq!(shown(&mut pty), Shown::before(), "{}", pty.dump());
    assert!(!pty.is_mode_on("?1004"), "the focus is still reported");
    pty.foreground();
    pty.press(Key::Enter);
    pty.wait_for_prompt(&world.database.prompt());
    assert_eq!(shown(&mut pty), on_production(), "{}", pty.dump());

    pty.line(&format!("\\c postgres app 127.0.0.1 {}", door()));
    let screen = pty.wait_for_prompt("postgres=> ");
    assert!(screen.contains("nightlatch: development from here on: app@127.0.0.1"), "{screen}");
    assert_eq!(shown(&mut pty), Shown::before(), "{}", pty.dump());

    pty.line(&format!("\\c {} app localhost {}", world.database.name, cluster().port));
    pty.wait_for_prompt(&world.database.prompt());
    assert_eq!(shown(&mut pty), on_production(), "{}", pty.dump());
    pty.line("\\q");
    pty.finish();
    assert_eq!(shown(&mut pty), Shown::before(), "{}", pty.dump());
}

/// What the client, or what it starts, makes of the terminal does not stay: shells set the title at
/// each of their prompts.
#[test]
fn a_look_that_is_changed_is_put_on_again() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let world = dark();
    let mut pty = world.open();
    for change in ["\\033]0;shell\\007", "\\033]2;x\\033\\134", "\\033]111\\007", "\\033c"] {
        pty.line(&format!("\\! printf '{change}'; echo done"));
        pty.wait_for_silence(PERSON_PAUSE);
        pty.wait_for_prompt(&world.database.prompt());
        wait_for_look(&mut pty, &on_production());
        assert!(pty.is_mode_on("?1004"), "{change}");
    }
    pty.line("\\q");
    pty.finish();
    assert_eq!(shown(&mut pty), Shown::before(), "{}", pty.dump());
}

#[test]
fn a_dumb_terminal_is_left_alone() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let mut world = dark();
    world.set("TERM", "dumb");
    let mut pty = world.open();
    pty.line("\\q");
    pty.finish();
    assert_eq!(shown(&mut pty), Shown::before());
    assert!(!pty.raw.contains(&0x1b), "{}", pty.dump());
}

#[test]
fn doctor_repairs_a_terminal() {
    if !needs(&[Tool::Bash, Tool::Postgres]) {
        return;
    }
    let world = World::new(Tier::Development);
    let mut command = world.command("/bin/bash");
    let nightlatch = env!("CARGO_BIN_EXE_nightlatch");
    command
        .args(["-c", &format!("stty -echo raw; {nightlatch} doctor --repair-terminal; stty -a")]);
    let mut pty = Pty::spawn(command);
    pty.wait_for_exit();
    let said = String::from_utf8_lossy(&pty.raw).into_owned();
    let settings = said.rsplit("shells expect it").next().expect("it says so").to_owned();
    for expected in ["echo", "icanon", "isig", "opost", "onlcr"] {
        assert!(settings.split_whitespace().any(|word| word == expected), "{expected}: {said}");
    }
    assert!(
        said.contains("\x1b]111\x07")
            && said.contains("\x1b[?1049l")
            && said.contains("\x1b[23;2t"),
        "{said}"
    );
}
