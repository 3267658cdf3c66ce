//! What a terminal reports of its focus: found between the keys at any split, and taken out.

/// How a report begins; one more letter says which.
const BEGIN: &[u8] = b"\x1b[";

/// How the marks around a paste begin; `0~` opens it and `1~` closes it.
const MARK: &[u8] = b"\x1b[20";

/// What a terminal reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// Keys go to it from now on.
    Came,
    /// Keys go elsewhere.
    Went,
}

/// Finds reports. What is pasted has none, whatever it holds.
#[derive(Debug, Default)]
pub struct Reports {
    /// How many bytes of a report's begin came last.
    begun: usize,
    /// How many of those were kept back.
    kept_back: usize,
    /// How many bytes of a mark came last.
    marked: usize,
    /// Whether that mark opens a paste.
    opens: bool,
    is_in_paste: bool,
}

impl Reports {
    /// Returns whether bytes hold no report and no part of one, so that there is nothing to feed.
    #[must_use]
    pub fn is_plain(&self, bytes: &[u8]) -> bool {
        self.begun == 0 && self.marked == 0 && memchr::memchr(BEGIN[0], bytes).is_none()
    }

    /// Returns whether the last bytes are kept back, because they may be the begin of a report.
    #[must_use]
    pub fn keeps_back(&self) -> bool {
        self.kept_back > 0
    }

    /// Appends to `keys` what the person typed, and tells what is reported. Where reports are not
    /// `taken_out` they are told of and stay.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        taken_out: bool,
        keys: &mut Vec<u8>,
        mut tell: impl FnMut(Focus),
    ) {
        for &byte in bytes {
            let focus = match byte {
                b'I' => Some(Focus::Came),
                b'O' => Some(Focus::Went),
                _ => None,
            };
            let report = focus.filter(|_| self.begun == BEGIN.len());
            let begun = match BEGIN.iter().position(|known| *known == byte) {
                _ if self.is_in_paste => 0,
                // An escape begins anew wherever it stands.
                Some(at) if at == 0 || at == self.begun => at + 1,
                Some(_) | None => 0,
            };
            if report.is_some() && taken_out {
                self.kept_back = 0;
            } else if begun > 1 && taken_out {
                self.kept_back += 1;
            } else {
                self.give_up(keys);
                if begun == 1 && taken_out { self.kept_back = 1 } else { keys.push(byte) }
            }
            self.begun = begun;
            if let Some(report) = report {
                tell(report);
            }
            self.follow_paste(byte);
        }
    }

    /// What was kept back is no report, or not to be taken out: it goes where keys go.
    pub fn give_up(&mut self, keys: &mut Vec<u8>) {
        keys.extend(&BEGIN[self.begun - self.kept_back..self.begun]);
        self.kept_back = 0;
    }

    fn follow_paste(&mut self, byte: u8) {
        let at = self.marked;
        self.marked = match byte {
            b'0' | b'1' if at == MARK.len() => {
                self.opens = byte == b'0';
                at + 1
            }
            b'~' if at > MARK.len() => {
                self.is_in_paste = self.opens;
                0
            }
            _ if MARK.get(at) == Some(&byte) => at + 1,
            _ => usize::from(byte == MARK[0]),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is typed and told of pieces.
    fn fed(pieces: &[&[u8]], taken_out: bool) -> (String, String) {
        let (mut reports, mut keys, mut told) = (Reports::default(), Vec::new(), String::new());
        for piece in pieces {
            let is_plain = reports.is_plain(piece);
            let before = (keys.len(), told.len());
            reports.feed(piece, taken_out, &mut keys, |focus| {
                told.push(if focus == Focus::Came { 'I' } else { 'O' });
            });
            assert!(!is_plain || (keys[before.0..] == **piece && told.len() == before.1));
        }
        assert!(taken_out || !reports.keeps_back());
        reports.give_up(&mut keys);
        (String::from_utf8(keys).expect("text"), told)
    }

    #[test]
    fn reports_are_told_from_keys_at_every_split() {
        for (bytes, typed, told) in [
            ("", "", ""),
            ("select 1;\r", "select 1;\r", ""),
            ("a\x1b[Ob\x1b[Ic", "abc", "OI"),
            ("\x1b[I\x1b[O\x1b[I", "", "IOI"),
            ("\x1b", "\x1b", ""),
            ("\x1b[", "\x1b[", ""),
            ("\x1b\x1b[I", "\x1b", "I"),
            ("\x1b[\x1b[I", "\x1b[", "I"),
            ("\x1b[[I", "\x1b[[I", ""),
            ("\x1b[A\x1bOA\x1b[1;5I", "\x1b[A\x1bOA\x1b[1;5I", ""),
            ("[I\x1b I", "[I\x1b I", ""),
            ("\x1b[200~a\x1b[I\x1b[201~\x1b[I", "\x1b[200~a\x1b[I\x1b[201~", "I"),
            ("\x1b[200~\x1b[20\x1b[201~\x1b[O", "\x1b[200~\x1b[20\x1b[201~", "O"),
            ("\x1b[2J\x1b[I", "\x1b[2J", "I"),
        ] {
            let whole = bytes.as_bytes();
            for at in 0..=whole.len() {
                let halves = [&whole[..at], &whole[at..]];
                let expected = (typed.to_owned(), told.to_owned());
                assert_eq!(fed(&halves, true), expected, "{bytes:?} at {at}");
                let expected = (bytes.to_owned(), told.to_owned());
                assert_eq!(fed(&halves, false), expected, "{bytes:?} left in, at {at}");
            }
            let single: Vec<&[u8]> = whole.chunks(1).collect();
            assert_eq!(fed(&single, true), (typed.to_owned(), told.to_owned()), "{bytes:?}");
        }
    }

    #[test]
    fn nothing_is_lost_where_taking_out_begins_and_ends_within_a_report() {
        for (first, second, typed) in
            [(true, false, "\x1b[Ix"), (false, true, "\x1bx"), (false, false, "\x1b[Ix")]
        {
            let (mut reports, mut keys, mut told) = (Reports::default(), Vec::new(), 0);
            reports.feed(b"\x1b", first, &mut keys, |_| told += 1);
            reports.feed(b"[Ix", second, &mut keys, |_| told += 1);
            assert_eq!((String::from_utf8(keys).expect("text").as_str(), told), (typed, 1));
        }
    }
}
