//! Conditions on one value, decided for every value it may have: those it is compared with, and what
//! lies below, between and above them.

use std::cmp::Ordering;

use super::{Condition, Op, Truth, key};

/// Most values that one is compared with: each condition is looked at for each.
const MOST: usize = 200;

/// Behind every string that begins in one way.
const LAST: char = char::MAX;

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
enum Bound {
    No,
    Yes,
    /// A number, or a number more than something else that is the same in every row.
    Number(Option<String>, f64),
    Text(String),
}

impl Bound {
    fn of(side: &Condition) -> Option<Self> {
        match side.simple() {
            Condition::Known(Some(holds)) => Some(if *holds { Self::Yes } else { Self::No }),
            Condition::Text(text) => Some(Self::Text(text.clone())),
            Condition::Known(None) => None,
            _ => {
                let (base, by) = side.shifted();
                let is_still = base.is_none_or(|base| !base.reads() && !base.is_decision());
                is_still.then(|| Self::Number(base.map(key), by))
            }
        }
    }

    /// Compares two of a kind.
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(one, by), Self::Number(other, more)) if one == other => {
                by.partial_cmp(more)
            }
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (Self::No | Self::Yes, Self::No | Self::Yes) => {
                Some((*self == Self::Yes).cmp(&(*other == Self::Yes)))
            }
            _ => None,
        }
    }

    /// Returns whether a key may lie between this and one that is more.
    fn has_key_before(&self, more: &Self) -> bool {
        match (self, more) {
            (Self::Number(None, least), Self::Number(None, most)) => least.floor() + 1.0 < *most,
            _ => true,
        }
    }
}

/// Returns the value, as a key, that a condition is about and about nothing else.
pub(super) fn subject(condition: &Condition) -> Option<String> {
    let mut about = About::new(Truth::Strict);
    about.take(condition)?;
    about.value
}

/// Returns what conditions on one value say together, if it is the same for every value: any of them,
/// or all. Nulls are left aside.
pub(super) fn decide(conditions: &[&Condition], is_any: bool, truth: Truth) -> Option<bool> {
    let mut about = About::new(truth);
    conditions.iter().try_for_each(|condition| about.take(condition))?;
    let About { mut bounds, is_key, .. } = about;
    bounds.sort_by(|one, other| one.order(other).unwrap_or(Ordering::Equal));
    bounds.dedup();
    let is_one_kind = bounds.windows(2).all(|pair| pair[0].order(&pair[1]).is_some());
    if !is_one_kind || bounds.is_empty() {
        return None;
    }
    let cells = Cells { bounds, truth };
    let rows: Vec<Vec<bool>> =
        conditions.iter().map(|condition| cells.row(condition)).collect::<Option<_>>()?;
    let whole = cells.joined(rows, is_any);
    let mut there = whole.iter().enumerate().filter(|(at, _)| cells.is_there(*at, is_key));
    let first = there.next()?.1;
    there.all(|(_, cell)| cell == first).then_some(*first)
}

/// What conditions are about.
struct About {
    value: Option<String>,
    is_key: bool,
    bounds: Vec<Bound>,
    truth: Truth,
}

impl About {
    fn new(truth: Truth) -> Self {
        Self { value: None, is_key: false, bounds: Vec::new(), truth }
    }

