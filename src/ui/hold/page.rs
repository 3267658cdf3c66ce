//! The rows of the dialogue above its prompt, made to fit the terminal.
//!
//! Every row of the statement stands behind a gutter, so that no statement can draw a line that
//! looks like one of the dialogue's own.

use std::time::Duration;

use super::{Challenge, Question, TransactionState};
use crate::target::Address;
use crate::ui::theme::{Style, Theme, tier_word};
use crate::ui::visible;
use crate::ui::wrap::{Spans, line, source};

/// In front of every row of the statement.
const GUTTER: &str = "| ";

/// In front of the second row of a long phrase.
const HANG: &str = "  ";

/// Columns of one phrase; names in it come from the statement and may be of any length.
const PHRASE: usize = 400;

/// Rows of a statement even where that means scrolling: first and last, and what is missing.
const LEAST_STATEMENT: usize = 3;

/// Rows kept free below the page: a hint, the prompt, and room for one more row of either.
const BELOW: usize = 3;

/// What is known of the impact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Impact {
    /// Nothing, and nothing will come.
    None,
    /// Being counted.
    Pending,
    /// The figures.
    Known(Vec<String>),
}

/// Columns and rows to draw in; one column stays free, where terminals differ on when to wrap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Room {
    /// A pty nobody has sized says 0 by 0.
    pub(super) fn new((cols, rows): (u16, u16)) -> Self {
        let cols = if cols == 0 { 80 } else { usize::from(cols) };
        let height = if rows == 0 { 24 } else { usize::from(rows) };
        Self { width: cols.saturating_sub(1).max(4), height }
    }
}

/// Draws everything above the hint and the prompt.
pub(super) fn page(question: &Question, impact: &Impact, room: Room, theme: Theme) -> Vec<String> {
    let mut rows = header(question, room, theme);
    let mut below = Vec::new();
    phrases(&mut below, "- ", Style::Strong, &question.reasons, room, theme);
    let impact_at = below.len();
    let mut last = Vec::new();
    closing_lines(&mut last, question, room, theme);
    // Two rows are kept for figures that may still come, so that the statement need not shrink.
    let figures = impact_rows(impact, room, theme);
    let kept = if *impact == Impact::None && !question.impact_pending { 0 } else { 2 };
    let taken = rows.len() + below.len() + last.len() + figures.len().max(kept) + BELOW;
    let budget = room.height.saturating_sub(taken).max(LEAST_STATEMENT);
    rows.extend(statement(&question.statement, room.width, budget, theme));
    below.splice(impact_at.., figures);
    rows.extend(below);
    rows.extend(last);
    rows
}

fn header(question: &Question, room: Room, theme: Theme) -> Vec<String> {
    let target = &question.target;
    let name = target.name.as_deref().map(|name| visible::cut(name, PHRASE));
    let address = visible::cut(&target.address.to_string(), PHRASE);
    let late = question.late.as_deref().map(|why| visible::cut(why, PHRASE));
    let late = late.map(|why| format!("LATE ({why})"));
    let mut spans: Vec<(Style, &str)> = vec![
        (Style::Plain, "nightlatch: held "),
        (Style::Tier(target.tier), tier_word(target.tier)),
    ];
    if let Some(name) = &name {
        spans.extend([(Style::Plain, "  "), (Style::Strong, name)]);
    }
    // A name may stand for many servers, and then for no address.
    if target.name.is_none() || target.address != Address::default() {
        spans.extend([(Style::Plain, "  "), (Style::Plain, &address)]);
    }
    spans.extend([(Style::Plain, "  "), (Style::Plain, &question.local_time)]);
    if let Some(late) = &late {
        spans.extend([(Style::Plain, " "), (Style::Warning, late)]);
    }
    prose(&spans, room, theme)
}

fn impact_rows(impact: &Impact, room: Room, theme: Theme) -> Vec<String> {
    match impact {
        Impact::None => Vec::new(),
        Impact::Pending => prose(&[(Style::Faint, "impact: counting…")], room, theme),
        Impact::Known(figures) => {
            let mut rows = Vec::new();
            phrases(&mut rows, "impact: ", Style::Plain, figures, room, theme);
            rows
        }
    }
}

fn closing_lines(rows: &mut Vec<String>, question: &Question, room: Room, theme: Theme) {
    if let Some(transaction) = question.transaction {
        let since = span(transaction.since);
        let text = match transaction.state {
            TransactionState::Open => {
                let undoes = match transaction.outlasted {
                    true => "ROLLBACK may not undo all of this",
                    false => "ROLLBACK still undoes this",
                };
                format!(
                    "a transaction is open, since {since}: it holds locks while you read this; {undoes}"
                )
            }
            TransactionState::Failed => format!(
                "a transaction has failed, since {since}: it holds locks while you read this; \
                 nothing but ROLLBACK will be accepted"
            ),
        };
        rows.extend(prose(&[(Style::Warning, &text)], room, theme));
    }
    let cannot = "cannot be stopped: ";
    phrases(rows, cannot, Style::Warning, &question.beyond_reach, room, theme);
    if !question.is_recorded {
        let text = "not recorded: the history will not know of this statement";
        rows.extend(prose(&[(Style::Warning, text)], room, theme));
    }
    if question.challenge == Challenge::Yes && question.has_shape {
        let text = "(yes all: also whatever differs only in its values, for this session)";
        rows.extend(prose(&[(Style::Faint, text)], room, theme));
    }
}

