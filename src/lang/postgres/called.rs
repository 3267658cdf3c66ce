//! What a statement calls, and what it names that may run a function without being one.

use squawk_syntax::quote::quote_ident;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::dynamic::Variables;
use super::reader::explain_runs;
use super::tree::{all_tokens, child, find, ident, name};
use super::{bounded, function, parse, plain, token};
use crate::lang::token::{Kind, Statement, is_word};

/// First words of statements that evaluate something.
const EVALUATES: &[&str] = &[
    "alter", "call", "copy", "create", "declare", "delete", "do", "execute", "explain", "insert",
    "merge", "refresh", "select", "table", "truncate", "update", "values", "with",
];

/// First words of statements that only note down what they name, but for a few kinds.
const ONLY_NAMES: &[&str] =
    &["alter", "comment", "create", "drop", "explain", "grant", "prepare", "revoke"];

/// Operators that nobody has to ask about.
const OPERATORS: &[&str] = &[
    "!=", "#>>", "%", "*", "+", "-", "->", "->>", "/", "::", "<", "<=", "<>", "=", "=>", ">", ">=",
    "@>", "||", "~", "~*",
];

const OPERATOR_CHARS: &str = "+-*/<>=~!@#%^&|`?:";

/// A name or an operator in a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Folded, and quoted where it has to be.
    pub(super) name: String,
    /// Whether it stands behind a dot and calls nothing, as a column does.
    pub(super) is_part: bool,
}

/// Returns whether what a text does may depend on functions that are not the server's own, as far
/// as its words tell: it evaluates something, and names what nobody knows.
#[must_use]
pub fn may_reach(text: &str) -> bool {
    token::statements(text).iter().any(|statement| {
        let is_bracket = statement.tokens.first().is_some_and(|token| token.kind == Kind::Open);
        (is_bracket || word(text, statement, 0, EVALUATES))
            && mentions(text, statement).iter().any(|mention| !is_known(&mention.name))
    })
}

/// Returns whether a text calls a function that nobody knows, as far as its words tell, or is a block.
#[must_use]
pub fn calls_unknown(text: &str) -> bool {
    let statements = token::statements(text);
    statements.iter().any(|statement| may_call(text, statement, |name, _| !is_known(name)))
}

fn is_known(name: &str) -> bool {
    function::is_common(name)
        || is_word(name, EVALUATES)
        || squawk_syntax::quote::is_reserved_word(name)
        || OPERATORS.contains(&name)
}

/// Returns the names and operators of a statement; of a block, those in its text.
pub(super) fn mentions(text: &str, statement: &Statement) -> Vec<Mention> {
    let mut mentions: Vec<Mention> = Vec::new();
    let is_block = word(text, statement, 0, &["do"]);
    let mut last = 0..0;
    for (index, token) in statement.tokens.iter().enumerate() {
        let piece = &text[token.range.clone()];
        let next = statement.tokens.get(index + 1).map(|next| next.kind);
        let is_part = text[last.clone()].ends_with('.') && next != Some(Kind::Open);
        let is_operator = |piece: &str| piece.chars().all(|c| OPERATOR_CHARS.contains(c));
        let name = match token.kind {
            Kind::Word => Some(piece.to_ascii_lowercase()),
            Kind::Other | Kind::Name if piece.contains('"') => quoted(piece),
            Kind::Other if is_operator(piece) => {
                // The lexer gives them sign by sign.
                let joins = token.range.start == last.end && is_operator(&text[last.clone()]);
                match mentions.last_mut().filter(|_| joins && !last.is_empty()) {
                    Some(before) => {
                        before.name.push_str(piece);
                        None
                    }
                    None => Some(piece.to_owned()),
                }
            }
            Kind::Plain | Kind::Text if is_block => {
                if let Some((inner, _)) = token::body(piece) {
                    let statements = token::statements(inner);
                    mentions.extend(statements.iter().flat_map(|part| self::mentions(inner, part)));
                }
                None
            }
            _ => None,
        };
        mentions.extend(name.map(|name| Mention { name, is_part }));
        last = token.range.clone();
    }
    mentions
}

