//! The writer's work: frames and items to lines, lines to the disk, and what to do without one.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use rtrb::Consumer;

use super::desk::{Done, RETRY, Work};
use super::encode::Encoder;
use super::event::Marker;
use super::header::{HeaderLine, Place};
use super::shared::{
    Durability, HEAD_BYTES, Item, NO_MEMORY, RING_BYTES, Shared, What, lock, lost_statement,
};
use super::sink::Sink;
use crate::clock::Clock;
use crate::redact::{self, Secret};

/// Lines are written once there are this many bytes of them: fewer, larger writes.
const BATCH_BYTES: usize = 256 << 10;

/// How many frames pass between two looks at whether the relay waits for room.
const ROOM_FRAMES: u64 = 64;

/// Statements kept in memory for a disk that fails.
const KEPT_BYTES: usize = if cfg!(test) { 1 << 20 } else { 16 << 20 };

/// How long after the start the reserve is made. Before that a client is starting, and it takes
/// half a millisecond; a statement that is held has one sooner.
const PREPARE_AFTER: Duration = Duration::from_millis(250);

/// So much output may itself fill a disk: from there on the reserve is made first.
const PREPARE_BYTES: u64 = 32 << 10;

/// Writes one session's log.
pub(super) struct Writer<S> {
    sink: S,
    ring: Consumer<u8>,
    shared: Arc<Shared>,
    clock: Clock,
    /// Takes secrets out of output.
    stream: redact::Stream,
    encoder: Encoder,
    items: VecDeque<Item>,
    /// Frames taken from the ring so far.
    frames: u64,
    /// The header, for the segments to come.
    head: HeaderLine,
    size: (u16, u16),
    /// The number of the segment that is written, and bytes of the log before it.
    segment: (u32, u64),
    /// Bytes of this segment that are its own header and not of the log.
    head_len: u64,
    /// A segment that could not be ended is tried again once it is this long.
    rotate_at: u64,
    /// Bytes of this segment that are whole lines.
    good_len: u64,
    /// The exit is among what was encoded.
    has_exit: bool,
    /// The time of the last event in the log.
    written_us: u64,
    /// The time of the last thing seen.
    seen_us: u64,
    /// Everything but output that is not in the log yet.
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// Output in the buffer, in bytes.
    buffered_output: u64,
    /// Output lost to the disk and not yet told in the log, in bytes.
    lost_output: u64,
    /// Why output is not written, while it is not, and when the disk was last tried.
    failure: Option<(String, Duration)>,
    /// The reserve was made, or could not be.
    is_prepared: bool,
    /// The reserve was given up and output must not eat it.
    is_reserve_used: bool,
    /// A failed write could not be cut off: the next line must not join it.
    is_torn: bool,
    is_cuttable: bool,
}

/// An event that must not be lost, ready to be encoded.
struct Kept {
    time_us: u64,
    code: char,
    data: String,
}

impl<S: Sink> Writer<S> {
    pub(super) fn new(
        sink: S,
        head: HeaderLine,
        ring: Consumer<u8>,
        shared: Arc<Shared>,
        clock: Clock,
    ) -> Self {
        let mut stream = redact::Stream::default();
        stream.learn(head.secrets.clone());
        Self {
            rotate_at: sink.segment_bytes(),
            sink,
            ring,
            shared,
            clock,
            stream,
            encoder: Encoder::default(),
            items: VecDeque::new(),
            frames: 0,
            good_len: head.to_bytes().len() as u64,
            size: (head.term.cols, head.term.rows),
            head,
            segment: (1, 0),
            head_len: 0,
            has_exit: false,
            written_us: 0,
            seen_us: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            buffered_output: 0,
            lost_output: 0,
            failure: None,
            is_prepared: false,
            is_reserve_used: false,
            is_torn: false,
            is_cuttable: true,
        }
    }

    /// Begins with a disk that takes nothing yet, which whoever started the session tells.
    pub(super) fn wait_for_disk(&mut self, why: &io::Error) {
        self.failure = Some((cause(why), self.clock.elapsed()));
    }

    /// Takes what is queued; returns whether nothing more will come.
    fn take_items(&mut self) -> bool {
        let mut queue = lock(&self.shared.queue);
        self.items.append(&mut queue.items);
        queue.waiting_bytes = 0;
        queue.is_closed
    }

