//! What became of each statement: whether it ran, and whether its transaction did.
//!
//! The log has no command tags: transactions are followed by their own statements. Where they do
//! not tell, a statement counts as one that may have run.

use jiff::Timestamp;

use super::{Deed, End, Thing, What};
use crate::record::{Answer, Standing};

/// Whether a statement took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cmd) enum Fate {
    /// It ran, without an error as far as is known.
    Ran,
    /// The server gave an error.
    Failed,
    /// It was not run.
    Cancelled,
    /// It ran and was taken back.
    RolledBack,
    /// It ran in a transaction that is still open.
    Open,
    /// It is held, and nobody has answered yet.
    Held,
    /// It has not ended yet.
    Running,
    /// Nobody knows: its end was not recorded, or a transaction's.
    Unknown,
}

impl Fate {
    /// Says so in a few words.
    pub(in crate::cmd) fn words(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled, did not run",
            Self::RolledBack => "rolled back",
            Self::Open => "ran, not committed yet",
            Self::Held => "held, not answered yet",
            Self::Running => "not over yet",
            Self::Unknown => "may have run",
        }
    }

    /// Says so in one word, for programs.
    pub(in crate::cmd) fn key(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::RolledBack => "rolled-back",
            Self::Open => "open",
            Self::Held => "held",
            Self::Running => "running",
            Self::Unknown => "unknown",
        }
    }

    /// Says whether what is gone may be gone by it.
    pub(in crate::cmd) fn may_have_run(self) -> bool {
        matches!(self, Self::Ran | Self::Open | Self::Running | Self::Unknown)
    }
}

/// What a statement does to the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Begin,
    Commit,
    Rollback,
    Savepoint(String),
    RollbackTo(String),
    /// Neither this session nor its end decides any longer.
    Prepare,
}

/// An open transaction.
#[derive(Debug, Default)]
struct Transaction {
    /// What ran in it, as indices.
    deeds: Vec<usize>,
    /// Names, each with how many had run before.
    savepoints: Vec<(String, usize)>,
    /// Whether something failed, or may have, after which a COMMIT may be a rollback.
    has_failed: bool,
    /// Where it stood when the client last told.
    standing: Option<Standing>,
}

/// Decides for all statements of a session that ended so.
pub(super) fn decide(things: &mut [Thing], end: End) {
    let mut open: Option<Transaction> = None;
    for index in 0..things.len() {
        let at = things[index].at.wall;
        let deed = match &mut things[index].what {
            What::Statement(deed) => deed,
            What::Connected(_) => {
                // Another connection: the server rolls back what the last one had open.
                settle(things, open.take(), Fate::RolledBack, at);
                continue;
            }
            What::Gap(_) | What::Note(_) => continue,
        };
        deed.fate = alone(deed);
        let step = step(&deed.text);
        let standing = deed.outcome.as_ref().and_then(|outcome| outcome.transaction);
        let (fate, is_known) = (deed.fate, deed.outcome.as_ref().is_some_and(|o| !o.unheard));
        if fate == Fate::Cancelled {
            continue;
        }
        match (step, &mut open) {
            (Some(Step::Begin), None) if fate != Fate::Failed => {
                open = Some(Transaction::default());
            }
            (Some(Step::Commit), Some(transaction)) => {
                let fate = match fate {
                    Fate::Failed => Fate::RolledBack,
                    // The server answers so that it has rolled back.
                    _ if transaction.standing == Some(Standing::Failed) => Fate::RolledBack,
                    Fate::Ran if is_known && !transaction.has_failed => Fate::Ran,
                    _ => Fate::Unknown,
                };
                settle(things, open.take(), fate, at);
            }
            (Some(Step::Rollback), Some(_)) => {
                let fate = if is_known { Fate::RolledBack } else { Fate::Unknown };
                settle(things, open.take(), fate, at);
            }
            (Some(Step::Prepare), Some(_)) => settle(things, open.take(), Fate::Unknown, at),
            (Some(Step::Savepoint(name)), Some(transaction)) => {
                let before = transaction.deeds.len();
                transaction.savepoints.push((name, before));
            }
            (Some(Step::RollbackTo(name)), Some(transaction)) if fate == Fate::Ran => {
                let known = transaction.savepoints.iter().rposition(|(known, _)| *known == name);
                let Some(position) = known else {
                    transaction.has_failed = true;
                    continue;
                };
                let from = transaction.savepoints[position].1;
                transaction.savepoints.truncate(position + 1);
                transaction.has_failed = false;
                let undone = transaction.deeds.split_off(from);
                let undone = Transaction { deeds: undone, ..Transaction::default() };
                settle(things, Some(undone), Fate::RolledBack, at);
            }
            (_, Some(transaction)) => {
                transaction.has_failed |= matches!(fate, Fate::Failed | Fate::Unknown);
                if matches!(fate, Fate::Ran | Fate::Unknown) {
                    transaction.deeds.push(index);
                }
            }
            // Begun without a word, as with AUTOCOMMIT off.
            (_, None) if matches!(standing, Some(Standing::Open | Standing::Failed)) => {
                let ran = Some(index).filter(|_| matches!(fate, Fate::Ran | Fate::Unknown));
                open = Some(Transaction {
                    deeds: ran.into_iter().collect(),
                    ..Transaction::default()
                });
            }
            (_, None) => {}
        }
        if standing == Some(Standing::Idle) {
            // Ended by something else than its own statement.
            settle(things, open.take(), Fate::Unknown, at);
        } else if let Some(transaction) = &mut open {
            transaction.standing = standing.or(transaction.standing);
        }
    }
    if end == End::Running {
        // Of a session that goes on, the last one may still be waited for.
        let last = things.iter_mut().rev().find_map(|thing| match &mut thing.what {
            What::Statement(deed) => Some(deed),
            What::Connected(_) | What::Gap(_) | What::Note(_) => None,
        });
        if let Some(deed) = last.filter(|deed| deed.outcome.is_none()) {
            deed.fate = match (deed.fate, &deed.answer) {
                (Fate::Cancelled, None) => Fate::Held,
                (Fate::Unknown, _) => Fate::Running,
                (fate, _) => fate,
            };
        }
    }
    // A connection that is gone takes what was open along.
    let fate = if end == End::Running { Fate::Open } else { Fate::RolledBack };
    let last = things.last().map_or(Timestamp::UNIX_EPOCH, |thing| thing.at.wall);
    settle(things, open, fate, last);
}

