//! What is around: the terminal, programs between it and us, the disk, and switches that are set.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use super::super::notify;
use super::super::prune::size;
use super::{Finding, State};
use crate::notify::has_bus;
use crate::os::file::free_bytes;
use crate::os::term;
use crate::world::World;

/// So little room is told, in bytes: a night of a busy session.
const LITTLE: u64 = 100_000_000;

/// Fewer columns than this and the dialogue is hard to read.
const NARROW: u16 = 40;

/// What tells of a program between the terminal and us: its variable, and what it is.
const BETWEEN: &[(&str, &str)] =
    &[("TMUX", "tmux"), ("STY", "screen"), ("ZELLIJ", "zellij"), ("SSH_CONNECTION", "ssh")];

/// Looks at the terminal.
pub(super) fn terminal(world: &World) -> Option<Finding> {
    const WHAT: &str = "terminal";
    let size = term::size(io::stdout().as_fd()).ok().filter(|size| size.cols > 0)?;
    let name = world.var("TERM").unwrap_or("unknown");
    let between: Vec<_> = BETWEEN
        .iter()
        .filter(|(variable, _)| world.var(variable).is_some())
        .map(|row| row.1)
        .collect();
    let through =
        if between.is_empty() { String::new() } else { format!(", in {}", between.join(" and ")) };
    let text = format!("{name}, {} by {}{through}", size.cols, size.rows);
    Some(match name {
        "dumb" | "unknown" => Finding::new(WHAT, State::Note, text)
            .hint("Nothing is coloured, and the title stays: set TERM to what the terminal is."),
        _ if size.cols < NARROW => Finding::new(WHAT, State::Note, text)
            .hint("Questions are easier to read with more columns."),
        _ => Finding::new(WHAT, State::Ok, text),
    })
}

/// Looks for room on the disk for what may be recorded yet.
pub(super) fn disk(folder: &Path, most: u64) -> Option<Finding> {
    const WHAT: &str = "disk";
    let free = free_bytes(folder).ok()?;
    let text = format!("{} free for recordings", size(free));
    Some(if free < LITTLE {
        Finding::new(WHAT, State::Problem, text)
            .hint("When it is full, output is lost first: make room, or set NIGHTLATCH_DATA_DIR.")
    } else if free < most {
        Finding::new(WHAT, State::Note, text)
            .hint(format!("Recordings may take {}: see max_total in [record].", size(most)))
    } else {
        Finding::new(WHAT, State::Ok, text)
    })
}

/// Looks whether the desktop can be told of anything.
pub(super) fn desktop(is_wanted: bool, world: &World) -> Finding {
    const WHAT: &str = "notifications";
    if !is_wanted {
        return Finding::new(WHAT, State::Note, "off: [notify] desktop is false".into());
    }
    if !has_bus(world) {
        let text = "off: there is no session bus".to_owned();
        return Finding::new(WHAT, State::Note, text)
            .hint("That is as it should be over ssh, and without a desktop.");
    }
    match notify::shower() {
        Ok(name) => Finding::new(WHAT, State::Ok, format!("shown by {name}")),
        Err(why) => Finding::new(WHAT, State::Problem, format!("nobody shows them: {why}"))
            .hint("Start a notification daemon, or set desktop = false in [notify]."),
    }
}

/// Looks whether the shell's code runs this very program: it calls it by its name.
pub(super) fn program(world: &World) -> Finding {
    const WHAT: &str = "program";
    let own = std::env::current_exe().unwrap_or_default();
    let text = format!("nightlatch {}, {}", env!("CARGO_PKG_VERSION"), own.display());
    let folders = world.var_os("PATH").map(std::env::split_paths).into_iter().flatten();
    let mut found = folders.map(|folder| folder.join(env!("CARGO_PKG_NAME")));
    match found.find(|path| path.is_file()) {
        Some(path) if path.canonicalize().ok() == own.canonicalize().ok() => {
            Finding::new(WHAT, State::Ok, text)
        }
        Some(other) => {
            let text = format!("{text}; PATH has another one first, {}", other.display());
            Finding::new(WHAT, State::Problem, text)
                .hint("Remove the older one, or put the folder of the newer one first in PATH.")
        }
        None => Finding::new(WHAT, State::Note, format!("{text}; it is not in PATH"))
            .hint("The shell's code calls it by its name: put its folder in PATH."),
    }
}

/// Looks for variables that change what nightlatch does.
pub(super) fn switches(world: &World) -> Vec<Finding> {
    let mut found = Vec::new();
    if world.var("NIGHTLATCH") == Some("off") {
        let text = "is off: clients run bare".to_owned();
        found.push(Finding::new("NIGHTLATCH", State::Problem, text).hint("unset NIGHTLATCH"));
    }
    if world.var("NIGHTLATCH_APPROVE").is_some() {
        let text = "is set: holds of that target are released where no terminal is".to_owned();
        found.push(
            Finding::new("NIGHTLATCH_APPROVE", State::Note, text).hint("unset NIGHTLATCH_APPROVE"),
        );
    }
    if let Some(session) = world.var("NIGHTLATCH_SESSION") {
        let text = format!("this shell runs inside the recorded session {session}");
        found.push(Finding::new("session", State::Note, text));
    }
    found
}
