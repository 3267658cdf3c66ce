//! The words of what statements printed, so that the begin of one is asked for as the words that it
//! may become.
//!
//! The text index merges the lists of all words that begin so before it answers, however few are
//! wanted; those of whole words it reads newest first, until there are enough.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use rusqlite::Connection;

use super::terms::{Terms, quote};

/// Begins that are shorter, in bytes, have lists of their own in the text index.
const SHORTEST: usize = 4;

/// So much of a word is kept, in bytes.
const LONGEST: usize = 64;

/// What is no shorter may be the begin of a word that was cut at the end of a character.
const CUT: usize = LONGEST - char::MAX.len_utf8() + 1;

/// If a begin may become more words than this, each of them is rare, and their lists are short.
const MOST_WORDS: usize = 64;

/// Words that are remembered as written; a few more writes cost less than more memory.
const MOST_KNOWN: usize = 1 << 17;

/// Keeps the words of texts, each once.
#[derive(Default)]
pub(super) struct Words {
    /// Words that were written in this transaction, by their hash.
    known: HashSet<u64>,
    hasher: RandomState,
}

impl Words {
    /// Keeps the words of a text.
    pub(super) fn add(&mut self, connection: &Connection, text: &str) -> rusqlite::Result<()> {
        let mut insert =
            connection.prepare_cached("INSERT OR IGNORE INTO output_words (word) VALUES (?1)")?;
        let text = text.to_ascii_lowercase();
        for word in words(&text) {
            if self.known.len() >= MOST_KNOWN {
                self.known.clear();
            }
            if self.known.insert(self.hasher.hash_one(word)) {
                insert.execute([word])?;
            }
        }
        Ok(())
    }
}

/// Returns the question to the text index for outputs that have all words, each as a phrase whose
/// last part may go on, unless a sign ends it. None if a word is in no output, or none is asked for.
pub(super) fn question(connection: &Connection, terms: &Terms) -> rusqlite::Result<Option<String>> {
    let mut phrases = Vec::new();
    for word in terms.words().filter(|word| word.contains(char::is_alphanumeric)) {
        let Some(phrase) = phrase(connection, word)? else { return Ok(None) };
        phrases.push(phrase);
    }
    Ok((!phrases.is_empty()).then(|| phrases.join(" AND ")))
}

fn phrase(connection: &Connection, typed: &str) -> rusqlite::Result<Option<String>> {
    if typed.ends_with(is_between) {
        return Ok(Some(quote(typed)));
    }
    let begin = typed.rsplit(is_between).next().unwrap_or(typed);
    if !(SHORTEST..CUT).contains(&begin.len()) || !begin.is_ascii() {
        return Ok(Some(quote(typed) + "*"));
    }
    let mut select = connection.prepare_cached(
        "SELECT word FROM output_words WHERE word >= ?1 AND word < ?1 || char(0x10ffff) LIMIT ?2",
    )?;
    let rows = select.query_map((begin, MOST_WORDS as i64 + 1), |row| row.get(0))?;
    let words: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    if words.len() > MOST_WORDS {
        return Ok(Some(quote(typed) + "*"));
    }
    let before = &typed[..typed.len() - begin.len()];
    let phrases: Vec<String> = words
        .iter()
        .map(|word| {
            let goes_on = if word.len() < CUT { "" } else { "*" };
            quote(&format!("{before}{word}")) + goes_on
        })
        .collect();
    Ok((!phrases.is_empty()).then(|| format!("({})", phrases.join(" OR "))))
}

/// Returns all that may be words of a text, from their first ASCII letter or digit on.
///
/// Which other signs are letters is for the text index to say: what stands between two ASCII signs
/// that are none is kept whole, and from each place where a word may begin.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_between)
        .flat_map(|run| {
            let is_begin = |at: usize| at == 0 || !run.as_bytes()[at - 1].is_ascii();
            let begins =
                (0..run.len()).filter(move |&at| run.as_bytes()[at].is_ascii() && is_begin(at));
            begins.map(|at| &run[at..run.floor_char_boundary(at + LONGEST)])
        })
        .filter(|word| word.len() >= SHORTEST)
}

fn is_between(sign: char) -> bool {
    sign.is_ascii() && !sign.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::store::{migrate, terms};

    fn index(texts: &[impl AsRef<str>]) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::migrate(&mut connection, Path::new("")).unwrap();
        let mut words = Words::default();
        for (id, text) in (1_i64..).zip(texts) {
            let insert = "INSERT INTO outputs_text (rowid, text) VALUES (?1, ?2)";
            connection.execute(insert, (id, text.as_ref())).unwrap();
            words.add(&connection, text.as_ref()).unwrap();
        }
        connection
    }

    fn ask(connection: &Connection, question: Option<String>) -> Vec<i64> {
        let Some(question) = question else { return Vec::new() };
        let sql = "SELECT rowid FROM outputs_text WHERE outputs_text MATCH ?1 ORDER BY rowid";
        let mut select = connection.prepare(sql).unwrap();
        select.query_map([question], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn found(connection: &Connection, typed: &str) -> Vec<i64> {
        ask(connection, question(connection, &Terms::new(typed)).unwrap())
    }

    #[test]
    fn a_begin_is_asked_for_as_the_words_it_may_become() {
        let connection = index(&["the customer, CUSTOMERS", "custom-made é—customs id", "cust_id"]);
        let asked = |typed| question(&connection, &Terms::new(typed)).unwrap();
        let words = r#"("custom" OR "customer" OR "customers" OR "customs")"#;
        assert_eq!(asked("custom").unwrap(), words);
        assert_eq!(asked("customer-").unwrap(), r#""customer-""#, "a sign ends a word");
        assert_eq!(asked("cus id").unwrap(), r#""cus"* AND "id"*"#, "the index has short ones");
        assert_eq!(asked("the customx id"), None, "nothing more is asked where one is nowhere");
        assert_eq!(asked("= ()"), None);
        for (typed, expected) in [
            ("custom", &[1, 2][..]),
            ("the.customer", &[1]),
            ("(customs", &[2]),
            ("customer.", &[1]),
            ("cust", &[1, 2, 3]),
            ("customx", &[]),
        ] {
            assert_eq!(found(&connection, typed), expected, "{typed}");
        }
    }

    #[test]
    fn a_word_may_be_long_and_one_of_many() {
        let long = "x".repeat(LONGEST + 9);
        let many: Vec<String> = (0..=MOST_WORDS).map(|n| format!("word{n}")).collect();
        let connection = index(&[&long, &many.join(" ")]);
        for length in SHORTEST..=long.len() {
            assert_eq!(found(&connection, &long[..length]), [1], "{length}");
        }
        assert_eq!(found(&connection, "xxxxxy"), [0; 0]);
        assert_eq!(found(&connection, "word"), [2]);
    }

    proptest! {
        #[test]
        fn the_text_index_would_find_the_same_by_begins(
            texts in proptest::collection::vec("[abAé—.K\u{301}家 ]{0,40}", 1..8),
            typed in "[abAé.家]{0,3}[ab]{1,6}",
            from in 0_usize..40,
        ) {
            let connection = index(&texts);
            let part: String = texts[0].chars().skip(from).take(8).collect();
            for typed in [typed, part] {
                for word in typed.split_whitespace().filter(|word| !word.ends_with(is_between)) {
                    let has_any = word.contains(char::is_alphanumeric);
                    let by_begin = has_any.then(|| terms::quote(&word.to_lowercase()) + "*");
                    prop_assert_eq!(found(&connection, word), ask(&connection, by_begin), "{}", word);
                }
            }
        }
    }
}
