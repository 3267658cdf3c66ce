//! Statements about rows: INSERT, UPDATE, DELETE, MERGE, TRUNCATE and COPY.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::expression::condition;
use super::reader::Reader;
use super::subquery::{QUERIES, Queries, sources};
use super::tree::{above, all_tokens, child, find, has_token, ident, name, segments, shown};
use super::variable::variables;
use crate::lang::condition::Cover;
use crate::lang::condition::names::Names;
use crate::lang::condition::source::{self, Tree};
use crate::lang::{Class, Rows, Scope, Verb};

/// Nodes around a statement under which counting its rows beforehand could mean something else.
const NOT_PLAIN: &[SyntaxKind] = &[
    SyntaxKind::WITH_TABLE,
    SyntaxKind::PREPARE,
    SyntaxKind::PLPGSQL,
    SyntaxKind::COPY,
    SyntaxKind::CREATE_TABLE_AS,
];

impl Reader<'_> {
    /// DELETE and UPDATE.
    pub(super) fn delete_or_update(&mut self, node: &SyntaxNode) {
        let is_delete = node.kind() == SyntaxKind::DELETE;
        let Some(subject) = self.subject(node) else {
            return;
        };
        let (scope, clause) = self.scope(node, &subject);
        let looped = self.is_looped(node);
        let scope = if looped && scope != Scope::All { Scope::Unknown } else { scope };
        let (class, verb) = match is_delete {
            true => (Class::Remove, Verb::Delete),
            false => (Class::Change, Verb::Update),
        };
        let table = &subject.table;
        let does = if is_delete { "deletes" } else { "updates" };
        let is_catalogue = is_catalogue(table);
        let class = if is_catalogue { Class::Destroy } else { class };
        let mut phrase = match (scope, clause) {
            _ if is_catalogue => format!("{does} rows of {table}, the server's own catalogue"),
            (Scope::All, Some((clause, cover))) => {
                format!("{does} {}", cover.told(table, &format!("where {clause}")))
            }
            (Scope::All, None) => format!("{does} every row of {table}"),
            (_, Some((clause, _))) => format!("{does} rows of {table} where {clause}"),
            (_, None) => format!("{does} rows of {table} at the cursor"),
        };
        if looped {
            phrase.push_str(", in a loop");
        }
        let rows = self.plain_rows(node);
        self.push(class, verb, Some(subject.table), scope, node, phrase);
        self.set_rows(rows);
    }

    /// The table a statement changes, with the name its columns go by.
    fn subject(&self, node: &SyntaxNode) -> Option<Names> {
        const TARGETS: &[SyntaxKind] = &[
            SyntaxKind::RELATION_NAME,
            SyntaxKind::TABLE_RELATION_NAME,
            SyntaxKind::RELATION_NAME_REF,
        ];
        const ALIASES: &[SyntaxKind] = &[
            SyntaxKind::OPTIONAL_AS_ALIAS,
            SyntaxKind::REQUIRED_AS_ALIAS,
            SyntaxKind::TABLE_ALIAS,
        ];
        let target = child(node, TARGETS)?;
        let alias = child(node, ALIASES)
            .and_then(|alias| find(&alias, &[SyntaxKind::TABLE_ALIAS]).map(|alias| ident(&alias)));
        let qualifier = alias.or_else(|| segments(&target).pop())?;
        Some(Names::new(&name(&target), &qualifier).within(variables(node)))
    }

    /// Returns how many rows are meant, and by what condition.
    fn scope(&self, node: &SyntaxNode, names: &Names) -> (Scope, Option<(String, Cover)>) {
        if child(node, &[SyntaxKind::WHERE_CURRENT_OF]).is_some() {
            return (Scope::One, None);
        }
        let Some(expr) = condition(node) else {
            return (Scope::All, None);
        };
        let cover = joined(names, node, Some(&expr));
        let scope = if cover.may_be_all() { Scope::All } else { Scope::Filtered };
        (scope, Some((shown(&expr), cover)))
    }

    fn plain_rows(&self, node: &SyntaxNode) -> Option<Rows> {
        const MORE: &[SyntaxKind] = &[
            SyntaxKind::USING_CLAUSE,
            SyntaxKind::FROM_CLAUSE,
            SyntaxKind::WITH_CLAUSE,
            SyntaxKind::WHERE_CURRENT_OF,
            SyntaxKind::FOR_PORTION_OF,
        ];
        if !self.is_exact() || child(node, MORE).is_some() || above(node, NOT_PLAIN).is_some() {
            return None;
        }
        let expr = condition(node);
        let takes_parameters = expr.as_ref().is_some_and(|expr| {
            all_tokens(expr).any(|token| token.kind() == SyntaxKind::POSITIONAL_PARAM)
        });
        if takes_parameters {
            return None;
        }
        let table = child(node, &[SyntaxKind::RELATION_NAME])?;
        let alias = child(node, &[SyntaxKind::OPTIONAL_AS_ALIAS, SyntaxKind::REQUIRED_AS_ALIAS]);
        let start = self.span(&table).start;
        let end = self.span(alias.as_ref().unwrap_or(&table)).end;
        Some(Rows { source: start..end, condition: expr.map(|expr| self.span(&expr)) })
    }

    /// INSERT: an addition, unless ON CONFLICT overwrites.
    pub(super) fn insert(&mut self, node: &SyntaxNode) {
        let Some(table) = child(node, &[SyntaxKind::RELATION_NAME_REF, SyntaxKind::RELATION_NAME])
        else {
            return;
        };
        let table = name(&table);
        let overwrites = child(node, &[SyntaxKind::ON_CONFLICT_CLAUSE])
            .is_some_and(|clause| child(&clause, &[SyntaxKind::CONFLICT_DO_UPDATE_SET]).is_some());
        if !overwrites {
            let (class, phrase) = match is_catalogue(&table) {
                true => {
                    (Class::Destroy, format!("inserts into {table}, the server's own catalogue"))
                }
                false => (Class::Add, format!("inserts into {table}")),
            };
            self.push(class, Verb::Insert, Some(table), Scope::One, node, phrase);
            return;
        }
        let rows = child(node, &[SyntaxKind::VALUES]).map(|values| {
            values.descendants().filter(|row| row.kind() == SyntaxKind::ROW).take(2).count()
        });
        let source = child(node, QUERIES);
        let itself = source.is_some_and(|query| {
            source::whole(&Queries, &Names::new(&table, ""), &query).is_some()
        });
        let scope = match rows {
            _ if itself => Scope::All,
            Some(1) => Scope::One,
            Some(_) | None => Scope::Filtered,
        };
        let scope = if self.is_looped(node) { Scope::Unknown } else { scope };
        let phrase = match scope {
            Scope::All => format!("inserts into {table}, overwriting every row"),
            _ => format!("inserts into {table}, overwriting rows that are there"),
        };
        self.push(Class::Change, Verb::Replace, Some(table), scope, node, phrase);
    }

    /// MERGE: one effect for each action.
    pub(super) fn merge(&mut self, node: &SyntaxNode) {
        let Some(subject) = self.subject(node) else {
            return;
        };
        let table = subject.table.clone();
        let on = child(node, &[SyntaxKind::USING_ON_CLAUSE])
            .and_then(|using| child(&using, &[SyntaxKind::ON_CLAUSE])?.children().next());
        let joined = on.map_or(Cover::Either, |on| joined(&subject, node, Some(&on)));
        for action in node.children() {
            let chosen = child(&action, &[SyntaxKind::MERGE_CONDITION])
                .and_then(|condition| condition.children().next())
                .map_or(Cover::All, |condition| {
                    Queries.read(&condition, &subject).cover(Queries::TRUTH)
                });
            let is_open = chosen == Cover::All;
            let (scope, rows) = match action.kind() {
                SyntaxKind::MERGE_WHEN_MATCHED => {
                    let all = joined.may_be_all() && is_open;
                    let scope = if all { Scope::All } else { Scope::Filtered };
                    (scope, "that match the source")
                }
                SyntaxKind::MERGE_WHEN_NOT_MATCHED_SOURCE => {
                    let scope = if is_open { Scope::Unknown } else { Scope::Filtered };
                    (scope, "the source does not have")
                }
                SyntaxKind::MERGE_WHEN_NOT_MATCHED_TARGET => (Scope::One, ""),
                _ => continue,
            };
            for deed in action.children() {
                let (class, verb, does) = match deed.kind() {
                    SyntaxKind::MERGE_DELETE => (Class::Remove, Verb::Delete, "deletes"),
                    SyntaxKind::MERGE_UPDATE => (Class::Change, Verb::Replace, "updates"),
                    SyntaxKind::MERGE_INSERT => (Class::Add, Verb::Insert, "inserts"),
                    _ => continue,
                };
                // An unconditional DELETE of whatever the source matches may reach every row.
                let is_open = is_open && class == Class::Remove && scope == Scope::Filtered;
                let scope = if self.is_looped(node) || is_open { Scope::Unknown } else { scope };
                let phrase = match class {
                    Class::Add => format!("inserts into {table}"),
                    _ => format!("{does} rows of {table} {rows}"),
                };
                self.push(class, verb, Some(table.clone()), scope, &deed, phrase);
            }
        }
    }

    /// TRUNCATE: one effect for each table.
    pub(super) fn truncate(&mut self, node: &SyntaxNode) {
        let cascades = child(node, &[SyntaxKind::CASCADE]).is_some();
        let Some(list) = child(node, &[SyntaxKind::TABLE_LIST]) else {
            return;
        };
        for table in list.children() {
            let name = name(&table);
            let more = if cascades { " and every table that refers to it" } else { "" };
            let phrase = format!("truncates {name}{more}");
            self.push(Class::Destroy, Verb::Truncate, Some(name), Scope::All, &table, phrase);
        }
    }

    /// COPY: FROM adds, TO reads, PROGRAM leaves sight, and a query counts as itself.
    pub(super) fn copy(&mut self, node: &SyntaxNode) {
        if let Some(query) = child(node, &[SyntaxKind::COPY_QUERY]) {
            self.query(&query);
        }
        let table = child(node, &[SyntaxKind::COPY_TABLE]).map(|table| name(&table));
        if child(node, &[SyntaxKind::COPY_FROM]).is_some() {
            let phrase = match &table {
                Some(table) => format!("copies rows into {table}"),
                None => "copies rows".to_owned(),
            };
            self.push(Class::Add, Verb::Insert, table, Scope::One, node, phrase);
        }
        // The crate has the same node for a plain file name.
        let Some(file) = find(node, &[SyntaxKind::COPY_PROGRAM]) else { return };
        let does = match child(node, &[SyntaxKind::COPY_TO]) {
            _ if has_token(&file, SyntaxKind::PROGRAM_KW) => "runs a program on the server",
            Some(_) => "writes a file on the server",
            None => return,
        };
        let phrase = format!("{does}: {}", shown(&file));
        self.push(Class::Escape, Verb::Shell, None, Scope::Unknown, &file, phrase);
    }

    /// LOCK, VACUUM FULL, REINDEX, CLUSTER, REFRESH: others wait.
    pub(super) fn maintain(&mut self, node: &SyntaxNode) {
        if child(node, &[SyntaxKind::WITH_NO_DATA]).is_some() {
            let view = child(node, &[SyntaxKind::RELATION_NAME_REF, SyntaxKind::VIEW_REF]);
            let view = view.map(|view| name(&view));
            let phrase = format!("empties materialized view {}", view.as_deref().unwrap_or("?"));
            self.push(Class::Destroy, Verb::Truncate, view, Scope::All, node, phrase);
            return;
        }
        let (verb, does) = match node.kind() {
            SyntaxKind::LOCK => (Verb::Lock, "locks"),
            SyntaxKind::VACUUM => {
                if !is_full(node) {
                    return;
                }
                (Verb::Rewrite, "rewrites")
            }
            SyntaxKind::REINDEX => (Verb::Rewrite, "reindexes"),
            SyntaxKind::REFRESH => (Verb::Rewrite, "refreshes"),
            _ => (Verb::Rewrite, "rewrites"),
        };
        const NAMES: &[SyntaxKind] = &[
            SyntaxKind::DATABASE_REF,
            SyntaxKind::INDEX_REF,
            SyntaxKind::RELATION_NAME_REF,
            SyntaxKind::SCHEMA_REF,
            SyntaxKind::TABLE_NAME_REF,
            SyntaxKind::VIEW_REF,
        ];
        const SKIPPED: &[SyntaxKind] = &[SyntaxKind::CLUSTER_USING_INDEX, SyntaxKind::USING_INDEX];
        let names: Vec<SyntaxNode> = node
            .descendants()
            .filter(|named| NAMES.contains(&named.kind()) && above(named, SKIPPED).is_none())
            .collect();
        for named in &names {
            let object = name(named);
            let phrase = format!("{does} {object}; others wait");
            self.push(Class::Heavy, verb, Some(object), Scope::One, named, phrase);
        }
        if names.is_empty() {
            let phrase = format!("{does} everything in the database; others wait");
            self.push(Class::Heavy, verb, None, Scope::All, node, phrase);
        }
    }
}

