//! Recorded output as the lines that it left on the terminal, and what happened between them.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use avt::parser::{DecMode, EdScope, Function};
use avt::{Anchor, Observation, Observer, Parser, Position, ScreenKind, Terminal};

use super::full::Full;
use super::line::Line;
use super::plain::{Modes, Run, laid_out};
use super::sink::{Item, Sink};
use super::standin::{StandIns, has_no_cell, is_joined};
use crate::record::Event;

/// A screen without a size is taken for one of this.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

/// The largest screen that is believed in; a log can be damaged, and a cell takes room.
const MOST: (u16, u16) = (2000, 1000);

/// Runs of plain lines of fewer screens than this are not worth the detour.
const SHORT_RUN: usize = 3;

/// Feeds output to a terminal and hands each line on once it has left the screen.
///
/// Memory does not grow with the session. A screen that is cleared is not lost: what stood there
/// scrolls off instead.
pub struct Scrollback<S> {
    parser: Parser,
    terminal: Terminal,
    lines: Lines<S>,
    full: Option<Full>,
    /// What came while a full-screen program was on, for the time after it.
    waiting: Vec<Item>,
    /// Whether the cursor has just been sent to the first cell.
    is_sent_home: bool,
    modes: Modes,
}

/// A screen at one moment. Good for the scrollback it came from only.
#[derive(Debug, Clone)]
pub struct Still {
    size: (usize, usize),
    dump: String,
    modes: Modes,
}

/// Takes the rows that scroll off the top.
struct Lines<S> {
    sink: S,
    stand_ins: StandIns,
    /// Rows of a line that is longer than the screen is wide.
    begun: Line,
    is_begun: bool,
    /// How many rows have scrolled off.
    gone: u64,
    /// What stands between lines, by the row it goes with, counted from the session's start.
    marks: VecDeque<Mark>,
    /// What comes after the line that is begun.
    after: Vec<Item>,
    /// Where the marks are while the size changes.
    anchors: VecDeque<Option<Anchor>>,
    failure: Option<io::Error>,
}

struct Mark {
    row: u64,
    side: Side,
    item: Item,
}

/// On which side of its row an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// A sink for those who look at the screen only.
impl Sink for () {
    fn line(&mut self, _: &Line) -> io::Result<()> {
        Ok(())
    }

    fn item(&mut self, _: Item) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Sink> Scrollback<S> {
    /// Starts with an empty screen.
    #[must_use]
    pub fn new(cols: u16, rows: u16, sink: S) -> Self {
        let lines = Lines {
            sink,
            stand_ins: StandIns::default(),
            begun: Line::default(),
            is_begun: false,
            gone: 0,
            marks: VecDeque::new(),
            after: Vec::new(),
            anchors: VecDeque::new(),
            failure: None,
        };
        Self {
            parser: Parser::new(),
            terminal: terminal(cols, rows),
            lines,
            full: None,
            waiting: Vec::new(),
            is_sent_home: false,
            modes: Modes::default(),
        }
    }

    /// Takes the next event, `at` this time in the session; only output and sizes count.
    ///
    /// # Errors
    ///
    /// If a line cannot be written.
    pub fn event(&mut self, event: &Event, at: Duration) -> io::Result<()> {
        match event {
            Event::Output(bytes) => self.output(bytes, at),
            Event::Resize { cols, rows } => self.resize(*cols, *rows),
            Event::Marker(_)
            | Event::Exit(_)
            | Event::Broken { .. }
            | Event::Torn { .. }
            | Event::Other(_) => {}
        }
        self.lines.failure.take().map_or(Ok(()), Err)
    }

    /// Puts an item where the cursor is: before its line if that is yet to be written, else after.
    pub fn item(&mut self, item: Item) {
        if self.terminal.active_screen_kind() == ScreenKind::Alternate {
            self.waiting.push(item);
            return;
        }
        let cursor = self.terminal.cursor();
        let side = if cursor.col == 0 { Side::Before } else { Side::After };
        let item = match item {
            Item::Note(text) if side == Side::After => {
                Item::Note(format!("in the line above: {text}"))
            }
            item => item,
        };
        let row = self.lines.gone + cursor.row as u64;
        // A cursor that went up again: never before what is there already.
        let row = self.lines.marks.back().map_or(row, |last| last.row.max(row));
        self.lines.marks.push_back(Mark { row, side, item });
    }

    /// Returns the terminal's columns and rows.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.terminal.size()
    }

