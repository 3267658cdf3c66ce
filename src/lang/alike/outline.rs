//! A statement without the literals that cannot matter for what it does.

use std::ops::Range;

use super::{Care, Dialect};
use crate::lang::shape::is_name;
use crate::lang::token::{Kind, Statement, Token, is_word};

/// How long an outline may be.
const LONGEST_BYTES: usize = 16_000;

/// First words of the statements that have one.
const FIRST: &[&str] = &["delete", "insert", "replace", "select", "update"];

/// Words that make a statement do more than its first word says, or that read the string behind them.
const NOT_PLAIN: &[&str] = &["delete", "execute", "insert", "into", "merge", "uescape", "update"];

/// What stands before an UPDATE that is no statement: `DO UPDATE`, `FOR UPDATE`, `DUPLICATE KEY UPDATE`.
const BEFORE_UPDATE: &[&str] = &["do", "for", "key"];

/// Words that a value may follow: `interval '1 day'`, `AND 5`.
const BEFORE_VALUE: &[&str] = &[
    "and",
    "between",
    "date",
    "else",
    "ilike",
    "interval",
    "like",
    "or",
    "select",
    "then",
    "time",
    "timestamp",
    "timestamptz",
    "when",
    "where",
];

/// Clauses that are lists of values, and others.
const VALUES: &[&str] = &["select", "set", "values"];
const CLAUSES: &[&str] = &["by", "from", "join", "limit", "on", "using", "where"];

/// First words of statements that do the same whenever they stand there again, word for word, and how
/// many tokens they may have.
const SAME: &[&str] = &["begin", "commit", "end", "release", "rollback", "savepoint", "start"];
const MOST_SAME: usize = 3;

/// What ends a condition.
const BEHIND_CONDITION: &[&str] = &["limit", "order", "returning"];

/// Operators that a literal may stand behind; the lexers give some sign by sign.
const OPERATORS: &[&str] = &["=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*", "/", "%"];

/// Orders to a full-text table of SQLite are strings.
const ORDER: &str = "'delete-all'";

/// Stands for a literal that is left out; behind it stands of what kind.
const FREE: char = '\u{2}';

/// Between tokens that touch; a space is between others.
const JOINT: char = '\u{1}';

/// What two statements share that do the same.
pub(super) struct Outline {
    pub(super) key: String,
    /// The tokens that are in the key: of long lists the first two.
    pub(super) places: Vec<usize>,
    /// The tokens that phrases show.
    pub(super) shown: Option<Range<usize>>,
}

/// Makes the outline of a statement, if it is of a kind of which literals can be left out.
pub(super) fn outline(text: &str, statement: &Statement, dialect: &Dialect) -> Option<Outline> {
    let words = Words { text, tokens: &statement.tokens };
    let is_free = words.is(0, FIRST);
    let is_same = words.is(0, SAME) && words.tokens.len() <= MOST_SAME;
    if statement.is_doubtful || !(is_same || is_free && words.are_plain(dialect.care)) {
        return None;
    }
    // Literals may decide how many rows a query brings, which overwrite others.
    let is_insert = words.is(0, &["insert", "replace"]);
    if is_insert && (1..words.end()).any(|at| words.is(at, &["select", "table"])) {
        return None;
    }
    let condition = match words.is(0, &["delete", "update"]) {
        true => Some(words.condition()?),
        false => None,
    };
    let shown = condition.map(|condition| match dialect.shows_where {
        true => condition.start - 1..words.end(),
        false => condition,
    });
    let (key, places) = (String::with_capacity(statement.range.len() + 8), Vec::new());
    let mut pen = Pen { words, key, places, groups: Vec::new(), is_free, is_list: false };
    pen.write()?;
    Some(Outline { key: pen.key, places: pen.places, shown })
}

