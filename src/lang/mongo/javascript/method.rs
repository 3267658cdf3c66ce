//! A call of a method: what it does, and what it gives back.

use std::ops::Range;
use std::sync::Arc;

use super::Bulk;
use super::value::{Calls, List, Place, Summary, Value};
use super::walk::Walk;
use super::write::{self, Arguments};

/// Methods and functions that call what they are given once for each of many.
pub(super) const MAPPERS: &[&str] = &[
    "each",
    "eachAsync",
    "eachOf",
    "eachSeries",
    "every",
    "filter",
    "find",
    "findIndex",
    "flatMap",
    "forEach",
    "forEachAsync",
    "from",
    "map",
    "reduce",
    "reduceRight",
    "setInterval",
    "some",
    "sort",
    "times",
];

/// One call.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) arguments: &'a [Value],
    /// Where the call stands.
    pub(super) span: Range<usize>,
    /// What is called on, as it is written.
    pub(super) written: &'a str,
}

impl Walk<'_, '_> {
    /// Reads a call of a method.
    pub(super) fn method(&mut self, receiver: &Value, call: &Call<'_>) -> Value {
        let arguments = Arguments(call.arguments);
        let first_text = || call.arguments.first().and_then(Value::as_text);
        match (receiver, call.method) {
            (Value::OneOf(all), _) => {
                let known = all.iter().filter(|one| !one.is_unknown());
                Value::one_of(known.map(|one| self.method(one, call)).collect::<Vec<_>>())
            }
            (Value::Unknown, "apply") if call.written == "Reflect" => {
                let (function, rest) = call.arguments.split_first().unzip();
                let rest =
                    Call { arguments: rest.unwrap_or_default(), span: call.span.clone(), ..*call };
                self.handed_on(function.unwrap_or(&Value::Unknown), &rest)
            }
            (Value::Unknown, "values" | "entries") if call.written == "Object" => {
                match call.arguments.first() {
                    Some(Value::Record(members)) => {
                        list(members.iter().map(|(_, value)| value.clone()))
                    }
                    Some(list @ Value::List(_)) => list.clone(),
                    _ => Value::Unknown,
                }
            }
            (Value::Unknown, "of") if call.written == "Array" => {
                list(call.arguments.iter().cloned())
            }
            (Value::Unknown | Value::List(_), "fill") => list(call.arguments.iter().cloned()),
            (Value::Function(_) | Value::Collection(_), "call" | "apply" | "bind") => {
                self.handed_on(receiver, call)
            }
            (Value::Database(_) | Value::Connection | Value::Unknown, "getSiblingDB" | "getDB")
            | (Value::Connection, "getDatabase") => {
                Value::Database(first_text().unwrap_or_default().to_owned())
            }
            (Value::Database(_) | Value::Unknown, "getCollection") => {
                let database = match receiver {
                    Value::Database(name) => name.as_str(),
                    _ => "",
                };
                Value::Collection(match first_text() {
                    Some(name) => Place { database: database.to_owned(), name: name.to_owned() },
                    None => self.place_written(&self.text[call.span.clone()]),
                })
            }
            (Value::Database(_), "getMongo") => Value::Connection,
            (Value::Connection, "startSession") => Value::Connection,
            (Value::Connection, "bulkWrite") => {
                let place = Place { database: String::new(), name: "several collections".into() };
                self.push(write::collection(&place, "bulkWrite", &arguments), &call.span);
                Value::Harmless
            }
            (Value::Database(name), method) => {
                self.push(write::database(name, method, &arguments), &call.span);
                self.called_back(call)
            }
            (Value::Collection(place), method) => self.collection(place, method, call),
            (Value::Cluster(helper), method) => {
                self.push(write::cluster(helper, method, &arguments), &call.span);
                Value::Harmless
            }
            (Value::Bulk(at), "find") => {
                let filter = call.arguments.first().map(Value::json).unwrap_or_default();
                Value::Selected(*at, filter)
            }
            (Value::Bulk(at), "execute") => {
                let waiting =
                    self.names.bulks.get_mut(*at).map(|bulk| std::mem::take(&mut bulk.effects));
                self.push_as_they_are(waiting.unwrap_or_default(), &call.span);
                Value::Harmless
            }
            (Value::Selected(at, filter), method) => {
                if write::is_selected(method) {
                    self.wait(*at, filter, method, &call.span);
                    return Value::Bulk(*at);
                }
                receiver.clone()
            }
            (Value::Unknown, "find") if is_condition(call.arguments) => {
                let filter = call.arguments.first().map(Value::json).unwrap_or_default();
                Value::Found(filter, call.written.to_owned())
            }
            // Only a list of writes has what was found deleted; of a cursor it is no method.
            (Value::Found(filter, written), method) if write::is_selected(method) => {
                let place = self.place_written(written);
                self.push(write::selected(filter, &place, method), &call.span);
                Value::Unknown
            }
            (Value::Record(_), method) => match receiver.member(method).cloned() {
                Some(function) => {
                    self.run_own(receiver, &function, &mut Vec::new(), &call.span);
                    self.function(&function, call)
                }
                None => self.called_back(call),
            },
            (Value::List(known), method) => self.list_method(receiver, known, method, call),
            (
                Value::Unknown | Value::Connection,
                "dropDatabase" | "adminCommand" | "runCommand",
            ) => {
                self.push(write::database("", call.method, &arguments), &call.span);
                Value::Harmless
            }
            (Value::Unknown, _) if self.evaluates(call) => Value::Unknown,
            (Value::Unknown, method) if write::is_telling(method, &arguments) => {
                let place = self.place_written(call.written);
                self.push(write::collection(&place, method, &arguments), &call.span);
                self.called_back(call)
            }
            _ => self.called_back(call),
        }
    }