/// Decides for a statement as if it stood alone.
fn alone(deed: &Deed) -> Fate {
    if deed.answer.as_ref().is_some_and(|given| given.answer == Answer::Cancelled) {
        return Fate::Cancelled;
    }
    let was_held = matches!(deed.verdict.as_str(), "hold" | "deny");
    match &deed.outcome {
        Some(outcome) if outcome.error.is_some() => Fate::Failed,
        Some(outcome) if outcome.unheard => Fate::Unknown,
        Some(_) => Fate::Ran,
        // The question was still open when the session ended: nothing is let run then.
        None if was_held && deed.answer.is_none() && !deed.was_let_run => Fate::Cancelled,
        None => Fate::Unknown,
    }
}

/// Writes down what became of a transaction's statements.
fn settle(things: &mut [Thing], transaction: Option<Transaction>, fate: Fate, at: Timestamp) {
    for index in transaction.map(|open| open.deeds).unwrap_or_default() {
        if let What::Statement(deed) = &mut things[index].what {
            // What rolled back did so whether or not it had ended.
            deed.fate = match (deed.fate, fate) {
                (Fate::Unknown, Fate::Ran) => Fate::Unknown,
                (Fate::Running, Fate::Open) => Fate::Running,
                _ => fate,
            };
            deed.took_effect = matches!(fate, Fate::Ran | Fate::Unknown).then_some(at);
        }
    }
}

/// Reads the words of SQL that begin and end transactions.
fn step(text: &str) -> Option<Step> {
    let text = without_comments(text);
    let mut words = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase);
    let (first, second) = (words.next()?, words.next().unwrap_or_default());
    let third = words.next().unwrap_or_default();
    let noise = |word: &str| matches!(word, "transaction" | "work");
    match first.as_str() {
        "begin" => Some(Step::Begin),
        "start" if second == "transaction" => Some(Step::Begin),
        "commit" if second == "prepared" => None,
        "commit" | "end" => Some(Step::Commit),
        "savepoint" => Some(Step::Savepoint(second)),
        "prepare" if second == "transaction" => Some(Step::Prepare),
        "rollback" if second == "prepared" => None,
        "rollback" | "abort" => {
            let rest = if noise(&second) { third } else { second };
            if rest != "to" {
                return Some(Step::Rollback);
            }
            let name = text.split_whitespace().last()?.trim_end_matches(';');
            Some(Step::RollbackTo(name.to_ascii_lowercase()))
        }
        _ => None,
    }
}

