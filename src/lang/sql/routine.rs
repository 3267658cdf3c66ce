//! What MySQL's procedures and functions do, by their bodies: those that the text makes, and those that the
//! server has told.

use std::collections::BTreeMap;

use super::script::Script;
use super::{Ends, Flavour, alter, lex};
use crate::lang::postgres::{Memory, Source};
use crate::lang::token::Kind;
use crate::lang::words::Words;
use crate::lang::{Class, Effect, Reading, Scope, Verb};

/// How many functions deep a call is followed.
const MOST_CALLS: usize = 4;

/// Words that a body begins with; none stands among what is said of a routine before.
const BODY: &[&str] = &[
    "alter", "begin", "call", "case", "create", "delete", "do", "drop", "execute", "flush", "for",
    "grant", "if", "insert", "kill", "load", "lock", "loop", "prepare", "rename", "repeat",
    "replace", "return", "revoke", "select", "truncate", "update", "while", "with",
];

/// Statements that name functions and run none.
const RUNS_NONE: &[&str] = &["alter", "drop", "grant", "revoke", "show"];

/// What makes a text one statement, with the text behind its first five words.
const HEAD: (&str, usize) = ("create procedure p() ", 5);

/// A call, as it is written: schema and name.
pub(super) type Call = (Option<String>, String);

/// What a text has made that can be called, by names without a schema in small letters.
#[derive(Debug, Default)]
pub(super) struct Routines {
    made: BTreeMap<String, Vec<Source>>,
    /// What calls of a text do.
    read: BTreeMap<Call, Vec<(String, Effect)>>,
}

impl Routines {
    /// Remembers what a CREATE PROCEDURE or CREATE FUNCTION makes, whose parameters stand at a place. Where
    /// one of its name is there, the CREATE may fail, so that either may be called.
    pub(super) fn learn(&mut self, words: &Words<'_>, name: &str, parameters: usize) {
        let behind =
            if words.is_open(parameters) { words.after_bracket(parameters) } else { parameters };
        let Some(start) = (behind..words.len()).find(|at| words.is(*at, BODY)) else { return };
        let (schema, name) = split(name);
        let source = Source {
            schema: schema.unwrap_or_default(),
            name: name.clone(),
            text: words.from(start).line().to_owned(),
            ..Source::default()
        };
        self.made.entry(name).or_default().push(source);
        self.read.clear();
    }

    /// Forgets one that is dropped.
    pub(super) fn forget(&mut self, name: &str) {
        self.made.remove(&split(name).1);
        self.read.clear();
    }
}

/// Adds what the functions do that a statement calls, in place of what was said of the calls
/// themselves: the statement's own effects begin at `before`.
pub(super) fn follow(script: &mut Script, before: usize, words: &Words<'_>, memory: &Memory) {
    let mut calls = std::mem::take(&mut script.calls);
    let makes = words.is(0, &["create"]) && !words.is(1, &["table", "temporary"]);
    let is_unknown = memory.is_untold() && script.routines.made.is_empty();
    if is_unknown || makes || words.is(0, RUNS_NONE) {
        return;
    }
    calls.extend(called(words));
    let is_found = |call: &Call| meant(call, &script.routines, memory).next().is_some();
    let mut known: Vec<Call> = calls.into_iter().filter(is_found).collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return;
    }
    let own = script.take_since(before).into_iter().filter(|effect| {
        let object = effect.object.as_deref().unwrap_or_default().to_lowercase();
        let is_call = |(_, name): &Call| object.rsplit('.').next() == Some(name);
        effect.verb != Verb::Execute || !known.iter().any(is_call)
    });
    let own: Vec<Effect> = own.collect();
    script.add(own);
    // A table's rows, or those of a loop: the call is for each of them.
    let is_repeated = words.is(0, &["select", "with", "update", "delete", "insert", "replace"])
        && words.find(&["from", "update"]).is_some();
    for call in known {
        if !script.routines.read.contains_key(&call) {
            let found = does(&call, &script.routines, memory, &mut Vec::new());
            script.routines.read.insert(call.clone(), found);
        }
        for (name, effect) in script.routines.read.get(&call).cloned().unwrap_or_default() {
            let is_bounded = matches!(effect.scope, Scope::One | Scope::Filtered);
            let scope = if is_repeated && is_bounded { Scope::Unknown } else { effect.scope };
            let each = if is_repeated { ", for each row" } else { "" };
            let phrase = format!("{name}() {}{each}", effect.phrase);
            script.push(effect.class, effect.verb, effect.object, scope, phrase);
        }
    }
    if script.count() == before {
        script.push(Class::Read, Verb::Read, None, Scope::One, "reads".to_owned());
    }
}

