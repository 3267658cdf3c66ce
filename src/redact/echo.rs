//! Secrets of a statement in an error's echo of it: in `LINE 1: …`, cut where it would not fit, and
//! in the message.
//!
//! Such a line shows the statement that is being answered and no data, so the letters of its secrets
//! are enough, and a part of them where the line was cut. The caret below goes on pointing where
//! it did.

use unicode_width::UnicodeWidthStr;

use super::{Place, Secret, mark, with_marks};

/// What is shorter is a word of anything.
const SHORTEST: usize = 4;

/// So much of a secret is known as its part where a line was cut.
const SHORTEST_CUT: usize = 3;

/// What is put where a line was cut.
const CUT: &[u8] = b"...";

/// What is longer is no echo.
const LONGEST: usize = 4 << 10;

/// No word that begins an echo is longer: `LINE`, `ERROR`, in some language.
const LONGEST_WORD: usize = 24;

/// Takes the secrets of a statement out of its echo in a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Echo {
    secrets: Vec<Secret>,
    /// A line that may be an echo, and the one below it.
    held: Vec<u8>,
    /// The last byte that came does not end a line.
    is_within: bool,
}

/// How a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// As an echo: a line of the statement stands behind so many bytes.
    Line(usize),
    /// As a message about it.
    Message,
    /// As something else.
    Other,
    /// What follows decides.
    More,
}

impl Echo {
    /// Takes note of a statement's secrets; those of the one before are answered for.
    pub(super) fn learn(&mut self, secrets: &[Secret]) {
        let lines = |(kind, secret): &Secret| -> Vec<Secret> {
            secret.split(['\r', '\n']).map(|line| (*kind, line.to_owned())).collect()
        };
        self.secrets = secrets.iter().flat_map(lines).filter(|it| it.1.len() >= SHORTEST).collect();
        // What has another within it comes first.
        self.secrets.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.len()));
    }

    /// Takes the next bytes; gives what is safe by now to `to`, in order.
    pub(super) fn feed(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        if self.secrets.is_empty() && self.held.is_empty() {
            self.is_within = bytes.last().map_or(self.is_within, |last| !is_line_end(last));
            return to(bytes);
        }
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        let taken = self.take(&text, false, to);
        self.held = text.split_off(taken);
    }

    /// Gives what is kept back: nothing goes on behind it.
    pub(super) fn end(&mut self, to: &mut dyn FnMut(&[u8])) {
        let text = std::mem::take(&mut self.held);
        self.take(&text, true, to);
    }

    /// Forgets what is kept back, and where in the output it is.
    pub(super) fn lose(&mut self) {
        self.held.clear();
        self.is_within = false;
    }

    /// Gives away as much of a text as can be; returns how much.
    fn take(&mut self, text: &[u8], is_end: bool, to: &mut dyn FnMut(&[u8])) -> usize {
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let begin = if self.is_within { Begin::Other } else { begin(rest) };
            let len = match begin {
                Begin::Line(_) => echo_len(rest),
                Begin::Message => line_len(rest),
                Begin::Other => line_len(rest).or(Some(rest.len())),
                Begin::More => None,
            };
            if len.is_none() && !is_end && rest.len() < LONGEST {
                break;
            }
            let echo = &rest[..len.unwrap_or(rest.len())];
            match begin {
                Begin::Line(from) => self.line(echo, from, to),
                Begin::Message => to(&with_marks(echo, &self.whole(echo))),
                Begin::Other | Begin::More => to(echo),
            }
            at += echo.len();
            self.is_within = !is_line_end(&text[at - 1]);
        }
        at
    }

    /// Gives a line of the statement, whose text begins at `from`, and the caret below it.
    fn line(&self, echo: &[u8], from: usize, to: &mut dyn FnMut(&[u8])) {
        let end = echo.iter().position(is_line_end).unwrap_or(echo.len());
        let (line, below) = echo.split_at(end);
        let mut places = self.whole(line);
        places.extend(self.parts(line, from));
        places.sort_by_key(|(_, place)| place.start);
        // A part is nothing where the whole stands.
        places.dedup_by(|next, one| next.1.start < one.1.end);
        to(&with_marks(line, &places));
        let (ends, caret) = below.split_at(below.iter().take_while(|it| is_line_end(it)).count());
        to(ends);
        if let Some(blanks) = caret.len().checked_sub(1) {
            to(" ".repeat(moved(line, &places, blanks)).as_bytes());
            to(b"^");
        }
    }

    /// Finds where whole secrets stand in a line, in order.
    fn whole(&self, line: &[u8]) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for (kind, secret) in &self.secrets {
            for at in memchr::memmem::find_iter(line, secret.as_bytes()) {
                let place = at..at + secret.len();
                if places.iter().all(|(_, it)| it.end <= place.start || place.end <= it.start) {
                    places.push((kind, place));
                }
            }
        }
        places.sort_by_key(|(_, place)| place.start);
        places
    }

    /// Finds the longest part of a secret at each end of a line that was cut there.
    fn parts(&self, line: &[u8], from: usize) -> Vec<Place> {
        let before = line[from..].strip_prefix(CUT);
        let from = line.len() - before.unwrap_or(&line[from..]).len();
        let behind = line[from..].strip_suffix(CUT);
        let text = behind.unwrap_or(&line[from..]);
        let till = from + text.len();
        let mut around = self.secrets.iter().filter(|_| before.and(behind).is_some());
        if let Some((kind, _)) = around.find(|(_, secret)| is_within(text, secret.as_bytes())) {
            return vec![(kind, from..till)];
        }
        let longest = |part: &dyn Fn(&str, usize) -> bool| {
            let lens = self.secrets.iter().filter_map(|(kind, secret)| {
                let mut lens = (SHORTEST_CUT..=text.len().min(secret.len())).rev();
                Some((*kind, lens.find(|len| part(secret, *len))?))
            });
            lens.max_by_key(|(_, len)| *len)
        };
        let is_end = |secret: &str, len: usize| secret.as_bytes().ends_with(&text[..len]);
        let is_begin =
            |secret: &str, len: usize| secret.as_bytes().starts_with(&text[text.len() - len..]);
        let end = before.and_then(|_| longest(&is_end));
        let begin = behind.and_then(|_| longest(&is_begin));
        let end = end.map(|(kind, len)| (kind, from..from + len));
        end.into_iter().chain(begin.map(|(kind, len)| (kind, till - len..till))).collect()
    }
}

