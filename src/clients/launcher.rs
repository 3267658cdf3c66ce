//! What a client's folder knows of starting it.

use std::ffi::OsString;
use std::path::Path;

use super::interactive::Interactive;
use super::psql;
use super::tap::Tap;
use crate::clients::psql::preflight::Preflight;
use crate::config::Config;
use crate::os::term::Terminals;
use crate::target::Decided;
use crate::world::World;

/// A client's command line, read.
pub trait Launcher: std::fmt::Debug {
    /// Returns whether the client only prints something of its own (`--help`), or will refuse the
    /// command line: it is run bare and not recorded.
    fn is_bare(&self) -> bool;

    /// Returns whether a person will type at its prompt.
    fn is_interactive(&self) -> bool;

    /// Decides where it would connect.
    fn decide(&self, config: &Config, world: &World, machine: Option<&str>) -> Decided;

    /// Reads what a run without a person will do.
    fn preflight(&self, config: &Config, decided: &Decided, world: &World) -> Preflight;

    /// Makes the tap; marks in the output carry the nonce.
    fn tap(&self, nonce: &str) -> Option<Box<dyn Tap>>;

    /// Makes the reader of typed lines, where a person types.
    fn interactive(&self) -> Option<Box<dyn Interactive>>;

    /// Returns the arguments that make the client ask.
    fn tapped_args(&self, nonce: &str) -> Vec<OsString>;

    /// Returns a start-up file for the client, and the variable that names it.
    fn start_up_file(&self, nonce: &str) -> Option<(&'static str, String)>;
}

/// Reads a client's command line; none for a client we do not know.
#[must_use]
pub fn launcher(
    client: &str,
    args: &[OsString],
    terminals: Terminals,
    program: &Path,
    world: &World,
) -> Option<Box<dyn Launcher>> {
    if psql::NAMES.contains(&client) {
        return Some(Box::new(psql::launch::PsqlLaunch::new(args, terminals, program, world)));
    }
    None
}

/// The names of every client we know.
pub fn names() -> impl Iterator<Item = &'static str> {
    psql::NAMES.iter().copied()
}
