//! What the lexer alone tells: tokens, statement boundaries, words, and how deep a text nests.

use std::ops::Range;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use crate::lang::token::{Depth, Kind, Scan, Statement, Token, is_word};

/// Splits a text into statements, the way psql does.
///
/// Data after `COPY … FROM STDIN` up to its `\.` line belongs to no statement.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let mut splitter = Splitter::new(text);
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while let Some(next) = splitter.run(at) {
        at = next;
    }
    splitter.finish();
    splitter.done
}

/// Takes out of a PL/pgSQL body, given with its quotes, what the parser does not know: INTO of
/// queries, and BETWEEN. None if it has neither.
pub(super) fn plainer_body(quoted: &str) -> Option<String> {
    let (inner, at) = body(quoted)?;
    let between = without_between(inner);
    let into = without_into(between.as_deref().unwrap_or(inner));
    let inner = into.or(between)?;
    let mut text = quoted.to_owned();
    text.replace_range(at..at + inner.len(), &inner);
    Some(text)
}

/// Replaces the INTO of each query by as many spaces.
fn without_into(inner: &str) -> Option<String> {
    let tokens: Vec<(Kind, Range<usize>)> =
        lex(inner, 0).filter_map(|(kind, range)| Some((kind?, range))).collect();
    let word = |index: usize| match tokens.get(index) {
        Some((Kind::Word, range)) => &inner[range.clone()],
        Some((Kind::Other, range)) => &inner[range.clone()],
        _ => "",
    };
    let mut replaced: Option<String> = None;
    let (mut starts, mut is_query, mut index) = (true, false, 0);
    while index < tokens.len() {
        let here = word(index);
        if starts {
            is_query = is_word(here, &["delete", "insert", "select", "update", "values", "with"]);
        }
        let is_into = is_query
            && is_word(here, &["into"])
            && !is_word(word(index.wrapping_sub(1)), &["insert", "merge"]);
        starts =
            tokens[index].0 == Kind::Semicolon || is_word(here, &["begin", "else", "loop", "then"]);
        let from = tokens[index].1.start;
        index += 1;
        if !is_into {
            continue;
        }
        index += usize::from(is_word(word(index), &["strict"]));
        // x, s.y, z[1]
        index += 1;
        while let Some((kind, range)) = tokens.get(index) {
            let joins = *kind == Kind::Comma || &inner[range.clone()] == ".";
            if joins {
                index += 2;
            } else if *kind == Kind::Open && &inner[range.clone()] == "[" {
                index += 1;
                while tokens.get(index).is_some_and(|(kind, _)| *kind != Kind::Close) {
                    index += 1;
                }
                index += 1;
            } else {
                break;
            }
        }
        let to = tokens.get(index.min(tokens.len()) - 1).map_or(from, |(_, range)| range.end);
        let blank = " ".repeat(to - from);
        replaced.get_or_insert_with(|| inner.to_owned()).replace_range(from..to, &blank);
    }
    replaced
}

/// Stands for BETWEEN, and for NOT BETWEEN, in what the parser gets.
pub(super) const BETWEEN: (&str, &str) = ("@=@", "@!@");

/// Replaces BETWEEN by an operator, byte for byte.
///
/// The parser takes `a BETWEEN 1 AND 2 OR b` for `a BETWEEN 1 AND (2 OR b)`, and stumbles over
/// `… AND 2 OR NOT b`; with an operator AND and OR come out as they should.
pub(super) fn without_between(text: &str) -> Option<String> {
    let is_there = |word: &[u8]| word.eq_ignore_ascii_case(b"between");
    if !text.as_bytes().windows("between".len()).any(is_there) {
        return None;
    }
    let mut replaced: Option<String> = None;
    let (mut last, mut is_after) = (0..0, false);
    for (kind, range) in lex(text, 0) {
        let word = |range: &Range<usize>, list: &[&str]| is_word(&text[range.clone()], list);
        let is_between = kind == Some(Kind::Word) && word(&range, &["between"]);
        let is_symmetry = is_after && word(&range, &["asymmetric", "symmetric"]);
        let (from, operator) = match () {
            () if is_symmetry => (range.start, ""),
            () if word(&last, &["not"]) => (last.start, BETWEEN.1),
            () => (range.start, BETWEEN.0),
        };
        is_after = is_between && !word(&last, &["groups", "range", "rows"]);
        if is_after || is_symmetry {
            let width = range.end - from;
            replaced
                .get_or_insert_with(|| text.to_owned())
                .replace_range(from..range.end, &format!("{operator:<width$}"));
        }
        last = range;
    }
    replaced
}

