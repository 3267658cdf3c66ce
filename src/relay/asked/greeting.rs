//! Whether the hook has said hello: where it has not, the screen is all that is judged, and the person is
//! told.

use std::io;
use std::time::Duration;

use super::Asking;
use crate::clients::{Greets, ONLY_SHOWN};
use crate::relay::{Ended, Relay};
use crate::ui::notice;
use crate::ui::theme::Style;

/// How long the client may take until its hook says hello, before the person is told that it has
/// not. Where it does later, that is said too.
const PATIENCE: Duration = Duration::from_secs(2);

impl Relay {
    /// Returns when the person must be told that the client is not guarded, if it is not by then.
    pub(in crate::relay) fn next_guard_look(&self) -> Option<Duration> {
        let asking = self.asking.as_ref()?;
        if !asking.is_in_doubt() || asking.hook.greets != Greets::BeforeOutput {
            return None;
        }
        let due = asking.started? + PATIENCE;
        Some(due.saturating_sub(self.keeper.clock().elapsed()))
    }

    /// Says that the client is not guarded, where the hook has not said hello in time.
    pub(super) fn see_guard(&mut self) -> io::Result<()> {
        let now = self.keeper.clock().elapsed();
        let Some(asking) = self.asking.as_mut().filter(|asking| asking.is_in_doubt()) else {
            return Ok(());
        };
        if self.client.is_none() {
            return Ok(());
        }
        let since = *asking.started.get_or_insert(now);
        let may_come = asking.late.is_some() || asking.bringing.is_some();
        let is_late = asking.hook.greets == Greets::BeforeOutput && now >= since + PATIENCE;
        if (asking.hook.defeated.is_some() && !may_come) || is_late {
            return self.tell_unguarded();
        }
        Ok(())
    }

    /// The client prints something, or has ended. A guard has said hello before its client prints
    /// anything, or before it prompts: where it has not, it is not there.
    pub(in crate::relay) fn see_guard_at_output(&mut self, output: &[u8]) -> io::Result<()> {
        if !self.asking.as_ref().is_some_and(Asking::is_in_doubt) {
            return Ok(());
        }
        self.read_asked()?;
        self.serve_asked()?;
        let ended = self.ended;
        if let (Some(client), Some(asking)) = (self.client, &mut self.asking)
            && asking.hook.defeated.is_some()
            && ended.is_none()
            && asking.bring(client)
        {
            return Ok(());
        }
        let is_sure = |asking: &Asking| {
            asking.is_in_doubt()
                && match asking.hook.greets {
                    Greets::BeforeOutput => ended.is_some() || !asking.is_typed,
                    // One that fails before it runs anything fails for reasons of its own.
                    Greets::BeforePrompt(_) if ended.is_some() => ended == Some(Ended::Status(0)),
                    Greets::BeforePrompt(end) => ends_with(output, end),
                }
        };
        if self.asking.as_ref().is_some_and(is_sure) {
            return self.tell_unguarded();
        }
        Ok(())
    }

    fn tell_unguarded(&mut self) -> io::Result<()> {
        let Some(asking) = &mut self.asking else { return Ok(()) };
        asking.is_told = true;
        // What is at hand is the client's first prompt then, and not shown yet.
        let is_first = match asking.hook.greets {
            Greets::BeforeOutput => self.sink.is_fresh_line(),
            Greets::BeforePrompt(_) => true,
        };
        let why = asking.hook.defeated.clone();
        let why = why.unwrap_or_else(|| format!("the client has not reported in: {ONLY_SHOWN}"));
        let line = self.warning(&format!("UNGUARDED: {why}"));
        if is_first { self.say(&line) } else { self.say_or_wait(line) }
    }

    /// Says something about the guard, on the screen and in the recording.
    pub(super) fn warn(&mut self, text: &str) -> io::Result<()> {
        let line = self.warning(text);
        self.say_or_wait(line)
    }

    fn warning(&mut self, text: &str) -> String {
        self.keeper.remark(text);
        notice::line(text, Style::Warning, self.cols(), self.theme)
    }
}

/// Tells whether output ends with a text, whatever escape sequences stand behind it.
fn ends_with(output: &[u8], end: &str) -> bool {
    let text = String::from_utf8_lossy(output);
    let mut shown = text.as_ref();
    while let Some((before, escape)) = shown.rsplit_once('\u{1b}')
        && escape.starts_with('[')
        && escape[1..].trim_end_matches(|c: char| c.is_ascii_alphabetic()).len() + 2 == escape.len()
    {
        shown = before;
    }
    shown.ends_with(end)
}
