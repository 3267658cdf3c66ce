//! Which keys hand a line to the client: those every line editor knows, and those the person has
//! bound.
//!
//! Keys arrive one byte at a time, and only the editor knows where one begins. So a sequence counts
//! wherever it ends: a line that is read once too often is read for nothing, one that is not read at
//! all passes.

/// What a key hands over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submit {
    /// The line as it stands.
    Line,
    /// The line with this text typed behind it; more lines may follow.
    Typed {
        /// What is typed, lines ended with `\n`.
        text: String,
        /// Whether it takes the place of the line.
        replaces: bool,
    },
    /// The line, made a comment or no comment any longer.
    Commented,
    /// Something that cannot be read beforehand.
    Blind,
}

/// A key sequence and what it does to the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The bytes the terminal sends.
    pub keys: Vec<u8>,
    /// What they do.
    pub does: Does,
}

/// What a sequence of keys is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Hands the line over.
    Submits,
    /// Makes a comment of the line, or undoes that, and hands it over.
    Comments,
    /// Types these keys.
    Types(Vec<u8>),
    /// Repeats keys that were recorded, or runs what an editor leaves.
    SubmitsBlind,
}

/// Longest sequence that is looked at.
const MAX_KEYS: usize = 32;

/// How often a macro may lead to another: readline's own limit.
const MAX_DEPTH: usize = 16;

/// Readline's key to insert a comment hands the line over.
const COMMENT: u8 = b'#';
const ESCAPE: u8 = 0x1b;
const END_OF_FILE: u8 = 0x04;
const OPERATE_AND_GET_NEXT: u8 = 0x0f;
/// Makes text of the next key, on every terminal that nobody has told otherwise.
const QUOTE: u8 = 0x16;
const START_MACRO: &[u8] = b"\x18(";
const END_MACRO: &[u8] = b"\x18)";
const CALL_MACRO: &[u8] = b"\x18e";

/// Watches the keys that go to a line editor.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    bound: Vec<(Vec<u8>, Submit)>,
    /// Whether the editor may be in vi mode, where Ctrl-D and `#` hand the line over too.
    has_vi: bool,
    /// Whether `v` of vi mode may open an editor and hand over what it leaves.
    has_vi_editor: bool,
    recent: Vec<u8>,
    /// Whether an Esc was typed in this line: vi's command mode.
    is_escaped: bool,
    /// Whether a keyboard macro is being recorded, and whether a line was handed over meanwhile.
    recording: Option<bool>,
    /// Whether the recorded macro hands a line over.
    has_recorded: bool,
    /// The key that makes text of the next one, where the terminal edits the line itself.
    quote: Option<u8>,
    is_quoting: bool,
}

impl Keys {
    /// Makes a watcher that knows these bindings.
    #[must_use]
    pub fn new(bindings: &[Binding], has_vi: bool, has_vi_editor: bool) -> Self {
        let mut keys = Self { has_vi, has_vi_editor, ..Self::default() };
        for binding in bindings {
            match binding.does {
                Does::Submits => keys.bind(&binding.keys, Submit::Line),
                Does::Comments => keys.bind(&binding.keys, Submit::Commented),
                Does::SubmitsBlind => keys.bind(&binding.keys, Submit::Blind),
                Does::Types(_) => {}
            }
        }
        // A macro may type the keys of another.
        for _ in 0..MAX_DEPTH {
            let before = keys.bound.len();
            for binding in bindings {
                if let Does::Types(typed) = &binding.does
                    && !keys.knows(&binding.keys)
                    && let Some(submit) = keys.typed(typed)
                {
                    keys.bind(&binding.keys, submit);
                }
            }
            if keys.bound.len() == before {
                break;
            }
        }
        keys
    }

    /// Makes a watcher for a line that the terminal edits itself.
    #[must_use]
    pub fn of_terminal() -> Self {
        Self { quote: Some(QUOTE), ..Self::default() }
    }

    fn bind(&mut self, keys: &[u8], submit: Submit) {
        if !keys.is_empty() && keys.len() <= MAX_KEYS {
            self.bound.push((keys.to_vec(), submit));
        }
    }

    fn knows(&self, keys: &[u8]) -> bool {
        self.bound.iter().any(|(bound, _)| bound == keys)
    }

    /// Tells what a macro hands over; none where it only edits.
    fn typed(&self, typed: &[u8]) -> Option<Submit> {
        let mut probe = Self { recent: Vec::new(), ..self.clone() };
        let submits: Vec<Option<Submit>> = typed.iter().map(|&key| probe.press(key)).collect();
        if submits.iter().all(Option::is_none) {
            return None;
        }
        let (replaces, plain) = without_kill(typed);
        let skipped = typed.len() - plain.len();
        let ends = |at: usize| matches!(submits[skipped + at], Some(Submit::Line));
        let is_plain = plain.iter().enumerate().all(|(at, &key)| {
            (matches!(key, b'\r' | b'\n') && ends(at))
                || ((0x20..0x7f).contains(&key) && submits[skipped + at].is_none())
        });
        let text = std::str::from_utf8(plain).ok().filter(|_| is_plain);
        Some(match text {
            Some(text) => Submit::Typed { text: text.replace('\r', "\n"), replaces },
            None => Submit::Blind,
        })
    }

