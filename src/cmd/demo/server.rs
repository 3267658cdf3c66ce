//! The demonstration's server, as seen from the demonstration: made, filled, and gone when
//! dropped.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io::{self, BufRead, BufReader, PipeWriter};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::keeper::{Plan, STARTED};
use super::tools::Tools;
use super::{own_zone, text};
use crate::clock::Clock;
use crate::error::Error;
use crate::os::identity::{self, Account};
use crate::os::job::signal_process;
use crate::os::poll::{Wait, poll};
use crate::os::random;
use crate::os::signal::{Caught, Signals};
use crate::os::start;
use crate::world::World;

/// How long a server may take to come up: generous, because some disks are slow.
const COMING_UP: Duration = Duration::from_secs(60);

/// The pause between two looks whether it is up.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The status of a client that could not connect.
const NOT_CONNECTED: i32 = 2;

/// Random characters in the name of the folder.
const NAME_LENGTH: usize = 6;

/// Bytes of a temporary folder that a socket may be in: the rest of its path is 41 bytes long, and
/// the shortest limit of a system is 103.
const LONGEST_FOLDER: usize = 60;

/// Where programs are as long as nothing else is said.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Lines of the server's log that an error shows.
const SHOWN_LINES: usize = 5;

/// Users that a server can run as where we are root, whom PostgreSQL refuses.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Stop {
    /// It failed.
    Failed(Error),
    /// A signal asked us to end.
    Signal(Caught),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A running server. Dropping it stops the server and removes its folder, unless it stays.
#[derive(Debug)]
pub(super) struct Server {
    plan: Plan,
    tools: Tools,
    keeper: Child,
    /// Open for as long as the server shall run.
    lifeline: Option<PipeWriter>,
}

impl Server {
    /// Makes the folder and begins to make the server.
    pub(super) fn begin(tools: &Tools, world: &World, stays: bool) -> Result<Self, Error> {
        let cannot = |error: io::Error| {
            Error::ours("The folder for the demo cannot be made.")
                .because(error)
                .hint("Set TMPDIR to a folder that you can write to.")
        };
        let account = if identity::is_root() {
            let none = || Error::ours("PostgreSQL refuses to run as root.").hint(text::AS_USER);
            Some(identity::account(&ACCOUNTS).ok_or_else(none)?)
        } else {
            None
        };
        // Short, because a line that says where a session is shows it; an existing folder is an
        // error below, so nobody can be waiting in it.
        let name: String = random::token().chars().take(NAME_LENGTH).collect();
        let folder = base(world).join(format!("nightlatch-demo-{name}"));
        let plan = Plan { folder, programs: tools.server.clone(), account, stays };
        make_folders(&plan).map_err(cannot)?;
        Self::start(plan, tools, world)
            .map_err(|error| Error::ours("The demo's server cannot be started.").because(error))
    }

    fn start(plan: Plan, tools: &Tools, world: &World) -> io::Result<Self> {
        let (reader, lifeline) = io::pipe()?;
        let mut command = Command::new(start::own_program()?);
        command
            .arg0("nightlatch")
            .args(plan.args())
            .env_clear()
            .envs(clean(world))
            .env("LC_ALL", "C");
        command.stdin(reader).stdout(Stdio::piped()).stderr(Stdio::null());
        start::apart(&mut command);
        match command.spawn() {
            Ok(keeper) => Ok(Self { plan, tools: tools.clone(), keeper, lifeline: Some(lifeline) }),
            Err(error) => {
                // There is no keeper to do it.
                drop(fs::remove_dir_all(&plan.folder));
                Err(error)
            }
        }
    }

    /// Waits until the server is up, and fills the database.
    pub(super) fn fill(&mut self, clock: &Clock, signals: &mut Signals) -> Result<(), Stop> {
        let news = self.keeper.stdout.take().expect("it was piped and is taken once");
        if !self.is_started(news, signals)? {
            return Err(self.failed("The demo's server cannot be made.").into());
        }
        let end = clock.elapsed() + COMING_UP;
        loop {
            let mut psql = self.psql("postgres");
            psql.args(text::FILL.iter().flat_map(|sql| ["-c", sql]));
            psql.stdout(Stdio::null()).stderr(Stdio::piped());
            let output = psql.output().map_err(|error| cannot_run(&self.tools.psql, error))?;
            if output.status.success() {
                return Ok(());
            }
            if output.status.code() != Some(NOT_CONNECTED) {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(Error::ours("The demo's database cannot be made.")
                    .because(said)
                    .into());
            }
            let is_gone = self.keeper.try_wait().is_ok_and(|status| status.is_some());
            if is_gone || clock.elapsed() > end {
                return Err(self.failed("The demo's server does not come up.").into());
            }
            self.look(signals, Some(LOOK_EVERY))?;
        }
    }

