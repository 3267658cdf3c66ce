//! A statement's tokens, to be asked for words and names.

use std::ops::Range;

use crate::lang::token::{Kind, Token, is_word};

/// How much of a statement a phrase shows.
const SHOWN_CHARS: usize = 80;

/// A run of tokens of one statement, without what ends it.
#[derive(Clone, Copy)]
pub(in crate::lang) struct Words<'a> {
    pub(in crate::lang) text: &'a str,
    pub(in crate::lang) tokens: &'a [Token],
}

impl<'a> Words<'a> {
    pub(in crate::lang) fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        let end = tokens.iter().rposition(|token| token.kind != Kind::Semicolon);
        Self { text, tokens: &tokens[..end.map_or(0, |end| end + 1)] }
    }

    pub(in crate::lang) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns a token's text; empty past the end.
    pub(in crate::lang) fn piece(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| &self.text[token.range.clone()])
    }

    /// Returns the text from the first token to the last.
    pub(in crate::lang) fn line(&self) -> &'a str {
        &self.text[self.range()]
    }

    fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// Returns whether an unquoted word of a list stands there.
    pub(in crate::lang) fn is(&self, index: usize, list: &[&str]) -> bool {
        self.kind(index) == Some(Kind::Word) && is_word(self.piece(index), list)
    }

    /// Returns whether these words stand there, one after the other.
    pub(in crate::lang) fn are(&self, index: usize, list: &[&str]) -> bool {
        list.iter().enumerate().all(|(offset, word)| self.is(index + offset, &[word]))
    }

    pub(in crate::lang) fn is_open(&self, index: usize) -> bool {
        self.kind(index) == Some(Kind::Open)
    }

    /// Returns the tokens from one on.
    pub(in crate::lang) fn from(&self, index: usize) -> Self {
        Self { text: self.text, tokens: self.tokens.get(index..).unwrap_or_default() }
    }

    /// Returns the first place outside brackets where a word of a list stands.
    pub(in crate::lang) fn find(&self, list: &[&str]) -> Option<usize> {
        self.level()
            .find_map(|(index, depth)| (depth == 0 && self.is(index, list)).then_some(index))
    }

    /// Splits at the commas outside brackets.
    pub(in crate::lang) fn parts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut start = 0;
        for (index, depth) in self.level() {
            if depth == 0 && self.kind(index) == Some(Kind::Comma) {
                parts.push(Self { text: self.text, tokens: &self.tokens[start..index] });
                start = index + 1;
            }
        }
        parts.push(self.from(start));
        parts
    }

    /// Splits at the semicolons.
    pub(in crate::lang) fn statements(&self) -> Vec<Self> {
        let pieces = self.tokens.split(|token| token.kind == Kind::Semicolon);
        pieces.map(|tokens| Self { text: self.text, tokens }).collect()
    }

    /// Every token's place, with how many brackets are open around it.
    fn level(&self) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let mut depth = 0_usize;
        self.tokens.iter().enumerate().map(move |(index, token)| {
            if token.kind == Kind::Close {
                depth = depth.saturating_sub(1);
            }
            let here = depth;
            if token.kind == Kind::Open {
                depth += 1;
            }
            (index, here)
        })
    }

    /// Returns the place after the bracket that opens here closes.
    pub(in crate::lang) fn after_bracket(&self, index: usize) -> usize {
        let inner = self.from(index);
        let close = inner
            .level()
            .skip(1)
            .find(|(at, depth)| *depth == 0 && inner.kind(*at) == Some(Kind::Close));
        close.map_or(self.len(), |(at, _)| index + at + 1)
    }

    /// Reads a name with its schema, or a user with its host; returns the place after it.
    pub(in crate::lang) fn name(&self, index: usize) -> (Option<String>, usize) {
        let mut name = String::new();
        let mut at = index;
        while let Some(kind) = self.kind(at) {
            match kind {
                Kind::Word | Kind::Name | Kind::Text => name.push_str(&bare(self.piece(at))),
                _ => break,
            }
            at += 1;
            match self.piece(at) {
                "." => name.push('.'),
                "@" => name.push('@'),
                // A lexer's variable is a user's host here: 'bob'@localhost.
                host if host.starts_with('@') => {
                    name.push_str(host);
                    at += 1;
                    break;
                }
                _ => break,
            }
            at += 1;
        }
        ((!name.is_empty()).then_some(name), at)
    }

    /// Reads a variable, `@a` or @`a`; returns its name, folded, and the place after it.
    pub(in crate::lang) fn variable(&self, index: usize) -> Option<(String, usize)> {
        let piece = self.piece(index);
        let is_own = piece.starts_with('@') && !piece.starts_with("@@");
        let (name, next) = match piece.len() {
            1 if is_own => (bare(self.piece(index + 1)), index + 2),
            _ => (piece.get(1..)?.to_owned(), index + 1),
        };
        is_own.then(|| (name.to_lowercase(), next))
    }

    /// Returns the value of a string.
    pub(in crate::lang) fn string(&self, index: usize) -> Option<String> {
        (self.kind(index) == Some(Kind::Text)).then(|| unquoted(self.piece(index)))
    }

    /// Returns the whole in one line without comments, shortened where it is long.
    pub(in crate::lang) fn shown(&self) -> String {
        let mut line = String::new();
        let mut end = None;
        for token in self.tokens {
            if end.is_some_and(|end| end < token.range.start) {
                line.push(' ');
            }
            end = Some(token.range.end);
            line.extend(
                self.text[token.range.clone()]
                    .chars()
                    .map(|c| if c.is_control() { ' ' } else { c }),
            );
            if line.len() > 4 * SHOWN_CHARS {
                break;
            }
        }
        crate::lang::token::shorten(&line, SHOWN_CHARS)
    }

    /// Returns where it stands in the text.
    pub(in crate::lang) fn range(&self) -> Range<usize> {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => first.range.start..last.range.end,
            _ => 0..0,
        }
    }
}

/// Takes the quotes off an identifier, unless it needs them to be one.
pub(in crate::lang) fn bare(piece: &str) -> String {
    let is_quoted = piece.starts_with(['`', '"', '[', '\'']);
    if !is_quoted {
        return piece.to_owned();
    }
    let inner = unquoted(piece);
    let is_plain = !inner.is_empty()
        && inner.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '%' | '-'));
    if is_plain { inner } else { piece.to_owned() }
}

/// Returns what stands in quotes; escapes are undone.
fn unquoted(piece: &str) -> String {
    let mut chars = piece.chars();
    let Some(quote) = chars.next() else {
        return String::new();
    };
    let close = if quote == '[' { ']' } else { quote };
    let inner = chars.as_str().strip_suffix(close).unwrap_or(chars.as_str());
    if quote == '\'' || quote == '"' {
        let doubled: String = [quote, quote].iter().collect();
        let inner = inner.replace(&doubled, &quote.to_string());
        if !inner.contains('\\') {
            return inner;
        }
        let mut plain = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n') => plain.push('\n'),
                    Some('t') => plain.push('\t'),
                    Some(c) => plain.push(c),
                    None => {}
                },
                c => plain.push(c),
            }
        }
        return plain;
    }
    inner.replace("``", "`")
}
