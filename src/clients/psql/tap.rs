//! psql's tap: single-step questions and prompt marks, both taken out of what the person sees.

use std::path::{Path, PathBuf};

use super::banner;
use super::echo::Follower;
use super::encoding;
use super::mark::{self, Mark, Nonce, Placed, Scanner, Width};
use super::meta::{OpenEnd, Variables, Ways, escaped, is_true};
use super::unseen::{Guard, Place, unseen};
use super::went::Tags;
use crate::clients::tap::{Asked, Guarded, PromptFacts, Seen, Tap, Transaction, Went};
use crate::clients::unseen::{Echo, Unseen};
use crate::lang::{Reading, postgres};
use crate::target::Address;

/// How we write "on" for SINGLESTEP. psql reads it as true whatever the case, and any other
/// spelling is the person's own.
pub const SINGLE_STEP_ON: &str = "tRuE";

/// The first version whose prompt tells VERSION_NUM, ROW_COUNT and SQLSTATE: 11.0.
const OLDEST: u32 = 110_000;

/// Most bytes kept back while a question may be in the making. A statement of 10 MB passes; a
/// result that forges an opening line is shown late, but it is shown.
const CAPTURE_BYTES: usize = 64 << 20;

/// Reads psql's output.
#[derive(Debug)]
pub struct PsqlTap {
    scanner: Scanner,
    /// From the first possible opening line on.
    capture: Vec<u8>,
    /// Whether the capture starts with a whole opening line.
    is_whole: bool,
    /// The opening line of an earlier question of this session.
    genuine: Option<Vec<u8>>,
    /// Where the script on standard input stands.
    input: Ways,
    /// What tells of the script's statements at this place of it.
    input_guard: Guard,
    home: Option<PathBuf>,
    /// Whether psql was told to show each statement before it runs.
    echo: Follower,
    /// The same of the statement it asked about last.
    echoes: bool,
    clean: Vec<u8>,
    placed: Vec<Placed>,
    tags: Tags,
    /// Whether anything was asked about since the last prompt.
    has_asked: bool,
}

impl PsqlTap {
    /// Makes a tap for marks with this nonce. `home` is the person's home folder; `echoes` tells
    /// that psql was told at the start to show each statement before it runs (`-e`).
    #[must_use]
    pub fn new(nonce: &Nonce, width: Width, home: Option<PathBuf>, echoes: bool) -> Self {
        Self {
            scanner: Scanner::new(nonce, width),
            capture: Vec::new(),
            is_whole: false,
            genuine: None,
            input: Ways::default(),
            input_guard: Guard::default(),
            home,
            echo: Follower::new(echoes),
            echoes: false,
            clean: Vec::new(),
            placed: Vec::new(),
            tags: Tags::default(),
            has_asked: false,
        }
    }

    /// Begins with what the command line and the start-up file have set.
    pub fn begin(&mut self, variables: Variables, is_guarded: bool) {
        self.input = Ways::following(variables);
        self.input_guard.asks = is_guarded;
    }

    /// Shows text, or keeps it back from the first byte on that may open a question.
    fn text(&mut self, text: &[u8], shown: &mut Vec<u8>) {
        if self.capture.is_empty() {
            match banner::find_opening(text) {
                None => shown.extend_from_slice(text),
                Some(opening) => {
                    shown.extend_from_slice(&text[..opening.at]);
                    self.capture.extend_from_slice(&text[opening.at..]);
                    self.is_whole = opening.is_whole;
                }
            }
            return;
        }
        self.capture.extend_from_slice(text);
        if self.capture.len() > CAPTURE_BYTES {
            self.let_go(shown);
        } else if !self.is_whole {
            match banner::find_opening(&self.capture) {
                None => self.let_go(shown),
                Some(opening) => {
                    shown.extend(self.capture.drain(..opening.at));
                    self.is_whole = opening.is_whole;
                }
            }
        }
    }
}

