//! The walk over a tree's expressions: what each stands for, and what it does on the way.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use oxc_ast::ast::{
    Argument, ArrayExpression, ArrayExpressionElement, AssignmentExpression, AssignmentTarget,
    BinaryOperator, CallExpression, ChainElement, Expression, MemberExpression, NewExpression,
    ObjectExpression, ObjectPropertyKind, Program, PropertyKey, TemplateLiteral, UnaryExpression,
    UnaryOperator,
};
use oxc_span::{GetSpan, Span};
use serde_json::json;

use super::line::{Lines, has_destructive_word};
use super::Names;
use super::method::Call;
use super::value::{List, Place, Summary, Value};
use crate::lang::mongo::filter::UNKNOWN;
use crate::lang::{Class, Effect, Scope, Verb};

/// Effects that a function is known by, at most: each kind of them counts once.
const MOST_EFFECTS: usize = 50;

/// Classes of JavaScript whose methods are named like a collection's and lose nothing.
const HARMLESS: &[&str] =
    &["FormData", "Headers", "Map", "Set", "URLSearchParams", "WeakMap", "WeakSet", "Date"];

/// Reads all statements of a text.
pub(super) fn effects(
    text: &str,
    program: &Program<'_>,
    lines: &Lines<'_>,
    names: &mut Names,
) -> Vec<Effect> {
    let mut walk = Walk {
        text,
        names,
        scopes: Vec::new(),
        bases: Vec::new(),
        effects: Vec::new(),
        is_looped: false,
        calling: Vec::new(),
        is_recursive: false,
        returned: Value::Unknown,
    };
    walk.program(program, lines);
    walk.effects
}

/// The walk, with what encloses the place it is at.
pub(super) struct Walk<'t, 'n> {
    pub(super) text: &'t str,
    pub(super) names: &'n mut Names,
    /// Names of the blocks and functions around, the innermost last.
    pub(super) scopes: Vec<HashMap<String, Value>>,
    /// Where the scopes of each function around begin.
    pub(super) bases: Vec<usize>,
    pub(super) effects: Vec<Effect>,
    pub(super) is_looped: bool,
    /// Functions that are being read.
    pub(super) calling: Vec<String>,
    /// One of them calls itself.
    pub(super) is_recursive: bool,
    /// What the function that is read gives back.
    pub(super) returned: Value,
}

