//! The loop between the person and the client: one thread, one `poll`, typed events.
//!
//! - `eager`: waiting without sleeping
//! - `ends`: what the client's 0, 1 and 2 are
//! - `output`: what the client prints, on its way to the screen and the recording
//! - `input`: what the person types, on its way through the gate
//! - `look`: what the client waits for
//! - `settle`: moving on what waits for it, and answering its questions
//! - `hold`: the open dialogue
//! - `hours`: what is said of the hour
//! - `focus`: whether the person looks at the terminal
//! - `draft`: what stands behind the prompt when a line is submitted
//! - `appearance`: where the session is, on the screen
//! - `keeper`: statements, judged and written down
//! - `survey`: what is found out of a new connection, beside all that
//! - `alert`: what the desktop is told
//! - `asked`: questions that come over a socket, from a hook inside the client
//! - `unguarded`: what is typed where that hook is not there
//! - `way_out`: suspending, hanging up, ending

mod alert;
pub mod appearance;
pub mod asked;
mod draft;
mod eager;
pub mod ends;
mod focus;
mod hold;
mod hours;
mod input;
pub mod keeper;
mod look;
mod output;
pub(crate) mod probe;
mod settle;
mod survey;
mod unguarded;
mod way_out;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::alert::Alerts;
use self::appearance::Appearance;
use self::asked::Asking;
use self::draft::Line;
use self::eager::Eager;
use self::ends::Ends;
use self::focus::Focus;
use self::hold::{Doubt, Held, Releasing};
use self::keeper::{Judged, Keeper};
use self::output::Sink;
use self::probe::Probe;
use self::survey::Survey;
use crate::clients::{Guarded, Input, Interactive, Side, Tap};
use crate::notify::Notifier;
use crate::os::channel::{Channel, Order, Report};
use crate::os::poll::Wait;
use crate::os::process::Watch;
use crate::os::signal::{Caught, Signals};
use crate::os::spawn::Spawned;
use crate::os::term::UserTerm;
use crate::session::gate::Gate;
use crate::session::script::Script;
use crate::session::typed::Typed;
use crate::ui::theme::Theme;

/// How much is read from the client at once: what a pty gives, and a pipe's whole buffer.
const READ_BYTES: usize = 64 << 10;

/// What the client is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It stands at a prompt that we know, in its line editor.
    Prompt,
    /// The submitting key waits for the line editor to have taken all that came before it.
    Submitting(u8),
    /// Anything else.
    Busy,
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client's own status.
    Status(i32),
    /// A signal ended the client.
    Signal(i32),
    /// The client could not be started: an errno.
    NotStarted(i32),
    /// A statement was refused where nobody could go on: status 125.
    Refused,
}

/// What the relay is made of.
#[derive(Debug)]
pub struct Parts {
    /// The user terminal, where there is one.
    pub term: Option<UserTerm>,
    /// The client's ends.
    pub ends: Ends,
    /// The monitor.
    pub monitor: Spawned,
    /// The line to the monitor.
    pub channel: Channel,
    /// Signals to us.
    pub signals: Signals,
    /// Reads the client's output; none where it was read beforehand.
    pub tap: Option<Box<dyn Tap>>,
    /// What a hook inside the client asks over its socket.
    pub asking: Option<Asking>,
    /// How the client is used by a person.
    pub interactive: Option<Box<dyn Interactive>>,
    /// Asks the server, where it is known where to ask.
    pub side: Option<Box<dyn Side>>,
    /// Statements and the recording.
    pub keeper: Keeper,
    /// The colours.
    pub theme: Theme,
    /// Whether standard input and output are both the terminal; otherwise it is shared with the
    /// other programs of a pipeline.
    pub is_whole_terminal: bool,
    /// Whether the terminal can be drawn on in place: false under `TERM=dumb`.
    pub can_move: bool,
    /// What the person must release before the client is started.
    pub before: Option<Judged>,
    /// Whether the person wants the client to ask them before each statement.
    pub is_asked_too: bool,
    /// What standard input holds.
    pub input: Input,
    /// A target the caller has approved in advance, for runs without a person.
    pub approved: Option<Approval>,
    /// The name of the client's program, to find it below a wrapper script.
    pub program: String,
    /// What the terminal can show of where the session is.
    pub appearance: Appearance,
    /// The person's home folder.
    pub home: Option<PathBuf>,
    /// Tells the desktop.
    pub notifier: Notifier,
    /// What there is to say where a session is opened late.
    pub night: Option<Night>,
}

