//! The recorder on good, slow, full and failing disks.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use super::fault::NotRecorded;
use super::header::Header;
use super::read::{Event, Reader};
use super::recorder::Recorder;
use super::shared::Durability;
use super::shared::NO_MEMORY;
use super::sink::Sink;
use super::{Marker, Source};
use crate::clock::Clock;
use crate::target::Target;

/// Long enough that only a hang reaches it.
const DEADLINE: Duration = Duration::from_secs(20);

/// A disk made of memory that the test can fill, break and hold up.
#[derive(Clone, Default)]
struct Disk(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    room: Option<usize>,
    reserve: usize,
    /// What it says when it is full, where that is not the usual.
    full: Option<io::ErrorKind>,
    is_held: bool,
    is_broken: bool,
    is_uncuttable: bool,
    is_panicking: bool,
    writes: usize,
    writers: Vec<ThreadId>,
    syncs: usize,
}

impl State {
    fn full(&self) -> io::ErrorKind {
        self.full.unwrap_or(io::ErrorKind::StorageFull)
    }
}

impl Disk {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn get<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.0.lock().unwrap())
    }

    /// Waits for a condition that the writer's thread brings about.
    fn wait(&self, until: impl Fn(&State) -> bool) {
        let state = self.0.0.lock().unwrap();
        let (_state, result) =
            self.0.1.wait_timeout_while(state, DEADLINE, |state| !until(state)).unwrap();
        assert!(!result.timed_out(), "the writer did not get there");
    }

    /// Reads the log: neighbouring output joined, markers as they are.
    fn events(&self) -> Vec<Event> {
        let bytes = self.get(|state| state.bytes.clone());
        let mut reader = Reader::new(&bytes[..], 0, 0);
        reader.start().unwrap().expect("a header");
        let mut events: Vec<Event> = Vec::new();
        while let Some(event) = reader.next().unwrap() {
            match (events.last_mut(), event) {
                (Some(Event::Output(before)), Event::Output(more)) => before.extend(more),
                (_, event) => events.push(event),
            }
        }
        events
    }

    fn recorder(&self) -> Recorder {
        let header = Header { client: "psql".into(), cols: 80, rows: 24, ..Header::default() };
        let path = PathBuf::from("/nowhere/session.cast");
        Recorder::with_sink(self.clone(), "abc".into(), path, &header, Clock::system()).unwrap()
    }
}

impl Sink for Disk {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.0.lock().unwrap();
        state.writes += 1;
        state.writers.push(std::thread::current().id());
        assert!(!state.is_panicking, "as the test wants it");
        self.0.1.notify_all();
        let mut state = self.0.1.wait_while(state, |state| state.is_held).unwrap();
        if state.is_broken {
            let half = bytes.len() / 2;
            state.bytes.extend(&bytes[..half]);
            return Err(io::Error::other("the disk is on fire"));
        }
        let room = state
            .room
            .map_or(usize::MAX, |room| room.saturating_sub(state.bytes.len() + state.reserve));
        let fits = bytes.len().min(room);
        state.bytes.extend(&bytes[..fits]);
        self.0.1.notify_all();
        if fits < bytes.len() { Err(state.full().into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.set(|state| state.syncs += 1);
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.0.0.lock().unwrap();
        if state.is_uncuttable {
            return Err(io::Error::other("no"));
        }
        state.bytes.truncate(len as usize);
        Ok(())
    }

    fn reserve(&mut self) -> io::Result<()> {
        let mut state = self.0.0.lock().unwrap();
        if state.reserve == 0 {
            let used = state.bytes.len();
            if state.room.is_some_and(|room| used + 10_000 > room) {
                return Err(state.full().into());
            }
            state.reserve = 10_000;
        }
        self.0.1.notify_all();
        Ok(())
    }

    fn release(&mut self) {
        self.set(|state| state.reserve = 0);
    }
}

fn statement(n: u64, text: &str) -> Marker {
    Marker::Statement {
        n,
        time: "2026-11-20T06:00:00Z".parse().unwrap(),
        text: text.to_owned(),
        source: Source::Tap,
        target: Target::default(),
        verdict: "allow".to_owned(),
        rule: None,
        reasons: Vec::new(),
        redacted: Vec::new(),
        destroys: false,
        engine: None,
    }
}

fn marker(marker: Marker) -> Event {
    Event::Marker(Box::new(marker))
}

fn gap_bytes(event: &Event) -> Option<u64> {
    let Event::Marker(marker) = event else {
        return None;
    };
    let Marker::Gap { bytes, .. } = **marker else {
        return None;
    };
    bytes
}

#[test]
fn a_session_is_recorded_in_order() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.output(b"orders=> ");
    recorder.intent(statement(1, "select 1"), Durability::Synced, DEADLINE).unwrap();
    assert_eq!(disk.get(|state| state.syncs), 1);
    recorder.output(b"1 row\r\n");
    recorder.marker(Marker::Note { text: "hello".into() });
    recorder.output(b"\xff");
    recorder.resize(100, 50);
    recorder.output(b"bye");
    recorder.finish(3);
    assert_eq!(
        disk.events(),
        [
            Event::Output(b"orders=> ".to_vec()),
            marker(statement(1, "select 1")),
            Event::Output(b"1 row\r\n".to_vec()),
            marker(Marker::Note { text: "hello".into() }),
            Event::Output(b"\xff".to_vec()),
            Event::Resize { cols: 100, rows: 50 },
            Event::Output(b"bye".to_vec()),
            Event::Exit(3),
        ]
    );
    assert_eq!(recorder.troubles(), None);
}

