//! A condition's tree to what the question of scope needs of it.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::expression::{
    chain, column, is_bool, is_called, is_column, is_expression, is_null, number, operand,
    outermost, parts, unwrapped,
};
use super::function;
use super::subquery::{Queries, is_empty_list, is_of_all, only_value, subquery, values};
use super::token::BETWEEN;
use super::tree::{all_tokens, child, find, has_token, ident, name, string};
use crate::lang::condition::names::Names;
use crate::lang::condition::{CAST, Condition, Kind, Op, source};

/// Reads the expressions of a condition, given what names in it stand for.
pub(super) struct Terms<'a>(pub(super) &'a Names);

impl Terms<'_> {
    /// Reads an expression.
    pub(super) fn read(&self, expr: &SyntaxNode) -> Condition {
        let expr = unwrapped(expr);
        if let Some(number) = number(&expr) {
            return Condition::Number(number);
        }
        if let Some(column) = self.own_column(&expr) {
            return column;
        }
        match expr.kind() {
            SyntaxKind::LITERAL => self.literal(&expr),
            SyntaxKind::CAST_EXPR => self.cast(&expr),
            SyntaxKind::PREFIX_EXPR => self.prefix(&expr),
            SyntaxKind::POSTFIX_EXPR => self.postfix(&expr),
            SyntaxKind::BIN_EXPR => self.binary(&expr),
            SyntaxKind::CALL_EXPR => self.call(&expr),
            SyntaxKind::CASE_EXPR => self.case(&expr),
            SyntaxKind::COLLATE => match operand(&expr) {
                Some(inner) => Condition::Call(CAST.to_owned(), vec![self.read(&inner)]),
                None => self.other(&expr),
            },
            SyntaxKind::PAREN_EXPR => self.value(&expr).unwrap_or_else(|| self.other(&expr)),
            _ => self.other(&expr),
        }
    }

    fn boxed(&self, expr: &SyntaxNode) -> Box<Condition> {
        Box::new(self.read(expr))
    }

    fn other(&self, expr: &SyntaxNode) -> Condition {
        // Two looks at a query may differ, as far as anybody knows.
        let is_volatile = function::is_volatile(expr) || find(expr, QUERIES).is_some();
        Condition::Other {
            text: self.text(expr),
            reads: self.reads(expr),
            is_volatile: is_volatile && self.reads(expr),
        }
    }

    /// Returns what a column is, if it is known.
    fn own_column(&self, expr: &SyntaxNode) -> Option<Condition> {
        let (qualifier, column) = column(expr)?;
        self.0.column(qualifier.as_deref(), &column)
    }

    /// Returns the one value of a query in brackets.
    fn value(&self, expr: &SyntaxNode) -> Option<Condition> {
        let query = subquery(expr)?;
        match only_value(&query) {
            Some(value) => Some(self.read(&value)),
            None => source::only(&Queries, self.0, &query, || self.other(expr)),
        }
    }

    fn literal(&self, expr: &SyntaxNode) -> Condition {
        match all_tokens(expr).next().map(|token| token.kind()) {
            Some(SyntaxKind::TRUE_KW) => Condition::Known(Some(true)),
            Some(SyntaxKind::FALSE_KW) => Condition::Known(Some(false)),
            Some(SyntaxKind::NULL_KW) => Condition::Known(None),
            Some(SyntaxKind::POSITIONAL_PARAM) => self.other(expr),
            _ => string(expr).map_or_else(|| self.other(expr), Condition::Text),
        }
    }

    fn cast(&self, expr: &SyntaxNode) -> Condition {
        let inner = expr.children().find(|part| is_expression(part.kind()));
        let span = inner.as_ref().filter(|_| child(expr, &[SyntaxKind::INTERVAL_TYPE]).is_some());
        if let Some(seconds) = span.and_then(string).and_then(|span| seconds(&span)) {
            return Condition::Number(seconds);
        }
        let ty = find(expr, &[SyntaxKind::PATH_TYPE, SyntaxKind::TIMESTAMP_TYPE]);
        let ty = ty.filter(|ty| find(ty, &[SyntaxKind::ARG_LIST]).is_none());
        match (inner, ty) {
            (Some(inner), Some(ty)) if is_bool(&ty) => self.read(&inner),
            (Some(inner), Some(ty)) => match self.read(&inner) {
                text @ Condition::Text(_) if is_lasting(&ty) || is_moment(&ty) => text,
                Condition::Number(number) if number.fract() == 0.0 && is_whole(&ty) => {
                    Condition::Number(number)
                }
                number @ Condition::Number(_) if is_lasting(&ty) => number,
                Condition::Text(_) | Condition::Number(_) => self.other(expr),
                value if is_lasting(&ty) || value.is_key() && is_whole(&ty) => {
                    Condition::Call(CAST.to_owned(), vec![value])
                }
                _ => self.other(expr),
            },
            _ => self.other(expr),
        }
    }

    fn prefix(&self, expr: &SyntaxNode) -> Condition {
        let sign = all_tokens(expr).next().map(|token| token.kind());
        match (operand(expr), sign) {
            (Some(inner), Some(SyntaxKind::NOT_KW)) => self.read(&inner).negated(true),
            (Some(inner), Some(SyntaxKind::PLUS)) => self.read(&inner),
            _ => self.other(expr),
        }
    }

    fn postfix(&self, expr: &SyntaxNode) -> Condition {
        match operand(expr) {
            Some(inner) if has_token(expr, SyntaxKind::NOTNULL_KW) => {
                Condition::IsNotNull(self.boxed(&inner))
            }
            Some(inner) if has_token(expr, SyntaxKind::ISNULL_KW) => {
                Condition::IsNull(self.boxed(&inner))
            }
            _ => self.other(expr),
        }
    }

    fn call(&self, expr: &SyntaxNode) -> Condition {
        if child(expr, &[SyntaxKind::EXISTS_FN]).is_some()
            && let Some(select) = subquery(expr)
        {
            return source::finds(&Queries, self.0, &select).unwrap_or_else(|| self.other(expr));
        }
        let args = child(expr, &[SyntaxKind::ARG_LIST]).map(|args| {
            let args = args.children().filter(|arg| arg.kind() == SyntaxKind::ARG);
            args.map(|arg| arg.children().last().filter(|arg| is_expression(arg.kind())))
                .collect::<Option<Vec<_>>>()
        });
        let is_plain = expr.children().count() == 2;
        match (function::called(expr), args.flatten()) {
            (Some(name), Some(args)) if is_plain => {
                Condition::Call(name, args.iter().map(|arg| self.read(arg)).collect())
            }
            _ => self.other(expr),
        }
    }

    fn case(&self, expr: &SyntaxNode) -> Condition {
        let within = |node: &SyntaxNode| -> Vec<Condition> {
            let parts = node.children().filter(|part| is_expression(part.kind()));
            parts.map(|part| self.read(&part)).collect()
        };
        let mut chosen_by = within(expr);
        let mut results = Vec::new();
        let whens = child(expr, &[SyntaxKind::WHEN_CLAUSE_LIST]);
        for when in whens.iter().flat_map(|list| list.children()) {
            let mut parts = within(&when).into_iter();
            let (Some(condition), Some(result), None) = (parts.next(), parts.next(), parts.next())
            else {
                return self.other(expr);
            };
            chosen_by.push(condition);
            results.push(result);
        }
        let or_else = child(expr, &[SyntaxKind::ELSE_CLAUSE]).map(|part| within(&part));
        match or_else.as_deref() {
            None => results.push(Condition::Known(None)),
            Some([result]) => results.push(result.clone()),
            Some(_) => return self.other(expr),
        }
        Condition::Case { chosen_by, results }
    }

    fn binary(&self, expr: &SyntaxNode) -> Condition {
        let Some((left, op, right)) = parts(expr) else {
            return self.other(expr);
        };
        // Written out with its schema, an operator is the same.
        let bare = op.strip_prefix("operator(").and_then(|op| op.strip_suffix(')'));
        let op = bare.map_or(op.as_str(), |op| op.strip_prefix("pg_catalog.").unwrap_or(op));
        let is_not = op.starts_with("not") || op.starts_with('!') && op != "!=" || op == "isnot";
        if let Some(list) = self.list(&right) {
            let is_all = is_of_all(&right);
            return match op {
                _ if list.is_empty() && (is_all || right.kind() == SyntaxKind::CALL_EXPR) => {
                    Condition::Known(Some(is_all))
                }
                "=" if !is_all => Condition::In(self.boxed(&left), list),
                "<>" | "!=" if is_all => Condition::In(self.boxed(&left), list).negated(true),
                "like" | "ilike" if !is_all => {
                    let kind = like_kind(op);
                    let parts = list.into_iter().map(|one| self.like(&left, one, kind));
                    Condition::Or(parts.collect())
                }
                _ => self.other(expr),
            };
        }
        if right.kind() == SyntaxKind::CALL_EXPR
            && child(&right, &[SyntaxKind::EXISTS_FN]).is_none()
            && let Some(query) = subquery(&right)
            && source::gives_nothing(&Queries, self.0, &query)
        {
            return Condition::Known(Some(is_of_all(&right)));
        }
        match op {
            "and" => self.conjunction(&chain(expr, "and")),
            "or" => Condition::Or(chain(expr, "or").iter().map(|part| self.read(part)).collect()),
            "is" if is_null(&right) => Condition::IsNull(self.boxed(&left)),
            "isnot" if is_null(&right) => Condition::IsNotNull(self.boxed(&left)),
            "is" | "isnot" => match all_tokens(&right).next().map(|token| token.kind()) {
                Some(SyntaxKind::TRUE_KW) => Condition::Is(self.boxed(&left), !is_not),
                Some(SyntaxKind::FALSE_KW) => Condition::Is(self.boxed(&left), is_not),
                _ => self.other(expr),
            },
            "@>" if is_empty_list(&right) => self.like(&left, self.read(&right), Kind::Nothing),
            "<@" if is_empty_list(&left) => self.like(&right, self.read(&left), Kind::Nothing),
            "^@" => {
                Condition::Call("starts_with".to_owned(), vec![self.read(&left), self.read(&right)])
            }
            "=" | "in" | "<>" | "!=" | "notin"
                if let Some(found) = self.within(op, &left, &right) =>
            {
                found
            }
            "in" | "notin" => {
                let list = values(&right).unwrap_or_else(|| right.children().collect());
                if list.is_empty() || !list.iter().all(|item| is_expression(item.kind())) {
                    return self.other(expr);
                }
                let list = list.iter().map(|item| self.read(item)).collect();
                Condition::In(self.boxed(&left), list).negated(is_not)
            }
            "like" | "ilike" | "similarto" | "~~" | "~~*" | "notlike" | "notilike"
            | "notsimilarto" | "!~~" | "!~~*" => {
                // ESCAPE changes nothing about a pattern of `%` alone.
                let escaped = parts(&right).filter(|(_, op, _)| op == "escape");
                let taken = escaped.map_or(right, |(taken, ..)| taken);
                self.like(&left, self.read(&taken), like_kind(op)).negated(is_not)
            }
            "~" | "~*" | "!~" | "!~*" => {
                self.like(&left, self.read(&right), Kind::Regular).negated(is_not)
            }
            "+" | "-" | "*" | "/" | "%" | "||" => {
                let sign = op.chars().next().unwrap_or_default();
                Condition::Arithmetic(sign, self.boxed(&left), self.boxed(&right))
            }
            _ => match comparison(op) {
                Some(op) if is_expression(right.kind()) => {
                    Condition::compare(self.read(&left), op, self.read(&right))
                }
                _ => self.other(expr),
            },
        }
    }

    fn like(&self, value: &SyntaxNode, pattern: Condition, kind: Kind) -> Condition {
        Condition::matches(self.read(value), pattern, kind)
    }

    /// `IN`, `= ANY`, `<> ALL` and `=` of a query on a table.
    fn within(&self, op: &str, left: &SyntaxNode, right: &SyntaxNode) -> Option<Condition> {
        let is_not = op == "notin" || op == "<>" || op == "!=";
        let is_list = op != "<>" && op != "!=" || right.kind() == SyntaxKind::CALL_EXPR;
        let query = subquery(right).filter(|query| is_list && only_value(query).is_none())?;
        if !op.ends_with("in") && is_of_all(right) != is_not {
            return None;
        }
        let left = unwrapped(left);
        let values: Vec<Condition> = match left.kind() {
            SyntaxKind::TUPLE_EXPR => left.children().map(|value| self.read(&value)).collect(),
            _ => vec![self.read(&left)],
        };
        source::within(&Queries, self.0, &values, &query).map(|found| found.negated(is_not))
    }

    /// AND, and what the parser makes of `a BETWEEN 1 AND 2`: an operator, and a part that holds
    /// the upper bound.
    fn conjunction(&self, operands: &[SyntaxNode]) -> Condition {
        let mut read = Vec::new();
        let mut operands = operands.iter();
        while let Some(part) = operands.next() {
            let part = unwrapped(part);
            let Some((value, low, is_not)) = half(&part) else {
                read.push(self.read(&part));
                continue;
            };
            let Some(high) = operands.next() else {
                read.push(self.other(&part));
                break;
            };
            let (value, low, high) = (self.read(&value), self.read(&low), self.read(high));
            read.push(Condition::between(value, low, high).negated(is_not));
        }
        match read.pop() {
            Some(only) if read.is_empty() => only,
            last => Condition::And(read.into_iter().chain(last).collect()),
        }
    }

    /// Returns an operand's text, folded, with the table's own qualifier left out.
    fn text(&self, node: &SyntaxNode) -> String {
        let node = unwrapped(node);
        match column(&node) {
            Some((None, column)) => column,
            Some((Some(qualifier), column)) if self.0.is_own(&qualifier) => column,
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

    /// Returns whether an expression may read a column of the table, or differ from row to row.
    fn reads(&self, expr: &SyntaxNode) -> bool {
        if function::is_volatile(expr) {
            return true;
        }
        expr.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF).any(|node| {
            let Some(parent) = node.parent().filter(|_| node != *expr) else {
                return is_column(&node) && !self.0.is_elsewhere(&ident(&node));
            };
            match parent.kind() {
                SyntaxKind::CALL_EXPR => false,
                SyntaxKind::FIELD_EXPR => {
                    // The qualifier is the first part: `t.id`; of `s.t.id` the second counts.
                    if is_called(&parent) || parent.children().next().as_ref() != Some(&node) {
                        return false;
                    }
                    match outermost(&parent) {
                        Some((Some(qualifier), _)) => self.0.is_own(&qualifier),
                        Some((None, _)) | None => true,
                    }
                }
                _ => {
                    is_column(&node)
                        && !self.0.is_elsewhere(&ident(&node))
                        && !is_inner(&node, expr)
                }
            }
        })
    }
}

