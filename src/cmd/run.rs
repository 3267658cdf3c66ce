//! `nightlatch psql …` and `nightlatch run`: wraps a client.

mod recording;

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use self::recording::{Disk, Recording};
use super::night::NIGHT;
use super::past::End;
use super::program::{cannot_run, find};
use super::prune::{tidy_after, tidy_before};
use super::start_up_file::{self, StartUpFile};
use super::{editor, hook, notify};
use crate::cli::RunArgs;
use crate::clients::known::{self, Known};
use crate::clients::{Command, Echo, Hook, Input, Launcher, Preflight, Side};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::error::{Error, Kind};
use crate::here::Here;
use crate::looks::Wardrobe;
use crate::os::background::{self, Asked};
use crate::os::job::own_pid;
use crate::os::random;
use crate::os::signal::{Caught, Signals, survive_file_limit};
use crate::os::spawn::{Launch, replace_self, spawn};
use crate::os::term::{self, Terminals, UserTerm};
use crate::policy::Decision;
use crate::record::{Header, Recorder, Source, badly};
use crate::redact;
use crate::relay::appearance::Appearance;
use crate::relay::asked::Asking;
use crate::relay::ends::{Ends, Manner};
use crate::relay::keeper::{Judged, Keeper};
use crate::relay::probe::{look_up, meet};
use crate::relay::{Approval, Ended, Night, Parts, Relay};
use crate::servers::Servers;
use crate::target::{Decided, Tier};
use crate::ui::theme::Theme;
use crate::ui::{notice, refusal};
use crate::world::World;

/// What became of a client that wrote to a pipe without a reader.
const BROKEN_PIPE: End = End::Signalled(13);

/// Runs a client by its own name with its own arguments.
///
/// # Errors
/// When the client cannot be found or run, or nightlatch itself fails.
pub fn client(words: &[OsString], world: &World, clock: &Clock) -> Result<u8, Error> {
    let Some((name, args)) = words.split_first() else {
        return Err(Error::new(Kind::Usage, "No client was named."));
    };
    let known = known::by_command(name).ok_or_else(|| unknown(name))?;
    wrap(known, name, args, None, world, clock)
}

/// Runs `nightlatch run`.
///
/// # Errors
/// When the command is no client that we know, cannot be found or run, or nightlatch itself fails.
pub fn run(args: &RunArgs, world: &World, clock: &Clock) -> Result<u8, Error> {
    let Some((name, rest)) = args.command.split_first() else {
        return Err(Error::new(Kind::Usage, "No command was given."));
    };
    let client = args.client.as_deref().map_or(name.as_os_str(), OsStr::new);
    let known = known::by_command(client).ok_or_else(|| unknown(client))?;
    let approved =
        args.approve.clone().map(|target| Approval { target, reason: args.reason.clone() });
    wrap(known, name, rest, approved, world, clock)
}

fn unknown(name: &OsStr) -> Error {
    let names: Vec<&str> = known::KNOWN.iter().map(|known| known.name).collect();
    Error::new(
        Kind::Usage,
        format!("There is no command and no known client named {}.", name.to_string_lossy()),
    )
    .hint(format!(
        "Clients: {}. Commands: see nightlatch --help. Another name for a client: \
         nightlatch run --as CLIENT -- COMMAND.",
        names.join(", ")
    ))
}