#[test]
fn an_intent_is_in_the_log_when_it_returns() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    for n in 1..100 {
        recorder.output(format!("output {n}").as_bytes());
        recorder.intent(statement(n, "delete"), Durability::Written, DEADLINE).unwrap();
        assert_eq!(disk.events().last(), Some(&marker(statement(n, "delete"))));
    }
}

#[test]
fn a_disk_that_hangs_never_holds_output_up() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    disk.set(|state| state.is_held = true);
    recorder.output(b"first");
    // The header was one write; the writer now hangs in the next.
    disk.wait(|state| state.writes == 2);
    let block = vec![b'x'; 1 << 20];
    for _ in 0..32 {
        recorder.output(&block);
    }
    let late = recorder.intent(statement(1, "select 1"), Durability::Written, Duration::ZERO);
    assert_eq!(late, Err(NotRecorded::TimedOut));
    disk.set(|state| state.is_held = false);
    recorder.intent(statement(2, "select 2"), Durability::Written, DEADLINE).unwrap();
    recorder.finish(0);

    let events = disk.events();
    let written: usize = events
        .iter()
        .map(|event| if let Event::Output(bytes) = event { bytes.len() } else { 0 })
        .sum();
    let lost: u64 = events.iter().filter_map(gap_bytes).sum();
    assert!(lost > 0);
    assert_eq!(written as u64 + lost, 5 + (32 << 20));
    assert!(events.contains(&marker(statement(1, "select 1"))), "it is written later");
    assert!(events.contains(&marker(statement(2, "select 2"))));
    let troubles = recorder.troubles().unwrap();
    assert!(troubles.contains("it came faster than it could be written"), "{troubles}");
    assert_eq!(recorder.troubles(), None, "said once");
}

#[test]
fn a_relay_that_eases_off_loses_nothing_and_hangs_once() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    let block = [b'x'; 4 << 10];
    for _ in 0..16 << 10 {
        recorder.output(&block);
        recorder.ease(DEADLINE);
    }
    disk.set(|state| state.is_held = true);
    // All but the first wait are over at once, or this takes minutes.
    let many = 32 << 10;
    for _ in 0..many {
        recorder.output(&block);
        recorder.ease(Duration::from_millis(20));
    }
    disk.set(|state| state.is_held = false);
    recorder.finish(0);
    let events = disk.events();
    assert!(matches!(&events[0], Event::Output(bytes) if bytes.len() >= 64 << 20));
    assert!(events.iter().filter_map(gap_bytes).sum::<u64>() > 0, "a disk that hangs loses");
}

