//! Signals, suspending, hanging up and ending.

use std::io;
use std::os::fd::AsFd;
use std::sync::PoisonError;
use std::time::Duration;

use super::keeper::outcome::Heard;
use super::{Ended, Phase, Relay};
use crate::os::channel::Order;
use crate::os::poll::{Wait, poll};
use crate::os::signal::{Caught, is_for_terminal};
use crate::os::term::{Keys, UserTerm, Writers};
use crate::os::{job, process};

/// A stop that is over sooner was none: the kernel does not stop an orphaned job.
const FUTILE: Duration = Duration::from_millis(5);

/// So many such stops in a row, and nobody is there who could bring us back.
const FUTILE_STOPS: u32 = 3;

/// How often a run in the background looks whether it has been given the terminal.
pub(super) const FRONT_LOOK: Duration = Duration::from_millis(100);

/// How long a signal may take that woke us.
const WOKEN: Duration = Duration::from_millis(50);

/// How long a client that was asked to end may take before it is made to.
const PATIENCE: Duration = Duration::from_secs(2);

impl Relay {
    /// Deals with the signals that came.
    pub(super) fn caught(&mut self) -> io::Result<()> {
        for signal in self.signals.take() {
            match signal {
                Caught::Resize => self.resize()?,
                Caught::HangUp | Caught::Terminate | Caught::Quit => self.end_by(signal)?,
                Caught::Interrupt => self.interrupted()?,
                Caught::Stop if self.held.is_some() => self.suspend_held()?,
                // The client stops as well, and the monitor says so.
                Caught::Stop => self.channel.order(Order::Signal(Caught::Stop.number()))?,
                Caught::Child | Caught::Continued => {}
            }
        }
        Ok(())
    }

    /// Ends where somebody wanted that while we were stopped: `kill %1`, a closed terminal.
    fn end_if_told(&mut self) -> io::Result<bool> {
        // Another thread may still have to deliver what came with the wake-up.
        poll(&mut [Wait::readable(self.signals.as_fd())], Some(WOKEN))?;
        let ends =
            |caught: &Caught| matches!(caught, Caught::HangUp | Caught::Terminate | Caught::Quit);
        let told = self.signals.take().into_iter().find(ends);
        told.map_or(Ok(()), |signal| self.end_by(signal))?;
        Ok(told.is_some())
    }

    /// The terminal is gone.
    pub(super) fn hang_up(&mut self) -> io::Result<()> {
        self.end_by(Caught::HangUp)
    }

    /// Somebody wants us to end: so does the client, and before anything is closed. While a
    /// statement is held it gets no chance to take the end of its input for an answer.
    fn end_by(&mut self, signal: Caught) -> io::Result<()> {
        if self.held.is_some() || self.releasing.is_some() {
            self.kill_client();
            let why = match signal {
                Caught::HangUp => "hang-up",
                _ => "terminated",
            };
            self.withdraw(why)?;
        } else {
            self.channel.order(Order::Signal(signal.number()))?;
            // One that is stopped ends only once it goes on. A monitor that has started none yet has
            // gone by now.
            drop(self.channel.order(Order::Continue));
        }
        let clock = self.keeper.clock();
        let until = clock.elapsed() + PATIENCE;
        let mut is_killed = false;
        while self.ended.is_none() {
            let now = clock.elapsed();
            if now >= until && !is_killed {
                is_killed = true;
                self.kill_client();
            }
            let left = until.saturating_sub(now).max(Duration::from_millis(50));
            let mut waits = [Wait::readable(self.channel.as_fd())];
            poll(&mut waits, Some(left))?;
            if waits[0].is_ready() {
                self.monitor_says_the_end()?;
            }
            self.drain_all()?;
        }
        self.ended = Some(Ended::Signal(signal.number()));
        Ok(())
    }

