//! Whether a tree is free of the mistakes that the grammar lets through and the parser's crate finds
//! by a second look (`INTO` in a subquery, a join without a condition).
//!
//! That look takes as long as the parsing. Everyday SQL has none of the forms it is for, or has them
//! plainly right; only where that is not seen at once the crate is asked.

use squawk_parser::{
    SyntaxKind, is_col_name_keyword, is_reserved_keyword, is_type_func_name_keyword,
};

use super::expression::is_expression;
use super::syntax::SyntaxNode;
use super::tree::{child, has_token, tokens};

use SyntaxKind as K;

/// Forms that may be wrong in ways nobody looks for here.
const UNSURE: &[SyntaxKind] = &[
    K::AGGREGATE,
    K::ATOMIC_BODY,
    K::CREATE_AGGREGATE,
    K::CREATE_FUNCTION,
    K::CREATE_PROCEDURE,
    K::CREATE_TABLE,
    K::DISTINCT_ON,
    K::EXCEPT_TABLE_CLAUSE,
    K::FUNC_OPTION_LIST,
    K::FUNCTION_SIG,
    K::JSON_ARRAY_FN,
    K::JSON_OBJECT_FN,
    K::NON_STANDARD_PARAM,
    K::PARTITION_FOR_VALUES_WITH,
    K::PLPGSQL_CASE_STMT,
    K::PLPGSQL_CASE_WHEN,
    K::PLPGSQL_COMP_OPTION_PRINT_STRICT_PARAMS,
    K::PLPGSQL_FETCH_STMT,
    K::PLPGSQL_FOR_CURSOR_STMT,
    K::PLPGSQL_FOR_I_STMT,
    K::PROCEDURE_SIG,
    K::ROUTINE_SIG,
    K::RULE_STMT_LIST,
    K::SELECT_INTO,
    K::STORAGE_MODE,
    K::TO_CONFIG_VALUE,
];

/// How long an operator may be, in bytes.
const LONGEST_OPERATOR: usize = 63;

/// Returns whether there is surely no such mistake.
pub(super) fn is_surely_clean(root: &SyntaxNode) -> bool {
    let is_odd = |kind: SyntaxKind, text: &str| match kind {
        K::OVERLAPS_KW | K::UESCAPE_KW => true,
        K::IDENT => text.starts_with(['U', 'u']) && text[1..].starts_with('&'),
        _ => false,
    };
    !root.tokens_below().any(|token| is_odd(token.kind(), token.text()))
        && root.descendants().all(|node| is_right(&node))
}

