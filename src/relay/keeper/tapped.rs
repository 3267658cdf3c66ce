//! Statements and operations that a hook inside the client tells us of.
//!
//! A statement may reach several servers, from several threads and processes: operations are
//! judged and counted by the place they go to, and a submission lasts from one statement to the
//! next.

use std::collections::HashMap;
use std::time::Duration;

use super::reached::Place;
use super::{Judged, Keeper, unreadable};
use crate::clients::started;
use crate::lang::{Class, Effect, Reading, Scope, Verb, keep_own};
use crate::policy::bulk::{counts, verb_word};
use crate::policy::{self, Bulk, Decision, Verdict};
use crate::record::{Marker, Source};
use crate::tap::{self, Ending, Lease, Operation, Statement};
use crate::target::Address;
use crate::ui::visible::one_line;

/// Longest part of a statement that is quoted where an operation of it is held, in bytes.
const QUOTE_BYTES: usize = 60;

/// How many operations a lease is for: enough that asking costs nothing beside what they cost, and few
/// enough that what changes meanwhile is heeded soon.
const LEASE: u32 = 256;

/// What is known of the statement that runs, and of the places it has reached.
#[derive(Debug, Default)]
pub(super) struct Tapped {
    pub(super) places: Vec<Place>,
    /// The text of the statement that runs.
    statement: String,
    /// A hold on the statement itself that was released: it covers what the statement does.
    released: Option<Released>,
    /// Whether an operation of it was refused: then so are all that follow.
    is_refused: bool,
    /// The place and the SQL that was read last, and what it does.
    pub(super) last: Option<(usize, String, Reading)>,
    /// The statement whose end has not been seen, and since when it runs.
    running: Option<(u64, Duration)>,
    /// The last operation of it that was written down and let through.
    sent: Option<u64>,
    /// What was written down by the hook's numbers, until the hook tells how it went.
    open: HashMap<u64, u64>,
}

impl Tapped {
    /// Reads an operation that goes to a place: what it does to the connection's own tables concerns
    /// nobody else.
    fn read(&mut self, at: usize, operation: &Operation) -> Reading {
        let reading = self.read_whole(at, operation);
        let (Some(sql), Reading::Understood(effects)) = (&operation.sql, &reading) else {
            return reading;
        };
        let mut effects = effects.clone();
        keep_own(sql, &operation.own, &mut effects);
        Reading::Understood(effects)
    }

    /// Reads an operation; a loop sends the same text again and again.
    fn read_whole(&mut self, at: usize, operation: &Operation) -> Reading {
        if let Some(reading) = operation.started.as_deref().and_then(started::reading) {
            return reading;
        }
        let memory = self.places[at].prepared.memory();
        let Some(sql) = &operation.sql else { return tap::reading(operation, memory) };
        if let Some((known_at, known, reading)) = &self.last
            && (*known_at, known) == (at, sql)
        {
            return reading.clone();
        }
        let reading = tap::reading(operation, memory);
        self.last = Some((at, sql.clone(), reading.clone()));
        reading
    }

    /// Returns what kind of server is at an address, if that was told.
    pub(super) fn engine_at(&self, address: &Address) -> Option<String> {
        let place = self.places.iter().find(|place| place.decided.target.address == *address)?;
        place.engine.clone()
    }
}

#[derive(Debug)]
struct Released {
    decision: Decision,
    /// What the person was told that it does.
    effects: Vec<Effect>,
    /// Where.
    address: Address,
}

impl Keeper {
    /// Judges a statement before it runs, and writes `text` of it down. Counts begin anew with what
    /// is typed; what runs within that, and the programs that it starts, go on with them.
    pub fn tapped_statement(
        &mut self,
        text: Option<String>,
        statement: &Statement,
        reading: &Reading,
    ) -> Judged {
        let text = text.unwrap_or_else(|| "(a statement whose text is not known)".to_owned());
        let is_part = statement.is_program() && !self.tapped.statement.is_empty();
        if !is_part && !statement.within {
            self.statement_ended(false, None);
            self.submitted(false);
            for place in &mut self.tapped.places {
                place.tally.submit();
                place.since = None;
            }
            self.tapped.statement.clone_from(&text);
            self.tapped.released = None;
            self.tapped.is_refused = false;
        }
        self.paged();
        let facts = self.facts_now();
        // A program within a statement is judged by its operations, which are counted with the others.
        let nothing = Reading::Understood(Vec::new());
        let mut verdict = policy::judge(if is_part { &nothing } else { reading }, &facts);
        if self.shapes.cover(|| text.clone(), &verdict, &self.place().target) {
            verdict.decision = Decision::Notice;
        }
        let judged = self.note(text, verdict, Source::Tap);
        self.tapped.open.extend(statement.id.map(|id| (id, judged.n)));
        judged
    }

