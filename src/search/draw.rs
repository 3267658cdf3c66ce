//! The model as rows of a screen.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::finder::Found;
use super::layout::Layout;
use super::model::{Model, Preview, Progress};
use crate::record::imported;
use crate::store::{Statement, Terms};
use crate::ui::theme::{Style, Theme};
use crate::ui::visible::{self, Kind};
use crate::ui::wrap;

/// Of a statement's text, so much is looked at for one row.
const ROW_BYTES: usize = 4096;

/// Rows of the preview that a statement may have before its output begins.
const STATEMENT_ROWS: usize = 200;

/// What the keys do, the most wanted first.
const KEYS: &str = "Enter prints  Tab edits  ^Y copies  ^R scope  ^O outputs  Esc ends";

/// What a row is drawn with.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) theme: Theme,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
}

/// One screen: as many rows as it has, none wider than it, and where the cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) rows: Vec<String>,
    /// Column and row.
    pub(super) cursor: (usize, usize),
}

/// Draws. Moves the list and the preview so that what matters is in view.
pub(super) fn frame(model: &mut Model, layout: Layout, look: &Look) -> Frame {
    let terms = Terms::new(model.line.text());
    model.scroll(layout.list.1);
    let list = list(model, layout, &terms, look);
    let preview = preview(model, layout, &terms, look);
    let mut rows = Vec::with_capacity(layout.rows);
    if layout.is_beside() {
        for (left, right) in list.iter().zip(&preview) {
            let mut row = left.padded(layout.list.0);
            row.push(' ');
            look.theme.paint(&mut row, Style::Faint, "│");
            row.push(' ');
            row.push_str(&right.text);
            rows.push(row);
        }
    } else {
        if layout.preview.1 > 0 {
            rows.extend(preview.into_iter().map(|row| row.text));
            let mut line = String::new();
            look.theme.paint(&mut line, Style::Faint, &"─".repeat(layout.cols));
            rows.push(line);
        }
        rows.extend(list.into_iter().map(|row| row.text));
    }
    if layout.has_status {
        rows.push(status(model, layout.cols, look.theme));
    }
    let sign = if layout.cols > 8 { "> " } else { "" };
    let (typed, column) = model.line.view(layout.cols - sign.len());
    rows.push(format!("{sign}{typed}"));
    Frame { cursor: (sign.len() + column, rows.len() - 1), rows }
}

/// A row and how wide it is.
#[derive(Default)]
struct Row {
    text: String,
    width: usize,
}

impl Row {
    /// Adds text that is visible already, cut to the width that is left.
    fn add(&mut self, width: usize, theme: Theme, style: Style, text: &str) {
        let text = visible::cut(text, width.saturating_sub(self.width));
        theme.paint(&mut self.text, style, &text);
        self.width += visible::width(&text);
    }

    fn padded(&self, width: usize) -> String {
        self.text.clone() + &" ".repeat(width.saturating_sub(self.width))
    }
}

/// The statements, the newest and best at the bottom.
fn list(model: &Model, layout: Layout, terms: &Terms, look: &Look) -> Vec<Row> {
    let (cols, rows) = layout.list;
    let shown = model.found.iter().enumerate().skip(model.first).take(rows);
    let mut list: Vec<Row> = shown
        .map(|(index, statement)| list_row(statement, index == model.selected, cols, terms, look))
        .collect();
    if list.is_empty() && rows > 0 {
        let mut row = Row::default();
        row.add(cols, look.theme, Style::Faint, nothing(model));
        list.push(row);
    }
    list.resize_with(rows, Row::default);
    list.reverse();
    list
}

/// What stands in place of an empty list.
fn nothing(model: &Model) -> &str {
    match &model.progress {
        Progress::Failed(why) => why,
        Progress::Stale | Progress::Running => "",
        Progress::Done(_) if model.is_indexing => "  Nothing yet; reading the recordings.",
        Progress::Done(_) => "  No statement matches.",
    }
}

