//! A text read statement by statement: what one prepares, defines or makes counts for those behind it.

use super::literals::{self, DIALECT};
use super::memory::{Memory, teaches};
use super::{Place, Read, one, plain, token};
use crate::lang::Class;
use crate::lang::Reading;
use crate::lang::alike::Alike;
use crate::lang::effect::unread;
use crate::lang::temporary::Temporary;
use crate::lang::token::Statement;
use crate::lang::turn::{SCRIPT_BYTES, in_turns};

/// What the statements of a text do, each by itself.
pub struct Ahead(Vec<(Statement, Read)>);

impl Ahead {
    /// Reads a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let statements = token::statements(text);
        let is_script = text.len() >= SCRIPT_BYTES;
        let found = in_turns(&statements, text.len(), new, |statement, alike| {
            first(text, statement, alike, is_script)
        });
        Self(statements.into_iter().zip(found).collect())
    }

    /// Reads the parts of a text.
    #[must_use]
    pub fn of_parts(parts: &[&str]) -> Vec<Self> {
        let bytes = parts.iter().map(|part| part.len()).sum();
        in_turns(parts, bytes, new, |part, alike| {
            let read = |statement: Statement| {
                let found = first(part, &statement, alike, bytes >= SCRIPT_BYTES);
                (statement, found)
            };
            Self(token::statements(part).into_iter().map(read).collect())
        })
    }
}

/// A text that comes in one or more parts, and what is known by now.
pub struct Script<'a> {
    given: &'a Memory,
    /// With what the text itself prepares and defines.
    own: Option<Memory>,
    temporary: Temporary,
}

impl<'a> Script<'a> {
    /// Begins a text whose statements may use what a memory holds.
    #[must_use]
    pub fn new(given: &'a Memory) -> Self {
        Self { given, own: None, temporary: Temporary::default() }
    }

    /// The same, of a text that goes on after a mistake, in an open transaction or not: a temporary
    /// table is its own no longer than the transaction it is made in.
    #[must_use]
    pub fn doubted(given: &'a Memory, is_open: bool) -> Self {
        Self { temporary: Temporary::doubted(is_open), ..Self::new(given) }
    }

    /// Takes the next part, which was read ahead. Places are places in this part.
    #[must_use]
    pub fn take(&mut self, text: &str, ahead: Ahead) -> Reading {
        let mut all = Read::default();
        for (statement, mut found) in ahead.0 {
            let is_told = found.effects.iter().any(|effect| effect.class == Class::Opaque);
            if found.destructive_word && !is_told {
                let reason = found.reason.as_deref().unwrap_or("not understood");
                found.effects.push(unread(reason, statement.range.clone()));
            }
            let memory = self.own.as_ref().unwrap_or(self.given);
            memory.apply(text, &statement, &mut found);
            memory.narrow(text, &mut found.effects);
            self.temporary.take(text, &statement, &mut found.effects);
            if teaches(text, &statement) {
                let own = self.own.get_or_insert_with(|| self.given.clone());
                own.learn_statement(text, &statement);
            }
            all.effects.extend(found.effects);
            all.reason = all.reason.or(found.reason);
            all.destructive_word |= found.destructive_word;
        }
        match all.reason.take() {
            None => Reading::Understood(all.effects),
            Some(reason) => Reading::Unclear {
                reason,
                effects: all.effects,
                destructive_word: all.destructive_word,
            },
        }
    }

    /// Forgets the temporary tables that were made: what follows may not see them.
    pub fn forget_temporary(&mut self) {
        self.temporary.forget();
    }
}

fn new() -> Alike {
    Alike::new(DIALECT)
}

/// Reads a statement of a text, by itself.
fn first(text: &str, statement: &Statement, alike: &mut Alike, is_script: bool) -> Read {
    let literal = literals::read(text, statement, 0).map(|effect| vec![effect]);
    let plain = literal.or_else(|| is_script.then(|| plain::read(text, statement))?);
    if let Some(effects) = plain.or_else(|| alike.tell(text, statement)) {
        return Read { effects, ..Read::default() };
    }
    let found = one(text, statement, Place::Exact(0), 0);
    if found.reason.is_none() && found.unread.is_empty() {
        alike.learn(text, statement, &found.effects);
    }
    if found.reason.is_some()
        && let Some(effects) = plain::altered(text, statement)
    {
        return Read { effects, ..Read::default() };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::turn::LONG_BYTES;

    #[test]
    fn long_texts_read_as_short_ones_do() {
        let made = |n: usize| {
            [
                format!("delete from t{n} where a_{n} = {n} or b is null;"),
                format!(
                    "create function f{n}() returns int language sql as 'delete from u{n} returning 1';"
                ),
                format!("select f{}();", n / 2),
                format!("create temp table own{n} (a int);"),
                format!("drop table own{n};"),
                format!("frobnicate {n};"),
            ]
        };
        let pieces: Vec<String> = (0..300).flat_map(made).collect();
        let whole = pieces.join("\n");
        assert!(whole.len() > 2 * LONG_BYTES);
        let told = |reading: &Reading| -> Vec<String> {
            let phrases = reading.effects().iter();
            phrases.map(|effect| format!("{:?} {}", effect.class, effect.phrase)).collect()
        };
        let memory = Memory::default();
        let mut script = Script::new(&memory);
        let parts: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let ahead = Ahead::of_parts(&parts).into_iter();
        let each =
            parts.iter().zip(ahead).flat_map(|(part, ahead)| told(&script.take(part, ahead)));
        assert_eq!(told(&memory.read(&whole)), each.collect::<Vec<_>>());
    }
}
