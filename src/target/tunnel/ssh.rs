//! Tunnels of OpenSSH: its options, and what its configuration says of the destination.

use super::{Far, ReadFile, Tunnel, host_and_port};
use crate::target::pattern::{glob, is_loopback};

/// Options that take a value, as one letter.
const WITH_VALUE: &str = "BbcDEeFIiJLlMmOoPpQRSWw";

/// `M` takes no value for ssh itself; for autossh it does, and stands by itself there.
const MONITORING: &str = "M";

const TUNNEL: &str = "an ssh tunnel";
const PROXY: &str = "an ssh proxy";

/// Where configurations are, the own one first; `~` is the home folder.
const FILES: [&str; 2] = ["~/.ssh/config", "/etc/ssh/ssh_config"];

/// So deep a configuration may take in others, as OpenSSH has it.
const DEEPEST: u8 = 16;

/// What a command line and the configuration come to.
#[derive(Default)]
struct Read {
    destination: Option<String>,
    host_name: Option<String>,
    jumps: Option<String>,
    config: Option<String>,
    /// `-L` and `LocalForward`: the near end and the far one.
    local: Vec<(String, String)>,
    dynamic: Vec<String>,
}

impl Read {
    /// Takes one setting, by its name in a configuration; the first of each counts.
    fn set(&mut self, name: &str, value: &str) {
        let value = value.trim().trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "hostname" if self.host_name.is_none() => self.host_name = Some(value.to_owned()),
            "proxyjump" if self.jumps.is_none() => self.jumps = Some(value.to_owned()),
            "proxycommand" if self.jumps.is_none() => {
                let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
                if let Some((name, rest)) = words.split_first()
                    && name.ends_with("ssh")
                {
                    let mut hop = Self::default();
                    hop.arguments(rest, false);
                    self.jumps = hop.destination;
                }
            }
            "localforward" => {
                if let Some((near, far)) = value.split_once(char::is_whitespace) {
                    self.local.push((near.to_owned(), far.trim().to_owned()));
                }
            }
            "dynamicforward" => self.dynamic.push(value.to_owned()),
            _ => {}
        }
    }

    fn option(&mut self, letter: char, value: &str) {
        match letter {
            'L' => {
                if let Some((near, far)) = forward(value) {
                    self.local.push((near.to_owned(), far.to_owned()));
                }
            }
            'D' => self.dynamic.push(value.to_owned()),
            'J' => self.set("ProxyJump", value),
            'F' => self.config = Some(value.to_owned()),
            'o' => {
                if let Some((name, value)) = setting(value) {
                    self.set(name, value);
                }
            }
            _ => {}
        }
    }

    fn arguments(&mut self, args: &[String], is_monitored: bool) {
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                if self.destination.is_some() {
                    // The command to run there.
                    return;
                }
                let name = word.strip_prefix("ssh://").map_or(word.as_str(), |uri| {
                    let uri = uri.trim_end_matches('/');
                    uri.rsplit_once(':').map_or(uri, |(host, _)| host)
                });
                let host = name.rsplit_once('@').map_or(name, |(_, host)| host);
                self.destination = Some(host.to_owned());
                continue;
            };
            for (at, letter) in letters.char_indices() {
                let takes_value =
                    WITH_VALUE.contains(letter) && (is_monitored || !MONITORING.contains(letter));
                if !takes_value {
                    continue;
                }
                let rest = &letters[at + letter.len_utf8()..];
                let value =
                    if rest.is_empty() { words.next().map_or("", |next| next) } else { rest };
                self.option(letter, value);
                break;
            }
        }
    }

    /// Takes what the sections of a file say for the destination.
    fn configuration(&mut self, file: &str, files: ReadFile<'_>, depth: u8) {
        let Some(text) = files(file).filter(|_| depth < DEEPEST) else { return };
        let destination = self.destination.clone().unwrap_or_default();
        let mut applies = true;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = setting(line) else { continue };
            if name.eq_ignore_ascii_case("host") {
                let mut patterns = value.split_whitespace().map(|word| word.trim_matches('"'));
                let excluded = |pattern: &str| {
                    pattern.strip_prefix('!').is_some_and(|pattern| glob(pattern, &destination))
                };
                applies = patterns.clone().any(|pattern| glob(pattern, &destination))
                    && !patterns.any(excluded);
            } else if name.eq_ignore_ascii_case("match") {
                // Its conditions may run programs: only the one that always holds is known.
                applies = value.trim().eq_ignore_ascii_case("all");
            } else if applies && name.eq_ignore_ascii_case("include") {
                for pattern in value.split_whitespace().map(|word| word.trim_matches('"')) {
                    let is_whole = pattern.starts_with(['/', '~']);
                    let before = if is_whole { "" } else { "~/.ssh/" };
                    self.configuration(&format!("{before}{pattern}"), files, depth + 1);
                }
            } else if applies {
                self.set(name, value);
            }
        }
    }

    /// The name of the machine it goes to.
    fn machine(&self) -> String {
        let alias = self.destination.as_deref().unwrap_or_default();
        self.host_name.as_deref().map_or_else(|| alias.to_owned(), |name| name.replace("%h", alias))
    }

    /// The machines it goes through, as they are called.
    fn machines(&self) -> Vec<String> {
        let mut all = vec![self.destination.clone().unwrap_or_default(), self.machine()];
        let jumps = self.jumps.as_deref().unwrap_or_default().split(',');
        all.extend(jumps.filter(|jump| !jump.eq_ignore_ascii_case("none")).map(|jump| {
            let host = jump.rsplit_once('@').map_or(jump, |(_, host)| host);
            host_and_port(host.trim_start_matches("ssh://")).0.to_owned()
        }));
        all.retain(|name| !name.is_empty());
        all.dedup();
        all
    }
}

