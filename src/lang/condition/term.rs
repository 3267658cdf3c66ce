//! What values a term can take, whatever the row.

use super::{CAST, Condition, Op, is_first_known};
use crate::lang::function::is_volatile;

/// Numbers no key is below and above: those of 32 bits at one end, since keys count upwards, and one
/// less than those of 64 bits at the other, as near as it can be said.
const LOWEST_KEY: f64 = -2_147_483_648.0;
const HIGHEST_KEY: f64 = 9_223_372_036_854_774_784.0;

/// Functions whose result is never below 0.
const NEVER_NEGATIVE: &[&str] = &[
    "abs",
    "bit_length",
    "cardinality",
    "char_length",
    "character_length",
    "count",
    "json_array_length",
    "jsonb_array_length",
    "length",
    "num_nonnulls",
    "num_nulls",
    "octet_length",
    "sqrt",
];

/// Functions whose result is from 0 up to 1.
const RANDOM: &[&str] = &["rand", "random"];

/// What keys are called.
const KEYS: &[&str] = &["id", "oid", "rowid"];

/// Other columns that have a value in every row, by their names.
const NEVER_NULL: &[&str] = &["created_at", "ctid", "pk", "tableoid", "uuid", "xmin"];

/// Functions that give a value whatever they are given.
const ALWAYS_GIVE: &[&str] = &[
    "clock_timestamp",
    "concat",
    "count",
    "now",
    "num_nonnulls",
    "num_nulls",
    "statement_timestamp",
    "transaction_timestamp",
];

/// Functions of several values that give the greatest, and the least, of those that are not null.
const GREATEST: &[&str] = &["greatest", "max"];
const LEAST: &[&str] = &["least", "min"];

/// The least and the most that a number can be.
type Range = (f64, f64);

const ANY: Range = (f64::NEG_INFINITY, f64::INFINITY);

/// Returns whether an operator holds for every difference of its sides in a range.
pub(super) fn holds_for_all(op: Op, (least, most): Range) -> bool {
    match op {
        Op::Equal | Op::Same => least == 0.0 && most == 0.0,
        Op::Unequal | Op::Differs => least > 0.0 || most < 0.0,
        Op::Less => most < 0.0,
        Op::LessOrEqual => most <= 0.0,
        Op::Greater => least > 0.0,
        Op::GreaterOrEqual => least >= 0.0,
    }
}

impl Condition {
    /// Returns whether it is a column that is a key, by its name.
    pub(in crate::lang) fn is_key(&self) -> bool {
        matches!(self, Self::Column(name) if KEYS.contains(&name.as_str()))
    }