    /// SIGINT: Ctrl-C where the user terminal makes it a signal, or from elsewhere.
    fn interrupted(&mut self) -> io::Result<()> {
        if self.held.is_some() {
            return self.keys_to_dialogue(&[0x03]);
        }
        if self.client.is_none() {
            // Nobody is there yet who could make something else of it.
            return self.end_by(Caught::Interrupt);
        }
        self.channel.order(Order::Signal(Caught::Interrupt.number()))
    }

    /// The user terminal has a new size.
    fn resize(&mut self) -> io::Result<()> {
        let Some(term) = &self.term else { return Ok(()) };
        let size = term.size();
        if let Some(pty) = &self.ends.pty {
            pty.resize(size)?;
        }
        self.keeper.resize(size.cols, size.rows);
        self.line.resize(size.cols, size.rows);
        self.resize_dialogue(size.cols, size.rows)
    }

    /// The client was stopped by this signal: so are we, and together we go on.
    pub(super) fn suspend(&mut self, signal: i32) -> io::Result<()> {
        if self.ends.pty.is_none() {
            // The terminal stopped the whole process group.
            return Ok(());
        }
        if self.is_background && is_for_terminal(signal) && self.is_in_front() {
            // It wanted the terminal just before we got it.
            self.come_to_front()?;
            return self.channel.order(Order::Continue);
        }
        self.drain_all()?;
        self.flush()?;
        self.stop_and_go_on()?;
        self.channel.order(Order::Continue)
    }

    /// Gives the terminal back, stops, and takes it again.
    pub(super) fn stop_and_go_on(&mut self) -> io::Result<()> {
        self.flush()?;
        let brackets = self.gate.has_brackets();
        if brackets {
            self.show_unrecorded(b"\x1b[?2004l")?;
        }
        self.take_off()?;
        self.flush()?;
        if let Some(term) = &mut self.term {
            term.restore()?;
        }
        self.stop()?;
        self.take_terminal()?;
        if self.ended.is_some() {
            return Ok(());
        }
        self.put_on()?;
        if brackets && self.held.is_some() {
            self.show_unrecorded(b"\x1b[?2004h")?;
        }
        self.resize()
    }

    /// Stops, but never while a side connection is being started: between its fork and its exec that
    /// process would stop with us and keep our own stop from being complete, so that no shell saw it.
    fn suspend_together(&self) -> io::Result<()> {
        let _started = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        job::suspend()
    }

    /// Stops until somebody continues us.
    fn stop(&mut self) -> io::Result<()> {
        for _ in 0..FUTILE_STOPS {
            if !self.is_in_front() && self.end_if_told()? {
                return Ok(());
            }
            let before = self.keeper.clock().elapsed();
            self.suspend_together()?;
            let was_stopped = self.keeper.clock().elapsed() - before > FUTILE;
            if was_stopped || self.is_in_front() {
                return Ok(());
            }
        }
        // Nobody can bring us back: the shell is gone.
        self.hang_up()
    }

    /// Returns whether the terminal listens to us; true where there is none.
    fn is_in_front(&self) -> bool {
        self.term.as_ref().is_none_or(UserTerm::is_foreground)
    }

    /// Returns whether the run goes on in the background, without keys: a script does, and a client
    /// that a hook asks for is stopped by the kernel where it wants its terminal, as it would be bare.
    /// One that is answered through its terminal, at a prompt, has to wait, and so has a question.
    fn runs_behind(&self) -> bool {
        self.interactive.is_none() || (self.tap.is_none() && self.held.is_none())
    }

    /// Makes the terminal raw, once it listens to us. Where it does not, the run goes on without it
    /// or stops until it is brought back.
    pub(super) fn take_terminal(&mut self) -> io::Result<()> {
        while !self.is_in_front() {
            if self.runs_behind() {
                return self.be_in_front(false);
            }
            self.stop()?;
            if self.ended.is_some() {
                return Ok(());
            }
        }
        let (keys, writers) = (self.keys(), self.writers());
        if let Some(term) = &mut self.term {
            let before = term.original().clone();
            term.refresh();
            // It wakes whoever reads there, which would look like an interrupt of a question.
            if self.is_background
                && let Some(pty) = &self.ends.pty
            {
                pty.renew(&before, term.original())?;
            }
            term.make_raw(keys, writers)?;
        }
        self.be_in_front(true)
    }

