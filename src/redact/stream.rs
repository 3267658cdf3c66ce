//! Secrets out of what a terminal shows, as it comes: those that tell by themselves what they are,
//! such as a key's prefix or a URI's password, and those of statements that are shown again, as
//! clients do in errors and echoes. A column of passwords is data like any.
//!
//! What comes out depends on what goes in and not on how it is cut: a word that may turn out to be
//! a secret is kept back until its end has come.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind, PatternID};

use super::echo::Echo;
use super::known::Known;
use super::own::{self, Lines};
use super::pattern::{PATTERNS, Pattern};
use super::private_key::{self, Behind, Body, KEY_BYTES, Line};
use super::{Secret, mark, secrets, with_marks};

/// What a private key is called in the table.
const PRIVATE_KEY: &str = "private-key";

/// How secrets begin, by kind, and how far what follows is looked at. The patterns of the kind in
/// the table say the rest.
const BEGINS: &[(&str, Reach, &[&str])] = &[
    (PRIVATE_KEY, Reach::Head, &[HEAD]),
    ("uri-password", Reach::Word, &["://"]),
    ("aws-key", Reach::Word, &["AKIA", "ASIA"]),
    ("webhook", Reach::Word, &["hooks.slack.com/"]),
    ("jwt", Reach::Word, &["eyJ"]),
    ("bearer", Reach::Word, &["bearer ", "Bearer ", "BEARER "]),
    ("sql-password", Reach::Line, &["identified", "IDENTIFIED", "Identified"]),
    // With the patterns of `sql-password`, whose word it is too.
    (
        "password",
        Reach::Line,
        &["passw", "PASSW", "Passw", "passphrase", "pasw", "PASW", "passo", "PASSO", "\\set "],
    ),
    (
        "token",
        Reach::Word,
        &[
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "glpat-",
            "npm_",
            "xoxa-",
            "xoxb-",
            "xoxo-",
            "xoxp-",
            "xoxs-",
            "xoxr-",
            "sk_live_",
            "rk_live_",
            "pk_live_",
            "sk_test_",
            "rk_test_",
            "pk_test_",
            "whsec_",
            "xapp-",
            "AIza",
            "ya29.",
            "sk-",
            "SG.",
            "hvs.",
            "dop_v1_",
            "shpat_",
            "pypi-",
        ],
    ),
];

/// Where what may be a secret ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// At the end of a head: `-----BEGIN PRIVATE KEY-----`.
    Head,
    /// At a blank.
    Word,
    /// At the end of the line.
    Line,
}

/// No begin is longer.
const LONGEST_BEGIN: usize = 17;

/// How the head of a private key begins, and how much longer it may be.
const HEAD: &str = "-----BEGIN ";
const HEAD_BYTES: usize = 48;

/// A word is kept back for so long; what is longer is no secret but data.
const WORD_BYTES: usize = 8 << 10;

/// A secret goes on over so many ends of lines, CR and LF apart.
const MOST_LINE_ENDS: usize = 16;

/// So much of what came before is looked at, to tell a word's begin from its middle.
const BEFORE_BYTES: usize = 24;

/// Takes secrets out of a stream of bytes.
#[derive(Debug, Default)]
pub struct Stream {
    /// What the person's own patterns have still to see.
    lines: Lines,
    /// What is kept back until more has come.
    held: Vec<u8>,
    /// What was found in the statement that is answered, and in all of them.
    echo: Echo,
    known: Known,
    /// The last bytes that went out, or would have.
    before: Vec<u8>,
    /// What was seen of a private key, and how many bytes are left out, while one is.
    key: Option<(Body, usize)>,
}

/// What is known of the bytes at the begin of a text.
enum Step {
    /// So many bytes are no secret.
    Plain(usize),
    /// So many bytes are a word that may be one.
    Word(usize),
    /// A part of a private key stands in so many bytes.
    Key(Range<usize>, usize),
    /// So many bytes are left out.
    Drop(usize),
    /// What follows decides.
    More,
}

impl Stream {
    /// Takes the next bytes; gives what is safe by now to `to`, in order.
    pub fn feed(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        let mut echo = std::mem::take(&mut self.echo);
        echo.feed(bytes, &mut |bytes| self.look(bytes, to));
        self.echo = echo;
    }

    /// Takes note of what was found in a statement, which the client may show again.
    pub fn learn(&mut self, secrets: Vec<Secret>) {
        self.echo.learn(&secrets);
        self.known.learn(secrets);
    }

    /// Forgets what is kept back, and where in the output it is.
    pub fn lose(&mut self) {
        let Self { mut echo, mut known, .. } = std::mem::take(self);
        echo.lose();
        known.lose();
        *self = Self { echo, known, ..Self::default() };
    }