    fn collection(&mut self, place: &Place, method: &str, call: &Call<'_>) -> Value {
        match method {
            "initializeOrderedBulkOp" | "initializeUnorderedBulkOp" => {
                let depth = self.depth();
                self.names.bulks.push(Bulk { place: place.clone(), depth, ..Bulk::default() });
                return Value::Bulk(self.names.bulks.len() - 1);
            }
            "getDB" => return Value::Database(place.database.clone()),
            // What is explained does not run.
            "explain" => return Value::Harmless,
            _ => {}
        }
        let effects = write::collection(place, method, &Arguments(call.arguments));
        self.push(effects, &call.span);
        match self.called_back(call) {
            Value::Unknown => Value::Harmless,
            given => given,
        }
    }

    /// A write is put into a list; it runs when the list does.
    fn wait(&mut self, at: usize, filter: &serde_json::Value, method: &str, span: &Range<usize>) {
        let is_deeper = |bulk: &Bulk| self.depth() > bulk.depth;
        let Some(bulk) = self.names.bulks.get(at) else { return };
        // A function around it that the list is not made in is called for each of many, mostly.
        let is_looped = self.is_looped || is_deeper(bulk);
        let mut effects = write::selected(filter, &bulk.place, method);
        for effect in &mut effects {
            effect.looped |= is_looped;
            effect.span = span.clone();
        }
        self.names.bulks[at].effects.extend(effects);
    }

    /// `call`, `apply` and `bind`: the function itself with other arguments.
    pub(super) fn handed_on(&mut self, receiver: &Value, call: &Call<'_>) -> Value {
        let rest = call.arguments.get(1..).unwrap_or_default();
        if call.method == "bind" {
            let Value::Collection(place) = receiver else { return receiver.clone() };
            // It runs when it is called, with what it was bound to or is given then.
            let bound = self.closure(None, None, |walk| {
                let given = if rest.is_empty() { &[Value::Unknown] } else { rest };
                let call = Call { arguments: given, span: call.span.clone(), ..*call };
                walk.returned = walk.function(receiver, &call);
            });
            let Value::Function(summary) = bound else { return bound };
            let effects = summary.effects.clone();
            let method = rest.is_empty().then(|| place.clone());
            return self.summary(effects, Summary { method, ..Summary::default() });
        }
        let list = match rest {
            [Value::List(list)] if call.method == "apply" => Some(Arc::clone(&list.items)),
            _ => None,
        };
        let arguments = list.as_deref().map_or(rest, Vec::as_slice);
        self.function(receiver, &Call { arguments, span: call.span.clone(), ..*call })
    }

