//! A world of its own for each test: home, data, configuration and variables.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use nightlatch::clock::Clock;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::DEADLINE;
use super::postgres::{Database, cluster};
use super::process::{self, Process};
use super::pty::Pty;
use super::tool::{find, is_rehearsal};

/// A Wednesday at noon: neither late nor a weekend.
pub(crate) const WORKING_HOURS: &str = "2026-11-18T11:00:00Z";

/// What the configuration makes of the test server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    Production,
    /// No target is configured, and a loopback address is development.
    Development,
}

/// A folder, variables and a database that belong to one test.
pub(crate) struct World {
    folder: TempDir,
    /// The database of this test.
    pub(crate) database: Database,
    variables: BTreeMap<String, String>,
    /// `NAME=value` of the variable that marks every process this world starts.
    mark: String,
}

impl World {
    /// Makes a world in which the test server has the tier.
    pub(crate) fn new(tier: Tier) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let folder = tempfile::Builder::new().prefix("nightlatch-it-").tempdir().expect("tempdir");
        let home = folder.path().join("home");
        fs::create_dir(&home).expect("home");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}.{number}", std::process::id());
        let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
        let variables = [
            ("HOME", path("home")),
            ("PATH", client_path()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TZ", "Europe/Berlin".to_owned()),
            ("PSQL_HISTORY", path("home/.psql_history")),
            ("NIGHTLATCH_DATA_DIR", path("data")),
            ("NIGHTLATCH_CONFIG", path("config.toml")),
            ("NIGHTLATCH_TEST_NOW", WORKING_HOURS.to_owned()),
            ("NIGHTLATCH_TEST_WORLD", mark.clone()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        let world = Self {
            database: Database::fresh(),
            variables: variables.collect(),
            mark: format!("NIGHTLATCH_TEST_WORLD={mark}"),
            folder,
        };
        world.set_tier(tier);
        world
    }

    /// Changes the tier the configuration gives the test server.
    pub(crate) fn set_tier(&self, tier: Tier) {
        fs::write(self.folder.path().join("config.toml"), configuration(tier)).expect("config");
    }

    /// Adds to the configuration.
    pub(crate) fn add_config(&self, text: &str) {
        let path = self.folder.path().join("config.toml");
        let before = fs::read_to_string(&path).expect("config");
        fs::write(path, before + text).expect("config");
    }

    /// Lets sessions say where they are.
    pub(crate) fn announce(&self) {
        let path = self.folder.path().join("config.toml");
        let text = fs::read_to_string(&path).expect("config");
        fs::write(path, text.replace("banner = false", "banner = true")).expect("config");
    }

    /// Sets a variable for everything started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Returns the home folder, which is also the working directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Returns the folder of sessions and the store.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file below the home folder and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::write(&path, text).expect("file");
        path
    }

    /// Writes a program below the home folder and returns its path.
    pub(crate) fn write_program(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
        path
    }

    /// Prepares any program to run in this world.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().envs(&self.variables).current_dir(self.home());
        command
    }

    /// Prepares the bare client.
    pub(crate) fn bare<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(find("psql").expect("psql"));
        command.args(args);
        command
    }

    /// Prepares the wrapped client, or in a rehearsal the bare one.
    pub(crate) fn wrapped<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        if is_rehearsal() {
            return self.bare(args);
        }
        let mut command = self.nightlatch(["psql"]);
        command.args(args);
        command
    }

    /// Prepares nightlatch itself.
    pub(crate) fn nightlatch<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_nightlatch"));
        command.args(args);
        command
    }

    /// Opens the wrapped client on a terminal and waits for its first prompt.
    pub(crate) fn open(&self) -> Pty {
        let mut pty = Pty::spawn(self.wrapped([self.database.uri("app")]));
        pty.wait_for_prompt(&self.database.prompt());
        pty
    }

    /// Opens the bare client on a terminal and waits for its first prompt.
    pub(crate) fn open_bare(&self) -> Pty {
        let mut pty = Pty::spawn(self.bare([self.database.uri("app")]));
        pty.wait_for_prompt(&self.database.prompt());
        pty
    }

    /// Returns every process this world has started and that is still there.
    pub(crate) fn processes(&self) -> Vec<Process> {
        process::with_variable(&self.mark)
    }

    /// Kills everything there is of it, until there is nothing left: what was started last first. A
    /// client that outlives both processes of ours reads end of file at its question, and sends. All
    /// are stopped before, so that none sees another's end.
    pub(crate) fn kill_all(&self) {
        loop {
            let processes = self.processes();
            if processes.is_empty() {
                return;
            }
            let send = |process: &Process, signal| {
                // It may just have gone by itself.
                kill(Pid::from_raw(process.pid), signal).ok();
            };
            processes.iter().for_each(|process| send(process, Signal::SIGSTOP));
            processes.iter().rev().for_each(|process| send(process, Signal::SIGKILL));
        }
    }

    /// Waits until nothing this world has started is left.
    ///
    /// # Panics
    /// If something is.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let clock = Clock::system();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            if clock.elapsed() > DEADLINE {
                let left: Vec<_> =
                    left.iter().map(|p| format!("{p:?} {}", p.arguments())).collect();
                panic!("processes are left behind:\n{}", left.join("\n"));
            }
            nix::poll::poll(&mut [], 5_u8).ok();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Runs a command to its end with the text on stdin, and gives its output.