impl Tap for PsqlTap {
    fn output(&mut self, bytes: &[u8], shown: &mut Vec<u8>, seen: &mut Vec<Seen>) {
        let begin = shown.len();
        let mut clean = std::mem::take(&mut self.clean);
        let mut placed = std::mem::take(&mut self.placed);
        self.scanner.scan(bytes, &mut clean, &mut placed);
        let mut from = 0;
        for Placed { at, mark } in placed.drain(..) {
            self.text(&clean[from..at], shown);
            from = at;
            // psql went on to a prompt: what was kept back was no question.
            self.let_go(shown);
            seen.push(match mark {
                Mark::Prompt(prompt) => {
                    let mut facts = facts(*prompt);
                    let has_asked = std::mem::take(&mut self.has_asked);
                    if !has_asked && matches!(facts.guarded, Guarded::Ours | Guarded::Theirs) {
                        // Those of a statement before the last prompt.
                        (facts.rows, facts.error) = (None, None);
                    }
                    Seen::Prompt(shown.len(), Box::new(facts))
                }
                Mark::Broken => Seen::Prompt(shown.len(), Box::new(nothing_known())),
                Mark::End => Seen::PromptEnd(shown.len()),
            });
        }
        self.text(&clean[from..], shown);
        clean.clear();
        self.clean = clean;
        self.placed = placed;
        self.tags.printed(&shown[begin..]);
    }

    fn may_ask(&self) -> bool {
        !self.capture.is_empty()
    }

    fn may_hide_question(&self) -> bool {
        banner::has_line(&self.capture) && !banner::ends_as_question(&self.capture)
    }

    fn asked(&mut self, adds_cr: bool, shown: &mut Vec<u8>) -> Asked {
        let found = banner::question(&self.capture, adds_cr, self.genuine.as_deref());
        let Some(question) = found else {
            // A closing line has the shape of an opening one, so one whose opening was let go
            // starts the capture itself: something is asked, and what is no longer known.
            if banner::ends_as_question(&self.capture) {
                self.capture.clear();
                self.tags = Tags::default();
                return Asked::Unreadable;
            }
            self.let_go(shown);
            return Asked::Nothing;
        };
        shown.extend_from_slice(&self.capture[question.lead.clone()]);
        self.tags.printed(&self.capture[question.lead.clone()]);
        self.has_asked = true;
        self.genuine = Some(self.capture[question.opening.clone()].to_vec());
        let (mut texts, mut likely) = (Vec::new(), 0);
        for (place, range) in question.candidates.iter().enumerate() {
            if place == question.likely {
                likely = texts.len();
            }
            let bytes = banner::text(&self.capture, range.clone(), adds_cr);
            texts.extend(encoding::readings(bytes));
        }
        let banner = self.capture.split_off(question.lead.end);
        self.capture.clear();
        if question.is_flooded {
            self.tags = Tags::default();
            return Asked::Unreadable;
        }
        self.echoes = self.echo.shows(&texts[likely]);
        self.tags.asked(&texts[likely]);
        let other_strings: Vec<String> =
            texts.iter().filter_map(|text| escaped(text)).filter(|text| is_read(text)).collect();
        texts.extend(other_strings);
        Asked::Statement { texts, likely, banner }
    }

    fn went(&mut self) -> Went {
        self.tags.ended()
    }

    fn let_go(&mut self, shown: &mut Vec<u8>) {
        shown.append(&mut self.capture);
        self.is_whole = false;
    }

    fn follow_input(&mut self, line: &[u8], cwd: &Path, address: &Address) -> Unseen {
        // psql drops such lines between statements; a CR ends one, too.
        let is_comment = line.trim_ascii().starts_with(b"--");
        if self.input.is_fresh() && is_comment && !line.trim_ascii().contains(&b'\r') {
            return Unseen::default();
        }
        let text = String::from_utf8_lossy(line);
        let place = Place { cwd, folder: cwd, home: self.home.as_deref(), address };
        let mut unseen = unseen(&mut self.input, &text, place, &mut self.input_guard);
        self.echo.foresee(std::mem::take(&mut unseen.echoes));
        unseen
    }

