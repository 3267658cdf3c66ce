//! What a function or procedure does: its body, which a CREATE or the server gives, read.

use serde::Deserialize;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::body::{DYNAMIC, UNKNOWN};
use super::called::{Call, Given, called};
use super::dynamic::by_number;
use super::tree::{child, find, ident, segments, string};
use super::{Place, Read, bounded, parse, read_within, token};
use crate::lang::{Class, Effect, Verb};

/// The text of a function or procedure, as the server keeps it or a CREATE has it. Names are quoted
/// where they have to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Source {
    /// Its schema; empty where that is not known.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The language of its text.
    pub language: String,
    /// The text.
    pub text: String,
    /// What it is given, by name; those without one have an empty one.
    #[serde(default)]
    pub parameters: Vec<String>,
}

/// What a text turned out to do.
#[derive(Debug, Clone)]
pub(super) struct Routine {
    source: Source,
    effects: Vec<Effect>,
    /// What it calls in turn.
    pub(super) calls: Vec<Call>,
    /// Whether it runs what it is given, or makes of it.
    is_dynamic: bool,
}

impl Routine {
    /// Reads a text; none in a language not known here.
    pub(super) fn read(source: Source) -> Option<Self> {
        let text = block(&source, &Given::new())?;
        let read = match source.language.as_str() {
            "rule" => Read { effects: super::actions(&text), ..Read::default() },
            _ => read_within(&text, Place::Exact(0), 0),
        };
        let is_dynamic =
            source.language == "plpgsql" && text.to_ascii_lowercase().contains("execute");
        Some(Self { effects: counted(read.effects), calls: called(&text), is_dynamic, source })
    }

    /// Tells whether a call by this name may mean it.
    pub(super) fn is_in(&self, schema: Option<&str>) -> bool {
        self.source.schema.is_empty() || schema.is_none_or(|schema| schema == self.source.schema)
    }

    /// Returns what a call with these arguments removes or changes.
    pub(super) fn does(&self, given: &Given) -> Vec<Effect> {
        let is_known = self.is_dynamic && given.iter().any(|(_, value)| value.is_some());
        let read = || Some(read_within(&block(&self.source, given)?, Place::Exact(0), 0));
        match is_known.then(read).flatten() {
            Some(read) if read.reason.is_none() => counted(read.effects),
            Some(_) | None => self.effects.clone(),
        }
    }
}

/// Leaves what removes or changes something. What is put together on the way is mostly harmless, unless it
/// begins with what removes, or nobody knows how it begins; own tables are the function's own affair.
fn counted(effects: Vec<Effect>) -> Vec<Effect> {
    let created = effects.iter().filter(|effect| effect.verb == Verb::Create);
    let made: Vec<Option<String>> = created.map(|effect| effect.object.clone()).collect();
    let counts = |effect: &Effect| {
        matches!(effect.class, Class::Change | Class::Remove | Class::Destroy)
            && effect.verb != Verb::Execute
            && !(effect.object.is_some() && made.contains(&effect.object))
            && !(effect.class == Class::Change && effect.phrase.starts_with(DYNAMIC))
            || effect.phrase.starts_with(UNKNOWN)
    };
    effects.into_iter().filter(counts).collect()
}

/// Writes a body as what runs now, with what is given to it; none in a language not known here.
fn block(source: &Source, given: &Given) -> Option<String> {
    let text = source.text.trim();
    match source.language.as_str() {
        "plpgsql" => {
            let tag = (0..).map(|n| format!("$nl{n}$")).find(|tag| !text.contains(tag.as_str()))?;
            let declared = declared(&source.parameters, given);
            Some(match declared.is_empty() {
                true => format!("DO {tag}{text}{tag}"),
                false => {
                    let inner = text.trim_end_matches([';', ' ', '\n', '\t', '\r']);
                    format!("DO {tag}DECLARE {declared} BEGIN {inner};\nEND{tag}")
                }
            })
        }
        "sql" => Some(text.strip_prefix("BEGIN ATOMIC").unwrap_or(text).to_owned()),
        "rule" => Some(text.to_owned()),
        _ => None,
    }
}

/// Declares what is given to a function, by name and by number.
fn declared(parameters: &[String], given: &Given) -> String {
    let mut declared = String::new();
    for (at, (name, value)) in given.iter().enumerate() {
        let Some(value) = value else { continue };
        let by_number = by_number(at + 1);
        let named = name.as_ref().or_else(|| parameters.get(at));
        for name in named.into_iter().chain([&by_number]).filter(|name| !name.is_empty()) {
            declared.push_str(&format!("{name} text := {value}; "));
        }
    }
    declared
}

/// Reads a CREATE FUNCTION or CREATE PROCEDURE.
pub(super) fn defined(text: &str) -> Option<Source> {
    let statements = token::statements(text);
    bounded(text, statements.first()?, || {
        let kinds = [SyntaxKind::CREATE_FUNCTION, SyntaxKind::CREATE_PROCEDURE];
        definition(&child(&parse(text).0, &kinds)?)
    })?
}

fn definition(node: &SyntaxNode) -> Option<Source> {
    let named = child(node, &[SyntaxKind::FUNCTION_NAME, SyntaxKind::PROCEDURE_NAME])?;
    let mut parts = segments(&named);
    let name = parts.pop()?;
    let schema = parts.pop().unwrap_or_default();
    let parameters = child(node, &[SyntaxKind::PARAM_LIST]);
    let parameters = parameters.iter().flat_map(SyntaxNode::children).filter(|parameter| {
        let is_out = child(parameter, &[SyntaxKind::PARAM_OUT]).is_some();
        parameter.kind() == SyntaxKind::PARAM && !is_out
    });
    let parameters = parameters.map(|parameter| {
        child(&parameter, &[SyntaxKind::PARAM_NAME]).map_or_else(String::new, |name| ident(&name))
    });
    let parameters = parameters.collect();
    let Some(definition) = find(node, &[SyntaxKind::AS_DEFINITION]) else {
        // BEGIN ATOMIC, or RETURN.
        let statements = node.descendants().filter(is_statement).map(|part| match part.kind() {
            SyntaxKind::RETURN_STMT => {
                let value = part.children().next();
                value.map_or_else(String::new, |value| format!("select {}", value.text()))
            }
            _ => part.text().to_string(),
        });
        let text = statements.collect::<Vec<_>>().join(";\n");
        return Some(Source { schema, name, language: "sql".to_owned(), text, parameters });
    };
    let language = find(node, &[SyntaxKind::LANGUAGE_REF])
        .map_or_else(|| "sql".to_owned(), |language| super::tree::name(&language));
    let language = language.trim_matches('\'').to_ascii_lowercase();
    let text = string(&find(&definition, &[SyntaxKind::LITERAL])?)?;
    Some(Source { schema, name, language, text, parameters })
}

fn is_statement(node: &SyntaxNode) -> bool {
    let kinds = [
        SyntaxKind::DELETE,
        SyntaxKind::UPDATE,
        SyntaxKind::INSERT,
        SyntaxKind::MERGE,
        SyntaxKind::SELECT,
        SyntaxKind::RETURN_STMT,
    ];
    kinds.contains(&node.kind())
        && node.ancestors().skip(1).all(|outer| !kinds.contains(&outer.kind()))
}
