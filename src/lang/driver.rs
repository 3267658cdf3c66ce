//! SQL as a program hands it to its driver: with placeholders, and in other servers' spelling.
//!
//! Placeholders and quotes are made plain in place, so that every span still fits, and the text
//! is read as PostgreSQL's. What only other servers know is left unclear, and judged by its words.

use super::Reading;
use super::postgres::Memory;
use super::sql::{self, Ends, Flavour};

/// Reads what a driver is about to send to a server that something may be known of.
#[must_use]
pub fn read(text: &str, memory: &Memory) -> Reading {
    let plain = plain(text);
    match overwriting(&plain) {
        Some(flavour) => sql::read(&plain, flavour, Ends::Server),
        None => memory.read(&plain),
    }
}

/// Returns whose statement it is that overwrites as it inserts: PostgreSQL has none of these words.
fn overwriting(text: &str) -> Option<Flavour> {
    let mut words = text.split_ascii_whitespace().map(str::to_ascii_lowercase);
    match words.next()?.as_str() {
        "replace" => Some(Flavour::Mysql),
        "insert" if words.next()? == "or" => Some(Flavour::Sqlite),
        _ => None,
    }
}

/// What the scanner is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Code,
    Quoted(u8),
    Line,
    Block,
}

/// Makes placeholders into parameters and backticks into quotes, byte for byte.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    let mut state = In::Code;
    while at < bytes.len() {
        let (byte, next) = (bytes[at], bytes.get(at + 1).copied().unwrap_or(0));
        match state {
            In::Code => match (byte, next) {
                (b'\'' | b'"', _) => state = In::Quoted(byte),
                (b'`', _) => {
                    out[at] = b'"';
                    state = In::Quoted(byte);
                }
                (b'-', b'-') => state = In::Line,
                (b'/', b'*') => state = In::Block,
                (b'%', b's' | b'b' | b't' | b'd' | b'i' | b'r') => {
                    out[at..at + 2].copy_from_slice(b"$1");
                }
                (b'%', b'%') => out[at + 1] = b' ',
                (b'%', b'(') => {
                    let end = bytes[at..].iter().position(|&byte| byte == b')');
                    let end = end.map(|end| at + end + 2).filter(|&end| end <= bytes.len());
                    if let Some(end) = end {
                        fill(&mut out[at..end]);
                        at = end;
                        continue;
                    }
                }
                (b'?', _) => out[at] = b'_',
                (b':', b':') => at += 1,
                (b':', next) if next.is_ascii_alphabetic() || next == b'_' => {
                    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                    let length = bytes[at + 1..].iter().take_while(|byte| is_word(byte)).count();
                    fill(&mut out[at..=at + length]);
                    at += length;
                }
                _ => {}
            },
            In::Quoted(quote) if byte == quote => {
                if quote == b'`' {
                    out[at] = b'"';
                }
                state = In::Code;
            }
            In::Line if byte == b'\n' => state = In::Code,
            In::Block if (byte, next) == (b'*', b'/') => {
                at += 1;
                state = In::Code;
            }
            In::Quoted(_) | In::Line | In::Block => {}
        }
        at += 1;
    }
    // Only whole ASCII characters were replaced by ASCII, except inside `%(…)`, where all was.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Writes a parameter over a placeholder of two bytes or more.
fn fill(place: &mut [u8]) {
    place.fill(b' ');
    place[..2].copy_from_slice(b"$1");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lang::{Class, Scope};

    #[test]
    fn placeholders_are_parameters() {
        for (given, expected) in [
            ("delete from t where id = %s", "delete from t where id = $1"),
            ("delete from t where id = %(id)s and x", "delete from t where id = $1     and x"),
            ("delete from t where id = ?", "delete from t where id = _"),
            ("delete from t where id = :id", "delete from t where id = $1 "),
            ("select a::text, 'x%sy', \"%s\", b %% 2", "select a::text, 'x%sy', \"%s\", b %  2"),
            ("delete from `my t` -- ?\n/* ? */", "delete from \"my t\" -- ?\n/* ? */"),
            ("select 'é' where x = %(é)s", "select 'é' where x = $1    "),
            ("delete from t where id = %d", "delete from t where id = $1"),
            ("%(", "%("),
            ("%", "%"),
        ] {
            assert_eq!(plain(given), expected);
        }
    }

    fn one(text: &str) -> (Class, Scope, Option<String>) {
        let reading = read(text, &Memory::default());
        let Reading::Understood(effects) = &reading else { panic!("{text}: {reading:?}") };
        let [effect] = &effects[..] else { panic!("{text}: {effects:?}") };
        (effect.class, effect.scope, effect.object.clone())
    }

    /// What Python's hook gives in place of a text that is too long for it.
    #[test]
    fn a_text_that_is_too_long_has_a_destructive_word() {
        let reading = read("delete ? 9437220 characters are more", &Memory::default());
        assert!(matches!(reading, Reading::Unclear { destructive_word: true, .. }), "{reading:?}");
    }

    #[test]
    fn statements_of_drivers_are_read() {
        let families = Some("families".to_owned());
        let filtered = (Class::Remove, Scope::Filtered, families.clone());
        for text in [
            "DELETE FROM families WHERE id = %s",
            "DELETE FROM families WHERE id = %(id)s",
            "DELETE FROM families WHERE id = ?",
            "DELETE FROM families WHERE id = $1",
            "DELETE FROM `families` WHERE `id` = %s",
            "DELETE FROM families WHERE families.id = :id_1",
        ] {
            assert_eq!(one(text), filtered, "{text}");
        }
        assert_eq!(one("DELETE FROM families"), (Class::Remove, Scope::All, families.clone()));
        assert_eq!(one("DROP TABLE families").0, Class::Destroy);
        for text in [
            "REPLACE INTO `families` (id) VALUES (?)",
            "REPLACE families VALUES (%s, %(name)s)",
            "insert or replace into families values (1)",
            "INSERT OR REPLACE INTO families SELECT * FROM old",
        ] {
            assert_eq!(one(text), (Class::Change, Scope::Filtered, families.clone()), "{text}");
        }
        assert_eq!(one("insert or ignore into families values (?)").0, Class::Add);
    }

    proptest! {
        #[test]
        fn spans_still_fit(text in ".{0,200}") {
            prop_assert_eq!(plain(&text).len(), text.len());
        }
    }
}