    /// Takes a key; tells what it hands over, if anything.
    pub fn press(&mut self, key: u8) -> Option<Submit> {
        if std::mem::take(&mut self.is_quoting) {
            return None;
        }
        self.is_quoting = self.quote == Some(key);
        if self.recent.len() >= MAX_KEYS {
            self.recent.remove(0);
        }
        self.recent.push(key);
        let before = self.recent.len().checked_sub(2).map(|at| self.recent[at]);
        let submit = self.meaning(key, before);
        self.follow_macro(submit.is_some());
        self.is_escaped |= key == ESCAPE;
        if submit.is_some() {
            // Esc and Return together switch readline to vi mode.
            self.has_vi |= before == Some(ESCAPE) && matches!(key, b'\r' | b'\n');
            self.is_escaped = false;
        }
        submit
    }

    fn meaning(&self, key: u8, before: Option<u8>) -> Option<Submit> {
        let ends = |keys: &[u8]| self.recent.ends_with(keys);
        if self.has_recorded && ends(CALL_MACRO) {
            return Some(Submit::Blind);
        }
        // Of several the longest is meant.
        let bound = self.bound.iter().filter(|(keys, _)| ends(keys));
        if let Some((_, submit)) = bound.max_by_key(|(keys, _)| keys.len()) {
            return Some(submit.clone());
        }
        match key {
            b'\r' | b'\n' | OPERATE_AND_GET_NEXT => Some(Submit::Line),
            END_OF_FILE if self.has_vi => Some(Submit::Line),
            COMMENT if before == Some(ESCAPE) || (self.has_vi && self.is_escaped) => {
                Some(Submit::Commented)
            }
            // Meta-# where the terminal sets the eighth bit; in UTF-8 it is part of a character.
            0xa3 if before.is_none_or(|before| before < 0x80) => Some(Submit::Commented),
            b'v' if self.has_vi_editor && self.is_escaped => Some(Submit::Blind),
            _ => None,
        }
    }

    fn follow_macro(&mut self, submits: bool) {
        if self.recent.ends_with(START_MACRO) {
            self.recording = Some(false);
        } else if self.recent.ends_with(END_MACRO) {
            self.has_recorded = self.recording.take().unwrap_or(self.has_recorded);
        } else if submits && let Some(has_submitted) = &mut self.recording {
            *has_submitted = true;
        }
    }

    /// What was typed is thrown away, or the line is over.
    pub fn forget(&mut self) {
        self.recent.clear();
        self.is_escaped = false;
    }

    /// The keys typed last have handed a line over, and nobody knew that they would: from now on
    /// they count. Returns them.
    pub fn learn(&mut self) -> Vec<u8> {
        let start = match self.recent.iter().rposition(|&key| key < 0x20 || key == 0x7f) {
            // A sequence such as Ctrl-X s, or an arrow key's.
            Some(at) if self.recent.len() - at <= 8 => at,
            _ => self.recent.len().saturating_sub(1),
        };
        let keys = self.recent[start..].to_vec();
        if !self.knows(&keys) {
            self.bind(&keys, Submit::Line);
        }
        keys
    }
}