    /// A call of a value: a function, or a method that was taken off its collection.
    pub(super) fn function(&mut self, function: &Value, call: &Call<'_>) -> Value {
        match function {
            Value::Function(summary) => {
                if let Some(place) = summary.method.clone().filter(|_| !call.arguments.is_empty()) {
                    return self.function(&Value::Collection(place), call);
                }
                self.run(summary, false, &call.span);
                self.call_back(call, summary.calls == Calls::Often);
                summary.returns.clone()
            }
            Value::OneOf(all) => {
                Value::one_of(all.iter().map(|one| self.function(one, call)).collect::<Vec<_>>())
            }
            Value::Collection(place) => {
                if let Some((place, method)) = method_of(place) {
                    return self.collection(&place, &method, call);
                }
                Value::Unknown
            }
            _ => self.called_back(call),
        }
    }

    /// Runs the functions that a call is given, and says what it gives back.
    pub(super) fn called_back(&mut self, call: &Call<'_>) -> Value {
        self.call_back(call, MAPPERS.contains(&call.method))
    }

    fn call_back(&mut self, call: &Call<'_>, is_mapper: bool) -> Value {
        let mut given = Value::Unknown;
        for argument in call.arguments {
            match argument {
                Value::Function(summary) => {
                    self.run(summary, is_mapper, &call.span);
                    if ["map", "flatMap", "from"].contains(&call.method) {
                        let items = Arc::new(vec![summary.returns.clone()]);
                        given = Value::List(List { items, is_repeated: true });
                    }
                }
                // `ids.forEach(db.families.deleteOne)`
                Value::Collection(place) if is_mapper => {
                    if let Some((place, method)) = method_of(place) {
                        let arguments = [Value::Unknown];
                        let effects = write::collection(&place, &method, &Arguments(&arguments));
                        self.within_loop(|walk| walk.push(effects, &call.span));
                    }
                }
                _ => {}
            }
        }
        given
    }

    /// A method of an array: some give back what is in it, some call what is in it.
    fn list_method(
        &mut self,
        receiver: &Value,
        known: &List,
        method: &str,
        call: &Call<'_>,
    ) -> Value {
        if let Some(item) = method.parse().ok().and_then(|at: usize| known.items.get(at)) {
            return self.function(item, call);
        }
        let calls_each = |one: &Value| match one {
            Value::Function(summary) => summary.calls > Calls::Never,
            _ => false,
        };
        if MAPPERS.contains(&method) && call.arguments.iter().any(calls_each) {
            for summary in receiver.functions() {
                self.run(&summary, known.is_repeated, &call.span);
            }
        }
        let given = self.called_back(call);
        match method {
            "concat" => {
                let mut all = known.clone();
                for argument in call.arguments {
                    match argument {
                        Value::List(more) => {
                            Arc::make_mut(&mut all.items).extend(more.items.iter().cloned());
                            all.is_repeated |= more.is_repeated;
                        }
                        one => Arc::make_mut(&mut all.items).push(one.clone()),
                    }
                }
                Value::List(all)
            }
            "slice" | "reverse" | "sort" | "filter" | "flat" | "values" | "entries" => {
                receiver.clone()
            }
            "at" | "find" | "findLast" | "get" | "next" | "pop" | "shift" => receiver.any_within(),
            _ => given,
        }
    }

    /// Runs what a method calls on its own object, and what that calls.
    fn run_own(
        &mut self,
        object: &Value,
        method: &Value,
        seen: &mut Vec<String>,
        span: &Range<usize>,
    ) {
        let Value::Function(summary) = method else { return };
        for name in &summary.own {
            if seen.contains(name) {
                continue;
            }
            seen.push(name.clone());
            if let Some(Value::Function(inner)) = object.member(name) {
                self.run(inner, false, span);
                self.run_own(object, &Value::Function(Arc::clone(inner)), seen, span);
            }
        }
    }

    /// A place that is known by what is written only.
    pub(super) fn place_written(&self, written: &str) -> Place {
        let line: String = written.split_whitespace().collect::<Vec<_>>().join(" ");
        Place { database: String::new(), name: crate::lang::token::shorten(&line, 40) }
    }
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    Value::List(List { items: Arc::new(items.collect()), is_repeated: false })
}

/// Tells whether a `find` is given a condition, and not a function or a name.
fn is_condition(arguments: &[Value]) -> bool {
    !matches!(arguments.first(), Some(Value::Function(_) | Value::Literal(_) | Value::List(_)))
}

/// Splits a method that is not called off its collection.
fn method_of(place: &Place) -> Option<(Place, String)> {
    let (name, method) = place.name.rsplit_once('.')?;
    Some((Place { database: place.database.clone(), name: name.to_owned() }, method.to_owned()))
}