    fn look(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        let mut known = std::mem::take(&mut self.known);
        known.feed(bytes, &mut |bytes| self.read(bytes, to));
        self.known = known;
    }

    fn read(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        match own::own() {
            [] => self.scan(bytes, to),
            own => {
                let lines = self.lines.feed(own, bytes);
                self.scan(&lines, to);
            }
        }
    }

    fn scan(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        if self.held.is_empty() {
            let taken = self.take(bytes, IsEnd::No, to);
            self.held.extend_from_slice(&bytes[taken..]);
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let taken = self.take(&held, IsEnd::No, to);
        held.drain(..taken);
        self.held = held;
    }

    /// Gives what is kept back: something else comes now, and no word goes on behind it.
    pub fn end(&mut self, to: &mut dyn FnMut(&[u8])) {
        let mut echo = std::mem::take(&mut self.echo);
        echo.end(&mut |bytes| self.look(bytes, to));
        self.echo = echo;
        let mut known = std::mem::take(&mut self.known);
        known.end(&mut |bytes| self.read(bytes, to));
        self.known = known;
        let line = self.lines.end(own::own());
        self.scan(&line, to);
        let held = std::mem::take(&mut self.held);
        let taken = self.take(&held, IsEnd::Yes, to);
        debug_assert_eq!(taken, held.len(), "nothing is kept back at the end");
        self.key = None;
        self.before.clear();
    }

    /// Gives away as much of a text as can be; returns how much.
    fn take(&mut self, text: &[u8], is_end: IsEnd, to: &mut dyn FnMut(&[u8])) -> usize {
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            match self.step(rest, is_end) {
                Step::Plain(len) => {
                    to(&rest[..len]);
                    self.remember(&rest[..len]);
                    at += len;
                }
                Step::Word(len) => {
                    self.word(&rest[..len], to);
                    self.remember(&rest[..len]);
                    at += len;
                }
                Step::Key(key, len) => {
                    to(&rest[..key.start]);
                    to(mark(PRIVATE_KEY).as_bytes());
                    to(&rest[key.end..len]);
                    at += len;
                }
                Step::Drop(len) => at += len,
                Step::More => break,
            }
        }
        at
    }

    fn step(&mut self, rest: &[u8], is_end: IsEnd) -> Step {
        if let Some(step) = self.key_step(rest, is_end) {
            return step;
        }
        let Some(found) = begins().find(rest) else {
            let tail = if is_end == IsEnd::Yes { 0 } else { begun_len(rest) };
            return if tail == rest.len() { Step::More } else { Step::Plain(rest.len() - tail) };
        };
        if found.start() > 0 {
            return Step::Plain(found.start());
        }
        let ((_, reach, _), begin) = (BEGINS[kind_of(found.pattern())], found.end());
        let end = match reach {
            Reach::Head => head_len(&rest[begin..]),
            Reach::Line => line_len(&rest[begin..]),
            Reach::Word => rest[begin..].iter().position(|&byte| byte <= b' ' || byte == 0x7f),
        };
        match end {
            None if rest.len() < WORD_BYTES && is_end == IsEnd::No => Step::More,
            None => Step::Word(rest.len().min(WORD_BYTES)),
            Some(len) => Step::Word((begin + len).min(WORD_BYTES)),
        }
    }

    /// Within a private key: leaves its lines out; none where what follows is something else.
    fn key_step(&mut self, rest: &[u8], is_end: IsEnd) -> Option<Step> {
        let (mut body, left_out) = self.key.take_if(|(_, left_out)| *left_out < KEY_BYTES)?;
        let (end, next) = match private_key::line_end(rest) {
            Some(ends) => ends,
            None if rest.len() >= WORD_BYTES || is_end == IsEnd::Yes => (rest.len(), rest.len()),
            None if body.is_over(rest) => return None,
            None => {
                self.key = Some((body, left_out));
                return Some(Step::More);
            }
        };
        let (key, step) = match body.line(&rest[..end]) {
            Line::Blank => (0..0, Step::Plain(next)),
            Line::Key(key) => {
                let behind = private_key::behind(&rest[key.end..end]);
                let len = if behind == Behind::End { key.end } else { next };
                let is_left_out = behind == Behind::Nothing && left_out > 0;
                (key.clone(), if is_left_out { Step::Drop(len) } else { Step::Key(key, len) })
            }
            Line::Other => {
                // Its end is nothing that begins another, whatever stood before.
                self.before.clear();
                return None;
            }
        };
        self.key = Some((body, left_out + key.len()));
        Some(step)
    }

