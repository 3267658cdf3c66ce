//! A command as it goes over the wire, to effects: extended JSON, canonical or relaxed.

use std::collections::HashMap;

use serde_json::Value;

use super::filter::{is_unknown, scope};
use super::table::{ADMIN, On, PLAIN, READS, SESSION};
use crate::lang::{Class, Effect, Scope, Verb, deed};

/// How often an effect is told where many operations of a command do the same: far above any
/// count that matters, and small in memory.
const MOST_ALIKE: usize = 1_000;

/// Reads what a command would do.
///
/// `name` is the command's first key, `body` the whole of it with that key. The database is the one
/// it is sent to; where it is empty, objects are named without one. A command that only reads has
/// no effects, and one that nobody here knows is opaque.
#[must_use]
pub fn command(database: &str, name: &str, body: &Value) -> Vec<Effect> {
    let command = Command { database, name, body };
    match name {
        "delete" => alike(command.list("deletes"), |one| command.delete(one)),
        "update" => alike(command.list("updates"), |one| command.update(one)),
        "findAndModify" | "findandmodify" => vec![command.find_and_modify()],
        "bulkWrite" => alike(command.list("ops"), |one| command.bulk_write(one)),
        "aggregate" => command.aggregate(),
        "mapReduce" | "mapreduce" => command.map_reduce(),
        "createIndexes" => command.create_indexes(),
        "dropIndexes" | "deleteIndexes" => vec![command.drop_indexes()],
        "collMod" => command.coll_mod(),
        "renameCollection" => command.rename(),
        "profile" if command.number("profile") < 0 => Vec::new(),
        "profile" => vec![command.said(Verb::AlterType, On::Database)],
        "validate" if command.is_set("repair") => vec![command.said(Verb::Rewrite, On::Collection)],
        "validate" => Vec::new(),
        _ if READS.contains(&name) => Vec::new(),
        _ if SESSION.contains(&name) => {
            vec![deed::effect(Verb::Session, None, Scope::One)]
        }
        _ if ADMIN.contains(&name) => vec![command.said(Verb::Admin, On::Named)],
        _ => vec![match PLAIN.iter().find(|(known, ..)| *known == name) {
            Some((_, verb, on)) => command.plain(*verb, *on),
            None => command.unknown(),
        }],
    }
}

struct Command<'a> {
    database: &'a str,
    name: &'a str,
    body: &'a Value,
}

