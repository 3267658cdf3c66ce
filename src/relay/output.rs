//! What the client prints: our marks and questions taken out, the rest shown and recorded.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use super::ends::drain_place;
use super::{Ended, Phase, Relay};
use crate::clients::{Guarded, Seen};
use crate::notify::Occasion;
use crate::os::channel::Order;
use crate::os::poll::{Wait, poll};
use crate::ui::notice;
use crate::ui::theme::Style;

/// Reads in a row without looking at anything else, while the client prints a lot: a look costs as
/// much as a read. At the 40 µs that 2 KB take through two terminals a key waits 1.3 ms at most.
const READS_IN_A_ROW: usize = 32;

/// A read of at least so many bytes shows that the client prints a lot.
const MUCH_OUTPUT: usize = 512;

/// How long a terminal that takes nothing is waited for at the end.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// Bytes that the user terminal has not taken yet.
#[derive(Debug)]
pub(super) struct Sink {
    waiting: VecDeque<u8>,
    /// Whether the last byte shown was a line end, so that the cursor stands at a line's start.
    is_fresh_line: bool,
}

impl Default for Sink {
    /// A command is started with Enter: the cursor stands at a line's start.
    fn default() -> Self {
        Self { waiting: VecDeque::new(), is_fresh_line: true }
    }
}

impl Sink {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_fresh_line(&self) -> bool {
        self.is_fresh_line
    }
}

