//! Who does the writer's work: its own thread, or in its place a relay that may wait for a disk.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::Duration;

use super::shared::{AWAKE, IDLE, NAPPING, Shared, lock};
use crate::redact;

/// How long the writer collects before it writes; also what a kill can cost.
const NAP: Duration = Duration::from_millis(3);

/// How long the writer sleeps when nothing happens and nothing is owed.
const SLEEP: Duration = Duration::from_secs(60);

/// How long after the start the patterns of secrets are made ready, in a moment when nothing happens:
/// that takes 10 ms of a processor, which a client that is starting needs itself. What needs them
/// sooner makes them ready at once.
const WARM_UP: Duration = Duration::from_millis(300);

/// How often a disk that failed is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// How often the relay looks whether the writer's thread has left the desk before it has that do the
/// work. A round without a disk that hangs is over by then, and two that wake each other for every
/// statement would cost more.
const TRIES: u32 = 100;

/// The writer's work, whatever it writes to.
pub(super) trait Work: Send {
    /// Takes what waits by now, writes it and answers for it.
    fn work(&mut self) -> Done;

    /// Tells whether nothing waits.
    fn is_done(&self) -> bool;

    /// Writes what is left, as far as the disk lets it.
    fn end(&mut self);
}

/// What a round of work found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    /// Nothing had come since the round before.
    pub(super) is_quiet: bool,
    /// Nothing more will come.
    pub(super) is_closed: bool,
    /// Something is kept that the disk did not take.
    pub(super) owes: bool,
}

/// Where the writer's work lies; one at a time is at it.
pub(super) struct Desk {
    shared: Arc<Shared>,
    place: Mutex<Place>,
}

struct Place {
    /// None once it is over.
    work: Option<Box<dyn Work>>,
    /// The relay has been at it since the thread was.
    has_relay_worked: bool,
}

impl fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    pub(super) fn new(work: impl Work + 'static, shared: Arc<Shared>) -> Self {
        let place = Mutex::new(Place { work: Some(Box::new(work)), has_relay_worked: false });
        Self { shared, place }
    }

    /// Does a round of work on the relay's thread, unless the writer's is at it; returns whether
    /// it was done.
    pub(super) fn work_here(&self) -> bool {
        for _ in 0..TRIES {
            let mut place = match self.place.try_lock() {
                Ok(place) => place,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    thread::yield_now();
                    continue;
                }
            };
            place.has_relay_worked = true;
            return self.attempt(&mut place, |work| work.work()).is_some();
        }
        false
    }

    /// Is the writer's thread: runs until the recorder says it is over.
    pub(super) fn run(&self) {
        // What the thread owes the relay even if it panics: an end to its waiting.
        let finished = Finished(&self.shared);
        let mut is_warm = false;
        while let Some(done) = self.round() {
            if done.is_closed && done.is_quiet {
                break;
            }
            if !done.is_closed {
                self.rest(done, &mut is_warm);
            }
        }
        let mut place = lock(&self.place);
        self.attempt(&mut place, |work| work.end());
        // The reserve goes before the relay hears that all is done.
        place.work = None;
        drop(place);
        drop(finished);
    }

    /// Does a round of work on the writer's thread; none if it is over.
    fn round(&self) -> Option<Done> {
        let mut place = lock(&self.place);
        let mut done = self.attempt(&mut place, |work| work.work())?;
        // Where the relay works, more will come: a nap spares it the waking.
        let has_relay_worked = std::mem::take(&mut place.has_relay_worked);
        done.is_quiet &= !has_relay_worked || done.is_closed;
        Some(done)
    }

    /// Does something of the work; none if that is over, or if it panics.
    fn attempt<T>(&self, place: &mut Place, what: impl FnOnce(&mut dyn Work) -> T) -> Option<T> {
        let work = place.work.as_deref_mut()?;
        let done = catch_unwind(AssertUnwindSafe(|| what(work))).ok();
        if done.is_none() {
            // It may be in the middle of anything: nobody goes on with it.
            place.work = None;
            self.shared.stopped();
        }
        done
    }

    /// Tells whether nothing waits.
    fn is_done(&self) -> bool {
        lock(&self.place).work.as_ref().is_some_and(|work| work.is_done())
    }

    /// Sleeps until there is something to do.
    fn rest(&self, done: Done, is_warm: &mut bool) {
        let state = &self.shared.state;
        if done.is_quiet {
            state.store(IDLE, Ordering::Relaxed);
            // Pairs with the relay's fence between handing something over and looking at the state.
            fence(Ordering::SeqCst);
            if self.is_done() {
                let longest = if done.owes { RETRY } else { SLEEP };
                thread::park_timeout(if *is_warm { longest } else { WARM_UP });
            }
            if !*is_warm && self.is_done() {
                redact::warm_up();
                *is_warm = true;
            }
        } else {
            state.store(NAPPING, Ordering::Relaxed);
            thread::park_timeout(NAP);
        }
        state.store(AWAKE, Ordering::Relaxed);
    }
}

/// Says that the writer is gone, whatever way it went.
struct Finished<'a>(&'a Shared);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stopped();
        } else {
            self.0.finished();
        }
    }
}

impl Shared {
    /// Tells the relay that there is no recording any more.
    fn stopped(&self) {
        self.trouble("recording stopped: the recorder failed".to_owned());
        self.finished();
    }

    /// Ends whatever the relay waits for.
    fn finished(&self) {
        lock(&self.reply).is_finished = true;
        self.replied.notify_all();
    }
}
