//! The body of a private key behind its head, line by line: a head without its end is no reason to
//! leave out what was printed after it.

use std::ops::Range;

/// So many letters without a blank are a line of a key: all but the last of a PEM file have 64.
const LINE: usize = 40;

/// A line that was wrapped has still so many.
const WRAPPED: usize = 16;

/// No key is longer.
pub(super) const KEY_BYTES: usize = 16 << 10;

/// With what the end of a private key begins.
const DASHES: &[u8] = b"-----";

/// What may stand between the head and the body; none of it is secret.
const HEADERS: [&[u8]; 7] = [
    b"Proc-Type: ",
    b"DEK-Info: ",
    b"Version: ",
    b"Comment: ",
    b"Hash: ",
    b"Charset: ",
    b"MessageID: ",
];

/// What a line behind the head of a private key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A part of the key stands there.
    Key(Range<usize>),
    /// Nothing, or a header.
    Blank,
    /// What is none of a key's.
    Other,
}

/// What stands behind a part of a key, in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// Nothing that says anything.
    Nothing,
    /// The end of the key.
    End,
    /// Something else, such as another column.
    Other,
}

/// What was seen of a body so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Body {
    /// The head's own line is over.
    has_begun: bool,
    has_short: bool,
}

impl Body {
    /// Says what a line is, its end not included. The first is what stands behind the head in its
    /// own line: another column, or all of the key.
    pub(super) fn line(&mut self, line: &[u8]) -> Line {
        let from = begin(line);
        let key = from..from + run(&line[from..]);
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if key.len() >= LINE {
            return Line::Key(key);
        }
        let is_header = HEADERS.iter().any(|header| line[from..].starts_with(header));
        if is_first || is_header || from == line.len() {
            return Line::Blank;
        }
        // The last is shorter, and alone in its cell.
        let behind = line[key.end..].trim_ascii_start();
        let is_alone =
            !key.is_empty() && (behind.starts_with(b"+|") || begin(behind) == behind.len());
        let is_more = key.len() >= WRAPPED || !std::mem::replace(&mut self.has_short, is_alone);
        if is_alone && is_more { Line::Key(key) } else { Line::Other }
    }

    /// Tells whether a line whose end has not come is none of a key's whatever follows.
    pub(super) fn is_over(mut self, line: &[u8]) -> bool {
        let text = &line[begin(line)..];
        self.has_short = false;
        self.line(line) == Line::Other
            && !HEADERS.iter().any(|header| header.starts_with(text))
            && !DASHES.starts_with(text)
    }
}

/// Says what stands behind a part of a key, up to the line's end.
pub(super) fn behind(rest: &[u8]) -> Behind {
    match &rest[begin(rest)..] {
        [] => Behind::Nothing,
        rest if rest.starts_with(DASHES) => Behind::End,
        _ => Behind::Other,
    }
}

/// Returns where the line ends that a text begins with, and where the next one begins; none where
/// its end is not there. A string may have its ends written out.
pub(super) fn line_end(text: &[u8]) -> Option<(usize, usize)> {
    memchr::memchr3_iter(b'\r', b'\n', b'\\', text).find_map(|at| match text[at..] {
        [b'\r', b'\n', ..] | [b'\\', b'n' | b'r', ..] => Some((at, at + 2)),
        [b'\r', _, ..] | [b'\n', ..] => Some((at, at + 1)),
        _ => None,
    })
}

/// Returns how many bytes of a text are a private key, from behind its head on.
pub(super) fn secret_len(text: &[u8], found: Range<usize>) -> usize {
    body_len(&text[found.start..text.len().min(found.start + KEY_BYTES)])
}

fn body_len(text: &[u8]) -> usize {
    let (mut body, mut at, mut len) = (Body::default(), 0, 0);
    while at < text.len() {
        let (end, next) = line_end(&text[at..])
            .map_or((text.len(), text.len()), |(end, next)| (at + end, at + next));
        let line = &text[at..end];
        match body.line(line) {
            Line::Key(key) => len = at + key.end,
            Line::Blank if at > 0 => {}
            // Put together of strings in one line.
            Line::Blank | Line::Other => match long_run(line) {
                Some(key) => len = at + key.end,
                None if at > 0 => break,
                None => {}
            },
        }
        at = next;
    }
    len
}

