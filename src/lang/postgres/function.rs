//! Functions of the server and of well-known extensions that do more than compute.
//!
//! A call of an unknown function is a read: nobody would accept a hold for `SELECT my_report()`.
//! Left out on purpose because they run their text read-only: `query_to_xml`, `cursor_to_xml`,
//! `ts_stat`, `ts_rewrite`, `crosstab`.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::expression::{chain, column, condition, parts, unwrapped};
use super::subquery::Queries;
use super::tree::{child, find, ident, string};
use crate::lang::condition::names::Names;
use crate::lang::condition::source::Tree;
use crate::lang::condition::{Cover, Truth};
use crate::lang::function::{self as named, removes_by_name};
use crate::lang::{Class, Scope, Verb};

/// What a call does, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Something in a row of the table.
    Does(Class, Verb, &'static str),
    /// Ends sessions: a set of them is held unless the condition names one.
    Ends,
    /// Runs SQL given as its last argument that is no flag, or at this place.
    Runs(Option<usize>),
    /// Sets a setting of the session, which may be a guard.
    Sets,
}

use Deed::{Does, Ends, Runs, Sets};

/// What a consumer of a replication slot never gets, nobody can bring back.
const SKIPS: Deed = Does(Class::Destroy, Verb::Admin, "skips changes that were to be replicated");
const CONSUMES: Deed = Does(Class::Destroy, Verb::Admin, "consumes changes of a replication slot");

const DROPS_PARTITIONS: Deed = Does(Class::Destroy, Verb::Drop, "drops partitions that are old");

/// Name, deed. Names of the server's own functions first, then of extensions: with their schema where
/// the name alone may well be another's.
const DEEDS: &[(&str, Deed)] = &[
    ("pg_terminate_backend", Ends),
    ("pg_cancel_backend", Does(Class::Change, Verb::Admin, "cancels what other sessions run")),
    ("pg_drop_replication_slot", Does(Class::Destroy, Verb::Admin, "drops a replication slot")),
    ("pg_replication_origin_drop", Does(Class::Destroy, Verb::Admin, "drops a replication origin")),
    ("pg_replication_origin_advance", SKIPS),
    ("pg_replication_slot_advance", SKIPS),
    ("pg_logical_slot_get_changes", CONSUMES),
    ("pg_logical_slot_get_binary_changes", CONSUMES),
    ("pg_promote", Does(Class::Destroy, Verb::Admin, "promotes the standby for good")),
    ("pg_wal_replay_pause", Does(Class::Change, Verb::Admin, "pauses recovery")),
    ("pg_switch_wal", Does(Class::Heavy, Verb::Admin, "switches to a new WAL file")),
    ("pg_reload_conf", Does(Class::Change, Verb::Admin, "reloads the server's configuration")),
    ("pg_stat_reset", Does(Class::Change, Verb::Admin, "resets statistics")),
    ("pg_stat_reset_shared", Does(Class::Change, Verb::Admin, "resets statistics")),
    ("pg_stat_statements_reset", Does(Class::Change, Verb::Admin, "resets statistics")),
    ("lo_unlink", Does(Class::Remove, Verb::Delete, "deletes large objects")),
    ("lo_truncate", Does(Class::Remove, Verb::Truncate, "cuts a large object")),
    ("lo_truncate64", Does(Class::Remove, Verb::Truncate, "cuts a large object")),
    ("lo_put", Does(Class::Change, Verb::Update, "overwrites a large object")),
    ("lowrite", Does(Class::Change, Verb::Update, "overwrites a large object")),
    ("lo_export", Does(Class::Escape, Verb::Shell, "writes a file on the server")),
    ("lo_import", Does(Class::Add, Verb::Insert, "adds a large object")),
    ("lo_create", Does(Class::Add, Verb::Insert, "adds a large object")),
    ("lo_from_bytea", Does(Class::Add, Verb::Insert, "adds a large object")),
    ("set_config", Sets),
    ("setval", Does(Class::Change, Verb::Update, "sets a sequence")),
    ("pg_file_unlink", Does(Class::Destroy, Verb::Delete, "deletes a file on the server")),
    ("pg_file_rename", Does(Class::Change, Verb::Rename, "renames a file on the server")),
    ("pg_file_write", Does(Class::Change, Verb::Update, "writes a file on the server")),
    ("dblink", Runs(None)),
    ("dblink_exec", Runs(None)),
    ("dblink_open", Runs(None)),
    ("dblink_send_query", Runs(None)),
    ("run_command_on_all_nodes", Runs(None)),
    ("run_command_on_workers", Runs(None)),
    ("run_command_on_colocated_placements", Runs(None)),
    ("run_command_on_placements", Runs(None)),
    ("run_command_on_shards", Runs(None)),
    ("master_modify_multiple_shards", Runs(None)),
    ("pg_background_launch", Runs(Some(0))),
    ("pglogical.replicate_ddl_command", Runs(Some(0))),
    ("cron.schedule", Runs(None)),
    ("cron.schedule_in_database", Runs(Some(2))),
    ("cron.alter_job", Runs(Some(2))),
    ("cron.unschedule", Does(Class::Change, Verb::Admin, "takes a job out of the schedule")),
    ("partman.drop_partition_id", DROPS_PARTITIONS),
    ("partman.drop_partition_time", DROPS_PARTITIONS),
    (
        "partman.undo_partition",
        Does(Class::Destroy, Verb::Detach, "takes the partitions off a table"),
    ),
    ("drop_chunks", Does(Class::Destroy, Verb::Drop, "drops chunks of a hypertable")),
    ("dropgeometrycolumn", Does(Class::Destroy, Verb::DropColumn, "drops a geometry column")),
    ("add_retention_policy", Does(Class::Destroy, Verb::Drop, "drops chunks from now on")),
    ("dropgeometrytable", Does(Class::Destroy, Verb::Drop, "drops a table")),
    ("droptopology", Does(Class::Destroy, Verb::Drop, "drops a schema and all that is in it")),
    (
        "heap_force_freeze",
        Does(Class::Destroy, Verb::Update, "brings rows back behind the server's back"),
    ),
    (
        "heap_force_kill",
        Does(Class::Destroy, Verb::Delete, "deletes rows behind the server's back"),
    ),
    ("anon.anonymize_database", Does(Class::Destroy, Verb::Update, "overwrites what is masked")),
    ("anon.anonymize_table", Does(Class::Destroy, Verb::Update, "overwrites what is masked")),
    ("anon.anonymize_column", Does(Class::Destroy, Verb::Update, "overwrites what is masked")),
];

