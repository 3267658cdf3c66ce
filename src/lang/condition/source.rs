//! What rows of a table its sources leave out: joins, and queries within conditions.

use super::names::{Alias, Bare, Columns, Names};
use super::{Condition, Cover, Truth, same_table};

/// Functions that make one row of all.
const AGGREGATES: &[&str] = &[
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "group_concat",
    "json_agg",
    "jsonb_agg",
    "max",
    "min",
    "string_agg",
    "sum",
    "total",
];

/// The tree of a statement, whatever parser it came from.
pub(in crate::lang) trait Tree {
    /// An expression of it.
    type Expr: Clone;
    /// A query of it.
    type Query: Clone;

    /// What counts as true.
    const TRUTH: Truth;

    /// Reads an expression.
    fn read(&self, expr: &Self::Expr, names: &Names) -> Condition;

    /// Takes a query apart.
    fn unfold(&self, query: &Self::Query) -> Body<Self>;
}

/// A query, taken apart.
pub(in crate::lang) enum Body<T: Tree + ?Sized> {
    /// A SELECT.
    Select(Select<T>),
    /// A UNION.
    Union(Vec<T::Query>),
    /// Anything else.
    Unknown,
}

/// A SELECT.
pub(in crate::lang) struct Select<T: Tree + ?Sized> {
    /// The columns, each with its name, if it has one; `*` is none.
    pub(in crate::lang) columns: Vec<Option<(Option<String>, T::Expr)>>,
    /// The sources, in order.
    pub(in crate::lang) sources: Vec<Source<T>>,
    /// WHERE.
    pub(in crate::lang) condition: Option<T::Expr>,
    /// GROUP BY: of the rows that have the same of these, there is one.
    pub(in crate::lang) groups: Vec<T::Expr>,
    /// DISTINCT ON: the same of rows.
    pub(in crate::lang) distinct: Vec<T::Expr>,
    /// LIMIT and OFFSET.
    pub(in crate::lang) takes: Takes,
    /// Whether anything else leaves rows out: HAVING, SKIP LOCKED.
    pub(in crate::lang) is_chosen: bool,
}

/// How many of its rows a query gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lang) enum Takes {
    /// All of them.
    All,
    /// The first ones.
    First,
    /// Some, or none.
    Some,
    /// None.
    None,
}

/// Where rows come from.
pub(in crate::lang) struct Source<T: Tree + ?Sized> {
    /// What it is.
    pub(in crate::lang) relation: Relation<T::Query>,
    /// What its columns are qualified with.
    pub(in crate::lang) name: String,
    /// The names it gives to its columns.
    pub(in crate::lang) columns: Vec<String>,
    /// How it is joined with those before it.
    pub(in crate::lang) join: Join,
    /// On what condition.
    pub(in crate::lang) on: On<T::Expr>,
}

/// What a source is.
pub(in crate::lang) enum Relation<Q> {
    /// A table.
    Table(String),
    /// A query, in brackets or by a name of WITH.
    Query(Q),
    /// A function, a list of values, a part of a table.
    Other,
}

/// How a source is joined with those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lang) enum Join {
    /// Both have to have a row.
    Inner,
    /// Those before it keep all rows.
    Left,
    /// It keeps all rows.
    Right,
    /// All keep all.
    Full,
}

/// The condition of a join.
pub(in crate::lang) enum On<E> {
    /// None.
    Nothing,
    /// ON.
    Condition(E),
    /// USING or NATURAL: columns of the same name are the same.
    Columns,
}

/// What a join covers.
pub(in crate::lang) struct Joined {
    /// How much of the table.
    pub(in crate::lang) cover: Cover,
    /// Whether nothing but the conditions of joins leaves rows out.
    pub(in crate::lang) is_only_joined: bool,
}

/// Returns how much of a table a condition covers, whose rows are joined with sources. The table itself
/// may be among them.
pub(in crate::lang) fn joined<T: Tree>(
    tree: &T,
    names: &Names,
    sources: &[Source<T>],
    condition: Option<&T::Expr>,
) -> Joined {
    let again = again(tree, names, sources);
    let alone = apart(tree, names, sources, &again);
    let (cover, is_only_joined) = covered(tree, &alone, sources, condition);
    if cover.may_be_all() || again.is_empty() {
        return Joined { cover, is_only_joined };
    }
    // A row that is joined with its own table finds itself there.
    let together = together(tree, names, sources, again);
    match covered(tree, &together, sources, condition).0 {
        found @ (Cover::All | Cover::None) => Joined { cover: found, is_only_joined },
        _ => Joined { cover, is_only_joined },
    }
}

