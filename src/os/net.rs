//! The sockets of processes, as far as the system tells: on Linux by `/proc` and the kernel's own
//! list of sockets, elsewhere not at all.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::process;

/// States of a connection, each a bit at the kernel's number for it.
const OPEN: u32 = 1 << 1 | 1 << 2;
const LISTENING: u32 = 1 << 10;

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

/// One TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Socket {
    local: u16,
    remote: SocketAddr,
    /// The kernel's number, which `/proc` tells for each descriptor.
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

/// Who listens on this machine's ports, as it was at one moment.
#[derive(Debug)]
pub struct Listening(Option<Vec<Socket>>);

impl Listening {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        Self(sockets(LISTENING).ok())
    }

    /// Returns the TCP ports a process listens on; none where nobody may look.
    #[must_use]
    pub fn of(&self, pid: i32) -> Option<Vec<u16>> {
        let (all, own) = (self.0.as_ref()?, inodes(pid)?);
        let ours = all.iter().filter(|socket| own.contains(&socket.inode));
        let mut ports: Vec<u16> = ours.map(|socket| socket.local).collect();
        ports.sort_unstable();
        ports.dedup();
        Some(ports)
    }
}

/// Returns where the TCP connections of a process and of all below it go.
#[must_use]
pub fn peers(pid: i32) -> Vec<SocketAddr> {
    let own: Vec<u64> = process::tree(pid).into_iter().filter_map(inodes).flatten().collect();
    let all = sockets(OPEN).unwrap_or_default();
    let ours = all.into_iter().filter(|socket| own.contains(&socket.inode));
    let mut found: Vec<SocketAddr> = ours.map(|socket| socket.remote).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the kernel's numbers of the sockets among a process's descriptors, in the order of those:
/// another connection has another. None where nobody may look.
#[must_use]
pub fn inodes(pid: i32) -> Option<Vec<u64>> {
    let socket = |path: &Path| {
        path.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
    };
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Some(links.filter_map(|path| socket(&path)).collect())
}

/// Asks the kernel for the TCP sockets in some states (`sock_diag(7)`). Its tables in `/proc/net`
/// walk all there could be, for milliseconds at each read.
#[cfg(target_os = "linux")]
fn sockets(states: u32) -> io::Result<Vec<Socket>> {
    use nix::sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
    };
    use std::os::fd::AsRawFd;

    /// A request's bytes, header included.
    const REQUEST_BYTES: u32 = 72;
    /// `SOCK_DIAG_BY_FAMILY`, and `NLM_F_REQUEST | NLM_F_DUMP`.
    const KIND: u16 = 20;
    const FLAGS: u16 = 0x301;
    /// Room for one answer; the kernel makes none that is longer.
    const ANSWER_BYTES: usize = 64 << 10;

    let kernel = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkSockDiag,
    )?;
    let mut found = Vec::new();
    let mut answer = vec![0; ANSWER_BYTES];
    for family in [libc::AF_INET, libc::AF_INET6] {
        let mut request = Vec::with_capacity(REQUEST_BYTES as usize);
        request.extend(REQUEST_BYTES.to_ne_bytes());
        request.extend(KIND.to_ne_bytes());
        request.extend(FLAGS.to_ne_bytes());
        // Sequence and sender: there is one question at a time, from us.
        request.extend([0; 8]);
        request.extend([u8::try_from(family).unwrap_or_default(), 6, 0, 0]);
        request.extend(states.to_ne_bytes());
        request.resize(REQUEST_BYTES as usize, 0);
        send(kernel.as_raw_fd(), &request, MsgFlags::empty())?;
        loop {
            let count = recv(kernel.as_raw_fd(), &mut answer, MsgFlags::empty())?;
            if !messages(&answer[..count], &mut found)? {
                break;
            }
        }
    }
    Ok(found)
}

#[cfg(not(target_os = "linux"))]
fn sockets(_states: u32) -> io::Result<Vec<Socket>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads the messages of one answer; returns whether more answers follow.
fn messages(mut answer: &[u8], found: &mut Vec<Socket>) -> io::Result<bool> {
    /// `nlmsghdr`, and two of its kinds.
    const HEADER_BYTES: usize = 16;
    const ERROR: u16 = 2;
    const DONE: u16 = 3;

    while let Some(header) = answer.get(..HEADER_BYTES) {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some(message) = answer.get(HEADER_BYTES..length) else { break };
        match u16::from_ne_bytes([header[4], header[5]]) {
            DONE => return Ok(false),
            ERROR => return Err(io::ErrorKind::Unsupported.into()),
            _ => found.extend(one(message)),
        }
        answer = answer.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

/// Reads an `inet_diag_msg`.
fn one(message: &[u8]) -> Option<Socket> {
    let port = |at: usize| Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?));
    let address: [u8; 16] = message.get(24..40)?.try_into().ok()?;
    let ip = if i32::from(*message.first()?) == libc::AF_INET {
        let [a, b, c, d, ..] = address;
        IpAddr::from([a, b, c, d])
    } else {
        IpAddr::V6(Ipv6Addr::from(address)).to_canonical()
    };
    let inode = u32::from_ne_bytes(message.get(68..72)?.try_into().ok()?);
    let remote = SocketAddr::new(ip, port(6)?);
    Some(Socket { local: port(4)?, remote, inode: u64::from(inode) })
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
            let ports = Listening::look().of(own).expect("ours");
            assert!(ports.contains(&address.port()), "{place}");
            let _stream = TcpStream::connect(address).expect("connects");
            assert!(peers(own).contains(&address), "{place}");
        }
        let name = process::name(own).expect("named");
        let found = processes(|other| other == name);
        assert!(found.iter().any(|process| process.pid == own && !process.args.is_empty()));
    }

    #[test]
    fn torn_answers_are_no_sockets() {
        let mut found = Vec::new();
        for bytes in [&[][..], &[0; 16], &[255; 40], &[20, 0, 0, 0, 20, 0, 0, 0, 0, 0]] {
            assert!(messages(bytes, &mut found).is_ok_and(|has_more| has_more), "{bytes:?}");
        }
        assert_eq!(found, []);
    }
}
