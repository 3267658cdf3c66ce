//! How much of a table a condition covers, as far as its text alone can tell.

use std::collections::HashSet;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::function;
use super::tree::{all_tokens, child, find, ident, name, segments, string};

/// How much of the table a condition covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// Every row, or every row but those with a null.
    All,
    /// No row.
    None,
    /// Every row or none, the same for all: it reads no column of the table.
    Either,
    /// Some rows, as far as anybody can tell.
    Some,
}

impl Cover {
    fn of(holds: bool) -> Self {
        if holds { Self::All } else { Self::None }
    }

    fn not(self) -> Self {
        match self {
            Self::All => Self::None,
            Self::None => Self::All,
            Self::Either => Self::Either,
            Self::Some => Self::Some,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::Either, _) | (_, Self::Either) => Self::Either,
            (Self::All, Self::All) => Self::All,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Either, _) | (_, Self::Either) => Self::Either,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::None, Self::None) => Self::None,
        }
    }
}

/// The table a condition is about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// What its columns can be qualified with: the alias, or else the table's own name.
    pub(super) qualifier: String,
    /// The table's name as the statement has it.
    pub(super) table: String,
    /// A WITH query has the same name: a subquery on it is not the table.
    pub(super) is_shadowed: bool,
}

impl Subject {
    /// Returns how much of the table an expression covers as a condition.
    pub(super) fn cover(&self, expr: &SyntaxNode) -> Cover {
        match expr.kind() {
            SyntaxKind::PAREN_EXPR => match operand(expr) {
                Some(inner) => self.cover(&inner),
                None => self.leaf(expr),
            },
            SyntaxKind::LITERAL => self.literal(expr),
            SyntaxKind::CAST_EXPR => self.cast(expr),
            SyntaxKind::PREFIX_EXPR => self.prefix(expr),
            SyntaxKind::POSTFIX_EXPR => self.postfix(expr),
            SyntaxKind::BIN_EXPR => self.binary(expr),
            _ => self.leaf(expr),
        }
    }

    fn leaf(&self, expr: &SyntaxNode) -> Cover {
        if self.reads(expr) {
            Cover::Some
        } else {
            Cover::Either
        }
    }

    fn literal(&self, expr: &SyntaxNode) -> Cover {
        let Some(token) = all_tokens(expr).next() else {
            return Cover::Some;
        };
        match token.kind() {
            SyntaxKind::TRUE_KW => Cover::All,
            SyntaxKind::FALSE_KW | SyntaxKind::NULL_KW => Cover::None,
            _ => match string(expr).as_deref().and_then(boolean) {
                Some(holds) => Cover::of(holds),
                None => self.leaf(expr),
            },
        }
    }

    fn cast(&self, expr: &SyntaxNode) -> Cover {
        let inner = expr.children().find(|part| is_expression(part.kind()));
        match inner {
            Some(inner) if find(expr, &[SyntaxKind::PATH_TYPE]).is_some_and(|ty| is_bool(&ty)) => {
                self.cover(&inner)
            }
            _ => self.leaf(expr),
        }
    }

    fn prefix(&self, expr: &SyntaxNode) -> Cover {
        let is_not = all_tokens(expr)
            .next()
            .is_some_and(|token| token.kind() == SyntaxKind::NOT_KW);
        let Some(inner) = operand(expr).filter(|_| is_not) else {
            return self.leaf(expr);
        };
        let bare = unwrapped(&inner);
        if is_null(&bare) {
            return Cover::None;
        }
        if let Some((_, op, right)) = parts(&bare)
            && op == "is"
            && is_null(&right)
        {
            return Cover::All;
        }
        if bare.kind() == SyntaxKind::POSTFIX_EXPR && has_word(&bare, SyntaxKind::ISNULL_KW) {
            return Cover::All;
        }
        self.cover(&inner).not()
    }

    fn postfix(&self, expr: &SyntaxNode) -> Cover {
        if has_word(expr, SyntaxKind::NOTNULL_KW) {
            Cover::All
        } else {
            self.leaf(expr)
        }
    }

