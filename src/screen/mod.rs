//! What the user sees: a terminal emulator behind our own words.
//!
//! A draft is read off the screen, since only there all of the client's line editing has come
//! together. Best effort: what a client tells itself is always better.
#![forbid(unsafe_code)]

use avt::{Position, Terminal};

/// Most bytes of editing that are rendered; more than anyone types between two prompts.
const MAX_BYTES: usize = 256 * 1024;

/// Most rows that are remembered above the screen.
const MAX_ROWS: usize = 10_000;

/// What readline writes in place of the prompt while it searches its history.
const SEARCHES: [&str; 6] = [
    "(reverse-i-search)`",
    "(failed reverse-i-search)`",
    "(i-search)`",
    "(failed i-search)`",
    "(reverse-search)`",
    "(search)`",
];

/// Stands in what [`shown`] returns where a row is full and the next one may go on with it.
pub const JOINT: char = '\u{1}';

/// What stands after the prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// The text as the user sees it: wrapped rows are one line, rows of a multi-line draft have
    /// newlines between them. Spaces at a line's end are not told.
    pub text: String,
    /// Whether the screen had all of it. If not, `text` is what could be found.
    pub is_whole: bool,
}

/// Reads the draft off the screen.
///
/// `bytes` is what the client printed from the start of the prompt on, our marks taken out;
/// `prompt_end` is the offset behind the prompt. Where a prompt was printed more than once, as
/// readline does after Ctrl-L and completion lists, it is the end of the last one. `cols` and
/// `rows` are the terminal's size.
#[must_use]
pub fn draft(bytes: &[u8], prompt_end: usize, cols: u16, rows: u16) -> Draft {
    let prompt_end = prompt_end.min(bytes.len());
    let (before, after) = bytes.split_at(prompt_end);
    let before = &before[before.len().saturating_sub(MAX_BYTES)..];
    let late = &after[after.len().saturating_sub(MAX_BYTES)..];
    let is_cut = late.len() < after.len();

    let (cols, rows) = (usize::from(cols).max(1), usize::from(rows).max(1));
    let Ok(mut terminal) = Terminal::with_scrollback(cols, rows, Some(MAX_ROWS)) else {
        return Draft::default();
    };
    terminal.feed(&*String::from_utf8_lossy(before));
    let prompt_at = terminal.cursor_position();
    // The prompt's last character stays where it is; the draft's first may be erased.
    let anchor = terminal.anchor_at(Position { col: prompt_at.col.saturating_sub(1), ..prompt_at });
    terminal.feed(&*String::from_utf8_lossy(late));

    let resolved = anchor.and_then(|anchor| terminal.resolve(&anchor));
    let is_whole = resolved.is_some() && !is_cut;
    // Erased together with what was there: the place is still the best guess.
    let start = Position { col: prompt_at.col, ..resolved.unwrap_or(prompt_at) };
    let line = rows_from(&terminal, start.row);
    if let Some(found) = searched(&line) {
        return Draft { text: found.to_owned(), is_whole };
    }
    let text = match skip_columns(&terminal, start, cols) {
        Some(start) => text_from(&terminal, start, cols, None),
        None => String::new(),
    };
    let text = argument(&line).map_or(text, ToOwned::to_owned);
    Draft { text, is_whole }
}

/// Returns what the bytes leave on a screen, with a [`JOINT`] where a row is full and no terminal has
/// wrapped it: some line editors put signs of their own there.
#[must_use]
pub fn shown(bytes: &[u8], cols: u16, rows: u16) -> String {
    let (cols, rows) = (usize::from(cols).max(1), usize::from(rows).max(1));
    let Ok(mut terminal) = Terminal::with_scrollback(cols, rows, Some(MAX_ROWS)) else {
        return String::new();
    };
    let late = &bytes[bytes.len().saturating_sub(MAX_BYTES)..];
    terminal.feed(&*String::from_utf8_lossy(late));
    let first = terminal.screen().all_lines().count().saturating_sub(rows);
    let screen = terminal.cursor_position().screen;
    let row = isize::try_from(first).map_or(0, |above| -above);
    text_from(&terminal, Position { screen, col: 0, row }, cols, Some(JOINT))
}

/// Moves a place behind the last column to the row below.
fn skip_columns(terminal: &Terminal, start: Position, cols: usize) -> Option<Position> {
    let place =
        if start.col >= cols { Position { col: 0, row: start.row + 1, ..start } } else { start };
    let (_, rows) = terminal.size();
    (place.row < isize::try_from(rows).ok()?).then_some(place)
}

/// Returns the text from the start of a row on.
fn rows_from(terminal: &Terminal, row: isize) -> String {
    let (cols, _) = terminal.size();
    let screen = terminal.cursor_position().screen;
    text_from(terminal, Position { screen, col: 0, row }, cols, None)
}