    /// Gives a word without what is secret in it.
    fn word(&mut self, word: &[u8], to: &mut dyn FnMut(&[u8])) {
        if word.starts_with(HEAD.as_bytes()) {
            to(word);
            if ["KEY-----", "KEY BLOCK-----"].iter().any(|end| word.ends_with(end.as_bytes()))
                && memchr::memmem::find(word, b"PRIVATE KEY").is_some()
            {
                self.key = Some((Body::default(), 0));
            }
            return;
        }
        let mut text = self.before.clone();
        let from = text.len();
        text.extend_from_slice(word);
        let mut kinds = [false; BEGINS.len()];
        for found in begins().find_iter(word) {
            kinds[kind_of(found.pattern())] = true;
        }
        for (row, pattern) in PATTERNS.iter().enumerate() {
            let is_there =
                kinds.iter().zip(BEGINS).any(|(is, (kind, ..))| *is && is_of(pattern, kind));
            if is_there && pattern.kind != PRIVATE_KEY {
                text = with_marks(&text, &secrets(row, &text, from));
            }
        }
        to(&text[from..]);
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.before.extend_from_slice(&bytes[bytes.len().saturating_sub(BEFORE_BYTES)..]);
        let len = self.before.len();
        self.before.drain(..len.saturating_sub(BEFORE_BYTES));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsEnd {
    No,
    Yes,
}

/// Returns where a head ends, or what is none; none if its end has not come.
fn head_len(rest: &[u8]) -> Option<usize> {
    let rest = &rest[..rest.len().min(HEAD_BYTES)];
    let line = rest.iter().position(u8::is_ascii_control);
    let end = memchr::memmem::find(&rest[..line.unwrap_or(rest.len())], b"-----");
    let is_long = (rest.len() == HEAD_BYTES).then_some(0);
    end.map(|at| at + b"-----".len()).or(line).or(is_long)
}

/// Returns how long the line is that a word stands in, from there on, with those lines after it that
/// the secret may be in; none if its end has not come.
fn line_len(rest: &[u8]) -> Option<usize> {
    let (mut first, mut end) = (0, 0);
    for line in 0..MOST_LINE_ENDS {
        end += usize::from(line > 0);
        let before = end;
        end += memchr::memchr2(b'\r', b'\n', &rest[end..])?;
        // An error points at a place in the line, which was cut off to fit.
        if rest[before..end].trim_ascii() == b"^" {
            return Some(first);
        }
        first = if line == 0 { end } else { first };
        if !is_open(&rest[..end]) {
            break;
        }
    }
    Some(end)
}

/// Tells whether what stands behind a word is nothing yet, or a string without its end.
fn is_open(rest: &[u8]) -> bool {
    let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let rest = rest[word..].trim_ascii_start();
    let quote: &[u8] = match rest {
        [] => return true,
        [b'\'', ..] => b"'",
        [b'$', b'$', ..] => b"$$",
        _ => return false,
    };
    memchr::memmem::find(&rest[quote.len()..], quote).is_none()
}

/// Finds the first begin of what may be a secret.
fn begins() -> &'static AhoCorasick {
    static BEGUN: OnceLock<AhoCorasick> = OnceLock::new();
    BEGUN.get_or_init(|| {
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(all_begins())
            .expect("a few short words")
    })
}

fn all_begins() -> impl Iterator<Item = &'static str> {
    BEGINS.iter().flat_map(|(.., begins)| begins.iter().copied())
}

/// Returns the row of the table that a begin is in.
fn kind_of(pattern: PatternID) -> usize {
    let mut before = 0;
    BEGINS
        .iter()
        .position(|(.., begins)| {
            before += begins.len();
            pattern.as_usize() < before
        })
        .unwrap_or(0)
}

/// Tells whether a pattern is one to look for where this kind begins.
fn is_of(pattern: &Pattern, kind: &str) -> bool {
    // Some kinds have another row that goes by the name of a column.
    pattern.words != "secret"
        && (pattern.kind == kind || (kind == "password" && pattern.kind == "sql-password"))
}

/// Returns how many bytes at the end may be the begin of a begin.
fn begun_len(text: &[u8]) -> usize {
    let tail = &text[text.len().saturating_sub(LONGEST_BEGIN - 1)..];
    let begun = (0..tail.len()).find(|&at| {
        is_first(tail[at])
            && all_begins().any(|begin| {
                begin.len() > tail.len() - at && begin.as_bytes().starts_with(&tail[at..])
            })
    });
    begun.map_or(0, |at| tail.len() - at)
}

/// Tells whether any begin has this as its first byte.
fn is_first(byte: u8) -> bool {
    const FIRSTS: [bool; 256] = {
        let mut firsts = [false; 256];
        let mut row = 0;
        while row < BEGINS.len() {
            let mut at = 0;
            while at < BEGINS[row].2.len() {
                firsts[BEGINS[row].2[at].as_bytes()[0] as usize] = true;
                at += 1;
            }
            row += 1;
        }
        firsts
    };
    FIRSTS[usize::from(byte)]
}

#[cfg(test)]
#[path = "stream_test.rs"]
mod tests;
