//! A real terminal: a command on a pty of its own, keys in, a screen out.
//!
//! Between the test and the command stands a *holder*: the session leader of the new terminal, which
//! runs the command as a foreground job, as a shell does. It is there because the kernel resets a
//! terminal's settings when the session leader exits, so that without it nobody could tell whether
//! the command had restored them; and because a command without a job-controlling parent cannot be
//! suspended.
#![expect(unsafe_code, reason = "a session of one's own is made between fork and exec")]

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use nightlatch::clock::Clock;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use super::DEADLINE;
use super::screen::{Screen, plain};

/// Size of the terminal, unless a test changes it.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

/// The pause a person makes before answering; the contract asks for 300 ms without input.
pub(crate) const PERSON_PAUSE: Duration = Duration::from_millis(450);

/// The pause between two keys of a person who types fast.
const BETWEEN_KEYS: Duration = Duration::from_millis(40);

/// A key that is not a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Enter,
    Escape,
    Tab,
    Backspace,
    Up,
    Down,
    Left,
    /// A control key by its letter, such as `Ctrl('c')`.
    Ctrl(char),
}

impl Key {
    /// Returns what a terminal sends for the key.
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Enter => vec![b'\r'],
            Self::Escape => vec![0x1b],
            Self::Tab => vec![b'\t'],
            Self::Backspace => vec![0x7f],
            Self::Up => b"\x1b[A".to_vec(),
            Self::Down => b"\x1b[B".to_vec(),
            Self::Left => b"\x1b[D".to_vec(),
            Self::Ctrl(letter) => vec![(letter as u8) & 0x1f],
        }
    }
}

/// What has become of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// Suspended, and the terminal given back to the holder, as a shell takes it back.
    Stopped,
    Exited(ExitStatus),
}

/// A command on a terminal.
pub(crate) struct Pty {
    leader: Option<File>,
    holder: Child,
    control: Option<PipeWriter>,
    reports: PipeReader,
    report: Vec<u8>,
    /// The command's process id, which is its process group too.
    pub(crate) pid: Pid,
    /// What has become of it, as of the last wait.
    pub(crate) state: State,
    terminal: avt::Terminal,
    /// Every byte that came.
    pub(crate) raw: Vec<u8>,
    undecoded: Vec<u8>,
    /// Where in `raw` the output after the last key begins.
    since_key: usize,
    before: Termios,
    clock: Clock,
}

impl Pty {
    /// Starts a command on a new terminal. Streams the command has set itself stay as set.
    pub(crate) fn spawn(command: Command) -> Self {
        Self::spawn_with(command, [true; 3])
    }

