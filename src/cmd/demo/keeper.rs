//! The keeper: a small process that makes the server, and takes it away again when the lifeline
//! ends.
//!
//! The lifeline is a pipe whose other end only the demonstration holds. However that ends, a
//! panic and SIGKILL included, the pipe closes; so the server and its folder never stay behind.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::os::identity::Account;
use crate::os::job::signal_process;
use crate::os::poll::{Wait, poll};
use crate::os::process::rename_self;
use crate::os::signal::{Caught, Signals};
use crate::os::start;

/// The hidden first argument that makes nightlatch a keeper.
pub const KEEPER: &str = "__demo-keeper";

/// What the keeper says once the server is started.
pub(super) const STARTED: &str = "started";

/// PostgreSQL's immediate shutdown: nobody needs a checkpoint of what is thrown away.
const SIGQUIT: i32 = 3;
const SIGKILL: i32 = 9;

/// How long programs that lost their input may take to end.
const LONGEST_END: Duration = Duration::from_secs(3);

/// How often the folder is removed until nothing writes into it any more, and the pause between.
const REMOVALS: u32 = 150;
const REMOVAL_PAUSE: Duration = Duration::from_millis(20);

/// What is kept, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The folder, which is removed at the end.
    pub(super) folder: PathBuf,
    /// Where the server's programs are.
    pub(super) programs: PathBuf,
    /// Whom the server runs as, if not as ourselves.
    pub(super) account: Option<Account>,
    /// Whether the folder stays.
    pub(super) stays: bool,
}

impl Plan {
    /// Writes the plan as the keeper's arguments.
    pub(super) fn args(&self) -> [OsString; 5] {
        let account =
            self.account.map_or_else(String::new, |one| format!("{}:{}", one.user, one.group));
        [
            KEEPER.into(),
            self.folder.clone().into(),
            self.programs.clone().into(),
            account.into(),
            if self.stays { "stays" } else { "goes" }.into(),
        ]
    }

    /// Reads the arguments behind the hidden command.
    fn read(args: &[OsString]) -> Option<Self> {
        let [folder, programs, account, stays] = args else { return None };
        let account = match account.to_str()?.split_once(':') {
            Some((user, group)) => {
                Some(Account { user: user.parse().ok()?, group: group.parse().ok()? })
            }
            None => None,
        };
        Some(Self {
            folder: folder.into(),
            programs: programs.into(),
            account,
            stays: stays == OsStr::new("stays"),
        })
    }

    /// Returns the folder of the server's data and its socket.
    pub(super) fn server(&self) -> PathBuf {
        self.folder.join("pg")
    }

    /// Returns the file of what the server says.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Prepares one of the server's programs.
    fn command(&self, name: &str) -> io::Result<Command> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.server()).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        if let Some(account) = self.account {
            command.uid(account.user).gid(account.group);
        }
        Ok(command)
    }

    fn initdb(&self) -> io::Result<Child> {
        let mut command = self.command("initdb")?;
        command.args(["--no-sync", "--auth=trust", "--username=demo"]);
        command.args(["--encoding=UTF8", "--locale=C", "--pgdata"]).arg(self.server().join("data"));
        // It says little, far less than a pipe holds.
        command.stderr(Stdio::piped());
        // A group of its own, so that it can be ended with the programs it starts.
        command.process_group(0);
        command.spawn()
    }

    fn postgres(&self) -> io::Result<Child> {
        let mut command = self.command("postgres")?;
        command.arg("-D").arg(self.server().join("data")).arg("-k").arg(self.server());
        for setting in [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=20",
            "shared_buffers=16MB",
        ] {
            command.args(["-c", setting]);
        }
        start::bound_to_us(&mut command);
        command.spawn()
    }
}

