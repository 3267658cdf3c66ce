//! Tokens and statement boundaries of MySQL, MariaDB and SQLite.

use super::{Ends, Flavour};
use crate::lang::token::{Kind, Statement, Token, is_word};

/// What a statement may start with whose body has semicolons of its own.
const WITH_BODY: &[&str] = &["event", "function", "package", "procedure", "trigger"];

/// How many words before the kind of a created object: `OR REPLACE DEFINER = 'a'@'b' SQL …`.
const WORDS_BEFORE_KIND: usize = 16;

/// Versions from here on are no server's.
const NO_VERSION: u64 = 99_000;

/// Versions above this are for some servers only; MariaDB passes over those of later MySQLs.
const NEWER: u64 = 50_700;

/// Splits a text into statements.
pub(super) fn statements(text: &str, flavour: Flavour, ends: Ends) -> Vec<Statement> {
    let mut splitter = Splitter {
        text,
        flavour,
        ends,
        at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
        delimiter: ";".to_owned(),
        done: Vec::new(),
        tokens: Vec::new(),
        is_doubtful: false,
        escapes_doubtful: false,
        in_hint: false,
        is_fresh_line: true,
        has_body: None,
    };
    splitter.run();
    splitter.done
}

struct Splitter<'a> {
    text: &'a str,
    flavour: Flavour,
    ends: Ends,
    at: usize,
    delimiter: String,
    done: Vec<Statement>,
    tokens: Vec<Token>,
    is_doubtful: bool,
    /// A setting under which a backslash escapes nothing was named.
    escapes_doubtful: bool,
    /// Within `/*! … */`, which the server runs.
    in_hint: bool,
    /// Nothing but spaces stands before this on its line.
    is_fresh_line: bool,
    /// Whether this statement has a body, once that is known.
    has_body: Option<bool>,
}

