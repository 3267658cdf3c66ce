//! Questions that come over a socket, from a hook inside the client.
//!
//! One is handled at a time, in the order they came; while one is held the others wait. Whoever
//! asks waits for the answer, so nothing needs to be seen or guessed of the client here.

mod beside;
mod greeting;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::process::{self, Child, Stdio};
use std::time::Duration;

use super::Relay;
use super::hold::Doubt;
use super::keeper::Judged;
use crate::clients::{Greets, Hook, Late, ReadStatement, UNKNOWN_DRIVER};
use crate::lang::{Effect, Reading};
use crate::policy::Decision;
use crate::tap::protocol::VERSION;
use crate::tap::{Answer, Asker, Command, Heard, Message, Operation, Server, Statement};
use crate::target::Tier;
use crate::ui::hold::Cause;
use crate::ui::notice;
use crate::world::World;

/// How a hook says that a line was typed at a prompt that takes one after the other.
const TYPED: &str = "typed";

/// What was refused goes no further.
const REFUSED: Answer = Answer::No("refused");

/// The socket, and what the hook is to be understood by.
#[derive(Debug)]
pub struct Asking {
    server: Server,
    hook: Hook,
    /// What the client was started with.
    world: World,
    reader: Box<dyn ReadStatement>,
    waiting: VecDeque<Heard>,
    is_guarded: bool,
    is_told: bool,
    /// Whether the person has typed before the hook said hello: their echo is no output of the client.
    is_typed: bool,
    /// Whether the last thing the person did was not to confirm: all that comes was typed before.
    has_refused: bool,
    /// When the client was started.
    started: Option<Duration>,
    /// What brings the hook in where it cannot be loaded.
    late: Option<Late>,
    /// The folder of the hook's files.
    folder: PathBuf,
    /// That, while it is at work.
    bringing: Option<Child>,
    /// Whether the terminal was as a running statement has it, since that began.
    was_cooked: bool,
    /// Who holds a lease, and the operation that it was given for.
    lease: Option<(Asker, Box<Operation>)>,
}

/// A question that waits for its answer.
#[derive(Debug)]
pub(super) struct Ticket {
    asker: Asker,
    /// The operation; none where a whole statement is asked about.
    operation: Option<Box<Operation>>,
}

impl Asking {
    /// Listens to a hook whose files are in a folder.
    #[must_use]
    pub fn new(server: Server, mut hook: Hook, folder: PathBuf, world: World) -> Self {
        Self {
            server,
            reader: (hook.reader)(),
            late: hook.late.take(),
            folder,
            hook,
            world,
            waiting: VecDeque::new(),
            is_guarded: false,
            is_told: false,
            is_typed: false,
            has_refused: false,
            started: None,
            bringing: None,
            was_cooked: false,
            lease: None,
        }
    }

    /// Begins to bring the hook in; returns whether it may still come.
    fn bring(&mut self, client: i32) -> bool {
        if let Some(late) = self.late.take() {
            let mut command = process::Command::new(&late.program);
            command.args((late.args)(client, &self.folder));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            self.bringing = command.spawn().ok();
        }
        match self.bringing.as_mut().map(Child::try_wait) {
            Some(Ok(ended)) => ended.is_none_or(|status| status.success()),
            Some(Err(_)) | None => false,
        }
    }

    /// Listens for what has no hello to say: a program that the client starts.
    #[must_use]
    pub fn to_programs(server: Server) -> Self {
        let hook = Hook::of_programs();
        Self { is_guarded: true, ..Self::new(server, hook, PathBuf::new(), World::default()) }
    }

    /// Returns whether nobody knows yet that the client is guarded, or has been told that it is not.
    fn is_in_doubt(&self) -> bool {
        !self.is_guarded && !self.is_told
    }

    /// Returns whether the person has been told that the client is not guarded.
    pub(super) fn is_unguarded(&self) -> bool {
        self.is_told && !self.is_guarded
    }

