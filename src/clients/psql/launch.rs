//! How psql is started: what is added to its command line and environment, and why.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::args::{self, Action, Invocation, Source};
use super::draft::Drafts;
use super::echo;
use super::encoding;
use super::inquire::Inquirer;
use super::mark::{Nonce, Width};
use super::meta::{self, EDITOR, Variables, Ways};
use super::preflight::{self, Preflight};
use super::prompt::PsqlPrompt;
use super::rc::{self, OwnRc};
use super::side::PsqlSide;
use super::surroundings::surroundings;
use super::tap::{PsqlTap, SINGLE_STEP_ON};
use super::unseen::{Guard, Place, unseen};
use crate::clients::behind;
use crate::clients::hooked::Hooked;
use crate::clients::launcher::Decide;
use crate::clients::line_editor::Files;
use crate::clients::{
    Command, Hook, Input, Interactive, Launcher, OWN_EDITOR, Side, TELL_EDITED, Tap, Unseen,
};
use crate::os::term::Terminals;
use crate::policy::Facts;
use crate::session::keys::Keys;
use crate::target::libpq::Given;
use crate::target::{Address, Decided, Known, Tier, for_address, for_invocation};
use crate::world::World;

/// Standard input by other names: psql opens it anew, and takes our answers for its script.
const STDIN_NAMES: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// Reads a command line of psql, or of a program that starts it.
#[must_use]
pub fn launch(command: Command<'_>, decide: Decide) -> Box<dyn Launcher> {
    match behind::words(&command, is_psql) {
        Some(words) => {
            let what = format!("psql is started by {}", words[0]);
            let hook = Hook { reader: || Box::new(Drafts), ..Hook::beyond_reach(&what) };
            Box::new(Hooked::new(words, false, command.terminals, decide, hook))
        }
        None => Box::new(PsqlLaunch::new(command)),
    }
}

/// Tells psql's names: `psql`, `psql-15`, `psql15`.
#[must_use]
pub fn is_psql(name: &str) -> bool {
    name.starts_with("psql")
}

/// A psql command line, read.
#[derive(Debug)]
pub struct PsqlLaunch {
    args: Vec<OsString>,
    invocation: Option<Invocation>,
    terminals: Terminals,
    program: PathBuf,
    own_rc: OwnRc,
    home: Option<PathBuf>,
    own_options: Option<String>,
    /// The editor that psql is to start first, where the person has named one.
    own_editor: Option<String>,
    editor_files: Files,
    cwd: PathBuf,
}

impl PsqlLaunch {
    /// Reads a command line.
    #[must_use]
    pub fn new(command: Command<'_>) -> Self {
        let Command { args, terminals, program, world } = command;
        let words: Vec<String> =
            args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        // What is not understood is psql's to complain of.
        let invocation = args::parse(&words).ok().filter(|found| !found.informational);
        let own_rc = match &invocation {
            Some(invocation) if !invocation.no_psqlrc => {
                OwnRc::find(world.var("PSQLRC"), world.home.as_deref(), || version(program))
            }
            _ => OwnRc::default(),
        };
        Self {
            args: args.to_vec(),
            invocation,
            terminals,
            program: program.to_owned(),
            own_rc,
            home: world.home.clone(),
            own_options: world.var("PGOPTIONS").map(str::to_owned),
            own_editor: own_editor(world),
            editor_files: Files::find(world),
            cwd: world.cwd.clone(),
        }
    }

    fn is_interactive(&self) -> bool {
        self.terminals.stdin
            && self.terminals.stdout
            && self.invocation.as_ref().is_some_and(|found| found.actions.is_empty())
    }

    fn rc_text(&self) -> Option<String> {
        self.own_rc.path.as_ref().and_then(|path| std::fs::read_to_string(path).ok())
    }

    /// What the command line and the start-up file set before anything else is read, and whether
    /// psql still asks then; and what runs unasked until then.
    fn begun(&self) -> (Variables, bool, Unseen) {
        let given = self.invocation.as_ref().map_or(&[][..], |found| &found.variables);
        let mut input = Ways::following(Variables::given(given));
        let mut guard = Guard { has_editor: true, ..Guard::default() };
        let mut found = Unseen::default();
        if let Some(text) = self.rc_text() {
            let address = Address::default();
            let place = Place {
                cwd: &self.cwd,
                folder: &self.cwd,
                home: self.home.as_deref(),
                address: &address,
            };
            found = unseen(&mut input, &text, place, &mut guard);
        }
        (input.variables(), guard.asks, found)
    }

