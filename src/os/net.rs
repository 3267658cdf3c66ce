//! The sockets of processes, as far as the system tells: on Linux by `/proc`, elsewhere not at all.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::process;

/// States of a connection as the kernel numbers them.
const ESTABLISHED: &str = "01";
const CONNECTING: &str = "02";
const LISTENING: &str = "0A";

/// One running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its name, cut to 15 bytes by the system.
    pub name: String,
    /// Its command line; what is not UTF-8 in it is replaced.
    pub args: Vec<String>,
}

/// One line of the kernel's table of sockets.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    local: SocketAddr,
    remote: SocketAddr,
    state: String,
    inode: u64,
}

/// Returns the programs whose names are meant, whoever runs them.
#[must_use]
pub fn processes(is_meant: impl Fn(&str) -> bool) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|pid| {
            let name = process::name(pid).filter(|name| is_meant(name))?;
            let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line);
            let args = line.trim_end_matches('\0').split('\0').map(str::to_owned).collect();
            Some(Process { pid, name, args })
        })
        .collect()
}

/// Returns the TCP ports a process listens on; none where its descriptors may not be looked at.
#[must_use]
pub fn listens(pid: i32) -> Option<Vec<u16>> {
    let sockets = sockets(pid)?;
    let mut ports: Vec<u16> = table(pid)
        .into_iter()
        .filter(|row| row.state == LISTENING && sockets.contains(&row.inode))
        .map(|row| row.local.port())
        .collect();
    ports.sort_unstable();
    ports.dedup();
    Some(ports)
}

/// Returns where the TCP connections of a process and of all below it go.
#[must_use]
pub fn peers(pid: i32) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = process::tree(pid)
        .into_iter()
        .filter_map(|pid| Some((sockets(pid).filter(|sockets| !sockets.is_empty())?, table(pid))))
        .flat_map(|(sockets, rows)| {
            let is_ours = move |row: &Row| {
                [ESTABLISHED, CONNECTING].contains(&row.state.as_str())
                    && sockets.contains(&row.inode)
            };
            rows.into_iter().filter(is_ours).map(|row| row.remote)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the sockets among a process's descriptors, by the kernel's number.
fn sockets(pid: i32) -> Option<Vec<u64>> {
    let socket = |path: &Path| {
        path.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
    };
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Some(links.filter_map(|path| socket(&path)).collect())
}

/// Reads the sockets of the network that a process lives in.
fn table(pid: i32) -> Vec<Row> {
    ["tcp", "tcp6"]
        .iter()
        .filter_map(|name| fs::read_to_string(format!("/proc/{pid}/net/{name}")).ok())
        .flat_map(|text| text.lines().filter_map(row).collect::<Vec<_>>())
        .collect()
}

/// Reads `0: 0100007F:1538 00000000:0000 0A …`; the headline is none.
fn row(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
    let state = words.next()?.to_owned();
    let inode = words.nth(5)?.parse().ok()?;
    Some(Row { local, remote, state, inode })
}

/// Reads an address whose words of 32 bits are written as this machine has them in memory.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| {
        let word = ip.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut octets = [0; 16];
            for (at, place) in octets.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn own_sockets_are_seen() {
        let own = super::super::job::own_pid();
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(place) else { continue };
            let address = listener.local_addr().expect("bound");
            assert!(listens(own).expect("ours").contains(&address.port()), "{place}");
            let _stream = TcpStream::connect(address).expect("connects");
            assert!(peers(own).contains(&address), "{place}");
        }
        let name = process::name(own).expect("named");
        let found = processes(|other| other == name);
        assert!(found.iter().any(|process| process.pid == own && !process.args.is_empty()));
    }

    #[test]
    fn lines_of_the_kernel_are_read() {
        let line = "   1: 0100007F:1538 0201A8C0:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 77 1 0 20 4";
        let row = row(line).expect("a row");
        assert_eq!(row.inode, 77);
        assert_eq!((row.local.port(), row.state.as_str()), (5432, "01"));
        if cfg!(target_endian = "little") {
            assert_eq!(row.remote.to_string(), "192.168.1.2:443");
        }
        for line in ["", "  sl  local_address rem_address   st", "0: zz:1 00000000:0 0A", "0: 1"] {
            assert_eq!(super::row(line), None, "{line}");
        }
    }
}