/// What is asked for in the background where a session is opened late.
#[derive(Debug)]
pub struct Night {
    /// The target it is about.
    pub label: String,
    /// Where it comes, one line for each thing there is to say.
    pub lines: Receiver<String>,
}

/// An approval given before the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The configured name or `host:port/database`.
    pub target: String,
    /// Why.
    pub reason: Option<String>,
}

/// The relay of one run.
#[derive(Debug)]
pub struct Relay {
    term: Option<UserTerm>,
    ends: Ends,
    monitor: Spawned,
    channel: Channel,
    signals: Signals,
    tap: Option<Box<dyn Tap>>,
    asking: Option<Asking>,
    interactive: Option<Box<dyn Interactive>>,
    side: Option<Box<dyn Side>>,
    keeper: Keeper,
    theme: Theme,
    approved: Option<Approval>,
    program: String,

    before: Option<Judged>,
    input: Input,
    /// When a client that may want data is looked at again.
    next_data_look: Duration,
    phase: Phase,
    gate: Gate,
    watch: Option<Watch>,
    held: Option<Box<Held>>,
    probe: Option<Probe>,
    survey: Option<Survey>,
    /// Whether the client has connected to where none was begun for.
    is_survey_due: bool,
    /// Held while a side connection is being started on another thread.
    starting: Arc<Mutex<()>>,
    /// Where the files of the person are.
    home: Option<PathBuf>,
    line: Line,
    /// Whether anything was passed to the client since its prompt.
    has_begun_line: bool,
    guarded: Guarded,
    /// Whether everything the client asks is refused until its next prompt.
    is_cancelling: bool,
    /// Whether the person has been told of a notice since the last submitting key.
    is_noticed: bool,
    /// Whether a known prompt has been seen in this session.
    is_prompted: bool,
    /// Input typed ahead is thrown away until this moment, after a cancel.
    discard_until: Option<Duration>,
    discarded_bytes: usize,
    /// Echo of our own answers that is still to come.
    swallow: VecDeque<u8>,
    /// What goes to the user terminal and has not been taken yet.
    sink: Sink,
    /// What goes to a redirected standard output.
    stdout: Option<File>,
    /// Whether it was said that this cannot be written.
    is_stdout_told: bool,
    /// What waits to be written to the client.
    to_client: VecDeque<u8>,
    /// What waits to be written to the pipe into the client.
    to_feed: VecDeque<u8>,
    /// Our own standard input.
    stdin: File,
    /// What was read of it for the client.
    script: Script,
    /// What was passed of a line that is typed as a script.
    typed: Typed,
    /// Whether the script's last statement was ended for it.
    is_ending: bool,
    /// Whether the last statement's data, if it still wants some, can be ended.
    has_data_end: bool,
    /// Whether the client was last seen to take data from its standard input.
    takes_data: bool,
    /// Whether the script has been passed to its end.
    is_fed: bool,
    /// Whether the client waits for more of it.
    wants_script: bool,
    /// A released statement whose answer the client has not been seen to take.
    releasing: Option<Releasing>,
    /// How often the client was looked at since it last did something.
    looks: u32,
    eager: Eager,
    client: Option<i32>,
    ended: Option<Ended>,
    is_refused: bool,
    /// Whether the user terminal was opened only to ask.
    is_term_lent: bool,
    /// Whether standard input and output are both the terminal.
    is_whole_terminal: bool,
    /// Whether the terminal listens to somebody else: a job in the background.
    is_background: bool,
    /// Whether the terminal can be drawn on in place.
    can_move: bool,
    /// Whether the person was told that the client asks no longer.
    is_unguarded_told: bool,
    /// Whether the person was told that the prompt is not marked.
    is_unmarked_told: bool,
    /// What is to be said once the line editor has ended its line.
    notices: Vec<String>,
    appearance: Appearance,
    focus: Focus,
    alerts: Alerts,
    /// What a client printed of which no hook tells what is typed there.
    unguarded: unguarded::Draft,
    /// Asked for at the start; dropped at the first prompt, whether it has come or not.
    night: Option<Night>,
    buffer: Vec<u8>,
    /// Reused for what is shown of one read.
    shown: Vec<u8>,
}

