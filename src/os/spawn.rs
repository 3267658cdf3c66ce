//! Starting the monitor, which in turn starts the client.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout};

use super::afloat::Afloat;
use super::channel::Channel;
use super::copy::copy;
use super::file::close_all_but;
use super::monitor;

/// One of the client's 0, 1 and 2.
#[derive(Debug)]
pub enum End {
    /// What nightlatch itself was given.
    AsGiven,
    /// This descriptor.
    Fd(OwnedFd),
}

/// What to start, and on what.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The file to run.
    pub program: PathBuf,
    /// Its name as typed, which it sees as its own.
    pub name: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables to set (some) or take away (none), on top of our own environment.
    pub vars: Vec<(OsString, Option<OsString>)>,
    /// The client's standard input, output and error.
    pub ends: [End; 3],
    /// The follower that becomes the controlling terminal of a session of its own; none leaves
    /// the client in our session and process group.
    pub tty: Option<BorrowedFd<'a>>,
    /// The user terminal, which the monitor restores if the relay is killed.
    pub keepsake: Option<BorrowedFd<'a>>,
    /// The file that says what that terminal wears, which goes when the monitor has restored it.
    pub note: Option<PathBuf>,
    /// What monitor and client shall keep open so that the client never reads end of file while a
    /// statement is held.
    pub hold: Vec<BorrowedFd<'a>>,
}

/// The monitor, as its parent sees it.
#[derive(Debug)]
pub struct Spawned {
    pid: Pid,
}

impl Spawned {
    /// Waits until it has ended.
    pub fn wait(&mut self) {
        while waitpid(self.pid, None) == Err(Errno::EINTR) {}
    }
}

/// Starts the monitor: a copy of this process, which must have no other thread and no signal
/// caught yet. Running our program once more would cost a start as long as the first.
///
/// # Errors
/// When the system has no process or descriptor left.
pub fn spawn(launch: Launch<'_>) -> io::Result<(Spawned, Channel)> {
    let (ours, theirs) = Channel::pair()?;
    let pid = copy(|| begin(launch, theirs))?;
    Ok((Spawned { pid }, ours))
}

/// Is the monitor: keeps what it was given and nothing else of the relay's.
fn begin(launch: Launch<'_>, channel: Channel) -> io::Result<u8> {
    // Closed below by number, like everything else that is the relay's.
    let ends = ManuallyDrop::new(launch.ends);
    let [stdin, stdout, stderr] = &*ends;
    if let End::Fd(fd) = stdin {
        dup2_stdin(fd)?;
    }
    if let End::Fd(fd) = stdout {
        dup2_stdout(fd)?;
    }
    if let End::Fd(fd) = stderr {
        dup2_stderr(fd)?;
    }
    let channel = channel.into_fd();
    let tty = launch.tty.map(|fd| fd.try_clone_to_owned()).transpose()?;
    let keepsake = launch.keepsake.map(|fd| fd.try_clone_to_owned()).transpose()?;
    let hold = launch.hold.into_iter().map(Afloat::new).collect::<io::Result<Vec<_>>>()?;
    let mut kept = vec![0, 1, 2, channel.as_raw_fd()];
    kept.extend(tty.iter().chain(&keepsake).map(AsRawFd::as_raw_fd));
    kept.extend(hold.iter().map(|afloat| afloat.as_fd().as_raw_fd()));
    // The other end of the channel above all: its end is how the relay's is noticed.
    close_all_but(&kept);
    let client = monitor::Client {
        program: launch.program.into_os_string(),
        name: launch.name,
        args: launch.args,
        vars: launch.vars,
    };
    let held = monitor::Held { tty, keepsake, note: launch.note, hold };
    monitor::run(&client, held, Channel::from_fd(channel))
}

/// Runs a client in our own place, bare.
pub fn replace_self(program: &OsStr, name: &OsStr, args: &[OsString]) -> io::Error {
    Command::new(program).arg0(name).args(args).exec()
}
