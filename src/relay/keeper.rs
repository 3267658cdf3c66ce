//! Statements on their way: read, judged, written down, and what became of them.

mod connection;
mod elsewhere;
mod hours;
pub mod outcome;
mod place;
mod reached;
mod shapes;
mod tapped;
mod transaction;

use std::time::Duration;

use jiff::Timestamp;

use self::elsewhere::Return;
use self::hours::Hours;
pub use self::hours::News;
use self::outcome::Heard;
pub use self::place::Found;
use self::shapes::Shapes;
use self::tapped::Tapped;
use crate::clients::{PromptFacts, ServerSaid, Transaction};
use crate::clock::Clock;
use crate::config::Config;
use crate::here::Here;
use crate::lang::postgres::Told;
use crate::lang::{self, Effect, Reading};
use crate::policy::{self, Confidence, Decision, Facts, Tally, Verdict};
use crate::record::{Answer, Durability, Marker, Recorder, Release, ServerMoment, Source, Written};
use crate::redact;
use crate::servers::Servers;
use crate::session::drift::Drift;
use crate::session::names::Moves;
use crate::session::own::OwnObjects;
use crate::session::prepared::Prepared;
use crate::session::whole::whole;
use crate::target::{Decided, Seen, Target};

/// How long output may wait for a recorder that is behind: then nothing of a large result is lost,
/// and a disk that hangs still costs no more than one hitch.
const EASE: Duration = Duration::from_millis(20);

/// How long a statement waits for the recorder where no person types: whatever the load, no statement
/// goes before it is on disk, and nobody is held up by it. A disk that has not answered for so long
/// is taken for dead.
const UNATTENDED_WAIT: Duration = Duration::from_secs(600);

/// What is known of one statement that is about to run.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Its number in the session, from 1.
    pub n: u64,
    /// The text as it will run.
    pub text: String,
    /// What policy says.
    pub verdict: Verdict,
    /// Whether it is on disk.
    pub is_recorded: bool,
    /// Where it would run.
    pub target: Target,
}

/// Keeps one session's statements.
#[derive(Debug)]
pub struct Keeper {
    config: Config,
    clock: Clock,
    recorder: Option<Recorder>,
    here: Here,
    /// What was found out of the live connection.
    seen: Seen,
    servers: Option<Servers>,
    decided: Decided,
    /// What was decided before the client started.
    begun: Decided,
    /// Whether `decided` comes from the live connection.
    is_live: bool,
    backend_pid: Option<u32>,
    tally: Tally,
    moves: Moves,
    own: OwnObjects,
    client: Option<i32>,
    /// The client's sockets when what its own tables are was learnt, or what was released.
    sockets: Option<Vec<u64>>,
    shapes: Shapes,
    prepared: Prepared,
    facts: Option<PromptFacts>,
    drift: Drift,
    /// Where the submitted line connects to before its later statements run.
    detours: Vec<Decided>,
    transaction: Transaction,
    transaction_since: Option<Duration>,
    last_write: Option<Duration>,
    returned: Return,
    hours: Hours,
    statements: u64,
    /// The last statement that was let through and whose end has not been seen.
    running: Option<(u64, Duration)>,
    has_paged: bool,
    /// What the server said while the statement at hand was held.
    server: Option<ServerMoment>,
    /// When the release at hand was sent.
    sent: Option<Timestamp>,
    /// The same on the clock that durations are taken from.
    sent_at: Option<Duration>,
    /// Whether an outer nightlatch records the terminal already.
    is_nested: bool,
    recording_trouble: Vec<String>,
    /// What a hook inside the client tells.
    tapped: Tapped,
}

