//! Statements of which the words alone tell what they do: queries that only read, additions of rows,
//! and what defines, changes or drops objects in the forms that migrations and dumps are made of.
//!
//! The parser says the same and takes ten times as long. Whatever has a word in it that could mean
//! more, or is not of these forms to its last word, is left to it.

use std::ops::Range;

use squawk_syntax::quote::quote_ident;

use super::function;
use super::tree::{in_one_line, shorten};
use crate::lang::token::{Kind, Statement, Token, is_word};
use crate::lang::words::Words;
use crate::lang::{Class, Effect, Scope, Verb};

/// Words with which a statement may do more than its first one says.
const MORE: &[&str] = &[
    "call", "copy", "delete", "detach", "drop", "execute", "explain", "insert", "into", "merge",
    "program", "reassign", "truncate", "update",
];

/// What precedes UPDATE or DELETE where it is a clause of a foreign key, or a lock.
const CLAUSE_BEFORE: &[&str] = &["for", "key", "on"];

/// Kinds of objects that are created with a name behind.
const CREATED: &[&str] = &[
    "domain",
    "extension",
    "function",
    "index",
    MATERIALIZED,
    "procedure",
    "sequence",
    "table",
    "trigger",
    "type",
    "view",
];

const MATERIALIZED: &str = "materialized view";

/// Kinds of objects that are altered, and those that are dropped.
const ALTERED: &[&str] = &[
    "aggregate",
    "domain",
    "function",
    "index",
    "procedure",
    "schema",
    "sequence",
    "table",
    "type",
    "view",
];
const DROPPED: &[&str] = &[
    "domain",
    "extension",
    "function",
    "index",
    MATERIALIZED,
    "sequence",
    "table",
    "trigger",
    "type",
    "view",
];

/// Rights, and what they are granted on by a name.
const RIGHTS: &[&str] =
    &["all", "delete", "execute", "insert", "references", "select", "truncate", "update", "usage"];
const GRANTED_ON: &[&str] = &["function", "schema", "sequence", "table", "type"];

/// Reads such a statement; none if it is any other.
pub(super) fn read(text: &str, statement: &Statement) -> Option<Vec<Effect>> {
    let words = Words::new(text, &statement.tokens);
    if statement.is_doubtful {
        return None;
    }
    let plain = Plain(words);
    let does_no_more = |from: usize| plain.does_no_more(from..words.len());
    let one = match () {
        () if words.is(0, &["alter"]) => return plain.alter(),
        () if words.is(0, &["drop"]) => return plain.drop(),
        () if words.is(0, &["grant"]) => plain.grant()?,
        () if words.is(0, &["insert"]) && does_no_more(2) => plain.insert()?,
        () if words.is(0, &["create"]) && plain.is_trigger() => plain.create()?,
        () if !does_no_more(0) => return None,
        () if words.is(0, &["select", "table", "values", "with"]) => {
            plain.effect(Class::Read, Verb::Read, None, "reads".to_owned())
        }
        () if words.is(0, &["create"]) => plain.create()?,
        () if words.are(0, &["comment", "on"]) => {
            let phrase = "sets a comment or label".to_owned();
            plain.effect(Class::Add, Verb::Alter, None, phrase)
        }
        () => return None,
    };
    Some(vec![one])
}

/// The words of a statement.
struct Plain<'a>(Words<'a>);

