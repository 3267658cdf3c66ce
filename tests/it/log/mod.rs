//! What is recorded, and that it is still there after kills, on bad disks, and when it is much.

mod disks;
mod folder;
mod kills;
mod prune;
mod secrets;

use std::collections::BTreeSet;
use std::path::Path;

use nightlatch::record::{Event, Marker, Reader, find};

/// One log, read to its end.
#[derive(Debug, Default)]
struct Read {
    /// The texts of its statements, in order.
    statements: Vec<String>,
    /// What its gaps say is missing and why.
    gaps: Vec<(String, String)>,
    /// Everything that was printed.
    output: Vec<u8>,
    has_exit: bool,
}

/// Reads every log of a data folder.
///
/// # Panics
/// If one cannot be opened or read, or has a line that is broken.
fn read_all(data: &Path) -> Vec<Read> {
    find::all(data).expect("sessions").iter().map(|found| read(&found.path)).collect()
}

/// Reads one log; one that ends within a line is good too.
fn read(log: &Path) -> Read {
    let (_, mut reader) =
        Reader::open(log).unwrap_or_else(|error| panic!("{}: {error:?}", log.display()));
    let mut read = Read::default();
    while let Some(event) = reader.next().expect("readable") {
        match event {
            Event::Output(bytes) => read.output.extend(bytes),
            Event::Exit(_) => read.has_exit = true,
            Event::Marker(marker) => match *marker {
                Marker::Statement { text, .. } => read.statements.push(text),
                Marker::Gap { what, why, .. } => read.gaps.push((what, why)),
                _ => {}
            },
            Event::Broken { bytes } => panic!("{}: {bytes} broken bytes", log.display()),
            Event::Torn { .. } | Event::Resize { .. } | Event::Other(_) => {}
        }
    }
    read
}

/// Finds `VALUES (1, 2)` in texts.
fn values(texts: &[String]) -> BTreeSet<(u32, u32)> {
    let mut found = BTreeSet::new();
    for text in texts {
        for piece in text.split("VALUES (").skip(1) {
            let pair = piece.split_once(')').and_then(|(pair, _)| pair.split_once(", "));
            let (a, b) = pair.expect("a pair");
            found.insert((a.parse().expect("a number"), b.parse().expect("a number")));
        }
    }
    found
}
