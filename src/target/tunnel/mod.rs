//! Programs that listen on a port of this machine and pass on to somewhere else: read off their
//! command lines, and off the files those name.

mod cloud;
pub mod kubectl;
mod plain;
mod ssh;

use std::cell::LazyCell;
use std::fmt;

use super::pattern::{is_socket, socket_folder};

/// In place of a port that the system chooses.
const CHOSEN: u16 = 0;

/// Where libpq looks for a socket that no folder is told of.
const DEFAULT_FOLDERS: [&str; 2] = ["/run/postgresql", "/tmp"];

/// Reads a file that a command line names, or all that a pattern does; none where there is none.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All tunnels of this machine, looked for when the first is asked for.
pub type Tunnels = LazyCell<Vec<Tunnel>, Box<dyn FnOnce() -> Vec<Tunnel>>>;

/// One port of this machine that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// The port it listens on.
    pub port: u16,
    /// The unix socket that it listens on instead.
    pub socket: Option<String>,
    /// What it is, with its article: "an ssh tunnel".
    pub kind: &'static str,
    /// Where it ends.
    pub far: Far,
    /// What it goes through, whose names count as well: a jump host, a context of Kubernetes.
    pub via: Vec<String>,
    /// Which database this is the way for; none where it is for all.
    pub database: Option<String>,
}

/// Tells whether two paths are one: `/var/run` is `/run`.
fn same(one: &str, other: &str) -> bool {
    let short = |path: &str| {
        path.strip_prefix("/var")
            .filter(|rest| rest.starts_with("/run/"))
            .unwrap_or(path)
            .to_owned()
    };
    short(one) == short(other)
}

/// Where a tunnel ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Far {
    /// At a server.
    Server {
        /// Its name as the tunnel's other side knows it.
        host: String,
        /// Its port, or that of this side where it is not known.
        port: Option<u16>,
        /// What the database is called there, if it is another name.
        database: Option<String>,
    },
    /// At something that has a name and no address: "svc/orders-db".
    Named(String),
    /// At a container of this machine.
    Container,
    /// Nobody can tell.
    Unknown,
}

impl Tunnel {
    fn to(port: u16, kind: &'static str, far: Far) -> Self {
        Self { port, socket: None, kind, far, via: Vec::new(), database: None }
    }

    /// Tells whether a client comes to it that connects to a host and port: a unix socket's host is
    /// its folder, or all of its path.
    pub(super) fn is_at(&self, host: &str, port: Option<u16>) -> bool {
        let Some(socket) = &self.socket else {
            return !is_socket(host) && port == Some(self.port);
        };
        let folder = socket_folder(host).trim_end_matches('/');
        let is_in = |folder: &str| {
            port.is_some_and(|port| same(socket, &format!("{folder}/.s.PGSQL.{port}")))
        };
        same(socket, folder) || is_in(folder) || {
            !folder.starts_with('/')
                && is_socket(host)
                && DEFAULT_FOLDERS.iter().any(|at| is_in(at))
        }
    }
}

impl fmt::Display for Tunnel {
    /// Writes "an ssh tunnel to prod-db.internal:5432 through bastion.example.com".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        match &self.far {
            Far::Server { host, port: Some(port), .. } if host.contains(':') => {
                write!(f, " to [{host}]:{port}")?;
            }
            Far::Server { host, port: Some(port), .. } => write!(f, " to {host}:{port}")?,
            Far::Server { host, port: None, .. } => write!(f, " to {host}")?,
            Far::Named(name) => write!(f, " to {name}")?,
            Far::Container => f.write_str(" of a container")?,
            Far::Unknown => f.write_str(" to nobody knows where")?,
        }
        if !self.via.is_empty() {
            write!(f, " through {}", self.via.join(" and "))?;
        }
        Ok(())
    }
}