impl Relay {
    /// Makes a relay; nothing is read or written yet.
    ///
    /// # Errors
    /// When our own standard output is closed.
    pub fn new(parts: Parts) -> io::Result<Self> {
        let stdout = match parts.ends.drain {
            Some(_) => Some(ends::own_stdout()?),
            None => None,
        };
        let stdin = File::from(ends::own(io::stdin())?);
        let keys = parts.interactive.as_ref().map(|client| client.keys()).unwrap_or_default();
        let mut line = Line::default();
        if let Some(term) = &parts.term {
            let size = term.size();
            line.resize(size.cols, size.rows);
        }
        let may_ask_focus = parts.interactive.is_some() && parts.can_move;
        Ok(Self {
            term: parts.term,
            ends: parts.ends,
            monitor: parts.monitor,
            channel: parts.channel,
            signals: parts.signals,
            tap: parts.tap,
            asking: parts.asking,
            interactive: parts.interactive,
            side: parts.side,
            keeper: parts.keeper,
            theme: parts.theme,
            approved: parts.approved,
            program: parts.program,
            before: parts.before,
            input: parts.input,
            next_data_look: Duration::ZERO,
            phase: Phase::Busy,
            gate: Gate::new(keys),
            watch: None,
            held: None,
            probe: None,
            survey: None,
            is_survey_due: false,
            starting: Arc::default(),
            home: parts.home,
            line,
            has_begun_line: false,
            guarded: if parts.is_asked_too { Guarded::Theirs } else { Guarded::Unknown },
            is_cancelling: false,
            is_noticed: false,
            is_prompted: false,
            discard_until: None,
            discarded_bytes: 0,
            swallow: VecDeque::new(),
            sink: Sink::default(),
            stdout,
            to_client: VecDeque::new(),
            to_feed: VecDeque::new(),
            stdin,
            script: Script::default(),
            typed: Typed::default(),
            is_ending: false,
            has_data_end: false,
            is_stdout_told: false,
            takes_data: false,
            is_fed: false,
            wants_script: false,
            releasing: None,
            looks: 0,
            eager: Eager::default(),
            client: None,
            ended: None,
            is_refused: false,
            is_term_lent: false,
            is_whole_terminal: parts.is_whole_terminal,
            is_background: false,
            focus: Focus::new(may_ask_focus),
            can_move: parts.can_move,
            is_unguarded_told: false,
            is_unmarked_told: false,
            notices: Vec::new(),
            appearance: parts.appearance,
            alerts: Alerts::new(parts.notifier),
            unguarded: unguarded::Draft::default(),
            night: parts.night,
            buffer: vec![0; READ_BYTES],
            shown: Vec::with_capacity(READ_BYTES),
        })
    }

    /// Runs until the client has ended and all it printed has been passed on.
    ///
    /// # Errors
    /// When the kernel refuses to go on; the client is ended then.
    pub fn run(mut self) -> io::Result<Ended> {
        let result = self.serve();
        if result.is_err() {
            self.kill_client();
        }
        let ended = match result {
            Ok(()) => self.ended.unwrap_or(Ended::Signal(Caught::Terminate.number())),
            Err(error) => {
                self.close(Ended::Refused);
                return Err(error);
            }
        };
        let ended = if self.is_refused { Ended::Refused } else { ended };
        self.close(ended);
        Ok(ended)
    }

    fn serve(&mut self) -> io::Result<()> {
        while self.ended.is_none() {
            let ready = self.wait()?;
            if ready.signal {
                self.caught()?;
            }
            if self.ended.is_some() {
                // What the monitor had to say was taken on the way.
                break;
            }
            if ready.monitor {
                self.monitor_says()?;
            }
            if ready.client {
                self.read_on()?;
            }
            if ready.drain {
                self.read_drain()?;
            }
            if ready.keys {
                self.read_keys()?;
            }
            if ready.probe {
                self.read_probe();
            }
            if ready.survey {
                self.read_survey()?;
            }
            if ready.asked {
                self.read_asked()?;
            }
            if ready.script {
                self.read_script()?;
            }
            self.tick()?;
            self.serve_asked()?;
            self.settle()?;
            self.flush()?;
            self.begin_survey();
            self.tell_troubles();
            self.tell_due()?;
        }
        self.see_guard_at_output(b"")?;
        self.hear_last()?;
        self.finish_output()
    }

