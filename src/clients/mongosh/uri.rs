//! Where a mongosh command line connects.

use super::args::{Invocation, parse};
use crate::clients::url;
use crate::target::{Address, Decided, Known};
use crate::world::World;

/// Where it connects when nothing is said.
const LOCAL: &str = "127.0.0.1";
const PORT: u16 = 27017;

/// The database of a connection that names none.
const DATABASE: &str = "test";

/// Decides where a command line would connect, the most dangerous place first.
///
/// # Errors
/// Never: what mongosh refuses goes nowhere.
pub fn decide(words: &[String], world: &World, known: &Known<'_>) -> Result<Vec<Decided>, String> {
    let places = addresses(&parse(words), world).into_iter();
    Ok(url::from_addresses(places.map(|address| ("the command line", address)), known))
}

fn addresses(invocation: &Invocation, world: &World) -> Vec<Address> {
    if invocation.nodb {
        return Vec::new();
    }
    let specifier = invocation.specifier.as_deref().unwrap_or_default();
    let mut found = match specifier.split_once("://") {
        Some(("mongodb" | "mongodb+srv", _)) => url::addresses(specifier, &world.cwd),
        _ => named(specifier, invocation),
    };
    for address in &mut found {
        address.database.get_or_insert_with(|| DATABASE.to_owned());
        if invocation.username.is_some() {
            address.user.clone_from(&invocation.username);
        }
    }
    found
}

/// Reads `host:port/database` or the name of a database, beside `--host` and `--port`.
fn named(specifier: &str, invocation: &Invocation) -> Vec<Address> {
    let (place, database) = match specifier.split_once('/') {
        Some((place, database)) => (place, database),
        None if specifier.contains(['.', ':']) => (specifier, ""),
        None => ("", specifier),
    };
    let given = invocation.host.as_deref().unwrap_or_default();
    // Before the hosts may stand the name of their replica set.
    let hosts = if place.is_empty() { given.rsplit('/').next().unwrap_or_default() } else { place };
    let database = database.split('?').next().filter(|name| !name.is_empty()).map(str::to_owned);
    let port = invocation.port.as_deref().and_then(|port| port.parse().ok());
    let hosts = if hosts.is_empty() { LOCAL } else { hosts };
    let address = |host: &str| {
        let (name, own) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            Some(_) | None => (host, None),
        };
        Address {
            user: None,
            host: Some(name.trim_matches(['[', ']']).to_owned()),
            port: own.or(port).or(Some(PORT)),
            database: database.clone(),
        }
    };
    hosts.split(',').filter(|host| !host.is_empty()).map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        for (line, expected) in [
            ("", "127.0.0.1:27017/test"),
            ("orders", "127.0.0.1:27017/orders"),
            ("db1.example.com", "db1.example.com:27017/test"),
            ("db1:27018", "db1:27018/test"),
            ("db1:27018/orders", "db1:27018/orders"),
            ("db1/orders", "db1:27017/orders"),
            ("--host db1 orders", "db1:27017/orders"),
            ("--host db1 --port 27018", "db1:27018/test"),
            ("--host db1:27018 -u ann", "ann@db1:27018/test"),
            ("--host rs0/a:1,b orders", "a:1/orders b:27017/orders"),
            ("--port 27018 orders", "127.0.0.1:27018/orders"),
            ("mongodb://ann:pw@a:1,b/orders?x=1", "ann@a:1/orders ann@b:27017/orders"),
            ("mongodb+srv://cluster0.example.net", "cluster0.example.net:27017/test"),
            ("mongodb://[::1]:27018/", "::1:27018/test"),
            ("--nodb orders", ""),
            ("x.js", "127.0.0.1:27017/test"),
        ] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let found: Vec<String> = addresses(&parse(&args), &World::default())
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found.join(" "), expected, "mongosh {line}");
        }
    }
}
