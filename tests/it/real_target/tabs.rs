//! The first write after coming back to a production terminal, while others are open.

use std::fs;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::doors::door;
use crate::real_psql::keys::wait_for_any_prompt;
use crate::real_psql::steps::{leave, production, say_no, wait_for_question};
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::world::World;

/// A write that production lets through by day, and that changes nothing.
const WRITE: &str = "UPDATE members SET id = id WHERE id = -1;";

const WENT: &[u8] = b"\x1b[O";
const CAME: &[u8] = b"\x1b[I";

/// Why it is asked for.
const WHY: &str = "the first write since you came back here: ";

/// Opens a session of less consequence in the same world.
fn elsewhere(world: &World, door: u16) -> Pty {
    let name = &world.database.name;
    let mut pty = Pty::spawn(world.wrapped([format!("postgres://app@127.0.0.1:{door}/{name}")]));
    pty.wait_for_prompt(&world.database.prompt());
    pty
}

/// The person goes to another window and comes back.
pub(crate) fn go_and_come(pty: &mut Pty) {
    pty.send(WENT);
    pty.send(CAME);
}

fn runs(pty: &mut Pty, world: &World) {
    pty.line(WRITE);
    pty.wait_for("UPDATE 0");
    wait_for_any_prompt(pty, world);
}

/// Writes, and waits for the question.
fn is_asked(pty: &mut Pty, why: &str) {
    pty.line(WRITE);
    wait_for_why(pty, why);
}

/// Waits for the question, which is asked because of this.
pub(crate) fn wait_for_why(pty: &mut Pty, why: &str) {
    wait_for_question(pty);
    // The reason may take more than one line.
    let screen = pty.screen().lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    assert!(screen.contains(WHY) && screen.contains(why), "{screen}");
    assert!(screen.contains("type yes to run it"), "{screen}");
}

fn is_refused(pty: &mut Pty, world: &World) {
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_silence(PERSON_PAUSE);
    wait_for_any_prompt(pty, world);
}

#[test]
fn it_is_asked_for_until_it_is_let_through() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    assert!(pty.is_mode_on("?1004"), "the terminal is not asked for its focus");
    // Nothing else is open.
    go_and_come(&mut pty);
    runs(&mut pty, &world);
    let door = door();
    let mut other = elsewhere(&world, door);
    assert!(!other.is_mode_on("?1004"), "nobody asks for it there");
    // The person has not been away since.
    runs(&mut pty, &world);
    go_and_come(&mut pty);
    pty.line("SELECT 'read';");
    pty.wait_for("(1 row)");
    wait_for_any_prompt(&mut pty, &world);
    let open = format!("development app@127.0.0.1:{door}/{} is open too", world.database.name);
    for no in [Key::Enter, Key::Escape, Key::Ctrl('c'), Key::Ctrl('d')] {
        is_asked(&mut pty, &open);
        pty.press(no);
        is_refused(&mut pty, &world);
    }
    is_asked(&mut pty, &open);
    pty.answer("no");
    is_refused(&mut pty, &world);
    // Coming back once more while it stands there asks for nothing more.
    is_asked(&mut pty, &open);
    go_and_come(&mut pty);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.answer("yes");
    pty.wait_for("UPDATE 0");
    wait_for_any_prompt(&mut pty, &world);
    runs(&mut pty, &world);
    // One that was killed is not open.
    other.kill(Signal::SIGKILL);
    other.wait_for_exit();
    go_and_come(&mut pty);
    runs(&mut pty, &world);
    leave(&world, &mut pty);
}

#[test]
fn what_is_nobodys_business_is_not_asked_for() {
    let Some(world) = production() else { return };
    world.add_config("\n[idle]\nwrong_tab = false\n");
    let door = door();
    let mut other = elsewhere(&world, door);
    let mut pty = world.open();
    assert!(!pty.is_mode_on("?1004"), "the terminal is asked for its focus");
    go_and_come(&mut pty);
    pty.press(Key::Ctrl('c'));
    wait_for_any_prompt(&mut pty, &world);
    runs(&mut pty, &world);
    other.line("\\q");
    other.finish();
    leave(&world, &mut pty);
}

/// A folder that cannot be read, and one that never answers: no key waits, and a write is asked for.
#[test]
fn what_cannot_be_seen_may_be_open() {
    let Some(world) = production() else { return };
    let live = world.data().join("live");
    let mut pty = world.open();
    fs::rename(&live, live.with_extension("away")).expect("moved");
    fs::write(&live, "").expect("written");
    go_and_come(&mut pty);
    is_asked(&mut pty, "which other sessions are open cannot be seen");
    say_no(&mut pty, &world);
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}

/// A pipe among the marks is nobody's session, and holds nothing up.
#[test]
fn a_pipe_among_the_marks_is_no_session() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    mkfifo(&world.data().join("live/hangs"), Mode::S_IRWXU).expect("a pipe");
    go_and_come(&mut pty);
    runs(&mut pty, &world);
    leave(&world, &mut pty);
}

#[test]
fn no_report_reaches_a_client_that_has_not_asked() {
    let Some(world) = production() else { return };
    let mut pty = world.open();
    // In the middle of a line, whole and torn.
    pty.type_text("SELECT 'a");
    go_and_come(&mut pty);
    pty.type_text("b");
    for byte in [WENT, CAME].concat() {
        pty.send(&[byte]);
    }
    pty.line("c' AS joined;");
    pty.wait_for(" abc");
    wait_for_any_prompt(&mut pty, &world);
    // A client that asks gets its own, and then it is our turn again.
    pty.line("\\! printf '\\033[?1004h'; cat -v");
    pty.wait_for_bytes("\x1b[?2004l\r\x1b[?1004h");
    pty.send(CAME);
    pty.press(Key::Enter);
    pty.wait_for("^[[I");
    pty.press(Key::Ctrl('d'));
    wait_for_any_prompt(&mut pty, &world);
    pty.line("\\! printf '\\033[?1004l'");
    pty.wait_for_bytes("\x1b[?1004l");
    pty.wait_for_mode("?1004");
    wait_for_any_prompt(&mut pty, &world);
    pty.send(WENT);
    runs(&mut pty, &world);
    leave(&world, &mut pty);
}
