//! A held statement: the open dialogue, its answer, and what follows from it.

use std::io;
use std::time::Duration;

use super::asked::Ticket;
use super::keeper::Judged;
use super::{Ended, Phase, Relay};
use crate::clients::Transaction;
use crate::os::channel::Order;
use crate::os::term::{Keys, UserTerm, Writers};
use crate::os::{job, process};
use crate::policy::{Challenge, Decision};
use crate::tap::Asker;
use crate::target::Target;
use crate::ui::hold::closing::{self, Cancelled};
use crate::ui::hold::{
    BURST, Cause, Dialogue, Event, Question, Step, Transaction as Shown, TransactionState,
    answer_word,
};
use crate::ui::notice;
use crate::ui::theme::Style;

/// Most bytes of client output kept for after the answer; older ones are only in the recording.
const KEPT_BYTES: usize = 1 << 20;

/// What a held statement waits in.
#[derive(Debug)]
pub(super) enum Doubt {
    /// The client's own question, as it printed it.
    Question(Vec<u8>),
    /// The submitting key, which has not been passed.
    Key(u8),
    /// A line of a script, or keys that submit one, which have not been passed.
    Line(Vec<u8>),
    /// The client, which has not been started.
    Start,
    /// A hook inside the client, which waits for its answer.
    Told(Ticket),
}

/// A statement that is held.
#[derive(Debug)]
pub(super) struct Held {
    dialogue: Dialogue,
    judged: Judged,
    doubt: Doubt,
    /// What the client printed meanwhile.
    output: Vec<u8>,
    /// How often the client had been woken when the question came.
    wakeups: Option<u64>,
}

/// A release the client has not been seen to take.
#[derive(Debug)]
pub(super) struct Releasing {
    judged: Judged,
    reason: Option<String>,
    whole_shape: bool,
}