    /// Waits for the keeper's first line.
    fn is_started(&self, news: ChildStdout, signals: &mut Signals) -> Result<bool, Stop> {
        loop {
            let mut waits = [Wait::readable(news.as_fd()), Wait::readable(signals.as_fd())];
            poll(&mut waits, None).map_err(ours)?;
            let is_ready = waits[0].is_ready();
            asked_to_end(signals)?;
            if is_ready {
                let mut line = String::new();
                BufReader::new(news).read_line(&mut line).map_err(ours)?;
                return Ok(line.trim_end() == STARTED);
            }
        }
    }

    /// Waits a moment; a signal ends the wait.
    fn look(&self, signals: &mut Signals, time: Option<Duration>) -> Result<(), Stop> {
        poll(&mut [Wait::readable(signals.as_fd())], time).map_err(ours)?;
        asked_to_end(signals)
    }

    /// Makes an error of what the server said last: its log goes with the folder.
    fn failed(&self, message: &str) -> Error {
        let log = fs::read(self.plan.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).trim_end().to_owned();
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
        Error::ours(message).because(shown).hint(text::AS_USER)
    }

    /// Prepares the bare client on a database.
    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(&self.tools.psql);
        command.args(["-XAtqw", "-v", "ON_ERROR_STOP=1", "-U", "demo", "-d", database, "-h"]);
        command.arg(self.plan.server()).stdin(Stdio::null());
        for name in ["PGHOST", "PGPORT", "PGSERVICE", "PGOPTIONS", "PGSSLMODE"] {
            command.env_remove(name);
        }
        command
    }

    /// Counts the rows of both tables, as a bare client sees them.
    pub(super) fn counts(&self) -> Result<String, Error> {
        let output = self
            .psql("orders")
            .args(["-c", text::COUNT])
            .output()
            .map_err(|error| cannot_run(&self.tools.psql, error))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Returns the folder of everything.
    pub(super) fn folder(&self) -> &Path {
        &self.plan.folder
    }

    /// Returns the folder of the recording.
    pub(super) fn data(&self) -> PathBuf {
        self.plan.folder.join("data")
    }

    /// Returns where to connect to, as the client's arguments.
    pub(super) fn client_args(&self) -> [OsString; 6] {
        let socket = self.plan.server().into_os_string();
        ["-h".into(), socket, "-U".into(), "demo".into(), "-d".into(), "orders".into()]
    }

    /// Prepares nightlatch with the client, in the demonstration's own world.
    pub(super) fn wrapped(&self, world: &World) -> io::Result<Command> {
        let config = self.plan.folder.join("config.toml");
        let zone = own_zone(world);
        fs::write(&config, text::config(&self.plan.server(), zone.as_deref()))?;
        let mut command = Command::new(start::own_program()?);
        command.arg0("nightlatch").arg("psql").args(self.client_args()).current_dir(self.folder());
        command.env_clear().envs(clean(world)).env("NIGHTLATCH_CONFIG", config);
        // Where the client is not on PATH it is beside the server.
        let mut path = world.var_os("PATH").unwrap_or(OsStr::new(USUAL_PATH)).to_owned();
        path.push(":");
        path.push(&self.tools.server);
        command.env("PATH", path);
        command.env("NIGHTLATCH_DATA_DIR", self.data());
        // What is tried here must not turn up in another session by the Up key.
        command.env("PSQL_HISTORY", self.plan.folder.join("psql_history"));
        Ok(command)
    }

    /// Stops the server and removes the folder; tells whether that went well.
    pub(super) fn end(mut self) -> bool {
        self.let_go().is_some_and(|status| status.success())
    }

    fn let_go(&mut self) -> Option<ExitStatus> {
        self.lifeline.take()?;
        self.keeper.wait().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where it has not been ended in peace, the message is another one already.
        let _ = self.let_go();
    }
}