impl<'t> Walk<'t, '_> {
    /// Adds effects of the call at a place.
    pub(super) fn push(&mut self, mut effects: Vec<Effect>, span: &Range<usize>) {
        effects.iter_mut().for_each(|effect| effect.span = span.clone());
        self.push_as_they_are(effects, span);
    }

    /// Adds effects that have places of their own, in this text or in an earlier one.
    pub(super) fn push_as_they_are(&mut self, effects: Vec<Effect>, span: &Range<usize>) {
        for mut effect in effects {
            effect.looped |= self.is_looped;
            if self.text.get(effect.span.clone()).is_none() {
                effect.span = span.clone();
            }
            self.effects.push(effect);
        }
    }

    /// Does what a function does.
    pub(super) fn run(&mut self, summary: &Summary, is_mapped: bool, span: &Range<usize>) {
        let mut effects = summary.effects.clone();
        for effect in &mut effects {
            effect.looped |= is_mapped;
            if summary.text != self.names.text {
                effect.span = span.clone();
            }
        }
        self.push_as_they_are(effects, span);
    }

    pub(super) fn within_loop(&mut self, walk: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_looped, true);
        walk(self);
        self.is_looped = before;
    }

    /// Returns how many functions are around.
    pub(super) fn depth(&self) -> usize {
        self.bases.len()
    }

    /// Returns what a name stands for.
    fn name(&self, name: &str) -> Value {
        let known = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        known.or_else(|| self.names.known.get(name)).cloned().unwrap_or_else(|| match name {
            "db" => Value::Database(String::new()),
            "rs" => Value::Cluster("rs"),
            "sh" => Value::Cluster("sh"),
            "undefined" => Value::Literal(json!({"$undefined": true})),
            "MinKey" => Value::Literal(json!({"$minKey": 1})),
            "MaxKey" => Value::Literal(json!({"$maxKey": 1})),
            _ => Value::Unknown,
        })
    }

    /// Finds what a name stands for, to change it; tells whether it is a function's own.
    fn name_mut(&mut self, name: &str) -> Option<(&mut Value, bool)> {
        let base = self.bases.last().copied().unwrap_or(0);
        for (at, scope) in self.scopes.iter_mut().enumerate().rev() {
            if let Some(value) = scope.get_mut(name) {
                return Some((value, at >= base));
            }
        }
        let is_own = self.bases.is_empty();
        self.names.known.get_mut(name).map(|value| (value, is_own))
    }

    /// Gives a name in the block around, or to the whole session.
    pub(super) fn bind(&mut self, name: &str, value: Value) {
        match self.scopes.last_mut() {
            Some(scope) => scope.insert(name.to_owned(), value),
            None => self.names.known.insert(name.to_owned(), value),
        };
    }

    /// Changes what a name stands for, wherever it was given.
    pub(super) fn assign(&mut self, name: &str, value: Value) {
        match self.name_mut(name) {
            Some((known, _)) => *known = value,
            None => {
                self.names.known.insert(name.to_owned(), value);
            }
        }
    }

    /// Reads an expression.
    pub(super) fn expression(&mut self, expression: &Expression<'_>) -> Value {
        match expression {
            Expression::BooleanLiteral(literal) => Value::Literal(json!(literal.value)),
            Expression::NullLiteral(_) => Value::Literal(json!(null)),
            Expression::NumericLiteral(literal) => Value::Literal(number(literal.value)),
            Expression::StringLiteral(literal) => Value::text(literal.value.as_str()),
            Expression::RegExpLiteral(literal) => Value::Literal(json!({"$regularExpression":
                {"pattern": literal.regex.pattern.text.as_str(), "options": ""}})),
            Expression::TemplateLiteral(template) => self.template(template),
            Expression::Identifier(name) => self.name(name.name.as_str()),
            Expression::ArrayExpression(array) => self.array(array),
            Expression::ObjectExpression(object) => self.object(object),
            Expression::FunctionExpression(function) => self.function_value(function),
            Expression::ArrowFunctionExpression(function) => self.arrow(function),
            Expression::AssignmentExpression(assignment) => self.assignment(assignment),
            Expression::AwaitExpression(inner) => self.expression(&inner.argument),
            Expression::ParenthesizedExpression(inner) => self.expression(&inner.expression),
            Expression::CallExpression(call) => self.call(call),
            Expression::NewExpression(new) => self.new_object(new),
            Expression::ChainExpression(chain) => match &chain.expression {
                ChainElement::CallExpression(call) => self.call(call),
                ChainElement::TSNonNullExpression(inner) => self.expression(&inner.expression),
                other => match other.as_member_expression() {
                    Some(member) => self.member(member),
                    None => Value::Unknown,
                },
            },
            Expression::ConditionalExpression(choice) => {
                self.expression(&choice.test);
                let one = self.expression(&choice.consequent);
                let other = self.expression(&choice.alternate);
                if one.is_unknown() { other } else { one }
            }
            Expression::LogicalExpression(logical) => {
                let left = self.expression(&logical.left);
                let right = self.expression(&logical.right);
                if left.is_unknown() { right } else { left }
            }
            Expression::BinaryExpression(binary) => {
                let left = self.expression(&binary.left);
                let right = self.expression(&binary.right);
                match (binary.operator, left.as_text(), right.as_text()) {
                    (BinaryOperator::Addition, Some(left), Some(right)) => {
                        Value::text(&format!("{left}{right}"))
                    }
                    _ => Value::Unknown,
                }
            }
            Expression::SequenceExpression(sequence) => {
                let values = sequence.expressions.iter().map(|inner| self.expression(inner));
                values.last().unwrap_or_default()
            }
            Expression::UnaryExpression(unary) => self.unary(unary),
            Expression::YieldExpression(inner) => {
                inner.argument.as_ref().map_or(Value::Unknown, |inner| self.expression(inner))
            }
            Expression::TaggedTemplateExpression(tagged) => {
                self.expression(&tagged.tag);
                self.template(&tagged.quasi);
                Value::Unknown
            }
            other => match other.as_member_expression() {
                Some(member) => self.member(member),
                None => Value::Unknown,
            },
        }
    }

    fn template(&mut self, template: &TemplateLiteral<'_>) -> Value {
        for inner in &template.expressions {
            self.expression(inner);
        }
        template.single_quasi().map_or(Value::Unknown, |text| Value::text(text.as_str()))
    }

    fn array(&mut self, array: &ArrayExpression<'_>) -> Value {
        let mut list = List::default();
        let mut items = Vec::new();
        for element in &array.elements {
            match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    match self.expression(&spread.argument) {
                        Value::List(inner) => {
                            items.extend(inner.items.iter().cloned());
                            list.is_repeated |= inner.is_repeated;
                        }
                        _ => items.push(Value::Unknown),
                    }
                }
                ArrayExpressionElement::Elision(_) => items.push(Value::Literal(json!(null))),
                other => items.push(match other.as_expression() {
                    Some(inner) => self.expression(inner),
                    None => Value::Unknown,
                }),
            }
        }
        list.items = Arc::new(items);
        Value::List(list)
    }

    fn object(&mut self, object: &ObjectExpression<'_>) -> Value {
        let mut members = Vec::new();
        for property in &object.properties {
            match property {
                ObjectPropertyKind::ObjectProperty(property) => {
                    let key = self.key(&property.key, property.computed);
                    members.push((key, self.expression(&property.value)));
                }
                ObjectPropertyKind::SpreadProperty(spread) => {
                    match self.expression(&spread.argument) {
                        Value::Record(inner) => members.extend(inner.iter().cloned()),
                        // Nobody knows which members come here, if any.
                        _ => members.push((UNKNOWN.to_owned(), Value::Unknown)),
                    }
                }
            }
        }
        Value::Record(Arc::new(members))
    }

    /// Reads the name of a member; one that is not known is like none that matters.
    pub(super) fn key(&mut self, key: &PropertyKey<'_>, is_computed: bool) -> String {
        if is_computed {
            let value = key.as_expression().map(|inner| self.expression(inner)).unwrap_or_default();
            return value.as_text().unwrap_or("(computed)").to_owned();
        }
        key.static_name().map(|name| name.into_owned()).unwrap_or_default()
    }

    fn assignment(&mut self, assignment: &AssignmentExpression<'_>) -> Value {
        let value = self.expression(&assignment.right);
        match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => {
                self.assign(name.name.as_str(), value.clone());
            }
            target => {
                let Some(member) = target.as_member_expression() else { return value };
                let name = self.property(member);
                if let (Expression::Identifier(object), Some(name)) = (member.object(), name)
                    && let Some((Value::Record(members), _)) = self.name_mut(object.name.as_str())
                {
                    Arc::make_mut(members).push((name, value.clone()));
                }
            }
        }
        value
    }

    fn unary(&mut self, unary: &UnaryExpression<'_>) -> Value {
        let value = self.expression(&unary.argument);
        match (unary.operator, value) {
            (UnaryOperator::LogicalNot, Value::Literal(json)) => {
                let is_false = json == json!(false) || json == json!(0) || json.is_null();
                Value::Literal(json!(is_false))
            }
            (UnaryOperator::UnaryNegation, Value::Literal(json)) => {
                json.as_f64().map_or(Value::Unknown, |value| Value::Literal(number(-value)))
            }
            (UnaryOperator::Void, _) => Value::Literal(json!({"$undefined": true})),
            _ => Value::Unknown,
        }
    }

    /// Returns the name of a member that is asked for, if it is known.
    fn property(&mut self, member: &MemberExpression<'_>) -> Option<String> {
        match member {
            MemberExpression::ComputedMemberExpression(computed) => {
                match self.expression(&computed.expression) {
                    Value::Literal(serde_json::Value::String(name)) => Some(name),
                    Value::Literal(serde_json::Value::Number(at)) => Some(at.to_string()),
                    _ => None,
                }
            }
            MemberExpression::StaticMemberExpression(member) => {
                Some(member.property.name.as_str().to_owned())
            }
            MemberExpression::PrivateFieldExpression(_) => None,
        }
    }

    fn member(&mut self, member: &MemberExpression<'_>) -> Value {
        let object = self.expression(member.object());
        let name = self.property(member);
        match (object, name) {
            (Value::Database(database), Some(name)) => Value::Collection(Place { database, name }),
            (Value::Collection(place), Some(name)) => {
                let name = format!("{}.{name}", place.name);
                Value::Collection(Place { name, ..place })
            }
            (Value::Database(_) | Value::Collection(_), None) => {
                Value::Collection(self.place_written(self.written(member.span())))
            }
            (object @ Value::Record(_), Some(name)) => {
                object.member(&name).cloned().unwrap_or_default()
            }
            (Value::List(list), Some(name)) => {
                let at: Option<usize> = name.parse().ok();
                at.and_then(|at| list.items.get(at)).cloned().unwrap_or_default()
            }
            (Value::Harmless, _) => Value::Harmless,
            _ => Value::Unknown,
        }
    }

    fn arguments(&mut self, arguments: &[Argument<'_>]) -> Vec<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument {
                Argument::SpreadElement(spread) => match self.expression(&spread.argument) {
                    Value::List(list) => values.extend(list.items.iter().cloned()),
                    _ => values.push(Value::Unknown),
                },
                other => values.push(match other.as_expression() {
                    Some(inner) => self.expression(inner),
                    None => Value::Unknown,
                }),
            }
        }
        values
    }

    fn call(&mut self, call: &CallExpression<'_>) -> Value {
        let span = range(call.span);
        if let Some(member) = call.callee.as_member_expression() {
            let receiver = self.expression(member.object());
            let method = self.property(member);
            let arguments = self.arguments(&call.arguments);
            let Some(method) = method else {
                // `db[name](…)`: a method nobody knows, or a helper of the user's.
                let call = Call { method: "", arguments: &arguments, span, written: "" };
                return self.method(&Value::Unknown, &call);
            };
            if let ("push" | "unshift", Expression::Identifier(name)) = (&*method, member.object())
            {
                self.list_grows(name.name.as_str(), &arguments);
            }
            let written = self.written(member.object().span());
            let call = Call { method: &method, arguments: &arguments, span, written };
            return self.method(&receiver, &call);
        }
        let name = call.callee.get_identifier_reference().map(|name| name.name.as_str());
        let function = self.expression(&call.callee);
        let arguments = self.arguments(&call.arguments);
        let name = name.unwrap_or_default();
        self.is_recursive |= !name.is_empty() && self.calling.iter().any(|known| known == name);
        let text = arguments.first().and_then(Value::as_text);
        match (&function, name) {
            (Value::Unknown, "use") => {
                self.names.set_database(text.unwrap_or_default());
                Value::Unknown
            }
            (Value::Unknown, "connect") => Value::Database(String::new()),
            (Value::Unknown, "Mongo") => Value::Connection,
            (Value::Unknown, "eval" | "Function") => {
                if text.is_none_or(has_destructive_word) && !arguments.is_empty() {
                    self.push(vec![evaluated()], &span);
                }
                Value::Unknown
            }
            (Value::Literal(_), "MinKey" | "MaxKey") => function,
            _ => {
                let call = Call { method: name, arguments: &arguments, span, written: name };
                self.function(&function, &call)
            }
        }
    }

    fn new_object(&mut self, new: &NewExpression<'_>) -> Value {
        let name = new.callee.get_identifier_reference().map(|name| name.name.as_str());
        let callee = self.expression(&new.callee);
        let arguments = self.arguments(&new.arguments);
        let name = name.unwrap_or_default();
        match (callee, name) {
            (Value::Unknown, "Mongo") => Value::Connection,
            (Value::Unknown, name) if HARMLESS.contains(&name) => Value::Harmless,
            (literal @ Value::Literal(_), _) => literal,
            (callee, _) => {
                let span = range(new.span);
                let call = Call { method: name, arguments: &arguments, span, written: name };
                self.function(&callee, &call);
                Value::Unknown
            }
        }
    }

    /// `ops.push(…)`: any number of them if that is in a loop, or in a function the list is not of.
    fn list_grows(&mut self, name: &str, arguments: &[Value]) {
        let is_looped = self.is_looped;
        if let Some((Value::List(list), is_own)) = self.name_mut(name) {
            Arc::make_mut(&mut list.items).extend_from_slice(arguments);
            list.is_repeated |= is_looped || !is_own;
        }
    }

    /// Returns what stands at a place.
    fn written(&self, span: Span) -> &'t str {
        self.text.get(range(span)).unwrap_or_default()
    }

    /// Keeps of a function's effects one of each kind.
    pub(super) fn summary(&mut self, effects: Vec<Effect>, returns: Value) -> Value {
        let mut kept: Vec<Effect> = Vec::new();
        for effect in effects {
            let is_alike = |known: &Effect| {
                (known.verb, known.scope, &known.object)
                    == (effect.verb, effect.scope, &effect.object)
            };
            match kept.iter().position(is_alike) {
                Some(at) => kept[at].looped |= effect.looped,
                None if kept.len() < MOST_EFFECTS => kept.push(effect),
                None => {}
            }
        }
        Value::Function(Arc::new(Summary { effects: kept, returns, text: self.names.text }))
    }
}

/// Runs text that is put together.
fn evaluated() -> Effect {
    let phrase = "runs text that is put together while it runs".to_owned();
    Effect::on(Class::Opaque, Verb::Execute, None, Scope::Unknown, 0..0, phrase)
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// A number as extended JSON has it: whole ones without a point.
fn number(value: f64) -> serde_json::Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole and small, as is looked at before")]
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}
