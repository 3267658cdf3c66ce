//! The texts of the database's own functions, and what runs them without calling them, so that a
//! statement can be judged by what it causes.
#![forbid(unsafe_code)]

use serde::de::DeserializeOwned;

use super::impact::part;
use crate::clients::{ReadAnswer, ServerSaid};
use crate::lang::postgres::Told;

/// Most functions that are asked for, and the longest of them and all together in bytes.
const MOST: u32 = 3_000;
const LONGEST: u32 = 50_000;
const ALL: u32 = 2_000_000;

/// Most other names that are asked for.
const MOST_WAYS: u32 = 10_000;

/// The functions whose texts can be read.
const ROUTINES: &str = "pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
     JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
     WHERE l.lanname IN ('sql', 'plpgsql') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = p.oid \
     AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e')";

/// What a function is given, by name.
const PARAMETERS: &str = "coalesce((SELECT pg_catalog.json_agg(coalesce(pg_catalog.quote_ident(nullif(g.name, '')), '') \
     ORDER BY g.place) FROM ROWS FROM (pg_catalog.unnest(p.proargnames), pg_catalog.unnest(p.proargmodes)) \
     WITH ORDINALITY g (name, mode, place) WHERE coalesce(g.mode, 'i') IN ('i', 'b', 'v')), '[]')";

/// The rules of tables and views, but for those that views are made of.
const RULES: &str = "pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class c ON c.oid = w.ev_class \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE w.ev_type <> '1' AND w.ev_enabled IN ('O', 'A') \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema')";

/// What a rule is called here: no function has a name like this by chance.
const RULE: &str = "pg_catalog.format('%I', w.rulename || ' of ' || c.relname)";

/// What names one row of each table, where only one table has that name: columns that no two rows
/// have alike. An index with a condition or an expression says nothing of all rows, and one of a
/// table with heirs nothing of theirs.
const KEYS: &str = "SELECT pg_catalog.json_build_object('table', pg_catalog.format('%I', c.relname), 'columns', \
     (SELECT pg_catalog.json_agg(pg_catalog.format('%I', a.attname)) FROM pg_catalog.pg_attribute a \
     WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))) \
     FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indisunique AND i.indisvalid \
     AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND n.nspname !~ '^pg_' \
     AND n.nspname <> 'information_schema' AND (c.relkind = 'p' OR c.relkind = 'r' AND NOT c.relhassubclass) \
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.relname = c.relname AND o.oid <> c.oid) \
     LIMIT 10000";

/// What nothing is shown of.
#[derive(Debug)]
pub(super) struct Text;

impl ReadAnswer for Text {
    fn read(&self, _answer: &str) -> Vec<String> {
        Vec::new()
    }

    fn server(&self, _answer: &str) -> Option<ServerSaid> {
        None
    }
}

/// Makes the script; `token` must be random and of letters and digits only.
pub(super) fn script(token: &str) -> String {
    // From version 14 on a body can be kept as a tree.
    let (old, new) =
        (sources("p.prosrc"), sources("coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)"));
    format!(
        "SELECT current_setting('server_version_num')::int >= 140000 AS nl_is_new \\gset\n\
         \\echo {token} routines\n\\if :nl_is_new\n{new}\n;\n\\else\n{old}\n;\n\\endif\n\
         \\echo {token} keys\n{KEYS}\n;\n\\echo {token} rules\n{}\n;\n\\echo {token} ways\n{}\n;\n\\echo {token} end\n",
        rules(),
        ways()
    )
}

fn sources(text: &str) -> String {
    format!(
        "SELECT json_build_object('schema', schema, 'name', name, 'language', lanname, 'text', source, \
         'parameters', parameters) \
         FROM (SELECT pg_catalog.format('%I', n.nspname) AS schema, pg_catalog.format('%I', p.proname) AS name, \
         l.lanname, {text} AS source, {PARAMETERS} AS parameters, sum(pg_catalog.octet_length(p.prosrc)) OVER \
         (ORDER BY p.prosrc ~* '\\m(delete|drop|truncate|update)\\M' DESC, p.oid) AS bytes FROM {ROUTINES} \
         AND pg_catalog.octet_length(p.prosrc) <= {LONGEST}) texts \
         WHERE bytes <= {ALL} ORDER BY bytes LIMIT {MOST}"
    )
}

