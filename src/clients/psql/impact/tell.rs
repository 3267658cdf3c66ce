//! What the answers mean, as lines of the dialogue.
#![forbid(unsafe_code)]

use serde::Deserialize;

use super::figure::{grouped, span};

/// Most names a line has.
const MAX_NAMES: usize = 8;

/// Rows that refer to those that go.
#[derive(Debug, Deserialize)]
struct Child {
    name: String,
    /// `c` CASCADE, `n` SET NULL, `d` SET DEFAULT.
    does: String,
    rows: f64,
}

/// What fires by itself.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Fires {
    triggers: Option<Vec<String>>,
    pub(super) rules: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Archive {
    mode: String,
    seconds: Option<f64>,
    fails: bool,
}

/// Says which tables go along, with the rows where they could be counted.
pub(super) fn cascade(tables: Option<&str>, counts: Option<&str>) -> Vec<String> {
    let tables: Vec<String> =
        tables.and_then(|tables| serde_json::from_str(tables).ok()).unwrap_or_default();
    let lines = counts.unwrap_or_default().lines();
    let children: Vec<Child> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    // Two foreign keys of one table may mean the same rows twice.
    let counted = |name: &str| {
        let mut same = children.iter().filter(|child| child.does == "c" && child.name == name);
        same.next().filter(|_| same.next().is_none()).map(|child| child.rows)
    };
    let named: Vec<String> = tables
        .iter()
        .map(|name| match counted(name) {
            Some(rows) => format!("{name} ({})", rows_of(rows)),
            None => name.clone(),
        })
        .collect();
    let mut told: Vec<String> = list("cascades to ", &named).into_iter().collect();
    for (action, words) in [("n", "takes the reference from "), ("d", "sets the default in ")] {
        let changed: Vec<String> = children
            .iter()
            .filter(|child| child.does == action && child.rows > 0.0)
            .map(|child| format!("{} of {}", rows_of(child.rows), child.name))
            .collect();
        told.extend(list(words, &changed));
    }
    told
}

/// Says which triggers and rules fire.
pub(super) fn fires(fires: &Fires) -> Vec<String> {
    let triggers = fires.triggers.as_deref().and_then(|names| list("fires triggers ", names));
    let rules =
        fires.rules.as_deref().and_then(|names| list("runs by rules, so rows may differ: ", names));
    triggers.into_iter().chain(rules).collect()
}

/// Says which views go along.
pub(super) fn views(views: &str) -> Option<String> {
    let views: Vec<String> = serde_json::from_str(views).ok()?;
    list("views that go along: ", &views)
}

/// Says how far the server's archive reaches.
pub(super) fn archive(archive: &str) -> Option<String> {
    let archive: Archive = serde_json::from_str(archive).ok()?;
    match (archive.mode.as_str(), archive.seconds) {
        ("off", _) => Some("this server archives no WAL (archive_mode is off)".to_owned()),
        (_, Some(seconds)) if archive.fails => {
            Some(format!("archiving WAL fails; the last was archived {} ago", span(seconds)))
        }
        (_, Some(seconds)) => Some(format!("last WAL archived {} ago", span(seconds))),
        (_, None) if archive.fails => Some("archiving WAL fails".to_owned()),
        (_, None) => None,
    }
}

fn rows_of(rows: f64) -> String {
    let plural = if rows.round() == 1.0 { "row" } else { "rows" };
    format!("{} {plural}", grouped(rows))
}

fn list(words: &str, names: &[String]) -> Option<String> {
    let shown = names.len().min(MAX_NAMES);
    let more = match names.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (shown > 0).then(|| format!("{words}{}{more}", names[..shown].join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_counted_where_one_key_means_them() {
        let counts = "{\"name\":\"public.a\",\"does\":\"c\",\"rows\":1}\n\
                      {\"name\":\"public.b\",\"does\":\"c\",\"rows\":5}\n\
                      {\"name\":\"public.b\",\"does\":\"c\",\"rows\":7}\n\
                      {\"name\":\"public.d\",\"does\":\"n\",\"rows\":2000}\n\
                      {\"name\":\"public.e\",\"does\":\"n\",\"rows\":0}\n\
                      {\"name\":\"public.f\",\"does\":\"d\",\"rows\":1}\nnonsense";
        let tables = "[\"public.a\", \"public.b\", \"public.c\"]";
        assert_eq!(
            cascade(Some(tables), Some(counts)),
            [
                "cascades to public.a (1 row), public.b, public.c",
                "takes the reference from 2,000 rows of public.d",
                "sets the default in 1 row of public.f",
            ]
        );
        assert!(cascade(None, None).is_empty());
        assert!(cascade(Some("null"), Some("")).is_empty());
    }

    #[test]
    fn an_archive_is_told_as_it_is() {
        let told = |mode: &str, seconds: &str, fails: bool| {
            let text = format!(r#"{{"mode":"{mode}","seconds":{seconds},"fails":{fails}}}"#);
            archive(&text).unwrap_or_default()
        };
        assert_eq!(told("on", "130", false), "last WAL archived 2 min ago");
        assert_eq!(told("on", "7", false), "last WAL archived 7 s ago");
        assert_eq!(told("on", "7300", true), "archiving WAL fails; the last was archived 2 h ago");
        assert_eq!(told("off", "null", false), "this server archives no WAL (archive_mode is off)");
        assert_eq!(told("on", "null", false), "");
    }
}