/// Returns what may be called in a statement, or in the whole of a block.
pub(super) fn called(words: &Words<'_>) -> Vec<Call> {
    let is_name = |at: usize| {
        words.tokens.get(at).is_some_and(|token| token.kind == Kind::Word)
            || words.piece(at).starts_with('`')
    };
    let mut calls = Vec::new();
    for at in 0..words.len() {
        let is_call = words.is(at, &["call"]) && is_name(at + 1);
        let (name, after) = words.name(if is_call { at + 1 } else { at });
        let is_start = at == 0 || words.piece(at - 1) != "." && !words.is(at - 1, &["call"]);
        if let Some(name) = name.filter(|_| is_name(at) && is_start)
            && (is_call || words.is_open(after))
        {
            calls.push(split(&name));
        }
    }
    calls
}

/// Returns the temporary tables that a block makes for itself.
fn temporary(words: &Words<'_>) -> impl Iterator<Item = String> {
    let made = (0..words.len()).filter(|at| words.are(*at, &["create", "temporary", "table"]));
    made.filter_map(|at| {
        let is_lenient = words.are(at + 3, &["if", "not", "exists"]);
        // One that may have been there before is another's.
        (!is_lenient).then(|| words.name(at + 3).0).flatten()
    })
}

/// Returns the functions that a call may mean.
fn meant<'a>(
    (schema, name): &Call,
    routines: &'a Routines,
    memory: &'a Memory,
) -> impl Iterator<Item = &'a Source> {
    let is_meant = move |source: &&Source| {
        let is_it = |schema: &String| source.schema.eq_ignore_ascii_case(schema);
        source.schema.is_empty() || schema.as_ref().is_none_or(is_it)
    };
    let made = routines.made.get(name).into_iter().flatten();
    made.chain(memory.sources(name)).filter(is_meant)
}

/// Returns what a call does, with the name of what does it; `open` are the calls it is made within.
fn does(
    call: &Call,
    routines: &Routines,
    memory: &Memory,
    open: &mut Vec<Call>,
) -> Vec<(String, Effect)> {
    if open.len() >= MOST_CALLS || open.contains(call) {
        return Vec::new();
    }
    open.push(call.clone());
    let is_found = |call: &Call| meant(call, routines, memory).next().is_some();
    let mut all = Vec::new();
    for source in meant(call, routines, memory) {
        let text = format!("{}{}", HEAD.0, source.text);
        let mut script = Script::new(Flavour::Mysql);
        let (mut within, mut own_tables) = (Vec::new(), Vec::new());
        for statement in lex::statements(&text, Flavour::Mysql, Ends::Server) {
            let words = Words::new(&text, &statement.tokens);
            let body = words.from(HEAD.1);
            alter::block(&mut script, &body);
            within.extend(called(&body));
            own_tables.extend(temporary(&body));
        }
        let known = |effect: &Effect| {
            let object = effect.object.as_deref().unwrap_or_default().to_lowercase();
            effect.verb == Verb::Execute
                && within.iter().any(|call| call.1 == object && is_found(call))
        };
        let (Reading::Understood(effects) | Reading::Unclear { effects, .. }) = script.finish();
        let is_own = |effect: &Effect| {
            effect.object.as_ref().is_some_and(|object| own_tables.contains(object))
        };
        let own = effects
            .into_iter()
            .filter(|effect| effect.class > Class::Add && !known(effect) && !is_own(effect));
        all.extend(own.map(|effect| (source.name.clone(), effect)));
        for call in &within {
            all.extend(does(call, routines, memory, open));
        }
    }
    open.pop();
    all
}

/// Returns schema and name, in small letters.
fn split(name: &str) -> Call {
    let name = name.to_lowercase();
    match name.rsplit_once('.') {
        Some((schema, name)) => (Some(schema.to_owned()), name.to_owned()),
        None => (None, name),
    }
}
