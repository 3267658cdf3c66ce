//! What speaks with us from inside a client: its files, laid out where the client finds them, and
//! the socket.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::clients::Hook;
use crate::error::Error;
use crate::os::random;
use crate::os::socket::Socket;
use crate::relay::asked::Asking;
use crate::tap::Server;
use crate::world::World;

/// Variables of a client, to set or to take away.
pub(super) type Vars = Vec<(OsString, Option<OsString>)>;

/// Names the socket to the hook.
pub(super) const SOCKET: &str = "NIGHTLATCH_SOCK";

/// Makes the socket and the files; returns what listens, and the client's arguments and variables.
///
/// # Errors
/// When neither can be made anywhere.
pub(super) fn open(
    hook: Hook,
    args: &[OsString],
    world: &World,
    data_dir: Option<PathBuf>,
) -> Result<(Asking, Vec<OsString>, Vars), Error> {
    let Prepared { server, folder, args, vars } = prepare(&hook, args, world, data_dir)?;
    Ok((Asking::new(server, hook, folder, world.clone()), args, vars))
}

/// What a client with a hook is started with.
pub(super) struct Prepared {
    /// Listens to the hook.
    pub(super) server: Server,
    /// Where its files are.
    pub(super) folder: PathBuf,
    /// The client's arguments.
    pub(super) args: Vec<OsString>,
    /// Its variables.
    pub(super) vars: Vars,
}

/// Makes the socket, and the files: below a data folder to be kept for the next client, or else
/// beside the socket.
///
/// # Errors
/// When neither can be made anywhere.
pub(super) fn prepare(
    hook: &Hook,
    args: &[OsString],
    world: &World,
    data_dir: Option<PathBuf>,
) -> Result<Prepared, Error> {
    let socket = listen(world)?;
    let folder = install(hook, data_dir, socket.path())?;
    let own = (hook.vars)(&folder, world);
    let mut vars: Vars = own.into_iter().map(|(name, value)| (name, Some(value))).collect();
    vars.push((SOCKET.into(), Some(socket.path().into())));
    let args = (hook.args)(&folder, args);
    Ok(Prepared { server: Server::new(socket), folder, args, vars })
}

/// Makes the socket that a program tells on which the client starts in place of another; returns
/// what listens, and the variable that names it.
///
/// # Errors
/// When it can be made nowhere.
pub(super) fn open_to_programs(world: &World) -> Result<(Asking, Vars), Error> {
    let socket = listen(world)?;
    let vars = vec![(SOCKET.into(), Some(socket.path().into()))];
    Ok((Asking::to_programs(Server::new(socket)), vars))
}

fn listen(world: &World) -> Result<Socket, Error> {
    let token = random::token();
    let runtime = world.var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let temporary = world.var_os("TMPDIR").map(PathBuf::from);
    let bases: Vec<&Path> =
        [&runtime, &temporary].into_iter().flatten().map(AsRef::as_ref).collect();
    Socket::open(&bases, &token).map_err(|error| {
        Error::ours("The socket for the client's guard cannot be made.")
            .because(error)
            .hint("Set TMPDIR to a folder that you can write to.")
    })
}

/// Lays the files out in a folder that only this user can enter: one for each version, so that
/// what a client has compiled of them can be used again.
fn install(hook: &Hook, data_dir: Option<PathBuf>, socket: &Path) -> Result<PathBuf, Error> {
    let version =
        format!("{}-{}-{}", hook.name, env!("CARGO_PKG_VERSION"), fingerprint(hook.files));
    let beside = socket.parent().map(Path::to_owned);
    let folders = [data_dir.map(|data| data.join("hooks").join(&version)), beside];
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for folder in folders.into_iter().flatten() {
        match lay_out(hook.files, &folder) {
            Ok(()) => return Ok(folder),
            Err(error) => last = error,
        }
    }
    Err(Error::ours("The files of the client's guard cannot be written.")
        .because(last)
        .hint("Free some space, or set NIGHTLATCH_DATA_DIR to another disk."))
}

fn lay_out(files: &[(&str, &str)], folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // A folder that was there before may have been opened up since.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for (name, text) in files {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        // Others may be starting a client just now: a file is there whole or not at all.
        let draft = folder.join(format!(".{name}.{}", random::token()));
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&draft, &path))
            .inspect_err(|_| drop(fs::remove_file(&draft)))?;
    }
    Ok(())
}

/// Tells contents apart; builds of one version may differ.
fn fingerprint(files: &[(&str, &str)]) -> String {
    // FNV-1a: short, the same everywhere, and nobody's secret.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in files.iter().flat_map(|(name, text)| name.bytes().chain(text.bytes())) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_laid_out_once_and_repaired() {
        let base = tempfile::tempdir().expect("tempdir");
        let folder = base.path().join("a/b");
        let files = [("one.py", "x = 1\n"), ("two.py", "")];
        lay_out(&files, &folder).expect("written");
        fs::write(folder.join("one.py"), "x = 2\n").expect("written");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("mode");
        lay_out(&files, &folder).expect("written");
        assert_eq!(fs::read_to_string(folder.join("one.py")).expect("there"), "x = 1\n");
        let mode = fs::metadata(&folder).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(fs::read_dir(&folder).expect("there").count(), 2);
    }

    #[test]
    fn contents_are_told_apart() {
        assert_ne!(fingerprint(&[("a", "x")]), fingerprint(&[("a", "y")]));
    }
}
