//! Facts about open files: which of them are the same one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::stat::{FileStat, SFlag, fstat};

/// Most descriptors that are looked at where the system does not list the open ones.
const MOST_DESCRIPTORS: i32 = 65_536;

/// What kind of thing stands behind a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// A regular file, which can be read ahead and rewound.
    File,
    /// A pipe, socket or terminal: what is read is gone.
    Stream,
}

/// Tells what is behind `fd`.
///
/// # Errors
/// When the descriptor is closed.
pub fn behind(fd: BorrowedFd<'_>) -> io::Result<Behind> {
    Ok(if kind(&fstat(fd)?) == SFlag::S_IFREG { Behind::File } else { Behind::Stream })
}

/// Returns whether both descriptors are the same file or pipe, so that what is written to them
/// must stay in order.
#[must_use]
pub fn is_same(one: impl AsFd, other: impl AsFd) -> bool {
    match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => one.st_dev == other.st_dev && one.st_ino == other.st_ino,
        _ => false,
    }
}

/// Returns how many bytes an ordinary user may still write where `path` is.
///
/// # Errors
/// When nothing is there.
pub fn free_bytes(path: &std::path::Path) -> io::Result<u64> {
    let facts = nix::sys::statvfs::statvfs(path)?;
    Ok(facts.blocks_available().saturating_mul(facts.fragment_size()))
}

/// Tells whether we may write where `path` is, and the file system lets anybody.
#[must_use]
pub fn is_writable(path: &std::path::Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}

/// Makes a pipe whose ends are closed on exec: reader, writer.
///
/// # Errors
/// When no descriptors are left.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

/// Closes every descriptor of this process but these, whoever owns them: for a copy of a process
/// that uses nothing else of it any more.
pub(super) fn close_all_but(kept: &[i32]) {
    let listed = std::fs::read_dir("/dev/fd").map(|entries| {
        let names = entries.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).collect::<Vec<i32>>()
    });
    // Without /proc: every number there can be.
    let numbers = listed.unwrap_or_else(|_| {
        let most = nix::unistd::sysconf(nix::unistd::SysconfVar::OPEN_MAX).ok().flatten();
        let most = most.and_then(|most| i32::try_from(most).ok()).unwrap_or(MOST_DESCRIPTORS);
        (0..most.min(MOST_DESCRIPTORS)).collect()
    });
    for number in numbers.into_iter().filter(|number| !kept.contains(number)) {
        // SAFETY: the caller has promised that nothing uses it any more; closing one that is not
        // open, such as the listed folder's own by now, does nothing.
        unsafe {
            libc::close(number);
        }
    }
}

/// Opens the pipe behind `fd` once more for writing without waiting: making `fd` itself
/// non-blocking would change it for everybody who shares it.
///
/// # Errors
/// When it is no pipe, or the system has no such door.
pub fn reopen_for_writing(fd: impl AsFd) -> io::Result<std::fs::File> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    if kind(&fstat(&fd)?) != SFlag::S_IFIFO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    std::fs::OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()))
}

/// Makes reads from `fd` return at once.
///
/// # Errors
/// When the descriptor is closed.
pub fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
    fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}
