//! What the session has prepared and defined: an EXECUTE does what its PREPARE said, and a call
//! what the function's text says.

use crate::lang::Reading;
use crate::lang::postgres::Memory;

/// What the session knows by name.
#[derive(Debug, Default)]
pub struct Prepared {
    memory: Memory,
}

impl Prepared {
    /// Reads a statement; an EXECUTE of a known name reads as what was prepared, and a call of a
    /// known function as what it does.
    #[must_use]
    pub fn read(&self, text: &str) -> Reading {
        self.memory.read(text)
    }

    /// A statement was let through: what it prepares or defines is remembered.
    pub fn let_through(&mut self, text: &str) {
        // Nearly no statement is one, and reading it to find that out costs more than this.
        let has = |word: &[u8]| {
            let mut places = text.as_bytes().windows(word.len());
            places.any(|place| place.eq_ignore_ascii_case(word))
        };
        if has(b"prepare") || has(b"create") && (has(b"function") || has(b"procedure")) {
            self.memory.learn(text);
        }
    }

    /// The server told the text of a function.
    pub fn learn_routine(&mut self, schema: &str, name: &str, language: &str, source: &str) {
        self.memory.learn_routine(schema, name, language, source);
    }

    /// Another connection: nothing is known.
    pub fn clear(&mut self) {
        self.memory.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Class;

    #[test]
    fn an_execute_does_what_was_prepared() {
        let mut prepared = Prepared::default();
        prepared.let_through("/* a */ PrePare gone as delete from families");
        let reading = prepared.read("execute gone");
        assert_eq!(reading.effects().len(), 1, "{reading:?}");
        assert_eq!(reading.effects()[0].class, Class::Remove);
        prepared.clear();
        assert_eq!(prepared.read("execute gone").effects()[0].class, Class::Opaque);
    }

    #[test]
    fn a_call_does_what_the_function_says() {
        let mut prepared = Prepared::default();
        let told = |prepared: &Prepared, text: &str| -> Vec<String> {
            let reading = prepared.read(text);
            let effects = reading.effects().iter().filter(|effect| effect.class > Class::Add);
            effects.map(|effect| effect.phrase.clone()).collect()
        };
        prepared.let_through(
            "create or replace function s.sweep(n int) returns void language plpgsql as $$
             begin create temp table x as select 1; delete from x; delete from orders;
             execute 'select ' || n; perform tidy(1); end $$",
        );
        prepared.let_through(
            "create function tidy(int) returns void as 'update t set a = 1 where id = $1' language sql",
        );
        let both =
            ["sweep() deletes every row of orders", "sweep() updates rows of t where id = $1"];
        assert_eq!(told(&prepared, "select sweep(1)"), both);
        assert_eq!(
            told(&prepared, "select s.sweep(1) from t"),
            both.map(|line| format!("s.{line}"))
        );
        assert_eq!(told(&prepared, "do $$ begin perform sweep(1); end $$").len(), 2);
        for text in [
            "select other.sweep(1)",
            "explain select sweep(1)",
            "select sweep from t",
            "select 'sweep(1)'",
            "create view v as select sweep(1)",
        ] {
            assert!(told(&prepared, text).is_empty(), "{text}");
        }
        prepared.learn_routine("public", "empty_all", "plpgsql", "begin truncate a; end");
        assert_eq!(told(&prepared, "select empty_all()"), ["empty_all() truncates a"]);
        prepared.clear();
        assert!(told(&prepared, "select sweep(1)").is_empty());
    }
}
