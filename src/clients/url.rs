//! URLs of databases, and where those in the variables of a program say that it will connect.

use std::path::Path;

use super::psql::surroundings::surroundings;
use super::settings::{self, Setting};
use crate::target::libpq::{Given, conninfo};
use crate::target::pattern::DEFAULT_SOCKET;
use crate::target::{Address, Decided, Known, Tier, for_address, for_invocation};
use crate::world::World;

/// Variables that hold a URL of a database by custom.
const NAMES: &[&str] = &[
    "DATABASE_URL",
    "DATABASE_URI",
    "DB_URL",
    "SQLALCHEMY_DATABASE_URI",
    "SQLALCHEMY_DATABASE_URL",
    "POSTGRES_URL",
    "POSTGRESQL_URL",
    "MYSQL_URL",
    "MONGO_URL",
    "MONGO_URI",
    "MONGODB_URL",
    "MONGODB_URI",
    "REDIS_URL",
];

/// What the URLs of databases begin with, and the port where none is said; behind it may stand the
/// driver, as in `mysql+pymysql`.
const ENGINES: &[(&str, u16)] = &[
    ("postgres", 5432),
    ("postgresql", 5432),
    ("pgsql", 5432),
    ("postgis", 5432),
    ("timescale", 5432),
    ("redshift", 5439),
    ("cockroach", 26257),
    ("cockroachdb", 26257),
    ("mysql", 3306),
    ("mysql2", 3306),
    ("mysqlgis", 3306),
    ("mariadb", 3306),
    ("mongodb", 27017),
    ("redis", 6379),
    ("rediss", 6379),
    ("valkey", 6379),
    ("mssql", 1433),
    ("sqlserver", 1433),
    ("clickhouse", 9000),
];

/// Variables that libpq, which most drivers of PostgreSQL are made of, finds a server by.
const LIBPQ: [&str; 3] = ["PGHOST", "PGHOSTADDR", "PGSERVICE"];

/// Variables that hold one part of an address each: host, port, user and database, and the port
/// where none is said.
const PARTS: &[([&str; 4], Option<u16>)] = &[
    (["POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_DB"], Some(5432)),
    (["MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_USER", "MYSQL_DATABASE"], Some(3306)),
    (["REDIS_HOST", "REDIS_PORT", "REDIS_USER", "REDIS_DB"], Some(6379)),
    (["MONGO_HOST", "MONGO_PORT", "MONGO_USER", "MONGO_DB"], Some(27017)),
    (["DB_HOST", "DB_PORT", "DB_USER", "DB_NAME"], None),
    (["DATABASE_HOST", "DATABASE_PORT", "DATABASE_USER", "DATABASE_NAME"], None),
];

/// Decides where a program would connect by its variables and those of its `.env` file: the most
/// dangerous place first. Where they name none there is one place, of which its settings may tell.
///
/// # Errors
/// Never: variables that name no place are passed over.
pub fn decide(args: &[String], world: &World, known: &Known<'_>) -> Result<Vec<Decided>, String> {
    let dot_env = settings::dot_env(world);
    let find = |name: &str| match world.var(name) {
        Some(value) => Some((value, name.to_owned())),
        None => {
            let Setting { value, file, .. } = dot_env.iter().find(|known| known.name == name)?;
            Some((value.as_str(), format!("{name} in {file}")))
        }
    };
    let urls = NAMES.iter().filter_map(|name| {
        let (value, source) = find(name)?;
        Some((source, addresses(value, &world.cwd)))
    });
    let parts = PARTS.iter().filter_map(|([host, port, user, database], default)| {
        let (hosts, source) = find(host)?;
        let value = |name: &str| find(name).map(|(value, _)| value.to_owned());
        let address = |host: &str| Address {
            user: value(user),
            host: Some(host.to_owned()),
            port: value(port).and_then(|port| port.parse().ok()).or(*default),
            database: value(database),
        };
        Some((source, hosts.split(',').map(address).collect()))
    });
    let all = urls.chain(parts).flat_map(|(source, addresses)| {
        addresses.into_iter().map(move |address| (source.clone(), address))
    });
    let mut all = decided(all, known);
    if LIBPQ.iter().any(|name| find(name).is_some()) {
        all.extend(by_libpq(world, &dot_env, known));
    }
    let settings = settings::evidence(args, world);
    let all = worst_first(all, known).into_iter();
    Ok(all.map(|decided| decided.also(settings.clone())).collect())
}

