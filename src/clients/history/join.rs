//! Several lines as one, where that surely means the same.
#![forbid(unsafe_code)]

/// What ends a line that goes on in the next, and what begins a line that goes on from the one
/// before, in languages where a newline can end a statement.
const GOES_ON: (&[char], &[char]) = (
    &['{', '(', '[', ',', ';', ':', '?', '.', '=', '+', '*', '&', '|', '<', '>'],
    &['}', ')', ']', '.', ',', ';', '?', ':', '=', '*', '&', '|', '<', '>'],
);

/// Joins lines of a language in which a newline is a blank; none where a comment or a string may
/// reach over it.
pub(super) fn blanks(text: &str) -> Option<String> {
    let is_unsure = text.contains("--") || text.contains('#') || has_open_quote(text);
    (!is_unsure).then(|| trimmed(text))
}

/// Joins lines of a language in which a newline may end a statement; none unless each of them
/// surely does not.
pub(super) fn careful(text: &str) -> Option<String> {
    if text.contains("//") || text.contains('`') || has_open_quote(text) {
        return None;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let goes_on =
        lines.windows(2).all(|pair| pair[0].ends_with(GOES_ON.0) || pair[1].starts_with(GOES_ON.1));
    goes_on.then(|| lines.join(" "))
}

fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Tells whether a line may end within quotes.
fn has_open_quote(text: &str) -> bool {
    ['\'', '"', '`']
        .iter()
        .any(|quote| text.lines().any(|line| !line.matches(*quote).count().is_multiple_of(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_is_joined_with_blanks() {
        let joined = blanks("select 1,\n  'a'\n  from t;").unwrap();
        assert_eq!(joined, "select 1, 'a' from t;");
        for unsure in ["select 1 -- one\n;", "select 1 # one\n;", "select 'a\nb';"] {
            assert_eq!(blanks(unsure), None, "{unsure}");
        }
    }

    #[test]
    fn javascript_is_joined_only_where_no_newline_ends_a_statement() {
        let joined = careful("db.orders.find({\n  a: 1,\n})\n  .limit(3)").unwrap();
        assert_eq!(joined, "db.orders.find({ a: 1, }) .limit(3)");
        assert_eq!(careful("function f() {\n  return 1\n}").unwrap(), "function f() { return 1 }");
        for unsure in ["f() {\n  a = 1\n  b = 2\n}", "x = `a\nb`", "f( // all\n)", "a\n++b"] {
            assert_eq!(careful(unsure), None, "{unsure}");
        }
    }
}
