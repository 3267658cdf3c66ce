//! The person's own patterns, in texts and in output.
//!
//! Nobody knows how what they match begins, so with any of them output is looked through line by
//! line: a line is given when its end has come.

use std::sync::OnceLock;

use regex::Regex;
use regex::bytes::Regex as BytesRegex;

use super::{is_mark, with_marks};

/// Of a line that is longer, each part of so many bytes is looked through alone.
const LINE_BYTES: usize = 64 << 10;

/// What is replaced, and by what.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) kind: &'static str,
    pattern: BytesRegex,
}

static OWN: OnceLock<Vec<Own>> = OnceLock::new();

/// Adds the person's own patterns, once for the whole process: kind and regular expression. What
/// a pattern matches is replaced whole, or its first group where it has one. One that does not
/// compile is left out; the configuration has complained of it.
pub fn set_own<'a>(patterns: impl Iterator<Item = (&'a str, &'a str)>) {
    // A second set changes nothing: there is one configuration.
    drop(OWN.set(patterns.filter_map(|(kind, pattern)| Own::new(kind, pattern)).collect()));
}

/// Returns the patterns.
pub(super) fn own() -> &'static [Own] {
    OWN.get().map_or(&[], Vec::as_slice)
}

impl Own {
    fn new(kind: &str, pattern: &str) -> Option<Self> {
        // One that is good for text matches whole characters, whatever it is run on.
        Regex::new(pattern).ok()?;
        let pattern = BytesRegex::new(pattern).ok()?;
        // A handful of words that live as long as the process.
        Some(Self { kind: Box::leak(kind.to_owned().into_boxed_str()), pattern })
    }

    /// Replaces what it finds; none if that is nothing.
    pub(super) fn replace(&self, text: &[u8]) -> Option<Vec<u8>> {
        let found = self.pattern.captures_iter(text);
        let found = found.filter_map(|captures| captures.get(1).or_else(|| captures.get(0)));
        let places: Vec<_> = found
            .filter(|found| !found.is_empty() && !is_mark(found.as_bytes()))
            .map(|found| (self.kind, found.range()))
            .collect();
        (!places.is_empty()).then(|| with_marks(text, &places))
    }
}

/// Takes what the patterns match out of lines, as they come.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// A line whose end has not come.
    begun: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes; returns the lines that have ended by now, without what is secret.
    pub(super) fn feed(&mut self, own: &[Own], bytes: &[u8]) -> Vec<u8> {
        let mut clean = Vec::new();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let mut line = line;
            while self.begun.len() + line.len() > LINE_BYTES {
                let (part, rest) = line.split_at(LINE_BYTES - self.begun.len());
                self.begun.extend_from_slice(part);
                clean.append(&mut self.end(own));
                line = rest;
            }
            self.begun.extend_from_slice(line);
            if self.begun.ends_with(b"\n") {
                clean.append(&mut self.end(own));
            }
        }
        clean
    }

    /// Returns the line that has begun: nothing goes on behind it.
    pub(super) fn end(&mut self, own: &[Own]) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.begun);
        for pattern in own {
            line = pattern.replace(&line).unwrap_or(line);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(kind: &str, pattern: &str) -> Own {
        Own::new(kind, pattern).expect("compiles")
    }

    #[test]
    fn the_first_group_is_replaced_or_all() {
        for (pattern, text, clean) in [
            (
                "badge ([0-9]+)",
                "badge 12, badge 3",
                Some("badge [redacted:own], badge [redacted:own]"),
            ),
            ("badge ([0-9]+)", "badge [redacted:own]", None),
            ("k-[a-zé]+", "k-abcé!", Some("[redacted:own]!")),
            ("x*", "ab", None),
        ] {
            let found = own("own", pattern).replace(text.as_bytes());
            let found = found.map(|found| String::from_utf8(found).expect("whole characters"));
            assert_eq!(found.as_deref(), clean, "{text}");
        }
        assert!(Own::new("own", "(").is_none());
    }

    #[test]
    fn lines_lose_what_is_secret_however_they_are_cut() {
        let own = [own("badge", r"BADGE-\d{6}"), own("name", "(?i)agent ([a-z]+)")];
        let text = b"a BADGE-123456\r\n\xff BADGE-1 agent Ann\nBADGE-654321> ";
        let expected =
            b"a [redacted:badge]\r\n\xff BADGE-1 agent [redacted:name]\n[redacted:badge]> ";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut clean = lines.feed(&own, &text[..cut]);
            clean.append(&mut lines.feed(&own, &text[cut..]));
            clean.append(&mut lines.end(&own));
            assert_eq!(clean, expected, "cut at {cut}");
        }
        // A line without an end is not kept for ever.
        let mut lines = Lines::default();
        let long = vec![b'x'; 3 * LINE_BYTES + 7];
        assert_eq!(lines.feed(&own, &long).len() + lines.end(&own).len(), long.len());
    }
}
