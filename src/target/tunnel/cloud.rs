//! Tunnels into clouds: Cloud SQL, sessions of AWS.

use serde::Deserialize;

use super::{Far, ReadFile, Tunnel, host_and_port};

/// The port a Cloud SQL proxy begins with where it is not told one.
const FIRST_PORT: u16 = 5432;

/// `cloud-sql-proxy [--port N] PROJECT:REGION:INSTANCE[?port=N]…`, and its first version's
/// `-instances=PROJECT:REGION:INSTANCE=tcp:N,…`.
pub(super) fn cloud_sql(args: &[String], _files: ReadFile<'_>) -> Vec<Tunnel> {
    let tunnel = |port: u16, instance: &str| {
        Tunnel::to(port, "a Cloud SQL proxy", Far::Named(instance.to_owned()))
    };
    let mut next = FIRST_PORT;
    let mut found = Vec::new();
    let mut rest = args.iter().skip(1).peekable();
    while let Some(arg) = rest.next() {
        let (name, value) = arg.split_once('=').unwrap_or((arg, ""));
        let mut value = || {
            if value.is_empty() { rest.next().map_or("", |next| next) } else { value }
        };
        match name {
            "-p" | "--port" => next = value().parse().unwrap_or(next),
            "-instances" | "--instances" => {
                for one in value().split(',') {
                    if let Some((instance, place)) = one.split_once("=tcp:")
                        && let Some(port) =
                            place.rsplit(':').next().and_then(|port| port.parse().ok())
                    {
                        found.push(tunnel(port, instance));
                    }
                }
            }
            option if option.starts_with('-') => {}
            _ => {
                let (instance, query) = arg.split_once('?').unwrap_or((arg, ""));
                if instance.split(':').count() < 3 && !instance.starts_with("projects/") {
                    continue;
                }
                let own = query.split('&').find_map(|pair| pair.strip_prefix("port="));
                let port = own.and_then(|port| port.parse().ok()).unwrap_or_else(|| {
                    let port = next;
                    next = next.saturating_add(1);
                    port
                });
                found.push(tunnel(port, instance));
            }
        }
    }
    found
}

/// What a session of AWS was asked for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Session {
    target: String,
    parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    host: Vec<String>,
    #[serde(default)]
    port_number: Vec<String>,
    local_port_number: Vec<String>,
}

/// `aws ssm start-session`: its plugin is told all in JSON, the token as well.
pub(super) fn session_manager(args: &[String], _files: ReadFile<'_>) -> Vec<Tunnel> {
    let Some(session) = args.iter().find_map(|arg| serde_json::from_str::<Session>(arg).ok())
    else {
        return Vec::new();
    };
    let Session { target, parameters } = session;
    let first = |list: &[String]| list.first().and_then(|text| text.parse::<u16>().ok());
    let Some(near) = first(&parameters.local_port_number) else { return Vec::new() };
    let port = first(&parameters.port_number);
    let remote = parameters.host.first().map(|host| host_and_port(host).0.to_owned());
    let via: Vec<String> = remote.iter().map(|_| target.clone()).collect();
    let far = Far::Server { host: remote.unwrap_or(target), port, database: None };
    vec![Tunnel { via, ..Tunnel::to(near, "an AWS session", far) }]
}
