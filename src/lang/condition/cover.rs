//! How much of a table a condition covers, as far as its text alone can tell.

use std::collections::HashSet;

use super::{Condition, Op, Truth, is_first_known};

/// Numbers no key is below and above: those of 32 bits at one end, since keys count upwards, and of
/// 64 bits at the other.
const LOWEST_KEY: f64 = -2_147_483_648.0;
const HIGHEST_KEY: f64 = 9_223_372_036_854_775_807.0;

/// Functions whose result is never below 0.
const NEVER_NEGATIVE: &[&str] =
    &["abs", "bit_length", "char_length", "character_length", "length", "octet_length"];

/// What keys are called.
const KEYS: &[&str] = &["_rowid_", "id", "oid", "rowid"];

/// What else hardly any table leaves null.
const FILLED: &[&str] = &[
    "created",
    "created_at",
    "created_on",
    "email",
    "guid",
    "inserted_at",
    "key",
    "name",
    "pk",
    "status",
    "tableoid",
    "title",
    "type",
    "updated_at",
    "username",
    "uuid",
];

/// Functions whose result is from 0 up to 1.
const RANDOM: &[&str] = &["rand", "random"];

/// How much of the table a condition covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lang) enum Cover {
    /// Every row, or every row but those with a null.
    All,
    /// No row.
    None,
    /// Every row or none, the same for all: it reads no column of the table.
    Either,
    /// Every row, or those that a part of the condition chooses: `a = 1 OR current_user = 'x'`.
    Wide,
    /// Some rows, as far as anybody can tell.
    Some,
}

impl Cover {
    /// Returns whether a statement with such a condition has to be taken for one without.
    pub(in crate::lang) fn may_be_all(self) -> bool {
        match self {
            Self::All | Self::Either | Self::Wide => true,
            Self::None | Self::Some => false,
        }
    }

    fn of(holds: bool) -> Self {
        if holds { Self::All } else { Self::None }
    }

    fn not(self) -> Self {
        match self {
            Self::All => Self::None,
            Self::None => Self::All,
            Self::Either => Self::Either,
            Self::Wide | Self::Some => Self::Some,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::Wide, _) | (_, Self::Wide) => Self::Wide,
            (Self::Either, _) | (_, Self::Either) => Self::Either,
            (Self::All, Self::All) => Self::All,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Wide, _) | (_, Self::Wide) => Self::Wide,
            (Self::Either, Self::Some) | (Self::Some, Self::Either) => Self::Wide,
            (Self::Either, _) | (_, Self::Either) => Self::Either,
            (Self::Some, _) | (_, Self::Some) => Self::Some,
            (Self::None, Self::None) => Self::None,
        }
    }
}

impl Condition {
    /// Returns how much of the table it covers.
    pub(in crate::lang) fn cover(&self, truth: Truth) -> Cover {
        match self {
            Self::Known(known) => Cover::of(*known == Some(true)),
            Self::Number(number) if truth == Truth::Numeric => Cover::of(*number != 0.0),
            // No key is 0.
            Self::Column(name) if truth == Truth::Numeric && KEYS.contains(&name.as_str()) => {
                Cover::All
            }
            Self::Text(text) => match truth {
                Truth::Strict => boolean(text).map_or(Cover::Either, Cover::of),
                Truth::Numeric => Cover::of(leading_number(text) != 0.0),
            },
            Self::Not(inner) => match &**inner {
                Self::Known(None) => Cover::None,
                Self::IsNull(value) if !value.is_constant() => {
                    Self::IsNotNull(value.clone()).cover(truth)
                }
                inner => inner.cover(truth).not(),
            },
            Self::And(parts) => all(parts, truth),
            Self::Or(parts) => any(parts, truth),
            Self::IsNull(value) if value.is_constant() => Cover::of(value.is_null()),
            Self::IsNotNull(value) if value.is_constant() => Cover::of(!value.is_null()),
            Self::IsNotNull(value) if value.is_filled() => Cover::All,
            Self::Is(inner, holds) => {
                let cover = inner.cover(truth);
                if *holds { cover } else { cover.not() }
            }
            Self::Compare(left, op, right) => self.compared(left, *op, right, truth),
            Self::Matches { takes_all: true, .. } => Cover::All,
            Self::In(value, list) => self.within(value, list),
            Self::Whole => Cover::All,
            Self::Call(name, args) if is_first_known(name) => match args.first() {
                Some(first) if first.cover(truth) == Cover::All => Cover::All,
                Some(first) if first.is_constant() && !first.is_null() => first.cover(truth),
                _ => self.leaf(),
            },
            Self::Call(name, args) if matches!(name.as_str(), "if" | "iif") => match &args[..] {
                [chooser, yes, no] => self.chosen(chooser, yes, no, truth),
                _ => self.leaf(),
            },
            Self::Arithmetic(..) if truth == Truth::Numeric && self.settled().is_some() => {
                Cover::of(self.settled() != Some(0.0))
            }
            Self::Case { results, .. } => {
                let covers: Vec<Cover> = results.iter().map(|result| result.cover(truth)).collect();
                match covers.first() {
                    Some(first) if covers.iter().all(|cover| cover == first) => *first,
                    _ => self.leaf(),
                }
            }
            Self::Number(_)
            | Self::Column(_)
            | Self::IsNull(_)
            | Self::IsNotNull(_)
            | Self::Matches { .. }
            | Self::Call(..)
            | Self::Arithmetic(..)
            | Self::Other { .. } => self.leaf(),
        }
    }