/// Returns how many rows of the table find one in a query, as EXISTS asks; none if nobody can tell.
pub(in crate::lang) fn finds<T: Tree>(
    tree: &T,
    names: &Names,
    query: &T::Query,
) -> Option<Condition> {
    let body = names.takes_query().then(|| tree.unfold(query))?;
    let Body::Select(select) = body else { return None };
    let is_open = !select.is_chosen && matches!(select.takes, Takes::All | Takes::First);
    if select.takes == Takes::None {
        return Some(Condition::Known(Some(false)));
    }
    let is_one = select.sources.is_empty() && select.condition.is_none();
    if is_open && (is_one || gives_one_row(tree, names, &select)) {
        return Some(Condition::Known(Some(true)));
    }
    let names = &behind(names, &select.sources);
    let again = again(tree, names, &select.sources);
    let first = again.first()?.clone();
    let mut alone = apart(tree, names, &select.sources, &again);
    alone.bare = Bare::Another(first.clone());
    let condition = select.condition.as_ref();
    let (mut cover, _) = covered(tree, &alone, &select.sources, condition);
    if !cover.may_be_all() {
        let mut together = together(tree, names, &select.sources, again);
        together.bare = Bare::Of(first);
        let (found, _) = covered(tree, &together, &select.sources, condition);
        cover = if found == Cover::All { found } else { cover };
    }
    (is_open && cover.may_be_all()).then_some(Condition::Covers(cover))
}

/// Returns `values IN (query)`; none if nobody can tell.
pub(in crate::lang) fn within<T: Tree>(
    tree: &T,
    names: &Names,
    values: &[Condition],
    query: &T::Query,
) -> Option<Condition> {
    if gives_nothing(tree, names, query) {
        return Some(Condition::Known(Some(false)));
    }
    let given = match whole(tree, names, query)? {
        Some(columns) => columns.into_iter().map(|(_, column)| column).collect::<Vec<_>>(),
        // Of a table there are more columns than one, and the first of them is its key.
        None => return matches!(values, [Condition::Column(_)]).then_some(COVERS_ALL),
    };
    let is_same = |(value, given): (&Condition, &Condition)| value.is_same(given);
    let is_whole = values.len() == given.len() && values.iter().zip(&given).all(is_same);
    is_whole.then_some(COVERS_ALL)
}

const COVERS_ALL: Condition = Condition::Covers(Cover::All);

/// Returns the one value of a query that stands for one: a count of what it is as it is, or the end of a
/// column.
pub(in crate::lang) fn only<T: Tree>(
    tree: &T,
    names: &Names,
    query: &T::Query,
    as_is: impl FnOnce() -> Condition,
) -> Option<Condition> {
    let body = names.takes_query().then(|| tree.unfold(query))?;
    let Body::Select(select) = body else { return None };
    let [Some((_, expr))] = &select.columns[..] else { return None };
    let is_one =
        gives_one_row(tree, names, &select) && select.takes == Takes::All && !select.is_chosen;
    if !is_one {
        return None;
    }
    let inner = rows(tree, names, &select);
    let value = tree.read(expr, inner.as_ref().unwrap_or(names));
    let (base, by) = value.shifted();
    match (base?, inner) {
        (Condition::Call(name, args), Some(_)) if args.len() == 1 && name != "count" => {
            let is_low = match name.as_str() {
                "min" => true,
                "max" => false,
                _ => return None,
            };
            let end = Condition::End { of: Box::new(args[0].simple().clone()), is_low };
            let more = Condition::Number(by);
            Some(Condition::Arithmetic('+', Box::new(end), Box::new(more)))
        }
        (Condition::Call(name, _), _) if name == "count" => {
            let count = Condition::Call("count".to_owned(), vec![as_is()]);
            Some(Condition::Arithmetic('+', Box::new(count), Box::new(Condition::Number(by))))
        }
        _ => None,
    }
}

