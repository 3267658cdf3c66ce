//! The whole log of a session as one stream of lines, whatever files it is in.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::header::LOG_NAME;
use super::segment::{self, Form, Part, Place};

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
    injected: &'static [u8],
    /// The last byte that was taken did not end its line.
    is_line_open: bool,
}

/// Stands for what a damaged segment does not give; no event, so a reader reports it.
const DAMAGE: &[u8] = b"\n! the rest of this segment is damaged\n";

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
            Some((file, place)) => {
                let part = segment::open(&folder, 1)?;
                Ok(Self::new(Some(folder), part, 1, Some((file, place.n))))
            }
            None => {
                let part = segment::open(&folder, 1)?;
                Ok(Self::new(Some(folder), part, 1, None))
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
        let finished = segment::finished(folder)?;
        if finished.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        finished.into_iter().map(|(n, _)| segment::len(folder, n)).sum()
    }

    fn new(folder: Option<PathBuf>, part: Part, n: u32, live: Option<(File, u32)>) -> Self {
        Self { folder, part, n, live, next: None, injected: &[], is_line_open: false }
    }

    /// Starts at a byte of the finished segments.
    fn in_finished(folder: &Path, offset: u64) -> io::Result<Self> {
        let (mut n, mut before) = (1, 0);
        loop {
            let len = segment::len(folder, n)?;
            if offset < before + len {
                break;
            }
            let is_last = match segment::len(folder, n + 1) {
                Ok(_) => false,
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                Err(error) => return Err(error),
            };
            if is_last {
                break;
            }
            before += len;
            n += 1;
        }
        let part = segment::open(folder, n)?;
        let mut log = Self::new(Some(folder.to_owned()), part, n, None);
        io::copy(&mut (&mut log.part).take(offset - before), &mut io::sink())?;
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
        match segment::open(folder, next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(Some),
        }
        if self.live.as_ref().is_some_and(|(_, n)| *n > next) {
            // A segment between is gone: say so and go on behind it.
            return Ok(Some(Box::new(&DAMAGE[1..])));
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
                return Ok(self.injected);
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
                    self.n += 1;
                    self.part = self.next.take().unwrap_or_else(|| Box::new(io::empty()));
                }
                // Borrowed anew: the borrow checker cannot see that this arm ends the loop.
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.folder.is_some() && is_damage(&error) => {
                    self.injected = if self.is_line_open { DAMAGE } else { &DAMAGE[1..] };
                    self.part = Box::new(io::empty());
                }
                Err(error) => return Err(error),
            }
        }
        self.part.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if !self.injected.is_empty() {
            self.injected = &self.injected[count..];
            self.is_line_open = false;
            return;
        }
        if count > 0
            && let Ok(bytes) = self.part.fill_buf()
        {
            self.is_line_open = bytes[count - 1] != b'\n';
        }
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
    // If it is the first, whoever reads it finds out that it is no log.
    let is_first = path.parent().map(segment::finished).transpose()?.is_none_or(|f| f.is_empty());
    Ok(is_first.then_some((file, Place { n: 1, offset: 0, time_us: 0 })))
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