/// Returns the last run in a line that is as long as a key's lines are.
fn long_run(line: &[u8]) -> Option<Range<usize>> {
    let (mut at, mut found) = (0, None);
    while at < line.len() {
        let len = run(&line[at..]);
        if len >= LINE {
            found = Some(at..at + len);
        }
        at += len.max(1);
    }
    found
}

/// Returns how many bytes are base64.
fn run(text: &[u8]) -> usize {
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    text.iter().take_while(is_base64).count()
}

/// Returns where in a line what it says begins: behind blanks, quotes, colours, a table's border, the
/// number of the line.
fn begin(line: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        let digits = line[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        at += match byte {
            b'\x1b' => escape_len(&line[at..]),
            // The sign that a cell goes on in the next line, and not base64.
            b'+' if run(&line[at..]) == 1 => 1,
            b' ' | b'\t' | b'\r' | b'|' | b'\'' | b'"' | b',' | b'\\' => 1,
            _ if digits > 0 && matches!(line.get(at + digits), Some(b' ' | b'\t')) => digits,
            _ if line[at..].starts_with("\u{2502}".as_bytes()) => 3,
            _ => break,
        };
    }
    at
}

/// Returns how long an escape sequence is, or what there is of it.
fn escape_len(text: &[u8]) -> usize {
    let end = match text.get(1) {
        Some(b'[') => {
            text.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 2)
        }
        Some(b'(' | b')') => Some(2),
        _ => Some(1),
    };
    end.map_or(text.len(), |end| text.len().min(end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MkLZs3dJx8Bl+b3s";

    #[test]
    fn a_body_ends_where_something_else_begins() {
        let secret = |line: &str| line.replace("FULL", FULL);
        for (text, expected) in [
            ("\nFULL\nFULL\nabcd==\n", "\nFULL\nFULL\nabcd=="),
            ("\nFULL\nrow 1 of useful output\nFULL", "\nFULL"),
            (
                "\r\nProc-Type: 4,ENCRYPTED\r\n\r\nFULL\r\nERROR:  no\r\n",
                "\r\nProc-Type: 4,ENCRYPTED\r\n\r\nFULL",
            ),
            (
                "       +\r\n     | FULL+\r\n     | ab==     +\r\n     | -----END",
                "       +\r\n     | FULL+\r\n     | ab==",
            ),
            ("\\nFULL\\nab==\\n-----END", "\\nFULL\\nab=="),
            ("\n\x1b[2;1H\x1b[34m  2 \x1b[mFULL\x1b[K\n~\n", "\n\x1b[2;1H\x1b[34m  2 \x1b[mFULL"),
            (
                "\nMIIEpAIBAAKCAQEA0Z3V\nS5JJcds3xfnygWyF8Pb\nabcd\nls",
                "\nMIIEpAIBAAKCAQEA0Z3V\nS5JJcds3xfnygWyF8Pb\nabcd",
            ),
            ("' || chr(10) || 'FULL', id from families", "' || chr(10) || 'FULL"),
            ("FULL-----END", "FULL"),
            ("   +| ann\r\n FULL+| b c\r\n ab== +| c\r\n", "   +| ann\r\n FULL+| b c\r\n ab=="),
            ("' as begin, id from families", ""),
            ("\r\norders=> select 1;\r\n", ""),
            ("\n\n", ""),
            ("", ""),
        ] {
            let text = secret(text);
            assert_eq!(&text[..body_len(text.as_bytes())], secret(expected), "{text}");
        }
    }

    #[test]
    fn a_line_that_has_begun_is_told_early_only_where_nothing_can_change_it() {
        let mut body = Body::default();
        assert!(!body.is_over(b"') or more"));
        body.line(b"')");
        for line in [">>> ", "orders=> ", "row 1", "In [2]: ", "(1 row)", "Proc-Typ "] {
            assert!(body.is_over(line.as_bytes()), "{line}");
        }
        for line in [
            "",
            "  ",
            "MIIE",
            "MIIE  ",
            "Proc-Ty",
            "Proc-Type: 4,",
            "\x1b[3",
            "12 ",
            "---",
            "abcd\\",
        ] {
            assert!(!body.is_over(line.as_bytes()), "{line}");
        }
    }
}
