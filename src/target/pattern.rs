//! The patterns of `match` in a `[[target]]`: globs over user, host, port and database.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Address;

/// Ways an unix socket's host is written by psql itself when it is the default folder.
pub const DEFAULT_SOCKET: &str = "[local]";

/// What a URI in `match` may begin with; the parts behind it are the same for all.
const SCHEMES: &[&str] = &[
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "redis",
    "rediss",
    "sqlite",
];

/// One entry of `match`: `*.prod.example.com`, `localhost:54329`,
/// `postgres://*@10.1.*/orders*`, `/srv/orders/*.db`; a leading `!` excludes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    excludes: bool,
    user: Option<String>,
    host: Option<String>,
    port: Option<String>,
    database: Option<String>,
    /// The folder of unix sockets, or a database file; `host` says the same.
    path: Option<String>,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// Returns a phrase that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (excludes, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest.is_empty() {
            return Err("an empty pattern matches nothing".to_owned());
        }
        let (scheme, rest) = match rest.split_once("://") {
            Some((scheme, rest)) if SCHEMES.contains(&scheme) => (Some(scheme), rest),
            Some((scheme, _)) => {
                return Err(format!("unknown scheme `{scheme}`; known are {}", SCHEMES.join(", ")));
            }
            None => (None, rest),
        };
        let is_path = |rest: &str| ["/", "~", "./", "../"].iter().any(|at| rest.starts_with(at));
        if scheme == Some("sqlite") || scheme.is_none() && is_path(rest) {
            let path = Some(path(rest)?);
            let (host, text) = (path.clone(), text.to_owned());
            let (user, port, database) = (None, None, None);
            return Ok(Self { text, excludes, user, host, port, database, path });
        }
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("a pattern holds no spaces".to_owned());
        }
        let (authority, database) = match rest.split_once('/') {
            None => (rest, None),
            Some((authority, database)) => (authority, Some(database)),
        };
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err("a pattern holds no password".to_owned());
            }
            // An `@` at the start names an abstract unix socket.
            Some(("", _)) | None => (None, authority),
            Some((user, authority)) => (Some(user), authority),
        };
        let (host, port) = split_port(authority)?;
        if let Some(port) = port
            && !port.contains(['*', '?'])
            && !port.parse::<u16>().is_ok_and(|port| port > 0)
        {
            return Err(format!("`{port}` is not a port"));
        }
        if host.starts_with('.') {
            return Err(format!("no host begins with a dot: write `*{host}`"));
        }
        let address = host.split('%').next().unwrap_or(host).parse::<Ipv6Addr>();
        if host.contains(':') && !host.contains(['*', '?', '[']) && address.is_err() {
            return Err(format!("`{host}` is neither host:port nor an IPv6 address"));
        }
        let keep = |part: Option<&str>| part.filter(|part| !part.is_empty()).map(str::to_owned);
        let host = keep(Some(host)).map(|host| match host.parse::<Ipv6Addr>() {
            Ok(number) => number.to_string(),
            Err(_) => host.trim_end_matches('.').to_lowercase(),
        });
        Ok(Self {
            text: text.to_owned(),
            excludes,
            user: keep(user),
            host,
            port: keep(port),
            database: keep(database),
            path: None,
        })
    }

    /// Tells whether a match takes the address out of its target instead of into it.
    #[must_use]
    pub fn excludes(&self) -> bool {
        self.excludes
    }

    /// Returns the host's name where it is one, and no pattern of names, number or path.
    #[must_use]
    pub fn plain_host(&self) -> Option<&str> {
        let is_name = |host: &&str| {
            !host.contains(['*', '?', '/', ':', '['])
                && !is_loopback(host)
                && host.parse::<std::net::IpAddr>().is_err()
        };
        self.host.as_deref().filter(is_name)
    }

    /// Tells whether it names a path: a file, or the folder of a socket.
    #[must_use]
    pub fn is_path(&self) -> bool {
        self.path.is_some()
    }

    /// Returns an address that it means and that lies in a folder, if there is one.
    #[must_use]
    pub fn within(&self, folder: &str) -> Option<Address> {
        let (parent, name) = self.path.as_deref()?.rsplit_once('/')?;
        let folder = folder.to_lowercase();
        let mut steps = parent.split('/');
        let is_meant = folder.trim_end_matches('/').split('/').all(|step| match steps.next() {
            Some(pattern) => glob(pattern, step),
            // A star in a path stands for folders too.
            None => self.path.as_deref().is_some_and(|path| path.ends_with('*')),
        });
        let (host, database) = (Some(parent.to_owned()), Some(name.to_owned()));
        is_meant.then(|| Address { host, database, ..Address::default() })
    }

    /// Tells whether the address fits, whatever a leading `!` means.
    #[must_use]
    pub fn fits(&self, address: &Address) -> bool {
        if let Some(path) = &self.path
            && file_of(address).is_some_and(|file| glob(path, &file))
        {
            return true;
        }
        let fits = |pattern: &Option<String>, value: Option<&str>| match pattern {
            None => true,
            Some(pattern) => glob(pattern, value.unwrap_or_default()),
        };
        let port = address.port.unwrap_or(5432).to_string();
        fits(&self.user, address.user.as_deref())
            && fits(&self.port, Some(&port))
            && fits(&self.database, address.database.as_deref())
            && self.host.as_deref().is_none_or(|host| host_fits(host, address.host.as_deref()))
    }
}

