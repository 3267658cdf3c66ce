//! The shell's methods as the commands it makes of them.

use serde_json::{Map, Value as Json, json};

use super::value::{Place, Value, unknown};
use crate::lang::mongo::command::command;
use crate::lang::mongo::filter::is_unknown;
use crate::lang::{Effect, Scope, Verb, deed};

/// Methods of a collection that are told by their name whatever they are called on.
const TELLING: &[&str] = &[
    "bulkWrite",
    "convertToCapped",
    "deleteMany",
    "deleteOne",
    "dropIndex",
    "dropIndexes",
    "findAndModify",
    "findOneAndDelete",
    "findOneAndReplace",
    "findOneAndUpdate",
    "renameCollection",
    "replaceOne",
    "updateMany",
    "updateOne",
];

/// Methods of a database that hand their first argument to the command of the same name.
const SAME: &[&str] = &[
    "createRole",
    "createUser",
    "dropRole",
    "dropUser",
    "eval",
    "fsyncUnlock",
    "grantPrivilegesToRole",
    "grantRolesToRole",
    "grantRolesToUser",
    "killOp",
    "revokePrivilegesFromRole",
    "revokeRolesFromRole",
    "revokeRolesFromUser",
    "rotateCertificates",
    "updateRole",
    "updateUser",
    "dropDatabase",
];

/// Those whose command has another name.
const RENAMED: &[(&str, &str)] = &[
    ("changeUserPassword", "updateUser"),
    ("cloneDatabase", "copydb"),
    ("copyDatabase", "copydb"),
    ("createCollection", "create"),
    ("createView", "create"),
    ("dropAllRoles", "dropAllRolesFromDatabase"),
    ("dropAllUsers", "dropAllUsersFromDatabase"),
    ("fsyncLock", "fsync"),
    ("setLogLevel", "setParameter"),
    ("setProfilingLevel", "profile"),
    ("shutdownServer", "shutdown"),
];

/// Methods of `rs` and `sh` that only look.
const LOOKS: &[&str] = &[
    "balancerCollectionStatus",
    "conf",
    "config",
    "getBalancerState",
    "getShardedDataDistribution",
    "hello",
    "help",
    "isBalancerRunning",
    "isConfigShardEnabled",
    "isMaster",
    "listShards",
    "printReplicationInfo",
    "printSecondaryReplicationInfo",
    "printShardingStatus",
    "printSlaveReplicationInfo",
    "secondaryOk",
    "slaveOk",
    "status",
];

/// What a method is called with.
pub(super) struct Arguments<'a>(pub(super) &'a [Value]);

impl Arguments<'_> {
    fn get(&self, at: usize) -> Option<&Value> {
        self.0.get(at)
    }

    fn json(&self, at: usize) -> Json {
        self.get(at).map_or(Json::Null, Value::json)
    }

    /// A member of an object that is given.
    fn member(&self, at: usize, name: &str) -> Option<Json> {
        self.get(at)?.member(name).map(Value::json)
    }

    fn is_set(&self, at: usize, name: &str) -> bool {
        self.member(at, name).is_some_and(|value| value != json!(false) && value != json!(0))
    }
}

/// Tells whether a method means a collection, whatever it is called on.
pub(super) fn is_telling(method: &str, arguments: &Arguments<'_>) -> bool {
    let is_record = |at| matches!(arguments.get(at), Some(Value::Record(_)));
    match method {
        // A list's takes how many to leave out; a set's what to take.
        "drop" => arguments.0.is_empty(),
        "remove" => is_record(0),
        "update" => is_record(0) && is_record(1),
        _ => TELLING.contains(&method),
    }
}

