//! Patterns that take every string.

/// What a pattern is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lang) enum Kind {
    /// LIKE.
    Like,
    /// LIKE that takes capitals for small letters.
    LikeAnyCase,
    /// GLOB.
    Glob,
    /// A regular expression.
    Regular,
    /// What is contained in everything.
    Nothing,
}

impl Kind {
    /// Returns whether a pattern takes every string.
    pub(super) fn takes_all(self, pattern: &str) -> bool {
        match self {
            Self::Like | Self::LikeAnyCase => is_all(pattern, '%'),
            Self::Glob => is_all(pattern, '*'),
            Self::Regular => regular(pattern),
            Self::Nothing => true,
        }
    }

    /// Returns how the strings begin that a pattern takes, if it takes all that begin so; or the only
    /// string it takes.
    pub(super) fn prefix(self, pattern: &str) -> Option<(&str, bool)> {
        let (prefix, goes_on) =
            pattern.strip_suffix('%').map_or((pattern, false), |prefix| (prefix, true));
        let is_plain = self == Self::Like && !prefix.contains(['%', '_', '\\']);
        is_plain.then_some((prefix, goes_on))
    }
}

fn is_all(pattern: &str, any: char) -> bool {
    !pattern.is_empty() && pattern.chars().all(|c| c == any)
}

/// Returns whether a regular expression is found in every string, empty ones left aside.
fn regular(pattern: &str) -> bool {
    pattern.chars().all(|c| ".*+^$".contains(c)) || takes_all(pattern, 0)
}

/// How many brackets deep an expression is looked at.
const MOST_OPEN: usize = 5;

/// An expression that takes the empty string is found in every other, too, unless it is tied to both
/// ends.
fn takes_all(pattern: &str, depth: usize) -> bool {
    depth <= MOST_OPEN && alternatives(pattern).into_iter().any(|one| is_optional(one, depth))
}

/// Returns whether all parts may be left out, and one takes anything where both ends are tied.
fn is_optional(one: &str, depth: usize) -> bool {
    let untied = one.strip_prefix('^').unwrap_or(one);
    let rest = untied.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(untied);
    let is_tied = untied.len() < one.len() && rest.len() < untied.len();
    let (mut left, mut takes_any) = (rest, false);
    while let Some(first) = left.chars().next() {
        let length = match first {
            '(' => group(left),
            '[' => left.char_indices().skip(2).find(|(_, c)| *c == ']').map(|(at, _)| at + 1),
            '\\' => left.chars().nth(1).map(|second| 1 + second.len_utf8()),
            '*' | '+' | '?' | '{' | ')' => None,
            c => Some(c.len_utf8()),
        };
        let Some(length) = length else { return false };
        let (part, behind) = left.split_at(length);
        let inner = part.strip_prefix('(').and_then(|part| part.strip_suffix(')'));
        let inner = inner.map(|inner| inner.strip_prefix("?:").unwrap_or(inner));
        let takes_none = inner.is_some_and(|inner| takes_all(inner, depth + 1));
        let count = behind.chars().next().filter(|c| "*+?{".contains(*c));
        let is_left_out = matches!(count, Some('*' | '?')) || behind.starts_with("{0");
        if !takes_none && !is_left_out {
            return false;
        }
        takes_any |= part == "." && count == Some('*') || inner == Some(".*");
        let counted = match count {
            Some('{') => behind.find('}').map_or(behind.len(), |at| at + 1),
            Some(_) => 1,
            None => 0,
        };
        left = behind[counted..].strip_prefix('?').unwrap_or(&behind[counted..]);
    }
    takes_any || !is_tied
}

/// Splits at each `|` outside brackets.
fn alternatives(pattern: &str) -> Vec<&str> {
    let (mut found, mut start, mut open, mut is_escaped) = (Vec::new(), 0, 0_usize, false);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '(' | '[' => open += 1,
            ')' | ']' => open = open.saturating_sub(1),
            '|' if open == 0 => {
                found.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&pattern[start..]);
    found
}

/// Returns how long the bracket is that opens here.
fn group(text: &str) -> Option<usize> {
    let (mut open, mut is_escaped) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '(' => open += 1,
            ')' if open == 1 => return Some(at + 1),
            ')' => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_are_found_in_every_string() {
        for pattern in [
            "", ".*", "^", "$", "^.*$", "(.*)", ".?", "a*", "a|", "(a|b)*", "[a-z]*", "x{0,3}",
            "^a*", "(?:.*)$", "\\d*",
        ] {
            assert!(regular(pattern), "{pattern}");
        }
        for pattern in
            ["a", "^a*$", "a.*", "\\.", "(a)", "[*]", "a+", "x{1,3}", "^(a|b)?$", "(", "a\\", "\\$"]
        {
            assert!(!regular(pattern), "{pattern}");
        }
    }
}
