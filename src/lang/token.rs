//! Tokens and statements, whichever lexer made them: destructive words, and how deep a text nests.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Words that make text no parser understands worth a hold: with each of them a statement can
/// remove or overwrite something. INSERT, CREATE, GRANT and SELECT are left out on purpose (a typo
/// in them is no reason to stop anybody), REVOKE and COMMENT because they lose no rows.
const DESTRUCTIVE: &[&str] =
    &["delete", "detach", "drop", "merge", "program", "reassign", "truncate", "update"];

/// Words that are destructive only as the first of a statement; elsewhere they are harmless
/// clauses (`ON CONFLICT DO NOTHING`, `EXECUTE FUNCTION` of a trigger, `GRANT EXECUTE`). The console of
/// a pooler takes KILL and SHUTDOWN.
const DESTRUCTIVE_FIRST: &[&str] = &["alter", "do", "execute", "kill", "shutdown"];

/// What precedes UPDATE or DELETE where it is no verb: `FOR UPDATE`, `NO KEY UPDATE`,
/// `ON DELETE CASCADE`, `BEFORE DELETE OR UPDATE`.
const CLAUSE_BEFORE: &[&str] = &["after", "before", "for", "key", "of", "on"];

/// IF, THEN, the body and the statement in it.
const LEVELS_PER_BLOCK: usize = 4;

/// How deep a tree can be read on any thread: a test's has 2 MiB.
const SHALLOW: usize = 150;

/// How deep a tree is read at all: generated chains of OR have some thousands of tokens.
const DEEPEST: usize = 20_000;

/// Stack for each level of depth. In a debug build 1 KiB is enough for the worst of nested
/// brackets, calls, CASE, NOT and subqueries.
const STACK_BYTES_PER_LEVEL: usize = 8 * 1024;

/// Stack whatever the depth.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// What a token is, as far as anything here needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lang) enum Kind {
    /// A keyword or an unquoted identifier.
    Word,
    /// A plain `'…'` string, in which a backslash is a backslash.
    Plain,
    /// An `E'…'` string.
    Escaped,
    /// Any other string.
    Text,
    /// `(` or `[`.
    Open,
    /// `)` or `]`.
    Close,
    /// `,`.
    Comma,
    /// `;`.
    Semicolon,
    /// A quoted identifier, where it is told apart.
    Name,
    /// Everything else: operators, numbers.
    Other,
}

/// One token that is neither space nor comment.
#[derive(Debug, Clone)]
pub(in crate::lang) struct Token {
    pub(in crate::lang) kind: Kind,
    pub(in crate::lang) range: Range<usize>,
}

/// One statement of a text.
#[derive(Debug, Clone)]
pub(in crate::lang) struct Statement {
    /// From the first token to the end of the semicolon, if there is one.
    pub(in crate::lang) range: Range<usize>,
    pub(in crate::lang) tokens: Vec<Token>,
    /// The lexer and the server may see different strings here: neither can be believed.
    pub(in crate::lang) is_doubtful: bool,
}

/// Returns whether a destructive word stands outside strings and comments of a statement.
///
/// `is_dangerous` knows names of functions. In a doubtful one every word counts, wherever it stands.
pub(in crate::lang) fn is_destructive(
    text: &str,
    statement: &Statement,
    is_dangerous: impl Fn(&str) -> bool,
) -> bool {
    if statement.is_doubtful {
        return text[statement.range.clone()]
            .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
            .any(|word| is_word(word, DESTRUCTIVE) || is_word(word, DESTRUCTIVE_FIRST));
    }
    let mut before = "";
    for (index, token) in statement.tokens.iter().enumerate() {
        let word = match token.kind {
            Kind::Word => &text[token.range.clone()],
            _ => "",
        };
        let found = is_word(word, DESTRUCTIVE) && !is_word(before, CLAUSE_BEFORE)
            || index == 0 && is_word(word, DESTRUCTIVE_FIRST)
            || is_dangerous(&word.to_ascii_lowercase());
        if found {
            return true;
        }
        before = word;
    }
    false
}

/// How deep a text nests.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::lang) struct Depth {
    /// An upper bound of the levels of a parser's tree.
    pub(in crate::lang) levels: usize,
    /// The most brackets and blocks open at once.
    pub(in crate::lang) open: usize,
}

/// Reads depth off tokens as they come.
#[derive(Default)]
pub(in crate::lang) struct Scan {
    /// Tokens since the last comma, for each open bracket.
    open: Vec<usize>,
    here: usize,
    sum: usize,
    blocks: usize,
    pub(in crate::lang) most: Depth,
    after_end: bool,
    starts: bool,
}

impl Scan {
    /// Takes the next token.
    pub(in crate::lang) fn take(&mut self, kind: Kind, piece: &str) {
        match kind {
            Kind::Open => {
                self.open.push(self.here + 1);
                self.sum += self.here + 1;
                self.here = 0;
            }
            Kind::Close => {
                if let Some(outer) = self.open.pop() {
                    self.sum -= outer;
                    self.here = outer;
                }
            }
            Kind::Comma => self.here = 0,
            Kind::Semicolon if self.open.is_empty() => self.here = 0,
            Kind::Word
            | Kind::Plain
            | Kind::Escaped
            | Kind::Text
            | Kind::Name
            | Kind::Semicolon
            | Kind::Other => self.here += 1,
        }
        if kind == Kind::Word {
            let opens = is_word(piece, &["begin", "case", "loop"])
                || self.starts && is_word(piece, &["if"]);
            if opens && !self.after_end {
                self.blocks += 1;
            }
            if is_word(piece, &["end"]) {
                self.blocks = self.blocks.saturating_sub(1);
            }
        }
        self.starts = kind == Kind::Semicolon || is_word(piece, &["then", "else", "loop", "begin"]);
        self.after_end = kind == Kind::Word && is_word(piece, &["end"]);
        let levels = self.sum + self.here + LEVELS_PER_BLOCK * self.blocks;
        self.most.levels = self.most.levels.max(levels);
        self.most.open = self.most.open.max(self.open.len() + self.blocks);
    }
}

/// Runs a reading of a statement where it cannot overflow the stack; none if the statement nests
/// too deep, has more than `most_open` brackets and blocks open at once, or if the parser gave up.
pub(in crate::lang) fn bounded<T: Send>(
    depth: Depth,
    most_open: usize,
    work: impl FnOnce() -> T + Send,
) -> Option<T> {
    // Parsers check themselves with assertions; a failed one must not take the session along.
    let guarded = || catch_unwind(AssertUnwindSafe(work)).ok();
    if depth.levels <= SHALLOW {
        return guarded();
    }
    if depth.levels > DEEPEST || depth.open > most_open {
        return None;
    }
    let stack = STACK_BYTES + depth.levels * STACK_BYTES_PER_LEVEL;
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("deep-sql".into()).stack_size(stack);
        builder.spawn_scoped(scope, guarded).ok()?.join().ok()?
    })
}

/// Returns whether a word is one of a list, whatever its case.
pub(in crate::lang) fn is_word(word: &str, list: &[&str]) -> bool {
    list.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Cuts a line after a number of characters and says so.
pub(in crate::lang) fn shorten(line: &str, most_chars: usize) -> String {
    match line.char_indices().nth(most_chars) {
        Some((at, _)) => format!("{}…", line[..at].trim_end()),
        None => line.to_owned(),
    }
}
