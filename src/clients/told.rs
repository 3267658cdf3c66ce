//! Command lines of clients that cannot be run yet: where they would connect can be told.

use std::collections::BTreeMap;

use super::{my_cnf, url};
use crate::target::{Address, Decided, Evidence, Known, Strength};
use crate::world::World;

/// Options with their values, by their names as given, and the other words.
type Scanned = (BTreeMap<String, String>, Vec<String>);

/// Reads a command line. `letters` are the short options that take a value, `longs` the long ones
/// that take it as the next word.
fn scan(args: &[String], letters: &str, longs: &[&str]) -> Scanned {
    let (mut options, mut words) = (BTreeMap::new(), Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            Some(_) | None => (arg.as_str(), None),
        };
        let letter = name.strip_prefix('-').and_then(|rest| rest.chars().next());
        match letter {
            None => words.push(arg.clone()),
            Some(_) if value.is_some() => {
                options.insert(name.to_owned(), value.unwrap_or_default());
            }
            Some(_) if longs.contains(&name) => {
                options.insert(name.to_owned(), rest.next().cloned().unwrap_or_default());
            }
            Some(letter) if letters.contains(letter) => {
                let joined = &name[1 + letter.len_utf8()..];
                let value = match joined {
                    "" => rest.next().cloned().unwrap_or_default(),
                    joined => joined.to_owned(),
                };
                options.insert(format!("-{letter}"), value);
            }
            Some(_) => {}
        }
    }
    (options, words)
}

fn first(options: &BTreeMap<String, String>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| options.get(*name)).filter(|value| !value.is_empty()).cloned()
}

fn command_line(address: Address, known: &Known<'_>) -> Vec<Decided> {
    url::from_addresses(std::iter::once(("the command line", address)), known)
}

/// `mysql [OPTIONS] [DATABASE]`.
///
/// # Errors
/// Never: what the client refuses goes nowhere.
pub fn mysql(args: &[String], world: &World, known: &Known<'_>) -> Result<Vec<Decided>, String> {
    let longs = ["--host", "--port", "--user", "--database", "--socket", "--login-path"];
    let (options, words) = scan(args, "hPuDSe", &longs);
    let file = my_cnf::options(args, world);
    // The command line counts more than the option files, and those more than variables.
    let value = |short: &str, long: &str, variable: &str| {
        let given = first(&options, &[short, &format!("--{long}")]);
        let written = || file.get(long).filter(|value| !value.is_empty()).cloned();
        given.or_else(written).or_else(|| world.var(variable).map(str::to_owned))
    };
    let host = value("-h", "host", "MYSQL_HOST");
    if let Some(path) = options.get("--login-path").filter(|_| host.is_none()) {
        // What it stands for is kept where nobody can read it.
        let named = Evidence::in_name(path, Strength::Name, "login path");
        let nowhere = url::from_addresses(std::iter::empty::<(&str, Address)>(), known);
        let also = |decided: Decided| decided.also(named.clone().into_iter().collect());
        return Ok(nowhere.into_iter().map(also).collect());
    }
    let socket = value("-S", "socket", "MYSQL_UNIX_PORT");
    let is_local = host.as_deref().is_none_or(|host| host == "localhost");
    let host = if is_local { socket.or(host) } else { host };
    let port = value("-P", "port", "MYSQL_TCP_PORT");
    let database = value("-D", "database", "");
    let address = Address {
        user: value("-u", "user", ""),
        host: host.or_else(|| Some("localhost".to_owned())),
        port: port.and_then(|port| port.parse().ok()).or(Some(3306)),
        database: words.first().cloned().or(database),
    };
    Ok(command_line(address, known))
}

/// `redis-cli [OPTIONS] [COMMAND…]`.
///
/// # Errors
/// Never: what the client refuses goes nowhere.
pub fn redis(args: &[String], world: &World, known: &Known<'_>) -> Result<Vec<Decided>, String> {
    let (options, _) = scan(args, "hpnsua", &["--user", "--pass"]);
    if let Some(url) = options.get("-u") {
        let found = url::addresses(url, &world.cwd)
            .into_iter()
            .map(|address| ("the command line", address));
        return Ok(url::from_addresses(found, known));
    }
    let host = first(&options, &["-s"]).or_else(|| first(&options, &["-h"]));
    let address = Address {
        user: first(&options, &["--user"]),
        host: host.or_else(|| Some("127.0.0.1".to_owned())),
        port: first(&options, &["-p"]).and_then(|port| port.parse().ok()).or(Some(6379)),
        database: first(&options, &["-n"]),
    };
    Ok(command_line(address, known))
}

/// `sqlite3 [OPTIONS] [FILE [SQL]]`.
///
/// # Errors
/// Never: what the client refuses goes nowhere.
pub fn sqlite(args: &[String], world: &World, known: &Known<'_>) -> Result<Vec<Decided>, String> {
    let longs = ["-cmd", "-init", "-separator", "-newline", "-nullvalue", "-vfs", "-mmap"];
    let (_, words) = scan(args, "", &longs);
    let name = words.first().map_or(":memory:", String::as_str);
    let name = name.strip_prefix("file:").map_or(name, |uri| uri.split('?').next().unwrap_or(uri));
    Ok(command_line(url::file(name, &world.cwd), known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_from_words() {
        let args: Vec<String> =
            ["-hdb", "-P", "3307", "--user=me", "--database", "x", "-v", "shop", ""]
                .map(str::to_owned)
                .to_vec();
        let (options, words) = scan(&args, "hP", &["--database"]);
        let options: Vec<String> =
            options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        assert_eq!(options, ["--database x", "--user me", "-P 3307", "-h db"]);
        assert_eq!(words, ["shop", ""]);
    }
}
