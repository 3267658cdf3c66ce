//! Queries and lists within conditions: which of them find every row again.

use squawk_syntax::SyntaxKind;

use super::expression::{chain, column, condition, is_expression, parts, unwrapped};
use super::function;
use super::predicate::Subject;
use super::syntax::SyntaxNode;
use super::tree::{all_tokens, child, find, ident, name, segments, string};
use crate::lang::condition::{Condition, Cover, same_table};

/// A LIMIT from here on is none.
const NO_LIMIT: f64 = 1e9;

/// How many queries deep a table is looked for.
const MOST_QUERIES: usize = 5;

impl Subject {
    /// `id IN (SELECT id FROM the_same_table)` and `id = ANY (…)`, without a condition inside.
    pub(super) fn is_itself(&self, left: &SyntaxNode, right: &SyntaxNode) -> bool {
        let Some(outer) = columns(&unwrapped(left)) else {
            return false;
        };
        let gives = |select: &SyntaxNode| {
            let inner = |target: &SyntaxNode| Some(column(&target.children().next()?)?.1);
            let inner: Option<Vec<_>> = targets(select).iter().map(inner).collect();
            inner.as_ref() == Some(&outer) && self.finds_itself(select)
        };
        subquery(right).is_some_and(|query| match query.kind() {
            // Of a UNION one part is enough.
            SyntaxKind::COMPOUND_SELECT => {
                child(&query, &[SyntaxKind::UNION]).is_some()
                    && query
                        .children()
                        .any(|part| part.kind() == SyntaxKind::SELECT && gives(&part))
            }
            _ => gives(&query),
        })
    }

    /// `id >= (SELECT min(id) FROM the_same_table)`.
    pub(super) fn is_own_end(&self, left: &SyntaxNode, op: &str, right: &SyntaxNode) -> bool {
        let end = if op == ">=" { "min" } else { "max" };
        let Some(select) = subquery(right) else { return false };
        let [target] = &targets(&select)[..] else { return false };
        let call = target.children().next().filter(|call| call.kind() == SyntaxKind::CALL_EXPR);
        call.is_some_and(|call| {
            let args = child(&call, &[SyntaxKind::ARG_LIST]);
            let arg = args.and_then(|args| args.children().next()?.children().last());
            let arg = arg.and_then(|arg| column(&arg));
            function::called(&call).as_deref() == Some(end)
                && arg.is_some()
                && arg.map(|(_, name)| name) == column(left).map(|(_, name)| name)
                && self.finds_itself(&select)
        })
    }

    /// Returns whether a subquery reads the same table, and finds the row at hand in it whichever
    /// that is.
    pub(super) fn finds_itself(&self, select: &SyntaxNode) -> bool {
        let Some(inner) = of_query(select, 0).filter(|_| !self.is_shadowed) else {
            return false;
        };
        let is_same = same_table(&inner.table, &self.table);
        let inner = Self { outer: Some(self.qualifier.clone()), ..inner };
        is_same && condition(select).is_none_or(|condition| inner.cover(&condition) == Cover::All)
    }

    /// Reads a table in a list of sources; also one that stands in a query of its own, with all its rows.
    pub(super) fn of_item(item: &SyntaxNode) -> Option<Self> {
        of_item(item, 0)
    }

