//! Functions of the server and of well-known extensions that do more than compute.
//!
//! A call of an unknown function is a read: nobody would accept a hold for `SELECT my_report()`.
//! Left out on purpose because they run their text read-only: `query_to_xml`, `cursor_to_xml`,
//! `ts_stat`, `ts_rewrite`, `crosstab`.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::expression::{chain, column, condition, parts};
use super::predicate::Subject;
use super::tree::{above, child, find, ident, string};
use crate::lang::condition::Cover;
use crate::lang::function::{self as named, removes_by_name};
use crate::lang::{Class, Scope, Verb};

/// What a call does, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Something in a row of the table.
    Does(Class, Verb, &'static str),
    /// Ends sessions: a set of them is held unless the condition names one.
    Ends,
    /// Runs SQL given as its last text argument.
    Runs,
}

use Deed::{Does, Ends, Runs};

/// Name, deed. Names of the server's own functions first, then of extensions.
const DEEDS: &[(&str, Deed)] = &[
    ("pg_terminate_backend", Ends),
    ("pg_cancel_backend", Does(Class::Change, Verb::Admin, "cancels what other sessions run")),
    ("pg_drop_replication_slot", Does(Class::Destroy, Verb::Admin, "drops a replication slot")),
    ("pg_replication_origin_drop", Does(Class::Destroy, Verb::Admin, "drops a replication origin")),
    (
        "pg_replication_slot_advance",
        Does(Class::Change, Verb::Admin, "moves a replication slot forward"),
    ),
    (
        "pg_logical_slot_get_changes",
        Does(Class::Change, Verb::Admin, "consumes changes of a replication slot"),
    ),
    (
        "pg_logical_slot_get_binary_changes",
        Does(Class::Change, Verb::Admin, "consumes changes of a replication slot"),
    ),
    ("pg_promote", Does(Class::Change, Verb::Admin, "promotes the standby")),
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
    ("setval", Does(Class::Change, Verb::Update, "sets a sequence")),
    ("pg_file_unlink", Does(Class::Destroy, Verb::Delete, "deletes a file on the server")),
    ("pg_file_rename", Does(Class::Change, Verb::Rename, "renames a file on the server")),
    ("pg_file_write", Does(Class::Change, Verb::Update, "writes a file on the server")),
    ("dblink", Runs),
    ("dblink_exec", Runs),
    ("dblink_open", Runs),
    ("dblink_send_query", Runs),
    ("run_command_on_all_nodes", Runs),
    ("run_command_on_workers", Runs),
    ("drop_chunks", Does(Class::Destroy, Verb::Drop, "drops chunks of a hypertable")),
    ("dropgeometrycolumn", Does(Class::Destroy, Verb::DropColumn, "drops a geometry column")),
    ("dropgeometrytable", Does(Class::Destroy, Verb::Drop, "drops a table")),
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

/// Returns what a call does, if it does more than compute.
pub(super) fn deed(name: &str) -> Option<Deed> {
    let listed = DEEDS.iter().find(|(known, _)| *known == name).map(|(_, deed)| *deed);
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
                Ends | Runs => true,
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

/// Returns how many times, as it were, a call in a query runs.
pub(super) fn scope(call: &SyntaxNode, deed: Deed) -> Scope {
    let Some(args) = child(call, &[SyntaxKind::ARG_LIST]) else {
        return Scope::Unknown;
    };
    if find(&args, &[SyntaxKind::NAME_REF, SyntaxKind::SELECT]).is_none() {
        return Scope::One;
    }
    let query = above(call, &[SyntaxKind::SELECT, SyntaxKind::SELECT_INTO]);
    let Some(query) = query.filter(|query| child(query, &[SyntaxKind::FROM_CLAUSE]).is_some())
    else {
        return if find(&args, &[SyntaxKind::SELECT]).is_some() {
            Scope::Filtered
        } else {
            Scope::One
        };
    };
    let Some(condition) = condition(&query) else {
        return Scope::All;
    };
    if Subject::of_nothing().cover(&condition) == Cover::All {
        return Scope::All;
    }
    match deed {
        Ends if !chain(&condition, "and").iter().any(is_pinned) => Scope::Unknown,
        Ends | Runs | Does(..) => Scope::Filtered,
    }
}

/// `pid = 4242`: one session, named.
fn is_pinned(condition: &SyntaxNode) -> bool {
    parts(condition).is_some_and(|(left, op, right)| {
        op == "="
            && right.kind() == SyntaxKind::LITERAL
            && column(&left).is_some_and(|(_, column)| column == "pid")
    })
}

/// Returns the SQL that `dblink_exec` and the like run: the last argument that is no flag, if it
/// stands in the text.
pub(super) fn text_argument(call: &SyntaxNode) -> Option<String> {
    let args = child(call, &[SyntaxKind::ARG_LIST])?;
    let values = args.children().filter(|arg| arg.kind() == SyntaxKind::ARG);
    let values: Vec<SyntaxNode> = values.filter_map(|arg| arg.children().last()).collect();
    let is_flag = |value: &&SyntaxNode| {
        let text = value.text().to_string();
        text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
    };
    let sql = values.iter().rev().find(|value| !is_flag(value))?;
    (sql.kind() == SyntaxKind::LITERAL).then(|| string(sql)).flatten()
}