    /// Returns the cursor's column and row; none if it is hidden.
    #[must_use]
    pub fn cursor(&self) -> Option<(usize, usize)> {
        self.terminal.cursor().position()
    }

    /// Returns the rows on the screen as they are now.
    pub fn screen(&self) -> impl Iterator<Item = Line> {
        self.terminal.screen().visible_lines().map(|row| {
            let mut line = Line::default();
            line.push(row, &self.lines.stand_ins);
            line
        })
    }

    /// Returns what brings the screen back as it is now; none within an escape sequence.
    #[must_use]
    pub fn still(&self) -> Option<Still> {
        let is_whole = self.parser.state == avt::parser::State::Ground;
        is_whole.then(|| Still {
            size: self.terminal.size(),
            dump: self.terminal.dump(),
            modes: self.modes,
        })
    }

    /// Makes the screen what it was. Lines are not handed on again.
    ///
    /// # Panics
    ///
    /// Never: a size that was in use is none of zero.
    pub fn restore(&mut self, still: &Still) {
        let (cols, rows) = still.size;
        self.parser = Parser::new();
        self.terminal = Terminal::new(cols, rows).expect("a terminal of that size was there");
        self.terminal.feed(still.dump.as_str());
        self.full = None;
        self.waiting.clear();
        self.is_sent_home = false;
        self.modes = still.modes;
    }

    /// Hands on what is on the screen, and returns the sink.
    ///
    /// # Errors
    ///
    /// If a line cannot be written.
    pub fn end(mut self, at: Duration) -> io::Result<S> {
        self.abandon_full_screen(at);
        let screen = self.terminal.primary_screen();
        let is_used = |row: &avt::Line| row.is_wrapped() || !row.text().trim().is_empty();
        let rows: Vec<bool> = screen.visible_lines().map(is_used).collect();
        let used = rows.iter().rposition(|is_used| *is_used).map_or(0, |last| last + 1);
        let marked =
            self.lines.marks.back().map_or(0, |mark| mark.row.saturating_sub(self.lines.gone));
        for row in screen.visible_lines().take(used.max(marked as usize)) {
            self.lines.row(row);
        }
        self.lines.finish();
        self.lines.failure.take().map_or(Ok(self.lines.sink), Err)
    }

    fn output(&mut self, bytes: &[u8], at: Duration) {
        for chunk in bytes.utf8_chunks() {
            self.text(chunk.valid(), at);
            for &byte in chunk.invalid() {
                // Within an escape sequence it means nothing.
                if self.parser.state == avt::parser::State::Ground {
                    let c = self.lines.stand_ins.of_byte(byte);
                    self.apply(Function::Print(c));
                }
            }
        }
    }

    fn text(&mut self, text: &str, at: Duration) {
        let mut rest = text;
        while !rest.is_empty() {
            let mut end = 0;
            if self.is_plain() {
                let run = Run::find(rest);
                end = run.end();
                if run.len() > SHORT_RUN * self.terminal.size().1 {
                    self.run(&run, at);
                    rest = &rest[end..];
                    continue;
                }
            }
            // Up to the end of the line that is not plain: then there may be another run.
            let line = memchr::memchr(b'\n', &rest.as_bytes()[end..]);
            end = line.map_or(rest.len(), |line| end + line + 1);
            self.characters(&rest[..end], at);
            rest = &rest[end..];
        }
    }

    /// Says whether plain lines would be drawn as they are, from here on.
    fn is_plain(&self) -> bool {
        self.modes.are_plain()
            && self.full.is_none()
            && self.terminal.active_screen_kind() == ScreenKind::Primary
            && self.parser.state == avt::parser::State::Ground
            && self.terminal.cursor().col == 0
            && self.terminal.size().1 > 1
    }

