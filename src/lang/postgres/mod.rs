//! PostgreSQL text to effects.
//!
//! The lexer splits a text into statements as psql does; each statement is parsed on its own, so
//! that one nobody understands leaves the others clear. What a statement would do is read off the
//! tree; only in text that did not parse do words count, and only outside strings and comments.
//!
//! Nothing here panics, overflows the stack or takes more than linear time, whatever the text:
//! how deep a tree can get is bounded from the tokens before the parser runs, deep ones are read
//! on a thread with a stack to match, and still deeper ones are not read at all.

mod argument;
mod body;
mod called;
mod dynamic;
mod expression;
mod function;
mod literals;
mod memory;
mod plain;
mod predicate;
mod reader;
mod routine;
mod rows;
mod schema;
mod script;
mod subquery;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod variable;

use std::ops::Range;

use squawk_syntax::ast::AstNode;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

pub use self::called::{calls_unknown, may_reach};
pub use self::memory::{Key, Memory, Told, Uses, Way};
use self::reader::Reader;
pub use self::routine::Source;
pub use self::script::{Ahead, Script};
use self::tree::{Place, child, name, shorten};
use super::token::Statement;
use super::{Effect, Reading};

/// How many brackets and blocks may be open at once. Nobody writes 100; the parser looks ahead at
/// each of them, so that 19,000 take it half a minute.
const MOST_OPEN: usize = 500;

/// What a statement, or a text within one, turned out to do.
#[derive(Default)]
struct Read {
    effects: Vec<Effect>,
    /// Parts that were not understood.
    unread: Vec<String>,
    reason: Option<String>,
    destructive_word: bool,
}

/// Reads one or several statements, as psql sends them or as a script has them.
#[must_use]
pub fn read(text: &str) -> Reading {
    Memory::default().read(text)
}

/// Splits a text into its statements, each with its semicolon, as psql does.
///
/// Comments before and after a statement are left out, and so are data lines after
/// `COPY … FROM STDIN`.
#[must_use]
pub fn split(text: &str) -> Vec<Range<usize>> {
    token::statements(text).into_iter().map(|statement| statement.range).collect()
}

/// Returns the name a PREPARE gives, the statement it prepares, and what an EXECUTE of it will do.
///
/// The spans of those effects are places in the text of the PREPARE.
fn prepared(text: &str) -> Option<(String, String, Reading)> {
    let (statement, slice) = only_statement(text, "prepare")?;
    let inner = bounded(text, &statement, || {
        let (root, _) = parse(slice);
        let node = child(&root, &[SyntaxKind::PREPARE])?;
        let plan = child(&node, &[SyntaxKind::PREPARED_STATEMENT])?;
        let prepared = node.children().last()?.text().to_string();
        let mut reader = Reader::new(Place::Exact(statement.range.start), 0);
        node.children().for_each(|inner| reader.statement_if_any(&inner));
        Some((name(&plan), prepared, reader.effects))
    });
    let (plan, prepared, effects) = inner??;
    let Read { reason, destructive_word, .. } = read_within(text, Place::Exact(0), 0);
    let reading = match reason {
        None => Reading::Understood(effects),
        Some(reason) => Reading::Unclear { reason, effects, destructive_word },
    };
    Some((plan, prepared, reading))
}

/// Returns the columns that an UPDATE sets, quoted where they have to be; none where that is not plain.
#[must_use]
pub fn assigned(text: &str) -> Option<Vec<String>> {
    let (statement, slice) = only_statement(text, "update")?;
    bounded(text, &statement, || {
        let update = child(&parse(slice).0, &[SyntaxKind::UPDATE])?;
        let list = tree::find(
            &child(&update, &[SyntaxKind::SET_CLAUSE])?,
            &[SyntaxKind::SET_COLUMN_LIST],
        )?;
        let one = |set: SyntaxNode| {
            (set.kind() == SyntaxKind::SET_SINGLE_COLUMN).then(|| tree::ident(&set))
        };
        list.children().map(one).collect()
    })?
}

/// Returns the name of the prepared statement that an EXECUTE, or an EXPLAIN ANALYZE of one, runs.
fn executes(text: &str) -> Option<String> {
    token::statements(text).iter().find_map(|statement| {
        let slice = &text[statement.range.clone()];
        bounded(text, statement, || {
            let (root, _) = parse(slice);
            let mut reader = Reader::new(Place::Exact(0), 0);
            root.children().for_each(|node| reader.statement(&node));
            let runs = reader.effects.into_iter().find(|effect| {
                effect.class == super::Class::Opaque && effect.verb == super::Verb::Execute
            })?;
            tree::find(&root, &[SyntaxKind::EXECUTE]).and(runs.object)
        })?
    })
}