impl Relay {
    /// Reads what the client has printed to its terminal, and goes on while it prints a lot and
    /// the user terminal takes it.
    pub(super) fn read_on(&mut self) -> io::Result<()> {
        for _ in 0..READS_IN_A_ROW {
            if self.read_client()? < MUCH_OUTPUT || !self.sink.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Reads what the client has printed to its terminal, once; returns how many bytes.
    fn read_client(&mut self) -> io::Result<usize> {
        let Some(pty) = &self.ends.pty else { return Ok(0) };
        let count = match pty.leader().read(&mut self.buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            // The last follower was closed; the monitor tells what became of the client.
            Err(_) => 0,
        };
        if count == 0 {
            return Ok(0);
        }
        let buffer = std::mem::take(&mut self.buffer);
        let result = self.take_output(&buffer[..count]);
        self.buffer = buffer;
        result.map(|()| count)
    }

    /// Reads what the client has printed to a redirected standard output, once.
    pub(super) fn read_drain(&mut self) -> io::Result<bool> {
        let Some(mut drain) = self.ends.drain.as_ref() else { return Ok(false) };
        let count = match drain.read(&mut self.buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error),
        };
        if count == 0 {
            // The client has closed it.
            self.ends.drain = None;
            return Ok(false);
        }
        let buffer = std::mem::take(&mut self.buffer);
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        let mut seen = Vec::new();
        match &mut self.tap {
            Some(tap) => tap.output(&buffer[..count], &mut shown, &mut seen),
            None => shown.extend_from_slice(&buffer[..count]),
        }
        self.buffer = buffer;
        let result = self.pass_to_stdout(&shown);
        self.shown = shown;
        result.map(|()| true)
    }

    /// Reads until the client has nothing more to say just now.
    pub(super) fn drain_all(&mut self) -> io::Result<()> {
        while self.read_client()? > 0 {}
        while self.read_drain()? {}
        Ok(())
    }

    /// Takes bytes from the client's terminal.
    fn take_output(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.see_guard_at_output(bytes)?;
        let is_over = self.is_statement_over()?;
        self.watch_unguarded(bytes);
        let mut bytes = bytes;
        while let (Some(&expected), Some(&first)) = (self.swallow.front(), bytes.first()) {
            if expected == first {
                self.swallow.pop_front();
                bytes = &bytes[1..];
            } else {
                // Something else came first: then this is not the echo of our answer.
                self.swallow.clear();
            }
        }
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        let mut seen = Vec::new();
        // Where standard output is redirected the questions come there.
        let tap = if self.ends.drain.is_some() { None } else { self.tap.as_mut() };
        match tap {
            Some(tap) => tap.output(bytes, &mut shown, &mut seen),
            None => shown.extend_from_slice(bytes),
        }
        let focus = self.follow_modes(&shown);
        let mut from = 0;
        let mut result = Ok(());
        if is_over {
            // What stands before the prompt is still of the statement.
            from = memchr::memrchr(b'\n', &shown).map_or(0, |at| at + 1);
            result = self.show(&shown[..from]);
            self.keeper.statement_ended(true, None);
        }
        for event in seen {
            let at = match &event {
                Seen::Prompt(at, _) | Seen::PromptEnd(at) => *at,
            };
            result = result.and(self.show(&shown[from..at]));
            from = at;
            match event {
                Seen::Prompt(_, facts) => result = result.and(self.at_prompt(&facts)),
                Seen::PromptEnd(_) => self.line.prompt_ends(),
            }
        }
        result = result.and(self.show(&shown[from..]));
        self.shown = shown;
        match focus {
            Some(is_on) => result.and(self.client_switched_focus(is_on)),
            None => result,
        }
    }

    /// The client prints a prompt that we know.
    fn at_prompt(&mut self, facts: &crate::clients::PromptFacts) -> io::Result<()> {
        self.read_survey()?;
        // A client that prompts has taken the answer.
        self.taken();
        if !matches!(self.phase, Phase::Submitting(_)) {
            // Else the editor draws it again (Ctrl-L, a list of completions), and the key that
            // submits is still to come.
            self.phase = Phase::Prompt;
            self.has_begun_line = false;
            self.is_in_use();
        }
        if !std::mem::replace(&mut self.is_prompted, true)
            && let Some(what) = self.tap.as_ref().and_then(|tap| tap.shortcoming(facts))
        {
            self.say(&notice::line(what, Style::Warning, self.cols(), self.theme))?;
        }
        self.is_cancelling = false;
        self.line.prompt_begins(facts.is_fresh, facts.takes_data);
        let moved = self.keeper.prompt(facts);
        if facts.guarded != Guarded::Unknown {
            self.guarded = facts.guarded;
            let is_unguarded = facts.guarded == Guarded::No;
            let was_told = std::mem::replace(&mut self.is_unguarded_told, is_unguarded);
            if is_unguarded && !was_told {
                self.keeper.remark("the client does not ask any longer: unguarded");
                self.say(&notice::unguarded(
                    "SINGLESTEP is off: statements are judged as they are typed",
                    self.cols(),
                    self.theme,
                ))?;
            }
        }
        if moved {
            self.appearance.is_replica = false;
            self.say_where()?;
            // The prompt is shown first: making a thread and a process holds all of us up.
            self.is_survey_due = true;
        }
        self.say_hours()
    }

    /// Shows a line of our own and records it.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        if self.term.is_some() {
            let framed = notice::framed(line, self.sink.is_fresh_line);
            self.draw(&framed)
        } else {
            let mut line = line.to_owned();
            line.push('\n');
            // Standard error may be closed; then there is nobody to tell.
            drop(io::stderr().write_all(line.as_bytes()));
            Ok(())
        }
    }

    /// Draws our own bytes on the user terminal, past what the client prints.
    pub(super) fn draw(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_hooked() {
            self.line.close(&mut self.keeper);
        }
        self.keeper.output(bytes);
        self.write_term(bytes)
    }

    /// Shows what the client printed, or keeps it until the dialogue is over.
    pub(super) fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.line.is_open() && self.phase != Phase::Busy {
            // The line being edited is recorded when it is submitted, redacted.
            self.line.echo(bytes);
            if self.phase == Phase::Prompt && self.line.has_ended(bytes.len()) {
                self.write_term(bytes)?;
                return self.submitted_by_surprise();
            }
        } else if self.is_hooked() {
            self.record_hooked(bytes)?;
        } else {
            self.keeper.output(bytes);
        }
        if let Some(held) = &mut self.held {
            held.keep_output(bytes);
            return Ok(());
        }
        if !self.notices.is_empty()
            && let Some(end) = memchr::memchr(b'\n', bytes)
        {
            self.write_term(&bytes[..=end])?;
            self.say_notices()?;
            return self.write_term(&bytes[end + 1..]);
        }
        self.write_term(bytes)
    }

    /// Shows what is in the recording already.
    pub(super) fn show_unrecorded(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_term(bytes)
    }

    /// Passes output on to where standard output was redirected.
    pub(super) fn pass_to_stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(stdout) = &mut self.stdout else { return Ok(()) };
            match stdout.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => self.caught()?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut waits =
                        [Wait::writable(stdout.as_fd()), Wait::readable(self.signals.as_fd())];
                    poll(&mut waits, None)?;
                    if waits[1].is_ready() {
                        self.caught()?;
                    }
                    if self.ended.is_some() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    if !std::mem::replace(&mut self.is_stdout_told, true) {
                        let line = format!(
                            "standard output cannot be written, and what comes there is lost: {error}"
                        );
                        self.say_trouble(&line)?;
                    }
                    return Ok(());
                }
                Err(_) => {
                    // The reader is gone: let the client see that for itself, as it would bare.
                    self.stdout = None;
                    self.ends.drain = None;
                    let place = drain_place(self.ends.feed.is_some());
                    return self.channel.order(Order::LetGo(place));
                }
            }
        }
        Ok(())
    }

    fn write_term(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Without a terminal nobody sees it, and nothing may wait for one.
        if bytes.is_empty() || self.term.is_none() {
            return Ok(());
        }
        self.sink.is_fresh_line = is_line_start(bytes).unwrap_or(self.sink.is_fresh_line);
        let mut rest = bytes;
        if self.sink.waiting.is_empty()
            && let Some(term) = &self.term
        {
            while !rest.is_empty() {
                match term.file().write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    // The terminal is gone; the hang-up is on its way.
                    Err(_) => return Ok(()),
                }
            }
        }
        self.sink.waiting.extend(rest);
        Ok(())
    }

    /// Writes what waits for the user terminal, as far as it takes it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.flush_client()?;
        let Some(term) = &self.term else { return Ok(()) };
        while !self.sink.waiting.is_empty() {
            let (front, _) = self.sink.waiting.as_slices();
            match term.file().write(front) {
                Ok(count) => drop(self.sink.waiting.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.sink.waiting.clear(),
            }
        }
        Ok(())
    }

    /// After the client has ended: passes on all it printed.
    pub(super) fn finish_output(&mut self) -> io::Result<()> {
        self.drain_all()?;
        if matches!(self.ended, Some(Ended::Status(_))) {
            // It went on by itself, so it has taken the answer.
            self.taken();
        }
        self.withdraw("the client has ended")?;
        let rest = self.kept_back();
        if self.ends.drain.is_some() || self.stdout.is_some() {
            self.pass_to_stdout(&rest)?;
        } else {
            self.show(&rest)?;
        }
        self.line.close(&mut self.keeper);
        let clock = self.keeper.clock();
        let until = clock.elapsed() + LAST_FLUSH;
        while !self.sink.is_empty() && clock.elapsed() < until {
            if let Some(term) = &self.term {
                let mut waits = [Wait::writable(term.as_fd())];
                poll(&mut waits, Some(until.saturating_sub(clock.elapsed())))?;
                if waits[0].is_hung_up() {
                    break;
                }
            }
            self.flush()?;
        }
        Ok(())
    }

    /// Tells of trouble with the recording, once each.
    pub(super) fn tell_troubles(&mut self) {
        for trouble in self.keeper.troubles() {
            self.alert(Occasion::Gap, &trouble);
            // A terminal that takes nothing cannot be told.
            drop(self.say_trouble(&trouble));
        }
    }

    /// Says on a line of its own what does not work.
    pub(super) fn say_trouble(&mut self, trouble: &str) -> io::Result<()> {
        let line = notice::line(trouble, Style::Warning, self.cols(), self.theme);
        self.say(&line)
    }

    /// Columns of the user terminal; 0 where there is none.
    pub(super) fn cols(&self) -> u16 {
        self.term.as_ref().map_or(0, |term| term.size().cols)
    }
}

