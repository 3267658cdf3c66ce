//! Queries and changes of rows: what the parser's tree tells.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AssignmentTarget, Delete, Expr, FromTable, Insert, ObjectName, SqliteOnConflict, Statement,
    TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind, Value, Visit, Visitor,
};
use sqlparser::dialect::{Dialect, MySqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};

use super::script::Script;
use super::tree::Queries;
use super::{Flavour, called, overwrite, plain};
use crate::lang::condition::names::Names;
use crate::lang::condition::{Cover, source};
use crate::lang::shape::shape;
use crate::lang::token::{Depth, Kind, Scan, bounded, is_word};
use crate::lang::words::{Words, bare};
use crate::lang::{Class, Scope, Verb};

/// How many brackets may be open at once; the parser is told how deep it may go.
const MOST_OPEN: usize = 100;

/// How deep the parser may go on any thread, and how deep at all. A level of its own takes up to
/// 60 KiB of stack in a debug build.
const DEEP: (usize, usize) = (10, 50);

/// What the parser's own levels at the most take, in levels of a tree.
const LEVELS_OF_PARSER: usize = 1_000;

/// The tables that hold the schema of a file.
const SCHEMA_TABLES: &[&str] =
    &["sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"];

/// First words of queries, and those with which one may do more than read.
const QUERIES: &[&str] = &["select", "table", "values", "with"];
const MORE: &[&str] = &[
    "alter",
    "call",
    "delete",
    "detach",
    "drop",
    "execute",
    "insert",
    "into",
    "merge",
    "procedure",
    "program",
    "reassign",
    "replace",
    "truncate",
    "update",
];

/// A LIMIT from here on is none: nobody who cleans up in parts takes that many at once.
const NO_LIMIT: f64 = 1e7;

/// What one statement does to rows.
struct Found {
    class: Class,
    verb: Verb,
    table: String,
    scope: Scope,
    /// What the condition covers, if that may be every row.
    cover: Option<Cover>,
    /// How many rows at the most, by LIMIT.
    most: Option<f64>,
    /// Whether the condition depends on the order of types.
    by_order: bool,
}

impl Found {
    fn plain(class: Class, verb: Verb, table: String, scope: Scope) -> Self {
        Self { class, verb, table, scope, cover: None, most: None, by_order: false }
    }
}

/// Reads a query or a change of rows.
pub(super) fn statement(script: &mut Script, words: &Words<'_>) {
    if plain_statement(script, words) {
        return;
    }
    let before = script.count();
    called::calls(script, words);
    if plain::writes_file(words) && words.is(0, QUERIES) {
        let phrase = "writes a file on the server".to_owned();
        script.push(Class::Escape, Verb::Shell, None, Scope::Unknown, phrase);
    }
    let text = plain::plain(words, script.flavour);
    let flavour = script.flavour;
    let depth = depth(words);
    let mut found = bounded(depth, MOST_OPEN, || parse(&text, flavour, DEEP.0));
    // What went too deep on trial only was not what was expected.
    let is_too_deep =
        |error: &ParserError| *error == ParserError::RecursionLimitExceeded || depth.open > 1;
    if found.as_ref().is_some_and(|found| found.as_ref().is_err_and(is_too_deep)) {
        let depth = Depth { levels: depth.levels + LEVELS_OF_PARSER, ..depth };
        found = bounded(depth, MOST_OPEN, || parse(&text, flavour, DEEP.1));
    }
    match found {
        Some(Ok(found)) => found.into_iter().for_each(|found| tell(script, words, found)),
        Some(Err(ParserError::RecursionLimitExceeded)) | None => {
            script.unclear(words, "nested too deep to be read");
        }
        Some(Err(_)) => script.unclear(words, "not understood"),
    }
    // An unclear statement keeps what its calls do.
    debug_assert!(script.count() >= before);
}

/// Reads what needs no parser; says whether it was that.
pub(super) fn plain_statement(script: &mut Script, words: &Words<'_>) -> bool {
    if is_plain_insert(words) {
        called::calls(script, words);
        insert_by_words(script, words);
        return true;
    }
    plain_change(words).map(|found| tell(script, words, found)).is_some()
}