    /// Reads what is typed on a screen, of which no hook tells: the statement, and what it does. `whole`
    /// is that screen with all that was typed; `typed` are the keys alone: where no prompt is shown yet,
    /// they count if they destroy.
    pub(super) fn read_draft(
        &mut self,
        [shown, whole]: [&str; 2],
        typed: &str,
    ) -> Option<(String, Reading)> {
        let typed = typed.trim_end();
        // What an editor wraps in its own way is not the end of the screen, and whole all the same.
        let echoed = self.reader.typed(shown).filter(|text| text.ends_with(typed));
        let shown = echoed.or_else(|| self.reader.typed(whole));
        let is_shown = shown.is_some();
        let text = shown.unwrap_or_else(|| typed.to_owned());
        if !self.reader.is_submitted(&text) {
            return None;
        }
        // Nobody knows what it may reach.
        let drivers = vec![UNKNOWN_DRIVER.to_owned()];
        let statement = Statement { text: Some(text), drivers, ..Statement::default() };
        let reading = self.reader.read(&statement);
        let destroys = || reading.effects().iter().any(Effect::destroys);
        statement
            .text
            .filter(|_| is_shown || destroys())
            .map(|text| ((self.hook.kept)(text), reading))
    }

    /// Takes note that the person types.
    pub(super) fn typed(&mut self) {
        (self.is_typed, self.has_refused) = (true, false);
    }

    /// Takes note that the person has not confirmed.
    pub(super) fn refused(&mut self) {
        self.has_refused = true;
    }

    /// Returns the socket and its connections.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }
}

impl Relay {
    /// Takes what has come over the socket.
    pub(super) fn read_asked(&mut self) -> io::Result<()> {
        let Some(asking) = &mut self.asking else { return Ok(()) };
        let mut figures = None;
        for heard in asking.server.hear() {
            if let Heard::Message(asker, message) = &heard
                && let Message::Figures { matched, total } = **message
            {
                figures = Some((*asker, matched, total));
                continue;
            }
            let Heard::Gone(gone) = heard else {
                asking.waiting.push_back(heard);
                continue;
            };
            asking.waiting.retain(|heard| match heard {
                // What it told has happened; what it asked is taken back.
                Heard::Message(_, message) if message.is_told() => true,
                Heard::Message(asker, _) | Heard::Unreadable(asker) => *asker != gone,
                Heard::Gone(_) | Heard::Stranger => true,
            });
            asking.waiting.push_back(heard);
        }
        if let Some((asker, matched, total)) = figures
            && self.held.as_ref().and_then(|held| held.asker()) == Some(asker)
        {
            self.show_impact(told(matched, total).into_iter().collect())?;
        }
        let Some(asking) = &mut self.asking else { return Ok(()) };
        let is_withdrawn = asking.waiting.iter().any(|heard| match heard {
            Heard::Gone(gone) => self.held.as_ref().and_then(|held| held.asker()) == Some(*gone),
            Heard::Message(..) | Heard::Unreadable(_) | Heard::Stranger => false,
        });
        if is_withdrawn {
            self.keeper.refuse_rest();
            self.withdraw("interrupted")?;
        }
        Ok(())
    }

    /// Handles what waits, as long as nothing is held.
    pub(super) fn serve_asked(&mut self) -> io::Result<()> {
        self.see_guard()?;
        while self.held.is_none()
            && self.ended.is_none()
            && let Some(heard) = self.asking.as_mut().and_then(|asking| asking.waiting.pop_front())
        {
            match heard {
                Heard::Message(asker, message) => self.at_message(asker, *message)?,
                Heard::Unreadable(asker) => {
                    drop(self.keeper.tapped_unreadable());
                    self.reply(asker, Answer::No("the question could not be read"));
                }
                Heard::Gone(_) => {}
                Heard::Stranger => self.warn("somebody else tried to answer for the client")?,
            }
        }
        Ok(())
    }

    /// Takes what was told before the client ended: it has happened.
    pub(super) fn hear_last(&mut self) -> io::Result<()> {
        self.read_asked()?;
        let waiting = self.asking.as_mut().map(|asking| std::mem::take(&mut asking.waiting));
        for heard in waiting.unwrap_or_default() {
            if let Heard::Message(asker, message) = heard
                && message.is_told()
            {
                self.at_message(asker, *message)?;
            }
        }
        Ok(())
    }

