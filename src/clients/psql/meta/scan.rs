//! psql's own lexer, as far as it decides where statements and meta commands begin and end.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::ops::Range;

use super::{Meta, Variables, copy};
use crate::lang::postgres;

/// Most variables that are filled in, in one text: they may stand in each other.
const MAX_FILLINGS: usize = 64;

/// One piece of psql's input, with its place in the text given to [`State::scan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A statement that ends at a semicolon at the top level.
    Statement {
        /// All of it, with lines of earlier calls.
        text: String,
        /// The part in this text.
        range: Range<usize>,
    },
    /// A meta command.
    Meta(Meta),
    /// Data lines of a COPY FROM STDIN, with `\.` if it is there.
    Data(Range<usize>),
    /// The start of a statement; its rest has not come.
    Incomplete(Range<usize>),
}

/// Where psql is within a statement, carried from line to line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    inside: Inside,
    parentheses: usize,
    /// Depth of BEGIN … END in a function's SQL body.
    blocks: usize,
    /// First words, enough to know COPY and CREATE FUNCTION.
    words: Vec<String>,
    /// Whether the statement has `FROM STDIN`.
    from_stdin: bool,
    last_word: String,
    /// The query buffer, without comments before the statement.
    buffer: String,
    /// The statement before, which `\watch` and `\g` send when the buffer is empty.
    previous: String,
    /// COPY data is due at the next line.
    data_due: bool,
    /// What was seen since the start.
    seen: Seen,
    /// What `:name` stands for, where that is followed. Ranges are in the text with it filled in.
    pub(super) variables: Variables,
    /// How plain strings are read.
    pub(super) strings: Strings,
    /// What a text is to psql.
    unit: Unit,
}

/// What psql takes as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Unit {
    /// Each line of a file.
    #[default]
    Line,
    /// A whole text, with the line ends in it: what a line editor or an editor hands over. A meta
    /// command goes on over them, and no data of a COPY follows in it.
    Text,
}

/// Whether a backslash in a plain string quotes what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Strings {
    /// Nothing has made a difference yet; read as if it did not.
    #[default]
    Unknown,
    /// It does not.
    Plain,
    /// It does, as in `E'…'`.
    Escaped,
}

/// What a text has that plain SQL has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// A meta command, or `\;`.
    pub meta: bool,
    /// `:name`, `:'name'`, `:"name"` or `:{?name}` outside quotes.
    pub variable: bool,
    /// COPY FROM STDIN.
    pub copy_data: bool,
}

/// What the lexer is inside of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Inside {
    #[default]
    Nothing,
    /// `'…'`
    Quote,
    /// `E'…'`, where a backslash quotes.
    Escaped,
    /// `"…"`
    Name,
    /// `$tag$…$tag$`, with both dollars.
    Dollar(String),
    /// `/*…*/`, with its depth.
    Comment(usize),
}

impl State {
    /// Returns whether nothing has been started: the next line is at PROMPT1.
    pub(super) fn is_fresh(&self) -> bool {
        self.inside == Inside::Nothing && self.buffer.trim().is_empty() && !self.data_due
    }

    /// Returns whether a semicolon here would end the statement: no quote, comment, parenthesis or
    /// COPY data is open.
    pub(super) fn is_closed(&self) -> bool {
        self.inside == Inside::Nothing
            && self.parentheses == 0
            && self.blocks == 0
            && !self.data_due
    }

    /// Returns whether the data of a COPY is to come.
    pub(super) fn is_data_due(&self) -> bool {
        self.data_due
    }

    /// Returns whether nothing but comments has been started.
    pub(super) fn is_blank(&self) -> bool {
        self.inside == Inside::Nothing && !self.data_due && postgres::split(&self.buffer).is_empty()
    }

    /// Returns whether the block of a routine is open.
    pub(super) fn is_in_block(&self) -> bool {
        self.inside == Inside::Nothing && self.blocks > 0
    }

    /// Returns whether a string, a name or a comment is open.
    pub(super) fn is_quoted(&self) -> bool {
        self.inside != Inside::Nothing
    }

    /// Returns what the texts so far had beyond plain SQL.
    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    /// Begins with variables that are followed from here on.
    pub(super) fn following(variables: Variables) -> Self {
        Self { variables, ..Self::default() }
    }

    /// The same where a backslash quotes in plain strings.
    pub(super) fn escaped(self) -> Self {
        Self { strings: Strings::Escaped, ..self }
    }

