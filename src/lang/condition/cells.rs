//! Conditions on one value, decided for every value it may have: those it is compared with, and what
//! lies below, between and above them.

use std::cmp::Ordering;

use super::{Condition, Op, key};

/// Most literals that one value is compared with: each condition is looked at for each.
const MOST: usize = 200;

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
enum Bound {
    Number(f64),
    Text(String),
}

impl Bound {
    fn of(side: &Condition) -> Option<Self> {
        match side {
            Condition::Number(number) => Some(Self::Number(*number)),
            Condition::Text(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    /// Compares two of a kind.
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.partial_cmp(other),
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

/// Returns the value, as a key, that a condition is about and about nothing else.
pub(super) fn subject(condition: &Condition) -> Option<String> {
    let mut about = About::default();
    about.take(condition)?;
    about.value
}

/// Returns what conditions on one value say together, if it is the same for every value: any of them,
/// or all. Nulls are left aside.
pub(super) fn decide(conditions: &[&Condition], is_any: bool) -> Option<bool> {
    let mut about = About::default();
    conditions.iter().try_for_each(|condition| about.take(condition))?;
    let mut bounds = about.bounds;
    bounds.sort_by(|one, other| one.order(other).unwrap_or(Ordering::Equal));
    bounds.dedup();
    let is_one_kind = bounds.windows(2).all(|pair| pair[0].order(&pair[1]).is_some());
    if !is_one_kind || bounds.is_empty() {
        return None;
    }
    let cells = Cells { bounds };
    let rows: Vec<Vec<bool>> =
        conditions.iter().map(|condition| cells.row(condition)).collect::<Option<_>>()?;
    let whole = cells.joined(rows, is_any);
    match whole.first() {
        Some(first) if whole.iter().all(|cell| cell == first) => Some(*first),
        _ => None,
    }
}

/// What conditions are about.
#[derive(Default)]
struct About {
    value: Option<String>,
    bounds: Vec<Bound>,
}

impl About {
    /// Takes a condition; none if it is about something else too.
    fn take(&mut self, condition: &Condition) -> Option<()> {
        match condition {
            Condition::Not(inner) | Condition::Is(inner, _) => self.take(inner),
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().try_for_each(|part| self.take(part))
            }
            Condition::In(value, list) => {
                self.is_about(value)?;
                list.iter().try_for_each(|item| self.bound(item))
            }
            Condition::Compare(..) => {
                let (value, _, bound) = sides(condition)?;
                self.is_about(value)?;
                self.bound(bound)
            }
            _ => None,
        }
    }

    fn is_about(&mut self, value: &Condition) -> Option<()> {
        let value = value.simple();
        let key = key(value);
        let is_same = self.value.get_or_insert_with(|| key.clone()) == &key;
        (is_same && !value.is_volatile()).then_some(())
    }

    fn bound(&mut self, side: &Condition) -> Option<()> {
        self.bounds.push(Bound::of(side)?);
        (self.bounds.len() <= MOST).then_some(())
    }
}

/// Returns value, operator and literal of a comparison.
fn sides(condition: &Condition) -> Option<(&Condition, Op, &Condition)> {
    let Condition::Compare(left, op, right) = condition else { return None };
    match (Bound::of(left).is_some(), Bound::of(right).is_some()) {
        (false, true) => Some((left, *op, right)),
        (true, false) => Some((right, op.turned(), left)),
        _ => None,
    }
}

/// The literals in order; each is a cell, and so is what lies before, between and behind them.
struct Cells {
    bounds: Vec<Bound>,
}

impl Cells {
    /// Says of each cell whether a condition holds there.
    fn row(&self, condition: &Condition) -> Option<Vec<bool>> {
        let all = 2 * self.bounds.len() + 1;
        let opposite = |row: Vec<bool>| row.into_iter().map(|cell| !cell).collect();
        Some(match condition {
            Condition::Is(inner, true) => self.row(inner)?,
            Condition::Not(inner) | Condition::Is(inner, false) => opposite(self.row(inner)?),
            Condition::And(parts) | Condition::Or(parts) => {
                let rows = parts.iter().map(|part| self.row(part)).collect::<Option<_>>()?;
                self.joined(rows, matches!(condition, Condition::Or(_)))
            }
            Condition::In(_, list) => {
                let mut row = vec![false; all];
                for item in list {
                    row[self.cell(item)?] = true;
                }
                row
            }
            _ => {
                let (_, op, bound) = sides(condition)?;
                let cell = self.cell(bound)?;
                (0..all).map(|at| op.holds(at.cmp(&cell))).collect()
            }
        })
    }

    fn joined(&self, rows: Vec<Vec<bool>>, is_any: bool) -> Vec<bool> {
        let mut whole = vec![!is_any; 2 * self.bounds.len() + 1];
        for row in rows {
            for (cell, is_in) in whole.iter_mut().zip(row) {
                *cell = if is_any { *cell || is_in } else { *cell && is_in };
            }
        }
        whole
    }

    fn cell(&self, side: &Condition) -> Option<usize> {
        let bound = Bound::of(side)?;
        let order = |other: &Bound| other.order(&bound).unwrap_or(Ordering::Less);
        self.bounds.binary_search_by(order).ok().map(|at| 2 * at + 1)
    }
}
