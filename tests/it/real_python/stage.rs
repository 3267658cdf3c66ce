//! A world in which a database file, and the test servers, are production.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::real_psql::non_interactive::without_terminal;
pub(super) use crate::real_psql::steps::{QUESTION, wait_for_question};
use crate::support::postgres::cluster;
use crate::support::pty::{Key, Pty};
use crate::support::python::{drivers, usual};
use crate::support::world::{Tier, World, run};

/// Rows of the table in a fresh file.
pub(super) const ROWS: usize = 20;

/// What fills it; also the way to count, past everything.
const FILL: &str = "import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute('create table families (id integer primary key, name text)')
c.executemany('insert into families values (?, ?)', [(n, 'family %d' % n) for n in range(20)])
c.commit()
";

/// Everything one test needs.
pub(super) struct Stage {
    pub(super) world: World,
    python: PathBuf,
}

impl Stage {
    /// Makes a world with a database file `orders.db` in it, for the usual interpreter.
    pub(super) fn new() -> Self {
        Self::with(&usual().expect("an interpreter").path)
    }

    /// The same with the interpreter that has the drivers.
    pub(super) fn with_drivers() -> Self {
        Self::with(&drivers().expect("the drivers").join("python"))
    }

    /// The same for any interpreter.
    pub(super) fn with(python: &Path) -> Self {
        let mut world = World::new(Tier::Production);
        let home = world.home();
        let port = cluster().port;
        let config = format!(
            "[[target]]\nname = \"orders-prod\"\ntier = \"production\"\n\
             match = [\"{}\", \"localhost:{port}\", \"localhost:27*\", \"localhost:63*\", \
             \"localhost:33*\", \"127.0.0.1:33*\", \"localhost:92*\"]\n\n\
             [hours]\nlate = \"off\"\nweekends = false\n\n[look]\nbanner = false\n",
            home.display()
        );
        let path = world.write("nightlatch.toml", &config);
        world.set("NIGHTLATCH_CONFIG", path.to_str().expect("UTF-8"));
        // Files of the home are to count as any others.
        world.set("TMPDIR", "/dev/shm");
        // The screens that are compared must not differ by what colours the shells like.
        world.set("NO_COLOR", "1");
        world.set("PYTHON_COLORS", "0");
        let stage = Self { world, python: python.to_owned() };
        let fill = stage.world.write("fill.py", FILL);
        let mut command = stage.world.command(&stage.python);
        command.arg(fill).arg("orders.db");
        assert!(run(command, "").status.success(), "the file is filled");
        stage
    }

    /// Prepares the wrapped interpreter.
    pub(super) fn wrapped(&self, args: &[&str]) -> Command {
        self.wrapped_program(&self.python.clone(), args)
    }

    /// Prepares any wrapped program of Python.
    pub(super) fn wrapped_program(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = self.world.nightlatch(["run", "--as", "python3", "--"]);
        command.arg(program).args(args);
        command
    }

    /// Prepares the bare interpreter.
    pub(super) fn bare(&self, args: &[&str]) -> Command {
        let mut command = self.world.command(&self.python);
        command.args(args);
        command
    }

    /// Opens the wrapped interpreter and waits for its prompt.
    pub(super) fn open(&self) -> Pty {
        let mut pty = Pty::spawn(self.wrapped(&[]));
        pty.wait_for_prompt(">>> ");
        pty
    }

    /// Opens it with a connection to the file as `c`.
    pub(super) fn open_file(&self) -> Pty {
        let mut pty = self.open();
        enter(&mut pty, "import sqlite3; c = sqlite3.connect('orders.db', isolation_level=None)");
        pty
    }

    /// Runs a script that nobody watches.
    pub(super) fn run(&self, script: &str) -> Output {
        self.world.write("script.py", script);
        run(without_terminal(&self.world, &self.wrapped(&["script.py"])), "")
    }

    /// Runs a script that nobody watches and that must be ended; returns what was said.
    pub(super) fn refused(&self, script: &str) -> String {
        let output = self.run(script);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(125), "{script}\n{said}");
        said
    }

    /// Counts the rows that are left, past everything.
    pub(super) fn left(&self) -> usize {
        let script = "import sqlite3, sys
print(sqlite3.connect('orders.db').execute('select count(*) from families').fetchone()[0])";
        let output = run(self.bare(&["-c", script]), "");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
    }

    /// Returns the texts of all statements, oldest first, as history tells them.
    pub(super) fn history(&self) -> Vec<serde_json::Value> {
        let output = run(self.world.nightlatch(["history", "--json"]), "");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// Types a line at the prompt and waits for the next one.
pub(super) fn enter(pty: &mut Pty, line: &str) {
    pty.line(line);
    pty.wait_for_silence(std::time::Duration::from_millis(60));
    pty.wait_for_prompt(">>> ");
}

/// Types a block, and the empty line that ends it.
pub(super) fn block(pty: &mut Pty, lines: &[&str]) {
    for line in lines {
        pty.line(line);
        pty.wait_for_silence(std::time::Duration::from_millis(60));
    }
    pty.press(Key::Enter);
}