/// Returns whether a statement may call one of these, as far as its words tell: a name, and whether
/// it stands behind a dot.
pub(super) fn may_call(
    text: &str,
    statement: &Statement,
    knows: impl Fn(&str, bool) -> bool,
) -> bool {
    let mut folded = String::new();
    word(text, statement, 0, &["do"])
        || (1..statement.tokens.len()).any(|next| {
            let (at, token) = (next - 1, &statement.tokens[next - 1]);
            let piece = &text[token.range.clone()];
            // INSERT INTO f (…), CREATE TABLE IF NOT EXISTS f (…)
            let is_table = at > 0 && word(text, statement, at - 1, &["exists", "into", "table"]);
            if statement.tokens[next].kind != Kind::Open || is_table {
                return false;
            }
            let is_part = text[..token.range.start].ends_with('.');
            may_be(token.kind, piece, &mut folded, |name| knows(name, is_part))
        })
}

/// Returns whether a token is one of these names; a quoted one may be any.
fn may_be(kind: Kind, piece: &str, folded: &mut String, knows: impl FnOnce(&str) -> bool) -> bool {
    if kind != Kind::Word {
        return matches!(kind, Kind::Other | Kind::Name) && piece.contains('"');
    }
    folded.clear();
    folded.push_str(piece);
    folded.make_ascii_lowercase();
    knows(folded)
}

/// Returns whether a statement may have one of these among its mentions, without making them.
pub(super) fn may_mention(text: &str, statement: &Statement, knows: impl Fn(&str) -> bool) -> bool {
    let mut folded = String::new();
    word(text, statement, 0, &["do"])
        || statement.tokens.iter().any(|token| {
            let piece = &text[token.range.clone()];
            may_be(token.kind, piece, &mut folded, &knows)
        })
}

/// Reads a quoted name, `U&` included, as the parser does.
fn quoted(piece: &str) -> Option<String> {
    if let Some(name) = plain::quoted(piece) {
        return Some(quote_ident(name));
    }
    let (root, is_clean) = parse(&format!("select {piece}"));
    find(&root, &[SyntaxKind::NAME_REF]).filter(|_| is_clean).map(|node| ident(&node))
}

/// Returns the functions that a text calls and that are not the server's own, as far as their names
/// tell.
pub(super) fn called(text: &str) -> Vec<Call> {
    let is_other = |name: &str, is_part: bool| is_part || !function::is_common(name);
    let statements = token::statements(text);
    let calls = statements.iter().flat_map(|statement| {
        let may_call = match word(text, statement, 0, &["do"]) {
            true => may_call_within(text, statement, is_other),
            false => may_call(text, statement, is_other),
        };
        if may_call { calls(text, statement).unwrap_or_default() } else { Vec::new() }
    });
    calls.filter(|call| !function::is_common(&call.name)).collect()
}

/// Returns whether the text of a block may call one of these, as far as its words tell.
fn may_call_within(text: &str, block: &Statement, knows: impl Fn(&str, bool) -> bool) -> bool {
    block.tokens.iter().any(|token| match token.kind {
        Kind::Plain | Kind::Text => {
            token::body(&text[token.range.clone()]).is_none_or(|(body, _)| {
                let statements = token::statements(body);
                statements.iter().any(|part| part.is_doubtful || may_call(body, part, &knows))
            })
        }
        Kind::Escaped => true,
        Kind::Word
        | Kind::Open
        | Kind::Close
        | Kind::Comma
        | Kind::Semicolon
        | Kind::Name
        | Kind::Other => false,
    })
}

/// Most calls whose arguments are told apart.
const MOST_TOLD_APART: usize = 100;

/// What a call gives: each argument's name, if it is given by one, and an expression that begins as it does.
pub(super) type Given = Vec<(Option<String>, Option<String>)>;

/// A function or procedure that a statement calls.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Folded, with its schema where that is said.
    pub(super) name: String,
    /// Nothing where several calls give different things.
    pub(super) given: Given,
    /// Whether it is called for every row of a table.
    pub(super) is_repeated: bool,
}

/// Returns all functions and procedures that a statement calls; none where it runs nothing.
pub(super) fn calls(text: &str, statement: &Statement) -> Option<Vec<Call>> {
    let only_names = word(text, statement, 0, &["comment", "drop", "grant", "revoke"]);
    if only_names || makes_trigger(text, statement) {
        return None;
    }
    let slice = &text[statement.range.clone()];
    bounded(text, statement, || {
        use squawk_syntax::ast::{self, AstNode};
        let (root, _) = parse(slice);
        if let Some(block) = child(&root, &[SyntaxKind::DO]) {
            let body = ast::Do::cast(block)?.plpgsql()?;
            return Some(found(&body.syntax()));
        }
        root.children().any(|node| evaluates(&node)).then(|| found(&root))
    })?
}

