//! The timeline as one HTML file that needs nothing else and runs nothing.

use std::io::{self, Write};

use super::super::past::Fate;
use super::Timeline;
use super::gather::{Event, Row};
use super::report::Report;
use super::text::{heading, way_back};
use super::time::{local, precise};
use crate::ui::table::View;
use crate::ui::theme::tier_word;
use crate::ui::visible;

/// Nothing is loaded and nothing runs, whatever a statement's text may hold.
const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<title>What happened</title>
<style>
:root { color-scheme: light dark; --faint: #777; --bad: #b00020; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a8a; --faint: #999; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }
pre, code, td.text { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .6em .8em; margin: .4em 0 1em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3em .7em .3em 0; border-top: 1px solid var(--line); }
td.time, td.id { color: var(--faint); white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.bad td.what, .bad { color: var(--bad); font-weight: 600; }
.tier { font-size: 11px; font-weight: 700; padding: .1em .4em; border-radius: 4px; border: 1px solid var(--line); }
.tier.production { background: #b00020; color: #fff; }
section { border-left: 4px solid var(--bad); padding-left: 1em; }
</style>
</head>
<body>
<h1>What happened</h1>
";

/// Prints it.
pub(super) fn write(timeline: &Timeline, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    let since = timeline.since.map(|since| format!("from {} ", local(since, view)));
    let since = since.unwrap_or_default();
    let until = local(timeline.until, view);
    writeln!(out, "<p>Recorded {}until {}.</p>", escape(&since), escape(&until))?;
    for report in timeline.reports(&timeline.open, view) {
        writeln!(out, "<section><p class=\"bad\">{}:</p>", escape(way_back(report.told)))?;
        statement(&report, out)?;
        writeln!(out, "</section>")?;
    }
    match timeline.reports(&timeline.first, view).next() {
        None => writeln!(out, "<p>No statement here is known to have destroyed anything.</p>")?,
        Some(report) => moment(&report, out)?,
    }
    writeln!(
        out,
        "<h2>In order</h2>\n<table>\n<thead><tr><th>time</th><th>session</th><th>n</th>\
                   <th>target</th><th>what</th><th></th></tr></thead>\n<tbody>"
    )?;
    for row in &timeline.rows {
        line(row, out, view)?;
    }
    writeln!(out, "</tbody>\n</table>\n</body>\n</html>")
}

fn line(row: &Row, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let (what, text) = row.words();
    let n = row.told().map_or_else(String::new, |told| told.n.to_string());
    let is_bad = match &row.kind {
        Event::Statement(told) => told.is_destructive && told.fate.may_have_run(),
        Event::Gap(_) => true,
        Event::Started(_)
        | Event::Connected
        | Event::Answered { .. }
        | Event::Glass(_)
        | Event::Note(_)
        | Event::Ended(_) => false,
    };
    let class = if is_bad { " class=\"bad\"" } else { "" };
    writeln!(
        out,
        "<tr{class}><td class=\"time\">{}</td><td class=\"id\">{}</td><td>{n}</td><td>{} {}</td>\
         <td class=\"what\">{}</td><td class=\"text\">{}</td></tr>",
        escape(&precise(row.at.wall, view)),
        escape(&row.session),
        tier(row),
        escape(&row.target_name()),
        escape(&what),
        escape(&text)
    )
}

fn moment(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let class = if report.told.fate == Fate::Cancelled { "" } else { " class=\"bad\"" };
    writeln!(
        out,
        "<section><h2>Last safe moment</h2>\n<p{class}>{}</p>",
        escape(heading(report.told))
    )?;
    statement(report, out)?;
    writeln!(
        out,
        "<p>The moment {}:</p>\n<pre>UTC    {}\nlocal  {}</pre>",
        escape(&report.why),
        escape(&report.utc),
        escape(&report.local)
    )?;
    for (tool, value) in &report.values {
        writeln!(out, "<p>{}:</p>\n<pre>{}</pre>", escape(tool), escape(value))?;
    }
    writeln!(out, "</section>")
}

fn statement(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Report { row, told, .. } = report;
    writeln!(
        out,
        "<p>{} {} on {}, statement {} of session {}: {}</p>\n<pre>{}</pre>",
        tier(row),
        escape(&report.at),
        escape(&row.target_name()),
        told.n,
        escape(&row.session),
        escape(&told.end),
        escape(told.text.trim_end())
    )
}

fn tier(row: &Row) -> String {
    if row.target.is_none() {
        return String::new();
    }
    let tier = row.tier();
    format!("<span class=\"tier {tier}\">{}</span>", tier_word(tier))
}

/// Text of which nothing is markup and nothing is hidden; newlines stay.
fn escape(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(visible::one_line).collect();
    let mut out = String::with_capacity(text.len());
    for letter in lines.join("\n").chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            escape("<script>alert(\"&'\")</script>\n\u{202e}x"),
            "&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;\n&lt;U+202E&gt;x"
        );
    }
}