/// Reads a query whose words alone tell that it does no more; says whether it was that. Of what no
/// parser understands they say no less: a typo is no reason to stop anybody.
pub(super) fn plain_query(script: &mut Script, words: &Words<'_>) -> bool {
    let does_more = |at: usize| {
        words.is(at, MORE) && !(words.is(at, &["update"]) && words.is(at - 1, &["for"]))
    };
    let is_plain = words.is(0, QUERIES) && !(1..words.len()).any(does_more);
    if is_plain {
        called::calls(script, words);
    }
    is_plain
}

fn depth(words: &Words<'_>) -> Depth {
    let mut scan = Scan::default();
    for (at, token) in words.tokens.iter().enumerate() {
        scan.take(token.kind, words.piece(at));
    }
    scan.most
}

fn parse(text: &str, flavour: Flavour, deep: usize) -> Result<Vec<Found>, ParserError> {
    let dialect: &dyn Dialect = match flavour {
        Flavour::Mysql => &MySqlDialect {},
        Flavour::Sqlite => &SQLiteDialect {},
    };
    let parser = Parser::new(dialect).with_recursion_limit(deep);
    let statements = parser.try_with_sql(text)?.parse_statements()?;
    let queries = Queries::of(&statements, flavour);
    let mut finder = Finder { found: Vec::new(), is_known: statements.len() == 1, queries };
    let walked = statements.visit(&mut finder);
    let is_known = finder.is_known && walked.is_continue();
    is_known.then_some(finder.found).ok_or_else(|| ParserError::ParserError(String::new()))
}

/// Collects what the statements of a tree do to rows.
struct Finder<'t> {
    found: Vec<Found>,
    is_known: bool,
    queries: Queries<'t>,
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Delete(delete) => self.delete(delete),
            Statement::Update(update) => self.update(update),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Query(_) => {}
            _ => self.is_known = false,
        }
        ControlFlow::Continue(())
    }
}

impl Finder<'_> {
    fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let sources = delete.using.as_ref().unwrap_or(from);
        let goes_by = |table: &TableWithJoins| {
            relation(&table.relation).map(|(name, alias)| alias.unwrap_or(name))
        };
        let named: Vec<String> = match (&delete.using, delete.tables.as_slice()) {
            (Some(_), _) => from.iter().filter_map(goes_by).collect(),
            (None, []) => from.iter().take(1).filter_map(goes_by).collect(),
            (None, tables) => tables.iter().map(object_name).collect(),
        };
        let limit = delete.limit.as_ref();
        for name in named {
            self.change(
                Class::Remove,
                Verb::Delete,
                &name,
                sources,
                delete.selection.as_ref(),
                limit,
            );
        }
    }

    fn update(&mut self, update: &Update) {
        let Some((table, alias)) = relation(&update.table.relation) else {
            self.is_known = false;
            return;
        };
        let mut sources = vec![update.table.clone()];
        if let Some(UpdateTableFromKind::BeforeSet(more) | UpdateTableFromKind::AfterSet(more)) =
            &update.from
        {
            sources.extend(more.iter().cloned());
        }
        // Of several tables those are changed that the assignments name.
        let first = alias.unwrap_or(table);
        let assigned = update.assignments.iter().flat_map(|set| match &set.target {
            AssignmentTarget::ColumnName(column) => vec![column],
            AssignmentTarget::Tuple(columns) => columns.iter().collect(),
        });
        let mut names: Vec<String> = Vec::new();
        let mut is_unqualified = false;
        for column in assigned {
            let qualifier = column.0.iter().rev().nth(1).map(|part| bare(&part.to_string()));
            let qualifier =
                qualifier.filter(|qualifier| factors(&sources).any(|one| goes_by(one, qualifier)));
            is_unqualified |= qualifier.is_none();
            let name = qualifier.unwrap_or_else(|| first.clone());
            if names.iter().all(|known| !known.eq_ignore_ascii_case(&name)) {
                names.push(name);
            }
        }
        let (selection, limit) = (update.selection.as_ref(), update.limit.as_ref());
        for name in names {
            self.change(Class::Change, Verb::Update, &name, &sources, selection, limit);
            if update.or == Some(SqliteOnConflict::Replace)
                && let Some(found) = self.found.last_mut()
            {
                found.verb = Verb::Replace;
            }
        }
        if !is_unqualified || update.from.is_some() {
            return;
        }
        // The column may be any table's: what matters is one of which no row is left out.
        let others = factors(&sources).filter_map(relation);
        let others: Vec<String> = others.map(|(own, alias)| alias.unwrap_or(own)).collect();
        for name in others.into_iter().skip(1) {
            self.change(Class::Change, Verb::Update, &name, &sources, selection, limit);
            self.found.pop_if(|found| found.scope != Scope::All);
        }
    }

    /// Adds a change of the table that goes by a name among the sources.
    fn change(
        &mut self,
        class: Class,
        verb: Verb,
        name: &str,
        sources: &[TableWithJoins],
        selection: Option<&Expr>,
        limit: Option<&Expr>,
    ) {
        let own = factors(sources).find(|factor| goes_by(factor, name)).and_then(relation);
        let table = own.map_or_else(|| name.to_owned(), |(table, _)| table);
        let joined = {
            let queries: &Queries<'_> = &self.queries;
            let names = names(&table, name);
            source::joined(queries, &names, &queries.sources(sources), selection.as_ref())
        };
        let source::Joined { cover, is_only_joined } = joined;
        let scope = match cover {
            cover if cover.may_be_all() => Scope::All,
            // Of a table joined with itself, `a.id < b.id` keeps one of each kind.
            Cover::None => Scope::Filtered,
            _ if is_only_joined => Scope::Unknown,
            _ => Scope::Filtered,
        };
        let most = limit.and_then(number).filter(|limit| *limit < NO_LIMIT);
        let scope = match most {
            Some(1.0) => Scope::One,
            Some(_) => Scope::Filtered,
            None => scope,
        };
        let cover = selection.map(|_| cover).filter(|_| scope == Scope::All);
        let by_order = self.queries.says_order() && cover.is_some();
        self.found.push(Found { class, verb, table, scope, cover, most, by_order });
    }

    fn insert(&mut self, insert: &Insert) {
        let TableObject::TableName(table) = &insert.table else {
            self.is_known = false;
            return;
        };
        let table = object_name(table);
        let (class, verb, scope) = match overwrite::overwritten(&self.queries, insert, &table) {
            Some(scope) => (Class::Change, Verb::Replace, scope),
            None => (Class::Add, Verb::Insert, Scope::One),
        };
        self.found.push(Found::plain(class, verb, table, scope));
    }
}

