//! A session's log as the statements it holds, with what became of each.

mod fate;
pub(super) mod prompt;
pub(super) mod screen;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use memchr::memmem;

use super::log::Log;
use crate::clients::known;
use crate::error::Error;
use crate::lang::Reading;
use crate::record::course::{Course, Moment};
use crate::record::find::Recorded;
use crate::record::{Answer, Event, Header, Marker, Release, Source, Standing, Start, process};
use crate::target::Target;
use screen::Stretch;

pub(super) use fate::Fate;

/// A client that a signal ended has this and the signal's number as its status.
const SIGNALLED: i32 = 128;

/// What PostgreSQL says where something to be dropped is not there, in English: in another language it
/// counts as dropped, which is the safe side.
const SKIPPED: &str = "does not exist, skipping";

/// So much is looked through for that.
const NOTICES_BYTES: usize = 64 << 10;

/// The greatest number of a signal.
const LAST_SIGNAL: i32 = 64;

/// One session, as its log tells it.
#[derive(Debug)]
pub(super) struct Past {
    /// Its id.
    pub(super) session: String,
    /// When it started.
    pub(super) started: Timestamp,
    /// When it was last heard of.
    pub(super) last: Moment,
    /// What was known before it started.
    pub(super) header: Header,
    /// What happened, in order.
    pub(super) things: Vec<Thing>,
    /// How it ended.
    pub(super) end: End,
    /// What stood on the screen after the last statement, if that was asked for.
    pub(super) tail: String,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is still running.
    Running,
    /// The client ended with a status of its own.
    Exited(i32),
    /// A signal ended the client: its terminal was closed, or somebody killed it.
    Signalled(i32),
    /// nightlatch was killed, or the machine went down: no end was recorded.
    Lost,
}

/// Something that happened.
#[derive(Debug)]
pub(super) struct Thing {
    /// When.
    pub(super) at: Moment,
    /// What.
    pub(super) what: What,
}

/// What happened.
#[derive(Debug)]
pub(super) enum What {
    /// The connection changed.
    Connected(Target),
    /// A statement was about to run.
    Statement(Box<Deed>),
    /// Something was not recorded.
    Gap(String),
    /// Something a person should know.
    Note(String),
}

/// A statement and what became of it.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) n: u64,
    pub(super) text: String,
    pub(super) source: Source,
    pub(super) target: Target,
    pub(super) verdict: String,
    pub(super) rule: Option<String>,
    pub(super) reasons: Vec<String>,
    /// Kinds of secrets that are not in the text.
    pub(super) redacted: Vec<String>,
    /// Whether it was judged to remove or overwrite what was there.
    pub(super) destroys: bool,
    /// What kind of server it went to, where the client told.
    pub(super) engine: Option<String>,
    /// How much of what it was to drop was not there.
    pub(super) skipped: usize,
    /// Whether it was held and a release was about to be sent.
    pub(super) was_let_run: bool,
    pub(super) answer: Option<Given>,
    pub(super) outcome: Option<Outcome>,
    /// Whether it took effect, as far as is known.
    pub(super) fate: Fate,
    /// When what it did could first be seen by others, if that was not at once: its COMMIT.
    pub(super) took_effect: Option<Timestamp>,
    /// The screen around it, if that was asked for.
    pub(super) screens: Option<Screens>,
}

/// The screen around a statement.
#[derive(Debug)]
pub(super) struct Screens {
    /// Since the end of the statement before.
    pub(super) before: String,
    /// Where it was typed, if it was.
    pub(super) typed: String,
    /// Whether that is all there was on the screen.
    pub(super) is_whole: bool,
    /// What came back.
    pub(super) came_back: String,
}

/// An answer to a hold.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) at: Moment,
    pub(super) answer: Answer,
    pub(super) reason: Option<String>,
    pub(super) release: Option<Release>,
}

/// How a statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) rows: Option<u64>,
    pub(super) duration_ms: Option<u64>,
    pub(super) error: Option<String>,
    /// Nobody heard how it went.
    pub(super) unheard: bool,
    /// Where the transaction stood behind it, as far as it is known.
    pub(super) transaction: Option<Standing>,
}

/// Whether screens are wanted too, which takes longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Deeds,
    Screens,
}

