//! What an INSERT overwrites, by where its rows come from.

use sqlparser::ast::{
    Expr, Insert, LimitClause, OnConflictAction, OnInsert, Query, Select, SetExpr, SetOperator,
    SqliteOnConflict, TableFactor,
};

use super::query::{is_limit, names, relation};
use super::tree::{Part, Queries};
use crate::lang::Scope;
use crate::lang::condition::names::Names;
use crate::lang::condition::source::{self, Tree};
use crate::lang::words::bare;

/// Returns which rows of its table an INSERT overwrites; none where it only adds.
///
/// Rows that are written out were counted by whoever wrote them. How many a query without a
/// condition finds nobody knows, nor how many of them are there already.
pub(super) fn overwritten<'t>(
    queries: &Queries<'t>,
    insert: &'t Insert,
    table: &str,
) -> Option<Scope> {
    let replaces = insert.replace_into || insert.or == Some(SqliteOnConflict::Replace);
    let chosen = match &insert.on {
        Some(OnInsert::OnConflict(on)) => match &on.action {
            OnConflictAction::DoUpdate(update) => update.selection.as_ref(),
            OnConflictAction::DoNothing if replaces => None,
            OnConflictAction::DoNothing => return None,
        },
        Some(OnInsert::DuplicateKeyUpdate(_)) => None,
        Some(_) | None if replaces => None,
        Some(_) | None => return None,
    };
    let subject = names(table, table);
    let nothing = names(table, "");
    let gives_all = |query| source::whole(queries, &nothing, &Part::Query(query)).is_some();
    let source = insert.source.as_deref();
    Some(match source {
        _ if chosen.is_some_and(|chosen| chooses(queries, chosen, &subject)) => Scope::Filtered,
        Some(query) if gives_all(query) => Scope::All,
        // An upsert changes columns of the rows that meet one; a REPLACE takes theirs away.
        Some(query) if replaces && !is_bounded(queries, query) => Scope::Unknown,
        Some(_) | None => Scope::Filtered,
    })
}

/// Tells whether something says which rows a query finds.
fn is_bounded<'t>(queries: &Queries<'t>, query: &'t Query) -> bool {
    let limit = query.limit_clause.as_ref().and_then(|clause| match clause {
        LimitClause::LimitOffset { limit, .. } => limit.as_ref(),
        LimitClause::OffsetCommaLimit { limit, .. } => Some(limit),
    });
    limit.is_some_and(is_limit) || is_bounded_body(queries, &query.body)
}

fn is_bounded_body<'t>(queries: &Queries<'t>, body: &'t SetExpr) -> bool {
    match body {
        SetExpr::Values(_) => true,
        SetExpr::Select(select) => is_bounded_select(queries, select),
        SetExpr::Query(query) => is_bounded(queries, query),
        SetExpr::SetOperation { left, op: SetOperator::Union, right, .. } => {
            is_bounded_body(queries, left) && is_bounded_body(queries, right)
        }
        SetExpr::SetOperation { left, .. } => is_bounded_body(queries, left),
        _ => false,
    }
}

fn is_bounded_select<'t>(queries: &Queries<'t>, select: &'t Select) -> bool {
    let joins = select.from.iter().flat_map(|source| &source.joins).map(|join| &join.relation);
    let sources: Vec<_> = select.from.iter().map(|source| &source.relation).chain(joins).collect();
    if let [TableFactor::Derived { subquery, .. }] = sources[..]
        && is_bounded(queries, subquery)
    {
        return true;
    }
    let is_chosen = |source: &&TableFactor| {
        let subject = subject(source);
        select.selection.iter().chain(&select.having).any(|expr| chooses(queries, expr, &subject))
    };
    sources.is_empty() || sources.iter().any(is_chosen)
}

/// Returns what the columns of a source are qualified with.
fn subject(source: &TableFactor) -> Names {
    match (relation(source), source) {
        (Some((table, alias)), _) => names(&table, alias.as_ref().unwrap_or(&table)),
        (None, TableFactor::Derived { alias: Some(alias), .. }) => {
            names("", &bare(&alias.name.to_string()))
        }
        (None, _) => Names::of_nothing(),
    }
}

fn chooses<'t>(queries: &Queries<'t>, expr: &'t Expr, names: &Names) -> bool {
    !queries.read(&expr, names).cover(Queries::TRUTH).may_be_all()
}
