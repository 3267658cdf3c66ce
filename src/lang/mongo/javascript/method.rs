//! A call of a method: what it does, and what it gives back.

use std::ops::Range;
use std::sync::Arc;

use super::Bulk;
use super::value::{List, Place, Value};
use super::walk::Walk;
use super::write::{self, Arguments};

/// Methods and functions that call what they are given once for each of many.
const MAPPERS: &[&str] = &[
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
                let waiting = self.names.bulks.get_mut(*at).map(|bulk| std::mem::take(&mut bulk.effects));
                self.push_as_they_are(waiting.unwrap_or_default(), &call.span);
                Value::Harmless
            }
            (Value::Selected(at, filter), method) => {
                self.wait(*at, filter, method, &call.span);
                receiver.clone()
            }
            (Value::Record(_), method) => match receiver.member(method).cloned() {
                Some(function) => self.function(&function, call),
                None => self.called_back(call),
            },
            (Value::List(list), "concat" | "slice" | "reverse" | "sort" | "filter" | "flat") => {
                self.called_back(call);
                Value::List(list.clone())
            }
            (Value::Unknown | Value::Connection, "dropDatabase" | "adminCommand" | "runCommand") => {
                self.push(write::database("", call.method, &arguments), &call.span);
                Value::Harmless
            }
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
    fn handed_on(&mut self, receiver: &Value, call: &Call<'_>) -> Value {
        if call.method == "bind" {
            return receiver.clone();
        }
        let rest = call.arguments.get(1..).unwrap_or_default();
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
                self.run(summary, false, &call.span);
                self.called_back(call);
                summary.returns.clone()
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
    fn called_back(&mut self, call: &Call<'_>) -> Value {
        let is_mapper = MAPPERS.contains(&call.method);
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

    /// A place that is known by what is written only.
    pub(super) fn place_written(&self, written: &str) -> Place {
        let line: String = written.split_whitespace().collect::<Vec<_>>().join(" ");
        Place { database: String::new(), name: crate::lang::token::shorten(&line, 40) }
    }
}

/// Splits a method that is not called off its collection.
fn method_of(place: &Place) -> Option<(Place, String)> {
    let (name, method) = place.name.rsplit_once('.')?;
    Some((Place { database: place.database.clone(), name: name.to_owned() }, method.to_owned()))
}