/// Reads a method of a collection. Where its first argument is one of several, the worst counts.
pub(super) fn collection(place: &Place, method: &str, arguments: &Arguments<'_>) -> Vec<Effect> {
    if let Some(Value::OneOf(all)) = arguments.get(0) {
        let each = all.iter().map(|one| {
            let mut given = arguments.0.to_vec();
            given[0] = one.clone();
            collection(place, method, &Arguments(&given))
        });
        let worst = |effects: &Vec<Effect>| {
            effects.iter().map(|effect| (effect.class, effect.scope, effect.looped)).max()
        };
        return each.max_by_key(worst).unwrap_or_default();
    }
    let name = place.name.as_str();
    let with = |command_name: &str, mut body: Json| {
        body[command_name] = json!(name);
        command(&place.database, command_name, &body)
    };
    let update = |multi: bool, update: Json| {
        with("update", json!({"updates": [{"q": arguments.json(0), "u": update, "multi": multi}]}))
    };
    let delete = |is_one: bool| {
        let limit = i32::from(is_one);
        with("delete", json!({"deletes": [{"q": arguments.json(0), "limit": limit}]}))
    };
    match method {
        "deleteMany" => delete(false),
        "deleteOne" => delete(true),
        "remove" => {
            let is_one = arguments.json(1) == json!(true) || arguments.json(1) == json!(1);
            delete(is_one || arguments.is_set(1, "justOne"))
        }
        "findOneAndDelete" => with("findAndModify", json!({"remove": true})),
        "findAndModify" => with("findAndModify", object(arguments.json(0))),
        "updateOne" | "findOneAndUpdate" => update(false, arguments.json(1)),
        "updateMany" => update(true, arguments.json(1)),
        "replaceOne" | "findOneAndReplace" | "save" => update(false, json!({})),
        "update" => {
            let multi = arguments.json(3) == json!(true) || arguments.is_set(2, "multi");
            update(multi, arguments.json(1))
        }
        "bulkWrite" => bulk(place, arguments),
        "drop" => with("drop", json!({})),
        "dropIndex" | "dropIndexes" => {
            let given = arguments.get(0).map_or(json!("*"), Value::json);
            with("dropIndexes", json!({"index": given}))
        }
        "dropSearchIndex" | "updateSearchIndex" => with(method, json!({})),
        "createSearchIndex" | "createSearchIndexes" => with("createSearchIndexes", json!({})),
        "renameCollection" => {
            let to = arguments.get(0).and_then(Value::as_text).unwrap_or("another name");
            let within = |name: &str| match place.database.as_str() {
                "" => name.to_owned(),
                database => format!("{database}.{name}"),
            };
            let drops = arguments.member(1, "dropTarget").unwrap_or_else(|| arguments.json(1));
            let body = json!({"renameCollection": within(name), "to": within(to),
                "dropTarget": drops});
            command(&place.database, "renameCollection", &body)
        }
        "createIndex" | "ensureIndex" | "createIndexes" => {
            with("createIndexes", json!({"indexes": [object(arguments.json(1))]}))
        }
        "hideIndex" | "unhideIndex" => with("collMod", json!({"index": {"hidden": true}})),
        "convertToCapped" | "reIndex" => with(method, json!({})),
        "mapReduce" => {
            let out = arguments.member(2, "out").unwrap_or_else(|| arguments.json(2));
            with("mapReduce", json!({"out": out}))
        }
        "aggregate" => with("aggregate", pipeline(arguments)),
        "insert" | "insertOne" | "insertMany" => with("insert", json!({})),
        "validate" => with("validate", object(arguments.json(0))),
        "runCommand" => match arguments.get(0) {
            Some(Value::Literal(Json::String(command_name))) => {
                with(command_name, object(arguments.json(1)))
            }
            _ => run(&place.database, arguments),
        },
        _ => Vec::new(),
    }
}

/// Reads a method of a database.
pub(super) fn database(name: &str, method: &str, arguments: &Arguments<'_>) -> Vec<Effect> {
    let renamed = RENAMED.iter().find(|(known, _)| *known == method).map(|(_, other)| *other);
    let same = SAME.iter().find(|known| **known == method).copied();
    match method {
        "runCommand" | "_runCommand" => run(name, arguments),
        "adminCommand" | "_adminCommand" => run("admin", arguments),
        "aggregate" => {
            let mut body = pipeline(arguments);
            body["aggregate"] = json!(1);
            command(name, "aggregate", &body)
        }
        _ => renamed.or(same).map_or_else(Vec::new, |command_name| {
            let first = arguments.json(0);
            let named = ["user", "role"].iter().find_map(|key| first.get(key)).cloned();
            let value = named.unwrap_or(if is_unknown(&first) { Json::Null } else { first });
            command(name, command_name, &json!({command_name: value}))
        }),
    }
}

