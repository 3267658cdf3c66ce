//! Tables that fit the terminal.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::theme::{Style, Theme};
use super::visible;

/// Between two columns.
const GAP: &str = "  ";

/// What the last column should have before others give way.
const LAST_WANTED: usize = 32;

/// What it should have before those give way that matter.
const LAST_NEEDED: usize = 16;

/// What it keeps even where the line is then too long.
const LAST_MIN: usize = 8;

/// What is left of a column that gives way.
const CUT_MIN: usize = 12;

/// How a command shows what it found.
pub struct View<'a> {
    /// Columns of the terminal that is written to; none if it is no terminal.
    pub width: Option<usize>,
    /// Its colours.
    pub theme: Theme,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// Where remarks go that are no result: stderr.
    pub notes: &'a mut dyn Write,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    style: Style,
}

/// Where a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// What happens to a column where the terminal is narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It stays as it is.
    Keep,
    /// It is cut first.
    Cut,
    /// It is left out next, the rightmost first.
    Drop,
    /// It is left out last, as are those that were cut, the rightmost first.
    Last,
}

/// A column: its title, where its cells stand, and what happens to it where room is short.
pub type Column = (&'static str, Align, Fit);

/// A table whose last column takes what room is left.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// Makes a cell of any text, folded to one line.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: fold(text), style: Style::Plain }
    }

    /// Gives it a look, which never says what the text does not.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl Table {
    /// Makes an empty table.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Writes the table: whole if the output is no terminal, else cut to its width.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn write(&self, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
        let widths = self.widths(view.width);
        let titles: Vec<Cell> = self
            .columns
            .iter()
            .map(|(title, ..)| Cell { text: (*title).to_owned(), style: Style::Faint })
            .collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.write_row(row, &widths, out, view.theme)?;
        }
        Ok(())
    }

    /// Returns how wide each column is; one that is left out has no width.
    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().map(|row| visible::width(&row[at].text));
                cells.chain([self.columns[at].0.len()]).max().unwrap_or(0)
            })
            .collect();
        let (Some(width), Some(last)) = (width, widths.len().checked_sub(1)) else {
            return widths;
        };
        let room = |widths: &[usize]| {
            let others = widths[..last].iter().filter(|&&other| other > 0);
            width.saturating_sub(others.map(|other| other + GAP.len()).sum())
        };
        let wanted = widths[last].min(LAST_WANTED);
        for at in 0..last {
            if self.columns[at].2 == Fit::Cut {
                let missing = wanted.saturating_sub(room(&widths));
                let least = widths[at].min(CUT_MIN);
                widths[at] = widths[at].saturating_sub(missing).max(least);
            }
        }
        for at in (0..last).rev() {
            if self.columns[at].2 == Fit::Drop && room(&widths) < wanted {
                widths[at] = 0;
            }
        }
        let needed = widths[last].min(LAST_NEEDED);
        for at in (0..last).rev() {
            let may_go = matches!(self.columns[at].2, Fit::Cut | Fit::Last);
            if may_go && room(&widths) < needed {
                widths[at] = 0;
            }
        }
        widths[last] = widths[last].min(room(&widths).max(LAST_MIN));
        widths
    }

    fn write_row(
        &self,
        row: &[Cell],
        widths: &[usize],
        out: &mut dyn Write,
        theme: Theme,
    ) -> io::Result<()> {
        let last = row.len() - 1;
        for (at, cell) in row.iter().enumerate() {
            if widths[at] == 0 {
                continue;
            }
            let text = visible::cut(&cell.text, widths[at]);
            let fill = " ".repeat(widths[at].saturating_sub(visible::width(&text)));
            let (before, after) = match self.columns[at].1 {
                Align::Right => (fill.as_str(), ""),
                Align::Left if at == last => ("", ""),
                Align::Left => ("", fill.as_str()),
            };
            let mut line = before.to_owned();
            theme.paint(&mut line, cell.style, &text);
            line.push_str(after);
            out.write_all(line.as_bytes())?;
            out.write_all(if at == last { b"\n" } else { GAP.as_bytes() })?;
        }
        Ok(())
    }
}

impl View<'_> {
    /// Returns a time as a person reads it, in the view's zone.
    #[must_use]
    pub fn time(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Returns it with its distance from UTC, where it stands alone and may be copied elsewhere.
    #[must_use]
    pub fn time_and_zone(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
    }
}

/// Folds a text to one line that moves no cursor.
fn fold(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    visible::one_line(&words.join(" "))
}

/// Makes each line of a text visible; the lines stay.
#[must_use]
pub fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(visible::one_line).collect();
    lines.join("\n")
}

/// Says how many rows a statement touched or returned.
#[must_use]
pub fn rows(count: u64) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Tier;

    fn table(width: Option<usize>, theme: Theme) -> String {
        let mut table = Table::new(&[
            ("WHO", Align::Left, Fit::Keep),
            ("TARGET", Align::Left, Fit::Cut),
            ("ROWS", Align::Right, Fit::Drop),
            ("TEXT", Align::Left, Fit::Keep),
        ]);
        table.row(vec![
            Cell::new("ann"),
            Cell::new("orders-prod, as the configuration names it"),
            Cell::new("3"),
            Cell::new("delete\n\tfrom  families where 日本語"),
        ]);
        table.row(vec![
            Cell::new("bartholomew").style(Style::Tier(Tier::Production)),
            Cell::new("?"),
            Cell::new("1200"),
            Cell::new("select '\x1b[2J'"),
        ]);
        let mut out = Vec::new();
        let view = View { width, theme, zone: TimeZone::UTC, notes: &mut io::sink() };
        table.write(&mut out, &view).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_is_cut_to_the_terminal() {
        insta::assert_snapshot!(table(Some(80), Theme::plain()), @r#"
        WHO          TARGET                       ROWS  TEXT
        ann          orders-prod, as the config…     3  delete from families where 日本…
        bartholomew  ?                            1200  select '^[[2J'
        "#);
        insta::assert_snapshot!(table(Some(50), Theme::plain()), @r#"
        WHO          TARGET        TEXT
        ann          orders-prod…  delete from families w…
        bartholomew  ?             select '^[[2J'
        "#);
    }

    #[test]
    fn no_line_is_longer_than_the_terminal() {
        for width in 40..120 {
            let table = table(Some(width), Theme::plain());
            let longest = table.lines().map(visible::width).max();
            assert!(longest <= Some(width), "{width}:\n{table}");
        }
    }

    #[test]
    fn a_table_for_a_file_is_whole() {
        insta::assert_snapshot!(table(None, Theme::plain()), @r#"
        WHO          TARGET                                      ROWS  TEXT
        ann          orders-prod, as the configuration names it     3  delete from families where 日本語
        bartholomew  ?                                           1200  select '^[[2J'
        "#);
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        assert!(!table(None, Theme::plain()).contains('\x1b'));
        assert!(table(None, Theme::new(true)).contains("mbartholomew\x1b[0m"));
    }
}