/// Reads an absolute path, which may have its slashes as URIs of SQLite have them.
fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err(format!("`{text}` is no whole path: write it from `/` on"));
    }
    let steps: Vec<&str> = text.split('/').filter(|step| !step.is_empty()).collect();
    if steps.iter().any(|step| matches!(*step, "." | "..")) {
        return Err("a path with `.` or `..` in it matches nothing".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("a path holds no control characters".to_owned());
    }
    Ok(format!("/{}", steps.join("/")).to_lowercase())
}

/// Returns the file that a database is, or the socket's folder with the database's name behind it,
/// in small letters.
fn file_of(address: &Address) -> Option<String> {
    let folder = address.host.as_deref().filter(|host| host.starts_with('/'))?;
    let file = address.database.as_deref()?;
    Some(format!("{}/{file}", folder.trim_end_matches('/')).to_lowercase())
}

/// Splits `host:port`, leaving IPv6 addresses whole.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((inner, after)) = rest.split_once(']') else {
            return Err("`[` without `]`".to_owned());
        };
        let host = if inner.starts_with("local") { &authority[..inner.len() + 2] } else { inner };
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(format!("`{after}` after `]`")),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => Ok((authority, None)),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

/// Every name of the own machine is the same machine: a rule for `localhost:54329` must not be
/// passed by `-h 127.0.0.1` or by the socket of the same server.
fn host_fits(pattern: &str, host: Option<&str>) -> bool {
    let host = host.unwrap_or(DEFAULT_SOCKET).trim_end_matches('.').to_lowercase();
    if glob(pattern, &host)
        || glob(pattern, socket_folder(&host))
        || number(&host).is_some_and(|number| glob(pattern, &number.to_string()))
    {
        return true;
    }
    match pattern {
        "[local]" => is_socket(&host),
        _ => is_loopback(pattern) && (is_loopback(&host) || is_socket(&host)),
    }
}

/// Tells whether a host is the folder (or abstract name) of a unix socket.
#[must_use]
pub fn is_socket(host: &str) -> bool {
    host.is_empty() || host.starts_with(['/', '@']) || host.starts_with("[local")
}

