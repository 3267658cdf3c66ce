//! A world in which the test server is production.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::mongo::Mongo;
use crate::support::mongosh::usual;
use crate::support::pty::{Key, Pty};
use crate::support::tool::Tool;
use crate::support::world::{Tier, World};

/// What every test here cannot do without.
pub(super) const NEEDED: &[Tool] = &[Tool::Psql, Tool::Postgres, Tool::Mongosh, Tool::TestClock];

/// What those need too that are made with a server of MongoDB itself.
pub(super) const REAL: Tool = Tool::Mongod;

/// Documents of the collection `family`.
pub(super) const FAMILIES: i32 = 20;

/// What the prompt looks like.
pub(super) const PROMPT: &str = "app> ";

/// A Wednesday night.
const LATE: &str = "2026-01-14T23:00:00Z";

/// Nothing is sent over a network, and nothing is said but what is typed for.
const SETTINGS: &str = r#"{"userId": "000000000000000000000001", "enableTelemetry": false,
    "disableGreetingMessage": true, "updateURL": "", "snippetIndexSourceURLs": ""}"#;

/// Everything one test needs.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) server: Mongo,
    pub(super) shell: PathBuf,
}

impl Stage {
    /// Makes a world with a server of its own, for the newest mongosh.
    pub(super) fn new() -> Self {
        Self::with(usual().expect("mongosh"))
    }

    /// The same for any mongosh.
    pub(super) fn with(shell: &Path) -> Self {
        Self::of(shell, Mongo::start(FAMILIES))
    }

    /// The same with a server that is the primary of a replica set.
    pub(super) fn of_set(name: &'static str) -> Self {
        Self::of(usual().expect("mongosh"), Mongo::start_set(FAMILIES, name))
    }

    /// The same with a server of MongoDB itself, at a prompt like that of the others.
    pub(super) fn real() -> Self {
        let stage = Self::of(usual().expect("mongosh"), Mongo::start_real(FAMILIES));
        stage.world.write(".mongoshrc.js", &format!("prompt = '{PROMPT}';\n"));
        stage
    }

    fn of(shell: &Path, server: Mongo) -> Self {
        let mut world = World::new(Tier::Production);
        let config = format!(
            "[[target]]\nname = \"families-prod\"\ntier = \"production\"\n\
             match = [\"localhost:{}\"]\n\n\
             [hours]\nlate = \"22:00-06:00\"\nweekends = false\ntimezone = \"UTC\"\n\n[look]\nbanner = false\n",
            server.port
        );
        let path = world.write("nightlatch.toml", &config);
        world.set("NIGHTLATCH_CONFIG", path.to_str().expect("UTF-8"));
        let settings = world.home().join(".mongodb/mongosh");
        std::fs::create_dir_all(&settings).expect("folder");
        std::fs::write(settings.join("config"), SETTINGS).expect("written");
        // The screens that are compared must not differ by what colours mongosh likes.
        world.set("NO_COLOR", "1");
        Self { world, server, shell: shell.to_owned() }
    }

    /// Makes it late: then less is let through.
    pub(super) fn late(mut self) -> Self {
        self.world.set("NIGHTLATCH_TEST_NOW", LATE);
        self
    }

    /// Returns the arguments that lead to the server.
    fn args(&self, args: &[&str]) -> Vec<String> {
        let usual = [place(&self.server), "--quiet".to_owned()];
        usual.into_iter().chain(args.iter().map(|&arg| arg.to_owned())).collect()
    }

    /// Prepares the wrapped mongosh with these arguments alone.
    pub(super) fn wrapped_alone(&self) -> Command {
        let mut command = self.world.nightlatch(["run", "--as", "mongosh", "--"]);
        command.arg(&self.shell);
        command
    }

    /// Prepares the wrapped mongosh.
    pub(super) fn wrapped(&self, args: &[&str]) -> Command {
        let mut command = self.wrapped_alone();
        command.args(self.args(args));
        command
    }

    /// Prepares the bare mongosh.
    pub(super) fn bare(&self, args: &[&str]) -> Command {
        let mut command = self.world.command(&self.shell);
        command.args(self.args(args));
        command
    }

    /// Opens the wrapped mongosh and waits for its prompt.
    pub(super) fn open(&self) -> Pty {
        let mut pty = Pty::spawn(self.wrapped(&[]));
        pty.wait_for_prompt(PROMPT);
        pty
    }
}

/// Returns what leads to a server.
pub(super) fn place(server: &Mongo) -> String {
    let direct = if server.real.is_some() { "?directConnection=true" } else { "" };
    format!("mongodb://127.0.0.1:{}/app{direct}", server.port)
}

/// Types a line at the prompt and waits for the next one.
pub(super) fn enter(pty: &mut Pty, line: &str) {
    pty.line(line);
    pty.wait_for_silence(Duration::from_millis(150));
    pty.wait_for_prompt(PROMPT);
}

/// Waits for the question, says no, and waits for the next prompt.
pub(super) fn refuse(pty: &mut Pty) {
    pty.wait_for("Enter to cancel:");
    pty.wait_for_silence(Duration::from_millis(350));
    say_no(pty, Key::Enter, PROMPT);
}

/// Says no to the question that stands, and waits for the next prompt.
pub(super) fn say_no(pty: &mut Pty, key: Key, prompt: &str) {
    pty.press(key);
    pty.wait_for("nightlatch: cancelled");
    pty.wait_for_prompt(prompt);
    // What is typed sooner would be taken for part of a paste, and thrown away.
    pty.wait_for_silence(Duration::from_millis(350));
}

/// Leaves the shell.
pub(super) fn leave(pty: &mut Pty) {
    pty.line("exit");
    assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
}
