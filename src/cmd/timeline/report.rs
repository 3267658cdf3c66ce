//! What is said of a named statement, whatever it is written as.

use super::gather::{Row, Told};
use super::time::{local, precise};
use super::{Named, Timeline};
use crate::ui::table::View;

/// A named statement, and the last safe moment before it.
pub(super) struct Report<'a> {
    pub(super) row: &'a Row,
    pub(super) told: &'a Told,
    /// When it was, for a person.
    pub(super) at: String,
    /// What the safe moment is.
    pub(super) why: String,
    /// The safe moment, as PostgreSQL takes it.
    pub(super) utc: String,
    /// The same for a person.
    pub(super) local: String,
    /// What tools take, each with what it is for.
    pub(super) values: Vec<(String, String)>,
}

impl Timeline {
    /// Reports on named statements.
    pub(super) fn reports<'a>(
        &'a self,
        named: impl IntoIterator<Item = &'a Named>,
        view: &View<'_>,
    ) -> impl Iterator<Item = Report<'a>> {
        named.into_iter().filter_map(|Named { row, safe }| {
            let row = &self.rows[*row];
            let told = row.told()?;
            Some(Report {
                row,
                told,
                at: precise(row.at.wall, view),
                why: safe.why(),
                utc: safe.recovery_target_time(),
                local: local(safe.moment, view),
                values: safe.values(told.removes_files),
            })
        })
    }
}
