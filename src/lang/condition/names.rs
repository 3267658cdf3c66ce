//! What names in a condition stand for, as seen from one row of a table.

use std::cell::Cell;
use std::rc::Rc;

use super::Condition;

/// How many queries are looked into for one statement.
const MOST_QUERIES: usize = 200;

/// The columns that a query gives, each with what it is of the row of the table it stands for.
pub(in crate::lang) type Columns = Vec<(String, Condition)>;

/// A source of rows in which every row of the table is found, or the table itself.
#[derive(Debug, Clone)]
pub(in crate::lang) struct Alias {
    /// What its columns are qualified with.
    pub(in crate::lang) name: String,
    /// Its columns, where they are not the table's own by their own names.
    pub(in crate::lang) columns: Option<Columns>,
}

impl Alias {
    /// The table itself.
    pub(in crate::lang) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), columns: None }
    }

    /// Returns what a column of it is, if it stands for the row at hand.
    fn column(&self, name: &str) -> Condition {
        let Some(columns) = &self.columns else { return Condition::Column(name.to_owned()) };
        let found = columns.iter().find(|(known, _)| known == name);
        let unknown = || Condition::unknown(format!("{}.{name}", self.name));
        found.map_or_else(unknown, |(_, column)| column.clone())
    }

    /// Returns what a column of it is, if it stands for any other row.
    fn column_of_another(&self, name: &str) -> Option<Condition> {
        match self.column(name) {
            Condition::Column(column) => Some(Condition::Another(self.name.clone(), column)),
            _ => None,
        }
    }
}

/// What a column without a qualifier is.
#[derive(Debug, Clone)]
pub(super) enum Bare {
    /// The table's own.
    Own,
    /// This source's, which stands for the row at hand.
    Of(Alias),
    /// This source's, which stands for any other row.
    Another(Alias),
}

/// What names stand for.
#[derive(Debug, Clone)]
pub(in crate::lang) struct Names {
    /// The table.
    pub(in crate::lang) table: String,
    /// What stands for the row at hand.
    pub(super) own: Vec<Alias>,
    /// What stands for any other row of the table.
    pub(super) another: Vec<Alias>,
    /// What stands for a row that is not there: all its columns are null.
    pub(super) nulls: Vec<String>,
    /// Other sources that are no tables, and their columns as far as they are known.
    pub(super) others: Vec<(String, Vec<String>)>,
    pub(super) bare: Bare,
    /// Variables of the code around, with their values where these are known: each is the same for
    /// every row.
    variables: Rc<[(String, Option<Condition>)]>,
    queries: Rc<Cell<usize>>,
}

impl Names {
    /// The table of this name, whose columns are qualified with another.
    pub(in crate::lang) fn new(table: &str, name: &str) -> Self {
        Self {
            table: table.to_owned(),
            own: vec![Alias::of(name)],
            another: Vec::new(),
            nulls: Vec::new(),
            others: Vec::new(),
            bare: Bare::Own,
            variables: Rc::new([]),
            queries: Rc::new(Cell::new(MOST_QUERIES)),
        }
    }

    /// No table: every column is another's.
    pub(in crate::lang) fn of_nothing() -> Self {
        Self::new("", "")
    }

    /// The same within code that has variables.
    pub(in crate::lang) fn within(self, variables: Vec<(String, Option<Condition>)>) -> Self {
        Self { variables: variables.into(), ..self }
    }

    /// No table, in the same statement.
    pub(super) fn nothing(&self) -> Self {
        Self { queries: Rc::clone(&self.queries), ..Self::of_nothing() }
    }

    /// The same in a query on sources, whose names hide those around it.
    pub(super) fn behind(&self, sources: &[&str]) -> Self {
        let mut names = self.clone();
        names.own.retain(|alias| !sources.contains(&&*alias.name));
        names.another.retain(|alias| !sources.contains(&&*alias.name));
        names.nulls.retain(|name| !sources.contains(&&**name));
        names
    }

    /// Tells whether one more query may be looked into.
    pub(super) fn takes_query(&self) -> bool {
        let left = self.queries.get();
        self.queries.set(left.saturating_sub(1));
        left > 0
    }

    /// Returns whether a qualifier is one of the row at hand.
    pub(in crate::lang) fn is_own(&self, qualifier: &str) -> bool {
        self.own.iter().any(|alias| alias.name == qualifier)
    }

    /// Returns whether a column without a qualifier is none of the table's.
    pub(in crate::lang) fn is_elsewhere(&self, column: &str) -> bool {
        let is_its = |(name, columns): &(String, Vec<String>)| {
            name == column || columns.iter().any(|known| known == column)
        };
        self.others.iter().any(is_its) || self.variable(column).is_some()
    }

    fn variable(&self, name: &str) -> Option<&Option<Condition>> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns what a column is; none where it is of another source.
    pub(in crate::lang) fn column(
        &self,
        qualifier: Option<&str>,
        column: &str,
    ) -> Option<Condition> {
        let Some(qualifier) = qualifier else { return self.bare_column(column) };
        if let Some(alias) = self.own.iter().find(|alias| alias.name == qualifier) {
            return Some(alias.column(column));
        }
        if let Some(alias) = self.another.iter().find(|alias| alias.name == qualifier) {
            return alias.column_of_another(column);
        }
        self.nulls.iter().any(|name| name == qualifier).then_some(Condition::Known(None))
    }

    fn bare_column(&self, column: &str) -> Option<Condition> {
        if let Some(value) = self.variable(column) {
            return value.clone();
        }
        if self.is_elsewhere(column) {
            return None;
        }
        match &self.bare {
            Bare::Own => Some(Condition::Column(column.to_owned())),
            Bare::Of(alias) => Some(alias.column(column)),
            Bare::Another(alias) => alias.column_of_another(column),
        }
    }
}
