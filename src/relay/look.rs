//! Looking at what the client waits for.

use std::io;
use std::os::fd::AsFd;

use super::Relay;
use crate::os::process::{self, Activity, Watch};
use crate::os::pty::unread;

/// How often the client is looked at without waiting in between: it is about to block, and that
/// takes a few microseconds.
pub(super) const EAGER_LOOKS: u32 = 60;

/// What the client is doing, as far as it matters for its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It runs, or was just given something.
    Running,
    /// It is blocked elsewhere: it waits for the server, or a child of it works.
    Elsewhere,
    /// It reads its own input, line by line.
    Reading,
    /// A line editor, pager or editor waits for a key.
    Editing(Who),
    /// A line is read from the terminal past its own input: by a program it started, or for a
    /// password.
    OtherReading,
    /// A program it started reads our standard input.
    OtherData,
}

/// Whose keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The client's own line editor.
    Client,
    /// A program it has started.
    Other,
}

impl Relay {
    /// Looks at what the client waits for. All it printed before has been taken when this says
    /// that it reads.
    pub(super) fn look(&mut self) -> io::Result<Look> {
        let unread_bytes = match (&self.ends.feed, &self.ends.pty) {
            (Some(feed), _) => unread(feed.as_fd()).unwrap_or(0),
            (None, Some(pty)) => pty.unread_bytes()?,
            (None, None) => 0,
        };
        if unread_bytes > 0 {
            return Ok(Look::Running);
        }
        // In this order: a client that has just read its line leaves the line editor's mode before
        // it waits for the server, so a mode read first could be the editor's still.
        let Some(activity) = self.activity() else { return Ok(Look::Elsewhere) };
        let is_cooked = match &self.ends.pty {
            Some(pty) => pty.mode()?.is_cooked,
            None => true,
        };
        let look = match activity {
            Activity::Running => Look::Running,
            // What is full is most likely the way to us.
            Activity::Writing if self.looks < EAGER_LOOKS || self.has_output() => Look::Running,
            Activity::Reading(0) if is_cooked || self.ends.feed.is_some() => Look::Reading,
            // Whatever it has started besides, `\o |cat` for one.
            Activity::AwaitingInput if !is_cooked => Look::Editing(Who::Client),
            Activity::Reading(_) | Activity::Polling if !is_cooked && self.is_alone() => {
                Look::Editing(Who::Client)
            }
            // A password, perhaps; or a script, a library: then no line of ours is meant.
            Activity::Reading(fd) => {
                let pid = self.watch.as_ref().map_or(0, Watch::pid);
                if process::is_terminal(pid, fd) { Look::OtherReading } else { Look::Elsewhere }
            }
            Activity::Unknown => self.unknown_look(is_cooked),
            // It has only just begun to wait: most likely for the server, which answers soon.
            Activity::AwaitingInput | Activity::Polling | Activity::Elsewhere
                if self.looks < EAGER_LOOKS =>
            {
                Look::Elsewhere
            }
            // One that writes for long waits for its pager to read, and that for a key.
            Activity::AwaitingInput
            | Activity::Polling
            | Activity::Elsewhere
            | Activity::Writing => match self.someone_else() {
                Some((pid, Activity::Reading(fd))) if self.reads_feed(pid, fd) => Look::OtherData,
                Some((_, Activity::Reading(_) | Activity::AwaitingInput | Activity::Polling))
                    if !is_cooked =>
                {
                    Look::Editing(Who::Other)
                }
                Some((pid, Activity::Reading(fd))) if process::is_terminal(pid, fd) => {
                    Look::OtherReading
                }
                Some((_, Activity::Reading(_))) => Look::Elsewhere,
                Some((_, Activity::Running | Activity::Writing)) => Look::Running,
                Some((
                    _,
                    Activity::AwaitingInput
                    | Activity::Polling
                    | Activity::Elsewhere
                    | Activity::Unknown,
                ))
                | None => Look::Elsewhere,
            },
        };
        // A reader has printed all it will before it gets more. A client that is elsewhere may print
        // its question this very moment: what comes now must not be let go with what came before.
        if !matches!(look, Look::Running | Look::Elsewhere) {
            self.drain_all()?;
        }
        Ok(look)
    }

    /// Tells whether anything that was printed has not been taken yet.
    fn has_output(&self) -> bool {
        let drain = self.ends.drain.as_ref().map(AsFd::as_fd);
        let pty = self.ends.pty.as_ref().map(|pty| pty.leader().as_fd());
        drain.into_iter().chain(pty).any(|end| unread(end).is_ok_and(|bytes| bytes > 0))
    }

    /// Tells what the tapped program is doing; none if it cannot be found.
    fn activity(&mut self) -> Option<Activity> {
        let client = self.client?;
        if self.looks % 64 == 1 && self.watch.as_ref().is_some_and(|watch| watch.pid() == client) {
            // The client may have been started by a script that waits for it.
            let is_itself = process::name(client).is_some_and(|name| name == self.program);
            if !is_itself {
                let below = process::tree(client)
                    .into_iter()
                    .skip(1)
                    .find(|&pid| process::name(pid).is_some_and(|name| name == self.program));
                if let Some(pid) = below {
                    self.watch = Some(Watch::new(pid));
                }
            }
        }
        self.watch.as_mut().map(Watch::activity)
    }

    /// Where the system does not tell: a quiet client with a question is taken to wait for it.
    fn unknown_look(&self, is_cooked: bool) -> Look {
        if self.looks < EAGER_LOOKS + 8 {
            Look::Running
        } else if is_cooked {
            Look::Reading
        } else {
            Look::Editing(Who::Client)
        }
    }

    pub(super) fn is_alone(&self) -> bool {
        let Some(watch) = &self.watch else { return true };
        process::tree(watch.pid()).len() == 1
    }

    /// Returns whether a process reads the very pipe that we write the client's input to.
    fn reads_feed(&self, pid: i32, fd: i32) -> bool {
        self.ends.feed.as_ref().is_some_and(|feed| process::is_same_pipe(pid, fd, feed))
    }

    /// Looks at the programs the client has started: the one that reads is the one that counts.
    fn someone_else(&self) -> Option<(i32, Activity)> {
        let client = self.client?;
        let own = self.watch.as_ref().map(Watch::pid);
        let mut found = None;
        for pid in process::tree(client).into_iter().filter(|pid| Some(*pid) != own) {
            match Watch::new(pid).activity() {
                Activity::Reading(fd)
                    if process::is_terminal(pid, fd) || self.reads_feed(pid, fd) =>
                {
                    return Some((pid, Activity::Reading(fd)));
                }
                Activity::Reading(_) => {}
                other @ (Activity::AwaitingInput
                | Activity::Polling
                | Activity::Running
                | Activity::Writing) => {
                    found = Some((pid, other));
                }
                Activity::Elsewhere | Activity::Unknown => {}
            }
        }
        found
    }
}