/// Decides where libpq would connect by its variables.
fn by_libpq(world: &World, dot_env: &[Setting], known: &Known<'_>) -> Vec<Decided> {
    let mut world = world.clone();
    let unset = dot_env.iter().filter(|setting| world.var(&setting.name).is_none());
    let added: Vec<&Setting> = unset.collect();
    world.vars.extend(added.iter().map(|it| (it.name.clone().into(), it.value.clone().into())));
    let mut all =
        for_invocation(&Given::default(), &surroundings(&world), known).unwrap_or_default();
    for item in all.iter_mut().flat_map(|decided| &mut decided.evidence) {
        let from = |it: &&&Setting| item.source.ends_with(&format!("from {}", it.name));
        if let Some(Setting { file, .. }) = added.iter().find(from) {
            item.source.push_str(&format!(" in {file}"));
        }
    }
    all
}

/// Decides what addresses are, which come from somewhere each: the most dangerous first. Where
/// there is none there is one place that nothing is known of.
pub fn from_addresses(
    addresses: impl Iterator<Item = (impl std::fmt::Display, Address)>,
    known: &Known<'_>,
) -> Vec<Decided> {
    worst_first(decided(addresses, known), known)
}

fn decided(
    addresses: impl Iterator<Item = (impl std::fmt::Display, Address)>,
    known: &Known<'_>,
) -> Vec<Decided> {
    let decide = |(name, address)| {
        let mut decided = for_address(&address, known);
        for item in &mut decided.evidence {
            item.source = format!("{}, from {name}", item.source);
        }
        decided
    };
    addresses.map(decide).collect()
}

fn worst_first(mut all: Vec<Decided>, known: &Known<'_>) -> Vec<Decided> {
    all.sort_by_key(|decided| std::cmp::Reverse(decided.target.tier));
    if all.is_empty() {
        let mut unknown = for_address(&Address::default(), known);
        unknown.target.tier = Tier::Unknown;
        unknown.evidence.clear();
        all.push(unknown);
    }
    all
}

/// Reads the places of a URL; none where it is no database's. Files are looked for in `folder`.
#[must_use]
pub fn addresses(url: &str, folder: &Path) -> Vec<Address> {
    let url = url.strip_prefix("jdbc:").unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.strip_prefix("file:").map(|name| file(name, folder)).into_iter().collect();
    };
    let engine = scheme.split('+').next().unwrap_or_default().to_ascii_lowercase();
    let (rest, query) = rest.split_once(['?', '#']).unwrap_or((rest, ""));
    match engine.as_str() {
        // Three slashes and a path: one that begins with another slash is absolute.
        "sqlite" | "sqlite3" => return vec![file(rest.strip_prefix('/').unwrap_or(rest), folder)],
        "unix" => {
            let port = default_port("redis");
            return vec![Address { host: Some(rest.to_owned()), port, ..Address::default() }];
        }
        _ => {}
    }
    let Some(usual) = default_port(&engine) else { return Vec::new() };
    let some = |text: &str| {
        let text = conninfo::decode(text).unwrap_or_else(|_| text.to_owned());
        (!text.is_empty()).then_some(text)
    };
    // A password may hold what ends all else.
    let is_torn = |(before, _): &(&str, &str)| {
        !before.contains('@') && before.split_once(':').is_some_and(|(_, port)| !is_port(port))
    };
    let torn = rest.split_once('/').filter(is_torn).and_then(|_| rest.rsplit_once('@'));
    let (user, place) = match torn {
        Some((user, place)) => (Some(user), place),
        None => {
            let authority = rest.split('/').next().unwrap_or_default();
            let user = authority.rsplit_once('@').map(|(user, _)| user);
            (user, &rest[user.map_or(0, |user| user.len() + 1)..])
        }
    };
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    let asked = |wanted: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let values: Vec<&str> =
            pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let (own_hosts, own_port) = (asked("host"), asked("port"));
    let hosts = own_hosts.as_deref().unwrap_or(hosts);
    let place = |host: &str| {
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            Some(_) | None => (host, None),
        };
        let given = own_port.as_ref().and_then(|port| port.parse().ok());
        Address {
            user: user.and_then(|user| some(user.split(':').next()?)),
            host: some(host.trim_start_matches('[').trim_end_matches(']')),
            port: port.or(given).or(Some(usual)),
            database: some(database).or_else(|| asked("dbname")),
        }
    };
    hosts.split(',').map(place).collect()
}

