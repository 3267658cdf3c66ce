//! How much a held statement would touch: the side connection's script, and what its output says.
//!
//! Absent rather than wrong: only one plain DELETE, UPDATE, TRUNCATE or DROP TABLE of one table is
//! asked about, and only where a new connection surely resolves the name as this session does.
//! Each answer is framed by a random token, so that no data can pass for one.
#![forbid(unsafe_code)]

mod figure;
mod query;
mod tell;

use serde::Deserialize;
use serde_json::Value;

use crate::lang::{Effect, Scope, Verb, postgres};

use super::meta;
use figure::{grouped, percent, size};
use tell::Fires;

/// How long the exact count may take; what takes longer is not worth the server's while.
const COUNT_TIMEOUT_MS: u32 = 300;

/// How long counting what goes along may take for each table.
const CHILD_TIMEOUT_MS: u32 = 200;

/// The bits of a trigger's events in the server's catalog.
const ON_DELETE: u8 = 8;
const ON_UPDATE: u8 = 16;
const ON_TRUNCATE: u8 = 32;

/// Longest statement asked about, in bytes.
const MAX_STATEMENT_BYTES: usize = 100_000;

/// What in this session could make a new connection read a name otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// SET search_path, SET ROLE, SET SESSION AUTHORIZATION or `set_config` has run.
    pub has_changed_settings: bool,
    /// A temporary object has been made.
    pub has_temporary: bool,
    /// CREATE, ALTER or DROP has run in the open transaction.
    pub has_open_ddl: bool,
}

/// What to ask the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Standard input for `psql -w -X -qAt`, in a read-only session.
    pub script: String,
    token: String,
    does: Does,
}

/// What the statement does to its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// DELETE or UPDATE; `condition` tells whether it has one.
    Rows { verb: Verb, condition: Condition },
    /// TRUNCATE.
    Truncate,
    /// DROP TABLE.
    Drop,
}

/// What selects the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// Nothing, or something that leaves none out.
    None,
    /// A WHERE, or something the count cannot follow.
    Some,
}

/// What is known of the impact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// One phrase for each line of the dialogue.
    pub lines: Vec<String>,
}

/// The table as the server told it.
#[derive(Debug, Deserialize)]
struct Table {
    schema: String,
    name: String,
    kind: String,
    /// Estimate for the whole table; below 0 where nobody has counted.
    rows: f64,
    bytes: Option<i64>,
    has_children: bool,
    /// Leaves of a partitioned table.
    #[serde(default)]
    partitions: u64,
}

