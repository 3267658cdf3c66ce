//! What a run without a person will do, as far as it can be read before it starts.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsFd;
use std::path::Path;

use super::args::{Action, Invocation, Source};
use super::encoding;
use super::meta::{self, Consequence, Item, Variables, Ways};
use super::rc;
use super::unseen::{Guard, Place, unseen};
use crate::clients::Unseen;
use crate::lang::postgres::{self, Ahead, Memory, Script};
use crate::lang::{Class, Effect, Reading, Verb};
use crate::os::file::{Behind, behind};
use crate::policy::{Decision, Facts, Verdict, judge};

/// Most bytes of a script that are read beforehand; a longer one is asked about as it runs.
const SCRIPT_BYTES: u64 = 256 << 20;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preflight {
    /// The texts, in order, where all of them were read.
    pub texts: Vec<String>,
    /// Whether psql may run them without asking: all understood, nothing hidden, nothing to hold.
    pub is_clear: bool,
    /// The first text that would be held, with the verdict.
    pub held: Option<(String, Verdict)>,
    /// What the run does that no question will tell of.
    pub unseen: Unseen,
    /// psql's variables, as far as they were followed.
    variables: Variables,
    /// What tells of statements at this place.
    guard: Guard,
    /// How a script goes on after a mistake.
    after: After,
}

/// What keeps a statement behind a mistake from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum After {
    /// Nothing.
    #[default]
    GoesOn,
    /// The transaction that all of it runs in.
    Transaction,
    /// `ON_ERROR_STOP`.
    Stops,
}

impl After {
    fn of(invocation: &Invocation, rc_text: Option<&str>) -> Self {
        const SETTING: &str = "ON_ERROR_STOP";
        let mut given = invocation.variables.iter().rev();
        let value = given.find(|(name, _)| name == SETTING).and_then(|(_, value)| value.as_deref());
        let is_kept = rc_text.is_none_or(|text| !text.contains(SETTING));
        match value {
            Some(value) if is_kept && meta::is_true(value) => Self::Stops,
            _ if invocation.single_transaction && invocation.actions.len() == 1 => {
                Self::Transaction
            }
            _ => Self::GoesOn,
        }
    }

    /// Begins a script, with what is known.
    fn script(self, memory: &Memory) -> Script<'_> {
        match self {
            Self::GoesOn => Script::doubted(memory, false),
            Self::Transaction => Script::doubted(memory, true),
            Self::Stops => Script::new(memory),
        }
    }
}

/// Reads all that an invocation will run. `rc_text` is the start-up file's text, none if none is
/// read; `stdin` our own standard input.
pub fn read(
    invocation: &Invocation,
    rc_text: Option<&str>,
    stdin: impl AsFd,
    place: Place<'_>,
    facts: &Facts,
) -> Preflight {
    let after = After::of(invocation, rc_text);
    let mut found = Preflight { is_clear: true, after, ..Preflight::default() };
    found.variables = Variables::given(&invocation.variables);
    let is_harmless = |text: &str| rc::is_harmless(text, |text| is_allowed(text, facts));
    if rc_text.is_some_and(|text| !is_harmless(text)) {
        found.is_clear = false;
    }
    let is_given = |name: &str| invocation.variables.iter().any(|(given, _)| given == name);
    // What a script's line end ends is not what stands there otherwise.
    let is_single_line = is_given("SINGLELINE");
    if invocation.single_step || is_given("SINGLESTEP") {
        found.is_clear = false;
    }
    if let Some(text) = rc_text {
        let before = found.unseen_in(text, place);
        if !found.guard.asks {
            found.add(before);
        }
    }
    if let Some(output) = invocation.output.as_deref().filter(|output| output.starts_with('|')) {
        found.meta(&format!("\\o {output}"), place, facts);
    }
    // What the run writes before it reads it again is not what stands there now.
    let mut may_write = invocation.output.is_some() || invocation.log_file.is_some();
    let stdin_action = [Action::File(Source::Stdin)];
    let mut memory = Memory::default();
    let actions =
        if invocation.actions.is_empty() { &stdin_action[..] } else { &invocation.actions[..] };
    for action in actions {
        let is_file = matches!(action, Action::File(_));
        found.is_clear &= !(is_file && (is_single_line || may_write));
        may_write |= matches!(action, Action::Command(text) if text.trim_start().starts_with('\\'));
        match action {
            Action::Command(text) if text.trim_start().starts_with('\\') => {
                found.meta(text, place, facts);
            }
            // psql sends it as it is: neither variables nor meta commands are looked for.
            Action::Command(text) => found.sql(text, &mut memory, facts),
            Action::File(Source::Path(path)) => {
                let path_there = place.cwd.join(path);
                // Opening a pipe would take from it what psql is to read.
                let is_plain = path_there.metadata().is_ok_and(|facts| facts.is_file());
                let opened = if is_plain { File::open(&path_there).ok() } else { None };
                match opened.and_then(|file| script(file, false)) {
                    Some((text, is_utf8)) => {
                        found.is_clear &= is_utf8;
                        let folder = Path::new(path).parent().map(|folder| place.cwd.join(folder));
                        let folder = folder.as_deref().unwrap_or(place.cwd);
                        found.script(&text, &mut memory, Place { folder, ..place }, facts);
                    }
                    None => {
                        found.is_clear = false;
                        if path_there.exists() {
                            found.unread(path);
                        }
                    }
                }
            }
            Action::File(Source::Stdin) => {
                let copy = stdin.as_fd().try_clone_to_owned().map(File::from).ok();
                match copy.and_then(|file| script(file, true)) {
                    // Where it is not plain it is read line by line as it is passed on.
                    Some((text, true)) if meta::is_plain_sql(&text) => {
                        found.script(&text, &mut memory, place, facts);
                    }
                    Some(_) | None => found.is_clear = false,
                }
            }
        }
    }
    found
}