/// What everybody calls, and words that stand before a bracket and call nothing; sorted.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "abs", "age", "any", "array", "array_agg", "array_append", "array_length",
    "array_position", "array_remove", "array_to_string", "as", "avg", "between",
    "bit_length", "bool_and", "bool_or", "btrim", "by", "cardinality", "case", "cast",
    "ceil", "ceiling", "char", "char_length", "clock_timestamp", "coalesce", "concat",
    "concat_ws", "conflict", "convert_from", "convert_to", "count", "cume_dist",
    "current_database", "current_schema", "current_setting", "currval", "date", "date_part",
    "date_trunc", "decode", "dense_rank", "distinct", "encode", "every", "exists", "exp",
    "extract", "filter", "first_value", "float", "floor", "format", "from",
    "gen_random_uuid", "generate_series", "greatest", "group", "grouping",
    "has_table_privilege", "in", "initcap", "int", "isfinite", "json_agg",
    "json_array_elements", "json_build_object", "json_object_agg", "jsonb_agg",
    "jsonb_array_elements", "jsonb_build_object", "jsonb_each", "jsonb_object_keys",
    "jsonb_pretty", "jsonb_set", "justify_interval", "key", "lag", "last_value", "lastval",
    "lead", "least", "left", "length", "ln", "localtime", "localtimestamp", "log", "lower",
    "lpad", "ltrim", "make_date", "max", "md5", "min", "mod", "mode", "nextval", "not",
    "now", "ntile", "nullif", "numeric", "obj_description", "octet_length", "on", "or",
    "over", "overlay", "partition", "percent_rank", "percentile_cont", "percentile_disc",
    "position", "power", "quote_ident", "quote_literal", "random", "rank", "regexp_match",
    "regexp_matches", "regexp_replace", "regexp_split_to_table", "repeat", "replace",
    "returning", "reverse", "right", "round", "row", "row_number", "row_to_json", "rpad",
    "rtrim", "select", "set_config", "setval", "sign", "similar", "some", "split_part",
    "sqrt", "statement_timestamp", "stddev", "string_agg", "string_to_array", "strpos",
    "substr", "substring", "sum", "table", "to_char", "to_date", "to_json", "to_jsonb",
    "to_number", "to_regclass", "to_timestamp", "to_tsquery", "to_tsvector",
    "transaction_timestamp", "translate", "trim", "trunc", "unnest", "upper", "using",
    "values", "varchar", "variance", "version", "where", "width_bucket",
];

/// Functions that make one row of many.
const AGGREGATES: &[&str] = &["avg", "count", "max", "min", "sum"];

/// Functions that make many rows of one.
const SPREADS: &[&str] =
    &["generate_series", "json_array_elements", "regexp_split_to_table", "unnest"];

