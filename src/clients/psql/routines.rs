//! The texts of the database's own functions, so that a call of one can be judged by what it does.
#![forbid(unsafe_code)]

use super::impact::part;
use crate::clients::{ReadAnswer, RoutineText, ServerSaid};
use crate::lang::postgres;

/// Most functions that are asked for, and the longest of them in bytes.
const MOST: u32 = 3_000;
const LONGEST: u32 = 50_000;

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
        (query("p.prosrc"), query("coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)"));
    format!(
        "SELECT current_setting('server_version_num')::int >= 140000 AS nl_is_new \\gset\n\
         \\echo {token} routines\n\\if :nl_is_new\n{new}\n;\n\\else\n{old}\n;\n\\endif\n\
         \\echo {token} end\n"
    )
}

fn query(source: &str) -> String {
    format!(
        "SELECT json_build_array(pg_catalog.format('%I', n.nspname), pg_catalog.format('%I', p.proname), \
         l.lanname, {source}) FROM pg_catalog.pg_proc p \
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
         WHERE l.lanname IN ('sql', 'plpgsql') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
         AND pg_catalog.octet_length(p.prosrc) <= {LONGEST} \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = p.oid \
         AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e') \
         ORDER BY p.prosrc ~* '\\m(delete|drop|truncate|update)\\M' DESC LIMIT {MOST}"
    )
}

/// Reads the answer; what is not whole is left out.
pub(super) fn read(answer: &str, token: &str) -> Vec<RoutineText> {
    let lines = part(answer, token, "routines").unwrap_or_default().lines();
    let rows = lines.filter_map(|line| serde_json::from_str::<[String; 4]>(line).ok());
    rows.map(|[schema, name, language, source]| RoutineText { schema, name, language, source })
        .collect()
}

/// Returns whether a statement calls anything that is not known to be the server's own.
pub(super) fn is_called(texts: &[String]) -> bool {
    texts.iter().any(|text| !postgres::called(text).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_framed_counts() {
        let row = r#"["public", "f", "sql", "delete from t;\nselect 1"]"#;
        let answer = format!("x\nabcdefgh routines\n{row}\n[\"torn\nabcdefgh end\n");
        let read = |answer: &str| read(answer, "abcdefgh");
        assert_eq!(read(&answer).len(), 1);
        assert_eq!(read(&answer)[0].source, "delete from t;\nselect 1");
        assert!(read(&answer.replace("abcdefgh end", "")).is_empty(), "it broke off");
        assert!(read("").is_empty());
    }

    #[test]
    fn built_in_functions_are_not_asked_about() {
        for text in [
            "select count(*), now(), coalesce(a, 1) from t where id in (1) and lower(b) = 'x'",
            "insert into t (a) values (1)",
            "select pg_sleep(1), pg_catalog.format('x')",
            "create function f() returns int language sql as 'select g()'",
            "select 'f(x)'",
        ] {
            assert!(!is_called(&[text.to_owned()]), "{text}: {:?}", postgres::called(text));
        }
        for text in ["select f()", "call s.p(1)", "do $$ begin perform tidy(); end $$"] {
            assert!(is_called(&[text.to_owned()]), "{text}");
        }
    }
}