/// Takes the keys off that a macro empties the line with.
fn without_kill(typed: &[u8]) -> (bool, &[u8]) {
    const KILLS: [&[u8]; 4] = [b"\x15", b"\x01\x0b", b"\x05\x15", b"\x01\x15"];
    for kill in KILLS {
        if let Some(rest) = typed.strip_prefix(kill) {
            // Ctrl-U deletes what stands before the cursor: behind it more may be left.
            return (kill != KILLS[0] && kill != KILLS[3], rest);
        }
    }
    (false, typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(keys: &[u8], does: Does) -> Binding {
        Binding { keys: keys.to_vec(), does }
    }

    /// Returns what each key hands over, by its place.
    fn pressed(keys: &mut Keys, typed: &[u8]) -> Vec<(usize, Submit)> {
        typed
            .iter()
            .enumerate()
            .filter_map(|(at, &key)| keys.press(key).map(|submit| (at, submit)))
            .collect()
    }

    #[test]
    fn a_key_that_makes_a_comment_says_so() {
        let bound = binding(b"\x18c", Does::Comments);
        for (typed, at) in [(&b"\x1b1\x1b#"[..], 3), (b"x\xa3", 1), (b"\x18c", 1)] {
            let mut keys = Keys::new(std::slice::from_ref(&bound), false, false);
            assert_eq!(pressed(&mut keys, typed), [(at, Submit::Commented)]);
        }
    }

    fn places(keys: &mut Keys, typed: &[u8]) -> Vec<usize> {
        pressed(keys, typed).into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn what_every_editor_submits_by() {
        let places = |typed: &[u8]| places(&mut Keys::default(), typed);
        assert_eq!(places(b"a\rb\nc\x0f"), [1, 3, 5]);
        assert_eq!(places(b"\\! x\x1b#"), [5], "insert-comment hands the line over");
        assert_eq!(places(b"x\xa3"), [1]);
        assert_eq!(places("£ # \u{4}".as_bytes()), Vec::<usize>::new());
        assert_eq!(places(b"\x1b[A #v\x04"), Vec::<usize>::new());
    }

    #[test]
    fn vi_mode_has_more_of_them() {
        let vi = |editor| Keys::new(&[], true, editor);
        assert_eq!(places(&mut vi(false), b"a#\x1bbb#"), [5]);
        assert_eq!(places(&mut vi(false), b"a\x04"), [1]);
        assert_eq!(pressed(&mut vi(true), b"v\x1bv"), [(2, Submit::Blind)]);
        // Esc Return switches to it.
        assert_eq!(places(&mut Keys::default(), b"a\x1b\rb\x04"), [2, 4]);
    }

    #[test]
    fn bound_keys_submit_however_they_are_reached() {
        let mut keys = Keys::new(
            &[
                binding(b"\x18\x13", Does::Submits),
                binding(b"\x1bOM", Does::Submits),
                binding(b"\x18v", Does::SubmitsBlind),
            ],
            false,
            false,
        );
        assert_eq!(
            pressed(&mut keys, b"ab\x18\x13\x13\x1bOM\x18v"),
            [(3, Submit::Line), (7, Submit::Line), (9, Submit::Blind)]
        );
    }

    #[test]
    fn macros_that_type_return_are_read() {
        let typed = |text: &[u8]| {
            let does = Does::Types(text.to_vec());
            pressed(&mut Keys::new(&[binding(b"\x18s", does)], false, false), b"\x18s").pop()
        };
        let text =
            |text: &str, replaces| Some((1, Submit::Typed { text: text.to_owned(), replaces }));
        assert_eq!(typed(b"\\! rm x\r"), text("\\! rm x\n", false));
        assert_eq!(typed(b"\x01\x0b\\q\n"), text("\\q\n", true));
        assert_eq!(typed(b"\x15\\q\n"), text("\\q\n", false));
        assert_eq!(typed(b"\x10\r"), Some((1, Submit::Blind)), "the line before, whatever it is");
        assert_eq!(typed(b"select "), None);
        assert_eq!(typed(b"a\x0f"), Some((1, Submit::Blind)));
    }

    #[test]
    fn macros_of_macros_count_and_loops_end() {
        let bindings = [
            binding(b"\x18a", Does::Types(b"one\x18b".to_vec())),
            binding(b"\x18b", Does::Types(b"\x18c".to_vec())),
            binding(b"\x18c", Does::Types(b"two\r".to_vec())),
            binding(b"\x18d", Does::Types(b"\x18e".to_vec())),
            binding(b"\x18e", Does::Types(b"\x18d".to_vec())),
        ];
        let mut keys = Keys::new(&bindings, false, false);
        assert_eq!(pressed(&mut keys, b"\x18a"), [(1, Submit::Blind)]);
        assert_eq!(pressed(&mut keys, b"\x18d"), Vec::new());
    }

    #[test]
    fn a_recorded_macro_with_return_is_blind() {
        let mut keys = Keys::default();
        assert_eq!(places(&mut keys, b"\x18e"), Vec::<usize>::new());
        assert_eq!(places(&mut keys, b"\x18(select 1;\r\x18)"), [11]);
        assert_eq!(pressed(&mut keys, b"\x18e"), [(1, Submit::Blind)]);
        assert!(places(&mut keys, b"\x18(abc\x18)\x18e").is_empty(), "another was recorded");
    }

    #[test]
    fn what_is_learnt_counts() {
        let mut keys = Keys::default();
        for (typed, expected) in [
            (&b"abc\x18s"[..], &b"\x18s"[..]),
            (b"x\x1b[24~", b"\x1b[24~"),
            (b"y\x14", b"\x14"),
            (b"abcdefghijkl", b"l"),
        ] {
            keys.forget();
            assert_eq!(places(&mut keys, typed), Vec::<usize>::new());
            assert_eq!(keys.learn(), expected);
            assert_eq!(places(&mut keys, typed), [typed.len() - 1], "{typed:?}");
        }
    }
}
