//! Small questions to a syntax tree: children, names as the server folds them, text in one line.

use std::ops::Range;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::quote::quote_ident;
use squawk_syntax::{SourceFile, SyntaxKind};

use super::block::Source;
use super::syntax::{SyntaxNode, SyntaxToken};
use super::token::{self, BETWEEN};

/// How much of a condition a phrase shows; the dialogue has the whole statement anyway.
const SHOWN_CHARS: usize = 80;

/// Where the nodes of a tree stand in the text that was submitted.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The tree's text starts at this offset of the submitted text.
    Exact(usize),
    /// The tree is the body of a block whose statement starts at this offset.
    Body(&'a Source, usize),
    /// The tree's text was made while running (`EXECUTE '…'`): all of it stands here.
    Within(usize, usize),
}

impl Place<'_> {
    /// Returns where a node stands in the submitted text.
    pub(super) fn span(&self, node: &SyntaxNode) -> Range<usize> {
        let start = node.text_range().start;
        let range =
            start..last(node).map_or_else(|| node.text_range(), |token| token.text_range()).end;
        match self {
            Self::Exact(base) => base + range.start..base + range.end,
            Self::Body(body, base) => {
                let range = body.range(range);
                base + range.start..base + range.end
            }
            Self::Within(start, end) => *start..*end,
        }
    }
}

/// Returns a node's last token that is neither its semicolon nor space.
fn last(node: &SyntaxNode) -> Option<SyntaxToken> {
    let start = node.text_range().start;
    let mut last = node.last_token()?;
    while last.kind() == SyntaxKind::SEMICOLON || last.kind().is_trivia() {
        last = last.prev_token().filter(|token| token.text_range().start >= start)?;
    }
    Some(last)
}

/// Returns the first child of one of these kinds.
pub(super) fn child(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxNode> {
    node.children().find(|child| kinds.contains(&child.kind()))
}

/// Returns the first node of one of these kinds in the tree below, the node itself included.
pub(super) fn find(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxNode> {
    node.descendants().find(|found| kinds.contains(&found.kind()))
}

/// Returns the nearest node above of one of these kinds.
pub(super) fn above(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxNode> {
    node.ancestors().skip(1).find(|found| kinds.contains(&found.kind()))
}

/// Returns whether a keyword is among the node's own tokens.
pub(super) fn has_token(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    tokens(node).any(|token| token.kind() == kind)
}

/// Returns the node's own tokens without spaces and comments.
pub(super) fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    node.children_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !token.kind().is_trivia())
}

/// Returns all tokens of the tree below without spaces and comments.
pub(super) fn all_tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    node.tokens_below().filter(|token| !token.kind().is_trivia())
}

/// Returns a name as SQL that means the same everywhere: schema kept, unquoted parts folded to
/// lower case, quotes only where they are needed.
pub(super) fn name(node: &SyntaxNode) -> String {
    segments(node).join(".")
}

/// Returns the parts of a name, folded and quoted where needed.
pub(super) fn segments(node: &SyntaxNode) -> Vec<String> {
    const SEGMENTS: &[SyntaxKind] = &[SyntaxKind::PATH_SEGMENT, SyntaxKind::PATH_SEGMENT_REF];
    let parts: Vec<String> = node
        .descendants()
        .filter(|part| SEGMENTS.contains(&part.kind()))
        .map(|part| ident(&part))
        .collect();
    if parts.is_empty() { vec![ident(node)] } else { parts }
}

