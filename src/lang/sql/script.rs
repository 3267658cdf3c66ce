//! A text's statements, one after the other, with what an earlier one means for a later one.

use std::collections::BTreeMap;
use std::ops::Range;

use super::command::{self, command};
use super::routine::{self, Call, Routines};
use super::{Ends, Flavour, lex, mysql, query, sqlite};
use crate::lang::alike::{Alike, Care, Dialect};
use crate::lang::effect::unread;
use crate::lang::temporary::Temporary;
use crate::lang::token::{Statement, is_destructive};
use crate::lang::turn::SCRIPT_BYTES;
use crate::lang::words::Words;
use crate::lang::{Class, Effect, Reading, Scope, Verb};

/// How many texts within texts are read: EXECUTE IMMEDIATE of a text that has one.
const MOST_NESTING: usize = 4;

/// How many statements within statements are read: a block in an EXPLAIN in a block.
const MOST_WITHIN: usize = 20;

/// How statements are told from earlier ones: calls do the same whatever is given to them.
const DIALECT: Dialect = Dialect {
    care: |_| Care::Free,
    show: |text, tokens| Words::new(text, tokens).shown(),
    shows_where: true,
};

/// First words of statements that mean the same whatever stands before them; what they call is added
/// behind that.
const ALONE: &[&str] =
    &["delete", "insert", "replace", "select", "table", "update", "values", "with"];

/// What a statement does by itself.
pub(super) struct Ahead {
    effects: Vec<Effect>,
    reason: Option<String>,
    destructive_word: bool,
}

/// What has been read so far.
pub(super) struct Script {
    pub(super) flavour: Flavour,
    effects: Vec<Effect>,
    reason: Option<String>,
    destructive_word: bool,
    /// Variables that hold a string which stands in the text.
    pub(super) variables: BTreeMap<String, String>,
    /// What the text has made that can be called.
    pub(super) routines: Routines,
    /// What texts within the current statement call.
    pub(super) calls: Vec<Call>,
    /// The text of each prepared statement, where it is known.
    pub(super) prepared: BTreeMap<String, Option<String>>,
    temporary: Temporary,
    alike: Alike,
    nesting: usize,
    /// How many statements are being read, each within the one before.
    within: usize,
    /// Where the statement that is read stands.
    span: Range<usize>,
    /// What is read runs again and again.
    pub(super) is_looped: bool,
    /// The text is long, so that a query's words are enough.
    is_script: bool,
}

impl Script {
    pub(super) fn new(flavour: Flavour) -> Self {
        Self {
            flavour,
            effects: Vec::new(),
            reason: None,
            destructive_word: false,
            variables: BTreeMap::new(),
            prepared: BTreeMap::new(),
            routines: Routines::default(),
            calls: Vec::new(),
            temporary: Temporary::default(),
            alike: Alike::new(DIALECT),
            nesting: 0,
            within: 0,
            span: 0..0,
            is_looped: false,
            is_script: false,
        }
    }

    /// The same of a text of so many bytes.
    pub(super) fn of_text(flavour: Flavour, bytes: usize) -> Self {
        Self { is_script: bytes >= SCRIPT_BYTES, ..Self::new(flavour) }
    }

    /// Reads a statement that means the same wherever it stands; none if it is another.
    pub(super) fn ahead(&mut self, text: &str, statement: &Statement) -> Option<Ahead> {
        let words = Words::new(text, &statement.tokens);
        if statement.is_doubtful || words.len() < 2 || !words.is(0, ALONE) {
            return None;
        }
        self.span = words.range();
        self.first(text, statement, &words);
        let ahead = Ahead {
            effects: std::mem::take(&mut self.effects),
            reason: self.reason.take(),
            destructive_word: std::mem::take(&mut self.destructive_word),
        };
        // None of them has texts within it.
        std::mem::take(&mut self.calls).is_empty().then_some(ahead)
    }

    /// Reads one statement of a text, which may have been read ahead.
    pub(super) fn statement(&mut self, text: &str, statement: &Statement, ahead: Option<Ahead>) {
        let words = Words::new(text, &statement.tokens);
        if words.len() == 0 {
            return;
        }
        self.span = words.range();
        self.forget_written(&words);
        let before = (self.effects.len(), self.reason.is_some());
        if let Some(ahead) = ahead {
            self.effects.extend(ahead.effects);
            self.reason = self.reason.take().or(ahead.reason);
            self.destructive_word |= ahead.destructive_word;
        } else if statement.is_doubtful {
            self.unclear(&words, "it is not certain where strings end");
        } else if words.len() == 1 && command(self, &words) {
            if command::connects(words.line(), self.flavour) {
                self.temporary.forget();
            }
        } else {
            self.first(text, statement, &words);
        }
        if before == (self.effects.len(), self.reason.is_some()) {
            self.push(Class::Read, Verb::Read, None, Scope::One, "reads".to_owned());
        }
        self.temporary.take(text, statement, &mut self.effects[before.0..]);
    }

