//! The parser's expressions to what the question of scope needs of them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query,
    Select, SelectItem, SetExpr, TableFactor, UnaryOperator, Value, Visit, Visitor,
};

use super::query::object_name;
use crate::lang::condition::{Condition, Cover, Op, Truth, pattern, same_table};
use crate::lang::function::is_volatile;
use crate::lang::words::bare;

/// The table a condition is about.
pub(super) struct Subject {
    /// What its columns can be qualified with.
    qualifier: String,
    /// The table's own name.
    table: String,
    /// What it goes by where it is joined with itself: a row finds itself there.
    also: Option<String>,
}

impl Subject {
    pub(super) fn new(name: &str, table: &str) -> Self {
        let last = name.rsplit('.').next().unwrap_or(name);
        Self { qualifier: last.to_lowercase(), table: table.to_lowercase(), also: None }
    }

    /// The same, joined with itself.
    pub(super) fn joined_as(self, also: Option<String>) -> Self {
        Self { also, ..self }
    }

    /// A join that names columns: it chooses among the rows.
    pub(super) fn by_columns() -> Condition {
        Condition::Other { text: "using".to_owned(), reads: true, is_volatile: false }
    }

    /// Reads an expression.
    pub(super) fn read(&self, expr: &Expr) -> Condition {
        match expr {
            Expr::Nested(inner) => self.read(inner),
            Expr::Identifier(ident) => column(ident),
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
            Expr::Subquery(query) => match only_value(query) {
                Some(value) => self.read(value),
                None => self.other(expr),
            },
            Expr::Exists { subquery, negated } => {
                let found = match only_value(subquery) {
                    Some(_) => Condition::Known(Some(true)),
                    None if self.finds_itself(subquery) => Condition::Whole,
                    None => return self.other(expr),
                };
                found.negated(*negated)
            }
            Expr::Like { negated, expr: value, pattern: taken, .. }
            | Expr::ILike { negated, expr: value, pattern: taken, .. } => {
                self.matches(value, taken, pattern::like).negated(*negated)
            }
            Expr::RLike { negated, expr: value, pattern: taken, .. } => {
                self.matches(value, taken, pattern::regular).negated(*negated)
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

    fn boxed(&self, expr: &Expr) -> Box<Condition> {
        Box::new(self.read(expr))
    }

    fn compared(&self, left: &Expr, op: Op, right: &Expr) -> Condition {
        Condition::compare(self.read(left), op, self.read(right))
    }

    fn binary(&self, expr: &Expr, left: &Expr, op: &BinaryOperator, right: &Expr) -> Condition {
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
            BinaryOperator::Glob => return self.matches(left, right, pattern::glob),
            BinaryOperator::Regexp => return self.matches(left, right, pattern::regular),
            _ => return self.other(expr),
        };
        self.compared(left, op, right)
    }

    fn arithmetic(&self, sign: char, left: &Expr, right: &Expr) -> Condition {
        Condition::Arithmetic(sign, self.boxed(left), self.boxed(right))
    }

    fn matches(&self, value: &Expr, taken: &Expr, takes_all: fn(&str) -> bool) -> Condition {
        Condition::matches(self.read(value), self.read(taken), takes_all)
    }

    fn call(&self, function: &Function) -> Option<Condition> {
        let FunctionArguments::List(list) = &function.args else {
            return None;
        };
        let args = list.args.iter().map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(self.read(expr)),
            _ => None,
        });
        let args = args.collect::<Option<Vec<_>>>()?;
        let is_plain = function.over.is_none() && function.filter.is_none();
        let name = object_name(&function.name).to_lowercase();
        is_plain.then(|| match (name.as_str(), &args[..]) {
            ("isnull", [value]) => Condition::IsNull(Box::new(value.clone())),
            ("regexp_like", [value, taken]) => {
                Condition::matches(value.clone(), taken.clone(), pattern::regular)
            }
            _ => Condition::Call(name, args),
        })
    }

    fn qualified(&self, parts: &[Ident], expr: &Expr) -> Condition {
        match parts {
            [.., qualifier, name] if self.is_own(&bare(&qualifier.to_string())) => column(name),
            _ => Condition::Other { text: expr.to_string(), reads: false, is_volatile: false },
        }
    }

    fn is_own(&self, qualifier: &str) -> bool {
        let qualifier = qualifier.to_lowercase();
        qualifier == self.qualifier || Some(qualifier) == self.also
    }

    fn column_name(&self, expr: &Expr) -> Option<String> {
        match self.read(expr) {
            Condition::Column(name) => Some(name),
            _ => None,
        }
    }