    fn at_message(&mut self, asker: Asker, message: Message) -> io::Result<()> {
        match message {
            Message::Hello { protocol: VERSION, .. } => self.at_hello(asker),
            Message::Hello { .. } => {
                self.reply(asker, Answer::No("another version of nightlatch"));
                self.warn("the client speaks another version of nightlatch: UNGUARDED")
            }
            Message::Statement(statement) => self.at_tapped_statement(asker, &statement),
            Message::Operation(operation) => self.at_operation(asker, operation),
            Message::Edited { text, changed } => self.at_edited(asker, text, changed),
            Message::Connected { engine, place } => {
                let has_moved = self.keeper.tapped_connected(engine, &place);
                self.at_place(asker, has_moved)
            }
            Message::Prompt { place } => {
                // What it printed before is of the statement that ends now.
                self.drain_all()?;
                let database = place.database.as_deref();
                if let (Some(asking), Some(database)) = (&mut self.asking, database) {
                    asking.reader.at_prompt(database);
                }
                let has_moved = self.keeper.tapped_prompt(&place);
                self.at_place(asker, has_moved)
            }
            Message::Again { id, command, count } => {
                self.at_again(asker, id, command, count);
                Ok(())
            }
            Message::Ended { id, ending } => {
                self.keeper.tapped_ended(id, ending);
                Ok(())
            }
            // Of an operation that is no longer asked about.
            Message::Figures { .. } => Ok(()),
            Message::Remark { kind, what, why } => {
                let text = match kind.as_str() {
                    "untapped" => format!("UNGUARDED: {what} has no tap, {why}"),
                    _ => format!("UNGUARDED: the tap on {what} does not work: {why}"),
                };
                // What was printed before it belongs above it, and leaves a line free for it. What comes
                // behind it waits for the answer: a prompt would keep it for the next line.
                self.drain_all()?;
                self.warn(&text)?;
                self.reply(asker, Answer::Go);
                Ok(())
            }
        }
    }

    fn at_place(&mut self, asker: Asker, has_moved: bool) -> io::Result<()> {
        if has_moved {
            self.drain_all()?;
            self.say_where()?;
        }
        self.reply(asker, Answer::Go);
        Ok(())
    }

    fn at_hello(&mut self, asker: Asker) -> io::Result<()> {
        let Some(asking) = &mut self.asking else { return Ok(()) };
        let is_first = !std::mem::replace(&mut asking.is_guarded, true);
        // It tells of no prompt: where variables lead is said before anything is typed.
        let is_due = is_first && asking.hook.greets == Greets::BeforeOutput;
        let mut was_late = std::mem::take(&mut asking.is_told);
        if let Some(mut child) = asking.bringing.take() {
            was_late = true;
            drop(child.wait());
        }
        let names_files = self.keeper.config().names_files();
        self.reply(asker, if names_files { Answer::GoWithFiles } else { Answer::Go });
        if was_late {
            self.warn("guarded from here on")?;
        }
        let is_production = self.keeper.decided().target.tier == Tier::Production;
        if is_due && is_production { self.say_where() } else { Ok(()) }
    }

    /// A statement is about to run.
    fn at_tapped_statement(&mut self, asker: Asker, statement: &Statement) -> io::Result<()> {
        let Some(asking) = &mut self.asking else { return Ok(()) };
        let reading = asking.reader.read(statement);
        let typed = statement.typed.as_ref().or(statement.text.as_ref());
        let typed = typed.map(|text| text.trim_end());
        let text = typed.map(str::to_owned).map(asking.hook.kept);
        self.is_noticed = false;
        self.end_line_told(typed, text.as_deref())?;
        // Not every client tells of its prompts.
        self.say_hours()?;
        let judged = self.keeper.tapped_statement(text, statement, &reading);
        let is_cooked = self.is_cooked()?;
        let Some(asking) = &mut self.asking else { return Ok(()) };
        asking.was_cooked = is_cooked;
        let has_refused = asking.has_refused;
        let ticket = Ticket::whole(asker);
        if statement.how == TYPED && has_refused {
            // The client had read it already when what it was pasted with was refused.
            self.discard_ahead();
            return self.refuse_tapped(&judged, &ticket, "it was typed ahead of a refusal");
        }
        self.at_judged(judged, ticket)
    }

    /// What the client has read is the line that its editor has ended.
    fn end_line_told(&mut self, typed: Option<&str>, kept: Option<&str>) -> io::Result<()> {
        if let (true, Some(typed), Some(kept)) = (self.is_hooked(), typed, kept) {
            self.drain_all()?;
            self.line.close_told(typed, kept, &mut self.keeper);
        }
        Ok(())
    }