/// Reads the tunnels of one process.
pub(super) fn read(args: &[String], files: ReadFile<'_>) -> Vec<Tunnel> {
    let found = understand(args, files);
    let machines = found.machines();
    let local = found.local.iter().filter_map(|(near, far)| {
        let (port, socket) = near_end(near)?;
        let (host, far_port) = host_and_port(far);
        // What is local there is the machine itself: the tunnel ends where it goes to.
        let is_itself = is_loopback(host) || host.starts_with('/');
        let host = if is_itself { found.machine() } else { host.to_owned() };
        let via = machines.iter().filter(|name| !is_itself || **name != host).cloned().collect();
        let far = Far::Server { host, port: far_port, database: None };
        Some(Tunnel { socket, via, ..Tunnel::to(port, TUNNEL, far) })
    });
    let dynamic = found.dynamic.iter().filter_map(|near| {
        let via = machines.clone();
        let (port, socket) = near_end(near)?;
        Some(Tunnel { socket, via, ..Tunnel::to(port, PROXY, Far::Unknown) })
    });
    local.chain(dynamic).collect()
}

/// Returns what a process goes through whose ports are not explained by its command line; one that
/// shares its connection has only the name of its socket to show.
pub(super) fn through(args: &[String], files: ReadFile<'_>) -> Vec<String> {
    match args {
        [title] => {
            let socket = title.strip_prefix("ssh: ").and_then(|rest| rest.strip_suffix(" [mux]"));
            socket.map(str::to_owned).into_iter().collect()
        }
        [name, ..] if name.ends_with("ssh") => understand(args, files).machines(),
        _ => Vec::new(),
    }
}

fn understand(args: &[String], files: ReadFile<'_>) -> Read {
    let mut found = Read::default();
    let Some((name, rest)) = args.split_first() else { return found };
    found.arguments(rest, name.ends_with("autossh"));
    if found.destination.is_none() {
        return found;
    }
    match found.config.clone() {
        Some(file) => found.configuration(&file, files, 0),
        None => FILES.into_iter().for_each(|file| found.configuration(file, files, 0)),
    }
    found
}

/// Splits `[bind:]port:host:port` into the near end and the far one.
fn forward(value: &str) -> Option<(&str, &str)> {
    // A colon inside brackets is the address's own.
    let mut depth = 0;
    let colons: Vec<usize> = value
        .char_indices()
        .filter(|(_, c)| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            *c == ':' && depth == 0
        })
        .map(|(at, _)| at)
        .collect();
    let is_socket = value.rsplit(':').next()?.starts_with('/');
    let at =
        *colons.len().checked_sub(if is_socket { 1 } else { 2 }).and_then(|at| colons.get(at))?;
    Some((&value[..at], &value[at + 1..]))
}

/// Returns the port of a near end, which may have the address to listen on before it, or the socket
/// that it is.
fn near_end(near: &str) -> Option<(u16, Option<String>)> {
    if near.starts_with('/') {
        return Some((0, Some(near.to_owned())));
    }
    Some((near.rsplit(':').next()?.parse().ok()?, None))
}

/// Splits `Name value` and `Name=value`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(|c: char| c == '=' || c.is_whitespace())?;
    Some((name, value.trim_start_matches(|c: char| c == '=' || c.is_whitespace())))
}