/// Wraps one run of a client.
fn wrap(
    known: &Known,
    name: &OsStr,
    args: &[OsString],
    approved: Option<Approval>,
    world: &World,
    clock: &Clock,
) -> Result<u8, Error> {
    let program = find(name, world)?;
    let terminals = Terminals::look();
    let launcher = (known.launch)(Command { args, terminals, program: &program, world });
    if launcher.is_bare() {
        return Err(cannot_run(name, &replace_self(program.as_os_str(), name, args)));
    }
    // It answers while the rest is read.
    let disk = world.data_dir().map(Disk::ask);
    let loaded = config::load(world);
    let theme = theme(world, terminals, loaded.config.look.colour);
    redact::set_own(
        loaded.config.redact.iter().map(|own| (own.kind.as_str(), own.pattern.as_str())),
    );
    if !loaded.errors.is_empty() {
        say(&format!(
            "the configuration has {} (see nightlatch config check); destructive statements on \
             targets it may have named are held",
            counted(loaded.errors.len(), "mistake")
        ));
    }
    let mut here = Here::new(world);
    if launcher.is_interactive() && launcher.hook().is_none() {
        // The relay looks while the client starts.
        here = here.without_ports();
    }
    let decided = launcher.decide(&here.known(&loaded.config.targets), world);
    let is_off = world.var("NIGHTLATCH") == Some("off");
    let mut run = Run {
        known,
        name,
        program,
        args,
        terminals,
        launcher,
        world,
        clock,
        decided,
        theme,
        data_dir: None,
    };
    survive_file_limit();
    let (config, header) = (loaded.config, run.header());
    let (max_bytes, wait) = (config.record.max_session_bytes, config.journal_wait);
    let Recording { recorder, data_dir } = Recording::begin(disk, &header, *clock, max_bytes, wait);
    run.data_dir = data_dir;
    if is_off {
        return run.bare(recorder);
    }
    let log = recorder.as_ref().map(|recorder| (recorder.path().to_owned(), recorder.written()));
    let ended = run.go(config, here, recorder, approved.or_else(|| approval(world)));
    if let (Some(data_dir), Some((log, written))) = (world.data_dir(), log)
        && let Some(folder) = log.parent().filter(|_| written.is_over())
    {
        tidy_after(&data_dir, folder, clock);
        if ended.as_ref().is_ok_and(|&status| is_loss(status)) {
            // Only a shell's remark is lost where it cannot be written.
            drop(badly::note(&data_dir, folder));
        }
    }
    ended
}

/// Tells whether the client was ended in a way that loses what most have in memory. After Ctrl-C,
/// and where a pipe's reader has gone, nobody needs to be told.
fn is_loss(status: u8) -> bool {
    let end = End::of_status(i32::from(status));
    let is_own = end == End::Signalled(Caught::Interrupt.number()) || end == BROKEN_PIPE;
    end.is_bad() && !is_own
}

/// What was read before the client starts.
#[derive(Default)]
struct Foreseen {
    /// What the person must release first.
    before: Option<Judged>,
    /// Where what runs changes what the client shows.
    echoes: Vec<Echo>,
}

/// One run, read and decided.
struct Run<'a> {
    known: &'a Known,
    name: &'a OsStr,
    program: PathBuf,
    args: &'a [OsString],
    terminals: Terminals,
    launcher: Box<dyn Launcher>,
    world: &'a World,
    clock: &'a Clock,
    decided: Decided,
    theme: Theme,
    /// The data folder, if it can be touched.
    data_dir: Option<PathBuf>,
}

