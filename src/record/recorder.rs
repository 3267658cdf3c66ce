//! The relay's end of the recorder: hands over bytes and markers, and never waits for a disk
//! except where it says so.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use rtrb::{Producer, RingBuffer};

use super::desk::Desk;
use super::event::Marker;
use super::fault::{NotRecorded, RecordError};
use super::folder::{self, NewFolder};
use super::header::{Header, HeaderLine};
use super::late::{Answers, LateSink};
use super::shared::{
    AWAKE, Durability, HEAD_BYTES, IDLE, Item, NAPPING, NO_MEMORY, RING_BYTES, Shared, What,
    Written, lock, lost_statement, text_bytes,
};
use super::sink::{FileSink, Sink};
use super::tidy;
use super::writer::Writer;
use crate::clock::Clock;

/// So much in the ring makes [`Recorder::ease`] wait.
const EASE_BYTES: usize = RING_BYTES / 4 * 3;

/// A writer that has taken so much since it was waited for in vain is worth waiting for again.
const HANG_BYTES: u64 = 1 << 20;

/// A frame never carries more, so that one event of the log stays readable.
pub(super) const FRAME_BYTES: usize = 64 << 10;

/// Text of markers that may wait for a disk that does not answer.
const WAITING_MARKER_BYTES: usize = if cfg!(test) { 4 << 20 } else { 64 << 20 };

/// Records one session.
///
/// Dropping it without [`Recorder::finish`] leaves a log without an exit event, which readers
/// take for a session that ended badly.
#[derive(Debug)]
pub struct Recorder {
    session: String,
    path: PathBuf,
    ring: Producer<u8>,
    shared: Arc<Shared>,
    desk: Arc<Desk>,
    /// None until it is started.
    writer: Option<Thread>,
    clock: Clock,
    started: Duration,
    /// Frames handed over so far: the place of a marker among them.
    frames: u64,
    /// Output lost since the last frame, because the ring was full.
    lost_bytes: u64,
    is_behind_told: bool,
    /// Bytes handed over so far, heads included.
    handed_bytes: u64,
    /// Bytes the writer had taken when it was last waited for in vain.
    hung_at: Option<u64>,
    ticket: u64,
    /// The relay may wait for the disk itself.
    is_inline: bool,
    is_stopped: bool,
}

impl Recorder {
    /// Makes the session's folder and file, writes the header and starts the writer's thread.
    ///
    /// # Errors
    ///
    /// If the folder, the file or the thread cannot be made.
    pub fn start(data_dir: &Path, header: &Header, clock: Clock) -> Result<Self, RecordError> {
        let mut recorder = Self::open(data_dir, header, clock, u64::MAX)?;
        recorder.begin()?;
        Ok(recorder)
    }

    /// Does the same without the thread: what is recorded waits for [`Recorder::begin`], unless the
    /// caller's thread does the writer's work. For a process that is still to be forked.
    ///
    /// The session may take `max_bytes` on the disk: beyond that, output between its begin and its
    /// end is left out.
    ///
    /// # Errors
    ///
    /// If the folder or the file cannot be made.
    pub fn open(
        data_dir: &Path,
        header: &Header,
        clock: Clock,
        max_bytes: u64,
    ) -> Result<Self, RecordError> {
        let now = clock.now();
        let new = NewFolder::make(data_dir, now)?;
        let path = new.path.join(folder::LOG_NAME);
        let line = header.line(&new.session, now);
        let mut sink = FileSink::create(data_dir, &new, &line.to_bytes(), max_bytes)
            .map_err(|source| RecordError::File { path: path.clone(), source })?;
        if let Some(target) = &header.target {
            sink.at(target);
        }
        let recorder = Self::run(sink, new.session, path, line, clock, None);
        if let Some(told) = tidy::close(data_dir) {
            recorder.shared.trouble(told);
        }
        Ok(recorder)
    }