/// Adds what was found, with a phrase.
fn tell(script: &mut Script, words: &Words<'_>, found: Found) {
    let Found { mut class, verb, table, mut scope, cover, most, by_order } = found;
    let is_schema = script.flavour == Flavour::Sqlite
        && table.rsplit('.').next().is_some_and(|name| is_word(name, SCHEMA_TABLES));
    if is_schema {
        (class, scope) = (Class::Destroy, Scope::All);
    }
    let is_insert = matches!(verb, Verb::Insert | Verb::Replace);
    if is_insert && script.flavour == Flavour::Sqlite && empties_index(words) {
        let phrase = format!("empties the full-text index {table}");
        script.push(Class::Remove, Verb::Delete, Some(table), Scope::All, phrase);
        return;
    }
    let phrase = match verb {
        _ if is_schema => format!("overwrites the schema of the file ({table})"),
        Verb::Insert => format!("inserts into {table}"),
        Verb::Replace if !words.is(0, &["update"]) => {
            let which = if scope == Scope::All { "every row that is" } else { "rows that are" };
            format!("writes into {table}, overwriting {which} there")
        }
        _ => {
            let does = if verb == Verb::Delete { "deletes" } else { "updates" };
            let clause = words.find(&["where"]).map(|at| words.from(at).shown());
            match (scope, clause) {
                (Scope::All, Some(clause)) if let Some(cover) = cover => {
                    format!("{does} {}", cover.told(&table, &clause))
                }
                (Scope::All, _) => format!("{does} every row of {table}"),
                (Scope::Unknown, _) => format!("{does} every row of {table} that has a match"),
                (_, Some(clause)) => format!("{does} rows of {table} {clause}"),
                (_, None) => format!("{does} rows of {table}"),
            }
        }
    };
    let most = most.map_or_else(String::new, |most| format!(", at most {most}"));
    let order = if by_order { "; every number is less than any text" } else { "" };
    script.push(class, verb, Some(table), scope, phrase + &most + order);
}

/// `DELETE FROM t WHERE id = 1` and the like, which needs no parser either.
fn plain_change(words: &Words<'_>) -> Option<Found> {
    let shape = shape(words.text, words.tokens)?;
    shape.condition?;
    let class = if shape.verb == Verb::Delete { Class::Remove } else { Class::Change };
    let (table, _) = words.name(shape.table.start);
    let scope = Scope::Filtered;
    Some(Found::plain(class, shape.verb, table?, scope))
}

