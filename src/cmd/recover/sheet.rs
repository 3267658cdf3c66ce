//! One session for a person who has lost it: what is urgent first, then all of it in order.

use std::io::{self, Write};

use serde_json::json;

use super::super::past::{Deed, End, Fate, Past, What, prompt};
use super::super::recorded;
use super::fit::{was_typed, why_left_out};
use crate::error::Error;
use crate::ui::table::{self, View};
use crate::ui::theme::{Style, tier_word};
use crate::ui::visible;

/// Lines of a statement's output that are printed at its begin and at its end.
const SHOWN_LINES: (usize, usize) = (30, 10);

/// Letters of a statement that are printed.
const SHOWN_LETTERS: usize = 20_000;

/// Before each line that came back.
const CAME_BACK: &str = "  | ";

/// Prints the session.
pub(super) fn write(
    past: &Past,
    is_json: bool,
    out: &mut dyn Write,
    view: &View<'_>,
) -> Result<(), Error> {
    let written = if is_json { lines(past, out) } else { text(past, out, view) };
    written.map_err(recorded::write_error)
}

fn lines(past: &Past, out: &mut dyn Write) -> io::Result<()> {
    for (time, deed) in past.deeds() {
        let outcome = deed.outcome.as_ref();
        let line = json!({
            "session": past.session,
            "n": deed.n,
            "time": time,
            "client": past.header.client,
            "tier": deed.target.tier,
            "target": deed.target.label(),
            "text": deed.text,
            "source": deed.source,
            "typed": was_typed(deed),
            "redacted": deed.redacted,
            "verdict": deed.verdict,
            "rule": deed.rule,
            "fate": deed.fate.key(),
            "rows": outcome.and_then(|outcome| outcome.rows),
            "duration_ms": outcome.and_then(|outcome| outcome.duration_ms),
            "error": outcome.and_then(|outcome| outcome.error.clone()),
            "output": deed.screens.as_ref().map(|screens| &screens.came_back),
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn text(past: &Past, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    head(past, out, view)?;
    urgent(past, out, view)?;
    let mut is_first = true;
    for thing in &past.things {
        match &thing.what {
            What::Statement(deed) => {
                if std::mem::take(&mut is_first) {
                    writeln!(out, "\nWhat was typed, and what came back:")?;
                }
                let before = prompt::without_echo(deed);
                if !before.trim().is_empty() {
                    writeln!(out)?;
                    output(before, &past.session, 0, out)?;
                }
                let time = view.time(thing.at.wall);
                let mut line = format!("\n[{}] {time}  ", deed.n);
                view.theme.paint(&mut line, style(deed), &visible::one_line(&deed.end_words()));
                if !was_typed(deed) {
                    line.push_str("  (not seen at the prompt: from a file or an editor)");
                }
                writeln!(out, "{line}\n{}", shortened(deed, &past.session))?;
                let came_back = deed.screens.as_ref().map_or("", |screens| &screens.came_back);
                output(came_back, &past.session, deed.n, out)?;
            }
            What::Gap(why) => writeln!(out, "\n[not recorded: {}]", visible::one_line(why))?,
            What::Note(text) => writeln!(out, "\n[{}]", visible::one_line(text))?,
            What::Connected(_) => {}
        }
    }
    if is_first {
        writeln!(out, "\nNo statement was recorded.")?;
    }
    if !past.tail.trim().is_empty() {
        writeln!(out, "\nAfter that, the screen showed:")?;
        output(&past.tail, &past.session, 0, out)?;
    }
    if past.deeds().any(|(_, deed)| was_typed(deed)) && past.end != End::Running {
        writeln!(
            out,
            "\nTo put these back into {}'s own history:\n  nightlatch recover {} --write-history",
            past.header.client, past.session
        )?;
    }
    Ok(())
}

fn head(past: &Past, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let header = &past.header;
    let mut line = format!("Session {} of {}: ", past.session, visible::one_line(&header.client));
    let how = if past.end.is_bad() { Style::Warning } else { Style::Plain };
    view.theme.paint(&mut line, how, &past.end.words());
    writeln!(out, "{line}.")?;
    let last_target = past.things.iter().rev().find_map(|thing| match &thing.what {
        What::Connected(target) => Some(target),
        What::Statement(deed) => Some(&deed.target),
        What::Gap(_) | What::Note(_) => None,
    });
    if let Some(target) = last_target {
        let mut line = String::from("  at      ");
        view.theme.paint(&mut line, Style::Tier(target.tier), tier_word(target.tier));
        let name = target.name.as_deref().map(|name| format!("  {name}")).unwrap_or_default();
        writeln!(
            out,
            "{line}{}  {}",
            visible::one_line(&name),
            visible::one_line(&target.address.to_string())
        )?;
    }
    writeln!(out, "  from    {}", view.time_and_zone(past.started))?;
    writeln!(out, "  until   {}", view.time_and_zone(past.last.wall))?;
    writeln!(out, "  in      {}", visible::one_line(&header.cwd.to_string_lossy()))?;
    if let Some(tty) = &header.tty {
        writeln!(out, "  on      {}", visible::one_line(tty))?;
    }
    writeln!(out, "  as      {}", visible::one_line(&header.argv.join(" ")))
}

/// What to look at before anything is typed again.
fn urgent(past: &Past, out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let client = &past.header.client;
    let unsure: Vec<_> = past.deeds().filter(|(_, deed)| deed.fate == Fate::Unknown).collect();
    if !unsure.is_empty() {
        writeln!(out, "\nMay have run; look before you run it again:")?;
        for (time, deed) in unsure {
            brief(time, deed, out, view)?;
        }
    }
    let undone: Vec<_> = past.deeds().filter(|(_, deed)| deed.fate == Fate::RolledBack).collect();
    if past.end.is_bad() && !undone.is_empty() {
        writeln!(out, "\nRolled back, so to be done again if you want it:")?;
        for (time, deed) in undone {
            brief(time, deed, out, view)?;
        }
    }
    let ran = |deed: &Deed| deed.fate == Fate::Ran && deed.is_destructive(client);
    let destructive: Vec<_> = past.deeds().filter(|(_, deed)| ran(deed)).collect();
    if !destructive.is_empty() {
        writeln!(
            out,
            "\nRan, and cannot be taken back (`nightlatch timeline` tells the last safe moment):"
        )?;
        for (time, deed) in destructive {
            brief(time, deed, out, view)?;
        }
    }
    let secrets: Vec<_> =
        past.deeds().filter_map(|(_, deed)| Some((deed.n, why_left_out(deed)?))).collect();
    for (n, why) in secrets {
        writeln!(out, "\nStatement {n} cannot be put back as it was: {why}.")?;
    }
    Ok(())
}

fn brief(
    time: jiff::Timestamp,
    deed: &Deed,
    out: &mut dyn Write,
    view: &View<'_>,
) -> io::Result<()> {
    let text: Vec<&str> = deed.text.split_whitespace().collect();
    let line =
        format!("  [{}] {}  {}", deed.n, view.time(time), visible::one_line(&text.join(" ")));
    match view.width {
        Some(width) => writeln!(out, "{}", visible::cut(&line, width)),
        None => writeln!(out, "{line}"),
    }
}

/// Returns a statement's text, of a very long one only the begin.
fn shortened(deed: &Deed, session: &str) -> String {
    let text = deed.text.trim_end();
    match text.char_indices().nth(SHOWN_LETTERS) {
        None => table::lines(text),
        Some((end, _)) => format!(
            "{}\n[{} more bytes: nightlatch show {session} --statement {}]",
            table::lines(&text[..end]),
            text.len() - end,
            deed.n
        ),
    }
}

/// Prints what came back, without the middle of what is long.
fn output(text: &str, session: &str, n: u64, out: &mut dyn Write) -> io::Result<()> {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let (first, last) = SHOWN_LINES;
    let left_out = lines.len().saturating_sub(first + last);
    for (at, line) in lines.iter().enumerate() {
        if left_out > 1 && (first..first + left_out).contains(&at) {
            if at == first {
                let how = if n == 0 {
                    format!("nightlatch show {session}")
                } else {
                    format!("nightlatch show {session} --statement {n}")
                };
                writeln!(out, "{CAME_BACK}[{left_out} more lines: {how}]")?;
            }
            continue;
        }
        writeln!(out, "{}", format!("{CAME_BACK}{}", visible::one_line(line)).trim_end())?;
    }
    Ok(())
}

fn style(deed: &Deed) -> Style {
    match deed.fate {
        Fate::Ran | Fate::Cancelled | Fate::Held => Style::Faint,
        Fate::Failed | Fate::RolledBack | Fate::Open | Fate::Running | Fate::Unknown => {
            Style::Warning
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::past::{self, Want};
    use super::*;
    use crate::clock::Clock;
    use crate::record::find;
    use crate::record::{Header, Recorder};
    use crate::store::store_test::{statement, target};
    use crate::target::Tier;

    /// Records a session that shows `output` before each of two statements, and reads it.
    fn typed(output: &[u8]) -> Vec<bool> {
        let data = tempfile::tempdir().unwrap();
        let now = "2026-11-20T06:00:00Z";
        let clock = Clock::starting_at(now.parse().unwrap());
        let header = Header { client: "psql".into(), pid: u32::MAX, ..Header::default() };
        let mut recorder = Recorder::start(data.path(), &header, clock).unwrap();
        for (n, text) in [(1, "select 1;"), (2, "select 2;")] {
            recorder.output(output);
            recorder.marker(statement(n, now, text, "allow", target(Tier::Staging, None)));
            recorder.marker(crate::record::Marker::outcome(n, None, None, None));
        }
        drop(recorder);
        let found = find::one(data.path(), "last").unwrap();
        let past = past::read(&found, Want::Screens).unwrap();
        past.deeds().map(|(_, deed)| was_typed(deed)).collect()
    }

    #[test]
    fn what_stands_on_the_screen_was_typed() {
        assert_eq!(typed(b"x=> select 2;\r\n"), [false, true]);
        // The screen of a session within another one is in that one's log: nobody can tell.
        assert_eq!(typed(b""), [true, true]);
    }
}
