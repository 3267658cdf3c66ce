//! What a person does at the keyboard, as data: so that the same can be done to the bare client and
//! to the wrapped one.

use std::time::Duration;

use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::screen::Screen;
use crate::support::world::World;

/// One thing a person does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Do {
    /// Types text and Enter, then waits for the prompt.
    Run(&'static str),
    /// Types text and Enter, then waits for the text given second.
    Line(&'static str, &'static str),
    /// Types text and waits until it is on the screen.
    Text(&'static str),
    /// Types text and does not wait: completion or something else changes it.
    Blind(&'static str),
    /// Presses a key.
    Press(Key),
    /// Pastes into a terminal with bracketed paste.
    Paste(&'static str),
    /// Pastes into a terminal without.
    PastePlain(&'static str),
    /// Changes the size of the window.
    Resize(u16, u16),
    /// Waits for the prompt.
    Prompt,
    /// Waits for a text since the last key.
    WaitFor(&'static str),
    /// Waits until the server runs a statement of this client that has the text in it.
    Busy(&'static str),
    /// Waits until the alternate screen is on.
    FullScreen,
}

/// Returns the deed with every `DB` in its text turned into the database's name.
fn filled(text: &str, world: &World) -> String {
    text.replace("$DB", &world.database.name)
}

/// Does it, and waits for what it waits for.
pub(crate) fn perform(pty: &mut Pty, world: &World, deed: Do) {
    match deed {
        Do::Run(text) => {
            pty.line(&filled(text, world));
            wait_for_any_prompt(pty, world);
        }
        Do::Line(text, expected) => {
            pty.line(&filled(text, world));
            pty.wait_for(&filled(expected, world));
        }
        Do::Text(text) => {
            let text = filled(text, world);
            pty.type_text(&text);
            pty.wait_for(&text);
        }
        Do::Blind(text) => pty.type_text(&filled(text, world)),
        Do::Press(key) => pty.press(key),
        Do::Paste(text) => {
            pty.wait_until("bracketed paste is on", |_| true);
            pty.paste_bracketed(&filled(text, world));
        }
        Do::PastePlain(text) => pty.paste_plain(&filled(text, world)),
        Do::Resize(columns, rows) => pty.resize(columns, rows),
        Do::Prompt => wait_for_any_prompt(pty, world),
        Do::WaitFor(text) => drop(pty.wait_for(&filled(text, world))),
        Do::Busy(text) => wait_until_busy(pty, world, text),
        Do::FullScreen => drop(pty.wait_until("a full screen", |screen| screen.is_alternate)),
    }
}

/// Waits for the ready prompt, whatever the state of the transaction.
///
/// The key just pressed has not been echoed yet perhaps; so the prompt must come after it.
pub(crate) fn wait_for_any_prompt(pty: &mut Pty, world: &World) {
    let name = world.database.name.clone();
    let prompts = ["=> ", "=*> ", "=!> ", "^> "].map(|end| format!("{name}{end}"));
    let end = pty.deadline();
    loop {
        let recent = pty.recent();
        let screen = pty.screen();
        let is_ready = prompts.iter().any(|prompt| {
            recent.ends_with(prompt.as_str())
                && screen.cursor_line() == prompt.trim_end()
                && screen.cursor.0 == prompt.len()
        });
        if is_ready {
            return;
        }
        assert!(!pty.is_hopeless(end), "no prompt after the last key\n{}", pty.dump());
    }
}

/// Waits for the next prompt, also one at which a statement goes on, and until nothing comes.
pub(crate) fn wait_for_next_prompt(pty: &mut Pty, world: &World) {
    pty.wait_for(&world.database.name);
    pty.wait_for_silence(PERSON_PAUSE);
}

/// Waits until a second connection sees the statement running.
pub(crate) fn wait_until_busy(pty: &mut Pty, world: &World, text: &str) {
    let end = pty.deadline();
    while !world.database.is_running(text) {
        assert!(!pty.is_hopeless(end), "{text} does not run\n{}", pty.dump());
    }
}

/// Does all of it and returns the screen after each deed.
pub(crate) fn watch(pty: &mut Pty, world: &World, deeds: &[Do]) -> Vec<Screen> {
    deeds
        .iter()
        .map(|deed| {
            perform(pty, world, *deed);
            pty.wait_for_silence(Duration::from_millis(80))
        })
        .collect()
}