/// Returns whether a bare column in a subquery is the subquery's own, as far as one can tell: it is
/// compared with no other.
fn is_inner(node: &SyntaxNode, expr: &SyntaxNode) -> bool {
    let mut around = node.ancestors().skip(1).take_while(|outer| outer != expr);
    let mut columns = 1;
    let select = around.find(|outer| {
        if outer.kind() == SyntaxKind::BIN_EXPR && columns == 1 {
            let names = outer.descendants().filter(|name| name.kind() == SyntaxKind::NAME_REF);
            columns = names.take(2).count();
        }
        outer.kind() == SyntaxKind::SELECT
    });
    let is_own = |select: SyntaxNode| child(&select, &[SyntaxKind::FROM_CLAUSE]).is_some();
    columns == 1 && select.is_some_and(is_own)
}

/// Reads the first half of a BETWEEN: the value, the lower bound, and whether NOT stands there.
fn half(part: &SyntaxNode) -> Option<(SyntaxNode, SyntaxNode, bool)> {
    if part.kind() == SyntaxKind::PREFIX_EXPR && has_token(part, SyntaxKind::NOT_KW) {
        let (value, low, is_not) = half(&operand(part)?)?;
        return Some((value, low, !is_not));
    }
    let (value, op, low) = parts(part)?;
    let is_not = op == BETWEEN.1;
    (is_not || op == BETWEEN.0).then_some((value, low, is_not))
}