    fn chosen(&self, chooser: &Self, yes: &Self, no: &Self, truth: Truth) -> Cover {
        let (yes, no) = (yes.cover(truth), no.cover(truth));
        match chooser.cover(truth) {
            Cover::All => yes,
            Cover::None => no,
            _ if yes == no => yes,
            _ => self.leaf(),
        }
    }

    /// Returns whether it is null in no row, or in hardly any, as far as names tell: a time at which
    /// something happened, a token or an error is there in some.
    fn is_filled(&self) -> bool {
        match self {
            Self::Column(name) => [KEYS, FILLED].iter().any(|list| list.contains(&name.as_str())),
            Self::Other { reads, .. } => !reads,
            Self::Known(known) => known.is_some(),
            Self::Call(name, _) if name == "nullif" => false,
            Self::Call(name, args) if is_first_known(name) => args.iter().any(Self::is_filled),
            Self::Case { results, .. } => results.iter().all(Self::is_filled),
            _ => self.parts().into_iter().all(Self::is_filled),
        }
    }

    fn leaf(&self) -> Cover {
        if self.reads() { Cover::Some } else { Cover::Either }
    }

    fn compared(&self, left: &Self, op: Op, right: &Self, truth: Truth) -> Cover {
        let (left, right) = (left.simple(), right.simple());
        let is_null_safe = matches!(op, Op::Same | Op::Differs);
        if !is_null_safe && (left.is_null() || right.is_null()) {
            return Cover::None;
        }
        if is_null_safe && (left.is_null() || right.is_null()) {
            let value = if left.is_null() { right } else { left };
            let inner = Box::new(value.clone());
            let same = match op {
                Op::Same => Self::IsNull(inner),
                _ => Self::IsNotNull(inner),
            };
            return same.cover(truth);
        }
        if left.is_same(right) {
            let holds = matches!(op, Op::Equal | Op::Same | Op::LessOrEqual | Op::GreaterOrEqual);
            return Cover::of(holds);
        }
        if let Some(order) = order(left, right) {
            let differs_by_case = match (left, right) {
                (Self::Text(left), Self::Text(right)) => order.is_ne() && is_alike(left, right),
                _ => false,
            };
            // Most collations of MySQL take them for the same.
            return match truth {
                Truth::Numeric if differs_by_case => Cover::Either,
                Truth::Numeric | Truth::Strict => Cover::of(holds(op, order)),
            };
        }
        match (op, left, right) {
            (Op::Equal | Op::Same, part, Self::Known(Some(holds)))
            | (Op::Equal | Op::Same, Self::Known(Some(holds)), part) => {
                let cover = part.cover(truth);
                return if *holds { cover } else { cover.not() };
            }
            // No string sorts before the empty one.
            (Op::GreaterOrEqual, _, Self::Text(text)) if text.is_empty() => return Cover::All,
            (_, value, Self::Number(bound)) => {
                if let Some(cover) = bounded(value, op, *bound) {
                    return cover;
                }
            }
            (_, Self::Number(bound), value) => {
                if let Some(cover) = bounded(value, op.turned(), *bound) {
                    return cover;
                }
            }
            _ => {}
        }
        self.leaf()
    }

    fn within(&self, value: &Self, list: &[Self]) -> Cover {
        let has = |holds: bool| list.contains(&Self::Known(Some(holds)));
        if has(true) && has(false) || list.iter().any(|item| value.is_same(item)) {
            return Cover::All;
        }
        let known = |item: &Self| order(value, item).map(std::cmp::Ordering::is_eq);
        let found: Option<Vec<bool>> = list.iter().map(known).collect();
        match found {
            Some(found) => Cover::of(found.contains(&true)),
            None => self.leaf(),
        }
    }
}

/// AND: what one part excludes, no other brings back.
fn all(parts: &[Condition], truth: Truth) -> Cover {
    let mut seen = HashSet::new();
    let mut cover = Cover::All;
    for part in parts {
        cover = cover.and(part.cover(truth));
        let part = part.straight();
        if seen.contains(&key(&part.opposite())) {
            return Cover::None;
        }
        seen.insert(key(&part));
    }
    cover
}