#[test]
fn a_full_disk_loses_output_and_no_statement() {
    output_is_lost_and_no_statement(io::ErrorKind::StorageFull, "the disk is full");
}

#[test]
fn a_quota_that_is_used_up_loses_output_and_no_statement() {
    output_is_lost_and_no_statement(io::ErrorKind::QuotaExceeded, "the disk quota is used up");
}

fn output_is_lost_and_no_statement(full: io::ErrorKind, why: &str) {
    let disk = Disk::default();
    disk.set(|state| state.full = Some(full));
    let mut recorder = disk.recorder();
    disk.wait(|state| state.reserve > 0);
    disk.set(|state| state.room = Some(state.bytes.len() + state.reserve));
    recorder.output(&[b'x'; 500]);
    recorder.intent(statement(1, "drop table a"), Durability::Synced, DEADLINE).unwrap();
    recorder.output(b"y");
    recorder.intent(statement(2, "drop table b"), Durability::Synced, DEADLINE).unwrap();
    let events = disk.events();
    assert_eq!(gap_bytes(&events[0]), Some(500));
    assert_eq!(events[1], marker(statement(1, "drop table a")));
    assert_eq!(gap_bytes(&events[2]), Some(1));
    assert_eq!(events[3], marker(statement(2, "drop table b")));
    let troubles = recorder.troubles().unwrap();
    assert_eq!(troubles, format!("recording of output stopped: {why}"));

    // Room comes back: the end of the session tries again.
    disk.set(|state| state.room = None);
    recorder.output(b"z");
    recorder.finish(0);
    let events = disk.events();
    assert_eq!(gap_bytes(&events[4]), Some(1));
    assert_eq!(events[5..], [Event::Exit(0)]);
}

#[test]
fn when_even_the_reserve_is_used_up_the_intent_is_refused_and_written_later() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    disk.wait(|state| state.reserve > 0);
    disk.set(|state| state.room = Some(state.bytes.len() + state.reserve));
    let long = "x".repeat(20_000);
    let refused = recorder.intent(statement(1, &long), Durability::Written, DEADLINE);
    assert_eq!(refused, Err(NotRecorded::Refused("the disk is full".to_owned())));
    disk.set(|state| state.room = None);
    recorder.intent(statement(2, "select 2"), Durability::Written, DEADLINE).unwrap();
    assert_eq!(disk.events(), [marker(statement(1, &long)), marker(statement(2, "select 2"))]);
}

#[test]
fn statements_that_no_memory_holds_are_gaps() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    disk.wait(|state| state.reserve > 0);
    disk.set(|state| state.is_broken = true);
    let text = "x".repeat(64 << 10);
    let refusals: Vec<NotRecorded> = (1..=20)
        .map(|n| recorder.intent(statement(n, &text), Durability::Written, DEADLINE).unwrap_err())
        .collect();
    assert_eq!(refusals[0], NotRecorded::Refused("the disk is on fire".to_owned()));
    assert_eq!(refusals[19], NotRecorded::Refused(NO_MEMORY.to_owned()));
    disk.set(|state| state.is_broken = false);
    recorder.finish(0);
    let events = disk.events();
    let lost = events.iter().filter(|event| gap_bytes(event).is_some()).count();
    assert!(lost > 0);
    assert_eq!(events.len(), 20 + 1, "each is there, or a gap for it");
}

#[test]
fn statements_wait_for_a_disk_that_hangs_up_to_a_limit() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    disk.set(|state| state.is_held = true);
    recorder.output(b"first");
    disk.wait(|state| state.writes == 2);
    let text = "x".repeat(512 << 10);
    for n in 1..=12 {
        recorder.marker(statement(n, &text));
    }
    let refused = recorder.intent(statement(13, &text), Durability::Written, DEADLINE);
    assert_eq!(refused, Err(NotRecorded::Refused(NO_MEMORY.to_owned())), "at once");
    disk.set(|state| state.is_held = false);
    recorder.finish(0);
    let events = disk.events();
    let lost = events.iter().filter(|event| gap_bytes(event).is_some()).count();
    assert_eq!((lost, events.len()), (13 - 8, 1 + 13 + 1));
}

