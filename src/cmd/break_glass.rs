//! `nightlatch break-glass`: lifts friction on a target for a time.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::ask::{Answered, ask};
use super::recorded;
use crate::cli::BreakGlassArgs;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::error::{Error, Kind};
use crate::glass::{self, Glass, NOTE};
use crate::os::boot::Boot;
use crate::os::job::own_pid;
use crate::os::term::{self, UserTerm};
use crate::policy::{Challenge, calendar};
use crate::record::{Durability, Header, Marker, Recorder, process};
use crate::redact;
use crate::target::{Address, Known, Target, Tier, for_address};
use crate::ui::hold::closing::{self, Cancelled};
use crate::ui::hold::{BURST, Question};
use crate::ui::table::{Align, Cell, Column, Fit, Table, View};
use crate::ui::theme::Style;
use crate::ui::visible;
use crate::world::World;

/// What it is called in recordings.
const NAME: &str = "break-glass";

/// No time is longer: what is needed for longer belongs in the configuration.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

const COLUMNS: &[Column] = &[
    ("TARGET", Align::Left, Fit::Keep),
    ("FROM", Align::Left, Fit::Drop),
    ("UNTIL", Align::Left, Fit::Keep),
    ("REASON", Align::Left, Fit::Cut),
];

/// Breaks the glass, ends that, or lists what is lifted.
///
/// # Errors
///
/// If the target or the time means nothing, there is no terminal to ask on, or nothing can be
/// written.
pub fn run(
    args: &BreakGlassArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let data_dir = recorded::data_dir(world)?;
    let config = config::load(world).config;
    let Some(word) = &args.target else { return list(&data_dir, clock, out, view) };
    let target = find(word, &config)?;
    if args.end {
        return end(word, &target, &data_dir, world, clock, out);
    }
    let lasts = args.time.parse::<SignedDuration>().ok().filter(|time| time.is_positive());
    let lasts = lasts.filter(|time| *time <= LONGEST).ok_or_else(|| {
        Error::new(Kind::Usage, format!("`{}` is no time to lift friction for.", args.time))
            .hint("Write 30m, 2h or the like, 24h at most.")
    })?;
    let (from, boot) = (clock.now(), Boot::now());
    let until = calendar::local(from.saturating_add(lasts).unwrap_or(from), &config.zone());
    let Some(reason) = confirm(args, &target, &config, &until, world, clock, view)? else {
        return Ok(Kind::Ours.status());
    };
    // From the answer on, not from the question.
    let from = from.max(clock.now());
    let reason = redact::redact(&reason).text.into_owned();
    let said = format!("{NOTE}nothing asks for more than yes until {until}: {reason}");
    let session = write_down(&said, word, &target, &data_dir, world, clock)?;
    let glass = Glass {
        target: word.clone(),
        reason,
        from,
        until: from.saturating_add(lasts).unwrap_or(from),
        boot: boot.id,
        boot_ms: u64::try_from(Boot::now().elapsed.as_millis()).unwrap_or(u64::MAX),
        session: Some(session.clone()),
    };
    glass::write(&data_dir, &session, &glass).map_err(|error| {
        Error::ours("Nothing was lifted: the file that says so cannot be written.")
            .because(error)
            .hint("Free some space, or set NIGHTLATCH_DATA_DIR to another disk.")
    })?;
    say(out, &format!("broken until {until}: nothing on {word} asks for more than yes"))?;
    say(out, &format!("sooner over with: nightlatch {NAME} --end {word}"))?;
    Ok(0)
}

/// Asks the person for the reason and the target's name; none if they would rather not.
fn confirm(
    args: &BreakGlassArgs,
    target: &Target,
    config: &Config,
    until: &str,
    world: &World,
    clock: &Clock,
    view: &View<'_>,
) -> Result<Option<String>, Error> {
    let given = args.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if given.is_none() && args.reason.is_some() {
        return Err(Error::new(Kind::Usage, "The reason is empty."));
    }
    let word = args.target.clone().unwrap_or_default();
    let no_terminal = || {
        Error::ours("There is no terminal to ask on, and nothing was lifted.").hint(format!(
            "Run it on a terminal. A script is let run with NIGHTLATCH_APPROVE='{}' instead.",
            visible::one_line(&word)
        ))
    };
    let term = UserTerm::open().map_err(|_| no_terminal())?;
    if !term.is_foreground() {
        return Err(no_terminal());
    }
    let now = clock.now();
    let moment = config.moment(now, target.tier, target.name.as_deref());
    let size = term.size();
    let question = Question {
        target: target.clone(),
        answer_word: word.clone(),
        local_time: moment.local.clone(),
        late: moment.why().map(str::to_owned),
        statement: format!("nightlatch {NAME} {word} --for {}", args.time),
        reasons: vec![
            format!("nothing on {word} asks for more than yes until {until}"),
            "no late hours, no freeze, no reason, no wait, no name to type".to_owned(),
        ],
        challenge: Challenge::TypeTarget { reason: given.is_none(), wait: Duration::ZERO },
        transaction: None,
        beyond_reach: Vec::new(),
        timeout: config.hold.timeout,
        has_shape: false,
        quiet: config.hold.paste_quiet,
        burst: BURST,
        size: (size.cols, size.rows),
        is_coloured: view.theme.is_coloured(),
        can_move: world.var("TERM") != Some("dumb"),
        is_fresh_line: true,
        has_bracketed_paste: false,
        is_recorded: true,
        impact_pending: false,
    };
    let answer = ask(term, question, clock)
        .map_err(|error| Error::ours("The question cannot be asked.").because(error))?;
    match answer {
        Answered::Released(reason) => Ok(reason.or_else(|| given.map(str::to_owned))),
        Answered::Cancelled(cause) => {
            let timeout = config.hold.timeout;
            let what = Cancelled { cause, transaction: None, discarded_bytes: 0, timeout };
            let line = closing::cancelled(what, view.theme).replace("\r\n", "\n");
            // Standard error may be closed; then there is nobody to tell.
            drop(std::io::stderr().write_all(line.as_bytes()));
            Ok(None)
        }
    }
}

