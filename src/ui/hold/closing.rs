//! What is said once a hold is answered.

use std::time::Duration;

use super::page::{amount, span};
use super::{Cause, TransactionState};
use crate::ui::notice;
use crate::ui::theme::{Style, Theme};

/// What is due must not be cut off: the terminal may wrap these lines, nothing is drawn after them.
const UNCUT: u16 = 0;

/// What is known once a cancelled line has been cleared away.
#[derive(Debug, Clone, Copy)]
pub struct Cancelled {
    /// Why.
    pub cause: Cause,
    /// The transaction that is still open, if one is.
    pub transaction: Option<TransactionState>,
    /// Bytes that were typed or pasted ahead and thrown away.
    pub discarded_bytes: usize,
    /// The timeout that was in force.
    pub timeout: Duration,
}

/// Says that a statement was cancelled, what is due, and what was thrown away. One line, with its
/// line end.
#[must_use]
pub fn cancelled(what: Cancelled, theme: Theme) -> String {
    let mut text = "cancelled".to_owned();
    match what.cause {
        Cause::Enter | Cause::Escape | Cause::EndOfFile | Cause::Interrupt => {}
        Cause::WrongWord => text.push_str(" (another word)"),
        Cause::Timeout => text.push_str(&format!(" (no answer for {})", span(what.timeout))),
        Cause::EmptyReason => text.push_str(" (no reason given)"),
        Cause::Withdrawn => text.push_str(" (interrupted)"),
    }
    match what.transaction {
        Some(TransactionState::Open) => {
            text.push_str("; a transaction is open: ROLLBACK or COMMIT is due");
        }
        Some(TransactionState::Failed) => {
            text.push_str("; a transaction has failed: ROLLBACK is due");
        }
        None => {}
    }
    if what.discarded_bytes > 0 {
        let (bytes, verb) = match what.discarded_bytes {
            1 => (amount(1, "byte"), "was"),
            more => (amount(more, "byte"), "were"),
        };
        text.push_str(&format!("; {bytes} typed ahead {verb} discarded"));
    }
    notice::line(&text, Style::Strong, UNCUT, theme) + "\r\n"
}

/// Says that a statement was released, once the client has taken the answer. One line, with its
/// line end.
#[must_use]
pub fn released(theme: Theme) -> String {
    notice::line("released", Style::Strong, UNCUT, theme) + "\r\n"
}

/// Says that the client took its question back. One line, with its line end.
#[must_use]
pub fn withdrawn(why: &str, theme: Theme) -> String {
    notice::line(&format!("cancelled ({why})"), Style::Strong, UNCUT, theme) + "\r\n"
}

/// Returns what the recording gives as the reason of a cancel, where the person gave none.
#[must_use]
pub fn recorded_reason(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Timeout => Some("timeout"),
        Cause::Withdrawn => Some("interrupted"),
        Cause::Enter
        | Cause::Escape
        | Cause::WrongWord
        | Cause::EndOfFile
        | Cause::Interrupt
        | Cause::EmptyReason => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(cause: Cause, transaction: Option<TransactionState>, discarded_bytes: usize) -> String {
        let timeout = Duration::from_secs(900);
        let what = Cancelled { cause, transaction, discarded_bytes, timeout };
        cancelled(what, Theme::plain())
    }

    #[test]
    fn a_cancel_says_what_is_due() {
        let all = [
            said(Cause::Enter, None, 0),
            said(Cause::WrongWord, Some(TransactionState::Open), 0),
            said(Cause::Timeout, Some(TransactionState::Failed), 1),
            said(Cause::EmptyReason, Some(TransactionState::Open), 12_288),
            withdrawn("interrupted", Theme::plain()),
            released(Theme::plain()),
        ];
        insta::assert_snapshot!(all.concat().replace("\r\n", "\n"), @"
        nightlatch: cancelled
        nightlatch: cancelled (another word); a transaction is open: ROLLBACK or COMMIT is due
        nightlatch: cancelled (no answer for 15 min); a transaction has failed: ROLLBACK is due; 1 byte typed ahead was discarded
        nightlatch: cancelled (no reason given); a transaction is open: ROLLBACK or COMMIT is due; 12,288 bytes typed ahead were discarded
        nightlatch: cancelled (interrupted)
        nightlatch: released
        ");
    }
}
