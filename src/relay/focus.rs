//! The terminal's focus: it is asked for, taken out of the keys, and tells that a person was
//! elsewhere.

use std::io;
use std::time::Duration;

use super::Relay;
use crate::os::guise::Guise;
use crate::session::modes::Modes;
use crate::session::reports::{self, Reports};

/// Terminals may still report the focus for so long after they were told not to.
const STRAY: Duration = Duration::from_millis(500);

/// How long the rest of a report may take. A lone Escape waits so long for what it is.
const TORN: Duration = Duration::from_millis(20);

/// The mode in which a terminal reports its focus.
const REPORTING: u16 = 1004;

/// Bracketed paste.
const BRACKETS: u16 = 2004;

/// What is known of the focus.
#[derive(Debug, Default)]
pub(super) struct Focus {
    /// Whether it may be asked for: a person's keys pass through us.
    may_ask: bool,
    /// Whether a question stands there that nobody may see.
    pub(super) is_question_open: bool,
    /// Whether the client asks by itself: then reports are its own.
    is_clients: bool,
    /// Whether we ask.
    is_ours: bool,
    stray_until: Duration,
    reports: Reports,
    /// When what came of a report is given up.
    torn_until: Option<Duration>,
    /// Whether the person looks elsewhere.
    is_away: bool,
    modes: Modes,
    /// Reused for what was typed around reports.
    typed: Vec<u8>,
}

impl Focus {
    pub(super) fn new(may_ask: bool) -> Self {
        Self { may_ask, ..Self::default() }
    }

    /// Returns when what came of a report is given up.
    pub(super) fn torn_until(&self) -> Option<Duration> {
        self.torn_until
    }
}

impl Relay {
    /// Returns whether we have a use for reports and nobody else has asked for them.
    pub(super) fn wants_focus(&self) -> bool {
        let guards = self.keeper.config().wrong_tab && self.appearance.is_on_production();
        self.focus.may_ask && !self.focus.is_clients && (self.focus.is_question_open || guards)
    }

    /// Takes note of whether we ask, once the terminal has been told.
    pub(super) fn focus_asked(&mut self, is_ours: bool) {
        if std::mem::replace(&mut self.focus.is_ours, is_ours) && !is_ours {
            self.focus.stray_until = self.keeper.clock().elapsed() + STRAY;
        }
    }

    /// Follows which modes the client switches; returns what it has made of the reports.
    pub(super) fn follow_modes(&mut self, shown: &[u8]) -> Option<bool> {
        let (mut brackets, mut reporting) = (None, None);
        self.focus.modes.feed(shown, |mode, is_on| match mode {
            BRACKETS => brackets = Some(is_on),
            REPORTING => reporting = Some(is_on),
            _ => {}
        });
        if let Some(is_on) = brackets {
            self.gate.set_brackets(is_on);
        }
        reporting
    }

    /// The client has switched the reports, and the terminal has been told.
    pub(super) fn client_switched_focus(&mut self, is_on: bool) -> io::Result<()> {
        self.focus.is_clients = is_on;
        self.appearance.forget(Guise::Focus);
        self.put_on()
    }

    /// Takes what the terminal reports out of what the person typed.
    pub(super) fn see_keys(&mut self, keys: &[u8]) -> io::Result<()> {
        let now = self.keeper.clock().elapsed();
        let focus = &mut self.focus;
        let may_report = focus.is_ours || focus.is_clients || now < focus.stray_until;
        if focus.reports.is_plain(keys) || !(may_report || focus.reports.keeps_back()) {
            self.typed_at(now);
            return self.take_keys(keys);
        }
        let mut typed = std::mem::take(&mut focus.typed);
        typed.clear();
        let taken_out = !focus.is_clients || self.held.is_some();
        let (mut last, mut has_returned) = (None, false);
        focus.reports.feed(keys, taken_out, &mut typed, |report| {
            let was_away = std::mem::replace(&mut focus.is_away, report == reports::Focus::Went);
            has_returned |= was_away && report == reports::Focus::Came;
            last = Some(report);
        });
        focus.torn_until = focus.reports.keeps_back().then_some(now + TORN);
        // Who answers a question sees where.
        if has_returned && self.held.is_none() {
            self.keeper.came_back();
        }
        if !typed.is_empty() {
            self.typed_at(now);
        }
        if let Some(report) = last {
            self.focus_moved(report, now);
        }
        let result = if typed.is_empty() { Ok(()) } else { self.take_keys(&typed) };
        self.focus.typed = typed;
        result
    }

    /// Gives up waiting for the rest of a report.
    pub(super) fn end_torn(&mut self) -> io::Result<()> {
        let now = self.keeper.clock().elapsed();
        if self.focus.torn_until.is_none_or(|until| now < until) {
            return Ok(());
        }
        self.focus.torn_until = None;
        let mut typed = Vec::new();
        self.focus.reports.give_up(&mut typed);
        self.typed_at(now);
        self.take_keys(&typed)
    }
}