/// Reads a method of `rs` or `sh`.
pub(super) fn cluster(helper: &str, method: &str, arguments: &Arguments<'_>) -> Vec<Effect> {
    if LOOKS.contains(&method) {
        return Vec::new();
    }
    let object = arguments.get(0).and_then(Value::as_text);
    let mut effect = deed::effect(Verb::Admin, object, Scope::All);
    let on = object.unwrap_or("the cluster");
    effect.phrase = format!("runs {helper}.{method} on {on}");
    vec![effect]
}

/// Methods of what a filter selected in a list of writes that put a write into it.
pub(super) fn is_selected(method: &str) -> bool {
    let known = ["delete", "deleteOne", "remove", "removeOne", "replaceOne", "update", "updateOne"];
    known.contains(&method)
}

/// Reads a method of what a filter selected in a list of writes.
pub(super) fn selected(filter: &Json, place: &Place, method: &str) -> Vec<Effect> {
    let arguments = |update: Json| [Value::Literal(filter.clone()), Value::Literal(update)];
    let write =
        |method: &str, update: Json| collection(place, method, &Arguments(&arguments(update)));
    match method {
        "delete" | "remove" => write("deleteMany", Json::Null),
        "deleteOne" | "removeOne" => write("deleteOne", Json::Null),
        "update" => write("updateMany", unknown()),
        "updateOne" => write("updateOne", unknown()),
        "replaceOne" => write("replaceOne", Json::Null),
        _ => Vec::new(),
    }
}

/// Reads the operations of a `bulkWrite`.
fn bulk(place: &Place, arguments: &Arguments<'_>) -> Vec<Effect> {
    let Some(Value::List(operations)) = arguments.get(0) else { return vec![written(place)] };
    let mut effects: Vec<Effect> =
        operations.items.iter().flat_map(|one| operation(place, one)).collect();
    if operations.is_repeated {
        effects.iter_mut().for_each(|effect| effect.looped = true);
    }
    effects
}

/// Reads one operation; a client's `bulkWrite` names the collection in each.
fn operation(place: &Place, one: &Value) -> Vec<Effect> {
    let Value::Record(members) = one else { return vec![written(place)] };
    let named = one.member("name").and_then(Value::as_text);
    let (name, given) = match (named, members.first()) {
        (Some(name), _) => (name, one),
        (None, Some((name, given))) => (name.as_str(), given),
        (None, None) => return Vec::new(),
    };
    let place = match one.member("namespace").and_then(Value::as_text) {
        Some(namespace) => &Place { database: String::new(), name: namespace.to_owned() },
        None => place,
    };
    let part = |key: &str| given.member(key).cloned().unwrap_or_default();
    let second = if name == "replaceOne" { "replacement" } else { "update" };
    // Without a filter the server takes none of it; one that is not known is not known.
    let filter = given.member("filter").cloned().unwrap_or_default();
    collection(place, name, &Arguments(&[filter, part(second)]))
}

/// Writes that are put together while the text runs.
fn written(place: &Place) -> Effect {
    let mut effect = deed::effect(Verb::Execute, Some(&place.name), Scope::Unknown);
    effect.phrase = format!("writes to {} what is put together while it runs", place.name);
    effect
}

/// Reads a command that is handed over as an object or by its name.
fn run(database: &str, arguments: &Arguments<'_>) -> Vec<Effect> {
    match arguments.get(0) {
        Some(Value::Record(members)) => match members.first() {
            Some((name, _)) => command(database, name, &arguments.json(0)),
            None => Vec::new(),
        },
        Some(Value::Literal(Json::String(name))) => command(database, name, &json!({name: 1})),
        Some(_) => {
            let mut effect = deed::effect(Verb::Execute, None, Scope::Unknown);
            "runs a command that is put together while it runs".clone_into(&mut effect.phrase);
            vec![effect]
        }
        None => Vec::new(),
    }
}

/// A pipeline is an array, or each stage an argument of its own.
fn pipeline(arguments: &Arguments<'_>) -> Json {
    let stages = match arguments.get(0) {
        Some(Value::List(_)) | None => arguments.json(0),
        Some(_) => Json::Array(arguments.0.iter().map(Value::json).collect()),
    };
    json!({"pipeline": stages, "explain": arguments.is_set(1, "explain")})
}

/// Makes an object of what may be none.
fn object(value: Json) -> Json {
    if value.is_object() && !is_unknown(&value) { value } else { Json::Object(Map::new()) }
}