    /// Waits until something happens or it is time to look again.
    fn wait(&mut self) -> io::Result<Ready> {
        let timeout = self.next_look();
        let clock = self.keeper.clock();
        let can_take_output = self.sink.is_empty();
        let mut waits = [const { None }; 9];
        waits[0] = Some(Wait::readable(self.channel.as_fd()));
        waits[1] = Some(Wait::readable(self.signals.as_fd()));
        if let Some(pty) = &self.ends.pty
            && can_take_output
        {
            waits[2] = Some(Wait::readable(pty.leader().as_fd()));
        }
        if let Some(drain) = &self.ends.drain {
            waits[3] = Some(Wait::readable(drain.as_fd()));
        }
        if let Some(term) = &self.term
            && self.wants_keys()
        {
            waits[4] = Some(Wait::readable(term.as_fd()));
        }
        if let Some(term) = &self.term
            && !can_take_output
        {
            waits[5] = Some(Wait::writable(term.as_fd()));
        }
        if let Some(probe) = &self.probe {
            waits[6] = Some(Wait::readable(probe.as_fd()));
        }
        if self.wants_script {
            waits[7] = Some(Wait::readable(self.stdin.as_fd()));
        }
        if let Some(survey) = &self.survey {
            waits[8] = Some(Wait::readable(survey.as_fd()));
        }
        let mut places = [usize::MAX; 9];
        let mut used = Vec::with_capacity(9);
        for (place, wait) in waits.into_iter().enumerate() {
            if let Some(wait) = wait {
                places[place] = used.len();
                used.push(wait);
            }
        }
        let from = used.len();
        used.extend(self.asking.iter().flat_map(|asking| asking.server().waits()));
        self.eager.wait(clock, &mut used, timeout)?;
        let is_ready = |place: usize| used.get(places[place]).is_some_and(Wait::is_ready);
        let ready = Ready {
            monitor: is_ready(0),
            signal: is_ready(1),
            client: is_ready(2),
            drain: is_ready(3),
            keys: is_ready(4),
            probe: is_ready(6),
            script: is_ready(7),
            survey: is_ready(8),
            asked: used[from..].iter().any(Wait::is_ready),
        };
        if ready.client || ready.drain || ready.monitor {
            self.looks = 0;
        }
        Ok(ready)
    }

    /// The monitor reports what became of the client.
    fn monitor_says(&mut self) -> io::Result<()> {
        match self.channel.next_report()? {
            Some(Report::Ready) => {
                // The monitor has noted the terminal's settings by now, to restore them if need be.
                self.take_terminal()?;
                if self.ended.is_some() {
                    return Ok(());
                }
                match self.before.take() {
                    Some(judged) => self.hold(judged, Doubt::Start)?,
                    None => self.channel.order(Order::Start)?,
                }
            }
            Some(Report::Started(pid)) => {
                self.client = Some(pid);
                self.keeper.set_client(pid);
                self.watch = Some(Watch::new(pid));
                self.take_off_left()?;
                if self.interactive.is_some() && self.tap.is_some() {
                    self.survey_ports();
                } else if self.interactive.is_none() && self.keeper.may_be_known() {
                    // No prompt tells where it is: the first statement waits for who the server is.
                    self.is_survey_due = true;
                }
            }
            Some(Report::Failed(errno)) => self.ended = Some(Ended::NotStarted(errno)),
            Some(Report::Exited(status)) => self.ended = Some(Ended::Status(status)),
            Some(Report::Signalled(signal)) => self.ended = Some(Ended::Signal(signal)),
            Some(Report::Stopped(signal)) => self.suspend(signal)?,
            // The monitor was killed: the kernel ends the client with it.
            None => self.ended = Some(Ended::Signal(libc_sigkill())),
        }
        Ok(())
    }
}

/// What `wait` found.
#[derive(Debug, Clone, Copy)]
struct Ready {
    monitor: bool,
    signal: bool,
    client: bool,
    drain: bool,
    keys: bool,
    probe: bool,
    script: bool,
    survey: bool,
    asked: bool,
}

/// The number of SIGKILL, the same on every Unix.
const fn libc_sigkill() -> i32 {
    9
}
