//! Secrets out of what a terminal shows, as it comes: those that tell by themselves what they are,
//! such as a key's prefix or a URI's password, and those of statements that are shown again, as
//! clients do in errors and echoes. A column of passwords is data like any.
//!
//! What comes out depends on what goes in and not on how it is cut: a word that may turn out to be
//! a secret is kept back until its end has come.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind, PatternID};
use regex::bytes::{Regex, RegexBuilder};

use super::known::Known;
use super::own::{self, Lines};
use super::pattern::{PATTERNS, Pattern};
use super::{Secret, mark, quote};

/// How secrets begin, by kind, and how far what follows is looked at. The patterns of the kind in
/// the table say the rest.
const BEGINS: &[(&str, Reach, &[&str])] = &[
    ("private-key", Reach::Line, &["-----BEGIN "]),
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
    /// At a blank.
    Word,
    /// At the end of the line.
    Line,
}

/// No begin is longer.
const LONGEST_BEGIN: usize = 17;

/// Where a private key ends.
const KEY_END: &[u8] = b"-----END ";

/// A word is kept back for so long; what is longer is no secret but data.
const WORD_BYTES: usize = 8 << 10;

/// A secret goes on over so many ends of lines, CR and LF apart.
const MOST_LINE_ENDS: usize = 16;

/// A private key is left out for so long if its end does not come.
const KEY_BYTES: usize = 16 << 10;

/// So much of what came before is looked at, to tell a word's begin from its middle.
const BEFORE_BYTES: usize = 24;

/// Takes secrets out of a stream of bytes.
#[derive(Debug, Default)]
pub struct Stream {
    /// What the person's own patterns have still to see.
    lines: Lines,
    /// What is kept back until more has come.
    held: Vec<u8>,
    /// What was found in statements.
    known: Known,
    /// The last bytes that went out, or would have.
    before: Vec<u8>,
    /// Bytes of a private key that are left out so far, while one is.
    key: Option<usize>,
}

/// What is known of the bytes at the begin of a text.
enum Step {
    /// So many bytes are no secret.
    Plain(usize),
    /// So many bytes are a word that may be one.
    Word(usize),
    /// So many bytes are left out.
    Drop(usize),
    /// What follows decides.
    More,
}

impl Stream {
    /// Takes the next bytes; gives what is safe by now to `to`, in order.
    pub fn feed(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        let mut known = std::mem::take(&mut self.known);
        known.feed(bytes, &mut |bytes| self.read(bytes, to));
        self.known = known;
    }

    /// Takes note of what was found in a statement, which the client may show again.
    pub fn learn(&mut self, secrets: Vec<Secret>) {
        self.known.learn(secrets);
    }

    /// Forgets what is kept back, and where in the output it is.
    pub fn lose(&mut self) {
        let known = std::mem::take(&mut self.known);
        *self = Self { known, ..Self::default() };
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
                Step::Drop(len) => at += len,
                Step::More => break,
            }
        }
        at
    }

    fn step(&mut self, rest: &[u8], is_end: IsEnd) -> Step {
        if let Some(left_out) = self.key {
            return self.key_step(rest, left_out, is_end);
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
            Reach::Line => line_len(&rest[begin..]),
            Reach::Word => rest[begin..].iter().position(|&byte| byte <= b' ' || byte == 0x7f),
        };
        match end {
            None if rest.len() < WORD_BYTES && is_end == IsEnd::No => Step::More,
            None => Step::Word(rest.len().min(WORD_BYTES)),
            Some(len) => Step::Word((begin + len).min(WORD_BYTES)),
        }
    }

    /// Within a private key: leaves everything out up to its end.
    fn key_step(&mut self, rest: &[u8], left_out: usize, is_end: IsEnd) -> Step {
        let room = KEY_BYTES - left_out;
        let within = &rest[..rest.len().min(room)];
        if let Some(at) = memchr::memmem::find(within, KEY_END) {
            self.key = None;
            // Its end is nothing that begins another, whatever stood before.
            self.before.clear();
            return if at == 0 { Step::Plain(KEY_END.len()) } else { Step::Drop(at) };
        }
        if within.len() == room {
            self.key = None;
            return Step::Drop(room);
        }
        let tail = match is_end {
            IsEnd::Yes => 0,
            IsEnd::No => {
                (1..KEY_END.len()).rev().find(|&len| within.ends_with(&KEY_END[..len])).unwrap_or(0)
            }
        };
        let len = within.len() - tail;
        if len == 0 {
            return Step::More;
        }
        self.key = Some(left_out + len);
        Step::Drop(len)
    }

    /// Gives a word without what is secret in it.
    fn word(&mut self, word: &[u8], to: &mut dyn FnMut(&[u8])) {
        if word.starts_with(b"-----BEGIN ") {
            to(word);
            if word.ends_with(b"PRIVATE KEY-----") || word.ends_with(b"PRIVATE KEY-----+") {
                to(b"\r\n");
                to(mark("private-key").as_bytes());
                to(b"\r\n");
                self.key = Some(0);
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
        for (pattern, regex) in regexes() {
            if kinds
                .iter()
                .zip(BEGINS)
                .any(|(is_there, (kind, ..))| *is_there && is_of(pattern, kind))
                && let Some(clean) = replace(pattern, regex, &text, from)
            {
                text = clean;
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

/// Replaces what a pattern finds behind `from`; none if that is nothing.
fn replace(pattern: &Pattern, regex: &Regex, text: &[u8], from: usize) -> Option<Vec<u8>> {
    let mut clean = Vec::new();
    let mut copied = 0;
    for captures in regex.captures_iter(text) {
        let Some(group) = captures.iter().skip(1).flatten().next() else { continue };
        let secret = String::from_utf8_lossy(group.as_bytes());
        let is_none = secret.is_empty() || secret.starts_with("[redacted:");
        let begin = captures.get_match().start();
        if group.start() < from
            || is_none
            || !(pattern.is_secret)(&secret)
            || quote::is_behind_literal(text, begin, &group.range())
        {
            continue;
        }
        clean.extend_from_slice(&text[copied..group.start()]);
        clean.extend_from_slice(mark(pattern.kind).as_bytes());
        copied = group.end();
    }
    (copied > 0).then(|| {
        clean.extend_from_slice(&text[copied..]);
        clean
    })
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

/// The patterns of these kinds, for bytes.
fn regexes() -> &'static [(&'static Pattern, Regex)] {
    static REGEXES: OnceLock<Vec<(&'static Pattern, Regex)>> = OnceLock::new();
    REGEXES.get_or_init(|| {
        PATTERNS
            .iter()
            .filter(|pattern| pattern.kind != "private-key")
            .filter(|pattern| BEGINS.iter().any(|(kind, ..)| is_of(pattern, kind)))
            .map(|pattern| {
                let regex = RegexBuilder::new(pattern.regex)
                    .case_insensitive(true)
                    .unicode(false)
                    .build()
                    .expect("a test compiles every row of the table");
                (pattern, regex)
            })
            .collect()
    })
}

#[cfg(test)]
#[path = "stream_test.rs"]
mod tests;
