//! The hold dialogue: a state machine that turns keys and time into drawing and one answer.
//!
//! It does no input and no output itself. The relay feeds it what the user terminal sends
//! ([`Dialogue::feed`]), wakes it when it asks ([`Dialogue::next_deadline`]), writes what it draws,
//! and acts on the [`Event`].
//!
//! # What counts as an answer
//!
//! What was typed or pasted before or with the question never answers it:
//!
//! 1. After a question or a further prompt is drawn, input is discarded until `quiet` (300 ms) has
//!    passed without any. So type-ahead, an Enter in it included, neither releases nor cancels.
//! 2. Bracketed paste is switched on, and what comes between its marks is ignored.
//! 3. For terminals that do not bracket: an Enter with more bytes behind it in the same read is a
//!    paste of several lines. It neither releases nor cancels: the line is void, and rule 1 applies
//!    again.
//! 4. Keys less than `burst` (5 ms) apart are one burst. The right word releases at its Enter if it
//!    came in several bursts, or is one letter, and the Enter in a burst of its own, as from a
//!    person. Otherwise it releases once `quiet` has passed behind the Enter; input before that
//!    makes it a paste of several lines. So a script, `send-keys` or a lagging network, which deliver `orders\r` in one
//!    read, can answer, and the first line of a pasted text cannot.
//!
//! Another word, or none, cancels at its Enter: that is the safe side.
//!
//! Esc alone, Ctrl-C and Ctrl-D cancel at any time.

pub mod closing;
mod entry;
mod keys;
mod page;
mod paint;
mod question;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::entry::Entry;
use self::keys::{Key, Keys};
use self::page::{Impact, Room};
use self::paint::Painter;
pub use self::question::{Question, Transaction, TransactionState, answer_word};
use super::theme::{Style, Theme};
use super::visible;
use super::wrap::line;
pub use crate::policy::Challenge;

/// How long nothing may come in before the first key of an answer counts.
pub const QUIET: Duration = Duration::from_millis(300);

/// Keys closer together than this were not typed one by one.
pub const BURST: Duration = Duration::from_millis(5);

/// What follows from input or time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Step {
    /// Bytes for the user terminal.
    pub draw: Vec<u8>,
    /// What the relay must do. After a release or a cancel the dialogue is over.
    pub event: Option<Event>,
    /// Bytes of the read that came after the event and count as typed ahead.
    pub unread_bytes: usize,
}

/// What the relay must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Let the statement run.
    Released {
        /// What the person gave as reason, where one was asked for.
        reason: Option<String>,
        /// Whether the same shape is released for the rest of the session.
        whole_shape: bool,
    },
    /// Do not run it.
    Cancelled(Cause),
    /// Stop the job; the question stays open. Call [`Dialogue::redraw`] afterwards.
    Suspend,
}

/// Why a statement was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Enter on an empty line.
    Enter,
    /// Esc.
    Escape,
    /// Another word than the one asked for.
    WrongWord,
    /// Ctrl-D.
    EndOfFile,
    /// Ctrl-C.
    Interrupt,
    /// No answer in time.
    Timeout,
    /// No reason was given.
    EmptyReason,
    /// The client does not ask any longer.
    Withdrawn,
}

/// Which prompt stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reason,
    /// Until when.
    Wait(Duration),
    Answer,
}

/// Why input was discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    Early,
    /// A bracketed paste.
    Paste,
    /// More behind an Enter.
    Lines,
}

impl Hint {
    fn text(self) -> &'static str {
        match self {
            Self::Early => "what was typed before the question does not answer it: discarded",
            Self::Paste => "a paste does not answer: type it",
            Self::Lines => "more came right behind the Enter, as from a paste: discarded",
        }
    }
}

