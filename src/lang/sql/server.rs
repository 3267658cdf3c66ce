//! What functions and procedures do whose texts the server has told.

use super::script::Script;
use super::{Ends, Flavour, alter, lex};
use crate::lang::postgres::{Memory, Source};
use crate::lang::token::Kind;
use crate::lang::words::Words;
use crate::lang::{Class, Effect, Reading, Scope, Verb};

/// How many functions deep a call is followed.
const MOST_CALLS: usize = 4;

/// Statements that name functions and run none.
const RUNS_NONE: &[&str] = &["alter", "drop", "grant", "revoke", "show"];

/// What makes a text one statement, with the text behind its first five words.
const HEAD: (&str, usize) = ("create procedure p() ", 5);

/// A call, as it is written: schema and name.
type Call = (Option<String>, String);

/// Adds what the functions do that a statement calls, in place of what was said of the calls
/// themselves: the statement's own effects begin at `before`.
pub(super) fn follow(script: &mut Script, before: usize, words: &Words<'_>, memory: &Memory) {
    let makes = words.is(0, &["create"]) && !words.is(1, &["table", "temporary"]);
    if memory.is_untold() || makes || words.is(0, RUNS_NONE) {
        return;
    }
    let calls = called(words);
    let known: Vec<Call> = calls.into_iter().filter(|call| found(call, memory) > 0).collect();
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
        for (name, effect) in does(&call, memory, &mut Vec::new()) {
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
fn called(words: &Words<'_>) -> Vec<Call> {
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
            let name = name.to_lowercase();
            calls.push(match name.rsplit_once('.') {
                Some((schema, name)) => (Some(schema.to_owned()), name.to_owned()),
                None => (None, name),
            });
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
fn meant<'a>((schema, name): &Call, memory: &'a Memory) -> impl Iterator<Item = &'a Source> {
    let is_meant = move |source: &&Source| {
        schema.as_ref().is_none_or(|schema| source.schema.eq_ignore_ascii_case(schema))
    };
    memory.sources(name).filter(is_meant)
}

fn found(call: &Call, memory: &Memory) -> usize {
    meant(call, memory).count()
}

/// Returns what a call does, with the name of what does it; `open` are the calls it is made within.
fn does(call: &Call, memory: &Memory, open: &mut Vec<Call>) -> Vec<(String, Effect)> {
    if open.len() >= MOST_CALLS || open.contains(call) {
        return Vec::new();
    }
    open.push(call.clone());
    let mut all = Vec::new();
    for source in meant(call, memory) {
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
                && within.iter().any(|call| call.1 == object && found(call, memory) > 0)
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
            all.extend(does(call, memory, open));
        }
    }
    open.pop();
    all
}