/// Makes the script for a statement; `effects` are all that were read in `text`.
///
/// `token` must be random and of letters and digits only.
#[must_use]
pub fn probe(text: &str, effects: &[Effect], known: Known, token: &str) -> Option<Probe> {
    let [effect] = effects else { return None };
    let is_known = known == Known::default();
    let is_token = token.len() >= 8 && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_known || !is_token || text.len() > MAX_STATEMENT_BYTES || !is_single(text) {
        return None;
    }
    let object = effect.object.as_deref().filter(|object| is_safe_name(object))?;
    let ranges = postgres::split(text);
    let [range] = ranges.as_slice() else { return None };
    let statement = &text[range.clone()];
    let statement = statement.trim().trim_end_matches(';');
    let mut words = statement.split_ascii_whitespace().map(str::to_ascii_lowercase);
    let (first, second) = (words.next()?, words.next()?);
    let is_only = second == "only" || second == "table" && words.next().as_deref() == Some("only");

    let mut count = None;
    let mut rows_of = None;
    let does = match (effect.verb, &*first, &*second) {
        (verb @ Verb::Delete, "delete", "from") | (verb @ Verb::Update, "update", _) => {
            if let Some(rows) = &effect.rows {
                let source = text.get(rows.source.clone())?;
                match &rows.condition {
                    None => {
                        count = Some(format!("SELECT count(*) FROM {source}"));
                        rows_of = Some((source, None));
                    }
                    Some(range) => {
                        let clause = text.get(range.clone())?;
                        if is_harmless(clause) {
                            count = Some(format!("SELECT count(*) FROM {source} WHERE {clause}"));
                            rows_of = Some((source, Some(clause)));
                        }
                    }
                }
            }
            let has_clause = effect.rows.as_ref().is_none_or(|rows| rows.condition.is_some());
            let condition = match effect.scope {
                Scope::All if !has_clause => Condition::None,
                Scope::All | Scope::One | Scope::Filtered | Scope::Unknown => Condition::Some,
            };
            Does::Rows { verb, condition }
        }
        (Verb::Truncate, "truncate", _) => Does::Truncate,
        (Verb::Drop, "drop", "table") => Does::Drop,
        _ => return None,
    };

    let mut script = format!(
        "\\set ON_ERROR_STOP off\nSET max_parallel_workers_per_gather = 0;\n\
         \\echo {token} table\n{}\n;\n",
        query::table(object)
    );
    let last = statement.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let cascades = last.eq_ignore_ascii_case("cascade");
    let keys = match does {
        Does::Rows { verb: Verb::Delete, .. } => Some("AND con.confdeltype = 'c'"),
        Does::Truncate if cascades => Some(""),
        Does::Rows { .. } | Does::Truncate | Does::Drop => None,
    };
    let (trigger, rule) = match does {
        Does::Rows { verb: Verb::Update, .. } => (ON_UPDATE, Some('2')),
        Does::Rows { .. } => (ON_DELETE, Some('4')),
        Does::Truncate => (ON_TRUNCATE, None),
        Does::Drop => (0, None),
    };
    let columns = match does {
        Does::Rows { verb: Verb::Update, .. } => postgres::assigned(statement),
        Does::Rows { .. } | Does::Truncate | Does::Drop => None,
    };
    let columns = columns.filter(|columns| columns.iter().all(|column| is_safe_name(column)));
    let fires = query::fires(object, trigger, rule, columns.as_deref());
    script += &format!("\\echo {token} fires\n{fires}\n;\n");
    if matches!(does, Does::Drop) && cascades {
        script += &format!("\\echo {token} views\n{}\n;\n", query::views(object));
    }
    if effect.scope == Scope::All {
        script += &format!("\\echo {token} archive\n{}\n;\n", query::archive());
    }
    if let Some(keys) = keys {
        script += &format!("\\echo {token} cascade\n{}\n;\n", query::cascade(object, keys));
    }
    if matches!(does, Does::Rows { .. }) {
        script += &format!("\\echo {token} plan\nEXPLAIN (VERBOSE, FORMAT JSON) {statement}\n;\n");
    } else {
        let only = if is_only { "ONLY " } else { "" };
        count = Some(format!("SELECT count(*) FROM {only}{object}"));
    }
    if let Some(count) = count {
        script += &format!(
            "SET statement_timeout = {COUNT_TIMEOUT_MS};\n\\echo {token} count\n{count}\n;\n"
        );
    }
    if let (Does::Rows { verb: Verb::Delete, .. }, Some((source, condition))) = (does, rows_of) {
        // Last: it is what may be cut off.
        let counts = query::children(object, source, condition, token);
        script += &format!(
            "SET statement_timeout = {CHILD_TIMEOUT_MS};\n\\echo {token} counts\n{counts}\n"
        );
    }
    script += &format!("\\echo {token} end\n");
    Some(Probe { script, token: token.to_owned(), does })
}

