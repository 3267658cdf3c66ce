//! What earlier statements mean for later ones: plans, and functions whose text is known.

use std::collections::BTreeMap;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::tree::{child, find, name, segments, string};
use super::{Place, Read, bounded, function, one, parse, read_within, token};
use crate::lang::effect::unread;
use crate::lang::temporary::Temporary;
use crate::lang::token::{Kind, Statement, is_word};
use crate::lang::{Class, Effect, Reading, Verb};

/// Most names that are remembered; a program that makes more is not typing.
const MOST_NAMES: usize = 5_000;

/// How many functions deep a call is followed.
const MOST_CALLS: usize = 4;

/// Plans and functions that are known by name.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    plans: BTreeMap<String, Reading>,
    /// By name without schema; several where schemas or arguments tell them apart.
    routines: BTreeMap<String, Vec<Routine>>,
    /// Texts that the server told, read when they are called: schema, language, text.
    sources: BTreeMap<String, Vec<[String; 3]>>,
}

/// A function or procedure whose text is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Routine {
    /// Its schema, if that is known.
    schema: Option<String>,
    /// What its text removes or changes.
    effects: Vec<Effect>,
    /// What it calls in turn.
    calls: Vec<String>,
}

impl Memory {
    /// Reads one or several statements; what the text itself prepares and defines counts for what
    /// follows in it.
    #[must_use]
    pub fn read(&self, text: &str) -> Reading {
        let mut all = Read::default();
        let mut own: Option<Self> = None;
        let mut temporary = Temporary::default();
        for statement in token::statements(text) {
            let place = Place::Exact(0);
            let mut found = one(text, &statement, place, 0);
            let is_told = found.effects.iter().any(|effect| effect.class == Class::Opaque);
            if found.destructive_word && !is_told {
                let reason = found.reason.as_deref().unwrap_or("not understood");
                found.effects.push(unread(reason, statement.range.clone()));
            }
            own.as_ref().unwrap_or(self).apply(text, &statement, &mut found);
            temporary.take(text, &statement, &mut found.effects);
            if teaches(text, &statement) {
                let own = own.get_or_insert_with(|| self.clone());
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

    /// Remembers what a text that was let through prepares and defines.
    pub fn learn(&mut self, text: &str) {
        for statement in token::statements(text) {
            if teaches(text, &statement) {
                self.learn_statement(text, &statement);
            }
        }
    }

    /// Remembers a function of the server, by its source.
    pub fn learn_routine(&mut self, schema: &str, name: &str, language: &str, source: &str) {
        let text = [schema, language, source].map(str::to_owned);
        self.sources.entry(name.to_owned()).or_default().push(text);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn keep(&mut self, name: &str, routine: Routine) {
        if self.routines.len() >= MOST_NAMES {
            return;
        }
        let known = self.routines.entry(name.to_owned()).or_default();
        if !known.contains(&routine) {
            known.push(routine);
        }
    }

    fn learn_statement(&mut self, text: &str, statement: &Statement) {
        let slice = &text[statement.range.clone()];
        if word(text, statement, 0, &["prepare"]) {
            if let Some((plan, reading)) = super::prepared(slice)
                && self.plans.len() < MOST_NAMES
            {
                self.plans.insert(plan, reading);
            }
            return;
        }
        let defined = bounded(text, statement, || {
            let (root, _) = parse(slice);
            let node = child(&root, &[SyntaxKind::CREATE_FUNCTION, SyntaxKind::CREATE_PROCEDURE])?;
            defined(&node)
        });
        if let Some((schema, name, language, body)) = defined.flatten()
            && let Some(routine) = routine(schema, &language, &body)
        {
            self.keep(&name, routine);
        }
    }

    /// Puts into a reading what the plans and functions of a statement do.
    fn apply(&self, text: &str, statement: &Statement, found: &mut Read) {
        let slice = &text[statement.range.clone()];
        let place = |effect: &Effect| Effect {
            span: statement.range.clone(),
            rows: None,
            ..effect.clone()
        };
        let runs = |effect: &Effect| {
            effect.class == Class::Opaque && effect.verb == Verb::Execute && effect.object.is_some()
        };
        if !self.plans.is_empty()
            && found.effects.iter().any(runs)
            && let Some(plan) = super::executes(slice).and_then(|name| self.plans.get(&name))
        {
            found.effects.retain(|effect| !runs(effect));
            found.effects.extend(plan.effects().iter().map(place));
            if let Reading::Unclear { reason, destructive_word, .. } = plan {
                found.reason.get_or_insert_with(|| reason.clone());
                found.destructive_word |= destructive_word;
            }
        }
        if self.routines.is_empty() && self.sources.is_empty() || teaches(text, statement) {
            return;
        }
        // Reading it again to find the calls costs as much as the first time.
        let may_call = word(text, statement, 0, &["do"])
            || statement.tokens.iter().any(|token| {
                token.kind == Kind::Word
                    && self.knows(&text[token.range.clone()].to_ascii_lowercase())
                    || token.kind == Kind::Other && text[token.range.clone()].starts_with('"')
            });
        if !may_call {
            return;
        }
        for name in calls(text, statement) {
            let mut effects = Vec::new();
            self.follow(&name, 0, &mut effects);
            for effect in effects {
                let phrase = format!("{name}() {}", effect.phrase);
                let known = found.effects.iter().any(|known| known.phrase == phrase);
                if !known {
                    found.effects.push(Effect { phrase, ..place(&effect) });
                }
            }
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.routines.contains_key(name) || self.sources.contains_key(name)
    }

    /// Collects what a function does, and the functions it calls.
    fn follow(&self, called: &str, depth: usize, effects: &mut Vec<Effect>) {
        let (schema, name) = match called.rsplit_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, called),
        };
        if depth >= MOST_CALLS {
            return;
        }
        let told = self.sources.get(name).into_iter().flatten();
        let told = told.filter_map(|[schema, language, source]| {
            routine(Some(schema.clone()), language, &Body::Source(source.clone()))
        });
        // What the session has made since is newer than what the server told.
        let routines = match self.routines.get(name) {
            Some(routines) => routines.clone(),
            None => told.collect(),
        };
        for routine in routines {
            let is_meant =
                schema.is_none() || routine.schema.is_none() || schema == routine.schema.as_deref();
            if is_meant {
                effects.extend(routine.effects);
                for inner in &routine.calls {
                    self.follow(inner, depth + 1, effects);
                }
            }
        }
    }
}

/// Returns the names of the functions that a text calls and that are not the server's own, as far
/// as their names tell.
#[must_use]
pub fn called(text: &str) -> Vec<String> {
    let statements = token::statements(text);
    let calls = statements.iter().flat_map(|statement| {
        // A call has a bracket behind a word.
        let is_block = word(text, statement, 0, &["do"]);
        let may_call = is_block
            || statement.tokens.windows(2).any(|pair| {
                pair[1].kind == Kind::Open
                    && pair[0].range.end == pair[1].range.start
                    && !function::is_common(&text[pair[0].range.clone()].to_ascii_lowercase())
                    && matches!(pair[0].kind, Kind::Word | Kind::Other)
            });
        if may_call { calls(text, statement) } else { Vec::new() }
    });
    calls.filter(|name| !function::is_common(name)).collect()
}

/// The body of a function, as it stands there.
enum Body {
    /// In quotes.
    Literal(String),
    /// Without them.
    Source(String),
}

/// Returns schema, name, language and body of what a CREATE defines.
fn defined(node: &SyntaxNode) -> Option<(Option<String>, String, String, Body)> {
    let named = child(node, &[SyntaxKind::FUNCTION_NAME, SyntaxKind::PROCEDURE_NAME])?;
    let mut parts = segments(&named);
    let name = parts.pop()?;
    let schema = parts.pop();
    let Some(definition) = find(node, &[SyntaxKind::AS_DEFINITION]) else {
        // BEGIN ATOMIC, or RETURN.
        let statements =
            node.descendants().filter(is_statement).map(|part| part.text().to_string());
        let source = statements.collect::<Vec<_>>().join(";\n");
        return Some((schema, name, "sql".to_owned(), Body::Source(source)));
    };
    let language = find(node, &[SyntaxKind::LANGUAGE_REF])
        .map_or_else(|| "sql".to_owned(), |language| super::tree::name(&language));
    let literal = find(&definition, &[SyntaxKind::LITERAL])?;
    let body = match language.as_str() {
        "plpgsql" => Body::Literal(literal.text().to_string()),
        _ => Body::Source(string(&literal)?),
    };
    Some((schema, name, language, body))
}

fn is_statement(node: &SyntaxNode) -> bool {
    let kinds = [SyntaxKind::DELETE, SyntaxKind::UPDATE, SyntaxKind::INSERT, SyntaxKind::MERGE];
    kinds.contains(&node.kind())
        && node.ancestors().skip(1).all(|outer| !kinds.contains(&outer.kind()))
}

/// Reads a function's body; none in a language not known here.
fn routine(schema: Option<String>, language: &str, body: &Body) -> Option<Routine> {
    let text = match (language.trim_matches('\'').to_ascii_lowercase().as_str(), body) {
        ("plpgsql", Body::Literal(literal)) => format!("DO {literal}"),
        ("plpgsql", Body::Source(source)) => {
            let tag =
                (0..).map(|n| format!("$nl{n}$")).find(|tag| !source.contains(tag.as_str()))?;
            format!("DO {tag}{source}{tag}")
        }
        ("sql", Body::Source(source)) => {
            let source = source.trim();
            source.strip_prefix("BEGIN ATOMIC").unwrap_or(source).to_owned()
        }
        _ => return None,
    };
    let read = read_within(&text, Place::Exact(0), 0);
    let made: Vec<Option<String>> = read
        .effects
        .iter()
        .filter(|effect| effect.verb == Verb::Create)
        .map(|effect| effect.object.clone())
        .collect();
    // What it put together on the way may be anything, and is mostly harmless; its own tables are
    // its own affair.
    let counts = |effect: &Effect| {
        matches!(effect.class, Class::Change | Class::Remove | Class::Destroy)
            && effect.verb != Verb::Execute
            && !(effect.object.is_some() && made.contains(&effect.object))
            && !effect.phrase.starts_with("runs SQL put together")
    };
    let effects = read.effects.into_iter().filter(counts).collect();
    let calls = match language {
        "sql" => called(&text),
        // A DO has its calls in a string.
        _ => body_calls(&text),
    };
    Some(Routine { schema, effects, calls })
}

/// Returns what a block calls.
fn body_calls(text: &str) -> Vec<String> {
    use squawk_syntax::ast::{self, AstNode};
    let statements = token::statements(text);
    let Some(statement) = statements.first() else {
        return Vec::new();
    };
    let found = bounded(text, statement, || {
        let (root, _) = parse(&text[statement.range.clone()]);
        let body = ast::Do::cast(child(&root, &[SyntaxKind::DO])?)?.plpgsql()?;
        Some(names(&body.syntax()))
    });
    found
        .flatten()
        .unwrap_or_default()
        .into_iter()
        .filter(|name| !function::is_common(name))
        .collect()
}

/// Returns the names of all functions and procedures that a statement calls.
fn calls(text: &str, statement: &Statement) -> Vec<String> {
    let slice = &text[statement.range.clone()];
    let runs_nothing = word(text, statement, 0, &["explain"])
        && !statement.tokens.iter().any(|token| {
            token.kind == Kind::Word && is_word(&text[token.range.clone()], &["analyze", "analyse"])
        })
        || word(
            text,
            statement,
            0,
            &["alter", "comment", "create", "drop", "grant", "prepare", "revoke"],
        );
    if runs_nothing {
        return Vec::new();
    }
    if word(text, statement, 0, &["do"]) {
        return body_calls(slice);
    }
    bounded(text, statement, || names(&parse(slice).0)).unwrap_or_default()
}

fn names(root: &SyntaxNode) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for node in root.descendants() {
        let found = match node.kind() {
            SyntaxKind::CALL_EXPR => function::called_whole(&node),
            SyntaxKind::PROCEDURE_NAME_REF => Some(name(&node)),
            _ => None,
        };
        names.extend(found.filter(|name| !names.contains(name)));
    }
    names
}

/// Returns whether a statement prepares or defines something.
fn teaches(text: &str, statement: &Statement) -> bool {
    word(text, statement, 0, &["prepare"])
        || word(text, statement, 0, &["create"])
            && (1..4).any(|at| word(text, statement, at, &["function", "procedure"]))
}

fn word(text: &str, statement: &Statement, at: usize, list: &[&str]) -> bool {
    let token = statement.tokens.get(at).filter(|token| token.kind == Kind::Word);
    token.is_some_and(|token| is_word(&text[token.range.clone()], list))
}
