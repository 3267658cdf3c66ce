//! The whole log of a session as one stream of lines, whatever files it is in.

use std::fs::File;
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::damage;
use super::folder::LOG_NAME;
use super::header::Place;
use super::segment::{self, Form, Part};

/// Reads the segments of a log one after the other: plain asciicast lines, one header.
pub struct Log {
    /// Where the segments are; none for a file that is a log by itself.
    folder: Option<PathBuf>,
    part: Part,
    /// The number of the segment that is being read.
    n: u32,
    /// The live segment, from its start, and its number, until it is that one's turn.
    live: Option<(File, u32)>,
    /// The next segment, if there is one.
    next: Option<Part>,
    /// What stands in the log where a segment is damaged.
    injected: Vec<u8>,
    /// Bytes of the segment that were taken.
    taken: u64,
    /// The last byte that was taken did not end its line.
    is_line_open: bool,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Log").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log of a session by the path of its live segment, `session.cast`, which need no
    /// longer be there; or a file that is a log by itself, packed if its name ends with `.zst`.
    ///
    /// # Errors
    ///
    /// If there is no such log or it cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let Some(folder) = session_folder(path) else {
            let is_packed = path.extension().is_some_and(|extension| extension == "zst");
            let form = if is_packed { Form::Packed } else { Form::Plain };
            let part = segment::part(segment::open_file(path)?, 1, form)?;
            return Ok(Self::new(None, part, 1, None));
        };
        // The live segment first: what it says it follows is then there, in one form or another.
        let live = open_live(path)?;
        let folder = folder.to_owned();
        match live {
            Some((file, place)) if place.n == 1 => {
                let part = segment::part(file, 1, Form::Plain)?;
                Ok(Self::new(Some(folder), part, 1, None))
            }
            live => {
                let live = live.map(|(file, place)| (file, place.n));
                match segment::open(&folder, 1) {
                    // The first is gone, and others are not.
                    Err(error) if is_lost(&error) && last(&folder, live.as_ref())? > 0 => {
                        Ok(Self::new(Some(folder), Box::new(io::empty()), 0, live))
                    }
                    part => Ok(Self::new(Some(folder), part?, 1, live)),
                }
            }
        }
    }

    /// Opens a log at a byte that an earlier reader came to.
    ///
    /// # Errors
    ///
    /// If there is no such log or it cannot be read.
    pub(crate) fn open_at(path: &Path, offset: u64) -> io::Result<Self> {
        let Some(folder) = session_folder(path) else {
            let mut log = Self::open(path)?;
            log.skip(offset)?;
            return Ok(log);
        };
        let live = open_live(path)?;
        if let Some((mut file, place)) = live {
            if offset >= place.offset {
                let into = offset - place.offset;
                let len = file.metadata()?.len();
                let body = segment::file_len(file.try_clone()?, place.n, Form::Plain)?;
                file.seek(SeekFrom::Start((len - body + into).min(len)))?;
                // The header is passed over already.
                let part = segment::part(file, 1, Form::Plain)?;
                return Ok(Self::new(Some(folder.to_owned()), part, place.n, None));
            }
            let mut log = Self::in_finished(folder, offset)?;
            log.live = Some((file, place.n));
            return Ok(log);
        }
        Self::in_finished(folder, offset)
    }

    /// Returns how many bytes the log has, without reading it: what offsets count.
    ///
    /// # Errors
    ///
    /// If there is no such log or it cannot be read.
    pub fn len(path: &Path) -> io::Result<u64> {
        let Some(folder) = session_folder(path) else {
            return Ok(segment::open_file(path)?.metadata()?.len());
        };
        if let Some((file, place)) = open_live(path)? {
            return Ok(place.offset + segment::file_len(file, place.n, Form::Plain)?);
        }
        match last(folder, None)? {
            0 => Err(io::ErrorKind::NotFound.into()),
            last => (1..=last).map(|n| len_of(folder, n)).sum(),
        }
    }

    fn new(folder: Option<PathBuf>, part: Part, n: u32, live: Option<(File, u32)>) -> Self {
        Self {
            folder,
            part,
            n,
            live,
            next: None,
            injected: Vec::new(),
            taken: 0,
            is_line_open: false,
        }
    }

    /// Starts at a byte of the finished segments.
    fn in_finished(folder: &Path, offset: u64) -> io::Result<Self> {
        let last = last(folder, None)?;
        let (mut n, mut before) = (1, 0);
        loop {
            let len = len_of(folder, n)?;
            if n >= last || offset < before + len {
                break;
            }
            before += len;
            n += 1;
        }
        let part = segment::open(folder, n)?;
        let mut log = Self::new(Some(folder.to_owned()), part, n, None);
        log.taken = io::copy(&mut (&mut log.part).take(offset - before), &mut io::sink())?;
        Ok(log)
    }

    fn skip(&mut self, offset: u64) -> io::Result<()> {
        io::copy(&mut self.take(offset), &mut io::sink()).map(drop)
    }

    /// Finds the next segment; none if there is none yet.
    fn next_part(&mut self) -> io::Result<Option<Part>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let next = self.n + 1;
        if let Some((live, _)) = self.live.take_if(|(_, n)| *n == next) {
            return segment::part(live, next, Form::Plain).map(Some);
        }
        let is_between = last(folder, self.live.as_ref())? > next;
        match segment::open(folder, next) {
            Err(error) if is_lost(&error) && is_between => {
                // Say so and go on behind it.
                return Ok(Some(Box::new(Cursor::new(damage::line(len_of(folder, next)?)))));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(Some),
        }
        // The writer may have gone on since the log was opened.
        let live = open_live(&folder.join(LOG_NAME))?.filter(|(_, place)| place.n == next);
        live.map(|(file, _)| segment::part(file, next, Form::Plain)).transpose()
    }
}