    /// Returns whether a person's client is guarded by a hook alone: its line editor passes nothing
    /// through us first.
    pub(super) fn is_hooked(&self) -> bool {
        self.asking.is_some() && self.tap.is_none() && self.interactive.is_some()
    }

    /// Returns whether the hook has said hello: it tells of each line, then.
    pub(super) fn is_guarded_by_hook(&self) -> bool {
        self.asking.as_ref().is_some_and(|asking| asking.is_guarded)
    }

    /// An operation is about to be sent.
    fn at_operation(&mut self, asker: Asker, mut operation: Operation) -> io::Result<()> {
        if let Some(asking) = &self.asking {
            self.keeper.place_started(&mut operation, &asking.world);
        }
        if self.hear_beside(&mut operation)? {
            self.reply(asker, Answer::Look);
            return Ok(());
        }
        self.look_beside(&operation)?;
        // What a driver does to be of use again is none of what was refused.
        if self.keeper.is_rest_refused() {
            let is_harmless = self.keeper.is_harmless_operation(&operation);
            self.reply(asker, if is_harmless { Answer::Go } else { REFUSED });
            return Ok(());
        }
        match self.keeper.tapped_operation(&operation) {
            None => {
                self.go_on(asker, &operation);
                Ok(())
            }
            Some(judged) => {
                self.at_judged(judged, Ticket { asker, operation: Some(Box::new(operation)) })
            }
        }
    }

    /// Lets an operation go, and as many of its kind after it as need no question.
    fn go_on(&mut self, asker: Asker, operation: &Operation) {
        let lease = self.keeper.lease(operation);
        if let (Some(_), Some(asking)) = (lease, &mut self.asking) {
            asking.lease = Some((asker, Box::new(operation.clone())));
        }
        let is_harmless = lease.is_none() && self.keeper.is_harmless_operation(operation);
        let go = if is_harmless { Answer::GoHarmless } else { Answer::Go };
        self.reply(asker, lease.map_or(go, Answer::Lease));
    }

    /// Operations were sent within a lease.
    fn at_again(&mut self, asker: Asker, id: Option<u64>, command: Option<Command>, count: u32) {
        let lease = self.asking.as_ref().and_then(|asking| asking.lease.as_ref());
        let Some((_, operation)) = lease.filter(|(holder, _)| *holder == asker) else {
            return drop(self.keeper.tapped_unreadable());
        };
        let command = command.or_else(|| operation.command.clone());
        let operation = Operation { id, command, count, ..Operation::clone(operation) };
        if let Some(mut judged) = self.keeper.tapped_operation(&operation) {
            // It was let through before the hour or the count said otherwise.
            judged.verdict.decision = judged.verdict.decision.min(Decision::Notice);
            self.keeper.operation_released(&judged, &operation, None, false);
        }
    }

    pub(super) fn at_judged(&mut self, judged: Judged, ticket: Ticket) -> io::Result<()> {
        match judged.verdict.decision {
            Decision::Allow => self.release_tapped(&judged, &ticket, None, false),
            Decision::Notice => {
                // Of a hook's statement its operations tell more exactly, as they are sent.
                let is_exact = ticket.operation.is_some() || self.tap.is_some();
                if is_exact && !self.is_noticed && self.may_notice() {
                    self.is_noticed = true;
                    self.drain_all()?;
                    let (tier, cols) = (judged.target.tier, self.cols());
                    let line = notice::verdict(&judged.verdict.reasons, tier, cols, self.theme);
                    self.say(&line)?;
                }
                self.release_tapped(&judged, &ticket, None, false)
            }
            Decision::Deny => {
                self.drain_all()?;
                let line = notice::denied(&judged.verdict.reasons, self.cols(), self.theme);
                self.say(&line)?;
                self.refuse_tapped(&judged, &ticket, "denied by a rule")
            }
            Decision::Hold(_) => {
                self.drain_all()?;
                self.hold(judged, Doubt::Told(ticket))
            }
        }
    }

    /// Returns who can count what is held, if a hook can and the configuration lets it.
    pub(super) fn counter(&self, doubt: &Doubt) -> Option<Asker> {
        let Doubt::Told(ticket) = doubt else { return None };
        let is_countable = ticket.operation.as_ref().is_some_and(|operation| operation.countable);
        let is_allowed = self.keeper.config().impact(self.keeper.decided());
        (is_countable && is_allowed).then_some(ticket.asker)
    }

