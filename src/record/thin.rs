//! What a session that takes too much gives up: the output between its begin and its end. Its
//! statements stay.
//!
//! Where output stood there is a gap that says so, behind comments that are as long as what is
//! gone: they pack to nothing, and every other line is still at the byte it was at.

use std::fs;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::encode::{EXACT, Encoder};
use super::event::Marker;
use super::read::split;
use super::segment::{self, Form};

/// Output whose lines are shorter all together stays: a gap would be longer.
const KEPT_BYTES: u64 = 512;

/// So much of it is kept until it is known whether it stays.
const COMMENT_BYTES: u64 = 64 << 10;

/// What a session's packed segments may take, and do.
#[derive(Debug)]
pub(super) struct Cap {
    folder: PathBuf,
    max_bytes: u64,
    /// Packed segments and what they take, oldest first.
    packed: Vec<(u32, u64)>,
    /// How many of these have been looked at to be thinned.
    thinned: usize,
}

impl Cap {
    /// Nothing is packed yet.
    pub(super) fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes, packed: Vec::new(), thinned: 0 }
    }

    /// Takes the next packed segment in.
    pub(super) fn add(&mut self, n: u32) -> io::Result<()> {
        self.packed.push((n, self.bytes_of(n)?));
        Ok(())
    }

    /// Thins segments behind the begin, the oldest first, until all take no more than they may.
    pub(super) fn keep(&mut self, is_stopped: &AtomicBool) -> io::Result<()> {
        while self.bytes() > self.max_bytes && self.thinned + 1 < self.packed.len() {
            let index = self.thinned;
            self.thinned += 1;
            let before: u64 = self.packed[..=index].iter().map(|(_, bytes)| bytes).sum();
            if before > self.max_bytes / 2 {
                let (n, _) = self.packed[index];
                thin(&self.folder, n, is_stopped)?;
                self.packed[index].1 = self.bytes_of(n)?;
            }
        }
        Ok(())
    }

    /// Returns what all packed segments take.
    fn bytes(&self) -> u64 {
        self.packed.iter().map(|(_, bytes)| bytes).sum()
    }

    fn bytes_of(&self, n: u32) -> io::Result<u64> {
        fs::metadata(segment::path(&self.folder, n, Form::Packed)).map(|facts| facts.len())
    }
}

/// Makes a session that is over and packed take no more than it may.
///
/// # Errors
///
/// What the system said; each segment is whole then.
pub(super) fn keep(folder: &Path, max_bytes: u64) -> io::Result<()> {
    let mut cap = Cap::new(folder.to_owned(), max_bytes);
    for (n, form) in segment::finished(folder)? {
        if form == Form::Packed {
            cap.add(n)?;
        }
    }
    cap.keep(&AtomicBool::new(false))
}

/// Takes the output out of a packed segment.
///
/// # Errors
///
/// What the system said; the segment is as it was then.
fn thin(folder: &Path, n: u32, is_stopped: &AtomicBool) -> io::Result<()> {
    let len = segment::len(folder, n)?;
    let thinner = Thinner::new(segment::open(folder, n)?);
    let part = segment::part_path(folder, n);
    let done = segment::write_packed(thinner, len, &part, is_stopped);
    if matches!(done, Ok(true)) {
        return fs::rename(part, segment::path(folder, n, Form::Packed));
    }
    drop(fs::remove_file(part));
    done.map(drop)
}

/// Reads lines and leaves output out.
struct Thinner<R> {
    from: R,
    line: Vec<u8>,
    run: Run,
    /// What comes out next, and how much of it is out.
    out: Vec<u8>,
    taken: usize,
}

/// Lines of output that follow each other.
#[derive(Debug, Default)]
struct Run {
    /// What they are, while they are so few that they may stay.
    kept: Vec<u8>,
    /// Their length, what they print, and the time they take in microseconds.
    bytes: u64,
    printed: u64,
    time_us: u64,
}

impl<R: BufRead> Thinner<R> {
    fn new(from: R) -> Self {
        Self { from, line: Vec::new(), run: Run::default(), out: Vec::new(), taken: 0 }
    }