/// OR: every part on its own, and parts that complete each other (`a = 1 OR a <> 1`).
fn any(parts: &[Condition], truth: Truth) -> Cover {
    let mut seen = HashSet::new();
    let mut cover = Cover::None;
    let mut ranges: Vec<(String, Range)> = Vec::new();
    for part in parts {
        cover = cover.or(part.cover(truth));
        let part = part.straight();
        if seen.contains(&key(&part.opposite())) {
            return Cover::All;
        }
        seen.insert(key(&part));
        let Some((value, op, bound)) = range(&part) else {
            continue;
        };
        let value = key(value);
        let found = ranges.iter().position(|(known, _)| *known == value);
        let at = found.unwrap_or_else(|| {
            ranges.push((value, Range::default()));
            ranges.len() - 1
        });
        ranges[at].1.add(op, bound);
        if ranges[at].1.is_whole() {
            return Cover::All;
        }
    }
    cover
}

/// What comparisons of one value with numbers take together.
#[derive(Default)]
struct Range {
    /// Everything above this, and whether it itself is in.
    above: Option<(f64, bool)>,
    /// Everything below this.
    below: Option<(f64, bool)>,
}

impl Range {
    fn add(&mut self, op: Op, bound: f64) {
        let is_in = matches!(op, Op::LessOrEqual | Op::GreaterOrEqual);
        match op {
            Op::Greater | Op::GreaterOrEqual => {
                if self.above.is_none_or(|(at, was_in)| bound < at || bound == at && !was_in) {
                    self.above = Some((bound, is_in));
                }
            }
            Op::Less | Op::LessOrEqual => {
                if self.below.is_none_or(|(at, was_in)| bound > at || bound == at && !was_in) {
                    self.below = Some((bound, is_in));
                }
            }
            Op::Equal | Op::Unequal | Op::Same | Op::Differs => {}
        }
    }

    fn is_whole(&self) -> bool {
        match (self.above, self.below) {
            (Some((above, above_in)), Some((below, below_in))) => {
                above < below || above == below && (above_in || below_in)
            }
            _ => false,
        }
    }
}

/// Reads a comparison of a value with a number.
fn range(part: &Condition) -> Option<(&Condition, Op, f64)> {
    let Condition::Compare(left, op, right) = part else {
        return None;
    };
    match (left.simple(), right.simple()) {
        (value, Condition::Number(bound)) => Some((value, *op, *bound)),
        (Condition::Number(bound), value) => Some((value, op.turned(), *bound)),
        _ => None,
    }
}

/// Compares what cannot be anything: no key is below the lowest, no length below 0.
fn bounded(value: &Condition, op: Op, bound: f64) -> Option<Cover> {
    let (lowest, highest) = match value {
        Condition::Column(_) => (LOWEST_KEY, HIGHEST_KEY),
        Condition::Call(name, _) if NEVER_NEGATIVE.contains(&name.as_str()) => (0.0, HIGHEST_KEY),
        Condition::Call(name, _) if RANDOM.contains(&name.as_str()) => (0.0, 1.0),
        _ => return None,
    };
    match op {
        Op::GreaterOrEqual if bound <= lowest => Some(Cover::All),
        Op::Greater | Op::Unequal if bound < lowest => Some(Cover::All),
        Op::LessOrEqual | Op::Less if bound >= highest => Some(Cover::All),
        Op::Unequal if bound > highest => Some(Cover::All),
        _ => None,
    }
}

/// Compares two literals: numbers as numbers, strings as strings.
fn order(left: &Condition, right: &Condition) -> Option<std::cmp::Ordering> {
    if let (Some(left), Some(right)) = (left.settled(), right.settled()) {
        return left.partial_cmp(&right);
    }
    match (left, right) {
        (Condition::Text(left), Condition::Text(right)) => Some(left.cmp(right)),
        (Condition::Known(Some(left)), Condition::Known(Some(right))) => Some(left.cmp(right)),
        _ => None,
    }
}

fn holds(op: Op, order: std::cmp::Ordering) -> bool {
    match op {
        Op::Equal | Op::Same => order.is_eq(),
        Op::Unequal | Op::Differs => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::Greater => order.is_gt(),
        Op::LessOrEqual => order.is_le(),
        Op::GreaterOrEqual => order.is_ge(),
    }
}

/// Whether two strings are the same but for case and spaces at their ends, or may be.
fn is_alike(left: &str, right: &str) -> bool {
    let (left, right) = (left.trim_end(), right.trim_end());
    left.to_lowercase() == right.to_lowercase() || !left.is_ascii() || !right.is_ascii()
}

/// A text that two conditions share if they are the same.
fn key(condition: &Condition) -> String {
    format!("{condition:?}")
}

/// The words a server takes for a boolean, in full; shorter ones are `t`, `f`, `y`, `n`.
fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The number a string counts as where only numbers are true: what it starts with, or 0.
fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'))
        .unwrap_or(text.len());
    text[..end].parse().unwrap_or(0.0)
}
