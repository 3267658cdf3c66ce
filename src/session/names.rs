//! What names mean: when another table may stand behind a name than before.

use crate::lang::{Effect, Verb, postgres};

/// Words of a statement after which a name may mean another table.
const MOVES: &[&str] = &[
    "abort",
    "authorization",
    "discard",
    "prepare",
    "reset",
    "role",
    "rollback",
    "schema",
    "search_path",
];

/// Follows what makes names mean other tables than before.
#[derive(Debug, Default)]
pub struct Moves {
    /// Whether the transaction that is open has settings of its own.
    is_local: bool,
}

impl Moves {
    /// Takes a statement that was let through; tells whether a name may mean another table now.
    /// Functions that nobody knows are only looked for where that `matters`.
    pub fn take(&mut self, text: &str, effects: &[Effect], matters: bool) -> bool {
        let text = text.to_ascii_lowercase();
        let words = words(&text);
        let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
        let is_rows = is_of_rows(effects);
        let ends = !is_rows && has(&["commit", "end", "rollback", "abort"]);
        // Its table stands before a bracket as a function would.
        let is_index = words.iter().take(3).any(|word| *word == "index");
        let was_local = self.is_local;
        let sets = !is_rows && has(&["local"]) || text.contains("set_config");
        self.is_local = if ends { false } else { was_local || sets };
        text.contains("search_path")
            || !is_rows && has(MOVES)
            || ends && was_local
            || matters && !is_index && postgres::calls_unknown(&text)
    }
}

/// Tells whether a statement only reads and writes rows: its words are names and values.
pub(super) fn is_of_rows(effects: &[Effect]) -> bool {
    let is_rows = |effect: &Effect| {
        matches!(effect.verb, Verb::Read | Verb::Insert | Verb::Update | Verb::Delete)
    };
    !effects.is_empty() && effects.iter().all(is_rows)
}

/// Returns the words of a statement, in whatever it says them.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect()
}
