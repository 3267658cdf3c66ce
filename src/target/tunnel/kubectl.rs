//! Command lines of kubectl: what they forward or run, and in which cluster.

use super::{CHOSEN, Far, ReadFile, Tunnel};

/// Where the clusters are named, below home; variables may say otherwise.
pub(crate) const CONFIG: &str = "~/.kube/config";

/// Options that take a value and stand by themselves.
const WITH_VALUE: &[&str] = &[
    "-n",
    "--namespace",
    "--context",
    "--kubeconfig",
    "--cluster",
    "--user",
    "--address",
    "-s",
    "--server",
    "--token",
    "--as",
    "--pod-running-timeout",
    "-v",
    "--request-timeout",
];

/// A command line, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kubectl {
    /// What is no option: the command, and what it is about.
    pub words: Vec<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--context`.
    pub context: Option<String>,
    /// `--kubeconfig`.
    pub config: Option<String>,
}

impl Kubectl {
    /// Reads what stands behind the name of the program.
    #[must_use]
    pub fn read(args: &[String]) -> Self {
        let mut found = Self::default();
        // What is run in a container has options of its own.
        let mut rest = args.iter().take_while(|arg| *arg != "--");
        while let Some(arg) = rest.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, value),
                Some(_) | None if WITH_VALUE.contains(&arg.as_str()) => {
                    (arg.as_str(), rest.next().map_or("", |next| next))
                }
                Some(_) | None => match arg.strip_prefix("-n") {
                    Some(joined) => ("-n", joined),
                    None => (arg.as_str(), ""),
                },
            };
            match name {
                "-n" | "--namespace" => found.namespace = Some(value.to_owned()),
                "--context" => found.context = Some(value.to_owned()),
                "--kubeconfig" => found.config = Some(value.to_owned()),
                word if word.starts_with('-') => {}
                word => found.words.push(word.to_owned()),
            }
        }
        found
    }

    /// Returns the cluster it is for: the one it names, or the one that its configuration is
    /// switched to.
    fn cluster(&self, files: ReadFile<'_>) -> Option<String> {
        let config = || current_context(&files(self.config.as_deref().unwrap_or(CONFIG))?);
        self.context.clone().or_else(config)
    }
}

/// `kubectl port-forward [-n NAMESPACE] TYPE/NAME [LOCAL:]REMOTE…`.
pub(super) fn tunnels(args: &[String], files: ReadFile<'_>) -> Vec<Tunnel> {
    let read = Kubectl::read(args.get(1..).unwrap_or_default());
    let [command, what, ports @ ..] = read.words.as_slice() else { return Vec::new() };
    if command != "port-forward" {
        return Vec::new();
    }
    let namespace = read.namespace.iter().map(|name| format!("namespace {name}"));
    let context = read.cluster(files).map(|name| format!("context {name}"));
    let via: Vec<String> = namespace.chain(context).collect();
    let tunnel = |port: u16| Tunnel {
        via: via.clone(),
        ..Tunnel::to(port, "a kubectl port-forward", Far::Named(what.clone()))
    };
    let near = |ports: &String| match ports.split_once(':') {
        Some(("", _)) => Some(CHOSEN),
        Some((near, _)) => near.parse().ok(),
        None => ports.parse().ok(),
    };
    ports.iter().filter_map(near).map(tunnel).collect()
}

/// Returns the context that configurations are switched to: the first of several that says it.
#[must_use]
pub fn current_context(config: &str) -> Option<String> {
    let line = config.lines().find_map(|line| line.strip_prefix("current-context:"))?;
    let name = line.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    (!name.is_empty()).then(|| name.to_owned())
}