/// Returns the columns of a query in which every row of the table is found; `None` within where they are
/// the table's own.
pub(in crate::lang) fn whole<T: Tree>(
    tree: &T,
    names: &Names,
    query: &T::Query,
) -> Option<Option<Columns>> {
    let select = match names.takes_query().then(|| tree.unfold(query))? {
        Body::Select(select) => select,
        // Of a UNION one part is enough.
        Body::Union(parts) => return parts.iter().find_map(|part| whole(tree, names, part)),
        Body::Unknown => return None,
    };
    let is_open = !select.is_chosen && select.takes == Takes::All;
    if !is_open || select.groups.is_empty() && gives_one_row(tree, names, &select) {
        return None;
    }
    let inner = rows(tree, names, &select)?;
    let Some(given) = select.columns.iter().map(Option::as_ref).collect::<Option<Vec<_>>>() else {
        let is_all = select.groups.is_empty() && select.distinct.is_empty();
        let columns = match &inner.bare {
            Bare::Of(alias) => alias.columns.clone(),
            Bare::Own | Bare::Another(_) => None,
        };
        return is_all.then_some(columns);
    };
    let of_each = |exprs: &[T::Expr]| {
        let each: Vec<Condition> = exprs.iter().map(|expr| tree.read(expr, &inner)).collect();
        // There is one row for each key.
        (!each.is_empty() && !each.iter().any(Condition::is_key)).then_some(each)
    };
    let (groups, distinct) = (of_each(&select.groups), of_each(&select.distinct));
    let is_kept = |column: &Condition| {
        let is_in = |each: &Vec<Condition>| each.iter().any(|one| one.is_same(column));
        groups.as_ref().is_none_or(is_in) && distinct.as_ref().is_none_or(is_in)
    };
    let columns = given.iter().map(|(name, expr)| {
        let column = match tree.read(expr, &inner) {
            // Of the rows with the same value, that value is the greatest.
            Condition::Call(end, args) if matches!(&*end, "max" | "min") && args.len() == 1 => {
                args[0].clone()
            }
            column => column,
        };
        let name = name.clone().unwrap_or_default();
        let is_plain = column.is_of_row() && is_kept(&column);
        (name.clone(), if is_plain { column } else { Condition::unknown(name) })
    });
    Some(Some(columns.collect()))
}

/// Returns whether a query gives no row, as `SELECT id FROM t WHERE false` does.
pub(in crate::lang) fn gives_nothing<T: Tree>(tree: &T, names: &Names, query: &T::Query) -> bool {
    let body = names.takes_query().then(|| tree.unfold(query));
    let Some(Body::Select(select)) = body else { return false };
    let covers = |expr: &T::Expr| tree.read(expr, &names.nothing()).cover(T::TRUTH);
    let is_empty = || {
        !gives_one_row(tree, names, &select)
            && select.condition.as_ref().is_some_and(|expr| covers(expr) == Cover::None)
    };
    select.takes == Takes::None || is_empty()
}

/// Returns whether a query makes one row of all it finds, of nothing too.
fn gives_one_row<T: Tree>(tree: &T, names: &Names, select: &Select<T>) -> bool {
    let is_aggregate = |expr: &T::Expr| tree.read(expr, &names.nothing()).has_aggregate();
    select.groups.is_empty() && select.columns.iter().flatten().any(|(_, expr)| is_aggregate(expr))
}

/// Returns what names stand for in a SELECT whose sources and condition leave out no row of the table.
fn rows<T: Tree>(tree: &T, names: &Names, select: &Select<T>) -> Option<Names> {
    let names = &behind(names, &select.sources);
    let again = again(tree, names, &select.sources);
    let first = again.first()?.clone();
    let mut inner = together(tree, names, &select.sources, again);
    inner.bare = Bare::Of(first);
    let (cover, _) = covered(tree, &inner, &select.sources, select.condition.as_ref());
    (cover == Cover::All).then_some(inner)
}

/// Finds the sources that give every row of the table, once more where the table itself is among them.
fn again<T: Tree>(tree: &T, names: &Names, sources: &[Source<T>]) -> Vec<Alias> {
    let others = sources.iter().filter(|source| !names.is_own(&source.name));
    others.filter_map(|source| stands_for(tree, names, source)).collect()
}

fn stands_for<T: Tree>(tree: &T, names: &Names, source: &Source<T>) -> Option<Alias> {
    let columns = match &source.relation {
        Relation::Table(table) => same_table(table, &names.table).then_some(None),
        Relation::Query(query) => whole(tree, names, query),
        Relation::Other => None,
    }?;
    let columns = match columns {
        // Which of its columns got which name is in the schema.
        None => (!source.columns.is_empty()).then(Vec::new),
        Some(mut columns) => {
            for ((name, _), new) in columns.iter_mut().zip(&source.columns) {
                name.clone_from(new);
            }
            Some(columns)
        }
    };
    Some(Alias { name: source.name.clone(), columns })
}

/// What names stand for within a query on sources.
fn behind<T: Tree>(names: &Names, sources: &[Source<T>]) -> Names {
    let sources: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    names.behind(&sources)
}