#[test]
fn a_failed_write_leaves_no_torn_line() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    disk.wait(|state| state.reserve > 0);
    disk.set(|state| state.is_broken = true);
    let refused = recorder.intent(statement(1, "select 1"), Durability::Written, DEADLINE);
    assert_eq!(refused, Err(NotRecorded::Refused("the disk is on fire".to_owned())));
    disk.set(|state| state.is_broken = false);
    recorder.finish(0);
    assert_eq!(disk.events(), [marker(statement(1, "select 1")), Event::Exit(0)]);
}

#[test]
fn a_torn_line_that_cannot_be_cut_off_is_a_broken_line_of_its_own() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    disk.wait(|state| state.reserve > 0);
    disk.set(|state| (state.is_broken, state.is_uncuttable) = (true, true));
    recorder.intent(statement(1, "select 1"), Durability::Written, DEADLINE).unwrap_err();
    disk.set(|state| (state.is_broken, state.is_uncuttable) = (false, false));
    recorder.finish(0);
    let events = disk.events();
    assert!(events.iter().any(|event| matches!(event, Event::Broken { .. })), "{events:?}");
    assert_eq!(events[events.len() - 2..], [marker(statement(1, "select 1")), Event::Exit(0)]);
}

#[test]
fn a_recorder_that_fails_says_so_and_holds_nobody_up() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    disk.set(|state| state.is_panicking = true);
    let lost = recorder.intent(statement(1, "select 1"), Durability::Written, DEADLINE);
    assert_eq!(lost, Err(NotRecorded::Stopped));
    insta::assert_snapshot!(recorder.troubles().unwrap(), @"recording stopped: the recorder failed");
    recorder.output(&vec![b'x'; 16 << 20]);
    recorder.ease(DEADLINE);
    recorder.finish(0);
}

#[test]
fn a_secret_in_output_is_found_however_it_comes() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    for piece in ["token | gh", "p_0123456789abcdef", "ABCDEF0123456789abcd", " |\r\n", "orders=> "]
    {
        recorder.output(piece.as_bytes());
    }
    recorder.output(b"postgres://ann:hun");
    recorder.marker(Marker::Note { text: "hello".into() });
    recorder.output(b"\r\nhttps://");
    recorder.finish(0);
    assert_eq!(
        disk.events(),
        [
            Event::Output(b"token | [redacted:token] |\r\norders=> postgres://ann:hun".to_vec()),
            marker(Marker::Note { text: "hello".into() }),
            Event::Output(b"\r\nhttps://".to_vec()),
            Event::Exit(0),
        ]
    );
}

#[test]
fn a_dropped_recorder_leaves_no_exit() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.output(b"so far");
    drop(recorder);
    assert_eq!(disk.events(), [Event::Output(b"so far".to_vec())]);
}

#[test]
fn files_are_private_and_the_reserve_goes() {
    let data = tempfile::tempdir().unwrap();
    let header = Header { client: "psql".into(), ..Header::default() };
    let mut recorder = Recorder::start(data.path(), &header, Clock::system()).unwrap();
    recorder.intent(statement(1, "select 1"), Durability::Synced, DEADLINE).unwrap();
    let path = recorder.path().to_owned();
    let folder = path.parent().unwrap();
    assert!(folder.join("reserve").exists());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    for folder in folder.ancestors().take_while(|&folder| folder != data.path()) {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    recorder.finish(0);
    assert!(!folder.join("reserve").exists());
    let (start, _) = Reader::open(&path).unwrap();
    assert_eq!(start.session, recorder.session());
    assert_eq!(start.header, header);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("sessions"), "in the way").unwrap();
    let error = Recorder::start(data.path(), &Header::default(), Clock::system()).unwrap_err();
    assert!(error.to_string().contains("cannot make the folder"), "{error}");
}