    /// The name psql has for itself, and for its line editor.
    fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn width(&self) -> Width {
        match &self.invocation {
            Some(invocation) if invocation.no_readline => Width::Plain,
            _ => Width::Invisible,
        }
    }
}

impl Launcher for PsqlLaunch {
    fn is_bare(&self) -> bool {
        self.invocation.is_none()
    }

    fn is_interactive(&self) -> bool {
        self.is_interactive()
    }

    fn decide(&self, known: &Known<'_>, world: &World) -> Decided {
        // psql will refuse it; until then nothing is known.
        let unknown = || {
            let mut decided = for_address(&Address::default(), known);
            decided.target.tier = Tier::Unknown;
            decided
        };
        let Some(invocation) = &self.invocation else { return unknown() };
        let given = Given {
            dbname: invocation.dbname.clone(),
            host: invocation.host.clone(),
            port: invocation.port.clone(),
            user: invocation.username.clone(),
            cluster: invocation.cluster.clone(),
        };
        let found = for_invocation(&given, &surroundings(world), known);
        found.ok().and_then(|all| all.into_iter().next()).unwrap_or_else(unknown)
    }

    fn preflight(&self, facts: &Facts, address: &Address, world: &World) -> Preflight {
        let Some(invocation) = &self.invocation else { return Preflight::default() };
        let rc_text = self.rc_text();
        let place =
            Place { cwd: &world.cwd, folder: &world.cwd, home: world.home.as_deref(), address };
        let mut found = preflight::read(invocation, rc_text.as_deref(), io::stdin(), place, facts);
        let given = invocation.given();
        let named = given.iter().find(|(name, _)| name == "client_encoding");
        found.is_clear &= encoding::keeps_ascii(world, named.map(|(_, value)| value.as_str()))
            || found.texts.iter().all(|text| text.is_ascii());
        found
    }

    fn starts_with(&self) -> Vec<String> {
        self.begun().2.statements
    }

    fn tap(&self, nonce: &str) -> Option<Box<dyn Tap>> {
        let nonce = Nonce::new(nonce)?;
        let echoes = self.invocation.as_ref().is_some_and(|found| {
            let given = found.variables.iter().rev().find(|(name, _)| name == "ECHO");
            let given = given.and_then(|(_, value)| echo::value(value.as_deref()?));
            given.unwrap_or(found.echo_queries)
        });
        let mut tap = PsqlTap::new(&nonce, self.width(), self.home.clone(), echoes);
        let (variables, is_guarded, _) = self.begun();
        tap.begin(variables, is_guarded);
        if let Some(text) = self.rc_text() {
            tap.foresee(echo::read(&meta::scan(&text)));
        }
        Some(Box::new(tap))
    }

    fn interactive(&self) -> Option<Box<dyn Interactive>> {
        if !self.is_interactive() {
            return None;
        }
        let mut files = self.editor_files.clone();
        // The start-up file is read before the line editor starts.
        if let Some(path) = self.rc_text().as_deref().and_then(rc::inputrc) {
            files.add_inputrc(&path);
        }
        let has_editor = !self.invocation.as_ref().is_some_and(|found| found.no_readline);
        let keys = match has_editor {
            true => files.keys(&self.name()),
            false => (Keys::of_terminal(), Vec::new()),
        };
        let (variables, _, _) = self.begun();
        Some(Box::new(PsqlPrompt::new(self.home.clone(), keys, variables)))
    }

    fn side(&self) -> Option<Box<dyn Side>> {
        let invocation = self.invocation.as_ref()?;
        let own_options = self.own_options.as_deref();
        let inquirer = Inquirer::new(self.program.clone(), invocation, own_options);
        Some(Box::new(PsqlSide::new(inquirer, self.is_interactive())))
    }