    /// Says what the same table goes by among other sources, where a condition binds it to this one:
    /// else each row meets every row.
    pub(super) fn joined_as(self, again: String, statement: &SyntaxNode) -> Self {
        let whole = condition(statement).or_else(|| {
            let on = find(statement, &[SyntaxKind::ON_CLAUSE])?;
            on.children().next()
        });
        let parts_of = |whole: &SyntaxNode| chain(whole, "and");
        let is_bound = whole.iter().flat_map(parts_of).any(|part| {
            let sides = parts(&unwrapped(&part)).filter(|(_, op, _)| op == "=");
            let sides = sides.and_then(|(left, _, right)| Some((column(&left)?, column(&right)?)));
            sides.is_some_and(|((one, left), (other, right))| {
                let (one, other) = (one.as_ref(), other.as_ref());
                let names = [Some(&self.qualifier), Some(&again)];
                left == right && one != other && names.contains(&one) && names.contains(&other)
            })
        });
        Self { outer: Some(again).filter(|_| is_bound), ..self }
    }

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

fn of_item(item: &SyntaxNode, depth: usize) -> Option<Subject> {
    let alias = find(item, &[SyntaxKind::FROM_ALIAS, SyntaxKind::REQUIRED_AS_ALIAS])
        .and_then(|alias| find(&alias, &[SyntaxKind::TABLE_ALIAS]))
        .map(|alias| ident(&alias));
    if item.kind() == SyntaxKind::PAREN_FROM_ITEM {
        let inner = of_query(&subquery(item)?, depth + 1).filter(|_| depth < MOST_QUERIES)?;
        return Some(Subject { qualifier: alias?, ..inner });
    }
    let relation = child(item, &[SyntaxKind::RELATION_NAME_REF])?;
    let table = name(&relation);
    let alias = find(item, &[SyntaxKind::TABLE_ALIAS]).map(|alias| ident(&alias));
    let qualifier = alias.or_else(|| segments(&relation).pop())?;
    let named = with(item, &table).filter(|_| depth < MOST_QUERIES);
    match named.and_then(|query| of_query(&query, depth + 1)) {
        Some(inner) if inner.table != table => Some(Subject { qualifier, ..inner }),
        _ => Some(Subject { qualifier, table, is_shadowed: false, outer: None }),
    }
}

/// Returns the table that a query gives with all its rows, its own condition left aside where it is
/// the outermost.
fn of_query(select: &SyntaxNode, depth: usize) -> Option<Subject> {
    const NARROWING: &[SyntaxKind] = &[
        SyntaxKind::LIMIT_CLAUSE,
        SyntaxKind::OFFSET_CLAUSE,
        SyntaxKind::FETCH_CLAUSE,
        SyntaxKind::HAVING_CLAUSE,
        SyntaxKind::WITH_CLAUSE,
        SyntaxKind::LOCKING_CLAUSE,
    ];
    let narrows = |clause: &SyntaxNode| {
        let words: Vec<String> =
            all_tokens(clause).map(|token| token.text().to_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        NARROWING.contains(&clause.kind())
            && match words.as_slice() {
                ["limit", "all"] | ["offset", "0"] => false,
                ["limit", most] => most.parse().is_ok_and(|most: f64| most < NO_LIMIT),
                // It only waits, or fails.
                ["for", how @ ..] => how.contains(&"skip"),
                _ => true,
            }
    };
    if select.children().any(|clause| narrows(&clause)) {
        return None;
    }
    let from = child(select, &[SyntaxKind::FROM_CLAUSE])?;
    let items: Vec<SyntaxNode> = from.children().collect();
    let [item] = items.as_slice() else { return None };
    let is_plain =
        matches!(item.kind(), SyntaxKind::RELATION_FROM_ITEM | SyntaxKind::PAREN_FROM_ITEM)
            && find(item, &[SyntaxKind::TABLESAMPLE_CLAUSE]).is_none();
    let inner = of_item(item, depth).filter(|_| is_plain)?;
    // What it gives goes by the same names.
    let is_kept = |target: &SyntaxNode| {
        let words: Vec<SyntaxNode> = target.children().collect();
        match words.as_slice() {
            [] => true,
            [only] => column(only).is_some(),
            _ => false,
        }
    };
    let is_whole = depth == 0
        || targets(select).iter().all(is_kept)
            && condition(select).is_none_or(|condition| inner.cover(&condition) == Cover::All);
    is_whole.then_some(inner)
}

/// Returns the query that a WITH around gives a name.
fn with(node: &SyntaxNode, name: &str) -> Option<SyntaxNode> {
    let around = node.ancestors().take_while(|outer| outer.kind() != SyntaxKind::PLPGSQL_BODY);
    let mut queries = around
        .filter_map(|outer| child(&outer, &[SyntaxKind::WITH_CLAUSE]))
        .flat_map(|with| with.children().collect::<Vec<_>>());
    let named = queries.find(|query| {
        child(query, &[SyntaxKind::CTE_NAME]).is_some_and(|named| ident(&named) == name)
    })?;
    child(&named, &[SyntaxKind::SELECT])
}

fn targets(select: &SyntaxNode) -> Vec<SyntaxNode> {
    let list = child(select, &[SyntaxKind::SELECT_CLAUSE])
        .and_then(|clause| child(&clause, &[SyntaxKind::TARGET_LIST]));
    list.map(|list| list.children().collect()).unwrap_or_default()
}

/// Returns the columns that an expression is: one, or several in brackets.
fn columns(expr: &SyntaxNode) -> Option<Vec<String>> {
    let parts = match expr.kind() {
        SyntaxKind::TUPLE_EXPR => expr.children().collect(),
        _ => vec![expr.clone()],
    };
    parts.iter().map(|part| Some(column(part)?.1)).collect()
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
    const QUERIES: &[SyntaxKind] = &[SyntaxKind::SELECT, SyntaxKind::COMPOUND_SELECT];
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

/// Returns whether a query gives no row, as `SELECT id FROM t WHERE false` does.
pub(super) fn gives_nothing(expr: &SyntaxNode) -> bool {
    let Some(select) = subquery(expr) else { return false };
    // Of no rows a sum is one.
    let may_sum = child(&select, &[SyntaxKind::SELECT_CLAUSE])
        .is_none_or(|targets| find(&targets, &[SyntaxKind::CALL_EXPR]).is_some());
    !may_sum
        && condition(&select)
            .is_some_and(|condition| Subject::of_nothing().cover(&condition) == Cover::None)
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
        SyntaxKind::CAST_EXPR => expr.children().next().is_some_and(|inner| is_empty_list(&inner)),
        _ => false,
    }
}
