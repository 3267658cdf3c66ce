//! What a function or procedure does: the body that a CREATE or the server gives it, read.

use squawk_syntax::SyntaxKind;

use super::body::DYNAMIC;
use super::called::called;
use super::syntax::SyntaxNode;
use super::tree::{child, find, segments, string};
use super::{Place, Read, bounded, parse, read_within, token};
use crate::lang::{Class, Effect, Verb};

/// A function or procedure whose text is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Routine {
    /// Its schema, if that is known.
    pub(super) schema: Option<String>,
    /// What its text removes or changes.
    pub(super) effects: Vec<Effect>,
    /// What it calls in turn.
    pub(super) calls: Vec<String>,
}

/// The body of a function, as it stands there.
pub(super) enum Body {
    /// In quotes.
    Literal(String),
    /// Without them.
    Source(String),
}

/// Reads a CREATE FUNCTION or CREATE PROCEDURE: the name without schema, and what its text does.
pub(super) fn defined(text: &str) -> Option<(String, Routine)> {
    let statements = token::statements(text);
    let (schema, name, language, body) = bounded(text, statements.first()?, || {
        let kinds = [SyntaxKind::CREATE_FUNCTION, SyntaxKind::CREATE_PROCEDURE];
        definition(&child(&parse(text).0, &kinds)?)
    })??;
    Some((name, routine(schema, &language, &body)?))
}

/// Returns schema, name, language and body of what a CREATE defines.
fn definition(node: &SyntaxNode) -> Option<(Option<String>, String, String, Body)> {
    let named = child(node, &[SyntaxKind::FUNCTION_NAME, SyntaxKind::PROCEDURE_NAME])?;
    let mut parts = segments(&named);
    let name = parts.pop()?;
    let schema = parts.pop();
    let Some(definition) = find(node, &[SyntaxKind::AS_DEFINITION]) else {
        // BEGIN ATOMIC, or RETURN.
        let statements = node.descendants().filter(is_statement).map(|part| match part.kind() {
            SyntaxKind::RETURN_STMT => {
                let value = part.children().next();
                value.map_or_else(String::new, |value| format!("select {}", value.text()))
            }
            _ => part.text().to_string(),
        });
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

/// Reads a function's body; none in a language not known here.
pub(super) fn routine(schema: Option<String>, language: &str, body: &Body) -> Option<Routine> {
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
        ("rule", Body::Source(source)) => source.clone(),
        _ => return None,
    };
    let read = match language {
        "rule" => Read { effects: super::actions(&text), ..Read::default() },
        _ => read_within(&text, Place::Exact(0), 0),
    };
    let made: Vec<Option<String>> = read
        .effects
        .iter()
        .filter(|effect| effect.verb == Verb::Create)
        .map(|effect| effect.object.clone())
        .collect();
    // What it put together on the way may be anything, and is mostly harmless, unless it begins with
    // what removes; its own tables are its own affair.
    let counts = |effect: &Effect| {
        matches!(effect.class, Class::Change | Class::Remove | Class::Destroy)
            && effect.verb != Verb::Execute
            && !(effect.object.is_some() && made.contains(&effect.object))
            && !(effect.class == Class::Change && effect.phrase.starts_with(DYNAMIC))
    };
    let effects = read.effects.into_iter().filter(counts).collect();
    Some(Routine { schema, effects, calls: called(&text) })
}
