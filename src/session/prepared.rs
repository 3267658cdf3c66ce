//! What the session has prepared and defined: an EXECUTE does what its PREPARE said, and a call
//! what the function's text says.

use crate::lang::Reading;
use crate::lang::postgres::{Memory, Told};

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

    /// Returns what is known.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// A statement was let through: what it prepares or defines is remembered. Returns whether it may
    /// have done either.
    pub fn let_through(&mut self, text: &str) -> bool {
        // Nearly no statement is one, and reading it to find that out costs more than this.
        let has = |word: &[u8]| {
            let mut places = text.as_bytes().windows(word.len());
            places.any(|place| place.eq_ignore_ascii_case(word))
        };
        let teaches = has(b"prepare") || has(b"create") && (has(b"function") || has(b"procedure"));
        if teaches {
            self.memory.learn(text);
        }
        teaches
    }

    /// The server told of its functions.
    pub fn learn_server(&mut self, told: Told) {
        self.memory.learn_server(told);
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
    use crate::lang::Scope;
    use crate::lang::postgres::{Key, Source, Uses, Way};

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
        prepared.clear();
        assert!(told(&prepared, "select sweep(1)").is_empty());
    }

    #[test]
    fn what_runs_a_function_does_what_it_does() {
        let way = |name: &str, uses: &[Uses], fires: bool| Way {
            name: name.to_owned(),
            uses: uses.to_owned(),
            fires,
            is_rule: false,
            routine: "public.empty_all".to_owned(),
        };
        let source = ["public", "empty_all", "plpgsql", "begin truncate a; end"].map(str::to_owned);
        let [schema, name, language, text] = source;
        let mut prepared = Prepared::default();
        prepared.learn_server(Told {
            sources: vec![Source { schema, name, language, text, ..Source::default() }],
            ways: vec![
                way("v", &[Uses::Name], false),
                way("===", &[Uses::Name], false),
                way("\"My d\"", &[Uses::Name], false),
                way("empty_all", &[Uses::Part], false),
                way("t", &[Uses::Insert, Uses::Update], false),
                way("fired", &[Uses::Delete], true),
                way("mv", &[Uses::Refresh], false),
            ],
            keys: Vec::new(),
        });
        prepared.let_through("prepare p as select empty_all()");
        prepared.let_through("prepare q as insert into t values ($1)");
        let classes = |text: &str| -> Vec<Class> {
            let reading = prepared.read(text);
            let effects = reading
                .effects()
                .iter()
                .filter(|effect| effect.class > Class::Add && effect.phrase.contains("empty_all"));
            effects.map(|effect| effect.class).collect()
        };
        for text in [
            "select empty_all()",
            "select other.public.empty_all()",
            "select U&\"empty\\005fall\"()",
            "select (x).empty_all from x",
            "select x.empty_all from x",
            "create table x as select empty_all()",
            "create materialized view x as select empty_all()",
            "create index on x (empty_all())",
            "alter table x add column y int default empty_all()",
            "explain analyze select empty_all()",
            "execute p",
            "execute q (1)",
            "create table x as execute p",
            "select * from v",
            "select * from s.v",
            "select 1===2",
            "select '1'::\"My d\"",
            "do $$ begin perform 1 from v; end $$",
            "insert into t select 1",
            "update s.t set a = 1 where id = 4",
            "copy t from stdin",
            "with a as (insert into t values (1)) select 1",
            "refresh materialized view mv",
            "declare c cursor for table v",
        ] {
            assert_eq!(classes(text), [Class::Destroy], "{text}: {:?}", prepared.read(text));
        }
        let fired = classes("delete from fired where id = 7");
        assert_eq!(fired, [Class::Change], "what a trigger does is worth a word, not a question");
        let made = prepared.read("create trigger x after insert on y execute function empty_all()");
        assert_eq!(
            made.effects().last().map(|effect| effect.phrase.as_str()),
            Some("trigger x, whenever it fires, empty_all() truncates a")
        );
        for text in [
            "select empty_all from x",
            "select * from t",
            "select * from mv",
            "delete from t where id = 4",
            "insert into fired values (1)",
            "explain select * from v",
            "create view w as select * from v",
            "create table x (a int default empty_all())",
            "create materialized view x as select empty_all() with no data",
            "grant select on v to bob",
            "drop view v",
            "select 'v', 1 == 2",
            "prepare r as select empty_all()",
        ] {
            assert!(classes(text).is_empty(), "{text}: {:?}", prepared.read(text));
        }
    }

    #[test]
    fn a_key_that_is_given_a_value_names_one_row() {
        let key = |table: &str, columns: &[&str]| Key {
            table: table.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        };
        let keys = vec![key("t", &["id"]), key("t", &["a", "\"B\""]), key("\"T x\"", &["id"])];
        let mut prepared = Prepared::default();
        prepared.learn_server(Told { keys, ..Told::default() });
        for (text, scope) in [
            ("delete from t where id = 7", Scope::One),
            ("delete from s.t u where u.id = '7' and name <> 'x'", Scope::One),
            ("update \"T x\" set a = 1 where (7 = id)", Scope::One),
            ("update t set a = 1 where a = 2 and \"B\" = 3", Scope::One),
            ("delete from t where a = 2", Scope::Filtered),
            ("delete from t where id > 7", Scope::Filtered),
            ("delete from t where id = 7 or id = 8", Scope::Filtered),
            ("delete from t where id = a", Scope::Filtered),
            ("delete from t where id = 7::float8", Scope::Filtered),
            ("delete from other where id = 7", Scope::Filtered),
            ("delete from t using u where t.id = 7", Scope::Filtered),
            ("delete from t", Scope::All),
        ] {
            assert_eq!(prepared.read(text).effects()[0].scope, scope, "{text}");
        }
        let phrase = prepared.read("delete from t where id = 7").effects()[0].phrase.clone();
        assert_eq!(phrase, "deletes one row of t where id = 7");
    }
}
