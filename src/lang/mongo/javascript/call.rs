//! Calls as they are written: what is called, with what, and what that runs.

use std::sync::Arc;

use oxc_ast::ast::{
    Argument, CallExpression, Expression, MemberExpression, NewExpression, TaggedTemplateExpression,
};
use oxc_span::GetSpan;

use super::line::has_destructive_word;
use super::method::{Call, MAPPERS};
use super::value::{Calls, List, Place, Value};
use super::walk::{Walk, range};
use super::write::{Arguments, is_telling};
use crate::lang::{Class, Effect, Scope, Verb};

/// Classes of JavaScript whose methods are named like a collection's and lose nothing.
const HARMLESS: &[&str] =
    &["FormData", "Headers", "Map", "Set", "URLSearchParams", "WeakMap", "WeakSet", "Date"];

/// What runs a text, by any name it is reached by.
const EVALUATES: &[&str] = &[
    "Function",
    "Script",
    "compileFunction",
    "eval",
    "runInContext",
    "runInNewContext",
    "runInThisContext",
];

impl Walk<'_, '_> {
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

    pub(super) fn call(&mut self, call: &CallExpression<'_>) -> Value {
        self.hands_on(call);
        let Some(member) = call.callee.as_member_expression() else {
            return self.plain_call(call);
        };
        let span = range(call.span);
        let receiver = self.expression(member.object());
        let method = self.property(member);
        let arguments = self.arguments(&call.arguments);
        let written = self.written(member.object().span());
        let Some(method) = method else {
            let call = Call { method: "", arguments: &arguments, span, written };
            return self.unnamed_method(&receiver, &call);
        };
        if let Expression::Identifier(name) = member.object()
            && self.is_growing(&receiver, &method, &arguments)
        {
            // A second holder would have it copied for each that is put in.
            drop(receiver);
            let more = if method == "splice" { arguments.get(2..) } else { Some(&*arguments) };
            self.list_grows(name.name.as_str(), more.unwrap_or_default());
            return Value::Unknown;
        }
        if matches!(member.object(), Expression::ThisExpression(_)) {
            self.calls_own(&method);
        }
        let call = Call { method: &method, arguments: &arguments, span, written };
        if let (Value::Unknown, "call" | "apply") = (&receiver, &*method)
            && let Some(taken) = member.object().as_member_expression()
            && let Some(name) = self.property(taken)
        {
            // Of a prototype, which all collections have in common, or of what nobody knows.
            let place = match arguments.first() {
                Some(Value::Collection(place)) => place.clone(),
                _ if is_telling(&name, &Arguments(arguments.get(1..).unwrap_or_default())) => {
                    self.place_written(self.written(taken.object().span()))
                }
                _ => return self.called_back(&call),
            };
            let name = format!("{}.{name}", place.name);
            return self.handed_on(&Value::Collection(Place { name, ..place }), &call);
        }
        self.method(&receiver, &call)
    }

    /// A call of what has no receiver, or of what another call gave.
    fn plain_call(&mut self, call: &CallExpression<'_>) -> Value {
        let span = range(call.span);
        let name = last_name(&call.callee).unwrap_or_default();
        let function = self.expression(&call.callee);
        let arguments = self.arguments(&call.arguments);
        self.is_recursive |= !name.is_empty() && self.calling.iter().any(|known| known == name);
        let text = arguments.first().and_then(Value::as_text);
        match (&function, name) {
            (Value::Unknown, "use") => {
                self.names.set_database(text.unwrap_or_default());
                Value::Unknown
            }
            (Value::Unknown, "connect") => Value::Database(String::new()),
            (Value::Unknown, "Mongo") => Value::Connection,
            (Value::Literal(_), "MinKey" | "MaxKey") => function,
            _ => {
                let call = Call { method: name, arguments: &arguments, span, written: name };
                if function.is_unknown() && self.evaluates(&call) {
                    return Value::Unknown;
                }
                self.function(&function, &call)
            }
        }
    }

    /// Reads a call of what runs a text; returns whether it is one.
    pub(super) fn evaluates(&mut self, call: &Call<'_>) -> bool {
        if !EVALUATES.contains(&call.method) {
            return false;
        }
        let text = call.arguments.first().map(Value::as_text);
        if text.is_some_and(|text| text.is_none_or(has_destructive_word)) {
            let phrase = "runs text that is put together while it runs".to_owned();
            let class = Class::Opaque;
            let effect = Effect::on(class, Verb::Execute, None, Scope::Unknown, 0..0, phrase);
            self.push(vec![effect], &call.span);
        }
        true
    }

    /// `tools[name](…)`: nobody knows which.
    fn unnamed_method(&mut self, receiver: &Value, call: &Call<'_>) -> Value {
        match receiver {
            Value::Record(_) | Value::List(_) => {
                let function = receiver.any_within();
                self.function(&function, call)
            }
            Value::Collection(place) => {
                let phrase = format!("calls a method of {} that is not known", place.name);
                let (class, object) = (Class::Opaque, Some(place.name.clone()));
                let effect = Effect::on(class, Verb::Execute, object, Scope::Unknown, 0..0, phrase);
                self.push(vec![effect], &call.span);
                Value::Unknown
            }
            // A helper of the user's.
            _ => self.method(&Value::Unknown, call),
        }
    }