/// Returns the folder of a socket: at its prompt the client writes it as `[local:/folder]`.
#[must_use]
pub(super) fn socket_folder(host: &str) -> &str {
    host.strip_prefix("[local:").and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Reads a host that is a number, in every way that the resolver of the C library takes it:
/// `127.1`, `0x7f000001`, `::ffff:10.1.2.3`.
fn number(host: &str) -> Option<IpAddr> {
    if let Ok(number) = host.parse::<IpAddr>() {
        return Some(number.to_canonical());
    }
    let part = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    };
    let parts: Vec<u32> = host.split('.').map(part).collect::<Option<_>>()?;
    let (&last, first) = parts.split_last()?;
    // The last part fills what the others leave.
    let left = 32_u32.checked_sub(8 * u32::try_from(first.len()).ok()?)?;
    let is_whole = u64::from(last) < 1 << left && first.iter().all(|part| *part < 256);
    let high = first.iter().fold(0_u64, |sum, part| sum << 8 | u64::from(*part)) << left;
    let whole = u32::try_from(high | u64::from(last)).ok().filter(|_| is_whole)?;
    Some(Ipv4Addr::from(whole).into())
}

/// Tells whether a host is the own machine by name or address.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let host = host.split('%').next().unwrap_or(host);
    if host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || matches!(host, "localhost.localdomain" | "localhost4" | "localhost6" | "ip6-localhost")
    {
        return true;
    }
    number(host).is_some_and(|number| number.is_loopback() || number.is_unspecified())
}