    /// Takes note of whether the terminal is ours, and so of the client.
    fn be_in_front(&mut self, is_front: bool) -> io::Result<()> {
        let is_news = std::mem::replace(&mut self.is_background, !is_front) == is_front;
        // One that is answered through its terminal must be able to read there at any time.
        if is_news && self.tap.is_none() {
            self.channel.order(Order::Front(i32::from(is_front)))?;
        }
        Ok(())
    }

    /// Takes the terminal where a shell has given it to us while we ran: it does not tell.
    pub(super) fn come_to_front(&mut self) -> io::Result<()> {
        if !self.is_background || !self.is_in_front() {
            return Ok(());
        }
        self.take_terminal()?;
        self.put_on()?;
        self.resize()
    }

    fn writers(&self) -> Writers {
        if self.is_whole_terminal || self.is_term_lent { Writers::Us } else { Writers::Others }
    }

    /// Which signals the user terminal keeps making: those of a pipeline, where its input is not
    /// the keyboard or whose output goes to another program.
    pub(super) fn keys(&self) -> Keys {
        if self.is_whole_terminal || self.is_term_lent { Keys::Bytes } else { Keys::Signals }
    }

    /// Ends the client at once.
    pub(super) fn kill_client(&mut self) {
        if let Some(pid) = self.watch.as_ref().map(process::Watch::pid) {
            // Workers of a pool would wait for it for ever, with our output open.
            let workers = if self.asking.is_some() { process::workers(pid) } else { Vec::new() };
            // At once, before anybody else runs. It may have ended in between.
            for pid in std::iter::once(pid).chain(workers) {
                drop(job::signal_process(pid, super::libc_sigkill()));
            }
        }
        // The group, and a client that we may not signal. A monitor that is gone has ended it
        // already.
        drop(self.channel.order(Order::Kill));
    }

    /// Ends everything; the recording knows how.
    pub(super) fn close(&mut self, ended: Ended) {
        let status = ended.status();
        // A run without a person tells of its last statement only by its status.
        let error = (self.interactive.is_none() && status != 0).then(|| format!("status {status}"));
        self.keeper.statement_ended(true, error.clone());
        let went = self.tap.as_mut().map(|tap| tap.went()).unwrap_or_default();
        let heard = Heard::from(went);
        self.keeper.ended(Heard { error: heard.error.clone().or(error), ..heard });
        self.keeper.finish(i32::from(status));
        self.tell_troubles();
        drop(self.take_off());
        drop(self.flush());
        if let Some(term) = &mut self.term {
            // A terminal that is gone needs nothing.
            drop(term.restore());
        }
        drop(self.channel.order(Order::Bye));
        self.monitor.wait();
        self.phase = Phase::Busy;
    }

    /// Takes the monitor's word that the client has ended, and nothing else.
    fn monitor_says_the_end(&mut self) -> io::Result<()> {
        use crate::os::channel::Report;
        match self.channel.next_report()? {
            Some(Report::Exited(status)) => self.ended = Some(Ended::Status(status)),
            Some(Report::Signalled(signal)) => self.ended = Some(Ended::Signal(signal)),
            Some(Report::Failed(errno)) => self.ended = Some(Ended::NotStarted(errno)),
            Some(Report::Ready | Report::Started(_) | Report::Stopped(_)) => {}
            None => self.ended = Some(Ended::Signal(super::libc_sigkill())),
        }
        Ok(())
    }
}

impl Ended {
    /// Returns the exit status a shell would see: the client's own, 128 and more for a signal, and
    /// `env`'s numbers for our own failures.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Status(status) => u8::try_from(status & 0xff).unwrap_or(u8::MAX),
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
            // ENOENT is 2 on every Unix.
            Self::NotStarted(2) => 127,
            Self::NotStarted(_) => 126,
            Self::Refused => 125,
        }
    }
}