    pub(super) fn new_object(&mut self, new: &NewExpression<'_>) -> Value {
        let name = last_name(&new.callee);
        let callee = self.expression(&new.callee);
        let arguments = self.arguments(&new.arguments);
        let name = name.unwrap_or_default();
        let call =
            Call { method: name, arguments: &arguments, span: range(new.span), written: name };
        match (callee, name) {
            (Value::Unknown, "Mongo") => Value::Connection,
            (Value::Unknown, name) if HARMLESS.contains(&name) => holding(&arguments),
            (literal @ Value::Literal(_), _) => literal,
            // A class, with its methods.
            (class @ Value::Record(_), _) => {
                for name in ["constructor", FIELDS] {
                    self.method(&class, &Call { method: name, span: call.span.clone(), ..call });
                }
                class
            }
            (Value::Unknown, _) if self.evaluates(&call) => Value::Unknown,
            (callee, _) => {
                self.function(&callee, &call);
                Value::Unknown
            }
        }
    }

    pub(super) fn tagged(&mut self, tagged: &TaggedTemplateExpression<'_>) -> Value {
        let function = self.expression(&tagged.tag);
        self.template(&tagged.quasi);
        let span = range(tagged.span);
        self.function(&function, &Call { method: "", arguments: &[], span, written: "" })
    }

    /// Tells whether a call puts something into a list.
    fn is_growing(&self, receiver: &Value, method: &str, arguments: &[Value]) -> bool {
        match (receiver, method) {
            (_, "push" | "unshift") | (Value::List(_), "splice") => true,
            // A `Map` or a `Set` that functions are kept in.
            (Value::Harmless | Value::List(_), "set" | "add") => {
                arguments.iter().any(|one| !one.functions().is_empty())
            }
            _ => false,
        }
    }

    /// `ops.push(…)`: any number of them if that is in a loop, or in a function the list is not of.
    pub(super) fn list_grows(&mut self, name: &str, more: &[Value]) {
        let is_looped = self.is_looped;
        let Some((value, is_own)) = self.name_mut(name) else { return };
        let grow = |value: &mut Value| {
            if matches!(value, Value::Harmless) {
                *value = Value::List(List::default());
            }
            if let Value::List(list) = value {
                Arc::make_mut(&mut list.items).extend_from_slice(more);
                list.is_repeated |= is_looped || !is_own;
            }
        };
        match value {
            Value::OneOf(all) => Arc::make_mut(all).iter_mut().for_each(grow),
            value => grow(value),
        }
    }

    /// Takes note of what a function does with what it is given: calls it, or hands it on.
    fn hands_on(&mut self, call: &CallExpression<'_>) {
        let mapped =
            call.callee.as_member_expression().and_then(MemberExpression::static_property_name);
        let is_mapped = mapped.is_some_and(|name| MAPPERS.contains(&name));
        if let Some(name) = first_name(&call.callee) {
            self.is_called(name, false);
        }
        for argument in &call.arguments {
            if let Argument::Identifier(name) = argument {
                let name = name.name.as_str();
                self.is_called(name, is_mapped);
                // `setTimeout(tick)` in `tick`.
                self.is_recursive |= self.calling.iter().any(|known| known == name);
            }
        }
    }

    /// Takes note that something is called, which a function around may have been given.
    fn is_called(&mut self, name: &str, is_mapped: bool) {
        let is_looped = self.is_looped || is_mapped;
        for (outward, frame) in self.frames.iter_mut().rev().enumerate() {
            if frame.parameters.iter().any(|known| known == name) {
                // A function within is called for each of many, mostly.
                let calls = if is_looped || outward > 0 { Calls::Often } else { Calls::Once };
                frame.calls = frame.calls.max(calls);
                return;
            }
        }
    }

    fn calls_own(&mut self, method: &str) {
        for frame in &mut self.frames {
            frame.own.push(method.to_owned());
        }
    }
}

/// What runs for each object that is made of a class, beside its constructor. No method is called so.
pub(super) const FIELDS: &str = "\0fields";

/// Returns the name that something is called by, the last of it.
fn last_name<'a>(callee: &'a Expression<'_>) -> Option<&'a str> {
    match callee {
        Expression::Identifier(name) => Some(name.name.as_str()),
        Expression::SequenceExpression(sequence) => last_name(sequence.expressions.last()?),
        Expression::ParenthesizedExpression(inner) => last_name(&inner.expression),
        other => other.as_member_expression()?.static_property_name(),
    }
}

/// Returns the name at the root of something that is called.
fn first_name<'a>(callee: &'a Expression<'_>) -> Option<&'a str> {
    match callee {
        Expression::Identifier(name) => Some(name.name.as_str()),
        other => first_name(other.as_member_expression()?.object()),
    }
}

/// A `Map` or the like: as a list, where functions are kept in it.
fn holding(arguments: &[Value]) -> Value {
    let functions: Vec<Value> =
        arguments.iter().flat_map(Value::functions).map(Value::Function).collect();
    if functions.is_empty() {
        return Value::Harmless;
    }
    Value::List(List { items: Arc::new(functions), is_repeated: false })
}
