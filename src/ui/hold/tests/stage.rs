//! An emulated terminal with a dialogue on it.

use super::*;

/// The client's line below which the dialogue is drawn.
pub(super) const CLIENT: &str = "orders=# delete from families;";

/// A terminal with a dialogue on it.
pub(super) struct Stage {
    pub(super) terminal: avt::Terminal,
    pub(super) dialogue: Dialogue,
    pub(super) now: Duration,
}

impl Stage {
    pub(super) fn open(question: Question) -> Self {
        let (cols, rows) = question.size;
        let mut terminal = avt::Terminal::with_scrollback(cols.into(), rows.into(), None)
            .expect("the size is positive");
        terminal.feed(CLIENT);
        let (dialogue, draw) = Dialogue::open(question, Duration::ZERO);
        let mut stage = Self { terminal, dialogue, now: Duration::ZERO };
        stage.draw(&draw);
        stage
    }

    pub(super) fn draw(&mut self, bytes: &[u8]) {
        self.terminal.feed(std::str::from_utf8(bytes).expect("the drawing is text"));
    }

    pub(super) fn type_in(&mut self, keys: &str) -> Option<Event> {
        for (silence, bytes) in typed(keys) {
            let end = self.now + silence;
            self.wait(end - self.now);
            let step = self.dialogue.feed(&bytes, self.now);
            self.draw(&step.draw);
            if step.event.is_some() {
                return step.event;
            }
        }
        None
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.dialogue.next_deadline().filter(|due| *due <= end) {
            let step = self.dialogue.tick(due);
            self.draw(&step.draw);
        }
        self.now = end;
    }

    pub(super) fn impact(&mut self, figures: &[&str]) {
        let figures = figures.iter().map(|figure| (*figure).to_owned()).collect();
        let draw = self.dialogue.set_impact(figures);
        self.draw(&draw);
    }

    pub(super) fn resize(&mut self, cols: u16, rows: u16) {
        self.terminal.resize(cols.into(), rows.into());
        let draw = self.dialogue.resize(cols, rows);
        self.draw(&draw);
    }

    /// The visible rows without trailing blanks, the cursor as `█`.
    pub(super) fn screen(&self) -> String {
        let cursor = self.terminal.cursor();
        let (column, row) = cursor.position().expect("the cursor is shown");
        let mut rows: Vec<String> = self
            .terminal
            .screen()
            .visible_lines()
            .enumerate()
            .map(|(at, line)| {
                let mut text = String::new();
                for (cell_at, cell) in line.cells().iter().enumerate() {
                    if at == row && cell_at == column {
                        text.push('█');
                    } else if cell.width() > 0 {
                        text.push(cell.char());
                    }
                }
                text.trim_end().to_owned()
            })
            .collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows.join("\n")
    }

    /// All rows, scrolled away or visible, as text.
    pub(super) fn everything(&self) -> Vec<String> {
        let lines = self.terminal.screen().all_lines();
        lines.map(|line| line.text().trim_end().to_owned()).collect()
    }
}