impl Preflight {
    /// One `-c`. A mistake ends it, so that what it makes is there for what follows.
    fn sql(&mut self, text: &str, memory: &mut Memory, facts: &Facts) {
        let verdict = judge(&memory.read(text), facts);
        self.is_clear &= verdict.decision == Decision::Allow && meta::escaped(text).is_none();
        self.hold(text, verdict);
        memory.learn(text);
        self.texts.push(text.to_owned());
    }

    fn script(&mut self, text: &str, memory: &mut Memory, place: Place<'_>, facts: &Facts) {
        if meta::is_plain_sql(text) {
            let reading = self.after.script(memory).take(text, Ahead::of(text));
            if judge(&reading, facts).decision == Decision::Allow {
                self.texts.push(text.to_owned());
                memory.learn(text);
                return;
            }
        }
        // It is asked about as it runs; what a variable holds that nobody knows yet is looked at then.
        self.is_clear = false;
        for items in Ways::following(self.variables.clone()).scan(text) {
            let mut script = After::GoesOn.script(memory);
            let mut variables = self.variables.clone();
            for item in items {
                match item {
                    Item::Statement { text, .. } => {
                        let filled = meta::filled(&text, &variables);
                        let Some(filled) = filled.filter(|text| !meta::has_variable(text)) else {
                            continue;
                        };
                        let reading = script.take(&filled, Ahead::of(&filled));
                        self.hold(text.trim(), judge(&reading, facts));
                    }
                    Item::Meta(meta) => variables.follow(&meta),
                    Item::Data(_) | Item::Incomplete(_) => {}
                }
            }
        }
        memory.learn(text);
        let more = self.unseen_in(text, place);
        self.add(more);
    }

    /// Notes the first text that would be held.
    fn hold(&mut self, text: &str, verdict: Verdict) {
        if self.held.is_none() && matches!(verdict.decision, Decision::Hold(_) | Decision::Deny) {
            self.held = Some((text.to_owned(), verdict));
        }
    }

    /// Reads what a script does that no question tells of.
    fn unseen_in(&mut self, text: &str, place: Place<'_>) -> Unseen {
        let mut input = Ways::following(std::mem::take(&mut self.variables));
        let found = unseen(&mut input, text, place, &mut self.guard);
        self.variables = input.variables();
        found
    }

    /// A script that cannot be read beforehand may repeat statements, or take the guard away.
    fn unread(&mut self, path: &str) {
        let phrase = format!("runs {path}, which cannot be read beforehand");
        self.unseen.effects.push(Effect::new(Class::Opaque, Verb::Execute, 0..0, phrase));
    }

    fn add(&mut self, more: Unseen) {
        self.unseen.echoes.extend(more.echoes.iter().cloned());
        self.unseen.add(more);
    }

