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

/// What passwords in URIs are called in the table.
const URI: &str = "uri-password";

/// What ends a password in a URI for one client or another.
const URI_ENDS: [char; 6] = ['@', '/', ':', '?', '#', ','];

/// Takes known secrets out of a stream of bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    secrets: Vec<Secret>,
    /// What the finder finds, in its order.
    words: Vec<Word>,
    finder: Option<AhoCorasick>,
    is_editor: bool,
    /// What may be the begin of one.
    held: Vec<u8>,
}

/// One thing to look for.
#[derive(Debug, Clone)]
struct Word {
    bytes: Vec<u8>,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// What puts an editor on the screen or takes it off.
    Screen { is_editor: bool },
    /// A secret of a kind in quotes.
    Quoted(&'static str),
    /// A part of a URI that was taken for its host, and the `@` behind it; behind a quote if it is short.
    Host(&'static str, usize),
    /// A secret without anything around it: one in an editor.
    Alone(&'static str),
}

impl Known {
    /// Takes note of what was found in a statement.
    pub(super) fn learn(&mut self, secrets: Vec<Secret>) {
        let before = self.secrets.len();
        let ends = |(kind, secret): &Secret| -> Vec<Secret> {
            let is_uri = *kind == URI;
            let rests = secret.match_indices(URI_ENDS).map(|(at, _)| &secret[at + 1..]);
            let parts = secret.split(URI_ENDS).chain(rests).filter(|_| is_uri);
            parts.map(|part| (*kind, part.to_owned())).collect()
        };
        let parts: Vec<Secret> = secrets.iter().flat_map(ends).collect();
        for (kind, secret) in secrets.into_iter().chain(parts) {
            let is_new = self.secrets.iter().all(|(_, known)| *known != secret);
            let shortest = if kind == URI { 1 } else { SHORTEST };
            if is_new && (shortest..=LONGEST).contains(&secret.len()) {
                self.secrets.push((kind, secret));
            }
        }
        if self.secrets.len() == before {
            return;
        }
        self.secrets.drain(..self.secrets.len().saturating_sub(MOST));
        let screens = SCREENS.iter().map(|(bytes, is_editor)| Word {
            bytes: bytes.to_vec(),
            what: What::Screen { is_editor: *is_editor },
        });
        let found = self.secrets.iter().flat_map(|(kind, secret)| {
            let is_long = secret.len() >= SHORTEST;
            let host = if is_long { "" } else { "\"" };
            [
                (is_long, format!("'{secret}'"), What::Quoted(kind)),
                (is_long, format!("\"{secret}\""), What::Quoted(kind)),
                (is_long, secret.clone(), What::Alone(kind)),
                (*kind == URI, format!("{host}{secret}@"), What::Host(kind, host.len())),
            ]
            .into_iter()
            .filter(|(is_one, ..)| *is_one)
            .map(|(_, text, what)| Word { bytes: text.into_bytes(), what })
        });
        self.words = screens.chain(found).collect();
        let words = self.words.iter().map(|word| &word.bytes);
        self.finder =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(words).ok();
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

    /// Forgets what is kept back.
    pub(super) fn lose(&mut self) {
        self.held.clear();
    }

    fn take(&mut self, text: &[u8], to: &mut dyn FnMut(&[u8])) {
        let mut copied = 0;
        for found in self.finder.iter().flat_map(|finder| finder.find_iter(text)) {
            let (kind, before, behind) = match self.words[found.pattern().as_usize()].what {
                What::Screen { is_editor } => {
                    self.is_editor = is_editor;
                    continue;
                }
                What::Quoted(kind) => (kind, 1, 1),
                What::Host(kind, before) => (kind, before, 1),
                What::Alone(kind) if self.is_editor && found.len() >= SHORTEST_ALONE => {
                    (kind, 0, 0)
                }
                What::Alone(_) => continue,
            };
            to(&text[copied..found.start() + before]);
            to(mark(kind).as_bytes());
            copied = found.end() - behind;
        }
        to(&text[copied..]);
    }

    /// Returns how many bytes at the end may be the begin of one.
    fn begun(&self, text: &[u8]) -> usize {
        let longest = self.words.iter().map(|word| word.bytes.len()).max().unwrap_or(0);
        let may_go_on = |tail: &[u8]| {
            let mut words = self.words.iter().map(|word| &word.bytes);
            words.any(|word| word.len() > tail.len() && word.starts_with(tail))
        };
        (1..=text.len().min(longest))
            .rev()
            .find(|&len| may_go_on(&text[text.len() - len..]))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"'hunter2' hunter2 'hunter2x' \"hunter2\"\x1b[?1049h'\x1b[31mhunter2\x1b[m'hunter2'abcd\x1b[?1049lhunter2 'abcd' \"part@db\" \"port\" part \"1@db\" \"1\" '";
    const CLEAN: &str = "'[redacted:known]' hunter2 'hunter2x' \"[redacted:known]\"\x1b[?1049h'\x1b[31m[redacted:known]\x1b[m'[redacted:known]'abcd\x1b[?1049lhunter2 '[redacted:known]' \"[redacted:uri-password]@db\" \"[redacted:uri-password]\" part \"[redacted:uri-password]@db\" \"1\" '";

    #[test]
    fn they_are_found_in_quotes_and_in_editors_however_torn() {
        let known = ["hunter2", "abcd", "abc"].map(|it| ("known", it.to_owned())).to_vec();
        let secrets = [known, vec![("uri-password", "port/1@part".to_owned())]].concat();
        let mut learnt = Known::default();
        learnt.learn(secrets);
        for cut in 0..TEXT.len() {
            for second in cut..TEXT.len() {
                let mut known = learnt.clone();
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