/// One line for each phrase, each of three rows at most, all together a third of the screen.
fn phrases(
    rows: &mut Vec<String>,
    lead: &str,
    style: Style,
    phrases: &[String],
    room: Room,
    theme: Theme,
) {
    let most = (room.height / 3).max(2);
    let longest = PHRASE.min(room.width * 3).saturating_sub(visible::width(lead) + 3 * HANG.len());
    let mut used = 0;
    for (at, phrase) in phrases.iter().enumerate() {
        let text = visible::cut(phrase, longest.max(8));
        let new = prose(&[(Style::Plain, lead), (style, &text)], room, theme);
        let left = phrases.len() - at;
        // The row that says how many are left out takes the place of at least one of them.
        if at > 0 && used + new.len() + usize::from(left > 1) > most {
            let text = format!("and {} more", count(left));
            rows.extend(prose(&[(Style::Plain, lead), (Style::Plain, &text)], room, theme));
            return;
        }
        used += new.len();
        rows.extend(new);
    }
}

fn prose(spans: &Spans<'_>, room: Room, theme: Theme) -> Vec<String> {
    line(spans, HANG, room.width, theme)
}

/// Shows a statement in `budget` rows: all of it, or its head and its tail.
///
/// Looks only at what it shows; the rest is searched for newlines, once.
fn statement(text: &str, width: usize, budget: usize, theme: Theme) -> Vec<String> {
    let text = text.trim_end_matches(['\n', '\r', ' ', '\t']);
    let mut head = source(text, GUTTER, width, budget + 1, theme);
    if head.len() <= budget {
        return head.into_iter().map(|row| row.text).collect();
    }
    let below = (budget - 1) / 2;
    head.truncate(budget - 1 - below);
    let head_end = head.last().map_or(0, |row| row.end);
    let tail_start = tail_window(text, head_end, below, width);
    let mut tail = source(&text[tail_start..], GUTTER, width, usize::MAX, theme);
    let cut = tail.len().saturating_sub(below);
    let hidden_end = tail_start + cut.checked_sub(1).map_or(0, |last| tail[last].end);
    let tail = tail.split_off(cut);

    let mut rows: Vec<String> = head.into_iter().map(|row| row.text).collect();
    if let Some(hidden) = text.get(head_end..hidden_end).filter(|hidden| !hidden.is_empty()) {
        let lines = memchr::memchr_iter(b'\n', hidden.as_bytes()).count();
        let bytes = amount(hidden.len(), "byte");
        let text = match lines {
            0 => format!("… {bytes} not shown …"),
            _ => format!("… {} / {bytes} not shown …", amount(lines, "line")),
        };
        rows.push(visible::cut(&text, width));
    }
    rows.extend(tail.into_iter().map(|row| row.text));
    rows
}

/// Returns where to start so that at least `rows` rows follow, never before `head_end`.
fn tail_window(text: &str, head_end: usize, rows: usize, width: usize) -> usize {
    // A column is at most a letter and two marks of four bytes each, a row ends in CR LF at most.
    let bytes = rows * (width * 12 + 2);
    let mut start = text.len().saturating_sub(bytes).max(head_end);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    start
}

/// Writes `1 line`, `10,240 bytes`.
pub(super) fn amount(n: usize, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Writes a number with commas between thousands.
fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a span of time in its largest whole unit: `2 min`.
pub(super) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, width: usize, budget: usize) -> Vec<String> {
        statement(text, width, budget, Theme::plain())
    }

    #[test]
    fn a_statement_that_fits_is_whole() {
        assert_eq!(shown("delete\nfrom t;\n", 79, 3), ["| delete", "| from t;"]);
    }

    #[test]
    fn the_middle_is_counted_exactly() {
        let lines: Vec<String> = (1..=10).map(|n| format!("line {n:02};")).collect();
        insta::assert_snapshot!(shown(&lines.join("\n"), 40, 5).join("\n"), @"
        | line 01;
        | line 02;
        … 6 lines / 54 bytes not shown …
        | line 09;
        | line 10;
        ");
    }

    #[test]
    fn one_endless_line_has_a_head_and_a_tail() {
        let text = format!("select '{}'", "x".repeat(100));
        insta::assert_snapshot!(shown(&text, 22, 3).join("\n"), @"
        | select 'xxxxxxxxxxxx
        … 80 bytes not shown …
        | xxxxxxxx'
        ");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [count(0), count(999), count(1000), count(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        let spans = [5, 65, 3600 + 120].map(|s| span(Duration::from_secs(s)));
        assert_eq!(spans, ["5 s", "1 min", "1 h 2 min"]);
    }

    proptest! {
        #[test]
        fn a_statement_keeps_to_its_budget(
            text in "[a-z家\u{1b}\u{202e}\t\r\n ]{0,400}", width in 12_usize..100, budget in 3_usize..20,
        ) {
            let rows = shown(&text, width, budget);
            prop_assert!(rows.len() <= budget);
            for row in rows {
                prop_assert!(visible::width(&row) <= width);
                prop_assert!(!row.chars().any(char::is_control));
            }
        }
    }
}
