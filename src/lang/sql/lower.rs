//! The parser's expressions to what the question of scope needs of them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query,
    Select, SelectItem, SetExpr, TableAlias, TableFactor, UnaryOperator, Value, Visit, Visitor,
};

use super::query::object_name;
use crate::lang::condition::{Condition, Cover, Op, Truth};
use crate::lang::function::is_volatile;
use crate::lang::words::bare;

/// Signs of which alone a regular expression takes every string.
const PATTERNS: &[char] = &['.', '*', '^', '$'];

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
            Expr::IsNotNull(inner) => Condition::IsNotNull(self.boxed(inner)),
            Expr::IsUnknown(inner) => Condition::IsNull(self.boxed(inner)),
            Expr::IsNotUnknown(inner) => Condition::IsNotNull(self.boxed(inner)),
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
            Expr::InSubquery { subquery, negated, .. } if gives_nothing(subquery) => {
                Condition::Known(Some(*negated))
            }
            Expr::InSubquery { expr: value, subquery, negated } if self.finds(value, subquery) => {
                Condition::Whole.negated(*negated)
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => match &**right {
                Expr::Subquery(subquery) if self.finds(left, subquery) => Condition::Whole,
                _ => self.other(expr),
            },
            Expr::Exists { subquery, negated } if self.finds_itself(subquery) => {
                Condition::Whole.negated(*negated)
            }
            Expr::Like { negated, expr: value, pattern, .. }
            | Expr::ILike { negated, expr: value, pattern, .. } => {
                self.matches(value, pattern, &['%']).negated(*negated)
            }
            Expr::RLike { negated, expr: value, pattern, .. } => {
                self.matches(value, pattern, PATTERNS).negated(*negated)
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
            // Its columns are no expressions.
            Expr::MatchAgainst { .. } => {
                Condition::Other { text: expr.to_string(), reads: true, is_volatile: false }
            }
            _ => self.other(expr),
        }
    }

    fn boxed(&self, expr: &Expr) -> Box<Condition> {
        Box::new(self.read(expr))
    }

    fn compared(&self, left: &Expr, op: Op, right: &Expr) -> Condition {
        let (left, right) = (self.read(left), self.read(right));
        // What is true or false is 1 or 0.
        match (op, &left, &right) {
            (Op::Equal | Op::Same, told, Condition::Number(number))
            | (Op::Equal | Op::Same, Condition::Number(number), told)
                if is_boolean(told) && [0.0, 1.0].contains(number) =>
            {
                told.clone().negated(*number == 0.0)
            }
            _ => Condition::compare(left, op, right),
        }
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
            BinaryOperator::Glob => return self.matches(left, right, &['*']),
            BinaryOperator::Regexp => return self.matches(left, right, PATTERNS),
            _ => return self.other(expr),
        };
        self.compared(left, op, right)
    }

    fn arithmetic(&self, sign: char, left: &Expr, right: &Expr) -> Condition {
        Condition::Arithmetic(sign, self.boxed(left), self.boxed(right))
    }

    fn matches(&self, value: &Expr, pattern: &Expr, all: &[char]) -> Condition {
        let (value, pattern) = (self.boxed(value), self.boxed(pattern));
        // An empty regular expression takes everything too.
        let takes_all = match &*pattern {
            Condition::Text(text) => {
                text.chars().all(|c| all.contains(&c)) && !(text.is_empty() && all != PATTERNS)
            }
            _ => false,
        };
        Condition::Matches { value, pattern, takes_all }
    }

    fn call(&self, function: &Function) -> Option<Condition> {
        let FunctionArguments::List(list) = &function.args else {
            return None;
        };
        let args = list.args.iter().map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        });
        let args = args.collect::<Option<Vec<_>>>()?;
        if function.over.is_some() || function.filter.is_some() {
            return None;
        }
        let name = object_name(&function.name).to_lowercase();
        Some(match (name.as_str(), args.as_slice()) {
            ("isnull", [value]) => Condition::IsNull(self.boxed(value)),
            ("regexp_like", [value, pattern]) => self.matches(value, pattern, PATTERNS),
            _ => Condition::Call(name, args.into_iter().map(|arg| self.read(arg)).collect()),
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

    /// Returns whether a column's value is found in a subquery, whichever row it is of.
    fn finds(&self, value: &Expr, query: &Query) -> bool {
        self.column_name(value)
            .is_some_and(|name| self.given(query, None) == Some(Given::Only(name)))
    }

    /// Returns whether a subquery finds the row at hand, whichever that is.
    fn finds_itself(&self, query: &Query) -> bool {
        let Some((select, source)) = plain(query) else { return false };
        let TableFactor::Table { name: table, alias, sample: None, .. } = source else {
            return false;
        };
        let table = object_name(table);
        let inner = Self::new(&alias_or(alias.as_ref(), &table), &table);
        let inner = inner.joined_as(Some(self.qualifier.clone()));
        self.is_same_table(&table) && inner.is_whole(select)
    }

    fn is_whole(&self, select: &Select) -> bool {
        let covers = |expr: &Expr| self.read(expr).cover(Truth::Numeric).may_be_all();
        select.selection.as_ref().is_none_or(covers)
    }

    /// Returns whether a name is the table's, with its schema or without.
    fn is_same_table(&self, table: &str) -> bool {
        let table = table.to_lowercase();
        let is_end = |long: &str, short: &str| long.ends_with(&format!(".{short}"));
        table == self.table || is_end(&table, &self.table) || is_end(&self.table, &table)
    }

    /// Returns which columns of the table a subquery gives under a name, or as its only one, with no
    /// row left out.
    fn given(&self, query: &Query, name: Option<&str>) -> Option<Given> {
        let (select, source) = plain(query)?;
        let (alias, derived) = match source {
            TableFactor::Table { name: table, alias, sample: None, .. } => {
                let table = object_name(table);
                if !self.is_same_table(&table) {
                    return None;
                }
                (alias_or(alias.as_ref(), &table), None)
            }
            TableFactor::Derived { subquery, alias, .. } => {
                (alias_or(alias.as_ref(), ""), Some(subquery))
            }
            _ => return None,
        };
        let inner = Self::new(&alias, &self.table);
        if !inner.is_whole(select) {
            return None;
        }
        let item = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expr) => {
                let column = inner.column_name(expr)?;
                (name.is_none_or(|name| name == column)).then_some(Some(column))
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let is_meant =
                    name.is_none_or(|name| name == bare(&alias.to_string()).to_lowercase());
                is_meant.then(|| inner.column_name(expr).map(Some))?
            }
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                Some(name.map(str::to_owned))
            }
            _ => None,
        };
        let column = match (name, select.projection.as_slice()) {
            (None, [only]) => item(only)?,
            (None, _) => return None,
            (Some(_), items) => items.iter().find_map(item)?,
        };
        match (derived, column) {
            (Some(subquery), column) => self.given(subquery, column.as_deref()),
            (None, Some(column)) => Some(Given::Only(column)),
            (None, None) => Some(Given::Every),
        }
    }

    /// Returns whether a query gives every row of the table.
    pub(super) fn is_source(&self, query: &Query) -> bool {
        let Some((select, TableFactor::Table { name, alias, sample: None, .. })) = plain(query)
        else {
            return false;
        };
        let table = object_name(name);
        let inner = Self::new(&alias_or(alias.as_ref(), &table), &table);
        self.is_same_table(&table) && inner.is_whole(select)
    }
}

