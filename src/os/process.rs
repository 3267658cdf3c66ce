//! What other processes are doing just now, as far as the system tells.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;

/// What a process waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Blocked reading this descriptor.
    Reading(i32),
    /// Blocked in a `select` as readline calls it: for a key.
    AwaitingInput,
    /// Blocked until one of several descriptors is ready, as line editors and pagers are.
    Polling,
    /// Running, or about to: what it does next cannot be known.
    Running,
    /// Blocked writing: what it says is not whole yet.
    Writing,
    /// Blocked in something else: waiting for a child, sleeping.
    Elsewhere,
    /// The system does not tell (not Linux, or not our process).
    Unknown,
}

/// Looks at one process again and again, cheaply: one `pread` of a file kept open.
#[derive(Debug)]
pub struct Watch {
    pid: i32,
    syscall: Option<File>,
}

impl Watch {
    /// Begins to watch.
    #[must_use]
    pub fn new(pid: i32) -> Self {
        Self { pid, syscall: File::open(format!("/proc/{pid}/syscall")).ok() }
    }

    /// Returns the process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Tells what the process is doing.
    pub fn activity(&mut self) -> Activity {
        let Some(file) = &self.syscall else {
            return Activity::Unknown;
        };
        let mut buffer = [0; 128];
        match file.read_at(&mut buffer, 0) {
            Ok(count) => parse(&buffer[..count]),
            Err(_) => Activity::Unknown,
        }
    }
}

/// Reads one line of `/proc/PID/syscall`: `running`, or the call's number and arguments in hex.
fn parse(line: &[u8]) -> Activity {
    let Ok(line) = std::str::from_utf8(line) else {
        return Activity::Unknown;
    };
    if line.starts_with("running") {
        return Activity::Running;
    }
    let mut words = line.split_ascii_whitespace();
    let Some(number) = words.next().and_then(|word| word.parse::<i64>().ok()) else {
        return Activity::Unknown;
    };
    if is_read(number) {
        let fd = words
            .next()
            .and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok())
            .and_then(|fd| i32::try_from(fd).ok());
        return fd.map_or(Activity::Unknown, Activity::Reading);
    }
    if is_select(number) && words.next().is_some_and(|most| ["0x1", "0x400"].contains(&most)) {
        // readline passes FD_SETSIZE, others the one descriptor's number and 1. What waits for a
        // server polls.
        return Activity::AwaitingInput;
    }
    if is_write(number) {
        Activity::Writing
    } else if is_poll(number) {
        Activity::Polling
    } else {
        Activity::Elsewhere
    }
}

#[cfg(target_os = "linux")]
fn is_read(number: i64) -> bool {
    [libc::SYS_read, libc::SYS_readv].contains(&number)
}

#[cfg(target_os = "linux")]
fn is_write(number: i64) -> bool {
    [libc::SYS_write, libc::SYS_writev].contains(&number)
}

#[cfg(not(target_os = "linux"))]
fn is_write(_number: i64) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn is_poll(number: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if [libc::SYS_poll, libc::SYS_select, libc::SYS_epoll_wait].contains(&number) {
        return true;
    }
    [libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_epoll_pwait].contains(&number)
}

#[cfg(target_os = "linux")]
fn is_select(number: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_select {
        return true;
    }
    number == libc::SYS_pselect6
}

#[cfg(not(target_os = "linux"))]
fn is_select(_number: i64) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn is_read(_number: i64) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn is_poll(_number: i64) -> bool {
    false
}

/// Returns `pid` and everything below it, parents first.
#[must_use]
pub fn tree(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        next += 1;
        // Each thread has children of its own.
        let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { continue };
        for thread in threads.flatten() {
            let listed = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(listed.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
        }
    }
    found
}

/// Returns what is below a process and runs the same program: its workers.
#[must_use]
pub fn workers(pid: i32) -> Vec<i32> {
    let program = |pid: i32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let own = program(pid);
    let mut workers = tree(pid);
    workers.retain(|&below| below != pid && own.is_some() && program(below) == own);
    workers
}

/// Returns the name of the program a process runs, cut to 15 bytes by the system.
#[must_use]
pub fn name(pid: i32) -> Option<String> {
    // One read without a look at its size: this is asked of every process there is.
    let mut buffer = [0; 64];
    let count = File::open(format!("/proc/{pid}/comm")).ok()?.read(&mut buffer).ok()?;
    String::from_utf8(buffer[..count].to_vec()).ok().map(|name| name.trim_end().to_owned())
}