impl Run<'_> {
    /// Returns what is known of the session before it starts.
    fn header(&self) -> Header {
        let size = term::size(io::stdout().as_fd()).unwrap_or_default();
        let mut argv = vec![self.name.to_string_lossy().into_owned()];
        argv.extend(self.args.iter().map(|arg| arg.to_string_lossy().into_owned()));
        let pid = u32::try_from(own_pid()).unwrap_or(0);
        Header {
            cols: size.cols,
            rows: size.rows,
            term: self.world.var("TERM").map(str::to_owned),
            client: self.known.name.to_owned(),
            argv,
            title: None,
            target: Some(self.decided.target.clone()),
            cwd: self.world.cwd.clone(),
            tty: term::name().map(|path| path.to_string_lossy().into_owned()),
            pid,
            pid_started: crate::record::process::started(pid),
        }
    }

    /// `NIGHTLATCH=off`: runs the client bare, says so, and logs that.
    fn bare(&self, recorder: Option<Recorder>) -> Result<u8, Error> {
        say("off: NIGHTLATCH=off is set, this session is neither guarded nor recorded");
        if let Some(mut recorder) = recorder {
            recorder.marker(crate::record::Marker::Note {
                text: "run bare: NIGHTLATCH=off was set".to_owned(),
            });
            recorder.output(b"nightlatch: run bare: NIGHTLATCH=off was set\r\n");
            recorder.finish(0);
        }
        let error = replace_self(self.program.as_os_str(), self.name, self.args);
        Err(cannot_run(self.name, &error))
    }

    fn go(
        &self,
        config: Config,
        here: Here,
        recorder: Option<Recorder>,
        approved: Option<Approval>,
    ) -> Result<u8, Error> {
        let session = recorder.as_ref().map(|recorder| recorder.session().to_owned());
        // Only where it can be touched.
        let log = recorder.as_ref().filter(|_| self.data_dir.is_some()).map(Recorder::path);
        let folder = log.and_then(Path::parent).map(Path::to_owned);
        let is_interactive = self.launcher.is_interactive();
        let mut keeper = Keeper::new(config, *self.clock, recorder, here, self.decided.clone());
        keeper.set_glass_folder(self.data_dir.clone());
        if let Some(data_dir) = &self.data_dir {
            keeper.remember_servers(Servers::new(data_dir));
        }
        let preflight = (!is_interactive).then(|| {
            let address = &self.decided.target.address;
            self.launcher.preflight(&keeper.facts_now(), address, self.world)
        });
        if self.world.var("NIGHTLATCH_SESSION").is_some() {
            keeper.set_nested();
        }
        if !is_interactive {
            keeper.set_unattended();
        }
        if let Some(hook) = self.launcher.hook() {
            return self.start_hooked(hook, keeper, session.as_deref(), approved);
        }
        let input = self.launcher.input();
        let mut manner = Manner::Tapped;
        if input.is_none() && preflight.as_ref().is_some_and(|preflight| !preflight.is_clear) {
            if self.decided.target.tier == Tier::Development {
                manner = Manner::Read;
            } else {
                keeper.remark("refused: a script on standard input with other actions behind it");
                keeper.finish(i32::from(Ended::Refused.status()));
                return Err(Error::ours(format!(
                    "{} cannot be guarded here: it reads a script from standard input and goes on \
                     with other actions, or opens standard input by name.",
                    self.name.to_string_lossy()
                ))
                .hint("Run the script and the other actions as two commands, and name standard input as -."));
            }
        }
        if let Some(preflight) = &preflight {
            if preflight.is_clear && self.is_clear_there(&preflight.texts, &mut keeper) {
                manner = Manner::Read;
                keeper.preflight(&preflight.texts.join("\n"));
            } else if let Some((text, verdict)) = &preflight.held
                && !can_ask()
                && !is_approved(approved.as_ref(), &self.decided)
            {
                let why = "no terminal to ask on";
                let texts = [text.clone()];
                let judged = keeper.statement(&texts, 0, Source::Preflight);
                keeper.cancelled(&judged, Some(why));
                keeper.finish(i32::from(Ended::Refused.status()));
                let target = &self.decided.target;
                let approved = approved.as_ref().map(|approved| approved.target.as_str());
                say_raw(&refusal::text(text, verdict, target, why, approved));
                return Ok(Ended::Refused.status());
            }
        }
        let mut foreseen = Foreseen::default();
        let mut side = self.launcher.side();
        if let Some(Preflight { unseen, .. }) = preflight.filter(|_| manner == Manner::Tapped) {
            if !unseen.connects.is_empty() {
                // No prompt tells where it is then.
                side = None;
            }
            keeper.connects(&unseen.connects);
            foreseen.echoes.clone_from(&unseen.echoes);
            if !unseen.is_nothing() {
                if let Some(side) = &mut side {
                    look_up(side.as_mut(), &unseen.statements, &mut keeper);
                }
                keeper.define(&unseen.made);
                let text = unseen.summary();
                let judged =
                    keeper.draft(text, &unseen.statements, unseen.effects, Source::Preflight);
                foreseen.before = before(&mut keeper, judged);
            }
        }
        let statements = if is_interactive { self.launcher.starts_with() } else { Vec::new() };
        if !statements.is_empty() {
            let text = statements.join("; ");
            let judged = keeper.draft(text, &statements, Vec::new(), Source::Preflight);
            foreseen.before = before(&mut keeper, judged);
        }
        let mut start = Start { manner, approved, foreseen, ..Start::default() };
        start.side = side;
        let teller = editor::teller();
        let told = self.launcher.told(&teller);
        if !told.is_empty() {
            let (asking, vars) = hook::open_to_programs(self.world)?;
            start.asking = Some(asking);
            start.vars.extend(vars.into_iter().chain(told));
        }
        self.start(keeper, session.as_deref(), folder, start)
    }

    /// Returns whether texts that were read beforehand still do nothing to ask about, with the
    /// server's own functions known.
    fn is_clear_there(&self, texts: &[String], keeper: &mut Keeper) -> bool {
        let Some(mut side) = self.launcher.side() else { return true };
        let is_other = meet(side.as_mut(), texts, keeper);
        let is_told = look_up(side.as_mut(), texts, keeper);
        !(is_other || is_told) || texts.iter().all(|text| keeper.is_allowed(text))
    }

    /// Starts a client that speaks with us over a socket: its ends are left as they are.
    fn start_hooked(
        &self,
        mut hook: Hook,
        mut keeper: Keeper,
        session: Option<&str>,
        approved: Option<Approval>,
    ) -> Result<u8, Error> {
        let mut foreseen = Foreseen::default();
        if let Some((text, reading)) = hook.untold.take() {
            let judged = keeper.untold((hook.kept)(text), &reading, Source::Preflight);
            foreseen.before = before(&mut keeper, judged);
        }
        let (asking, args, vars) = hook::open(hook, self.args, self.world, self.data_dir.clone())?;
        let start = Start {
            manner: Manner::Read,
            approved,
            foreseen,
            asking: Some(asking),
            args: Some(args),
            vars,
            ..Start::default()
        };
        self.start(keeper, session, None, start)
    }

    fn start(
        &self,
        mut keeper: Keeper,
        session: Option<&str>,
        folder: Option<PathBuf>,
        start: Start,
    ) -> Result<u8, Error> {
        let Start { manner, approved, foreseen, asking, args, mut vars, side } = start;
        let written = keeper.written();
        let nonce = random::token();
        let has_tty = self.terminals.stdin || self.terminals.stdout;
        let term = if has_tty { UserTerm::open().ok() } else { None };
        let has_pty = has_tty && term.is_some();
        let (ends, client_ends) =
            Ends::make(self.terminals, term.as_ref(), manner).map_err(|error| {
                Error::ours("The client's terminal could not be made.")
                    .because(error)
                    .hint("Close other sessions: the system has no pty or descriptor left.")
            })?;
        let is_tapped = manner == Manner::Tapped;
        let own = || if is_tapped { self.launcher.tapped_args(&nonce) } else { self.args.to_vec() };
        let args = args.unwrap_or_else(own);
        if let Some(session) = session {
            vars.push(("NIGHTLATCH_SESSION".into(), Some(session.into())));
        }
        let start_up = self.launcher.start_up_file(&nonce, &editor::teller()).filter(|_| is_tapped);
        let mut start_up = match start_up {
            None => None,
            Some((variable, text)) => {
                let places = start_up_file::places(folder.clone(), self.world);
                let file = StartUpFile::write(&places, &nonce, &text)?;
                vars.push((variable.into(), Some(file.path.clone().into_os_string())));
                Some(file)
            }
        };
        let night = self.ask_night(&mut keeper);
        let mut caught = vec![
            Caught::Resize,
            Caught::HangUp,
            Caught::Terminate,
            Caught::Interrupt,
            Caught::Quit,
        ];
        if has_pty {
            // The client has a session of its own: a stop has to be passed on.
            caught.push(Caught::Stop);
        }
        let terminal = term.as_ref().and_then(|_| term::name());
        let wardrobe = Wardrobe::new(self.data_dir.as_deref(), terminal.as_deref());
        let (monitor, channel) = spawn(Launch {
            program: self.program.clone(),
            name: self.name.to_owned(),
            args,
            vars,
            ends: client_ends,
            tty: ends.pty.as_ref().map(crate::os::pty::Pty::follower),
            keepsake: term.as_ref().map(AsFd::as_fd),
            note: wardrobe.path().map(Path::to_owned),
            hold: ends.to_hold(),
        })
        .map_err(|error| Error::ours("The monitor could not be started.").because(error))?;
        if let Err(error) = keeper.begin_recording() {
            say(&format!("recording is off, what you do is not recorded: {error}"));
        }
        // It starts a thread, so not before the monitor has been forked.
        if let Some(data_dir) = &self.data_dir {
            tidy_before(data_dir, self.clock);
        }
        let is_notified = keeper.config().notify;
        let signals = Signals::catch(&caught)
            .and_then(Signals::and_interrupts)
            .map_err(|error| Error::ours("Signals cannot be caught.").because(error))?;
        let mut tap = if is_tapped { self.launcher.tap(&nonce) } else { None };
        if let Some(tap) = &mut tap {
            tap.foresee(foreseen.echoes);
        }
        let look = keeper.config().look;
        let relay = Relay::new(Parts {
            term,
            ends,
            monitor,
            channel,
            signals,
            tap,
            interactive: if is_tapped || asking.is_some() {
                self.launcher.interactive()
            } else {
                None
            },
            side: if is_tapped { side } else { None },
            asking,
            keeper,
            theme: self.theme,
            is_whole_terminal: self.terminals.stdin && self.terminals.stdout,
            can_move: self.world.var("TERM") != Some("dumb"),
            approved,
            before: foreseen.before,
            input: self.launcher.input().unwrap_or(Input::Data),
            is_asked_too: self.launcher.is_asked_too(),
            program: base_name(self.name),
            appearance: Appearance::new(look, self.world, wardrobe),
            home: self.world.home.clone(),
            notifier: notify::notifier(self.world, is_notified),
            night: night.and_then(|(label, asked)| {
                // Without a thread left the person does without.
                asked.listen().ok().map(|lines| Night { label, lines })
            }),
        })
        .map_err(|error| Error::ours("Standard output cannot be used.").because(error))?;
        let ended = relay.run().map_err(|error| {
            Error::ours("The relay failed; the client was ended.").because(error)
        })?;
        if let (Some(file), Some(folder)) = (&mut start_up, folder)
            && !written.is_some_and(|written| written.is_over())
        {
            file.leave_in(&folder);
        }
        drop(start_up);
        match ended {
            Ended::NotStarted(errno) => {
                Err(cannot_run(self.name, &io::Error::from_raw_os_error(errno)))
            }
            other => Ok(other.status()),
        }
    }

    /// Where a person opens production late: asks in the background for what there is to say.
    fn ask_night(&self, keeper: &mut Keeper) -> Option<(String, Asked)> {
        let target = &self.decided.target;
        let is_wanted = target.tier == Tier::Production
            && self.launcher.is_interactive()
            && keeper.moment().is_late();
        let label = target.label();
        let asked = || background::ask(NIGHT, label.as_ref()).ok();
        is_wanted.then(asked).flatten().map(|asked| (label.clone(), asked))
    }
}

