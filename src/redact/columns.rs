//! Values that an INSERT gives to columns whose names say what they are.

use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;

use super::is_mark;
use super::pattern::is_value;

/// The list of columns, up to the first row.
const INTO: &str =
    r"(?i)\b(?:insert|replace)\s+(?:[a-z_]+\s+)*into\b[^;()]*\(([^()]*)\)[^;()']*\bvalues?\s*\(";

/// A column that holds passwords as they are typed, quoted or not; one of hashes goes by another name.
const NAME: &str =
    r#"(?i)^\s*["`\[]?(?:[a-z_0-9]*_)?(?:password|passwd|pwd|passphrase)["`\]]?\s*$"#;

/// Finds them. Without a list of columns a value cannot be told from any other.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let (into, name) = patterns();
    let mut found = Vec::new();
    for captures in into.captures_iter(text) {
        let columns = captures.get(1).map_or("", |columns| columns.as_str());
        let secret: Vec<bool> = columns.split(',').map(|column| name.is_match(column)).collect();
        if !secret.contains(&true) {
            continue;
        }
        let mut at = captures.get_match().end();
        while let Some((values, end)) = row(text, at) {
            let secrets =
                values.into_iter().zip(&secret).filter_map(|(value, is)| value.filter(|_| *is));
            found.extend(secrets.filter(|range| {
                let value = &text[range.clone()];
                !value.is_empty() && !is_mark(value.as_bytes()) && is_value(value)
            }));
            let Some(next) = next_row(text, end) else { break };
            at = next;
        }
    }
    found
}

fn patterns() -> &'static (Regex, Regex) {
    static PATTERNS: OnceLock<(Regex, Regex)> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let compiled = |pattern| Regex::new(pattern).expect("a test compiles it");
        (compiled(INTO), compiled(NAME))
    })
}

/// Reads a row from behind its bracket: the first string of each value, and where the row ends. A
/// row that is torn ends with the text.
fn row(text: &str, from: usize) -> Option<(Vec<Option<Range<usize>>>, usize)> {
    let bytes = text.as_bytes();
    let (mut values, mut depth, mut at) = (vec![None], 0_usize, from);
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                let end = string_end(bytes, at + 1, quote);
                if let Some(value @ None) = values.last_mut() {
                    *value = Some(at + 1..end);
                }
                at = end;
            }
            b'(' | b'[' => depth += 1,
            b')' if depth == 0 => return Some((values, at + 1)),
            b')' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => values.push(None),
            _ => {}
        }
        at += 1;
    }
    (at > from).then_some((values, text.len()))
}

/// Returns where a string ends: at its quote, or with the text.
fn string_end(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == quote => match bytes.get(at + 1) {
                Some(next) if *next == quote => at += 1,
                _ => return at,
            },
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Returns where the next row begins, behind its bracket.
fn next_row(text: &str, from: usize) -> Option<usize> {
    let rest = text[from..].trim_start().strip_prefix(',')?;
    let row = rest.trim_start().strip_prefix('(')?;
    Some(text.len() - row.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_by_the_names_of_their_columns() {
        for (text, expected) in [
            ("insert into users(name,password) values('x','hunter2')", &["hunter2"][..]),
            (
                "INSERT INTO app.users (\"Password\", id) OVERRIDING SYSTEM VALUE VALUES\n ('a''b', 1), ('c,(d', f(2, 3)) ON CONFLICT DO NOTHING",
                &["a''b", "c,(d"],
            ),
            ("insert ignore into u (id, db_passwd) value (1, concat('a', 'b'))", &["a"]),
            ("replace into u (pwd) values ('torn", &["torn"]),
            ("insert into u (password) values ('a\\", &["a\\"]),
            ("insert into u (id, password) values (1, $1), (2, null), (3, '')", &[]),
            ("insert into u (password_hash, password_changed) values ('abc', now())", &[]),
            ("insert into u (id, password) select 1, 'x'", &[]),
            ("insert into u values ('x', 'password')", &[]),
            ("insert into u (password) values (", &[]),
        ] {
            let found: Vec<&str> = secrets(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