/// An open question.
#[derive(Debug)]
pub struct Dialogue {
    question: Question,
    theme: Theme,
    room: Room,
    painter: Painter,
    /// The rows above the hint, which change only with the size and the impact.
    page: Vec<String>,
    impact: Impact,
    stage: Stage,
    hint: Option<Hint>,
    entry: Entry,
    reason: Option<String>,
    keys: Keys,
    opened: Duration,
    /// When bytes last came, or the prompt was drawn.
    last_input: Duration,
    /// Whether the quiet time has passed and keys count.
    is_settled: bool,
    /// Keys so far in the burst that `last_input` belongs to.
    burst: u32,
    /// When the right word, which may be the first line of a paste, counts unless more comes.
    counts_at: Option<Duration>,
    /// When a countdown was last drawn, in whole seconds left.
    seconds_left: u64,
    /// Between a suspend and the redraw nothing is drawn.
    is_away: bool,
    is_over: bool,
}

impl Dialogue {
    /// Opens a question at `now`; the bytes draw it.
    #[must_use]
    pub fn open(question: Question, now: Duration) -> (Self, Vec<u8>) {
        let theme = Theme::new(question.is_coloured);
        let room = Room::new(question.size);
        let impact = if question.impact_pending { Impact::Pending } else { Impact::None };
        let mut dialogue = Self {
            painter: Painter::new(room.height, question.can_move),
            page: page::page(&question, &impact, room, theme),
            stage: Stage::Answer,
            question,
            theme,
            room,
            impact,
            hint: None,
            entry: Entry::default(),
            reason: None,
            keys: Keys::default(),
            opened: now,
            last_input: now,
            is_settled: false,
            burst: 0,
            counts_at: None,
            seconds_left: 0,
            is_away: false,
            is_over: false,
        };
        match dialogue.question.challenge {
            Challenge::TypeTarget { reason: true, .. } => dialogue.enter(Stage::Reason, now),
            Challenge::TypeTarget { .. } | Challenge::Yes => dialogue.enter_wait(now),
        }
        let mut draw = String::new();
        if !dialogue.question.is_fresh_line {
            draw.push_str("\r\n");
        }
        draw.push_str(&dialogue.draw_all());
        (dialogue, draw.into_bytes())
    }

    /// Takes one read from the user terminal.
    pub fn feed(&mut self, bytes: &[u8], now: Duration) -> Step {
        if self.counts_at.is_some() && !bytes.is_empty() {
            // Before the tick: in a late read, nobody knows how long these have been waiting.
            self.refuse_lines(now);
        }
        let mut step = self.tick(now);
        if self.is_over {
            step.unread_bytes = bytes.len();
            return step;
        }
        if !bytes.is_empty() {
            // Bytes break the silence even where they are no whole key yet.
            let silence = now.saturating_sub(std::mem::replace(&mut self.last_input, now));
            self.is_settled |= silence >= self.question.quiet;
            if silence >= self.question.burst {
                self.burst = 0;
            }
        }
        for (at, byte) in bytes.iter().enumerate() {
            let Some(key) = self.keys.feed(*byte, now) else {
                continue;
            };
            let unread_bytes = bytes.len() - at - 1;
            if let Some(event) = self.press(key, unread_bytes > 0, now) {
                return Step { unread_bytes, ..self.close(event, step.draw) };
            }
        }
        step.draw.extend(self.update());
        step
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Duration) -> Step {
        if self.is_over {
            return Step::default();
        }
        if now >= self.expires() {
            return self.close(Event::Cancelled(Cause::Timeout), Vec::new());
        }
        if self.keys.escape_due().is_some_and(|due| now >= due) {
            return self.close(Event::Cancelled(Cause::Escape), Vec::new());
        }
        if self.counts_at.is_some_and(|due| now >= due) {
            let event = self.release();
            return self.close(event, Vec::new());
        }
        if let Stage::Wait(until) = self.stage {
            if now >= until {
                self.enter(Stage::Answer, now);
            } else {
                self.seconds_left = seconds_left(until, now);
            }
        }
        Step { draw: self.update(), ..Step::default() }
    }