#[test]
fn inline_an_intent_is_in_the_log_when_it_returns() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.set_inline(true);
    for n in 1..100 {
        recorder.output(format!("output {n}").as_bytes());
        recorder.marker(Marker::Note { text: n.to_string() });
        recorder.intent(statement(n, "delete"), Durability::Written, DEADLINE).unwrap();
        let events = disk.events();
        let note = marker(Marker::Note { text: n.to_string() });
        assert_eq!(events[events.len() - 2..], [note, marker(statement(n, "delete"))]);
    }
    recorder.intent(statement(100, "drop"), Durability::Synced, DEADLINE).unwrap();
    assert_eq!(disk.get(|state| state.syncs), 1);
    recorder.finish(3);
    assert_eq!(disk.events().last(), Some(&Event::Exit(3)));
    let lost = recorder.intent(statement(101, "late"), Durability::Written, DEADLINE);
    assert_eq!(lost, Err(NotRecorded::Stopped));
    assert_eq!(recorder.troubles(), None);
}

#[test]
fn inline_an_intent_is_written_by_the_caller() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.set_inline(true);
    disk.wait(|state| state.reserve > 0);
    for n in 1..200 {
        recorder.intent(statement(n, "delete"), Durability::Written, DEADLINE).unwrap();
    }
    let own = std::thread::current().id();
    let (by_caller, all) = disk.get(|state| {
        (state.writers.iter().filter(|writer| **writer == own).count(), state.writers.len())
    });
    assert!(by_caller > all / 2, "{by_caller} of {all}");
}

#[test]
fn inline_an_intent_waits_for_a_writer_that_is_at_work_and_not_for_long() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.set_inline(true);
    disk.set(|state| state.is_held = true);
    recorder.output(b"first");
    // The writer's thread is now at it, and hangs.
    disk.wait(|state| state.writes == 2);
    let late = recorder.intent(statement(1, "select 1"), Durability::Written, Duration::ZERO);
    assert_eq!(late, Err(NotRecorded::TimedOut));
    disk.set(|state| state.is_held = false);
    recorder.intent(statement(2, "select 2"), Durability::Written, DEADLINE).unwrap();
    assert_eq!(
        disk.events(),
        [
            Event::Output(b"first".to_vec()),
            marker(statement(1, "select 1")),
            marker(statement(2, "select 2")),
        ]
    );
}

#[test]
fn inline_a_marker_needs_no_intent_to_be_written() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.set_inline(true);
    for n in 1..50 {
        let before = disk.get(|state| state.bytes.len());
        recorder.marker(Marker::Note { text: n.to_string() });
        disk.wait(|state| state.bytes.len() > before);
        assert_eq!(disk.events().last(), Some(&marker(Marker::Note { text: n.to_string() })));
    }
}

#[test]
fn inline_a_full_disk_loses_output_and_no_statement() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.set_inline(true);
    disk.wait(|state| state.reserve > 0);
    disk.set(|state| state.room = Some(state.bytes.len() + state.reserve));
    recorder.output(&[b'x'; 500]);
    recorder.intent(statement(1, "drop table a"), Durability::Synced, DEADLINE).unwrap();
    let long = "x".repeat(20_000);
    let refused = recorder.intent(statement(2, &long), Durability::Written, DEADLINE);
    assert_eq!(refused, Err(NotRecorded::Refused("the disk is full".to_owned())));
    disk.set(|state| state.room = None);
    recorder.finish(0);
    let events = disk.events();
    assert_eq!(gap_bytes(&events[0]), Some(500));
    assert_eq!(
        events[1..],
        [marker(statement(1, "drop table a")), marker(statement(2, &long)), Event::Exit(0),]
    );
}

#[test]
fn inline_a_recorder_that_fails_says_so_and_takes_nobody_along() {
    let disk = Disk::default();
    let mut recorder = disk.recorder();
    recorder.set_inline(true);
    disk.wait(|state| state.reserve > 0);
    disk.set(|state| state.is_panicking = true);
    for n in 1..3 {
        let lost = recorder.intent(statement(n, "select 1"), Durability::Written, DEADLINE);
        assert_eq!(lost, Err(NotRecorded::Stopped));
    }
    insta::assert_snapshot!(recorder.troubles().unwrap(), @"recording stopped: the recorder failed");
    recorder.marker(Marker::Note { text: "late".into() });
    recorder.finish(0);
}
