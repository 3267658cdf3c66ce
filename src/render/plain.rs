//! Long runs of plain lines, which need no emulator: what they leave behind is what they are.

use avt::Charset;
use avt::parser::{AnsiMode, DecMode, Function, SgrOp};

/// What changes how plain text is drawn. Whatever is not certain counts as changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Modes {
    has_pen: bool,
    /// The pen that was saved on the ordinary screen, and on the other one.
    has_saved_pen: [bool; 2],
    has_margins: bool,
    has_charset: bool,
    inserts: bool,
    /// Seldom, and kept until everything is reset.
    is_odd: bool,
}

impl Modes {
    /// Says whether plain text is drawn as it is.
    pub(super) fn are_plain(&self) -> bool {
        !(self.has_pen || self.has_margins || self.has_charset || self.inserts || self.is_odd)
    }

    /// Takes what a program does, on a screen of `rows` rows.
    pub(super) fn follow(&mut self, function: &Function, is_alternate: bool, rows: usize) {
        let saved = usize::from(is_alternate);
        match function {
            Function::Sgr(ops) => {
                self.has_pen = !matches!(ops.as_slice().last(), Some(SgrOp::Reset));
            }
            Function::Decsc | Function::Scosc => self.has_saved_pen[saved] = self.has_pen,
            Function::Decrc | Function::Scorc => self.has_pen = self.has_saved_pen[saved],
            Function::Decset(modes) => {
                for mode in modes.as_slice() {
                    match mode {
                        DecMode::SaveCursor | DecMode::SaveCursorAltScreenBuffer => {
                            self.has_saved_pen[saved] = self.has_pen;
                        }
                        DecMode::Origin => self.is_odd = true,
                        DecMode::CursorKeys
                        | DecMode::AutoWrap
                        | DecMode::TextCursorEnable
                        | DecMode::AltScreenBuffer => {}
                    }
                }
            }
            Function::Decrst(modes) => {
                for mode in modes.as_slice() {
                    match mode {
                        // Back on the ordinary screen, whichever it was.
                        DecMode::SaveCursorAltScreenBuffer => {
                            self.has_pen = self.has_saved_pen[0];
                        }
                        DecMode::SaveCursor => self.has_pen = self.has_saved_pen[saved],
                        DecMode::AutoWrap => self.is_odd = true,
                        DecMode::CursorKeys
                        | DecMode::Origin
                        | DecMode::TextCursorEnable
                        | DecMode::AltScreenBuffer => {}
                    }
                }
            }
            Function::Decstbm(top, bottom) => {
                let is_whole = *bottom == 0 || usize::from(*bottom) >= rows;
                self.has_margins = *top > 1 || !is_whole;
            }
            Function::Sm(modes) => {
                self.inserts |= modes.as_slice().contains(&AnsiMode::Insert);
                self.is_odd |= modes.as_slice().contains(&AnsiMode::NewLine);
            }
            Function::Rm(modes) if modes.as_slice().contains(&AnsiMode::Insert) => {
                self.inserts = false;
            }
            Function::So => self.has_charset = true,
            Function::Gzd4(charset) => self.has_charset = *charset != Charset::Ascii,
            // The second set may still be on.
            Function::Si => self.is_odd |= self.has_charset,
            Function::Decstr => {
                // It resets the pen, but not all of the rest.
                self.is_odd |= !self.are_plain();
                self.has_pen = false;
                self.has_saved_pen[saved] = false;
            }
            Function::Ris => *self = Self::default(),
            _ => {}
        }
    }
}

/// Lines at the start of a text that are plain, with their line ends.
#[derive(Debug)]
pub(super) struct Run<'a> {
    text: &'a str,
    /// Where each line starts, and where the last one ends.
    starts: Vec<usize>,
}

impl<'a> Run<'a> {
    /// Finds them; none if the first line is not plain.
    pub(super) fn find(text: &'a str) -> Self {
        let mut starts = vec![0];
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
            let Some(line) = text[from..end].strip_suffix('\r') else { break };
            if !is_plain(line) {
                break;
            }
            from = end + 1;
            starts.push(from);
        }
        Self { text, starts }
    }

    /// Returns how many lines there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns some of them as the text they are.
    pub(super) fn text(&self, lines: std::ops::Range<usize>) -> &'a str {
        &self.text[self.starts[lines.start]..self.starts[lines.end]]
    }

    /// Returns some of them, one by one and without their ends.
    pub(super) fn lines(&self, lines: std::ops::Range<usize>) -> impl Iterator<Item = &'a str> {
        let starts = &self.starts[lines.start..=lines.end];
        starts.windows(2).map(|ends| &self.text[ends[0]..ends[1] - 2])
    }

    /// Returns where the text goes on behind them.
    pub(super) fn end(&self) -> usize {
        self.starts[self.len()]
    }
}

/// Returns how many rows a plain line takes, and it without the blanks that no row shows.
pub(super) fn laid_out(line: &str, cols: usize) -> (usize, &str) {
    let width = if line.is_ascii() { line.len() } else { line.chars().count() };
    let rows = width.div_ceil(cols).max(1);
    // Rows before the last are kept whole.
    let blanks = line.len() - line.trim_end_matches(' ').len();
    let last = width - (rows - 1) * cols;
    (rows, &line[..line.len() - blanks.min(last)])
}

/// Says whether every character is one letter in one cell.
fn is_plain(line: &str) -> bool {
    if line.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return true;
    }
    line.chars().all(|c| matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_where_it_is_no_longer_plain() {
        let run = Run::find("a\r\n\r\nb é\r\nc\x1b[m\r\nd\r\n");
        assert_eq!((run.len(), run.end()), (3, 11));
        assert_eq!(run.lines(0..3).collect::<Vec<_>>(), ["a", "", "b é"]);
        assert_eq!(run.text(1..3), "\r\nb é\r\n");
        for none in ["", "a", "a\r", "a\n", "\ta\r\n", "日\r\n", "e\u{301}\r\n"] {
            assert_eq!(Run::find(none).len(), 0, "{none:?}");
        }
    }

    #[test]
    fn a_long_line_takes_more_rows() {
        assert_eq!(laid_out("", 3), (1, ""));
        assert_eq!(laid_out("  ", 3), (1, ""));
        assert_eq!(laid_out("abc", 3), (1, "abc"));
        assert_eq!(laid_out("abcd ", 3), (2, "abcd"));
        assert_eq!(laid_out("a    ", 3), (2, "a  "));
        assert_eq!(laid_out("éöü ", 3), (2, "éöü"));
    }
}