impl Keeper {
    /// Begins a session on what is known of its target before it starts.
    #[must_use]
    pub fn new(
        config: Config,
        clock: Clock,
        recorder: Option<Recorder>,
        here: Here,
        decided: Decided,
    ) -> Self {
        Self {
            config,
            clock,
            recorder,
            here,
            seen: Seen::default(),
            servers: None,
            begun: decided.clone(),
            decided,
            is_live: false,
            backend_pid: None,
            tally: Tally::default(),
            moves: Moves::default(),
            own: OwnObjects::default(),
            client: None,
            sockets: None,
            shapes: Shapes::default(),
            prepared: Prepared::default(),
            facts: None,
            drift: Drift::default(),
            detours: Vec::new(),
            transaction: Transaction::Unknown,
            transaction_since: None,
            last_write: None,
            returned: Return::default(),
            hours: Hours::default(),
            statements: 0,
            running: None,
            has_paged: false,
            server: None,
            sent: None,
            sent_at: None,
            is_nested: false,
            recording_trouble: Vec::new(),
            tapped: Tapped::default(),
        }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Returns where the session is, and why.
    #[must_use]
    pub fn decided(&self) -> &Decided {
        &self.decided
    }

    /// Returns what the last prompt told.
    #[must_use]
    pub fn facts(&self) -> Option<&PromptFacts> {
        self.facts.as_ref()
    }

    /// Returns what may make another connection read a name otherwise.
    #[must_use]
    pub fn drift(&self) -> Drift {
        self.drift
    }

    /// Takes what a prompt tells; returns whether the session is somewhere else than before.
    pub fn prompt(&mut self, facts: &PromptFacts) -> bool {
        // One that takes data is still running.
        if !facts.takes_data {
            self.ended(Heard::from(facts));
        }
        self.follow_transaction(facts.transaction);
        self.own.at_prompt(facts.error.is_none(), facts.transaction);
        self.facts = Some(facts.clone());
        self.drift.at_prompt(facts.transaction);
        self.detours.clear();
        let Some(address) = &facts.address else { return false };
        let is_new_connection = self.backend_pid != facts.backend_pid;
        self.backend_pid = facts.backend_pid;
        if is_new_connection {
            self.forget_names();
            self.prepared.clear();
            self.drift = Drift::default();
        }
        let is_new_place = !self.is_live || self.decided.target.address != *address;
        if !is_new_place {
            return false;
        }
        self.is_live = true;
        self.move_to(address);
        true
    }

    /// Takes note that a line was submitted, nothing but a statement or with a command for the
    /// client in it: counts per submission begin anew.
    pub fn submitted(&mut self, is_plain: bool) {
        self.tally.submit();
        self.own.submitted(is_plain);
    }

    /// Takes note that something else than the client's own output held the terminal, so that how
    /// long a statement took is no longer known.
    pub fn paged(&mut self) {
        self.has_paged = true;
    }

    /// Reads and judges a statement that the client is about to run, and writes it down. All
    /// `texts` could be it; the most severe counts.
    pub fn statement(&mut self, texts: &[String], likely: usize, source: Source) -> Judged {
        self.see_connection();
        let facts = self.facts_now();
        let mut worst: Option<Verdict> = None;
        for text in texts {
            let reading = self.prepared.read(text);
            let verdict = policy::judge(&reading, &facts);
            if worst.as_ref().is_none_or(|known| verdict.decision > known.decision) {
                worst = Some(verdict);
            }
        }
        let mut verdict = worst.unwrap_or_else(|| unreadable(&facts));
        let text = texts.get(likely).cloned().unwrap_or_default();
        if self.shapes.cover(|| text.clone(), &verdict, &self.place().target) {
            verdict.decision = Decision::Notice;
        }
        self.note(text, verdict, source)
    }

    /// Returns whether a statement may run without a word.
    #[must_use]
    pub fn is_allowed(&mut self, text: &str) -> bool {
        let facts = self.facts_now();
        policy::judge(&self.prepared.read(text), &facts).decision == Decision::Allow
    }

    /// Takes what the server told of its functions.
    pub fn learn(&mut self, told: Told) {
        self.prepared.learn_server(told);
    }

    /// Takes what statements define that will run before others.
    pub fn define(&mut self, made: &[String]) {
        for text in made {
            self.prepared.let_through(text);
        }
    }

    /// Judges a submitted line for what no tap will tell: statements that would run unasked and
    /// commands for the client itself.
    pub fn draft(
        &mut self,
        line: String,
        statements: &[String],
        effects: Vec<Effect>,
        source: Source,
    ) -> Judged {
        let facts = self.facts_now();
        let mut all = effects;
        let mut unclear = None;
        for text in statements {
            let reading = self.prepared.read(text);
            all.extend(reading.effects().iter().cloned().map(|mut effect| {
                effect.rows = None;
                effect
            }));
            if let Reading::Unclear { reason, destructive_word: true, .. } = reading {
                unclear = Some(reason);
            }
            // The next may call what this one makes.
            self.prepared.let_through(text);
        }
        let reading = match unclear {
            None => Reading::Understood(all),
            Some(reason) => Reading::Unclear { reason, effects: all, destructive_word: true },
        };
        let verdict = policy::judge(&reading, &facts);
        self.note(whole(line, statements), verdict, source)
    }

    /// Judges a held statement again: the hour or the target may have changed meanwhile.
    #[must_use]
    pub fn again(&mut self, judged: &Judged) -> Judged {
        let mut again = judged.clone();
        let effects = judged.verdict.findings.iter().map(|finding| finding.effect.clone());
        let verdict = policy::judge(&Reading::Understood(effects.collect()), &self.facts_now());
        if verdict.decision > judged.verdict.decision {
            again.verdict = verdict;
            again.target = self.place().target.clone();
        }
        again
    }

    /// Returns what policy knows beside a statement.
    pub fn facts_now(&mut self) -> Facts {
        let place = self.place().clone();
        let mut facts = self.facts_at(&place);
        facts.bulk = self.tally.bulk(self.clock.elapsed(), &facts.limits);
        facts.idle = self.is_idle();
        facts.own = self.own.names();
        facts
    }

    /// What policy knows of a place and of the hour there.
    fn facts_at(&mut self, place: &Decided) -> Facts {
        let moment = self.moment_of(place);
        let lift = self.lift_on(&place.target).map(|(lift, _)| lift);
        let returned = self.returned();
        Facts { lift, returned, ..self.config.facts_at(place, moment) }
    }

    /// Something is asked and nobody can tell what: judged as the worst that policy knows for it.
    pub fn unreadable(&mut self, source: Source) -> Judged {
        let facts = self.facts_now();
        let verdict = unreadable(&facts);
        self.note("(a statement that could not be read)".to_owned(), verdict, source)
    }

    /// Takes note of what the server said of itself while a statement is held; none begins anew.
    pub fn heard(&mut self, said: Option<ServerSaid>) {
        let heard = self.clock.now();
        self.server =
            said.map(|said| ServerMoment { time: said.time, heard, position: said.position });
    }

    /// Returns whether the server has said something of itself.
    #[must_use]
    pub fn has_heard(&self) -> bool {
        self.server.is_some()
    }

    /// Takes note that a release is about to be sent: before the effect, as with all intents.
    pub fn sending(&mut self, judged: &Judged) {
        let wait = self.config.journal_wait;
        if let Some(recorder) = &mut self.recorder {
            // It is asked for and judged on disk already: this only tells that it may have run.
            drop(recorder.intent(Marker::letting_run(judged.n), Durability::Written, wait));
        }
        self.sent = Some(self.clock.now());
        self.sent_at = Some(self.clock.elapsed());
        self.has_paged = false;
    }

    /// Takes note that a statement was let through.
    pub fn released(&mut self, judged: &Judged, reason: Option<String>, whole_shape: bool) {
        let effects: Vec<Effect> =
            judged.verdict.findings.iter().map(|finding| finding.effect.clone()).collect();
        let leant = self.leans_on_names();
        let was_held = self.answered(judged, reason);
        self.let_through(judged, &effects, whole_shape);
        if was_held {
            self.tally.release(&effects);
        }
        self.tally.add(&effects, self.clock.elapsed());
        self.note_connection(leant);
    }

    /// Takes note of the person's release, if there was a question. Returns whether there was.
    fn answered(&mut self, judged: &Judged, reason: Option<String>) -> bool {
        let was_held = matches!(judged.verdict.decision, Decision::Hold(_) | Decision::Deny);
        if was_held {
            self.answer(judged.n, Answer::Released, reason);
        }
        was_held
    }

    /// Remembers what a statement does that was let through, and that it runs.
    fn let_through(&mut self, judged: &Judged, effects: &[Effect], whole_shape: bool) {
        let moved = self.moves.take(&judged.text, effects, self.leans_on_names());
        self.own.let_through(&judged.text, effects, moved);
        self.prepared.let_through(&judged.text);
        self.drift.let_through(&judged.text, effects);
        self.foresee_transaction(&judged.text);
        if effects.iter().any(|effect| effect.class > lang::Class::Session) {
            self.wrote(self.clock.elapsed());
        }
        if self.shapes.let_through(judged, whole_shape, moved) {
            self.tally.forget_released();
        }
        let sent_at = self.sent_at.take();
        if sent_at.is_none() {
            self.has_paged = false;
        }
        self.running = Some((judged.n, sent_at.unwrap_or_else(|| self.clock.elapsed())));
    }

    /// Takes note that a statement was not run.
    pub fn cancelled(&mut self, judged: &Judged, reason: Option<&str>) {
        self.answer(judged.n, Answer::Cancelled, reason.map(str::to_owned));
    }

    /// Takes note of something that a person looking back should know.
    pub fn remark(&mut self, text: &str) {
        self.mark(Marker::Note { text: text.to_owned() });
    }

    /// An outer nightlatch records the terminal: only statements are recorded here.
    pub fn set_nested(&mut self) {
        self.is_nested = true;
    }

    /// No person types: writing statements down may take as long as the disk does.
    pub fn set_unattended(&mut self) {
        self.config.journal_wait = self.config.journal_wait.max(UNATTENDED_WAIT);
        if let Some(recorder) = &mut self.recorder {
            recorder.set_inline(true);
        }
    }

    /// Lets the recorder work on a thread of its own, from now on.
    ///
    /// # Errors
    /// When the system has no thread left: nothing is recorded then.
    pub fn begin_recording(&mut self) -> Result<(), crate::record::RecordError> {
        let begun = self.recorder.as_mut().map_or(Ok(()), Recorder::begin);
        if begun.is_err() {
            self.recorder = None;
        }
        begun
    }

    /// Takes note of what was read and allowed before the client started, and runs without being
    /// asked about.
    pub fn preflight(&mut self, text: &str) {
        let verdict = Verdict {
            decision: Decision::Allow,
            confidence: Confidence::Parsed,
            findings: Vec::new(),
            reasons: Vec::new(),
            judged_as: self.decided.target.tier,
        };
        let judged = self.note(text.to_owned(), verdict, Source::Preflight);
        self.released(&judged, None, false);
    }

    /// Records output.
    pub fn output(&mut self, bytes: &[u8]) {
        if self.is_nested {
            return;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.output(bytes);
            recorder.ease(EASE);
        }
    }

    /// Records a new size of the terminal.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        if let Some(recorder) = &mut self.recorder {
            recorder.resize(cols, rows);
        }
    }

    /// Ends the recording.
    pub fn finish(&mut self, status: i32) {
        if let Some(recorder) = &mut self.recorder {
            recorder.finish(status);
        }
    }

    /// Returns what tells, when all is over, whether the recording is.
    #[must_use]
    pub fn written(&self) -> Option<Written> {
        self.recorder.as_ref().map(Recorder::written)
    }

    /// Returns what the person must be told of the recording, once.
    pub fn troubles(&mut self) -> Vec<String> {
        let mut troubles = std::mem::take(&mut self.recording_trouble);
        if let Some(recorder) = &mut self.recorder {
            troubles.extend(recorder.troubles());
        }
        troubles
    }

    fn note(&mut self, text: String, verdict: Verdict, source: Source) -> Judged {
        let target = self.place().target.clone();
        self.note_at(text, verdict, source, target)
    }

    fn note_at(
        &mut self,
        text: String,
        verdict: Verdict,
        source: Source,
        target: Target,
    ) -> Judged {
        self.ended(Heard::default());
        self.sent_at = None;
        self.statements += 1;
        let n = self.statements;
        // The recorder redacts the text and names what it found.
        let marker = Marker::Statement {
            n,
            time: self.clock.now(),
            text: text.clone(),
            source,
            target: target.clone(),
            verdict: verdict.decision.word().to_owned(),
            rule: verdict.rule().map(str::to_owned),
            reasons: verdict.reasons.clone(),
            redacted: Vec::new(),
            destroys: verdict.findings.iter().any(|finding| finding.effect.destroys()),
            engine: self.tapped.engine_at(&target.address),
        };
        let durability = match verdict.decision {
            Decision::Allow | Decision::Notice => Durability::Written,
            Decision::Hold(_) | Decision::Deny => Durability::Synced,
        };
        let wait = self.config.journal_wait;
        let is_recorded = match &mut self.recorder {
            Some(recorder) => match recorder.intent(marker, durability, wait) {
                Ok(()) => true,
                Err(error) => {
                    // Of a log that is not begun yet it was told once.
                    if recorder.has_begun() {
                        self.recording_trouble
                            .push(format!("statement {n} is not recorded yet: {error}"));
                    }
                    let why = format!("statement {n} could go on before the disk had it: {error}");
                    let what = "intent".to_owned();
                    recorder.marker(Marker::Gap { what, bytes: None, why });
                    false
                }
            },
            None => false,
        };
        Judged { n, text, verdict, is_recorded, target }
    }

    fn answer(&mut self, n: u64, answer: Answer, reason: Option<String>) {
        let time = self.clock.now();
        let reason = reason.map(|reason| redact::redact(&reason).text.into_owned());
        let (sent, server) = (self.sent.take(), self.server.take());
        let moment = sent
            .filter(|_| answer == Answer::Released)
            .map(|sent| Box::new(Release { sent, server }));
        self.mark(Marker::Answer { n, time, answer, reason, moment });
    }

    fn mark(&mut self, marker: Marker) {
        if let Some(recorder) = &mut self.recorder {
            recorder.marker(marker);
        }
    }

    fn is_idle(&self) -> bool {
        let last = self.last_write.unwrap_or_default();
        self.clock.elapsed().saturating_sub(last) > self.config.idle(&self.decided)
    }
}

/// The verdict on a statement nobody could read.
fn unreadable(facts: &Facts) -> Verdict {
    let reading = Reading::Unclear {
        reason: "the client's question could not be read".to_owned(),
        effects: Vec::new(),
        destructive_word: true,
    };
    policy::judge(&reading, facts)
}