/// A statement's tokens.
#[derive(Clone, Copy)]
struct Words<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Words<'a> {
    fn piece(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &self.text[token.range.clone()])
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn is(&self, at: usize, list: &[&str]) -> bool {
        self.kind(at) == Some(Kind::Word) && is_word(self.piece(at), list)
    }

    /// Where the statement ends, its semicolon not counted.
    fn end(&self) -> usize {
        let last = self.kind(self.tokens.len() - 1);
        self.tokens.len() - usize::from(last == Some(Kind::Semicolon))
    }

    /// Whether it is one statement without others in it, and no call in it cares for literals.
    fn are_plain(&self, care: fn(&str) -> Care) -> bool {
        let (mut acts, mut chooses) = (false, false);
        for (at, token) in self.tokens.iter().enumerate().skip(1) {
            let piece = self.piece(at);
            // Variables may be set, and names may be written in other ways.
            let is_odd = piece.starts_with(['@', ':', 'U', 'u']) && piece.len() > 1;
            if piece.contains([FREE, JOINT]) || is_odd && token.kind != Kind::Word {
                return false;
            }
            let is_name = token.kind == Kind::Word || piece.starts_with(['"', '`', '[']);
            if !is_name {
                continue;
            }
            let is_into = at == 1 && is_word(piece, &["into"]);
            let is_clause = is_word(piece, &["update"]) && self.is(at - 1, BEFORE_UPDATE);
            if is_word(piece, NOT_PLAIN) && !is_into && !is_clause {
                return false;
            }
            chooses |= is_word(piece, &["where"]);
            match care(&piece.trim_matches(['"', '`', '[', ']']).to_ascii_lowercase()) {
                Care::Free => {}
                Care::Acts => acts = true,
                Care::Runs => return false,
            }
        }
        !(acts && chooses)
    }

    /// Returns the condition of a change of rows, if one of its parts, all of which have to hold, is
    /// `column = literal`: then no other literal can make it hold for every row.
    fn condition(&self) -> Option<Range<usize>> {
        let (mut depth, mut start, mut end) = (0_usize, None, None);
        let (mut is_anchored, mut is_unsure) = (false, false);
        for at in 0..self.end() {
            match self.kind(at)? {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.checked_sub(1)?,
                _ if depth > 0 => {}
                Kind::Word if start.is_none() && self.is(at, &["where"]) => start = Some(at + 1),
                Kind::Word if start.is_some() && end.is_none() => {
                    if self.is(at, &["or", "xor", "union"]) {
                        return None;
                    }
                    // An AND behind these may be their own.
                    is_unsure |= self.is(at, &["between", "case"]);
                    if self.is(at, BEHIND_CONDITION) {
                        end = Some(at);
                    }
                }
                _ if matches!(self.piece(at), "|" | "||" | "&" | "&&") => return None,
                _ => {}
            }
            let begins = depth == 0
                && start.is_some()
                && end.is_none()
                && (start == Some(at) || self.is(at.saturating_sub(1), &["and"]));
            is_anchored |= begins && !is_unsure && self.is_anchor(at);
        }
        let condition = start?..end.unwrap_or(self.end());
        (is_anchored && !condition.is_empty()).then_some(condition)
    }

    /// Whether `column = literal` or `column IN (literal, …)` stands here, and nothing more; or
    /// `column = another.column`, or `column IN (SELECT …)` from other tables.
    fn is_anchor(&self, at: usize) -> bool {
        let Some(at) = self.after_column(at) else { return false };
        let is_joined = || {
            let (qualifier, column) = (at + 1, at + 3);
            self.is_column(qualifier)
                && self.piece(at + 2) == "."
                && self.is_column(column)
                && !self.piece(column).eq_ignore_ascii_case(self.piece(at - 1))
        };
        let behind = if self.piece(at) == "=" {
            let sign = usize::from(matches!(self.piece(at + 1), "-" | "+"));
            let literal = self.literal(at + 1 + sign).map(|_| at + 2 + sign);
            literal.or_else(|| is_joined().then_some(at + 4))
        } else if !(self.is(at, &["in"]) && self.kind(at + 1) == Some(Kind::Open)) {
            None
        } else if self.is(at + 2, &["select"]) {
            self.is_named_once().then(|| self.after_bracket(at + 1))
        } else {
            let list = at + 2;
            let length = (list..self.tokens.len()).take_while(|item| match (item - list) % 2 {
                0 => self.literal(*item).is_some(),
                _ => self.kind(*item) == Some(Kind::Comma),
            });
            let close = list + length.count();
            (close > list && self.kind(close) == Some(Kind::Close)).then_some(close + 1)
        };
        behind.is_some_and(|at| {
            at == self.end() || self.is(at, &["and"]) || self.is(at, BEHIND_CONDITION)
        })
    }

    /// Returns the place behind a column of the table, by its bare name or with the table's.
    fn after_column(&self, at: usize) -> Option<usize> {
        self.is_column(at).then_some(())?;
        if self.piece(at + 1) != "." {
            return Some(at + 1);
        }
        let is_own = self.piece(at).eq_ignore_ascii_case(self.qualifier()?);
        (is_own && self.is_column(at + 2) && self.piece(at + 3) != ".").then_some(at + 3)
    }

    /// Whether the table is named once only, so that no query in the statement reads it.
    fn is_named_once(&self) -> bool {
        let bare = |at: usize| self.piece(at).trim_matches(['"', '`', '[', ']']);
        let name = bare(self.table());
        (0..self.tokens.len()).filter(|at| bare(*at).eq_ignore_ascii_case(name)).count() == 1
    }

    /// Returns the place behind the bracket that opens here.
    fn after_bracket(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        let close = (open..self.tokens.len()).find(|at| {
            match self.kind(*at) {
                Some(Kind::Open) => depth += 1,
                Some(Kind::Close) => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        close.map_or(self.tokens.len(), |close| close + 1)
    }

    fn is_string(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Kind::Plain | Kind::Escaped | Kind::Text))
    }

    fn is_column(&self, at: usize) -> bool {
        self.kind(at) == Some(Kind::Word) && is_name(self.piece(at))
    }

    /// Returns the place of the table's name, that of its schema left aside.
    fn table(&self) -> usize {
        let mut at = 1;
        while self.is(at, &["from", "only"]) {
            at += 1;
        }
        while self.piece(at + 1) == "." {
            at += 2;
        }
        at
    }

    /// Returns what the table's columns go by: its alias, or else its name.
    fn qualifier(&self) -> Option<&'a str> {
        let at = self.table();
        let alias = at + 1 + usize::from(self.is(at + 1, &["as"]));
        let name = if self.is_column(alias) { alias } else { at };
        self.is_column(name).then(|| self.piece(name))
    }

    /// Returns the kind of a plain literal: a string, a whole number, another.
    fn literal(&self, at: usize) -> Option<char> {
        let piece = self.piece(at);
        let is_digit = |byte: u8| byte.is_ascii_digit();
        match self.kind(at)? {
            Kind::Plain | Kind::Text if piece.starts_with('\'') && piece != ORDER => Some('s'),
            Kind::Other if !piece.is_empty() && piece.bytes().all(is_digit) => Some('n'),
            Kind::Other => {
                let (whole, part) = piece.split_once('.')?;
                let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(is_digit);
                (is_number(whole) && is_number(part)).then_some('d')
            }
            _ => None,
        }
    }
}

