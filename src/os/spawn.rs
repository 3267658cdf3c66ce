//! Starting the monitor, which in turn starts the client.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::channel::Channel;
use super::start::own_program;

/// The hidden first argument that makes nightlatch a monitor.
pub const MONITOR: &str = "__monitor";

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
    /// What the monitor shall keep open so that the client never reads end of file while a
    /// statement is held.
    pub hold: Vec<BorrowedFd<'a>>,
}

/// Starts the monitor.
///
/// # Errors
/// When our own program cannot be run again.
pub fn spawn(launch: Launch<'_>) -> io::Result<(Child, Channel)> {
    let (ours, theirs) = Channel::pair()?;
    let control = std::os::fd::AsFd::as_fd(&theirs).as_raw_fd();
    let mut passed = vec![control];
    passed.extend(launch.tty.iter().map(AsRawFd::as_raw_fd));
    passed.extend(launch.keepsake.iter().map(AsRawFd::as_raw_fd));
    passed.extend(launch.hold.iter().map(AsRawFd::as_raw_fd));
    let hold: Vec<String> = launch.hold.iter().map(|fd| fd.as_raw_fd().to_string()).collect();

    let mut command = Command::new(own_program()?);
    command
        .arg0("nl-monitor")
        .arg(MONITOR)
        .arg(control.to_string())
        .arg(number(launch.tty))
        .arg(number(launch.keepsake))
        .arg(if hold.is_empty() { "-".to_owned() } else { hold.join(",") })
        .arg(&launch.program)
        .arg(&launch.name)
        .args(&launch.args);
    for (name, value) in &launch.vars {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let [stdin, stdout, stderr] = launch.ends.map(|end| match end {
        End::AsGiven => Stdio::inherit(),
        End::Fd(fd) => Stdio::from(fd),
    });
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    // SAFETY: the closure only calls fcntl, which is async-signal-safe, on descriptors that stay
    // open until spawn returns.
    unsafe {
        command.pre_exec(move || {
            for &fd in &passed {
                keep_on_exec(fd)?;
            }
            Ok(())
        });
    }
    let child = command.spawn()?;
    Ok((child, ours))
}

/// Runs a client in our own place, bare.
pub fn replace_self(program: &OsStr, name: &OsStr, args: &[OsString]) -> io::Error {
    Command::new(program).arg0(name).args(args).exec()
}

fn number(fd: Option<BorrowedFd<'_>>) -> String {
    fd.map_or_else(|| "-".to_owned(), |fd| fd.as_raw_fd().to_string())
}

fn keep_on_exec(fd: RawFd) -> io::Result<()> {
    // SAFETY: the caller passes a descriptor that is open.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(())
}