impl Held {
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.dialogue.next_deadline()
    }

    /// Returns what it waits in.
    pub(super) fn doubt(&self) -> &Doubt {
        &self.doubt
    }

    /// Returns whose question it is, if a hook asked it.
    pub(super) fn asker(&self) -> Option<Asker> {
        match &self.doubt {
            Doubt::Told(ticket) => Some(ticket.asker()),
            Doubt::Question(_) | Doubt::Key(_) | Doubt::Line(_) | Doubt::Start => None,
        }
    }

    /// Returns what is held.
    pub(super) fn judged(&self) -> &Judged {
        &self.judged
    }

    /// Keeps what the client prints while its statement is held.
    pub(super) fn keep_output(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES.saturating_sub(self.output.len());
        self.output.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Relay {
    /// Stops a statement and asks the person.
    pub(super) fn hold(&mut self, judged: Judged, doubt: Doubt) -> io::Result<()> {
        if let Some(approval) = self.approval(&judged) {
            return self.release(judged, doubt, Some(approval), false);
        }
        self.come_to_front()?;
        if !self.has_person() {
            let why = "no terminal to ask on";
            return match doubt {
                Doubt::Told(ticket) => self.refuse_tapped(&judged, &ticket, why),
                Doubt::Question(_) | Doubt::Key(_) | Doubt::Line(_) | Doubt::Start => {
                    self.refuse(&judged, why)
                }
            };
        }
        let now = self.keeper.clock().elapsed();
        let (dialogue, draw) = Dialogue::open(self.question(&judged, &doubt), now);
        self.start_probe(&judged);
        self.question_opens(&judged)?;
        let wakeups = self.wakeups();
        self.held = Some(Box::new(Held { dialogue, judged, doubt, output: Vec::new(), wakeups }));
        self.draw(&draw)?;
        self.ask_figures();
        // A job in the background shows what it waits for, and stops until the person brings it back.
        if self.is_background { self.suspend_held() } else { Ok(()) }
    }

    /// Says what the person is asked.
    fn question(&mut self, judged: &Judged, doubt: &Doubt) -> Question {
        let config = self.keeper.config();
        let moment = config.moment(
            self.keeper.clock().now(),
            judged.verdict.judged_as,
            judged.target.name.as_deref(),
        );
        let (transaction, since) = self.keeper.transaction();
        let outlasted = judged.verdict.findings.iter().any(|finding| finding.effect.outlasts);
        let shown = |state| Some(Shown { state, since, outlasted });
        let timeout = if self.ends.keys_are_input {
            config.hold.timeout
        } else {
            config.hold.timeout_no_terminal
        };
        let size = self.term.as_ref().map_or((80, 24), |term| {
            let size = term.size();
            (size.cols, size.rows)
        });
        Question {
            target: Target { tier: judged.verdict.judged_as, ..judged.target.clone() },
            answer_word: answer_word(&judged.target).to_owned(),
            local_time: moment.local.clone(),
            late: moment.why().map(str::to_owned),
            statement: judged.text.clone(),
            reasons: judged.verdict.reasons.clone(),
            challenge: match judged.verdict.decision {
                Decision::Hold(challenge) => challenge,
                Decision::Allow | Decision::Notice | Decision::Deny => Challenge::Yes,
            },
            has_shape: judged.has_shape() && matches!(doubt, Doubt::Question(_) | Doubt::Told(_)),
            transaction: match transaction {
                Transaction::Open => shown(TransactionState::Open),
                Transaction::Failed => shown(TransactionState::Failed),
                Transaction::Idle | Transaction::Unknown => None,
            },
            beyond_reach: match doubt {
                Doubt::Question(_) => self.line.beyond_reach().to_vec(),
                Doubt::Key(_) | Doubt::Line(_) | Doubt::Start | Doubt::Told(_) => Vec::new(),
            },
            timeout,
            quiet: config.hold.paste_quiet,
            burst: BURST,
            size,
            is_coloured: self.theme.is_coloured(),
            can_move: self.can_move,
            is_fresh_line: self.sink.is_fresh_line()
                && matches!(doubt, Doubt::Question(_) | Doubt::Told(_)),
            has_bracketed_paste: self.gate.has_brackets(),
            is_recorded: judged.is_recorded,
            impact_pending: self.can_probe(judged) || self.counter(doubt).is_some(),
        }
    }

    /// Gives what the person typed to the dialogue.
    pub(super) fn keys_to_dialogue(&mut self, keys: &[u8]) -> io::Result<()> {
        let now = self.keeper.clock().elapsed();
        let Some(held) = &mut self.held else { return Ok(()) };
        let step = held.dialogue.feed(keys, now);
        self.follow(step)
    }

    /// Lets time pass for everything that waits for it.
    pub(super) fn tick(&mut self) -> io::Result<()> {
        let now = self.keeper.clock().elapsed();
        if self.probe.as_ref().is_some_and(|probe| now >= probe.due()) {
            self.end_probe()?;
        }
        if self.discard_until.is_some_and(|until| now >= until) && !self.is_cancelling {
            self.discard_until = None;
        }
        self.end_torn()?;
        self.come_to_front()?;
        self.see_withdrawal()?;
        if self.held.as_ref().and_then(|held| held.next_deadline()).is_some_and(|due| now >= due)
            && let Some(held) = &mut self.held
        {
            let step = held.dialogue.tick(now);
            self.follow(step)?;
        }
        Ok(())
    }

    /// Draws and does what the dialogue says.
    fn follow(&mut self, step: Step) -> io::Result<()> {
        self.draw(&step.draw)?;
        if matches!(step.event, Some(Event::Released { .. } | Event::Cancelled(_))) {
            self.question_closes()?;
        }
        match step.event {
            None => Ok(()),
            Some(Event::Suspend) => self.suspend_held(),
            Some(Event::Released { reason, whole_shape }) => {
                let Some(held) = self.held.take() else { return Ok(()) };
                self.drop_probe();
                let again = match &held.doubt {
                    Doubt::Told(ticket) => self.again_tapped(&held.judged, ticket),
                    Doubt::Question(_) | Doubt::Key(_) | Doubt::Line(_) | Doubt::Start => {
                        self.keeper.again(&held.judged)
                    }
                };
                if again.verdict.decision > held.judged.verdict.decision {
                    // The tier or the hour has changed while the question stood there.
                    return self.hold(again, held.doubt);
                }
                self.ask_again();
                self.draw(closing::released(self.theme).as_bytes())?;
                let Held { judged, doubt, output, .. } = *held;
                self.give_back_terminal()?;
                self.write_kept(&output)?;
                self.release(judged, doubt, reason, whole_shape)
            }
            Some(Event::Cancelled(cause)) => {
                let Some(held) = self.held.take() else { return Ok(()) };
                self.drop_probe();
                self.give_back_terminal()?;
                self.cancel(&held, cause)
            }
        }
    }

    /// Lets a held statement run.
    fn release(
        &mut self,
        judged: Judged,
        doubt: Doubt,
        reason: Option<String>,
        whole_shape: bool,
    ) -> io::Result<()> {
        self.keeper.sending(&judged);
        match doubt {
            Doubt::Question(banner) => {
                if self.guarded == crate::clients::Guarded::Theirs {
                    self.keeper.released(&judged, reason, whole_shape);
                    return self.show_tapped(&banner);
                }
                self.releasing = Some(Releasing { judged, reason, whole_shape });
                self.echo_statement(&banner)?;
                self.answer(true)
            }
            Doubt::Key(key) => {
                self.keeper.released(&judged, reason, whole_shape);
                self.pass_key(key)
            }
            Doubt::Line(line) => {
                self.keeper.released(&judged, reason, whole_shape);
                self.send(&line)
            }
            Doubt::Told(ticket) => self.release_tapped(&judged, &ticket, reason, whole_shape),
            Doubt::Start => {
                self.keeper.released(&judged, reason, whole_shape);
                self.channel.order(Order::Start)
            }
        }
    }

    /// Takes note of a release once the client has read the answer.
    pub(super) fn taken(&mut self) {
        if let Some(Releasing { judged, reason, whole_shape }) = self.releasing.take() {
            self.keeper.released(&judged, reason, whole_shape);
        }
    }

    /// Does not let a held statement run.
    fn cancel(&mut self, held: &Held, cause: Cause) -> io::Result<()> {
        let reason = closing::recorded_reason(cause);
        if self.interactive.is_none() || matches!(held.doubt, Doubt::Start) {
            self.end_refused(&held.judged, reason);
            let why = reason.map(|why| format!(" ({why})")).unwrap_or_default();
            // Of a script what stood before it may have run.
            let rest = if matches!(held.doubt, Doubt::Start) { "" } else { ", nor does the rest" };
            let text = format!("cancelled: it did not run{rest}{why}");
            return self.say(&notice::line(&text, Style::Strong, self.cols(), self.theme));
        }
        self.keeper.cancelled(&held.judged, reason);
        self.discard_ahead();
        let (transaction, _) = self.keeper.transaction();
        let line = closing::cancelled(
            Cancelled {
                cause,
                transaction: match transaction {
                    Transaction::Open => Some(TransactionState::Open),
                    Transaction::Failed => Some(TransactionState::Failed),
                    Transaction::Idle | Transaction::Unknown => None,
                },
                discarded_bytes: self.discarded_bytes,
                timeout: self.keeper.config().hold.timeout,
            },
            self.theme,
        );
        self.draw(line.as_bytes())?;
        self.write_kept(&held.output)?;
        match &held.doubt {
            Doubt::Told(ticket) => {
                self.cancel_tapped(ticket, cause);
                Ok(())
            }
            Doubt::Question(_) => {
                self.is_cancelling = true;
                self.interrupt_client();
                self.answer(false)
            }
            // Only runs without a person have it, and they were refused above.
            Doubt::Start => Ok(()),
            Doubt::Key(_) | Doubt::Line(_) => {
                // The line is still in the editor: an interrupt throws it away.
                if let Some(interactive) = &mut self.interactive {
                    interactive.withdrawn();
                }
                self.line.close(&mut self.keeper);
                self.phase = Phase::Busy;
                let key = match &self.ends.pty {
                    Some(pty) => pty.mode()?.interrupt,
                    None => 0x03,
                };
                self.to_client.push_back(key);
                self.flush_client()
            }
        }
    }

    /// Throws away what was typed or pasted ahead, and what of it is still to come.
    pub(super) fn discard_ahead(&mut self) {
        let now = self.keeper.clock().elapsed();
        self.discarded_bytes = self.gate.discard() + self.discard_unread();
        self.discard_until = Some(now + self.keeper.config().hold.paste_quiet);
        if let Some(asking) = &mut self.asking {
            asking.refused();
        }
    }

    /// Refuses where nobody can go on: the client is ended while it waits, and the server rolls
    /// back.
    pub(super) fn refuse(&mut self, judged: &Judged, why: &str) -> io::Result<()> {
        if self.interactive.is_some() && self.term.is_some() && self.client.is_some() {
            self.keeper.cancelled(judged, Some(why));
            self.is_cancelling = true;
            self.interrupt_client();
            return self.answer(false);
        }
        self.end_refused(judged, Some(why));
        let approved = self.approved.as_ref().map(|approved| approved.target.as_str());
        let Judged { text, verdict, target, .. } = judged;
        let text = crate::ui::refusal::text(text, verdict, target, why, approved);
        for line in text.lines() {
            self.say(line)?;
        }
        Ok(())
    }

    /// Ends the client while it waits; what it was about to run is refused.
    fn end_refused(&mut self, judged: &Judged, why: Option<&str>) {
        self.is_refused = true;
        self.gate.discard();
        self.to_client.clear();
        self.to_feed.clear();
        if self.client.is_none() {
            // It was never started.
            self.ended = Some(Ended::Refused);
        }
        self.kill_client();
        self.keeper.cancelled(judged, why);
    }

    /// Sends the client an interrupt past its terminal: a Ctrl-C key would throw away the answer
    /// that follows.
    fn interrupt_client(&mut self) {
        let pid = self.watch.as_ref().map(process::Watch::pid).or(self.client);
        if let Some(pid) = pid {
            // It may have ended in between.
            drop(job::signal_process(pid, crate::os::signal::Caught::Interrupt.number()));
        }
    }

    /// Returns the reason given beforehand, if this very target was approved.
    fn approval(&self, judged: &Judged) -> Option<String> {
        if self.interactive.is_some() {
            return None;
        }
        let approved = self.approved.as_ref()?;
        let reason = approved.reason.clone();
        judged
            .target
            .answers_to(&approved.target)
            .then(|| reason.unwrap_or_else(|| "approved beforehand".to_owned()))
    }

    /// Returns whether there is a person to ask; opens the terminal where it is not open yet.
    fn has_person(&mut self) -> bool {
        if self.term.is_none()
            && let Ok(mut term) = UserTerm::open()
            && term.is_foreground()
            && term.make_raw(Keys::Bytes, Writers::Us).is_ok()
        {
            self.term = Some(term);
            self.is_term_lent = true;
        }
        let is_front = self.term.as_ref().is_some_and(UserTerm::is_foreground);
        is_front || (self.is_background && self.interactive.is_some())
    }

    /// Closes a terminal that was opened only for the question.
    fn give_back_terminal(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_term_lent) {
            self.flush()?;
            self.term = None;
        }
        Ok(())
    }

    /// The question stands while the job is stopped.
    pub(super) fn suspend_held(&mut self) -> io::Result<()> {
        self.stop_and_go_on()?;
        let now = self.keeper.clock().elapsed();
        if let Some(held) = &mut self.held {
            let draw = held.dialogue.redraw(now);
            self.draw(&draw)?;
        }
        Ok(())
    }

    /// Redraws the dialogue for a new size.
    pub(super) fn resize_dialogue(&mut self, cols: u16, rows: u16) -> io::Result<()> {
        if let Some(held) = &mut self.held {
            let draw = held.dialogue.resize(cols, rows);
            self.draw(&draw)?;
        }
        Ok(())
    }

    /// Fills in what the side connection found.
    pub(super) fn show_impact(&mut self, figures: Vec<String>) -> io::Result<()> {
        if let Some(held) = &mut self.held {
            let draw = held.dialogue.set_impact(figures);
            self.draw(&draw)?;
        }
        Ok(())
    }

    /// The client was interrupted from elsewhere, or is gone: nobody asks any longer.
    pub(super) fn withdraw(&mut self, why: &str) -> io::Result<()> {
        self.withdraw_saying(why, why)
    }

    fn withdraw_saying(&mut self, why: &str, said: &str) -> io::Result<()> {
        let Some(mut held) = self.held.take() else { return Ok(()) };
        self.drop_probe();
        self.question_closes()?;
        let draw = held.dialogue.withdraw(said);
        self.draw(&draw)?;
        self.keeper.cancelled(&held.judged, Some(why));
        self.give_back_terminal()?;
        self.write_kept(&held.output)
    }

    /// A client that waits for our answer sleeps until it comes. If it was woken, somebody sent it
    /// a signal: an interrupt from elsewhere means that nobody wants the statement any longer, and
    /// the client will not run it whatever is answered.
    fn see_withdrawal(&mut self) -> io::Result<()> {
        let Some(held) = &self.held else { return Ok(()) };
        let is_question = matches!(held.doubt, Doubt::Question(_));
        let was_woken = is_question && held.wakeups.is_some() && held.wakeups != self.wakeups();
        if !was_woken || self.interactive.is_none() {
            return Ok(());
        }
        // The rest of a paste would run without the statement it was pasted with.
        self.discard_ahead();
        let why = "interrupted";
        let said = match self.discarded_bytes {
            0 => why.to_owned(),
            1 => format!("{why}; 1 byte typed ahead was discarded"),
            more => format!("{why}; {more} bytes typed ahead were discarded"),
        };
        self.withdraw_saying(why, &said)?;
        self.is_cancelling = true;
        self.answer(false)
    }

    /// How often the client was woken so far.
    fn wakeups(&self) -> Option<u64> {
        process::wakeups(self.watch.as_ref()?.pid())
    }

    /// Shows what was kept; it is in the recording already.
    fn write_kept(&mut self, output: &[u8]) -> io::Result<()> {
        self.show_unrecorded(output)
    }
}
