//! A statement in the words the parser knows: without what says only how it is to be run.

use super::Flavour;
use crate::lang::token::Kind;
use crate::lang::words::Words;

/// What may stand behind the first word and changes nothing about what is done.
const MODIFIERS: &[&str] = &[
    "delayed",
    "high_priority",
    "ignore",
    "low_priority",
    "quick",
    "sql_big_result",
    "sql_buffer_result",
    "sql_cache",
    "sql_calc_found_rows",
    "sql_no_cache",
    "sql_small_result",
];

/// Where a SELECT of MySQL puts its result.
const INTO_FILE: &[&str] = &["dumpfile", "outfile"];

/// Writes a statement for the parser.
pub(super) fn plain(words: &Words<'_>, flavour: Flavour) -> String {
    let mut text = String::with_capacity(words.range().len());
    let is_mysql = flavour == Flavour::Mysql;
    let is_update = words.is(0, &["update"]);
    let set = words.find(&["set"]).filter(|_| is_update).unwrap_or(0);
    let mut depth = 0_usize;
    let mut end = None;
    let mut at = 0;
    while at < words.len() {
        let token = &words.tokens[at];
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if is_mysql && is_upsert(words, at) {
            break;
        }
        let skip = left_out(words, at, is_mysql);
        if skip > 0 {
            at += skip;
            end = None;
            text.push(' ');
            continue;
        }
        if end.is_some_and(|end| end < token.range.start) {
            text.push(' ');
        }
        end = Some(token.range.end);
        let piece = words.piece(at);
        if is_update && at < set && depth == 0 && token.kind == Kind::Comma {
            text.push_str(" CROSS JOIN ");
        } else if is_mysql && matches!(piece, "|" | "&") && words.piece(at + 1) == piece {
            text.push_str(if piece == "|" { " OR " } else { " AND " });
            at += 1;
        } else if is_mysql && at == 0 && words.is(0, &["insert"]) && upserts(words) {
            text.push_str("REPLACE");
        } else if let Some((written, length)) = known_as(words, at).filter(|_| is_mysql) {
            text.push_str(written);
            at += length - 1;
        } else if !is_mysql && words.is(at, &["is"]) && compares(words, at + 1) {
            let is_not = words.is(at + 1, &["not"]);
            text.push_str(if is_not { "<>" } else { "=" });
            at += usize::from(is_not);
        } else if !is_mysql && words.are(at, &["not", "null"]) && is_postfix(words, at) {
            text.push_str("IS NOT");
        } else if !is_mysql
            && at > 0
            && words.is(at, &["isnull", "notnull"])
            && !words.is_open(at + 1)
        {
            text.push_str(if words.is(at, &["isnull"]) { "IS NULL" } else { "IS NOT NULL" });
        } else {
            text.push_str(piece);
        }
        at += 1;
    }
    text
}

/// Where `ON DUPLICATE KEY UPDATE` begins: behind a query the parser takes it for a part of that. To
/// such an INSERT the same happens as to a REPLACE.
fn is_upsert(words: &Words<'_>, at: usize) -> bool {
    words.are(at, &["on", "duplicate", "key", "update"])
}

fn upserts(words: &Words<'_>) -> bool {
    (1..words.len()).any(|at| is_upsert(words, at))
}

/// Returns how the parser knows an operator of MySQL, and of how many tokens that is.
fn known_as(words: &Words<'_>, at: usize) -> Option<(&'static str, usize)> {
    let is_apart = |at: usize| {
        let end = |at: usize| words.tokens.get(at).map(|token| token.range.end);
        words.tokens.get(at + 1).map(|token| token.range.start) != end(at)
    };
    match words.piece(at) {
        "!" if words.piece(at + 1) != "=" || is_apart(at) => Some((" NOT ", 1)),
        _ if at == 0 => None,
        _ if words.is(at, &["mod"]) && !words.is_open(at + 1) => Some((" % ", 1)),
        // `INSERT INTO t TABLE u`
        _ if words.is(at, &["table"]) => Some((" SELECT * FROM ", 1)),
        _ if words.are(at, &["sounds", "like"]) => Some((" = ", 2)),
        // What it is counted in makes no difference.
        unit if unit.contains('_') && at > 1 && words.is(at - 2, &["interval"]) => {
            Some(("SECOND", 1))
        }
        _ => None,
    }
}

/// Returns how many tokens from here on the parser does not know, and need not.
fn left_out(words: &Words<'_>, at: usize, is_mysql: bool) -> usize {
    if words.are(at, &["lock", "in", "share", "mode"]) {
        return 4;
    }
    if !is_mysql {
        return match () {
            () if words.are(at, &["indexed", "by"]) => 3,
            () if words.are(at, &["not", "indexed"]) => 2,
            () => 0,
        };
    }
    const FIRST: &[&str] = &["delete", "insert", "replace", "select", "update"];
    let is_modifier = words.is(at, MODIFIERS)
        && at > 0
        && (words.is(at - 1, FIRST) || at < 5 && words.is(at - 1, MODIFIERS));
    match () {
        () if is_modifier => 1,
        () if words.is(at, &["partition"]) && words.is_open(at + 1) => {
            words.after_bracket(at + 1) - at
        }
        () if words.is(at, &["into"]) && into_result(words, at) => result_end(words, at) - at,
        () if words.are(at, &["for", "portion", "of"]) => words.len().min(at + 8) - at,
        // DELETE t.* FROM t
        () if words.piece(at) == "." && words.piece(at + 1) == "*" && words.is(0, &["delete"]) => 2,
        () => 0,
    }
}

/// `SELECT … INTO OUTFILE 'x'` and `INTO @a, @b`.
fn into_result(words: &Words<'_>, at: usize) -> bool {
    words.is(at + 1, INTO_FILE) || words.piece(at + 1).starts_with('@')
}

/// Returns where what INTO says ends.
fn result_end(words: &Words<'_>, at: usize) -> usize {
    let rest = words.from(at + 1);
    rest.find(&["from", "where", "limit", "order", "group", "having", "for", "union"])
        .map_or(words.len(), |found| at + 1 + found)
}

/// Returns whether a file of the server is written.
pub(super) fn writes_file(words: &Words<'_>) -> bool {
    (0..words.len()).any(|at| words.is(at, &["into"]) && words.is(at + 1, INTO_FILE))
}

/// SQLite's `a IS b`, which is no test for null.
fn compares(words: &Words<'_>, at: usize) -> bool {
    let at = if words.is(at, &["not"]) { at + 1 } else { at };
    !words.is(at, &["null", "true", "false", "distinct", "unknown"]) && at < words.len()
}

/// SQLite's `a NOT NULL` behind an operand.
fn is_postfix(words: &Words<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    !words.is(before, &["is", "and", "or", "where", "on", "when", "not"])
        && words.is(0, &["delete", "select", "update", "with"])
}