impl Plain<'_> {
    /// Whether no word there makes it do more, and nothing is called that does.
    fn does_no_more(&self, mut place: Range<usize>) -> bool {
        let Self(words) = self;
        let mut folded = String::new();
        place.all(|at| {
            let (kind, piece) = (words.tokens[at].kind, words.piece(at));
            let name = match kind {
                Kind::Word if is_word(piece, MORE) => {
                    let is_clause = is_word(piece, &["delete", "update"]);
                    return at > 0 && is_clause && words.is(at - 1, CLAUSE_BEFORE);
                }
                Kind::Word => piece,
                // Other ways to write a name.
                Kind::Other | Kind::Name if piece.contains('"') => match quoted(piece) {
                    Some(name) => name,
                    None => return false,
                },
                Kind::Other => return piece != "\\",
                Kind::Plain
                | Kind::Escaped
                | Kind::Text
                | Kind::Open
                | Kind::Close
                | Kind::Comma
                | Kind::Semicolon
                | Kind::Name => return true,
            };
            folded.clear();
            folded.push_str(name);
            folded.make_ascii_lowercase();
            match words.is_open(at + 1) {
                true => function::deed(&folded).is_none(),
                false => !function::is_dangerous(&folded),
            }
        })
    }

    fn insert(&self) -> Option<Effect> {
        let (table, _) = self.0.is(1, &["into"]).then(|| self.name(2))??;
        let phrase = format!("inserts into {table}");
        Some(self.effect(Class::Add, Verb::Insert, Some(table), phrase))
    }

    fn create(&self) -> Option<Effect> {
        let Self(words) = self;
        let replaces = words.are(1, &["or", "replace"]);
        let mut at = if replaces { 3 } else { 1 };
        at += usize::from(words.is(at, &["temp", "temporary", "unique"]));
        let kind = self.kind(at)?;
        // What holds other statements.
        let is_body = words.is(at, &["function", "procedure"])
            && words.find(&["begin", "select", "with"]).is_some();
        if !is_word(&kind, CREATED) || is_body {
            return None;
        }
        at += if kind == MATERIALIZED { 2 } else { 1 };
        at += usize::from(words.is(at, &["concurrently"]));
        at += if words.are(at, &["if", "not", "exists"]) { 3 } else { 0 };
        let named =
            if words.is(at, &["on"]) && kind == "index" { None } else { Some(self.name(at)?.0) };
        let (class, verb, does) = match replaces {
            true => (Class::Change, Verb::Replace, "creates or replaces"),
            false => (Class::Add, Verb::Create, "creates"),
        };
        let phrase = format!("{does} {kind} {}", named.as_deref().unwrap_or(""));
        Some(self.effect(class, verb, named, phrase.trim_end().to_owned()))
    }

    /// Whether it creates a trigger, all of whose other words are harmless.
    fn is_trigger(&self) -> bool {
        let Self(words) = self;
        let at = if words.are(1, &["or", "replace"]) { 3 } else { 1 };
        let table = words.find(&["on"]).unwrap_or(0);
        let is_event = |at: usize| {
            !words.is(at, MORE)
                || words.is(at, &["delete", "insert", "truncate", "update"])
                    && words.is(at - 1, &["after", "before", "of", "or"])
        };
        let runs = (table..words.len()).find(|at| words.is(*at, &["execute"])).unwrap_or(table);
        words.is(at, &["trigger"])
            && words.is(at + 2, &["after", "before", "instead"])
            && (at..table).all(is_event)
            && self.does_no_more(table..runs)
            && words.is(runs + 1, &["function", "procedure"])
            && self.does_no_more(runs + 1..words.len())
    }

    /// Returns what kind of object is named behind.
    fn kind(&self, at: usize) -> Option<String> {
        let kind = self.0.piece(at).to_ascii_lowercase();
        match kind.as_str() {
            "materialized" => self.0.is(at + 1, &["view"]).then(|| MATERIALIZED.to_owned()),
            _ => Some(kind),
        }
    }

    fn drop(&self) -> Option<Vec<Effect>> {
        let Self(words) = self;
        let kind = self.kind(1)?;
        let mut at = if kind == MATERIALIZED { 3 } else { 2 };
        at += usize::from(kind == "index" && words.is(at, &["concurrently"]));
        at += if words.are(at, &["if", "exists"]) { 2 } else { 0 };
        is_word(&kind, DROPPED).then_some(())?;
        let mut objects = Vec::new();
        let last = loop {
            let (mut object, mut end) = self.name(at)?;
            let place = match kind.as_str() {
                "function" if words.is_open(end) => {
                    end = words.after_bracket(end);
                    at..end
                }
                "trigger" => {
                    let (table, behind) = words.is(end, &["on"]).then(|| self.name(end + 1))??;
                    object = format!("{object} on {table}");
                    at..std::mem::replace(&mut end, behind)
                }
                _ => at..end,
            };
            objects.push((object, place));
            at = end + 1;
            if words.piece(end) != "," {
                break end;
            }
        };
        let cascades = words.is(last, &["cascade"]);
        let end = last + usize::from(cascades || words.is(last, &["restrict"]));
        let more = if cascades { " and what depends on it" } else { "" };
        let effect = |(object, place): (String, Range<usize>)| {
            let phrase = format!("drops {kind} {object}{more}");
            self.effect_at(place, Class::Destroy, Verb::Drop, Scope::All, Some(object), phrase)
        };
        (end == words.len()).then(|| objects.into_iter().map(effect).collect())
    }

    fn alter(&self) -> Option<Vec<Effect>> {
        let Self(words) = self;
        let kind = words.piece(1).to_ascii_lowercase();
        let mut at = 2;
        at += if words.are(at, &["if", "exists"]) { 2 } else { 0 };
        at += usize::from(kind == "table" && words.is(at, &["only"]));
        // The parser's BETWEEN shows in another way.
        let is_other = (at..words.len()).any(|at| words.is(at, &["between"]));
        let (object, end) = self.name(at).filter(|_| !is_other && words.is(1, ALTERED))?;
        let mut from = if words.is_open(end) { words.after_bracket(end) } else { end };
        let mut effects = Vec::new();
        for part in words.from(from).parts() {
            let place = from..from + part.len();
            from = place.end + 1;
            let (class, verb, scope, does) = self.action(&kind, &object, place.clone())?;
            effects.push(self.effect_at(place, class, verb, scope, Some(object.clone()), does));
        }
        Some(effects)
    }

    /// Reads one action of an ALTER.
    fn action(
        &self,
        kind: &str,
        object: &str,
        place: Range<usize>,
    ) -> Option<(Class, Verb, Scope, String)> {
        let Self(words) = self;
        let whole = format!("{kind} {object}");
        let shown = line(words.text, &words.tokens[place.clone()]);
        let first = place.start;
        let alters = |phrase| Some((Class::Change, Verb::Alter, Scope::One, phrase));
        let is_table = kind == "table";
        if words.are(first, &["owner", "to"]) && place.len() == 3 {
            return alters(format!("alters {whole}: {shown}"));
        }
        if words.are(first, &["owned", "by"]) && self.name(first + 2)?.1 == place.end {
            return (kind == "sequence").then(|| alters(format!("alters {whole}: {shown}")))?;
        }
        if words.is(first, &["rename"]) {
            let is_part = is_table && words.is(first + 1, &["column", "constraint"]);
            let to = if is_part { self.name_part(first + 2)?.1 } else { first + 1 };
            let is_whole = words.is(to, &["to"]) && self.name_part(to + 1)?.1 == place.end;
            let phrase = format!("renames in {whole}: {shown}");
            return is_whole.then_some((Class::Change, Verb::Rename, Scope::One, phrase));
        }
        if is_table && words.is(first, &["drop"]) {
            let part = if words.is(first + 1, &["constraint"]) { "constraint" } else { "column" };
            let mut at = first + 1 + usize::from(words.is(first + 1, &["column", "constraint"]));
            at += if words.are(at, &["if", "exists"]) { 2 } else { 0 };
            let (name, end) = self.name_part(at)?;
            let cascades = words.is(end, &["cascade"]);
            let more = if cascades { " and what depends on it" } else { "" };
            let phrase = format!("drops {part} {name} of {whole}{more}");
            let is_whole = end + usize::from(cascades) == place.end;
            return is_whole.then_some((Class::Destroy, Verb::DropColumn, Scope::All, phrase));
        }
        if !is_table || !self.does_no_more(first + 1..place.end) && !words.is(first, &["alter"]) {
            return None;
        }
        if words.is(first, &["add"]) && !words.is_open(first + 1) {
            let phrase = format!("adds to {whole}: {shown}");
            return Some((Class::Add, Verb::Alter, Scope::One, phrase));
        }
        words.is(first, &["alter"]).then_some(())?;
        let column = first + 1 + usize::from(words.is(first + 1, &["column"]));
        let (name, end) = self.name_part(column)?;
        let is = |list: &[&str]| words.are(end, list) && end + list.len() == place.end;
        let drops = is(&["drop", "not", "null"]) || is(&["drop", "default"]);
        let is_alone = || words.tokens.iter().all(|token| token.kind != Kind::Comma);
        let is_plain = is(&["set", "not", "null"])
            || drops && is_alone()
            || words.are(end, &["set", "default"]) && self.does_no_more(end..place.end);
        is_plain.then(|| alters(format!("alters column {name} of {whole}: {shown}")))?
    }

    fn grant(&self) -> Option<Effect> {
        let Self(words) = self;
        let mut at = 1;
        loop {
            words.is(at, RIGHTS).then_some(())?;
            at += 1;
            if words.piece(at) != "," {
                break;
            }
            at += 1;
        }
        words.is(at, &["on"]).then_some(())?;
        at += 1;
        at += usize::from(words.is(at, GRANTED_ON));
        let (object, end) = self.name(at)?;
        words.is(end, &["to"]).then_some(())?;
        let (_, end) = self.name(end + 1)?;
        let phrase = format!("grants: {}", line(words.text, words.tokens));
        let effect = self.effect(Class::Add, Verb::Grant, Some(object), phrase);
        (end == words.len()).then_some(effect)
    }

    /// Reads a name as the parser does; returns the place behind it.
    fn name(&self, at: usize) -> Option<(String, usize)> {
        let (mut name, mut end) = self.name_part(at)?;
        while self.0.piece(end) == "." {
            let (part, behind) = self.name_part(end + 1)?;
            (name, end) = (format!("{name}.{part}"), behind);
        }
        // A temporary one is the session's own.
        (!name.starts_with("pg_temp.")).then_some((name, end))
    }

    fn name_part(&self, at: usize) -> Option<(String, usize)> {
        let piece = self.0.piece(at);
        let part = match self.0.tokens.get(at)?.kind {
            Kind::Word => piece.to_ascii_lowercase(),
            _ => quote_ident(quoted(piece)?),
        };
        Some((part, at + 1))
    }

    fn effect(&self, class: Class, verb: Verb, object: Option<String>, phrase: String) -> Effect {
        self.effect_at(0..self.0.len(), class, verb, Scope::One, object, phrase)
    }

    fn effect_at(
        &self,
        place: Range<usize>,
        class: Class,
        verb: Verb,
        scope: Scope,
        object: Option<String>,
        phrase: String,
    ) -> Effect {
        let tokens = Words { text: self.0.text, tokens: &self.0.tokens[place] };
        Effect::on(class, verb, object, scope, tokens.range(), phrase)
    }
}

