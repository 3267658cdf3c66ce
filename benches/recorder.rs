//! What recording costs: `cargo bench --bench recorder`. Numbers, no verdict.
//!
//! `output` runs as fast as it can against a writer whose disk costs nothing, easing off as a
//! relay does; so the figure is what encoding can carry. Every byte must come out.

#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::record::prune::{self, Limits};
use nightlatch::record::{Durability, Header, Log, Marker, Recorder, Sink, tidy};

/// What a pty hands over at once.
const READ_BYTES: usize = 4095;

/// Passed per run.
const RUN_BYTES: usize = 1 << 30;

const WAIT: Duration = Duration::from_secs(1);

/// A disk that counts.
struct Counting(Arc<AtomicU64>);

impl Sink for Counting {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn reserve(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn release(&mut self) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows = text(|n| {
        let (key, cents) = (n.wrapping_mul(2_654_435_761), n % 100);
        format!(" {n:>8} | customer-{key:08x} | 2026-11-20 06:50:00.123456 | {n:>9}.{cents:02}\r\n")
    });
    let words = text(|n| format!(" {n:>8} | Größe | 日本語 | naïve {n:>12}\r\n"));
    for (name, text) in [("ASCII rows", &rows), ("UTF-8 rows", &words)] {
        let clock = Clock::system();
        let written = Arc::new(AtomicU64::new(0));
        let mut recorder = start(Counting(Arc::clone(&written)), clock)?;
        let begun = clock.elapsed();
        for bytes in text.chunks(READ_BYTES).cycle().take(RUN_BYTES / READ_BYTES) {
            recorder.output(bytes);
            recorder.ease(WAIT);
        }
        recorder.finish(0);
        let took = (clock.elapsed() - begun).as_secs_f64();
        let rate = RUN_BYTES as f64 / took / 1e6;
        let log = written.load(Ordering::Relaxed) as f64 / RUN_BYTES as f64;
        println!("{name}: {rate:.0} MB/s, log {log:.3} times as long, {:?}", recorder.troubles());
    }
    on_disk(&rows)?;
    intents()
}

/// Records the same to a real disk, and waits until all of it is packed.
fn on_disk(text: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let clock = Clock::system();
    let mut recorder = Recorder::start(folder.path(), &header(), clock)?;
    let begun = clock.elapsed();
    for bytes in text.chunks(READ_BYTES).cycle().take(RUN_BYTES / READ_BYTES) {
        recorder.output(bytes);
        recorder.ease(WAIT);
    }
    let passed = (clock.elapsed() - begun).as_secs_f64();
    recorder.finish(0);
    let at_end = prune::survey(folder.path())?.iter().map(|lying| lying.bytes).sum::<u64>();
    let length = Log::len(recorder.path())?;
    let troubles = recorder.troubles();
    drop(recorder);
    let limits = Limits::NONE;
    tidy::run(folder.path(), limits, clock.now())?;
    let took = (clock.elapsed() - begun).as_secs_f64();
    let packed = prune::survey(folder.path())?.iter().map(|lying| lying.bytes).sum::<u64>();
    let share = |bytes: u64| bytes as f64 / length as f64;
    println!(
        "on disk: {:.0} MB/s, {:.3} of the plain log at the end, {:.3} once packed, {:.1} s later; {:?}",
        RUN_BYTES as f64 / passed / 1e6,
        share(at_end),
        share(packed),
        took - passed,
        troubles
    );
    Ok(())
}

/// Times statements that wait for a real file.
fn intents() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let clock = Clock::system();
    let mut recorder = Recorder::start(folder.path(), &header(), clock)?;
    for (name, durability) in [("written", Durability::Written), ("synced", Durability::Synced)] {
        let mut took = Vec::new();
        for _ in 0..500 {
            let note = Marker::Note { text: "delete from families where id = 17".to_owned() };
            let begun = clock.elapsed();
            recorder.intent(note, durability, WAIT)?;
            took.push(clock.elapsed() - begun);
        }
        took.sort_unstable();
        println!("intent {name}: median {:?}, 99 % {:?}", took[250], took[495]);
    }
    recorder.finish(0);
    Ok(())
}

fn start(sink: Counting, clock: Clock) -> Result<Recorder, Box<dyn Error>> {
    let path = PathBuf::from("nowhere");
    Ok(Recorder::with_sink(sink, "bench".to_owned(), path, &header(), clock)?)
}

fn header() -> Header {
    Header { cols: 80, rows: 24, client: "psql".to_owned(), ..Header::default() }
}

/// Returns about four megabytes of lines.
fn text(line: impl Fn(u64) -> String) -> Vec<u8> {
    let mut text = Vec::new();
    for n in 0.. {
        text.extend(line(n).as_bytes());
        if text.len() > 4 << 20 {
            break;
        }
    }
    text
}