/// Says how a line begins.
fn begin(line: &[u8]) -> Begin {
    let word = line.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80).count();
    let behind = &line[word..];
    if word == 0 || word > LONGEST_WORD {
        return Begin::Other;
    }
    if behind.starts_with(b":  ") {
        return Begin::Message;
    }
    let number = behind.strip_prefix(b" ").unwrap_or(behind);
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = &number[digits..];
    let colon = end.strip_prefix(b" ").unwrap_or(end);
    match (digits, colon) {
        (_, []) | (1.., b":") => Begin::More,
        (0, b":" | b": ") if colon.len() == behind.len() => Begin::More,
        (1.., [b':', b' ', ..]) => Begin::Line(line.len() - colon.len() + 2),
        _ => Begin::Other,
    }
}

/// Returns how long a line is, with its end; none if that has not come.
fn line_len(text: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', text).map(|end| end + 1)
}

/// Returns how long a line of a statement is, with the caret below it.
fn echo_len(text: &[u8]) -> Option<usize> {
    let line = line_len(text)?;
    let blanks = text[line..].iter().take_while(|byte| **byte == b' ').count();
    match text.get(line + blanks)? {
        b'^' => Some(line + blanks + 1),
        _ => Some(line),
    }
}

/// Returns where a caret belongs that stood behind so many blanks, once marks are in a line.
fn moved(line: &[u8], places: &[Place], caret: usize) -> usize {
    let width = |end: usize| String::from_utf8_lossy(&line[..end]).width();
    places.iter().fold(caret, |moved, (kind, place)| {
        let (start, end) = (width(place.start), width(place.end));
        if caret >= end {
            moved + mark(kind).len() - (end - start)
        } else {
            moved - caret.saturating_sub(start)
        }
    })
}