/// Returns what stands between a string's quotes, and where it starts.
pub(super) fn body(quoted: &str) -> Option<(&str, usize)> {
    let start = quoted.find(['\'', '$'])?;
    let open = match quoted[start..].strip_prefix('$') {
        Some(rest) => start + rest.find('$')? + 2,
        None => start + 1,
    };
    let close = quoted.len().checked_sub(open - start)?;
    Some((quoted.get(open..close)?, open))
}

/// Returns how deep a statement nests, without parsing it.
///
/// Every token since the last comma of each open bracket may be one level: chains of operators
/// nest as brackets do. Code in strings counts, since bodies of functions and blocks are parsed.
pub(super) fn depth(text: &str, statement: &Statement) -> Depth {
    let mut scan = Scan::default();
    let first = statement.tokens.first().map(|token| &text[token.range.clone()]);
    let has_body = first.is_some_and(|word| is_word(word, &["create", "do"]));
    let mut inner = Depth::default();
    for token in &statement.tokens {
        let piece = &text[token.range.clone()];
        scan.take(token.kind, piece);
        if has_body && matches!(token.kind, Kind::Plain | Kind::Escaped | Kind::Text) {
            let body = body_depth(piece, token.kind);
            inner.levels += body.levels;
            inner.open += body.open;
        }
    }
    Depth { levels: scan.most.levels + inner.levels, open: scan.most.open + inner.open }
}

fn body_depth(piece: &str, kind: Kind) -> Depth {
    let Some((inner, _)) = body(piece) else {
        return Depth::default();
    };
    let mut scan = Scan::default();
    for (kind, range) in lex(inner, 0) {
        if let Some(kind) = kind {
            scan.take(kind, &inner[range]);
        }
    }
    // An escape can spell a bracket.
    let escapes = if kind == Kind::Plain { 0 } else { inner.matches('\\').count() };
    Depth { levels: scan.most.levels + escapes, open: scan.most.open + escapes }
}

struct Splitter<'a> {
    text: &'a str,
    done: Vec<Statement>,
    tokens: Vec<Token>,
    is_doubtful: bool,
    parens: usize,
    blocks: usize,
    /// First letters of the words so far, as long as they are CREATE [OR REPLACE] FUNCTION.
    lead: Vec<u8>,
    words: usize,
    /// A string whose end depends on `standard_conforming_strings` follows a change of it.
    strings_changed: bool,
    continues_escaped: bool,
    /// No further data ends in this text: do not look again.
    copies_end: bool,
}