/// Writes an outline.
struct Pen<'a> {
    words: Words<'a>,
    key: String,
    places: Vec<usize>,
    /// The statement, and the brackets that are open.
    groups: Vec<Group>,
    /// Whether literals can be left out at all.
    is_free: bool,
    /// Outside brackets a list of values goes on.
    is_list: bool,
}

/// What stands in a bracket, in parts with commas between.
#[derive(Default)]
struct Group {
    parts: usize,
    /// Where the part before and this one begin in the key, their commas not counted.
    previous: Range<usize>,
    begin: usize,
    /// The key and the places without this part.
    before: (usize, usize),
    /// Nothing but literals stands in this part, and in all.
    is_plain: bool,
    are_plain: bool,
}

impl Pen<'_> {
    fn write(&mut self) -> Option<()> {
        self.open();
        for at in 0..self.words.tokens.len() {
            if self.words.is_string(at) && self.words.is_string(at + 1) {
                // They are one string if a line ends between them.
                return None;
            }
            match self.words.kind(at)? {
                Kind::Open => {
                    self.token(at);
                    self.open();
                }
                Kind::Close => {
                    self.end_part();
                    let inner = self.groups.pop()?;
                    self.groups.last_mut()?.is_plain &= inner.are_plain;
                    self.token(at);
                }
                Kind::Comma => {
                    self.end_part();
                    let before = (self.key.len(), self.places.len());
                    self.token(at);
                    let group = self.groups.last_mut()?;
                    (group.before, group.begin, group.is_plain) = (before, self.key.len(), true);
                }
                _ => match self.free(at) {
                    Some(kind) => {
                        self.gap(at);
                        self.key.extend([FREE, kind]);
                    }
                    None => {
                        let is_literal = self.words.is(at, &["default", "false", "null", "true"]);
                        self.groups.last_mut()?.is_plain &= is_literal;
                        if self.groups.len() == 1 {
                            self.is_list |= self.words.is(at, VALUES);
                            self.is_list &= !self.words.is(at, CLAUSES);
                        }
                        self.token(at);
                    }
                },
            }
            if self.key.len() > LONGEST_BYTES {
                return None;
            }
        }
        Some(())
    }

    fn open(&mut self) {
        let begin = self.key.len();
        let group = Group { begin, is_plain: true, are_plain: true, ..Group::default() };
        self.groups.push(group);
    }

    /// Leaves a part out that is as the one before, from the third on.
    fn end_part(&mut self) {
        let Some(group) = self.groups.last_mut() else { return };
        group.parts += 1;
        group.are_plain &= group.is_plain;
        let is_again = self.key[group.begin..] == self.key[group.previous.clone()];
        if group.parts > 2 && group.is_plain && is_again {
            self.key.truncate(group.before.0);
            self.places.truncate(group.before.1);
        } else {
            group.previous = group.begin..self.key.len();
        }
    }

    fn token(&mut self, at: usize) {
        self.gap(at);
        self.key.push_str(self.words.piece(at));
    }

    fn gap(&mut self, at: usize) {
        let token = |at: usize| &self.words.tokens[at].range;
        let touches = at > 0 && token(at - 1).end == token(at).start;
        self.key.push(if touches { JOINT } else { ' ' });
        self.places.push(at);
    }

    /// Returns the kind of a literal that can be left out: it stands where a value does.
    fn free(&self, at: usize) -> Option<char> {
        let before = at.checked_sub(1)?;
        let is_listed = matches!(self.words.kind(before), Some(Kind::Open | Kind::Comma));
        let is_value = is_listed && (self.groups.len() > 1 || self.is_list)
            || OPERATORS.contains(&self.words.piece(before))
            || self.words.is(before, BEFORE_VALUE);
        self.words.literal(at).filter(|_| is_value && self.is_free)
    }
}