/// Reads a log.
pub(super) fn read(found: &Recorded, want: Want) -> Result<Past, Error> {
    let mut log = Log::of(found.clone())?;
    let Start { started, header, .. } = log.start.clone();
    let stretch = (want == Want::Screens).then(|| Stretch::new((header.cols, header.rows)));
    let mut scan = Scan {
        course: Course::new(started),
        into: Duration::ZERO,
        things: Vec::new(),
        exit: None,
        is_torn: false,
        has_output: false,
        stretch,
        output_of: None,
        is_whole: true,
        typed: String::new(),
        notices: None,
    };
    if let Some(target) = &header.target {
        scan.add(None, What::Connected(target.clone()));
    }
    loop {
        let event = match want {
            Want::Deeds if scan.notices.is_none() => log.next_but_output()?,
            Want::Deeds | Want::Screens => log.next()?,
        };
        let Some(event) = event else { break };
        scan.into = log.time();
        scan.event(event);
    }
    scan.into = log.time();
    let last = scan.moment(None);
    let tail = scan.end_stretch();
    let is_alive = process::is_alive(header.pid, header.pid_started);
    let end = match scan.exit {
        None if is_alive => End::Running,
        None => End::Lost,
        Some(status) => End::of_status(status),
    };
    let mut things = scan.things;
    if end == End::Running && scan.is_torn {
        // It is only being written.
        things.pop();
    }
    if !scan.has_output {
        for thing in &mut things {
            if let What::Statement(deed) = &mut thing.what
                && let Some(screens) = &mut deed.screens
            {
                screens.is_whole = false;
            }
        }
    }
    fate::decide(&mut things, end);
    Ok(Past { session: found.session.clone(), started, last, header, things, end, tail })
}

/// What is known while a log is read.
struct Scan {
    course: Course,
    /// How far into the session we are.
    into: Duration,
    things: Vec<Thing>,
    exit: Option<i32>,
    /// The last thing is an event without an end.
    is_torn: bool,
    /// Whether there is any output: an inner session's is in the outer one's log.
    has_output: bool,
    /// The screen since the last marker that began or ended a statement.
    stretch: Option<Stretch>,
    /// The statement that the stretch is the output of, as an index into `things`.
    output_of: Option<usize>,
    /// Whether nothing is missing in the stretches since the last statement.
    is_whole: bool,
    /// The last stretch in which a line was typed.
    typed: String,
    /// What a DROP … IF EXISTS printed so far, until it is over.
    notices: Option<Vec<u8>>,
}

impl Scan {
    /// Returns when what is told now happened, by the clock on the wall if that was told.
    fn moment(&mut self, wall: Option<Timestamp>) -> Moment {
        if let Some(set) = wall.and_then(|wall| self.course.see(self.into, wall)) {
            let way = if set.is_negative() { "back" } else { "forward" };
            let by = SignedDuration::from_secs(set.as_secs()).abs();
            self.add(None, What::Note(format!("this machine's clock was set {way} by {by:#}")));
        }
        self.course.moment(self.into, wall)
    }

