//! This machine: its name, and what leads from its ports to elsewhere.

use std::cell::LazyCell;
use std::fs;
use std::path::{Path, PathBuf};

use crate::os::{identity, net, process};
use crate::target::tunnel::{self, Tunnel, Tunnels};
use crate::target::{Known, TargetRule};
use crate::world::World;

/// Longest file of a tunnel's configuration that is read, in bytes.
const MOST_FILE_BYTES: u64 = 1 << 20;

/// What a session knows of the machine it runs on.
#[derive(Debug)]
pub struct Here {
    machine: Option<String>,
    tunnels: Tunnels,
}

impl Here {
    /// Looks at the name; at the ports only when one of them is asked about.
    #[must_use]
    pub fn new(world: &World) -> Self {
        // What runs tests may be called after what it builds.
        let machine = identity::machine_name().filter(|_| world.var("CI").is_none());
        let home = world.home.clone();
        Self::with(machine, Box::new(move || look(home.as_deref())))
    }

    /// Makes a machine of a given name and a given way to find its tunnels.
    #[must_use]
    pub fn with(machine: Option<String>, look: Box<dyn FnOnce() -> Vec<Tunnel>>) -> Self {
        Self { machine, tunnels: LazyCell::new(look) }
    }

    /// Leaves the ports for later: who says so looks by themselves, and tells with
    /// [`Here::learn`].
    #[must_use]
    pub fn without_ports(self) -> Self {
        Self::with(self.machine, Box::new(Vec::new))
    }

    /// Takes what leads elsewhere now.
    pub fn learn(&mut self, tunnels: Vec<Tunnel>) {
        self.tunnels = LazyCell::new(Box::new(|| tunnels));
    }

    /// Returns what is known beside an address.
    #[must_use]
    pub fn known<'a>(&'a self, rules: &'a [TargetRule]) -> Known<'a> {
        let (machine, tunnels) = (self.machine.as_deref(), Some(&self.tunnels));
        Known { rules, machine, tunnels, seen: None }
    }
}

/// Looks at what listens on this machine's ports to pass them on.
#[must_use]
pub fn look(home: Option<&Path>) -> Vec<Tunnel> {
    let processes = net::processes(tunnel::is_meant);
    if processes.is_empty() {
        return Vec::new();
    }
    let listening = net::Listening::look();
    let tunnels = |process: net::Process| {
        let files = |path: &str| read(&place(path, process.pid, home)?);
        let ports = listening.of(process.pid);
        tunnel::read(&process.name, &process.args, ports.as_deref(), &files)
    };
    processes.into_iter().flat_map(tunnels).collect()
}

/// Returns where a file is that a process names.
fn place(path: &str, pid: i32, home: Option<&Path>) -> Option<PathBuf> {
    match path.strip_prefix("~/") {
        Some(rest) => home.map(|home| home.join(rest)),
        None if path.starts_with('/') => Some(PathBuf::from(path)),
        None => process::working_directory(pid).map(|folder| folder.join(path)),
    }
}

/// Reads a plain file of reasonable size: a command line may name anything.
fn read(path: &Path) -> Option<String> {
    let facts = fs::metadata(path).ok()?;
    let is_plain = facts.is_file() && facts.len() <= MOST_FILE_BYTES;
    let bytes = is_plain.then(|| fs::read(path).ok()).flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
