//! The walk over a tree's expressions: what each stands for, and what it does on the way.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use oxc_ast::ast::{
    ArrayExpression, ArrayExpressionElement, AssignmentExpression, AssignmentTarget,
    BinaryOperator, ChainElement, Expression, LogicalOperator, MemberExpression, ObjectExpression,
    ObjectPropertyKind, Program, PropertyKey, PropertyKind, TemplateLiteral, UnaryExpression,
    UnaryOperator,
};
use oxc_span::{GetSpan, Span};
use serde_json::json;

use super::Names;
use super::branch::Change;
use super::line::Lines;
use super::value::{Calls, List, Place, Summary, Value};
use crate::lang::Effect;
use crate::lang::mongo::filter::UNKNOWN;

/// Effects that a function is known by, at most: each kind of them counts once.
const MOST_EFFECTS: usize = 50;

/// Longest name of a database and a collection, in bytes.
const MOST_NAME_BYTES: usize = 255;

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
        frames: Vec::new(),
        withs: Vec::new(),
        changed: None,
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
    /// The functions around.
    pub(super) frames: Vec<Frame>,
    /// What `with` statements around make names of.
    pub(super) withs: Vec<Value>,
    /// What was changed in the branch around.
    pub(super) changed: Option<Vec<Change>>,
    pub(super) effects: Vec<Effect>,
    pub(super) is_looped: bool,
    /// Functions that are being read.
    pub(super) calling: Vec<String>,
    /// One of them calls itself.
    pub(super) is_recursive: bool,
    /// What the function that is read gives back.
    pub(super) returned: Value,
}

