//! The line that is being typed: kept from the recording until it is submitted, and read for what
//! the tap cannot see.

use std::io;
use std::time::Duration;

use super::asked::Ticket;
use super::hold::Doubt;
use super::keeper::Keeper;
use super::output::is_line_start;
use super::{Phase, Relay};
use crate::clients::{Guarded, Submitted, Unseen};
use crate::lang::{Class, Effect, Verb};
use crate::os::process::working_directory;
use crate::policy::Decision;
use crate::record::Source;
use crate::redact;
use crate::screen;
use crate::session::keys::Submit;
use crate::tap::{Answer, Asker};
use crate::target::Address;
use crate::ui::notice;
use crate::ui::theme::Style;

/// Most bytes of a line's echo that are kept; an editor session longer than that is recorded as it
/// comes.
const ECHO_BYTES: usize = 1 << 20;

/// Most bytes of a statement's earlier lines that are looked at with the next one.
const BEFORE_BYTES: usize = 3 << 10;

/// Most bytes of a row that are looked at to find a prompt in it.
const ROW_BYTES: usize = 4 << 10;

/// Lines that were typed at once may be read one by one for so long.
const AHEAD: Duration = Duration::from_secs(2);

/// What readline prints when it has accepted a line. At an interrupt the row comes later.
const LINE_END: &[u8] = b"\r\n\x1b[?2004l";

/// What the client's line editor has printed since the prompt.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Everything since the prompt began, the prompt included.
    echo: Vec<u8>,
    /// Where in `echo` the last prompt ended.
    prompt_end: usize,
    /// So much of `echo` is recorded already.
    recorded: usize,
    /// What is recorded of the row that the cursor is in: a prompt, where one stands there.
    row: Vec<u8>,
    /// Whether the person has typed what the client has not told of.
    is_typed: bool,
    /// When several lines were typed at once.
    ahead: Option<Duration>,
    is_open: bool,
    takes_data: bool,
    size: (u16, u16),
    is_fresh: bool,
    /// The lines of the statement before this one, which may tell what is secret in it.
    before: String,
    /// Meta commands of the submitted line that no tap stops.
    beyond_reach: Vec<String>,
}

impl Line {
    /// Returns whether the editor has ended the line: it goes to the next row and no longer wants
    /// pastes in brackets. `count` bytes have just come.
    pub(super) fn has_ended(&self, count: usize) -> bool {
        let from = self.echo.len().saturating_sub(count + LINE_END.len());
        self.is_open
            && from.max(self.prompt_end) < self.echo.len()
            && memchr::memmem::find(&self.echo[from.max(self.prompt_end)..], LINE_END).is_some()
    }

    /// Returns whether a line is being edited.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// A prompt begins. The same line's prompt comes again when the editor redraws it.
    pub(super) fn prompt_begins(&mut self, is_fresh: bool, takes_data: bool) {
        if !self.is_open {
            self.echo.clear();
            self.prompt_end = 0;
            if is_fresh || takes_data || self.before.len() > BEFORE_BYTES {
                self.before.clear();
            }
        }
        self.is_open = true;
        self.is_fresh = is_fresh;
        self.takes_data = takes_data;
    }

    /// The prompt ends; what follows is typed.
    pub(super) fn prompt_ends(&mut self) {
        self.prompt_end = self.echo.len();
    }

    /// Takes what the editor prints.
    pub(super) fn echo(&mut self, bytes: &[u8]) {
        if self.has_room(bytes) {
            self.echo.extend_from_slice(bytes);
        }
    }

    fn has_room(&self, bytes: &[u8]) -> bool {
        self.echo.len() + bytes.len() <= ECHO_BYTES
    }

    /// Returns the terminal's columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Takes note of the terminal's size, which the editor's wrapping depends on.
    pub(super) fn resize(&mut self, cols: u16, rows: u16) {
        self.size = (cols, rows);
    }

    /// Returns the text behind the prompt as the person sees it.
    pub(super) fn text(&self) -> String {
        self.read().0
    }