    /// Has the hook count what is held: its connection goes where the operation would.
    pub(super) fn ask_figures(&mut self) {
        let counter = self.held.as_ref().and_then(|held| self.counter(held.doubt()));
        if let Some(asker) = counter {
            self.reply(asker, Answer::Count);
        }
    }

    /// Lets what was asked about run.
    pub(super) fn release_tapped(
        &mut self,
        judged: &Judged,
        ticket: &Ticket,
        reason: Option<String>,
        whole_shape: bool,
    ) -> io::Result<()> {
        match &ticket.operation {
            None => {
                if let Some(asking) = &mut self.asking {
                    asking.reader.runs();
                }
                self.keeper.statement_released(judged, reason, whole_shape);
            }
            Some(operation) => {
                self.keeper.operation_released(judged, operation, reason, whole_shape);
                self.go_on(ticket.asker, operation);
                return Ok(());
            }
        }
        self.reply(ticket.asker, Answer::Go);
        Ok(())
    }

    /// Says no, because the person did.
    pub(super) fn cancel_tapped(&mut self, ticket: &Ticket, cause: Cause) {
        self.keeper.refuse_rest();
        let answer = if cause == Cause::Interrupt { Answer::Stop } else { REFUSED };
        self.reply(ticket.asker, answer);
    }

    /// Says no without asking a person.
    pub(super) fn refuse_tapped(
        &mut self,
        judged: &Judged,
        ticket: &Ticket,
        why: &'static str,
    ) -> io::Result<()> {
        self.keeper.refuse_rest();
        if self.interactive.is_none() {
            return self.refuse(judged, why);
        }
        self.keeper.cancelled(judged, Some(why));
        self.reply(ticket.asker, Answer::No(why));
        Ok(())
    }

    /// Judges a held question of the hook again.
    pub(super) fn again_tapped(&mut self, judged: &Judged, ticket: &Ticket) -> Judged {
        match &ticket.operation {
            None => self.keeper.again(judged),
            Some(operation) => self.keeper.operation_again(judged, operation),
        }
    }

    /// Throws away what the client's terminal has been given and the client has not read: a paste
    /// goes along with the statement in it. Returns how much it was, in bytes.
    pub(super) fn discard_unread(&mut self) -> usize {
        // Where a tap reads the output, what is typed ahead waits with us.
        let Some(pty) = self.ends.pty.as_ref().filter(|_| self.tap.is_none()) else { return 0 };
        let unread = pty.unread_bytes().unwrap_or(0) + self.to_client.len();
        self.to_client.clear();
        if pty.discard_unread().is_err() { 0 } else { unread }
    }

    /// Says a line, or waits with it while the client's line editor is at work: it would break the
    /// line being typed.
    pub(super) fn say_or_wait(&mut self, line: String) -> io::Result<()> {
        let is_editing = match &self.ends.pty {
            Some(pty) if self.tap.is_none() => !pty.mode()?.is_cooked,
            Some(_) | None => false,
        };
        if is_editing {
            self.notices.push(line);
            return Ok(());
        }
        self.say(&line)
    }

    /// The client prints something: returns whether its line editor is at work again, so that the
    /// statement has ended.
    pub(super) fn is_statement_over(&mut self) -> io::Result<bool> {
        if !self.is_hooked() || !self.keeper.is_statement_running() {
            return Ok(false);
        }
        let is_cooked = self.is_cooked()?;
        let Some(asking) = &mut self.asking else { return Ok(false) };
        asking.was_cooked |= is_cooked;
        Ok(asking.was_cooked && !is_cooked)
    }

    pub(super) fn reply(&mut self, asker: Asker, answer: Answer) {
        self.eager.answered();
        if let Some(asking) = &mut self.asking {
            asking.server.answer(asker, answer);
        }
    }
}

/// Says in one line what an operation would touch.
fn told(matched: Option<u64>, total: Option<u64>) -> Option<String> {
    Some(match (matched, total?) {
        (Some(matched), total) => format!("{matched} of {total} documents match, as counted now"),
        (None, total) => format!("{total} documents are there, as counted now"),
    })
}

impl Ticket {
    /// A question about a whole text.
    pub(super) fn whole(asker: Asker) -> Self {
        Self { asker, operation: None }
    }

    /// Returns who asks.
    pub(super) fn asker(&self) -> Asker {
        self.asker
    }
}