    fn binary(&self, expr: &SyntaxNode) -> Cover {
        let Some((left, op, right)) = parts(expr) else {
            return self.leaf(expr);
        };
        match op.as_str() {
            "and" => self
                .chain(expr, "and")
                .iter()
                .fold(Cover::All, |all, part| all.and(self.cover(part))),
            "or" => self.any(&self.chain(expr, "or")),
            "isnot" if is_null(&right) => Cover::All,
            "is" if is_null(&right) => self.leaf(expr),
            "is" | "isnot" => match (all_tokens(&right).next().map(|token| token.kind()), &*op) {
                (Some(SyntaxKind::TRUE_KW), "is") | (Some(SyntaxKind::FALSE_KW), "isnot") => {
                    self.cover(&left)
                }
                (Some(SyntaxKind::FALSE_KW), "is") | (Some(SyntaxKind::TRUE_KW), "isnot") => {
                    self.cover(&left).not()
                }
                _ => self.leaf(expr),
            },
            "=" | "<=" | ">=" | "isnotdistinctfrom" if self.is_same(&left, &right) => Cover::All,
            "<>" | "!=" | "<" | ">" | "isdistinctfrom" if self.is_same(&left, &right) => {
                Cover::None
            }
            "=" if is_true(&right) => self.cover(&left),
            "=" if is_true(&left) => self.cover(&right),
            "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=" => match compared(&left, &op, &right) {
                Some(holds) => Cover::of(holds),
                None if op == "=" && self.is_itself(&left, &right) => Cover::All,
                None => self.leaf(expr),
            },
            "in" if self.is_itself(&left, &right) => Cover::All,
            "in" if right.children().any(|item| self.is_same(&left, &item)) => Cover::All,
            "notin" if right.children().any(|item| self.is_same(&left, &item)) => Cover::None,
            "like" | "ilike" | "similarto" | "~~" | "~~*" if is_text(&right, &['%'], true) => {
                Cover::All
            }
            "~" | "~*" if is_text(&right, &['.', '*', '^', '$'], false) => Cover::All,
            _ => self.leaf(expr),
        }
    }