impl<'a> Splitter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            done: Vec::new(),
            tokens: Vec::new(),
            is_doubtful: text.contains('\0'),
            parens: 0,
            blocks: 0,
            lead: Vec::new(),
            words: 0,
            strings_changed: false,
            continues_escaped: false,
            copies_end: false,
        }
    }

    /// Lexes from an offset; returns where to go on when data had to be skipped.
    fn run(&mut self, from: usize) -> Option<usize> {
        for (kind, range) in lex(self.text, from) {
            let Some(kind) = kind else {
                self.is_doubtful = true;
                self.tokens.push(Token { kind: Kind::Text, range });
                continue;
            };
            self.doubt(kind, &range);
            let end = range.end;
            self.tokens.push(Token { kind, range: range.clone() });
            match kind {
                Kind::Word => self.word(&self.text[range]),
                Kind::Open if self.text[range.clone()].starts_with('(') => self.parens += 1,
                Kind::Close if self.text[range].starts_with(')') => {
                    self.parens = self.parens.saturating_sub(1);
                }
                Kind::Semicolon if self.parens == 0 && self.blocks == 0 => {
                    let data = self.data_after(end);
                    self.finish();
                    if data.is_some() {
                        return data;
                    }
                }
                Kind::Open
                | Kind::Close
                | Kind::Semicolon
                | Kind::Plain
                | Kind::Escaped
                | Kind::Text
                | Kind::Comma
                | Kind::Name
                | Kind::Other => {}
            }
        }
        None
    }

    /// Follows psql: `;` does not end a statement within the BEGIN … END of a function's body.
    fn word(&mut self, word: &str) {
        self.words += 1;
        if self.words <= 4
            && is_word(word, &["create", "function", "procedure", "or", "replace"])
            && let Some(first) = word.bytes().next()
        {
            self.lead.push(first.to_ascii_lowercase());
        }
        if is_word(word, &["standard_conforming_strings"]) {
            self.strings_changed = true;
        }
        if self.parens == 0 && matches!(self.lead.as_slice(), b"cf" | b"cp" | b"corf" | b"corp") {
            if is_word(word, &["begin"]) || self.blocks > 0 && is_word(word, &["case"]) {
                self.blocks += 1;
            } else if is_word(word, &["end"]) {
                self.blocks = self.blocks.saturating_sub(1);
            }
        }
    }

    /// Notes strings that end elsewhere under other settings or in the lexer's view: a plain one
    /// with a backslash after `SET standard_conforming_strings`, or as the continuation of an
    /// escaped one.
    fn doubt(&mut self, kind: Kind, range: &Range<usize>) {
        self.continues_escaped =
            kind == Kind::Escaped || kind == Kind::Plain && self.continues_escaped;
        // set_config takes the name as a string.
        if kind == Kind::Plain && self.text[range.clone()].contains("conforming_strings") {
            self.strings_changed = true;
        }
        let is_open = self.strings_changed || self.continues_escaped;
        if is_open && kind == Kind::Plain && self.text[range.clone()].contains('\\') {
            self.is_doubtful = true;
        }
    }

    fn finish(&mut self) {
        let tokens = std::mem::take(&mut self.tokens);
        self.lead.clear();
        self.words = 0;
        self.parens = 0;
        self.blocks = 0;
        if let (Some(first), Some(last)) = (tokens.first(), tokens.last())
            && (tokens.len() > 1 || first.kind != Kind::Semicolon)
        {
            self.done.push(Statement {
                range: first.range.start..last.range.end,
                tokens,
                is_doubtful: self.is_doubtful,
            });
        }
        // Once the strings are in doubt, so is where every later statement starts.
    }

    /// Returns the end of the data lines, if this statement is a COPY FROM STDIN with data.
    fn data_after(&mut self, end: usize) -> Option<usize> {
        let is = |token: &Token, word: &str| {
            token.kind == Kind::Word && self.text[token.range.clone()].eq_ignore_ascii_case(word)
        };
        // COPY (query) FROM is an error, after which no data is read.
        let copies = self.tokens.first().is_some_and(|token| is(token, "copy"))
            && self.tokens.get(1).is_none_or(|token| token.kind != Kind::Open)
            && self.tokens.windows(2).any(|pair| is(&pair[0], "from") && is(&pair[1], "stdin"));
        if !copies || self.copies_end {
            return None;
        }
        let rest = &self.text[end..];
        let mut at = end + rest.find('\n')? + 1;
        while let Some(line) = self.text[at..].split_inclusive('\n').next() {
            at += line.len();
            if line.trim_end_matches(['\r', '\n']) == "\\." {
                return Some(at);
            }
        }
        self.copies_end = true;
        None
    }
}

/// Lexes from an offset, without spaces and comments; `None` as the kind of a token that does not
/// end (the rest of the text is in it).
fn lex(text: &str, from: usize) -> impl Iterator<Item = (Option<Kind>, Range<usize>)> + '_ {
    let mut at = from;
    tokenize(&text[from..]).filter_map(move |token| {
        let range = at..at + token.len as usize;
        at = range.end;
        kind(&token.kind).map(|kind| (kind, range))
    })
}

/// `None` for what is skipped, `Some(None)` for what does not end.
fn kind(token: &TokenKind) -> Option<Option<Kind>> {
    let ended = |ends: bool, kind: Kind| Some(ends.then_some(kind));
    match token {
        TokenKind::Whitespace | TokenKind::LineComment | TokenKind::Eof => None,
        TokenKind::BlockComment { terminated } => (!terminated).then_some(None),
        TokenKind::Ident => Some(Some(Kind::Word)),
        TokenKind::QuotedIdent { terminated, .. } => ended(*terminated, Kind::Other),
        TokenKind::Literal { kind } => match kind {
            LiteralKind::Str { terminated } => ended(*terminated, Kind::Plain),
            LiteralKind::EscStr { terminated } => ended(*terminated, Kind::Escaped),
            LiteralKind::BitStr { terminated }
            | LiteralKind::ByteStr { terminated }
            | LiteralKind::NationalStr { terminated }
            | LiteralKind::DollarQuotedString { terminated }
            | LiteralKind::UnicodeEscStr { terminated } => ended(*terminated, Kind::Text),
            LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => Some(Some(Kind::Other)),
        },
        TokenKind::OpenParen | TokenKind::OpenBracket => Some(Some(Kind::Open)),
        TokenKind::CloseParen | TokenKind::CloseBracket => Some(Some(Kind::Close)),
        TokenKind::Comma => Some(Some(Kind::Comma)),
        TokenKind::Semi => Some(Some(Kind::Semicolon)),
        _ => Some(Some(Kind::Other)),
    }
}
