//! What one call would do, by its name, its receiver and its arguments.

use std::collections::BTreeMap;
use std::ops::Range;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::FILES;
use super::chain::{Chain, Kind, WHATEVER, text};
use super::walk::Around;
use crate::lang::postgres::Memory;
use crate::lang::{Class, Effect, Reading, Scope, Verb, driver};

/// Methods that remove the one thing they are called on, or are given.
pub(super) const ROW: &[&str] = &[
    "delete",
    "delete_instance",
    "destroy",
    "delete_one",
    "find_one_and_delete",
    "hard_delete",
    "force_delete",
    "adelete",
];

/// Methods that remove everything, or what a query selects, of what they are called on.
const MANY: &[&str] =
    &["_raw_delete", "bulk_delete", "delete_all", "destroy_all", "delete_by_query"];

/// Methods whose effect cannot be had back.
const DESTROY: &[&str] = &[
    "drop_collection",
    "drop_database",
    "drop_all",
    "drop_table",
    "drop_tables",
    "drop_index",
    "drop_indexes",
    "drop_keyspace",
    "flushall",
    "flushdb",
    "truncate_table",
    "delete_objects",
    "delete_bucket",
    "delete_topics",
    "delete_namespace",
    "delete_dataset",
    "purge_queue",
    "terminate_instances",
];

/// What a cloud's client calls such things; its arguments begin with a capital.
const CLOUD: &[&str] = &["delete_", "terminate_", "purge_", "deregister_", "destroy_"];

/// Names that stand for a set of rows or documents.
const SETS: &[&str] = &[
    "objects",
    "filter",
    "all",
    "exclude",
    "query",
    "filter_by",
    "where",
    "find",
    "order_by",
    "limit",
    "only",
    "select",
    "select_related",
    "prefetch_related",
    "object_versions",
    "using",
    "distinct",
];

/// Those that put a condition on it, if they are called with one.
const CONDITIONS: &[&str] = &["objects", "filter", "exclude", "filter_by", "where", "find"];

/// Those that take one of it.
const TAKES_ONE: &[&str] = &[
    "get",
    "first",
    "last",
    "earliest",
    "latest",
    "one",
    "one_or_none",
    "scalar",
    "scalar_one",
    "get_by_id",
    "get_or_404",
    "aget",
    "afirst",
];

/// Methods and functions that take SQL.
const SQL: &[&str] = &[
    "execute",
    "executemany",
    "executescript",
    "execute_sql",
    "raw",
    "text",
    "exec_driver_sql",
    "fetch",
    "fetchrow",
    "fetchval",
    "sql",
    "query",
    "read_sql",
    "execute_async",
    "copy_expert",
    "run_sql",
    "raw_sql",
];

/// What is said of SQL whose end is not in the source. Where a tap asks, it has the whole of it.
pub const UNFINISHED: &str =
    "removes or changes rows that its end, which is not in the source, may choose";

/// What SQL that removes or changes begins with, where no parser understood it.
const SQL_WORDS: &[&str] =
    &["delete", "drop", "truncate", "update", "alter", "with", "replace", "merge"];

/// Names by custom of what has a `delete` with a key, and is no database of record.
const CACHES: &[&str] = &["cache", "caches", "messages", "canvas", "widget", "entry", "tree"];

/// Names by custom of a session that takes objects to delete.
const SESSIONS: &[&str] = &["session", "db", "s", "db_session", "sess", "Session"];

/// Reads a call; nothing where it loses nothing.
pub(super) fn read(
    call: &ExprCall,
    chain: &Chain<'_>,
    around: &Around,
    types: &BTreeMap<String, String>,
) -> Vec<Effect> {
    let Some(method) = chain.method() else { return Vec::new() };
    let of = around.kind(types, chain.root());
    if let Some((deed, phrase)) = files(call, chain, method, of, around) {
        let mut effect = effect(call.range(), chain, around, deed);
        effect.object = Some(FILES.to_owned());
        effect.phrase = phrase.to_owned();
        return vec![effect];
    }
    if of == Kind::Harmless {
        return Vec::new();
    }
    // Of SQLite the guard tells which file it is, before anything is sent: it may be one in memory.
    let is_told = around.looped.is_none() && is_of_sqlite(types, chain.root());
    if SQL.contains(&method) && is_told {
        return Vec::new();
    }
    if SQL.contains(&method)
        && let Some(found) = sql(call, around)
    {
        return found;
    }
    let Some((class, verb, scope)) = deed(call, chain, method, of, around) else {
        return Vec::new();
    };
    vec![effect(call.range(), chain, around, (class, verb, scope))]
}

/// Reads a method that is handed to something which calls it.
pub(super) fn mapped(
    expr: &Expr,
    chain: &Chain<'_>,
    around: &Around,
    types: &BTreeMap<String, String>,
) -> Option<Effect> {
    if around.kind(types, chain.root()) == Kind::Harmless {
        return None;
    }
    Some(effect(expr.range(), chain, around, (Class::Remove, Verb::Delete, Scope::One)))
}