    /// Takes a condition; none if it is about something else too.
    fn take(&mut self, condition: &Condition) -> Option<()> {
        match condition {
            Condition::Not(inner) | Condition::Is(inner, _) => self.take(inner),
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().try_for_each(|part| self.take(part))
            }
            Condition::In(value, list) if value.shifted().1 == 0.0 => {
                self.is_about(value)?;
                list.iter().try_for_each(|item| self.bound(Bound::of(item)?))
            }
            Condition::Compare(..) => {
                let (value, _, bound) = sides(condition)?;
                self.is_about(value)?;
                self.bound(bound)
            }
            Condition::Matches { value, .. } => {
                let (first, behind) = begins(condition, self.truth)?;
                self.is_about(value)?;
                self.bound(first)?;
                behind.map_or(Some(()), |behind| self.bound(behind))
            }
            _ => None,
        }
    }

    fn is_about(&mut self, value: &Condition) -> Option<()> {
        let value = value.shifted().0?;
        let key = key(value);
        self.is_key = value.is_key();
        let is_same = self.value.get_or_insert_with(|| key.clone()) == &key;
        (is_same && !value.is_volatile()).then_some(())
    }

    fn bound(&mut self, bound: Bound) -> Option<()> {
        self.bounds.push(folded(bound, self.truth));
        (self.bounds.len() <= MOST).then_some(())
    }
}

/// Takes capitals for small letters where the server may.
fn folded(bound: Bound, truth: Truth) -> Bound {
    match bound {
        Bound::Text(text) if truth == Truth::Numeric => Bound::Text(text.to_lowercase()),
        other => other,
    }
}

/// Returns value, operator and bound of a comparison: `id + 1 > 5` is one of `id` with 4.
fn sides(condition: &Condition) -> Option<(&Condition, Op, Bound)> {
    let Condition::Compare(left, op, right) = condition else { return None };
    let (value, op, bound) = match (Bound::of(left), Bound::of(right)) {
        (None, Some(bound)) => (left, *op, bound),
        (Some(bound), None) => (right, op.turned(), bound),
        _ => return None,
    };
    let (_, by) = value.shifted();
    match bound {
        Bound::Number(base, number) => Some((value, op, Bound::Number(base, number - by))),
        bound => (by == 0.0).then_some((value, op, bound)),
    }
}

/// Returns the first string that LIKE takes, and what is behind the last if there are more.
fn begins(condition: &Condition, truth: Truth) -> Option<(Bound, Option<Bound>)> {
    let Condition::Matches { pattern, kind, .. } = condition else { return None };
    let Condition::Text(pattern) = pattern.simple() else { return None };
    let (prefix, goes_on) = kind.prefix(pattern)?;
    let bound = |text: String| folded(Bound::Text(text), truth);
    Some((bound(prefix.to_owned()), goes_on.then(|| bound(format!("{prefix}{LAST}")))))
}

/// The bounds in order; each is a cell, and so is what lies before, between and behind them.
struct Cells {
    bounds: Vec<Bound>,
    truth: Truth,
}

impl Cells {
    /// Returns whether the value may be there: keys are whole numbers, and a decision is yes or no.
    fn is_there(&self, cell: usize, is_key: bool) -> bool {
        let at = cell / 2;
        let (before, behind) = (at.checked_sub(1).map(|at| &self.bounds[at]), self.bounds.get(at));
        match (cell % 2 == 1, behind, before) {
            (true, Some(Bound::Number(None, number)), _) if is_key => number.fract() == 0.0,
            (true, ..) => true,
            (false, Some(Bound::No), None) | (false, None, Some(Bound::Yes)) => false,
            (false, Some(Bound::Yes), Some(Bound::No)) => false,
            (false, Some(more), Some(less)) if is_key => less.has_key_before(more),
            (false, ..) => true,
        }
    }

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
                    row[self.cell(Bound::of(item)?)?] = true;
                }
                row
            }
            Condition::Matches { .. } => {
                let (first, behind) = begins(condition, self.truth)?;
                let first = self.cell(first)?;
                let end = behind.map_or(Some(first + 1), |behind| self.cell(behind))?;
                (0..all).map(|at| (first..end).contains(&at)).collect()
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

    fn cell(&self, bound: Bound) -> Option<usize> {
        let bound = folded(bound, self.truth);
        let order = |other: &Bound| other.order(&bound).unwrap_or(Ordering::Less);
        self.bounds.binary_search_by(order).ok().map(|at| 2 * at + 1)
    }
}
