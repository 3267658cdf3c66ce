//! Temporary tables that a text itself has made: what it does to them is its own affair.

use std::collections::BTreeMap;

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

/// How long a name is the text's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Until it is dropped.
    Session,
    /// Until the transaction ends: ON COMMIT DROP.
    Transaction,
    /// Never for certain: where its CREATE fails, the text goes on with another table of the name.
    Perhaps,
}

/// Takes the effects of a text on temporary tables of its connection: what stays within is only the
/// session's. Of what may be several statements nobody knows which table the later ones mean.
pub fn keep_own(text: &str, own: &[String], effects: &mut [Effect]) {
    if own.is_empty() || text.trim_end().trim_end_matches(';').contains(';') {
        return;
    }
    let mut temporary = Temporary::default();
    let names = own.iter().flat_map(|name| [name.clone(), format!("\"{name}\"")]);
    temporary.names.extend(names.map(|name| (name, Kept::Session)));
    for effect in effects {
        temporary.keep(effect);
    }
}

/// Names, as effects have them.
#[derive(Debug, Default)]
pub(super) struct Temporary {
    names: BTreeMap<String, Kept>,
    /// Whether a transaction is open, as far as the text tells.
    is_open: bool,
    /// Whether the text goes on after a mistake. No statement behind one gets through in an open transaction;
    /// outside of one a name whose CREATE failed is another table's.
    goes_on: bool,
}

impl Temporary {
    /// Those of a text that goes on after a mistake, in an open transaction or not.
    pub(super) fn doubted(is_open: bool) -> Self {
        Self { is_open, goes_on: true, ..Self::default() }
    }

    /// Forgets what was made.
    pub(super) fn forget(&mut self) {
        self.names.clear();
    }

    /// Takes the effects of the next statement: what stays within is only the session's.
    pub(super) fn take(&mut self, text: &str, statement: &Statement, effects: &mut [Effect]) {
        let is = |at: usize, list: &[&str]| {
            let token = statement.tokens.get(at).filter(|token| token.kind == Kind::Word);
            token.is_some_and(|token| is_word(&text[token.range.clone()], list))
        };
        let word = |list: &[&str]| (0..statement.tokens.len()).any(|at| is(at, list));
        if !self.names.is_empty() {
            if word(DOUBTS) {
                self.names.clear();
            }
            for effect in effects.iter_mut() {
                self.keep(effect);
            }
            // Who knows what runs there.
            if effects.iter().any(|effect| effect.verb == Verb::Execute) {
                self.names.clear();
            }
        }
        self.forget_named(text, statement, &word);
        if is(0, &["abort", "commit", "end", "prepare", "rollback"]) {
            self.is_open = false;
            let goes_on = self.goes_on;
            self.names.retain(|_, kept| !goes_on && *kept != Kept::Transaction);
        }
        self.is_open |= is(0, &["begin", "start"]);
        let made = effects.iter().find(|effect| effect.verb == Verb::Create);
        let made = made.and_then(|effect| effect.object.clone());
        // With a schema it is none, or fails.
        if let Some(name) = made.filter(|name| makes(&is, statement) && !name.contains('.')) {
            // Outside of a transaction it is gone at once, and its name another table's.
            let is_gone = word(&["commit"]) && word(&["drop"]);
            let kept = match (self.is_open, is_gone) {
                (true, true) => Kept::Transaction,
                (false, true) => return,
                (false, false) if self.goes_on => Kept::Perhaps,
                (_, false) => Kept::Session,
            };
            self.names.insert(name, kept);
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
            self.names.retain(|name, _| !folded.contains(&name.trim_matches('"').to_lowercase()));
        }
    }

    fn keep(&mut self, effect: &mut Effect) {
        let Some((name, kept)) =
            effect.object.as_ref().and_then(|object| self.names.get_key_value(object))
        else {
            return;
        };
        let (name, kept) = (name.clone(), *kept);
        let stays = effect.only_table().is_some();
        if matches!(effect.verb, Verb::Drop | Verb::Rename) {
            self.names.remove(&name);
        }
        if stays && kept == Kept::Perhaps {
            let phrase = ", or of another table if its CREATE fails (pg_temp.";
            effect.phrase = format!("{}{phrase}{name} is never another)", effect.phrase);
        } else if stays {
            effect.class = Class::Session;
            effect.phrase.push_str(", a temporary table of its own");
        }
    }
}

/// Tells whether a statement makes a temporary table: CREATE, or SELECT INTO. With IF NOT EXISTS it may
/// be another table of that name.
fn makes(is: &impl Fn(usize, &[&str]) -> bool, statement: &Statement) -> bool {
    const TEMPORARY: &[&str] = &["temp", "temporary"];
    let behind = |at: usize| if is(at, &["global", "local"]) { at + 1 } else { at };
    let at = behind(1);
    let into = |at: &usize| is(*at, &["into"]) && is(behind(at + 1), TEMPORARY);
    is(0, &["create"]) && is(at, TEMPORARY) && is(at + 1, &["table"]) && !is(at + 2, &["if"])
        || is(0, &["select", "with"]) && (1..statement.tokens.len()).any(|at| into(&at))
}