    /// Returns the text behind the prompt, and whether that is all of it. An editor that scrolls
    /// sideways marks with `<` that there is more.
    fn read(&self) -> (String, bool) {
        let draft = screen::draft(&self.echo, self.prompt_end, self.size.0, self.size.1);
        let is_cut = draft.text.starts_with('<') || self.echo.len() >= ECHO_BYTES;
        (draft.text, !is_cut)
    }

    /// Returns the meta commands of the line that no tap stops.
    pub(super) fn beyond_reach(&self) -> &[String] {
        &self.beyond_reach
    }

    /// The line was thrown away and another begins, perhaps without a mark to tell.
    pub(super) fn restart(&mut self, keeper: &mut Keeper) {
        self.close(keeper);
        self.prompt_begins(self.is_fresh, self.takes_data);
    }

    /// Ends the line: its echo goes to the recording, without secrets.
    pub(super) fn close(&mut self, keeper: &mut Keeper) {
        if !self.is_open {
            return;
        }
        let shown = String::from_utf8_lossy(&self.echo);
        let text = self.text();
        let clean = redact::redact_last(&self.before, &text);
        if clean.is_none() && redact::redact(&shown).kinds.is_empty() {
            keeper.output(&self.echo[self.recorded..]);
            self.forget();
        } else {
            self.close_as(clean.as_deref().unwrap_or(&text), keeper);
        }
        self.before += &text;
        self.before.push('\n');
    }

    /// Ends the line, of which the client has told what it read, and what of that may be kept.
    pub(super) fn close_told(&mut self, typed: &str, kept: &str, keeper: &mut Keeper) {
        let kept = redact::redact(kept).text;
        if self.is_open && kept != typed {
            // Before it may stand what the lines that were typed with it have printed.
            let text = self.text();
            let begin = typed.lines().next().and_then(|first| text.find(first));
            let begin = begin.or_else(|| Some(text.rfind('\n')? + 1)).unwrap_or(0);
            self.close_as(&(redact::redact(&text[..begin]).text + kept.trim_end()), keeper);
        } else {
            self.close(keeper);
        }
        self.is_typed = self.is_ahead(keeper.clock().elapsed());
    }

    /// Returns whether lines that were typed at once may still be being read.
    fn is_ahead(&self, now: Duration) -> bool {
        self.ahead.is_some_and(|then| now.saturating_sub(then) < AHEAD)
    }

    /// Ends the line: this is recorded behind the prompt in place of its echo.
    fn close_as(&mut self, clean: &str, keeper: &mut Keeper) {
        let end = if is_line_start(&self.echo) == Some(true) { "\r\n" } else { "" };
        keeper.output(&self.echo[self.recorded..self.prompt_end.min(self.echo.len())]);
        keeper.output((clean.replace('\n', "\r\n") + end).as_bytes());
        self.forget();
    }

    fn forget(&mut self) {
        self.is_open = false;
        self.recorded = 0;
        self.row.clear();
        self.echo.clear();
    }

    /// Takes note of what the person types while the client's line editor is at work.
    pub(super) fn typed(&mut self, keys: &[u8], now: Duration) {
        self.is_typed = true;
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        if keys.split_last().is_some_and(|(_, before)| before.iter().any(is_end)) {
            self.ahead = Some(now);
        }
    }

    /// Begins a line behind what stands in the row already.
    fn begin_in_row(&mut self) {
        self.prompt_begins(true, false);
        self.echo = std::mem::take(&mut self.row);
        self.recorded = self.echo.len();
        self.prompt_ends();
    }

    /// Takes note of what is recorded as it comes.
    fn stands(&mut self, bytes: &[u8]) {
        if let Some(at) = memchr::memrchr(b'\n', bytes) {
            self.row.clear();
            self.row.extend_from_slice(&bytes[at + 1..]);
        } else {
            self.row.extend_from_slice(bytes);
        }
        if self.row.len() > ROW_BYTES {
            self.row.clear();
        }
    }
}