impl Probe {
    /// Reads what psql printed on its standard output; none where it tells nothing certain.
    #[must_use]
    pub fn read(&self, stdout: &str) -> Option<Impact> {
        let table: Table = serde_json::from_str(self.part(stdout, "table")?).ok()?;
        // Views, foreign tables and the like have their own ways.
        if !matches!(&*table.kind, "r" | "p") {
            return None;
        }
        let counted: Option<f64> =
            self.part(stdout, "count").and_then(|count| count.trim().parse().ok());
        // A table that only looks empty, because nobody has analysed it, has no estimate.
        let known_total = (table.rows >= 0.0).then_some(table.rows);
        let (rows, is_exact) = match (counted, self.does) {
            (Some(counted), _) => (Some(counted), true),
            (None, Does::Rows { .. }) => {
                let planned = planned_rows(self.part(stdout, "plan")?, &table)?;
                (known_total.map(|_| planned), false)
            }
            (None, Does::Truncate | Does::Drop) => (known_total, false),
        };
        let fires: Fires = self
            .part(stdout, "fires")
            .and_then(|fires| serde_json::from_str(fires).ok())
            .unwrap_or_default();
        // A rule may make something else of the statement.
        let rows = rows.filter(|_| fires.rules.is_none());
        let mut lines: Vec<String> =
            rows.map(|rows| self.phrase(rows, is_exact, &table)).into_iter().collect();
        lines.extend(tell::cascade(self.part(stdout, "cascade"), self.part(stdout, "counts")));
        lines.extend(tell::fires(&fires));
        lines.extend(self.part(stdout, "views").and_then(tell::views));
        if !lines.is_empty() {
            lines.extend(self.part(stdout, "archive").and_then(tell::archive));
        }
        (!lines.is_empty()).then_some(Impact { lines })
    }

    fn part<'a>(&self, stdout: &'a str, heading: &str) -> Option<&'a str> {
        part(stdout, &self.token, heading)
    }

    /// Says how many rows of what.
    fn phrase(&self, rows: f64, is_exact: bool, table: &Table) -> String {
        let about = if is_exact { "" } else { "≈ " };
        let plural = if rows.round() == 1.0 { "row" } else { "rows" };
        let name = format!("{}.{}", table.schema, table.name);
        let share = match self.does {
            Does::Rows { .. } if rows == 0.0 => None,
            Does::Rows { condition: Condition::None, .. } => Some("100 %".to_owned()),
            // Rows of inheriting tables count among the rows and not in the total; and a total that
            // is less than its part is out of date.
            Does::Rows { .. } if table.rows > 0.0 && rows <= table.rows && !table.has_children => {
                Some(percent(rows, table.rows))
            }
            Does::Rows { .. } => None,
            Does::Truncate | Does::Drop => table.bytes.map(size),
        };
        let rows = grouped(rows);
        let share = share.map(|share| format!(", {share}")).unwrap_or_default();
        let name = match table.partitions {
            0 | 1 => name,
            partitions => format!("{name} in {partitions} partitions"),
        };
        format!("{about}{rows} {plural}{share} of {name}, as a new connection sees it")
    }
}

/// Returns what stands under a heading, if it and the next heading are there.
pub(super) fn part<'a>(stdout: &'a str, token: &str, heading: &str) -> Option<&'a str> {
    let marker = format!("{token} ");
    let start = stdout.find(&format!("{marker}{heading}\n"))? + marker.len() + heading.len() + 1;
    let rest = &stdout[start..];
    let part = rest[..rest.find(&marker)?].trim();
    (!part.is_empty()).then_some(part)
}

/// Tells whether a text is one statement that psql sends as it is.
fn is_single(text: &str) -> bool {
    let items = meta::scan(text);
    let is_one =
        matches!(items.as_slice(), [meta::Item::Statement { .. } | meta::Item::Incomplete(_)]);
    is_one && meta::is_plain_sql(text)
}

/// Tells whether a name, with a schema or without, can stand in a string and in a query as it is.
fn is_safe_name(name: &str) -> bool {
    let mut rest = name;
    for part in 0..2 {
        let length = match rest.strip_prefix('"') {
            Some(quoted) => {
                let Some(end) = quoted.find('"') else { return false };
                let is_plain = !quoted[..end].contains(['\'', '\\', ':', '$']);
                if end == 0 || !is_plain || quoted[..end].contains(char::is_control) {
                    return false;
                }
                end + 2
            }
            None => {
                let is_start = |c: char| c.is_ascii_lowercase() || c == '_';
                let is_inner = |c: char| is_start(c) || c.is_ascii_digit();
                if !rest.starts_with(is_start) {
                    return false;
                }
                rest.find(|c| !is_inner(c)).unwrap_or(rest.len())
            }
        };
        rest = &rest[length..];
        match rest.strip_prefix('.') {
            Some(more) if part == 0 => rest = more,
            _ => break,
        }
    }
    rest.is_empty()
}

