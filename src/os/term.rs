//! The user terminal: borrowed, made raw, and given back as it was.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::sys::termios::{self, InputFlags, LocalFlags, OutputFlags, SetArg, Termios};

use super::caretaker::Caretaker;
use super::guise::Guise;
use super::signal::without_ttou;

mod ioctl {
    nix::ioctl_read_bad!(get_size, libc::TIOCGWINSZ, nix::pty::Winsize);
    nix::ioctl_write_ptr_bad!(put_size, libc::TIOCSWINSZ, nix::pty::Winsize);
}

/// What a client or a dialogue may have left on goes off: bracketed paste, reports of the focus, a
/// hidden cursor, colours.
pub const MODES_BACK: &str = "\x1b[?2004l\x1b[?1004l\x1b[?25h\x1b[0m";

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

/// Restores a terminal on behalf of a relay that was killed: settings first, then what a client
/// or a dialogue may have left on (bracketed paste, a hidden cursor).
#[derive(Debug)]
pub struct Keepsake {
    tty: OwnedFd,
    original: Termios,
}

impl Keepsake {
    /// Notes the settings of the terminal behind `tty`.
    ///
    /// # Errors
    /// When it is no terminal.
    pub fn take(tty: OwnedFd) -> io::Result<Self> {
        let original = termios::tcgetattr(&tty)?;
        Ok(Self { tty, original })
    }

    /// Puts the settings back.
    pub fn restore_settings(&self) {
        let _ = without_ttou(|| termios::tcsetattr(&self.tty, SetArg::TCSANOW, &self.original));
    }

    /// Puts everything back; `worn` is what of the look was ours, as [`Guise::pack`] has it.
    pub fn restore(&self, worn: i32) {
        self.restore_settings();
        let look: String = Guise::unpack(worn).map(Guise::take_off).collect();
        self.write(&format!("{look}{MODES_BACK}\r\n"));
    }

    /// Writes to the terminal what takes something off it.
    pub(super) fn write(&self, back: &str) {
        // It may be gone, and then there is nothing to take off.
        let _ = nix::unistd::write(&self.tty, back.as_bytes());
    }
}

impl AsRawFd for Keepsake {
    fn as_raw_fd(&self) -> RawFd {
        self.tty.as_raw_fd()
    }
}

/// Gives the controlling terminal the settings that shells expect, and takes off all that a session
/// which was killed may have left on.
///
/// # Errors
/// When there is no terminal.
pub fn repair() -> io::Result<()> {
    let tty =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open("/dev/tty")?;
    let mut settings = termios::tcgetattr(&tty)?;
    settings.input_flags |= InputFlags::ICRNL | InputFlags::IXON | InputFlags::BRKINT;
    settings.output_flags |= OutputFlags::OPOST | OutputFlags::ONLCR;
    settings.local_flags |= LocalFlags::ICANON
        | LocalFlags::ECHO
        | LocalFlags::ECHOE
        | LocalFlags::ECHOK
        | LocalFlags::ISIG
        | LocalFlags::IEXTEN;
    without_ttou(|| termios::tcsetattr(&tty, SetArg::TCSANOW, &settings))?;
    let look: String = Guise::ALL.into_iter().map(Guise::take_off).collect();
    // The cursor stays where the other screen was not shown. Reports of the mouse are off as well.
    let modes = "\x1b7\x1b[?1049l\x1b[?7h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l";
    (&tty).write_all(format!("{look}{modes}{MODES_BACK}").as_bytes())
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
