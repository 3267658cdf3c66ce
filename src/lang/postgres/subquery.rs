//! Queries and lists within conditions: which of them find every row again.

use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

use super::expression::{column, condition, is_expression, is_null, number, operand, unwrapped};
use super::function;
use super::predicate::Terms;
use super::tree::{all_tokens, child, find, has_token, ident, name, segments, string};
use crate::lang::condition::names::Names;
use crate::lang::condition::source::{Body, Join, On, Relation, Select, Source, Takes, Tree};
use crate::lang::condition::{Condition, Truth};

/// Functions that make an array or an object of what they are given.
const BUILDERS: &[&str] =
    &["json_build_array", "json_build_object", "jsonb_build_array", "jsonb_build_object"];

/// What is a query.
pub(super) const QUERIES: &[SyntaxKind] =
    &[SyntaxKind::SELECT, SyntaxKind::COMPOUND_SELECT, SyntaxKind::TABLE];

/// A LIMIT from here on is none.
const NO_LIMIT: f64 = 1e9;

/// The queries of PostgreSQL's trees.
pub(super) struct Queries;

impl Tree for Queries {
    type Expr = SyntaxNode;
    type Query = SyntaxNode;

    const TRUTH: Truth = Truth::Strict;

    fn read(&self, expr: &SyntaxNode, names: &Names) -> Condition {
        Terms(names).read(expr)
    }

    fn unfold(&self, query: &SyntaxNode) -> Body<Self> {
        match query.kind() {
            SyntaxKind::SELECT => Body::Select(select(query)),
            SyntaxKind::TABLE => Body::Select(Select {
                columns: vec![None],
                sources: relation(query).into_iter().collect(),
                ..select(query)
            }),
            SyntaxKind::COMPOUND_SELECT if takes(query) == Takes::All => {
                let is_union = child(query, &[SyntaxKind::UNION]).is_some();
                let parts = query.children().filter(|part| QUERIES.contains(&part.kind()));
                if is_union { Body::Union(parts.collect()) } else { Body::Unknown }
            }
            SyntaxKind::PAREN_SELECT => match child(query, QUERIES) {
                Some(inner) if takes(query) == Takes::All => self.unfold(&inner),
                _ => Body::Unknown,
            },
            _ => Body::Unknown,
        }
    }
}

fn select(query: &SyntaxNode) -> Select<Queries> {
    let clause = child(query, &[SyntaxKind::SELECT_CLAUSE]);
    let within = |kinds: &[SyntaxKind]| -> Vec<SyntaxNode> {
        let list = clause.as_ref().and_then(|clause| find(clause, kinds));
        list.into_iter().flat_map(|list| list.children()).collect()
    };
    let groups = child(query, &[SyntaxKind::GROUP_BY_CLAUSE])
        .map(|clause| clause.descendants().filter(|part| part.kind() == SyntaxKind::GROUPING_EXPR));
    let groups = groups.into_iter().flatten();
    let skips = |clause: SyntaxNode| all_tokens(&clause).any(|token| is_word(&token, "skip"));
    let locks = child(query, &[SyntaxKind::LOCKING_CLAUSE]);
    let sources = child(query, &[SyntaxKind::FROM_CLAUSE]);
    Select {
        columns: targets(query).iter().map(given).collect(),
        sources: sources.map(|clause| self::sources(&clause)).unwrap_or_default(),
        condition: condition(query),
        groups: groups.map(|group| operand(&group).unwrap_or(group)).collect(),
        distinct: within(&[SyntaxKind::DISTINCT_ON]),
        takes: takes(query),
        is_chosen: child(query, &[SyntaxKind::HAVING_CLAUSE]).is_some() || locks.is_some_and(skips),
    }
}

/// Returns a column that a query gives, with its name.
fn given(target: &SyntaxNode) -> Option<(Option<String>, SyntaxNode)> {
    let value = target.children().next().filter(|value| is_expression(value.kind()))?;
    if target.last_token().is_some_and(|token| token.kind() == SyntaxKind::STAR) {
        return None;
    }
    let named = child(target, &[SyntaxKind::AS_NAME]).map(|named| ident_behind_as(&named));
    let named = named.or_else(|| Some(column(&value)?.1));
    (value.last_token()?.kind() != SyntaxKind::STAR).then_some((named, value))
}

fn ident_behind_as(named: &SyntaxNode) -> String {
    named.children().next().map_or_else(String::new, |name| ident(&name))
}