/// Ends what is lifted on a target.
fn end(
    word: &str,
    target: &Target,
    data_dir: &Path,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    let boot = Boot::now();
    let mut ended = 0;
    for (path, glass) in glass::read(data_dir).glasses {
        if glass.target != word && !glass.is_for(target) {
            continue;
        }
        ended += usize::from(glass.is_in_force(clock.now(), &boot));
        fs::remove_file(&path).map_err(|error| {
            Error::ours(format!("{} cannot be removed.", path.display())).because(error)
        })?;
    }
    if ended == 0 {
        return say(out, &format!("nothing is lifted on {word}")).map(|()| 0);
    }
    write_down(&format!("{NOTE}over, before its time"), word, target, data_dir, world, clock)?;
    say(out, &format!("over on {word}: what is held asks as before")).map(|()| 0)
}

/// Prints what is lifted now, and which files mean nothing.
fn list(
    data_dir: &Path,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let (now, boot) = (clock.now(), Boot::now());
    let found = glass::read(data_dir);
    for path in &found.unreadable {
        let text = format!("{} cannot be read: it lifts nothing, remove it", path.display());
        recorded::note(view, &format!("nightlatch: {text}"));
    }
    let mut table = Table::new(COLUMNS);
    let mut is_any = false;
    for (_, glass) in found.glasses.iter().filter(|(_, glass)| glass.is_in_force(now, &boot)) {
        is_any = true;
        table.row(vec![
            Cell::new(&glass.target).style(Style::Warning),
            Cell::new(&view.time(glass.from)),
            Cell::new(&view.time(glass.until)),
            Cell::new(&glass.reason),
        ]);
    }
    if !is_any {
        return say(out, "nothing is lifted").map(|()| 0);
    }
    table.write(out, view).map_err(recorded::write_error)?;
    Ok(0)
}

/// Finds the target that a word names.
fn find(word: &str, config: &Config) -> Result<Target, Error> {
    if let Some(rule) = config.targets.iter().find(|rule| rule.name == word) {
        // It may be many servers: its name stands for all of them.
        let (address, name) = (Address::default(), Some(rule.name.clone()));
        return Ok(Target { address, tier: rule.tier, name });
    }
    let known = Known { rules: &config.targets, ..Known::default() };
    address(word).map(|address| for_address(&address, &known).target).ok_or_else(|| {
        let production = config.targets.iter().filter(|rule| rule.tier == Tier::Production);
        let names: Vec<&str> = production.map(|rule| rule.name.as_str()).collect();
        let hint = match names.as_slice() {
            [] => "Give it as host:port/database.".to_owned(),
            names => format!("Give its name, or host:port/database: {}.", names.join(", ")),
        };
        Error::new(Kind::Usage, format!("No target is named {}.", visible::one_line(word)))
            .hint(hint)
    })
}

/// Reads `host:port/database`, as a refusal prints it.
fn address(word: &str) -> Option<Address> {
    let (place, database) = word.rsplit_once('/')?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (place, None),
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(Address { user: None, host: some(host), port, database: some(database) })
}

/// Writes down what was lifted or ended, in a recording of its own: there the timeline finds it.
/// Returns its id.
fn write_down(
    said: &str,
    word: &str,
    target: &Target,
    data_dir: &Path,
    world: &World,
    clock: &Clock,
) -> Result<String, Error> {
    let pid = u32::try_from(own_pid()).unwrap_or(0);
    let header = Header {
        cols: 80,
        rows: 24,
        client: NAME.to_owned(),
        argv: vec!["nightlatch".to_owned(), NAME.to_owned(), word.to_owned()],
        target: Some(target.clone()),
        cwd: world.cwd.clone(),
        tty: term::name().map(|path| path.to_string_lossy().into_owned()),
        pid,
        pid_started: process::started(pid),
        ..Header::default()
    };
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::ours("Nothing has changed: it cannot be written down.")
            .because(error)
            .hint("Free some space, or set NIGHTLATCH_DATA_DIR to another disk.")
    };
    let mut recorder =
        Recorder::start(data_dir, &header, *clock).map_err(|error| failed(error.into()))?;
    let note = Marker::Note { text: said.to_owned() };
    let wait = Duration::from_secs(5);
    recorder.intent(note, Durability::Synced, wait).map_err(|error| failed(error.into()))?;
    let line = format!("nightlatch: {}\r\n", visible::one_line(said));
    recorder.output(line.as_bytes());
    recorder.finish(0);
    Ok(recorder.session().to_owned())
}

fn say(out: &mut dyn Write, text: &str) -> Result<(), Error> {
    writeln!(out, "nightlatch: {}", visible::one_line(text)).map_err(recorded::write_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_refusals_write_them() {
        for (word, expected) in [
            ("db1:5432/orders", Some(("db1", Some(5432), "orders"))),
            (
                "/var/run/postgresql:5432/orders",
                Some(("/var/run/postgresql", Some(5432), "orders")),
            ),
            ("db1/orders", Some(("db1", None, "orders"))),
            ("db1:port/orders", None),
            ("orders", None),
        ] {
            let read = address(word);
            let parts = read.as_ref().map(|read| {
                (
                    read.host.as_deref().unwrap_or(""),
                    read.port,
                    read.database.as_deref().unwrap_or(""),
                )
            });
            assert_eq!(parts, expected, "{word}");
            assert!(read.is_none_or(|read| read.place() == word));
        }
    }
}
