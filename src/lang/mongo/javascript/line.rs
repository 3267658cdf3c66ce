//! Lines that are for the shell and no JavaScript, and words in text that is neither.

use std::borrow::Cow;

use memchr::memchr_iter;

/// What the shell takes as the first word of a line, with something behind it.
const COMMANDS: &[&str] = &["show", "use"];

/// Words that make text nobody can read worth a hold: they are parts of the names of methods.
const DESTRUCTIVE: &[&str] = &[
    "bulkwrite",
    "convert",
    "delete",
    "drop",
    "killop",
    "remove",
    "rename",
    "replace",
    "shutdown",
    "update",
    "$merge",
    "$out",
];

/// The shell's own lines of a text.
#[derive(Debug, Default)]
pub(super) struct Lines<'t> {
    /// Where each stands.
    commands: Vec<std::ops::Range<usize>>,
    /// From where on which database is meant.
    uses: Vec<(usize, &'t str)>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut lines = Self::default();
        let mut start = 0;
        for end in memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
            let line = text[start..end].trim().trim_end_matches(';');
            let mut words = line.split_ascii_whitespace();
            if let (Some(first), Some(second)) = (words.next(), words.next())
                && COMMANDS.contains(&first)
                && second.starts_with(|c: char| c.is_alphanumeric() || "_$-".contains(c))
            {
                lines.commands.push(start..end);
                if first == "use" {
                    lines.uses.push((start, second));
                }
            }
            start = end + 1;
        }
        lines
    }

    /// Returns the text without them; every place in it is still the same.
    pub(super) fn blanked(&self, text: &'t str) -> Cow<'t, str> {
        if self.commands.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut blanked = String::with_capacity(text.len());
        let mut at = 0;
        for command in &self.commands {
            blanked.push_str(&text[at..command.start]);
            blanked.extend(std::iter::repeat_n(' ', command.len()));
            at = command.end;
        }
        blanked.push_str(&text[at..]);
        Cow::Owned(blanked)
    }

    /// Returns the database that is meant at a place, if a line before it says so.
    pub(super) fn database_at(&self, place: usize) -> Option<&'t str> {
        let before = self.uses.partition_point(|(start, _)| *start <= place);
        before.checked_sub(1).map(|last| self.uses[last].1)
    }
}

/// Tells whether a destructive word stands outside strings and comments.
pub(super) fn has_destructive_word(text: &str) -> bool {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(at) = rest.find(['"', '\'', '`', '/']) {
        code.push_str(&rest[..at]);
        let quote = &rest[at..=at];
        let behind = &rest[at + 1..];
        let end = match (quote, behind.as_bytes().first()) {
            ("/", Some(b'/')) => Some(behind.find('\n').unwrap_or(behind.len())),
            ("/", Some(b'*')) => Some(behind.find("*/").map_or(behind.len(), |end| end + 2)),
            ("/", _) => None,
            // What is not closed on its line is no string.
            ("`", _) => behind.find('`').map(|end| end + 1),
            _ => behind.lines().next().and_then(|line| line.find(quote)).map(|end| end + 1),
        };
        code.push(' ');
        rest = &behind[end.unwrap_or(0)..];
    }
    code.push_str(rest);
    let low = code.to_ascii_lowercase();
    DESTRUCTIVE.iter().any(|word| low.contains(word))
}