    fn foresee(&mut self, echoes: Vec<Echo>) {
        self.echo.foresee(echoes);
    }

    fn echo<'a>(&self, banner: &'a [u8]) -> Option<&'a [u8]> {
        if !self.echoes {
            return None;
        }
        let start = memchr::memchr(b'\n', banner)? + 1;
        let last = banner.len().checked_sub(1)?;
        let end = memchr::memrchr(b'\n', &banner[..last])? + 1;
        banner.get(start..end)
    }

    fn before_end(&self) -> Option<&'static [u8]> {
        match self.input.open_end() {
            OpenEnd::Nothing | OpenEnd::Quoted => None,
            // Where the COPY has failed, what was meant for data is a statement.
            OpenEnd::Data => Some(b"\\.\n;\n"),
            OpenEnd::Block => Some(b"\\g\n"),
            // Not \g: were there none, it would send the one before it once more.
            OpenEnd::Statement => Some(b"\n;\n"),
        }
    }

    fn shortcoming(&self, facts: &PromptFacts) -> Option<&'static str> {
        let is_old = facts.version.is_none_or(|version| version < OLDEST);
        is_old.then_some(
            "this psql is older than 11: how many rows a statement touched, and its errors, are \
             not known",
        )
    }

    fn takes_data(&self, text: &str) -> bool {
        let mut input = Ways::default();
        input.scan(&format!("{text}\n;\n"));
        input.open_end() == OpenEnd::Data
    }

    fn end_of_data(&self) -> &'static [u8] {
        b"\\.\n"
    }

    fn answers(&self) -> (&'static [u8], &'static [u8]) {
        (b"\n", b"x\n")
    }
}

/// Tells whether a text is understood: one that the server would refuse is not what it is sent.
fn is_read(text: &str) -> bool {
    matches!(postgres::read(text), Reading::Understood(_))
}

fn facts(prompt: mark::Prompt) -> PromptFacts {
    let guarded = match prompt.single_step.as_deref() {
        None => Guarded::Unknown,
        Some(SINGLE_STEP_ON) => Guarded::Ours,
        Some(value) if is_true(value) => Guarded::Theirs,
        Some(_) => Guarded::No,
    };
    let is_known = !prompt.is_cut && prompt.pid.is_some();
    let (user, host, port, database) = (prompt.user, prompt.host, prompt.port, prompt.database);
    let address = if is_known { Some(Address { user, host, port, database }) } else { None };
    PromptFacts {
        is_fresh: prompt.number == 1,
        takes_data: prompt.number == 3,
        address,
        backend_pid: prompt.pid,
        transaction: prompt.transaction,
        guarded,
        rows: prompt.rows,
        error: prompt.sqlstate.filter(|state| state != "00000"),
        version: prompt.version,
        server_version: prompt.server_version.map(dotted),
    }
}

/// Writes a version as people do: 150018 is 15.18, and 90624 was 9.6.24.
fn dotted(version: u32) -> String {
    let (major, middle, minor) = (version / 10_000, version / 100 % 100, version % 100);
    if major >= 10 { format!("{major}.{minor}") } else { format!("{major}.{middle}.{minor}") }
}