/// `INSERT INTO t (a) VALUES (1), (2)`, which needs no parser.
fn is_plain_insert(words: &Words<'_>) -> bool {
    if !words.is(0, &["insert", "replace"]) {
        return false;
    }
    let Some(values) = words.find(&["values", "value"]) else {
        return false;
    };
    let is_headed = words.find(&["into"]).is_some_and(|into| into < values);
    let mut at = values + 1;
    loop {
        if !words.is_open(at) {
            return false;
        }
        at = words.after_bracket(at);
        if words.tokens.get(at).is_none_or(|token| token.kind != Kind::Comma) {
            break;
        }
        at += 1;
    }
    let is_whole = words.tokens.get(at - 1).is_some_and(|token| token.kind == Kind::Close);
    is_headed && is_whole && at == words.len()
}

fn insert_by_words(script: &mut Script, words: &Words<'_>) {
    let into = words.find(&["into"]).unwrap_or(0);
    let (table, after) = words.name(into + 1);
    // Behind a SELECT the parser knows neither.
    let updates = (after..words.len()).any(|at| {
        words.are(at, &["on", "duplicate", "key", "update"]) || words.are(at, &["do", "update"])
    });
    let overwrites = words.is(0, &["replace"]) || words.are(1, &["or", "replace"]) || updates;
    let (class, verb, scope) = match overwrites {
        true => (Class::Change, Verb::Replace, Scope::Filtered),
        false => (Class::Add, Verb::Insert, Scope::One),
    };
    tell(script, words, Found::plain(class, verb, table.unwrap_or_else(|| "?".to_owned()), scope));
}

/// Whether an INSERT is an order to a full-text table, which has a column of its own name for them:
/// `INSERT INTO notes(notes) VALUES ('delete-all')`.
fn empties_index(words: &Words<'_>) -> bool {
    let Some(into) = words.find(&["into"]) else { return false };
    let (table, open) = words.name(into + 1);
    let own = |column: &String| {
        let table = table.as_deref().unwrap_or_default().rsplit('.').next();
        table.is_some_and(|table| table.eq_ignore_ascii_case(column))
    };
    words.is_open(open)
        && words.name(open + 1).0.as_ref().is_some_and(own)
        && (open..words.len()).any(|at| {
            let piece = words.piece(at).to_ascii_lowercase();
            // In letters, or as a blob of them.
            matches!(
                piece.trim_start_matches('x').trim_matches(['\'', '"']),
                "delete-all" | "64656c6574652d616c6c"
            )
        })
}

/// Returns the tables among the sources.
fn factors(sources: &[TableWithJoins]) -> impl Iterator<Item = &TableFactor> {
    sources.iter().flat_map(|source| {
        std::iter::once(&source.relation).chain(source.joins.iter().map(|join| &join.relation))
    })
}

/// Returns whether a table goes by a name in its statement.
fn goes_by(factor: &TableFactor, name: &str) -> bool {
    relation(factor).is_some_and(|(own, alias)| {
        let last = own.rsplit('.').next().unwrap_or(&own).to_owned();
        own.eq_ignore_ascii_case(name) && alias.is_none()
            || alias.unwrap_or(last).eq_ignore_ascii_case(name)
    })
}

/// Returns what names stand for that the columns of a table are qualified with.
pub(super) fn names(table: &str, name: &str) -> Names {
    let last = name.rsplit('.').next().unwrap_or(name);
    Names::new(&table.to_lowercase(), &last.to_lowercase())
}

/// Returns a table's name and alias.
pub(super) fn relation(factor: &TableFactor) -> Option<(String, Option<String>)> {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let alias = alias.as_ref().map(|alias| bare(&alias.name.to_string()));
            Some((object_name(name), alias))
        }
        _ => None,
    }
}

pub(super) fn object_name(name: &ObjectName) -> String {
    let parts: Vec<String> = name.0.iter().map(|part| bare(&part.to_string())).collect();
    parts.join(".")
}

/// Tells whether a LIMIT leaves rows out.
pub(super) fn is_limit(expr: &Expr) -> bool {
    number(expr).is_some_and(|limit| limit < NO_LIMIT)
}

pub(super) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