fn is_port(text: &str) -> bool {
    text.split(',').next().is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns where the database file with a name is; one without a name is in memory.
pub(super) fn file(name: &str, folder: &Path) -> Address {
    if name.is_empty() || name == ":memory:" {
        let (host, database) = (Some(DEFAULT_SOCKET.to_owned()), Some(":memory:".to_owned()));
        return Address { host, database, ..Address::default() };
    }
    let path: std::path::PathBuf = folder.join(name).components().collect();
    // What a link leads to is the file that a pattern names.
    let path = path.canonicalize().unwrap_or(path);
    let part = |part: Option<&std::ffi::OsStr>| part.map(|it| it.to_string_lossy().into_owned());
    Address {
        host: part(path.parent().map(Path::as_os_str)),
        database: part(path.file_name()),
        ..Address::default()
    }
}

/// Returns the port of a kind of server where none is said.
pub(super) fn default_port(engine: &str) -> Option<u16> {
    ENGINES.iter().find(|(name, _)| *name == engine).map(|(_, port)| *port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, expected) in [
            (
                "postgres://app:p@ss@db1.prod.example.com/orders",
                "app@db1.prod.example.com:5432/orders",
            ),
            ("mysql+pymysql://u@db:3307/shop?charset=utf8", "u@db:3307/shop"),
            ("mongodb+srv://u:p@cluster0.example.net/app", "u@cluster0.example.net:27017/app"),
            ("mongodb://a:1,b/app", "a:1/app b:27017/app"),
            ("redis://[::1]:6380/0", "::1:6380/0"),
            ("sqlite:////tmp/a/x.db", "/tmp/a/x.db"),
            ("sqlite:///x.db", "/nonexistent/x.db"),
            ("file:./x.db", "/nonexistent/x.db"),
            ("sqlite://", "[local]/:memory:"),
            ("mysql://u:p/w@db:3307/shop", "u@db:3307/shop"),
            ("postgres://db:5433/a@b", "db:5433/a@b"),
            ("https://prod.example.com/", ""),
            ("nothing", ""),
        ] {
            let found: Vec<String> =
                addresses(url, Path::new("/nonexistent")).iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), expected, "{url}");
        }
    }

    #[test]
    fn the_most_dangerous_variable_counts() {
        let mut world = World::default();
        let tier =
            |world: &World| decide(&[], world, &Known::default()).expect("read")[0].target.tier;
        assert_eq!(tier(&world), Tier::Unknown);
        world.vars.insert("REDIS_URL".into(), "redis://localhost".into());
        assert_eq!(tier(&world), Tier::Development);
        world.vars.insert("DATABASE_URL".into(), "postgres://db.prod.example.com/x".into());
        assert_eq!(tier(&world), Tier::Production);
    }
}
