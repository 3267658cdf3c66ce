//! Logs of many segments: what is written comes back, whatever form each segment has.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::recorder::Recorder;
use super::super::shared::Durability;
use super::super::{Event, Header, Marker, Reader, repair, thin};
use super::{Form, Log, segment};
use crate::clock::Clock;

const DEADLINE: Duration = Duration::from_secs(20);

/// Starts a recorder in a data folder.
fn recorder(data: &Path) -> Recorder {
    let header = Header { client: "psql".into(), cols: 80, rows: 24, ..Header::default() };
    Recorder::start(data, &header, Clock::system()).unwrap()
}

fn note(n: u64) -> Marker {
    Marker::Note { text: format!("note {n}") }
}

/// Records notes with a lot of output between them; returns what was printed.
fn record(recorder: &mut Recorder, notes: std::ops::Range<u64>) -> Vec<u8> {
    let mut printed = Vec::new();
    for n in notes {
        let line = format!("{n} {:064x}\r\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(40);
        recorder.output(line.as_bytes());
        printed.extend_from_slice(line.as_bytes());
        recorder.intent(note(n), Durability::Written, DEADLINE).unwrap();
    }
    printed
}

/// Reads a log from where `reader` is: what was printed, the notes, and whether it has an exit.
fn read(mut reader: Reader<Log>) -> (Vec<u8>, Vec<String>, bool) {
    let (mut printed, mut notes, mut is_over) = (Vec::new(), Vec::new(), false);
    while let Some(event) = reader.next().unwrap() {
        match event {
            Event::Output(bytes) => printed.extend(bytes),
            Event::Marker(marker) => match *marker {
                Marker::Note { text } => notes.push(text),
                other => panic!("{other:?}"),
            },
            Event::Exit(_) => is_over = true,
            other => panic!("{other:?}"),
        }
    }
    (printed, notes, is_over)
}

/// Waits until the packer has nothing left to do.
fn wait_until_packed(folder: &Path) {
    let clock = Clock::system();
    while segment::finished(folder).unwrap().iter().any(|(_, form)| *form == Form::Plain) {
        assert!(clock.elapsed() < DEADLINE, "not packed");
        std::thread::yield_now();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_long_log_is_read_whole_while_it_is_written_packed_and_over() {
    let data = tempfile::tempdir().unwrap();
    let mut recorder = recorder(data.path());
    let path = recorder.path().to_owned();
    let folder = path.parent().unwrap();
    let mut printed = Vec::new();
    for round in 0..8 {
        printed.extend(record(&mut recorder, round * 20..(round + 1) * 20));
        let (so_far, notes, _) = read(Reader::open(&path).unwrap().1);
        assert_eq!(notes.len() as u64, (round + 1) * 20);
        assert!(so_far == printed, "{round}");
    }
    assert!(segment::finished(folder).unwrap().len() > 3);
    wait_until_packed(folder);
    let live = read(Reader::open(&path).unwrap().1);
    recorder.finish(0);
    let plain = read(Reader::open(&path).unwrap().1);
    assert_eq!(plain, (live.0, live.1, true));
    repair::pack(folder).unwrap();
    assert!(names(folder).iter().all(|name| name.ends_with(".cast.zst")), "{:?}", names(folder));
    assert_eq!(read(Reader::open(&path).unwrap().1), plain);
    // The segments one after the other are the log, as any unpacker sees them.
    let mut joined = Vec::new();
    for name in names(folder) {
        joined.extend(fs::read(folder.join(name)).unwrap());
    }
    let joined = zstd::stream::decode_all(&joined[..]).unwrap();
    let mut whole = Vec::new();
    Log::open(&path).unwrap().read_to_end(&mut whole).unwrap();
    assert!(joined == whole);
    assert_eq!(Log::len(&path).unwrap(), whole.len() as u64);
}

#[test]
fn every_line_can_be_read_on_from_in_every_form() {
    let data = tempfile::tempdir().unwrap();
    let mut recorder = recorder(data.path());
    let path = recorder.path().to_owned();
    let folder = path.parent().unwrap();
    record(&mut recorder, 0..60);
    let offsets = |path: &Path| {
        let (_, mut reader) = Reader::open(path).unwrap();
        let mut offsets = vec![(reader.offset(), reader.time())];
        while reader.next().unwrap().is_some() {
            offsets.push((reader.offset(), reader.time()));
        }
        offsets
    };
    let check = |path: &Path| {
        let mut rest = Vec::new();
        Log::open(path).unwrap().read_to_end(&mut rest).unwrap();
        for (offset, time) in offsets(path) {
            let mut from = Vec::new();
            Log::open_at(path, offset).unwrap().read_to_end(&mut from).unwrap();
            assert!(from == rest[offset as usize..], "{offset}");
            let mut reader = Reader::open_at(path, offset, time).unwrap();
            while reader.next().unwrap().is_some() {}
            assert_eq!(reader.offset(), rest.len() as u64);
        }
        rest
    };
    let live = check(&path);
    wait_until_packed(folder);
    assert!(check(&path) == live);
    recorder.finish(0);
    let over = check(&path);
    repair::pack(folder).unwrap();
    assert!(check(&path) == over);
}

#[test]
fn a_live_segment_is_an_asciicast_by_itself() {
    let data = tempfile::tempdir().unwrap();
    let mut recorder = recorder(data.path());
    recorder.resize(100, 50);
    record(&mut recorder, 0..60);
    // Under another name it is read as a file by itself.
    let alone = data.path().join("alone.cast");
    fs::copy(recorder.path(), &alone).unwrap();
    let (start, reader) = Reader::open(&alone).unwrap();
    assert_eq!((start.header.cols, start.header.rows), (100, 50));
    let (_, notes, _) = read(reader);
    assert_eq!(notes.last().map(String::as_str), Some("note 59"));
    assert!(notes.len() < 60);
}

#[test]
fn a_kill_between_any_two_steps_of_a_rotation_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut recorder = recorder(data.path());
    let path = recorder.path().to_owned();
    let folder = path.parent().unwrap().to_owned();
    let printed = record(&mut recorder, 0..60);
    wait_until_packed(&folder);
    drop(recorder);
    let n = segment::finished(&folder).unwrap().len() as u32 + 1;
    // The live one was just renamed, the next one not.
    fs::rename(&path, segment::path(&folder, n, Form::Plain)).unwrap();
    fs::write(segment::next_path(&folder), "{\"version\":3,").unwrap();
    assert!(read(Reader::open(&path).unwrap().1).0 == printed);
    // A packed segment is there, the plain one not gone yet, another is half packed.
    let mut plain = b"{}\n".to_vec();
    segment::open(&folder, 2).unwrap().read_to_end(&mut plain).unwrap();
    fs::write(segment::path(&folder, 2, Form::Plain), plain).unwrap();
    fs::write(folder.join("session.0003.7-0.part"), "half").unwrap();
    assert!(read(Reader::open(&path).unwrap().1).0 == printed);
    repair::repair(&folder).unwrap();
    repair::pack(&folder).unwrap();
    assert!(names(&folder).iter().all(|name| name.ends_with(".cast.zst")), "{:?}", names(&folder));
    let (_, mut reader) = Reader::open(&path).unwrap();
    let mut last = None;
    while let Some(event) = reader.next().unwrap() {
        last = Some(event);
    }
    let Some(Event::Marker(gap)) = last else { panic!("{last:?}") };
    assert!(matches!(*gap, Marker::Gap { what, .. } if what == "tail"));
}

#[test]
fn what_is_damaged_or_gone_is_told_and_the_rest_is_read() {
    let data = tempfile::tempdir().unwrap();
    let mut recorder = recorder(data.path());
    let path = recorder.path().to_owned();
    let folder = path.parent().unwrap().to_owned();
    record(&mut recorder, 0..60);
    wait_until_packed(&folder);
    recorder.finish(0);
    let read = |path: &PathBuf| {
        let (start, mut reader) = Reader::open(path).unwrap();
        let (mut broken, mut last) = (Vec::new(), None);
        while let Some(event) = reader.next().unwrap() {
            broken.extend(match &event {
                Event::Broken { bytes } => Some(*bytes),
                _ => None,
            });
            last = Some(event);
        }
        assert_eq!(last, Some(Event::Exit(0)));
        assert_eq!(start.session, folder.file_name().unwrap().to_str().unwrap());
        (start.header.client, broken, reader.offset())
    };
    let whole = Log::len(&path).unwrap();
    let second = segment::path(&folder, 2, Form::Packed);
    let good = fs::read(&second).unwrap();
    let half = &good[..good.len() / 2];
    let mut turned = good.clone();
    turned[good.len() / 2] ^= 0x55;
    for bad in [half, &turned, b"not zstd at all", b""] {
        fs::write(&second, bad).unwrap();
        let (_, broken, offset) = read(&path);
        assert!(broken.iter().sum::<u64>() > 1000, "{broken:?}");
        // As long as it is still known how long it was.
        assert!(offset == whole || bad.len() < half.len(), "{offset} {whole}");
    }
    fs::remove_file(&second).unwrap();
    let (client, broken, _) = read(&path);
    assert_eq!((client.as_str(), broken), ("psql", vec![segment::SEGMENT_BYTES]));
    // The live segment has its header, too.
    let first = segment::path(&folder, 1, Form::Packed);
    let kept = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let (client, broken, _) = read(&path);
    assert_eq!((client.as_str(), broken), ("psql", vec![segment::SEGMENT_BYTES; 2]));
    // Nothing but the name of the folder says what it was.
    repair::pack(&folder).unwrap();
    let (client, broken, _) = read(&path);
    assert_eq!((client.as_str(), broken), ("unknown", vec![segment::SEGMENT_BYTES; 2]));
    // With all of them there it is as it was.
    fs::write(&first, kept).unwrap();
    fs::write(&second, good).unwrap();
    assert_eq!(read(&path), ("psql".to_owned(), vec![], whole));
}

#[test]
fn a_log_whose_first_bytes_are_damaged_is_read_behind_them() {
    let data = tempfile::tempdir().unwrap();
    let mut recorder = recorder(data.path());
    let path = recorder.path().to_owned();
    record(&mut recorder, 0..20);
    recorder.finish(0);
    let (start, _) = Reader::open(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let header = good.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let mut turned = good.clone();
    turned[2] ^= 1;
    let mut zeroed = good.clone();
    zeroed[..4096].fill(0);
    for (bad, is_first_lost) in [(turned, false), (zeroed, true)] {
        fs::write(&path, &bad).unwrap();
        let (found, mut reader) = Reader::open(&path).unwrap();
        assert_eq!(found.started.as_millisecond(), start.started.as_millisecond());
        let Some(Event::Broken { bytes }) = reader.next().unwrap() else { panic!("not told") };
        assert!(bytes >= header as u64);
        let (_, notes, is_over) = read(reader);
        assert!(is_over && notes.last().unwrap() == "note 19");
        assert_eq!(notes[0] != "note 0", is_first_lost, "{notes:?}");
    }
}

#[test]
fn a_session_over_its_limit_keeps_its_begin_its_end_and_every_statement() {
    let data = tempfile::tempdir().unwrap();
    let header = Header { client: "psql".into(), cols: 80, rows: 24, ..Header::default() };
    let max_bytes = 60_000;
    let mut recorder = Recorder::open(data.path(), &header, Clock::system(), max_bytes).unwrap();
    recorder.begin().unwrap();
    let path = recorder.path().to_owned();
    let folder = path.parent().unwrap().to_owned();
    let offset = |path: &Path| {
        let (_, mut reader) = Reader::open(path).unwrap();
        while reader.next().unwrap().is_some() {}
        (reader.offset(), reader.time())
    };
    record(&mut recorder, 0..30);
    let (early, early_time) = offset(&path);
    let mut hashes = String::new();
    for n in 30..600 {
        // Something that does not pack away.
        hashes.clear();
        for m in 0..40 {
            let hash = (n * 40 + m + 1_u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
            hashes.push_str(&format!("{:016x}{:016x}\r\n", hash, hash.wrapping_mul(hash)));
        }
        recorder.output(hashes.as_bytes());
        recorder.intent(note(n), Durability::Written, DEADLINE).unwrap();
    }
    recorder.output(b"the end");
    wait_until_packed(&folder);
    recorder.finish(0);
    repair::pack(&folder).unwrap();
    let (_, mut reader) = Reader::open(&path).unwrap();
    let (mut notes, mut gaps, mut printed) = (0, 0, Vec::new());
    while let Some(event) = reader.next().unwrap() {
        match event {
            Event::Marker(marker) => match *marker {
                Marker::Note { text } => {
                    assert_eq!(text, format!("note {notes}"));
                    notes += 1;
                }
                Marker::Gap { bytes, .. } => gaps += bytes.unwrap(),
                other => panic!("{other:?}"),
            },
            Event::Output(bytes) => printed.extend(bytes),
            Event::Exit(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(notes, 600);
    assert!(printed.starts_with(b"0 0000") && printed.ends_with(b"the end"));
    assert!(gaps > 100_000, "{gaps}");
    thin::keep(&folder, max_bytes).unwrap();
    let bytes = segment::usage(&folder).unwrap().0;
    assert!(bytes <= max_bytes / 100 * 105, "{bytes}");
    // Whoever had read the begin reads on where he stopped.
    let mut reader = Reader::open_at(&path, early, early_time).unwrap();
    let Some(Event::Output(_)) = reader.next().unwrap() else { panic!("output") };
    assert_eq!(Log::len(&path).unwrap(), offset(&path).0);
}