fn list_row(
    statement: &Statement,
    is_selected: bool,
    cols: usize,
    terms: &Terms,
    look: &Look,
) -> Row {
    let theme = look.theme;
    let mut row = Row::default();
    let (plain, matching) = if is_selected {
        (Style::Selected, Style::SelectedMatch)
    } else {
        (Style::Plain, Style::Match)
    };
    row.add(cols, theme, Style::Strong, if is_selected { "> " } else { "  " });
    if cols >= 30 {
        // Of what was imported nobody may know the time.
        let known = imported::known(statement.time);
        let ago = known.map_or_else(|| "?".to_owned(), |time| ago(look.now.duration_since(time)));
        row.add(cols, theme, Style::Faint, &format!("{ago:>4} "));
    }
    if cols >= 50 {
        let name = visible::cut(&statement.target, cols / 5);
        let width = visible::width(&name);
        row.add(cols, theme, Style::Tier(statement.tier), &name);
        row.add(cols, theme, Style::Plain, &" ".repeat((cols / 5).saturating_sub(width) + 1));
    }
    if cols >= 24 {
        let (sign, style) = sign(statement);
        row.add(cols, theme, style, sign);
        row.add(cols, theme, Style::Plain, " ");
    }
    let text = one_line(&statement.text);
    let text = around_match(&text, terms, cols.saturating_sub(row.width));
    // A cut may take the end of a match with it.
    let text = visible::cut(&text, cols.saturating_sub(row.width));
    highlight(&mut row, cols, theme, (plain, matching), &text, terms);
    row
}

/// Adds text with what matches in it made out.
fn highlight(
    row: &mut Row,
    cols: usize,
    theme: Theme,
    (plain, matching): (Style, Style),
    text: &str,
    terms: &Terms,
) {
    let mut at = 0;
    for (start, end) in terms.places(text) {
        row.add(cols, theme, plain, &text[at..start]);
        row.add(cols, theme, matching, &text[start..end]);
        at = end;
    }
    row.add(cols, theme, plain, &text[at..]);
}

/// What became of a statement, in one sign; the preview has it in words.
fn sign(statement: &Statement) -> (&'static str, Style) {
    match (statement.answer.as_deref(), statement.verdict.as_str()) {
        (Some("cancelled"), _) => ("x", Style::Strong),
        _ if statement.error.is_some() => ("E", Style::Warning),
        (Some(_), _) => ("!", Style::Strong),
        (None, "hold" | "deny") => ("x", Style::Strong),
        (None, _) => (" ", Style::Plain),
    }
}

/// How long ago, in four columns at most.
fn ago(ago: SignedDuration) -> String {
    let seconds = ago.as_secs().max(0);
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, _) => format!("{hours}h"),
        (days @ 0..=999, ..) => format!("{days}d"),
        (days, ..) => format!("{}y", days / 365),
    }
}

/// Folds the beginning of a text to one line that moves no cursor.
fn one_line(text: &str) -> String {
    let beginning = &text[..text.floor_char_boundary(ROW_BYTES)];
    let words: Vec<&str> = beginning.split_whitespace().collect();
    visible::one_line(&words.join(" "))
}

/// Leaves out what stands before the first match if that would not be in view.
fn around_match(text: &str, terms: &Terms, width: usize) -> String {
    let Some(&(start, end)) = terms.places(text).first() else {
        return text.to_owned();
    };
    if visible::width(&text[..end]) <= width.saturating_sub(1) {
        return text.to_owned();
    }
    let mut from = text.ceil_char_boundary(start.saturating_sub(width / 3));
    if let Some(space) = text[from..start].find(' ') {
        from += space;
    }
    format!("…{}", &text[from..])
}

/// What the selected statement is, and what it printed.
fn preview(model: &mut Model, layout: Layout, terms: &Terms, look: &Look) -> Vec<Row> {
    let (cols, rows) = layout.preview;
    let mut shown: Vec<Row> = Vec::new();
    if rows > 0
        && let Some(statement) = model.selected()
    {
        let head = head(statement, cols, look);
        let output = match &model.preview {
            Preview::Pending => Vec::new(),
            Preview::Unreadable(why) => vec![why.clone()],
            Preview::Lines(lines) if lines.is_empty() => vec!["(nothing was printed)".to_owned()],
            Preview::Lines(lines) => lines.clone(),
        };
        let all = head.len() + output.len();
        let is_by_output = model.is_in_output && !terms.is_empty();
        if is_by_output && !model.is_preview_moved && !terms.is_in(&statement.text) {
            // What was searched for is in what it printed: it has to be seen.
            let line = output.iter().position(|line| !terms.places(line).is_empty());
            model.preview_top = line.map_or(0, |line| (head.len() + line).saturating_sub(rows / 2));
        }
        model.preview_top = model.preview_top.min(all.saturating_sub(rows));
        let output = output.iter().map(|line| {
            let mut row = Row::default();
            let line = visible::cut(line, cols);
            let style = (Style::Plain, if is_by_output { Style::Match } else { Style::Plain });
            highlight(&mut row, cols, look.theme, style, &line, terms);
            row
        });
        shown.extend(head.into_iter().chain(output).skip(model.preview_top).take(rows));
    }
    shown.resize_with(rows, Row::default);
    shown
}

