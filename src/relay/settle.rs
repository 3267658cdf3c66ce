//! What the client waits for, and answering what it asks.
//!
//! An answer is sent only to a client that is seen to be blocked reading its input, after all it
//! printed has been taken, and one answer for each question: what it leaves unread would answer
//! the next. What the person typed ahead goes by the same rule.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use super::ends::FEED_PLACE;
use super::hold::Doubt;
use super::keeper::Judged;
use super::look::{EAGER_LOOKS, Look, Who};
use super::way_out::FRONT_LOOK;
use super::{Ended, Phase, Relay};
use crate::clients::{Asked, Guarded, Input, Unseen};
use crate::os::channel::Order;
use crate::os::process;
use crate::policy::Decision;
use crate::record::Source;
use crate::session::script::Feed;
use crate::session::typed::{Editing, Typed};
use crate::target::Tier;
use crate::ui::notice;
use crate::ui::theme::Style;

/// How many of them before anything else is looked at.
const SPINS: u32 = 16;

/// How often a client is looked at that may want data and has said nothing.
const DATA_LOOK: Duration = Duration::from_millis(2);

/// By when the recorder has told what is wrong with the disk at the start. Later trouble comes with
/// something to record, which wakes us by itself.
const FIRST_TROUBLE: Duration = Duration::from_millis(700);

/// The longest time between two looks while something waits for the client.
const SLOWEST_LOOK: Duration = Duration::from_millis(10);

/// How often a client whose statement is held is looked at: somebody else may interrupt it.
const WITHDRAWAL_LOOK: Duration = Duration::from_millis(200);

