//! What a person types into a search, as words that must all be found, in any case, anywhere.
//!
//! There is no syntax: every sign stands for itself, so nothing that is typed can be wrong.

/// Trigrams of one word that are looked at.
const TRIGRAMS_PER_WORD: usize = 64;

/// Trigrams that narrow a search down; the rarest few say as much as all.
const MOST_TRIGRAMS: usize = 3;

/// The words of a search.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    words: Vec<Word>,
}

/// One word, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    is_ascii: bool,
}

impl Terms {
    /// Reads what was typed; blanks separate words.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let word = |word: &str| {
            let text = word.to_lowercase();
            let is_ascii = text.is_ascii();
            Word { text, is_ascii }
        };
        let mut words: Vec<Word> = typed.split_whitespace().map(word).collect();
        // The longest rules out most.
        words.sort_by_key(|word| std::cmp::Reverse(word.text.len()));
        words.dedup();
        Self { words }
    }

    /// Says whether there is no word, so that everything matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Says whether every text that has these words has the others, too, as far as one can tell
    /// without a text.
    #[must_use]
    pub(super) fn narrows(&self, others: &Self) -> bool {
        let is_part = |other: &Word| self.words.iter().any(|word| word.text.contains(&other.text));
        others.words.iter().all(is_part)
    }

    /// Says whether a text has every word somewhere.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let mut lower = None;
        self.words.iter().all(|word| {
            if word.is_ascii {
                return find_ascii(text.as_bytes(), word.text.as_bytes()).is_some();
            }
            lower.get_or_insert_with(|| text.to_lowercase()).contains(&word.text)
        })
    }

    /// Returns which bytes of a text are of a word, as ranges that neither touch nor overlap.
    ///
    /// Words that are not ASCII are found only in the case they are given in: it is for the eye.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = Vec::new();
        for word in &self.words {
            let mut from = 0;
            while let Some(at) = find_ascii(&text.as_bytes()[from..], word.text.as_bytes()) {
                places.push((from + at, from + at + word.text.len()));
                from += at + word.text.len();
            }
        }
        places.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (start, end) in places {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged
    }

    /// Returns the question to the index of trigrams: every text that has the words is in its
    /// answer, and few others are. None if the words are too short for it.
    ///
    /// `share` says how common a trigram is. The rarest one of each word is asked for, since those
    /// of one word mostly come together; then the rarest of the others.
    pub(super) fn trigrams(&self, share: impl Fn(&str) -> usize) -> Option<String> {
        let mut first = Vec::new();
        let mut others = Vec::new();
        for word in &self.words {
            let mut parts: Vec<(usize, &str)> = trigrams(&word.text)
                .take(TRIGRAMS_PER_WORD)
                .map(|part| (share(part), part))
                .collect();
            parts.sort_unstable();
            let mut parts = parts.into_iter();
            first.extend(parts.next());
            others.extend(parts);
        }
        first.sort_unstable();
        others.sort_unstable();
        let mut asked: Vec<&str> = Vec::new();
        for (_, part) in first.into_iter().chain(others) {
            if asked.len() < MOST_TRIGRAMS && !asked.contains(&part) {
                asked.push(part);
            }
        }
        let quoted: Vec<String> = asked.into_iter().map(quote).collect();
        (!quoted.is_empty()).then(|| quoted.join(" AND "))
    }

    /// Returns the words, in lower case.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.text.as_str())
    }

    /// Returns the words as one text that [`Terms::new`] reads again.
    pub(super) fn text(&self) -> String {
        self.words().collect::<Vec<_>>().join(" ")
    }
}

/// Returns all three characters in a row whose case we and SQLite are sure to see alike.
fn trigrams(word: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> =
        word.char_indices().map(|(at, _)| at).chain([word.len()]).collect::<Vec<_>>();
    let parts: Vec<&str> = starts.windows(4).map(|part| &word[part[0]..part[3]]).collect();
    parts.into_iter().filter(|part| part.chars().all(has_known_case))
}

/// Newer scripts with cases may be unknown to one of the two.
fn has_known_case(letter: char) -> bool {
    let is_cased = letter.is_lowercase() || letter.is_uppercase();
    // NUL ends a text for some of SQLite.
    letter != '\0' && (letter.is_ascii() || !is_cased || ('à'..='ÿ').contains(&letter))
}

/// Quotes a string for FTS5, where only the quote itself means anything.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\0', " ").replace('"', "\"\""))
}

/// Finds lower-case ASCII in any text, in any case.
fn find_ascii(text: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let last = text.len().checked_sub(needle.len())?;
    let upper = first.to_ascii_uppercase();
    let mut from = 0;
    while let Some(at) = memchr::memchr2(first, upper, &text[from..=last]) {
        let at = from + at;
        if text[at + 1..=at + rest.len()].eq_ignore_ascii_case(rest) {
            return Some(at);
        }
        from = at + 1;
        if from > last {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_in(typed: &str, text: &str) -> bool {
        Terms::new(typed).is_in(text)
    }

    #[test]
    fn words_are_found_anywhere_and_in_any_case() {
        let text = "SELECT name FROM users WHERE users.id = 3; -- Größe 家族";
        for typed in [
            "",
            "sel",
            "USERS.ID = 3;",
            "ser where",
            "größe",
            "GRÖSSE".get(..2).unwrap(),
            "家",
            "=",
        ] {
            assert!(is_in(typed, text), "{typed}");
        }
        for typed in ["users.id = 4", "\"users", "select deleted", "zz"] {
            assert!(!is_in(typed, text), "{typed}");
        }
        assert!(is_in("GRÖ", text) && !is_in("aaa", "aa"));
    }

    #[test]
    fn typing_on_asks_for_less() {
        let narrows = |one, other| Terms::new(one).narrows(&Terms::new(other));
        assert!(narrows("select del", "SEL de") && narrows("x", "") && narrows("ab ab", "ab"));
        assert!(!narrows("sel", "select") && !narrows("", "x") && !narrows("ab cd", "bc"));
    }

    #[test]
    fn places_are_merged() {
        assert_eq!(Terms::new("fam ami ies").places("FAMilies, fam"), [(0, 4), (5, 8), (10, 13)]);
        assert_eq!(Terms::new("").places("x"), []);
    }

    #[test]
    fn the_rarest_trigrams_are_asked_for() {
        let terms = Terms::new("select \"x\" or");
        let common = |part: &str| usize::from(part.starts_with('e') || part.starts_with('l'));
        assert_eq!(terms.trigrams(common).unwrap(), r#""""x""" AND "sel" AND "ect""#);
        assert_eq!(
            Terms::new("delete aaa").trigrams(|_| 0).unwrap(),
            r#""aaa" AND "del" AND "ele""#
        );
        assert_eq!(Terms::new("se or").trigrams(|_| 0), None);
        assert_eq!(Terms::new("ᲐᲑᲒ").trigrams(|_| 0), None, "SQLite may not know its lower case");
    }

    proptest! {
        #[test]
        fn a_part_of_a_text_is_in_it(text in "[a-zA-Z0-9 .;'\"=äé家\n]{0,40}", from in 0_usize..40) {
            let part: String = text.chars().skip(from).take(9).collect();
            prop_assert!(is_in(&part, &text), "{part:?}");
        }
    }
}
