//! The option files of MySQL's clients: the person's own and those that a command line names. What
//! the machine has for all of its users names no other machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::settings;
use crate::world::World;

/// The person's own, below home.
const OWN: &str = ".my.cnf";

/// Groups that clients read.
const GROUPS: &[&str] =
    &["client", "client-server", "client-mariadb", "mysql", "mariadb-client", "mariadb"];

/// Returns what the option files set, by long options without dashes.
#[must_use]
pub fn options(args: &[String], world: &World) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut suffix = "";
    let own = world.home.as_ref().map(|home| home.join(OWN));
    let mut files: Vec<PathBuf> = own.into_iter().collect();
    // They count only before all others.
    for arg in args {
        match arg.split_once('=').unwrap_or((arg, "")) {
            ("--no-defaults", _) => files.clear(),
            ("--defaults-file", file) => files = vec![world.cwd.join(file)],
            ("--defaults-extra-file", file) => files.push(world.cwd.join(file)),
            ("--defaults-group-suffix", own) => suffix = own,
            _ => {}
        }
    }
    for text in files.iter().filter_map(|file| settings::small_file(file)) {
        read(&text, suffix, &mut found);
    }
    found
}

fn read(text: &str, suffix: &str, found: &mut BTreeMap<String, String>) {
    let mut is_read = false;
    for line in text.lines().map(str::trim) {
        if let Some(group) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let plain = group.strip_suffix(suffix).unwrap_or(group);
            is_read = GROUPS.contains(&group) || GROUPS.contains(&plain);
        } else if is_read
            && !line.starts_with(['#', ';', '!'])
            && let Some((name, value)) = line.split_once('=')
        {
            let value = value.split(" #").next().unwrap_or_default().trim();
            let value = value.trim_matches(['"', '\'']);
            found.insert(name.trim().replace('_', "-"), value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_clients_are_read() {
        let text = "[mysqld]\nhost=server\n[client]\n# host=old\nhost = 'db1' \nport=3307 # note\n\
                    ssl\n[mysql-live]\nhost=db2\n[mysqldump]\nhost=db3\n!include x\n[mysql]\ndatabase=\"shop\"";
        for (suffix, expected) in [
            ("", "database=shop host=db1 port=3307"),
            ("-live", "database=shop host=db2 port=3307"),
        ] {
            let mut found = BTreeMap::new();
            read(text, suffix, &mut found);
            let found: Vec<String> =
                found.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(found.join(" "), expected, "{suffix}");
        }
    }
}