    /// Makes more to come out; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        self.out.clear();
        self.taken = 0;
        while self.out.is_empty() {
            self.line.clear();
            if self.from.read_until(b'\n', &mut self.line)? == 0 {
                self.run.end(&mut self.out);
                return Ok(!self.out.is_empty());
            }
            match split(&self.line) {
                Some((time_us, code, data)) if code == 'o' || code == EXACT => {
                    // The exact bytes are those of the next output.
                    let text = serde_json::from_slice::<String>(data).ok().filter(|_| code == 'o');
                    let printed = text.map_or(0, |text| text.len() as u64);
                    self.run.add(&self.line, printed, time_us);
                }
                _ => {
                    self.run.end(&mut self.out);
                    self.out.extend_from_slice(&self.line);
                }
            }
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Thinner<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.out.len() && !self.more()? {
            return Ok(0);
        }
        let count = (&self.out[self.taken..]).read(to)?;
        self.taken += count;
        Ok(count)
    }
}

impl Run {
    fn add(&mut self, line: &[u8], printed: u64, time_us: u64) {
        self.bytes += line.len() as u64;
        self.printed += printed;
        self.time_us = self.time_us.saturating_add(time_us);
        if self.bytes < KEPT_BYTES {
            self.kept.extend_from_slice(line);
        } else {
            self.kept.clear();
        }
    }

    /// Writes what is in its place: as many bytes.
    fn end(&mut self, out: &mut Vec<u8>) {
        let run = std::mem::take(self);
        if run.bytes < KEPT_BYTES {
            out.extend_from_slice(&run.kept);
            return;
        }
        let gap = Marker::Gap {
            what: "output".to_owned(),
            bytes: Some(run.printed),
            why: "the session takes more than [record] max_session".to_owned(),
        };
        let mut encoder = Encoder::default();
        encoder.event(run.time_us, 'm', &serde_json::to_string(&gap).unwrap_or_default());
        let gap = encoder.bytes();
        let mut left = run.bytes - gap.len() as u64;
        while left > 0 {
            // No comment is so short that it has no room for its `#` and its end.
            let len = if left > COMMENT_BYTES + 2 { COMMENT_BYTES } else { left };
            out.push(b'#');
            out.resize(out.len() + usize::try_from(len).unwrap_or(2) - 2, b' ');
            out.push(b'\n');
            left -= len;
        }
        out.extend_from_slice(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinned(text: &str) -> String {
        let mut out = String::new();
        Thinner::new(text.as_bytes()).read_to_string(&mut out).unwrap();
        assert_eq!(out.len(), text.len());
        let lines = out.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn output_goes_and_everything_else_stays_where_it_was() {
        let note = "[0.5, \"m\", \"{\\\"kind\\\":\\\"note\\\",\\\"text\\\":\\\"hi\\\"}\"]\n";
        let short = "[0.1, \"o\", \"short\"]\n";
        let long = format!("[0.25, \"o\", \"{}\\r\\n\"]\n", "x".repeat(1000));
        let exact = "[0.1, \"b\", \"/w==\"]\n[0, \"o\", \"\u{fffd}\"]\n";
        let gap = |seconds: &str, bytes: u64| {
            format!(
                "[{seconds}, \"m\", \"{{\\\"kind\\\":\\\"gap\\\",\\\"what\\\":\\\"output\\\",\\\"bytes\\\":{bytes},\\\"why\\\":\\\"the session takes more than [record] max_session\\\"}}\"]\n"
            )
        };
        assert_eq!(thinned(&format!("{short}{note}{short}")), format!("{short}{note}{short}"));
        assert_eq!(
            thinned(&format!("{long}{long}{note}{exact}{long}")),
            format!("{}{note}{}", gap("0.500000", 2004), gap("0.350000", 1005))
        );
        let many = long.repeat(200);
        assert_eq!(thinned(&many), gap("50.000000", 200 * 1002));
        for len in 480..560 {
            let around = format!("[0.25, \"o\", \"{}\"]\n", "x".repeat(len));
            thinned(&around);
        }
        for len in (128 << 10) - 300..(128 << 10) + 300 {
            thinned(&format!("[0.25, \"o\", \"{}\"]\n", "x".repeat(len)));
        }
    }
}