/// Waits for a program and passes on what asks us to end. Keys such as Ctrl-C reach the program
/// by themselves where it shares our terminal.
pub(super) fn attend(
    child: &mut Child,
    signals: &mut Signals,
    shares_keys: bool,
) -> io::Result<Result<ExitStatus, Caught>> {
    let mut ended = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(ended.map_or(Ok(status), Err));
        }
        poll(&mut [Wait::readable(signals.as_fd())], None)?;
        for caught in signals.take() {
            let is_key = matches!(caught, Caught::Interrupt | Caught::Quit);
            if !is_end(caught) || (is_key && shares_keys) {
                continue;
            }
            ended = Some(caught);
            let number = if is_key { Caught::Terminate.number() } else { caught.number() };
            if let Ok(pid) = i32::try_from(child.id()) {
                // It may just have ended.
                drop(signal_process(pid, number));
            }
        }
    }
}

/// Stops where a signal asks us to.
fn asked_to_end(signals: &mut Signals) -> Result<(), Stop> {
    match signals.take().into_iter().find(|caught| is_end(*caught)) {
        Some(caught) => Err(Stop::Signal(caught)),
        None => Ok(()),
    }
}

fn is_end(caught: Caught) -> bool {
    match caught {
        Caught::HangUp | Caught::Terminate | Caught::Interrupt | Caught::Quit => true,
        Caught::Resize | Caught::Child | Caught::Stop | Caught::Continued => false,
    }
}

/// Returns the variables without what would lead the client elsewhere or change what is shown.
pub(super) fn clean(world: &World) -> impl Iterator<Item = (&OsString, &OsString)> {
    world.vars.iter().filter(|(name, _)| {
        let name = name.to_string_lossy();
        let is_ours = name == "NIGHTLATCH" || name.starts_with("NIGHTLATCH_");
        !name.starts_with("PG") && (!is_ours || name.starts_with("NIGHTLATCH_TEST_"))
    })
}

/// Returns the temporary folder, if a socket can be in it: its path is short, and a pattern of
/// the configuration can name it.
pub(super) fn base(world: &World) -> PathBuf {
    let is_plain = |path: &OsStr| {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
        let path = path.as_encoded_bytes();
        path.first() == Some(&b'/') && path.len() <= LONGEST_FOLDER && path.iter().all(is_plain)
    };
    let wanted = world.var_os("TMPDIR").filter(|path| is_plain(path));
    PathBuf::from(wanted.unwrap_or(OsStr::new("/tmp")))
}

/// Makes the folder for us, and the one in it for the server's user.
fn make_folders(plan: &Plan) -> io::Result<()> {
    // Another user must be able to get through to the server's.
    let mode = if plan.account.is_some() { 0o711 } else { 0o700 };
    DirBuilder::new().mode(mode).create(&plan.folder)?;
    let server = plan.server();
    let made = DirBuilder::new().mode(0o700).create(&server).and_then(|()| match plan.account {
        Some(Account { user, group }) => chown(&server, Some(user), Some(group)),
        None => Ok(()),
    });
    if made.is_err() {
        drop(fs::remove_dir_all(&plan.folder));
    }
    made
}

fn cannot_run(program: &Path, error: io::Error) -> Error {
    Error::ours(format!("{} cannot be run.", program.display())).because(error)
}

fn ours(error: io::Error) -> Error {
    Error::ours("The demo cannot wait for its server.").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(vars: &[(&str, &str)]) -> World {
        let vars = vars.iter().map(|(name, value)| (name.into(), value.into())).collect();
        World { vars, ..World::default() }
    }

    #[test]
    fn a_folder_that_no_socket_or_pattern_can_have_is_not_taken() {
        let long = format!("/{}", "x".repeat(LONGEST_FOLDER));
        for (given, taken) in [
            ("/var/tmp", "/var/tmp"),
            (
                "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/",
                "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/",
            ),
            ("/my files", "/tmp"),
            ("/a*", "/tmp"),
            ("tmp", "/tmp"),
            ("", "/tmp"),
            (long.as_str(), "/tmp"),
        ] {
            assert_eq!(base(&world(&[("TMPDIR", given)])), Path::new(taken), "{given}");
        }
    }

    #[test]
    fn nothing_leads_elsewhere() {
        let world = world(&[
            ("PGHOST", "prod"),
            ("PGSERVICE", "prod"),
            ("NIGHTLATCH", "off"),
            ("NIGHTLATCH_APPROVE", "orders-demo"),
            ("NIGHTLATCH_SESSION", "x"),
            ("PATH", "/bin"),
        ]);
        let left: Vec<_> = clean(&world).map(|(name, _)| name.to_str()).collect();
        assert_eq!(left, [Some("PATH")]);
    }
}