/// Returns the trigger that a statement makes, and the function that it will call.
pub(super) fn trigger(text: &str, statement: &Statement) -> Option<(String, String)> {
    if !makes_trigger(text, statement) {
        return None;
    }
    let slice = &text[statement.range.clone()];
    bounded(text, statement, || {
        let node = child(
            &parse(slice).0,
            &[SyntaxKind::CREATE_TRIGGER, SyntaxKind::CREATE_EVENT_TRIGGER],
        )?;
        let named = child(&node, &[SyntaxKind::TRIGGER, SyntaxKind::EVENT_TRIGGER])?;
        Some((name(&named), found(&node).into_iter().next()?.name))
    })?
}

fn makes_trigger(text: &str, statement: &Statement) -> bool {
    let before = ["constraint", "event", "or", "replace"];
    let named = (1..5).find(|at| !word(text, statement, *at, &before)).unwrap_or(0);
    word(text, statement, 0, &["create"]) && word(text, statement, named, &["trigger"])
}

/// Returns whether a statement evaluates what it names now.
fn evaluates(node: &SyntaxNode) -> bool {
    const NOW: &[SyntaxKind] = &[
        SyntaxKind::ALTER_TABLE,
        SyntaxKind::CREATE_INDEX,
        SyntaxKind::CREATE_MATERIALIZED_VIEW,
        SyntaxKind::CREATE_TABLE_AS,
    ];
    let first = all_tokens(node).next();
    let only_names = first.is_some_and(|token| is_word(token.text(), ONLY_NAMES));
    match node.kind() {
        SyntaxKind::EXPLAIN => explain_runs(node),
        kind => {
            !only_names || NOW.contains(&kind) && find(node, &[SyntaxKind::WITH_NO_DATA]).is_none()
        }
    }
}

fn found(root: &SyntaxNode) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for node in root.descendants() {
        let found = match node.kind() {
            SyntaxKind::CALL_EXPR => function::called_whole(&node),
            SyntaxKind::PROCEDURE_NAME_REF => Some(name(&node)),
            _ => None,
        };
        let Some(name) = found else { continue };
        let given = match node.kind() {
            SyntaxKind::CALL_EXPR => given(&node),
            _ => node.parent().map_or_else(Vec::new, |call| given(&call)),
        };
        let is_repeated = function::is_for_every_row(&node);
        let is_crowded = calls.len() >= MOST_TOLD_APART;
        let is_same = |call: &&mut Call| call.name == name && (is_crowded || call.given == given);
        match calls.iter_mut().find(is_same) {
            Some(call) => {
                call.is_repeated |= is_repeated;
                if call.given != given {
                    call.given.clear();
                }
            }
            None => calls.push(Call { name, given, is_repeated }),
        }
    }
    calls
}

fn given(call: &SyntaxNode) -> Given {
    let text = |value: &SyntaxNode| match &Variables::default().texts(value)[..] {
        [made] => made.expression(),
        _ => None,
    };
    let arguments = function::arguments(call).into_iter();
    arguments.map(|(name, value)| (name, text(&value))).collect()
}

pub(super) fn word(text: &str, statement: &Statement, at: usize, list: &[&str]) -> bool {
    let token = statement.tokens.get(at).filter(|token| token.kind == Kind::Word);
    token.is_some_and(|token| is_word(&text[token.range.clone()], list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_operators_are_found_wherever_they_stand() {
        let found = |text: &str| -> Vec<String> {
            let statements = token::statements(text);
            let found = mentions(text, &statements[0]).into_iter();
            found
                .map(|mention| {
                    format!("{}{}", if mention.is_part { "." } else { "" }, mention.name)
                })
                .collect()
        };
        assert_eq!(found("SELECT (t).F FROM t"), ["select", "t", ".f", "from", "t"]);
        assert_eq!(found("select a === -1"), ["select", "a", "===", "-"]);
        assert_eq!(found("select \"A b\", U&\"\\0061\""), ["select", "\"A b\"", "a"]);
        assert_eq!(found("do $$ begin x; end $$"), ["do", "begin", "x", "end"]);
    }

    #[test]
    fn built_in_functions_are_not_asked_about() {
        for text in [
            "select 1 + 2, now(), coalesce(null, pg_catalog.format('x'))",
            "select pg_sleep(1); show work_mem; set search_path to a; begin; drop table t",
            "select 'f(x)'",
        ] {
            assert!(!may_reach(text), "{text}");
        }
        for text in [
            "select f()",
            "call s.p(1)",
            "do $$ begin perform tidy(); end $$",
            "table v",
            "(select a)",
            "select 1 === 2",
            "select 1::odd",
            "execute p",
        ] {
            assert!(may_reach(text), "{text}");
        }
    }
}