///
/// # Panics
/// If it does not end within the deadline; it is killed then.
pub(crate) fn run(command: Command, stdin: &str) -> Output {
    try_run(command, stdin).unwrap_or_else(|what| panic!("{what}"))
}

/// Runs a command to its end as `run` does, and says what it has done if it does not end.
pub(crate) fn try_run(mut command: Command, stdin: &str) -> Result<Output, String> {
    use std::io::{Read, Write};
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let shown = format!("{command:?}");
    let mut child = command.spawn().expect("the command starts");
    let mut input = child.stdin.take().expect("piped");
    let mut out = child.stdout.take().expect("piped");
    let mut err = child.stderr.take().expect("piped");
    std::thread::scope(|scope| {
        // The client may end without reading all of it.
        scope.spawn(move || input.write_all(stdin.as_bytes()).ok());
        let stdout = scope.spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).map(|_| bytes)
        });
        let stderr = scope.spawn(move || {
            let mut bytes = Vec::new();
            err.read_to_end(&mut bytes).map(|_| bytes)
        });
        let status = wait(&mut child);
        if status.is_none() {
            child.kill().expect("the command can be killed");
            child.wait().expect("the command can be waited for");
        }
        let stdout = stdout.join().expect("no panic").expect("stdout");
        let stderr = stderr.join().expect("no panic").expect("stderr");
        let Some(status) = status else {
            return Err(format!(
                "{shown} does not end\nstdout: {}\nstderr: {}",
                stdout.escape_ascii(),
                stderr.escape_ascii()
            ));
        };
        Ok(Output { status, stdout, stderr })
    })
}

/// Waits for the end of a process, for as long as the deadline.
fn wait(child: &mut std::process::Child) -> Option<ExitStatus> {
    let clock = Clock::system();
    while clock.elapsed() < DEADLINE {
        if let Some(status) = child.try_wait().expect("the command can be waited for") {
            return Some(status);
        }
        // A poll with nothing to watch: the shortest way to let others run.
        nix::poll::poll(&mut [], 2_u8).ok();
    }
    None
}

/// Returns the contract's minimal configuration for the test server.
fn configuration(tier: Tier) -> String {
    let target = match tier {
        Tier::Production => format!(
            "[[target]]\nname = \"orders-prod\"\ntier = \"production\"\n\
             match = [\"localhost:{}\"]\n\n",
            cluster().port
        ),
        Tier::Development => String::new(),
    };
    format!(
        "{target}[hours]\nlate = \"22:00-06:00\"\nweekends = true\ntimezone = \"Europe/Berlin\"\n\n\
         [look]\nbanner = false\n"
    )
}

/// Returns a PATH on which the client is found, and the usual tools.
fn client_path() -> String {
    let client = find("psql").and_then(|file| file.parent()?.to_str().map(str::to_owned));
    let usual = "/usr/local/bin:/usr/bin:/bin";
    client.map_or_else(|| usual.to_owned(), |folder| format!("{folder}:{usual}"))
}
