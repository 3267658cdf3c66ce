//! The timeline for a report: Markdown in which no text of a statement means anything.

use std::io::{self, Write};

use super::Timeline;
use super::report::Report;
use super::text::{heading, way_back};
use super::time::{local, precise};
use crate::ui::table::View;
use crate::ui::visible;

/// Prints it.
pub(super) fn write(timeline: &Timeline, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    writeln!(out, "# What happened\n")?;
    let since = timeline.since.map(|since| format!("from {} ", local(since, view)));
    writeln!(
        out,
        "Recorded {}until {}.\n",
        since.unwrap_or_default(),
        local(timeline.until, view)
    )?;
    for report in timeline.reports(&timeline.open, view) {
        writeln!(out, "**{}:**\n", way_back(report.told))?;
        statement(&report, out)?;
    }
    match timeline.reports(&timeline.first, view).next() {
        None => writeln!(out, "No statement here is known to have destroyed anything.\n")?,
        Some(report) => moment(&report, out)?,
    }
    if timeline.rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## In order\n\n| time | session | n | target | what | |\n|---|---|---|---|---|---|"
    )?;
    for row in &timeline.rows {
        let (what, text) = row.words();
        let n = row.told().map_or_else(String::new, |told| told.n.to_string());
        writeln!(
            out,
            "| {} | {} | {n} | {} | {} | {} |",
            precise(row.at.wall, view),
            row.session,
            cell(&row.target_name()),
            cell(&what),
            code(&text)
        )?;
    }
    Ok(())
}

fn moment(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Last safe moment\n\n{}\n", heading(report.told))?;
    statement(report, out)?;
    writeln!(out, "The moment {}:\n", report.why)?;
    writeln!(out, "- UTC: `{}`\n- local: `{}`\n", report.utc, report.local)?;
    for (tool, value) in &report.values {
        writeln!(out, "{tool}:\n\n```\n{value}\n```\n")?;
    }
    Ok(())
}

fn statement(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Report { row, told, .. } = report;
    let lines: Vec<String> = told.text.trim_end().lines().map(visible::one_line).collect();
    let text = lines.join("\n");
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    writeln!(
        out,
        "{} on {}, statement {} of session {}: {}\n\n{fence}\n{text}\n{fence}\n",
        report.at,
        cell(&row.target_name()),
        told.n,
        row.session,
        cell(&told.end)
    )
}

/// Text in a cell, of which nothing is markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for letter in visible::one_line(&fold(text)).chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                out.extend(['\\', letter]);
            }
            _ => out.push(letter),
        }
    }
    out
}

/// Text in a cell as code. A bar would end the cell even there.
fn code(text: &str) -> String {
    let text = visible::one_line(&fold(text));
    if text.is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{}{pad}{ticks}", text.replace('|', "\\|"))
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            code("select '|' || `x`\n from t"),
            "`` select '\\|' \\|\\| `x` from t``".replace("`` s", "``s")
        );
        assert_eq!(
            cell("a|b <img src=x> *c* \x1b[2J"),
            "a\\|b &lt;img src=x&gt; \\*c\\* ^\\[\\[2J"
        );
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(longest_run("a```b`"), 3);
    }
}