impl BufRead for Log {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            if !self.injected.is_empty() {
                return Ok(&self.injected);
            }
            match self.part.fill_buf() {
                // Once there is a next segment nothing more comes to this one, but what came
                // until then must not be missed.
                Ok([]) if self.next.is_none() => {
                    self.next = self.next_part()?;
                    if self.next.is_none() {
                        return Ok(&[]);
                    }
                }
                Ok([]) => {
                    (self.n, self.taken) = (self.n + 1, 0);
                    self.part = self.next.take().unwrap_or_else(|| Box::new(io::empty()));
                }
                // Borrowed anew: the borrow checker cannot see that this arm ends the loop.
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let Some(folder) = self.folder.as_ref().filter(|_| is_damage(&error)) else {
                        return Err(error);
                    };
                    let mut left = len_of(folder, self.n)?.saturating_sub(self.taken);
                    if self.is_line_open {
                        self.injected.push(b'\n');
                        left = left.saturating_sub(1);
                    }
                    self.injected.extend(damage::line(left));
                    self.part = Box::new(io::empty());
                }
            }
        }
        self.part.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if !self.injected.is_empty() {
            self.injected.drain(..count);
            self.is_line_open = false;
            return;
        }
        if count > 0
            && let Ok(bytes) = self.part.fill_buf()
        {
            self.is_line_open = bytes[count - 1] != b'\n';
        }
        self.taken += count as u64;
        self.part.consume(count);
    }
}

impl Read for Log {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(to)?;
        self.consume(count);
        Ok(count)
    }
}

/// Returns the folder of a session whose live segment this is the path of.
fn session_folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|_| path.file_name().is_some_and(|name| name == LOG_NAME))
}

/// Opens the live segment; none if there is none, or nothing of it but its name reached the disk.
fn open_live(path: &Path) -> io::Result<Option<(File, Place)>> {
    let file = match segment::open_file(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if let Some(place) = segment::place(&file)? {
        return Ok(Some((file, place)));
    }
    let Some(folder) = path.parent() else { return Ok(None) };
    let before = last(folder, None)?;
    // If it is the first, whoever reads it finds out that it is no log.
    let is_there = before == 0 || file.metadata()?.len() > 0;
    let offset = (1..=before).map(|n| len_of(folder, n)).sum::<io::Result<u64>>()?;
    Ok(is_there.then_some((file, Place { n: before + 1, offset, time_us: 0 })))
}

/// Returns the number of the last segment that is there; 0 if there is none.
fn last(folder: &Path, live: Option<&(File, u32)>) -> io::Result<u32> {
    let finished = segment::finished(folder)?.last().map_or(0, |(n, _)| *n);
    Ok(finished.max(live.map_or(0, |(_, n)| *n)))
}

/// Returns how many bytes of the log a finished segment is; of one that is damaged or gone as many
/// as most have, where nothing tells.
fn len_of(folder: &Path, n: u32) -> io::Result<u64> {
    match segment::len(folder, n) {
        Err(error) if is_lost(&error) => Ok(segment::SEGMENT_BYTES),
        len => len,
    }
}

/// Says whether a segment is damaged or gone.
fn is_lost(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || is_damage(error)
}

/// Says whether what is stored is not what was written, rather than that it cannot be read now.
fn is_damage(error: &io::Error) -> bool {
    // zstd reports what it does not understand without a kind.
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        || error.kind() == io::ErrorKind::Other
}

#[cfg(test)]
#[path = "log_test.rs"]
mod tests;
