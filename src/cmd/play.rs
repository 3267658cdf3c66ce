//! `nightlatch play`: a session once more, on the terminal.

mod key;
mod reel;
mod screen;

use std::time::Duration;

use self::key::{Key, Keys};
use self::reel::Reel;
use self::screen::{News, Screen};
use super::log::Log;
use super::recorded;
use crate::cli::{PlayArgs, SPEEDS};
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::os::term::{Terminals, UserTerm};
use crate::render::stage::{LEAVE, Status};
use crate::ui::table::View;
use crate::ui::visible;
use crate::world::World;

/// How long events may be shown without a look at the keys and at what they drew.
const FRAME: Duration = Duration::from_millis(15);

/// How often a session that still runs is looked at for more.
const LIVE_LOOK: Duration = Duration::from_millis(100);

/// How long a remark stands, where it covers a row.
const REMARK: Duration = Duration::from_secs(3);

/// Who jumps back later than this after a statement wants to see that one again.
const AGAIN: Duration = Duration::from_millis(1500);

/// What the status says of the keys.
const KEYS: &str = "space pause  . step  [ ] jump  + - speed  q quit";

/// Replays a session until it is over and the person leaves, or a signal comes.
///
/// # Errors
///
/// If there is no such session or statement, there is no terminal, or the log cannot be read.
pub fn run(
    args: &PlayArgs,
    world: &World,
    clock: &Clock,
    _view: &mut View<'_>,
) -> Result<u8, Error> {
    let log = Log::open(&recorded::data_dir(world)?, &args.session)?;
    let no_terminal = || {
        Error::new(Kind::Usage, "There is no terminal to play on.").hint(format!(
            "`nightlatch show {}` prints the session; `nightlatch export` makes a file of it.",
            args.session
        ))
    };
    if !Terminals::look().stdout {
        return Err(no_terminal());
    }
    let session = log.session().to_owned();
    let reel = Reel::new(log)?;
    let from = args.from.map(|n| {
        let statements = &reel.outline.statements;
        let index = statements.binary_search_by_key(&n, |told| told.n);
        index.map_err(|_| recorded::no_statement(n, &session))
    });
    let goal = from.transpose()?;
    let terminal = UserTerm::open_whole(LEAVE).map_err(|error| no_terminal().because(error))?;
    if !terminal.is_foreground() {
        return Err(Error::new(Kind::Usage, "A job in the background cannot play a session.")
            .hint("Bring it to the foreground: fg"));
    }
    let lost = |error| Error::ours("The terminal is gone.").because(error);
    let screen = Screen::enter(terminal).map_err(lost)?;
    let mut player = Player {
        reel,
        screen,
        clock,
        speed: args.speed,
        idle_limit: args.idle_limit,
        state: State::Playing,
        goal,
        due: clock.elapsed(),
        remark: None,
        arrived: clock.elapsed(),
    };
    player.play()
}

/// A session that plays.
struct Player<'a> {
    reel: Reel,
    screen: Screen,
    clock: &'a Clock,
    speed: f64,
    idle_limit: Option<Duration>,
    state: State,
    /// The statement that is being gone to.
    goal: Option<usize>,
    /// When the last event was due, on the clock.
    due: Duration,
    /// What is said for a while, and until when.
    remark: Option<(String, Duration)>,
    /// When the last jump was.
    arrived: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Playing,
    Paused,
    /// Nothing more will come.
    Ended,
}