    fn input(&self) -> Option<Input> {
        let actions = self.invocation.as_ref().map_or(&[][..], |found| &found.actions);
        let from_stdin = |action: &Action| *action == Action::File(Source::Stdin);
        let is_stdin_by_name = |action: &Action| match action {
            Action::File(Source::Path(path)) => STDIN_NAMES.contains(&path.as_str()),
            Action::File(Source::Stdin) => false,
            Action::Command(text) => {
                text.starts_with('\\') && STDIN_NAMES.iter().any(|name| text.contains(name))
            }
        };
        if actions.iter().any(is_stdin_by_name) {
            return None;
        }
        match actions {
            [] => Some(Input::Script),
            [before @ .., last] => {
                let is_early = before.iter().any(from_stdin);
                let input = if from_stdin(last) { Input::Script } else { Input::Data };
                (!is_early).then_some(input)
            }
        }
    }

    fn is_asked_too(&self) -> bool {
        self.invocation.as_ref().is_some_and(|found| {
            let last = found.variables.iter().rev().find(|(name, _)| name == "SINGLESTEP");
            let value = last.and_then(|(_, value)| value.as_deref());
            found.single_step || value.is_some_and(meta::is_true)
        })
    }

    fn tapped_args(&self, nonce: &str) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::with_capacity(self.args.len() + 8);
        if let (Some(invocation), Some(nonce)) = (&self.invocation, Nonce::new(nonce)) {
            args.push("-v".into());
            args.push(format!("SINGLESTEP={SINGLE_STEP_ON}").into());
            if self.is_interactive() && invocation.no_psqlrc {
                let prompts = rc::prompt_args(&nonce, self.width(), &invocation.variables);
                if self.args_have_separator() {
                    args.extend(prompts.into_iter().map(OsString::from));
                    args.extend(self.args.iter().cloned());
                } else {
                    // Behind the person's own `-v PROMPT1=…`, which ours includes.
                    args.extend(self.args.iter().cloned());
                    args.extend(prompts.into_iter().map(OsString::from));
                }
                return args;
            }
            if !self.is_interactive() {
                // Behind the person's own as well: no prompt would tell that the guard is gone.
                let end = self.args.iter().position(|arg| arg == "--").unwrap_or(self.args.len());
                args.extend(self.args[..end].iter().cloned());
                args.extend(["-v".into(), format!("SINGLESTEP={SINGLE_STEP_ON}").into()]);
                args.extend(self.args[end..].iter().cloned());
                return args;
            }
        }
        args.extend(self.args.iter().cloned());
        args
    }

    fn told(&self, teller: &str) -> Vec<(OsString, Option<OsString>)> {
        if !self.is_interactive() {
            return Vec::new();
        }
        let own = self.own_editor.as_ref().map(OsString::from);
        vec![(EDITOR.into(), Some(teller.into())), (OWN_EDITOR.into(), own)]
    }

    fn start_up_file(&self, nonce: &str, teller: &str) -> Option<(&'static str, String)> {
        let invocation = self.invocation.as_ref()?;
        if !self.is_interactive() || invocation.no_psqlrc {
            return None;
        }
        let stops = invocation
            .variables
            .iter()
            .rev()
            .find(|(name, _)| name == "ON_ERROR_STOP")
            .and_then(|(_, value)| value.as_deref());
        let mut text = rc::own(&self.own_rc, stops);
        if self.rc_text().is_some_and(|text| rc::may_set_editor(&text)) {
            text.push_str(&rc::editor(teller));
        }
        text.push_str(&rc::marks(&Nonce::new(nonce)?, self.width()));
        Some(("PSQLRC", text))
    }
}

impl PsqlLaunch {
    fn args_have_separator(&self) -> bool {
        self.args.iter().any(|arg| arg == "--")
    }
}

/// Returns the person's own `PSQL_EDITOR`: a psql that was started by another, which we wrap, finds
/// ours there.
fn own_editor(world: &World) -> Option<String> {
    let set = world.var(EDITOR);
    let is_ours = set.is_some_and(|editor| editor.ends_with(TELL_EDITED));
    if is_ours { world.var(OWN_EDITOR) } else { set }.map(str::to_owned)
}

/// Asks psql for its version, as it names start-up files: `15.18 (Debian 15.18-0+deb12u1)`.
fn version(program: &Path) -> Option<String> {
    let output = std::process::Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().split_once(") ")?.1.to_owned())
}
