//! Programs the machine may or may not have: a missing one is a loud skip on a desk, and a failure
//! where everything is required.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many tests were skipped in this run.
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Something a test cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// The client of PostgreSQL.
    Psql,
    /// The server of PostgreSQL.
    Postgres,
    /// Other versions of its client.
    OtherPsql,
    Bash,
    Zsh,
    Fish,
    Shellcheck,
    Less,
    /// An interpreter that the guard knows.
    Interpreter,
    /// An environment with the drivers of the requirements.
    PythonDrivers,
    /// The versions of mongosh in tests/it/real_mongosh/package.json.
    Mongosh,
    /// A server of Redis.
    Redis,
    /// A server of MariaDB.
    MariaDb,
    Python,
    Sqlite,
    RedisCli,
    /// The server of OpenSSH.
    Sshd,
    /// A terminal that others wrote.
    Tmux,
    /// A browser.
    Chromium,
    /// The player of asciicasts, of version 3 or later.
    Asciinema,
    /// A session bus, and what shows what passes on it.
    DbusDaemon,
    DbusMonitor,
    /// Sets the clock that a program sees.
    Faketime,
    /// Sets limits of a process (util-linux).
    Prlimit,
    /// The feature `test-fakes`, which sets nightlatch's clock.
    TestClock,
}

impl Tool {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Psql => "psql",
            Self::Postgres => "postgres",
            Self::OtherPsql => "the package of psql 16 and 18",
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Shellcheck => "shellcheck",
            Self::Less => "less",
            Self::Interpreter => "python3, 3.8 or newer",
            Self::PythonDrivers => "the packages of tests/it/real_python/requirements.txt",
            Self::Mongosh => "npm, or the packages of tests/it/real_mongosh/package.json",
            Self::Redis => "redis-server",
            Self::MariaDb => "mariadb-install-db",
            Self::Python => "python3",
            Self::Sqlite => "sqlite3",
            Self::RedisCli => "redis-cli",
            Self::Sshd => "sshd",
            Self::Tmux => "tmux",
            Self::Chromium => "chromium",
            Self::Asciinema => "asciinema",
            Self::DbusDaemon => "dbus-daemon",
            Self::DbusMonitor => "dbus-monitor",
            Self::Faketime => "faketime",
            Self::Prlimit => "prlimit",
            Self::TestClock => "--features test-fakes",
        }
    }

    /// Returns whether this machine, or this build, has it.
    fn is_there(self) -> bool {
        match self {
            Self::TestClock => cfg!(feature = "test-fakes"),
            Self::Asciinema => find(self.name()).is_some_and(|program| {
                let version = Command::new(program).arg("--version").output();
                version.is_ok_and(|output| output.stdout.starts_with(b"asciinema 3."))
            }),
            Self::Interpreter => super::python::usual().is_some(),
            Self::PythonDrivers => super::python::drivers().is_some(),
            Self::Mongosh => super::mongosh::shells().is_some(),
            Self::OtherPsql => super::psql::others().is_some(),
            Self::Psql
            | Self::Postgres
            | Self::Bash
            | Self::Zsh
            | Self::Fish
            | Self::Shellcheck
            | Self::Less
            | Self::Redis
            | Self::MariaDb
            | Self::DbusDaemon
            | Self::DbusMonitor
            | Self::Faketime
            | Self::Prlimit
            | Self::Tmux
            | Self::Chromium
            | Self::Python
            | Self::Sqlite
            | Self::Sshd
            | Self::RedisCli => find(self.name()).is_some(),
        }
    }
}

/// Returns whether the test can run.
///
/// # Panics
/// If something is missing and `NIGHTLATCH_REQUIRE_ALL=1`.
#[must_use]
pub(crate) fn needs(tools: &[Tool]) -> bool {
    let missing: Vec<_> = tools.iter().filter(|tool| !tool.is_there()).map(|t| t.name()).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    assert!(
        variable("NIGHTLATCH_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "missing: {missing}, and NIGHTLATCH_REQUIRE_ALL=1"
    );
    skip(&format!("missing {missing}"));
    false
}

/// Says loudly that a test, or the rest of it, is skipped: for what no machine can be made to have,
/// such as a right.
pub(crate) fn skip(why: &str) {
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    // Straight to the descriptor: the harness would swallow what goes through print.
    writeln!(std::io::stderr(), "SKIPPED ({count} so far): {name}: {why}").ok();
}

/// Makes a folder of tools by running commands, once for what it is made `of`; returns whether it is
/// there.
pub(crate) fn make(
    folder: &Path,
    of: &str,
    commands: impl FnOnce() -> Option<Vec<Command>>,
) -> bool {
    let mark = folder.join("made-of.txt");
    if fs::read_to_string(&mark).is_ok_and(|text| text == of) {
        return true;
    }
    let run = |mut command: Command| match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            // Straight to the descriptor: the harness would swallow what goes through print.
            std::io::stderr().write_all(&output.stderr).ok();
            false
        }
        Err(_) => false,
    };
    let is_made = commands().is_some_and(|commands| commands.into_iter().all(run));
    is_made && fs::write(&mark, of).is_ok()
}

/// Finds a program on PATH, or where Debian hides PostgreSQL's.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
    on_path.chain(versioned(name)).find(|file| is_program(file))
}

/// Lists the program in /usr/lib/postgresql/*/bin, newest version first.
fn versioned(name: &str) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut versions: Vec<PathBuf> = folder.filter_map(Result::ok).map(|e| e.path()).collect();
    versions.sort_by_key(|path| {
        let number = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(number)
    });
    versions.iter().map(|version| version.join("bin").join(name)).collect()
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Tells whether the bare client stands in for the wrapped one (`NIGHTLATCH_TEST_REHEARSE=1`): tests
/// that compare the two must pass then, or they compare badly.
pub(crate) fn is_rehearsal() -> bool {
    variable("NIGHTLATCH_TEST_REHEARSE").is_some()
}

/// Reads a variable of the test run itself.
#[expect(clippy::disallowed_methods, reason = "the world of the test run, not of the program")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Returns how many kills a test is to make: what `NIGHTLATCH_TEST_KILLS` says, else `usual`.
pub(crate) fn kills(usual: usize) -> usize {
    let wanted = variable("NIGHTLATCH_TEST_KILLS");
    wanted.and_then(|count| count.to_str()?.parse().ok()).unwrap_or(usual)
}