    /// Takes more plain lines than the screen has rows: the first fill the screen, those between
    /// never come near it, and the last are on it at the end.
    fn run(&mut self, run: &Run<'_>, at: Duration) {
        let (cols, rows) = self.terminal.size();
        let last = run.len() - rows;
        self.characters(run.text(0..rows), at);
        // All of these are finished; the row of the cursor, the last one, is empty.
        let off = u16::try_from(rows - 1).unwrap_or(u16::MAX);
        self.terminal.execute_with([Function::Su(off), Function::Cup(1, 1)], &mut self.lines);
        for line in run.lines(rows..last) {
            let (rows, line) = laid_out(line, cols);
            self.lines.plain(line, rows);
        }
        self.characters(run.text(last..run.len()), at);
    }

    fn characters(&mut self, text: &str, at: Duration) {
        for c in text.chars() {
            if let Some(function) = self.parser.feed(c) {
                self.execute(function, at);
            }
        }
    }

    fn execute(&mut self, function: Function, at: Duration) {
        self.modes.follow(&function, self.full.is_some(), self.terminal.size().1);
        let was_sent_home = self.is_sent_home;
        self.is_sent_home = matches!(function, Function::Cup(0 | 1, 0 | 1));
        match function {
            // A terminal shows nothing for it; the emulator would.
            Function::Print('\u{7f}') => {}
            Function::Print(c) if c < '\u{300}' => self.apply(Function::Print(c)),
            Function::Print(c) if has_no_cell(c) => {
                // What is not seen on a terminal, or changes the order of letters, is not told.
                if is_joined(c) {
                    self.mark(c);
                }
            }
            Function::Print(c) => {
                let c = self.lines.stand_ins.of_char(c);
                self.apply(Function::Print(c));
            }
            Function::Decset(ref modes) if modes.as_slice().iter().any(is_alternate) => {
                if self.full.is_none() {
                    let mode = modes.as_slice().iter().copied().find(is_alternate);
                    let mode = mode.unwrap_or(DecMode::AltScreenBuffer);
                    self.full = Some(Full::new(self.terminal.size(), mode, at));
                }
                self.terminal.execute_with(function, &mut self.lines);
            }
            Function::Decrst(ref modes) if modes.as_slice().iter().any(is_alternate) => {
                self.leave_full_screen(function, at);
            }
            Function::Ris => {
                self.abandon_full_screen(at);
                // What stood there scrolls off.
                self.apply(Function::Ed(EdScope::All));
                self.apply(function);
            }
            // More than fills the screen would only take time.
            Function::Rep(count) => {
                let (cols, rows) = self.terminal.size();
                let most = u16::try_from(cols * rows).unwrap_or(u16::MAX);
                self.apply(Function::Rep(count.min(most)));
            }
            // How some terminals are cleared: from the first cell on.
            Function::Ed(EdScope::Below) if was_sent_home && self.full.is_none() => {
                self.apply(Function::Ed(EdScope::All));
            }
            function => self.apply(function),
        }
    }

    fn apply(&mut self, function: Function) {
        if let Some(full) = &mut self.full {
            full.apply(&function, &self.lines.stand_ins);
        }
        self.terminal.execute_with(function, &mut self.lines);
    }

    /// Puts a combining mark on the character before the cursor; the emulator would give it a
    /// cell of its own.
    fn mark(&mut self, mark: char) {
        let cursor = self.terminal.cursor();
        let screen = self.terminal.screen();
        let Some(cells) = screen.line(cursor.row).map(avt::Line::cells) else { return };
        // The second half of a wide character has no width of its own.
        let before = cells[..cursor.col.min(cells.len())].iter().rposition(|it| it.width() > 0);
        let Some(before) = before else { return };
        if let Some(c) = self.lines.stand_ins.with_mark(cells[before].char(), mark) {
            self.apply(Function::Cha(u16::try_from(before + 1).unwrap_or(u16::MAX)));
            self.apply(Function::Print(c));
        }
    }