/// Returns whether a descriptor of another process is a terminal.
#[must_use]
pub fn is_terminal(pid: i32, fd: i32) -> bool {
    let names = ["/dev/tty", "/dev/pts/"];
    fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|path| {
        path.to_str().is_some_and(|path| names.iter().any(|name| path.starts_with(name)))
    })
}

/// Returns whether a descriptor of another process is the same pipe as one of ours.
#[must_use]
pub fn is_same_pipe(pid: i32, fd: i32, ours: impl std::os::fd::AsFd) -> bool {
    use std::os::fd::AsRawFd;
    let own = fs::read_link(format!("/proc/self/fd/{}", ours.as_fd().as_raw_fd()));
    let other = fs::read_link(format!("/proc/{pid}/fd/{fd}"));
    matches!((own, other), (Ok(own), Ok(other)) if own == other)
}

/// Returns how often a process has gone to sleep by itself: a sleeper whose number grows was woken
/// in between, by input or by a signal.
#[must_use]
pub fn wakeups(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// Returns a variable that a process was started with; none where nobody may look.
#[must_use]
pub fn variable(pid: i32, name: &str) -> Option<OsString> {
    let all = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let find =
        |pair: &[u8]| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_owned);
    all.split(|byte| *byte == 0).find_map(find).map(OsString::from_vec)
}

/// Returns the working directory of a process.
#[must_use]
pub fn working_directory(pid: i32) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Gives this process another name in process lists, so that ending "nightlatch" by name leaves
/// it alone: it is the one that keeps a refused statement from running.
///
/// Its arguments are taken away as well; nothing may read them after this.
pub fn rename_self(name: &std::ffi::CStr) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: PR_SET_NAME reads a NUL-terminated string, which a `CStr` is.
        unsafe {
            libc::prctl(libc::PR_SET_NAME, name.as_ptr());
        }
        overwrite_arguments(name);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

/// Puts a name in the place of the arguments that the system shows for this process.
#[cfg(target_os = "linux")]
fn overwrite_arguments(name: &std::ffi::CStr) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold anything; behind it stands the third field.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut places = fields.split_ascii_whitespace().skip(48 - 3).map(str::parse::<usize>);
    let (Some(Ok(start)), Some(Ok(end))) = (places.next(), places.next()) else { return };
    let name = name.to_bytes_with_nul();
    if start == 0 || end < start + name.len() {
        return;
    }
    // SAFETY: the kernel says that this process's own arguments lie there, in memory that can be
    // written to as long as it runs; no other thread runs, and nobody holds a reference into them.
    unsafe {
        let place = std::ptr::with_exposed_provenance_mut::<u8>(start);
        std::ptr::write_bytes(place, 0, end - start);
        std::ptr::copy_nonoverlapping(name.as_ptr(), place, name.len());
    }
}

/// Asks the kernel to end the calling process when its parent ends; for use between fork and
/// exec.
///
/// # Errors
/// When the parent has ended already.
pub fn end_with_parent(parent: i32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    if nix::unistd::getppid().as_raw() == parent {
        Ok(())
    } else {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_blocked_reader_is_seen_reading() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("cat is everywhere");
        let pid = i32::try_from(child.id()).expect("process ids fit");
        let mut watch = Watch::new(pid);
        let mut looks = 0_u32;
        while watch.activity() != Activity::Reading(0) {
            looks += 1;
            assert!(looks < 5_000_000, "cat never blocked: {:?}", watch.activity());
        }
        assert!(tree(super::super::job::own_pid()).contains(&pid));
        drop(child.stdin.take());
        child.wait().expect("cat ends at end of file");
        assert_eq!(watch.activity(), Activity::Unknown);
    }

    #[test]
    fn lines_of_the_kernel_are_understood() {
        assert_eq!(parse(b"running\n"), Activity::Running);
        assert_eq!(parse(b"0 0x3 0x7f 0x20000 0x0 0x0 0x0 0x7ffe 0x7f41\n"), Activity::Reading(3));
        let select = format!("{} 0x400 0x7ffe 0x0 0x0 0x0 0x0 0x7ffe 0x7f41\n", libc::SYS_pselect6);
        assert_eq!(parse(select.as_bytes()), Activity::AwaitingInput);
        let several = format!("{} 0x6 0x7ffe 0x0 0x0 0x0 0x0 0x7ffe 0x7f41\n", libc::SYS_pselect6);
        assert_eq!(parse(several.as_bytes()), Activity::Polling);
        assert_eq!(parse(b"-1 0x7ffe 0x7f41\n"), Activity::Elsewhere);
        assert_eq!(parse(b""), Activity::Unknown);
    }
}
