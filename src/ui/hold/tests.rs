//! Tests of the whole dialogue: `answers` and `sources` without a screen, the others on an emulated one.

mod answers;
mod changes;
mod screens;
mod sources;
mod stage;

use std::time::Duration;

use super::*;
use crate::target::{Address, Target, Tier};

/// Between keys of a person who types fast.
const KEY: Duration = Duration::from_millis(40);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn orders() -> Target {
    Target {
        address: Address {
            user: Some("app".to_owned()),
            host: Some("db1.prod.example.com".to_owned()),
            port: Some(5432),
            database: Some("orders".to_owned()),
        },
        tier: Tier::Production,
        name: Some("orders-prod".to_owned()),
    }
}

fn question() -> Question {
    Question {
        target: orders(),
        answer_word: "orders".to_owned(),
        local_time: "14:05".to_owned(),
        late: None,
        statement: "delete from families;".to_owned(),
        reasons: vec!["deletes every row of families".to_owned()],
        challenge: Challenge::TypeTarget { reason: false, wait: Duration::ZERO },
        has_shape: true,
        transaction: None,
        beyond_reach: Vec::new(),
        timeout: Duration::from_secs(900),
        quiet: QUIET,
        burst: BURST,
        size: (80, 24),
        is_coloured: false,
        can_move: true,
        is_fresh_line: false,
        has_bracketed_paste: false,
        is_recorded: true,
        impact_pending: false,
    }
}

fn yes() -> Question {
    Question { challenge: Challenge::Yes, ..question() }
}

fn late() -> Question {
    Question {
        local_time: "23:41".to_owned(),
        late: Some("late hours 22:00-06:00".to_owned()),
        challenge: Challenge::TypeTarget { reason: true, wait: Duration::from_secs(10) },
        ..question()
    }
}

/// A read and the silence before it.
type Read = (Duration, Vec<u8>);

/// What a person sends who waits for the question and then types key by key.
fn typed(text: &str) -> Vec<Read> {
    let mut reads: Vec<Read> =
        text.chars().map(|key| (KEY, key.to_string().into_bytes())).collect();
    if let Some(first) = reads.first_mut() {
        first.0 = ms(1000);
    }
    reads
}

/// Feeds reads from `start` until an event; waits for deadlines on the way as the relay does.
fn play(dialogue: &mut Dialogue, start: Duration, reads: &[Read]) -> (Option<Event>, Duration) {
    let mut now = start;
    for (silence, bytes) in reads {
        let (event, then) = wait_until(dialogue, now + *silence);
        now = then;
        if event.is_some() {
            return (event, now);
        }
        let step = dialogue.feed(bytes, now);
        if step.event.is_some() {
            return (step.event, now);
        }
    }
    (None, now)
}

/// Ticks at every deadline up to `end`.
fn wait_until(dialogue: &mut Dialogue, end: Duration) -> (Option<Event>, Duration) {
    while let Some(due) = dialogue.next_deadline().filter(|due| *due <= end) {
        let step = dialogue.tick(due);
        if step.event.is_some() {
            return (step.event, due);
        }
        assert!(dialogue.next_deadline() > Some(due), "a deadline was met and is still there");
    }
    (None, end)
}

fn answer(question: Question, reads: &[Read]) -> Option<Event> {
    let (mut dialogue, _) = Dialogue::open(question, Duration::ZERO);
    play(&mut dialogue, Duration::ZERO, reads).0
}

fn released() -> Option<Event> {
    Some(Event::Released { reason: None, whole_shape: false })
}

fn cancelled(cause: Cause) -> Option<Event> {
    Some(Event::Cancelled(cause))
}
