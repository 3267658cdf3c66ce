//! Text to rows of a known width, so that the terminal never has to wrap for us.

use std::borrow::Cow;

use super::theme::{Style, Theme};
use super::visible::{Glyph, Kind, glyphs};

/// Columns between tab stops inside a statement.
const TAB: usize = 4;

/// Styled text for one logical line; newlines inside are shown as `^J`.
pub(crate) type Spans<'a> = [(Style, &'a str)];

/// Wraps one logical line, at spaces where there are some. Rows after the first start with `hang`.
pub(crate) fn line(spans: &Spans<'_>, hang: &str, width: usize, theme: Theme) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = Row::new("");
    for (style, text) in spans {
        for glyph in glyphs(text) {
            let glyph = on_one_line(glyph);
            let style = if glyph.kind == Kind::Escaped { Style::Escaped } else { *style };
            if !row.has_room(glyph.width, width) {
                let room = width.saturating_sub(hang.len() + glyph.width);
                let rest = row.split_at_space(room);
                row.trim_end();
                rows.push(row.render(theme));
                row = Row::new(hang);
                row.extend(rest);
                if &*glyph.text == " " && row.is_bare() {
                    continue;
                }
            }
            row.push(style, glyph);
        }
    }
    rows.push(row.render(theme));
    rows
}

/// A row of a statement and where the next row starts in the source, in bytes.
#[derive(Debug)]
pub(crate) struct SourceRow {
    pub(crate) text: String,
    pub(crate) end: usize,
}

/// Wraps source text, keeping its lines; each row starts with `gutter`. Stops after `limit` rows.
pub(crate) fn source(
    text: &str,
    gutter: &str,
    width: usize,
    limit: usize,
    theme: Theme,
) -> Vec<SourceRow> {
    let mut rows = Vec::new();
    let mut row = Row::new(gutter);
    let mut end = 0;
    for mut glyph in glyphs(text) {
        if rows.len() >= limit {
            return rows;
        }
        let next = glyph.end;
        match glyph.kind {
            Kind::Newline => {
                rows.push(SourceRow { text: row.render(theme), end: next });
                row = Row::new(gutter);
            }
            Kind::Text | Kind::Escaped | Kind::Tab => {
                if glyph.kind == Kind::Tab {
                    let columns = TAB - row.columns() % TAB;
                    glyph.text = Cow::Owned(" ".repeat(columns));
                    glyph.width = columns;
                }
                if !row.has_room(glyph.width, width) {
                    rows.push(SourceRow { text: row.render(theme), end });
                    row = Row::new(gutter);
                }
                let style = if glyph.kind == Kind::Escaped { Style::Escaped } else { Style::Plain };
                row.push(style, glyph);
            }
        }
        end = next;
    }
    if rows.len() < limit && !(row.is_bare() && rows.last().is_some_and(|row| row.end == end)) {
        rows.push(SourceRow { text: row.render(theme), end });
    }
    rows
}

fn on_one_line(mut glyph: Glyph<'_>) -> Glyph<'_> {
    match glyph.kind {
        Kind::Text | Kind::Escaped => {}
        Kind::Tab => (glyph.text, glyph.width) = (Cow::Borrowed(" "), 1),
        Kind::Newline => {
            (glyph.text, glyph.width, glyph.kind) = (Cow::Borrowed("^J"), 2, Kind::Escaped);
        }
    }
    glyph
}

/// A row being filled.
struct Row<'a> {
    lead: String,
    lead_width: usize,
    glyphs: Vec<(Style, Glyph<'a>)>,
    width: usize,
}

impl<'a> Row<'a> {
    /// `lead` is ours and ASCII.
    fn new(lead: &str) -> Self {
        Self { lead: lead.to_owned(), lead_width: lead.len(), glyphs: Vec::new(), width: 0 }
    }

    fn columns(&self) -> usize {
        self.width
    }

    fn is_bare(&self) -> bool {
        self.glyphs.is_empty()
    }

    /// A bare row takes anything, else nothing would ever fit a very narrow terminal.
    fn has_room(&self, columns: usize, width: usize) -> bool {
        self.is_bare() || self.lead_width + self.width + columns <= width
    }

    fn push(&mut self, style: Style, glyph: Glyph<'a>) {
        self.width += glyph.width;
        self.glyphs.push((style, glyph));
    }

    fn extend(&mut self, glyphs: Vec<(Style, Glyph<'a>)>) {
        for (style, glyph) in glyphs {
            self.push(style, glyph);
        }
    }

    /// Takes off what stands after the last space, if that has room in the next row.
    fn split_at_space(&mut self, room: usize) -> Vec<(Style, Glyph<'a>)> {
        let Some(space) = self.glyphs.iter().rposition(|(_, glyph)| &*glyph.text == " ") else {
            return Vec::new();
        };
        let rest: usize = self.glyphs[space + 1..].iter().map(|(_, glyph)| glyph.width).sum();
        if rest > room { Vec::new() } else { self.glyphs.split_off(space + 1) }
    }

    fn trim_end(&mut self) {
        while self.glyphs.len() > 1
            && self.glyphs.last().is_some_and(|(_, last)| &*last.text == " ")
        {
            self.glyphs.pop();
        }
    }

    fn render(&self, theme: Theme) -> String {
        let mut out = self.lead.clone();
        let mut run = String::new();
        let mut style = Style::Plain;
        for (next, glyph) in &self.glyphs {
            if *next != style {
                theme.paint(&mut out, style, &run);
                run.clear();
                style = *next;
            }
            run.push_str(&glyph.text);
        }
        theme.paint(&mut out, style, &run);
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ui::visible::width;

    fn words(text: &str, columns: usize) -> Vec<String> {
        line(&[(Style::Plain, text)], "  ", columns, Theme::plain())
    }

    #[test]
    fn words_stay_whole_and_long_ones_are_cut() {
        assert_eq!(words("deletes every row", 10), ["deletes", "  every", "  row"]);
        assert_eq!(words("abcdefghijkl", 5), ["abcde", "  fgh", "  ijk", "  l"]);
        assert_eq!(words("", 5), [""]);
    }

    #[test]
    fn source_keeps_lines_and_knows_where_it_is() {
        let rows = source("ab\n\tc\ndefgh", "| ", 6, 99, Theme::plain());
        let rows: Vec<_> = rows.iter().map(|row| (row.text.as_str(), row.end)).collect();
        assert_eq!(rows, [("| ab", 3), ("|     ", 4), ("| c", 6), ("| defg", 10), ("| h", 11)]);
    }

    #[test]
    fn a_last_newline_is_no_row() {
        assert_eq!(source("a\n", "| ", 9, 99, Theme::plain()).len(), 1);
    }

    proptest! {
        #[test]
        fn rows_fit(text in any::<String>(), columns in 12_usize..90) {
            for row in words(&text, columns) {
                prop_assert!(width(&row) <= columns, "{row:?}");
            }
            for row in source(&text, "| ", columns, 99, Theme::plain()) {
                prop_assert!(width(&row.text) <= columns, "{row:?}");
            }
        }
    }
}