/// Returns what a person must release before the client is started; lets the rest run.
fn before(keeper: &mut Keeper, judged: Judged) -> Option<Judged> {
    match judged.verdict.decision {
        Decision::Allow | Decision::Notice => keeper.released(&judged, None, false),
        Decision::Hold(_) | Decision::Deny => return Some(judged),
    }
    None
}

/// How a client is to be started.
struct Start {
    manner: Manner,
    approved: Option<Approval>,
    /// What was read before the start.
    foreseen: Foreseen,
    /// The socket of a hook.
    asking: Option<Asking>,
    /// The arguments that load a hook.
    args: Option<Vec<OsString>>,
    vars: hook::Vars,
    /// What asks the server beside the client.
    side: Option<Box<dyn Side>>,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            manner: Manner::Tapped,
            approved: None,
            foreseen: Foreseen::default(),
            asking: None,
            args: None,
            vars: Vec::new(),
            side: None,
        }
    }
}

fn approval(world: &World) -> Option<Approval> {
    let target = world.var("NIGHTLATCH_APPROVE")?.to_owned();
    Some(Approval { target, reason: Some("NIGHTLATCH_APPROVE was set".to_owned()) })
}

fn is_approved(approved: Option<&Approval>, decided: &Decided) -> bool {
    approved.is_some_and(|approved| decided.target.answers_to(&approved.target))
}

/// Returns whether there is a terminal, and a person in front of us at it.
fn can_ask() -> bool {
    UserTerm::open().is_ok_and(|term| term.is_foreground())
}

fn theme(world: &World, terminals: Terminals, is_wanted: bool) -> Theme {
    let is_plain = world.var("NO_COLOR").is_some() || world.var("TERM") == Some("dumb");
    Theme::new(is_wanted && !is_plain && (terminals.stdout || terminals.stderr))
}

fn base_name(name: &OsStr) -> String {
    Path::new(name).file_name().unwrap_or(name).to_string_lossy().into_owned()
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Says a line on standard error, before the relay runs.
fn say(text: &str) {
    let theme = Theme::new(io::stderr().is_terminal());
    say_raw(&notice::line(text, crate::ui::theme::Style::Warning, 0, theme));
}

fn say_raw(text: &str) {
    // Standard error may be closed; then there is nobody to tell.
    drop(writeln!(io::stderr(), "{text}"));
}