/// Returns whether the cursor stands at the start of an empty line after these bytes; none where
/// they print nothing. Escape sequences such as "bracketed paste off" do not move it.
pub(super) fn is_line_start(bytes: &[u8]) -> Option<bool> {
    let mut found = None;
    let tail = memchr::memrchr(b'\n', bytes).map_or(bytes, |at| {
        found = Some(true);
        &bytes[at + 1..]
    });
    let mut rest = tail.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'\r' => {}
            0x1b => {
                let is_whole = match rest.next() {
                    Some(b'[') => rest.any(|byte| (0x40..=0x7e).contains(byte)),
                    // A title.
                    Some(b']') => rest.any(|byte| *byte == 0x07),
                    Some(_) | None => false,
                };
                if !is_whole {
                    return Some(false);
                }
            }
            _ => return Some(false),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::is_line_start;

    #[test]
    fn a_line_start_is_seen_behind_escape_sequences() {
        assert_eq!(is_line_start(b"select 1;\r\n\x1b[?2004l\r"), Some(true));
        assert_eq!(is_line_start(b"\x1b[?2004l\r"), None);
        assert_eq!(is_line_start(b"\x1b[22;2t\x1b]2;PRODUCTION x\x07"), None);
        assert_eq!(is_line_start(b"a\r\norders=# "), Some(false));
    }
}
