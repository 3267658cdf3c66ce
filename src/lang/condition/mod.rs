//! A condition over rows, whatever parser it came from: what the question of scope needs of it.

mod cells;
mod cover;
pub(super) mod names;
pub(super) mod pattern;
pub(super) mod source;
mod term;
#[cfg(test)]
mod tests;

pub(super) use cover::Cover;
pub(super) use pattern::Kind;

use super::function::is_volatile;

/// What counts as true where a number or a string stands for a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// Only booleans, and strings that spell one.
    Strict,
    /// Every number but 0, and strings that start with one.
    Numeric,
}

/// How two values are compared; the null-safe forms are their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `IS NOT DISTINCT FROM`, `<=>`, SQLite's `IS`.
    Same,
    /// `IS DISTINCT FROM`, SQLite's `IS NOT`.
    Differs,
}

/// One part of a condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// TRUE, FALSE, or NULL.
    Known(Option<bool>),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// A column of the table itself, folded.
    Column(String),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    IsNull(Box<Condition>),
    IsNotNull(Box<Condition>),
    /// `IS TRUE` and `IS FALSE`.
    Is(Box<Condition>, bool),
    Compare(Box<Condition>, Op, Box<Condition>),
    /// LIKE, GLOB and regular expressions.
    Matches {
        value: Box<Condition>,
        pattern: Box<Condition>,
        kind: Kind,
    },
    /// IN with a list.
    In(Box<Condition>, Vec<Condition>),
    /// A subquery that is asked for the row at hand, and how many rows it finds there: IN with one that
    /// gives the same column of the same table.
    Covers(Cover),
    /// A column of any other row of the table: which source stands for that row, and the column.
    Another(String, String),
    /// The least or the greatest that a term is in any row.
    End {
        of: Box<Condition>,
        is_low: bool,
    },
    /// A call of a function.
    Call(String, Vec<Condition>),
    /// `+ - * / % ||`; a cast that leaves the value as it is, is a call of [`CAST`].
    Arithmetic(char, Box<Condition>, Box<Condition>),
    /// CASE: its results, that of ELSE included; without ELSE the last is null.
    Case {
        chosen_by: Vec<Condition>,
        results: Vec<Condition>,
    },
    /// Anything else.
    Other {
        /// Its text, folded.
        text: String,
        /// Whether it may read a column of the table.
        reads: bool,
        /// Whether it may differ each time it is looked at.
        is_volatile: bool,
    },
}

impl Op {
    /// Returns the operator that holds exactly where this one does not, nulls left aside.
    fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::Unequal,
            Self::Unequal => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::GreaterOrEqual => Self::Less,
            Self::Greater => Self::LessOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Same => Self::Differs,
            Self::Differs => Self::Same,
        }
    }

    /// Returns whether it holds between two values that are in this order.
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal | Self::Same => order.is_eq(),
            Self::Unequal | Self::Differs => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::Greater => order.is_gt(),
            Self::LessOrEqual => order.is_le(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// Returns the operator with its sides changed.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::Greater => Self::Less,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal | Self::Unequal | Self::Same | Self::Differs => self,
        }
    }
}

/// Schemas that a name without one most likely is in: PostgreSQL's and SQLite's.
const USUAL_SCHEMAS: &[&str] = &["main", "public"];

/// Whether two names are of one table, as far as they tell: one in another schema is most likely a
/// copy or an archive of it.
pub(super) fn same_table(one: &str, other: &str) -> bool {
    let is_usual = |long: &str, short: &str| {
        let schema = long.strip_suffix(short).and_then(|schema| schema.strip_suffix('.'));
        schema.is_some_and(|schema| USUAL_SCHEMAS.contains(&schema)) && !short.contains('.')
    };
    one == other || is_usual(one, other) || is_usual(other, one)
}

/// Stands for the name of a function in a cast that leaves the value as it is.
pub(super) const CAST: &str = "cast";

/// A text that two conditions share if they are the same.
fn key(condition: &Condition) -> String {
    let mut text = String::new();
    write_key(condition, &mut text);
    text
}

/// Writes such a text: the commonest parts in few letters, each with how long it is, and others as
/// they are shown for debugging, which takes ten times as long.
fn write_key(condition: &Condition, text: &mut String) {
    let mut piece = |sign: char, piece: &str| {
        text.push(sign);
        text.push_str(&piece.len().to_string());
        text.push(' ');
        text.push_str(piece);
    };
    match condition {
        Condition::Column(name) => piece('c', name),
        Condition::Text(value) => piece('t', value),
        Condition::Number(number) => piece('n', &number.to_bits().to_string()),
        Condition::Not(_) => text.push('!'),
        Condition::IsNull(_) => text.push('0'),
        Condition::IsNotNull(_) => text.push('1'),
        Condition::And(parts) => piece('&', &parts.len().to_string()),
        Condition::Or(parts) => piece('|', &parts.len().to_string()),
        Condition::In(_, list) => piece('i', &list.len().to_string()),
        Condition::Call(name, args) => piece('f', &format!("{} {name}", args.len())),
        Condition::Compare(_, op, _) => text.push(match op {
            Op::Equal => '=',
            Op::Unequal => '#',
            Op::Less => '<',
            Op::LessOrEqual => '{',
            Op::Greater => '>',
            Op::GreaterOrEqual => '}',
            Op::Same => '~',
            Op::Differs => '^',
        }),
        Condition::Matches { kind, .. } => piece('m', &format!("{kind:?}")),
        Condition::Other { text: shown, reads, is_volatile } => {
            let sign = if *reads { 'o' } else { 'e' };
            piece(if *is_volatile { 'v' } else { sign }, shown);
            text.push(sign);
        }
        Condition::Known(None) => text.push('N'),
        Condition::Known(Some(holds)) => text.push(if *holds { 'T' } else { 'F' }),
        other => return piece('d', &format!("{other:?}")),
    }
    condition.parts().into_iter().for_each(|part| write_key(part, text));
}

