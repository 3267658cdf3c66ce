//! Tables that fit the terminal.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::theme::{Style, Theme};
use super::visible;

/// Between two columns.
const GAP: &str = "  ";

/// The last column keeps at least this, even if the line then wraps.
const LAST_MIN: usize = 20;

/// The columns before it are cut to this.
const CELL_MAX: usize = 40;

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

/// A table whose last column takes what room is left.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(&'static str, Align)>,
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
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
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
            .map(|(title, _)| Cell { text: (*title).to_owned(), style: Style::Faint })
            .collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.write_row(row, &widths, out, view.theme)?;
        }
        Ok(())
    }

    /// Returns how wide each column is.
    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().map(|row| visible::width(&row[at].text));
                cells.chain([self.columns[at].0.len()]).max().unwrap_or(0)
            })
            .collect();
        let Some(width) = width else { return widths };
        let Some((last, others)) = widths.split_last_mut() else {
            return widths;
        };
        for other in &mut *others {
            *other = (*other).min(CELL_MAX);
        }
        let used: usize = others.iter().map(|other| other + GAP.len()).sum();
        *last = (*last).min(width.saturating_sub(used).max(LAST_MIN));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Tier;

    fn table(width: Option<usize>, theme: Theme) -> String {
        let mut table =
            Table::new(&[("WHO", Align::Left), ("ROWS", Align::Right), ("TEXT", Align::Left)]);
        table.row(vec![
            Cell::new("ann"),
            Cell::new("3"),
            Cell::new("delete\n\tfrom  families where 日本語"),
        ]);
        table.row(vec![
            Cell::new("bartholomew").style(Style::Tier(Tier::Production)),
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
        insta::assert_snapshot!(table(Some(47), Theme::plain()), @r#"
        WHO          ROWS  TEXT
        ann             3  delete from families where …
        bartholomew  1200  select '^[[2J'
        "#);
    }

    #[test]
    fn a_table_for_a_file_is_whole() {
        insta::assert_snapshot!(table(None, Theme::plain()), @r#"
        WHO          ROWS  TEXT
        ann             3  delete from families where 日本語
        bartholomew  1200  select '^[[2J'
        "#);
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        assert!(!table(None, Theme::plain()).contains('\x1b'));
        assert!(table(None, Theme::new(true)).contains("mbartholomew\x1b[0m"));
    }
}
