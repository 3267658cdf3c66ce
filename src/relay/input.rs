//! What the person types, on its way through the gate to the client.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use super::{Phase, Relay};
use crate::session::gate::{PENDING_BYTES, Pass};

/// How much is read from the user terminal at once.
const KEYS_BYTES: usize = 4096;

/// What Ctrl-C is at a line editor's prompt.
const INTERRUPT: u8 = 0x03;

/// What Ctrl-D is.
const END_OF_FILE: u8 = 0x04;

impl Relay {
    /// Returns whether more keys are wanted: a paste waits in the terminal once enough of it waits
    /// here.
    pub(super) fn wants_keys(&self) -> bool {
        !self.is_background && (self.held.is_some() || self.gate.pending_bytes() < PENDING_BYTES)
    }

    /// Reads what the person typed, once.
    pub(super) fn read_keys(&mut self) -> io::Result<()> {
        let Some(term) = &self.term else { return Ok(()) };
        let mut keys = [0; KEYS_BYTES];
        let count = match term.file().read(&mut keys) {
            Ok(0) => return self.hang_up(),
            Ok(count) => count,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(());
            }
            // The terminal is gone.
            Err(_) => return self.hang_up(),
        };
        self.see_keys(&keys[..count])
    }

    /// Takes what the person typed.
    pub(super) fn take_keys(&mut self, keys: &[u8]) -> io::Result<()> {
        if self.held.is_some() {
            return self.keys_to_dialogue(keys);
        }
        if let Some(until) = self.discard_until {
            let now = self.keeper.clock().elapsed();
            if now < until || self.is_cancelling {
                self.discard(keys, now);
                return Ok(());
            }
            self.discard_until = None;
        }
        if self.tap.is_none() {
            if let Some(asking) = &mut self.asking {
                asking.typed();
            }
            if self.hold_unguarded(keys)? {
                return Ok(());
            }
            if self.is_hooked() && !self.is_cooked()? {
                self.line.typed(keys, self.keeper.clock().elapsed());
            }
            self.to_client.extend(keys);
            return self.flush_client();
        }
        if self.phase == Phase::Prompt && self.gate.is_empty() {
            self.gate.push(keys);
            return self.pass_at_prompt();
        }
        self.keys_while_busy(keys)
    }

    /// At the prompt: passes bytes up to the submitting key.
    pub(super) fn pass_at_prompt(&mut self) -> io::Result<()> {
        match self.gate.take_line() {
            Pass::UpTo(text, END_OF_FILE) if self.is_cooked()? => self.hand_over(&text),
            Pass::All(bytes) if bytes.contains(&END_OF_FILE) && self.is_cooked()? => {
                let at = memchr::memchr(END_OF_FILE, &bytes).unwrap_or(0);
                let (text, rest) = bytes.split_at(at);
                self.gate.put_back(&rest[1..]);
                self.hand_over(text);
            }
            Pass::All(bytes) => {
                self.has_begun_line = true;
                if bytes.contains(&INTERRUPT) {
                    self.has_begun_line = false;
                    self.forget_line();
                    self.line.restart(&mut self.keeper);
                }
                self.to_client.extend(bytes);
            }
            Pass::UpTo(bytes, key) => {
                self.to_client.extend(bytes);
                self.phase = Phase::Submitting(key);
                self.looks = 0;
            }
        }
        self.flush_client()
    }

    /// Ctrl-D without a line editor: behind text it hands the text over, and the next one would
    /// end the input together with the question that follows. So it counts as Return.
    fn hand_over(&mut self, text: &[u8]) {
        // The echo of what was passed before may be still to come.
        let has_text = !text.is_empty() || self.has_begun_line || !self.line.text().is_empty();
        self.to_client.extend(text);
        if has_text {
            self.phase = Phase::Submitting(b'\n');
            self.looks = 0;
        } else {
            self.to_client.push_back(END_OF_FILE);
        }
    }

    pub(super) fn is_cooked(&self) -> io::Result<bool> {
        self.ends.pty.as_ref().map_or(Ok(false), |pty| pty.mode().map(|mode| mode.is_cooked))
    }

    /// While the client is busy: keys that make signals go at once, all others wait.
    fn keys_while_busy(&mut self, keys: &[u8]) -> io::Result<()> {
        let mode = match &self.ends.pty {
            Some(pty) => pty.mode()?,
            None => return Ok(()),
        };
        for &key in keys {
            let is_signal =
                mode.makes_signals && [mode.interrupt, mode.quit, mode.suspend].contains(&key);
            if is_signal {
                // As the terminal does: what was typed ahead of it is thrown away.
                self.gate.discard();
                self.typed.forget();
                self.to_client.push_back(key);
                if matches!(self.phase, Phase::Submitting(_)) {
                    self.phase = Phase::Prompt;
                }
            } else {
                self.gate.push(&[key]);
            }
        }
        self.looks = 0;
        self.flush_client()
    }

    /// Throws away what was typed ahead of a cancel.
    fn discard(&mut self, keys: &[u8], now: Duration) {
        self.discarded_bytes += keys.len();
        self.discard_until = Some(now + self.keeper.config().hold.paste_quiet);
    }

    /// Writes what waits for the client, as far as it takes it.
    pub(super) fn flush_client(&mut self) -> io::Result<()> {
        if self.is_refused {
            self.to_client.clear();
            self.to_feed.clear();
        }
        if let Some(pty) = &self.ends.pty {
            while !self.to_client.is_empty() {
                let (front, _) = self.to_client.as_slices();
                match pty.leader().write(front) {
                    Ok(count) => drop(self.to_client.drain(..count)),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    // The client has closed its terminal; the monitor tells what became of it.
                    Err(_) => self.to_client.clear(),
                }
            }
        }
        if let Some(mut feed) = self.ends.feed.as_ref() {
            while !self.to_feed.is_empty() {
                let (front, _) = self.to_feed.as_slices();
                match feed.write(front) {
                    Ok(count) => drop(self.to_feed.drain(..count)),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => self.to_feed.clear(),
                }
            }
        }
        Ok(())
    }

    /// Sends bytes to where the client reads its input.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.ends.keys_are_input {
            self.to_client.extend(bytes);
        } else {
            self.to_feed.extend(bytes);
        }
        self.looks = 0;
        self.flush_client()
    }
}