    /// Returns when [`Dialogue::tick`] wants to be called, on the same clock; none once it is over.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.is_over {
            return None;
        }
        let second = match self.stage {
            Stage::Wait(until) => {
                Some(until - Duration::from_secs(self.seconds_left.saturating_sub(1)))
            }
            Stage::Reason | Stage::Answer => None,
        };
        let others = [second, self.keys.escape_due(), self.counts_at];
        others.into_iter().flatten().chain([self.expires()]).min()
    }

    /// Fills in the figures; none take the line away.
    #[must_use]
    pub fn set_impact(&mut self, figures: Vec<String>) -> Vec<u8> {
        if self.is_over {
            return Vec::new();
        }
        self.impact = if figures.is_empty() { Impact::None } else { Impact::Known(figures) };
        self.page = page::page(&self.question, &self.impact, self.room, self.theme);
        self.update()
    }

    /// Fits the drawing to a new size of the user terminal.
    #[must_use]
    pub fn resize(&mut self, cols: u16, rows: u16) -> Vec<u8> {
        self.question.size = (cols, rows);
        self.room = Room::new((cols, rows));
        self.painter.resize(self.room.height);
        self.page = page::page(&self.question, &self.impact, self.room, self.theme);
        if self.is_over || self.is_away {
            return Vec::new();
        }
        let rows = self.rows();
        self.painter.repaint(rows).into_bytes()
    }

    /// Draws everything again after the job was continued, on a line of its own. What was typed is
    /// gone and the quiet time starts again.
    #[must_use]
    pub fn redraw(&mut self, now: Duration) -> Vec<u8> {
        if self.is_over {
            return Vec::new();
        }
        self.is_away = false;
        self.unsettle(now);
        self.hint = None;
        self.draw_all().into_bytes()
    }

    /// Closes the dialogue because the client does not ask any longer; says so.
    #[must_use]
    pub fn withdraw(&mut self, why: &str) -> Vec<u8> {
        if self.is_over {
            return Vec::new();
        }
        let mut draw = self.close(Event::Cancelled(Cause::Withdrawn), Vec::new()).draw;
        draw.extend(closing::withdrawn(why, self.theme).into_bytes());
        draw
    }

    /// Returns the question as it was asked.
    #[must_use]
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// `has_more` says that the same read goes on behind the key.
    fn press(&mut self, key: Key, has_more: bool, now: Duration) -> Option<Event> {
        match key {
            Key::Interrupt => return Some(Event::Cancelled(Cause::Interrupt)),
            Key::EndOfFile => return Some(Event::Cancelled(Cause::EndOfFile)),
            Key::Suspend => return Some(Event::Suspend),
            Key::Char(_)
            | Key::Enter
            | Key::Backspace
            | Key::KillLine
            | Key::KillWord
            | Key::PasteStart
            | Key::PasteEnd
            | Key::Other => {}
        }
        self.burst += 1;
        match self.stage {
            Stage::Wait(_) => return None,
            Stage::Reason | Stage::Answer => {}
        }
        if !self.is_settled {
            self.hint = self.hint.or(Some(Hint::Early));
            return None;
        }
        self.edit(key, has_more, now)
    }

    /// A key that counts.
    fn edit(&mut self, key: Key, has_more: bool, now: Duration) -> Option<Event> {
        match key {
            Key::Enter if has_more => self.refuse_lines(now),
            Key::Enter => return self.submit(now),
            Key::Char(letter) => {
                self.hint = None;
                self.entry.push(letter, self.burst == 1);
            }
            Key::Backspace => self.entry.backspace(),
            Key::KillLine => self.entry.clear(),
            Key::KillWord => self.entry.kill_word(),
            Key::PasteStart => self.hint = Some(Hint::Paste),
            Key::PasteEnd => self.is_settled = !self.entry.text().is_empty(),
            Key::Interrupt | Key::EndOfFile | Key::Suspend | Key::Other => {}
        }
        None
    }

    fn refuse_lines(&mut self, now: Duration) {
        self.unsettle(now);
        self.hint = Some(Hint::Lines);
    }

    fn submit(&mut self, now: Duration) -> Option<Event> {
        let typed = self.entry.text();
        if self.stage == Stage::Reason {
            let reason = typed.trim().to_owned();
            if reason.is_empty() {
                return Some(Event::Cancelled(Cause::EmptyReason));
            }
            self.reason = Some(reason);
            self.enter_wait(now);
            return None;
        }
        if typed.is_empty() {
            return Some(Event::Cancelled(Cause::Enter));
        }
        if typed != self.word() && !self.is_whole_shape() {
            return Some(Event::Cancelled(Cause::WrongWord));
        }
        if self.entry.is_typed() && self.burst == 1 {
            return Some(self.release());
        }
        self.counts_at = Some(now.saturating_add(self.question.quiet));
        None
    }

    /// The word stands there and counts.
    fn release(&mut self) -> Event {
        Event::Released { reason: self.reason.take(), whole_shape: self.is_whole_shape() }
    }

    fn is_whole_shape(&self) -> bool {
        self.question.challenge == Challenge::Yes
            && self.question.has_shape
            && self.entry.text() == "yes all"
    }

    fn expires(&self) -> Duration {
        self.opened.saturating_add(self.question.timeout)
    }

    fn word(&self) -> &str {
        match self.question.challenge {
            Challenge::Yes => "yes",
            Challenge::TypeTarget { .. } => &self.question.answer_word,
        }
    }

    /// Goes on to the countdown, or past it.
    fn enter_wait(&mut self, now: Duration) {
        match self.question.challenge {
            Challenge::TypeTarget { wait, .. } if !wait.is_zero() => {
                self.seconds_left = seconds_left(now.saturating_add(wait), now);
                self.enter(Stage::Wait(now.saturating_add(wait)), now);
            }
            Challenge::TypeTarget { .. } | Challenge::Yes => self.enter(Stage::Answer, now),
        }
    }

    fn enter(&mut self, stage: Stage, now: Duration) {
        self.stage = stage;
        self.hint = None;
        self.unsettle(now);
    }

    /// Forgets what was typed; the quiet time starts again.
    fn unsettle(&mut self, now: Duration) {
        self.entry.clear();
        self.counts_at = None;
        self.is_settled = false;
        self.last_input = now;
    }

    fn close(&mut self, event: Event, mut draw: Vec<u8>) -> Step {
        self.is_away = event == Event::Suspend;
        self.is_over = !self.is_away;
        draw.extend(self.painter.leave().into_bytes());
        if self.question.can_move && !self.question.has_bracketed_paste {
            draw.extend(b"\x1b[?2004l");
        }
        Step { draw, event: Some(event), unread_bytes: 0 }
    }

    /// Colours of the client's line end here, the cursor is shown, and pastes are marked.
    fn draw_all(&mut self) -> String {
        let modes = if self.question.can_move { "\x1b[0m\x1b[?25h\x1b[?2004h" } else { "" };
        let rows = self.rows();
        format!("{modes}{}", self.painter.draw(rows))
    }

    fn update(&mut self) -> Vec<u8> {
        if self.is_away {
            return Vec::new();
        }
        let rows = self.rows();
        self.painter.update(rows).into_bytes()
    }

    fn rows(&self) -> Vec<String> {
        let mut rows = self.page.clone();
        let width = self.room.width;
        if let Some(hint) = self.hint {
            let spans = [(Style::Warning, hint.text())];
            rows.extend(line(&spans, "  ", width, self.theme));
        }
        let word = visible::one_line(self.word());
        let prompt = match self.stage {
            Stage::Reason => "reason, Enter to cancel: ".to_owned(),
            Stage::Wait(_) => format!("wait {} s, Esc to cancel ", self.seconds_left),
            Stage::Answer => format!("type {word} to run it, Enter to cancel: "),
        };
        let spans = [(Style::Strong, &*prompt), (Style::Plain, self.entry.text())];
        rows.extend(line(&spans, "", width, self.theme));
        rows
    }
}

/// The last second is 1; 0 is never shown.
fn seconds_left(until: Duration, now: Duration) -> u64 {
    let left = until.saturating_sub(now);
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}