    /// The same for the texts that are handed over at a prompt.
    pub(super) fn at_prompt(self) -> Self {
        Self { unit: Unit::Text, ..self }
    }

    /// Forgets what the texts so far had beyond plain SQL.
    pub(super) fn forget_seen(&mut self) {
        self.seen = Seen::default();
    }

    /// Forgets the statement at hand, as Ctrl-C does.
    pub(super) fn interrupt(&mut self) {
        *self = Self {
            previous: std::mem::take(&mut self.previous),
            variables: std::mem::take(&mut self.variables),
            seen: self.seen,
            unit: self.unit,
            ..Self::default()
        };
    }

    /// The statement at hand has been sent by itself, as at the end of each line in single-line mode.
    pub(super) fn sent(mut self) -> Self {
        self.previous = std::mem::take(&mut self.buffer);
        self.interrupt();
        self
    }

    /// Splits whole lines of input. Linear in their length.
    pub(super) fn scan(&mut self, text: &str) -> Vec<Item> {
        let mut items = Vec::new();
        let mut start = 0;
        let mut at = 0;
        let mut filled: Cow<'_, str> = Cow::Borrowed(text);
        let mut fillings = 0;
        while at < filled.len() {
            if self.inside == Inside::Nothing
                && !self.data_due
                && fillings < MAX_FILLINGS
                && let Some((value, length)) = self.variables.at(&filled[at..])
            {
                let value = value.to_owned();
                fillings += 1;
                filled.to_mut().replace_range(at..at + length, &value);
                self.seen.variable = true;
                continue;
            }
            let text = &*filled;
            let rest = &text[at..];
            if self.inside == Inside::Nothing
                && self.buffer.trim().is_empty()
                && text[start..at].trim().is_empty()
                && let Some(length) = self.variables.unknown_at(rest)
            {
                let why = "runs what a variable holds that cannot be read";
                items.push(Item::Meta(Meta::unknown(at..at + length, why)));
            }
            if self.data_due && (at == 0 || text.as_bytes()[at - 1] == b'\n') {
                let end = at + self.data(rest);
                items.push(Item::Data(at..end));
                if has_command(&text[at..end]) {
                    let why = "has a command among its data, which runs if the COPY fails";
                    items.push(Item::Meta(Meta::unknown(at..end, why)));
                }
                (at, start) = (end, end);
                continue;
            }
            let length = self.token(rest);
            match length {
                Token::Part(length) => at += length,
                Token::End => {
                    at += 1;
                    self.buffer.push_str(&text[start..at]);
                    items.push(Item::Statement { text: self.take(), range: start..at });
                    start = at;
                }
                Token::Backslash => {
                    self.seen.meta = true;
                    self.buffer.push_str(&text[start..at]);
                    let (mut meta, length) = super::arguments::read(rest, self.unit);
                    meta.range = at..at + length;
                    self.send(&mut meta);
                    self.variables.follow(&meta);
                    if copy::takes_data(&meta) {
                        self.data_due = self.unit == Unit::Line;
                    }
                    items.push(Item::Meta(meta));
                    at += length;
                    start = at;
                }
                Token::Literal => {
                    self.seen.meta = true;
                    self.buffer.push_str(&text[start..at]);
                    (start, at) = (at + 1, at + 2);
                }
            }
        }
        let text = &*filled;
        self.buffer.push_str(&text[start..]);
        if self.buffer.trim().is_empty() && self.inside == Inside::Nothing {
            self.buffer.clear();
        } else if !text[start..].trim().is_empty() {
            items.push(Item::Incomplete(start..text.len()));
        }
        items
    }

    /// Writes a statement so that its strings are read like this everywhere.
    pub(super) fn written(&mut self, text: &str) -> String {
        let (mut written, mut at) = (String::with_capacity(text.len() + 8), 0);
        while at < text.len() {
            let rest = &text[at..];
            if self.inside == Inside::Nothing && rest.starts_with('\'') {
                written.push('E');
            }
            let length = match self.token(rest) {
                Token::Part(length) => length,
                Token::End | Token::Backslash => 1,
                Token::Literal => 2,
            };
            written.push_str(&rest[..length]);
            at += length;
        }
        written
    }

