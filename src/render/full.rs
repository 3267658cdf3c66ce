//! What a pager or an editor shows on the alternate screen, kept while it is on.

use std::collections::VecDeque;
use std::time::Duration;

use avt::parser::{DecMode, EdScope, Function};
use avt::{Observation, Observer, Terminal};

use super::line::Line;
use super::sink::Item;
use super::standin::StandIns;

/// Most lines that are kept of what a pager or an editor showed, the last ones.
const FULL_SCREEN_LINES: usize = 10_000;

/// A full-screen program, seen by a terminal of its own whose lines scroll off as usual.
pub(super) struct Full {
    pub(super) terminal: Terminal,
    /// How it was entered.
    pub(super) mode: DecMode,
    started: Duration,
    lines: VecDeque<Line>,
    left_out: u64,
}

impl Full {
    /// Starts it on an empty screen.
    pub(super) fn new((cols, rows): (usize, usize), mode: DecMode, started: Duration) -> Self {
        let terminal = Terminal::new(cols, rows).expect("the terminal's own size is never zero");
        Self { terminal, mode, started, lines: VecDeque::new(), left_out: 0 }
    }

    /// Takes what the program does.
    pub(super) fn apply(&mut self, function: &Function, stand_ins: &StandIns) {
        let mut rows = Rows { full: (&mut self.lines, &mut self.left_out), stand_ins };
        if *function == Function::Ed(EdScope::All) {
            // Drawn anew: what stood there would only come twice.
            self.terminal.execute_with(Function::Ed(EdScope::Above), &mut rows);
            self.terminal.execute_with(Function::Ed(EdScope::Below), &mut rows);
        } else {
            self.terminal.execute_with(function.clone(), &mut rows);
        }
    }

    /// Returns what it has shown; none if that is nothing.
    pub(super) fn finish(mut self, stand_ins: &StandIns, at: Duration) -> Option<Item> {
        let mut rows = Rows { full: (&mut self.lines, &mut self.left_out), stand_ins };
        for row in self.terminal.screen().visible_lines() {
            rows.take(row);
        }
        while self.lines.back().is_some_and(Line::is_blank) {
            self.lines.pop_back();
        }
        if self.lines.is_empty() {
            return None;
        }
        let time = at.saturating_sub(self.started);
        Some(Item::FullScreen { lines: self.lines.into(), left_out: self.left_out, time })
    }
}

/// Takes the rows that scroll off a full-screen program.
struct Rows<'a> {
    full: (&'a mut VecDeque<Line>, &'a mut u64),
    stand_ins: &'a StandIns,
}

impl Rows<'_> {
    fn take(&mut self, row: &avt::Line) {
        let (lines, left_out) = &mut self.full;
        let mut line = Line::default();
        line.push(row, self.stand_ins);
        lines.push_back(line);
        if lines.len() > FULL_SCREEN_LINES {
            lines.pop_front();
            **left_out += 1;
        }
    }
}

impl Observer for Rows<'_> {
    type Output = ();

    fn evicted(&mut self, _: &mut Observation<'_>, line: &avt::Line) {
        self.take(line);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}