/// Functions that give their first argument where it is not null.
fn is_first_known(name: &str) -> bool {
    matches!(name, "coalesce" | "ifnull" | "nvl")
}

impl Condition {
    /// A comparison.
    pub(super) fn compare(left: Self, op: Op, right: Self) -> Self {
        Self::Compare(Box::new(left), op, Box::new(right))
    }

    /// LIKE and its kin.
    pub(super) fn matches(value: Self, pattern: Self, kind: Kind) -> Self {
        Self::Matches { value: Box::new(value), pattern: Box::new(pattern), kind }
    }

    /// The opposite, if asked for.
    pub(super) fn negated(self, is_negated: bool) -> Self {
        if is_negated { Self::Not(Box::new(self)) } else { self }
    }

    /// `value BETWEEN low AND high`.
    pub(super) fn between(value: Self, low: Self, high: Self) -> Self {
        Self::And(vec![
            Self::compare(value.clone(), Op::GreaterOrEqual, low),
            Self::compare(value, Op::LessOrEqual, high),
        ])
    }

    /// The parts below.
    fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Known(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Column(_)
            | Self::Covers(_)
            | Self::Another(..)
            | Self::Other { .. } => Vec::new(),
            Self::Not(inner)
            | Self::End { of: inner, .. }
            | Self::IsNull(inner)
            | Self::IsNotNull(inner)
            | Self::Is(inner, _) => {
                vec![inner]
            }
            Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) => parts.iter().collect(),
            Self::Compare(left, _, right) | Self::Arithmetic(_, left, right) => vec![left, right],
            Self::Matches { value, pattern, .. } => vec![value, pattern],
            Self::In(value, list) => std::iter::once(&**value).chain(list).collect(),
            Self::Case { chosen_by, results } => chosen_by.iter().chain(results).collect(),
        }
    }

    /// Returns whether it may read a column of the table, or differ from row to row.
    pub(super) fn reads(&self) -> bool {
        match self {
            Self::Column(_) | Self::Covers(_) => true,
            Self::End { .. } => false,
            Self::Other { reads, is_volatile, .. } => *reads || *is_volatile,
            Self::Call(name, _) if is_volatile(name) => true,
            _ => self.parts().into_iter().any(Self::reads),
        }
    }

    /// Returns whether looking at it twice may give two answers.
    fn is_volatile(&self) -> bool {
        match self {
            Self::Other { is_volatile, .. } => *is_volatile,
            Self::Call(name, _) if is_volatile(name) => true,
            _ => self.parts().into_iter().any(Self::is_volatile),
        }
    }

    /// Returns whether it stands for the same value in every row, without looking at anything.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Self::Known(_) | Self::Number(_) | Self::Text(_))
    }

    /// Returns whether it is true or false, or null.
    fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::Known(_)
                | Self::Not(_)
                | Self::And(_)
                | Self::Or(_)
                | Self::IsNull(_)
                | Self::IsNotNull(_)
                | Self::Is(..)
                | Self::Compare(..)
                | Self::Matches { .. }
                | Self::In(..)
                | Self::Covers(_)
        )
    }

    fn is_null(&self) -> bool {
        *self == Self::Known(None)
    }

    /// Returns whether both are the same, whatever the row.
    fn is_same(&self, other: &Self) -> bool {
        self.simple() == other.simple() && !self.is_volatile()
    }

    /// Returns it without NOT, IS TRUE, IS FALSE and IS DISTINCT, nulls left aside.
    fn straight(&self) -> Self {
        match self {
            Self::Not(inner) | Self::Is(inner, false) => inner.straight().opposite(),
            Self::Is(inner, true) => inner.straight(),
            Self::Compare(left, Op::Same, right) => {
                Self::Compare(left.clone(), Op::Equal, right.clone())
            }
            Self::Compare(left, Op::Differs, right) => {
                Self::Compare(left.clone(), Op::Unequal, right.clone())
            }
            _ => self.clone(),
        }
    }

    /// Returns the condition it excludes and completes, if it is a simple one.
    fn opposite(&self) -> Self {
        match self {
            Self::Compare(left, op, right) => {
                Self::Compare(left.clone(), op.opposite(), right.clone())
            }
            Self::Not(inner) => (**inner).clone(),
            Self::IsNull(inner) => Self::IsNotNull(inner.clone()),
            Self::IsNotNull(inner) => Self::IsNull(inner.clone()),
            _ => Self::Not(Box::new(self.clone())),
        }
    }
}