impl Splitter<'_> {
    fn run(&mut self) {
        while let Some(first) = self.rest().chars().next() {
            if self.skipped(first) {
                continue;
            }
            if self.tokens.is_empty() && self.took_delimiter() {
                continue;
            }
            if self.took_end() || self.took_command() {
                continue;
            }
            self.token(first);
        }
        self.finish(self.text.len());
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn byte(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(self.at + offset).copied().unwrap_or(0)
    }

    /// Skips spaces and comments.
    fn skipped(&mut self, first: char) -> bool {
        let is_mysql = self.flavour == Flavour::Mysql;
        if first.is_whitespace() || first == '\0' {
            self.at += first.len_utf8();
            self.is_fresh_line |= first == '\n';
            return true;
        }
        let is_dashes = self.rest().starts_with("--")
            && (!is_mysql || self.byte(2) <= b' ' || self.byte(2) == 0x7f);
        if is_dashes || is_mysql && first == '#' {
            let length = memchr::memchr(b'\n', self.rest().as_bytes());
            self.at += length.unwrap_or(self.rest().len());
            return true;
        }
        if self.in_hint && self.rest().starts_with("*/") {
            self.in_hint = false;
            self.at += 2;
            return true;
        }
        if !self.rest().starts_with("/*") {
            return false;
        }
        let marker = match (self.byte(2), self.byte(3)) {
            (b'!', _) if is_mysql => 3,
            (b'M', b'!') if is_mysql => 4,
            _ => 0,
        };
        let digits = self.rest()[marker..].bytes().take_while(u8::is_ascii_digit).count();
        let version = self.rest()[marker..marker + digits].parse::<u64>().unwrap_or_default();
        let is_for_some = marker == 4 || version > NEWER;
        let is_for_none = digits == 5 && version >= NO_VERSION;
        if marker > 0 && !is_for_none && !(is_for_some && self.narrows(marker + digits)) {
            // What stands in it runs, whatever version is asked for: nobody knows the server's.
            self.at += marker + digits;
            self.in_hint = true;
            return true;
        }
        match memchr::memmem::find(&self.rest().as_bytes()[2..], b"*/") {
            Some(length) => self.at += length + 4,
            None => {
                // SQLite takes it for a comment up to the end.
                if is_mysql {
                    self.push_rest();
                }
                self.at = self.text.len();
            }
        }
        true
    }

    /// Whether what stands there leaves rows out of a statement that was begun: a server that passes
    /// over it does more.
    fn narrows(&self, offset: usize) -> bool {
        let first = self.rest()[offset..].split_ascii_whitespace().next().unwrap_or_default();
        !self.tokens.is_empty() && is_word(first, &["and", "having", "limit", "where"])
    }

    /// `DELIMITER x` is for the client, up to the end of the line.
    fn took_delimiter(&mut self) -> bool {
        let is_for_client = self.flavour == Flavour::Mysql && self.ends == Ends::Client;
        let rest = self.rest();
        let named = rest.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("delimiter"));
        if !is_for_client || !named || !matches!(self.byte(9), b' ' | b'\t') {
            return false;
        }
        let line = rest.lines().next().unwrap_or_default();
        let delimiter = line[9..].split_whitespace().next().map(str::to_owned);
        self.at += line.len();
        if let Some(delimiter) = delimiter {
            self.delimiter = delimiter;
        }
        true
    }

    /// What is for the client ends with the line; in MySQL's client sooner, and the rest is SQL.
    fn took_command(&mut self) -> bool {
        // MySQL's client takes its short commands anywhere, the others where a line starts. Looked
        // at in this order, no text is looked at twice.
        let is_start = self.tokens.is_empty() && self.is_fresh_line;
        let is_short = self.flavour == Flavour::Mysql && self.byte(0) == b'\\';
        if self.ends != Ends::Client || !is_start && !is_short {
            return false;
        }
        let rest = self.rest();
        let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        let line = &rest[..end];
        if !super::command::is_command(line, self.flavour) {
            return false;
        }
        let (length, behind) = match self.flavour {
            Flavour::Mysql => super::command::ends(line, &self.delimiter),
            Flavour::Sqlite => (line.len(), 0),
        };
        let delimiter = line[..length].strip_prefix("\\d").map(|named| named.trim().to_owned());
        let range = self.at..self.at + line[..length].trim_end().len();
        let next = self.at + length + behind;
        self.finish(range.start);
        self.tokens.push(Token { kind: Kind::Other, range });
        self.at = next;
        self.finish(next);
        if let Some(delimiter) = delimiter.filter(|named| !named.is_empty()) {
            self.delimiter = delimiter;
        }
        true
    }

    /// Ends the statement where the delimiter, `\g` or `\G` stands.
    fn took_end(&mut self) -> bool {
        let is_client = self.flavour == Flavour::Mysql && self.ends == Ends::Client;
        let length = if is_client && self.byte(0) == b'\\' && matches!(self.byte(1), b'g' | b'G') {
            2
        } else if self.rest().starts_with(&self.delimiter) {
            self.delimiter.len()
        } else {
            return false;
        };
        let range = self.at..self.at + length;
        if self.delimiter == ";" && self.is_within_body() {
            return false;
        }
        self.at = range.end;
        self.tokens.push(Token { kind: Kind::Semicolon, range });
        self.finish(self.at);
        true
    }

    /// Returns whether a semicolon here is one of the body's.
    fn is_within_body(&mut self) -> bool {
        if self.flavour == Flavour::Mysql && self.ends == Ends::Client {
            return false;
        }
        let has_body = match self.has_body {
            Some(has_body) => has_body,
            None => {
                let found = self.finds_body();
                self.has_body = Some(found);
                found
            }
        };
        match self.flavour {
            // A body goes on to the end: what follows it is nothing a driver sends along.
            Flavour::Mysql => has_body,
            Flavour::Sqlite => {
                let mut last = self.tokens.iter().rev();
                let ends = last.next().is_some_and(|token| self.is(token, &["end"]))
                    && last.next().is_some_and(|token| token.kind == Kind::Semicolon);
                has_body && !ends
            }
        }
    }

    fn finds_body(&self) -> bool {
        let words: Vec<&Token> = self.tokens.iter().take(WORDS_BEFORE_KIND).collect();
        let is = |index: usize, list: &[&str]| {
            words.get(index).is_some_and(|token| self.is(token, list))
        };
        match self.flavour {
            Flavour::Sqlite => {
                let kind = if is(1, &["temp", "temporary"]) { 2 } else { 1 };
                is(0, &["create"]) && is(kind, &["trigger"])
            }
            Flavour::Mysql => {
                is(0, &["create", "alter"]) && words.iter().any(|token| self.is(token, WITH_BODY))
                    || is(0, &["begin"]) && is(1, &["not"])
                    || is(0, &["case", "for", "if", "loop", "repeat", "while"])
            }
        }
    }

    fn is(&self, token: &Token, list: &[&str]) -> bool {
        token.kind == Kind::Word && is_word(&self.text[token.range.clone()], list)
    }

    fn token(&mut self, first: char) {
        let is_mysql = self.flavour == Flavour::Mysql;
        let (kind, length) = match first {
            '\'' => (Kind::Text, self.quoted('\'', is_mysql)),
            '"' if is_mysql => (Kind::Text, self.quoted('"', true)),
            '"' => (Kind::Name, self.quoted('"', false)),
            '`' => (Kind::Name, self.quoted('`', false)),
            '[' if !is_mysql => {
                (Kind::Name, memchr::memchr(b']', self.rest().as_bytes()).map(|at| at + 1))
            }
            '(' => (Kind::Open, Some(1)),
            ')' => (Kind::Close, Some(1)),
            ',' => (Kind::Comma, Some(1)),
            ';' => (Kind::Semicolon, Some(1)),
            '@' | ':' | '$' | '?' => {
                let signs = self.rest().bytes().take_while(|byte| *byte == b'@').count().max(1);
                (Kind::Other, Some(signs + self.word(&self.rest()[signs..])))
            }
            c if is_in_word(c) => {
                let kind = if c.is_ascii_digit() { Kind::Other } else { Kind::Word };
                (kind, Some(self.word(self.rest())))
            }
            c => (Kind::Other, Some(c.len_utf8())),
        };
        let Some(length) = length else {
            self.push_rest();
            return;
        };
        self.is_fresh_line = false;
        let range = self.at..self.at + length;
        let piece = &self.text[range.clone()];
        if is_mysql {
            let lower = || piece.to_ascii_lowercase();
            self.escapes_doubtful |= matches!(kind, Kind::Text | Kind::Word)
                && piece.len() >= 20
                && lower().contains("no_backslash_escapes");
            self.is_doubtful |= self.escapes_doubtful && kind == Kind::Text && piece.contains('\\');
        }
        self.at = range.end;
        self.tokens.push(Token { kind, range });
    }

    /// Returns the length of the word that stands here. The client ends a statement within one, too:
    /// `END$$`.
    fn word(&self, rest: &str) -> usize {
        let length = rest.chars().take_while(|c| is_in_word(*c)).map(char::len_utf8).sum();
        let is_asked = self.delimiter != ";" && self.ends == Ends::Client;
        let end = is_asked.then(|| rest[..length].find(&self.delimiter)).flatten();
        end.unwrap_or(length)
    }

    /// Returns the length of what stands in quotes here; none if it does not end.
    fn quoted(&self, quote: char, escapes: bool) -> Option<usize> {
        let quote = u8::try_from(quote).ok()?;
        let bytes = self.rest().as_bytes();
        let mut at = 1;
        loop {
            at += memchr::memchr2(
                quote,
                if escapes { b'\\' } else { quote },
                &bytes[at.min(bytes.len())..],
            )?;
            let is_escape = bytes[at] == b'\\' && escapes;
            if is_escape || bytes.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                return Some(at + 1);
            }
        }
    }

    /// Takes the rest of the text for one token whose end nobody knows.
    fn push_rest(&mut self) {
        self.is_doubtful = true;
        self.tokens.push(Token { kind: Kind::Text, range: self.at..self.text.len() });
        self.at = self.text.len();
    }

    fn finish(&mut self, end: usize) {
        let tokens = std::mem::take(&mut self.tokens);
        self.has_body = None;
        let Some(first) = tokens.first() else { return };
        let last = tokens.last().map_or(end, |token| token.range.end);
        if tokens.len() > 1 || first.kind != Kind::Semicolon {
            let range = first.range.start..last;
            self.done.push(Statement { range, tokens, is_doubtful: self.is_doubtful });
        }
        // Once the strings are in doubt, so is where every later statement starts.
    }
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii() && !c.is_whitespace()
}