fn nothing_known() -> PromptFacts {
    PromptFacts {
        is_fresh: true,
        takes_data: false,
        address: None,
        backend_pid: None,
        transaction: Transaction::Unknown,
        guarded: Guarded::Unknown,
        rows: None,
        error: None,
        version: None,
        server_version: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str =
        "***(Single step mode: verify command)*******************************************\r\n";
    const CLOSE: &str =
        "***(press return to proceed or enter x and return to cancel)********************\r\n";
    const PROMPT: &str = "\x1b]6973;n0nce;P;1\x1f\x1ftRuE\x1f8469\x1f00000\x1f12\x1f150018\x1f5432\
        \x1fshop\x1fanna\x1fdb.example.com\x07";

    fn tap() -> PsqlTap {
        PsqlTap::new(&Nonce::new("n0nce").expect("plain"), Width::Invisible, None, true)
    }

    fn statement(asked: Asked) -> String {
        match asked {
            Asked::Statement { texts, likely, .. } => texts[likely].clone(),
            other => panic!("not a statement: {other:?}"),
        }
    }

    #[test]
    fn a_question_is_taken_out_however_torn() {
        let text = format!("before\r\n{OPEN}delete from\r\nfamilies;\r\n{CLOSE}");
        for cut in 0..=text.len() {
            let (mut tap, mut shown, mut seen) = (tap(), Vec::new(), Vec::new());
            tap.output(&text.as_bytes()[..cut], &mut shown, &mut seen);
            tap.output(&text.as_bytes()[cut..], &mut shown, &mut seen);
            assert!(tap.may_ask(), "cut at {cut}");
            let asked = tap.asked(true, &mut shown);
            assert_eq!(statement(asked), "delete from\nfamilies;", "cut at {cut}");
            assert_eq!(shown, b"before\r\n", "cut at {cut}");
            assert!(!tap.may_ask());
        }
    }

    #[test]
    fn a_prompt_ends_what_looked_like_a_question() {
        let text = format!("{OPEN}data\r\n{CLOSE}{PROMPT}shop=# ");
        let (mut tap, mut shown, mut seen) = (tap(), Vec::new(), Vec::new());
        tap.output(text.as_bytes(), &mut shown, &mut seen);
        assert_eq!(shown, format!("{OPEN}data\r\n{CLOSE}shop=# ").as_bytes());
        let [Seen::Prompt(at, facts)] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(&shown[*at..], b"shop=# ");
        assert_eq!(facts.guarded, Guarded::Ours);
        assert_eq!(facts.address.as_ref().and_then(|at| at.database.as_deref()), Some("shop"));
    }

    #[test]
    fn a_question_without_its_start_is_unreadable() {
        let (mut tap, mut shown, mut seen) = (tap(), Vec::new(), Vec::new());
        tap.output(OPEN.as_bytes(), &mut shown, &mut seen);
        tap.let_go(&mut shown);
        tap.output(format!("delete from families;\r\n{CLOSE}").as_bytes(), &mut shown, &mut seen);
        assert_eq!(tap.asked(true, &mut shown), Asked::Unreadable);
    }

    #[test]
    fn a_script_that_stops_in_a_statement_is_ended() {
        let (semicolon, go) = (Some(&b"\n;\n"[..]), Some(&b"\\g\n"[..]));
        for (script, rest) in [
            ("select 1;\n", None),
            ("delete from families", semicolon),
            ("truncate t -- ;\n", semicolon),
            ("select 1; -- nothing\n", None),
            ("select 1;\n/* nothing */\n", None),
            ("select '\\'; delete from families; --'\n", semicolon),
            ("-- nothing\n\n", None),
            ("\\echo hi\n", None),
            ("copy t from stdin;\n1\n", Some(&b"\\.\n;\n"[..])),
            ("copy t from stdin;\n1\n\\.\n", None),
            ("select (1;\n", semicolon),
            ("create function begin() returns int language sql as 'select 1';\nselect 2;\n", go),
            ("select (1 /* x\n", None),
        ] {
            let mut tap = tap();
            for line in script.split_inclusive('\n') {
                drop(tap.follow_input(line.as_bytes(), Path::new("/"), &Address::default()));
            }
            assert_eq!(tap.before_end(), rest, "{script:?}");
        }
    }

    #[test]
    fn an_old_psql_is_told_of() {
        let (mut tap, mut shown, mut seen) = (tap(), Vec::new(), Vec::new());
        tap.output(PROMPT.as_bytes(), &mut shown, &mut seen);
        tap.output(PROMPT.replace("150018", "").as_bytes(), &mut shown, &mut seen);
        let told: Vec<bool> = seen
            .iter()
            .filter_map(|seen| match seen {
                Seen::Prompt(_, facts) => Some(tap.shortcoming(facts).is_some()),
                Seen::PromptEnd(_) => None,
            })
            .collect();
        assert_eq!(told, [false, true]);
    }
}
