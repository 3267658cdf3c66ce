//! Programs that pass a port on: pgbouncer, socat, docker's.

use super::{Far, ReadFile, Tunnel, host_and_port};
use crate::target::libpq::conninfo;

/// The port pgbouncer listens on where its configuration does not say, and the folder of its socket.
const BOUNCER_PORT: u16 = 6432;
const BOUNCER_FOLDER: &str = "/tmp";

/// `pgbouncer [OPTIONS] FILE`: each database has a way of its own, `*` is for all others.
pub(super) fn pgbouncer(args: &[String], files: ReadFile<'_>) -> Vec<Tunnel> {
    let Some(text) =
        args.iter().skip(1).rfind(|arg| !arg.starts_with('-')).and_then(|file| files(file))
    else {
        return Vec::new();
    };
    let mut section = "";
    let (mut port, mut folder) = (BOUNCER_PORT, BOUNCER_FOLDER);
    let mut ways = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with([';', '#'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        match section {
            "databases" => ways.extend(way(name, value)),
            "pgbouncer" if name == "listen_port" => port = value.parse().unwrap_or(port),
            "pgbouncer" if name == "unix_socket_dir" => folder = value,
            _ => {}
        }
    }
    let socket = format!("{}/.s.PGSQL.{port}", folder.trim_end_matches('/'));
    ways.into_iter()
        .flat_map(|(name, far)| {
            let database = (name != "*").then_some(name);
            let by_port = Tunnel { database, ..Tunnel::to(port, "pgbouncer", far) };
            let by_socket = Tunnel { socket: Some(socket.clone()), ..by_port.clone() };
            [by_port, by_socket]
        })
        .collect()
}

/// Reads one line of `[databases]`.
fn way(name: &str, value: &str) -> Option<(String, Far)> {
    let pairs = conninfo::parse(value).ok()?;
    let find = |wanted: &str| pairs.iter().find(|(key, _)| key == wanted).map(|(_, value)| value);
    let far = Far::Server {
        host: find("host")?.clone(),
        port: find("port").and_then(|port| port.parse().ok()),
        database: find("dbname").cloned(),
    };
    Some((name.trim_matches('"').to_owned(), far))
}

/// `socat [OPTIONS] TCP-LISTEN:PORT,… TCP:HOST:PORT,…`; either may be a unix socket.
pub(super) fn socat(args: &[String], _files: ReadFile<'_>) -> Vec<Tunnel> {
    let ends: Vec<(String, &str)> = args
        .iter()
        .skip(1)
        .filter_map(|arg| arg.split(',').next()?.split_once(':'))
        .map(|(kind, place)| (kind.to_ascii_lowercase(), place))
        .collect();
    let [near, far] = ends.as_slice() else { return Vec::new() };
    let (near, far) = if listens(&near.0) { (near, far) } else { (far, near) };
    let socket = near.0.starts_with("unix").then(|| near.1.to_owned());
    let port = if socket.is_some() { Some(0) } else { near.1.parse().ok() };
    let Some(port) = port.filter(|_| listens(&near.0)) else { return Vec::new() };
    let (kind, place) = far;
    let far = if kind.starts_with("unix") {
        Far::Server { host: (*place).to_owned(), port: None, database: None }
    } else {
        let (host, port) = host_and_port(place);
        Far::Server { host: host.to_owned(), port, database: None }
    };
    vec![Tunnel { socket, ..Tunnel::to(port, "socat", far) }]
}

fn listens(kind: &str) -> bool {
    ["tcp", "unix"].iter().any(|way| kind.starts_with(way))
        && (kind.ends_with("-listen") || kind.ends_with("-l"))
}

/// `docker-proxy -host-port N …`: what it leads to runs on this machine.
pub(super) fn docker_proxy(args: &[String], _files: ReadFile<'_>) -> Vec<Tunnel> {
    let port =
        args.windows(2).find(|pair| pair[0] == "-host-port").and_then(|pair| pair[1].parse().ok());
    port.map(|port| Tunnel::to(port, "a docker port", Far::Container)).into_iter().collect()
}
