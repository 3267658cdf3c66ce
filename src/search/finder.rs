//! The search itself: the newest statements that match, each one once, in portions.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::time::Duration;

use crate::clock::Clock;
use crate::store::{Filter, Memory, Statement, Store, StoreError};

/// As many are found at most; who wants more types more.
const MOST: usize = 2_000;

/// As much text is kept at most.
const MOST_BYTES: usize = 64 << 20;

/// The first portion: a large screen full.
const FIRST: usize = 64;

/// A portion is handed over when it is this old, however small it is.
const PATIENCE: Duration = Duration::from_millis(8);

/// How a search went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// All there is.
    All,
    /// There may be more than was looked for.
    Enough,
    /// It was stopped.
    Stopped,
}

/// Searches; hands over what it finds in portions, newest first. Of equal statements on the same
/// target only the newest counts.
///
/// `memory` makes it faster, if there is one yet. `is_wanted` is asked often; where it says no the
/// search stops.
///
/// # Errors
///
/// If the index fails.
pub fn find(
    (store, memory): (&Store, Option<&Memory>),
    filter: &Filter,
    clock: &Clock,
    is_wanted: &dyn Fn() -> bool,
    portion: &mut dyn FnMut(Vec<Statement>),
) -> Result<Found, StoreError> {
    let hasher = RandomState::new();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut how = Found::All;
    let mut wanted = FIRST;
    let mut due = clock.elapsed() + PATIENCE;
    let mut visitor = |statement: Statement| {
        if !is_wanted() {
            how = Found::Stopped;
            return ControlFlow::Break(());
        }
        if seen.insert(hasher.hash_one((&statement.text, &statement.target))) {
            bytes += statement.text.len();
            found.push(statement);
        }
        if found.len() >= wanted || (!found.is_empty() && clock.elapsed() >= due) {
            portion(std::mem::take(&mut found));
            wanted = MOST;
            due = clock.elapsed() + PATIENCE;
        }
        if seen.len() >= MOST || bytes >= MOST_BYTES {
            how = Found::Enough;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let result = match memory {
        Some(memory) => store.visit_with(memory, filter, &mut visitor),
        None => store.visit(filter, &mut visitor),
    };
    match result {
        Err(error) if error.is_interrupt() => return Ok(Found::Stopped),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    if how != Found::Stopped && !found.is_empty() {
        portion(found);
    }
    Ok(how)
}