/// Tells whether a condition may be evaluated beforehand: it calls no function but the server's own
/// that only compute (any other could do anything, even in a read-only session), and reads no
/// other table.
fn is_harmless(condition: &str) -> bool {
    #[rustfmt::skip]
    const BEFORE_PARENTHESIS: &[&str] = &[
        "in", "and", "or", "not", "any", "all", "some", "between", "like", "abs", "age", "btrim",
        "ceil", "char_length", "coalesce", "concat", "date", "date_part", "date_trunc", "extract",
        "floor", "greatest", "least", "left", "length", "lower", "ltrim", "make_date", "md5", "now",
        "nullif", "position", "right", "round", "rtrim", "split_part", "starts_with", "strpos",
        "substr", "substring", "to_date", "to_timestamp", "trim", "trunc", "upper",
    ];
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '"');
    let lower = condition.to_ascii_lowercase();
    let calls = lower.match_indices('(').any(|(at, _)| {
        let before = lower[..at].trim_end();
        let word = before.rsplit(|c: char| !is_word(c)).next().unwrap_or_default();
        // With a schema it is somebody's own.
        let is_own = before[..before.len() - word.len()].trim_end().ends_with('.');
        !word.is_empty() && (is_own || !BEFORE_PARENTHESIS.contains(&word))
    });
    let mut words = lower.split(|c: char| !is_word(c));
    !calls && !lower.contains("--") && !lower.contains("/*") && !words.any(|word| word == "select")
}

