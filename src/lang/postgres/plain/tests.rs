//! What is told from words alone is what the parser says.

use super::*;
use crate::lang::postgres::{
    corpus, is_destructive_statement, one, token::statements, tree::Place,
};

/// Whether every statement that is read here means the same to the parser; how many there are.
fn same(text: &str) -> usize {
    // Of what is left of a function the parser takes the space behind along.
    let trimmed = |mut effects: Vec<Effect>| {
        for Effect { span, .. } in &mut effects {
            span.end = span.start + text[span.clone()].trim_end_matches([' ', '\n', ';']).len();
        }
        effects
    };
    let quick = |statement: &Statement| {
        let effects = read(text, statement)?;
        let found = one(text, statement, Place::Exact(0), 0);
        match found.reason {
            None => assert_eq!(trimmed(effects), trimmed(found.effects), "{text}"),
            Some(reason) => {
                // What is not understood of an ALTER is held for its first word, of a trigger for its
                // events, and of an EXPLAIN for what it does not run; no server takes these.
                let rest =
                    Statement { tokens: statement.tokens[1..].to_vec(), ..statement.clone() };
                let words = Words::new(text, &statement.tokens);
                let is_held = is_destructive_statement(text, &rest)
                    && !words.is(0, &["explain"])
                    && !Plain(words).is_trigger();
                assert!(!is_held || effects.iter().any(Effect::destroys), "{reason}");
            }
        }
        Some(())
    };
    statements(text).iter().filter_map(quick).count()
}

#[test]
fn forms_of_dumps_and_migrations_are_read_here() {
    for text in FORMS {
        assert_eq!(same(text), 1, "{text}");
    }
}

#[test]
fn the_parser_says_the_same_of_every_statement_and_of_what_is_left_of_it() {
    let texts = corpus::texts().into_iter().chain(FORMS.iter().map(|text| (*text).to_owned()));
    for text in texts {
        for text in corpus::varied(&text) {
            same(&text);
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
        "alter role r rename to s",
        "drop table",
        "drop table a b",
        "drop owned by a",
        "grant a to b",
        "explain analyze delete from t",
        "explain (analyze) update t set a = 1",
        "explain (\"analyze\") delete from t",
        "explain analyze with a as (delete from t returning 1) select 1",
        "explain analyze execute p",
        "explain execute p",
        "explain analyze select lo_unlink(1)",
        "explain analyze select 1 into u",
        "call p(lo_unlink(1))",
        "call p",
        "set constraints all deferred",
        "create schema s create table t (a int)",
        "alter table t set logged",
        "alter table t set tablespace x",
        "alter table t alter a type int using lo_unlink(a)",
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
    "create role app login password 'x'",
    "create user app",
    "create schema if not exists s",
    "create policy p on t for delete to app using (a = 1) with check (b)",
    "drop schema if exists s, \"T\" cascade",
    "drop role a, b",
    "call s.p(1, now())",
    "call p();",
    "set work_mem = '1MB'",
    "set local search_path to a, \"B\", public",
    "set session a.b to off",
    "reset all",
    "reset a.b;",
    "explain select 1",
    "explain (costs off, format json) delete from t",
    "explain verbose update t set a = 1",
    "explain analyze verbose select a from t",
    "explain (analyze, buffers) with a as (select 1) select * from a",
    "explain insert into t select 1",
    "alter table t enable row level security, disable trigger all, replica identity full",
    "alter table t set schema s",
    "alter table t set (fillfactor = 70, a.b)",
    "alter table t reset (fillfactor)",
    "alter table t attach partition s.u for values from (1) to (2)",
    "alter table t attach partition u default",
    "alter table t validate constraint c",
    "alter table t alter column a type text, alter b set data type numeric(10, 2) using b::numeric",
    "alter table t alter a type s.mood using lower(a)::s.mood",
    "alter table t alter a type bigint",
];