    /// Does what [`Recorder::open`] does on a disk that has just refused, or that does not answer:
    /// statements are kept in memory meanwhile, output is lost. The log begins once the disk takes
    /// it, which is tried once a second where `answers` says that it may be touched.
    #[must_use]
    pub fn late(
        data_dir: &Path,
        header: &Header,
        clock: Clock,
        max_bytes: u64,
        why: &io::Error,
        answers: Answers,
    ) -> Self {
        let now = clock.now();
        let session = folder::new_session_id(now);
        let path = folder::folder(data_dir, &session, now).join(folder::LOG_NAME);
        let line = header.line(&session, now);
        let place = (data_dir.to_owned(), session.clone(), now);
        let head = (&line, header.target.clone());
        let sink = LateSink::new(place, head, max_bytes, (answers, why), clock);
        Self::run(sink, session, path, line, clock, Some(why))
    }

    /// Starts a recorder that writes to `sink`, which is how tests make a slow or failing disk.
    ///
    /// # Errors
    ///
    /// If the header cannot be written or the thread not be started.
    pub fn with_sink<S: Sink + 'static>(
        sink: S,
        session: String,
        path: PathBuf,
        header: &Header,
        clock: Clock,
    ) -> Result<Self, RecordError> {
        let mut recorder = Self::behind_header(sink, session, path, header, clock)?;
        recorder.begin()?;
        Ok(recorder)
    }

    /// Starts the writer's thread, once.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub fn begin(&mut self) -> Result<(), RecordError> {
        if self.writer.is_none() {
            let at_desk = Arc::clone(&self.desk);
            let builder = std::thread::Builder::new().name("recorder".to_owned());
            let handle = builder.spawn(move || at_desk.run()).map_err(RecordError::Thread)?;
            self.writer = Some(handle.thread().clone());
        }
        Ok(())
    }

    fn behind_header<S: Sink + 'static>(
        mut sink: S,
        session: String,
        path: PathBuf,
        header: &Header,
        clock: Clock,
    ) -> Result<Self, RecordError> {
        let line = header.line(&session, clock.now());
        sink.write_all(&line.to_bytes())
            .map_err(|source| RecordError::File { path: path.clone(), source })?;
        Ok(Self::run(sink, session, path, line, clock, None))
    }

    /// Makes a recorder that goes on behind a header that is written, or cannot be `yet`.
    fn run<S: Sink + 'static>(
        sink: S,
        session: String,
        path: PathBuf,
        line: HeaderLine,
        clock: Clock,
        yet: Option<&io::Error>,
    ) -> Self {
        let started = clock.elapsed();
        let (ring, consumer) = RingBuffer::new(RING_BYTES);
        let shared = Arc::new(Shared::default());
        let mut writer = Writer::new(sink, line, consumer, Arc::clone(&shared), clock);
        match yet {
            Some(why) => writer.wait_for_disk(why),
            None => shared.begun(),
        }
        let desk = Arc::new(Desk::new(writer, Arc::clone(&shared)));
        Self {
            session,
            path,
            ring,
            shared,
            desk,
            writer: None,
            clock,
            started,
            frames: 0,
            lost_bytes: 0,
            is_behind_told: false,
            handed_bytes: 0,
            hung_at: None,
            ticket: 0,
            is_inline: false,
            is_stopped: false,
        }
    }

    /// Returns the session's id.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Tells whether anything is on the disk.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.shared.has_begun()
    }

    /// Tells whether the disk still owes the answer to the last intent: what would touch it may hang.
    #[must_use]
    pub fn is_hanging(&self) -> bool {
        lock(&self.shared.reply).ticket != self.ticket
    }

    /// Returns what tells, when all is over, whether the log is whole.
    #[must_use]
    pub fn written(&self) -> Written {
        Written(Arc::clone(&self.shared))
    }

    /// Returns the path of the log.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For runs where no person types: the relay may wait for the disk itself, which is cheaper
    /// than having the writer's thread do it. An intent is then written on the caller's thread,
    /// and may take longer than its timeout where the disk hangs.
    pub fn set_inline(&mut self, is_inline: bool) {
        self.is_inline = is_inline;
    }

    /// Records output. Never waits: what does not fit is counted and becomes a gap.
    pub fn output(&mut self, bytes: &[u8]) {
        let time_us = self.time_us();
        for chunk in bytes.chunks(FRAME_BYTES) {
            self.frame(time_us, chunk);
        }
        // Pairs with the writer's fence between saying it is idle and looking a last time.
        fence(Ordering::SeqCst);
        match self.shared.state.load(Ordering::Relaxed) {
            AWAKE => {}
            NAPPING if self.ring.cached_slots() > RING_BYTES / 2 => {}
            _ => self.wake(),
        }
    }

    /// Waits, for at most `at_most`, while the ring is nearly full and the writer gets on.
    ///
    /// Output that comes faster than it can be written is lost; a relay that would rather read
    /// a little later calls this after [`Recorder::output`]. With room in the ring it costs next
    /// to nothing. A disk that hangs holds the relay up once: after a wait in vain there is no
    /// other until the writer has got on.
    pub fn ease(&mut self, at_most: Duration) {
        if RING_BYTES - self.ring.cached_slots() < EASE_BYTES {
            return;
        }
        let used = RING_BYTES - self.ring.slots();
        let taken = self.handed_bytes - used as u64;
        let is_hanging = self.hung_at.is_some_and(|then| taken - then < HANG_BYTES);
        if used < EASE_BYTES || is_hanging {
            return;
        }
        let mut reply = lock(&self.shared.reply);
        reply.is_room_wanted = true;
        self.wake();
        let (reply, result) = self
            .shared
            .replied
            .wait_timeout_while(reply, at_most, |reply| reply.is_room_wanted && !reply.is_finished)
            .unwrap_or_else(PoisonError::into_inner);
        drop(reply);
        self.hung_at = result.timed_out().then_some(taken);
    }

    /// Records a new size of the user terminal.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        drop(self.push(What::Resize { cols, rows }, 0));
    }

    /// Records a marker after all output so far, without waiting for it.
    pub fn marker(&mut self, marker: Marker) {
        let text_bytes = text_bytes(&marker);
        // That it could not be queued is told by `troubles` and, as a gap, in the log.
        drop(self.push(What::Marker(Box::new(marker)), text_bytes));
    }

    /// Records a marker and waits until it, and everything before it, is as safe as asked.
    ///
    /// # Errors
    ///
    /// If that is not known after `timeout`. The marker stays queued and is written if the disk
    /// recovers.
    pub fn intent(
        &mut self,
        marker: Marker,
        durability: Durability,
        timeout: Duration,
    ) -> Result<(), NotRecorded> {
        self.ticket += 1;
        let ticket = self.ticket;
        let text_bytes = text_bytes(&marker);
        let what = What::Marker(Box::new(marker));
        let queued = self.queue(what, Some((ticket, durability)), text_bytes);
        if !(self.is_inline && self.desk.work_here()) {
            // A thread that cannot be started shows as an answer that does not come.
            drop(self.begin());
            self.wake();
        }
        queued?;
        let mut reply = lock(&self.shared.reply);
        reply.is_ticket_awaited = reply.ticket != ticket;
        let (mut reply, _) = self
            .shared
            .replied
            .wait_timeout_while(reply, timeout, |reply| {
                reply.ticket != ticket && !reply.is_finished
            })
            .unwrap_or_else(PoisonError::into_inner);
        reply.is_ticket_awaited = false;
        if reply.ticket == ticket {
            return reply.refused.clone().map_or(Ok(()), |why| Err(NotRecorded::Refused(why)));
        }
        Err(if reply.is_finished { NotRecorded::Stopped } else { NotRecorded::TimedOut })
    }

    /// Writes the exit status and everything before it, and waits for that: ten seconds at most, and
    /// two for a disk that takes nothing.
    pub fn finish(&mut self, exit_status: i32) {
        drop(self.push(What::Exit(exit_status), 0));
        self.stop();
    }

    /// Returns what the user must be told, once: recording stopped, output lost.
    pub fn troubles(&mut self) -> Option<String> {
        if !self.shared.is_troubled.load(Ordering::Relaxed) {
            return None;
        }
        self.shared.is_troubled.store(false, Ordering::Relaxed);
        let troubles = std::mem::take(&mut *lock(&self.shared.troubles));
        (!troubles.is_empty()).then(|| troubles.join("\n"))
    }

    /// Hands one frame over, or counts it as lost.
    fn frame(&mut self, time_us: u64, chunk: &[u8]) {
        if self.ring.slots() < HEAD_BYTES + chunk.len() {
            self.lost_bytes += chunk.len() as u64;
            return;
        }
        if self.lost_bytes > 0 {
            self.push_gap();
        }
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(&time_us.to_le_bytes());
        head[8..].copy_from_slice(&(chunk.len() as u32).to_le_bytes());
        let both = self.ring.push_entire_slice(&head).and(self.ring.push_entire_slice(chunk));
        debug_assert!(both.is_ok(), "the ring had room a moment ago");
        self.frames += 1;
        self.handed_bytes += (HEAD_BYTES + chunk.len()) as u64;
    }

    /// Records that output was lost here.
    fn push_gap(&mut self) {
        let bytes = std::mem::take(&mut self.lost_bytes);
        let why = "it came faster than it could be written".to_owned();
        if !self.is_behind_told {
            self.is_behind_told = true;
            self.shared.trouble(format!("{bytes} bytes of output were not recorded: {why}"));
        }
        let gap = Marker::Gap { what: "output".to_owned(), bytes: Some(bytes), why };
        drop(self.enqueue(What::Marker(Box::new(gap)), None, 0));
    }

    /// Queues an item after everything so far and sees to it that the writer comes for it.
    fn push(&mut self, what: What, text_bytes: usize) -> Result<(), NotRecorded> {
        let queued = self.queue(what, None, text_bytes);
        // Pairs with the writer's fence between saying it is idle and looking a last time.
        fence(Ordering::SeqCst);
        // Inline, the next intent takes it along, or the writer after its nap.
        if !self.is_inline || self.shared.state.load(Ordering::Relaxed) == IDLE {
            self.wake();
        }
        queued
    }

    /// Queues an item after everything so far.
    fn queue(
        &mut self,
        what: What,
        ticket: Option<(u64, Durability)>,
        text_bytes: usize,
    ) -> Result<(), NotRecorded> {
        if self.is_stopped {
            return Err(NotRecorded::Stopped);
        }
        if self.lost_bytes > 0 {
            self.push_gap();
        }
        self.enqueue(what, ticket, text_bytes)
    }

    /// Queues an item, or a gap in its place if too much waits already.
    fn enqueue(
        &mut self,
        what: What,
        ticket: Option<(u64, Durability)>,
        text_bytes: usize,
    ) -> Result<(), NotRecorded> {
        let mut item = Item { after_frames: self.frames, time_us: self.time_us(), what, ticket };
        let mut queue = lock(&self.shared.queue);
        // One alone is taken however long it is.
        let has_room =
            queue.items.is_empty() || queue.waiting_bytes + text_bytes <= WAITING_MARKER_BYTES;
        if has_room {
            queue.waiting_bytes += text_bytes;
        } else {
            item.what = What::Marker(Box::new(lost_statement(text_bytes)));
            item.ticket = None;
        }
        queue.items.push_back(item);
        drop(queue);
        if has_room {
            return Ok(());
        }
        self.shared.trouble(format!("a statement was not recorded: {NO_MEMORY}"));
        Err(NotRecorded::Refused(NO_MEMORY.to_owned()))
    }

    fn wake(&self) {
        self.shared.state.store(AWAKE, Ordering::Relaxed);
        if let Some(writer) = &self.writer {
            writer.unpark();
        }
    }

    fn time_us(&self) -> u64 {
        u64::try_from((self.clock.elapsed() - self.started).as_micros()).unwrap_or(u64::MAX)
    }

    /// Lets the writer finish and waits for it, but not for a disk that never answers.
    fn stop(&mut self) {
        if self.is_stopped {
            return;
        }
        if self.lost_bytes > 0 {
            self.push_gap();
        }
        self.is_stopped = true;
        lock(&self.shared.queue).is_closed = true;
        if self.begin().is_err() {
            self.desk.run();
        }
        self.wake();
        if !self.shared.wait_for_end() {
            // Its thread keeps the process, too, however that is ended.
            self.shared.trouble(format!(
                "the end was not recorded: the disk does not answer, and the shell waits for it: {}",
                self.path.display()
            ));
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop();
    }
}