impl Player<'_> {
    fn play(&mut self) -> Result<u8, Error> {
        let mut keys = Keys::default();
        let gone = |error| Error::ours("The terminal is gone.").because(error);
        let mut size = None;
        loop {
            let wait = self.run_until_now()?;
            let sizes = (self.reel.page.size(), self.screen.stage.size());
            if size.replace(sizes) != Some(sizes) {
                self.warn_of_size();
            }
            self.draw().map_err(gone)?;
            match self.screen.wait(wait).map_err(gone)? {
                News::End(caught) => {
                    return Ok(u8::try_from(128 + caught.number()).unwrap_or(u8::MAX));
                }
                News::Gone => return Ok(0),
                News::Keys(bytes) => {
                    for key in keys.take(&bytes) {
                        if key == Key::Quit {
                            return Ok(0);
                        }
                        self.press(key)?;
                    }
                }
            }
        }
    }

    /// Shows all that is due, and returns how long there is nothing to do.
    fn run_until_now(&mut self) -> Result<Option<Duration>, Error> {
        let remark =
            |player: &Self, now| player.remark.as_ref().map(|(_, until)| until.saturating_sub(now));
        let began = self.clock.elapsed();
        if self.remark.as_ref().is_some_and(|(_, until)| *until <= began) {
            self.remark = None;
        }
        while let Some(goal) = self.goal {
            if self.reel.is_at(goal) || !self.reel.advance()? {
                self.goal = None;
                self.due = self.clock.elapsed();
                self.arrived = self.due;
            } else if self.clock.elapsed() > began + FRAME {
                return Ok(Some(Duration::ZERO));
            }
        }
        while self.state == State::Playing {
            let now = self.clock.elapsed();
            let Some(at) = self.reel.next_at()? else {
                if self.reel.is_live() {
                    self.due = now;
                    return Ok(Some(LIVE_LOOK));
                }
                self.state = State::Ended;
                break;
            };
            let wait = self.wait_of(at.saturating_sub(self.reel.time()));
            let due = self.due + wait;
            if due > now {
                let left = due - now;
                return Ok(Some(remark(self, now).map_or(left, |remark| remark.min(left))));
            }
            // Never so busy that a key is not heard.
            if now > began + FRAME {
                self.due = self.due.max(now.saturating_sub(wait));
                return Ok(Some(Duration::ZERO));
            }
            self.reel.advance()?;
            self.due = due;
        }
        Ok(remark(self, self.clock.elapsed()))
    }

    /// Returns how long an interval of the session takes here.
    fn wait_of(&self, interval: Duration) -> Duration {
        let interval = self.idle_limit.map_or(interval, |limit| interval.min(limit));
        Duration::try_from_secs_f64(interval.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }

    fn press(&mut self, key: Key) -> Result<(), Error> {
        match key {
            Key::Pause => {
                self.state = match self.state {
                    State::Playing => State::Paused,
                    State::Paused => State::Playing,
                    State::Ended => State::Ended,
                };
                self.due = self.clock.elapsed();
            }
            Key::Step => {
                self.state = if self.reel.advance()? || self.reel.is_live() {
                    State::Paused
                } else {
                    State::Ended
                };
            }
            Key::Next => {
                let next = self.statement().map_or(0, |index| index + 1);
                self.jump(next)?;
            }
            Key::Previous => {
                let Some(index) = self.statement() else { return Ok(()) };
                let is_late = self.goal.is_none() && self.clock.elapsed() > self.arrived + AGAIN;
                self.jump(if is_late { index } else { index.saturating_sub(1) })?;
            }
            Key::Faster | Key::Slower => {
                let factor = if key == Key::Faster { 2.0 } else { 0.5 };
                self.speed = (self.speed * factor).clamp(SPEEDS.0, SPEEDS.1);
                self.say(format!("speed {}", self.speed));
            }
            Key::Suspend => {
                let gone = |error| Error::ours("The terminal is gone.").because(error);
                self.screen.suspend().map_err(gone)?;
                self.due = self.clock.elapsed();
            }
            Key::Quit => {}
        }
        Ok(())
    }

    /// Returns the statement that this is at, or will be in a moment.
    fn statement(&self) -> Option<usize> {
        self.goal.or_else(|| self.reel.statement())
    }

    fn jump(&mut self, index: usize) -> Result<(), Error> {
        let count = self.reel.outline.statements.len();
        if index >= count {
            self.say(if count == 0 { "no statement" } else { "no later statement" }.to_owned());
            return Ok(());
        }
        if self.reel.approach(index)? {
            self.goal = Some(index);
        }
        if self.state == State::Ended {
            self.state = State::Playing;
        }
        self.due = self.clock.elapsed();
        self.arrived = self.due;
        self.remark = None;
        let told = &self.reel.outline.statements[index];
        let text = told.text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.say(format!("{}: {}", told.word(), visible::cut(&text, 200)));
        Ok(())
    }

    fn say(&mut self, text: String) {
        self.remark = Some((text, self.clock.elapsed() + REMARK));
    }

    fn warn_of_size(&mut self) {
        let (cols, rows) = self.reel.page.size();
        if self.screen.stage.is_too_small((cols, rows)) {
            self.say(format!("cut: the session had {cols}x{rows}, this terminal is smaller"));
        }
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let text = self.status();
        let is_pressing = self.state != State::Playing || self.remark.is_some();
        let drawn = self.screen.stage.draw(&self.reel.page, Status { text: &text, is_pressing });
        self.screen.write(&drawn)
    }

    /// Says where this is, what the state is, and what the keys are.
    fn status(&self) -> String {
        let state = match self.state {
            _ if self.goal.is_some() => "seeking",
            State::Playing if self.speed != 1.0 => &format!("{}x", self.speed),
            State::Playing => "play",
            State::Paused => "paused",
            State::Ended => "end",
        };
        let clock = |time: Duration| {
            let seconds = time.as_secs();
            format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
        };
        let statement = self.statement().map_or(0, |index| index + 1);
        let count = self.reel.outline.statements.len();
        let statement = format!("statement {statement} of {count}");
        if let Some((text, _)) = &self.remark {
            return format!(" {state}  {statement}  {text}");
        }
        let (now, all) = (clock(self.reel.time()), clock(self.reel.outline.time));
        format!(" {state}  {statement}  {now} of {all}  {KEYS}")
    }
}