/// A kind of program that makes tunnels.
struct Kind {
    /// What the system calls the process, cut to 15 bytes as it does.
    process: &'static str,
    read: fn(&[String], ReadFile<'_>) -> Vec<Tunnel>,
    /// What a port of it is that its command line does not tell of.
    unread: &'static str,
}

const KINDS: &[Kind] = &[
    Kind { process: "ssh", read: ssh::read, unread: "an ssh tunnel" },
    Kind { process: "autossh", read: ssh::read, unread: "an ssh tunnel" },
    Kind { process: "kubectl", read: kubectl::tunnels, unread: "a kubectl port-forward" },
    Kind { process: "cloud_sql_proxy", read: cloud::cloud_sql, unread: "a Cloud SQL proxy" },
    Kind { process: "cloud-sql-proxy", read: cloud::cloud_sql, unread: "a Cloud SQL proxy" },
    Kind { process: "alloydb-auth-pr", read: cloud::cloud_sql, unread: "an AlloyDB proxy" },
    Kind { process: "session-manager", read: cloud::session_manager, unread: "an AWS session" },
    Kind { process: "pgbouncer", read: plain::pgbouncer, unread: "pgbouncer" },
    Kind { process: "socat", read: plain::socat, unread: "socat" },
    Kind { process: "docker-proxy", read: plain::docker_proxy, unread: "a docker port" },
    // Where these lead stands in files and on servers of their own.
    passing("haproxy", "haproxy"),
    passing("stunnel4", "stunnel"),
    passing("envoy", "envoy"),
    passing("pgcat", "pgcat"),
    passing("odyssey", "odyssey"),
    passing("pgpool", "pgpool"),
    passing("proxysql", "ProxySQL"),
    passing("tsh", "a Teleport proxy"),
    passing("boundary", "a Boundary proxy"),
    passing("cloudflared", "a Cloudflare tunnel"),
    passing("flyctl", "a Fly proxy"),
    // Their ports are those that somebody forwards to here from another machine.
    passing("sshd", "an ssh tunnel from elsewhere"),
    passing("sshd-session", "an ssh tunnel from elsewhere"),
];

/// A program of which nothing is read: its ports lead elsewhere.
const fn passing(process: &'static str, unread: &'static str) -> Kind {
    Kind { process, read: |_, _| Vec::new(), unread }
}

/// Tells whether a process of this name may be a tunnel.
#[must_use]
pub fn is_meant(process: &str) -> bool {
    KINDS.iter().any(|kind| kind.process == process)
}

/// Reads what a process listens for. `listens` are the ports it is seen to listen on, none where
/// the system does not let anybody look: then its command line is believed.
#[must_use]
pub fn read(
    process: &str,
    args: &[String],
    listens: Option<&[u16]>,
    files: ReadFile<'_>,
) -> Vec<Tunnel> {
    let Some(kind) = KINDS.iter().find(|kind| kind.process == process) else { return Vec::new() };
    let told = (kind.read)(args, files);
    let Some(ports) = listens else { return told };
    let of_tcp = || told.iter().filter(|tunnel| tunnel.socket.is_none());
    let untold = |port: &&u16| !of_tcp().any(|tunnel| tunnel.port == **port);
    let chosen = of_tcp().find(|tunnel| tunnel.port == CHOSEN);
    let unread: Vec<Tunnel> = ports
        .iter()
        .filter(untold)
        .map(|&port| match chosen {
            Some(tunnel) => Tunnel { port, ..tunnel.clone() },
            None => Tunnel {
                via: ssh::through(args, files),
                ..Tunnel::to(port, kind.unread, Far::Unknown)
            },
        })
        .collect();
    let is_there = |tunnel: &Tunnel| tunnel.socket.is_some() || ports.contains(&tunnel.port);
    told.into_iter().filter(is_there).chain(unread).collect()
}

/// Reads the folder of a unix socket that a Cloud SQL proxy makes for each instance:
/// `/cloudsql/PROJECT:REGION:INSTANCE`.
#[must_use]
pub fn of_socket(host: &str) -> Option<Tunnel> {
    let folder = socket_folder(host).trim_end_matches('/');
    let (_, name) = folder.strip_prefix('/')?.rsplit_once('/')?;
    let is_instance = name.split(':').count() == 3;
    is_instance.then(|| Tunnel::to(CHOSEN, "a Cloud SQL proxy", Far::Named(name.to_owned())))
}

/// Splits `host:port`, `[v6]:port` and `host`.
fn host_and_port(text: &str) -> (&str, Option<u16>) {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok())
        }
        Some(_) | None => (text, None),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Command lines of one process each, the ports it listens on, and what they come to.
    #[test]
    fn command_lines_tell_where_a_port_leads() {
        let file = |path: &str| {
            let text = match path.replace('~', "/home/me").as_str() {
                "/home/me/.ssh/config" => {
                    "Host prod\n  HostName bastion.prod.example.com\n  LocalForward 5433 10.0.0.5:5432\n\
                     HostName never\n\
                     Host hop\n  HostName %h.example.com\n  ProxyJump gate\n  LocalForward=[::1]:5434 db.internal:5432\n\
                     Match exec \"true\"\n  LocalForward 9999 no:1\n\
                     Host prod hop !none\n  DynamicForward 1080\n"
                }
                "/etc/pgb.ini" => {
                    "[databases]\n; the live one\norders = host=prod-db.internal port=5433 dbname=orders_live\n\
                     * = host=/run/postgresql\nplain =\n[pgbouncer]\nlisten_port = 6432\n"
                }
                "/home/me/.kube/config" => "apiVersion: v1\ncurrent-context: prod-eu\n",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let session = r#"session-manager-plugin {"TokenValue":"secret"} eu-west-1 StartSession  {"Target":"i-0abc","DocumentName":"AWS-StartPortForwardingSessionToRemoteHost","Parameters":{"host":["orders.prod.example.com"],"portNumber":["5432"],"localPortNumber":["5433"]}} https://ssm"#;
        let to_instance = session.replace("\"host\":[\"orders.prod.example.com\"],", "");
        for (line, ports, told) in [
            (
                "ssh -L 5433:prod-db.internal:5432 bastion",
                &[5433][..],
                "5433 an ssh tunnel to prod-db.internal:5432 through bastion",
            ),
            (
                "ssh -fNL5433:db:5432 me@bastion.example.com",
                &[5433],
                "5433 an ssh tunnel to db:5432 through bastion.example.com",
            ),
            (
                "ssh -N -L 127.0.0.1:5433:localhost:5432 -p 2222 orders-prod",
                &[5433],
                "5433 an ssh tunnel to orders-prod:5432",
            ),
            (
                "ssh -L *:5433:127.0.0.1:5432 ssh://me@db.example.com:22",
                &[5433],
                "5433 an ssh tunnel to db.example.com:5432",
            ),
            (
                "ssh host -L 5433:db:5432 sleep 9 -L 1:x:2",
                &[5433],
                "5433 an ssh tunnel to db:5432 through host",
            ),
            (
                "ssh -J a@gate,inner -L [::1]:5433:[fd00::1]:5432 host",
                &[5433],
                "5433 an ssh tunnel to [fd00::1]:5432 through host and gate and inner",
            ),
            (
                "ssh -L 5433:/run/postgresql/.s.PGSQL.5432 db-prod",
                &[5433],
                "5433 an ssh tunnel to db-prod",
            ),
            ("ssh -L /tmp/s:db:5432 host", &[], "/tmp/s an ssh tunnel to db:5432 through host"),
            ("ssh -R 5433:db:5432 host", &[], ""),
            (
                "ssh -D 1080 bastion.prod.example.com",
                &[1080],
                "1080 an ssh proxy to nobody knows where through bastion.prod.example.com",
            ),
            (
                "ssh -L 5433:a:1 -L 5434:b:2 h",
                &[5433, 5434],
                "5433 an ssh tunnel to a:1 through h; 5434 an ssh tunnel to b:2 through h",
            ),
            ("ssh -L 5433:a:1 h", &[5434], "5434 an ssh tunnel to nobody knows where through h"),
            (
                "ssh -o LocalForward=5433:no -oLocalForward=5434 h -o HostName=real.example.com -L 5435:x:1",
                &[5435],
                "5435 an ssh tunnel to x:1 through h and real.example.com",
            ),
            (
                "ssh -o LocalForward=5433\\ db:5432 h",
                &[5433],
                "5433 an ssh tunnel to db:5432 through h",
            ),
            (
                "ssh prod",
                &[5433, 1080],
                "5433 an ssh tunnel to 10.0.0.5:5432 through prod and bastion.prod.example.com; 1080 an ssh proxy to nobody knows where through prod and bastion.prod.example.com",
            ),
            (
                "ssh -F /home/me/.ssh/config hop",
                &[5434, 1080],
                "5434 an ssh tunnel to db.internal:5432 through hop and hop.example.com and gate; 1080 an ssh proxy to nobody knows where through hop and hop.example.com and gate",
            ),
            (
                "ssh: /home/me/.ssh/cm-prod-bastion [mux]",
                &[5433],
                "5433 an ssh tunnel to nobody knows where through /home/me/.ssh/cm-prod-bastion",
            ),
            ("ssh", &[], ""),
            (
                "autossh -M 0 -f -N -L 5433:db.internal:5432 bastion",
                &[5433],
                "5433 an ssh tunnel to db.internal:5432 through bastion",
            ),
            (
                "kubectl port-forward -n prod svc/orders-db 5433:5432",
                &[5433],
                "5433 a kubectl port-forward to svc/orders-db through namespace prod and context prod-eu",
            ),
            (
                "kubectl --context=staging-eu -nshop port-forward pod/db-0 5432",
                &[5432],
                "5432 a kubectl port-forward to pod/db-0 through namespace shop and context staging-eu",
            ),
            (
                "kubectl port-forward db-0 :5432",
                &[40123],
                "40123 a kubectl port-forward to db-0 through context prod-eu",
            ),
            ("kubectl get pods", &[], ""),
            (
                "cloud_sql_proxy -instances=acme-prod:europe-west1:orders=tcp:5433,acme:x:y=tcp:0.0.0.0:5434",
                &[5433, 5434],
                "5433 a Cloud SQL proxy to acme-prod:europe-west1:orders; 5434 a Cloud SQL proxy to acme:x:y",
            ),
            (
                "cloud-sql-proxy --port 5433 acme-prod:europe-west1:orders acme:x:y",
                &[5433, 5434],
                "5433 a Cloud SQL proxy to acme-prod:europe-west1:orders; 5434 a Cloud SQL proxy to acme:x:y",
            ),
            (
                "cloud-sql-proxy acme-prod:eu:orders?port=6000 --private-ip acme:x:y?address=0.0.0.0&port=6001",
                &[6000, 6001],
                "6000 a Cloud SQL proxy to acme-prod:eu:orders; 6001 a Cloud SQL proxy to acme:x:y",
            ),
            (
                "cloud-sql-proxy -c /key.json acme:eu:orders",
                &[5432],
                "5432 a Cloud SQL proxy to acme:eu:orders",
            ),
            (
                session,
                &[5433],
                "5433 an AWS session to orders.prod.example.com:5432 through i-0abc",
            ),
            (&to_instance, &[5433], "5433 an AWS session to i-0abc:5432"),
            ("session-manager-plugin {} eu-west-1", &[], ""),
            (
                "pgbouncer -d /etc/pgb.ini",
                &[6432],
                "6432 pgbouncer to prod-db.internal:5433 for orders; \
                 /tmp/.s.PGSQL.6432 pgbouncer to prod-db.internal:5433 for orders; \
                 6432 pgbouncer to /run/postgresql; /tmp/.s.PGSQL.6432 pgbouncer to /run/postgresql",
            ),
            ("pgbouncer /etc/none.ini", &[6432], "6432 pgbouncer to nobody knows where"),
            (
                "socat TCP-LISTEN:5433,fork,reuseaddr TCP:prod-db.internal:5432",
                &[5433],
                "5433 socat to prod-db.internal:5432",
            ),
            (
                "socat -d tcp4-l:5433,bind=127.0.0.1 openssl:[fd00::1]:5432,verify=0",
                &[5433],
                "5433 socat to [fd00::1]:5432",
            ),
            ("socat UNIX-LISTEN:/tmp/s TCP:db:5432", &[], "/tmp/s socat to db:5432"),
            (
                "socat tcp-listen:5433 unix-connect:/run/postgresql/.s.PGSQL.5432",
                &[5433],
                "5433 socat to /run/postgresql/.s.PGSQL.5432",
            ),
            (
                "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 5433 -container-ip 172.17.0.2 -container-port 5432",
                &[5433],
                "5433 a docker port of a container",
            ),
        ] {
            let args: Vec<String> = line
                .replace("\\ ", "\u{1}")
                .split(' ')
                .map(|word| word.replace('\u{1}', " "))
                .collect();
            // The system gives a process that changed its title one argument.
            let args = if line.contains("[mux]") { vec![line.to_owned()] } else { args };
            let name = line.split([' ', ':']).next().unwrap_or_default();
            let process: String = name.chars().take(15).collect();
            assert!(is_meant(&process), "{process}");
            let found: Vec<String> = read(&process, &args, Some(ports), &file)
                .iter()
                .map(|tunnel| {
                    let port = tunnel.port.to_string();
                    let near = tunnel.socket.as_ref().unwrap_or(&port);
                    let database = tunnel.database.iter().map(|name| format!(" for {name}"));
                    format!("{near} {tunnel}{}", database.collect::<String>())
                })
                .collect();
            assert_eq!(found.join("; "), told, "{line}");
            assert!(!found.join("").contains("secret"));
        }
    }

    #[test]
    fn where_nobody_may_look_the_command_line_is_believed() {
        let args = ["ssh", "-L", "5433:db:5432", "h"].map(str::to_owned);
        assert_eq!(read("ssh", &args, None, &|_| None).len(), 1);
        assert_eq!(read("ssh", &args, Some(&[]), &|_| None), []);
        assert_eq!(read("postgres", &args, None, &|_| None), []);
    }
}