    /// Reads a statement of a text.
    fn first(&mut self, text: &str, statement: &Statement, words: &Words<'_>) {
        let is_rows = words.is(0, &["delete", "insert", "replace", "update"]);
        if is_rows && query::plain_statement(self, words) {
            return;
        }
        if self.is_script && query::plain_query(self, words) {
            return;
        }
        if let Some(effects) = self.alike.tell(text, statement) {
            self.effects.extend(effects);
            return;
        }
        let before = (self.effects.len(), self.reason.is_some());
        self.read(words);
        if self.reason.is_some() == before.1 {
            self.alike.learn(text, statement, &self.effects[before.0..]);
        }
    }

    /// Reads a statement, or one within another; a plain read adds nothing.
    pub(super) fn read(&mut self, words: &Words<'_>) {
        if self.within >= MOST_WITHIN {
            self.unclear(words, "nested too deep to be read");
            return;
        }
        self.within += 1;
        let is_known = match self.flavour {
            Flavour::Mysql => mysql::statement(self, words),
            Flavour::Sqlite => sqlite::statement(self, words),
        };
        if !is_known {
            query::statement(self, words);
        }
        self.within -= 1;
    }

    /// Forgets the text of variables that a statement may write: `SELECT … INTO @a, @b`, `@a := …`,
    /// `CALL p(@a)`, `LOAD DATA … (a, @b)`, `GET DIAGNOSTICS @a = …`.
    fn forget_written(&mut self, words: &Words<'_>) {
        if self.variables.is_empty() {
            return;
        }
        let is_written = words.is(0, &["call", "get", "load"]);
        let mut is_into = false;
        for at in 0..words.len() {
            is_into = words.is(at, &["into"])
                || is_into && (words.piece(at) == "," || words.variable(at).is_some());
            let Some((name, next)) = words.variable(at) else { continue };
            let is_set = words.piece(next) == ":" && words.piece(next + 1) == "=";
            if is_written || is_into || is_set {
                self.variables.remove(&name);
            }
        }
    }

    /// Reads a text that runs where the current statement stands.
    pub(super) fn inner(&mut self, text: &str) {
        if self.nesting >= MOST_NESTING {
            self.destructive_word = true;
            self.reason.get_or_insert_with(|| "texts within texts".to_owned());
            return;
        }
        let routines = std::mem::take(&mut self.routines);
        let mut inner = Self { nesting: self.nesting + 1, routines, ..Self::new(self.flavour) };
        for statement in lex::statements(text, self.flavour, Ends::Server) {
            inner.statement(text, &statement, None);
            self.calls.extend(routine::called(&Words::new(text, &statement.tokens)));
        }
        self.calls.append(&mut inner.calls);
        self.routines = std::mem::take(&mut inner.routines);
        let span = self.span.clone();
        let runs = inner.effects.into_iter().filter(|effect| effect.class != Class::Read);
        self.effects.extend(runs.map(|effect| Effect { span: span.clone(), ..effect }));
        if let Some(reason) = inner.reason {
            self.reason.get_or_insert(reason);
            self.destructive_word |= inner.destructive_word;
        }
    }

    /// Adds an effect of the current statement.
    pub(super) fn push(
        &mut self,
        class: Class,
        verb: Verb,
        object: Option<String>,
        scope: Scope,
        mut phrase: String,
    ) {
        let bounded = matches!(scope, Scope::One | Scope::Filtered)
            && matches!(class, Class::Change | Class::Remove);
        let scope = if self.is_looped && bounded { Scope::Unknown } else { scope };
        if self.is_looped && class >= Class::Change {
            phrase.push_str(", in a loop");
        }
        self.effects.push(Effect::on(class, verb, object, scope, self.span.clone(), phrase));
    }

    /// Adds a statement that only this connection notices.
    pub(super) fn session(&mut self, does: &str) {
        self.push(Class::Session, Verb::Session, None, Scope::One, does.to_owned());
    }

    /// Adds a statement that nobody understands.
    pub(super) fn unclear(&mut self, words: &Words<'_>, why: &str) {
        self.reason.get_or_insert_with(|| format!("{why}: {}", words.shown()));
        let statement = Statement {
            range: words.range(),
            tokens: words.tokens.to_vec(),
            is_doubtful: why.contains("strings end"),
        };
        let is_first =
            words.is(0, &["replace", "load", "change", "reset", "purge", "rename", "kill"]);
        if is_first || is_destructive(words.text, &statement, super::called::is_dangerous) {
            self.destructive_word = true;
            let reason = format!("{why}: {}", words.shown());
            self.effects.push(unread(&reason, self.span.clone()));
        }
    }

    /// Takes out what has been added since, so that it can be told otherwise.
    pub(super) fn take_since(&mut self, count: usize) -> Vec<Effect> {
        self.effects.split_off(count)
    }

    /// Adds effects of the current statement again.
    pub(super) fn add(&mut self, effects: Vec<Effect>) {
        self.effects.extend(effects);
    }

    pub(super) fn count(&self) -> usize {
        self.effects.len()
    }

    pub(super) fn finish(self) -> Reading {
        match self.reason {
            None => Reading::Understood(self.effects),
            Some(reason) => Reading::Unclear {
                reason,
                effects: self.effects,
                destructive_word: self.destructive_word,
            },
        }
    }
}
