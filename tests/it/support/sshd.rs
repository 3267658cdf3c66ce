//! A throw-away ssh server on a port of its own, and tunnels through it.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nightlatch::clock::Clock;
use tempfile::TempDir;

use super::DEADLINE;
use super::postgres::free_port;
use super::tool::find;

/// The running server; it ends with this value.
pub(crate) struct Sshd {
    folder: TempDir,
    server: Child,
}

/// A running client that forwards a port; it ends with this value.
pub(crate) struct Forward {
    client: Child,
    /// The port on this machine.
    pub(crate) port: u16,
}

impl Sshd {
    /// Starts a server that knows one key, and writes a client's configuration for it, in which the
    /// server is called `alias`.
    pub(crate) fn start(alias: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("nightlatch-ssh-").tempdir().expect("tempdir");
        let path = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "user"] {
            let made = Command::new(find("ssh-keygen").expect("ssh-keygen"))
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)])
                .status();
            assert!(made.expect("ssh-keygen starts").success());
        }
        fs::copy(path("user.pub"), path("authorized")).expect("copied");
        if nix::unistd::geteuid().is_root() {
            // Where a server that runs as root locks its children up.
            fs::create_dir_all("/run/sshd").expect("made");
            fs::set_permissions("/run/sshd", fs::Permissions::from_mode(0o755)).expect("mode");
        }
        let port = free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n",
            path("host"),
            path("authorized"),
        );
        fs::write(path("sshd_config"), config).expect("written");
        let config = format!(
            "Host {alias}\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {}\n\
             \x20 IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n",
            path("user"),
        );
        fs::write(path("config"), config).expect("written");
        // It wants to be called by its whole path.
        let server = Command::new(find("sshd").expect("sshd"))
            .args(["-D", "-e", "-f", &path("sshd_config")])
            .stdin(Stdio::null())
            .stderr(fs::File::create(path("log")).expect("a log"))
            .spawn()
            .expect("sshd starts");
        let mut sshd = Self { folder, server };
        wait_for_listener(port, &mut sshd.server, &path_of(&sshd.folder, "log"));
        sshd
    }

    /// Forwards a free port of this machine to where `far` says.
    pub(crate) fn forward(&self, alias: &str, far: &str) -> Forward {
        let port = free_port();
        let log = path_of(&self.folder, "client-log");
        let client = Command::new(find("ssh").expect("ssh"))
            .args(["-N", "-F", &path_of(&self.folder, "config")])
            .args(["-L", &format!("{port}:{far}"), alias])
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("ssh starts");
        let mut forward = Forward { client, port };
        wait_for_listener(port, &mut forward.client, &log);
        forward
    }
}

fn path_of(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn wait_for_listener(port: u16, child: &mut Child, log: &str) {
    let clock = Clock::system();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = child.try_wait().expect("it can be waited for");
        let said = || fs::read_to_string(Path::new(log)).unwrap_or_default();
        assert!(ended.is_none() && clock.elapsed() < DEADLINE, "nobody listens: {}", said());
        nix::poll::poll(&mut [], 5_u8).ok();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        end(&mut self.server);
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        end(&mut self.client);
    }
}

/// Ends a process; it may have ended by itself.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}