    /// Encodes `ready` bytes of the ring and the items among them, and writes all of it.
    fn round(&mut self, mut ready: usize) {
        loop {
            while let Some(item) = self.items.pop_front_if(|item| item.after_frames <= self.frames)
            {
                self.item(item);
            }
            let Some(len) = self.frame(ready) else { break };
            ready -= len;
            if self.encoder.bytes().len() >= BATCH_BYTES {
                // What went wrong is told by `troubles`, and to the next intent.
                drop(self.flush());
            }
        }
        drop(self.flush());
        self.tell_room();
    }

    /// Encodes what was kept back of output because it might have been a secret.
    fn end_stream(&mut self, time_us: u64) {
        self.stream.end(&mut |bytes| self.encoder.output(time_us, bytes));
    }

    /// Takes one frame of at most `ready` bytes from the ring; returns its length, head included.
    fn frame(&mut self, ready: usize) -> Option<usize> {
        let mut head = [0; HEAD_BYTES];
        if ready < HEAD_BYTES {
            return None;
        }
        let chunk = self.ring.read_chunk(HEAD_BYTES).ok()?;
        let (one, two) = chunk.as_slices();
        head[..one.len()].copy_from_slice(one);
        head[one.len()..].copy_from_slice(two);
        let (time, len) = head.split_at(8);
        let time_us = u64::from_le_bytes(time.try_into().expect("8 of 12 bytes"));
        let len = u32::from_le_bytes(len.try_into().expect("4 of 12 bytes")) as usize;
        // The head may be there before the rest is; both are then for the next round.
        if ready < HEAD_BYTES + len {
            return None;
        }
        let chunk = self.ring.read_chunk(HEAD_BYTES + len).ok()?;
        let (one, two) = chunk.as_slices();
        let (one, two) = match one.split_at_checked(HEAD_BYTES) {
            Some((_, one)) => (one, two),
            None => (&two[HEAD_BYTES - one.len()..], &[][..]),
        };
        if self.failure.is_some() {
            self.lost_output += len as u64;
        } else {
            let mut keep = |bytes: &[u8]| self.encoder.output(time_us, bytes);
            self.stream.feed(one, &mut keep);
            self.stream.feed(two, &mut keep);
            self.buffered_output += len as u64;
        }
        chunk.commit_all();
        self.seen_us = time_us;
        self.frames += 1;
        if self.frames.is_multiple_of(ROOM_FRAMES) {
            self.tell_room();
        }
        Some(HEAD_BYTES + len)
    }

    /// Tells a relay that waits for it that the ring has room again.
    fn tell_room(&self) {
        if self.ring.slots() > RING_BYTES / 2 {
            return;
        }
        let mut reply = lock(&self.shared.reply);
        if mem::take(&mut reply.is_room_wanted) {
            drop(reply);
            self.shared.replied.notify_all();
        }
    }

    /// Encodes one item, and answers for it where the relay waits.
    fn item(&mut self, item: Item) {
        self.seen_us = self.seen_us.max(item.time_us);
        let (code, data) = match item.what {
            What::Marker(marker) => {
                if let Marker::Target { target } = &*marker {
                    self.sink.at(target);
                }
                let is_statement = matches!(*marker, Marker::Statement { .. });
                let (marker, secrets) = redact_marker(*marker);
                if is_statement {
                    self.stream.learn(secrets);
                }
                ('m', serde_json::to_string(&marker).expect("a marker is plain data"))
            }
            What::Resize { cols, rows } => {
                self.size = (cols, rows);
                ('r', format!("{cols}x{rows}"))
            }
            What::Exit(status) => {
                self.has_exit = true;
                self.end_stream(item.time_us);
                self.encoder.end(item.time_us);
                ('x', status.to_string())
            }
        };
        let (mut data, mut ticket) = (data, item.ticket);
        let has_room = self.kept.is_empty() || self.kept_bytes + data.len() <= KEPT_BYTES;
        if ticket.is_some_and(|(_, durability)| durability == Durability::Synced) {
            self.prepare();
        }
        if self.failure.is_some() && !has_room {
            self.shared.trouble(format!("a statement was not recorded: {NO_MEMORY}"));
            self.answer(ticket.take(), Some(NO_MEMORY.to_owned()));
            let gap = lost_statement(data.len());
            data = serde_json::to_string(&gap).expect("a marker is plain data");
        }
        if self.failure.is_none() {
            self.end_stream(item.time_us);
            self.encoder.event(item.time_us, code, &data);
        }
        self.kept_bytes += data.len();
        self.kept.push_back(Kept { time_us: item.time_us, code, data });
        if let Some((_, durability)) = ticket {
            let mut done = self.flush();
            if done.is_ok() && durability == Durability::Synced {
                done = self.sink.sync().map_err(|error| cause(&error));
            }
            self.answer(ticket, done.err());
        }
    }