fn is_right(node: &SyntaxNode) -> bool {
    let first = || tokens(node).next().map(|token| token.kind());
    let has = |kind: SyntaxKind| has_token(node, kind);
    let child = |kinds: &[SyntaxKind]| child(node, kinds);
    let parent = || node.parent().map(|parent| parent.kind());
    match node.kind() {
        K::SOURCE_FILE => node.children().nth(1).is_none(),
        K::LITERAL => {
            let mut parts = node.children_with_tokens();
            let only = parts.next().filter(|_| parts.next().is_none()).map(|part| part.kind());
            !matches!(only, None | Some(K::DEFAULT_KW | K::UNICODE_ESC_STRING))
        }
        K::NAME_REF => first().is_none_or(|kind| {
            kind == K::CURRENT_SCHEMA_KW
                || !is_type_func_name_keyword(kind)
                || parent() == Some(K::CALL_EXPR)
        }),
        K::TABLE_NAME => {
            node.tokens_below().next().is_none_or(|token| !is_type_func_name_keyword(token.kind()))
        }
        K::BIN_EXPR => !has(K::IN_KW) && child(&[K::NOT_IN]).is_none() || is_in_list(node),
        K::CALL_EXPR => is_right_call(node),
        K::SELECT => {
            let clauses = child(&[K::SELECT_CLAUSE, K::FROM_CLAUSE]);
            clauses.is_some_and(|first| first.kind() == K::SELECT_CLAUSE)
                && parent() != Some(K::TUPLE_EXPR)
        }
        K::SELECT_CLAUSE => child(&[K::TARGET_LIST]).is_some(),
        K::JOIN_EXPR => child(&[K::JOIN]).is_some_and(|join| is_right_join(&join)),
        K::PREFIX_EXPR => child(&[K::CUSTOM_OP]).is_none(),
        K::CUSTOM_OP => node.text_range().len() <= LONGEST_OPERATOR,
        K::ARRAY_EXPR => !has(K::L_PAREN) && (has(K::ARRAY_KW) || parent() == Some(K::ARRAY_EXPR)),
        K::ARG_LIST => parent() == Some(K::CALL_EXPR) || node.children().all(|arg| is_number(&arg)),
        K::RELATION_FROM_ITEM => !has(K::LATERAL_KW),
        K::FUNCTION_FROM_ITEM => !has(K::ONLY_KW),
        K::PAREN_FROM_ITEM => {
            const QUERIES: &[SyntaxKind] = &[K::SELECT, K::COMPOUND_SELECT, K::VALUES];
            let query = child(&[K::PAREN_SELECT]);
            let is_query = query.is_some_and(|query| super::tree::child(&query, QUERIES).is_some());
            is_query && !has(K::ONLY_KW) && parent() != Some(K::PAREN_SELECT)
        }
        K::SET_SINGLE_COLUMN => {
            child(&[K::SET_EXPR]).is_none_or(|value| !has_token(&value, K::DEFAULT_KW))
        }
        K::SET_COLUMN_LIST => node.children().next().is_some(),
        K::DO => {
            let languages = node.children().filter(|part| part.kind() == K::DO_LANGUAGE);
            let mut literals = node.children().filter(|part| part.kind() == K::LITERAL);
            literals.by_ref().take(2).count() == 1 && languages.count() == 0
        }
        K::PLPGSQL_BLOCK => has(K::SEMICOLON) || parent() != Some(K::PLPGSQL_BODY),
        K::PLPGSQL_IF_STMT | K::PLPGSQL_ELSIF_CLAUSE => {
            let condition = child(&[K::PLPGSQL_EXPR]);
            condition.is_none_or(|part| part.descendants().all(|node| node.kind() != K::CASE_EXPR))
        }
        K::PLPGSQL_FOR_QUERY_STMT => !has(K::REVERSE_KW),
        kind => !UNSURE.contains(&kind),
    }
}

/// `IN (…)` and `NOT IN (…)` with something in the brackets.
fn is_in_list(node: &SyntaxNode) -> bool {
    node.children().last().is_some_and(|list| match list.kind() {
        K::PAREN_EXPR => true,
        K::TUPLE_EXPR => !has_token(&list, K::ROW_KW) && list.children().next().is_some(),
        _ => false,
    })
}

fn is_right_call(call: &SyntaxNode) -> bool {
    if child(call, &[K::ALL_FN, K::ANY_FN, K::SOME_FN]).is_some() {
        // It stands behind an operator.
        return call.parent().is_some_and(|outer| {
            let mut sides = outer.children().filter(|side| is_expression(side.kind()));
            outer.kind() == K::BIN_EXPR && sides.nth(1).as_ref() == Some(call)
        });
    }
    let Some(name) = child(call, &[K::NAME_REF]).and_then(|name| name.tokens_below().next()) else {
        return true;
    };
    let is_given = || {
        let args = child(call, &[K::ARG_LIST]);
        args.is_some_and(|args| args.children().any(|arg| arg.kind() == K::ARG))
    };
    match name.kind() {
        K::COALESCE_KW | K::GREATEST_KW | K::LEAST_KW => is_given(),
        kind => !is_col_name_keyword(kind) && !is_reserved_keyword(kind),
    }
}

fn is_right_join(join: &SyntaxNode) -> bool {
    const BOUND: &[SyntaxKind] = &[K::JOIN_FULL, K::JOIN_INNER, K::JOIN_LEFT, K::JOIN_RIGHT];
    let is_bound = child(join, BOUND).is_some();
    let has_condition = child(join, &[K::JOIN_USING_CLAUSE, K::ON_CLAUSE]).is_some();
    is_bound == has_condition && !has_token(join, K::NATURAL_KW)
}

/// Whether an argument is nothing but a number: `numeric(10, 2)`.
fn is_number(arg: &SyntaxNode) -> bool {
    let mut tokens = arg.tokens_below();
    tokens.next().is_some_and(|token| token.kind() == K::INT_NUMBER) && tokens.next().is_none()
}
