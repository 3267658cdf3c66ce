//! The parser's expressions to what the question of scope needs of them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, Interval, Query, SelectItem, SetExpr, UnaryOperator, Value, Visit, Visitor,
};

use super::query::object_name;
use super::tree::{Part, Queries};
use crate::lang::condition::names::Names;
use crate::lang::condition::{CAST, Condition, Kind, Op, source};
use crate::lang::function::is_volatile;
use crate::lang::words::bare;

/// Reads the expressions of a condition, given what names in it stand for.
pub(super) struct Terms<'a, 't> {
    pub(super) names: &'a Names,
    pub(super) queries: &'a Queries<'t>,
}

impl<'t> Terms<'_, 't> {
    /// Reads an expression.
    pub(super) fn read(&self, expr: &'t Expr) -> Condition {
        match expr {
            Expr::Nested(inner) => self.read(inner),
            Expr::Identifier(ident) => self.bare(ident, expr),
            Expr::CompoundIdentifier(parts) => self.qualified(parts, expr),
            Expr::Value(value) => literal(&value.value).unwrap_or_else(|| self.other(expr)),
            Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::BangNot, expr } => {
                self.read(expr).negated(true)
            }
            Expr::UnaryOp { op: UnaryOperator::Plus, expr } => self.read(expr),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => match self.read(inner) {
                Condition::Number(number) => Condition::Number(-number),
                _ => self.other(expr),
            },
            Expr::IsNull(inner) => Condition::IsNull(self.boxed(inner)),
            Expr::IsUnknown(inner) => Condition::IsNull(self.boxed(inner)),
            Expr::IsNotUnknown(inner) => Condition::IsNotNull(self.boxed(inner)),
            Expr::IsNotNull(inner) => Condition::IsNotNull(self.boxed(inner)),
            Expr::IsTrue(inner) => Condition::Is(self.boxed(inner), true),
            Expr::IsNotFalse(inner) => Condition::Is(self.boxed(inner), true),
            Expr::IsFalse(inner) => Condition::Is(self.boxed(inner), false),
            Expr::IsNotTrue(inner) => Condition::Is(self.boxed(inner), false),
            Expr::IsDistinctFrom(left, right) => self.compared(left, Op::Differs, right),
            Expr::IsNotDistinctFrom(left, right) => self.compared(left, Op::Same, right),
            Expr::Between { expr, negated, low, high } => {
                let (value, low, high) = (self.read(expr), self.read(low), self.read(high));
                Condition::between(value, low, high).negated(*negated)
            }
            Expr::InList { expr, list, negated } => {
                let list = list.iter().map(|item| self.read(item)).collect();
                Condition::In(self.boxed(expr), list).negated(*negated)
            }
            Expr::InSubquery { expr: value, subquery, negated } => {
                self.within(expr, value, subquery).negated(*negated)
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => match &**right {
                Expr::Subquery(query) => self.within(expr, left, query),
                _ => self.other(expr),
            },
            Expr::Subquery(query) => self.value(expr, query),
            Expr::Exists { subquery, negated } => {
                let found = source::finds(self.queries, self.names, &Part::Query(subquery));
                found.map_or_else(|| self.other(expr), |found| found.negated(*negated))
            }
            Expr::Collate { expr, .. } => Condition::Call(CAST.to_owned(), vec![self.read(expr)]),
            Expr::Interval(span) => {
                seconds(span).map_or_else(|| self.other(expr), Condition::Number)
            }
            Expr::Like { negated, expr: value, pattern: taken, .. }
            | Expr::ILike { negated, expr: value, pattern: taken, .. } => {
                self.matches(value, taken, Kind::Like).negated(*negated)
            }
            Expr::RLike { negated, expr: value, pattern: taken, .. } => {
                self.matches(value, taken, Kind::Regular).negated(*negated)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let chosen_by = operand.iter().map(|operand| self.read(operand));
                let chosen_by =
                    chosen_by.chain(conditions.iter().map(|when| self.read(&when.condition)));
                let or_else =
                    else_result.as_ref().map_or(Condition::Known(None), |result| self.read(result));
                let chosen_by = chosen_by.collect();
                let results = conditions.iter().map(|when| self.read(&when.result));
                Condition::Case { chosen_by, results: results.chain([or_else]).collect() }
            }
            Expr::Function(function) => self.call(function).unwrap_or_else(|| self.other(expr)),
            Expr::BinaryOp { left, op, right } => self.binary(expr, left, op, right),
            _ => self.other(expr),
        }
    }

    fn boxed(&self, expr: &'t Expr) -> Box<Condition> {
        Box::new(self.read(expr))
    }

    fn compared(&self, left: &'t Expr, op: Op, right: &'t Expr) -> Condition {
        Condition::compare(self.read(left), op, self.read(right))
    }

    fn binary(
        &self,
        expr: &'t Expr,
        left: &'t Expr,
        op: &BinaryOperator,
        right: &'t Expr,
    ) -> Condition {
        let op = match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let parts = chain(expr, op).into_iter().map(|part| self.read(part)).collect();
                return if *op == BinaryOperator::And {
                    Condition::And(parts)
                } else {
                    Condition::Or(parts)
                };
            }
            BinaryOperator::Eq => Op::Equal,
            BinaryOperator::NotEq => Op::Unequal,
            BinaryOperator::Lt => Op::Less,
            BinaryOperator::Gt => Op::Greater,
            BinaryOperator::LtEq => Op::LessOrEqual,
            BinaryOperator::GtEq => Op::GreaterOrEqual,
            BinaryOperator::Spaceship => Op::Same,
            BinaryOperator::Plus => return self.arithmetic('+', left, right),
            BinaryOperator::Minus => return self.arithmetic('-', left, right),
            BinaryOperator::Multiply => return self.arithmetic('*', left, right),
            BinaryOperator::Divide | BinaryOperator::MyIntegerDivide => {
                return self.arithmetic('/', left, right);
            }
            BinaryOperator::Modulo => return self.arithmetic('%', left, right),
            // In MySQL it is OR, unless the server is told otherwise: the wider reading counts.
            BinaryOperator::StringConcat => {
                return Condition::Or(vec![self.read(left), self.read(right)]);
            }
            BinaryOperator::Glob => return self.matches(left, right, Kind::Glob),
            BinaryOperator::Regexp => return self.matches(left, right, Kind::Regular),
            _ => return self.other(expr),
        };
        let compared = self.compared(left, op, right);
        match self.is_loose(left, op, right) || self.is_loose(right, op.turned(), left) {
            // It takes every row, or those it says, as the schema has it.
            true => Condition::Or(vec![compared, Condition::constant(expr.to_string())]),
            false => compared,
        }
    }

    /// Returns whether SQLite may compare something else than is written: in double quotes, what is no
    /// column is a string; and any number is less than any string.
    fn is_loose(&self, left: &Expr, op: Op, right: &Expr) -> bool {
        let (Expr::Identifier(column), Expr::Value(value)) = (left, right) else { return false };
        let Value::SingleQuotedString(text) = &value.value else { return false };
        let is_string = column.quote_style == Some('"') && column.value == *text;
        let is_key = self::column(column).is_key() && text.trim().parse::<f64>().is_err();
        match op {
            Op::Equal | Op::Same => is_string,
            Op::Less | Op::LessOrEqual if is_key && self.queries.is_sqlite() => {
                self.queries.say_order();
                true
            }
            _ => false,
        }
    }

    fn arithmetic(&self, sign: char, left: &'t Expr, right: &'t Expr) -> Condition {
        Condition::Arithmetic(sign, self.boxed(left), self.boxed(right))
    }

    fn matches(&self, value: &'t Expr, taken: &'t Expr, kind: Kind) -> Condition {
        Condition::matches(self.read(value), self.read(taken), kind)
    }

    fn call(&self, function: &'t Function) -> Option<Condition> {
        let FunctionArguments::List(list) = &function.args else {
            return None;
        };
        let args = list.args.iter().filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(Some(self.read(expr))),
            // count(*)
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => None,
            _ => Some(None),
        });
        let args = args.collect::<Option<Vec<_>>>()?;
        let is_plain = function.over.is_none() && function.filter.is_none();
        let name = object_name(&function.name).to_lowercase();
        is_plain.then(|| match (name.as_str(), &args[..]) {
            ("isnull", [value]) => Condition::IsNull(Box::new(value.clone())),
            ("regexp_like", [value, taken]) => {
                Condition::matches(value.clone(), taken.clone(), Kind::Regular)
            }
            // SQLite's, with the pattern first.
            ("like", [taken, value]) => {
                Condition::matches(value.clone(), taken.clone(), Kind::Like)
            }
            ("glob", [taken, value]) => {
                Condition::matches(value.clone(), taken.clone(), Kind::Glob)
            }
            ("likelihood" | "likely" | "unlikely", [value, ..]) => {
                Condition::Call(CAST.to_owned(), vec![value.clone()])
            }
            _ => Condition::Call(name, args),
        })
    }

    /// Returns what a column without a qualifier is.
    fn bare(&self, ident: &Ident, expr: &Expr) -> Condition {
        let column = match column(ident) {
            Condition::Column(column) => column,
            other => return other,
        };
        self.names.column(None, &column).unwrap_or_else(|| self.other(expr))
    }

    fn qualified(&self, parts: &[Ident], expr: &Expr) -> Condition {
        let constant = || Condition::constant(expr.to_string());
        match parts {
            [.., qualifier, name] => match column(name) {
                Condition::Column(name) => {
                    let qualifier = bare(&qualifier.to_string()).to_lowercase();
                    self.names.column(Some(&qualifier), &name).unwrap_or_else(constant)
                }
                _ => constant(),
            },
            _ => constant(),
        }
    }

    fn other(&self, expr: &Expr) -> Condition {
        let mut looker = Looker { names: self.names, reads: false, is_volatile: false };
        let walked: ControlFlow<()> = expr.visit(&mut looker);
        Condition::Other {
            text: expr.to_string().to_lowercase(),
            reads: looker.reads || walked.is_break(),
            is_volatile: looker.is_volatile,
        }
    }

    /// Reads `value IN (SELECT …)`.
    fn within(&self, expr: &Expr, value: &'t Expr, query: &'t Query) -> Condition {
        let values: Vec<Condition> = match value {
            Expr::Tuple(values) => values.iter().map(|value| self.read(value)).collect(),
            _ => vec![self.read(value)],
        };
        if let (Some(only), [_]) = (only_value(query), &values[..]) {
            return Condition::In(self.boxed(value), vec![self.read(only)]);
        }
        let found = source::within(self.queries, self.names, &values, &Part::Query(query));
        found.unwrap_or_else(|| self.other(expr))
    }

    /// Reads a query that stands for its one value.
    fn value(&self, expr: &Expr, query: &'t Query) -> Condition {
        if let Some(value) = only_value(query) {
            return self.read(value);
        }
        let found =
            source::only(self.queries, self.names, &Part::Query(query), || self.other(expr));
        found.unwrap_or_else(|| self.other(expr))
    }
}

