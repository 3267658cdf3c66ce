//! How deep a JavaScript text nests, before anybody parses it.

use crate::lang::token::{Depth, Kind, Scan};

/// So many brackets can be open at once whatever stands between them; a text with fewer needs no
/// closer look.
const FEW: usize = 2_000;

/// Words after which a line goes on, though it could be over.
const GOES_ON: &[&str] = &["in", "instanceof", "else", "catch", "finally", "of", "as"];

/// Words whose brackets have a statement behind them.
const HEADS: &[&str] = &["if", "for", "while", "with", "await"];

/// Words after which a slash begins a regular expression.
const BEFORE_PATTERN: &[&str] =
    &["return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do"];

/// Bounds how deep the tree of a text can get.
pub(super) fn depth(text: &str) -> Depth {
    let count = |marks: &[u8]| text.bytes().filter(|byte| marks.contains(byte)).count();
    let (opened, elses) = (count(b"([{"), text.matches("else").count());
    let mut scanner = Scanner::of(text);
    scanner.run();
    let mut found = scanner.scan.most;
    // Where strings and patterns are told apart wrongly, brackets in them may have closed others.
    if opened <= FEW {
        found.levels = found.levels.max(opened);
        found.open = found.open.max(opened.min(FEW / 8));
    }
    found.levels += elses;
    found
}

/// What came last, as far as it says what a slash or a new line means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Start,
    /// A value ends here.
    Value,
    /// Something that wants another value.
    Operator,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    scan: Scan,
    last: Last,
    /// Whether the word before was one of the heads.
    is_head: bool,
    /// For each open bracket, whether it is a head's.
    heads: Vec<bool>,
}

impl<'t> Scanner<'t> {
    fn of(text: &'t str) -> Self {
        let scan = Scan::default();
        Self { text, at: 0, scan, last: Last::Start, is_head: false, heads: Vec::new() }
    }

    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut is_new_line = false;
        while let Some(&byte) = bytes.get(self.at) {
            let next = bytes.get(self.at + 1).copied().unwrap_or(0);
            let start = self.at;
            self.at += 1;
            match byte {
                b'\n' => is_new_line = true,
                byte if byte.is_ascii_whitespace() => {}
                b'/' if next == b'/' => self.skip_to(b"\n"),
                b'/' if next == b'*' => self.skip_to(b"*/"),
                b'/' if self.last != Last::Value => {
                    self.pattern();
                    self.take(Kind::Plain, Last::Value);
                }
                b'"' | b'\'' => {
                    self.string(byte);
                    self.take(Kind::Plain, Last::Value);
                }
                b'(' | b'[' | b'{' => {
                    self.heads.push(self.is_head && byte == b'(');
                    self.take(Kind::Open, Last::Operator);
                }
                b')' | b']' | b'}' => {
                    let is_head = self.heads.pop().unwrap_or(false);
                    self.take(Kind::Close, if is_head { Last::Operator } else { Last::Value });
                }
                // A semicolon ends whatever hangs together, inside of blocks too.
                b',' | b';' => self.take(Kind::Comma, Last::Operator),
                byte if is_word(byte) => {
                    let rest = &bytes[start..];
                    let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                    self.at = start + length;
                    let word = self.text.get(start..self.at).unwrap_or_default();
                    // Two values on two lines are two statements.
                    if is_new_line && self.last == Last::Value && !GOES_ON.contains(&word) {
                        self.scan.take(Kind::Comma, "");
                    }
                    let wants_more = BEFORE_PATTERN.contains(&word);
                    let last = if wants_more { Last::Operator } else { Last::Value };
                    self.take(Kind::Name, last);
                    self.is_head = HEADS.contains(&word);
                }
                // What stands in a template is read as if it were code: that only adds to it.
                b'`' => self.take(Kind::Other, Last::Operator),
                _ => self.take(Kind::Other, Last::Operator),
            }
            if !byte.is_ascii_whitespace() {
                is_new_line = false;
            }
        }
    }

    fn take(&mut self, kind: Kind, last: Last) {
        self.is_head = false;
        self.scan.take(kind, "");
        self.last = last;
    }

    fn skip_to(&mut self, end: &[u8]) {
        let rest = &self.text.as_bytes()[self.at..];
        let found = memchr::memmem::find(rest, end);
        self.at += found.map_or(rest.len(), |found| if end == b"\n" { found } else { found + 2 });
    }

    /// A string ends on its line; what does not is no string.
    fn string(&mut self, quote: u8) {
        let rest = &self.text.as_bytes()[self.at..];
        let mut is_escaped = false;
        for (index, &byte) in rest.iter().enumerate() {
            match byte {
                b'\n' if !is_escaped => return,
                byte if byte == quote && !is_escaped => {
                    self.at += index + 1;
                    return;
                }
                byte => is_escaped = byte == b'\\' && !is_escaped,
            }
        }
    }

    fn pattern(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let (mut is_escaped, mut is_in_class) = (false, false);
        for (index, &byte) in rest.iter().enumerate() {
            match byte {
                b'\n' => return,
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'[' => is_in_class = true,
                b']' => is_in_class = false,
                b'/' if !is_in_class => {
                    self.at += index + 1;
                    return;
                }
                _ => {}
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
