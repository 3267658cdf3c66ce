//! Packs finished segments while the session goes on, on a thread of its own.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::segment::{self, Form};
use super::thin;

/// The thread that packs, for as long as the log is written.
///
/// What is not packed when it ends stays plain, and is packed by whoever tidies up later.
#[derive(Debug)]
pub(super) struct Packer {
    queue: Sender<u32>,
    is_stopped: Arc<AtomicBool>,
}

impl Packer {
    /// Starts the thread for one session's folder, which may take `max_bytes`.
    pub(super) fn start(folder: PathBuf, max_bytes: u64) -> io::Result<Self> {
        let (queue, numbers) = channel();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&is_stopped);
        let mut work = Work { folder, max_bytes, is_over, packed: Vec::new(), thinned: 0 };
        thread::Builder::new().name("packer".to_owned()).spawn(move || {
            for n in numbers {
                if work.is_over.load(Ordering::Relaxed) {
                    break;
                }
                // One that cannot be packed, on a full disk say, is as good plain.
                work.pack(n).ok();
            }
        })?;
        Ok(Self { queue, is_stopped })
    }

    /// Queues a segment that is finished.
    pub(super) fn pack(&self, n: u32) {
        // A thread that is gone leaves it plain.
        self.queue.send(n).ok();
    }
}

/// What the thread does.
struct Work {
    folder: PathBuf,
    max_bytes: u64,
    is_over: Arc<AtomicBool>,
    /// Packed segments and what they take.
    packed: Vec<(u32, u64)>,
    /// How many of these have been looked at to be thinned.
    thinned: usize,
}

impl Work {
    fn pack(&mut self, n: u32) -> io::Result<()> {
        if !segment::pack(&self.folder, n, &self.is_over)? {
            return Ok(());
        }
        self.packed.push((n, self.bytes_of(n)?));
        while self.bytes() > self.max_bytes && self.thinned + 1 < self.packed.len() {
            let index = self.thinned;
            self.thinned += 1;
            let before: u64 = self.packed[..=index].iter().map(|(_, bytes)| bytes).sum();
            if before > self.max_bytes / 2 {
                let (n, _) = self.packed[index];
                thin::thin(&self.folder, n, &self.is_over)?;
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

impl Drop for Packer {
    fn drop(&mut self) {
        // Nobody waits: a disk that hangs must not keep the process.
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}
