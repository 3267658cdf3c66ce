//! How much of a table a condition covers, as far as its text alone can tell.

use std::collections::HashSet;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::expression::{
    boolean, chain, column, compared, condition, is_bool, is_called, is_column, is_constant,
    is_expression, is_null, is_text, is_true, none_is, operand, outermost, parts, unwrapped,
};
use super::function;
use super::tree::{all_tokens, child, find, has_token, ident, name, segments, string};

/// How much of the table a condition covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// Every row, or every row but those with a null.
    All,
    /// No row.
    None,
    /// Every row or none, the same for all: it reads no column of the table.
    Either,
    /// Every row, or those that a part of the condition chooses: `a = 1 OR current_user = 'x'`.
    Wide,
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
            Self::Wide | Self::Some => Self::Some,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::Wide, _) | (_, Self::Wide) => Self::Wide,
            (Self::Either, _) | (_, Self::Either) => Self::Either,
            (Self::All, Self::All) => Self::All,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Wide, _) | (_, Self::Wide) => Self::Wide,
            (Self::Either, Self::Some) | (Self::Some, Self::Either) => Self::Wide,
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
        if self.reads(expr) { Cover::Some } else { Cover::Either }
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
        let is_not =
            all_tokens(expr).next().is_some_and(|token| token.kind() == SyntaxKind::NOT_KW);
        let Some(inner) = operand(expr).filter(|_| is_not) else {
            return self.leaf(expr);
        };
        let bare = unwrapped(&inner);
        if is_null(&bare) {
            return Cover::None;
        }
        if let Some((left, op, right)) = parts(&bare)
            && op == "is"
            && is_null(&right)
            && !is_constant(&left)
        {
            return Cover::All;
        }
        if bare.kind() == SyntaxKind::POSTFIX_EXPR && has_token(&bare, SyntaxKind::ISNULL_KW) {
            return Cover::All;
        }
        self.cover(&inner).not()
    }

    fn postfix(&self, expr: &SyntaxNode) -> Cover {
        if has_token(expr, SyntaxKind::NOTNULL_KW) { Cover::All } else { self.leaf(expr) }
    }

    fn binary(&self, expr: &SyntaxNode) -> Cover {
        let Some((left, op, right)) = parts(expr) else {
            return self.leaf(expr);
        };
        match op.as_str() {
            "and" => {
                chain(expr, "and").iter().fold(Cover::All, |all, part| all.and(self.cover(part)))
            }
            "or" => self.any(&chain(expr, "or")),
            "is" | "isnot" if is_null(&right) => match (is_constant(&left), op == "is") {
                (true, is) => Cover::of(is_null(&unwrapped(&left)) == is),
                (false, true) => self.leaf(expr),
                (false, false) => Cover::All,
            },
            "=" | "<>" | "!=" | "<" | ">" | "<=" | ">="
                if is_null(&unwrapped(&left)) || is_null(&unwrapped(&right)) =>
            {
                Cover::None
            }
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
            "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=" | "isdistinctfrom"
            | "isnotdistinctfrom" => match compared(&left, &op, &right) {
                Some(holds) => Cover::of(holds),
                None if op == "=" && self.is_itself(&left, &right) => Cover::All,
                None => self.leaf(expr),
            },
            "in" | "notin" if self.is_itself(&left, &right) => Cover::of(op == "in"),
            "in" if right.children().any(|item| self.is_same(&left, &item)) => Cover::All,
            "notin" if right.children().any(|item| self.is_same(&left, &item)) => Cover::None,
            "in" | "notin" if none_is(&left, &right) => Cover::of(op == "notin"),
            "like" | "ilike" | "similarto" | "~~" | "~~*" if is_text(&right, &['%'], true) => {
                Cover::All
            }
            "notlike" | "notilike" | "notsimilarto" | "!~~" | "!~~*"
                if is_text(&right, &['%'], true) =>
            {
                Cover::None
            }
            "!~" | "!~*" if is_text(&right, &['.', '*', '^', '$'], false) => Cover::None,
            "~" | "~*" if is_text(&right, &['.', '*', '^', '$'], false) => Cover::All,
            _ => self.leaf(expr),
        }
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
            return (format!("{left} {op} {right}"), format!("{left} {opposite} {right}"));
        }
        if bare.kind() == SyntaxKind::PREFIX_EXPR
            && let Some(inner) = operand(&bare)
            && has_token(&bare, SyntaxKind::NOT_KW)
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
                    .map(|token| match token.text().starts_with(['\'', '"', '$', 'E', 'e']) {
                        true => token.text().to_owned(),
                        false => token.text().to_ascii_lowercase(),
                    })
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
        target.children().next().and_then(|expr| column(&expr)).is_some_and(|(_, c)| c == outer)
    }

    fn of_item(item: &SyntaxNode) -> Option<Self> {
        let relation = child(item, &[SyntaxKind::RELATION_NAME_REF])?;
        let alias = find(item, &[SyntaxKind::TABLE_ALIAS]).map(|alias| ident(&alias));
        let qualifier = alias.or_else(|| segments(&relation).pop())?;
        Some(Self { qualifier, table: name(&relation), is_shadowed: false })
    }

    /// Returns whether an expression may read a column of the table, or differ from row to row.
    fn reads(&self, expr: &SyntaxNode) -> bool {
        if function::is_volatile(expr) {
            return true;
        }
        expr.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF).any(|node| {
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
