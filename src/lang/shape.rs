//! Plain shapes of statements, which their tokens alone tell: `INSERT INTO t (a, b) VALUES (1, 'x'), …`,
//! `DELETE FROM t WHERE id = 1 AND …` and `UPDATE t SET a = 1 WHERE id = 1`, with nothing but literals.
//!
//! Long scripts of data are made of them. A parser would say the same and takes ten times as long;
//! anything else than these very shapes is left to it.

use std::ops::Range;

use squawk_syntax::quote::is_reserved_word;

use super::Verb;
use super::token::{Kind, Token};

/// Words that are literals.
const LITERALS: [&str; 4] = ["null", "true", "false", "default"];

/// A statement of such a shape; the ranges are of its tokens.
pub(super) struct Shape {
    pub(super) verb: Verb,
    /// The table's name, with its schema or without, in no quotes.
    pub(super) table: Range<usize>,
    /// What stands behind WHERE: one equality at least, so that it cannot be true of every row.
    pub(super) condition: Option<Range<usize>>,
    /// Where the statement ends, its semicolon not counted.
    pub(super) end: usize,
}

/// Returns a statement's shape, if it is one of these.
pub(super) fn shape(text: &str, tokens: &[Token]) -> Option<Shape> {
    let mut left = Tokens { text, all: tokens, at: 0 };
    let verb = [("insert", Verb::Insert), ("delete", Verb::Delete), ("update", Verb::Update)];
    let (_, verb) = verb.into_iter().find(|(word, _)| left.word(word).is_some())?;
    match verb {
        Verb::Insert => left.word("into")?,
        Verb::Delete => left.word("from")?,
        _ => {}
    }
    let table = left.range(Tokens::table)?;
    let mut condition = None;
    if verb == Verb::Insert {
        left.rows()?;
    } else {
        if verb == Verb::Update {
            left.word("set")?;
            left.list(Tokens::assignment)?;
        }
        left.word("where")?;
        condition = Some(left.range(Tokens::condition)?);
    }
    let end = left.at;
    left.takes(";");
    (left.at == tokens.len()).then_some(Shape { verb, table, condition, end })
}

/// Whether a word is no other word of the language than a name; `current_schema` is a value.
pub(super) fn is_name(word: &str) -> bool {
    word.is_ascii() && !is_reserved_word(word) && !word.eq_ignore_ascii_case("current_schema")
}

/// What is left to read.
struct Tokens<'a> {
    text: &'a str,
    all: &'a [Token],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn next(&self) -> Option<(Kind, &'a str)> {
        let token = self.all.get(self.at)?;
        Some((token.kind, &self.text[token.range.clone()]))
    }

    /// Takes the next token if it is as wanted.
    fn take(&mut self, is_wanted: impl Fn(Kind, &str) -> bool) -> Option<()> {
        let (kind, piece) = self.next()?;
        is_wanted(kind, piece).then(|| self.at += 1)
    }

    fn takes(&mut self, wanted: &str) -> bool {
        self.take(|_, piece| piece == wanted).is_some()
    }

    fn word(&mut self, wanted: &str) -> Option<()> {
        self.take(|_, piece| piece.eq_ignore_ascii_case(wanted))
    }

    /// Takes something and says which tokens it was.
    fn range(&mut self, take: impl Fn(&mut Self) -> Option<()>) -> Option<Range<usize>> {
        let start = self.at;
        take(self).map(|()| start..self.at)
    }

    /// Takes one or more of something with commas between.
    fn list(&mut self, take: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        loop {
            take(self)?;
            if !self.takes(",") {
                return Some(());
            }
        }
    }

    fn bracketed(&mut self, take: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        self.takes("(").then_some(())?;
        self.list(take)?;
        self.takes(")").then_some(())
    }

    /// Takes a name without quotes that is no word of the language.
    fn name(&mut self) -> Option<()> {
        self.take(|kind, piece| {
            let is_shape =
                ["values", "overriding"].iter().any(|word| piece.eq_ignore_ascii_case(word));
            kind == Kind::Word && is_name(piece) && !is_shape
        })
    }

    fn table(&mut self) -> Option<()> {
        self.name()?;
        while self.takes(".") {
            self.name()?;
        }
        Some(())
    }

    fn rows(&mut self) -> Option<()> {
        if self.next()?.1 == "(" {
            self.bracketed(Self::name)?;
        }
        self.word("values")?;
        self.list(|tokens| tokens.bracketed(Self::literal))
    }

    fn assignment(&mut self) -> Option<()> {
        self.name()?;
        self.takes("=").then_some(())?;
        self.literal()
    }

    /// Takes `a = 1 AND b <> 'x' AND …` with one equality at least.
    fn condition(&mut self) -> Option<()> {
        let mut has_equality = false;
        loop {
            self.name()?;
            let is_equality = self.takes("=");
            has_equality |= is_equality;
            if !is_equality && !self.takes("<>") {
                // One lexer gives the two signs by themselves.
                let apart = self.all.get(self.at)?.range.end;
                (self.takes("<") && self.all.get(self.at)?.range.start == apart && self.takes(">"))
                    .then_some(())?;
            }
            self.value()?;
            if self.word("and").is_none() {
                return has_equality.then_some(());
            }
        }
    }

    /// Takes a number, a string or a word that is a literal.
    fn literal(&mut self) -> Option<()> {
        if !self.takes("-") {
            self.takes("+");
        }
        let is_word = |kind, piece: &str| {
            kind == Kind::Word && LITERALS.iter().any(|word| piece.eq_ignore_ascii_case(word))
        };
        self.take(is_word).or_else(|| self.value())
    }

    /// Takes a number without sign, or a string.
    fn value(&mut self) -> Option<()> {
        self.take(|kind, piece| match kind {
            Kind::Plain | Kind::Text => true,
            Kind::Other => {
                piece.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                    && piece.starts_with(|first: char| first.is_ascii_digit())
            }
            Kind::Word
            | Kind::Escaped
            | Kind::Name
            | Kind::Open
            | Kind::Close
            | Kind::Comma
            | Kind::Semicolon => false,
        })
    }
}