/// Keeps a server until the lifeline on standard input ends; returns the exit status.
#[must_use]
pub fn keep(args: &[OsString]) -> u8 {
    rename_self(c"nl-demo");
    let Some(plan) = Plan::read(args) else { return 2 };
    let kept = serve(&plan);
    if let Err(error) = &kept {
        // The demonstration shows the end of this file.
        let log = File::options().create(true).append(true).open(plan.log());
        drop(log.and_then(|mut log| writeln!(log, "{error}")));
    }
    // Whoever waits for news must not wait for the removal, and must be able to read the log.
    drop(io::stdout().write_all(b"\n"));
    wait_for_the_end();
    let is_clean = plan.stays || remove(&plan.folder);
    u8::from(kept.is_err() || !is_clean)
}

/// Runs the server from its making to its end.
fn serve(plan: &Plan) -> io::Result<()> {
    let mut signals = Signals::catch(&[
        Caught::Child,
        Caught::Interrupt,
        Caught::Terminate,
        Caught::HangUp,
        Caught::Quit,
    ])?;
    let mut initdb = plan.initdb()?;
    let mut said = initdb.stderr.take().expect("it was piped and is taken once");
    if wait(&mut initdb, &mut signals)?.is_some() {
        return end_initdb(initdb, said);
    }
    if !initdb.wait()?.success() {
        let mut text = String::new();
        said.read_to_string(&mut text)?;
        return Err(io::Error::other(text));
    }
    let mut server = plan.postgres()?;
    // If nobody listens any more, the lifeline has ended as well.
    drop(writeln!(io::stdout(), "{STARTED}"));
    if wait(&mut server, &mut signals)?.is_some() {
        signal_process(process_id(&server), SIGQUIT)?;
    }
    server.wait()?;
    Ok(())
}

/// Ends initdb. The server it feeds ends by itself at the end of its input, and gives back its
/// shared memory; killed along with initdb it would leave that behind.
fn end_initdb(mut initdb: Child, mut said: ChildStderr) -> io::Result<()> {
    initdb.kill()?;
    initdb.wait()?;
    // Every program of the group holds the pipe, so its end is theirs.
    let mut buffer = [0; 4096];
    loop {
        let mut waits = [Wait::readable(said.as_fd())];
        poll(&mut waits, Some(LONGEST_END))?;
        if !waits[0].is_ready() {
            return signal_process(-process_id(&initdb), SIGKILL);
        }
        if said.read(&mut buffer)? == 0 {
            return Ok(());
        }
    }
}

/// What ends a wait for a program before the program does.
struct LifelineEnded;

/// Waits until the program ends, or the lifeline.
fn wait(child: &mut Child, signals: &mut Signals) -> io::Result<Option<LifelineEnded>> {
    let lifeline = io::stdin();
    loop {
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        let mut waits = [Wait::readable(lifeline.as_fd()), Wait::readable(signals.as_fd())];
        poll(&mut waits, None)?;
        if waits[0].is_ready() {
            return Ok(Some(LifelineEnded));
        }
        let caught = signals.take();
        if caught.iter().any(|caught| *caught != Caught::Child) {
            return Ok(Some(LifelineEnded));
        }
    }
}

/// Reads the lifeline to its end.
fn wait_for_the_end() {
    // An error is an end as well.
    drop(io::stdin().read_to_end(&mut Vec::new()));
}

fn process_id(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("process ids fit")
}

/// Removes the folder, again while programs that were just ended still write into it.
fn remove(folder: &Path) -> bool {
    for _ in 0..REMOVALS {
        match fs::remove_dir_all(folder) {
            Ok(()) => return true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
            Err(_) => drop(poll(&mut [], Some(REMOVAL_PAUSE))),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_the_command_line() {
        for account in [None, Some(Account { user: 101, group: 7 })] {
            for stays in [true, false] {
                let plan = Plan { folder: "/tmp/x".into(), programs: "/b".into(), account, stays };
                let args = plan.args();
                assert_eq!(args[0], KEEPER);
                assert_eq!(Plan::read(&args[1..]), Some(plan));
            }
        }
        assert_eq!(Plan::read(&[]), None);
    }
}