impl Command<'_> {
    fn value(&self) -> &Value {
        &self.body[self.name]
    }

    fn text(&self) -> Option<&str> {
        self.value().as_str()
    }

    fn number(&self, key: &str) -> i64 {
        number(&self.body[key])
    }

    fn is_set(&self, key: &str) -> bool {
        is_set(&self.body[key])
    }

    /// The documents of an array that a driver may send beside the body.
    fn list(&self, key: &str) -> &[Value] {
        let list = &self.body[key];
        list.as_array().map_or_else(|| std::slice::from_ref(list), Vec::as_slice)
    }

    fn within(&self, name: &str) -> String {
        if self.database.is_empty() { name.to_owned() } else { format!("{}.{name}", self.database) }
    }

    /// What the command acts on, as a person names it.
    fn object(&self, on: On) -> Option<String> {
        let database = || Some(self.database.to_owned()).filter(|name| !name.is_empty());
        match on {
            On::Collection => self.text().map(|name| self.within(name)).or_else(database),
            On::Named => self.text().map(str::to_owned),
            On::Database => database(),
            On::Server => None,
        }
    }

    fn collection(&self) -> Option<String> {
        self.object(On::Collection)
    }

    fn effect(&self, verb: Verb, scope: Scope) -> Effect {
        deed::effect(verb, self.collection().as_deref(), scope)
    }

    fn plain(&self, verb: Verb, on: On) -> Effect {
        let is_own_word = matches!(verb, Verb::Drop | Verb::Truncate);
        if is_own_word && on != On::Named {
            return deed::effect(verb, self.object(on).as_deref(), Scope::All);
        }
        let mut effect = self.said(verb, on);
        // What has an object of its own is one thing; only code may do anything.
        effect.scope = if verb == Verb::Execute { Scope::Unknown } else { Scope::One };
        effect
    }

    /// An effect that is told by the command's own name.
    fn said(&self, verb: Verb, on: On) -> Effect {
        let object = self.object(on);
        let mut effect = deed::effect(verb, object.as_deref(), Scope::All);
        if verb == Verb::AlterType {
            effect.scope = Scope::One;
        }
        effect.phrase = match &object {
            Some(object) => format!("runs {} on {object}", self.name),
            None => format!("runs {} on the server", self.name),
        };
        effect
    }

    fn unknown(&self) -> Effect {
        let mut effect = self.said(Verb::Execute, On::Collection);
        effect.scope = Scope::Unknown;
        effect.phrase = format!("runs {}, which is not known to be harmless", self.name);
        effect
    }

    fn delete(&self, one: &Value) -> Effect {
        let is_one = number(&one["limit"]) == 1;
        self.effect(Verb::Delete, if is_one { Scope::One } else { scope(one.get("q")) })
    }

    fn update(&self, one: &Value) -> Effect {
        let rows = several(&one["multi"], one.get("q"));
        let effect = self.effect(update_verb(&one["u"]), rows);
        with_unset(effect, &one["u"])
    }

    fn find_and_modify(&self) -> Effect {
        if self.is_set("remove") {
            return self.effect(Verb::Delete, Scope::One);
        }
        let update = &self.body["update"];
        with_unset(self.effect(update_verb(update), Scope::One), update)
    }

    /// One operation of the command that writes to several collections (8.0).
    fn bulk_write(&self, one: &Value) -> Effect {
        let namespace = |key: &str| {
            let at = usize::try_from(number(&one[key])).unwrap_or(usize::MAX);
            self.body["nsInfo"][at]["ns"].as_str()
        };
        let scope = several(&one["multi"], one.get("filter"));
        let has = |key: &str| one.get(key).is_some();
        if has("delete") {
            deed::effect(Verb::Delete, namespace("delete"), scope)
        } else if has("update") {
            let update = &one["updateMods"];
            with_unset(deed::effect(update_verb(update), namespace("update"), scope), update)
        } else if has("insert") {
            deed::effect(Verb::Insert, namespace("insert"), Scope::One)
        } else {
            self.unknown()
        }
    }

    fn aggregate(&self) -> Vec<Effect> {
        if self.is_set("explain") {
            return Vec::new();
        }
        self.list("pipeline").iter().filter_map(|stage| self.stage(stage)).collect()
    }

    /// A stage of a pipeline that writes.
    fn stage(&self, stage: &Value) -> Option<Effect> {
        if let Some(out) = stage.get("$out") {
            let object = self.destination(out);
            return Some(deed::effect(Verb::Replace, object.as_deref(), Scope::All));
        }
        let merge = stage.get("$merge")?;
        let into = merge.get("into").unwrap_or(merge);
        let object = self.destination(into);
        let verb = match merge.get("whenMatched").map(|when| when.as_str().unwrap_or_default()) {
            Some("keepExisting" | "fail") => Verb::Insert,
            Some("replace") => Verb::Replace,
            _ => Verb::Update,
        };
        Some(deed::effect(verb, object.as_deref(), Scope::Unknown))
    }

    /// A collection that is written to: its name, or its database and its name.
    fn destination(&self, into: &Value) -> Option<String> {
        if let Some(name) = into.as_str() {
            return Some(self.within(name));
        }
        let name = into["coll"].as_str()?;
        Some(match into["db"].as_str() {
            Some(database) => format!("{database}.{name}"),
            None => self.within(name),
        })
    }

    fn map_reduce(&self) -> Vec<Effect> {
        let out = &self.body["out"];
        if out.get("inline").is_some() {
            return Vec::new();
        }
        let merged = ["merge", "reduce"].iter().find_map(|key| out.get(key));
        let into = merged.or(out.get("replace")).unwrap_or(out);
        let object = match out["db"].as_str().zip(into.as_str()) {
            Some((database, name)) => Some(format!("{database}.{name}")),
            None => self.destination(into),
        };
        let (verb, scope) = match merged {
            Some(_) => (Verb::Update, Scope::Unknown),
            None => (Verb::Replace, Scope::All),
        };
        vec![deed::effect(verb, object.as_deref(), scope)]
    }

    /// Documents go by themselves from now on.
    fn expires(&self) -> Effect {
        let mut effect = self.effect(Verb::Delete, Scope::Unknown);
        let of = effect.object.as_deref().unwrap_or("the collection");
        effect.phrase = format!("has the server delete documents of {of} by their age");
        effect
    }

    fn create_indexes(&self) -> Vec<Effect> {
        let expires = |index: &Value| index.get("expireAfterSeconds").is_some();
        if self.list("indexes").iter().any(expires) {
            return vec![self.expires()];
        }
        vec![self.said(Verb::Create, On::Collection)]
    }

    fn drop_indexes(&self) -> Effect {
        let index = &self.body["index"];
        let index = index.as_str().map_or_else(|| shown(index), str::to_owned);
        let object = self.collection().map(|collection| format!("{collection} ({index})"));
        let mut effect = deed::effect(Verb::Drop, object.as_deref(), Scope::All);
        let of = self.collection().unwrap_or_default();
        effect.phrase = match index.as_str() {
            "*" | "" => format!("drops all indexes of {of}"),
            index => format!("drops the index {index} of {of}"),
        };
        effect
    }

    fn coll_mod(&self) -> Vec<Effect> {
        let seconds = |value: &Value| value.get("expireAfterSeconds").cloned();
        let ttl = seconds(self.body).or_else(|| seconds(&self.body["index"]));
        if ttl.is_some_and(|ttl| ttl != "off") {
            return vec![self.expires()];
        }
        if self.body.get("cappedSize").is_some() || self.body.get("cappedMax").is_some() {
            return vec![self.effect(Verb::Truncate, Scope::All)];
        }
        vec![self.said(Verb::AlterType, On::Collection)]
    }

    fn rename(&self) -> Vec<Effect> {
        let from = self.text();
        let mut effects = vec![deed::effect(Verb::Rename, from, Scope::One)];
        if self.is_set("dropTarget") || is_unknown(&self.body["dropTarget"]) {
            effects.push(deed::effect(Verb::Drop, self.body["to"].as_str(), Scope::All));
        }
        effects
    }
}

