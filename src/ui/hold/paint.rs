//! Keeps rows on a terminal up to date by relative cursor movement.
//!
//! The rows never wrap by themselves (they are made to fit), so counting them tells how far up a
//! row is. Where a terminal disagrees about a width, or has wrapped rows again after a resize, it
//! shows more rows than we count: then some of our own are left standing, and nothing of the
//! client's is touched.

/// What is on the terminal now.
#[derive(Debug)]
pub(super) struct Painter {
    shown: Vec<String>,
    /// Rows above the cursor's that are ours for certain, on the screen or scrolled away.
    reach: usize,
    height: usize,
    can_move: bool,
}

impl Painter {
    /// `can_move` is false for a terminal that knows no escape sequences.
    pub(super) fn new(height: usize, can_move: bool) -> Self {
        Self { shown: Vec::new(), reach: 0, height, can_move }
    }

    pub(super) fn resize(&mut self, height: usize) {
        self.height = height;
    }

    /// Draws at the cursor, which stands at the start of a line; forgets what was shown before.
    pub(super) fn draw(&mut self, rows: Vec<String>) -> String {
        let mut out = String::new();
        if self.can_move {
            out.push_str("\x1b[J");
        }
        out.push_str(&rows.join("\r\n"));
        self.reach = rows.len().saturating_sub(1);
        self.shown = rows;
        out
    }

    /// Replaces what is shown. Rows that have left the screen stay as they are.
    pub(super) fn update(&mut self, rows: Vec<String>) -> String {
        let same = self.shown.iter().zip(&rows).take_while(|(old, new)| old == new).count();
        if same == rows.len() && same == self.shown.len() {
            return String::new();
        }
        let Some(cursor) = self.shown.len().checked_sub(1) else {
            return self.draw(rows);
        };
        if same == cursor
            && rows.len() == self.shown.len()
            && let Some(typed) = rows[cursor].strip_prefix(&self.shown[cursor])
        {
            let out = typed.to_owned();
            self.shown = rows;
            return out;
        }
        self.replace_from(same, rows)
    }

    /// Draws everything again over what is shown, after the terminal changed its size.
    pub(super) fn repaint(&mut self, rows: Vec<String>) -> String {
        if self.shown.is_empty() {
            return self.draw(rows);
        }
        if !self.can_move {
            return self.append(0, rows);
        }
        let up = self.reach.min(self.height - 1);
        let from = if up < self.reach { rows.len().saturating_sub(self.height) } else { 0 };
        self.overwrite(up, from, rows)
    }

    /// Leaves the rows standing and goes to a line of its own.
    pub(super) fn leave(&mut self) -> String {
        self.shown.clear();
        "\r\n".to_owned()
    }

    /// Draws rows from `first` on, the first that differs, which may be one beyond the last.
    fn replace_from(&mut self, first: usize, rows: Vec<String>) -> String {
        if !self.can_move {
            return self.append(first, rows);
        }
        let cursor = self.shown.len() - 1;
        // The last row is always drawn: the cursor belongs behind it.
        let first = first.min(cursor).min(rows.len().saturating_sub(1));
        let highest = self.reach.min(self.height - 1);
        if cursor - first <= highest {
            return self.overwrite(cursor - first, first, rows);
        }
        // Above that nothing can be changed: the last screenful is drawn instead, which joins what
        // has scrolled away without loss whichever of the two is longer.
        let from = rows.len().saturating_sub(self.height);
        self.overwrite(highest, from, rows)
    }

    fn overwrite(&mut self, up: usize, from: usize, rows: Vec<String>) -> String {
        let up_there = if up > 0 { format!("\x1b[{up}A") } else { String::new() };
        let out = format!("{up_there}\r\x1b[J{}", rows[from..].join("\r\n"));
        self.reach = self.reach - up + rows.len().saturating_sub(from + 1);
        self.shown = rows;
        out
    }

    /// For a terminal without movement: what has changed, once more, further down.
    fn append(&mut self, first: usize, rows: Vec<String>) -> String {
        let first = first.min(rows.len().saturating_sub(1));
        let out = format!("\r\n{}", rows[first..].join("\r\n"));
        self.shown = rows;
        out
    }
}