/// Tells whether what is left of a line is only the middle of a secret.
fn is_within(text: &[u8], secret: &[u8]) -> bool {
    text.len() >= SHORTEST_CUT && memchr::memmem::find(secret, text).is_some()
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(secrets: &[&str], pieces: &[&[u8]]) -> String {
        let secrets: Vec<Secret> = secrets.iter().map(|it| ("pw", (*it).to_owned())).collect();
        let (mut echo, mut out) = (Echo::default(), Vec::new());
        echo.learn(&secrets);
        for piece in pieces {
            echo.feed(piece, &mut |bytes| out.extend_from_slice(bytes));
        }
        echo.end(&mut |bytes| out.extend_from_slice(bytes));
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn an_echo_loses_secrets_and_the_caret_keeps_its_place() {
        for (secrets, text, expected) in [
            (
                &["hunter2"][..],
                "LINE 1: select f('hunter2') wheree\r\n                            ^\r\na> ",
                "LINE 1: select f('[redacted:pw]') wheree\r\n                                  ^\r\na> ",
            ),
            // Cut at its head, at its tail, within it at both.
            (
                &["LineSecretP5"],
                "LINE 1: ...cretP5 dbname=x') as é(a int) w...\n                  ^\n",
                "LINE 1: ...[redacted:pw] dbname=x') as é(a int) w...\n                         ^\n",
            ),
            (
                &["hunter2secret"],
                "LINE 1: select 42 as editedalter role a password 'hunter2secr...\n             ^\n",
                "LINE 1: select 42 as editedalter role a password '[redacted:pw]...\n             ^\n",
            ),
            (&["a secret sentence"], "LINE 1: ...secret se...\n", "LINE 1: ...[redacted:pw]...\n"),
            (&["hun\nter2!"], "LIGNE 2 : ter2!' x\n", "LIGNE 2 : [redacted:pw]' x\n"),
            (&["hunter2"], "Z\u{c4}ILE 1: hunter2\n", "Z\u{c4}ILE 1: [redacted:pw]\n"),
            (
                &["hunter2", "hunter2; x"],
                "ERROR:  syntax error at or near \"hunter2; x\"\n hunter2\n",
                "ERROR:  syntax error at or near \"[redacted:pw]\"\n hunter2\n",
            ),
            // Data, and what only looks alike.
            (
                &["orders"],
                " orders \r\norders=> select 1;\r\n",
                " orders \r\norders=> select 1;\r\n",
            ),
            (
                &["orders"],
                "x LINE 1: orders\nLINE: orders\nLINE 1 orders\n",
                "x LINE 1: orders\nLINE: orders\nLINE 1 orders\n",
            ),
            (&["abc"], "LINE 1: abc\n", "LINE 1: abc\n"),
            (
                &["hunter2"],
                "LINE 1: ...\nLINE 1: ......\nLINE 1: ",
                "LINE 1: ...\nLINE 1: ......\nLINE 1: ",
            ),
        ] {
            for at in 0..=text.len() {
                let (one, two) = text.as_bytes().split_at(at);
                assert_eq!(clean(secrets, &[one, two]), expected, "{at}");
            }
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(clean(secrets, &bytes), expected);
            assert_eq!(clean(&[], &bytes), text, "nothing is known");
        }
    }

    #[test]
    fn a_prompt_is_given_at_once() {
        let mut echo = Echo::default();
        echo.learn(&[("pw", "hunter2".to_owned())]);
        for prompt in ["orders=> ", ">>> ", "In [1]: ", "orders [primary] test> "] {
            let mut seen = 0;
            echo.feed(b"\r\n", &mut |_| {});
            echo.feed(prompt.as_bytes(), &mut |bytes| seen += bytes.len());
            assert_eq!(seen, prompt.len(), "{prompt}");
        }
        let mut seen = 0;
        echo.feed(&[b"\r\nLINE 1: ".as_slice(), &[b'x'; 9000]].concat(), &mut |it| {
            seen += it.len();
        });
        assert!(seen > 8000, "a line without an end is not kept");
    }
}