/// Asks for the actions of rules, as the texts of what writing to a table runs.
fn rules() -> String {
    format!(
        "SELECT json_build_object('schema', pg_catalog.format('%I', n.nspname), 'name', {RULE}, 'language', 'rule', \
         'text', pg_catalog.pg_get_ruledef(w.oid)) FROM {RULES} \
         AND pg_catalog.octet_length(pg_catalog.pg_get_ruledef(w.oid)) <= {LONGEST} LIMIT {MOST}"
    )
}

/// Asks what runs each function: the server notes down what depends on it. From a part of a table
/// (a default, a constraint, a trigger, a policy, a rule) it goes on to the table, and from a table
/// to the views of it.
fn ways() -> String {
    const EVENTS: &str = "pg_catalog.array_remove(ARRAY[CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END, \
         CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END, CASE WHEN t.tgtype & 16 <> 0 THEN 'update' END, \
         CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END], NULL)";
    format!(
        "SET search_path = pg_catalog;\n\
         WITH RECURSIVE reach (root, class, oid, uses, fires) AS (\
         SELECT p.oid, 'pg_proc'::regclass::oid, p.oid, '{{name}}'::text[], false FROM {ROUTINES} \
         UNION SELECT r.root, n.class, n.oid, coalesce(n.uses, r.uses), r.fires OR n.fires \
         FROM reach r CROSS JOIN LATERAL (\
         SELECT d.classid, d.objid, CASE WHEN d.classid = 'pg_class'::regclass THEN '{{insert,update}}'::text[] END, \
         false FROM pg_depend d WHERE d.refclassid = r.class AND d.refobjid = r.oid AND d.deptype = 'n' \
         AND (r.class <> 'pg_class'::regclass OR d.classid = 'pg_rewrite'::regclass) \
         UNION ALL SELECT 'pg_class'::regclass, i.indrelid, NULL, false FROM pg_index i \
         WHERE r.class = 'pg_class'::regclass AND i.indexrelid = r.oid \
         UNION ALL SELECT 'pg_class'::regclass, a.adrelid, '{{insert,update}}', false FROM pg_attrdef a \
         WHERE r.class = 'pg_attrdef'::regclass AND a.oid = r.oid \
         UNION ALL SELECT CASE c.conrelid WHEN 0 THEN 'pg_type'::regclass ELSE 'pg_class' END, \
         CASE c.conrelid WHEN 0 THEN c.contypid ELSE c.conrelid END, \
         CASE WHEN c.conrelid <> 0 THEN '{{insert,update}}'::text[] END, false FROM pg_constraint c \
         WHERE r.class = 'pg_constraint'::regclass AND c.oid = r.oid AND c.contype = 'c' \
         UNION ALL SELECT 'pg_class'::regclass, t.tgrelid, {EVENTS}, true FROM pg_trigger t \
         WHERE r.class = 'pg_trigger'::regclass AND t.oid = r.oid AND t.tgenabled <> 'D' \
         UNION ALL SELECT 'pg_class'::regclass, a.attrelid, CASE WHEN c.castcontext = 'a' OR a.atttypid = c.casttarget \
         THEN '{{insert,update}}'::text[] END, false FROM pg_cast c JOIN pg_attribute a ON a.atttypid IN (c.castsource, c.casttarget) \
         JOIN pg_type t ON t.oid = a.atttypid AND t.typnamespace <> 'pg_catalog'::regnamespace \
         WHERE r.class = 'pg_cast'::regclass AND c.oid = r.oid AND c.castcontext <> 'e' \
         UNION ALL SELECT 'pg_class'::regclass, p.polrelid, NULL, false FROM pg_policy p \
         WHERE r.class = 'pg_policy'::regclass AND p.oid = r.oid \
         UNION ALL SELECT 'pg_class'::regclass, w.ev_class, CASE WHEN c.relkind = 'm' THEN '{{refresh}}'::text[] \
         WHEN w.ev_type = '1' THEN NULL ELSE ARRAY[CASE w.ev_type WHEN '2' THEN 'update' WHEN '3' THEN 'insert' ELSE 'delete' END] END, \
         w.ev_type <> '1' FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class \
         WHERE r.class = 'pg_rewrite'::regclass AND w.oid = r.oid AND w.ev_class <> r.oid\
         ) n (class, oid, uses, fires)) \
         SELECT jsonb_build_object('name', format('%I', c.relname), 'uses', ARRAY[CASE w.ev_type WHEN '2' THEN 'update' \
         WHEN '3' THEN 'insert' ELSE 'delete' END], 'fires', true, 'is_rule', true, 'routine', format('%I.', n.nspname) || {RULE}) \
         FROM {RULES} UNION ALL (SELECT DISTINCT jsonb_build_object('name', n.name, 'uses', to_json(coalesce(n.uses, r.uses)), 'fires', r.fires, \
         'routine', format('%I.%I', s.nspname, p.proname)) FROM reach r JOIN pg_proc p ON p.oid = r.root \
         JOIN pg_namespace s ON s.oid = p.pronamespace CROSS JOIN LATERAL (\
         SELECT format('%I', c.relname), NULL::text[] FROM pg_class c WHERE r.class = 'pg_class'::regclass AND c.oid = r.oid \
         UNION ALL SELECT o.oprname, NULL FROM pg_operator o WHERE r.class = 'pg_operator'::regclass AND o.oid = r.oid \
         UNION ALL SELECT format('%I', t.typname), NULL FROM pg_type t WHERE r.class = 'pg_type'::regclass AND t.oid = r.oid \
         UNION ALL SELECT format('%I', t.typname), NULL FROM pg_cast c JOIN pg_type t ON t.oid IN (c.castsource, c.casttarget) \
         AND t.typnamespace <> 'pg_catalog'::regnamespace WHERE r.class = 'pg_cast'::regclass AND c.oid = r.oid \
         UNION ALL SELECT format('%I', f.proname), NULL FROM pg_proc f WHERE r.class = 'pg_proc'::regclass AND f.oid = r.oid \
         AND f.oid <> r.root \
         UNION ALL SELECT format('%I', f.proname), '{{part}}' FROM pg_proc f JOIN pg_type t ON t.oid = f.proargtypes[0] \
         WHERE r.class = 'pg_proc'::regclass AND f.oid = r.oid AND f.pronargs = 1 AND t.typtype = 'c'\
         ) n (name, uses) LIMIT {MOST_WAYS})"
    )
}

