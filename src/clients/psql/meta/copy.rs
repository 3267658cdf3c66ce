//! `\copy`: a COPY of psql's own, and a file of this machine's.
#![forbid(unsafe_code)]

use super::Meta;

/// Returns the COPY that psql sends for the arguments of a `\copy`; none where they are not
/// understood.
#[must_use]
pub fn sent(args: &str) -> Option<String> {
    let direction = direction(args)?;
    let (what, rest) = args.split_at(direction.start);
    let (word, rest) = rest.split_at(direction.len());
    let (file, rest) = file(rest)?;
    let (_, options) =
        if file.eq_ignore_ascii_case("program") { self::file(rest)? } else { (file, rest) };
    let end = if word.eq_ignore_ascii_case("from") { "FROM STDIN" } else { "TO STDOUT" };
    let text = format!("COPY {} {end} {}", what.trim(), options.trim().trim_end_matches(';'));
    Some(text.trim_end().to_owned())
}

/// Cuts off the name of a file, or a word in its place.
fn file(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = match text.strip_prefix('\'') {
        Some(quoted) => quoted.find('\'')? + 2,
        None => text.find(|c: char| c.is_ascii_whitespace() || c == ';').unwrap_or(text.len()),
    };
    (end > 0).then(|| text.split_at(end))
}

/// Tells whether the arguments of `\copy` say PROGRAM outside quotes.
#[must_use]
pub fn runs_program(args: &str) -> bool {
    let mut quote = None;
    let bare: String = args
        .chars()
        .map(|c| match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                ' '
            }
            (Some(open), _) => {
                if c == open {
                    quote = None;
                }
                ' '
            }
            (None, _) => c,
        })
        .collect();
    bare.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|word| word.eq_ignore_ascii_case("program"))
}

/// Tells whether a `\copy` takes its data from the lines that follow, or from standard input.
#[must_use]
pub fn takes_data(meta: &Meta) -> bool {
    let words: Vec<&str> = meta.args.iter().flat_map(|arg| arg.split_whitespace()).collect();
    meta.name == "copy"
        && words.windows(2).any(|pair| {
            let source = ["stdin", "pstdin"].iter().any(|name| pair[1].eq_ignore_ascii_case(name));
            pair[0].eq_ignore_ascii_case("from") && source
        })
}

/// Finds the FROM or TO behind what is copied: a query in brackets, or a name and its columns.
fn direction(args: &str) -> Option<std::ops::Range<usize>> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut word = None;
    for (at, c) in args.char_indices() {
        if quote.is_some() {
            quote = quote.filter(|&open| open != c);
            continue;
        }
        if depth == 0 && !(c.is_ascii_whitespace() || "(),.\"'".contains(c)) {
            word.get_or_insert(at);
            continue;
        }
        let ended = word.take().map(|from| from..at);
        let is_direction = |range: &std::ops::Range<usize>| {
            range.start > 0
                && ["from", "to"].iter().any(|&one| args[range.clone()].eq_ignore_ascii_case(one))
        };
        if let Some(found) = ended.filter(is_direction) {
            return Some(found);
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '"' | '\'' => quote = Some(c),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sent_as_a_copy() {
        for (args, expected) in [
            ("t from stdin", Some("COPY t FROM STDIN")),
            ("t FROM pstdin (format binary);", Some("COPY t FROM STDIN (format binary)")),
            (
                "s.t (a, \"from\") from 'a b.csv' csv header",
                Some("COPY s.t (a, \"from\") FROM STDIN csv header"),
            ),
            ("(select a from t) to out.csv", Some("COPY (select a from t) TO STDOUT")),
            (
                "(delete from t returning ')') to stdout",
                Some("COPY (delete from t returning ')') TO STDOUT"),
            ),
            ("binary t from /tmp/x", Some("COPY binary t FROM STDIN")),
            ("\"to\" to x", Some("COPY \"to\" TO STDOUT")),
            ("t from program 'x y' csv", Some("COPY t FROM STDIN csv")),
            (
                "(delete from t returning a) to pRoGram 'x'",
                Some("COPY (delete from t returning a) TO STDOUT"),
            ),
            ("t from program", None),
            ("t from 'torn", None),
            ("t from", None),
            ("t", None),
            ("", None),
        ] {
            assert_eq!(sent(args).as_deref(), expected, "{args}");
        }
    }
}
