//! What an INSERT overwrites, by where its rows come from.

use sqlparser::ast::{Insert, OnConflictAction, OnInsert, SqliteOnConflict};

use super::lower::Subject;
use crate::lang::Scope;
use crate::lang::condition::Truth;

/// Returns which rows of its table an INSERT overwrites; none where it only adds.
///
/// Those that its own rows meet: of another table's, whoever loaded that has chosen them.
pub(super) fn overwritten(insert: &Insert, table: &str) -> Option<Scope> {
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
    let subject = Subject::new(table, table);
    let may_be_all =
        chosen.is_none_or(|chosen| subject.read(chosen).cover(Truth::Numeric).may_be_all());
    let itself = insert.source.as_deref().is_some_and(|query| subject.is_source(query));
    Some(if may_be_all && itself { Scope::All } else { Scope::Filtered })
}