/// Takes comments off the begin.
pub(super) fn without_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        }
        .trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Given, Outcome};
    use super::*;
    use crate::record::Source;
    use crate::target::Target;

    /// One statement a line; `!` before it: it fails, `?`: its end is not known, `-`: cancelled,
    /// `=`: not answered, `~`: let run and no answer written, `^`: nobody heard how it went; and a
    /// transaction is open behind it (`*`), has failed (`%`), or none is open (`.`).
    fn fates(script: &str, end: End) -> String {
        let mut things: Vec<Thing> = Vec::new();
        for line in script.split("; ") {
            let what = if line == "connect" {
                What::Connected(Target::default())
            } else {
                What::Statement(Box::new(deed(line)))
            };
            things.push(Thing { at: Timestamp::UNIX_EPOCH.into(), what });
        }
        decide(&mut things, end);
        let fates = things.iter().filter_map(|thing| match &thing.what {
            What::Statement(deed) if deed.text.starts_with("delete") => Some(deed.fate.key()),
            _ => None,
        });
        fates.collect::<Vec<_>>().join(" ")
    }

    fn deed(line: &str) -> Deed {
        let marks = ['!', '?', '-', '=', '~', '^', '*', '%', '.'];
        let (mark, text) = line.split_at(usize::from(line.starts_with(marks)));
        let answer = (!matches!(mark, "=" | "~")).then_some(Given {
            at: Timestamp::UNIX_EPOCH.into(),
            answer: if mark == "-" { Answer::Cancelled } else { Answer::Released },
            reason: None,
            release: None,
        });
        let error = (mark == "!").then(|| "23503".to_owned());
        let is_known = !matches!(mark, "?" | "-" | "=" | "~");
        let transaction = match mark {
            "*" => Some(Standing::Open),
            "%" => Some(Standing::Failed),
            "." => Some(Standing::Idle),
            _ => None,
        };
        Deed {
            n: 1,
            text: text.to_owned(),
            source: Source::Tap,
            target: Target::default(),
            verdict: "hold".to_owned(),
            rule: None,
            reasons: Vec::new(),
            redacted: Vec::new(),
            destroys: false,
            engine: None,
            skipped: 0,
            was_let_run: mark == "~",
            answer,
            outcome: is_known.then_some(Outcome {
                rows: None,
                duration_ms: None,
                error,
                unheard: mark == "^",
                transaction,
            }),
            fate: Fate::Unknown,
            took_effect: None,
            screens: None,
        }
    }

    #[test]
    fn statements_share_the_fate_of_their_transaction() {
        for (script, expected) in [
            ("delete 1; !delete 2; -delete 3; ?delete 4", "ran failed cancelled unknown"),
            ("begin; delete 1; commit; delete 2", "ran ran"),
            ("begin; delete 1; rollback; delete 2", "rolled-back ran"),
            ("BEGIN work; delete 1; -rollback; ROLLBACK TRANSACTION; delete 2", "rolled-back ran"),
            ("/* a */ -- b\nstart transaction; delete 1; abort;", "rolled-back"),
            ("begin; delete 1; !select; commit", "unknown"),
            ("begin; delete 1; !commit; delete 2", "rolled-back ran"),
            ("begin; delete 1; ?commit", "unknown"),
            ("begin; delete 1; ?rollback", "unknown"),
            ("begin; delete 1", "rolled-back"),
            ("begin; delete 1; connect; delete 2", "rolled-back ran"),
            (
                "begin; delete 1; savepoint a; delete 2; rollback to savepoint a; delete 3; commit",
                "ran rolled-back ran",
            ),
            ("begin; delete 1; savepoint a; !delete 2; rollback to A; commit", "ran failed"),
            ("begin; delete 1; rollback to b; commit", "unknown"),
            ("begin; delete 1; prepare transaction 'x'; rollback", "unknown"),
            ("begin; delete 1; commit prepared 'x'; rollback", "rolled-back"),
            ("rollback; delete 1", "ran"),
            ("^delete 1; begin; ^delete 2; commit", "unknown unknown"),
            ("*delete 1; *delete 2; .commit; *delete 3; .rollback", "ran ran rolled-back"),
            ("*delete 1; .select", "unknown"),
            ("begin; *delete 1; %select; .commit; .delete 2", "rolled-back ran"),
            (".begin\\;delete 0\\;commit; .delete 1", "ran"),
        ] {
            assert_eq!(fates(script, End::Exited(0)), expected, "{script}");
        }
        assert_eq!(fates("begin; delete 1", End::Running), "open");
        assert_eq!(fates("begin; ?delete 1", End::Lost), "rolled-back");
        assert_eq!(fates("?delete 1; ?delete 2", End::Running), "unknown running");
        assert_eq!(fates("begin; ?delete 1", End::Running), "running");
        assert_eq!(fates("begin; delete 1; =delete 2", End::Running), "open held");
        assert_eq!(fates("=delete 1", End::Lost), "cancelled");
        assert_eq!(fates("~delete 1", End::Lost), "unknown");
        assert_eq!(fates("~delete 1", End::Running), "running");
    }
}