impl Relay {
    /// Moves on everything that waits for the client, as far as it is ready for it.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        if self.only_data_is_wanted() {
            // Not worth a look each time something happens.
            let now = self.keeper.clock().elapsed();
            if now < self.next_data_look {
                return Ok(());
            }
            self.next_data_look = now + DATA_LOOK;
        }
        let mut spins = 0;
        loop {
            if self.phase == Phase::Prompt && !self.gate.is_empty() && self.held.is_none() {
                // Typed ahead: now the line editor takes it.
                self.pass_at_prompt()?;
            }
            if !self.needs_look() || !self.to_client.is_empty() || !self.to_feed.is_empty() {
                return Ok(());
            }
            let moved = match self.look()? {
                Look::Running => false,
                Look::Elsewhere => {
                    self.let_go()?;
                    false
                }
                Look::Reading => self.at_input()?,
                Look::Editing(who) => self.at_editor(who)?,
                Look::OtherReading => {
                    self.let_go()?;
                    self.pass_line()?
                }
                Look::OtherData => {
                    self.let_go()?;
                    self.feed_line()?
                }
            };
            if !moved && self.phase == Phase::Prompt && !self.gate.is_empty() {
                // The prompt came while we looked.
                continue;
            }
            if !moved {
                self.looks = self.looks.saturating_add(1);
                spins += 1;
                if spins < SPINS && self.tap.as_ref().is_some_and(|tap| tap.may_ask()) {
                    // Its question is out: it is about to block.
                    continue;
                }
                return Ok(());
            }
            spins = 0;
            self.looks = 0;
            if self.only_data_is_wanted() {
                // What was just answered has not even run yet.
                self.next_data_look = self.keeper.clock().elapsed() + DATA_LOOK;
                return Ok(());
            }
        }
    }

    /// Returns when to look again, at the latest.
    pub(super) fn next_look(&self) -> Option<Duration> {
        let look = self.needs_look().then(|| {
            let beyond = self.looks.saturating_sub(EAGER_LOOKS);
            if self.only_data_is_wanted() {
                DATA_LOOK
            } else if self.looks <= EAGER_LOOKS {
                Duration::ZERO
            } else {
                Duration::from_micros(20 << beyond.min(9)).min(SLOWEST_LOOK)
            }
        });
        let now = self.keeper.clock().elapsed();
        let dialogue = self
            .held
            .as_ref()
            .and_then(|held| held.next_deadline())
            .map(|due| due.saturating_sub(now));
        let withdrawal = self.held.is_some().then_some(WITHDRAWAL_LOOK);
        let probe = self.probe.as_ref().map(|probe| probe.due().saturating_sub(now));
        let (guard, alert) = (self.next_guard_look(), self.next_alert());
        let torn = self.focus.torn_until().map(|until| until.saturating_sub(now));
        let trouble = FIRST_TROUBLE.checked_sub(now);
        let front = self.is_background.then_some(FRONT_LOOK);
        let looks = [look, dialogue, withdrawal, probe, guard, alert, torn, trouble, front];
        looks.into_iter().flatten().min()
    }

    /// Returns whether the one thing that may be wanted is data on standard input. A question comes
    /// with output, which wakes us by itself.
    fn only_data_is_wanted(&self) -> bool {
        self.input == Input::Data
            && self.ends.feed.is_some()
            && self.releasing.is_none()
            && self.gate.is_empty()
            && !(self.takes_data && self.looks <= EAGER_LOOKS)
            && !self.tap.as_ref().is_some_and(|tap| tap.may_ask())
    }

    /// Returns whether anything depends on what the client waits for.
    fn needs_look(&self) -> bool {
        // A client that is refused is being ended: until that is done it still waits for an answer,
        // and nothing may be one.
        if self.is_refused || self.ended.is_some() || self.held.is_some() || self.client.is_none() {
            return false;
        }
        self.tap.as_ref().is_some_and(|tap| tap.may_ask())
            || self.releasing.is_some()
            || matches!(self.phase, Phase::Submitting(_))
            || (self.phase == Phase::Busy && (!self.gate.is_empty() || self.is_cancelling))
            || (self.ends.feed.is_some() && !self.wants_script)
    }

    /// What was kept back is no question: the client does something else.
    fn let_go(&mut self) -> io::Result<()> {
        let shown = self.kept_back();
        self.show_tapped(&shown)
    }

    /// Takes what was kept back, to be shown now.
    pub(super) fn kept_back(&mut self) -> Vec<u8> {
        let mut shown = Vec::new();
        let adds_cr = self.adds_cr().unwrap_or_default();
        if let Some(tap) = self.tap.as_mut().filter(|tap| tap.may_ask()) {
            if self.is_fed && self.ends.feed.is_none() {
                // Asked with the end of its input, which answered it: what we could not end is open
                // in a string or a comment, and the server refuses it.
                if let Asked::Statement { texts, likely, banner } = tap.asked(adds_cr, &mut shown) {
                    shown.extend_from_slice(tap.echo(&banner).unwrap_or_default());
                    let judged = self.keeper.statement(&texts, likely, Source::Tap);
                    let why = "sent by the client at the end of its input".to_owned();
                    self.keeper.released(&judged, Some(why), false);
                }
            }
            tap.let_go(&mut shown);
        }
        shown
    }

    fn adds_cr(&self) -> io::Result<bool> {
        match (&self.ends.drain, &self.ends.pty) {
            (None, Some(pty)) => Ok(pty.mode()?.adds_cr),
            _ => Ok(false),
        }
    }

    /// The client reads its input: it asks us, or it wants a line.
    fn at_input(&mut self) -> io::Result<bool> {
        self.taken();
        let adds_cr = self.adds_cr()?;
        let mut shown = Vec::new();
        if self.may_hide_question()
            && let Some(tap) = &mut self.tap
        {
            // Whatever it is that waits, the next line must not answer it.
            tap.let_go(&mut shown);
            self.show_tapped(&shown)?;
            self.at_unreadable()?;
            return Ok(true);
        }
        let asked = match &mut self.tap {
            Some(tap) => tap.asked(adds_cr, &mut shown),
            None => Asked::Nothing,
        };
        self.show_tapped(&shown)?;
        match asked {
            Asked::Nothing if self.ends.keys_are_input && self.is_prompted => self.pass_line(),
            Asked::Nothing if self.ends.keys_are_input => self.type_line(),
            Asked::Nothing => self.feed_line(),
            Asked::Statement { texts, likely, banner } => {
                self.at_statement(&texts, likely, &banner)?;
                Ok(true)
            }
            Asked::Unreadable => {
                self.at_unreadable()?;
                Ok(true)
            }
        }
    }

    /// Returns whether the client may have asked before another program printed. A script on its
    /// standard input is read the same way as an answer is, so that there only a program it has
    /// started makes the difference to data that looks like a question.
    fn may_hide_question(&self) -> bool {
        let reads_script = self.ends.feed.is_some() && self.input == Input::Script;
        self.tap.as_ref().is_some_and(|tap| tap.may_hide_question())
            && (!reads_script || !self.is_alone())
    }

    /// The client is about to run a statement and waits for us.
    fn at_statement(&mut self, texts: &[String], likely: usize, banner: &[u8]) -> io::Result<()> {
        if matches!(self.phase, Phase::Prompt | Phase::Submitting(_)) {
            // Submitted by a key that we do not know as one.
            self.begin_submission(false);
        }
        // Accepting a search or a paste draws the prompt once more, after the submitting key: that
        // is recorded before what the statement prints, as it was shown.
        self.line.close(&mut self.keeper);
        if let (Input::Data, Some(tap)) = (self.input, &self.tap) {
            (self.is_ending, self.takes_data) = (false, false);
            self.has_data_end = texts.iter().any(|text| tap.takes_data(text));
        }
        self.await_survey()?;
        self.look_up(texts);
        let went = self.tap.as_mut().map(|tap| tap.went()).unwrap_or_default();
        self.keeper.ended(went.into());
        let judged = self.keeper.statement(texts, likely, Source::Tap);
        if self.is_cancelling {
            self.keeper.cancelled(&judged, Some("the line it belongs to was cancelled"));
            return self.answer(false);
        }
        match judged.verdict.decision {
            Decision::Allow => self.let_run(&judged, banner),
            Decision::Notice => {
                if !self.is_noticed && self.may_notice() {
                    self.is_noticed = true;
                    let tier = judged.verdict.judged_as;
                    let cols = self.cols();
                    let line = notice::verdict(&judged.verdict.reasons, tier, cols, self.theme);
                    self.say(&line)?;
                }
                self.let_run(&judged, banner)
            }
            Decision::Deny => {
                let line = notice::denied(&judged.verdict.reasons, self.cols(), self.theme);
                self.say(&line)?;
                self.refuse(&judged, "denied by a rule")
            }
            Decision::Hold(_) => self.hold(judged, Doubt::Question(banner.to_vec())),
        }
    }

    /// Something is asked, and what about could not be read.
    fn at_unreadable(&mut self) -> io::Result<()> {
        let judged = self.keeper.unreadable(Source::Tap);
        if self.is_cancelling {
            self.keeper.cancelled(&judged, Some("the line it belongs to was cancelled"));
            return self.answer(false);
        }
        match judged.verdict.decision {
            Decision::Allow | Decision::Notice => self.let_run(&judged, &[]),
            Decision::Hold(_) | Decision::Deny => self.hold(judged, Doubt::Question(Vec::new())),
        }
    }

    /// Lets a statement run that nobody need be asked about.
    fn let_run(&mut self, judged: &Judged, banner: &[u8]) -> io::Result<()> {
        if self.guarded == Guarded::Theirs {
            // The person wants to be asked as well: show the question, their line answers it.
            self.keeper.released(judged, None, false);
            return self.show_tapped(banner);
        }
        self.echo_statement(banner)?;
        self.answer(true)?;
        // It runs: what is noted of it only in memory need not be waited for.
        self.keeper.released(judged, None, false);
        Ok(())
    }

    /// Shows a statement that runs where the client would have shown it, had it not asked.
    pub(super) fn echo_statement(&mut self, banner: &[u8]) -> io::Result<()> {
        let Some(mut echo) = self.tap.as_ref().and_then(|tap| tap.echo(banner)).map(<[u8]>::to_vec)
        else {
            return Ok(());
        };
        if self.is_ending && self.input == Input::Script && echo.ends_with(b"\n;\n") {
            // Ours: the script's last statement has no end.
            echo.truncate(echo.len() - 2);
        }
        self.show_tapped(&echo)
    }

    /// Answers the client's question.
    pub(super) fn answer(&mut self, is_go: bool) -> io::Result<()> {
        let Some(tap) = &self.tap else { return Ok(()) };
        let (go, stop) = tap.answers();
        let answer = if is_go { go } else { stop };
        if self.ends.keys_are_input
            && let Some(pty) = &self.ends.pty
        {
            let mode = pty.mode()?;
            if mode.echoes {
                for &byte in answer {
                    if byte == b'\n' && mode.adds_cr {
                        self.swallow.push_back(b'\r');
                    }
                    self.swallow.push_back(byte);
                }
            }
        }
        self.eager.answered();
        self.send(answer)
    }

    /// A key-reading program waits.
    fn at_editor(&mut self, who: Who) -> io::Result<bool> {
        self.let_go()?;
        match (self.phase, who) {
            (Phase::Submitting(key), _) => return self.submit(key),
            // Its prompt came while we looked.
            (Phase::Prompt, _) => {
                self.taken();
                return Ok(!self.gate.is_empty());
            }
            (Phase::Busy, Who::Client) => {
                self.at_unmarked_prompt();
                return Ok(true);
            }
            (Phase::Busy, Who::Other) => {}
        }
        self.keeper.paged();
        let key = self.gate.take_key();
        if key.is_empty() {
            return Ok(false);
        }
        self.to_client.extend(key);
        self.flush_client()?;
        Ok(true)
    }

    /// The client's line editor is at work and its prompt did not tell: the person has changed it.
    /// The last target is kept, and what is typed is read off the screen.
    fn at_unmarked_prompt(&mut self) {
        self.taken();
        self.phase = Phase::Prompt;
        if std::mem::take(&mut self.is_cancelling) {
            self.forget_line();
        }
        self.line.prompt_begins(false, false);
        let is_at_stake = self.keeper.decided().target.tier != Tier::Development;
        if is_at_stake && !std::mem::replace(&mut self.is_unmarked_told, true) {
            let text = "the prompt was changed and no longer tells where it is: the target is \
                        taken to be the last one";
            self.keeper.remark(text);
            self.notices.push(notice::line(text, Style::Warning, self.cols(), self.theme));
        }
    }

    /// The statement at hand was thrown away: what was read of it counts no longer.
    pub(super) fn forget_line(&mut self) {
        if let Some(interactive) = &mut self.interactive {
            interactive.interrupted();
        }
    }

    /// Passes one line that was typed ahead.
    fn pass_line(&mut self) -> io::Result<bool> {
        if let Phase::Submitting(key) = self.phase {
            // The prompt's editor does not edit (`psql -n`): the line is whole already.
            return self.submit(key);
        }
        if self.phase == Phase::Prompt {
            // Its prompt came while we looked: what waits passes as at any prompt.
            return Ok(!self.gate.is_empty());
        }
        let line = self.gate.take_cooked_line();
        if line.is_empty() {
            return Ok(false);
        }
        self.to_client.extend(line);
        self.flush_client()?;
        Ok(true)
    }

    /// Passes one line that was typed where there is no prompt: what standard output is redirected
    /// from, a person types as a script.
    fn type_line(&mut self) -> io::Result<bool> {
        let line = self.gate.take_cooked_line();
        let Some(pty) = self.ends.pty.as_ref().filter(|_| !line.is_empty()) else {
            return Ok(false);
        };
        let mode = pty.mode()?;
        let editing = Editing {
            erase: mode.erase,
            erase_word: mode.erase_word,
            kill: mode.kill,
            quote: mode.quote,
        };
        let is_first = self.typed == Typed::default();
        let Some(mut text) = self.typed.press(&line, editing) else {
            // The terminal shows it, and edits it as we do.
            self.send(&line)?;
            return Ok(true);
        };
        text.push(b'\n');
        match line.as_slice() {
            // End of file: a statement that was begun would run without being asked about.
            [0x04] if is_first => {
                let rest = self.tap.as_ref().and_then(|tap| tap.before_end());
                let data_end = self.tap.as_ref().map_or(&b""[..], |tap| tap.end_of_data());
                if rest.is_some_and(|rest| rest.starts_with(data_end)) {
                    // It ends the data, and no more.
                    self.pass_script_line(data_end, data_end.to_vec())?;
                    return Ok(true);
                }
                if let Some(rest) = rest.filter(|_| !std::mem::replace(&mut self.is_ending, true)) {
                    self.gate.put_back(&line);
                    self.send(rest)?;
                    return Ok(true);
                }
                self.send(&line)?;
            }
            // Ctrl-D behind text hands the text over; it counts as Return, so that the next one does
            // not end the input together with a question.
            [keys @ .., 0x04] => {
                let mut keys = keys.to_vec();
                keys.push(b'\n');
                self.pass_script_line(&text, keys)?;
            }
            _ => self.pass_script_line(&text, line)?,
        }
        Ok(true)
    }

    /// Passes a line of a script, unless it does something that no question will tell of. `text` is
    /// what the client reads of it.
    fn pass_script_line(&mut self, text: &[u8], line: Vec<u8>) -> io::Result<()> {
        let address = self.keeper.decided().target.address.clone();
        let cwd = self.client.and_then(process::working_directory).unwrap_or_default();
        let unseen = match &mut self.tap {
            Some(tap) => tap.follow_input(text, &cwd, &address),
            None => Unseen::default(),
        };
        self.keeper.connects(&unseen.connects);
        if unseen.is_nothing() {
            return self.send(&line);
        }
        self.look_up(&unseen.statements);
        let text = String::from_utf8_lossy(text).trim_end().to_owned();
        let judged = self.keeper.draft(text, &unseen.statements, unseen.effects, Source::Preflight);
        match judged.verdict.decision {
            Decision::Allow | Decision::Notice => {
                self.keeper.released(&judged, None, false);
                self.send(&line)
            }
            Decision::Hold(_) | Decision::Deny => self.hold(judged, Doubt::Line(line)),
        }
    }

    /// Gives the client the next line of the script on our standard input.
    fn feed_line(&mut self) -> io::Result<bool> {
        if self.ends.feed.is_none() {
            return Ok(false);
        }
        match self.script.take() {
            Feed::Line(mut line) => {
                // What took a line will want the next.
                self.takes_data = true;
                if !line.ends_with(b"\n") {
                    // The client would wait for the rest of it, and read end of file together with
                    // the question that follows.
                    line.push(b'\n');
                }
                let text = line.clone();
                self.pass_script_line(&text, line).map(|()| true)
            }
            Feed::End if self.input == Input::Data => self.end_data(),
            Feed::End => {
                let rest = self.tap.as_ref().and_then(|tap| tap.before_end());
                if let Some(rest) = rest.filter(|_| !std::mem::replace(&mut self.is_ending, true)) {
                    self.to_feed.extend(rest);
                    self.flush_client()?;
                    return Ok(true);
                }
                // Nothing is asked, and nothing is left that could be.
                self.ends.feed = None;
                self.is_fed = true;
                self.channel.order(Order::LetGo(FEED_PLACE))?;
                Ok(true)
            }
            Feed::More => {
                self.wants_script = true;
                Ok(false)
            }
        }
    }

    /// Standard input holds no script and has ended, and the client wants more of it. Were it to
    /// read end of file, so would its next question, which counts as a yes: data is ended in its
    /// own way instead, once. What still wants more cannot be guarded, nor what else reads there
    /// (`\prompt`), which would take the end for what it asked for.
    fn end_data(&mut self) -> io::Result<bool> {
        if self.guarded == Guarded::Theirs {
            // The person wants to be asked, and gives no answer: bare that is a yes, too.
            self.send(b"\n")?;
        } else if self.has_data_end && !std::mem::replace(&mut self.is_ending, true) {
            let end = self.tap.as_ref().map_or(&b""[..], |tap| tap.end_of_data());
            self.send(end)?;
        } else {
            let judged = self.keeper.unreadable(Source::Tap);
            self.refuse(&judged, "standard input has ended and the client wants more of it")?;
        }
        Ok(true)
    }

    /// Reads more of the script on our standard input, once.
    pub(super) fn read_script(&mut self) -> io::Result<()> {
        self.wants_script = false;
        let count = match (&self.stdin).read(&mut self.buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => {
                // Its end would be an end like any other for the client.
                self.kill_client();
                self.ended = Some(Ended::Status(1));
                return self.say_trouble(&format!("standard input cannot be read: {error}"));
            }
        };
        match count {
            0 => self.script.close(),
            count => self.script.push(&self.buffer[..count]),
        }
        Ok(())
    }

    /// Shows what came through the tap: to the terminal, or where standard output goes.
    pub(super) fn show_tapped(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.ends.drain.is_some() { self.pass_to_stdout(bytes) } else { self.show(bytes) }
    }

    pub(super) fn may_notice(&self) -> bool {
        self.term.is_some() || crate::os::term::Terminals::look().stderr
    }
}