/// Returns what the actions of a rule do, given by the statement that makes it.
fn actions(text: &str) -> Vec<Effect> {
    let statements = token::statements(text);
    let read = |statement: &Statement| {
        bounded(text, statement, || {
            let rule = child(&parse(&text[statement.range.clone()]).0, &[SyntaxKind::CREATE_RULE])?;
            let mut reader = Reader::new(Place::Exact(0), 0);
            rule.descendants().for_each(|part| reader.part(&part));
            Some(reader.effects)
        })
    };
    statements.first().and_then(read).flatten().unwrap_or_default()
}

fn only_statement<'a>(text: &'a str, first: &str) -> Option<(Statement, &'a str)> {
    let mut statements = token::statements(text).into_iter();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return None;
    };
    let slice = &text[statement.range.clone()];
    let word = &text[statement.tokens.first()?.range.clone()];
    word.eq_ignore_ascii_case(first).then_some((statement, slice))
}

/// Reads text that stands at a place of the submitted text.
fn read_within(text: &str, place: Place<'_>, nesting: usize) -> Read {
    let mut all = Read::default();
    for statement in token::statements(text) {
        let found = one(text, &statement, place, nesting);
        all.effects.extend(found.effects);
        all.unread.extend(found.unread);
        all.reason = all.reason.or(found.reason);
        all.destructive_word |= found.destructive_word;
    }
    all
}

fn one(text: &str, statement: &Statement, place: Place<'_>, nesting: usize) -> Read {
    let slice = &text[statement.range.clone()];
    let unclear = |why: &str| Read {
        effects: Vec::new(),
        unread: vec![slice.to_owned()],
        reason: Some(format!("{why}: {}", shorten(&slice.replace(char::is_control, " ")))),
        destructive_word: is_destructive_statement(text, statement),
    };
    if statement.is_doubtful {
        return unclear("it is not certain where strings end");
    }
    let place = match place {
        Place::Exact(base) => Place::Exact(base + statement.range.start),
        Place::Body(..) | Place::Within(..) => place,
    };
    let found = bounded(text, statement, || {
        let (root, is_clean) = parse(slice);
        if !is_clean {
            return Err("not understood");
        }
        Ok(statements(&root, place, nesting))
    });
    match found {
        Some(Ok((effects, unread))) => {
            let words = unread.iter().any(|part| is_destructive(part));
            let reason = unread.first().map(|part| {
                format!("not understood: {}", shorten(&part.replace(char::is_control, " ")))
            });
            Read { effects, unread, reason, destructive_word: words }
        }
        Some(Err(why)) => unclear(why),
        None => unclear("nested too deep to be read"),
    }
}

fn statements(root: &SyntaxNode, place: Place<'_>, nesting: usize) -> (Vec<Effect>, Vec<String>) {
    let mut reader = Reader::new(place, nesting);
    root.children().for_each(|node| reader.statement(&node));
    (reader.effects, reader.unread)
}

fn is_destructive(text: &str) -> bool {
    token::statements(text).iter().any(|statement| is_destructive_statement(text, statement))
}

fn is_destructive_statement(text: &str, statement: &Statement) -> bool {
    super::token::is_destructive(text, statement, function::is_dangerous)
}

/// Parses one statement; says whether all of it was understood.
fn parse(slice: &str) -> (SyntaxNode, bool) {
    match token::without_between(slice).map(|replaced| parse_as_it_is(&replaced)) {
        Some((root, true)) => (root, true),
        Some((_, false)) | None => parse_as_it_is(slice),
    }
}

fn parse_as_it_is(slice: &str) -> (SyntaxNode, bool) {
    let parse = SourceFile::parse(slice);
    let root = parse.tree().syntax().clone();
    // The body of a function does not run now, and need not be in a language known here.
    let bodies = || {
        let bodies = root.descendants().filter(|node| node.kind() == SyntaxKind::AS_DEFINITION);
        bodies.map(|node| node.text_range()).collect::<Vec<_>>()
    };
    let errors = parse.errors();
    let is_clean = errors.is_empty() || {
        let bodies = bodies();
        errors.iter().all(|error| bodies.iter().any(|body| body.contains_range(error.range())))
    };
    (root, is_clean)
}

/// Runs a reading of a statement where it cannot overflow the stack.
fn bounded<T: Send>(
    text: &str,
    statement: &Statement,
    work: impl FnOnce() -> T + Send,
) -> Option<T> {
    super::token::bounded(token::depth(text, statement), MOST_OPEN, work)
}
