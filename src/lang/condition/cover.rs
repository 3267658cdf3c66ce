//! How much of a table a condition covers, as far as its text alone can tell.

use std::collections::{BTreeMap, HashSet};

use super::term::holds_for_all;
use super::{CAST, Condition, Kind, Op, Truth, cells, is_first_known, key};

/// The highest number of 32 bits, which is the last a key may have where it has no more.
const HIGHEST_SMALL: f64 = 2_147_483_647.0;

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

    /// Says which rows of a table a clause takes that may take all.
    pub(in crate::lang) fn told(self, table: &str, clause: &str) -> String {
        match self {
            Self::Either => {
                format!("every row of {table}, or none (\"{clause}\" is the same for all)")
            }
            Self::Wide => {
                format!("every row of {table}, or some (\"{clause}\" may leave none out)")
            }
            Self::All | Self::None | Self::Some => {
                format!("every row of {table} (\"{clause}\" leaves none out)")
            }
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

    pub(in crate::lang) fn and(self, other: Self) -> Self {
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
            Self::Column(_) if truth == Truth::Numeric && self.is_key() => Cover::All,
            Self::Text(text) => match truth {
                Truth::Strict => boolean(text).map_or(Cover::Either, Cover::of),
                Truth::Numeric => Cover::of(leading_number(text) != 0.0),
            },
            Self::Not(inner) => inner.cover_of_not(truth),
            Self::And(parts) => all(parts, truth),
            Self::Or(parts) => any(parts, truth),
            Self::IsNull(value) if value.is_constant() => Cover::of(value.is_null()),
            Self::IsNotNull(value) if value.is_constant() => Cover::of(!value.is_null()),
            Self::IsNull(value) if value.is_never_null() => Cover::None,
            Self::IsNotNull(value) if value.is_never_null() => Cover::All,
            Self::Is(inner, holds) => {
                let cover = inner.cover(truth);
                if *holds { cover } else { cover.not() }
            }
            Self::Compare(left, op, right) => self.compared(left, *op, right, truth),
            Self::Matches { value, pattern, kind } => match pattern.simple() {
                Self::Text(text) if kind.takes_all(text) => Cover::All,
                _ if value.is_same(pattern) || *kind == Kind::Nothing => Cover::All,
                _ => self.leaf(),
            },
            Self::Call(name, args) => match (name.as_str(), &args[..]) {
                _ if truth == Truth::Numeric && self.settled().is_some() => {
                    Cover::of(self.settled() != Some(0.0))
                }
                (CAST, [value]) => value.cover(truth),
                ("starts_with", [_, Self::Text(text)]) if text.is_empty() => Cover::All,
                ("if" | "iif", [chooser, yes, no]) => self.chosen(chooser, yes, no, truth),
                (name, [first, ..]) if is_first_known(name) => match first.cover(truth) {
                    Cover::All => Cover::All,
                    cover if first.is_constant() && !first.is_null() => cover,
                    _ => self.leaf(),
                },
                _ => self.leaf(),
            },
            Self::In(value, list) => self.within(value, list),
            Self::Covers(cover) => *cover,
            Self::Arithmetic(..) if truth == Truth::Numeric && self.settled().is_some() => {
                Cover::of(self.settled() != Some(0.0))
            }
            Self::Case { chosen_by, results } => self.of_case(chosen_by, results, truth),
            Self::Number(_)
            | Self::Column(_)
            | Self::IsNull(_)
            | Self::IsNotNull(_)
            | Self::Another(..)
            | Self::End { .. }
            | Self::Arithmetic(..)
            | Self::Other { .. } => self.leaf(),
        }
    }

    /// Returns how much of the table its opposite covers.
    fn cover_of_not(&self, truth: Truth) -> Cover {
        match self {
            Self::Known(None) => Cover::None,
            _ => self.cover(truth).not(),
        }
    }

    /// CASE: what the first WHEN chooses that holds always, or what all of them give.
    fn of_case(&self, chosen_by: &[Self], results: &[Self], truth: Truth) -> Cover {
        let mut covers = results.iter().map(|result| result.cover(truth));
        let mut may_be = Vec::new();
        let (mut chosen, mut is_open) = (Cover::None, Cover::All);
        // With an operand there are as many choosers as results.
        let choosers = if chosen_by.len() < results.len() { chosen_by } else { &[] };
        for chooser in choosers {
            let cover = covers.next().unwrap_or(Cover::Some);
            let takes = chooser.cover(truth);
            if takes == Cover::None {
                continue;
            }
            may_be.push(cover);
            chosen = chosen.or(is_open.and(takes).and(cover));
            is_open = is_open.and(takes.not());
            if takes == Cover::All {
                covers.by_ref().for_each(drop);
            }
        }
        for cover in covers {
            may_be.push(cover);
            let is_known = chosen_by.len() < results.len();
            chosen = chosen.or(if is_known { is_open.and(cover) } else { Cover::Some });
        }
        match may_be.first() {
            Some(first) if may_be.iter().all(|cover| cover == first) => *first,
            // What no row decides may choose for all of them.
            _ if chosen.may_be_all() => chosen,
            _ => self.leaf(),
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

    fn leaf(&self) -> Cover {
        if self.reads() { Cover::Some } else { Cover::Either }
    }

    fn compared(&self, left: &Self, op: Op, right: &Self, truth: Truth) -> Cover {
        if let Some(case) = each_way(left, |left| Self::compare(left, op, right.clone()))
            .or_else(|| each_way(right, |right| Self::compare(left.clone(), op, right)))
        {
            return case.cover(truth);
        }
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
        if let Some(cover) = row_by_row(left, op, right).or_else(|| row_by_row(right, op, left)) {
            return cover;
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
                Truth::Numeric | Truth::Strict => Cover::of(op.holds(order)),
            };
        }
        if let Some(cover) = endless(op, right).or_else(|| endless(op.turned(), left)) {
            return cover;
        }
        match (op, left, right) {
            (Op::Equal | Op::Same, part, Self::Number(number))
            | (Op::Equal | Op::Same, Self::Number(number), part)
                if part.is_decision() && [0.0, 1.0].contains(number) =>
            {
                let covers = if *number == 1.0 { Self::cover } else { Self::cover_of_not };
                return covers(part, truth);
            }
            (Op::Equal | Op::Same, part, Self::Known(Some(holds)))
            | (Op::Equal | Op::Same, Self::Known(Some(holds)), part) => {
                let covers = if *holds { Self::cover } else { Self::cover_of_not };
                return covers(part, truth);
            }
            // Keys of 32 bits end here.
            (Op::LessOrEqual, Self::Column(_), Self::Number(HIGHEST_SMALL))
            | (Op::GreaterOrEqual, Self::Number(HIGHEST_SMALL), Self::Column(_)) => {
                return Cover::All;
            }
            _ => {}
        }
        match left.apart(right) {
            Some(range) if holds_for_all(op, range) => Cover::All,
            _ => self.leaf(),
        }
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
    let excludes = || together(parts, false, truth).contains(&false);
    if cover == Cover::Some && excludes() { Cover::None } else { cover }
}

/// OR: every part on its own, and parts that complete each other (`a = 1 OR a <> 1`).
fn any(parts: &[Condition], truth: Truth) -> Cover {
    let mut seen = HashSet::new();
    let mut cover = Cover::None;
    for part in parts {
        cover = cover.or(part.cover(truth));
        let part = part.straight();
        if seen.contains(&key(&part.opposite())) {
            return Cover::All;
        }
        seen.insert(key(&part));
    }
    if together(parts, true, truth).contains(&true) { Cover::All } else { cover }
}

/// Returns what the parts about each value say of all it may be, where they say one thing.
fn together(parts: &[Condition], is_any: bool, truth: Truth) -> Vec<bool> {
    let mut about: BTreeMap<String, Vec<&Condition>> = BTreeMap::new();
    for part in parts {
        if let Some(value) = cells::subject(part) {
            about.entry(value).or_default().push(part);
        }
    }
    let several = about.values().filter(|parts| parts.len() > 1);
    several.filter_map(|parts| cells::decide(parts, is_any, truth)).collect()
}

/// Compares a row with any other: there is no key that two of them have.
fn row_by_row(own: &Condition, op: Op, other: &Condition) -> Option<Cover> {
    let Condition::Another(_, column) = other else { return None };
    let is_same_key = own.is_key() && *own == Condition::Column(column.clone());
    (is_same_key && matches!(op, Op::Unequal | Op::Differs)).then_some(Cover::All)
}

/// Returns what a condition on a term is that may be one or another: `coalesce($1, id) = id`.
fn each_way(term: &Condition, on: impl Fn(Condition) -> Condition) -> Option<Condition> {
    match term {
        Condition::Case { chosen_by, results } if chosen_by.len() < results.len() => {
            let results = results.iter().cloned().map(on).collect();
            Some(Condition::Case { chosen_by: chosen_by.clone(), results })
        }
        Condition::Call(name, args) if is_first_known(name) => match &args[..] {
            // A value of the row itself is as good as any.
            [first, second] if !first.reads() && !first.is_constant() => {
                let chosen_by = vec![Condition::IsNotNull(Box::new(first.clone()))];
                let results = vec![on(first.clone()), on(second.clone())];
                Some(Condition::Case { chosen_by, results })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Compares what goes on without end in one direction, with its end: no string sorts before the empty
/// one, and nothing is more than true.
fn endless(op: Op, end: &Condition) -> Option<Cover> {
    let takes_all = match (op, end) {
        (Op::GreaterOrEqual, Condition::Text(text)) => {
            text.is_empty() || text == "(0,0)" || is_first_moment(text)
        }
        (Op::Greater, Condition::Text(text)) => is_first_moment(text),
        (Op::Less | Op::LessOrEqual, Condition::Text(text)) => text == "infinity",
        (Op::GreaterOrEqual, Condition::Known(Some(false)))
        | (Op::LessOrEqual, Condition::Known(Some(true))) => true,
        _ => false,
    };
    takes_all.then_some(Cover::All)
}

/// Tells whether no moment is before one.
fn is_first_moment(text: &str) -> bool {
    text == "-infinity" || text.starts_with("0000-00-00")
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

/// Whether two strings are the same but for case and spaces at their ends, or may be.
fn is_alike(left: &str, right: &str) -> bool {
    let (left, right) = (left.trim_end(), right.trim_end());
    left.to_lowercase() == right.to_lowercase() || !left.is_ascii() || !right.is_ascii()
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
