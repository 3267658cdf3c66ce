//! Blocks that run now: the body of DO, its static SQL, its dynamic SQL.

use squawk_parser::EntryPoint;
use squawk_syntax::SyntaxKind;

use super::block::Block;
use super::dynamic::{self, Variables};
use super::reader::{Reader, quoted};
use super::syntax::{SyntaxNode, parse};
use super::token;
use super::tree::{Place, all_tokens, child, find, name, string};
use crate::lang::{Class, Scope, Verb};

/// How the phrase of SQL begins that is put together, where its first word is known.
pub(super) const DYNAMIC: &str = "runs SQL put together on the way";

/// The same where not even that is.
pub(super) const UNKNOWN: &str = "runs SQL that nobody knows before it runs";

/// Statements whose SQL is made while the block runs.
const EXECUTES: &[SyntaxKind] = &[
    SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT,
    SyntaxKind::PLPGSQL_FOR_DYN_STMT,
    SyntaxKind::PLPGSQL_OPEN_EXECUTE,
    SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT,
];

impl Reader<'_> {
    /// DO: its body runs now, unlike a function's.
    pub(super) fn block(&mut self, node: &SyntaxNode) {
        let Some(body) = Block::of(node) else {
            let language = child(node, &[SyntaxKind::DO_LANGUAGE])
                .and_then(|clause| find(&clause, &[SyntaxKind::LANGUAGE_REF]))
                .map_or_else(|| "another language".to_owned(), |language| name(&language));
            let phrase = format!("runs a block of {language}, which is not read");
            self.push(Class::Opaque, Verb::Execute, None, Scope::Unknown, node, phrase);
            return;
        };
        let (body, shift) = match plainer(node) {
            Some(plainer) => (plainer, node.text_range().start),
            None => (body, 0),
        };
        if !body.is_clean {
            self.unread.push(body.root.text().to_owned());
        }
        let mut inner = match self.place {
            Place::Exact(base) => {
                Reader::new(Place::Body(&body.source, base + shift), self.nesting)
            }
            Place::Body(..) | Place::Within(..) => {
                let span = self.span(node);
                Reader::new(Place::Within(span.start, span.end), self.nesting)
            }
        };
        let text = find(node, &[SyntaxKind::LITERAL]).and_then(|body| string(&body));
        inner.body(&body.root, &Variables::of(&body.root, &text.unwrap_or_default()));
        self.effects.append(&mut inner.effects);
        self.unread.append(&mut inner.unread);
    }

    fn body(&mut self, root: &SyntaxNode, variables: &Variables) {
        let mut done: Option<SyntaxNode> = None;
        for node in root.descendants() {
            let is_done = done.as_ref().is_some_and(|done| done.contains(&node) && node != *done);
            if is_done {
                continue;
            }
            match node.kind() {
                SyntaxKind::PLPGSQL_EXEC_SQL_STMT => {
                    if let Some(statement) = node.children().next().filter(is_other) {
                        self.statement(&statement);
                        done = Some(node);
                    }
                }
                SyntaxKind::PLPGSQL_CALL_STMT | SyntaxKind::PLPGSQL_DO_STMT => {
                    const INNER: &[SyntaxKind] = &[SyntaxKind::CALL, SyntaxKind::DO];
                    match find(&node, INNER) {
                        Some(statement) => self.statement(&statement),
                        None => self.unread.push(node.text().to_string()),
                    }
                    done = Some(node);
                }
                kind if EXECUTES.contains(&kind) => self.dynamic(&node, variables),
                _ => self.part(&node),
            }
        }
    }

    /// EXECUTE: what is known beforehand is read; of what is not, the first word may tell.
    fn dynamic(&mut self, node: &SyntaxNode, variables: &Variables) {
        let Some(expr) = child(node, &[SyntaxKind::PLPGSQL_EXPR]) else {
            self.opaque(node, None);
            return;
        };
        for made in variables.run(&expr) {
            let before = (self.effects.len(), self.unread.len());
            if made.is_whole {
                self.inner(&made.text, &expr);
            }
            // With what stands for something in it, it may be no SQL.
            let is_filled = made.is_filled();
            if !made.is_whole || is_filled && self.unread.len() > before.1 {
                self.unread.truncate(before.1);
                self.opaque(&expr, made.first_word().as_deref());
            }
            if is_filled {
                self.effects[before.0..].iter_mut().for_each(dynamic::tell);
            }
        }
    }

    fn opaque(&mut self, node: &SyntaxNode, first: Option<&str>) {
        let (class, verb) = match first {
            Some("drop") => (Class::Destroy, Verb::Drop),
            Some("truncate") => (Class::Destroy, Verb::Truncate),
            Some("delete") => (Class::Remove, Verb::Delete),
            Some("update") => (Class::Change, Verb::Update),
            _ => (Class::Opaque, Verb::Execute),
        };
        let how = if first.is_some() { DYNAMIC } else { UNKNOWN };
        let looped = if self.is_looped(node) { ", in a loop" } else { "" };
        let phrase = format!("{how}{looped}: {}", quoted(node));
        self.push(class, verb, None, Scope::Unknown, node, phrase);
    }
}

/// Parses a block again without what the parser does not know or mistakes, byte for byte: the
/// INTO of `SELECT a INTO x FROM t`, which in a block names variables, and BETWEEN. None if there
/// is nothing of that, or if it does not help.
fn plainer(node: &SyntaxNode) -> Option<Block> {
    let literal = child(node, &[SyntaxKind::LITERAL])?;
    let quoted = all_tokens(&literal).next().filter(|token| {
        matches!(token.kind(), SyntaxKind::STRING | SyntaxKind::DOLLAR_QUOTED_STRING)
    })?;
    let mut text = node.text().to_owned();
    let (range, base) = (quoted.text_range(), node.text_range().start);
    text.replace_range(range.start - base..range.end - base, &token::plainer_body(quoted.text())?);
    let root = parse(&text, EntryPoint::SourceFile).root;
    Block::of(&child(&root, &[SyntaxKind::DO])?).filter(|body| body.is_clean)
}

/// Statements that are not found part by part: DDL, TRUNCATE, COPY and the like.
fn is_other(statement: &SyntaxNode) -> bool {
    !matches!(
        statement.kind(),
        SyntaxKind::SELECT
            | SyntaxKind::COMPOUND_SELECT
            | SyntaxKind::PAREN_SELECT
            | SyntaxKind::VALUES
            | SyntaxKind::TABLE
            | SyntaxKind::DELETE
            | SyntaxKind::UPDATE
            | SyntaxKind::INSERT
            | SyntaxKind::MERGE
    )
}