/// Returns how many rows a query gives of those it finds.
fn takes(query: &SyntaxNode) -> Takes {
    const COUNTED: &[SyntaxKind] =
        &[SyntaxKind::LIMIT_CLAUSE, SyntaxKind::FETCH_CLAUSE, SyntaxKind::OFFSET_CLAUSE];
    let mut all = Takes::All;
    for clause in query.children().filter(|clause| COUNTED.contains(&clause.kind())) {
        let count = clause.children().find(|part| is_expression(part.kind()));
        let counted = count.as_ref().and_then(number);
        let is_all = count.as_ref().is_some_and(is_null)
            || all_tokens(&clause).nth(1).is_some_and(|token| is_word(&token, "all"));
        let has_ties = all_tokens(&clause).any(|token| is_word(&token, "percent"));
        let takes = match (clause.kind(), counted) {
            (SyntaxKind::OFFSET_CLAUSE, Some(0.0)) => continue,
            (SyntaxKind::OFFSET_CLAUSE, _) => Takes::Some,
            _ if is_all => continue,
            (_, Some(0.0)) => Takes::None,
            (_, Some(count)) if count >= NO_LIMIT => continue,
            (_, Some(count)) if count > 0.0 && !has_ties => Takes::First,
            // FETCH FIRST ROW ONLY is one.
            (SyntaxKind::FETCH_CLAUSE, None) if count.is_none() => Takes::First,
            _ => Takes::Some,
        };
        all = match (all, takes) {
            (Takes::None, _) | (_, Takes::None) => Takes::None,
            (Takes::Some, _) | (_, Takes::Some) => Takes::Some,
            (_, takes) => takes,
        };
    }
    all
}

fn is_word(token: &SyntaxToken, word: &str) -> bool {
    token.text().eq_ignore_ascii_case(word)
}

/// Returns the sources of a FROM, a USING or the like.
pub(super) fn sources(clause: &SyntaxNode) -> Vec<Source<Queries>> {
    let mut found = Vec::new();
    for item in clause.children() {
        add_source(&item, Join::Inner, On::Nothing, &mut found);
    }
    found
}

/// Adds what an item of a FROM joins; the condition of a join stands behind all that it joins.
fn add_source(item: &SyntaxNode, join: Join, on: On<SyntaxNode>, found: &mut Vec<Source<Queries>>) {
    if item.kind() == SyntaxKind::JOIN_EXPR {
        let mut parts = item.children();
        if let Some(first) = parts.next() {
            add_source(&first, join, on, found);
        }
        for joined in parts.filter(|part| part.kind() == SyntaxKind::JOIN) {
            let (join, on) = joins(&joined);
            let second = joined.children().find(|part| !JOINS.contains(&part.kind()));
            if let Some(second) = second {
                add_source(&second, join, on, found);
            }
        }
        return;
    }
    found.extend(relation(item).map(|source| Source { join, on, ..source }));
}

const JOINS: &[SyntaxKind] = &[
    SyntaxKind::JOIN_CROSS,
    SyntaxKind::JOIN_FULL,
    SyntaxKind::JOIN_INNER,
    SyntaxKind::JOIN_LEFT,
    SyntaxKind::JOIN_RIGHT,
];

fn joins(joined: &SyntaxNode) -> (Join, On<SyntaxNode>) {
    let join = match child(joined, JOINS).map(|join| join.kind()) {
        Some(SyntaxKind::JOIN_LEFT) => Join::Left,
        Some(SyntaxKind::JOIN_RIGHT) => Join::Right,
        Some(SyntaxKind::JOIN_FULL) => Join::Full,
        _ => Join::Inner,
    };
    let condition = child(joined, &[SyntaxKind::ON_CLAUSE]).and_then(|on| operand(&on));
    let has_columns = child(joined, &[SyntaxKind::JOIN_USING_CLAUSE]).is_some()
        || has_token(joined, SyntaxKind::NATURAL_KW);
    let on = match condition {
        Some(condition) => On::Condition(condition),
        None if has_columns => On::Columns,
        None => On::Nothing,
    };
    (join, on)
}

/// Returns what one item of a FROM is, as if it stood alone.
fn relation(item: &SyntaxNode) -> Option<Source<Queries>> {
    const TABLES: &[SyntaxKind] = &[SyntaxKind::RELATION_NAME_REF, SyntaxKind::RELATION_NAME];
    let alias = child(item, &[SyntaxKind::FROM_ALIAS, SyntaxKind::REQUIRED_AS_ALIAS]);
    let named = alias.as_ref().and_then(|alias| find(alias, &[SyntaxKind::TABLE_ALIAS]));
    let table =
        child(item, TABLES).filter(|_| child(item, &[SyntaxKind::TABLESAMPLE_CLAUSE]).is_none());
    let relation = match (&table, subquery(item)) {
        (Some(table), _) => match with(item, &name(table)) {
            Some(query) => Relation::Query(query),
            None => Relation::Table(name(table)),
        },
        (None, Some(query)) => Relation::Query(query),
        (None, None) if is_expression(item.kind()) || item.kind() == SyntaxKind::ON_CLAUSE => {
            return None;
        }
        (None, None) => Relation::Other,
    };
    let called = named.map(|named| ident(&named)).or_else(|| segments(&table?).pop());
    let columns = alias.and_then(|alias| child(&alias, &[SyntaxKind::COLUMN_LIST]));
    let columns = columns.into_iter().flat_map(|list| list.children());
    let columns = columns.map(|column| find(&column, &[SyntaxKind::COLUMN_NAME]).unwrap_or(column));
    Some(Source {
        relation,
        name: called.unwrap_or_default(),
        columns: columns.map(|column| ident(&column)).collect(),
        join: Join::Inner,
        on: On::Nothing,
    })
}

