//! A terminal that others wrote: what it shows is what a person saw.

use std::process::Command;

use nightlatch::clock::Clock;

use super::DEADLINE;
use super::tool::find;
use super::world::World;

/// How many looks at a screen find the same before it counts as being at rest.
const STILL_LOOKS: usize = 5;

/// One terminal with a command on it, and all its scrollback.
pub(crate) struct Tmux<'a> {
    world: &'a World,
    socket: String,
}

impl<'a> Tmux<'a> {
    /// Starts a command on a terminal of this size.
    pub(crate) fn start(world: &'a World, command: &Command, cols: u16, rows: u16) -> Self {
        let tmux = Self { world, socket: world.home().join("tmux").display().to_string() };
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> =
            words.map(|word| format!("'{}'", word.to_str().expect("UTF-8"))).collect();
        let (cols, rows) = (cols.to_string(), rows.to_string());
        // It stays after the command, so that its last lines can be read.
        let stay = format!("{}; echo over; cat", words.join(" "));
        tmux.run(
            &["set", "-g", "history-limit", "50000", ";", "set", "-g", "status", "off", ";"]
                .into_iter()
                .chain(["new-session", "-d", "-x", &cols, "-y", &rows, &stay])
                .collect::<Vec<_>>(),
        );
        tmux
    }

    /// Types text.
    pub(crate) fn type_text(&self, text: &str) {
        for byte in text.bytes() {
            self.run(&["send-keys", "-H", &format!("{byte:02x}")]);
        }
    }

    /// Presses a key by tmux's name for it.
    pub(crate) fn press(&self, key: &str) {
        self.run(&["send-keys", key]);
    }

    /// Pastes, in brackets where the client asks for them.
    pub(crate) fn paste(&self, text: &str) {
        // A semicolon at the end of a word would be tmux's own.
        let text = text.strip_suffix(';').map_or(text.to_owned(), |text| format!("{text}\\;"));
        self.run(&["set-buffer", &text]);
        self.run(&["paste-buffer", "-p"]);
    }

    /// Changes the size.
    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        self.run(&["resize-window", "-x", &cols.to_string(), "-y", &rows.to_string()]);
    }

    /// Waits until the screen ends with the text, as a prompt does.
    pub(crate) fn wait_for_end(&self, text: &str) {
        self.wait(text, |screen| screen.trim_end().ends_with(text.trim_end()));
    }

    /// Waits until the text is somewhere on the screen.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    /// Waits until the screen has stopped changing, as a person does who looks before Enter.
    pub(crate) fn wait_for_silence(&self) {
        let clock = Clock::system();
        let (mut last, mut same) = (String::new(), 0);
        while same < STILL_LOOKS {
            let screen = self.run(&["capture-pane", "-p"]);
            same = if screen == last { same + 1 } else { 0 };
            last = screen;
            assert!(clock.elapsed() < DEADLINE, "it never comes to rest\n{last}");
            nix::poll::poll(&mut [], 20_u8).ok();
        }
    }

    fn wait(&self, text: &str, is_so: impl Fn(&str) -> bool) {
        let clock = Clock::system();
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if is_so(&screen) {
                return;
            }
            assert!(clock.elapsed() < DEADLINE, "waited in vain for {text:?}\n{screen}");
            nix::poll::poll(&mut [], 10_u8).ok();
        }
    }

    /// Returns all lines, those that scrolled off too; wrapped ones joined.
    pub(crate) fn scrollback(&self) -> Vec<String> {
        let text = self.run(&["capture-pane", "-p", "-J", "-S", "-"]);
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    fn run(&self, args: &[&str]) -> String {
        let mut command = self.world.command(find("tmux").expect("tmux"));
        command.args(["-u", "-S", &self.socket, "-f", "/dev/null"]).args(args);
        let output = command.output().expect("tmux starts");
        let noted = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {noted}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let mut command = self.world.command(find("tmux").expect("tmux"));
        command.args(["-S", &self.socket, "kill-server"]);
        // It may be gone with its command.
        drop(command.output());
    }
}
