//! Secrets that were found in statements, where the client shows them again.
//!
//! They are known to the letter by then, so it needs nothing around them to tell: in an error's
//! echo of the statement they stand within their quotes, in an editor they stand alone, with
//! colours around them. Anywhere else the same letters may be data.

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Secret, mark};

/// What puts an editor or a pager on the screen, and takes it off.
const SCREENS: [(&[u8], bool); 6] = [
    (b"\x1b[?1049h", true),
    (b"\x1b[?1047h", true),
    (b"\x1b[?47h", true),
    (b"\x1b[?1049l", false),
    (b"\x1b[?1047l", false),
    (b"\x1b[?47l", false),
];

/// What is shorter is a word of anything.
const SHORTEST: usize = 4;

/// What is shorter stands in an editor by chance.
const SHORTEST_ALONE: usize = 6;

/// What is longer is not looked for, so that little is kept back.
const LONGEST: usize = 256;

/// So many are looked for, the latest.
const MOST: usize = 64;

/// Takes known secrets out of a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Known {
    secrets: Vec<Secret>,
    /// Finds the screens, then each secret in its quotes, then each alone.
    finder: Option<AhoCorasick>,
    is_editor: bool,
    /// What may be the begin of one.
    held: Vec<u8>,
}

impl Known {
    /// Takes note of what was found in a statement.
    pub(super) fn learn(&mut self, secrets: Vec<Secret>) {
        let before = self.secrets.len();
        for (kind, secret) in secrets {
            let is_new = self.secrets.iter().all(|(_, known)| *known != secret);
            if is_new && (SHORTEST..=LONGEST).contains(&secret.len()) {
                self.secrets.push((kind, secret));
            }
        }
        if self.secrets.len() == before {
            return;
        }
        self.secrets.drain(..self.secrets.len().saturating_sub(MOST));
        let screens = SCREENS.iter().map(|(bytes, _)| bytes.to_vec());
        let quoted = self.secrets.iter().map(|(_, secret)| format!("'{secret}'").into_bytes());
        let alone = self.secrets.iter().map(|(_, secret)| secret.clone().into_bytes());
        let words = screens.chain(quoted).chain(alone);
        self.finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words).ok();
    }

    /// Takes the next bytes; gives what is safe by now to `to`, in order.
    pub(super) fn feed(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        let Some(finder) = &self.finder else { return to(bytes) };
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        let begun = text.len() - self.begun(&text);
        // The end of one may be the begin of another.
        let whole = finder.find_iter(&text).find(|one| one.start() < begun && one.end() > begun);
        self.held = text.split_off(whole.map_or(begun, |one| one.end()));
        self.take(&text, to);
    }

    /// Gives what is kept back: nothing goes on behind it.
    pub(super) fn end(&mut self, to: &mut dyn FnMut(&[u8])) {
        let text = std::mem::take(&mut self.held);
        self.take(&text, to);
    }

    fn take(&mut self, text: &[u8], to: &mut dyn FnMut(&[u8])) {
        let mut copied = 0;
        for found in self.finder.iter().flat_map(|finder| finder.find_iter(text)) {
            let row = found.pattern().as_usize();
            if let Some((_, is_editor)) = SCREENS.get(row) {
                self.is_editor = *is_editor;
                continue;
            }
            let row = row - SCREENS.len();
            let is_quoted = row < self.secrets.len();
            let is_alone = self.is_editor && found.len() >= SHORTEST_ALONE;
            if !(is_quoted || is_alone) {
                continue;
            }
            let quote = usize::from(is_quoted);
            to(&text[copied..found.start() + quote]);
            to(mark(self.secrets[row % self.secrets.len()].0).as_bytes());
            copied = found.end() - quote;
        }
        to(&text[copied..]);
    }

    /// Returns how many bytes at the end may be the begin of one.
    fn begun(&self, text: &[u8]) -> usize {
        let may_go_on = |tail: &[u8]| {
            let secret = tail.strip_prefix(b"'").unwrap_or(tail);
            SCREENS.iter().any(|(bytes, _)| bytes.len() > tail.len() && bytes.starts_with(tail))
                || self.secrets.iter().any(|(_, known)| {
                    known.as_bytes().starts_with(secret)
                        && (secret.len() < known.len() || secret.len() < tail.len())
                })
        };
        (1..=text.len().min(LONGEST + 1))
            .rev()
            .find(|&len| may_go_on(&text[text.len() - len..]))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"'hunter2' hunter2 'hunter2x'\x1b[?1049h'\x1b[31mhunter2\x1b[m'hunter2'abcd\x1b[?1049lhunter2 'abcd' '";
    const CLEAN: &str = "'[redacted:known]' hunter2 'hunter2x'\x1b[?1049h'\x1b[31m[redacted:known]\x1b[m'[redacted:known]'abcd\x1b[?1049lhunter2 '[redacted:known]' '";

    #[test]
    fn they_are_found_in_quotes_and_in_editors_however_torn() {
        for cut in 0..TEXT.len() {
            for second in cut..TEXT.len() {
                let mut known = Known::default();
                known.learn(["hunter2", "abcd", "abc"].map(|s| ("known", s.to_owned())).to_vec());
                let mut out = Vec::new();
                let mut to = |bytes: &[u8]| out.extend_from_slice(bytes);
                for piece in [&TEXT[..cut], &TEXT[cut..second], &TEXT[second..]] {
                    known.feed(piece, &mut to);
                }
                known.end(&mut to);
                assert_eq!(String::from_utf8_lossy(&out), CLEAN, "{cut} {second}");
            }
        }
    }

    #[test]
    fn nothing_is_kept_back_where_nothing_is_known() {
        let mut known = Known::default();
        known.learn(vec![("known", "abc".to_owned()), ("known", "x".repeat(LONGEST + 1))]);
        let mut out = Vec::new();
        known.feed(b"'", &mut |bytes| out.extend_from_slice(bytes));
        assert_eq!(out, b"'");
    }
}
