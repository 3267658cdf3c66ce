//! How a statement went, where no prompt tells: as its command tag does, or its error.

use crate::clients::Went;

/// No command tag is longer.
const TAG_BYTES: usize = 64;

/// So much of what a statement printed is looked at for its error, which comes first but for notices.
const HEAD_BYTES: usize = 4 << 10;

/// So much of an error is kept.
const ERROR_LETTERS: usize = 200;

/// Statements whose tags count rows that are there or are gone.
const VERBS: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];

/// Statements that print rows of their own, which may look like anything.
const QUERIES: [&str; 11] = [
    "SELECT", "WITH", "TABLE", "VALUES", "SHOW", "EXPLAIN", "FETCH", "EXECUTE", "CALL", "COPY", "(",
];

/// What was printed since a question, as far as a tag or an error may stand there.
#[derive(Debug, Default)]
pub(super) struct Tags {
    now: Option<Statement>,
    next: Option<Statement>,
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// What is known of a statement that has one.
#[derive(Debug)]
struct Statement {
    verb: Option<&'static str>,
    /// Its first word.
    word: String,
}

impl Tags {
    /// Takes note of the statement that is asked about: the one before it has ended.
    pub(super) fn asked(&mut self, text: &str) {
        let upper = text.to_ascii_uppercase();
        let begin = without_comments(&upper);
        let end = begin.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(begin.len());
        let word = &begin[..end.max(usize::from(begin.starts_with('(')))];
        // Rows come before the tag, and with some options nothing tells them from it.
        let has_rows = upper.contains("RETURNING") || QUERIES.contains(&word);
        let verb = VERBS.into_iter().find(|verb| *verb == word);
        self.next = (!has_rows).then(|| Statement { verb, word: word.to_owned() });
    }

    /// Takes what was printed.
    pub(super) fn printed(&mut self, shown: &[u8]) {
        self.tail.extend_from_slice(&shown[shown.len().saturating_sub(TAG_BYTES)..]);
        let extra = self.tail.len().saturating_sub(TAG_BYTES);
        self.tail.drain(..extra);
        if self.now.is_some() {
            let room = HEAD_BYTES - self.head.len();
            self.head.extend_from_slice(&shown[..shown.len().min(room)]);
        }
    }

    /// Returns how the statement that has ended went, and goes on to the next.
    pub(super) fn ended(&mut self) -> Went {
        let went = self.now.take().map(|statement| {
            let tag = std::str::from_utf8(&self.tail).ok().and_then(last_line).unwrap_or_default();
            let rows = statement.verb.and_then(|verb| rows(verb, tag));
            let error = error(&String::from_utf8_lossy(&self.head));
            let is_silent = error.is_none() && !statement.is_tag(tag);
            Went { rows, error, is_silent }
        });
        self.now = self.next.take();
        self.head.clear();
        self.tail.clear();
        went.unwrap_or_default()
    }
}

impl Statement {
    /// Tells whether a line is its command tag.
    fn is_tag(&self, line: &str) -> bool {
        let word = match self.word.as_str() {
            "END" => "COMMIT",
            "ABORT" => "ROLLBACK",
            word => word,
        };
        line.strip_prefix(word).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(' ') && !rest.contains(|c: char| c.is_lowercase())
        })
    }
}

/// Takes comments and blanks off the begin.
fn without_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix("--") {
        rest = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

fn last_line(text: &str) -> Option<&str> {
    text.trim_end_matches(['\r', '\n']).lines().last()
}

/// Reads a tag: `DELETE 3`, `INSERT 0 3`.
fn rows(verb: &str, line: &str) -> Option<u64> {
    let numbers = line.strip_prefix(verb)?.strip_prefix(' ')?;
    let rows = if verb == "INSERT" { numbers.strip_prefix("0 ")? } else { numbers };
    rows.parse().ok()
}

/// Finds the error among what was printed, as the client writes it: `ERROR:  …`, in a file with the
/// line before it.
fn error(printed: &str) -> Option<String> {
    printed.lines().find_map(|line| {
        let message = match line.strip_prefix("psql:") {
            Some(rest) => rest.split_once(": ").map_or("", |(_, message)| message),
            None => line,
        };
        let said = ["ERROR", "FATAL", "PANIC"]
            .into_iter()
            .find_map(|severity| message.strip_prefix(severity)?.strip_prefix(":  "))?;
        Some(said.chars().take(ERROR_LETTERS).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_statement_itself_printed_counts() {
        let silent = Went { is_silent: true, ..Went::default() };
        let rows = |rows| Went { rows: Some(rows), ..Went::default() };
        let error = |error: &str| Went { error: Some(error.to_owned()), ..Went::default() };
        for (text, printed, expected) in [
            ("delete from a", "DELETE 3\n", rows(3)),
            ("\n INSERT\tINTO a", "x\r\nINSERT 0 12\r\n", rows(12)),
            ("update a set b = 1", "UPDATE 0\n", rows(0)),
            ("-- gone\ndelete from a", "DELETE 3\n", rows(3)),
            ("update a set b = 1", "DELETE 3\n", silent.clone()),
            ("update a set b = 1", "", silent.clone()),
            ("drop table a", "NOTICE:  drop cascades\nDROP TABLE\r\n", Went::default()),
            ("drop table a", "DROP of water\n", silent.clone()),
            ("end", "COMMIT\n", Went::default()),
            ("commit", "ROLLBACK\n", silent),
            (
                "delete from a",
                "ERROR:  relation \"a\" does not exist\r\nLINE 1",
                error("relation \"a\" does not exist"),
            ),
            ("delete from a", "psql:a b.sql:2: ERROR:  no\n", error("no")),
            ("delete from a", "NOTICE:  first\nERROR:  then\n", error("then")),
            ("delete from a returning b", "DELETE 3\n", Went::default()),
            ("select 'DELETE 3'", "ERROR:  a row\n", Went::default()),
        ] {
            let mut tags = Tags::default();
            tags.asked(text);
            assert_eq!(tags.ended(), Went::default());
            for byte in printed.as_bytes().chunks(1) {
                tags.printed(byte);
            }
            assert_eq!(tags.ended(), expected, "{text}: {printed}");
            assert_eq!(tags.ended(), Went::default(), "once");
        }
    }
}