    /// Adds what is told now, with the time of the clock on the wall if that was told.
    fn add(&mut self, wall: Option<Timestamp>, what: What) {
        let at = self.moment(wall);
        self.things.push(Thing { at, what });
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Marker(marker) => self.marker(*marker),
            Event::Exit(status) => self.exit = Some(status),
            Event::Broken { bytes } => {
                self.is_whole = false;
                self.add(None, What::Gap(format!("{bytes} bytes of the log cannot be read")));
            }
            Event::Torn { bytes } => {
                let why = format!("the log stops within an event, after {bytes} bytes of it");
                self.add(None, What::Gap(why));
                self.is_torn = true;
            }
            Event::Output(_) | Event::Resize { .. } => {
                if let Event::Output(bytes) = &event {
                    self.has_output = true;
                    if let Some(notices) = &mut self.notices {
                        notices.extend(&bytes[..bytes.len().min(NOTICES_BYTES - notices.len())]);
                    }
                }
                if let Some(stretch) = &mut self.stretch {
                    stretch.event(event);
                }
            }
            Event::Other(_) => {}
        }
    }

    fn marker(&mut self, marker: Marker) {
        match marker {
            Marker::Statement {
                n,
                time,
                text,
                source,
                target,
                verdict,
                rule,
                reasons,
                redacted,
                destroys,
                engine,
            } => {
                self.notices = is_conditional(&text).then(Vec::new);
                let mut before = self.end_stretch();
                if before.trim().is_empty() {
                    before = self.take_echo(&text).unwrap_or(before);
                }
                if self.stretch.is_some() && !before.trim().is_empty() && self.output_of.is_none() {
                    self.typed.clone_from(&before);
                }
                let screens = self.stretch.is_some().then(|| Screens {
                    before: before.clone(),
                    is_whole: self.is_whole,
                    typed: format!("{}\n{before}", self.typed),
                    came_back: String::new(),
                });
                self.is_whole = true;
                self.add(
                    Some(time),
                    What::Statement(Box::new(Deed {
                        n,
                        text,
                        source,
                        target,
                        verdict,
                        rule,
                        reasons,
                        redacted,
                        destroys,
                        engine,
                        skipped: 0,
                        was_let_run: false,
                        answer: None,
                        outcome: None,
                        fate: Fate::Unknown,
                        took_effect: None,
                        screens,
                    })),
                );
                self.output_of = Some(self.things.len() - 1);
            }
            Marker::Answer { n, time, answer, reason, moment } => {
                // Where it was let run, that is what it printed.
                if !self.deed(n).is_some_and(|deed| deed.was_let_run) {
                    self.forget_question();
                }
                let at = self.moment(Some(time));
                if let Some(deed) = self.deed(n) {
                    let release = moment.map(|moment| *moment);
                    deed.answer = Some(Given { at, answer, reason, release });
                }
            }
            Marker::Outcome { n, rows, duration_ms, error, unheard, transaction } => {
                drop(self.end_stretch());
                let notices = self.notices.take().unwrap_or_default();
                if let Some(deed) = self.deed(n) {
                    deed.skipped = memmem::find_iter(&notices, SKIPPED).count();
                    deed.outcome = Some(Outcome { rows, duration_ms, error, unheard, transaction });
                }
            }
            Marker::Target { target } => self.add(None, What::Connected(target)),
            Marker::Gap { what, bytes, why } => {
                self.is_whole = false;
                let bytes = bytes.map_or(String::new(), |bytes| format!("{bytes} bytes of "));
                self.add(None, What::Gap(format!("{bytes}{what}: {why}")));
            }
            note @ Marker::Note { .. } if note.let_run().is_some() => {
                self.forget_question();
                if let Some(deed) = note.let_run().and_then(|n| self.deed(n)) {
                    deed.was_let_run = true;
                }
            }
            Marker::Note { text } => self.add(None, What::Note(text)),
        }
    }

    /// Returns the deed with a number, the latest first.
    fn deed(&mut self, wanted: u64) -> Option<&mut Deed> {
        self.things.iter_mut().rev().find_map(|thing| match &mut thing.what {
            What::Statement(deed) if deed.n == wanted => Some(&mut **deed),
            What::Statement(_) | What::Connected(_) | What::Gap(_) | What::Note(_) => None,
        })
    }

    /// Takes the lines in which a statement was typed from what the one before it printed: a client
    /// may tell that a statement is over only when the next one begins.
    fn take_echo(&mut self, text: &str) -> Option<String> {
        let deed = self.things.iter_mut().rev().find_map(|thing| match &mut thing.what {
            What::Statement(deed) => Some(deed),
            What::Connected(_) | What::Gap(_) | What::Note(_) => None,
        })?;
        let printed = &mut deed.screens.as_mut()?.came_back;
        let end = printed.trim_end_matches('\n').len();
        let ends = printed[..end].rmatch_indices('\n').map(|(at, _)| at + 1);
        let mut begins = ends.chain([0]).skip(text.lines().count().max(1) - 1);
        // Below it stands the empty line that ends a block.
        let begin =
            begins.by_ref().take(2).find(|&begin| screen::shows(&printed[begin..], text))?;
        Some(printed.split_off(begin))
    }

    /// Forgets what stands on the screen since the statement: nightlatch's question.
    fn forget_question(&mut self) {
        let output_of = self.output_of.take();
        drop(self.end_stretch());
        self.output_of = output_of;
    }

    /// Ends a stretch of the screen, gives it to the statement it is of, and returns it.
    fn end_stretch(&mut self) -> String {
        let Some(stretch) = &mut self.stretch else { return String::new() };
        self.is_whole &= stretch.is_whole();
        let text = stretch.end();
        if let Some(index) = self.output_of.take()
            && let Some(Thing { what: What::Statement(deed), .. }) = self.things.get_mut(index)
            && let Some(screens) = &mut deed.screens
        {
            screens.came_back.push_str(&text);
        }
        text
    }
}

