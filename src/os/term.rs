//! The user terminal: borrowed, made raw, and given back as it was.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::sys::termios::{self, LocalFlags, SetArg, Termios};

use super::caretaker::Caretaker;
use super::signal::without_ttou;

mod ioctl {
    nix::ioctl_read_bad!(get_size, libc::TIOCGWINSZ, nix::pty::Winsize);
    nix::ioctl_write_ptr_bad!(put_size, libc::TIOCSWINSZ, nix::pty::Winsize);
}

/// The size of a terminal in character cells and, where known, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// Width and height in pixels; 0 where the terminal does not say.
    pub pixels: (u16, u16),
}

impl Default for Size {
    fn default() -> Self {
        Self { cols: 80, rows: 24, pixels: (0, 0) }
    }
}

/// Reads the size of the terminal behind `fd`.
///
/// # Errors
/// When it is no terminal.
pub fn size(fd: BorrowedFd<'_>) -> io::Result<Size> {
    let mut raw = nix::pty::Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is borrowed and `raw` is a valid out-parameter of the right type.
    unsafe { ioctl::get_size(fd.as_raw_fd(), &raw mut raw) }?;
    Ok(Size { cols: raw.ws_col, rows: raw.ws_row, pixels: (raw.ws_xpixel, raw.ws_ypixel) })
}

/// Sets the size of the terminal behind `fd`, which tells its foreground programs.
///
/// # Errors
/// When it is no terminal.
pub fn set_size(fd: BorrowedFd<'_>, size: Size) -> io::Result<()> {
    let raw = nix::pty::Winsize {
        ws_row: size.rows,
        ws_col: size.cols,
        ws_xpixel: size.pixels.0,
        ws_ypixel: size.pixels.1,
    };
    // SAFETY: the descriptor is borrowed and `raw` is valid for the call.
    unsafe { ioctl::put_size(fd.as_raw_fd(), &raw const raw) }?;
    Ok(())
}

/// Which signals the terminal still makes from keys while it is raw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Every key is a byte for us.
    Bytes,
    /// Ctrl-C, Ctrl-\ and Ctrl-Z stay signals, since other programs of a pipeline need them too.
    Signals,
}

/// Whether other programs write to the terminal while it is raw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// Only we do: bytes go out as they are.
    Us,
    /// A pipeline's other programs do as well, and their line ends need a CR.
    Others,
}

/// The terminal nightlatch was started on.
///
/// It is opened anew, so that making it non-blocking touches nobody else's descriptor. Dropping
/// it restores what was there.
#[derive(Debug)]
pub struct UserTerm {
    file: File,
    original: Termios,
    is_raw: bool,
    caretaker: Option<Caretaker>,
}

impl UserTerm {
    /// Opens the controlling terminal.
    ///
    /// # Errors
    /// When there is none.
    pub fn open() -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
            .open("/dev/tty")?;
        let original = termios::tcgetattr(&file)?;
        Ok(Self { file, original, is_raw: false, caretaker: None })
    }

    /// Opens it for a command that draws on all of it. Where the command is killed while the terminal is
    /// raw, a process of ours restores it, and writes `back`. No other thread may run yet.
    ///
    /// # Errors
    /// When there is none.
    pub fn open_whole(back: &'static str) -> io::Result<Self> {
        let mut term = Self::open()?;
        // Without one a kill costs more, and nothing else is different.
        term.caretaker = Caretaker::start(term.file.as_fd(), back).ok();
        Ok(term)
    }

    /// Returns whether our process group is the one the terminal listens to.
    #[must_use]
    pub fn is_foreground(&self) -> bool {
        nix::unistd::tcgetpgrp(&self.file).is_ok_and(|group| group == nix::unistd::getpgrp())
    }

    /// Makes the terminal raw.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn make_raw(&mut self, keys: Keys, writers: Writers) -> io::Result<()> {
        let mut raw = self.original.clone();
        termios::cfmakeraw(&mut raw);
        if writers == Writers::Others {
            raw.output_flags = self.original.output_flags;
        }
        if keys == Keys::Signals {
            raw.local_flags |= LocalFlags::ISIG;
        }
        self.note(true);
        without_ttou(|| termios::tcsetattr(&self.file, SetArg::TCSADRAIN, &raw))?;
        self.is_raw = true;
        Ok(())
    }

    /// Puts back what was there before.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn restore(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_raw) {
            without_ttou(|| termios::tcsetattr(&self.file, SetArg::TCSADRAIN, &self.original))?;
            self.note(false);
        }
        Ok(())
    }

    fn note(&mut self, is_taken: bool) {
        if let Some(caretaker) = &mut self.caretaker {
            caretaker.note(is_taken);
        }
    }

    /// Takes note of the settings again after a stop: the shell may have changed them.
    pub fn refresh(&mut self) {
        if !self.is_raw
            && let Ok(now) = termios::tcgetattr(&self.file)
        {
            self.original = now;
        }
    }

    /// Reads the size.
    #[must_use]
    pub fn size(&self) -> Size {
        size(self.file.as_fd()).unwrap_or_default()
    }

    /// Returns the terminal for reading and writing; it does not block.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the settings found at the start, for the inner pty to begin with.
    #[must_use]
    pub fn original(&self) -> &Termios {
        &self.original
    }
}

impl AsFd for UserTerm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for UserTerm {
    fn drop(&mut self) {
        // The terminal may be gone, and then there is nothing left to restore.
        drop(self.restore());
    }
}

/// Which of our own three ends are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

impl Terminals {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

/// Returns the name of the terminal on standard input, output or error, for the record.
#[must_use]
pub fn name() -> Option<PathBuf> {
    nix::unistd::ttyname(io::stdin())
        .or_else(|_| nix::unistd::ttyname(io::stdout()))
        .or_else(|_| nix::unistd::ttyname(io::stderr()))
        .ok()
}
