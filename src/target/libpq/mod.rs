//! Where libpq would connect: command line, connection string, service file, variables, defaults.
//!
//! The order is that of libpq 15: what a connection string says beats `-h`, `-p` and `-U`; then
//! the service fills what is missing, then the variables, then the defaults.

pub mod conninfo;
pub(super) mod pass_file;
mod service;

use std::collections::BTreeMap;

use super::Address;
use super::pattern::DEFAULT_SOCKET;
use crate::redact;

/// The port libpq is built with.
pub const DEFAULT_PORT: u16 = 5432;

/// What the command line gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// `-d` or the first argument: a name, a URI or `key=value` pairs.
    pub dbname: Option<String>,
    /// `-h`.
    pub host: Option<String>,
    /// `-p`.
    pub port: Option<String>,
    /// `-U` or the second argument.
    pub user: Option<String>,
    /// `--cluster` of Debian's `pg_wrapper`.
    pub cluster: Option<String>,
}

/// What libpq reads beside the command line, as values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The `PG…` variables that are set.
    pub vars: Vec<(String, String)>,
    /// Service files in the order libpq reads them: path and text.
    pub service_files: Vec<(String, String)>,
    /// The password file, for what its comments say; never its passwords.
    pub pass_file: Option<String>,
    /// Who runs the client.
    pub os_user: Option<String>,
}

/// One server psql would try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub address: Address,
    /// The number that is used instead of looking the host up.
    pub hostaddr: Option<String>,
}

/// What the parameters come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The servers in the order psql tries them; at least one.
    pub endpoints: Vec<Endpoint>,
    /// Where each parameter came from: `PGHOST`, `-h`, `connection string`.
    pub sources: BTreeMap<Param, String>,
    /// The service's name.
    pub service: Option<String>,
}

/// The parameters that say where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Param {
    /// Host names or socket folders.
    Host,
    /// Addresses used instead of looking hosts up.
    Hostaddr,
    /// Ports.
    Port,
    /// Database.
    Dbname,
    /// User.
    User,
    /// The section of a service file.
    Service,
}

impl Param {
    /// Every parameter with its name in connection strings, its option and its variable.
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Host, "host", "PGHOST"),
        (Self::Hostaddr, "hostaddr", "PGHOSTADDR"),
        (Self::Port, "port", "PGPORT"),
        (Self::Dbname, "dbname", "PGDATABASE"),
        (Self::User, "user", "PGUSER"),
        (Self::Service, "service", "PGSERVICE"),
    ];

    /// Returns the parameter with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(param, _, _)| *param)
    }
}

/// The values found so far, each with where it came from.
#[derive(Default)]
struct Values(BTreeMap<Param, (String, String)>);

impl Values {
    /// Sets a parameter if it is not there yet; an empty value is none.
    fn fill(&mut self, param: Param, value: &str, source: &str) {
        if !value.is_empty() {
            self.0.entry(param).or_insert_with(|| (value.to_owned(), source.to_owned()));
        }
    }

    /// Sets a parameter whatever was there.
    fn set(&mut self, param: Param, value: &str, source: &str) {
        if !value.is_empty() {
            self.0.insert(param, (value.to_owned(), source.to_owned()));
        }
    }

    fn get(&self, param: Param) -> Option<&str> {
        self.0.get(&param).map(|(value, _)| value.as_str())
    }
}

