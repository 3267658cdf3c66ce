//! The terminal while the search has it: the other screen, drawn row by row where rows change.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::draw::Frame;
use crate::os::poll::{Wait, poll};
use crate::os::term::{Keys, Size, UserTerm, Writers};

/// The other screen, empty; brackets around pastes; rows that do not wrap by themselves.
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?7l\x1b[H\x1b[2J";

/// All of that taken back.
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?2004l\x1b[?1049l\x1b[?25h";

/// Around a frame: a terminal that knows them shows it at once.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[?25h\x1b[?2026l";

/// Most that a terminal is sure to take as one text to copy (xterm's limit, before base64).
const MOST_COPIED: usize = 74_994;

/// The user terminal, borrowed; it is given back as it was on every way out.
#[derive(Debug)]
pub(super) struct Screen {
    term: UserTerm,
    shown: Vec<String>,
    is_entered: bool,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// If there is none, or it is gone.
    pub(super) fn open() -> io::Result<Self> {
        let term = UserTerm::open_whole(LEAVE)?;
        if !term.is_foreground() {
            return Err(io::Error::other("we run in the background"));
        }
        let mut screen = Self { term, shown: Vec::new(), is_entered: false };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes the terminal, again after [`Screen::leave`].
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        self.term.refresh();
        self.term.make_raw(Keys::Bytes, Writers::Us)?;
        self.is_entered = true;
        self.shown.clear();
        self.write(ENTER.as_bytes())
    }

    /// Gives the terminal back.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub(super) fn leave(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_entered) {
            let wrote = self.write(LEAVE.as_bytes());
            return self.term.restore().and(wrote);
        }
        Ok(())
    }

    /// Returns the size.
    pub(super) fn size(&self) -> Size {
        let size = self.term.size();
        if size.cols == 0 || size.rows == 0 { Size::default() } else { size }
    }

    /// Forgets what is shown, so that all is drawn again.
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.shown.clear();
        self.write(b"\x1b[0m\x1b[2J")
    }

    /// Shows a frame.
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub(super) fn show(&mut self, frame: Frame) -> io::Result<()> {
        let mut out = String::from(BEGIN);
        for (row, text) in frame.rows.iter().enumerate() {
            if self.shown.get(row) != Some(text) {
                // Erased first: after the last column there is nothing to erase but it.
                out.push_str(&format!("\x1b[{};1H\x1b[0m\x1b[2K{text}", row + 1));
            }
        }
        out.push_str(&format!("\x1b[{};{}H{END}", frame.cursor.1 + 1, frame.cursor.0 + 1));
        self.shown = frame.rows;
        self.write(out.as_bytes())
    }

    /// Asks the terminal to copy a text (OSC 52), which works through ssh too; false if the text is
    /// longer than terminals take.
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<bool> {
        if text.len() > MOST_COPIED {
            return Ok(false);
        }
        self.write(format!("\x1b]52;c;{}\x07", STANDARD.encode(text)).as_bytes())?;
        Ok(true)
    }

    /// Reads what was typed; none if the terminal is gone.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub(super) fn read<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        match self.term.file().read(buffer) {
            Ok(0) => Ok(None),
            Ok(count) => Ok(Some(&buffer[..count])),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(Some(&[]))
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.term.file().write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [Wait::writable(self.term.as_fd())], None)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl AsFd for Screen {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.term.as_fd()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to be given back.
        drop(self.leave());
    }
}