    /// Tells the relay how an intent went.
    fn answer(&self, ticket: Option<(u64, Durability)>, refused: Option<String>) {
        let Some((ticket, _)) = ticket else { return };
        let mut reply = lock(&self.shared.reply);
        reply.ticket = ticket;
        reply.refused = refused;
        if reply.is_ticket_awaited {
            drop(reply);
            self.shared.replied.notify_all();
        }
    }

    /// Writes what is encoded; on a failure gives up output and tries the rest once more.
    fn flush(&mut self) -> Result<(), String> {
        if self.failure.is_some() {
            return self.flush_kept();
        }
        self.encoder.close();
        match self.write() {
            Ok(()) => Ok(()),
            Err(error) => {
                self.fail(&error);
                self.flush_kept()
            }
        }
    }

    /// Writes everything but output, with the gap before it, while output is given up.
    fn flush_kept(&mut self) -> Result<(), String> {
        let Some(first) = self.kept.front() else {
            return Ok(());
        };
        let time_us = first.time_us;
        self.encode_kept(time_us);
        self.write().map_err(|error| {
            self.cut();
            cause(&error)
        })
    }

    /// Encodes the gap, if there is one, and what was kept, in place of the buffer.
    fn encode_kept(&mut self, time_us: u64) {
        self.encoder.discard(self.written_us);
        if self.lost_output > 0 {
            let why = self.failure.as_ref().map_or("the disk failed", |(why, _)| why).to_owned();
            let gap = Marker::Gap { what: "output".to_owned(), bytes: Some(self.lost_output), why };
            let gap = serde_json::to_string(&gap).expect("a marker is plain data");
            self.encoder.event(time_us, 'm', &gap);
        }
        for kept in &self.kept {
            self.encoder.event(kept.time_us, kept.code, &kept.data);
        }
    }

    /// Writes the buffer; only then is anything in it no longer owed.
    fn write(&mut self) -> io::Result<()> {
        let bytes = self.encoder.bytes();
        if bytes.is_empty() {
            return Ok(());
        }
        if self.is_torn {
            self.sink.write_all(b"\n")?;
            self.is_torn = false;
        }
        if let Err(error) = self.sink.write_all(bytes) {
            if error.kind() != io::ErrorKind::FileTooLarge || !self.begin_anew() {
                return Err(error);
            }
            self.sink.write_all(self.encoder.bytes())?;
        }
        self.shared.wrote();
        self.good_len += self.encoder.bytes().len() as u64;
        self.written_us = self.encoder.last_us();
        self.encoder.clear();
        self.kept.clear();
        self.kept_bytes = 0;
        self.buffered_output = 0;
        if self.failure.is_some() {
            self.lost_output = 0;
        }
        if self.good_len >= self.rotate_at {
            self.rotate();
        }
        Ok(())
    }

    /// After a limit on the size of files was met: goes on in another file, if this one has
    /// anything in it.
    fn begin_anew(&mut self) -> bool {
        let n = self.segment.0;
        if self.good_len > self.head_len && self.sink.cut(self.good_len).is_ok() {
            self.rotate();
        }
        self.segment.0 > n
    }

    /// Begins a new segment. Where that fails this one goes on: it is only longer than it should be.
    fn rotate(&mut self) {
        let (n, offset) = (self.segment.0 + 1, self.segment.1 + self.good_len - self.head_len);
        self.head.set_place(Place { n, offset, time_us: self.written_us }, self.size);
        let head = self.head.to_bytes();
        // After a line that could not be cut off nobody knows how long the file is.
        if !self.is_cuttable || !self.sink.rotate(&head).unwrap_or(false) {
            self.rotate_at = self.good_len + self.sink.segment_bytes() / 8;
            return;
        }
        self.segment = (n, offset);
        self.head_len = head.len() as u64;
        self.good_len = self.head_len;
        self.rotate_at = self.sink.segment_bytes();
    }

    /// Gives output up: says so, cuts a torn line off and makes room for statements.
    fn fail(&mut self, error: &io::Error) {
        let why = cause(error);
        self.lost_output += mem::take(&mut self.buffered_output);
        // What it kept back is among what is lost.
        self.stream.lose();
        if is_full(error) {
            self.sink.release();
            self.is_reserve_used = true;
        }
        self.shared.trouble(format!("recording of output stopped: {why}"));
        self.failure = Some((why, self.clock.elapsed()));
        self.cut();
    }