/// When, where, what became of it, and the statement.
fn head(statement: &Statement, cols: usize, look: &Look) -> Vec<Row> {
    let theme = look.theme;
    let mut first = Row::default();
    let time = imported::known(statement.time).map_or_else(
        || "imported".to_owned(),
        |time| time.to_zoned(look.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    );
    first.add(cols, theme, Style::Faint, &format!("{time}  "));
    let target = visible::one_line(&statement.target);
    first.add(cols, theme, Style::Tier(statement.tier), &target);
    let place = format!("  {}  {} #{}", statement.tier, statement.session, statement.n);
    first.add(cols, theme, Style::Faint, &place);
    let mut second = Row::default();
    second.add(cols, theme, Style::Strong, &outcome(statement));
    let mut rows = vec![first];
    if second.width > 0 {
        rows.push(second);
    }
    let source = wrap::source(&statement.text, "", cols, STATEMENT_ROWS, theme);
    rows.extend(source.into_iter().map(|row| Row { text: row.text, width: cols }));
    rows.push(Row::default());
    rows
}

/// What became of a statement, in words; empty if it only ran.
fn outcome(statement: &Statement) -> String {
    let mut words = Vec::new();
    match (statement.verdict.as_str(), &statement.answer) {
        ("allow", None) => {}
        (verdict, None) => words.push(verdict.to_owned()),
        (_, Some(answer)) => words.push(answer.clone()),
    }
    if let Some(rule) = statement.rule.as_ref().filter(|_| statement.verdict != "allow") {
        words.push(rule.clone());
    }
    words.extend(statement.reason.as_ref().map(|reason| format!("reason: {reason}")));
    words.extend(statement.error.as_ref().map(|error| format!("error {error}")));
    words.extend(statement.rows.map(|rows| match rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    }));
    words.extend(statement.duration_ms.map(|duration| format!("{duration} ms")));
    visible::one_line(&words.join(", "))
}

/// How many, of what, and what the keys do.
fn status(model: &Model, cols: usize, theme: Theme) -> String {
    let mut row = Row::default();
    let count = model.found.len();
    let more = match model.progress {
        Progress::Done(Found::All) => "",
        Progress::Done(_) => "+",
        Progress::Stale | Progress::Running | Progress::Failed(_) => "…",
    };
    let mut what = String::new();
    // Writing to a string cannot fail.
    let _ = write!(what, "{count}{more} in {}", model.scope.words());
    if model.is_in_output {
        what.push_str(" + outputs");
    }
    if model.is_indexing {
        what.push_str(", indexing");
    }
    row.add(cols, theme, Style::Strong, &what);
    match &model.message {
        Some(message) => row.add(cols, theme, Style::Strong, &format!("  {message}")),
        None => {
            let room = cols.saturating_sub(row.width + 2);
            row.add(cols, theme, Style::Faint, &format!("  {}", keys(room)));
        }
    }
    row.text
}

/// As many of the keys as have room.
fn keys(room: usize) -> &'static str {
    let ends = KEYS.match_indices("  ").map(|(at, _)| at).chain([KEYS.len()]);
    &KEYS[..ends.filter(|end| *end <= room).last().unwrap_or(0)]
}

/// Makes lines of what a statement printed: tabs and all made visible.
pub(super) fn lines(output: &str) -> Vec<String> {
    output.lines().map(expand).collect()
}

/// Replaces tabs by blanks to the next eighth column.
fn expand(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for glyph in visible::glyphs(line) {
        match glyph.kind {
            Kind::Text | Kind::Escaped => {
                out.push_str(&glyph.text);
                column += glyph.width;
            }
            Kind::Tab | Kind::Newline => {
                let blanks = 8 - column % 8;
                out.push_str(&" ".repeat(blanks));
                column += blanks;
            }
        }
    }
    out
}
