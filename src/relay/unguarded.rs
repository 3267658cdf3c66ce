//! A client whose hook is not there: what a person types at its prompt is read off the screen, kept,
//! and held where it destroys. Best effort: the hook would tell exactly.

use std::io;

use super::Relay;
use super::asked::Asking;
use super::hold::Doubt;
use crate::policy::Decision;
use crate::record::Source;
use crate::screen;

/// Most bytes of the client's output that are looked at for a prompt and what is typed there.
const MOST_BYTES: usize = 64 << 10;

impl Relay {
    fn is_unguarded(&self) -> bool {
        let is_told = self.asking.as_ref().is_some_and(Asking::is_unguarded);
        is_told && self.interactive.is_some()
    }

    /// Keeps what the client prints, for as long as nobody else tells what is typed.
    pub(super) fn watch_unguarded(&mut self, bytes: &[u8]) {
        if !self.is_unguarded() {
            return;
        }
        self.unguarded.extend_from_slice(bytes);
        let over = self.unguarded.len().saturating_sub(MOST_BYTES);
        self.unguarded.drain(..over);
    }

    /// Reads the line that these keys submit. Returns whether the keys wait for an answer.
    pub(super) fn hold_unguarded(&mut self, keys: &[u8]) -> io::Result<bool> {
        if !self.is_unguarded() {
            return Ok(false);
        }
        let is_submit = |key: &u8| matches!(key, b'\r' | b'\n');
        let Some(end) = keys.iter().rposition(is_submit) else { return Ok(false) };
        // What was typed before may still have to be echoed.
        self.drain_all()?;
        let (cols, rows) = self.line.size();
        let shown = screen::draft(&self.unguarded, 0, cols, rows).text;
        // What comes in one piece with the key is not on the screen yet.
        let pasted: String = String::from_utf8_lossy(&keys[..end])
            .replace("\x1b[200~", "")
            .replace("\x1b[201~", "")
            .replace('\r', "\n");
        let shown = shown.trim_end_matches('\n');
        let Some(asking) = &mut self.asking else { return Ok(false) };
        let Some((text, reading)) = asking.read_draft(&format!("{shown}{pasted}")) else {
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