/// What a query gives of a table.
#[derive(PartialEq, Eq)]
enum Given {
    /// One column.
    Only(String),
    /// All of them.
    Every,
}

/// Returns the SELECT of a query and the one table it reads, if nothing but its WHERE leaves rows out.
fn plain(query: &Query) -> Option<(&Select, &TableFactor)> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let is_narrowed = query.limit_clause.is_some()
        || query.fetch.is_some()
        || query.with.is_some()
        || select.having.is_some();
    match select.from.as_slice() {
        [source] if source.joins.is_empty() && !is_narrowed => Some((select, &source.relation)),
        _ => None,
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

fn alias_or(alias: Option<&TableAlias>, table: &str) -> String {
    alias.map_or_else(|| table.to_owned(), |alias| bare(&alias.name.to_string()))
}

/// Returns whether a condition's value is true or false, whatever its parts are.
fn is_boolean(condition: &Condition) -> bool {
    matches!(
        condition,
        Condition::Not(_)
            | Condition::And(_)
            | Condition::Or(_)
            | Condition::IsNull(_)
            | Condition::IsNotNull(_)
            | Condition::Is(..)
            | Condition::Compare(..)
            | Condition::Matches { .. }
            | Condition::In(..)
            | Condition::Whole
    )
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
            Expr::Identifier(_) => self.reads = true,
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
