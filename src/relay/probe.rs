//! The side connection that finds out what a held statement would touch.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::Relay;
use super::keeper::{Found, Judged, Keeper};
use crate::clients::{Inquiry, Side};
use crate::clock::Clock;
use crate::lang::Effect;
use crate::os::file::set_nonblocking;
use crate::os::poll::{Wait, poll};
use crate::policy::Decision;
use crate::target::{Decided, Tier};

/// Most bytes an answer may have: a plan with many partitions is long, anything longer is no
/// answer.
const ANSWER_BYTES: usize = 4 << 20;

/// How long the texts of functions may be waited for. The client waits meanwhile, and so does the
/// person, once for each connection.
const LOOK_UP: Duration = Duration::from_millis(700);

/// How long a release waits for the server to say once more where it stands: few notice it.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A running side connection.
#[derive(Debug)]
pub(super) struct Probe {
    child: Child,
    output: ChildStdout,
    answer: Vec<u8>,
    inquiry: Inquiry,
    due: Duration,
}

impl Probe {
    /// Returns when it has taken too long.
    pub(super) fn due(&self) -> Duration {
        self.due
    }
}

impl Probe {
    /// Reads what has come of the answer; returns whether that was the last of it.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        match self.output.read(&mut buffer) {
            Ok(0) => true,
            Ok(count) => {
                self.answer.extend_from_slice(&buffer[..count]);
                self.answer.len() > ANSWER_BYTES
            }
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }
}

impl AsFd for Probe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Relay {
    /// Returns whether figures can be had for a held statement.
    pub(super) fn can_probe(&self, judged: &Judged) -> bool {
        self.inquiry(judged).is_some_and(|inquiry| inquiry.has_figures)
    }

    fn inquiry(&self, judged: &Judged) -> Option<Inquiry> {
        let config = self.keeper.config();
        if !config.impact(self.keeper.decided())
            || !matches!(judged.verdict.decision, Decision::Hold(_))
        {
            return None;
        }
        let effects: Vec<Effect> =
            judged.verdict.findings.iter().map(|finding| finding.effect.clone()).collect();
        let (facts, drift) = (self.keeper.facts(), self.keeper.drift());
        self.side.as_ref()?.inquire(&judged.text, &effects, facts, drift)
    }

    /// Asks for the texts of functions that a statement calls, if they matter here and are not
    /// known; what does not come in time stays unknown.
    pub(super) fn look_up(&mut self, texts: &[String]) {
        if let Some(side) = &mut self.side {
            look_up(side.as_mut(), texts, &mut self.keeper);
        }
    }

    /// Starts to ask.
    pub(super) fn start_probe(&mut self, judged: &Judged) {
        self.keeper.heard(None);
        let Some(inquiry) = self.inquiry(judged) else { return };
        let due = self.keeper.clock().elapsed() + self.keeper.config().impact.timeout;
        // Without an answer the dialogue just has no figures.
        self.probe = start(inquiry, due).ok();
    }

    /// Reads more of the answer.
    pub(super) fn read_probe(&mut self) {
        let Some(probe) = &mut self.probe else { return };
        if probe.read() {
            // A terminal that cannot be drawn on shows as a hang-up by itself.
            drop(self.end_probe());
        }
    }

    /// Asks the server once more for its clock and position, where it told them at the question: a
    /// person may have thought for minutes. The side connection is closed again before anything is
    /// released.
    pub(super) fn ask_again(&mut self) {
        let (facts, drift) = (self.keeper.facts(), self.keeper.drift());
        let inquiry = self
            .side
            .as_ref()
            .filter(|_| self.keeper.has_heard())
            .and_then(|side| side.inquire("", &[], facts, drift));
        let Some(inquiry) = inquiry else { return };
        let clock = self.keeper.clock();
        let due = clock.elapsed() + ASK_AGAIN;
        let Ok(mut probe) = start(inquiry, due) else { return };
        let said = loop {
            let left = due.saturating_sub(clock.elapsed());
            let has_more = !left.is_zero()
                && poll(&mut [Wait::readable(probe.as_fd())], Some(left)).is_ok()
                && !probe.read();
            let said = probe.inquiry.reader.server(&String::from_utf8_lossy(&probe.answer));
            if said.is_some() || !has_more {
                break said;
            }
        };
        drop(probe);
        if said.is_some() {
            self.keeper.heard(said);
        }
    }

