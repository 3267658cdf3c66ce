//! This machine: its name, what leads from its ports to elsewhere, and the cluster that its commands
//! go to.

use std::cell::LazyCell;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::os::{identity, net, process};
use crate::target::pattern::glob;
use crate::target::tunnel::kubectl::{self, current_context};
use crate::target::tunnel::{self, Tunnel, Tunnels};
use crate::target::{Cluster, Known, TargetRule};
use crate::world::World;

/// Longest file of a tunnel's configuration that is read, in bytes.
const MOST_FILE_BYTES: u64 = 1 << 20;

/// What a session knows of the machine it runs on.
#[derive(Debug)]
pub struct Here {
    machine: Option<String>,
    tunnels: Tunnels,
    cluster: Cluster,
}

/// The variable that names the files in which clusters are named.
const KUBECONFIG: &str = "KUBECONFIG";

impl Here {
    /// Looks at the name; at the ports only when one of them is asked about.
    #[must_use]
    pub fn new(world: &World) -> Self {
        // What runs tests may be called after what it builds.
        let machine = identity::machine_name().filter(|_| world.var("CI").is_none());
        let home = world.home.clone();
        let here = Self::with(machine, Box::new(move || look(home.as_deref())));
        here.in_cluster(world)
    }

    /// Makes a machine of a given name and a given way to find its tunnels.
    #[must_use]
    pub fn with(machine: Option<String>, look: Box<dyn FnOnce() -> Vec<Tunnel>>) -> Self {
        let cluster: Cluster = LazyCell::new(Box::new(|| None));
        Self { machine, tunnels: LazyCell::new(look), cluster }
    }

    /// Takes the cluster that variables and files name.
    #[must_use]
    pub fn in_cluster(mut self, world: &World) -> Self {
        let home = world.home.clone();
        let named = world.var_os(KUBECONFIG).map(OsStr::to_owned);
        let config = move || kube_config(named.as_deref(), home.as_deref());
        self.cluster = LazyCell::new(Box::new(move || current_context(&config()?)));
        self
    }

    /// Leaves the ports for later: who says so looks by themselves, and tells with
    /// [`Here::learn`].
    #[must_use]
    pub fn without_ports(mut self) -> Self {
        self.learn(Vec::new());
        self
    }

    /// Takes what leads elsewhere now.
    pub fn learn(&mut self, tunnels: Vec<Tunnel>) {
        self.tunnels = LazyCell::new(Box::new(|| tunnels));
    }

    /// Returns what is known beside an address.
    #[must_use]
    pub fn known<'a>(&'a self, rules: &'a [TargetRule]) -> Known<'a> {
        let (tunnels, cluster) = (Some(&self.tunnels), Some(&self.cluster));
        Known { rules, machine: self.machine.as_deref(), tunnels, cluster, seen: None, passed: 0 }
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
        let files = |path: &str| match path {
            kubectl::CONFIG => {
                let named = process::variable(process.pid, KUBECONFIG);
                kube_config(named.as_deref(), home)
            }
            path => read(&place(path, process.pid, home)?),
        };
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

/// Reads the files in which clusters are named, the one that counts more first.
fn kube_config(named: Option<&OsStr>, home: Option<&Path>) -> Option<String> {
    let files: Vec<PathBuf> = match named.filter(|named| !named.is_empty()) {
        Some(named) => std::env::split_paths(named).collect(),
        None => vec![home?.join(".kube/config")],
    };
    Some(files.iter().filter_map(|file| read(file)).collect::<Vec<_>>().join("\n"))
}

/// Reads a file, or all whose names fit a pattern, in the order of their names.
#[must_use]
pub fn read(path: &Path) -> Option<String> {
    let pattern = path.file_name()?.to_str()?;
    if !pattern.contains(['*', '?']) {
        return read_one(path);
    }
    let entries = fs::read_dir(path.parent()?).ok()?.flatten();
    let mut fitting: Vec<PathBuf> = entries
        .filter(|entry| glob(pattern, &entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    fitting.sort_unstable();
    Some(fitting.iter().filter_map(|path| read_one(path)).collect::<Vec<_>>().join("\n"))
}

/// Reads a plain file of reasonable size: a command line may name anything.
fn read_one(path: &Path) -> Option<String> {
    let facts = fs::metadata(path).ok()?;
    let is_plain = facts.is_file() && facts.len() <= MOST_FILE_BYTES;
    let bytes = is_plain.then(|| fs::read(path).ok()).flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
