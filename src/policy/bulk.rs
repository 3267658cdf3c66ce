//! Counts changes and removals, so that a loop is stopped however it is written.

use std::collections::VecDeque;
use std::time::Duration;

use super::Limits;
use crate::lang::{Class, Effect, Verb};

/// Moments kept for the window: far above any sensible count, and small in memory.
const MOST_RECENT: usize = 100_000;

/// What has been done to one object of the target in this submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What was done.
    pub verb: Verb,
    /// To what.
    pub object: Option<String>,
    /// How often so far.
    pub count: u32,
    /// A bulk hold of it was released: it is not asked for again in this submission.
    pub released: bool,
}

/// What has happened before the text that is judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bulk {
    /// The source shows a loop around what is judged.
    pub loop_shown: bool,
    /// Operations of this submission.
    pub counted: Vec<Counted>,
    /// Operations within the sliding window, of any submission.
    pub recent: u32,
}

/// Tells whether an effect counts towards a bulk.
#[must_use]
pub fn counts(effect: &Effect) -> bool {
    matches!(effect.class, Class::Change | Class::Remove)
}

impl Bulk {
    /// Counts one more effect and says why it makes a bulk, if it does.
    pub fn step(&mut self, effect: &Effect, limits: &Limits) -> Option<String> {
        if !counts(effect) {
            return None;
        }
        self.recent = self.recent.saturating_add(1);
        let entry = self.entry(effect);
        entry.count = entry.count.saturating_add(1);
        let (count, released) = (entry.count, entry.released);
        if released {
            return None;
        }
        let object = effect.object.as_deref().unwrap_or("an unknown object");
        let verb = verb_word(effect.verb);
        if self.loop_shown || effect.looped {
            Some(format!("a loop around {verb} on {object}"))
        } else if limits.bulk_count > 0 && count >= limits.bulk_count {
            Some(format!("number {count} of {verb} on {object} in one go"))
        } else if limits.bulk_window_count > 0 && self.recent >= limits.bulk_window_count {
            let window = limits.bulk_window.as_secs();
            Some(format!("number {} of changes and removals within {window} s", self.recent))
        } else {
            None
        }
    }

    /// Counts an effect that happens several times at once.
    pub fn add(&mut self, effect: &Effect, times: u32) {
        let entry = self.entry(effect);
        entry.count = entry.count.saturating_add(times);
    }

    /// Counts what was done to what has the same name elsewhere.
    pub fn join(&mut self, elsewhere: Self) {
        for other in elsewhere.counted {
            let is_same =
                |entry: &&mut Counted| (entry.verb, &entry.object) == (other.verb, &other.object);
            match self.counted.iter_mut().find(is_same) {
                Some(entry) => entry.count = entry.count.saturating_add(other.count),
                None => self.counted.push(other),
            }
        }
    }

    fn entry(&mut self, effect: &Effect) -> &mut Counted {
        let found = self
            .counted
            .iter()
            .position(|entry| entry.verb == effect.verb && entry.object == effect.object);
        let at = found.unwrap_or_else(|| {
            self.counted.push(Counted {
                verb: effect.verb,
                object: effect.object.clone(),
                count: 0,
                released: false,
            });
            self.counted.len() - 1
        });
        &mut self.counted[at]
    }
}

/// Keeps the counts of a session from statement to statement.
///
/// A session calls [`Tally::submit`] at each submitting key, [`Tally::add`] for each statement
/// that ran, and [`Tally::release`] when the person released a bulk hold.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    bulk: Bulk,
    /// When each operation of the window happened.
    recent: VecDeque<Duration>,
}

impl Tally {
    /// Begins a new submission: a typed line, a paste, a file.
    pub fn submit(&mut self) {
        self.bulk.counted.clear();
    }

    /// Forgets what was let pass: names mean something else.
    pub fn forget_released(&mut self) {
        for entry in &mut self.bulk.counted {
            entry.released = false;
        }
    }

    /// Tells whether something was let pass for the rest of the submission.
    #[must_use]
    pub fn has_released(&self) -> bool {
        self.bulk.counted.iter().any(|entry| entry.released)
    }

    /// Forgets everything: another target.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Counts what was let through at a time of the session.
    pub fn add(&mut self, effects: &[Effect], at: Duration) {
        for effect in effects.iter().filter(|effect| counts(effect)) {
            let entry = self.bulk.entry(effect);
            entry.count = entry.count.saturating_add(1);
            if self.recent.len() == MOST_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(at);
        }
    }

    /// Says whether the same verb on the same object was let through in this submission.
    #[must_use]
    pub fn has(&self, effect: &Effect) -> bool {
        let mut counted = self.bulk.counted.iter();
        counted.any(|entry| entry.verb == effect.verb && entry.object == effect.object)
    }

    /// Lets the same verb on the same object pass for the rest of the submission.
    pub fn release(&mut self, effects: &[Effect]) {
        for effect in effects.iter().filter(|effect| counts(effect)) {
            self.bulk.entry(effect).released = true;
        }
    }

    /// Returns what `judge` needs to know at a time of the session.
    pub fn bulk(&mut self, at: Duration, limits: &Limits) -> Bulk {
        let begin = at.saturating_sub(limits.bulk_window);
        while self.recent.front().is_some_and(|then| *then < begin) {
            self.recent.pop_front();
        }
        let recent = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        Bulk { recent, ..self.bulk.clone() }
    }
}

/// Returns the word of a verb as JSON has it.
#[must_use]
pub fn verb_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "read",
        Verb::Session => "session",
        Verb::Insert => "insert",
        Verb::Create => "create",
        Verb::Alter => "alter",
        Verb::Grant => "grant",
        Verb::Lock => "lock",
        Verb::Rewrite => "rewrite",
        Verb::Update => "update",
        Verb::Replace => "replace",
        Verb::Revoke => "revoke",
        Verb::Rename => "rename",
        Verb::AlterType => "alter-type",
        Verb::Delete => "delete",
        Verb::Truncate => "truncate",
        Verb::Drop => "drop",
        Verb::DropColumn => "drop-column",
        Verb::Detach => "detach",
        Verb::Admin => "admin",
        Verb::Execute => "execute",
        Verb::Shell => "shell",
        Verb::Unguard => "unguard",
    }
}
