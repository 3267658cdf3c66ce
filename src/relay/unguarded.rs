//! A client whose hook is not there: what a person types at its prompt is read off the screen, kept,
//! and held where it destroys. Best effort: the hook would tell exactly.

use std::io;

use super::Relay;
use super::asked::Asking;
use super::hold::Doubt;
use crate::os::pty::Pty;
use crate::policy::Decision;
use crate::record::Source;
use crate::screen;

/// Most bytes of the client's output that are looked at for a prompt and what is typed there.
const MOST_BYTES: usize = 64 << 10;

/// What an erasing key sends, and what throws a line away: Ctrl-C and Ctrl-U.
const ERASES: [u8; 2] = [0x7f, 0x08];
const CLEARS: [u8; 2] = [0x03, 0x15];

/// What terminals put around what is pasted.
const PASTES: [&str; 2] = ["\x1b[200~", "\x1b[201~"];

/// What the screen and the keys tell of the line that is being typed.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What the client has printed last.
    output: Vec<u8>,
    /// What was typed since the last line was handed over.
    typed: String,
    /// Keys were among it whose work only the screen shows.
    is_edited: bool,
}

impl Draft {
    /// Takes what the client prints.
    fn print(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        let over = self.output.len().saturating_sub(MOST_BYTES);
        self.output.drain(..over);
    }

    /// Takes keys that do not hand a line over; with `is_pasted` they do, and come at once.
    fn take(&mut self, keys: &str, is_pasted: bool) {
        let plain = PASTES.iter().fold(keys.to_owned(), |keys, mark| keys.replace(mark, ""));
        for letter in plain.chars() {
            match u8::try_from(letter) {
                Ok(key) if ERASES.contains(&key) => drop(self.typed.pop()),
                Ok(key) if CLEARS.contains(&key) => {
                    *self = Self { output: std::mem::take(&mut self.output), ..Self::default() }
                }
                Ok(b'\r' | b'\n') if is_pasted => self.typed.push('\n'),
                Ok(key) if key.is_ascii_control() => self.is_edited = true,
                Ok(_) | Err(_) => self.typed.push(letter),
            }
        }
    }

    /// Returns the screen, and that with what was typed and does not stand there yet: an echo may come
    /// late.
    fn screens(&self, pasted: &str, (cols, rows): (u16, u16)) -> [String; 2] {
        let shown = screen::shown(&self.output, cols, rows);
        let whole =
            if self.is_edited { shown.clone() + pasted } else { complete(&shown, &self.typed) };
        [shown, whole]
    }

    /// A line was handed over.
    fn begin(&mut self) {
        self.typed.clear();
        self.is_edited = false;
    }
}

/// Puts what was typed behind what is shown, of which a part of it may be the end.
fn complete(shown: &str, typed: &str) -> String {
    let ends = typed.char_indices().map(|(at, letter)| at + letter.len_utf8());
    let mut parts = ends.map(|end| typed[..end].trim_end()).filter(|part| !part.is_empty());
    let echoed = parts.rfind(|part| shown.ends_with(part)).unwrap_or_default();
    format!("{}{typed}", &shown[..shown.len() - echoed.len()])
}

impl Relay {
    fn is_unguarded(&self) -> bool {
        let is_told = self.asking.as_ref().is_some_and(Asking::is_unguarded);
        is_told && self.interactive.is_some()
    }

    /// Keeps what the client prints, for as long as nobody else tells what is typed.
    pub(super) fn watch_unguarded(&mut self, bytes: &[u8]) {
        if self.is_unguarded() {
            self.unguarded.print(bytes);
        }
    }

    /// Whether a line is read that the terminal does not show.
    fn reads_password(&self) -> io::Result<bool> {
        let mode = self.ends.pty.as_ref().map(Pty::mode).transpose()?;
        Ok(mode.is_some_and(|mode| mode.is_cooked && !mode.echoes))
    }

    /// Reads the line that these keys submit. Returns whether the keys wait for an answer.
    pub(super) fn hold_unguarded(&mut self, keys: &[u8]) -> io::Result<bool> {
        if !self.is_unguarded() {
            return Ok(false);
        }
        let is_submit = |key: &u8| matches!(key, b'\r' | b'\n');
        let text = String::from_utf8_lossy;
        let Some(end) = keys.iter().rposition(is_submit) else {
            self.unguarded.take(&text(keys), false);
            return Ok(false);
        };
        if self.reads_password()? {
            self.unguarded.begin();
            return Ok(false);
        }
        // What was typed before may still have to be echoed.
        self.drain_all()?;
        let pasted = text(&keys[..end]);
        self.unguarded.take(&pasted, true);
        let pasted =
            PASTES.iter().fold(pasted.replace('\r', "\n"), |keys, mark| keys.replace(mark, ""));
        let [shown, whole] = self.unguarded.screens(&pasted, self.line.size());
        let typed = std::mem::take(&mut self.unguarded.typed);
        let typed = if self.unguarded.is_edited { pasted } else { typed };
        self.unguarded.begin();
        self.unguarded.take(&text(&keys[end + 1..]), false);
        let Some(asking) = &mut self.asking else { return Ok(false) };
        let Some((text, reading)) = asking.read_draft([&shown, &whole], &typed) else {
            return Ok(false);
        };
        self.begin_submission(false);
        let judged = self.keeper.untold(text, &reading, Source::Draft);
        match judged.verdict.decision {
            Decision::Hold(_) | Decision::Deny => {
                self.hold(judged, Doubt::Line(keys.to_vec())).map(|()| true)
            }
            Decision::Allow | Decision::Notice => {
                if judged.verdict.decision == Decision::Notice {
                    self.notice_later(&judged);
                }
                self.keeper.released(&judged, None, false);
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_may_be_late() {
        for (shown, typed, expected) in [
            (">>> f.delete()", "f.delete()", ">>> f.delete()"),
            (">>> f.del", "f.delete()", ">>> f.delete()"),
            (">>>", "f.delete()", ">>>f.delete()"),
            (">>> x =", "x = 1", ">>> x = 1"),
            ("5\n>>>", "", "5\n>>>"),
            ("", "ä", "ä"),
        ] {
            assert_eq!(complete(shown, typed), expected, "{shown}");
        }
    }

    #[test]
    fn keys_tell_until_one_edits() {
        let size = (80, 24);
        let mut draft = Draft::default();
        draft.print(b">>> ");
        draft.take("f.deletx\x7fe()", false);
        assert_eq!(draft.screens("", size)[1], ">>>f.delete()");
        draft.take("\x15g", false);
        assert_eq!(draft.screens("", size)[1], ">>>g");
        draft.print(b"later");
        draft.take("\x1b[A", false);
        assert_eq!(draft.screens("", size)[1], ">>> later", "the screen is all there is");
        draft.begin();
        draft.take("\x1b[200~a\rb\x1b[201~", true);
        assert_eq!(draft.typed, "a\nb");
    }
}