    /// A `-c` with one meta command.
    fn meta(&mut self, text: &str, place: Place<'_>, facts: &Facts) {
        let text = format!("{text}\n");
        for item in &meta::scan(&text) {
            let is_quiet = match item {
                Item::Meta(meta) if meta.name == "copy" => {
                    let sent = meta.args.first().and_then(|args| meta::copy::sent(args));
                    let is_quiet = sent.as_ref().is_some_and(|sent| is_allowed(sent, facts));
                    self.texts.extend(sent);
                    is_quiet
                }
                // `\g` and its kin send what stands before them.
                Item::Meta(meta) => {
                    let consequences = meta::consequences(meta);
                    consequences.iter().all(|one| matches!(one, Consequence::Effect(_)))
                        && meta.sends.is_none()
                        && !meta.name.starts_with('g')
                }
                Item::Statement { .. } | Item::Data(_) | Item::Incomplete(_) => false,
            };
            self.is_clear &= is_quiet;
        }
        let more = unseen(&mut Ways::default(), &text, place, &mut self.guard);
        let reading = Reading::Understood(more.effects.clone());
        self.is_clear &= more.statements.is_empty()
            && more.connects.is_empty()
            && judge(&reading, facts).decision == Decision::Allow;
        self.add(more);
        self.texts.push(text);
    }
}

/// Tells whether a text needs no question.
fn is_allowed(text: &str, facts: &Facts) -> bool {
    meta::escaped(text).is_none() && judge(&postgres::read(text), facts).decision == Decision::Allow
}

/// Reads a script that is a regular file; a shared one is set back to where it stood. Also returns
/// whether it is UTF-8: the likeliest reading of another text is none to rely on.
fn script(mut file: File, is_shared: bool) -> Option<(String, bool)> {
    if behind(file.as_fd()).ok()? != Behind::File {
        return None;
    }
    let before = if is_shared { Some(file.stream_position().ok()?) } else { None };
    let mut bytes = Vec::new();
    let result = Read::by_ref(&mut file).take(SCRIPT_BYTES + 1).read_to_end(&mut bytes);
    if let Some(before) = before {
        file.seek(std::io::SeekFrom::Start(before)).ok()?;
    }
    result.ok()?;
    if bytes.len() as u64 > SCRIPT_BYTES {
        return None;
    }
    let mut readings = encoding::readings(bytes);
    let text = readings.swap_remove(0);
    Some((text, readings.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::psql::args;
    use crate::policy::Moment;
    use crate::target::Tier;

    fn preflight(args: &[&str], tier: Tier, folder: &Path) -> Preflight {
        let invocation = args::parse(args).expect("understood");
        let nothing = File::open("/dev/null").expect("it is everywhere");
        let address = crate::target::Address::default();
        let place = Place { cwd: folder, folder, home: None, address: &address };
        read(&invocation, None, nothing, place, &Facts::new(tier, Moment::default()))
    }

    #[test]
    fn a_program_that_takes_the_output_counts() {
        let found = preflight(&["-o", "|cat", "-c", "select 1"], Tier::Production, Path::new("/"));
        assert!(!found.is_clear && !found.unseen.is_nothing(), "{found:?}");
        let found = preflight(&["-o", "file", "-c", "select 1"], Tier::Production, Path::new("/"));
        assert!(found.is_clear && found.unseen.is_nothing(), "{found:?}");
    }

    #[test]
    fn plain_scripts_that_need_nothing_are_clear() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("add.sql"), "insert into t values (1);\nselect 1;\n")
            .expect("write");
        std::fs::write(folder.path().join("meta.sql"), "\\set x 1\nselect :x;\n").expect("write");
        std::fs::write(folder.path().join("gone.sql"), "select 1;\ndelete from t;\n")
            .expect("write");
        let clear = |args: &[&str]| preflight(args, Tier::Production, folder.path()).is_clear;
        assert!(clear(&["-c", "select 1"]));
        assert!(clear(&["-f", "add.sql"]));
        assert!(clear(&["-f", "add.sql", "-c", "select 2"]));
        assert!(!clear(&["-f", "meta.sql"]));
        assert!(!clear(&["-f", "gone.sql"]));
        assert!(!clear(&["-f", "missing.sql"]));
        assert!(!clear(&["-s", "-c", "select 1"]));
        assert!(!clear(&["-c", "\\! ls"]));
        assert!(!clear(&[]), "a stream is asked about as it comes");

        let found = preflight(&["-f", "gone.sql"], Tier::Production, folder.path());
        assert_eq!(found.held.expect("held").0, "delete from t;");
        std::fs::write(folder.path().join("watch.sql"), "delete from t \\watch 1\n")
            .expect("write");
        let found = preflight(&["-f", "watch.sql"], Tier::Production, folder.path());
        assert_eq!(found.unseen.statements.len(), 1, "{found:?}");
        assert!(preflight(&["-f", "gone.sql"], Tier::Development, folder.path()).is_clear);
    }
}