type Deed = (Class, Verb, Scope);

/// Reads what removes files: whole folders, or one after the other.
fn files(
    call: &ExprCall,
    chain: &Chain<'_>,
    method: &str,
    of: Kind,
    around: &Around,
) -> Option<(Deed, &'static str)> {
    let is_of_system = chain.is_function() || chain.root().is_some_and(|root| root == "os");
    match method {
        "rmtree" | "removedirs" => {
            let phrase = "removes a folder with all that is in it";
            Some(((Class::Destroy, Verb::Drop, Scope::All), phrase))
        }
        "remove" | "unlink" | "rmdir" if around.looped.is_some() && of != Kind::Database => {
            // A path removes itself; a list's `remove` is given what to remove.
            let is_path = method != "remove" && call.arguments.args.is_empty();
            let is_meant = if is_path { !chain.is_function() } else { is_of_system };
            let deed = (Class::Remove, Verb::Delete, Scope::One);
            (is_meant && !(chain.is_function() && method == "remove"))
                .then_some((deed, "removes a file"))
        }
        _ => None,
    }
}

fn deed(
    call: &ExprCall,
    chain: &Chain<'_>,
    method: &str,
    of: Kind,
    around: &Around,
) -> Option<Deed> {
    let delete = |scope| Some((Class::Remove, Verb::Delete, scope));
    let destroy = |verb| Some((Class::Destroy, verb, Scope::All));
    let arguments = &call.arguments;
    let first = arguments.args.first();
    let has_none = arguments.args.is_empty() && arguments.keywords.is_empty();
    let is_set = chain.has(SETS) && !chain.owner().is_some_and(|name| TAKES_ONE.contains(&name));
    let of_set = || {
        let is_filtered = around.is_filtered || chain.has_called(CONDITIONS);
        if is_filtered { Scope::Filtered } else { Scope::All }
    };
    let word = first.and_then(text).map(|text| text.to_ascii_lowercase());
    match method {
        "command" | "execute_command" | "call_command" => {
            let word = word?;
            let word = word.split_ascii_whitespace().next().unwrap_or_default();
            match word {
                "dropdatabase" | "drop" | "dropindexes" => destroy(Verb::Drop),
                "flushall" | "flushdb" | "flush" | "reset_db" => destroy(Verb::Truncate),
                "delete" | "del" | "unlink" => delete(Scope::Unknown),
                _ => None,
            }
        }
        "flushall" | "flushdb" | "truncate_table" => destroy(Verb::Truncate),
        _ if DESTROY.contains(&method) => destroy(Verb::Drop),
        "delete" if chain.has(&["indices"]) => destroy(Verb::Drop),
        "drop" if chain.has(&["__table__"]) || of == Kind::Database => destroy(Verb::Drop),
        // A frame's takes what to drop; a collection's takes nothing.
        "drop" if has_none && !chain.is_function() => destroy(Verb::Drop),
        "delete_many" if is_bare(call) => delete(Scope::All),
        "delete_many" => delete(Scope::Filtered),
        "remove" if of == Kind::Database && is_bare(call) => delete(Scope::All),
        "remove" if of == Kind::Database => delete(Scope::Filtered),
        "update_many" => {
            let scope = if is_bare(call) { Scope::All } else { Scope::Filtered };
            Some((Class::Change, Verb::Update, scope))
        }
        "update" if is_set && !has_none => Some((Class::Change, Verb::Update, of_set())),
        "_raw_delete" => delete(of_set()),
        _ if MANY.contains(&method) => delete(Scope::Unknown),
        // `delete(User)` makes a statement of every row, until a condition is put on it.
        "delete" if chain.is_function() => {
            first?;
            delete(if around.is_filtered { Scope::Filtered } else { Scope::All })
        }
        "unlink" | "delete" if of == Kind::Database && arguments.args.iter().any(is_starred) => {
            delete(Scope::Unknown)
        }
        "execute" if chain.has(&["delete"]) && has_none => {
            delete(if chain.has(&["where"]) { Scope::Filtered } else { Scope::All })
        }
        // `execute(users.delete())`: a statement of every row.
        "delete" if has_none && around.is_executed => {
            delete(if around.is_filtered { Scope::Filtered } else { Scope::All })
        }
        _ if ROW.contains(&method) => {
            let takes = method != "delete" && method != "destroy";
            let owner = chain.owner().unwrap_or_default();
            if arguments.args.is_empty() && is_set && !takes {
                return delete(of_set());
            }
            let is_session = SESSIONS.contains(&owner) && arguments.args.len() == 1;
            let is_cache = chain.root().is_some_and(|root| CACHES.contains(&root));
            let is_row = has_none || takes || is_session || of == Kind::Database;
            let is_meant = is_row && (!is_cache || of == Kind::Database);
            if is_meant { delete(Scope::One) } else { None }
        }
        _ if CLOUD.iter().any(|prefix| method.starts_with(prefix)) => {
            let is_capital = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
            let names = arguments.keywords.iter().filter_map(|keyword| keyword.arg.as_ref());
            let is_cloud = names.into_iter().any(|name| is_capital(name.as_str()));
            if is_cloud { destroy(Verb::Drop) } else { None }
        }
        _ => None,
    }
}

