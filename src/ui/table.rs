//! Tables that fit the terminal.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::target::Tier;

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
    /// Whether it shows colours.
    pub look: Look,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// Where remarks go that are no result: stderr.
    pub notes: &'a mut dyn Write,
}

/// Whether colours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Text alone.
    Plain,
    /// With colours.
    Coloured,
}

/// A colour of a cell; it never says what the text does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// The terminal's own.
    #[default]
    None,
    /// Less important.
    Dim,
    /// Staging, notices.
    Yellow,
    /// Production, errors.
    Red,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    paint: Paint,
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
        Self {
            text: fold(text),
            paint: Paint::None,
        }
    }

    /// Gives it a colour.
    #[must_use]
    pub fn paint(mut self, paint: Paint) -> Self {
        self.paint = paint;
        self
    }
}

impl Paint {
    /// Returns the colour of a tier.
    #[must_use]
    pub fn of(tier: Tier) -> Self {
        match tier {
            Tier::Production => Self::Red,
            Tier::Staging => Self::Yellow,
            Tier::Unknown | Tier::Development => Self::None,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Dim => "\x1b[2m",
            Self::Yellow => "\x1b[33m",
            Self::Red => "\x1b[31m",
        }
    }
}

impl Table {
    /// Makes an empty table.
    #[must_use]
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
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
            .map(|(title, _)| Cell {
                text: (*title).to_owned(),
                paint: Paint::Dim,
            })
            .collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.write_row(row, &widths, out, view.look)?;
        }
        Ok(())
    }

    /// Returns how wide each column is.
    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().map(|row| row[at].text.width());
                cells.chain([self.columns[at].0.width()]).max().unwrap_or(0)
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
        look: Look,
    ) -> io::Result<()> {
        let last = row.len() - 1;
        for (at, cell) in row.iter().enumerate() {
            let text = cut(&cell.text, widths[at]);
            let fill = " ".repeat(widths[at].saturating_sub(text.width()));
            let (before, after) = match self.columns[at].1 {
                Align::Right => (fill.as_str(), ""),
                Align::Left if at == last => ("", ""),
                Align::Left => ("", fill.as_str()),
            };
            let is_coloured = look == Look::Coloured && cell.paint != Paint::None;
            let (on, off) = if is_coloured {
                (cell.paint.code(), "\x1b[0m")
            } else {
                ("", "")
            };
            write!(out, "{before}{on}{text}{off}{after}")?;
            out.write_all(if at == last { b"\n" } else { GAP.as_bytes() })?;
        }
        Ok(())
    }
}

impl View<'_> {
    /// Returns a time as a person reads it, in the view's zone.
    #[must_use]
    pub fn time(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    }
}

/// Folds a text to one line that moves no cursor.
fn fold(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&harmless(word));
    }
    line
}

/// Shows control characters instead of letting them work; line ends and tabs stay.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|letter| {
                if is_harmful(letter) {
                    '\u{fffd}'
                } else {
                    letter
                }
            })
            .collect(),
    )
}

/// Cuts a text to a width, with `…` where something is missing.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let end = text
        .char_indices()
        .find(|(_, letter)| {
            used += letter.width().unwrap_or(0);
            used > width.saturating_sub(1)
        })
        .map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>, look: Look) -> String {
        let mut table = Table::new(&[
            ("WHO", Align::Left),
            ("ROWS", Align::Right),
            ("TEXT", Align::Left),
        ]);
        table.row(vec![
            Cell::new("ann"),
            Cell::new("3"),
            Cell::new("delete\n\tfrom  families where 日本語"),
        ]);
        table.row(vec![
            Cell::new("bartholomew").paint(Paint::Red),
            Cell::new("1200"),
            Cell::new("select '\x1b[2J'"),
        ]);
        let mut out = Vec::new();
        let view = View {
            width,
            look,
            zone: TimeZone::UTC,
            notes: &mut io::sink(),
        };
        table.write(&mut out, &view).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_is_cut_to_the_terminal() {
        insta::assert_snapshot!(table(Some(47), Look::Plain), @r#"
        WHO          ROWS  TEXT
        ann             3  delete from families where …
        bartholomew  1200  select '�[2J'
        "#);
    }

    #[test]
    fn a_table_for_a_file_is_whole() {
        insta::assert_snapshot!(table(None, Look::Plain), @r#"
        WHO          ROWS  TEXT
        ann             3  delete from families where 日本語
        bartholomew  1200  select '�[2J'
        "#);
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        assert!(!table(None, Look::Plain).contains('\x1b'));
        assert!(table(None, Look::Coloured).contains("\x1b[31mbartholomew\x1b[0m"));
    }
}