    /// Shows what was found so far, which may be nothing.
    pub(super) fn end_probe(&mut self) -> io::Result<()> {
        let Some(probe) = self.probe.take() else { return Ok(()) };
        let answer = String::from_utf8_lossy(&probe.answer);
        self.keeper.heard(probe.inquiry.reader.server(&answer));
        self.show_impact(probe.inquiry.reader.read(&answer))
    }

    /// Ends the side connection: it is closed before anything is released.
    pub(super) fn drop_probe(&mut self) {
        let Some(probe) = self.probe.take() else { return };
        // The person was faster than the figures; what the server said of itself comes first.
        self.keeper.heard(probe.inquiry.reader.server(&String::from_utf8_lossy(&probe.answer)));
    }
}

/// Asks for the texts of functions that statements call, if they matter where the session is and are
/// not known; what does not come in time stays unknown. Returns whether the server was asked.
pub(crate) fn look_up(side: &mut dyn Side, texts: &[String], keeper: &mut Keeper) -> bool {
    let decided = keeper.decided();
    if !matters(decided, keeper) {
        return false;
    }
    let Some(inquiry) = side.look_up(texts, keeper.facts()) else { return false };
    let Some((answer, _)) = functions(inquiry, keeper) else { return false };
    let found = side.looked_up(&answer);
    keeper.learn(found);
    true
}

/// Returns whether a server is to be asked for its functions.
pub(super) fn matters(decided: &Decided, keeper: &Keeper) -> bool {
    decided.target.tier != Tier::Development && keeper.config().impact(decided)
}

/// Asks for the texts of functions; returns what came in time, and whether that is all.
pub(super) fn functions(inquiry: Inquiry, keeper: &Keeper) -> Option<(String, bool)> {
    answer(inquiry, LOOK_UP.min(keeper.config().impact.timeout), keeper.clock())
}

/// Asks who the server is before texts run on it that production would be asked about, where it may
/// be a server that was production through another door. Returns whether it is.
pub(crate) fn meet(side: &mut dyn Side, texts: &[String], keeper: &mut Keeper) -> bool {
    let config = keeper.config();
    let timeout = LOOK_UP.min(config.impact.timeout);
    let may_matter = config.impact(keeper.decided()) && keeper.may_be_known();
    if !may_matter || texts.iter().all(|text| keeper.is_harmless(text)) {
        return false;
    }
    let answer = side.identify(None).and_then(|inquiry| answer(inquiry, timeout, keeper.clock()));
    let identity = answer.and_then(|(answer, _)| side.identified(&answer));
    identity.is_some_and(|identity| keeper.find_out(Found::Server(identity.id)))
}

/// Asks and waits; what has come in time is the answer. Returns it, and whether it is whole.
fn answer(inquiry: Inquiry, timeout: Duration, clock: Clock) -> Option<(String, bool)> {
    let due = clock.elapsed() + timeout;
    let mut probe = start(inquiry, due).ok()?;
    let mut is_whole = probe.read();
    while !is_whole
        && let Some(left) = due.checked_sub(clock.elapsed())
        && poll(&mut [Wait::readable(probe.as_fd())], Some(left)).is_ok()
    {
        is_whole = probe.read();
    }
    Some((String::from_utf8_lossy(&probe.answer).into_owned(), is_whole))
}

/// Makes the command that asks; its ends are still to be said.
pub(super) fn command(inquiry: &Inquiry) -> Command {
    let mut command = Command::new(&inquiry.program);
    command.args(&inquiry.args);
    for (name, value) in &inquiry.vars {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn start(inquiry: Inquiry, due: Duration) -> io::Result<Probe> {
    let mut command = command(&inquiry);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(ErrorKind::BrokenPipe.into());
    };
    // A pipe takes 64 KiB at once; longer scripts are not made.
    set_nonblocking(&input)?;
    let written = input.write_all(inquiry.script.as_bytes());
    set_nonblocking(&output)?;
    let probe = Probe { child, output, answer: Vec::new(), inquiry, due };
    written.map(|()| probe)
}
