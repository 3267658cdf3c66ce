//! A log that could not be begun with its session: begun once its disk lets it, with the session's
//! own beginning.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::desk::RETRY;
use super::fault::RecordError;
use super::folder::NewFolder;
use super::header::HeaderLine;
use super::segment;
use super::sink::{FileSink, Sink};
use super::tidy;
use crate::clock::Clock;
use crate::target::Target;

/// Tells whether the disk may be touched: a call on one that hangs would not come back.
pub type Answers = Box<dyn Fn() -> bool + Send>;

/// The disk of such a log.
pub(super) struct LateSink {
    data_dir: PathBuf,
    session: String,
    started: Timestamp,
    head: Vec<u8>,
    max_bytes: u64,
    target: Option<Target>,
    answers: Answers,
    clock: Clock,
    /// When it was last tried, and what came of it.
    tried: Duration,
    why: (io::ErrorKind, String),
    begun: Option<FileSink>,
}

impl LateSink {
    /// `head` is the header line of the session, which was to be begun at `started`.
    pub(super) fn new(
        (data_dir, session, started): (PathBuf, String, Timestamp),
        (head, target): (&HeaderLine, Option<Target>),
        max_bytes: u64,
        (answers, why): (Answers, &io::Error),
        clock: Clock,
    ) -> Self {
        Self {
            data_dir,
            session,
            started,
            head: head.to_bytes(),
            max_bytes,
            target,
            answers,
            clock,
            tried: clock.elapsed(),
            why: (why.kind(), why.to_string()),
            begun: None,
        }
    }

    /// Returns the log, which is begun now if it can be.
    fn begun(&mut self) -> io::Result<&mut FileSink> {
        if self.begun.is_none() {
            let now = self.clock.elapsed();
            let is_time = now.saturating_sub(self.tried) >= RETRY;
            if !is_time || !(self.answers)() {
                return Err(io::Error::new(self.why.0, self.why.1.clone()));
            }
            self.tried = now;
            let sink = self.begin().inspect_err(|why| self.why = (why.kind(), why.to_string()))?;
            self.begun = Some(sink);
        }
        self.begun.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn begin(&self) -> io::Result<FileSink> {
        let new = NewFolder::take(&self.data_dir, self.session.clone(), self.started)
            .map_err(RecordError::into_cause)?;
        let mut sink = FileSink::create(&self.data_dir, &new, &self.head, self.max_bytes)?;
        if let Some(target) = &self.target {
            sink.at(target);
        }
        drop(tidy::close(&self.data_dir));
        Ok(sink)
    }
}

impl Sink for LateSink {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.begun()?.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.begun()?.sync()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.begun.as_mut().map_or(Ok(()), |sink| sink.cut(len))
    }

    fn reserve(&mut self) -> io::Result<()> {
        self.begun.as_mut().map_or(Ok(()), FileSink::reserve)
    }

    fn release(&mut self) {
        if let Some(sink) = &mut self.begun {
            sink.release();
        }
    }

    fn rotate(&mut self, head: &[u8]) -> io::Result<bool> {
        self.begun.as_mut().map_or(Ok(false), |sink| sink.rotate(head))
    }

    fn segment_bytes(&self) -> u64 {
        segment::bytes_for(self.max_bytes)
    }

    fn at(&mut self, target: &Target) {
        match &mut self.begun {
            Some(sink) => sink.at(target),
            None => self.target = Some(target.clone()),
        }
    }

    fn end(&mut self) {
        if let Some(sink) = &mut self.begun {
            sink.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::record::{Durability, Event, Header, Marker, NotRecorded, Reader, Recorder};

    /// Long enough that only a hang reaches it.
    const DEADLINE: Duration = Duration::from_secs(20);

    #[test]
    fn a_log_that_is_begun_late_has_its_statements_and_says_what_is_missing() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("data");
        let answers = Arc::new(AtomicBool::new(false));
        let header = Header { client: "psql".into(), cols: 80, rows: 24, ..Header::default() };
        let why = io::Error::from(io::ErrorKind::StorageFull);
        let may = Arc::clone(&answers);
        let may = Box::new(move || may.load(Ordering::Relaxed));
        let mut recorder = Recorder::late(&folder, &header, Clock::system(), u64::MAX, &why, may);
        recorder.begin().unwrap();
        let (written, log) = (recorder.written(), recorder.path().to_owned());
        recorder.output(b"lost");
        let note = |text: &str| Marker::Note { text: text.to_owned() };
        let refused = recorder.intent(note("kept"), Durability::Synced, DEADLINE);
        assert_eq!(refused, Err(NotRecorded::Refused("the disk is full".to_owned())));
        assert!(!recorder.has_begun() && !folder.exists(), "it may not be touched");
        assert_eq!(recorder.troubles(), None, "whoever started it has told");
        answers.store(true, Ordering::Relaxed);
        // What is tried once a second is tried again by each of these.
        let clock = Clock::system();
        while !recorder.has_begun() && clock.elapsed() < DEADLINE {
            drop(recorder.intent(note("more"), Durability::Written, DEADLINE));
        }
        recorder.output(b"kept");
        recorder.finish(0);
        assert_eq!(recorder.troubles().as_deref(), Some("recording goes on"));
        assert!(written.is_over());
        let (_, mut reader) = Reader::open(&log).unwrap();
        let mut events = Vec::new();
        while let Some(event) = reader.next().unwrap() {
            events.push(event);
        }
        let gap = Marker::Gap {
            what: "output".to_owned(),
            bytes: Some(4),
            why: "the disk is full".to_owned(),
        };
        assert_eq!(
            events[..2],
            [Event::Marker(Box::new(gap)), Event::Marker(Box::new(note("kept")))]
        );
        assert_eq!(events[events.len() - 2..], [Event::Output(b"kept".to_vec()), Event::Exit(0)]);
    }

    #[test]
    fn a_log_that_is_never_begun_leaves_nothing_and_says_nothing_more() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("data");
        let why = io::Error::from(io::ErrorKind::StorageFull);
        let never = Box::new(|| false);
        let mut recorder =
            Recorder::late(&folder, &Header::default(), Clock::system(), u64::MAX, &why, never);
        recorder.output(b"lost");
        recorder.finish(0);
        assert_eq!((recorder.troubles(), folder.exists()), (None, false));
        assert!(!recorder.written().is_over());
    }
}
