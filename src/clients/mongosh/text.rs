//! Statements of mongosh: read before they run, and what of them may be written down.

use super::draft;
use crate::clients::{ReadStatement, UNKNOWN_DRIVER};
use crate::lang::mongo::Names;
use crate::lang::{Class, Effect, Reading};
use crate::tap::Statement;

/// Words that keep a statement out of mongosh's own history.
const SECRET: &[&str] =
    &["createUser", "auth", "updateUser", "changeUserPassword", "connect", "Mongo"];

/// Reads statements with what the session has defined before.
#[derive(Debug, Default)]
pub struct Reader {
    names: Names,
    last: String,
}

impl ReadStatement for Reader {
    fn read(&mut self, statement: &Statement) -> Reading {
        self.last = statement.text.clone().unwrap_or_default();
        // What is done once is asked about as it is sent: then its target and its figures are known.
        // So is what nobody can tell beforehand.
        let reading = self.names.read(&self.last);
        if statement.drivers.iter().any(|driver| driver == UNKNOWN_DRIVER) {
            // Nothing will be asked about when it is sent.
            return reading;
        }
        let is_shown = |effect: &&Effect| effect.looped && effect.class != Class::Opaque;
        let loops = reading.effects().iter().filter(is_shown);
        Reading::Understood(loops.cloned().collect())
    }

    fn typed(&self, screen: &str) -> Option<String> {
        draft::typed(screen)
    }

    fn runs(&mut self) {
        self.names.learn(&std::mem::take(&mut self.last));
    }

    fn at_prompt(&mut self, database: &str) {
        self.names.set_database(database);
    }
}

/// Returns what of a statement may be written down: of one that mongosh would not keep, what
/// stands before its first string.
#[must_use]
pub fn kept(text: String) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_secret = text.split(|c| !is_part(c)).any(|word| SECRET.contains(&word));
    match text.find(['\'', '"', '`']).filter(|_| is_secret) {
        Some(at) => format!("{}[redacted:mongosh]", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mongosh_would_not_keep_is_cut() {
        for (text, expected) in [
            ("db.auth('ann', 'hunter2')", "db.auth([redacted:mongosh]"),
            ("pw = `x`; db.auth(u, pw)", "pw = [redacted:mongosh]"),
            ("connect(\"mongodb://u:p@h\")", "connect([redacted:mongosh]"),
            ("db.auth(passwordPrompt())", "db.auth(passwordPrompt())"),
            ("db.authors.find({a: 'x'})", "db.authors.find({a: 'x'})"),
            ("db.disconnect('x')", "db.disconnect('x')"),
            ("", ""),
        ] {
            assert_eq!(kept(text.to_owned()), expected);
        }
    }
}