/// Returns what a call does, if it does more than compute; without the schema, what it may do.
pub(super) fn deed(name: &str) -> Option<Deed> {
    let is_meant = |known: &str| known.rsplit('.').next() == Some(name);
    let listed = DEEDS.iter().find(|(known, _)| is_meant(known)).map(|(_, deed)| *deed);
    let named = removes_by_name(name);
    let guess = Does(Class::Change, Verb::Execute, "calls a function that removes, by its name");
    listed.or(named.then_some(guess))
}

/// Returns whether a bare word in text no parser understands is the name of such a function.
pub(super) fn is_dangerous(word: &str) -> bool {
    DEEDS.iter().any(|(known, deed)| {
        *known == word
            && match deed {
                Does(class, ..) => *class >= Class::Remove,
                Ends | Runs(_) => true,
                Sets => false,
            }
    })
}

/// Returns whether an expression holds a call whose result differs from row to row.
pub(super) fn is_volatile(expr: &SyntaxNode) -> bool {
    expr.descendants()
        .filter(|node| node.kind() == SyntaxKind::CALL_EXPR)
        .filter_map(|call| called(&call))
        .any(|name| named::is_volatile(&name))
}

/// Returns the name of the called function, folded and without schema.
pub(super) fn called(call: &SyntaxNode) -> Option<String> {
    const NAMES: &[SyntaxKind] = &[SyntaxKind::NAME_REF, SyntaxKind::FIELD_EXPR];
    let function = call.children().next().filter(|node| NAMES.contains(&node.kind()))?;
    function
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::NAME_REF)
        .last()
        .map(|node| ident(&node))
}

/// Returns the name of the called function, folded, with its schema if it has one.
pub(super) fn called_whole(call: &SyntaxNode) -> Option<String> {
    let function = call.children().next()?;
    let parts = function.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF);
    let parts: Vec<String> = parts.map(|node| ident(&node)).collect();
    (!parts.is_empty() && find(&function, &[SyntaxKind::CALL_EXPR]).is_none())
        .then(|| parts.join("."))
}

/// Returns whether a function is one of the server's own that everybody calls, so that nobody has
/// to ask what it does.
pub(super) fn is_common(name: &str) -> bool {
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    name.starts_with("pg_") || COMMON.binary_search(&name).is_ok()
}

/// Returns the name of a called function without schema, and what the call does, if more than
/// compute.
pub(super) fn acts(call: &SyntaxNode) -> Option<(String, Deed)> {
    let name = called(call)?;
    let deed = deed(&name)?;
    let has_schema = |(known, _): &&(&str, Deed)| known.ends_with(&format!(".{name}"));
    match DEEDS.iter().find(has_schema) {
        Some((known, _)) if called_whole(call).as_deref() != Some(*known) => None,
        Some(_) | None => Some((name, deed)),
    }
}

/// Returns how many times, as it were, a call in a query runs.
pub(super) fn scope(call: &SyntaxNode, deed: Deed) -> Scope {
    let Some(args) = child(call, &[SyntaxKind::ARG_LIST]) else {
        return Scope::Unknown;
    };
    if find(&args, &[SyntaxKind::NAME_REF, SyntaxKind::SELECT]).is_none() {
        return Scope::One;
    }
    let inner = find(&args, &[SyntaxKind::SELECT]);
    let is_spread = calls_one_of(&args, SPREADS);
    let query = match &inner {
        Some(_) if is_spread => inner.clone(),
        Some(_) | None => source(call),
    };
    let Some(query) = query else {
        return match () {
            () if is_spread => Scope::Unknown,
            () if inner.is_some() => Scope::Filtered,
            () => Scope::One,
        };
    };
    let is_summed = inner.is_none() && !is_spread && calls_one_of(&args, AGGREGATES);
    if is_summed && child(&query, &[SyntaxKind::GROUP_BY_CLAUSE]).is_none() {
        return Scope::One;
    }
    // What stands beside the call: it cannot choose the rows that it is called for.
    let chosen_by: Vec<SyntaxNode> = condition(&query)
        .map(|condition| chain(&condition, "and"))
        .unwrap_or_default()
        .into_iter()
        .filter(|part| !part.text_range().contains_range(call.text_range()))
        .collect();
    let nothing = Names::of_nothing();
    let is_all =
        |part: &SyntaxNode| Queries.read(part, &nothing).cover(Truth::Strict) == Cover::All;
    if chosen_by.iter().all(is_all) {
        return Scope::All;
    }
    match deed {
        Ends if !chosen_by.iter().any(is_pinned) => Scope::Unknown,
        Ends | Runs(_) | Sets | Does(..) => Scope::Filtered,
    }
}