    fn other(&self, expr: &Expr) -> Condition {
        let mut looker = Looker { qualifier: &self.qualifier, reads: false, is_volatile: false };
        let walked: ControlFlow<()> = expr.visit(&mut looker);
        Condition::Other {
            text: expr.to_string().to_lowercase(),
            reads: looker.reads || walked.is_break(),
            is_volatile: looker.is_volatile,
        }
    }

    /// Reads `value IN (SELECT …)`.
    fn within(&self, expr: &Expr, value: &Expr, query: &Query) -> Condition {
        if let Some(only) = only_value(query) {
            return Condition::In(self.boxed(value), vec![self.read(only)]);
        }
        match self.column_name(value).filter(|name| self.gives_all(query, name)) {
            Some(_) => Condition::Whole,
            None if gives_nothing(query) => Condition::Known(Some(false)),
            None => self.other(expr),
        }
    }

    /// Returns whether a query gives every row of the table.
    pub(super) fn is_source(&self, query: &Query) -> bool {
        let whole = |(select, inner): (&Select, Self)| inner.is_whole(select);
        self.source(query, "").is_some_and(whole)
    }

    /// Returns whether the condition of a query leaves no row of this table out.
    fn is_whole(&self, select: &Select) -> bool {
        let covers = |expr: &Expr| self.read(expr).cover(Truth::Numeric).may_be_all();
        select.selection.as_ref().is_none_or(covers)
    }

    /// Returns whether a subquery finds the row at hand again, whichever that is.
    fn finds_itself(&self, query: &Query) -> bool {
        let Some((select, inner)) = self.source(query, "") else { return false };
        let inner = Self { also: Some(self.qualifier.clone()), ..inner };
        let covers = |expr: &Expr| inner.read(expr).cover(Truth::Numeric) == Cover::All;
        select.selection.as_ref().is_none_or(covers)
    }

    /// Returns whether a subquery gives a column of the same table, with no row left out.
    fn gives_all(&self, query: &Query, name: &str) -> bool {
        let Some((select, inner)) = self.source(query, name) else { return false };
        let gives = match select.projection.as_slice() {
            [SelectItem::UnnamedExpr(expr)] | [SelectItem::ExprWithAlias { expr, .. }] => {
                inner.column_name(expr).is_some_and(|found| found == name)
            }
            // Of a table there are more columns than one.
            [SelectItem::Wildcard(_)] => true,
            _ => false,
        };
        gives && inner.is_whole(select)
    }

    /// Returns the one source of a query that leaves out none of its rows but by its condition, if that
    /// is the same table, or a query that gives all of it.
    fn source<'a>(&self, query: &'a Query, name: &str) -> Option<(&'a Select, Self)> {
        let SetExpr::Select(select) = &*query.body else { return None };
        let is_narrowed = query.limit_clause.is_some()
            || query.fetch.is_some()
            || query.with.is_some()
            || select.having.is_some();
        let [source] = select.from.as_slice() else { return None };
        let inner = match &source.relation {
            TableFactor::Table { name: table, alias, sample: None, .. } => {
                let table = object_name(table).to_lowercase();
                let alias = alias
                    .as_ref()
                    .map_or_else(|| table.clone(), |alias| bare(&alias.name.to_string()));
                same_table(&table, &self.table).then(|| Self::new(&alias, &table))
            }
            TableFactor::Derived { subquery, alias, .. } if self.gives_all(subquery, name) => {
                alias.as_ref().map(|alias| Self::new(&bare(&alias.name.to_string()), &self.table))
            }
            _ => None,
        };
        inner.filter(|_| !is_narrowed && source.joins.is_empty()).map(|inner| (&**select, inner))
    }
}

/// Returns whether a query gives no row, as `SELECT id FROM t WHERE false` does.
fn gives_nothing(query: &Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    // Of no rows a sum is one.
    let is_plain = |item: &SelectItem| {
        matches!(item, SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::Value(_)))
    };
    let covers = |expr: &Expr| Subject::new("", "").read(expr).cover(Truth::Numeric);
    select.projection.iter().all(is_plain)
        && select.selection.as_ref().is_some_and(|expr| covers(expr) == Cover::None)
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

/// Looks for columns of the table, and for what differs each time.
struct Looker<'a> {
    qualifier: &'a str,
    reads: bool,
    is_volatile: bool,
}

impl Visitor for Looker<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(_) | Expr::MatchAgainst { .. } => self.reads = true,
            Expr::CompoundIdentifier(parts) => {
                let own = parts.len().checked_sub(2).and_then(|at| parts.get(at));
                self.reads |=
                    own.is_some_and(|own| bare(&own.to_string()).to_lowercase() == self.qualifier);
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
