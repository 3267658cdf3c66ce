//! What runs on this machine, as /proc tells: who is there, whose child, and whether it spins.

use std::fs;
use std::path::PathBuf;

use nix::unistd::Pid;

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) name: String,
    pub(crate) state: char,
    /// Clock ticks spent running.
    pub(crate) ticks: u64,
}

impl Process {
    /// Reads one process; a zombie counts as gone.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let state = fields.first()?.chars().next()?;
        if state == 'Z' || state == 'X' {
            return None;
        }
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            name,
            state,
            ticks: fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?,
        })
    }

    /// Returns the process's environment and argv, as one text to look into.
    fn environment(&self) -> Vec<u8> {
        fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default()
    }

    /// Returns the process's arguments, joined with blanks.
    pub(crate) fn arguments(&self) -> String {
        let bytes = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
    }
}

/// Returns every process there is.
pub(crate) fn all() -> Vec<Process> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    folder
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Process::read)
        .collect()
}

/// Returns every process that was started with the variable in its environment: all that a world
/// has started, whoever adopted it since.
pub(crate) fn with_variable(assignment: &str) -> Vec<Process> {
    all()
        .into_iter()
        .filter(|process| {
            process.environment().split(|byte| *byte == 0).any(|one| one == assignment.as_bytes())
        })
        .collect()
}

/// Returns the process's descendants, nearest first.
pub(crate) fn descendants(pid: Pid) -> Vec<Process> {
    let all = all();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![pid.as_raw()];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            found.push(process.clone());
        }
    }
    found
}

/// Draws a process and its descendants for a failure message.
pub(crate) fn tree(pid: Pid) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let own = Process::read(pid.as_raw());
    for process in own.into_iter().chain(descendants(pid)) {
        let wchan = fs::read_to_string(PathBuf::from(format!("/proc/{}/wchan", process.pid)));
        writeln!(
            text,
            "{:>7} (parent {:>7}) {} {:<14} {}",
            process.pid,
            process.parent,
            process.state,
            wchan.unwrap_or_default(),
            process.arguments()
        )
        .expect("memory");
    }
    text
}