/// Tells whether a call is made for every row of a table.
pub(super) fn is_for_every_row(call: &SyntaxNode) -> bool {
    scope(call, Sets) == Scope::All
}

/// Returns the query whose rows a call is made for: the nearest around it that reads any.
fn source(call: &SyntaxNode) -> Option<SyntaxNode> {
    const QUERIES: &[SyntaxKind] = &[SyntaxKind::SELECT, SyntaxKind::SELECT_INTO];
    call.ancestors()
        .take_while(|outer| outer.kind() != SyntaxKind::WITH_TABLE)
        .filter(|outer| QUERIES.contains(&outer.kind()))
        .find(|query| child(query, &[SyntaxKind::FROM_CLAUSE]).is_some())
}

fn calls_one_of(args: &SyntaxNode, names: &[&str]) -> bool {
    args.descendants()
        .filter(|node| node.kind() == SyntaxKind::CALL_EXPR)
        .filter(|call| child(call, &[SyntaxKind::OVER_CLAUSE]).is_none())
        .any(|call| called(&call).is_some_and(|name| names.contains(&name.as_str())))
}

/// `pid = 4242`: one session, named.
fn is_pinned(condition: &SyntaxNode) -> bool {
    let Some((left, op, right)) = parts(condition) else { return false };
    let is_pid = |side: &SyntaxNode| column(side).is_some_and(|(_, column)| column == "pid");
    let is_value = |side: &SyntaxNode| unwrapped(side).kind() == SyntaxKind::LITERAL;
    let is_one = op == "=" || op == "in" && right.children().count() == 1;
    let value = match op.as_str() {
        "in" => right.children().next(),
        _ if right.kind() == SyntaxKind::CALL_EXPR => one_of_array(&right),
        _ => Some(right.clone()),
    };
    is_one
        && (is_pid(&left) && value.is_some_and(|value| is_value(&value))
            || is_pid(&right) && is_value(&left))
}

/// `any('{4242}')`, `any(array[4242])`: the one element.
fn one_of_array(call: &SyntaxNode) -> Option<SyntaxNode> {
    let any = child(call, &[SyntaxKind::ANY_FN, SyntaxKind::SOME_FN])?;
    let array = any.children().next()?;
    match array.kind() {
        SyntaxKind::ARRAY_EXPR => array.children().next().filter(|_| array.children().count() == 1),
        _ => string(&array).is_some_and(|list| !list.contains(',')).then_some(array),
    }
}

/// Returns the arguments of a call, each with the name that it is given by, if it is.
pub(super) fn arguments(call: &SyntaxNode) -> Vec<(Option<String>, SyntaxNode)> {
    let args = child(call, &[SyntaxKind::ARG_LIST]);
    let args = args.iter().flat_map(SyntaxNode::children);
    let value = |arg: SyntaxNode| match child(&arg, &[SyntaxKind::NAMED_ARG]) {
        Some(named) => {
            let name = child(&named, &[SyntaxKind::PARAM_NAME_REF])?;
            Some((Some(ident(&name)), named.children().last()?))
        }
        None => Some((None, arg.children().last()?)),
    };
    args.filter(|arg| arg.kind() == SyntaxKind::ARG).filter_map(value).collect()
}

/// Returns the SQL that `dblink_exec` and the like run, if it stands in the text: the argument called
/// `command`, the one at a place, which is empty where it is left out, or the last one that is no flag.
pub(super) fn text_argument(call: &SyntaxNode, place: Option<usize>) -> Option<String> {
    let (named, placed): (Vec<_>, Vec<_>) =
        arguments(call).into_iter().partition(|(name, _)| name.is_some());
    let command = named.iter().find(|(name, _)| name.as_deref() == Some("command"));
    let values: Vec<SyntaxNode> = match command {
        Some((_, command)) => vec![command.clone()],
        None => placed.into_iter().map(|(_, value)| value).collect(),
    };
    let is_flag = |value: &&SyntaxNode| {
        let text = value.text().to_string();
        text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
    };
    let sql = match place.filter(|_| command.is_none()) {
        Some(place) if place >= values.len() => return Some(String::new()),
        Some(place) => values.get(place),
        None => values.iter().rev().find(|value| !is_flag(value)),
    };
    let sql = sql.filter(|sql| sql.kind() == SyntaxKind::LITERAL).and_then(string)?;
    // run_command_on_shards('families', 'VACUUM %s')
    let is_table = |name: &String| name.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
    let table = values.first().and_then(string).filter(is_table);
    Some(table.map_or_else(|| sql.clone(), |table| sql.replace("%s", &table)))
}