/// Returns the identifier a node holds, folded, and quoted where it has to be.
pub(super) fn ident(node: &SyntaxNode) -> String {
    let Some(first) = all_tokens(node).next() else {
        return String::new();
    };
    if !first.text().contains('"') {
        return first.text().to_ascii_lowercase();
    }
    if let Some(inner) = first.text().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return quote_ident(&inner.replace("\"\"", "\""));
    }
    // It has escapes, and the character that begins these may be said behind it.
    let holder = first.parent().unwrap_or_else(|| node.clone());
    let texts: Vec<String> = tokens(&holder).map(|token| token.text().to_owned()).collect();
    let is_said = texts.get(1).is_some_and(|word| word.eq_ignore_ascii_case("uescape"));
    let text =
        format!("select {}", texts[..if is_said { 3.min(texts.len()) } else { 1 }].join(" "));
    let name = SourceFile::parse(&text).tree().syntax().descendants().find_map(ast::NameRef::cast);
    name.map_or_else(String::new, |name| quote_ident(&ast::normalize_name_node(name.syntax())))
}

/// Returns a node's text in one line without comments, shortened where it is long.
pub(super) fn shown(node: &SyntaxNode) -> String {
    let mut is_apart = false;
    let tokens: Vec<(bool, SyntaxToken)> = node
        .tokens_below()
        .filter_map(|token| {
            let is_trivia = token.kind().is_trivia();
            let before = std::mem::replace(&mut is_apart, is_trivia);
            (!is_trivia).then_some((before, token))
        })
        // Far more than is shown.
        .take(4 * SHOWN_CHARS)
        .collect();
    let line = in_one_line(tokens.iter().map(|(is_apart, token)| (*is_apart, token.text())));
    let line = line.strip_suffix(';').map_or(line.as_str(), str::trim_end);
    shorten(&line.replace(BETWEEN.0, "between").replace(BETWEEN.1, "not between"))
}

/// Joins tokens to a line, or as much of it as could be shown; each says whether a space stands before it.
pub(super) fn in_one_line<'a>(tokens: impl Iterator<Item = (bool, &'a str)>) -> String {
    let mut line = String::new();
    for (is_apart, text) in tokens {
        if is_apart && !line.is_empty() {
            line.push(' ');
        }
        line.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        if line.len() > 4 * SHOWN_CHARS {
            break;
        }
    }
    line
}

/// Cuts a line after what a phrase shows.
pub(super) fn shorten(line: &str) -> String {
    crate::lang::token::shorten(line, SHOWN_CHARS)
}

/// Returns what stands between a dollar-quoted string's quotes, and where it starts.
pub(super) fn within_dollars(quoted: &str) -> Option<(&str, usize)> {
    let (text, at) = token::body(quoted)?;
    let (tag, rest) = quoted.split_at(at);
    rest.ends_with(tag).then_some((text, at))
}

/// Returns the value of a string literal, if the node is a literal; that of others is empty.
pub(super) fn string(node: &SyntaxNode) -> Option<String> {
    const STRINGS: &[SyntaxKind] = &[
        SyntaxKind::BIT_STRING,
        SyntaxKind::BYTE_STRING,
        SyntaxKind::DOLLAR_QUOTED_STRING,
        SyntaxKind::ESC_STRING,
        SyntaxKind::NATIONAL_STRING,
        SyntaxKind::STRING,
        SyntaxKind::UNICODE_ESC_STRING,
    ];
    if node.kind() != SyntaxKind::LITERAL {
        return None;
    }
    let mut tokens = node.tokens_below();
    match (tokens.next(), tokens.next()) {
        (Some(only), None) if only.kind() == SyntaxKind::STRING => {
            let inner = only.text().strip_prefix('\'')?.strip_suffix('\'')?;
            Some(inner.replace("''", "'"))
        }
        (Some(only), None) if only.kind() == SyntaxKind::DOLLAR_QUOTED_STRING => {
            Some(within_dollars(only.text())?.0.to_owned())
        }
        _ if !node.tokens_below().any(|token| STRINGS.contains(&token.kind())) => {
            Some(String::new())
        }
        _ => {
            let file = SourceFile::parse(&format!("select {}", node.text())).tree();
            file.syntax().descendants().find_map(ast::Literal::cast)?.string_value()
        }
    }
}