fn is_of_sqlite(types: &BTreeMap<String, String>, name: Option<&str>) -> bool {
    name.and_then(|name| types.get(name)).is_some_and(|told| told.starts_with("of sqlite3."))
}

/// Reads the SQL that a call is given; none where it is given none that removes or changes.
fn sql(call: &ExprCall, around: &Around) -> Option<Vec<Effect>> {
    let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
    let text = call.arguments.args.iter().take(2).chain(keywords).find_map(text)?;
    let reading = driver::read(&text, &Memory::default());
    let is_grave =
        |effect: &&Effect| effect.class >= Class::Change && effect.class != Class::Escape;
    let mut found: Vec<Effect> = reading.effects().iter().filter(is_grave).cloned().collect();
    let first = text.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    if matches!(reading, Reading::Unclear { destructive_word: true, .. })
        && SQL_WORDS.contains(&first.as_str())
    {
        // Parts that are not in the source may be why.
        let open = if text.contains(WHATEVER) { unfinished(&first) } else { None };
        if open.is_some() {
            found.retain(|effect| effect.class != Class::Opaque);
        }
        if found.is_empty() {
            found.push(open.unwrap_or_else(unread));
        }
    }
    let is_open = is_unfinished(&text);
    for effect in &mut found {
        let may_have_condition = matches!(effect.verb, Verb::Delete | Verb::Update)
            && effect.scope == Scope::All
            && effect.object.as_deref() != Some(WHATEVER);
        if is_open && may_have_condition {
            effect.scope = Scope::Unknown;
            effect.phrase = format!("{UNFINISHED}: {}", effect.object.as_deref().unwrap_or("?"));
        }
        effect.span = range(call.range());
        effect.rows = None;
        effect.looped = around.looped.is_some();
    }
    (!found.is_empty()).then_some(found)
}

/// Returns what a statement that begins with a word does to rows, where not all of it is known.
fn unfinished(first: &str) -> Option<Effect> {
    let (class, verb) = match first {
        "delete" => (Class::Remove, Verb::Delete),
        "update" | "merge" | "replace" => (Class::Change, Verb::Update),
        _ => return None,
    };
    let mut effect = Effect::new(class, verb, 0..0, UNFINISHED.to_owned());
    effect.scope = Scope::Unknown;
    Some(effect)
}

fn unread() -> Effect {
    Effect::new(Class::Opaque, Verb::Execute, 0..0, "runs SQL that cannot be read".to_owned())
}

/// Tells whether what a text ends with is not known: it may have a condition.
fn is_unfinished(text: &str) -> bool {
    text.trim_end().ends_with(WHATEVER)
}

fn effect(
    place: ruff_text_size::TextRange,
    chain: &Chain<'_>,
    around: &Around,
    (class, verb, scope): Deed,
) -> Effect {
    let whole = chain.whole().unwrap_or_default();
    let does = match (class, verb, scope) {
        (Class::Destroy, Verb::Truncate, _) => "empties what it is called on",
        (Class::Destroy, _, _) => "drops what it is called on",
        (Class::Change, _, Scope::All) => "changes everything of it",
        (Class::Change, _, _) => "changes what is selected",
        (_, _, Scope::All) => "deletes everything of it",
        (_, _, Scope::Filtered) => "deletes what is selected",
        (_, _, Scope::Unknown) => "deletes, and nobody knows how much",
        (_, _, Scope::One) => "deletes",
    };
    let mut effect = Effect::new(class, verb, range(place), format!("{whole}() {does}"));
    let looped = around.looped.clone().filter(|over| !over.is_empty());
    effect.object = looped.or_else(|| chain.shown());
    effect.scope = scope;
    effect.looped = around.looped.is_some();
    effect
}

fn range(place: ruff_text_size::TextRange) -> Range<usize> {
    place.start().to_usize()..place.end().to_usize()
}

/// Tells whether a call's condition is missing or empty: `delete_many({})`.
fn is_bare(call: &ExprCall) -> bool {
    let named = call.arguments.keywords.iter().find(|keyword| {
        keyword.arg.as_ref().is_some_and(|name| ["filter", "query", "q"].contains(&name.as_str()))
    });
    match call.arguments.args.first().or_else(|| named.map(|keyword| &keyword.value)) {
        None => true,
        Some(Expr::Dict(dict)) => dict.items.is_empty(),
        Some(_) => false,
    }
}

fn is_starred(expr: &Expr) -> bool {
    matches!(expr, Expr::Starred(_))
}
