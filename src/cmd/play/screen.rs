//! The terminal while a session plays on it, given back on every way out.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use crate::os::job;
use crate::os::poll::{Wait, poll};
use crate::os::signal::{Caught, Signals};
use crate::os::term::{Keys, UserTerm, Writers};
use crate::render::stage::{ENTER, LEAVE, Stage};

/// How long the terminal may take none of what is written before giving it back is given up.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The terminal. Dropping it gives it back, on an error and in a panic too.
pub(super) struct Screen {
    terminal: UserTerm,
    signals: Signals,
    /// What is drawn on it.
    pub(super) stage: Stage,
    is_entered: bool,
}

/// What happened while waiting.
pub(super) enum News {
    /// Bytes from the keyboard, perhaps none.
    Keys(Vec<u8>),
    /// A signal that ends us.
    End(Caught),
    /// The terminal is gone.
    Gone,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn enter(terminal: UserTerm) -> io::Result<Self> {
        let signals = Signals::catch(&[
            Caught::Resize,
            Caught::HangUp,
            Caught::Terminate,
            Caught::Interrupt,
            Caught::Quit,
            Caught::Stop,
            Caught::Continued,
        ])?;
        let mut screen = Self { terminal, signals, stage: Stage::default(), is_entered: false };
        screen.take_over()?;
        Ok(screen)
    }

    /// Waits for keys and signals, for at most `timeout`.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<News> {
        let mut waits =
            [Wait::readable(self.terminal.as_fd()), Wait::readable(self.signals.as_fd())];
        poll(&mut waits, timeout)?;
        let has_keys = waits[0].is_ready();
        for caught in self.signals.take() {
            match caught {
                Caught::Resize => self.fit(),
                Caught::Stop => self.suspend()?,
                // Whoever stopped us may have changed the terminal.
                Caught::Continued => self.take_over()?,
                Caught::HangUp | Caught::Terminate | Caught::Interrupt | Caught::Quit => {
                    return Ok(News::End(caught));
                }
                Caught::Child => {}
            }
        }
        if !has_keys {
            return Ok(News::Keys(Vec::new()));
        }
        let mut buffer = [0; 256];
        match self.terminal.file().read(&mut buffer) {
            Ok(0) => Ok(News::Gone),
            Ok(count) => Ok(News::Keys(buffer[..count].to_vec())),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(News::Keys(Vec::new()))
            }
            Err(_) => Ok(News::Gone),
        }
    }

    /// Writes all of `text`; stops early where a signal comes, which the next wait tells of.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match self.terminal.file().write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut waits = [
                        Wait::writable(self.terminal.as_fd()),
                        Wait::readable(self.signals.as_fd()),
                    ];
                    poll(&mut waits, None)?;
                    if !waits[0].is_ready() && waits[1].is_ready() {
                        // A row may be cut: all of it is drawn anew.
                        self.fit();
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives the terminal to the shell until it puts us in the foreground again.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        self.give_back();
        job::suspend()?;
        self.terminal.refresh();
        self.take_over()
    }

    fn take_over(&mut self) -> io::Result<()> {
        self.terminal.make_raw(Keys::Bytes, Writers::Us)?;
        self.is_entered = true;
        self.write(ENTER)?;
        self.fit();
        Ok(())
    }

    fn fit(&mut self) {
        let size = self.terminal.size();
        self.stage.resize(size.cols.into(), size.rows.into());
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.is_entered) {
            let mut waits = [Wait::writable(self.terminal.as_fd())];
            // Where the terminal is gone there is nothing left to give back.
            drop(poll(&mut waits, Some(LAST_WAIT)));
            drop(self.terminal.file().write_all(LEAVE.as_bytes()));
        }
        drop(self.terminal.restore());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.give_back();
    }
}
