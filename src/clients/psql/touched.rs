//! How many rows a statement touched, where no prompt tells: as the command tag behind it does.

/// No command tag is longer.
const TAG_BYTES: usize = 64;

/// Statements whose tags count rows that are there or are gone.
const VERBS: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];

/// What was printed since a question, as far as a tag may stand there.
#[derive(Debug, Default)]
pub(super) struct Touched {
    verb: Option<&'static str>,
    next: Option<&'static str>,
    tail: Vec<u8>,
}

impl Touched {
    /// Takes note of the statement that is asked about: the one before it has ended.
    pub(super) fn asked(&mut self, text: &str) {
        let upper = text.to_ascii_uppercase();
        // Rows come before the tag, and with some options nothing tells them from it.
        let has_rows = upper.contains("RETURNING");
        let is_word = |rest: &str| rest.starts_with(|c: char| c.is_ascii_whitespace());
        let begins = |verb: &&str| upper.trim_start().strip_prefix(verb).is_some_and(is_word);
        self.next = VERBS.into_iter().find(begins).filter(|_| !has_rows);
    }

    /// Takes what was printed.
    pub(super) fn printed(&mut self, shown: &[u8]) {
        self.tail.extend_from_slice(&shown[shown.len().saturating_sub(TAG_BYTES)..]);
        let extra = self.tail.len().saturating_sub(TAG_BYTES);
        self.tail.drain(..extra);
    }

    /// Returns what the statement that has ended touched, and goes on to the next.
    pub(super) fn ended(&mut self) -> Option<u64> {
        let rows = self.verb.and_then(|verb| rows(verb, &self.tail));
        self.verb = self.next.take();
        self.tail.clear();
        rows
    }
}

/// Reads a tag that ends a text: `DELETE 3`, `INSERT 0 3`.
fn rows(verb: &str, text: &[u8]) -> Option<u64> {
    let line = std::str::from_utf8(text).ok()?.trim_end_matches(['\r', '\n']).lines().last()?;
    let numbers = line.strip_prefix(verb)?.strip_prefix(' ')?;
    let rows = if verb == "INSERT" { numbers.strip_prefix("0 ")? } else { numbers };
    rows.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_the_statement_itself_counts() {
        for (text, printed, expected) in [
            ("delete from a", "DELETE 3\n", Some(3)),
            ("\n INSERT\tINTO a", "x\r\nINSERT 0 12\r\n", Some(12)),
            ("update a set b = 1", "UPDATE 0\n", Some(0)),
            ("update a set b = 1", "DELETE 3\n", None),
            ("update a set b = 1", "", None),
            ("delete from a returning b", "DELETE 3\n", None),
            ("select 'DELETE 3'", "DELETE 3\n", None),
            ("-- gone\ndelete from a", "DELETE 3\n", None),
            ("delete from a", "DELETE 3\nNOTICE: no\n", None),
        ] {
            let mut touched = Touched::default();
            touched.asked(text);
            assert_eq!(touched.ended(), None);
            for byte in printed.as_bytes().chunks(1) {
                touched.printed(byte);
            }
            assert_eq!(touched.ended(), expected, "{text}: {printed}");
            assert_eq!(touched.ended(), None, "once");
        }
    }
}
