//! The body of a DO block, parsed as PL/pgSQL.

use std::ops::Range;

use squawk_parser::EntryPoint;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::{SourceFile, SyntaxKind};

use super::clean::is_surely_clean;
use super::syntax::{Parsed, SyntaxNode, parse};
use super::tree::{child, within_dollars};

/// A body that was parsed.
pub(super) struct Block {
    pub(super) root: SyntaxNode,
    pub(super) is_clean: bool,
    pub(super) source: Source,
}

/// Where a body's text stands in the text around it.
pub(super) enum Source {
    /// Whole, from a place on.
    Whole(usize),
    /// Token by token: an escape takes more room there.
    Tokens(Vec<(Range<usize>, Range<usize>)>),
}

impl Block {
    /// Parses the body of a DO; none in another language.
    pub(super) fn of(block: &SyntaxNode) -> Option<Self> {
        let literal = child(block, &[SyntaxKind::LITERAL]);
        let mut tokens = literal.iter().flat_map(SyntaxNode::tokens_below);
        let dollars =
            tokens.next().filter(|token| token.kind() == SyntaxKind::DOLLAR_QUOTED_STRING);
        let is_only = tokens.next().is_none() && child(block, &[SyntaxKind::DO_LANGUAGE]).is_none();
        let body = dollars.as_ref().filter(|_| is_only).and_then(|token| {
            let (text, at) = within_dollars(token.text())?;
            Some((text, token.text_range().start + at))
        });
        let Some((text, at)) = body else { return Self::of_any(block) };
        let Parsed { root, is_grammatical } = parse(text, EntryPoint::Plpgsql);
        let is_clean =
            is_grammatical && (is_surely_clean(&root) || by_crate(block)?.errors().is_empty());
        Some(Self { root, is_clean, source: Source::Whole(at) })
    }

    /// The same, however the body is quoted.
    fn of_any(block: &SyntaxNode) -> Option<Self> {
        let body = by_crate(block)?;
        let base = block.text_range().start;
        let tokens = body.syntax().descendants_with_tokens().filter_map(|part| part.into_token());
        let places = tokens.map(|token| {
            let (here, there) = (token.text_range(), body.source_range(token.text_range()));
            let there = usize::from(there.start())..usize::from(there.end());
            (here.into(), base + there.start..base + there.end)
        });
        let source = Source::Tokens(places.collect());
        let Parsed { root, .. } = parse(body.text(), EntryPoint::Plpgsql);
        Some(Self { root, is_clean: body.errors().is_empty(), source })
    }
}

impl Source {
    /// Returns where a part of the body stands in the text that the block is in.
    pub(super) fn range(&self, part: Range<usize>) -> Range<usize> {
        match self {
            Self::Whole(base) => base + part.start..base + part.end,
            Self::Tokens(places) => {
                let place = |at: usize| {
                    let behind = places.partition_point(|(here, _)| here.start <= at);
                    places.get(behind.saturating_sub(1))
                };
                let start = place(part.start).map_or(0, |(_, there)| there.start);
                let end = place(part.end.saturating_sub(1)).map_or(start, |(_, there)| there.end);
                start..end
            }
        }
    }
}

/// Asks the parser's crate for the body.
fn by_crate(block: &SyntaxNode) -> Option<Plpgsql> {
    let file = SourceFile::parse(block.text()).tree();
    let block = file.syntax().children().find(|node| node.kind() == SyntaxKind::DO)?;
    ast::Do::cast(block)?.plpgsql()
}
