//! psql's own history file: which one it is.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::{self, Invocation};
use super::meta::{self, Item, Meta};
use super::rc::OwnRc;
use crate::clients::history::place::{Circumstances, named_or};
use crate::target::Address;

/// psql's variable.
const VARIABLE: &str = "HISTFILE";

/// Returns the file: the variable `HISTFILE` as the command line or the start-up file sets it, else
/// `PSQL_HISTORY`, else `~/.psql_history`.
///
/// # Errors
///
/// A phrase, where the variable is set to something that only psql knows.
pub fn files(here: &Circumstances<'_>) -> Result<Vec<PathBuf>, String> {
    let words = here.argv.get(1..).unwrap_or_default();
    let invocation = args::parse(words).unwrap_or_default();
    let home = here.world.home.as_deref();
    let set = match in_start_up_file(here, &invocation)? {
        Some(value) => Some(value),
        None => on_command_line(&invocation),
    };
    match set {
        Some(value) => Ok(vec![expand(&value, home)]),
        None => named_or(here, &["PSQL_HISTORY"], &[".psql_history"]),
    }
}

/// psql reads its start-up file after the command line, so this wins.
fn in_start_up_file(
    here: &Circumstances<'_>,
    invocation: &Invocation,
) -> Result<Option<String>, String> {
    if invocation.no_psqlrc {
        return Ok(None);
    }
    let world = here.world;
    // The version is not known; files for versions are rare.
    let rc = OwnRc::find(world.var("PSQLRC"), world.home.as_deref(), || None);
    let Some(path) = rc.path else { return Ok(None) };
    let Ok(text) = fs::read(&path) else { return Ok(None) };
    let text = String::from_utf8_lossy(&text);
    let items = meta::scan(&text);
    let mut sets = items.iter().filter_map(|item| match item {
        Item::Meta(meta) if is_set(meta) => Some(meta),
        Item::Meta(_) | Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => None,
    });
    let Some(last) = sets.next_back() else { return Ok(None) };
    // Several arguments become one text.
    let value = fill_in(&last.args[1..].concat(), here.address);
    let is_open = !last.shell.is_empty() || (last.is_dynamic && value.contains(':'));
    if is_open {
        let path = path.display();
        return Err(format!("{path} sets HISTFILE to something that only psql can work out"));
    }
    Ok(Some(value))
}

fn is_set(meta: &Meta) -> bool {
    meta.name == "set" && meta.args.len() > 1 && meta.args[0] == VARIABLE
}

fn on_command_line(invocation: &Invocation) -> Option<String> {
    let set = invocation.variables.iter().rev().find(|(name, _)| name == VARIABLE)?;
    set.1.clone()
}

/// Fills in what psql knows of the connection.
fn fill_in(value: &str, address: Option<&Address>) -> String {
    let Some(address) = address else { return value.to_owned() };
    let mut value = value.to_owned();
    let port = address.port.map(|port| port.to_string());
    for (name, with) in [
        (":DBNAME", &address.database),
        (":HOST", &address.host),
        (":PORT", &port),
        (":USER", &address.user),
    ] {
        if let Some(with) = with {
            value = value.replace(name, with);
        }
    }
    value
}

fn expand(value: &str, home: Option<&Path>) -> PathBuf {
    match (value.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn file(rc: &str, argv: &[&str], vars: &[(&str, &str)]) -> Result<String, String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".psqlrc"), rc).unwrap();
        let vars = vars.iter().map(|(name, value)| (name.into(), value.into()));
        let home_path = home.path().to_owned();
        let world = World { vars: vars.collect(), home: Some(home_path), cwd: "/".into() };
        let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
        let address = Address { database: Some("orders".to_owned()), ..Address::default() };
        let here = Circumstances { world: &world, argv: &argv, address: Some(&address) };
        let files = files(&here)?;
        let home = home.path().to_string_lossy().into_owned();
        Ok(files[0].to_string_lossy().replace(&home, "~"))
    }

    #[test]
    fn the_file_is_where_psql_writes_it() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(file("", &["psql"], &[]), ok("~/.psql_history"));
        assert_eq!(file("", &["psql"], &[("PSQL_HISTORY", "/h")]), ok("/h"));
        let set = ["psql", "-v", "HISTFILE=/v", "x"];
        assert_eq!(file("", &set, &[("PSQL_HISTORY", "/h")]), ok("/v"));
        let rc = "\\timing\n\\set HISTFILE ~/.psql_history- :DBNAME\n";
        assert_eq!(file(rc, &set, &[]), ok("~/.psql_history-orders"));
        assert_eq!(file(rc, &["psql", "-X"], &[]), ok("~/.psql_history"));
        for unknown in ["\\set HISTFILE `mktemp`\n", "\\set HISTFILE ~/h- :whatever\n"] {
            assert!(file(unknown, &["psql"], &[]).is_err(), "{unknown}");
        }
    }
}
