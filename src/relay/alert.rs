//! When the desktop is told: about a question nobody sees, a session nobody uses, and the like.

use std::io;
use std::time::Duration;

use super::keeper::Judged;
use super::{Phase, Relay};
use crate::clients::Transaction;
use crate::config::show_duration;
use crate::notify::{Notifier, Occasion};
use crate::policy::Rule;
use crate::session::reports::Focus;
use crate::target::Tier;
use crate::ui::notice;
use crate::ui::theme::Style;

/// A question that nobody has touched for so long may stand where nobody looks.
const UNTOUCHED: Duration = Duration::from_secs(20);

/// The same where the terminal has said that it lost the focus.
const UNSEEN: Duration = Duration::from_secs(2);

/// How long a client that was told to leave may take.
const LEAVING: Duration = Duration::from_secs(2);

/// What leaves a client at its prompt: Ctrl-C for what stands there, and then, at the next prompt, the
/// end of its input.
const LEAVE: [u8; 2] = [0x03, 0x04];

/// What is worth telling, and what is known of the person.
#[derive(Debug)]
pub(super) struct Alerts {
    notifier: Notifier,
    /// When the open question is told of.
    question_due: Option<Duration>,
    /// When a key last came, or a prompt.
    last_use: Duration,
    /// Whether the person was told that nobody uses this session.
    is_idle_told: bool,
    /// Since when the client has been told to leave, because nobody uses it.
    leaving_since: Option<Duration>,
}

impl Alerts {
    pub(super) fn new(notifier: Notifier) -> Self {
        Self {
            notifier,
            question_due: None,
            last_use: Duration::ZERO,
            is_idle_told: false,
            leaving_since: None,
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
        // Behind a script nobody would take what comes late.
        self.focus.is_question_open = true;
        self.put_on()
    }

    /// The question is gone.
    pub(super) fn question_closes(&mut self) -> io::Result<()> {
        self.alerts.question_due = None;
        self.focus.is_question_open = false;
        self.put_on()
    }

    /// The person typed.
    pub(super) fn typed_at(&mut self, now: Duration) {
        self.alerts.last_use = now;
        self.alerts.is_idle_told = false;
        if self.alerts.question_due.is_some() {
            self.alerts.question_due = Some(now + UNTOUCHED);
        }
    }

    /// The client has come to its prompt.
    pub(super) fn is_in_use(&mut self) {
        self.alerts.last_use = self.keeper.clock().elapsed();
    }

    /// The person looks at the question, or elsewhere.
    pub(super) fn focus_moved(&mut self, report: Focus, now: Duration) {
        if self.alerts.question_due.is_some() {
            let due = if report == Focus::Went { UNSEEN } else { UNTOUCHED };
            self.alerts.question_due = Some(now + due);
        }
    }

    /// Returns when there is something to tell or to do if nothing happens until then.
    pub(super) fn next_alert(&self) -> Option<Duration> {
        let now = self.keeper.clock().elapsed();
        let is_told = self.alerts.notifier.is_on();
        let told = [self.alerts.question_due, self.idle_due()].into_iter().filter(|_| is_told);
        let due = told.chain([self.leave_due()]).flatten().min()?;
        Some(due.saturating_sub(now))
    }

    /// Returns whether this is production and the client rests at its prompt.
    fn is_resting_on_production(&self) -> bool {
        // Of a client with a hook nobody knows whether it stands at its prompt; what runs there, a
        // script as well, is in use.
        let is_hooked = self.asking.is_some() && self.interactive.is_some();
        let is_free = is_hooked && !self.keeper.is_statement_running();
        let is_resting = self.phase == Phase::Prompt || is_free;
        self.keeper.decided().target.tier == Tier::Production && is_resting && self.held.is_none()
    }

    /// When nobody has used this session for long; none where that does not matter.
    fn idle_due(&self) -> Option<Duration> {
        let is_waiting = self.is_resting_on_production() && !self.alerts.is_idle_told;
        let idle = self.keeper.config().idle(self.keeper.decided());
        is_waiting.then(|| self.alerts.last_use + idle)
    }

    /// When the client is to leave because nobody uses it, or has had its time for that.
    fn leave_due(&self) -> Option<Duration> {
        if let Some(since) = self.alerts.leaving_since {
            return Some(since + LEAVING);
        }
        let after = self.keeper.config().disconnect;
        let is_free = self.keeper.transaction().0 == Transaction::Idle && self.tap.is_some();
        let is_meant = !after.is_zero() && is_free && self.is_resting_on_production();
        is_meant.then(|| self.alerts.last_use + after)
    }

    /// Tells and does what is due.
    pub(super) fn tell_due(&mut self) -> io::Result<()> {
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
        if self.leave_due().is_some_and(|due| now >= due) {
            return self.leave(now);
        }
        Ok(())
    }

    /// Ends a session that nobody uses: as the person would, and where that fails as a terminal does
    /// that is closed.
    fn leave(&mut self, now: Duration) -> io::Result<()> {
        if self.alerts.leaving_since.replace(now).is_some() {
            return self.hang_up();
        }
        let after = show_duration(self.keeper.config().disconnect);
        let text = format!("disconnected: nobody has used this production session for {after}");
        self.keeper.remark(&text);
        let line = notice::line(&text, Style::Warning, self.cols(), self.theme);
        self.say(&line)?;
        self.forget_line();
        self.line.close(&mut self.keeper);
        self.phase = Phase::Busy;
        self.looks = 0;
        self.gate.discard();
        self.to_client.push_back(LEAVE[0]);
        self.gate.push(&LEAVE[1..]);
        self.flush_client()
    }
}

fn rule(judged: &Judged) -> Option<&'static Rule> {
    judged.verdict.rule().and_then(Rule::by_id)
}

/// What is held, without a word of the statement: others may look at the desktop.
fn what(judged: &Judged) -> &'static str {
    rule(judged).map_or("a statement is held", |rule| &rule.title)
}