/// What names stand for among sources, those of the same table for other rows of it.
fn apart<T: Tree>(tree: &T, names: &Names, sources: &[Source<T>], again: &[Alias]) -> Names {
    let mut names = with_others(tree, names, sources, again);
    names.another.extend_from_slice(again);
    let not_found = sources.iter().filter(|source| match &source.on {
        On::Condition(on) if source.join == Join::Left => {
            tree.read(on, &names).cover(T::TRUTH) == Cover::None
        }
        _ => false,
    });
    let not_found: Vec<String> = not_found.map(|source| source.name.clone()).collect();
    names.another.retain(|alias| !not_found.contains(&alias.name));
    names.nulls.extend(not_found);
    names
}

/// The same, those of the same table for the row at hand.
fn together<T: Tree>(tree: &T, names: &Names, sources: &[Source<T>], again: Vec<Alias>) -> Names {
    let mut names = with_others(tree, names, sources, &again);
    names.own.extend(again);
    names
}

fn with_others<T: Tree>(tree: &T, names: &Names, sources: &[Source<T>], again: &[Alias]) -> Names {
    let mut names = names.clone();
    for source in sources {
        let is_again = again.iter().any(|alias| alias.name == source.name);
        let columns = match &source.relation {
            Relation::Table(_) => continue,
            Relation::Query(query) if source.columns.is_empty() && !is_again => {
                column_names(tree, &names, query)
            }
            Relation::Query(_) | Relation::Other => source.columns.clone(),
        };
        names.others.push((source.name.clone(), columns));
    }
    names
}

fn column_names<T: Tree>(tree: &T, names: &Names, query: &T::Query) -> Vec<String> {
    match names.takes_query().then(|| tree.unfold(query)) {
        Some(Body::Select(select)) => {
            select.columns.into_iter().flatten().filter_map(|(name, _)| name).collect()
        }
        Some(Body::Union(_) | Body::Unknown) | None => Vec::new(),
    }
}

/// Returns how much of the table a condition covers with those of the joins, and whether these alone
/// leave rows out. What a LEFT JOIN finds beside a row keeps it not away, unless the condition asks
/// for it.
fn covered<T: Tree>(
    tree: &T,
    names: &Names,
    sources: &[Source<T>],
    condition: Option<&T::Expr>,
) -> (Cover, bool) {
    let selected = condition.map(|expr| tree.read(expr, names));
    let is_open = selected.as_ref().is_none_or(|part| part.cover(T::TRUTH) == Cover::All);
    let own = sources.iter().position(|source| names.is_own(&source.name));
    let all_own = sources.iter().all(|source| names.is_own(&source.name));
    let mut parts: Vec<Condition> = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let keeps_all = match source.join {
            Join::Inner => false,
            Join::Left => own != Some(at),
            Join::Right => own == Some(at),
            Join::Full => true,
        };
        if is_open && keeps_all {
            continue;
        }
        parts.extend(match &source.on {
            On::Nothing => None,
            On::Condition(on) => Some(tree.read(on, names)),
            On::Columns if all_own => None,
            On::Columns => Some(Condition::unknown("using".to_owned())),
        });
    }
    let is_only_joined = is_open && !parts.is_empty();
    parts.extend(selected);
    (Condition::And(parts).cover(T::TRUTH), is_only_joined)
}

impl Condition {
    /// Something that is the same in every row.
    pub(in crate::lang) fn constant(text: String) -> Self {
        Self::Other { text, reads: false, is_volatile: false }
    }

    /// Something that differs from row to row, in a way that nobody can tell.
    pub(in crate::lang) fn unknown(text: String) -> Self {
        Self::Other { text, reads: true, is_volatile: false }
    }

    /// Returns whether it is made of columns of the row at hand and literals alone.
    fn is_of_row(&self) -> bool {
        match self {
            Self::Other { .. } | Self::Another(..) | Self::Covers(_) | Self::End { .. } => false,
            _ => {
                !self.is_volatile()
                    && !self.has_aggregate()
                    && self.parts().into_iter().all(Self::is_of_row)
            }
        }
    }

    fn has_aggregate(&self) -> bool {
        let is_aggregate = match self {
            // Of several values they are functions of one row.
            Self::Call(name, args) if matches!(&**name, "max" | "min") => args.len() == 1,
            Self::Call(name, _) => AGGREGATES.contains(&name.as_str()),
            _ => false,
        };
        is_aggregate || self.parts().into_iter().any(Self::has_aggregate)
    }
}
