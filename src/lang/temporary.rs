//! Temporary tables that a text itself has made: what it does to them is its own affair.

use std::collections::BTreeSet;

use super::token::{Kind, Statement, is_word};
use super::{Class, Effect, Verb};

/// Words after which nobody can tell any more what a name means.
const DOUBTS: &[&str] = &[
    "abort",
    "discard",
    "prepare",
    "reset",
    "rollback",
    "schema",
    "search_path",
    "set_config",
    "use",
];

/// Takes the effects of a text on temporary tables of its connection: what stays within is only the
/// session's. Of what may be several statements nobody knows which table the later ones mean.
pub fn keep_own(text: &str, own: &[String], effects: &mut [Effect]) {
    if own.is_empty() || text.trim_end().trim_end_matches(';').contains(';') {
        return;
    }
    let mut temporary = Temporary::default();
    temporary.names.extend(own.iter().flat_map(|name| [name.clone(), format!("\"{name}\"")]));
    for effect in effects {
        temporary.keep(effect);
    }
}

/// Names, as effects have them.
#[derive(Debug, Default)]
pub(super) struct Temporary {
    names: BTreeSet<String>,
    /// Where the text goes on after a mistake: whether a transaction is open, which no statement behind
    /// a mistake gets through. Outside of one a name whose CREATE failed is another table's.
    is_open: Option<bool>,
}

impl Temporary {
    /// Those of a text that goes on after a mistake, in an open transaction or not.
    pub(super) fn doubted(is_open: bool) -> Self {
        Self { is_open: Some(is_open), ..Self::default() }
    }

    /// Forgets what was made.
    pub(super) fn forget(&mut self) {
        self.names.clear();
    }

    /// Takes the effects of the next statement: what stays within is only the session's.
    pub(super) fn take(&mut self, text: &str, statement: &Statement, effects: &mut [Effect]) {
        let word = |list: &[&str]| {
            statement
                .tokens
                .iter()
                .any(|token| token.kind == Kind::Word && is_word(&text[token.range.clone()], list))
        };
        if !self.names.is_empty() {
            if word(DOUBTS) {
                self.names.clear();
            }
            for effect in effects.iter_mut() {
                self.keep(effect);
            }
        }
        let is = |at: usize, list: &[&str]| {
            let token = statement.tokens.get(at).filter(|token| token.kind == Kind::Word);
            token.is_some_and(|token| is_word(&text[token.range.clone()], list))
        };
        self.forget_named(text, statement, &word);
        if let Some(is_open) = &mut self.is_open {
            if is(0, &["abort", "commit", "end", "prepare", "rollback"]) {
                self.names.clear();
                *is_open = false;
            }
            *is_open |= is(0, &["begin", "start"]);
        }
        let at = if is(1, &["global", "local"]) { 2 } else { 1 };
        // With IF NOT EXISTS it may be another table of that name.
        let makes = self.is_open != Some(false)
            && is(0, &["create"])
            && is(at, &["temp", "temporary"])
            && is(at + 1, &["table"])
            && !is(at + 2, &["if"])
            // It may be gone with the next COMMIT, and its name another table's.
            && !(word(&["commit"]) && word(&["drop"]));
        if makes
            && let Some(name) = effects.iter().find_map(|effect| match effect.verb {
                Verb::Create => effect.object.clone(),
                _ => None,
            })
        {
            // With a schema it is none, or fails.
            if !name.contains('.') {
                self.names.insert(name);
            }
        }
    }

    /// Forgets what is dropped or renamed, by whatever name (`pg_temp.t`, `temp.t`) and in whatever block
    /// or string; and everything where a block or a string changes what names mean.
    fn forget_named(&mut self, text: &str, statement: &Statement, word: &impl Fn(&[&str]) -> bool) {
        if self.names.is_empty() || word(&["create"]) {
            return;
        }
        let folded = text[statement.range.clone()].to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| folded.contains(word));
        if word(&["do", "execute"]) && has(DOUBTS) {
            self.names.clear();
        }
        if has(&["drop", "rename", "schema"]) {
            self.names.retain(|name| !folded.contains(&name.trim_matches('"').to_lowercase()));
        }
    }

    fn keep(&mut self, effect: &mut Effect) {
        let Some(object) = effect.object.as_ref().filter(|object| self.names.contains(*object))
        else {
            return;
        };
        let stays = effect.only_table().is_some();
        if matches!(effect.verb, Verb::Drop | Verb::Rename) {
            self.names.remove(&object.clone());
        }
        if stays {
            effect.class = Class::Session;
            effect.phrase.push_str(", a temporary table of its own");
        }
    }
}
