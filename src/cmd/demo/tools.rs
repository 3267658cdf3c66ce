//! Finding PostgreSQL's server programs, which packages like to keep off PATH.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::program;
use crate::error::{Error, Kind};
use crate::target::pattern::glob;
use crate::world::World;

/// Where packages put the programs of a version: the folder above, the version's name as a
/// pattern, and where the programs are below it.
const PLACES: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "*", "bin"),
    ("/usr", "pgsql-*", "bin"),
    ("/usr/lib", "postgresql*", "bin"),
    ("/usr/libexec", "postgresql*", ""),
    ("/opt/homebrew/opt", "postgresql*", "bin"),
    ("/usr/local/opt", "postgresql*", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql*", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "*", "bin"),
];

/// How many of them an error names on one line.
const PLACES_PER_LINE: usize = 3;

/// What the server needs, all in one folder.
const SERVER: [&str; 2] = ["initdb", "postgres"];

/// What the demonstration runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tools {
    /// The folder of `initdb` and `postgres`.
    pub(super) server: PathBuf,
    /// The client.
    pub(super) psql: PathBuf,
}

/// Finds everything.
pub(super) fn find(world: &World) -> Result<Tools, Error> {
    let path = world.var_os("PATH").unwrap_or_default();
    let server = std::env::split_paths(path)
        .chain(PLACES.iter().flat_map(|place| versions(*place)))
        .find(|folder| SERVER.iter().all(|name| is_program(&folder.join(name))));
    let client = program::find(OsStr::new("psql"), world).ok();
    // Where the package is off PATH as a whole, the client is beside the server.
    let beside =
        || server.as_ref().map(|folder| folder.join("psql")).filter(|file| is_program(file));
    let client = client.or_else(beside);
    match (server, client) {
        (Some(server), Some(psql)) => Ok(Tools { server, psql }),
        (server, psql) => Err(missing(server.is_some(), psql.is_some())),
    }
}

/// Lists the folders of one place, the newest version first.
fn versions((above, pattern, below): (&str, &str, &str)) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(above) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| glob(pattern, name)).collect();
    names.sort_by_key(|name| Reverse(version(name)));
    names.iter().map(|name| Path::new(above).join(name).join(below)).collect()
}

/// Reads the version out of a folder's name: 9.6 comes before 15, and no number is the newest.
fn version(name: &str) -> Vec<u32> {
    let numbers: Vec<u32> =
        name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    if numbers.is_empty() { vec![u32::MAX] } else { numbers }
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn missing(has_server: bool, has_client: bool) -> Error {
    let what = match (has_server, has_client) {
        (false, false) => "PostgreSQL's programs initdb, postgres and psql were",
        (false, true) => "PostgreSQL's server programs initdb and postgres were",
        (true, _) => "PostgreSQL's client psql was",
    };
    let places: Vec<String> = PLACES
        .iter()
        .map(|(above, pattern, below)| format!("{above}/{pattern}/{below}"))
        .map(|place| place.trim_end_matches('/').to_owned())
        .collect();
    let rows: Vec<String> = places.chunks(PLACES_PER_LINE).map(|row| row.join(" ")).collect();
    let looked = format!("looked on PATH and in\n{}", rows.join("\n"));
    Error::new(Kind::NotFound, format!("{what} not found; the demo needs them."))
        .because(looked)
        .hint(
            "Debian, Ubuntu: apt install postgresql. Fedora: dnf install postgresql-server. \
             macOS:\n\
             brew install postgresql. Or see a verdict without any server:\n\
             echo 'delete from families;' | nightlatch check --client psql",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::error::render;
    use crate::ui::theme::Theme;

    #[test]
    fn versions_sort_as_numbers() {
        let mut names = ["9.6", "16", "10", "latest"];
        names.sort_by_key(|name| Reverse(version(name)));
        assert_eq!(names, ["latest", "16", "10", "9.6"]);
        assert!(version("postgresql@17") > version("postgresql@9.6"));
    }

    #[test]
    fn what_is_missing_is_said_with_a_next_step() {
        insta::assert_snapshot!(render(&missing(false, true), Theme::plain()), @r"
        nightlatch: PostgreSQL's server programs initdb and postgres were not found; the demo needs them.
          because: looked on PATH and in
            /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/lib/postgresql*/bin
            /usr/libexec/postgresql* /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin
            /home/linuxbrew/.linuxbrew/opt/postgresql*/bin /Applications/Postgres.app/Contents/Versions/*/bin
          try: Debian, Ubuntu: apt install postgresql. Fedora: dnf install postgresql-server. macOS:
            brew install postgresql. Or see a verdict without any server:
            echo 'delete from families;' | nightlatch check --client psql
        ");
        assert!(missing(false, false).message.contains("initdb, postgres and psql were not found"));
        assert!(missing(true, false).message.contains("psql was not found"));
    }
}