    /// Starts a command whose stdin, stdout and stderr are the terminal where told so; the other
    /// ones are what the command has set.
    pub(crate) fn spawn_with(mut command: Command, on_terminal: [bool; 3]) -> Self {
        let leader = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("pty");
        grantpt(&leader).expect("grantpt");
        unlockpt(&leader).expect("unlockpt");
        let path = PathBuf::from(ptsname_r(&leader).expect("ptsname"));
        let leader = File::from(OwnedFd::from(leader));
        let follower = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY | libc::O_CLOEXEC)
            .open(path)
            .expect("follower");
        set_size(&leader, COLUMNS, ROWS);
        let before = tcgetattr(&leader).expect("termios");
        let [stdin, stdout, stderr] = on_terminal;
        if stdin {
            command.stdin(follower.try_clone().expect("follower"));
        }
        if stdout {
            command.stdout(follower.try_clone().expect("follower"));
        }
        if stderr {
            command.stderr(follower.try_clone().expect("follower"));
        }
        let (control_read, control) = io::pipe().expect("pipe");
        let (mut reports, report_write) = io::pipe().expect("pipe");
        let ends = Ends {
            terminal: follower.as_raw_fd(),
            control: control_read.as_raw_fd(),
            report: report_write.as_raw_fd(),
        };
        // SAFETY: the closure makes system calls only, all of them async-signal-safe.
        unsafe {
            command.pre_exec(move || hold(ends));
        }
        let holder = command.spawn().expect("the command starts");
        drop((follower, control_read, report_write));
        let mut pid = [0; 4];
        reports.read_exact(&mut pid).expect("the holder reports the process id");
        let flags = fcntl(&leader, FcntlArg::F_GETFL).expect("flags");
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        fcntl(&leader, FcntlArg::F_SETFL(flags)).expect("flags");
        Self {
            leader: Some(leader),
            holder,
            control: Some(control),
            reports,
            report: Vec::new(),
            pid: Pid::from_raw(i32::from_ne_bytes(pid)),
            state: State::Running,
            terminal: avt::Terminal::new(usize::from(COLUMNS), usize::from(ROWS)).expect("size"),
            raw: Vec::new(),
            undecoded: Vec::new(),
            since_key: 0,
            before,
            clock: Clock::system(),
        }
    }

    /// Types text, as fast as a terminal takes it.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    /// Presses one key.
    pub(crate) fn press(&mut self, key: Key) {
        self.send(&key.bytes());
    }

    /// Types a line and Enter.
    pub(crate) fn line(&mut self, text: &str) {
        self.send(format!("{text}\r").as_bytes());
    }

    /// Types a line key by key, as a fast person does: each key some time after the echo of the one
    /// before, since what comes faster counts as a paste.
    pub(crate) fn answer(&mut self, text: &str) {
        for key in text.chars() {
            let before = self.screen().cursor;
            self.type_text(key.encode_utf8(&mut [0; 4]));
            self.wait_until("the echo of a key", |screen| screen.cursor != before);
            self.wait_for_silence(BETWEEN_KEYS);
        }
        self.press(Key::Enter);
    }

    /// Pastes as a terminal in bracketed-paste mode does.
    pub(crate) fn paste_bracketed(&mut self, text: &str) {
        let text = text.replace('\n', "\r");
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Pastes as a terminal without bracketed paste does: keys, very fast.
    pub(crate) fn paste_plain(&mut self, text: &str) {
        self.send(text.replace('\n', "\r").as_bytes());
    }

    /// Sends bytes, and reads what comes meanwhile, so that neither side can block the other.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) {
        self.pump(Duration::ZERO);
        self.since_key = self.raw.len();
        let end = self.deadline();
        while !bytes.is_empty() {
            let leader = self.leader.as_mut().expect("the terminal is open");
            match leader.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    assert!(self.clock.elapsed() < end, "nobody reads the keys\n{}", self.dump());
                    self.pump(Duration::from_millis(5));
                }
                Err(error) => panic!("keys cannot be sent: {error}\n{}", self.dump()),
            }
        }
    }

    /// Returns the screen as it is now.
    pub(crate) fn screen(&mut self) -> Screen {
        self.pump(Duration::ZERO);
        Screen::of(&self.terminal)
    }

    /// Returns what came since the last key, without escape sequences.
    pub(crate) fn recent(&mut self) -> String {
        self.pump(Duration::ZERO);
        plain(&self.raw[self.since_key..])
    }

    /// Waits until the screen is as wanted and returns it.
    ///
    /// # Panics
    /// If it is not within the deadline; the message shows the whole screen and the last bytes.
    pub(crate) fn wait_until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Screen) -> bool,
    ) -> Screen {
        let end = self.deadline();
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            if self.is_hopeless(end) {
                panic!("waited in vain for: {what}\n{}", self.dump());
            }
        }
    }

    /// Waits until these bytes have come, which may show nothing: a title, a colour.
    ///
    /// # Panics
    /// If they do not come within the deadline.
    pub(crate) fn wait_for_bytes(&mut self, bytes: &str) {
        let end = self.deadline();
        while memchr::memmem::find(&self.raw, bytes.as_bytes()).is_none() {
            assert!(!self.is_hopeless(end), "waited in vain for {bytes:?}\n{}", self.dump());
        }
    }

    /// Waits until the text has come since the last key.
    pub(crate) fn wait_for(&mut self, text: &str) -> Screen {
        let end = self.deadline();
        loop {
            if self.recent().contains(text) {
                return self.screen();
            }
            if self.is_hopeless(end) {
                panic!("waited in vain for {text:?} after the last key\n{}", self.dump());
            }
        }
    }

    /// Waits for news; tells whether there is no more use in waiting.
    pub(crate) fn is_hopeless(&mut self, end: Duration) -> bool {
        let had_exited = self.has_exited();
        let seen = self.raw.len();
        self.pump(Duration::from_millis(50));
        self.clock.elapsed() > end || (had_exited && self.raw.len() == seen)
    }

    /// Returns the moment at which waiting ends.
    pub(crate) fn deadline(&self) -> Duration {
        self.clock.elapsed() + DEADLINE
    }

    /// Waits until the cursor stands right behind the prompt.
    pub(crate) fn wait_for_prompt(&mut self, prompt: &str) -> Screen {
        self.wait_until(&format!("the prompt {prompt:?}"), |screen| {
            screen.cursor_line() == prompt.trim_end() && screen.cursor.0 == prompt.len()
        })
    }

    /// Waits until nothing has come for the given time, as a person does who looks before typing.
    pub(crate) fn wait_for_silence(&mut self, quiet: Duration) -> Screen {
        let mut last = self.clock.elapsed();
        let mut seen = self.raw.len();
        while self.clock.elapsed() < last + quiet {
            self.pump(Duration::from_millis(20));
            if self.raw.len() != seen {
                seen = self.raw.len();
                last = self.clock.elapsed();
            }
        }
        self.screen()
    }

    /// Reads what comes for the given time, or until the command has ended.
    pub(crate) fn watch_for(&mut self, time: Duration) {
        let end = self.clock.elapsed() + time;
        while self.clock.elapsed() < end && !self.has_exited() {
            self.pump(Duration::from_millis(5));
        }
    }

    /// Waits until the command has ended and returns its status.
    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        let end = self.deadline();
        loop {
            self.pump(Duration::from_millis(20));
            if let State::Exited(status) = self.state {
                self.pump(Duration::ZERO);
                return status;
            }
            assert!(self.clock.elapsed() < end, "the command does not end\n{}", self.dump());
        }
    }

    /// Waits for the end and checks that the terminal is as it was before.
    pub(crate) fn finish(&mut self) -> ExitStatus {
        let status = self.wait_for_exit();
        self.check_restored();
        status
    }

    /// Waits until the command is suspended.
    pub(crate) fn wait_for_stop(&mut self) {
        let end = self.deadline();
        while self.state != State::Stopped {
            self.pump(Duration::from_millis(20));
            assert!(self.clock.elapsed() < end, "the command does not stop\n{}", self.dump());
        }
    }

    /// Puts the suspended command in the foreground again, as `fg` does.
    pub(crate) fn foreground(&mut self) {
        self.state = State::Running;
        self.control.as_mut().expect("open").write_all(b"f").expect("the holder listens");
    }

    /// Checks that the terminal is as it was before the command started.
    pub(crate) fn check_restored(&mut self) {
        let (before, after) = (self.before.clone(), self.termios());
        assert!(
            libc::termios::from(before.clone()) == libc::termios::from(after.clone()),
            "the terminal's settings are not restored\nbefore {before:?}\nafter  {after:?}\n{}",
            self.dump()
        );
        let screen = self.screen();
        assert!(screen.is_cursor_shown, "the cursor is hidden\n{}", self.dump());
        assert!(!screen.is_alternate, "the alternate screen is left on\n{}", self.dump());
        for mode in ["?2004", "?1000", "?1002", "?1003", "?1006", "?1004"] {
            assert!(!self.is_mode_on(mode), "mode {mode} is left on\n{}", self.dump());
        }
    }

    /// Tells whether a private mode was last switched on.
    pub(crate) fn is_mode_on(&self, mode: &str) -> bool {
        let find = |end: &str| {
            let sequence = format!("\x1b[{mode}{end}");
            self.raw.windows(sequence.len()).rposition(|window| window == sequence.as_bytes())
        };
        find("h") > find("l")
    }

    /// Waits until a private mode is on.
    ///
    /// # Panics
    /// If it is not within the deadline.
    #[track_caller]
    pub(crate) fn wait_for_mode(&mut self, mode: &str) {
        let end = self.deadline();
        while !self.is_mode_on(mode) {
            assert!(!self.is_hopeless(end), "mode {mode} is not on\n{}", self.dump());
        }
    }

    /// Returns the terminal's settings.
    pub(crate) fn termios(&self) -> Termios {
        tcgetattr(self.leader()).expect("termios")
    }

    /// Changes the terminal's size, which sends SIGWINCH to the foreground.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.resize(usize::from(columns), usize::from(rows));
        set_size(self.leader.as_ref().expect("the terminal is open"), columns, rows);
    }

    /// Sends a signal to the command.
    pub(crate) fn kill(&self, signal: Signal) {
        kill(self.pid, signal).expect("the command is there");
    }

    /// Closes the terminal, as closing the window does: the session is hung up.
    pub(crate) fn hang_up(&mut self) {
        self.leader = None;
    }

    /// Returns the terminal's other end, for those who read it themselves.
    pub(crate) fn leader(&self) -> BorrowedFd<'_> {
        self.leader.as_ref().expect("the terminal is open").as_fd()
    }

    /// Tells whether the command has ended.
    pub(crate) fn has_exited(&mut self) -> bool {
        let mut fds = [PollFd::new(self.reports.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::ZERO).unwrap_or(0) > 0 {
            self.read_reports();
        }
        matches!(self.state, State::Exited(_))
    }

    /// Reads what has come, for at most the given time, and stops at the first news.
    pub(crate) fn pump(&mut self, wait: Duration) {
        let mut timeout = PollTimeout::try_from(wait).expect("short");
        loop {
            let mut ready = [false; 2];
            {
                let mut fds = vec![PollFd::new(self.reports.as_fd(), PollFlags::POLLIN)];
                if let Some(leader) = &self.leader {
                    fds.push(PollFd::new(leader.as_fd(), PollFlags::POLLIN));
                }
                if poll(&mut fds, timeout).unwrap_or(0) == 0 {
                    return;
                }
                for (fd, ready) in fds.iter().zip(&mut ready) {
                    *ready = fd.any().unwrap_or(false);
                }
            }
            let is_news = (ready[0] && self.read_reports()) | (ready[1] && self.read_output());
            if !is_news {
                return;
            }
            timeout = PollTimeout::ZERO;
        }
    }

    fn read_output(&mut self) -> bool {
        let Some(leader) = &mut self.leader else {
            return false;
        };
        let mut buffer = [0; 65536];
        let Ok(count) = leader.read(&mut buffer) else {
            return false;
        };
        self.raw.extend_from_slice(&buffer[..count]);
        self.undecoded.extend_from_slice(&buffer[..count]);
        // A character may be torn between two reads.
        let text = match str::from_utf8(&self.undecoded) {
            Ok(text) => text.to_owned(),
            Err(error) if error.error_len().is_none() => {
                String::from_utf8_lossy(&self.undecoded[..error.valid_up_to()]).into_owned()
            }
            Err(_) => {
                let text = String::from_utf8_lossy(&self.undecoded).into_owned();
                self.undecoded.clear();
                self.terminal.feed(text.as_str());
                return count > 0;
            }
        };
        self.undecoded.drain(..text.len());
        self.terminal.feed(text.as_str());
        count > 0
    }

    fn read_reports(&mut self) -> bool {
        let mut buffer = [0; 64];
        let Ok(count) = self.reports.read(&mut buffer) else {
            return false;
        };
        self.report.extend_from_slice(&buffer[..count]);
        while self.report.len() >= 4 {
            let status: Vec<u8> = self.report.drain(..4).collect();
            let status = i32::from_ne_bytes(status.try_into().expect("4 bytes"));
            self.state = if libc::WIFSTOPPED(status) {
                State::Stopped
            } else {
                State::Exited(ExitStatus::from_raw(status))
            };
        }
        count > 0
    }

    /// Describes everything a person needs who reads a failure.
    pub(crate) fn dump(&mut self) -> String {
        let screen = Screen::of(&self.terminal);
        let tail = &self.raw[self.raw.len().saturating_sub(1500)..];
        format!(
            "--- screen ---\n{screen}\n--- last bytes ---\n{}\n--- state {:?}, process {} ---\n{}",
            tail.escape_ascii(),
            self.state,
            self.pid,
            super::process::tree(self.pid),
        )
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // The world ends what the command has left behind; here only the session is closed.
        self.leader = None;
        self.control = None;
        if !matches!(self.state, State::Exited(_)) {
            // It may be gone already.
            kill(self.pid, Signal::SIGKILL).ok();
        }
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

fn set_size(leader: &File, columns: u16, rows: u16) {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open and the kernel reads one winsize.
    let result = unsafe { libc::ioctl(leader.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    assert_eq!(result, 0, "the size cannot be set");
}

/// What the holder needs of the test's descriptors.
#[derive(Clone, Copy)]
struct Ends {
    terminal: RawFd,
    control: RawFd,
    report: RawFd,
}

/// Makes the session, forks, and becomes the holder in the parent; returns in the child, which
/// goes on to be the command.
fn hold(ends: Ends) -> io::Result<()> {
    // SAFETY: system calls on descriptors that are open; nothing is allocated, and the holder
    // never returns from here.
    unsafe {
        if libc::setsid() < 0 || libc::ioctl(ends.terminal, libc::TIOCSCTTY, 0) < 0 {
            return Err(io::Error::last_os_error());
        }
        let pid = libc::fork();
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        if pid == 0 {
            libc::setpgid(0, 0);
            libc::signal(libc::SIGTTOU, libc::SIG_IGN);
            libc::tcsetpgrp(ends.terminal, libc::getpid());
            libc::signal(libc::SIGTTOU, libc::SIG_DFL);
            return Ok(());
        }
        libc::setpgid(pid, pid);
        libc::signal(libc::SIGTTOU, libc::SIG_IGN);
        close_all_but(ends);
        libc::write(ends.report, (&raw const pid).cast(), 4);
        loop {
            let mut status = 0;
            let changed = libc::waitpid(pid, &raw mut status, libc::WUNTRACED);
            if changed < 0 {
                libc::_exit(1);
            }
            libc::tcsetpgrp(ends.terminal, libc::getpid());
            libc::write(ends.report, (&raw const status).cast(), 4);
            let mut order = 0_u8;
            if libc::read(ends.control, (&raw mut order).cast(), 1) <= 0 {
                libc::_exit(0);
            }
            libc::tcsetpgrp(ends.terminal, pid);
            libc::kill(-pid, libc::SIGCONT);
        }
    }
}

/// Closes every descriptor but the holder's own: a copy of a pipe would keep it open for ever.
///
/// # Safety
/// Only in a process about to lose all its other descriptors on purpose.
unsafe fn close_all_but(ends: Ends) {
    let mut keep = [ends.terminal, ends.control, ends.report];
    keep.sort_unstable();
    let mut first = 0;
    for fd in keep {
        if fd > first {
            // SAFETY: nothing in this process uses the descriptors any more.
            unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) };
        }
        first = fd + 1;
    }
    // SAFETY: as above.
    unsafe { libc::syscall(libc::SYS_close_range, first, i32::MAX, 0) };
}
