//! What the tests with a real psql do again and again: see the question, say no, leave.

use super::keys::wait_for_any_prompt;
use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World};

/// How the line ends that asks.
pub(crate) const QUESTION: &str = "to run it, Enter to cancel:";

/// Returns a world in which the server is production, where everything is there.
pub(crate) fn production() -> Option<World> {
    needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]).then(|| World::new(Tier::Production))
}

/// Waits for the dialogue and gives it the time a person takes to read it.
pub(crate) fn wait_for_question(pty: &mut Pty) {
    pty.wait_for(QUESTION);
    pty.wait_for_silence(PERSON_PAUSE);
}

/// Waits for the question and says no to it.
pub(crate) fn refuse(pty: &mut Pty, world: &World) {
    wait_for_question(pty);
    say_no(pty, world);
    wait_for_any_prompt(pty, world);
}

/// Says no to the question that stands, before which nothing ran, and waits for what comes then.
pub(crate) fn say_no(pty: &mut Pty, world: &World) {
    world.database.assert_untouched();
    pty.press(Key::Enter);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_silence(PERSON_PAUSE);
}

/// Says no to the question that stands, and leaves.
pub(crate) fn refuse_and_leave(world: &World, pty: &mut Pty) {
    say_no(pty, world);
    leave(world, pty);
}

/// Says no where no prompt is to come back to: the run ends with our status.
pub(crate) fn refuse_for_good(world: &World, pty: &mut Pty) {
    pty.press(Key::Enter);
    assert_eq!(pty.finish().code(), Some(125), "{}", pty.dump());
    world.assert_nothing_left();
    world.database.assert_untouched();
}

/// Leaves from the prompt; nothing may have been lost.
pub(crate) fn leave(world: &World, pty: &mut Pty) {
    pty.line("\\q");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    world.assert_nothing_left();
    world.database.assert_untouched();
}
