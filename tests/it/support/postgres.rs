//! A throw-away PostgreSQL server: one for the test run, a fresh database for every test.
//!
//! It runs under a watchdog: a shell that reads a pipe whose other end is held by this process only.
//! However this process ends, a panic and SIGKILL included, the pipe closes, and the shell stops the
//! server and removes its folder.
#![expect(unsafe_code, reason = "the watchdog gets a session of its own between fork and exec")]

use std::fs;
use std::io::{PipeReader, PipeWriter};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use nightlatch::clock::Clock;
use nix::unistd::{Uid, User};

use super::DEADLINE;
use super::tool::find;

/// The password of role `locked`, which is the only one that needs one.
pub(crate) const PASSWORD: &str = "pa'ss \"word";

/// Rows of `families` in a fresh database.
pub(crate) const FAMILIES: u64 = 1000;

/// The tables of every database.
const TABLES: &str = "
    CREATE TABLE families (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE members (
        id int PRIMARY KEY,
        family_id int NOT NULL REFERENCES families ON DELETE CASCADE,
        name text NOT NULL
    );
    INSERT INTO families SELECT n, 'family ' || n FROM generate_series(1, 1000) AS n;
    INSERT INTO members SELECT n, 1 + n % 1000, 'member ' || n FROM generate_series(1, 3000) AS n;
    ALTER TABLE families OWNER TO app;
    ALTER TABLE members OWNER TO app;
";

/// Stops the server when its stdin ends. `$1` is the server, `$2` the folder, `$3` the port.
const WATCHDOG: &str = r#"
    trap '' INT TERM HUP QUIT
    "$1" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=localhost -c fsync=off \
        -c full_page_writes=off -c max_connections=100 -c log_min_messages=fatal \
        -c unix_socket_permissions=0777 >"$2/log" 2>&1 </dev/null &
    server=$!
    read -r _
    kill -QUIT "$server"
    wait "$server"
    rm -rf "$2"
"#;

/// The running server.
pub(crate) struct Cluster {
    /// Port on localhost, in the socket's name too.
    pub(crate) port: u16,
    /// Folder of the unix socket.
    pub(crate) socket: PathBuf,
    psql: PathBuf,
    /// CREATE DATABASE wants its template for itself.
    creating: Mutex<()>,
    /// Held open for as long as this process lives.
    _lifeline: PipeWriter,
}

/// Returns the server of this test run, started at first use.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

impl Cluster {
    fn start() -> Self {
        let cluster = Self::with("initdb", |initdb| {
            initdb.args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8"]);
        });
        cluster.fill_template();
        cluster
    }

    /// Starts a server that follows the one of this test run.
    pub(crate) fn replica() -> Self {
        Self::with("pg_basebackup", |backup| {
            let port = cluster().port.to_string();
            backup.args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-U", "postgres"]);
            backup.args(["-h", "localhost", "-p", &port]);
        })
    }

    /// Starts a server on a folder that a program makes, which is given its arguments.
    fn with(program: &str, arguments: impl FnOnce(&mut Command)) -> Self {
        let user = server_user();
        let folder = tempfile::Builder::new().prefix("nightlatch-pg-").tempdir().expect("tempdir");
        if let Some(user) = &user {
            nix::unistd::chown(folder.path(), Some(user.uid), Some(user.gid)).expect("chown");
        }
        // Others connect through the socket in it. From here on the watchdog removes it.
        set_mode(folder.path(), 0o755);
        let folder = folder.keep();
        let (reader, lifeline) = std::io::pipe().expect("pipe");
        let as_user = |program: &Path| as_server_user(program, &folder);
        // What is on PATH may be a link to where all of its programs are.
        let postgres =
            find("postgres").and_then(|path| path.canonicalize().ok()).expect("postgres");
        let mut maker = as_user(&postgres.with_file_name(program));
        arguments(&mut maker);
        let output = maker.arg("-D").arg(folder.join("data")).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let rules = "\
            local all locked scram-sha-256\n\
            host all locked all scram-sha-256\n\
            local all all trust\n\
            host all all all trust\n\
            host replication all all trust\n";
        fs::write(folder.join("data/pg_hba.conf"), rules).expect("pg_hba.conf");
        let port = free_port();
        watch(as_user(Path::new("/bin/sh")), &postgres, &folder, port, reader);
        let cluster = Self {
            port,
            socket: folder,
            psql: find("psql").expect("psql"),
            creating: Mutex::new(()),
            _lifeline: lifeline,
        };
        cluster.wait_until_up();
        cluster
    }

    fn wait_until_up(&self) {
        let clock = Clock::system();
        loop {
            if self.try_admin("postgres", "SELECT 1").is_ok() {
                return;
            }
            if clock.elapsed() > DEADLINE {
                let log = fs::read_to_string(self.socket.join("log")).unwrap_or_default();
                panic!("the server does not come up: {log}");
            }
        }
    }

    fn fill_template(&self) {
        let password = PASSWORD.replace('\'', "''");
        self.admin("postgres", "CREATE ROLE app LOGIN CREATEDB CREATEROLE");
        self.admin("postgres", &format!("CREATE ROLE locked LOGIN PASSWORD '{password}'"));
        self.admin("postgres", "CREATE DATABASE template_orders OWNER app");
        self.admin("template_orders", "ALTER SCHEMA public OWNER TO app");
        self.admin("template_orders", TABLES);
        self.admin("template_orders", "GRANT ALL ON families, members TO locked");
        self.admin("template_orders", "ANALYZE");
    }

    /// Runs SQL as the superuser on a connection of its own and returns what a bare psql prints.
    pub(crate) fn admin(&self, database: &str, sql: &str) -> String {
        self.try_admin(database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn try_admin(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(&self.psql)
            .args(["-XAtqw", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-c", sql, "-d", database])
            .arg("-h")
            .arg(&self.socket)
            .args(["-p", &self.port.to_string()])
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .output()
            .expect("psql starts");
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A database of one test, dropped with it.
pub(crate) struct Database {
    /// Its name, which is also the word that releases a hold.
    pub(crate) name: String,
}

impl Database {
    /// Makes a fresh one.
    pub(crate) fn fresh() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self { name: format!("orders{number:03}") };
        database.create();
        database
    }

    fn create(&self) {
        let cluster = cluster();
        let _turn = cluster.creating.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let name = &self.name;
        cluster.admin(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE template_orders OWNER app"),
        );
    }

    fn drop_it(&self) {
        let name = &self.name;
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // In a failing test it may be in use in ways that FORCE does not end.
        cluster().try_admin("postgres", &sql).ok();
    }

    /// Makes it as it was when fresh.
    pub(crate) fn reset(&self) {
        self.drop_it();
        self.create();
    }

    /// Runs SQL on a second connection.
    pub(crate) fn sql(&self, sql: &str) -> String {
        cluster().admin(&self.name, sql)
    }

    /// Counts rows on a second connection.
    pub(crate) fn count(&self, table: &str) -> u64 {
        self.sql(&format!("SELECT count(*) FROM {table}")).parse().expect("a number")
    }

    /// Checks that no row is gone.
    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        assert_eq!(self.count("families"), FAMILIES, "rows of families are gone");
        assert_eq!(self.count("members"), 3 * FAMILIES, "rows of members are gone");
    }

    /// Tells whether anything is gone or changed, or is about to be in an open transaction.
    pub(crate) fn is_touched(&self) -> bool {
        let sql = "SELECT (SELECT count(*) FROM families WHERE name LIKE 'family%') = 1000 \
                   AND (SELECT count(*) FROM members) = 3000 \
                   AND NOT EXISTS (SELECT FROM pg_stat_activity \
                       WHERE datname = current_database() AND backend_xid IS NOT NULL)";
        cluster().try_admin(&self.name, sql).as_deref() != Ok("t")
    }

    /// Tells whether the server is running a statement with this text in it.
    pub(crate) fn is_running(&self, text: &str) -> bool {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND state = 'active' \
             AND pid <> pg_backend_pid() AND query LIKE '%{text}%'",
            self.name
        );
        self.sql(&sql) != "0"
    }

    /// Waits until the server is running a statement with this text in it.
    #[track_caller]
    pub(crate) fn wait_until_running(&self, text: &str) {
        let clock = Clock::system();
        while !self.is_running(text) {
            assert!(clock.elapsed() < DEADLINE, "{text} does not run");
        }
    }

    /// Waits until the server has no connection to this database left, and so nothing to do in it.
    #[track_caller]
    pub(crate) fn wait_until_alone(&self) {
        let name = &self.name;
        let sql = format!("SELECT query FROM pg_stat_activity WHERE datname = '{name}'");
        let clock = Clock::system();
        loop {
            let left = cluster().admin("postgres", &sql);
            if left.is_empty() {
                return;
            }
            assert!(clock.elapsed() < DEADLINE, "the server still has: {left}");
        }
    }

    /// Ends every connection to this database, and waits until they are gone.
    #[track_caller]
    pub(crate) fn end_all(&self) {
        let name = &self.name;
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        cluster().admin("postgres", &sql);
        self.wait_until_alone();
    }

    /// Returns a URI for a role.
    pub(crate) fn uri(&self, role: &str) -> String {
        format!("postgres://{role}@localhost:{}/{}", cluster().port, self.name)
    }

    /// Returns the prompt psql shows for role `app`.
    pub(crate) fn prompt(&self) -> String {
        format!("{}=> ", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.drop_it();
    }
}

/// Starts the watchdog, which starts the server.
fn watch(mut shell: Command, postgres: &Path, folder: &Path, port: u16, lifeline: PipeReader) {
    shell.args(["-c", WATCHDOG, "watchdog"]).arg(postgres).arg(folder).arg(port.to_string());
    shell.stdin(lifeline).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: one async-signal-safe system call. Away from this terminal, so that Ctrl-C on the
    // test run leaves the watchdog to its work.
    unsafe {
        shell.pre_exec(|| {
            libc::setsid();
            Ok(())
        });
    }
    // It outlives this process on purpose, so nobody waits for it.
    drop(shell.spawn().expect("the watchdog starts"));
}

/// Starts a program as the user whom a server may run as, in a folder of that user's.
pub(crate) fn as_server_user(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("LC_ALL", "C.UTF-8");
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    if let Some(user) = server_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// Returns whom a server may run as where that is not us: it refuses to be root.
pub(crate) fn server_user() -> Option<User> {
    Uid::effective().is_root().then(|| {
        let named = |name| User::from_name(name).ok().flatten();
        named("postgres").or_else(|| named("nobody")).expect("a user to run the server as")
    })
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
}

/// Returns a port nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback address");
    listener.local_addr().expect("bound").port()
}
