//! Where clients keep their history.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use crate::target::Address;
use crate::world::World;

/// What decides which file it is.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Variables and home.
    pub world: &'a World,
    /// The client's command line, program first.
    pub argv: &'a [String],
    /// Where it was connected.
    pub address: Option<&'a Address>,
}

type Files = Result<Vec<PathBuf>, String>;

/// `~/.mongodb/mongosh/mongosh_repl_history`.
pub(super) fn mongosh(here: &Circumstances<'_>) -> Files {
    home(here, &[".mongodb/mongosh/mongosh_repl_history"])
}

/// `~/.dbshell`, the legacy shell's.
pub(super) fn mongo(here: &Circumstances<'_>) -> Files {
    home(here, &[".dbshell"])
}

/// `PYTHON_HISTORY`, which 3.13 and later look at, else `~/.python_history`.
pub(super) fn python(here: &Circumstances<'_>) -> Files {
    named_or(here, &["PYTHON_HISTORY"], &[".python_history"])
}

/// `IPYTHONDIR` or `~/.ipython`, and there the profile's.
pub(super) fn ipython(here: &Circumstances<'_>) -> Files {
    let profile = here.argv.iter().find_map(|word| word.strip_prefix("--profile="));
    let file = format!("profile_{}/history.sqlite", profile.unwrap_or("default"));
    match here.world.var_os("IPYTHONDIR") {
        Some(folder) => Ok(vec![PathBuf::from(folder).join(file)]),
        None => home(here, &[&format!(".ipython/{file}")]),
    }
}

/// `REDISCLI_HISTFILE`, else `~/.rediscli_history`.
pub(super) fn redis(here: &Circumstances<'_>) -> Files {
    named_or(here, &["REDISCLI_HISTFILE"], &[".rediscli_history"])
}

/// `MARIADB_HISTFILE` or `MYSQL_HISTFILE`, else `~/.mariadb_history` or, of older versions,
/// `~/.mysql_history`.
pub(super) fn mariadb(here: &Circumstances<'_>) -> Files {
    named_or(here, &["MARIADB_HISTFILE", "MYSQL_HISTFILE"], &[".mariadb_history", ".mysql_history"])
}

/// `SQLITE_HISTORY`, else `~/.sqlite_history`.
pub(super) fn sqlite(here: &Circumstances<'_>) -> Files {
    named_or(here, &["SQLITE_HISTORY"], &[".sqlite_history"])
}

/// Returns the file that a variable names, else those below the home folder.
pub(in crate::clients) fn named_or(
    here: &Circumstances<'_>,
    variables: &[&str],
    below_home: &[&str],
) -> Files {
    match variables.iter().find_map(|name| here.world.var_os(name)) {
        Some(file) => Ok(vec![PathBuf::from(file)]),
        None => home(here, below_home),
    }
}

fn home(here: &Circumstances<'_>, below: &[&str]) -> Files {
    let home = here.world.home.as_ref().ok_or("the home folder is not known")?;
    Ok(below.iter().map(|path| home.join(path)).collect())
}