impl Relay {
    /// Records what a client with a hook prints. What its line editor does waits until the line has
    /// ended, and loses its secrets: it comes letter by letter.
    pub(super) fn record_hooked(&mut self, bytes: &[u8]) -> io::Result<()> {
        let is_edited = self.line.is_typed
            && (!self.keeper.is_statement_running()
                || self.line.is_ahead(self.keeper.clock().elapsed()))
            && (self.is_guarded_by_hook() || !self.is_cooked()?);
        if self.line.is_open && !(is_edited && self.line.has_room(bytes)) {
            self.line.is_typed = is_edited;
            self.line.close(&mut self.keeper);
        }
        if is_edited {
            if !self.line.is_open {
                self.line.begin_in_row();
            }
            self.line.echo(bytes);
        } else {
            self.keeper.output(bytes);
            self.line.stands(bytes);
        }
        Ok(())
    }

    /// The line editor has taken all that was typed before the submitting key: reads the line, and
    /// passes the key or asks first.
    pub(super) fn submit(&mut self, key: u8) -> io::Result<bool> {
        let (text, is_whole) = self.submitted_text();
        let mut unseen = self.unseen(&text, is_whole);
        self.begin_submission(!text.contains('\\'));
        self.keeper.connects(&unseen.connects);
        self.foresee(&mut unseen);
        self.line.beyond_reach.clone_from(&unseen.remarks);
        if unseen.is_nothing() && !unseen.is_command {
            return self.pass_key(key).map(|()| true);
        }
        if unseen.effects.iter().any(|effect| effect.verb == Verb::Unguard) {
            // Until a prompt tells otherwise. Where it is cancelled the next lines are judged twice.
            self.guarded = Guarded::No;
        }
        self.look_up(&unseen.statements);
        let judged = self.keeper.draft(text, &unseen.statements, unseen.effects, Source::Draft);
        match judged.verdict.decision {
            Decision::Allow => {
                self.keeper.released(&judged, None, false);
                self.pass_key(key)?;
            }
            Decision::Notice => {
                self.keeper.released(&judged, None, false);
                self.pass_key(key)?;
                self.notice_later(&judged);
            }
            Decision::Hold(_) | Decision::Deny => self.hold(judged, Doubt::Key(key))?,
        }
        Ok(true)
    }

    /// Returns the text that the submitting key hands over, and whether that is all of it.
    fn submitted_text(&self) -> (String, bool) {
        if self.line.takes_data {
            return (String::new(), true);
        }
        let (text, is_whole) = self.line.read();
        match self.gate.submit() {
            Submit::Line | Submit::Commented => (text, is_whole),
            Submit::Typed { text: typed, replaces } => {
                // Where in the line it is typed only the editor knows.
                let is_whole = *replaces || (is_whole && text.is_empty());
                (if *replaces { typed.clone() } else { text + typed }, is_whole)
            }
            Submit::Blind => (text, false),
        }
    }

    /// Reads what a line does that no question tells of.
    fn unseen(&mut self, text: &str, is_whole: bool) -> Unseen {
        let address = self.keeper.decided().target.address.clone();
        let submitted = self.as_submitted(text, &address);
        let mut unseen = match &mut self.interactive {
            Some(interactive) if !text.is_empty() => interactive.unseen(&submitted),
            Some(_) | None => Unseen::default(),
        };
        if !is_whole {
            let phrase = "submits a line that could not be read whole".to_owned();
            unseen.effects.push(Effect::new(Class::Opaque, Verb::Execute, 0..0, phrase));
        }
        unseen
    }

    fn as_submitted<'a>(&self, line: &'a str, address: &'a Address) -> Submitted<'a> {
        Submitted {
            line,
            typed: self.gate.line().map(str::to_owned),
            is_commented: *self.gate.submit() == Submit::Commented,
            is_fresh: self.line.is_fresh,
            is_guarded: self.guarded != Guarded::No && self.is_prompted,
            cwd: self.client.and_then(working_directory).unwrap_or_default(),
            address,
        }
    }