/// Tells whether the whole text fits a pattern of `*` (any run) and `?` (any one character).
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The last star and how far it has swallowed: going back there is enough.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((at, eaten)) = star else {
                    return false;
                };
                star = Some((at, eaten + 1));
                p = at + 1;
                t = eaten + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16, database: &str) -> Address {
        Address {
            user: Some("app".to_owned()),
            host: Some(host.to_owned()),
            port: (port > 0).then_some(port),
            database: Some(database.to_owned()),
        }
    }

    #[test]
    fn globs() {
        for (pattern, text, fits) in [
            ("*.prod.example.com", "db1.prod.example.com", true),
            ("*.prod.example.com", "prod.example.com", false),
            ("*.prod.example.com", "db1.prod.example.com.evil", false),
            ("10.1.*", "10.1.2.3", true),
            ("10.1.*", "10.11.2.3", false),
            ("*a*b", "aab", true),
            ("*a*b*c", "xaybzcc", true),
            ("?", "é", true),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} on {text}");
        }
    }

    #[test]
    fn folders_hold_what_patterns_name() {
        for (pattern, folder, holds) in [
            ("/srv/orders/orders.db", "/srv/orders", true),
            ("/srv/orders/orders.db", "/Srv/", true),
            ("/srv/orders/orders.db", "/", true),
            ("/srv/orders/orders.db", "/srv/orders/orders.db", false),
            ("/srv/orders/orders.db", "/srv/other", false),
            ("/srv/orders/orders.db", "/sr", false),
            ("/srv/*/orders.db", "/srv/eu", true),
            ("/srv/*", "/srv/eu/old", true),
            ("/srv/*.db", "/srv/eu/old", false),
            ("localhost", "/srv", false),
        ] {
            let pattern = Pattern::parse(pattern).expect("a pattern");
            let found = pattern.within(folder);
            assert_eq!(found.is_some(), holds, "{pattern} in {folder}");
            assert!(found.is_none_or(|address| pattern.fits(&address)), "{pattern}");
        }
    }

    #[test]
    fn patterns_take_the_parts_they_name() {
        for (pattern, host, port, database, fits) in [
            ("*.prod.example.com", "DB.prod.example.com.", 5432, "x", true),
            ("localhost:54329", "127.0.0.1", 54329, "x", true),
            ("localhost:54329", "::1", 54329, "x", true),
            ("localhost:54329", "/tmp", 54329, "x", true),
            ("localhost:54329", "localhost", 5432, "x", false),
            ("127.0.0.1:54329", "localhost", 54329, "x", true),
            ("localhost", "db.example.com", 5432, "x", false),
            ("postgres://*@10.1.*/orders*", "10.1.2.3", 5432, "orders_eu", true),
            ("postgres://*@10.1.*/orders*", "10.1.2.3", 5432, "invoices", false),
            ("postgresql://app@*", "10.9.9.9", 5432, "x", true),
            ("postgresql://root@*", "10.9.9.9", 5432, "x", false),
            ("[fd00::1]:5433", "fd00::1", 5433, "x", true),
            ("fd00::1", "fd00::1", 5433, "x", true),
            ("[local]:5433/orders", "[local]", 5433, "orders", true),
            ("[local]:5433/orders", "/run/postgresql", 5433, "orders", true),
            ("/run/postgresql", "/run/postgresql", 5432, "orders", true),
            ("/srv/pg", "[local:/srv/pg]", 5432, "orders", true),
            ("/srv/pg", "[local:/srv/pg2]", 5432, "orders", false),
            ("/run/postgresql/", "/run/postgresql", 5432, "orders", true),
            ("/srv/orders/orders.db", "/srv/orders", 0, "orders.db", true),
            ("/srv/orders/*.db", "/srv/orders", 0, "orders.db", true),
            ("/srv/*", "/srv/orders", 0, "orders.db", true),
            ("/srv/orders/orders.db", "/srv/orders", 0, "other.db", false),
            ("/srv/orders/orders.db", "db.example.com", 0, "orders.db", false),
            ("/Srv/My Orders/a.db", "/Srv/My Orders", 0, "a.db", true),
            ("sqlite:////srv/orders/orders.db", "/srv/orders", 0, "orders.db", true),
            ("sqlite:///srv/orders/orders.db", "/srv/orders", 0, "orders.db", true),
            ("/orders.db", "/", 0, "orders.db", true),
            ("mysql://db:3306/shop", "db", 3306, "shop", true),
            ("mongodb+srv://*.mongodb.net", "a.b.mongodb.net", 27017, "x", true),
            ("postgres:///orders", "anything", 5432, "orders", true),
            ("postgres://db/a@b", "db", 5432, "a@b", true),
            ("app@db", "db", 5432, "x", true),
            ("@abstract", "@abstract", 5432, "x", true),
        ] {
            let pattern = Pattern::parse(pattern).expect(pattern);
            let got = pattern.fits(&address(host, port, database));
            assert_eq!(got, fits, "{pattern} on {host}:{port}/{database}");
        }
    }

    #[test]
    fn bad_patterns_say_why() {
        for (pattern, why) in [
            ("", "an empty pattern matches nothing"),
            ("!", "an empty pattern matches nothing"),
            ("a b", "a pattern holds no spaces"),
            (
                "http://x",
                "unknown scheme `http`; known are postgres, postgresql, mysql, mariadb, mongodb, \
                 mongodb+srv, redis, rediss, sqlite",
            ),
            (".example.com", "no host begins with a dot: write `*.example.com`"),
            ("host:0", "`0` is not a port"),
            ("a:1:2", "`a:1:2` is neither host:port nor an IPv6 address"),
            ("~/orders.db", "`~/orders.db` is no whole path: write it from `/` on"),
            ("./orders.db", "`./orders.db` is no whole path: write it from `/` on"),
            ("sqlite://orders.db", "`orders.db` is no whole path: write it from `/` on"),
            ("/srv/../orders.db", "a path with `.` or `..` in it matches nothing"),
            ("postgres://me:pw@host/db", "a pattern holds no password"),
            ("host:99999", "`99999` is not a port"),
            ("[::1", "`[` without `]`"),
            ("[::1]x", "`x` after `]`"),
        ] {
            assert_eq!(Pattern::parse(pattern).expect_err(pattern), why, "{pattern}");
        }
    }

    #[test]
    fn loopback_by_any_name() {
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.1",
            "127.9.9.9",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "db.localhost",
            "localhost.",
            "ip6-localhost",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["127.example.com", "localhost.example.com", "10.0.0.1", "::2", "1270", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
