//! Packs finished segments while the session goes on, on a thread of its own.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::segment;
use super::thin::Cap;

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
        // The live segment and one that waits to be packed are there as well.
        let plain_bytes = segment::bytes_for(max_bytes) * 2;
        let mut cap = Cap::new(folder.clone(), max_bytes.saturating_sub(plain_bytes));
        let pack = move |n| {
            if segment::pack(&folder, n, &is_over)? {
                cap.add(n)?;
                cap.keep(&is_over)?;
            }
            io::Result::Ok(is_over.load(Ordering::Relaxed))
        };
        thread::Builder::new().name("packer".to_owned()).spawn(move || {
            // One that cannot be packed, on a full disk say, is as good plain.
            numbers.into_iter().map(pack).any(|is_over| is_over.unwrap_or(false))
        })?;
        Ok(Self { queue, is_stopped })
    }

    /// Queues a segment that is finished.
    pub(super) fn pack(&self, n: u32) {
        // A thread that is gone leaves it plain.
        self.queue.send(n).ok();
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        // Nobody waits: a disk that hangs must not keep the process.
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}