/// Returns whether a type holds every value as it was, as far as equality goes.
fn is_lasting(ty: &SyntaxNode) -> bool {
    matches!(name(ty).rsplit('.').next(), Some("text" | "varchar" | "jsonb" | "citext"))
}

/// Returns whether a type is one of whole numbers.
fn is_whole(ty: &SyntaxNode) -> bool {
    matches!(name(ty).rsplit('.').next(), Some("bigint" | "int" | "int4" | "int8" | "integer"))
}

/// Returns whether a type is one of moments, which are in order as they are written.
fn is_moment(ty: &SyntaxNode) -> bool {
    let first = all_tokens(ty).next().map(|token| token.text().to_ascii_lowercase());
    matches!(first.as_deref(), Some("date" | "timestamp" | "timestamptz"))
}

/// Returns how long a span of time is that is written as a count of one unit.
fn seconds(span: &str) -> Option<f64> {
    let (count, unit) = span.trim().split_once(' ')?;
    let count: f64 = count.parse().ok()?;
    let unit = match unit.trim().trim_end_matches('s') {
        "second" | "sec" => 1.0,
        "minute" | "min" => 60.0,
        "hour" => 3_600.0,
        "day" => 86_400.0,
        "week" => 604_800.0,
        "month" => 2_592_000.0,
        "year" => 31_557_600.0,
        _ => return None,
    };
    Some(count * unit)
}

/// Returns what the pattern of an operator is.
fn like_kind(op: &str) -> Kind {
    match op {
        "like" | "~~" | "notlike" | "!~~" => Kind::Like,
        _ => Kind::LikeAnyCase,
    }
}

fn comparison(op: &str) -> Option<Op> {
    Some(match op {
        "=" => Op::Equal,
        "<>" | "!=" => Op::Unequal,
        "<" => Op::Less,
        ">" => Op::Greater,
        "<=" => Op::LessOrEqual,
        ">=" => Op::GreaterOrEqual,
        "isnotdistinctfrom" => Op::Same,
        "isdistinctfrom" => Op::Differs,
        _ => return None,
    })
}

/// What stands for rows within an expression.
const QUERIES: &[SyntaxKind] = &[
    SyntaxKind::SELECT,
    SyntaxKind::COMPOUND_SELECT,
    SyntaxKind::PAREN_SELECT,
    SyntaxKind::VALUES,
    SyntaxKind::TABLE,
];
