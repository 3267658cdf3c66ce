//! What two statements share that differ only in their values, whatever their language.

/// Returns a text with `?` for its numbers, its strings in `'…'` and those in `"…"` behind a colon, and
/// for lists of them.
#[must_use]
pub fn pattern(text: &str) -> String {
    let (mut pattern, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let is_apart = !pattern.ends_with(|c: char| c.is_alphanumeric() || "_$.\"".contains(c));
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (length, is_value) = match first {
            '"' if !pattern.trim_end().ends_with(':') => (1, false),
            '\'' | '"' => (rest[1..].find(first).map_or(rest.len(), |at| at + 2), true),
            '0'..='9' if is_apart => (digits, true),
            c => (c.len_utf8(), false),
        };
        if is_value {
            let list = pattern.trim_end().strip_suffix(',').map(str::trim_end);
            if let Some(list) = list.filter(|list| list.ends_with('?')) {
                pattern.truncate(list.len());
            }
            if !pattern.ends_with('?') {
                pattern.push('?');
            }
        } else {
            pattern.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn values_are_left_out_and_nothing_else() {
        for (text, expected) in [
            ("delete from t1 where id = 17", "delete from t1 where id = ?"),
            ("where a = 'it''s' and b2 > 1.5", "where a = ? and b2 > ?"),
            ("where id in (1, 2,3) or x in ('a', 'b')", "where id in (?) or x in (?)"),
            ("where c1 = 1 and a like 'b", "where c1 = ? and a like ?"),
            ("where f(a, 1)", "where f(a, ?)"),
            ("{\"a\": 1, \"b\": {\"$oid\": \"x1\"}}", "{\"a\": ?, \"b\": {\"$oid\": ?}}"),
            ("", ""),
        ] {
            assert_eq!(pattern(text), expected);
        }
    }
}
