//! The subcommands, one file each, thin; and the way from arguments to an exit status.

mod ask;
pub mod break_glass;
pub mod check;
pub mod config;
pub mod demo;
pub mod doctor;
mod editor;
pub mod export;
pub mod history;
mod hook;
pub mod import;
pub mod init;
mod log;
mod new_file;
pub mod night;
pub mod notify;
mod own_history;
mod past;
pub mod play;
mod program;
pub mod prune;
mod recorded;
#[cfg(test)]
mod recorded_test;
pub mod recover;
pub mod reindex;
pub mod rules;
pub mod run;
pub mod sessions;
pub mod show;
mod start_up_file;
pub mod target;
pub mod timeline;

use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::clients::{TELL_EDITED, known};
use crate::clock::Clock;
use crate::error::Error;
use crate::os::term;
use crate::ui::error::render;
use crate::ui::table::View;
use crate::ui::theme::Theme;
use crate::world::World;

/// Runs the program with the arguments it was started with.
#[must_use]
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (first, rest) = args.split_first().unzip();
    let rest = rest.unwrap_or_default();
    if first.is_some_and(|first| first == demo::KEEPER) {
        return ExitCode::from(demo::keep(rest));
    }
    let world = World::real();
    let clock = clock(&world);
    let status = match first.and_then(|first| first.to_str()) {
        Some(prune::TIDY) => prune::tidy(rest, &world, &clock),
        Some(night::NIGHT) => night::tell(rest, &world, &clock),
        Some(notify::NOTIFY) => notify::show(),
        Some(TELL_EDITED) => editor::run(rest, &world),
        // The one thing that is started all day: reading the words of all the others takes 0.5 ms.
        _ if first.is_some_and(|name| known::by_command(name).is_some()) => {
            finish(run::client(&args, &world, &clock), &world)
        }
        Some(_) | None => finish(dispatch(&Cli::parse(), &world, &clock), &world),
    };
    ExitCode::from(status)
}

fn finish(result: Result<u8, Error>, world: &World) -> u8 {
    result.unwrap_or_else(|error| fail(&error, world))
}

fn dispatch(cli: &Cli, world: &World, clock: &Clock) -> Result<u8, Error> {
    match &cli.command {
        Command::Client(words) => return run::client(words, world, clock),
        Command::Run(args) => return run::run(args, world, clock),
        Command::Init(args) => return init::run(args, world, &mut io::stdout()),
        Command::Completions(args) => return init::completions(args, &mut io::stdout()),
        Command::Generate(args) => return init::generate(args),
        _ => {}
    }
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let width = is_terminal
        .then(|| term::size(stdout.as_fd()).ok())
        .flatten()
        .map(|size| usize::from(size.cols))
        .filter(|&cols| cols > 0);
    let theme = Theme::new(is_terminal && may_colour(world));
    let mut out = BufWriter::new(stdout.lock());
    let mut notes = io::stderr();
    let zone = crate::config::load(world).config.zone();
    let mut view = View { width, theme, zone, notes: &mut notes };
    let result = match &cli.command {
        Command::Client(_)
        | Command::Run(_)
        | Command::Init(_)
        | Command::Completions(_)
        | Command::Generate(_) => unreachable!("they have returned above"),
        Command::History(args) => history::run(args, world, clock, &mut out, &mut view),
        Command::Sessions(args) => sessions::run(args, world, clock, &mut out, &mut view),
        Command::Show(args) => show::run(args, world, clock, &mut out, &mut view),
        Command::Play(args) => play::run(args, world, clock, &mut view),
        Command::Export(args) => export::run(args, world, clock, &mut out, &mut view),
        Command::Reindex(args) => reindex::run(args, world, clock, &mut out, &mut view),
        Command::Recover(args) => recover::run(args, world, clock, &mut out, &mut view),
        Command::Timeline(args) => timeline::run(args, world, clock, &mut out, &mut view),
        Command::Import(args) => import::run(args, world, clock, &mut out, &mut view),
        Command::Prune(args) => prune::run(args, world, clock, &mut out, &mut view),
        Command::Check(args) => check::run(args, world, clock, &mut out),
        Command::Target(args) => target::run(args, world, clock, &mut out),
        Command::Rules(args) => rules::run(args, world, clock, &mut out),
        Command::Config(args) => config::run(args, world, clock, &mut out),
        Command::Doctor(args) => doctor::run(args, world, clock, &mut out, &view),
        Command::BreakGlass(args) => break_glass::run(args, world, clock, &mut out, &mut view),
        Command::Demo(args) => demo::run(args, world, clock, &mut out, &mut view),
    };
    match out.flush() {
        // `nightlatch history | head`: the reader has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => result.or(Ok(0)),
        Err(error) => result.and(Err(Error::ours("The output cannot be written.").because(error))),
        Ok(()) => result,
    }
}

/// Prints the error a user meets; returns the exit status.
fn fail(error: &Error, world: &World) -> u8 {
    let is_broken_pipe = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|source| source.kind() == ErrorKind::BrokenPipe);
    if is_broken_pipe {
        return 0;
    }
    let mut stderr = io::stderr();
    let theme = Theme::new(stderr.is_terminal() && may_colour(world));
    // Where standard error is closed too there is nobody left to tell.
    drop(stderr.write_all(render(error, theme).as_bytes()));
    error.kind.status()
}

fn may_colour(world: &World) -> bool {
    world.var("NO_COLOR").is_none() && world.var("TERM") != Some("dumb")
}

#[cfg(not(feature = "test-fakes"))]
fn clock(_world: &World) -> Clock {
    Clock::system()
}

/// Tests set the time a program starts at.
#[cfg(feature = "test-fakes")]
fn clock(world: &World) -> Clock {
    world
        .var("NIGHTLATCH_TEST_NOW")
        .and_then(|now| now.parse().ok())
        .map_or_else(Clock::system, Clock::starting_at)
}
