//! The threads that search, read outputs and bring the index up to date, so that typing never
//! waits for them.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use super::finder::{self, Found};
use crate::clock::Clock;
use crate::store::{self, Filter, Interrupter, Memory, Place, Statement, Store, StoreError};

/// What a thread has to say.
#[derive(Debug)]
pub(super) enum News {
    /// A portion of a search's result, newest first.
    Found(u64, Vec<Statement>),
    /// A search is over, or has failed.
    Done(u64, Result<Found, StoreError>),
    /// What the statement of this id printed; none if its log cannot be read.
    Output(i64, Result<String, String>),
    /// The index is up to date: whether anything was new, or why it is not.
    Indexed(Result<bool, StoreError>),
}

/// A place for the newest order; those before it are forgotten.
struct Latest<T> {
    order: Mutex<Option<T>>,
    bell: Condvar,
    number: AtomicU64,
}

/// The statements in memory, once they are read.
type Remembered = Mutex<Option<Arc<Memory>>>;

/// Where threads leave their news, and wake who waits for the other end.
#[derive(Clone)]
struct Bell {
    news: Sender<News>,
    wake: Arc<UnixStream>,
}

/// The threads, and their news.
pub(super) struct Workers {
    search: Arc<Latest<Filter>>,
    output: Arc<Latest<(i64, Place)>>,
    interrupter: Interrupter,
    /// The number of the search that began last.
    running: Arc<Mutex<u64>>,
    news: Receiver<News>,
    wake: UnixStream,
}

impl Workers {
    /// Starts the threads. The index is brought up to date if `update` says where it is.
    ///
    /// # Errors
    ///
    /// If there are no more threads or descriptors.
    pub(super) fn start(store: Store, update: Option<PathBuf>, clock: Clock) -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let (sender, news) = channel();
        let bell = Bell { news: sender, wake: Arc::new(waker) };
        let workers = Self {
            search: Arc::new(Latest::new()),
            output: Arc::new(Latest::new()),
            interrupter: store.interrupter(),
            running: Arc::new(Mutex::new(0)),
            news,
            wake,
        };
        let (orders, running, to) =
            (Arc::clone(&workers.search), Arc::clone(&workers.running), bell.clone());
        let memory = Arc::new(Mutex::new(None));
        let place = Arc::clone(&memory);
        spawn("search", move || search(&store, &clock, (&*orders, &running, &place), &to))?;
        let (orders, to) = (Arc::clone(&workers.output), bell.clone());
        spawn("output", move || read_outputs(&orders, &to))?;
        if let Some(data_dir) = update {
            spawn("index", move || {
                bell.ring(News::Indexed(index(&data_dir, &memory)));
            })?;
        }
        Ok(workers)
    }

    /// Searches for this from now on; returns the number of the search.
    pub(super) fn search(&self, filter: Filter) -> u64 {
        let number = self.search.post(filter);
        // While we hold it none begins, so that only an earlier one can be interrupted.
        let running = lock(&self.running);
        if *running < number {
            self.interrupter.interrupt();
        }
        number
    }

    /// Reads what a statement printed.
    pub(super) fn read_output(&self, id: i64, place: Place) {
        self.output.post((id, place));
    }

    /// Returns the next news that is there.
    pub(super) fn next(&mut self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// Takes note that we are awake.
    pub(super) fn awake(&mut self) {
        let mut buffer = [0; 64];
        while matches!(self.wake.read(&mut buffer), Ok(count) if count > 0) {}
    }
}

impl AsFd for Workers {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl<T> Latest<T> {
    fn new() -> Self {
        Self { order: Mutex::new(None), bell: Condvar::new(), number: AtomicU64::new(0) }
    }

    fn post(&self, order: T) -> u64 {
        let mut place = lock(&self.order);
        *place = Some(order);
        let number = self.number.fetch_add(1, Ordering::SeqCst) + 1;
        self.bell.notify_one();
        number
    }

    /// Waits for an order; returns its number, too.
    fn take(&self) -> (u64, T) {
        let mut place = lock(&self.order);
        loop {
            if let Some(order) = place.take() {
                // Posted while the place was locked, so it is this order's.
                return (self.number.load(Ordering::SeqCst), order);
            }
            place = self.bell.wait(place).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_latest(&self, number: u64) -> bool {
        self.number.load(Ordering::SeqCst) == number
    }
}

impl Bell {
    fn ring(&self, news: News) {
        // Nobody may be there any more; a full pipe wakes as well.
        drop(self.news.send(news));
        drop((&*self.wake).write(&[0]));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // It ends with the process: what it does can be broken off at any time.
    Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn search(
    store: &Store,
    clock: &Clock,
    (orders, running, memory): (&Latest<Filter>, &Mutex<u64>, &Remembered),
    to: &Bell,
) {
    loop {
        let (number, filter) = orders.take();
        *lock(running) = number;
        let is_wanted = || orders.is_latest(number);
        let memory = lock(memory).clone();
        let store = (store, memory.as_deref());
        let found = finder::find(store, &filter, clock, &is_wanted, &mut |portion| {
            to.ring(News::Found(number, portion));
        });
        to.ring(News::Done(number, found));
    }
}

/// Brings the index up to date, and remembers what is in it; says whether anything was new.
fn index(data_dir: &Path, memory: &Remembered) -> Result<bool, StoreError> {
    let mut store = Store::open(data_dir)?;
    *lock(memory) = Some(Arc::new(store.memory()?));
    let has_new = store.update()?.sessions > 0;
    if has_new {
        *lock(memory) = Some(Arc::new(store.memory()?));
    }
    Ok(has_new)
}

fn read_outputs(orders: &Latest<(i64, Place)>, to: &Bell) {
    loop {
        let (number, (id, place)) = orders.take();
        let output = store::output(&place, &|| orders.is_latest(number));
        if orders.is_latest(number) {
            to.ring(News::Output(id, output.map_err(|error| error.to_string())));
        }
    }
}
