//! Blocks that run now: the body of DO, its static SQL, its dynamic SQL.

use squawk_parser::EntryPoint;
use squawk_syntax::SyntaxKind;

use super::block::Block;
use super::reader::{Reader, quoted};
use super::syntax::{SyntaxNode, parse};
use super::token;
use super::tree::{Place, all_tokens, child, find, name, string};
use crate::lang::{Class, Scope, Verb};

/// How the phrase of dynamic SQL begins that is no constant.
pub(super) const DYNAMIC: &str = "runs SQL put together on the way";

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
        inner.body(&body.root);
        self.effects.append(&mut inner.effects);
        self.unread.append(&mut inner.unread);
    }

    fn body(&mut self, root: &SyntaxNode) {
        let mut done: Option<SyntaxNode> = None;
        for node in root.descendants() {
            let is_done = done.as_ref().is_some_and(|done| {
                node.text_range().end <= done.text_range().end && node != *done
            });
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
                kind if EXECUTES.contains(&kind) => self.dynamic(&node),
                _ => self.part(&node),
            }
        }
    }

    /// EXECUTE: a constant is read; of what is put together, the first words may tell.
    fn dynamic(&mut self, node: &SyntaxNode) {
        let Some(expr) = child(node, &[SyntaxKind::PLPGSQL_EXPR]) else {
            self.opaque(node, None);
            return;
        };
        let text = leading_string(&expr);
        let whole = expr.descendants().filter(|part| part.kind() == SyntaxKind::LITERAL).take(2);
        let is_constant =
            text.is_some() && whole.count() == 1 && find(&expr, NOT_CONSTANT).is_none();
        match text {
            Some(text) if is_constant => self.inner(&text, &expr),
            text => self.opaque(&expr, text.as_deref()),
        }
    }

    fn opaque(&mut self, node: &SyntaxNode, text: Option<&str>) {
        let first = text.and_then(|text| text.split_whitespace().next());
        let first = first.unwrap_or_default().to_ascii_lowercase();
        let (class, verb) = match first.as_str() {
            "drop" => (Class::Destroy, Verb::Drop),
            "truncate" => (Class::Destroy, Verb::Truncate),
            "delete" => (Class::Remove, Verb::Delete),
            "update" => (Class::Change, Verb::Update),
            _ => (Class::Opaque, Verb::Execute),
        };
        let looped = if self.is_looped(node) { ", in a loop" } else { "" };
        let phrase = format!("{DYNAMIC}{looped}: {}", quoted(node));
        self.push(class, verb, None, Scope::Unknown, node, phrase);
    }
}

const NOT_CONSTANT: &[SyntaxKind] = &[
    SyntaxKind::BIN_EXPR,
    SyntaxKind::CALL_EXPR,
    SyntaxKind::CASE_EXPR,
    SyntaxKind::FIELD_EXPR,
    SyntaxKind::NAME_REF,
    SyntaxKind::SELECT,
];

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

/// Returns the string an expression's text starts with: of `'DROP ' || x`, `format('DROP …', x)`.
fn leading_string(expr: &SyntaxNode) -> Option<String> {
    let first = expr.descendants().find(|part| part.kind() == SyntaxKind::LITERAL)?;
    let before = all_tokens(expr)
        .take_while(|token| token.text_range().start < first.text_range().start)
        .all(|token| {
            matches!(token.text().to_ascii_lowercase().as_str(), "format" | "concat" | "(")
        });
    if before { string(&first) } else { None }
}
