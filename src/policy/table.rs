//! The default policy of the contract, cell by cell.

use std::time::Duration;

use super::{Challenge, Decision};
use crate::lang::{Class, Scope};
use crate::target::Tier;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// Read and session.
    Quiet,
    /// Adds.
    Add,
    /// Keeps others waiting.
    Heavy,
    /// Changes or removes what a condition selects.
    Bounded,
    /// Changes or removes everything, or nobody knows what.
    Unbounded,
    /// Cannot be had back.
    Destroy,
    /// Many changes or removals in a row.
    Bulk,
    /// Cannot be read.
    Opaque,
    /// Leaves nightlatch's sight.
    Escape,
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Development.
    Development,
    /// Staging and unknown.
    Middle,
    /// Production.
    Production,
    /// Production, in late hours or a freeze.
    ProductionLate,
}

impl Row {
    /// Returns the row of an effect that is not part of a bulk.
    #[must_use]
    pub fn of(class: Class, scope: Scope) -> Self {
        match class {
            Class::Read | Class::Session => Self::Quiet,
            Class::Add => Self::Add,
            Class::Heavy => Self::Heavy,
            Class::Change | Class::Remove => match scope {
                Scope::One | Scope::Filtered => Self::Bounded,
                Scope::Unknown | Scope::All => Self::Unbounded,
            },
            Class::Escape => Self::Escape,
            Class::Opaque => Self::Opaque,
            Class::Destroy => Self::Destroy,
        }
    }

    /// Tells whether something may be lost: where nightlatch itself has failed these are judged
    /// as on production.
    #[must_use]
    pub fn is_destructive(self) -> bool {
        match self {
            Self::Bounded | Self::Unbounded | Self::Destroy | Self::Bulk | Self::Opaque => true,
            Self::Quiet | Self::Add | Self::Heavy | Self::Escape => false,
        }
    }

    /// Tells whether an idle production session is asked first.
    #[must_use]
    pub fn is_write(self) -> bool {
        match self {
            Self::Quiet | Self::Escape => false,
            Self::Add
            | Self::Heavy
            | Self::Bounded
            | Self::Unbounded
            | Self::Destroy
            | Self::Bulk
            | Self::Opaque => true,
        }
    }
}

impl Column {
    /// Returns the column of a tier at an hour: late, it is the next stricter one. Tiers that have
    /// no late hours are never late.
    #[must_use]
    pub fn of(tier: Tier, is_late: bool) -> Self {
        match (tier, is_late) {
            (Tier::Development, false) => Self::Development,
            (Tier::Development, true) | (Tier::Staging | Tier::Unknown, false) => Self::Middle,
            (Tier::Staging | Tier::Unknown, true) | (Tier::Production, false) => Self::Production,
            (Tier::Production, true) => Self::ProductionLate,
        }
    }
}

/// Returns a cell; `late_wait` is the wait of the last column.
#[must_use]
pub fn cell(row: Row, column: Column, late_wait: Duration) -> Decision {
    let yes = Decision::Hold(Challenge::Yes);
    let name = Decision::Hold(Challenge::TypeTarget { reason: false, wait: Duration::ZERO });
    let late = Decision::Hold(Challenge::TypeTarget { reason: true, wait: late_wait });
    let (middle, production, production_late) = match row {
        Row::Quiet => (Decision::Allow, Decision::Allow, Decision::Allow),
        Row::Add => (Decision::Allow, Decision::Allow, Decision::Notice),
        Row::Heavy => (Decision::Allow, Decision::Notice, Decision::Notice),
        Row::Bounded => (Decision::Allow, Decision::Notice, yes),
        Row::Unbounded | Row::Destroy | Row::Bulk => (yes, name, late),
        Row::Opaque => (Decision::Notice, yes, name),
        Row::Escape => (Decision::Notice, Decision::Notice, yes),
    };
    match column {
        Column::Development => Decision::Allow,
        Column::Middle => middle,
        Column::Production => production,
        Column::ProductionLate => production_late,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [Row; 9] = [
        Row::Quiet,
        Row::Add,
        Row::Heavy,
        Row::Bounded,
        Row::Unbounded,
        Row::Destroy,
        Row::Bulk,
        Row::Opaque,
        Row::Escape,
    ];

    #[test]
    fn more_at_stake_is_never_judged_milder() {
        let wait = Duration::from_secs(10);
        for row in ROWS {
            let line =
                [Column::Development, Column::Middle, Column::Production, Column::ProductionLate]
                    .map(|column| cell(row, column, wait));
            assert!(line.is_sorted(), "{row:?}: {line:?}");
        }
    }

    #[test]
    fn what_is_destructive_writes() {
        for row in ROWS {
            assert!(row.is_write() || !row.is_destructive(), "{row:?}");
        }
    }
}