    fn resize(&mut self, cols: u16, rows: u16) {
        if cols == 0 || rows == 0 {
            return;
        }
        let size = (usize::from(cols.min(MOST.0)), usize::from(rows.min(MOST.1)));
        if let Some(full) = &mut self.full {
            full.terminal.resize(size.0, size.1);
        }
        // Rows change their numbers where long lines are wrapped anew.
        let gone = self.lines.gone;
        for mark in &mut self.lines.marks {
            let row = isize::try_from(mark.row.saturating_sub(gone)).unwrap_or(0);
            let position = Position { screen: ScreenKind::Primary, col: 0, row };
            self.lines.anchors.push_back(self.terminal.anchor_at(position));
            mark.row = u64::MAX;
        }
        self.terminal.resize_with(size.0, size.1, &mut self.lines);
        // They stay in order, also those whose row is gone.
        let mut least = self.lines.gone;
        for (mark, anchor) in self.lines.marks.iter_mut().zip(self.lines.anchors.drain(..)) {
            let row = anchor.and_then(|anchor| self.terminal.resolve(&anchor));
            let row = row.map_or(0, |row| row.row.max(0) as u64);
            least = least.max(self.lines.gone + row);
            mark.row = least;
        }
    }

    /// Leaves a full screen whose program did not.
    fn abandon_full_screen(&mut self, at: Duration) {
        if let Some(full) = &self.full {
            let leave = Function::Decrst(vec![full.mode].into());
            self.leave_full_screen(leave, at);
        }
    }

    /// Takes what the full-screen program has shown, and lets the terminal leave it.
    fn leave_full_screen(&mut self, function: Function, at: Duration) {
        let shown = self.full.take().map(|full| full.finish(&self.lines.stand_ins, at));
        self.terminal.execute_with(function, &mut self.lines);
        if let Some(shown) = shown.flatten() {
            self.item(shown);
        }
        for item in std::mem::take(&mut self.waiting) {
            self.item(item);
        }
    }
}

impl<S: Sink> Lines<S> {
    /// Takes a line that never was on the screen, of so many rows.
    fn plain(&mut self, line: &str, rows: usize) {
        self.begun.set(line);
        self.gone += rows as u64;
        self.end_line();
    }

    /// Takes a row for good.
    fn row(&mut self, row: &avt::Line) {
        while self.marks.front().is_some_and(|mark| mark.row <= self.gone) {
            let Some(mark) = self.marks.pop_front() else { break };
            if mark.side == Side::Before && !self.is_begun {
                self.pass(mark.item);
            } else {
                self.after.push(mark.item);
            }
        }
        self.gone += 1;
        self.begun.push(row, &self.stand_ins);
        self.is_begun = true;
        if !row.is_wrapped() {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        if self.failure.is_none() {
            self.failure = self.sink.line(&self.begun).err();
        }
        self.begun.clear();
        self.is_begun = false;
        for item in std::mem::take(&mut self.after) {
            self.pass(item);
        }
    }

    fn pass(&mut self, item: Item) {
        if self.failure.is_none() {
            self.failure = self.sink.item(item).err();
        }
    }

    /// Hands on what is left.
    fn finish(&mut self) {
        if self.is_begun {
            self.end_line();
        }
        while let Some(mark) = self.marks.pop_front() {
            self.pass(mark.item);
        }
    }
}

impl<S: Sink> Observer for Lines<S> {
    type Output = ();

    fn evicted(&mut self, context: &mut Observation<'_>, line: &avt::Line) {
        let mut marks = 0;
        while let Some(anchor) = self.anchors.front() {
            if anchor.as_ref().is_some_and(|anchor| context.resolve(anchor).is_some()) {
                break;
            }
            // It went with this row.
            self.anchors.pop_front();
            marks += 1;
        }
        for mark in self.marks.iter_mut().take(marks) {
            mark.row = self.gone;
        }
        self.row(line);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

fn is_alternate(mode: &DecMode) -> bool {
    matches!(mode, DecMode::AltScreenBuffer | DecMode::SaveCursorAltScreenBuffer)
}

fn terminal(cols: u16, rows: u16) -> Terminal {
    let (default_cols, default_rows) = DEFAULT_SIZE;
    let cols = if cols == 0 { default_cols } else { cols };
    let rows = if rows == 0 { default_rows } else { rows };
    Terminal::new(cols.min(MOST.0).into(), rows.min(MOST.1).into()).expect("neither is zero")
}
