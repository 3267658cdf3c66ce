//! What libpq reads beside the command line, gathered from the world.

use std::fs;
use std::path::{Path, PathBuf};

use super::args;
use crate::os::identity;
use crate::target::libpq::{Given, Surroundings};
use crate::world::World;

/// Where builds of libpq keep the system's service file; which one it is only libpq knows.
const SYSTEM_FOLDERS: [&str; 4] = [
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/usr/local/etc/postgresql",
    "/usr/local/pgsql/etc",
];

/// Gathers what libpq would read. A service file that cannot be read is left out, as libpq does.
#[must_use]
pub fn surroundings(world: &World) -> Surroundings {
    let vars = world
        .vars
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
        .filter(|(name, _)| name.starts_with("PG"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let own = world
        .var_os("PGSERVICEFILE")
        .map(PathBuf::from)
        .or_else(|| world.home.as_ref().map(|home| home.join(".pg_service.conf")));
    let system: Vec<PathBuf> = match world.var_os("PGSYSCONFDIR") {
        Some(folder) => vec![Path::new(folder).join("pg_service.conf")],
        None => {
            SYSTEM_FOLDERS.iter().map(|folder| Path::new(folder).join("pg_service.conf")).collect()
        }
    };
    let service_files = own
        .into_iter()
        .chain(system)
        .filter_map(|path| {
            let text = fs::read(&path).ok()?;
            let text = String::from_utf8_lossy(&text).into_owned();
            Some((path.display().to_string(), text))
        })
        .collect();
    let pass_file = world
        .var_os("PGPASSFILE")
        .map(PathBuf::from)
        .or_else(|| world.home.as_ref().map(|home| home.join(".pgpass")))
        .filter(|path| path.is_file())
        .and_then(|path| fs::read_to_string(path).ok());
    Surroundings { vars, service_files, pass_file, os_user: identity::user_name() }
}

/// Reads where a command line says that psql would connect.
///
/// # Errors
///
/// Returns a phrase where psql would refuse it.
pub fn given(args: &[String]) -> Result<Given, String> {
    let invocation =
        args::parse(args).map_err(|error| format!("it does not know {}", error.option))?;
    Ok(Given {
        dbname: invocation.dbname,
        host: invocation.host,
        port: invocation.port,
        user: invocation.username,
        cluster: invocation.cluster,
    })
}
