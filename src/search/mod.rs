//! The interactive search: `history -i`.
//!
//! One thread reads keys and draws; it never waits for the index or a log. The others search, read
//! what a statement printed, and bring the index up to date: see [`worker`]. What a key does is
//! decided in [`model`], which knows neither terminal nor index.
#![forbid(unsafe_code)]

mod draw;
pub mod finder;
mod keys;
mod layout;
mod line;
mod model;
#[cfg(test)]
mod model_test;
mod screen;
mod worker;

use std::io;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use draw::Look;
use keys::Keys;
use layout::Layout;
use model::{Action, Model, Preview, Progress};
use screen::Screen;
use worker::{News, Workers};

use crate::clock::Clock;
use crate::os::job;
use crate::os::poll::{Wait, poll};
use crate::os::signal::{Caught, Signals};
use crate::store::{Filter, Statement, Store};
use crate::ui::theme::Theme;

pub use model::Ending;

/// Keys that are read at once.
const READ_BYTES: usize = 4096;

/// Stands in place of the list where the index is damaged.
const DAMAGED: &str = "  The index is damaged. Build it again: nightlatch reindex";

/// What a search starts with.
pub struct Search {
    /// The index.
    pub store: Store,
    /// The data folder, if the index is to be brought up to date meanwhile.
    pub update: Option<PathBuf>,
    /// What is typed already.
    pub typed: String,
    /// What is searched at all.
    pub filter: Filter,
    /// The session we are started in, if we are.
    pub here: Option<String>,
    /// The colours.
    pub theme: Theme,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// The time.
    pub clock: Clock,
}

/// How a search ended.
#[derive(Debug)]
pub enum Ended {
    /// With a statement.
    Taken(Box<Statement>, Ending),
    /// Without one.
    Cancelled,
    /// By a signal of this number.
    Signal(i32),
}

/// Runs a search on the controlling terminal until the person takes a statement or gives up. The
/// terminal is as it was before, then; nothing is written anywhere else.
///
/// # Errors
///
/// If there is no terminal, or it fails.
pub fn run(search: Search) -> io::Result<Ended> {
    let screen = Screen::open()?;
    let signals = Signals::catch(&[
        Caught::Resize,
        Caught::HangUp,
        Caught::Terminate,
        Caught::Interrupt,
        Caught::Quit,
        Caught::Stop,
    ])?;
    let mut model = Model::new(&search.typed, search.filter, search.here);
    model.is_indexing = search.update.is_some();
    let workers = Workers::start(search.store, search.update, search.clock)?;
    let look = Look { theme: search.theme, zone: search.zone, now: search.clock.now() };
    let mut running = Running {
        screen,
        signals,
        workers,
        model,
        look,
        keys: Keys::default(),
        clock: search.clock,
        number: 0,
        output_of: None,
    };
    let ended = running.run();
    running.screen.leave().and(ended)
}

/// A search on the terminal.
struct Running {
    screen: Screen,
    signals: Signals,
    workers: Workers,
    model: Model,
    look: Look,
    keys: Keys,
    clock: Clock,
    /// Of the search whose results count.
    number: u64,
    /// The statement whose output was asked for last.
    output_of: Option<i64>,
}

impl Running {
    fn run(&mut self) -> io::Result<Ended> {
        self.number = self.workers.search(self.model.filter());
        let mut ended = None;
        while ended.is_none() {
            self.ask_for_output();
            self.draw()?;
            let due = self.keys.due().map(|due| due.saturating_sub(self.clock.elapsed()));
            let mut waits = [
                Wait::readable(std::os::fd::AsFd::as_fd(&self.screen)),
                Wait::readable(std::os::fd::AsFd::as_fd(&self.workers)),
                Wait::readable(std::os::fd::AsFd::as_fd(&self.signals)),
            ];
            poll(&mut waits, due)?;
            let [has_keys, has_news, has_signals] = waits.map(|wait| wait.is_ready());
            if has_signals {
                ended = self.take_signals()?;
            }
            if has_news && ended.is_none() {
                ended = self.take_news()?;
            }
            if ended.is_none() {
                ended = self.take_keys(has_keys)?;
            }
        }
        Ok(ended.unwrap_or(Ended::Cancelled))
    }