/// Reads the rows a plan expects to change, if it changes this very table.
fn planned_rows(plan: &str, table: &Table) -> Option<f64> {
    let plan: Value = serde_json::from_str(plan).ok()?;
    let top = plan.get(0)?.get("Plan")?;
    let is_same = top.get("Node Type")? == "ModifyTable"
        && top.get("Schema")? == table.schema.as_str()
        && top.get("Relation Name")? == table.name.as_str();
    let below = top.get("Plans")?.as_array().filter(|_| is_same)?;
    let feeds = |child: &&Value| {
        matches!(child.get("Parent Relationship").and_then(Value::as_str), Some("Outer" | "Member"))
    };
    Some(below.iter().filter(feeds).filter_map(|child| child.get("Plan Rows")?.as_f64()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Class, Rows, Scope};

    const TOKEN: &str = "k3v9x2m7";

    /// A reading with the one effect that `text` has.
    fn effect(text: &str, verb: Verb, object: &str) -> Effect {
        let source = text.find(object).map(|at| at..at + object.len());
        let condition = text
            .to_ascii_lowercase()
            .find("where ")
            .map(|at| at + 6..text.trim_end_matches(';').len());
        let has_rows = matches!(verb, Verb::Delete | Verb::Update);
        Effect {
            class: Class::Destroy,
            verb,
            object: Some(object.to_owned()),
            scope: if condition.is_some() { Scope::Filtered } else { Scope::All },
            reversible: false,
            span: 0..text.len(),
            phrase: String::new(),
            rows: source.filter(|_| has_rows).map(|source| Rows { source, condition }),
            looped: false,
            outlasts: false,
        }
    }

    fn probe_of(text: &str, verb: Verb, object: &str) -> Option<Probe> {
        probe(text, &[effect(text, verb, object)], Known::default(), TOKEN)
    }

    fn lines(text: &str, verb: Verb, object: &str, stdout: &str) -> Vec<String> {
        let probe = probe_of(text, verb, object).expect("a probe");
        probe.read(stdout).map(|impact| impact.lines).unwrap_or_default()
    }

    /// In the form psql 15 prints it, shortened, with an InitPlan put in; then the count, if any.
    fn printed(table: &str, count: &str) -> String {
        format!(
            "{TOKEN} table\n{table}\n{TOKEN} cascade\n[\"public.members\", \"public.pets\"]\n\
             {TOKEN} plan\n[\n  {{\n    \"Plan\": {{\n      \"Node Type\": \"ModifyTable\",\n      \
             \"Operation\": \"Delete\",\n      \"Relation Name\": \"families\",\n      \
             \"Schema\": \"public\",\n      \"Plan Rows\": 0,\n      \"Plans\": [\n        {{\n          \
             \"Node Type\": \"Result\",\n          \"Parent Relationship\": \"InitPlan\",\n          \
             \"Plan Rows\": 1\n        }},\n        {{\n          \"Node Type\": \"Seq Scan\",\n          \
             \"Parent Relationship\": \"Outer\",\n          \"Plan Rows\": 1271\n        }}\n      ]\n    \
             }}\n  }}\n]\n{count}{TOKEN} end\n"
        )
    }

    const TABLE: &str = r#"{"schema" : "public", "name" : "families", "kind" : "r", "rows" : 3812, "bytes" : 319488, "has_children" : false}"#;

    #[test]
    fn a_delete_tells_rows_share_and_cascade() {
        let text = "delete from families where id < 9";
        let counted = printed(TABLE, &format!("{TOKEN} count\n99\n"));
        insta::assert_snapshot!(lines(text, Verb::Delete, "families", &counted).join("\n"), @r#"
        99 rows, ≈ 3 % of public.families, as a new connection sees it
        cascades to public.members, public.pets
        "#);
        insta::assert_snapshot!(lines(text, Verb::Delete, "families", &printed(TABLE, "")).join("\n"), @r#"
        ≈ 1,271 rows, ≈ 33 % of public.families, as a new connection sees it
        cascades to public.members, public.pets
        "#);
    }

    #[test]
    fn a_count_that_failed_leaves_the_estimate() {
        let text = "delete from families where id < 9";
        let failed = printed(TABLE, &format!("{TOKEN} count\n"));
        assert!(
            lines(text, Verb::Delete, "families", &failed)[0].starts_with("≈ 1,271 rows, ≈ 33 %")
        );
    }

    #[test]
    fn what_nobody_has_analysed_has_no_estimate() {
        let table = TABLE.replace("3812", "-1");
        let found = lines(
            "delete from families where f(id)",
            Verb::Delete,
            "families",
            &printed(&table, ""),
        );
        assert_eq!(found, ["cascades to public.members, public.pets"]);
    }

    #[test]
    fn another_table_than_the_plan_changes_is_not_told() {
        for (from, to) in [("public", "other"), ("families", "v"), ("\"r\"", "\"v\"")] {
            let table = TABLE.replace(from, to);
            let found = lines(
                "delete from families where f(id)",
                Verb::Delete,
                "families",
                &printed(&table, ""),
            );
            assert!(found.is_empty(), "{to}: {found:?}");
        }
        let forged = printed(TABLE, "").replace(TOKEN, "k3v9x2m8");
        assert!(lines("delete from families", Verb::Delete, "families", &forged).is_empty());
        assert!(lines("delete from families", Verb::Delete, "families", "").is_empty());
    }

    #[test]
    fn truncate_and_drop_tell_rows_and_size() {
        let stdout = format!("{TOKEN} table\n{TABLE}\n{TOKEN} count\n{TOKEN} end\n");
        let expected = ["≈ 3,812 rows, 312 kB of public.families, as a new connection sees it"];
        assert_eq!(lines("truncate families", Verb::Truncate, "families", &stdout), expected);
        assert_eq!(lines("DROP TABLE families;", Verb::Drop, "families", &stdout), expected);
    }

    #[test]
    fn only_conditions_without_calls_are_counted() {
        for (condition, is_counted) in [
            ("id = 4 and (name = 'x' or id in (1, 2))", true),
            ("id = any (array[1])", true),
            ("abs(id) < 4 and lower(name) = 'x' and made > now()", true),
            ("my.abs(id) < 4", false),
            ("my . abs(id) < 4", false),
            ("my_abs(id) < 4", false),
            ("pg_terminate_backend (pid)", false),
            ("\"f\"(id)", false),
            ("f/**/(id)", false),
            ("id in (select 1)", false),
        ] {
            let text = format!("delete from families where {condition};");
            let probe = probe_of(&text, Verb::Delete, "families").expect("a probe");
            let is_asked = probe.script.contains("SELECT count(*) FROM families WHERE ");
            assert_eq!(is_asked, is_counted, "{condition}");
        }
    }

    #[test]
    fn the_script_runs_nothing_that_changes() {
        let text = "-- ours\ndelete from families where id = 4; ";
        let mut effect = effect(text, Verb::Delete, "families");
        effect.span = 8..text.len();
        effect.rows = effect.rows.map(|rows| Rows { condition: Some(35..41), ..rows });
        let probe = probe(text, &[effect], Known::default(), TOKEN).expect("a probe");
        let asked: Vec<&str> =
            probe.script.lines().filter(|line| !line.contains("pg_catalog")).collect();
        insta::assert_snapshot!(asked.join("\n"), @r#"
        \set ON_ERROR_STOP off
        SET max_parallel_workers_per_gather = 0;
        \echo k3v9x2m7 table
        ;
        \echo k3v9x2m7 fires
        ;
        \echo k3v9x2m7 cascade
        ;
        \echo k3v9x2m7 plan
        EXPLAIN (VERBOSE, FORMAT JSON) delete from families where id = 4
        ;
        SET statement_timeout = 300;
        \echo k3v9x2m7 count
        SELECT count(*) FROM families WHERE id = 4
        ;
        SET statement_timeout = 200;
        \echo k3v9x2m7 counts
        \echo k3v9x2m7 end
        "#);
    }

    #[test]
    fn what_may_mean_something_else_is_not_asked() {
        let delete = |text: &str| probe_of(text, Verb::Delete, "families").is_some();
        assert!(delete("delete from families;"));
        assert!(delete("/* x */ delete from families"));
        for text in [
            "with x as (select 1) delete from families",
            "explain delete from families",
            "delete from families; delete from families",
            "delete from families where id = :id",
            "delete from families \\g",
            "delete from families where name = 'x",
        ] {
            assert!(!delete(text), "{text}");
        }
        assert_eq!(probe_of("drop view v", Verb::Drop, "v"), None);
        assert_eq!(probe_of("delete from A", Verb::Delete, "A"), None, "needs quotes");
        for name in ["\"a'b\"", "\"a\\b\"", "\"\"", "\"a", "a.b.c", "\"a\"b", "a.", "\"$nl\""] {
            assert!(!is_safe_name(name), "{name}");
        }
        for name in ["a", "s.a1", "\"A b\"", "\"S.x\".\"t\"", "s.\"order\""] {
            assert!(is_safe_name(name), "{name}");
        }
        assert_eq!(probe_of("delete from a'b", Verb::Delete, "a'b"), None);
        let text = "delete from families";
        let one = effect(text, Verb::Delete, "families");
        assert_eq!(probe(text, &[one.clone(), one.clone()], Known::default(), TOKEN), None);
        assert_eq!(probe(text, &[], Known::default(), TOKEN), None);
        assert_eq!(probe(text, std::slice::from_ref(&one), Known::default(), "a b c d e"), None);
        for known in [
            Known { has_changed_settings: true, ..Known::default() },
            Known { has_temporary: true, ..Known::default() },
            Known { has_open_ddl: true, ..Known::default() },
        ] {
            assert_eq!(probe(text, std::slice::from_ref(&one), known, TOKEN), None);
        }
    }
}
