//! Small questions to expressions: operands, columns, constants.

use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use super::tree::{all_tokens, child, find, ident, name};

/// Returns the expression after WHERE of a statement.
pub(super) fn condition(statement: &SyntaxNode) -> Option<SyntaxNode> {
    child(statement, &[SyntaxKind::WHERE_CLAUSE])?
        .children()
        .find(|node| is_expression(node.kind()))
}

/// Returns the operands of a chain of one operator, without recursion on its left side.
pub(super) fn chain(expr: &SyntaxNode, op: &str) -> Vec<SyntaxNode> {
    let mut done = Vec::new();
    let mut open = vec![expr.clone()];
    while let Some(next) = open.pop() {
        match parts(&unwrapped(&next)) {
            Some((left, found, right)) if found == op => {
                open.push(right);
                open.push(left);
            }
            _ => done.push(next),
        }
    }
    done
}

/// Returns both sides and the operator of a binary expression, spaces left out: `isnot`, `<>`.
pub(super) fn parts(expr: &SyntaxNode) -> Option<(SyntaxNode, String, SyntaxNode)> {
    if expr.kind() != SyntaxKind::BIN_EXPR {
        return None;
    }
    let mut sides = expr.children().filter(|node| is_expression(node.kind()));
    let (left, right) = (sides.next()?, sides.last()?);
    let op = expr
        .children_with_tokens()
        .skip_while(|element| element.as_node() != Some(&left))
        .skip(1)
        .take_while(|element| element.as_node() != Some(&right))
        .filter(|element| !element.kind().is_trivia())
        .flat_map(|element| match element {
            SyntaxElement::Node(node) => all_tokens(&node).collect::<Vec<_>>(),
            SyntaxElement::Token(token) => vec![token],
        })
        .map(|token| token.text().to_ascii_lowercase())
        .collect();
    Some((left, op, right))
}

/// Returns a column's qualifier and name, if the expression is nothing but a column.
pub(super) fn column(expr: &SyntaxNode) -> Option<(Option<String>, String)> {
    match expr.kind() {
        SyntaxKind::NAME_REF if is_column(expr) => Some((None, ident(expr))),
        SyntaxKind::FIELD_EXPR => {
            let mut names = expr.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF);
            if find(expr, &[SyntaxKind::PAREN_EXPR, SyntaxKind::CALL_EXPR]).is_some() {
                return None;
            }
            let mut parts: Vec<String> = names.by_ref().map(|node| ident(&node)).collect();
            let column = parts.pop()?;
            Some((parts.pop(), column))
        }
        _ => None,
    }
}

/// Returns qualifier and column of the whole of a dotted name that a part belongs to.
pub(super) fn outermost(field: &SyntaxNode) -> Option<(Option<String>, String)> {
    let top = field.ancestors().take_while(|node| node.kind() == SyntaxKind::FIELD_EXPR).last()?;
    if top.last_token().is_some_and(|token| token.kind() == SyntaxKind::STAR) {
        let names = top.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF);
        return names.last().map(|node| (Some(ident(&node)), "*".to_owned()));
    }
    column(&top)
}

/// `current_user` and the like are keywords, not columns.
pub(super) fn is_column(node: &SyntaxNode) -> bool {
    let Some(token) = all_tokens(node).next() else {
        return false;
    };
    !matches!(
        token.kind(),
        SyntaxKind::CURRENT_CATALOG_KW
            | SyntaxKind::CURRENT_DATE_KW
            | SyntaxKind::CURRENT_ROLE_KW
            | SyntaxKind::CURRENT_SCHEMA_KW
            | SyntaxKind::CURRENT_TIME_KW
            | SyntaxKind::CURRENT_TIMESTAMP_KW
            | SyntaxKind::CURRENT_USER_KW
            | SyntaxKind::LOCALTIME_KW
            | SyntaxKind::LOCALTIMESTAMP_KW
            | SyntaxKind::SESSION_USER_KW
            | SyntaxKind::USER_KW
    )
}

/// Returns whether a dotted name is the name of a called function.
pub(super) fn is_called(field: &SyntaxNode) -> bool {
    field.parent().is_some_and(|parent| {
        parent.kind() == SyntaxKind::CALL_EXPR && parent.children().next().as_ref() == Some(field)
    })
}

/// Returns whether a node is an expression, and not a clause or an operator.
pub(super) fn is_expression(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::ARRAY_EXPR
            | SyntaxKind::BETWEEN_EXPR
            | SyntaxKind::BIN_EXPR
            | SyntaxKind::CALL_EXPR
            | SyntaxKind::CASE_EXPR
            | SyntaxKind::CAST_EXPR
            | SyntaxKind::COLLATE
            | SyntaxKind::FIELD_EXPR
            | SyntaxKind::INDEX_EXPR
            | SyntaxKind::LITERAL
            | SyntaxKind::NAME_REF
            | SyntaxKind::PAREN_EXPR
            | SyntaxKind::POSTFIX_EXPR
            | SyntaxKind::PREFIX_EXPR
            | SyntaxKind::SLICE_EXPR
            | SyntaxKind::TUPLE_EXPR
            | SyntaxKind::BIND_PARAM_NAME_REF
            | SyntaxKind::NON_STANDARD_PARAM
    )
}

/// Returns the first operand.
pub(super) fn operand(expr: &SyntaxNode) -> Option<SyntaxNode> {
    expr.children().find(|node| is_expression(node.kind()))
}

/// Takes brackets off an expression.
pub(super) fn unwrapped(expr: &SyntaxNode) -> SyntaxNode {
    let mut expr = expr.clone();
    while expr.kind() == SyntaxKind::PAREN_EXPR {
        let Some(inner) = operand(&expr) else { break };
        expr = inner;
    }
    expr
}

/// Returns whether an expression is the word NULL.
pub(super) fn is_null(node: &SyntaxNode) -> bool {
    let token = all_tokens(node).next().map(|token| token.kind());
    let is_word = matches!(token, Some(SyntaxKind::NULL_KW | SyntaxKind::UNKNOWN_KW));
    is_word && all_tokens(node).nth(1).is_none()
}

/// Returns whether a type is the boolean one.
pub(super) fn is_bool(ty: &SyntaxNode) -> bool {
    matches!(name(ty).rsplit('.').next(), Some("bool" | "boolean"))
}

/// Returns the value of a number, with its sign.
pub(super) fn number(node: &SyntaxNode) -> Option<f64> {
    let node = unwrapped(node);
    let mut tokens = all_tokens(&node);
    let (first, second) = (tokens.next()?, tokens.next());
    let (sign, digits) = match (node.kind(), first.kind(), second) {
        (SyntaxKind::LITERAL, _, None) => (1.0, first),
        (SyntaxKind::PREFIX_EXPR, SyntaxKind::MINUS, Some(digits)) => (-1.0, digits),
        _ => return None,
    };
    let is_number = matches!(digits.kind(), SyntaxKind::INT_NUMBER | SyntaxKind::NUMERIC_NUMBER);
    let is_all = digits.text_range().end() == node.text_range().end();
    let value: f64 = digits.text().parse().ok().filter(|_| is_number && is_all)?;
    Some(sign * value)
}
