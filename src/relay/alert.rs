//! When the desktop is told: about a question nobody sees, a session nobody uses, and the like.

use std::io;
use std::time::Duration;

use super::keeper::Judged;
use super::{Phase, Relay};
use crate::notify::{Notifier, Occasion};
use crate::policy::Rule;
use crate::target::Tier;

/// A question that nobody has touched for so long may stand where nobody looks.
const UNTOUCHED: Duration = Duration::from_secs(20);

/// The same where the terminal has said that it lost the focus.
const UNSEEN: Duration = Duration::from_secs(2);

/// Terminals may still report the focus for so long after they were told not to.
const STRAY: Duration = Duration::from_millis(500);

/// What a terminal sends when it gets and loses the focus, once it is asked to.
const FOCUS: [&[u8]; 2] = [b"\x1b[I", b"\x1b[O"];

/// What is worth telling, and what is known of the person.
#[derive(Debug)]
pub(super) struct Alerts {
    notifier: Notifier,
    /// When the open question is told of.
    question_due: Option<Duration>,
    /// Whether the terminal reports its focus.
    has_focus_reports: bool,
    /// Until when a report may still come.
    stray_until: Duration,
    /// When a key last came.
    last_key: Duration,
    /// Whether the person was told that nobody uses this session.
    is_idle_told: bool,
}

impl Alerts {
    pub(super) fn new(notifier: Notifier) -> Self {
        Self {
            notifier,
            question_due: None,
            has_focus_reports: false,
            stray_until: Duration::ZERO,
            last_key: Duration::ZERO,
            is_idle_told: false,
        }
    }
}

impl Relay {
    /// Tells the desktop.
    pub(super) fn alert(&mut self, occasion: Occasion, text: &str) {
        let now = self.keeper.clock().elapsed();
        let label = self.keeper.decided().target.label();
        self.alerts.notifier.tell(occasion, &label, text, now);
    }

    /// A question is put to the person.
    pub(super) fn question_opens(&mut self, judged: &Judged) -> io::Result<()> {
        if !self.alerts.notifier.is_on() {
            return Ok(());
        }
        if rule(judged).is_some_and(|rule| rule.bulk) {
            self.alert(Occasion::LoopStopped, what(judged));
        }
        self.alerts.question_due = Some(self.keeper.clock().elapsed() + UNTOUCHED);
        self.watch_focus()
    }

    /// Asks for reports of the focus while a question stands there. A client whose keys we do not
    /// see may have asked for its own, and behind a script nobody would take what comes late.
    pub(super) fn watch_focus(&mut self) -> io::Result<()> {
        let takes_keys = self.tap.is_some() && self.interactive.is_some();
        let is_wanted = self.alerts.question_due.is_some() && takes_keys && self.can_move;
        if is_wanted { self.set_focus_reports(true) } else { Ok(()) }
    }

    /// The question is gone.
    pub(super) fn question_closes(&mut self) -> io::Result<()> {
        self.alerts.question_due = None;
        self.set_focus_reports(false)
    }

    /// Asks the terminal to report its focus, or not to.
    pub(super) fn set_focus_reports(&mut self, on: bool) -> io::Result<()> {
        if std::mem::replace(&mut self.alerts.has_focus_reports, on) == on {
            return Ok(());
        }
        self.alerts.stray_until = self.keeper.clock().elapsed() + STRAY;
        self.show_unrecorded(if on { b"\x1b[?1004h" } else { b"\x1b[?1004l" })
    }

    /// Takes what the terminal reports out of what the person typed, and takes note of both. The
    /// client has asked for no reports and is given none.
    pub(super) fn see_keys<'a>(&mut self, keys: &'a [u8], kept: &'a mut Vec<u8>) -> &'a [u8] {
        let now = self.keeper.clock().elapsed();
        self.alerts.last_key = now;
        self.alerts.is_idle_told = false;
        let has_reports = self.alerts.has_focus_reports;
        if !has_reports && now >= self.alerts.stray_until {
            return keys;
        }
        let mut rest = keys;
        let mut due = UNTOUCHED;
        while let Some((&first, tail)) = rest.split_first() {
            if let Some(report) = FOCUS.iter().find(|report| rest.starts_with(report)) {
                due = if *report == FOCUS[1] { UNSEEN } else { UNTOUCHED };
                rest = &rest[report.len()..];
                continue;
            }
            kept.push(first);
            rest = tail;
        }
        if self.alerts.question_due.is_some() {
            self.alerts.question_due = Some(now + due);
        }
        kept
    }

    /// Returns when there is something to tell if nothing happens until then.
    pub(super) fn next_alert(&self) -> Option<Duration> {
        if !self.alerts.notifier.is_on() {
            return None;
        }
        let now = self.keeper.clock().elapsed();
        let due = [self.alerts.question_due, self.idle_due()].into_iter().flatten().min()?;
        Some(due.saturating_sub(now))
    }

    /// When nobody has used this session for long; none where that does not matter.
    fn idle_due(&self) -> Option<Duration> {
        let decided = self.keeper.decided();
        // Of a client with a hook nobody knows whether it stands at its prompt.
        let is_hooked = self.asking.is_some() && self.interactive.is_some();
        let is_resting = self.phase == Phase::Prompt || is_hooked;
        let is_at_stake = decided.target.tier == Tier::Production && is_resting;
        let is_waiting = is_at_stake && self.held.is_none() && !self.alerts.is_idle_told;
        is_waiting.then(|| self.alerts.last_key + self.keeper.config().idle(decided))
    }

    /// Tells what is due.
    pub(super) fn tell_due(&mut self) {
        if !self.alerts.notifier.is_on() {
            return;
        }
        let now = self.keeper.clock().elapsed();
        if self.alerts.question_due.is_some_and(|due| now >= due) {
            self.alerts.question_due = None;
            let what = self.held.as_ref().map_or("", |held| what(held.judged()));
            self.alert(Occasion::HoldWaiting, what);
        }
        if self.idle_due().is_some_and(|due| now >= due) {
            self.alerts.is_idle_told = true;
            self.alert(Occasion::Idle, "a statement typed in the wrong window would go there");
        }
    }
}

fn rule(judged: &Judged) -> Option<&'static Rule> {
    judged.verdict.rule().and_then(Rule::by_id)
}

/// What is held, without a word of the statement: others may look at the desktop.
fn what(judged: &Judged) -> &'static str {
    rule(judged).map_or("a statement is held", |rule| &rule.title)
}