/// A function that is being read.
#[derive(Default)]
pub(super) struct Frame {
    /// Where its scopes begin.
    pub(super) base: usize,
    /// The names of what it is given.
    pub(super) parameters: Vec<String>,
    /// Whether it calls something of that.
    pub(super) calls: Calls,
    /// Methods that it calls on `this`.
    pub(super) own: Vec<String>,
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
        self.in_branch(walk);
        self.is_looped = before;
    }

    /// Returns how many functions are around.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Returns what a name stands for.
    pub(super) fn name(&self, name: &str) -> Value {
        let known = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        if known.is_none()
            && let Some(object) = self.withs.last()
        {
            return self.member_of(object.clone(), Some(name.to_owned()), name);
        }
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
    pub(super) fn name_mut(&mut self, name: &str) -> Option<(&mut Value, bool)> {
        let base = self.frames.last().map_or(0, |frame| frame.base);
        for (at, scope) in self.scopes.iter_mut().enumerate().rev() {
            if let Some(value) = scope.get_mut(name) {
                return Some((value, at >= base));
            }
        }
        let is_own = self.frames.is_empty();
        self.names.known.get_mut(name).map(|value| (value, is_own))
    }

    /// Gives a name in the block around, or to the whole session.
    pub(super) fn bind(&mut self, name: &str, value: Value) {
        let at = self.scopes.len().checked_sub(1);
        self.give(at, name, value);
    }

    /// Changes what a name stands for, wherever it was given.
    pub(super) fn assign(&mut self, name: &str, value: Value) {
        let at = self.scopes.iter().rposition(|scope| scope.contains_key(name));
        self.give(at, name, value);
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
            Expression::ClassExpression(class) => self.class(class),
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
                let one = self.in_branch(|walk| walk.expression(&choice.consequent));
                let other = self.in_branch(|walk| walk.expression(&choice.alternate));
                Value::one_of([one, other])
            }
            Expression::LogicalExpression(logical) => {
                let left = self.expression(&logical.left);
                let right = self.in_branch(|walk| walk.expression(&logical.right));
                match (logical.operator, &left) {
                    (LogicalOperator::And, _) => right,
                    // Something is there.
                    (_, Value::Record(_) | Value::List(_) | Value::Function(_)) => left,
                    _ => Value::one_of([left, right]),
                }
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
            Expression::TaggedTemplateExpression(tagged) => self.tagged(tagged),
            other => match other.as_member_expression() {
                Some(member) => self.member(member),
                None => Value::Unknown,
            },
        }
    }

    pub(super) fn template(&mut self, template: &TemplateLiteral<'_>) -> Value {
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
                    let value = self.expression(&property.value);
                    if let (PropertyKind::Get, Value::Function(getter)) = (property.kind, &value) {
                        self.run(getter, false, &range(property.span));
                    }
                    members.push((key, value));
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
        match key {
            PropertyKey::PrivateIdentifier(name) => format!("#{}", name.name),
            key => key.static_name().map(|name| name.into_owned()).unwrap_or_default(),
        }
    }

    fn assignment(&mut self, assignment: &AssignmentExpression<'_>) -> Value {
        let value = self.expression(&assignment.right);
        match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => {
                self.assign(name.name.as_str(), value.clone());
            }
            target => {
                match (target.as_member_expression(), target.as_assignment_target_pattern()) {
                    (Some(member), _) => self.assign_member(member, &value),
                    (None, Some(pattern)) => self.assign_pattern(pattern),
                    (None, None) => {}
                }
            }
        }
        value
    }

    fn unary(&mut self, unary: &UnaryExpression<'_>) -> Value {
        let value = self.expression(&unary.argument);
        if let (UnaryOperator::Delete, Some(member)) =
            (unary.operator, unary.argument.as_member_expression())
            && let Expression::Identifier(object) = member.object()
            && let Some((known @ Value::Record(_), _)) = self.name_mut(object.name.as_str())
        {
            *known = Value::Unknown;
        }
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
    pub(super) fn property(&mut self, member: &MemberExpression<'_>) -> Option<String> {
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
            MemberExpression::PrivateFieldExpression(member) => {
                Some(format!("#{}", member.field.name))
            }
        }
    }

    fn member(&mut self, member: &MemberExpression<'_>) -> Value {
        let name = self.property(member);
        let is_global = match member.object() {
            Expression::Identifier(object) => {
                ["globalThis", "global"].contains(&object.name.as_str())
            }
            Expression::ThisExpression(_) => self.frames.is_empty(),
            _ => false,
        };
        if let (true, Some(name)) = (is_global, &name) {
            return self.name(name);
        }
        let object = self.expression(member.object());
        self.member_of(object, name, self.written(member.span()))
    }

    /// Returns a member of a value; none is named where nobody knows which.
    pub(super) fn member_of(&self, object: Value, name: Option<String>, written: &str) -> Value {
        match (object, name) {
            (Value::OneOf(all), name) => Value::one_of(
                all.iter().map(|one| self.member_of(one.clone(), name.clone(), written)),
            ),
            (Value::Database(database), Some(name)) => Value::Collection(Place { database, name }),
            // No name is longer, and a chain of members is read in time with its length.
            (Value::Collection(place), Some(_)) if place.name.len() > MOST_NAME_BYTES => {
                Value::Collection(place)
            }
            (Value::Collection(place), Some(name)) => {
                let name = format!("{}.{name}", place.name);
                Value::Collection(Place { name, ..place })
            }
            (Value::Database(_) | Value::Collection(_), None) => {
                Value::Collection(self.place_written(written))
            }
            (object @ Value::Record(_), Some(name)) => {
                object.member(&name).cloned().unwrap_or_default()
            }
            (Value::List(list), Some(name)) => {
                let at: Option<usize> = name.parse().ok();
                at.and_then(|at| list.items.get(at)).cloned().unwrap_or_default()
            }
            (object @ (Value::Record(_) | Value::List(_)), None) => object.any_within(),
            (Value::Harmless, _) => Value::Harmless,
            _ => Value::Unknown,
        }
    }

    /// Returns what stands at a place.
    pub(super) fn written(&self, span: Span) -> &'t str {
        self.text.get(range(span)).unwrap_or_default()
    }

    /// Keeps of a function's effects one of each kind.
    pub(super) fn summary(&mut self, effects: Vec<Effect>, summary: Summary) -> Value {
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
        Value::Function(Arc::new(Summary { effects: kept, text: self.names.text, ..summary }))
    }
}

pub(super) fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// A number as extended JSON has it: whole ones without a point.
fn number(value: f64) -> serde_json::Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole and small, as is looked at before")]
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}
