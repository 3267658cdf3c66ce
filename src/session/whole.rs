//! What is shown of a line that ends a statement begun on others.
#![forbid(unsafe_code)]

/// Returns the first of the statements that a line sends, from its beginning, and the line; or the
/// line alone, where all of it stands there.
#[must_use]
pub fn whole(line: String, statements: &[String]) -> String {
    let Some(first) = statements.first().map(|first| first.trim()) else { return line };
    let end = first.lines().last().unwrap_or_default();
    if line.contains(first) || !first.contains('\n') {
        return line;
    }
    match line.trim_start().strip_prefix(end).filter(|_| !end.is_empty()) {
        Some(rest) => format!("{first}{rest}"),
        None => format!("{first}\n{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn what_stands_on_earlier_lines_is_put_before() {
        let statement = "delete\nfrom families\n;".to_owned();
        for (line, statements, expected) in [
            (";", vec![statement.clone()], "delete\nfrom families\n;"),
            ("; select 1;", vec![statement], "delete\nfrom families\n; select 1;"),
            ("\\watch 1", vec!["delete\nfrom t".to_owned()], "delete\nfrom t\n\\watch 1"),
            ("delete from t;", vec!["delete from t".to_owned()], "delete from t;"),
            ("delete from t \\watch", vec!["delete from t".to_owned()], "delete from t \\watch"),
            ("\\! ls", vec![], "\\! ls"),
        ] {
            assert_eq!(whole(line.to_owned(), &statements), expected);
        }
    }
}