    /// Fills in the variables of a statement as far as they are known; none if it begins with another.
    pub(super) fn filled(&mut self, text: &str, variables: &Variables) -> Option<String> {
        let (mut filled, mut at) = (String::with_capacity(text.len()), 0);
        while at < text.len() {
            let rest = &text[at..];
            let is_free = self.inside == Inside::Nothing && !text[..at].ends_with(':');
            let (written, length) = match variables.named(rest).filter(|_| is_free) {
                Some((Some(value), length)) => (value, length),
                Some((None, _)) if filled.trim().is_empty() => return None,
                Some((None, length)) => (&rest[..length], length),
                None => {
                    let length = match self.token(rest) {
                        Token::Part(length) => length,
                        Token::End | Token::Backslash => 1,
                        Token::Literal => 2,
                    };
                    (&rest[..length], length)
                }
            };
            filled.push_str(written);
            at += length;
        }
        Some(filled)
    }

    /// Reads one token and says how long it is.
    fn token(&mut self, rest: &str) -> Token {
        let bytes = rest.as_bytes();
        let length = match &mut self.inside {
            Inside::Nothing => return self.outside(rest),
            Inside::Quote => self.until(rest, b'\''),
            Inside::Name => self.until(rest, b'"'),
            Inside::Escaped => match memchr::memchr2(b'\'', b'\\', bytes) {
                Some(at) if bytes[at] == b'\\' => at + 1 + first_char(&rest[at + 1..]),
                // Unlike in the other quotes, what follows a doubled one is not read the same way
                // as a new one.
                Some(at) if bytes.get(at + 1) == Some(&b'\'') => at + 2,
                Some(at) => {
                    self.inside = Inside::Nothing;
                    at + 1
                }
                None => bytes.len(),
            },
            Inside::Dollar(tag) => match memchr::memmem::find(bytes, tag.as_bytes()) {
                Some(at) => {
                    let length = at + tag.len();
                    self.inside = Inside::Nothing;
                    length
                }
                None => bytes.len(),
            },
            Inside::Comment(depth) => match memchr::memchr2(b'*', b'/', bytes) {
                Some(at) if bytes[at..].starts_with(b"/*") => {
                    *depth += 1;
                    at + 2
                }
                Some(at) if bytes[at..].starts_with(b"*/") => {
                    *depth -= 1;
                    if *depth == 0 {
                        self.inside = Inside::Nothing;
                    }
                    at + 2
                }
                Some(at) => at + 1,
                None => bytes.len(),
            },
        };
        Token::Part(length)
    }

    /// Goes to the end of a quoted text. A doubled quote ends it and starts the next.
    fn until(&mut self, rest: &str, quote: u8) -> usize {
        match memchr::memchr(quote, rest.as_bytes()) {
            Some(at) => {
                self.inside = Inside::Nothing;
                at + 1
            }
            None => rest.len(),
        }
    }