    fn draw(&mut self) -> io::Result<()> {
        self.look.now = self.clock.now();
        let layout = self.layout();
        let frame = draw::frame(&mut self.model, layout, &self.look);
        self.screen.show(frame)
    }

    fn layout(&self) -> Layout {
        let size = self.screen.size();
        Layout::of(size.cols, size.rows)
    }

    /// Sees to it that the preview is of the selected statement.
    fn ask_for_output(&mut self) {
        let Some(statement) = self.model.selected() else { return };
        if self.model.preview == Preview::Pending && self.output_of != Some(statement.id) {
            self.output_of = Some(statement.id);
            self.workers.read_output(statement.id, statement.place.clone());
        }
    }

    fn take_keys(&mut self, has_more: bool) -> io::Result<Option<Ended>> {
        if has_more {
            let mut buffer = [0; READ_BYTES];
            match self.screen.read(&mut buffer)? {
                // The terminal is gone.
                None => return Ok(Some(Ended::Signal(Caught::HangUp.number()))),
                Some(bytes) => self.keys.feed(bytes, self.clock.elapsed()),
            }
        }
        while let Some(key) = self.keys.next(self.clock.elapsed()) {
            let page = self.layout().list.1;
            let action = self.model.key(&key, page);
            if let Some(ended) = self.act(action)? {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    fn take_news(&mut self) -> io::Result<Option<Ended>> {
        self.workers.awake();
        while let Some(news) = self.workers.next() {
            let action = match news {
                News::Found(number, statements) if number == self.number => {
                    self.model.found(statements)
                }
                News::Done(number, found) if number == self.number => {
                    self.model.done(match found {
                        Ok(found) => Progress::Done(found),
                        Err(error) if error.is_damage() => Progress::Failed(DAMAGED.to_owned()),
                        Err(error) => Progress::Failed(format!("  {error}")),
                    });
                    Action::None
                }
                News::Found(..) | News::Done(..) => Action::None,
                News::Output(id, output) => {
                    self.model.preview(
                        id,
                        match output {
                            Ok(output) => Preview::Lines(draw::lines(&output)),
                            Err(why) => Preview::Unreadable(why),
                        },
                    );
                    Action::None
                }
                News::Indexed(result) => {
                    self.model.indexed(result.map_err(|error| error.to_string()))
                }
            };
            if let Some(ended) = self.act(action)? {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    fn take_signals(&mut self) -> io::Result<Option<Ended>> {
        for signal in self.signals.take() {
            match signal {
                Caught::Resize => self.screen.clear()?,
                Caught::Stop => self.suspend()?,
                Caught::Interrupt => return Ok(Some(Ended::Cancelled)),
                Caught::HangUp | Caught::Terminate | Caught::Quit => {
                    return Ok(Some(Ended::Signal(signal.number())));
                }
                Caught::Child | Caught::Continued => {}
            }
        }
        Ok(None)
    }

    fn act(&mut self, action: Action) -> io::Result<Option<Ended>> {
        match action {
            Action::None => {}
            Action::Search => self.number = self.workers.search(self.model.filter()),
            Action::Print(ending) => {
                let statement = self.model.selected().cloned();
                return Ok(statement.map(|found| Ended::Taken(Box::new(found), ending)));
            }
            Action::Copy => {
                if let Some(statement) = self.model.selected() {
                    let (text, count) = (&statement.text, statement.text.chars().count());
                    let is_copied = self.screen.copy(text)?;
                    self.model.message = Some(if is_copied {
                        format!("Copied {count} characters.")
                    } else {
                        "Too long for a terminal to copy; Enter prints it.".to_owned()
                    });
                }
            }
            Action::Cancel => return Ok(Some(Ended::Cancelled)),
            Action::Suspend => self.suspend()?,
            Action::Redraw => self.screen.clear()?,
        }
        Ok(None)
    }

    /// Gives the terminal to the shell until it brings us back.
    fn suspend(&mut self) -> io::Result<()> {
        self.screen.leave()?;
        job::suspend()?;
        self.screen.enter()
    }
}