/// Returns what a query gives that reads no table: `SELECT id`.
fn only_value(query: &Query) -> Option<&Expr> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let is_bare = select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && query.limit_clause.is_none();
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] => {
            is_bare.then_some(value)
        }
        _ => None,
    }
}

/// Returns how long an INTERVAL is.
fn seconds(span: &Interval) -> Option<f64> {
    let Expr::Value(value) = &*span.value else { return None };
    let count: f64 = match &value.value {
        Value::Number(digits, _) => digits.parse().ok()?,
        Value::SingleQuotedString(text) => text.parse().ok()?,
        _ => return None,
    };
    let unit = match span.leading_field.as_ref()? {
        DateTimeField::Second => 1.0,
        DateTimeField::Minute => 60.0,
        DateTimeField::Hour => 3_600.0,
        DateTimeField::Day => 86_400.0,
        _ => return None,
    };
    let is_plain = span.last_field.is_none() && span.fractional_seconds_precision.is_none();
    is_plain.then_some(count * unit)
}

/// Looks for columns of the table, and for what differs each time.
struct Looker<'a> {
    names: &'a Names,
    reads: bool,
    is_volatile: bool,
}

impl Visitor for Looker<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                self.reads |= !self.names.is_elsewhere(&ident.value.to_lowercase());
            }
            Expr::MatchAgainst { .. } => self.reads = true,
            Expr::CompoundIdentifier(parts) => {
                let own = parts.len().checked_sub(2).and_then(|at| parts.get(at));
                self.reads |= own
                    .is_some_and(|own| self.names.is_own(&bare(&own.to_string()).to_lowercase()));
            }
            Expr::Function(function) => {
                self.is_volatile |= is_volatile(&object_name(&function.name).to_lowercase());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn column(ident: &Ident) -> Condition {
    match (ident.quote_style, ident.value.to_ascii_lowercase().as_str()) {
        (None, "true") => Condition::Known(Some(true)),
        (None, "false") => Condition::Known(Some(false)),
        (None, name) if name.starts_with('@') || name == "current_timestamp" => {
            Condition::Other { text: name.to_owned(), reads: false, is_volatile: false }
        }
        // SQLite's three names of one column.
        (_, "_rowid_" | "oid") => Condition::Column("rowid".to_owned()),
        (_, name) => Condition::Column(name.to_owned()),
    }
}

fn literal(value: &Value) -> Option<Condition> {
    Some(match value {
        Value::Number(digits, _) => Condition::Number(digits.parse().ok()?),
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
            Condition::Text(text.clone())
        }
        Value::Boolean(holds) => Condition::Known(Some(*holds)),
        Value::Null => Condition::Known(None),
        _ => return None,
    })
}

/// Returns the operands of a chain of one operator, without recursion on its left side.
fn chain<'a>(expr: &'a Expr, op: &BinaryOperator) -> Vec<&'a Expr> {
    let mut done = Vec::new();
    let mut open = vec![expr];
    while let Some(next) = open.pop() {
        match next {
            Expr::Nested(inner) => open.push(inner),
            Expr::BinaryOp { left, op: found, right } if found == op => {
                open.push(right);
                open.push(left);
            }
            _ => done.push(next),
        }
    }
    done
}