/// Returns the text from a place to the end of the screen, rows joined where they wrapped, with `joint`
/// where it only seems that they did.
fn text_from(terminal: &Terminal, start: Position, cols: usize, joint: Option<char>) -> String {
    let screen = terminal.screen();
    let (_, rows) = terminal.size();
    let all = screen.all_lines().count();
    // Row 0 is the first on the screen; those above it are negative.
    let above = isize::try_from(all.saturating_sub(rows)).unwrap_or(0);
    let skip = usize::try_from(start.row + above).unwrap_or(0);

    let mut text = String::new();
    let mut lines = screen.all_lines().skip(skip).peekable();
    let mut from = start.col;
    while let Some(line) = lines.next() {
        let mut row = String::new();
        let mut last = 0;
        for (column, cell) in line.cells().iter().enumerate() {
            // The second half of a wide character has no width of its own.
            if column >= from && cell.width() > 0 {
                row.push(cell.char());
            }
            if cell.char() != ' ' {
                last = column + usize::from(cell.width()).max(1);
            }
        }
        let next = lines.peek().and_then(|next| next.cells().first());
        let is_next_wide = next.is_some_and(|cell| cell.width() == 2);
        let is_full = last >= cols || (is_next_wide && last + 1 == cols);
        // readline goes to the next row by itself when it redraws, so a row that is full counts
        // as wrapped.
        if line.is_wrapped() || is_full {
            if is_next_wide && last + 1 == cols && row.ends_with(' ') {
                // Where a wide character did not fit.
                row.pop();
            }
            text.push_str(&row);
            text.extend(joint.filter(|_| !line.is_wrapped()));
        } else {
            text.push_str(row.trim_end());
            text.push('\n');
        }
        from = 0;
    }
    text.truncate(text.trim_end().len());
    text
}

/// Returns what a history search has found, if one is on.
fn searched(line: &str) -> Option<&str> {
    let rest = SEARCHES.iter().find_map(|prompt| line.strip_prefix(prompt))?;
    let (_, found) = rest.split_once("': ").or_else(|| rest.split_once("':"))?;
    Some(found)
}

/// Returns what stands behind readline's count for the next key.
fn argument(line: &str) -> Option<&str> {
    let (count, rest) = line.strip_prefix("(arg: ")?.split_once(") ")?;
    count.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Streams of psql 15 with readline 8: a NUL stands where a prompt ended.
    macro_rules! recorded {
        ($name:literal, $cols:literal) => {{
            let bytes = include_bytes!(concat!("../../tests/clients/psql/drafts/", $name));
            let last = bytes.iter().rposition(|&byte| byte == 0).expect("a prompt");
            let nuls = bytes[..last].iter().filter(|&&byte| byte == 0).count();
            let clean: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
            let found = draft(&clean, last - nuls, $cols, 24);
            (found.text, found.is_whole)
        }};
    }

    fn whole(text: &str) -> (String, bool) {
        (text.to_owned(), true)
    }

    #[test]
    fn a_prompt_as_wide_as_the_terminal() {
        let before = "orders4=# ";
        let bytes = format!("{before} \rdelete fro\u{20}\rm families\u{20}\r \\watch 1");
        for rows in [24, 4] {
            let found = draft(bytes.as_bytes(), before.len(), 10, rows);
            assert_eq!(found.text, "delete from families \\watch 1");
            assert!(found.is_whole);
        }
    }

    #[test]
    fn keys_and_editing_give_the_text_on_the_screen() {
        assert_eq!(recorded!("typed", 80), whole("select 1 from b;"));
        assert_eq!(recorded!("edited", 80), whole("select 12;"));
        assert_eq!(recorded!("second_prompt", 80), whole("1;"));
        assert_eq!(recorded!("argument", 80), whole("select"));
    }

    #[test]
    fn wrapped_rows_are_one_line() {
        let text = "select 'aaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbb', 'cccccccccccccccc' \
                    from families where id = 1;";
        assert_eq!(recorded!("wrapped", 30), whole(text));
        let text = "update from families where id in (1,2,3,4,5,6) and a = 'x y z'; -- end";
        assert_eq!(recorded!("wrapped_edited", 30), whole(text));
        assert_eq!(recorded!("killed", 30), whole("select 1"));
        let text = "select 'äöü 漢字漢字漢字漢字漢字漢字é x';";
        assert_eq!(recorded!("wide", 30), whole(text));
    }

    #[test]
    fn a_redrawn_prompt_starts_again() {
        assert_eq!(recorded!("cleared", 80), whole("select 1, 2;"));
        assert_eq!(recorded!("completed", 80).0, "select * from pg_stat_all__t");
    }

    #[test]
    fn history_is_what_it_found() {
        let statement = "delete from families where name = 'x';";
        assert_eq!(recorded!("searched", 80), whole(statement));
        assert_eq!(recorded!("search_accepted", 80), whole(&format!("{statement} -- x")));
        assert_eq!(recorded!("searched_twice", 80), whole("select 'old one';"));
    }

    #[test]
    fn a_pasted_text_keeps_its_lines() {
        assert_eq!(recorded!("pasted", 80), whole("select 1,\n  2\nfrom a\nwhere b;"));
    }

    #[test]
    fn any_bytes_give_some_draft_within_bounds() {
        assert_eq!(draft(b"", 9, 0, 0), Draft { text: String::new(), is_whole: true });
        let long = "x".repeat(2 * MAX_BYTES);
        let found = draft(long.as_bytes(), 0, 80, 24);
        assert!(!found.is_whole && found.text.len() <= MAX_BYTES);
        assert_eq!(draft(b"db=# \xff\x1b[", 5, 80, 24).text, "\u{fffd}");
    }

    #[test]
    fn what_is_shown_has_joints_where_no_terminal_has_wrapped() {
        let bytes = b"old\r\n>>> abcd\\\r\nef\r\n12345678901";
        assert_eq!(shown(bytes, 9, 4), "old\n>>> abcd\\\u{1}ef\n12345678901");
        assert_eq!(shown(bytes, 9, 2), shown(bytes, 9, 4), "above the screen, too");
        assert_eq!(shown(b"", 9, 4), "");
    }

    #[test]
    fn a_prompt_that_fills_its_row_is_not_in_the_draft() {
        assert_eq!(draft(b"12345select 1", 5, 5, 4).text, "select 1");
    }
}
