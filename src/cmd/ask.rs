//! Asks a person with the hold dialogue, where no client runs.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;

use crate::clock::Clock;
use crate::os::job;
use crate::os::poll::{Wait, poll};
use crate::os::signal::{Caught, Signals};
use crate::os::term::{Keys, UserTerm, Writers};
use crate::ui::hold::{Cause, Dialogue, Event, Question, Step};

/// Reads of the terminal at once, in bytes.
const KEYS_BYTES: usize = 4096;

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    /// Yes, and the reason that was asked for.
    Released(Option<String>),
    /// No.
    Cancelled(Cause),
}

/// Puts a question on the terminal, `term`, and waits for the answer.
///
/// # Errors
/// When the terminal fails.
pub(super) fn ask(mut term: UserTerm, question: Question, clock: &Clock) -> io::Result<Answered> {
    let mut signals = Signals::catch(&[
        Caught::Resize,
        Caught::HangUp,
        Caught::Terminate,
        Caught::Interrupt,
        Caught::Quit,
    ])?;
    term.make_raw(Keys::Bytes, Writers::Us)?;
    let (mut dialogue, draw) = Dialogue::open(question, clock.elapsed());
    write(&term, &draw)?;
    loop {
        let now = clock.elapsed();
        let timeout = dialogue.next_deadline().map(|due| due.saturating_sub(now));
        let mut waits = [Wait::readable(term.as_fd()), Wait::readable(signals.as_fd())];
        poll(&mut waits, timeout)?;
        let (has_keys, has_signal) = (waits[0].is_ready(), waits[1].is_ready());
        if has_signal {
            for signal in signals.take() {
                if signal != Caught::Resize {
                    write(&term, &dialogue.withdraw("interrupted"))?;
                    return Ok(Answered::Cancelled(Cause::Withdrawn));
                }
                let size = term.size();
                write(&term, &dialogue.resize(size.cols, size.rows))?;
            }
        }
        let now = clock.elapsed();
        let Step { draw, event, .. } = match has_keys {
            true => match read(&term)? {
                Some(keys) => dialogue.feed(&keys, now),
                None => return Ok(Answered::Cancelled(Cause::Withdrawn)),
            },
            false => dialogue.tick(now),
        };
        write(&term, &draw)?;
        match event {
            None => {}
            Some(Event::Released { reason, .. }) => return Ok(Answered::Released(reason)),
            Some(Event::Cancelled(cause)) => return Ok(Answered::Cancelled(cause)),
            Some(Event::Suspend) => {
                term.restore()?;
                job::suspend()?;
                term.refresh();
                term.make_raw(Keys::Bytes, Writers::Us)?;
                write(&term, &dialogue.redraw(clock.elapsed()))?;
            }
        }
    }
}

/// Reads what was typed; none if the terminal is gone.
fn read(term: &UserTerm) -> io::Result<Option<Vec<u8>>> {
    let mut keys = [0; KEYS_BYTES];
    match term.file().read(&mut keys) {
        Ok(0) => Ok(None),
        Ok(count) => Ok(Some(keys[..count].to_vec())),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(Some(Vec::new()))
        }
        Err(_) => Ok(None),
    }
}

/// Writes all of it; the terminal does not block by itself.
fn write(term: &UserTerm, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match term.file().write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                poll(&mut [Wait::writable(term.as_fd())], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
