//! URLs of databases, and where those in the variables of a program say that it will connect.

use super::settings;
use crate::target::{Address, Decided, Known, Tier, for_address};
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

/// What the URLs of databases begin with; behind it may stand the driver, as in `mysql+pymysql`.
const SCHEMES: &[&str] =
    &["postgres", "postgresql", "mysql", "mysql2", "mariadb", "mongodb", "redis", "rediss"];

/// Variables that hold one part of an address each: host, port, user and database, and the port
/// where none is said.
const PARTS: &[([&str; 4], Option<u16>)] = &[
    (["PGHOST", "PGPORT", "PGUSER", "PGDATABASE"], Some(5432)),
    (["MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_USER", "MYSQL_DATABASE"], Some(3306)),
    (["REDIS_HOST", "REDIS_PORT", "REDIS_USER", "REDIS_DB"], Some(6379)),
    (["DB_HOST", "DB_PORT", "DB_USER", "DB_NAME"], None),
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
            let (_, value) = dot_env.iter().find(|(known, _)| known == name)?;
            Some((value.as_str(), format!("{name} in .env")))
        }
    };
    let urls = NAMES.iter().filter_map(|name| {
        let (value, source) = find(name)?;
        Some((source, addresses(value)))
    });
    let parts = PARTS.iter().filter_map(|([host, port, user, database], default)| {
        let (host, source) = find(host)?;
        let value = |name: &str| find(name).map(|(value, _)| value.to_owned());
        let address = Address {
            user: value(user),
            host: Some(host.to_owned()),
            port: value(port).and_then(|port| port.parse().ok()).or(*default),
            database: value(database),
        };
        Some((source, vec![address]))
    });
    let all = urls.chain(parts).flat_map(|(source, addresses)| {
        addresses.into_iter().map(move |address| (source.clone(), address))
    });
    let settings = settings::evidence(args, world);
    let decided = from_addresses(all, known).into_iter();
    Ok(decided.map(|decided| decided.also(settings.clone())).collect())
}

/// Decides what addresses are, which come from somewhere each: the most dangerous first. Where
/// there is none there is one place that nothing is known of.
pub fn from_addresses(
    addresses: impl Iterator<Item = (impl std::fmt::Display, Address)>,
    known: &Known<'_>,
) -> Vec<Decided> {
    let mut all: Vec<Decided> = addresses
        .map(|(name, address)| {
            let mut decided = for_address(&address, known);
            for item in &mut decided.evidence {
                item.source = format!("{}, from {name}", item.source);
            }
            decided
        })
        .collect();
    all.sort_by_key(|decided| std::cmp::Reverse(decided.target.tier));
    if all.is_empty() {
        let mut unknown = for_address(&Address::default(), known);
        unknown.target.tier = Tier::Unknown;
        unknown.evidence.clear();
        all.push(unknown);
    }
    all
}

/// Reads the places of a URL; none where it is no database's.
#[must_use]
pub fn addresses(url: &str) -> Vec<Address> {
    let Some((scheme, rest)) = url.split_once("://") else { return Vec::new() };
    let engine = scheme.split('+').next().unwrap_or_default();
    if engine == "sqlite" {
        // Three slashes and a path: one that begins with another slash is absolute.
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let Some((folder, file)) = path.strip_prefix('/').and_then(|path| path.rsplit_once('/'))
        else {
            return Vec::new();
        };
        let (host, database) = (Some(folder.to_owned()), Some(file.to_owned()));
        return vec![Address { host, database, ..Address::default() }];
    }
    if !SCHEMES.contains(&engine) {
        return Vec::new();
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, database) = match rest.split_once('/') {
        Some((authority, database)) => (authority, Some(database)),
        None => (rest, None),
    };
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (user.split(':').next(), hosts),
        None => (None, authority),
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let place = |host: &str| {
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            Some(_) | None => (host, None),
        };
        Address {
            user: user.and_then(some),
            host: some(host.trim_start_matches('[').trim_end_matches(']')),
            port: port.or_else(|| default_port(engine)),
            database: database.and_then(some),
        }
    };
    hosts.split(',').map(place).collect()
}

/// Returns the port of a kind of server where none is said.
pub(super) fn default_port(engine: &str) -> Option<u16> {
    match engine {
        "postgres" | "postgresql" => Some(5432),
        "mysql" | "mysql2" | "mariadb" => Some(3306),
        "mongodb" => Some(27017),
        "redis" | "rediss" => Some(6379),
        _ => None,
    }
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
            ("sqlite:///x.db", ""),
            ("sqlite://", ""),
            ("https://prod.example.com/", ""),
            ("nothing", ""),
        ] {
            let found: Vec<String> = addresses(url).iter().map(ToString::to_string).collect();
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
