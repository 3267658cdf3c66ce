//! The small process between relay and client.
//!
//! It leads the inner session, so that the client is not an orphaned process group which the
//! kernel would refuse to stop on Ctrl-Z. And it keeps the client's other ends open: when the relay
//! is killed while the client waits for an answer, end of file would count as "go ahead", so the
//! monitor ends the client first and lets go afterwards. When the monitor is killed as well, the
//! client keeps them open itself until the kernel has ended it.

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, setpgid, setsid, tcsetpgrp};

use super::afloat::{Afloat, leave_open};
use super::boot;
use super::channel::{Channel, Order, Report};
use super::keepsake::Keepsake;
use super::poll::{Wait, poll};
use super::process::{end_with_parent, rename_self, tree};
use super::signal::{Caught, Signals, is_ignored, shrug_off, without_ttou};

mod ioctl {
    nix::ioctl_write_int_bad!(set_controlling_terminal, libc::TIOCSCTTY);
}

/// How often a client that was sent SIGKILL is looked at, and for how long: a process in an
/// uninterruptible wait must not keep the monitor for ever.
const KILL_LOOKS: u32 = 500;
const KILL_LOOK_EVERY: Duration = Duration::from_millis(10);

/// Within what time an interrupt of our own is the one that the relay passes on.
const SAME_INTERRUPT: Duration = Duration::from_secs(1);

/// What the monitor starts.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) program: OsString,
    pub(super) name: OsString,
    pub(super) args: Vec<OsString>,
    /// Variables to set (some) or take away (none).
    pub(super) vars: Vec<(OsString, Option<OsString>)>,
}

/// What the monitor keeps open.
#[derive(Debug)]
pub(super) struct Held {
    /// The follower that becomes the inner session's terminal.
    pub(super) tty: Option<OwnedFd>,
    /// The user terminal.
    pub(super) keepsake: Option<OwnedFd>,
    /// Says what that terminal wears; goes once it is restored.
    pub(super) note: Option<PathBuf>,
    pub(super) hold: Vec<Afloat>,
}

/// Runs the monitor; returns its exit status.
///
/// # Errors
/// When the inner session cannot be set up.
pub(super) fn run(client: &Client, held: Held, mut channel: Channel) -> io::Result<u8> {
    let Held { tty, keepsake, note, hold } = held;
    let keepsake = keepsake.map(Keepsake::take).transpose()?;

    rename_self(c"nl-monitor");
    shrug_off(&[
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGALRM,
    ])?;
    let is_deaf = is_ignored(libc::SIGINT);
    let mut signals = Signals::catch(&[Caught::Child])?;
    if tty.is_none() {
        // In the client's group, where what it gets comes here, too.
        signals = signals.and_interrupts()?;
    }
    if let Some(tty) = &tty {
        setsid()?;
        // SAFETY: the descriptor is a pty follower that we own; the call touches no memory.
        unsafe { ioctl::set_controlling_terminal(tty.as_raw_fd(), 0) }?;
    }

    channel.report(Report::Ready)?;
    let mut is_front = true;
    loop {
        match channel.next_order() {
            Ok(Some(Order::Start)) => break,
            Ok(Some(Order::Front(front))) => is_front = front != 0,
            Ok(_) | Err(_) => {
                // Refused before anything ran, or the relay is gone.
                if let Some(keepsake) = keepsake.as_ref().filter(|_| is_front) {
                    keepsake.restore_settings();
                }
                return Ok(0);
            }
        }
    }
    let started = start(client, tty.as_ref().map(AsFd::as_fd), is_front, &hold, is_deaf);
    match started {
        Ok(pid) => {
            channel.report(Report::Started(pid.as_raw()))?;
            let hold = hold.into_iter().map(Some).collect();
            let monitor = Monitor {
                channel,
                signals,
                pid,
                tty,
                is_front,
                keepsake,
                hold,
                worn: 0,
                note,
                is_over: false,
                interrupted: None,
            };
            monitor.serve()
        }
        Err(error) => {
            channel.report(Report::Failed(error.raw_os_error().unwrap_or(libc::EIO)))?;
            Ok(0)
        }
    }
}

struct Monitor {
    channel: Channel,
    signals: Signals,
    pid: Pid,
    /// The terminal of the inner session, which then is ours.
    tty: Option<OwnedFd>,
    /// Whether the client may use it: the kernel stops one in the background that reads or sets it.
    is_front: bool,
    keepsake: Option<Keepsake>,
    hold: Vec<Option<Afloat>>,
    /// What of the terminal's look is the relay's.
    worn: i32,
    note: Option<PathBuf>,
    /// Whether the client has ended.
    is_over: bool,
    /// When the client's group, which is ours as well, was last interrupted, since the boot began.
    interrupted: Option<Duration>,
}