    /// Judges a statement of which no hook will tell, and writes it down.
    pub fn untold(&mut self, text: String, reading: &Reading, source: Source) -> Judged {
        let verdict = policy::judge(reading, &self.facts_now());
        self.note(text, verdict, source)
    }

    /// Takes note that a statement runs.
    pub fn statement_released(&mut self, judged: &Judged, reason: Option<String>, whole: bool) {
        if let Decision::Hold(_) = judged.verdict.decision {
            self.tapped.released = Some(Released {
                decision: judged.verdict.decision,
                effects: effects(&judged.verdict),
                address: judged.target.address.clone(),
            });
        }
        self.released(judged, reason, whole);
        if self.tapped.running.is_none() {
            self.tapped.running = self.running.take();
        } else {
            // Of a program within a statement nobody tells when it ends.
            self.paged();
        }
    }

    /// Returns whether a statement runs.
    #[must_use]
    pub fn is_statement_running(&self) -> bool {
        self.tapped.running.is_some()
    }

    /// Takes note that the statement has ended: the client waits for the next, or is gone.
    /// `is_seen` tells whether it ended just now; else nobody knows how long it took.
    pub fn statement_ended(&mut self, is_seen: bool, error: Option<String>) {
        if let Some(n) = self.tapped.sent.take() {
            self.mark(Marker::outcome(n, None, None, None));
        }
        let Some((n, began)) = self.tapped.running.take() else { return };
        let took = self.clock.elapsed().saturating_sub(began);
        let duration_ms = is_seen.then(|| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        self.mark(Marker::outcome(n, None, duration_ms, error));
    }

    /// Takes note of how a statement or an operation went; what was not written down is not known.
    pub fn tapped_ended(&mut self, id: u64, ending: Ending) {
        let Some(n) = self.tapped.open.remove(&id) else { return };
        for running in [&mut self.tapped.running, &mut self.running] {
            running.take_if(|(running, _)| *running == n);
        }
        let Ending { rows, duration_ms, error } = ending;
        self.mark(Marker::outcome(n, rows, Some(duration_ms), error));
    }

    /// Returns how many more operations of a kind may go without a question: a fixed number if all of
    /// them would be let through as things stand. What is allowed in silence is only counted.
    pub fn lease(&mut self, operation: &Operation) -> Option<Lease> {
        if !operation.repeatable {
            return None;
        }
        let at = self.place_at(operation);
        let reading = self.tapped.read(at, operation);
        let all = Operation { count: LEASE, ..operation.clone() };
        let verdict = self.judge_at(at, &all, &reading);
        let is_quiet = verdict.decision == Decision::Allow;
        let is_free = verdict.decision <= Decision::Notice || self.is_covered(at, &verdict);
        is_free.then_some(Lease { more: LEASE, is_quiet })
    }

    /// Returns whether an operation does no harm, so that its like need not be asked about.
    pub fn is_harmless_operation(&mut self, operation: &Operation) -> bool {
        let at = self.place_at(operation);
        let reading = self.tapped.read(at, operation);
        let is_harmless = |effect: &Effect| effect.class <= Class::Add;
        !self.tapped.places[at].is_unsure
            && matches!(&reading, Reading::Understood(effects) if effects.iter().all(is_harmless))
    }

    /// Takes note that a statement, or an operation of it, was refused: the rest of it is refused
    /// unasked.
    pub fn refuse_rest(&mut self) {
        self.tapped.is_refused = true;
    }

    /// Returns whether the statement that runs was refused.
    #[must_use]
    pub fn is_rest_refused(&self) -> bool {
        self.tapped.is_refused
    }

    /// Judges an operation before it is sent. One that needs more than allowing is written down, and
    /// so is the first of a statement that destroys something of a kind; none is returned for the
    /// others, which are counted.
    pub fn tapped_operation(&mut self, operation: &Operation) -> Option<Judged> {
        let at = self.place_at(operation);
        let reading = self.tapped.read(at, operation);
        if operation.temporary && !self.tapped.places[at].decided.is_configured() {
            return None;
        }
        self.tapped.places[at].engine = Some(operation.engine.clone());
        let mut verdict = self.judge_at(at, operation, &reading);
        let text = || tap::text(operation);
        let target = &self.tapped.places[at].decided.target;
        if self.is_covered(at, &verdict) || self.shapes.cover(text, &verdict, target) {
            verdict.decision = Decision::Notice;
        }
        if verdict.decision == Decision::Allow {
            let effects = effects(&verdict);
            let tally = &self.tapped.places[at].tally;
            if !effects.iter().any(|effect| effect.destroys() && !tally.has(effect)) {
                self.count(at, operation, &effects);
                return None;
            }
        }
        self.add_progress(at, &mut verdict);
        add_circumstances(operation, &mut verdict);
        let target = self.tapped.places[at].decided.target.clone();
        self.paged();
        Some(self.note_at(tap::text(operation), verdict, Source::Tap, target))
    }

    /// Takes note that an operation is sent.
    pub fn operation_released(
        &mut self,
        judged: &Judged,
        operation: &Operation,
        reason: Option<String>,
        whole: bool,
    ) {
        let at = self.place_of(&judged.target.address);
        let effects = effects(&judged.verdict);
        if self.answered(judged, reason) {
            self.tapped.places[at].tally.release(&effects);
        }
        self.count(at, operation, &effects);
        self.tapped.open.extend(operation.id.map(|id| (id, judged.n)));
        self.tapped.sent = operation.id.is_none().then_some(judged.n);
        self.let_through(judged, &effects, whole);
        self.paged();
    }

    /// Judges a held operation again where it would go: the hour may have changed.
    #[must_use]
    pub fn operation_again(&mut self, judged: &Judged, operation: &Operation) -> Judged {
        let mut again = judged.clone();
        let at = self.place_of(&judged.target.address);
        let verdict = self.judge_at(at, operation, &Reading::Understood(effects(&judged.verdict)));
        if verdict.decision > judged.verdict.decision {
            again.verdict = verdict;
        }
        again
    }

    /// A connection is being made: the session is where it is most dangerous. Returns whether
    /// that has changed.
    pub fn tapped_connected(&mut self, engine: String, place: &tap::Place) -> bool {
        let at = self.place_told(place);
        self.tapped.places[at].engine = Some(engine);
        let decided = self.tapped.places[at].decided.clone();
        // What variables promise stands: a session that reaches a cache on this machine first may
        // still be about to reach production.
        let is_placed = self.is_live || !self.decided.evidence.is_empty();
        if is_placed && decided.target.tier <= self.decided.target.tier {
            return false;
        }
        self.is_live = true;
        self.settle_in(decided);
        true
    }

    /// The client stands at its prompt: what is typed there goes to this place. Returns whether it
    /// is another than before.
    pub fn tapped_prompt(&mut self, place: &tap::Place) -> bool {
        self.statement_ended(true, None);
        let address = Address::from(place.clone());
        if self.is_live && self.decided.target.address == address {
            return false;
        }
        self.is_live = true;
        self.settle_in(self.decided_at(place));
        true
    }

    /// Something was asked that could not be read.
    pub fn tapped_unreadable(&mut self) -> Judged {
        let facts = self.facts_now();
        let verdict = unreadable(&facts);
        self.note("(something that could not be read)".to_owned(), verdict, Source::Tap)
    }

    fn judge_at(&mut self, at: usize, operation: &Operation, reading: &Reading) -> Verdict {
        let decided = self.tapped.places[at].decided.clone();
        let mut facts = self.facts_at(&decided);
        let elapsed = self.clock.elapsed();
        let idle = self.last_write.unwrap_or_default();
        let place = &mut self.tapped.places[at];
        facts.bulk = place.tally.bulk(elapsed, &facts.limits);
        self.add_others(at, &mut facts.bulk);
        let place = &mut self.tapped.places[at];
        facts.idle = elapsed.saturating_sub(idle) > self.config.idle(&place.decided);
        for (effect, more) in repeated(operation, reading.effects()) {
            foresee(&mut facts.bulk, effect, more);
        }
        policy::judge(reading, &facts)
    }

    /// Tells whether a hold on the statement, which was released, meant this too: the same doing to
    /// no more than was said, at the same server, and asked for no less.
    fn is_covered(&self, at: usize, verdict: &Verdict) -> bool {
        let Some(released) = &self.tapped.released else { return false };
        let address = &self.tapped.places[at].decided.target.address;
        let is_meant = |effect: &Effect| {
            released.effects.iter().any(|told| {
                let is_within =
                    effect.scope <= told.scope || (told.looped && effect.scope <= Scope::Filtered);
                told.verb == effect.verb && is_within
            })
        };
        matches!(verdict.decision, Decision::Hold(_))
            && verdict.decision <= released.decision
            && is_same_server(&released.address, address)
            && verdict
                .findings
                .iter()
                .filter(|found| found.decision > Decision::Notice)
                .all(|found| is_meant(&found.effect))
    }

    /// Adds what was done at other places that are of no less concern: a loop over databases is one loop,
    /// and at one server it deletes from one table. What was released elsewhere was meant.
    fn add_others(&mut self, at: usize, bulk: &mut Bulk) {
        let (limits, now) = (self.config.hold.limits, self.clock.elapsed());
        let (before, rest) = self.tapped.places.split_at_mut(at);
        let Some((place, after)) = rest.split_first_mut() else { return };
        let (own, is_of_files) = (&place.decided.target, place.is_of_files);
        for other in before.iter_mut().chain(after) {
            let target = &other.decided.target;
            if (target.tier, other.is_of_files) != (own.tier, is_of_files) {
                continue;
            }
            let is_same =
                target.address.host == own.address.host && target.address.port == own.address.port;
            let done = other.tally.bulk(now, &limits);
            if done.counted.iter().any(|counted| counted.released) {
                continue;
            }
            bulk.recent = bulk.recent.saturating_add(done.recent);
            if is_same {
                bulk.join(done);
            }
        }
    }

    /// Counts what is sent.
    fn count(&mut self, at: usize, operation: &Operation, effects: &[Effect]) {
        let now = self.clock.elapsed();
        if let Some(sql) = &operation.sql {
            self.tapped.places[at].let_through(sql, operation.looks);
        }
        if effects.iter().any(counts) {
            self.tapped.places[at].since.get_or_insert(now);
            self.wrote(now);
        }
        let place = &mut self.tapped.places[at];
        place.tally.add(effects, now);
        for (effect, more) in repeated(operation, effects) {
            for _ in 0..more {
                place.tally.add(std::slice::from_ref(effect), now);
            }
        }
    }

    /// Says what the statement has done so far, where it is stopped half way.
    fn add_progress(&mut self, at: usize, verdict: &mut Verdict) {
        let limits = self.config.hold.limits;
        let now = self.clock.elapsed();
        let place = &mut self.tapped.places[at];
        let Some(since) = place.since else { return };
        let bulk = place.tally.bulk(now, &limits);
        let took = now.saturating_sub(since).as_secs_f64();
        let statement = quote(&self.tapped.statement);
        for found in &bulk.counted {
            let is_meant = verdict.findings.iter().any(|finding| {
                finding.effect.verb == found.verb && finding.effect.object == found.object
            });
            if found.count > 0 && is_meant {
                let object = found.object.as_deref().unwrap_or("something");
                let done = done_word(found.verb);
                verdict.reasons.push(format!(
                    "{} of {object} {done} so far, in {took:.1} s, by {statement}",
                    found.count
                ));
            }
        }
    }
}

/// Says what else a person should know of where an operation goes.
fn add_circumstances(operation: &Operation, verdict: &mut Verdict) {
    if let Some(standing) = operation.place.standing() {
        let names: Vec<String> = operation.place.names.iter().map(|name| one_line(name)).collect();
        verdict.reasons.push(format!("it goes to {standing}, asked for as {}", names.join(", ")));
    }
    if operation.transaction {
        let limit = "it is in a transaction, which the server ends 60 s after it began unless it \
                     is set otherwise";
        verdict.reasons.push(limit.to_owned());
    }
}

/// Tells whether two addresses mean the same server and, where both name one, the same database.
fn is_same_server(one: &Address, other: &Address) -> bool {
    let is_same = one.host == other.host && one.port == other.port;
    is_same
        && (one.database == other.database || one.database.is_none() || other.database.is_none())
}

fn effects(verdict: &Verdict) -> Vec<Effect> {
    verdict.findings.iter().map(|finding| finding.effect.clone()).collect()
}

/// Pairs each effect with how often it happens beyond the first time, as far as it matters.
fn repeated<'a>(
    operation: &'a Operation,
    effects: &'a [Effect],
) -> impl Iterator<Item = (&'a Effect, u32)> {
    effects.iter().enumerate().map(|(at, effect)| {
        let count = match (&operation.sql, &operation.command) {
            (Some(_), _) | (_, Some(_)) => operation.count,
            (None, None) => operation.deeds.get(at).map_or(1, |deed| deed.count),
        };
        // No count is higher than what makes a bulk by far.
        (effect, count.saturating_sub(1).min(100_000))
    })
}

/// Counts what will have happened when the last repetition is judged.
fn foresee(bulk: &mut Bulk, effect: &Effect, more: u32) {
    if more == 0 || !counts(effect) {
        return;
    }
    bulk.recent = bulk.recent.saturating_add(more);
    bulk.add(effect, more);
}

fn done_word(verb: Verb) -> String {
    match verb {
        Verb::Delete => "deleted".to_owned(),
        Verb::Update => "updated".to_owned(),
        Verb::Replace => "overwritten".to_owned(),
        other => format!("done ({})", verb_word(other)),
    }
}

/// Quotes the beginning of a statement on one line.
fn quote(text: &str) -> String {
    let line = one_line(text.trim());
    if line.is_empty() {
        return "a statement whose text is not known".to_owned();
    }
    if line.len() <= QUOTE_BYTES {
        return format!("`{line}`");
    }
    let end = (0..=QUOTE_BYTES).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
    format!("`{}…`", &line[..end])
}