/// Reads the answer; what is not whole is left out.
pub(super) fn read(answer: &str, token: &str) -> Told {
    let mut sources = rows(answer, token, "routines");
    sources.extend(rows(answer, token, "rules"));
    Told { sources, keys: rows(answer, token, "keys"), ways: rows(answer, token, "ways") }
}

fn rows<T: DeserializeOwned>(answer: &str, token: &str, heading: &str) -> Vec<T> {
    let lines = part(answer, token, heading).unwrap_or_default().lines();
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_framed_counts() {
        let row = r#"{"schema": "public", "name": "f", "language": "sql", "text": "delete from t;\nselect 1"}"#;
        let way = r#"{"name": "v", "uses": ["name"], "fires": false, "routine": "public.f"}"#;
        let answer =
            format!("x\nabcdefgh routines\n{row}\n{{\"torn\nabcdefgh ways\n{way}\nabcdefgh end\n");
        let told = read(&answer, "abcdefgh");
        assert_eq!((told.sources.len(), told.ways.len()), (1, 1));
        assert_eq!(told.sources[0].text, "delete from t;\nselect 1");
        let broken = read(&answer.replace("abcdefgh end", ""), "abcdefgh");
        assert!(broken.ways.is_empty(), "it broke off");
        assert_eq!(read("", "abcdefgh"), Told::default());
    }
}