/// Returns the name, without schema, of the function or procedure that a statement creates.
pub(super) fn defines(text: &str, statement: &Statement) -> Option<String> {
    let words = Words::new(text, &statement.tokens);
    let kind = (1..4).find(|at| words.is(*at, &["function", "procedure"]))?;
    let (mut last, mut end) = Plain(words).name_part(kind + 1)?;
    while words.piece(end) == "." {
        (last, end) = Plain(words).name_part(end + 1)?;
    }
    Some(last)
}

/// Returns what stands in the quotes of a plain quoted name.
pub(super) fn quoted(piece: &str) -> Option<&str> {
    let inner = piece.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.is_empty() && !inner.contains('"')).then_some(inner)
}

/// Returns tokens in one line.
pub(super) fn line(text: &str, tokens: &[Token]) -> String {
    let mut last = tokens.first().map_or(0, |first| first.range.start);
    shorten(&in_one_line(tokens.iter().map(|token| {
        let is_apart = token.range.start > std::mem::replace(&mut last, token.range.end);
        (is_apart, &text[token.range.clone()])
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::postgres::{is_destructive_statement, one, token::statements, tree::Place};

    /// Whether every statement that is read here means the same to the parser; how many there are.
    fn same(text: &str) -> usize {
        // Of what is left of a function the parser takes the space behind along.
        let trimmed = |mut effects: Vec<Effect>| {
            for Effect { span, .. } in &mut effects {
                span.end = span.start + text[span.clone()].trim_end_matches([' ', ';']).len();
            }
            effects
        };
        let quick = |statement: &Statement| {
            let effects = read(text, statement)?;
            let found = one(text, statement, Place::Exact(0), 0);
            match found.reason {
                None => assert_eq!(trimmed(effects), trimmed(found.effects), "{text}"),
                Some(reason) => {
                    // What is not understood of an ALTER is held for its first word, and a trigger for
                    // its events; no server takes these.
                    let rest =
                        Statement { tokens: statement.tokens[1..].to_vec(), ..statement.clone() };
                    let is_held = is_destructive_statement(text, &rest)
                        && !Plain(Words::new(text, &statement.tokens)).is_trigger();
                    assert!(!is_held || effects.iter().any(Effect::destroys), "{reason}");
                }
            }
            Some(())
        };
        statements(text).iter().filter_map(quick).count()
    }

    /// The statements of the tables of verdicts.
    fn corpus() -> Vec<String> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = |name: &str| std::fs::read_to_string(root.join(name)).expect("it is there");
        let mut texts = Vec::new();
        for name in ["adversary-postgres", "corpus-postgres", "postgres"] {
            let table: toml::Table =
                file(&format!("tests/verdicts/{name}.toml")).parse().expect("TOML");
            let rows = table.values().filter_map(toml::Value::as_array).flatten();
            texts.extend(
                rows.filter_map(|row| row.get("text").unwrap_or(row).as_str()).map(str::to_owned),
            );
        }
        texts
    }

    #[test]
    fn forms_of_dumps_and_migrations_are_read_here() {
        for text in FORMS {
            assert_eq!(same(text), 1, "{text}");
        }
    }

    #[test]
    fn the_parser_says_the_same_of_every_statement_and_of_what_is_left_of_it() {
        let texts = corpus().into_iter().chain(FORMS.iter().map(|text| (*text).to_owned()));
        for text in texts {
            same(&text);
            for statement in statements(&text).iter().filter(|statement| !statement.is_doubtful) {
                for token in statement.tokens.iter().take(20) {
                    let mut less = text.clone();
                    less.replace_range(token.range.clone(), " ");
                    same(&less);
                    let mut more = text.clone();
                    more.insert_str(token.range.end, &format!(" {}", &text[token.range.clone()]));
                    same(&more);
                }
            }
        }
    }

    #[test]
    fn what_may_do_more_is_left_to_the_parser() {
        for text in [
            "select a into b from t",
            "select lo_unlink(1)",
            "select lo_unlink 1)",
            "select \"lo_unlink\" (1)",
            "select U&\"l\\006f_unlink\"(1)",
            "select delete_all()",
            "with a as (delete from t returning 1) select 1",
            "insert into t values (1) on conflict (id) do update set a = 1",
            "create rule r as on insert to t do also delete from u",
            "create function f() returns int begin atomic select 1; end",
            "create table t as execute p",
            "create materialized view v as select lo_unlink(1)",
            "alter table t add column a int, detach partition p",
            "alter table t drop column a b",
            "alter table t alter a type int",
            "alter role r rename to s",
            "drop table",
            "drop table a b",
            "drop owned by a",
            "grant a to b",
            "explain analyze delete from t",
        ] {
            assert_eq!(read(text, &statements(text)[0]), None, "{text}");
        }
    }

    #[rustfmt::skip]
    const FORMS: &[&str] = &[
        "SELECT f.id, count(*) FROM families f LEFT JOIN m ON m.f = f.id WHERE f.a IN (SELECT 1) FOR UPDATE;",
        "with a as (select 1) select * from a",
        "values (1), (2)",
        "table t",
        "insert into public.\"T\" (a, b) select a, lower(b) from u where c is null returning id",
        "insert into t as x values (now(), array[1], 'a'::text) on conflict (id) where a > 1 do nothing",
        "insert into t default values",
        "CREATE TABLE public.t (id bigint NOT NULL, b text DEFAULT ''::text, CONSTRAINT c CHECK ((b > 0)))",
        "create temp table if not exists t (id int generated always as identity, c int references u (id) on delete set null)",
        "create table t (like u including all) partition by range (a)",
        "create table \"t-1\" partition of u for values from (1) to (2)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY public.t USING btree (lower(a), b DESC) WHERE (c IS NULL)",
        "create index on t (a)",
        "create sequence public.s START WITH 1 NO MINVALUE CACHE 1",
        "create or replace view v (a) as select a from t where b",
        "create type mood as enum ('a', 'b')",
        "create domain d as text check (value <> '')",
        "create extension if not exists hstore with schema public",
        "create or replace function s.f(a int, b text default 'x') returns trigger language plpgsql as $$ begin delete from t; end $$",
        "create procedure p() language sql as 'truncate t'",
        "create function f(a int) returns int return a + 1",
        "alter table t add column a int not null default 0",
        "alter table only public.t add constraint c foreign key (a) references u (id) on update cascade on delete cascade not valid",
        "ALTER TABLE if exists t ADD a int, add unique (b), owner to \"Me\", alter column c set default nextval('s'::regclass), alter d set not null",
        "alter sequence s owned by t.id",
        "alter function s.f(int, text) owner to app",
        "alter view \"V\" owner to app;",
        "comment on column public.t.a is 'drop table t'",
        "grant select, insert, update, delete on table public.t to app",
        "grant all on schema s to public",
        "drop table if exists a, s.b, \"C\" cascade",
        "drop index concurrently i",
        "drop view v restrict",
        "drop materialized view if exists s.v",
        "drop function if exists f(int, text) cascade",
        "drop trigger if exists g on s.t cascade",
        "alter table t drop column if exists a cascade, drop constraint c, drop \"B\", alter a set not null",
        "alter table t alter a drop not null",
        "alter table t rename column a to \"B\"",
        "alter table t rename constraint a to b",
        "alter index s.i rename to j",
        "alter table t rename to u",
        "alter table t alter column a drop default",
        "alter table t alter b set default lower('x')",
        "create table t as select a from u",
        "create materialized view v as select a from u with no data",
        "create or replace trigger g after insert or update of a, b or delete on t for each row when (new.a > 1) execute function s.f('x')",
        "create trigger g instead of delete on v execute procedure f()",
    ];
}
