//! The hidden command behind a session that is opened late: how long its person has been at it,
//! and what was last destroyed on its target. It reads the index, which no session does itself.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};

use super::{past, recorded};
use crate::clock::Clock;
use crate::config;
use crate::error::Error;
use crate::os::background;
use crate::record::process;
use crate::store::{Filter, Session, Statement, Store};
use crate::ui::table::View;
use crate::ui::theme::Theme;
use crate::ui::visible;
use crate::world::World;

/// The hidden first argument; its operand is the target as [`crate::target::Target::label`] names it.
pub const NIGHT: &str = "__night";

/// A pause that is longer ends a stretch of work: somebody has slept.
const BREAK: SignedDuration = SignedDuration::from_hours(5);

/// No stretch is looked for further back.
const FAR: SignedDuration = SignedDuration::from_hours(48);

/// So many destructive statements are shown.
const SHOWN: usize = 3;

/// So many statements are looked at for them.
const LOOKED_AT: usize = 5000;

/// Columns of a statement that are shown.
const STATEMENT_COLS: usize = 60;

/// Is the process in the background: one line for each thing there is to say.
#[must_use]
pub fn tell(args: &[OsString], world: &World, clock: &Clock) -> u8 {
    background::become_background();
    let Some(label) = args.first().and_then(|label| OsStr::to_str(label)) else { return 2 };
    let Ok(lines) = lines(label, world, clock) else { return 1 };
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    u8::from(io::stdout().write_all(text.as_bytes()).is_err())
}

fn lines(label: &str, world: &World, clock: &Clock) -> Result<Vec<String>, Error> {
    let zone = config::load(world).config.zone();
    let (width, theme, notes) = (None, Theme::plain(), &mut io::sink());
    let mut view = View { width, theme, zone, notes };
    let store = recorded::open(&recorded::data_dir(world)?, &mut view)?;
    let now = clock.now();
    let filter = Filter { since: now.checked_sub(FAR).ok(), ..Filter::default() };
    let sessions = store.sessions(&filter, &process::is_alive).map_err(recorded::store_error)?;
    let mut lines: Vec<String> = at_it(&sessions, now, &view).into_iter().collect();
    lines.extend(destroyed(&store, label)?.iter().map(|statement| last(statement, &view)));
    Ok(lines)
}

/// Says how long the person has been at it without a long pause.
fn at_it(sessions: &[Session], now: Timestamp, view: &View<'_>) -> Option<String> {
    let mut stretches: Vec<(Timestamp, Timestamp)> =
        sessions.iter().map(|one| (one.ended.unwrap_or(now), one.started)).collect();
    stretches.sort_unstable();
    let (mut since, mut count) = (now, 0);
    for (last, started) in stretches.into_iter().rev() {
        if since.duration_since(last) > BREAK {
            break;
        }
        since = since.min(started);
        count += 1;
    }
    let minutes = now.duration_since(since).as_mins();
    let sessions = if count == 1 { "session" } else { "sessions" };
    let since = since.to_zoned(view.zone.clone()).strftime("%H:%M");
    (minutes > 0).then(|| {
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let long =
            if hours > 0 { format!("{hours} h {minutes} min") } else { format!("{minutes} min") };
        format!("you have been at it since {since}, for {long}: {count} {sessions}")
    })
}

/// Returns the last statements that destroyed something on a target, oldest first.
fn destroyed(store: &Store, label: &str) -> Result<Vec<Statement>, Error> {
    let filter = Filter { target_name: Some(label.to_owned()), ..Filter::default() };
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let visit = &mut |statement: Statement| {
        looked_at += 1;
        // One that was held and never answered was lost with its session.
        let has_run = match statement.answer.as_deref() {
            Some(answer) => answer != "cancelled",
            None => !["hold", "deny"].contains(&statement.verdict.as_str()),
        };
        let is_it = has_run
            && statement.error.is_none()
            && statement.rows != Some(0)
            && past::is_destructive(&statement.client, &statement.text, &statement.verdict);
        if is_it {
            found.push(statement);
        }
        if found.len() == SHOWN || looked_at == LOOKED_AT {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    store.visit(&filter, visit).map_err(recorded::store_error)?;
    found.reverse();
    Ok(found)
}

fn last(statement: &Statement, view: &View<'_>) -> String {
    let time = statement.time.to_zoned(view.zone.clone()).strftime("%a %F %H:%M").to_string();
    let text = visible::cut(&visible::one_line(statement.text.trim()), STATEMENT_COLS);
    let rows = statement.rows.map(crate::ui::table::rows);
    let rows = rows.map(|rows| format!(" ({rows})")).unwrap_or_default();
    format!("here on {time}: {text}{rows}")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::target::Tier;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn session(started: &str, ended: Option<&str>) -> Session {
        Session {
            session: String::new(),
            client: String::new(),
            argv: Vec::new(),
            tier: Tier::Production,
            target: None,
            started: at(started),
            ended: ended.map(at),
            exit: None,
            ended_badly: false,
            statements: 0,
            held: 0,
            gaps: 0,
            bytes: 0,
            cwd: "/".into(),
            tty: None,
            path: "/".into(),
        }
    }

    #[test]
    fn a_long_pause_begins_a_new_day() {
        let night = session("2026-11-19T23:00:00Z", Some("2026-11-20T01:00:00Z"));
        let morning = session("2026-11-20T08:05:00Z", Some("2026-11-20T12:00:00Z"));
        let long = session("2026-11-20T08:30:00Z", Some("2026-11-20T19:00:00Z"));
        let brief = session("2026-11-20T13:00:00Z", Some("2026-11-20T13:01:00Z"));
        let open = session("2026-11-20T22:39:00Z", None);
        let zone = TimeZone::get("Europe/Berlin").expect("Berlin");
        let (width, theme) = (None, Theme::plain());
        let view = View { width, theme, zone, notes: &mut io::sink() };
        let told = |sessions: &[&Session]| {
            let sessions: Vec<Session> = sessions.iter().map(|one| (*one).clone()).collect();
            at_it(&sessions, at("2026-11-20T22:40:00Z"), &view)
        };
        let full = "you have been at it since 09:05, for 14 h 35 min: 4 sessions";
        assert_eq!(told(&[&night, &morning, &long, &brief, &open]).as_deref(), Some(full));
        let new = "you have been at it since 23:39, for 1 min: 1 session";
        assert_eq!(told(&[&morning, &open]).as_deref(), Some(new));
        assert_eq!(told(&[&night]), None);
    }
}
