//! The parser's queries and joins, taken apart for the question of scope.

use std::cell::Cell;

use sqlparser::ast::{
    Expr, GroupByExpr, JoinConstraint, JoinOperator, LimitClause, Query, SelectItem, SetExpr,
    SetOperator, Statement, TableFactor, TableWithJoins,
};

use super::Flavour;
use super::lower::Terms;
use super::query::{is_limit, number, object_name};
use crate::lang::condition::names::Names;
use crate::lang::condition::source::{Body, Join, On, Relation, Select, Source, Takes, Tree};
use crate::lang::condition::{Condition, Truth};
use crate::lang::words::bare;

/// A query, or a part of a UNION.
#[derive(Clone, Copy)]
pub(super) enum Part<'t> {
    Query(&'t Query),
    Body(&'t SetExpr),
}

/// The queries of a statement, with those that WITH gives a name.
pub(super) struct Queries<'t> {
    flavour: Flavour,
    named: Vec<(String, &'t Query)>,
    /// Whether a condition was met that says something else to who knows SQLite's order of types.
    says_order: Cell<bool>,
}

impl<'t> Queries<'t> {
    /// Finds those around what statements change.
    pub(super) fn of(statements: &'t [Statement], flavour: Flavour) -> Self {
        let mut queries = Self { flavour, named: Vec::new(), says_order: Cell::new(false) };
        for statement in statements {
            if let Statement::Query(query) = statement {
                queries.named.extend(named(query));
            }
        }
        queries
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.flavour == Flavour::Sqlite
    }

    /// Keeps in mind that a number is compared with a string.
    pub(super) fn say_order(&self) {
        self.says_order.set(true);
    }

    /// Returns whether that is to be said.
    pub(super) fn says_order(&self) -> bool {
        self.says_order.take()
    }

    /// Returns the sources of a FROM.
    pub(super) fn sources(&self, from: &'t [TableWithJoins]) -> Vec<Source<Self>> {
        self.sources_within(from, None)
    }

    fn sources_within(
        &self,
        from: &'t [TableWithJoins],
        query: Option<&'t Query>,
    ) -> Vec<Source<Self>> {
        let mut sources = Vec::new();
        for table in from {
            sources.push(self.source(&table.relation, Join::Inner, On::Nothing, query));
            for joined in &table.joins {
                let (join, on) = join(&joined.join_operator);
                sources.push(self.source(&joined.relation, join, on, query));
            }
        }
        sources
    }

    fn source(
        &self,
        factor: &'t TableFactor,
        join: Join,
        on: On<&'t Expr>,
        query: Option<&'t Query>,
    ) -> Source<Self> {
        let (relation, alias, own) = match factor {
            TableFactor::Table { name, alias, sample: None, args: None, .. } => {
                let table = object_name(name).to_lowercase();
                let mut known = query.into_iter().flat_map(named).chain(self.named.clone());
                let last = table.rsplit('.').next().map(str::to_owned);
                let relation = match known.find(|(known, _)| *known == table) {
                    Some((_, query)) => Relation::Query(Part::Query(query)),
                    None => Relation::Table(table),
                };
                (relation, alias.as_ref(), last)
            }
            TableFactor::Derived { subquery, alias, .. } => {
                (Relation::Query(Part::Query(subquery)), alias.as_ref(), None)
            }
            TableFactor::Table { alias, .. } | TableFactor::TableFunction { alias, .. } => {
                (Relation::Other, alias.as_ref(), None)
            }
            _ => (Relation::Other, None, None),
        };
        let folded = |name: String| bare(&name).to_lowercase();
        let columns = alias.into_iter().flat_map(|alias| &alias.columns);
        Source {
            relation,
            name: alias.map(|alias| folded(alias.name.to_string())).or(own).unwrap_or_default(),
            columns: columns.map(|column| folded(column.name.to_string())).collect(),
            join,
            on,
        }
    }

    fn body(&self, body: &'t SetExpr, query: Option<&'t Query>) -> Body<Self> {
        match body {
            SetExpr::Select(select) => {
                let groups = match &select.group_by {
                    GroupByExpr::Expressions(groups, _) => groups.iter().collect(),
                    GroupByExpr::All(_) => Vec::new(),
                };
                Body::Select(Select {
                    columns: select.projection.iter().map(given).collect(),
                    sources: self.sources_within(&select.from, query),
                    condition: select.selection.as_ref(),
                    groups,
                    distinct: Vec::new(),
                    takes: query.map_or(Takes::All, takes),
                    is_chosen: select.having.is_some(),
                })
            }
            SetExpr::Table(table) if query.is_none_or(|query| takes(query) == Takes::All) => {
                let schema = table.schema_name.as_ref().map(|schema| format!("{schema}."));
                let table = table.table_name.clone().unwrap_or_default().to_lowercase();
                Body::Select(Select {
                    columns: vec![None],
                    sources: vec![Source {
                        relation: Relation::Table(schema.unwrap_or_default() + &table),
                        name: table,
                        columns: Vec::new(),
                        join: Join::Inner,
                        on: On::Nothing,
                    }],
                    condition: None,
                    groups: Vec::new(),
                    distinct: Vec::new(),
                    takes: Takes::All,
                    is_chosen: false,
                })
            }
            SetExpr::SetOperation { left, op: SetOperator::Union, right, .. }
                if query.is_none_or(|query| takes(query) == Takes::All) =>
            {
                Body::Union(vec![Part::Body(left), Part::Body(right)])
            }
            SetExpr::Query(inner) if query.is_none_or(|query| takes(query) == Takes::All) => {
                self.unfold(&Part::Query(inner))
            }
            _ => Body::Unknown,
        }
    }
}

impl<'t> Tree for Queries<'t> {
    type Expr = &'t Expr;
    type Query = Part<'t>;

    const TRUTH: Truth = Truth::Numeric;

    fn read(&self, expr: &&'t Expr, names: &Names) -> Condition {
        Terms { names, queries: self }.read(expr)
    }

    fn unfold(&self, query: &Part<'t>) -> Body<Self> {
        match query {
            Part::Query(query) => self.body(&query.body, Some(query)),
            Part::Body(body) => self.body(body, None),
        }
    }
}

/// Returns the queries that the WITH of one gives a name.
fn named(query: &Query) -> impl Iterator<Item = (String, &Query)> {
    let queries = query.with.iter().flat_map(|with| &with.cte_tables);
    queries.map(|one| (bare(&one.alias.name.to_string()).to_lowercase(), &*one.query))
}

fn join(operator: &JoinOperator) -> (Join, On<&Expr>) {
    let join = match operator {
        JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => Join::Left,
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => Join::Right,
        JoinOperator::FullOuter(_) => Join::Full,
        _ => Join::Inner,
    };
    let (JoinOperator::Join(constraint)
    | JoinOperator::Inner(constraint)
    | JoinOperator::Left(constraint)
    | JoinOperator::LeftOuter(constraint)
    | JoinOperator::Right(constraint)
    | JoinOperator::RightOuter(constraint)
    | JoinOperator::FullOuter(constraint)
    | JoinOperator::StraightJoin(constraint)
    | JoinOperator::CrossJoin(constraint)) = operator
    else {
        return (join, On::Nothing);
    };
    let on = match constraint {
        JoinConstraint::On(expr) => On::Condition(expr),
        JoinConstraint::Using(_) | JoinConstraint::Natural => On::Columns,
        JoinConstraint::None => On::Nothing,
    };
    (join, on)
}

/// Returns a column that a query gives, with its name.
fn given(item: &SelectItem) -> Option<(Option<String>, &Expr)> {
    let folded = |name: String| bare(&name).to_lowercase();
    match item {
        SelectItem::ExprWithAlias { expr, alias } => Some((Some(folded(alias.to_string())), expr)),
        SelectItem::UnnamedExpr(expr) => {
            let name = match expr {
                Expr::Identifier(name) => Some(name),
                Expr::CompoundIdentifier(parts) => parts.last(),
                _ => None,
            };
            Some((name.map(|name| folded(name.to_string())), expr))
        }
        _ => None,
    }
}

/// Returns how many rows a query gives of those it finds.
fn takes(query: &Query) -> Takes {
    let (limit, offset) = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, offset, .. }) => {
            (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
        }
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        None => (None, None),
    };
    let limited = limit.and_then(number);
    match limit {
        Some(_) if limited == Some(0.0) => Takes::None,
        _ if offset.is_some_and(|offset| number(offset) != Some(0.0)) => Takes::Some,
        _ if query.fetch.is_some() => Takes::Some,
        None => Takes::All,
        Some(limit) if limited.is_some_and(|limit| limit > 0.0) => {
            if is_limit(limit) {
                Takes::First
            } else {
                Takes::All
            }
        }
        Some(_) => Takes::Some,
    }
}
