//! A terminal given back on behalf of a process that was killed and could not do so itself.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::sys::termios::{self, InputFlags, LocalFlags, OutputFlags, SetArg, Termios};

use super::guise::Guise;
use super::signal::without_ttou;

/// What a client or a dialogue may have left on goes off: bracketed paste, reports of the focus, a
/// hidden cursor, colours.
const MODES_BACK: &str = "\x1b[?2004l\x1b[?1004l\x1b[?25h\x1b[0m";

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