impl Terms<'_> {
    /// Returns the values of a list behind ANY, SOME or ALL.
    pub(super) fn list(&self, expr: &SyntaxNode) -> Option<Vec<Condition>> {
        const AROUND: &[SyntaxKind] =
            &[SyntaxKind::ALL_FN, SyntaxKind::ANY_FN, SyntaxKind::SOME_FN];
        let inner = child(expr, AROUND).filter(|_| expr.kind() == SyntaxKind::CALL_EXPR)?;
        let inner = inner.children().next()?;
        if is_empty_list(&inner) {
            return Some(Vec::new());
        }
        let list: Vec<SyntaxNode> =
            inner.children().filter(|_| inner.kind() == SyntaxKind::ARRAY_EXPR).collect();
        let is_plain = !list.is_empty() && list.iter().all(|item| is_expression(item.kind()));
        is_plain.then(|| list.iter().map(|item| self.read(item)).collect())
    }
}

/// Returns the query that a WITH around gives a name.
fn with(node: &SyntaxNode, name: &str) -> Option<SyntaxNode> {
    let around = node.ancestors().take_while(|outer| outer.kind() != SyntaxKind::PLPGSQL_BODY);
    let mut queries = around
        .filter_map(|outer| child(&outer, &[SyntaxKind::WITH_CLAUSE]))
        .flat_map(|with| with.children().collect::<Vec<_>>());
    let named = queries.find(|query| {
        // Within itself it is a table, or what it has been up to then.
        child(query, &[SyntaxKind::CTE_NAME]).is_some_and(|named| ident(&named) == name)
            && !query.text_range().contains_range(node.text_range())
    })?;
    child(&named, QUERIES)
}

fn targets(select: &SyntaxNode) -> Vec<SyntaxNode> {
    let list = child(select, &[SyntaxKind::SELECT_CLAUSE])
        .and_then(|clause| child(&clause, &[SyntaxKind::TARGET_LIST]));
    list.map(|list| list.children().collect()).unwrap_or_default()
}

/// Returns the query that stands in brackets behind IN, ALL, ANY, SOME, EXISTS or ARRAY.
pub(super) fn subquery(expr: &SyntaxNode) -> Option<SyntaxNode> {
    const AROUND: &[SyntaxKind] = &[
        SyntaxKind::ALL_FN,
        SyntaxKind::ANY_FN,
        SyntaxKind::ARRAY_EXPR,
        SyntaxKind::EXISTS_FN,
        SyntaxKind::PAREN_EXPR,
        SyntaxKind::PAREN_SELECT,
        SyntaxKind::SOME_FN,
    ];
    let mut expr = expr.clone();
    loop {
        if let Some(select) = child(&expr, QUERIES) {
            return Some(select);
        }
        if QUERIES.contains(&expr.kind()) {
            return Some(expr);
        }
        expr = child(&expr, AROUND)?;
    }
}

/// Returns what a query gives that reads no table: `SELECT id`.
pub(super) fn only_value(select: &SyntaxNode) -> Option<SyntaxNode> {
    let is_bare = select.children().all(|clause| clause.kind() == SyntaxKind::SELECT_CLAUSE);
    let targets = targets(select);
    let [target] = targets.as_slice() else { return None };
    let value = target.children().next()?;
    (is_bare && is_expression(value.kind())).then_some(value)
}

/// Returns what stands behind IN without a table: `VALUES (1), (2)`, or `SELECT 1`.
pub(super) fn values(expr: &SyntaxNode) -> Option<Vec<SyntaxNode>> {
    if let Some(value) = subquery(expr).and_then(|query| only_value(&query)) {
        return Some(vec![value]);
    }
    let rows = child(&child(expr, &[SyntaxKind::VALUES])?, &[SyntaxKind::ROW_LIST])?;
    let value = |row: SyntaxNode| {
        let mut values = row.children();
        values.next().filter(|_| values.next().is_none())
    };
    rows.children().map(value).collect()
}

/// Returns whether an operand is `ALL (…)`.
pub(super) fn is_of_all(expr: &SyntaxNode) -> bool {
    find(expr, &[SyntaxKind::ALL_FN]).is_some_and(|all| all.text_range() == expr.text_range())
}

/// Returns whether an expression is an array or an object without anything in it.
pub(super) fn is_empty_list(expr: &SyntaxNode) -> bool {
    let expr = unwrapped(expr);
    match expr.kind() {
        SyntaxKind::LITERAL => matches!(string(&expr).as_deref(), Some("{}" | "[]")),
        SyntaxKind::ARRAY_EXPR => expr.children().next().is_none(),
        SyntaxKind::CALL_EXPR => {
            let is_bare = find(&expr, &[SyntaxKind::ARG]).is_none();
            is_bare && function::called(&expr).is_some_and(|name| BUILDERS.contains(&&*name))
        }
        SyntaxKind::CAST_EXPR => expr.children().next().is_some_and(|inner| is_empty_list(&inner)),
        _ => false,
    }
}