/// Returns how much of a table a condition covers that may name what stands behind USING or FROM.
fn joined(names: &Names, statement: &SyntaxNode, condition: Option<&SyntaxNode>) -> Cover {
    const SOURCES: &[SyntaxKind] =
        &[SyntaxKind::FROM_CLAUSE, SyntaxKind::USING_CLAUSE, SyntaxKind::USING_ON_CLAUSE];
    let sources = child(statement, SOURCES).map(|clause| sources(&clause)).unwrap_or_default();
    source::joined(&Queries, names, &sources, condition).cover
}

/// Returns whether a table is one of the server's own, whose rows are tables, columns and rights. Of
/// those that are written by hand as a matter of course, the rows are settings.
pub(super) fn is_catalogue(table: &str) -> bool {
    const SETTINGS: &[&str] = &["pg_database", "pg_settings", "pg_largeobject"];
    let name = table.strip_prefix("pg_catalog.").unwrap_or(table);
    name.starts_with("pg_") && !name.contains('.') && !SETTINGS.contains(&name)
}

/// `VACUUM FULL` in either spelling, unless it says `FULL false`.
fn is_full(node: &SyntaxNode) -> bool {
    has_token(node, SyntaxKind::FULL_KW)
        || node.descendants().filter(|option| option.kind() == SyntaxKind::VACUUM_OPTION).any(
            |option| {
                let mut words = all_tokens(&option).map(|token| token.text().to_ascii_lowercase());
                words.next().as_deref() == Some("full") && !super::reader::is_off(words.next())
            },
        )
}