impl Past {
    /// Returns the statements.
    pub(super) fn deeds(&self) -> impl Iterator<Item = (Timestamp, &Deed)> {
        self.things.iter().filter_map(|thing| match &thing.what {
            What::Statement(deed) => Some((thing.at.wall, &**deed)),
            What::Connected(_) | What::Gap(_) | What::Note(_) => None,
        })
    }
}

impl End {
    /// Tells what a status means.
    pub(super) fn of_status(status: i32) -> Self {
        match status - SIGNALLED {
            signal @ 1..=LAST_SIGNAL => Self::Signalled(signal),
            _ => Self::Exited(status),
        }
    }

    /// Says whether the client may have been ended before it wrote its history.
    pub(super) fn is_bad(self) -> bool {
        matches!(self, Self::Lost | Self::Signalled(_))
    }

    /// Says how it ended, for a person.
    pub(super) fn words(self) -> String {
        match self {
            Self::Running => "still running".to_owned(),
            Self::Exited(0) => "ended".to_owned(),
            Self::Exited(status) => format!("ended with status {status}"),
            Self::Signalled(1) => "its terminal was closed".to_owned(),
            Self::Signalled(signal) => format!("ended by signal {signal}"),
            Self::Lost => "nightlatch was killed, or the machine went down".to_owned(),
        }
    }
}

impl Deed {
    /// Says whether it removes or overwrites what was there, as it was judged when it ran or as its
    /// text reads now.
    pub(super) fn is_destructive(&self, client: &str) -> bool {
        let Some(known) = known::by_name(client) else {
            return self.destroys || matches!(self.verdict.as_str(), "hold" | "deny");
        };
        // What a typed command of the client's own runs is told by itself.
        if known.tells_operations || self.source == Source::Draft {
            return self.destroys;
        }
        let (has_word, count) = destroying(&(known.read)(&self.text));
        let rows = self.outcome.as_ref().and_then(|outcome| outcome.rows);
        let was_nothing_there = (self.skipped > 0 && self.skipped >= count)
            || (rows == Some(0) && tells_its_rows(&self.text));
        !was_nothing_there && (self.destroys || has_word || count > 0)
    }

    /// Says whether it removes files before it commits: then no recovery to a time brings them back,
    /// since a time is only looked at where something commits.
    pub(super) fn removes_files(&self) -> bool {
        let text = fate::without_comments(&self.text).to_ascii_lowercase();
        let mut words = text.split_whitespace();
        let first = (words.next(), words.next());
        matches!(first, (Some("drop"), Some("database" | "tablespace")))
    }

    /// Says what became of it, in a few words.
    pub(super) fn end_words(&self) -> String {
        let mut words = vec![self.fate.words().to_owned()];
        if let Some(reason) = self.answer.as_ref().and_then(|given| given.reason.as_deref()) {
            words.push(format!("because: {reason}"));
        }
        if let Some(outcome) = &self.outcome {
            let plural = |rows: u64| if rows == 1 { "row" } else { "rows" };
            words.extend(outcome.error.as_ref().map(|error| format!("error {error}")));
            words.extend((self.skipped > 0).then(|| format!("{} not there", self.skipped)));
            words.extend(outcome.rows.map(|rows| format!("{rows} {}", plural(rows))));
            words.extend(outcome.duration_ms.map(|duration| format!("{duration} ms")));
        }
        words.join(", ")
    }
}

/// Says whether a statement removes or overwrites what was there, as its text reads now.
pub(super) fn is_destructive(client: &str, text: &str, verdict: &str) -> bool {
    let Some(known) = known::by_name(client) else { return matches!(verdict, "hold" | "deny") };
    if known.tells_operations {
        return verdict != "allow";
    }
    let (has_word, count) = destroying(&(known.read)(text));
    has_word || count > 0
}

/// Says whether there is a destructive word in what could not be read, and how many effects destroy.
fn destroying(reading: &Reading) -> (bool, usize) {
    let has_word = matches!(reading, Reading::Unclear { destructive_word: true, .. });
    (has_word, reading.effects().iter().filter(|effect| effect.destroys()).count())
}

/// Says whether a statement's rows are those that it removes or changes.
fn tells_its_rows(text: &str) -> bool {
    let text = fate::without_comments(text).to_ascii_lowercase();
    let is_alone = !text.trim_end().trim_end_matches(';').contains(';');
    is_alone && matches!(text.split_whitespace().next(), Some("delete" | "update"))
}

/// Says whether a statement drops something only where it is there.
fn is_conditional(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("drop") && text.contains("if exists")
}