    /// Cuts off what a failed write left behind.
    fn cut(&mut self) {
        // Once that has failed, what is good is no longer the first `good_len` bytes.
        self.is_cuttable = self.is_cuttable && self.sink.cut(self.good_len).is_ok();
        self.is_torn = !self.is_cuttable;
        self.encoder.discard(self.written_us);
    }

    /// Gets ready for a disk that may fill up.
    fn prepare(&mut self) {
        // One that fails by now is told already; it is made ready once it takes something.
        if self.failure.is_none()
            && !mem::replace(&mut self.is_prepared, true)
            && let Err(error) = self.sink.reserve()
        {
            self.fail(&error);
        }
    }

    /// Tries a failed disk again, once a second.
    fn retry(&mut self) {
        let Some((_, tried)) = &mut self.failure else {
            return;
        };
        let now = self.clock.elapsed();
        if now.saturating_sub(*tried) < RETRY {
            return;
        }
        *tried = now;
        self.recover();
    }

    /// Goes back to recording everything if the disk lets it.
    fn recover(&mut self) {
        if self.is_reserve_used && self.sink.reserve().is_err() {
            return;
        }
        self.is_reserve_used = false;
        self.encode_kept(self.seen_us);
        if let Err(error) = self.write() {
            self.cut();
            if is_full(&error) {
                self.sink.release();
                self.is_reserve_used = true;
            }
            return;
        }
        self.failure = None;
        self.shared.trouble("recording goes on".to_owned());
    }
}

impl<S: Sink> Work for Writer<S> {
    fn work(&mut self) -> Done {
        // The ring first: an item queued before a frame is then seen before it.
        let ready = self.ring.slots();
        let is_closed = self.take_items();
        let is_due = || {
            let bytes = self.good_len.saturating_add(ready as u64);
            bytes >= PREPARE_BYTES || (!is_closed && self.clock.elapsed() >= PREPARE_AFTER)
        };
        if !self.is_prepared && is_due() {
            self.prepare();
        }
        let is_quiet = ready == 0 && self.items.is_empty();
        self.round(ready);
        if !(is_closed && is_quiet) {
            self.retry();
        }
        Done { is_quiet, is_closed, owes: self.failure.is_some() }
    }

    fn is_done(&self) -> bool {
        self.ring.slots() == 0 && lock(&self.shared.queue).items.is_empty()
    }

    fn end(&mut self) {
        if self.failure.is_some() {
            self.recover();
        } else {
            self.end_stream(self.seen_us);
            self.encoder.end(self.seen_us);
        }
        match self.flush() {
            Ok(()) if self.has_exit => self.sink.end(),
            Ok(()) => {}
            // That nothing is recorded was told when the session began.
            Err(_) if !self.shared.has_begun() => {}
            Err(why) => {
                self.shared.trouble(format!("the end of the session was not recorded: {why}"));
            }
        }
    }
}

/// Says whether an error means that room is short.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Names the cause of a failed write in a few words.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::FileTooLarge => "a file may not be so long (ulimit -f)".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        _ => error.to_string(),
    }
}

/// Redacts every text of a marker that a person or a client wrote; returns what a statement had.
fn redact_marker(marker: Marker) -> (Marker, Vec<Secret>) {
    let clean = |text: String| redact::redact_owned(text).text.into_owned();
    let mut secrets = Vec::new();
    let marker = match marker {
        Marker::Statement {
            n,
            time,
            text,
            source,
            target,
            verdict,
            rule,
            reasons,
            redacted: mut kinds,
            destroys,
            engine,
        } => {
            let found = redact::redact_owned(text);
            secrets = found.secrets;
            for kind in found.kinds {
                if !kinds.iter().any(|known| known == kind) {
                    kinds.push(kind.to_owned());
                }
            }
            Marker::Statement {
                n,
                time,
                text: found.text.into_owned(),
                source,
                target,
                verdict,
                rule,
                reasons: reasons.into_iter().map(clean).collect(),
                redacted: kinds,
                destroys,
                engine,
            }
        }
        Marker::Answer { n, time, answer, reason, moment } => {
            Marker::Answer { n, time, answer, reason: reason.map(clean), moment }
        }
        Marker::Outcome { n, rows, duration_ms, error, unheard, transaction } => {
            let error = error.map(clean);
            Marker::Outcome { n, rows, duration_ms, error, unheard, transaction }
        }
        Marker::Note { text } => Marker::Note { text: clean(text) },
        Marker::Target { .. } | Marker::Gap { .. } => marker,
    };
    (marker, secrets)
}
