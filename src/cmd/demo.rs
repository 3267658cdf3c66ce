//! `nightlatch demo`: a hold to try, on a throw-away server that counts as production.

mod keeper;
mod python;
mod server;
mod text;
mod tools;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitStatus;

pub use keeper::{KEEPER, keep};
use server::{Server, Stop, attend};

use super::history;
use crate::cli::{DemoArgs, DemoClient, HistoryArgs};
use crate::clock::Clock;
use crate::config;
use crate::error::{Error, Kind};
use crate::os::signal::{Caught, Signals};
use crate::os::start;
use crate::ui::table::View;
use crate::world::World;

/// Runs the demonstration.
///
/// # Errors
///
/// If PostgreSQL is not installed, its server cannot be made, or something else than a hold is
/// seen.
pub fn run(
    args: &DemoArgs,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Error> {
    let mut signals = Signals::catch(&python::ENDS)
        .map_err(|error| Error::ours("Signals cannot be caught.").because(error))?;
    let tools = tools::find(world);
    let is_python = match args.client {
        Some(client) => client == DemoClient::Python,
        None => tools.is_err() && python::is_possible(world),
    };
    if is_python {
        return match python::run(args, world, clock, &mut signals, out, view) {
            Ok(status) => Ok(status),
            Err(Stop::Signal(caught)) => Ok(by_signal(caught)),
            Err(Stop::Failed(error)) => Err(error),
        };
    }
    let tools = tools?;
    say(out, text::BUILDING)?;
    let mut server = Server::begin(&tools, world, args.keep)?;
    let shown = server.fill(clock, &mut signals).and_then(|()| {
        let mut stage = Stage { server: &server, world, clock, signals: &mut signals };
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            stage.enter(out, view)
        } else {
            stage.refuse(out, view)
        }
    });
    let folder = server.folder().to_owned();
    let is_clean = server.end();
    match shown {
        Ok(status) => {
            if !is_clean {
                return Err(Error::ours(format!("{} could not be removed.", folder.display()))
                    .hint("Remove it yourself."));
            }
            say(out, &text::outro(&folder, args.keep))?;
            Ok(status)
        }
        Err(Stop::Signal(caught)) => Ok(by_signal(caught)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Returns the status of a run that a signal ended.
fn by_signal(caught: Caught) -> u8 {
    u8::try_from(128 + caught.number()).unwrap_or(u8::MAX)
}

/// What a demonstration is shown with.
struct Stage<'a> {
    server: &'a Server,
    world: &'a World,
    clock: &'a Clock,
    signals: &'a mut Signals,
}

impl Stage<'_> {
    /// Lets a person try it.
    fn enter(&mut self, out: &mut dyn Write, view: &mut View<'_>) -> Result<u8, Stop> {
        say(out, &text::intro(self.server.folder()))?;
        let mut child = self
            .server
            .wrapped(self.world)
            .and_then(|mut command| command.spawn())
            .map_err(cannot_show)?;
        let ended = attend(&mut child, self.signals, true).map_err(cannot_show)?;
        let status = exit_status(ended.map_err(Stop::Signal)?);
        // nightlatch has said why itself.
        if status < Kind::Ours.status() {
            self.history(out, view)?;
        }
        Ok(status)
    }

    /// Shows how a statement is refused where nobody can be asked.
    fn refuse(&mut self, out: &mut dyn Write, view: &mut View<'_>) -> Result<u8, Stop> {
        say(out, &text::intro_without_terminal(self.server.folder()))?;
        let mut command = self.server.wrapped(self.world).map_err(cannot_show)?;
        command.args(["-X", "-c", text::STATEMENT]);
        // A terminal that nobody sits at could still be opened, and be asked on.
        start::apart(&mut command);
        let mut child = command.spawn().map_err(cannot_show)?;
        let ended = attend(&mut child, self.signals, false).map_err(cannot_show)?;
        let status = exit_status(ended.map_err(Stop::Signal)?);
        let counts = self.server.counts()?;
        if status != Kind::Ours.status() || counts != text::UNTOUCHED {
            let seen = format!("the exit status is {status}, and the rows are {counts}");
            return Err(Error::ours("The demo's statement was not refused.").because(seen).into());
        }
        say(out, text::REFUSED)?;
        self.history(out, view)?;
        Ok(0)
    }

    /// Lists what was recorded.
    fn history(&self, out: &mut dyn Write, view: &mut View<'_>) -> Result<(), Error> {
        list(&self.server.data(), self.world, self.clock, out, view)
    }
}

/// Lists what was recorded in a folder of data.
fn list(
    data: &Path,
    world: &World,
    clock: &Clock,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<(), Error> {
    let mut world = world.clone();
    world.vars.insert("NIGHTLATCH_DATA_DIR".into(), data.into());
    say(out, text::HISTORY)?;
    history::run(&HistoryArgs::default(), &world, clock, out, view)?;
    say(out, "")
}

/// Returns the time zone of the person's own configuration, if it has one.
fn own_zone(world: &World) -> Option<String> {
    config::load(world).config.timezone
}

/// Writes something that must be seen before what comes next.
fn say(out: &mut dyn Write, text: &str) -> Result<(), Error> {
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::ours("The output cannot be written.").because(error))
}

fn cannot_show(error: io::Error) -> Error {
    Error::ours("The demo's client cannot be run.").because(error)
}

/// Returns the status as a shell would.
fn exit_status(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
