//! What an INSERT overwrites, by where its rows come from.

use sqlparser::ast::{Insert, OnConflictAction, OnInsert, SqliteOnConflict};

use super::query::names;
use super::tree::{Part, Queries};
use crate::lang::Scope;
use crate::lang::condition::source::{self, Tree};

/// Returns which rows of its table an INSERT overwrites; none where it only adds.
///
/// Those that its own rows meet: of another table's, whoever loaded that has chosen them.
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
        Some(_) | None if replaces => None,
        Some(_) | None => return None,
    };
    let own = names(table, table);
    let covers = |chosen| queries.read(&chosen, &own).cover(Queries::TRUTH);
    let may_be_all = chosen.is_none_or(|chosen| covers(chosen).may_be_all());
    let source = insert.source.as_deref().map(Part::Query);
    let nothing = names(table, "");
    let itself = source.is_some_and(|query| source::whole(queries, &nothing, &query).is_some());
    Some(if may_be_all && itself { Scope::All } else { Scope::Filtered })
}