/// Resolves the parameters as libpq does.
///
/// # Errors
///
/// Returns a phrase where libpq would refuse them.
pub fn resolve(given: &Given, surroundings: &Surroundings) -> Result<Resolved, String> {
    let mut values = Values::default();
    for (param, value, option) in [
        (Param::Host, &given.host, "-h"),
        (Param::Port, &given.port, "-p"),
        (Param::User, &given.user, "-U"),
    ] {
        values.set(param, value.as_deref().unwrap_or_default(), option);
    }
    let dbname = given.dbname.as_deref().unwrap_or_default();
    if conninfo::is_connection_string(dbname) {
        for (name, value) in conninfo::parse(dbname)? {
            if let Some(param) = Param::named(&name) {
                values.set(param, &value, "connection string");
            }
        }
    } else {
        values.set(Param::Dbname, dbname, "command line");
    }

    let var = |name: &str| {
        let found = surroundings.vars.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    values.fill(Param::Service, var("PGSERVICE"), "PGSERVICE");
    if let Some(service) = values.get(Param::Service).map(str::to_owned) {
        let (pairs, path) = service::find(&service, &surroundings.service_files)?;
        for (name, value) in pairs {
            if let Some(param) = Param::named(&name) {
                values.fill(param, &value, &format!("service {service} in {path}"));
            }
        }
    }
    // Debian's wrapper puts a cluster's host over PGHOST, and its port under PGPORT.
    let cluster = match given.cluster.as_deref() {
        Some(cluster) => Some((cluster, "--cluster")),
        None if var("PGHOST").is_empty() => Some((var("PGCLUSTER"), "PGCLUSTER")),
        None => None,
    };
    let remote = cluster.and_then(|(cluster, from)| Some((remote_cluster(cluster)?, from)));
    if let Some(((host, _), from)) = remote {
        values.fill(Param::Host, host, from);
    }
    for (param, _, variable) in Param::ALL {
        values.fill(param, var(variable), variable);
    }
    if let Some(((_, port), from)) = remote {
        values.fill(Param::Port, port, from);
    }
    values.fill(Param::User, surroundings.os_user.as_deref().unwrap_or_default(), "own user name");
    let user = values.get(Param::User).map(str::to_owned);
    values.fill(Param::Dbname, user.as_deref().unwrap_or_default(), "user name");

    let endpoints = endpoints(&values)?;
    let service = values.get(Param::Service).map(str::to_owned);
    let sources = values.0.into_iter().map(|(param, (_, source))| (param, source)).collect();
    Ok(Resolved { endpoints, sources, service })
}

/// Splits `15/db.example.com:5433` into host and port; a cluster of this machine is none.
fn remote_cluster(cluster: &str) -> Option<(&str, &str)> {
    let (_version, place) = cluster.split_once('/')?;
    let (host, port) = place.rsplit_once(':')?;
    (!host.is_empty()).then_some((host, port))
}

/// Pairs hosts, addresses and ports off as libpq does.
fn endpoints(values: &Values) -> Result<Vec<Endpoint>, String> {
    let list = |param: Param| -> Vec<&str> {
        values.get(param).map(|value| value.split(',').collect()).unwrap_or_default()
    };
    let (hosts, numbers, ports) = (list(Param::Host), list(Param::Hostaddr), list(Param::Port));
    let count = if numbers.is_empty() { hosts.len().max(1) } else { numbers.len() };
    if !numbers.is_empty() && !hosts.is_empty() && hosts.len() != count {
        return Err(format!("{} host names for {count} hostaddr values", hosts.len()));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(format!("{} port numbers for {count} hosts", ports.len()));
    }
    let some = |text: Option<&&str>| text.filter(|text| !text.is_empty()).map(|t| (*t).to_owned());
    (0..count)
        .map(|at| {
            let hostaddr = some(numbers.get(at));
            let host = some(hosts.get(at)).or_else(|| hostaddr.clone());
            let port = some(if ports.len() == 1 { ports.first() } else { ports.get(at) });
            let port = match port.map(|text| (text.trim().parse::<u16>(), text)) {
                None => DEFAULT_PORT,
                Some((Ok(port @ 1..), _)) => port,
                Some((Ok(0) | Err(_), text)) => {
                    return Err(format!("invalid port number `{text}`"));
                }
            };
            // A URI that libpq does not take for one is a name to it.
            let clean = |text: &str| {
                let is_uri = text.contains("://");
                if is_uri { redact::redact(text).text.into_owned() } else { text.to_owned() }
            };
            let address = Address {
                user: values.get(Param::User).map(str::to_owned),
                host: Some(host.map_or_else(|| DEFAULT_SOCKET.to_owned(), |host| clean(&host))),
                port: Some(port),
                database: values.get(Param::Dbname).map(clean),
            };
            Ok(Endpoint { address, hostaddr })
        })
        .collect()
}