    /// Returns the operands of a chain of one operator, without recursion on its left side.
    fn chain(&self, expr: &SyntaxNode, op: &str) -> Vec<SyntaxNode> {
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

    /// OR: every part on its own, and pairs that complete each other (`a = 1 OR a <> 1`).
    fn any(&self, operands: &[SyntaxNode]) -> Cover {
        let mut seen = HashSet::new();
        let mut cover = Cover::None;
        for operand in operands {
            cover = cover.or(self.cover(operand));
            let (key, opposite) = self.key(operand);
            if seen.contains(&opposite) {
                return Cover::All;
            }
            seen.insert(key);
        }
        cover
    }

    /// Returns a text for a condition and one for its opposite.
    fn key(&self, expr: &SyntaxNode) -> (String, String) {
        let bare = unwrapped(expr);
        if let Some((left, op, right)) = parts(&bare) {
            let op = if op == "!=" { "<>".to_owned() } else { op };
            let opposite = match op.as_str() {
                "=" => "<>",
                "<>" => "=",
                "<" => ">=",
                ">=" => "<",
                ">" => "<=",
                "<=" => ">",
                "in" => "notin",
                "notin" => "in",
                "like" => "notlike",
                "notlike" => "like",
                _ => return (self.text(&bare), format!("not {}", self.text(&bare))),
            };
            let (left, right) = (self.text(&left), self.text(&right));
            return (
                format!("{left} {op} {right}"),
                format!("{left} {opposite} {right}"),
            );
        }
        if bare.kind() == SyntaxKind::PREFIX_EXPR
            && let Some(inner) = operand(&bare)
            && has_word(&bare, SyntaxKind::NOT_KW)
        {
            let (key, _) = self.key(&inner);
            return (format!("not {key}"), key);
        }
        (self.text(&bare), format!("not {}", self.text(&bare)))
    }

    /// Returns whether two operands are the same column, or the same constant-free text.
    fn is_same(&self, left: &SyntaxNode, right: &SyntaxNode) -> bool {
        let is_query = |node: &SyntaxNode| find(node, QUERIES).is_some();
        is_expression(right.kind())
            && !is_query(left)
            && !function::is_volatile(left)
            && self.text(left) == self.text(right)
    }

    /// Returns an operand's text, folded, with the table's own qualifier left out.
    fn text(&self, node: &SyntaxNode) -> String {
        let node = unwrapped(node);
        match column(&node) {
            Some((None, column)) => column,
            Some((Some(qualifier), column)) if qualifier == self.qualifier => column,
            Some((Some(qualifier), column)) => format!("{qualifier}.{column}"),
            None => {
                let tokens: Vec<String> = all_tokens(&node)
                    .map(
                        |token| match token.text().starts_with(['\'', '"', '$', 'E', 'e']) {
                            true => token.text().to_owned(),
                            false => token.text().to_ascii_lowercase(),
                        },
                    )
                    .collect();
                tokens.join(" ")
            }
        }
    }

    /// `id IN (SELECT id FROM the_same_table)` and `id = ANY (…)`, without a condition inside.
    fn is_itself(&self, left: &SyntaxNode, right: &SyntaxNode) -> bool {
        let Some((_, outer)) = column(&unwrapped(left)) else {
            return false;
        };
        let right = unwrapped(right);
        let right = child(&right, &[SyntaxKind::ANY_FN, SyntaxKind::SOME_FN]).unwrap_or(right);
        let select = match right.kind() {
            SyntaxKind::SELECT => Some(right),
            _ => child(&right, &[SyntaxKind::SELECT]),
        };
        let Some(select) = select.filter(|_| !self.is_shadowed) else {
            return false;
        };
        const NARROWING: &[SyntaxKind] = &[
            SyntaxKind::LIMIT_CLAUSE,
            SyntaxKind::OFFSET_CLAUSE,
            SyntaxKind::FETCH_CLAUSE,
            SyntaxKind::HAVING_CLAUSE,
            SyntaxKind::WITH_CLAUSE,
            SyntaxKind::LOCKING_CLAUSE,
        ];
        if child(&select, NARROWING).is_some() {
            return false;
        }
        let Some(from) = child(&select, &[SyntaxKind::FROM_CLAUSE]) else {
            return false;
        };
        let items: Vec<SyntaxNode> = from.children().collect();
        let [item] = items.as_slice() else {
            return false;
        };
        if item.kind() != SyntaxKind::RELATION_FROM_ITEM
            || find(item, &[SyntaxKind::TABLESAMPLE_CLAUSE]).is_some()
        {
            return false;
        }
        let Some(inner) = Self::of_item(item) else {
            return false;
        };
        if inner.table != self.table {
            return false;
        }
        if let Some(condition) = condition(&select)
            && inner.cover(&condition) != Cover::All
        {
            return false;
        }
        let targets: Vec<SyntaxNode> = child(&select, &[SyntaxKind::SELECT_CLAUSE])
            .and_then(|clause| child(&clause, &[SyntaxKind::TARGET_LIST]))
            .map(|list| list.children().collect())
            .unwrap_or_default();
        let [target] = targets.as_slice() else {
            return false;
        };
        target
            .children()
            .next()
            .and_then(|expr| column(&expr))
            .is_some_and(|(_, c)| c == outer)
    }

    fn of_item(item: &SyntaxNode) -> Option<Self> {
        let relation = child(item, &[SyntaxKind::RELATION_NAME_REF])?;
        let alias = find(item, &[SyntaxKind::TABLE_ALIAS]).map(|alias| ident(&alias));
        let qualifier = alias.or_else(|| segments(&relation).pop())?;
        Some(Self {
            qualifier,
            table: name(&relation),
            is_shadowed: false,
        })
    }

    /// Returns whether an expression may read a column of the table, or differ from row to row.
    fn reads(&self, expr: &SyntaxNode) -> bool {
        if function::is_volatile(expr) {
            return true;
        }
        expr.descendants()
            .filter(|node| node.kind() == SyntaxKind::NAME_REF)
            .any(|node| {
                let Some(parent) = node.parent().filter(|_| node != *expr) else {
                    return is_column(&node);
                };
                match parent.kind() {
                    SyntaxKind::CALL_EXPR => false,
                    SyntaxKind::FIELD_EXPR => {
                        // The qualifier is the first part: `t.id`; of `s.t.id` the second counts.
                        if is_called(&parent) || parent.children().next().as_ref() != Some(&node) {
                            return false;
                        }
                        match outermost(&parent) {
                            Some((Some(qualifier), _)) => qualifier == self.qualifier,
                            Some((None, _)) | None => true,
                        }
                    }
                    _ => is_column(&node),
                }
            })
    }
}

const QUERIES: &[SyntaxKind] = &[
    SyntaxKind::SELECT,
    SyntaxKind::COMPOUND_SELECT,
    SyntaxKind::PAREN_SELECT,
    SyntaxKind::VALUES,
    SyntaxKind::TABLE,
];

/// Returns the expression after WHERE of a statement.
pub(super) fn condition(statement: &SyntaxNode) -> Option<SyntaxNode> {
    child(statement, &[SyntaxKind::WHERE_CLAUSE])?
        .children()
        .find(|node| is_expression(node.kind()))
}

/// Returns the operands of an AND chain, for callers that look for one of them.
pub(super) fn conjuncts(expr: &SyntaxNode) -> Vec<SyntaxNode> {
    let subject = Subject {
        qualifier: String::new(),
        table: String::new(),
        is_shadowed: false,
    };
    subject.chain(expr, "and")
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
            squawk_syntax::SyntaxElement::Node(node) => all_tokens(&node).collect::<Vec<_>>(),
            squawk_syntax::SyntaxElement::Token(token) => vec![token],
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
            let mut names = expr
                .descendants()
                .filter(|node| node.kind() == SyntaxKind::NAME_REF);
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

fn outermost(field: &SyntaxNode) -> Option<(Option<String>, String)> {
    let top = field
        .ancestors()
        .take_while(|node| node.kind() == SyntaxKind::FIELD_EXPR)
        .last()?;
    if top
        .last_token()
        .is_some_and(|token| token.kind() == SyntaxKind::STAR)
    {
        let names = top
            .descendants()
            .filter(|node| node.kind() == SyntaxKind::NAME_REF);
        return names
            .last()
            .map(|node| (Some(ident(&node)), "*".to_owned()));
    }
    column(&top)
}

/// `current_user` and the like are keywords, not columns.
fn is_column(node: &SyntaxNode) -> bool {
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

fn is_called(field: &SyntaxNode) -> bool {
    field.parent().is_some_and(|parent| {
        parent.kind() == SyntaxKind::CALL_EXPR && parent.children().next().as_ref() == Some(field)
    })
}

pub(super) fn is_expression(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::ARRAY_EXPR
            | SyntaxKind::BETWEEN_EXPR
            | SyntaxKind::BIN_EXPR
            | SyntaxKind::CALL_EXPR
            | SyntaxKind::CASE_EXPR
            | SyntaxKind::CAST_EXPR
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

fn operand(expr: &SyntaxNode) -> Option<SyntaxNode> {
    expr.children().find(|node| is_expression(node.kind()))
}

/// Takes brackets off an expression.
fn unwrapped(expr: &SyntaxNode) -> SyntaxNode {
    let mut expr = expr.clone();
    while expr.kind() == SyntaxKind::PAREN_EXPR {
        let Some(inner) = operand(&expr) else { break };
        expr = inner;
    }
    expr
}

fn has_word(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    super::tree::has_token(node, kind)
}

fn is_null(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::LITERAL && has_word(node, SyntaxKind::NULL_KW)
}

fn is_true(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::LITERAL && has_word(node, SyntaxKind::TRUE_KW)
}

fn is_bool(ty: &SyntaxNode) -> bool {
    matches!(name(ty).rsplit('.').next(), Some("bool" | "boolean"))
}

/// The words the server takes for a boolean, in full; shorter ones are `t`, `f`, `y`, `n`.
fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Returns whether a pattern is a string of nothing but these characters.
fn is_text(pattern: &SyntaxNode, chars: &[char], needs_one: bool) -> bool {
    string(pattern).is_some_and(|text| {
        text.chars().all(|c| chars.contains(&c)) && !(needs_one && text.is_empty())
    })
}

/// Compares two literals: numbers as numbers, strings as strings.
fn compared(left: &SyntaxNode, op: &str, right: &SyntaxNode) -> Option<bool> {
    let order = match (number(left), number(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right)?,
        (None, None) if matches!(op, "=" | "<>" | "!=") => string(left)?.cmp(&string(right)?),
        _ => return None,
    };
    Some(match op {
        "=" => order.is_eq(),
        "<>" | "!=" => order.is_ne(),
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        _ => order.is_ge(),
    })
}

fn number(node: &SyntaxNode) -> Option<f64> {
    let node = unwrapped(node);
    if node.kind() != SyntaxKind::LITERAL {
        return None;
    }
    let token = all_tokens(&node).next()?;
    match token.kind() {
        SyntaxKind::INT_NUMBER | SyntaxKind::NUMERIC_NUMBER => token.text().parse().ok(),
        _ => None,
    }
}
