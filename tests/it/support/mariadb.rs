//! A throw-away MariaDB with a table in it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use nightlatch::clock::Clock;
use tempfile::TempDir;

use super::DEADLINE;
use super::tool::find;

/// A running server; it ends with the test.
pub(crate) struct MariaDb {
    /// Where it listens on localhost.
    pub(crate) port: u16,
    folder: TempDir,
    server: Child,
}

impl MariaDb {
    /// Starts a server that asks for no password, on a port of the range the tests' configuration
    /// takes for production.
    pub(crate) fn start() -> Self {
        let folder =
            tempfile::Builder::new().prefix("nightlatch-maria-").tempdir().expect("folder");
        let data = folder.path().join("data");
        let me = nix::unistd::User::from_uid(nix::unistd::Uid::effective());
        let me = me.ok().flatten().expect("a name").name;
        let made = Command::new(find("mariadb-install-db").expect("mariadb-install-db"))
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--user={me}"))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
            .output()
            .expect("it starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Two that start at once must not find the same one free.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let port = (0..99)
            .map(|_| 33_100 + NEXT.fetch_add(1, Ordering::Relaxed) % 99)
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .expect("a free port");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let server = Command::new(program())
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", folder.path().join("s").display()))
            .arg(format!("--user={me}"))
            .args([&format!("--port={port}"), "--bind-address=127.0.0.1", "--skip-grant-tables"])
            .args(["--skip-networking=0", "--innodb-flush-log-at-trx-commit=0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("it starts");
        let maria = Self { port, folder, server };
        let clock = Clock::system();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(maria.folder.path().join("log")).unwrap_or_default();
            assert!(clock.elapsed() < DEADLINE, "the server does not come up: {log}");
            nix::poll::poll(&mut [], 20_u8).ok();
        }
        maria.sql(
            "create database shop; use shop; create table families (id int primary key);
             insert into families select seq from seq_1_to_20;",
        );
        maria
    }

    /// Counts the rows that are left.
    pub(crate) fn left(&self) -> u64 {
        self.sql("select count(*) from shop.families").trim().parse().expect("a number")
    }

    /// Runs SQL past everything.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = Command::new(find("mariadb").expect("mariadb"))
            .args(["--no-defaults", "-N", "-e", sql, "-S"])
            .arg(self.folder.path().join("s"))
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// Debian keeps the server off the path of ordinary users.
pub(crate) fn program() -> PathBuf {
    find("mariadbd").unwrap_or_else(|| PathBuf::from("/usr/sbin/mariadbd"))
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
