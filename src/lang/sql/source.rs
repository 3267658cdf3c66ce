//! What an INSERT overwrites, by where its rows come from.

use sqlparser::ast::{
    Expr, Insert, LimitClause, OnConflictAction, OnInsert, Query, Select, SetExpr, SetOperator,
    SqliteOnConflict, TableFactor,
};

use super::lower::Subject;
use super::query::{is_limit, relation};
use crate::lang::Scope;
use crate::lang::condition::Truth;
use crate::lang::words::bare;

/// Returns which rows of its table an INSERT overwrites; none where it only adds.
///
/// Rows that are written out were counted by whoever wrote them. How many a query without a
/// condition finds nobody knows, nor how many of them are there already.
pub(super) fn overwritten(insert: &Insert, table: &str) -> Option<Scope> {
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
    let subject = Subject::new(table, table);
    let source = insert.source.as_deref();
    Some(match source {
        _ if chosen.is_some_and(|chosen| chooses(chosen, &subject)) => Scope::Filtered,
        Some(query) if subject.is_source(query) => Scope::All,
        // An upsert changes columns of the rows that meet one; a REPLACE takes theirs away.
        Some(query) if replaces && !is_bounded(query) => Scope::Unknown,
        Some(_) | None => Scope::Filtered,
    })
}

/// Tells whether something says which rows a query finds.
fn is_bounded(query: &Query) -> bool {
    let limit = query.limit_clause.as_ref().and_then(|clause| match clause {
        LimitClause::LimitOffset { limit, .. } => limit.as_ref(),
        LimitClause::OffsetCommaLimit { limit, .. } => Some(limit),
    });
    limit.is_some_and(is_limit) || is_bounded_body(&query.body)
}

fn is_bounded_body(body: &SetExpr) -> bool {
    match body {
        SetExpr::Values(_) => true,
        SetExpr::Select(select) => is_bounded_select(select),
        SetExpr::Query(query) => is_bounded(query),
        SetExpr::SetOperation { left, op: SetOperator::Union, right, .. } => {
            is_bounded_body(left) && is_bounded_body(right)
        }
        SetExpr::SetOperation { left, .. } => is_bounded_body(left),
        _ => false,
    }
}

fn is_bounded_select(select: &Select) -> bool {
    let joins = select.from.iter().flat_map(|source| &source.joins).map(|join| &join.relation);
    let sources: Vec<_> = select.from.iter().map(|source| &source.relation).chain(joins).collect();
    if let [TableFactor::Derived { subquery, .. }] = sources[..]
        && is_bounded(subquery)
    {
        return true;
    }
    let is_chosen = |source: &&TableFactor| {
        let subject = subject(source);
        select.selection.iter().chain(&select.having).any(|expr| chooses(expr, &subject))
    };
    sources.is_empty() || sources.iter().any(is_chosen)
}

/// Returns what the columns of a source are qualified with.
fn subject(source: &TableFactor) -> Subject {
    match (relation(source), source) {
        (Some((table, alias)), _) => Subject::new(alias.as_ref().unwrap_or(&table), &table),
        (None, TableFactor::Derived { alias: Some(alias), .. }) => {
            Subject::new(&bare(&alias.name.to_string()), "")
        }
        (None, _) => Subject::new("", ""),
    }
}

fn chooses(expr: &Expr, subject: &Subject) -> bool {
    !subject.read(expr).cover(Truth::Numeric).may_be_all()
}