impl Monitor {
    fn serve(mut self) -> io::Result<u8> {
        loop {
            let (order, signal) = {
                let mut waits =
                    [Wait::readable(self.channel.as_fd()), Wait::readable(self.signals.as_fd())];
                poll(&mut waits, None)?;
                (waits[0].is_ready(), waits[1].is_ready())
            };
            if signal {
                self.caught();
            }
            if order {
                match self.channel.next_order() {
                    Ok(Some(Order::Bye)) => return Ok(0),
                    Ok(Some(Order::Start)) => {}
                    Ok(Some(Order::Wear(worn))) => self.worn = worn,
                    Ok(Some(Order::Continue)) => self.send(Signal::SIGCONT),
                    Ok(Some(Order::Front(front))) => self.put(front != 0),
                    Ok(Some(Order::Kill)) => self.end(),
                    Ok(Some(Order::Signal(number))) => {
                        if let Ok(signal) = Signal::try_from(number) {
                            self.pass_on(signal);
                        }
                    }
                    Ok(Some(Order::LetGo(place))) => {
                        let held = usize::try_from(place).ok();
                        if let Some(held) = held.and_then(|place| self.hold.get_mut(place)) {
                            *held = None;
                        }
                    }
                    Ok(None) | Err(_) => {
                        self.outlive_relay();
                        return Ok(0);
                    }
                }
            }
        }
    }

    /// Deals with the signals that came.
    fn caught(&mut self) {
        for caught in self.signals.take() {
            match caught {
                Caught::Interrupt => self.interrupted = Some(boot::elapsed()),
                _ => self.report_changes(),
            }
        }
    }

    /// Tells the relay what became of the client.
    fn report_changes(&mut self) {
        while !self.is_over {
            let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
            let report = match waitpid(self.pid, Some(flags)) {
                Ok(WaitStatus::Exited(_, status)) => Report::Exited(status),
                Ok(WaitStatus::Signaled(_, signal, _)) => Report::Signalled(signal as i32),
                Ok(WaitStatus::Stopped(_, signal)) => Report::Stopped(signal as i32),
                Err(Errno::EINTR) => continue,
                Ok(_) | Err(_) => break,
            };
            self.is_over = !matches!(report, Report::Stopped(_));
            // A relay that is gone shows as end of file on the channel.
            drop(self.channel.report(report));
        }
    }

    /// The relay was killed: end the client before anything is closed.
    fn outlive_relay(&mut self) {
        if !self.is_over {
            self.end();
            for _ in 0..KILL_LOOKS {
                match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => {
                        drop(poll(&mut [], Some(KILL_LOOK_EVERY)));
                    }
                    Ok(_) | Err(_) => break,
                }
            }
        }
        if let Some(keepsake) = self.keepsake.as_ref().filter(|_| self.is_front) {
            keepsake.restore(self.worn);
        }
        if let Some(note) = &self.note {
            // Else the next session here would take it off once more.
            drop(fs::remove_file(note));
        }
    }

    /// Puts the client in the foreground of its terminal, or ourselves in its place.
    fn put(&mut self, is_front: bool) {
        self.is_front = is_front;
        if let Some(tty) = &self.tty {
            let group = if is_front { self.pid } else { getpid() };
            // A client that has ended needs none.
            let _ = without_ttou(|| tcsetpgrp(tty, group));
        }
    }

    /// Ends the client, and where that is a script the one that it waits for.
    fn end(&self) {
        if self.tty.is_some() {
            return self.send(Signal::SIGKILL);
        }
        for pid in tree(self.pid.as_raw()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// Sends the client a signal that the relay got. Ctrl-C and what else goes to the whole group
    /// has reached it already, and a second one would ask the server to cancel twice.
    fn pass_on(&mut self, signal: Signal) {
        self.caught();
        let now = boot::elapsed();
        let is_same = |when: Duration| now.saturating_sub(when) < SAME_INTERRUPT;
        let has_it = signal == Signal::SIGINT && self.interrupted.take().is_some_and(is_same);
        if !has_it {
            self.send(signal);
        }
    }

    /// Sends a signal to the client, and to its children where it has a group of its own.
    fn send(&self, signal: Signal) {
        if self.is_over && self.tty.is_none() {
            // Its number may be another's by now.
            return;
        }
        let whom = if self.tty.is_some() { Pid::from_raw(-self.pid.as_raw()) } else { self.pid };
        // It may have ended in between; then there is nobody left to tell.
        let _ = kill(whom, signal);
    }
}

/// Starts the client: in a group of its own where it has a terminal of its own, in front there unless
/// we are in the background, and deaf to SIGINT where we were started so.
fn start(
    client: &Client,
    tty: Option<BorrowedFd<'_>>,
    is_front: bool,
    hold: &[Afloat],
    is_deaf: bool,
) -> io::Result<Pid> {
    let monitor = getpid().as_raw();
    let tty = tty.map(|tty| tty.as_raw_fd());
    let hold: Vec<_> = hold.iter().map(|afloat| afloat.as_fd().as_raw_fd()).collect();
    let mut command = Command::new(&client.program);
    command.arg0(&client.name).args(&client.args);
    for (name, value) in &client.vars {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    // SAFETY: the closure only makes system calls that are async-signal-safe, on descriptors that
    // stay open until spawn returns, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            end_with_parent(monitor)?;
            if is_deaf {
                signal(Signal::SIGINT, SigHandler::SigIgn)?;
            }
            for &afloat in &hold {
                leave_open(BorrowedFd::borrow_raw(afloat))?;
            }
            if let Some(tty) = tty {
                setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
                let tty = BorrowedFd::borrow_raw(tty);
                if is_front {
                    without_ttou(|| tcsetpgrp(tty, getpid()))?;
                }
            }
            Ok(())
        });
    }
    let child = command.spawn()?;
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?))
}