/// Reads each of many operations; those that do the same are not told without end.
fn alike(operations: &[Value], read: impl Fn(&Value) -> Effect) -> Vec<Effect> {
    let mut kinds: HashMap<(Verb, Scope, Option<String>), usize> = HashMap::new();
    let mut effects = Vec::new();
    for operation in operations {
        let effect = read(operation);
        let count = kinds.entry((effect.verb, effect.scope, effect.object.clone())).or_default();
        *count += 1;
        if *count <= MOST_ALIKE {
            effects.push(effect);
        }
    }
    effects
}

/// How many documents are meant where only `multi` lets it be more than one.
fn several(multi: &Value, filter: Option<&Value>) -> Scope {
    if is_set(multi) || is_unknown(multi) { scope(filter) } else { Scope::One }
}

/// A document without operators takes the place of the old one.
fn update_verb(update: &Value) -> Verb {
    let is_replacement =
        update.as_object().is_some_and(|document| !document.keys().any(|key| key.starts_with('$')));
    if is_replacement && !is_unknown(update) { Verb::Replace } else { Verb::Update }
}

/// Says which fields go, where an update removes some.
fn with_unset(mut effect: Effect, update: &Value) -> Effect {
    let stages = update.as_array().into_iter().flatten();
    let unset = update.get("$unset").or_else(|| stages.into_iter().find_map(|s| s.get("$unset")));
    if let Some(unset) = unset {
        let fields = match unset {
            Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", "),
            Value::String(field) => field.clone(),
            other => shown(other),
        };
        if effect.class == Class::Change {
            effect.phrase = format!("{}, and removes {fields}", effect.phrase);
        }
    }
    effect
}

/// A number, in either kind of extended JSON; what is none counts as zero.
fn number(value: &Value) -> i64 {
    let written = || {
        let kinds = ["$numberInt", "$numberLong", "$numberDouble"];
        kinds.iter().find_map(|kind| value.get(kind)?.as_str()?.parse::<f64>().ok())
    };
    #[expect(clippy::cast_possible_truncation, reason = "small integers, whatever their type")]
    value.as_i64().or_else(|| value.as_f64().or_else(written).map(|n| n as i64)).unwrap_or(0)
}

fn is_set(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| number(value) != 0)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(_) if is_unknown(value) => "…".to_owned(),
        other => other.to_string(),
    }
}
