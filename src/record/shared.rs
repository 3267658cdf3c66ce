//! What the relay's end of the recorder and the writer share beside the ring, and how each tells the
//! other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::event::Marker;

/// Output waiting for the disk: about 12 ms of a fast query, or minutes of typing.
pub(super) const RING_BYTES: usize = 4 << 20;

/// Time in microseconds (8 bytes) and length (4 bytes), both little endian.
pub(super) const HEAD_BYTES: usize = 12;

/// Why a statement was given up.
pub(super) const NO_MEMORY: &str = "the disk does not take it and too much waits for it already";

/// How long `finish` waits for a disk that takes nothing, and for one that is slow.
const FINISH_WAIT: Duration = Duration::from_secs(2);
const FINISH_WAITS: u32 = 5;

/// The writer runs and will look again by itself.
pub(super) const AWAKE: u8 = 0;
/// The writer collects for a moment; only what cannot wait wakes it.
pub(super) const NAPPING: u8 = 1;
/// The writer has nothing to do; anything wakes it.
pub(super) const IDLE: u8 = 2;

/// How safe an intent must be before the statement may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The kernel has it: it survives the end of this process.
    Written,
    /// The disk has it: it survives the end of this machine.
    Synced,
}

/// What the relay and the writer share beside the ring.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) queue: Mutex<Queue>,
    pub(super) reply: Mutex<Reply>,
    pub(super) replied: Condvar,
    pub(super) state: AtomicU8,
    /// Something is on the disk.
    has_begun: AtomicBool,
    /// How often something was written.
    writes: AtomicU64,
    pub(super) is_troubled: AtomicBool,
    pub(super) troubles: Mutex<Vec<String>>,
}

/// Everything that is not output, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) items: VecDeque<Item>,
    pub(super) waiting_bytes: usize,
    pub(super) is_closed: bool,
}

/// Something that is not output.
#[derive(Debug)]
pub(super) struct Item {
    /// How many frames come before it.
    pub(super) after_frames: u64,
    /// Microseconds since the session's start.
    pub(super) time_us: u64,
    pub(super) what: What,
    /// Set where the relay waits for it.
    pub(super) ticket: Option<(u64, Durability)>,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum What {
    Marker(Box<Marker>),
    Resize { cols: u16, rows: u16 },
    Exit(i32),
}

/// The writer's answer to the last ticket.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) ticket: u64,
    pub(super) refused: Option<String>,
    pub(super) is_finished: bool,
    /// The relay sleeps until the ticket is answered.
    pub(super) is_ticket_awaited: bool,
    /// The relay waits until the ring has room again.
    pub(super) is_room_wanted: bool,
}

/// What became of a recording.
#[derive(Debug)]
pub struct Written(pub(super) Arc<Shared>);

impl Written {
    /// Tells whether the log was begun and nothing more will be written: its disk can be touched.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.has_begun() && lock(&self.0.reply).is_finished
    }
}

impl Shared {
    /// Takes note that something is on the disk.
    pub(super) fn wrote(&self) {
        self.begun();
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note that the log is begun.
    pub(super) fn begun(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Tells whether anything is on the disk.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Waits until the writer is gone: ten seconds at most, and two where it writes nothing. Returns
    /// whether it is.
    pub(super) fn wait_for_end(&self) -> bool {
        for _ in 0..FINISH_WAITS {
            let before = self.writes.load(Ordering::Relaxed);
            let reply = lock(&self.reply);
            let (reply, _) = self
                .replied
                .wait_timeout_while(reply, FINISH_WAIT, |reply| !reply.is_finished)
                .unwrap_or_else(PoisonError::into_inner);
            if reply.is_finished {
                return true;
            }
            if self.writes.load(Ordering::Relaxed) == before {
                break;
            }
        }
        false
    }

    /// Notes something for [`super::Recorder::troubles`].
    pub(super) fn trouble(&self, text: String) {
        lock(&self.troubles).push(text);
        self.is_troubled.store(true, Ordering::Relaxed);
    }
}

/// Locks, whatever happened to the other thread: what is inside is valid at every moment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the gap that stands for a statement that could not be kept.
pub(super) fn lost_statement(text_bytes: usize) -> Marker {
    let (what, why) = ("statement".to_owned(), NO_MEMORY.to_owned());
    Marker::Gap { what, bytes: Some(text_bytes as u64), why }
}

/// Returns about how much memory a marker takes while it waits.
pub(super) fn text_bytes(marker: &Marker) -> usize {
    match marker {
        Marker::Statement { text, .. } | Marker::Note { text } => text.len(),
        Marker::Answer { .. }
        | Marker::Outcome { .. }
        | Marker::Target { .. }
        | Marker::Gap { .. } => 64,
    }
}
