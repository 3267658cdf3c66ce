//! The program that a client's name means.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use crate::error::{Error, Kind};
use crate::world::World;

/// Finds a client's program, past ourselves: `psql` may be a link to nightlatch.
///
/// # Errors
/// When there is none, or none that may be run.
pub(super) fn find(name: &OsStr, world: &World) -> Result<PathBuf, Error> {
    let not_found = || {
        Error::new(Kind::NotFound, format!("{} was not found.", name.to_string_lossy())).hint(
            format!("Install it, or put its folder on PATH: command -v {}", name.to_string_lossy()),
        )
    };
    if name.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return if path.exists() { Ok(path) } else { Err(not_found()) };
    }
    let own = fs::metadata("/proc/self/exe").map(|facts| (facts.dev(), facts.ino())).ok();
    let path = world.var_os("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let mut forbidden = None;
    for folder in std::env::split_paths(path) {
        let candidate = folder.join(name);
        let Ok(facts) = candidate.metadata() else { continue };
        if !facts.is_file() || Some((facts.dev(), facts.ino())) == own {
            continue;
        }
        if facts.permissions().mode() & 0o111 == 0 {
            forbidden = Some(candidate);
            continue;
        }
        return Ok(candidate);
    }
    match forbidden {
        Some(path) => Err(cannot_run(path.as_os_str(), &io::ErrorKind::PermissionDenied.into())),
        None => Err(not_found()),
    }
}

/// Says that a program cannot be run.
pub(super) fn cannot_run(name: &OsStr, error: &io::Error) -> Error {
    let kind =
        if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::CannotRun };
    Error::new(kind, format!("{} cannot be run.", name.to_string_lossy()))
        .because(error.to_string())
        .hint("Run it without nightlatch to see whether it works by itself.")
}