    /// Takes off what leaves a value as it is: `id + 0`, `id * 1`, `coalesce(id)`, `name || ''`.
    pub(super) fn simple(&self) -> &Self {
        let (op, left, right) = match self {
            Self::Arithmetic(op, left, right) => (op, left, right),
            Self::Call(name, args) if is_first_known(name) || name == CAST => {
                let first = args.iter().find(|arg| !arg.is_null());
                return first.map_or(self, Self::simple);
            }
            Self::Call(name, args) if matches!(name.as_str(), "if" | "iif") => {
                return match &args[..] {
                    [_, yes, no] if yes == no && !yes.is_volatile() => yes.simple(),
                    _ => self,
                };
            }
            Self::Call(name, args) if name == "concat" => {
                return match &args[..] {
                    [only] => only.simple(),
                    [first, rest @ ..] if rest.iter().all(Self::is_empty) => first.simple(),
                    _ => self,
                };
            }
            Self::Case { results, .. } => {
                return match &results[..] {
                    [first, more @ ..]
                        if more.iter().all(|other| first == other) && !first.is_volatile() =>
                    {
                        first.simple()
                    }
                    _ => self,
                };
            }
            _ => return self,
        };
        let is = |side: &Self, number: f64| *side == Self::Number(number);
        match op {
            '+' if is(left, 0.0) => right.simple(),
            '+' | '-' if is(right, 0.0) => left.simple(),
            '*' if is(left, 1.0) => right.simple(),
            '*' | '/' if is(right, 1.0) => left.simple(),
            '|' if left.is_empty() => right.simple(),
            '|' if right.is_empty() => left.simple(),
            _ => self,
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }

    /// Returns the number it is in every row, nulls left aside: `id - id`, `id * 0`.
    pub(super) fn settled(&self) -> Option<f64> {
        let (op, left, right) = match self.simple() {
            Self::Number(number) => return Some(*number),
            Self::Call(name, args) => {
                return match (name.as_str(), &args[..]) {
                    ("strpos" | "instr", [_, part]) if part.is_empty() => Some(1.0),
                    ("locate" | "position", [part, ..]) if part.is_empty() => Some(1.0),
                    ("strcmp", [left, right]) if left.is_same(right) => Some(0.0),
                    _ => None,
                };
            }
            Self::Arithmetic(op, left, right) => (op, left, right),
            _ => return None,
        };
        let is = |side: &Self, number: f64| *side == Self::Number(number);
        match op {
            '-' | '%' if left.is_same(right) => Some(0.0),
            '/' if left.is_same(right) => Some(1.0),
            // What is left of a whole number.
            '%' if is(right, 1.0) => Some(0.0),
            '*' if is(left, 0.0) || is(right, 0.0) => Some(0.0),
            _ => None,
        }
    }

    /// Takes it for a number added to something else, or to nothing: `now() - interval '1 day'`.
    pub(super) fn shifted(&self) -> (Option<&Self>, f64) {
        match self.simple() {
            Self::Number(number) => (None, *number),
            whole @ Self::Arithmetic(op @ ('+' | '-'), left, right) => {
                match (left.shifted(), op, right.shifted()) {
                    ((base, by), '+', (None, more)) | ((None, by), '+', (base, more)) => {
                        (base, by + more)
                    }
                    ((base, by), '-', (None, less)) => (base, by - less),
                    _ => (Some(whole), 0.0),
                }
            }
            other => (Some(other), 0.0),
        }
    }

    /// Returns how far it can be from another term, if anything is known of that.
    pub(super) fn apart(&self, other: &Self) -> Option<Range> {
        let ((one, by), (other_base, less)) = (self.shifted(), other.shifted());
        let apart = by - less;
        match (one, other_base) {
            (Some(one), Some(Self::End { of, is_low })) if one.is_same(of) => {
                Some(if *is_low { (apart, ANY.1) } else { (ANY.0, apart) })
            }
            (Some(Self::End { of, is_low }), Some(other)) if other.is_same(of) => {
                Some(if *is_low { (ANY.0, apart) } else { (apart, ANY.1) })
            }
            (Some(one), Some(other)) if one.is_same(other) => Some((apart, apart)),
            _ => {
                let ((least, most), (lower, higher)) = (self.range()?, other.range()?);
                Some((least - higher, most - lower))
            }
        }
    }

    /// Returns the least and the most it can be, as a number.
    fn range(&self) -> Option<Range> {
        if let Some(number) = self.settled() {
            return Some((number, number));
        }
        match self.simple() {
            Self::Column(_) => Some((LOWEST_KEY, HIGHEST_KEY)),
            Self::Call(name, args) => {
                let ranges = || args.iter().map(|arg| arg.range().unwrap_or(ANY));
                let is = |names: &[&str]| names.contains(&name.as_str());
                match () {
                    () if is(NEVER_NEGATIVE) => Some((0.0, HIGHEST_KEY)),
                    () if is(RANDOM) => Some((0.0, 1.0)),
                    () if name == "nextval" => Some((1.0, HIGHEST_KEY)),
                    () if name == "sign" => Some((-1.0, 1.0)),
                    () if is(GREATEST) && args.len() > 1 => {
                        let ends = |ends: Range, (low, high)| (ends.0.max(low), ends.1.max(high));
                        Some(ranges().fold((ANY.0, ANY.0), ends))
                    }
                    () if is(LEAST) && args.len() > 1 => {
                        let ends = |ends: Range, (low, high)| (ends.0.min(low), ends.1.min(high));
                        Some(ranges().fold((ANY.1, ANY.1), ends))
                    }
                    () => None,
                }
            }
            Self::Arithmetic(op, left, right) => {
                let ((least, most), (lower, higher)) = (left.range()?, right.range()?);
                match op {
                    '+' => Some((least + lower, most + higher)),
                    '-' => Some((least - higher, most - lower)),
                    '*' if left.is_same(right) => Some((0.0, HIGHEST_KEY)),
                    '*' if least >= 0.0 && lower >= 0.0 => Some((least * lower, most * higher)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Returns whether it has a value in every row: a key, and what is made of keys and literals alone.
    pub(super) fn is_never_null(&self) -> bool {
        match self {
            Self::Column(name) => NEVER_NULL.contains(&name.as_str()) || self.is_key(),
            Self::Number(_) | Self::Text(_) | Self::Known(Some(_)) => true,
            Self::IsNull(_) | Self::IsNotNull(_) | Self::Is(..) => true,
            Self::Call(name, args) if is_first_known(name) => args.iter().any(Self::is_never_null),
            Self::Call(name, args) if name == CAST => args.iter().all(Self::is_never_null),
            Self::Call(name, _) => ALWAYS_GIVE.contains(&name.as_str()) || is_volatile(name),
            Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Compare(..)
            | Self::Arithmetic(..) => self.parts().into_iter().all(Self::is_never_null),
            Self::Case { results, .. } => results.iter().all(Self::is_never_null),
            Self::Known(None)
            | Self::Another(..)
            | Self::Covers(_)
            | Self::End { .. }
            | Self::In(..)
            | Self::Matches { .. }
            | Self::Other { .. } => false,
        }
    }
}