    /// An editor has left a text, which the client takes in place of the line.
    pub(super) fn at_edited(
        &mut self,
        asker: Asker,
        text: String,
        changed: bool,
    ) -> io::Result<()> {
        let address = self.keeper.decided().target.address.clone();
        let submitted = Submitted {
            typed: None,
            is_commented: false,
            is_fresh: true,
            ..self.as_submitted(&text, &address)
        };
        let mut unseen = match &mut self.interactive {
            Some(interactive) => interactive.edited(&submitted, changed),
            None => Unseen::default(),
        };
        self.keeper.connects(&unseen.connects);
        self.foresee(&mut unseen);
        self.line.beyond_reach.clone_from(&unseen.remarks);
        if unseen.is_nothing() {
            self.reply(asker, Answer::Go);
            return Ok(());
        }
        if unseen.effects.iter().any(|effect| effect.verb == Verb::Unguard) {
            self.guarded = Guarded::No;
        }
        let judged = self.keeper.draft(text, &unseen.statements, unseen.effects, Source::Draft);
        self.at_judged(judged, Ticket::whole(asker))
    }

    fn foresee(&mut self, unseen: &mut Unseen) {
        if let Some(tap) = &mut self.tap {
            tap.foresee(std::mem::take(&mut unseen.echoes));
        }
    }

    /// The line editor has ended the line at a key that nobody knew to submit it: what it does
    /// unasked has begun. It is judged and told all the same, and the key is known from now on.
    pub(super) fn submitted_by_surprise(&mut self) -> io::Result<()> {
        let (text, is_whole) = self.line.read();
        // Ctrl-D in an empty line ends one as well.
        let keys = if text.is_empty() { Vec::new() } else { self.gate.learn() };
        let unseen = self.unseen(&text, is_whole);
        self.begin_submission(!text.contains('\\'));
        self.keeper.connects(&unseen.connects);
        self.line.close(&mut self.keeper);
        if unseen.is_nothing() {
            return Ok(());
        }
        let judged = self.keeper.draft(text, &unseen.statements, unseen.effects, Source::Draft);
        let why = format!("submitted by {}, which was not known to submit", keys_name(&keys));
        self.keeper.released(&judged, Some(why.clone()), false);
        if judged.verdict.decision > Decision::Allow {
            let text = format!("ran unasked: {why}; from now on it is");
            self.say(&notice::line(&text, Style::Warning, self.cols(), self.theme))?;
        }
        Ok(())
    }

    /// Passes the submitting key.
    pub(super) fn pass_key(&mut self, key: u8) -> io::Result<()> {
        self.line.close(&mut self.keeper);
        self.phase = Phase::Busy;
        self.to_client.push_back(key);
        self.looks = 0;
        self.flush_client()
    }

    /// A line is submitted: counts per submission begin anew.
    pub(super) fn begin_submission(&mut self, is_plain: bool) {
        self.phase = Phase::Busy;
        self.is_noticed = false;
        self.keeper.submitted(is_plain);
    }

    /// Says a notice once the line editor has ended its line.
    pub(super) fn notice_later(&mut self, judged: &super::keeper::Judged) {
        self.is_noticed = true;
        let cols = self.cols();
        let (reasons, tier) = (&judged.verdict.reasons, judged.verdict.judged_as);
        let notice = crate::ui::notice::verdict(reasons, tier, cols, self.theme);
        self.notices.push(notice);
    }

    /// Says the notices that wait for the line to end.
    pub(super) fn say_notices(&mut self) -> io::Result<()> {
        std::mem::take(&mut self.notices).iter().try_for_each(|notice| self.say(notice))
    }
}

/// Names keys as people write them: `^X s`, `Esc [A`.
fn keys_name(keys: &[u8]) -> String {
    let mut name = String::new();
    for &key in keys {
        match key {
            0x1b => name.push_str("Esc "),
            0x7f => name.push_str("^? "),
            0..0x20 => {
                name.push('^');
                name.push(char::from(key + 0x40));
                name.push(' ');
            }
            _ => name.push(char::from(key)),
        }
    }
    name.trim_end().to_owned()
}