    /// Reads one token outside quotes and comments.
    fn outside(&mut self, rest: &str) -> Token {
        let bytes = rest.as_bytes();
        let second = bytes.get(1).copied();
        let mut enter = |inside: Inside, length: usize| {
            self.inside = inside;
            Token::Part(length)
        };
        match bytes[0] {
            b'\'' if self.strings == Strings::Escaped => enter(Inside::Escaped, 1),
            b'\'' => enter(Inside::Quote, 1),
            b'"' => enter(Inside::Name, 1),
            b'/' if second == Some(b'*') => enter(Inside::Comment(1), 2),
            b'-' if second == Some(b'-') => {
                Token::Part(memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len()))
            }
            b'$' => match dollar_tag(rest) {
                Some(tag) => enter(Inside::Dollar(tag.to_owned()), tag.len()),
                None => Token::Part(1),
            },
            b'(' => {
                self.parentheses += 1;
                Token::Part(1)
            }
            b')' => {
                self.parentheses = self.parentheses.saturating_sub(1);
                Token::Part(1)
            }
            b';' if self.parentheses == 0 && self.blocks == 0 => Token::End,
            b'\\' if matches!(second, Some(b';' | b':')) => Token::Literal,
            b'\\' => Token::Backslash,
            b':' if second == Some(b':') => Token::Part(2),
            b':' => {
                let is_name =
                    |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
                if second.is_some_and(|byte| is_name(byte) || b"'\"{".contains(&byte)) {
                    self.seen.variable = true;
                }
                Token::Part(1)
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => {
                let length = bytes
                    .iter()
                    .position(|&b| !(b.is_ascii_alphanumeric() || b"_$".contains(&b) || b >= 0x80))
                    .unwrap_or(bytes.len());
                let word = &rest[..length];
                if word.eq_ignore_ascii_case("e") && bytes.get(length) == Some(&b'\'') {
                    return enter(Inside::Escaped, length + 1);
                }
                self.word(word);
                Token::Part(length)
            }
            // A number may have letters at its end (15 takes `1e` apart): they start no string.
            byte if byte.is_ascii_digit() => {
                Token::Part(bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len()))
            }
            _ => Token::Part(1),
        }
    }

    /// Takes a word of the statement in.
    fn word(&mut self, word: &str) {
        if self.parentheses > 0 {
            self.last_word.clear();
            return;
        }
        let word = if word.len() <= 16 { word.to_ascii_lowercase() } else { String::new() };
        if self.words.len() < 4 {
            self.words.push(word.clone());
        }
        self.from_stdin |= self.last_word == "from" && matches!(&*word, "stdin" | "stdout");
        if self.is_routine() {
            match &*word {
                "begin" => self.blocks += 1,
                "case" if self.blocks > 0 => self.blocks += 1,
                "end" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            }
        }
        self.last_word = word;
    }

    /// Tells whether the statement is CREATE [OR REPLACE] FUNCTION or PROCEDURE.
    fn is_routine(&self) -> bool {
        let mut words = self.words.iter().map(String::as_str);
        if words.next() != Some("create") {
            return false;
        }
        let third = match words.next() {
            Some("or") if words.next() == Some("replace") => words.next(),
            second => second,
        };
        matches!(third, Some("function" | "procedure"))
    }

    /// Takes the statement at hand out.
    fn take(&mut self) -> String {
        if self.from_stdin && self.words.first().is_some_and(|word| word == "copy") {
            self.data_due = self.unit == Unit::Line;
            self.seen.copy_data = true;
        }
        let text = std::mem::take(&mut self.buffer);
        self.previous.clone_from(&text);
        (self.parentheses, self.blocks, self.from_stdin) = (0, 0, false);
        self.words.clear();
        self.last_word.clear();
        text
    }

    /// Does to the query buffer what a meta command does.
    fn send(&mut self, meta: &mut Meta) {
        let is_empty = self.buffer.trim().is_empty();
        match &*meta.name {
            "g" | "gx" | "gset" | "gexec" | "gdesc" | "crosstabview" | "watch" => {
                let text = if is_empty { self.previous.clone() } else { self.take() };
                meta.sends = Some(text).filter(|text| !text.trim().is_empty());
                self.buffer.clear();
                meta.is_doubtful = self.variables.has_branches();
            }
            "r" | "reset" => {
                let strings = self.strings;
                self.interrupt();
                self.strings = strings;
            }
            _ => {}
        }
    }

    /// Goes through COPY data up to its end and returns its length.
    fn data(&mut self, rest: &str) -> usize {
        let mut at = 0;
        for line in rest.split_inclusive('\n') {
            at += line.len();
            if line.trim_end_matches(['\n', '\r']) == "\\." {
                self.data_due = false;
                break;
            }
        }
        at
    }
}

/// Tells whether data holds a meta command that runs something unasked, if psql takes it for input.
/// Where COPY quotes with backslashes none of its own is one of these.
fn has_command(data: &str) -> bool {
    const RUNS: [&str; 8] =
        ["watch", "!", "i ", "ir ", "include", "set SINGLESTEP", "unset SINGLESTEP", "lo_unlink"];
    memchr::memchr_iter(b'\\', data.as_bytes()).any(|at| {
        let is_quoted = at > 0 && data.as_bytes()[at - 1] == b'\\';
        !is_quoted && RUNS.iter().any(|name| data[at + 1..].starts_with(name))
    })
}

/// What [`State::token`] found.
enum Token {
    /// So many bytes of a statement.
    Part(usize),
    /// The semicolon that ends a statement.
    End,
    /// A meta command.
    Backslash,
    /// `\;` or `\:`: the second character without the first.
    Literal,
}

/// Returns the length of the first character, 0 at the end.
fn first_char(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// Returns the `$tag$` a text starts with.
fn dollar_tag(text: &str) -> Option<&str> {
    let length = text[1..].find('$')?;
    let tag = &text[1..=length];
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let is_tag = tag.chars().next().is_none_or(is_start)
        && tag.chars().all(|c| is_start(c) || c.is_ascii_digit());
    is_tag.then(|| &text[..length + 2])
}
