//! The unix socket that hooks inside a client speak to us on: in a folder of its own, and for
//! processes of the same user only.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// A socket's name has room for 107 bytes; the file's own name needs a few of them.
const MOST_FOLDER_BYTES: usize = 90;

/// A listening socket; file and folder go with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    folder: PathBuf,
    path: PathBuf,
}

impl Socket {
    /// Makes a socket in a new folder that only this user can enter: below the first of `bases`
    /// that has room for its name, else below `/tmp`. `token` makes the name unique.
    ///
    /// # Errors
    /// When no such folder can be made.
    pub fn open(bases: &[&Path], token: &str) -> io::Result<Self> {
        let tmp = Path::new("/tmp");
        let name = format!("nightlatch-{token}");
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for base in bases.iter().chain([&tmp]) {
            let folder = base.join(&name);
            if folder.as_os_str().len() > MOST_FOLDER_BYTES || !base.is_absolute() {
                continue;
            }
            match Self::open_in(&folder) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn open_in(folder: &Path) -> io::Result<Self> {
        // Fails where anything of that name is there already.
        fs::DirBuilder::new().mode(0o700).create(folder)?;
        let path = folder.join("tap");
        let listener = UnixListener::bind(&path)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        match listener {
            Ok(listener) => Ok(Self { listener, folder: folder.to_owned(), path }),
            Err(error) => {
                // An empty folder of no use to anybody.
                drop(fs::remove_file(&path));
                drop(fs::remove_dir(folder));
                Err(error)
            }
        }
    }

    /// Returns the socket's name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the next connection; none when there is none just now. One from another user is
    /// closed and an error.
    ///
    /// # Errors
    /// When the other side is somebody else, or the system has no descriptor left.
    pub fn accept(&self) -> io::Result<Option<UnixStream>> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let peer = peer_user(&stream)?;
        if peer != geteuid().as_raw() && peer != 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        stream.set_nonblocking(true)?;
        Ok(Some(stream))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Left behind they hold nothing and answer nobody.
        drop(fs::remove_file(&self.path));
        drop(fs::remove_dir(&self.folder));
    }
}

/// Returns who is at the other end, as the kernel says.
#[cfg(target_os = "linux")]
fn peer_user(stream: &UnixStream) -> io::Result<u32> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    Ok(getsockopt(stream, PeerCredentials)?.uid())
}

/// Returns who is at the other end, as the kernel says.
#[cfg(not(target_os = "linux"))]
fn peer_user(stream: &UnixStream) -> io::Result<u32> {
    Ok(nix::unistd::getpeereid(stream)?.0.as_raw())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_socket_is_private_and_goes_with_its_folder() {
        let base = tempfile::tempdir().expect("tempdir");
        let long = base.path().join("x".repeat(100));
        let socket = Socket::open(&[&long, base.path()], "abc").expect("made");
        let folder = base.path().join("nightlatch-abc");
        let mode = fs::metadata(&folder).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(socket.accept().expect("nobody").is_none());
        let _client = UnixStream::connect(socket.path()).expect("connects");
        assert!(socket.accept().expect("ours").is_some());
        drop(socket);
        assert!(!folder.exists());
    }

    #[test]
    fn a_folder_that_is_there_is_not_used() {
        let base = tempfile::tempdir().expect("tempdir");
        fs::create_dir(base.path().join("nightlatch-abc")).expect("made");
        let token = format!("abc-{}", std::process::id());
        let socket = Socket::open(&[base.path()], &token).expect("made");
        let again = Socket::open(&[base.path()], &token).map(|other| other.path().to_owned());
        assert_ne!(again.ok().as_deref(), Some(socket.path()));
    }
}
