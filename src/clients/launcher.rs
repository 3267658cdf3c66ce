//! What a client's folder knows of starting it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::interactive::Interactive;
use super::side::Side;
use super::tap::Tap;
use crate::clients::Preflight;
use crate::lang::Reading;
use crate::os::term::Terminals;
use crate::policy::Facts;
use crate::tap::{Operation, Statement};
use crate::target::{Address, Decided, Known};
use crate::world::World;

/// Decides where a command line of a client would connect.
pub type Decide = fn(&[String], &World, &Known<'_>) -> Result<Vec<Decided>, String>;

/// The hidden first argument that makes us run an editor, and tell what it leaves.
pub const TELL_EDITED: &str = "__editor";

/// Names the editor that a client was to start before the others it knows.
pub const OWN_EDITOR: &str = "NIGHTLATCH_EDITOR";

/// What the client reads from its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Statements: its end ends the run.
    Script,
    /// Data for statements that come from elsewhere: its end ends nothing.
    Data,
}

/// A client's command line, read.
pub trait Launcher: std::fmt::Debug {
    /// Returns whether the client only prints something of its own (`--help`), or will refuse the
    /// command line: it is run bare and not recorded.
    fn is_bare(&self) -> bool;

    /// Returns whether a person will type at its prompt.
    fn is_interactive(&self) -> bool;

    /// Decides where it would connect.
    fn decide(&self, known: &Known<'_>, world: &World) -> Decided;

    /// Reads what a run without a person will do.
    fn preflight(&self, facts: &Facts, address: &Address, world: &World) -> Preflight;

    /// Returns the statements that a start-up file runs unasked, before a person's first prompt.
    fn starts_with(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns what the client reads from its standard input; none where it reads a script from
    /// there and goes on with other statements, whose questions would then read end of file.
    fn input(&self) -> Option<Input>;

    /// Returns whether the person wants the client to ask them before each statement.
    fn is_asked_too(&self) -> bool;

    /// Makes the tap; marks in the output carry the nonce.
    fn tap(&self, nonce: &str) -> Option<Box<dyn Tap>>;

    /// Makes the reader of typed lines, where a person types.
    fn interactive(&self) -> Option<Box<dyn Interactive>>;

    /// Makes what asks the server on a connection of its own, where the client's folder can.
    fn side(&self) -> Option<Box<dyn Side>> {
        None
    }

    /// Returns the arguments that make the client ask.
    fn tapped_args(&self, nonce: &str) -> Vec<OsString>;

    /// Returns a start-up file for the client, and the variable that names it. `teller` is as for
    /// [`Launcher::told`].
    fn start_up_file(&self, nonce: &str, teller: &str) -> Option<(&'static str, String)>;

    /// Returns variables, to set or to take away, that make the client start `teller`, a command
    /// line of ours, in place of a program whose work it takes for input. Nothing, where there is no
    /// such program.
    fn told(&self, _teller: &str) -> Vec<(OsString, Option<OsString>)> {
        Vec::new()
    }

    /// Returns what speaks with us from inside the client, over a socket; none where the client
    /// speaks through its output. With a hook, the client's ends are left as they are.
    fn hook(&self) -> Option<Hook> {
        None
    }
}

/// Files that make the client load our hook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The folder's name.
    pub name: &'static str,
    /// Names and contents.
    pub files: &'static [(&'static str, &'static str)],
    /// Variables that make the client load them from a folder.
    pub vars: fn(&Path, &World) -> Vec<(OsString, OsString)>,
    /// The client's arguments, with those that make it load them from a folder.
    pub args: fn(&Path, &[OsString]) -> Vec<OsString>,
    /// By when the hook has said hello.
    pub greets: Greets,
    /// Makes what reads the statements that the hook tells.
    pub reader: fn() -> Box<dyn ReadStatement>,
    /// Makes what asks the server that an operation goes to, where there is something that can.
    pub side: fn(&Operation) -> Option<Box<dyn Side>>,
    /// Leaves out of a statement what must not be written down; common secrets are found anyway.
    pub kept: fn(String) -> String,
    /// Why this command line keeps the hook out, for the person, if it does.
    pub defeated: Option<String>,
    /// The command that brings the hook in then, once the client runs, where there is one: by the
    /// client's process and the folder of the files.
    pub late: Option<Late>,
    /// What the command line has the client run of which no hook will tell, and what that does.
    pub untold: Option<(String, Reading)>,
}

impl Hook {
    /// Returns what a client is heard by that has no hook, for the programs that it starts.
    #[must_use]
    pub fn of_programs() -> Self {
        Self {
            name: "programs",
            files: &[],
            vars: |_, _| Vec::new(),
            args: |_, own| own.to_vec(),
            greets: Greets::BeforeOutput,
            reader: || Box::new(NoStatement),
            side: |_| None,
            kept: |text| text,
            defeated: None,
            late: None,
            untold: None,
        }
    }

    /// Returns what a client is heard by that no hook reaches, and why.
    #[must_use]
    pub fn beyond_reach(why: &str) -> Self {
        Self { defeated: Some(format!("{why}: {ONLY_SHOWN}")), ..Self::of_programs() }
    }
}

/// What is done where no hook tells anything.
pub const ONLY_SHOWN: &str = "only the screen is read";

/// Nothing tells statements.
#[derive(Debug)]
struct NoStatement;

impl ReadStatement for NoStatement {
    fn read(&mut self, _statement: &Statement) -> Reading {
        Reading::Understood(Vec::new())
    }
}

/// A command that brings a hook into a client that runs.
#[derive(Debug, Clone)]
pub struct Late {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, for a process and the folder of the hook's files.
    pub args: fn(i32, &Path) -> Vec<OsString>,
}

/// Reads the statements of a session before they run.
pub trait ReadStatement: std::fmt::Debug {
    /// Reads one, as far as its operations will not tell it better when they are sent.
    fn read(&mut self, statement: &Statement) -> Reading;

    /// Finds the statement that is being typed on a screen where no hook tells it, as
    /// [`crate::screen::shown`] returns it; none where that shows no prompt of the client.
    fn typed(&self, _screen: &str) -> Option<String> {
        None
    }

    /// Says whether Enter behind this text hands it over, and not only ends a line of it.
    fn is_submitted(&self, _text: &str) -> bool {
        true
    }

    /// The statement that was read last runs.
    fn runs(&mut self) {}

    /// The client stands at its prompt, with a database at hand.
    fn at_prompt(&mut self, _database: &str) {}
}

/// What a statement's drivers are where nobody knows what it may reach: it was read off the screen.
pub const UNKNOWN_DRIVER: &str = "unknown";

/// By when a hook has said hello, if it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greets {
    /// Before the client prints anything.
    BeforeOutput,
    /// Before the client's first prompt, which ends like this.
    BeforePrompt(&'static str),
}

/// A command line that is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// The client's arguments.
    pub args: &'a [OsString],
    /// Which of our own ends are terminals.
    pub terminals: Terminals,
    /// The client's program.
    pub program: &'a Path,
    /// The world we were started in.
    pub world: &'a World,
}

impl Command<'_> {
    /// Returns the arguments as text.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }
}
