//! Playing one case: bringing the script in, refusing, and looking at what is there afterwards.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::non_interactive::without_terminal;
use super::Feed;
use super::script::{Dice, Script, write};
use crate::real_psql::steps::QUESTION;
use crate::support::pty::{Key, Pty};
use crate::support::world::{World, run};

/// Quieter than the pause that these cases' configuration asks for before an answer.
const PAUSE: Duration = Duration::from_millis(120);

/// How a person, or fate, refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Enter,
    Escape,
    Word(&'static str),
    CtrlC,
    CtrlD,
    Timeout,
    /// nightlatch is killed.
    Killed,
    /// The client is killed.
    ClientKilled,
    /// Somebody interrupts the client.
    ClientInterrupted,
    Terminated,
    HungUp,
    /// nightlatch is killed at any time, after so many milliseconds.
    KilledAnyTime(u64),
    /// Not refused at all: all of it runs.
    Released,
}

/// What a script's streams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streams {
    /// No terminal anywhere.
    Nowhere,
    /// A terminal; standard output and standard error are it where told so.
    Terminal { out: bool, err: bool },
}

/// One case.
#[derive(Debug)]
pub(super) struct Case {
    feed: Feed,
    way: Way,
    streams: Streams,
    /// Whether standard input is a pipe that is filled bit by bit; else a file.
    is_piped: bool,
    /// `-1`.
    is_single: bool,
    script: Script,
}

/// Makes the table that scripts write to.
pub(super) fn furnish(world: &World) {
    world.database.sql("CREATE TABLE trail (n int); ALTER TABLE trail OWNER TO app;");
}

/// Says something at once, past the harness.
pub(super) fn tell(text: &str) {
    writeln!(io::stderr(), "{text}").ok();
}

impl Case {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let feed = dice.pick(&Feed::ALL);
        let is_script = matches!(feed, Feed::File | Feed::Stdin);
        let streams = if is_script && dice.chance(25) {
            Streams::Nowhere
        } else if is_script {
            Streams::Terminal { out: dice.chance(50), err: dice.chance(70) }
        } else {
            Streams::Terminal { out: true, err: true }
        };
        let mut ways = vec![
            Way::Enter,
            Way::Escape,
            Way::Word("no"),
            Way::Word("orders"),
            Way::CtrlC,
            Way::CtrlD,
            Way::Timeout,
            Way::Killed,
            Way::ClientKilled,
            Way::Terminated,
            Way::HungUp,
            Way::KilledAnyTime(dice.below(400) as u64),
        ];
        if !is_script {
            ways.push(Way::ClientInterrupted);
        }
        if !feed.is_top_level() || feed == Feed::Typed {
            ways.push(Way::Released);
        }
        let way = dice.pick(&ways);
        let is_piped = dice.chance(60);
        let is_single = is_script && dice.chance(15);
        let script = write(dice, feed, is_single);
        let way = if way == Way::Released && script.expected.is_forged { Way::Enter } else { way };
        Self { feed, way, streams, is_piped, is_single, script }
    }

    /// Plays it.
    pub(super) fn play(&self, world: &mut World) {
        let port = crate::support::postgres::cluster().port;
        let timeout = if self.way == Way::Timeout { "1s" } else { "15m" };
        let config = format!(
            "[[target]]\nname = \"orders-prod\"\ntier = \"production\"\nmatch = [\"localhost:{port}\"]\n\
             [hours]\nlate = \"22:00-06:00\"\ntimezone = \"Europe/Berlin\"\n\
             [hold]\ntimeout = \"{timeout}\"\ntimeout_no_terminal = \"{timeout}\"\npaste_quiet = \"60ms\"\n\
             [look]\nbanner = false\n[impact]\nenabled = false\n"
        );
        world.write("config.toml", &config);
        let path = world.home().join("config.toml");
        world.set("NIGHTLATCH_CONFIG", path.to_str().expect("UTF-8"));
        world.set("PAGER", "cat");
        world.database.sql("TRUNCATE trail");
        world.write("script.sql", &self.script.text);
        for (name, text) in &self.script.files {
            world.write(name, text);
        }
        drop(fs::remove_file(world.home().join(".psql_history")));
        match (self.feed, self.streams) {
            (Feed::File | Feed::Stdin, Streams::Nowhere) => self.run_nowhere(world),
            (Feed::File | Feed::Stdin, Streams::Terminal { out, err }) => {
                self.run_script(world, out, err);
            }
            _ => self.run_session(world),
        }
    }

    fn args(&self, world: &World) -> Vec<String> {
        let mut args = vec![world.database.uri("app")];
        if self.is_single {
            args.push("-1".to_owned());
        }
        match self.feed {
            Feed::File => args.extend(["-f".to_owned(), "script.sql".to_owned()]),
            Feed::Stdin if self.is_single => args.extend(["-f".to_owned(), "-".to_owned()]),
            _ => {}
        }
        args
    }

    fn run_nowhere(&self, world: &World) {
        let args = self.args(world);
        let input = if self.feed == Feed::Stdin { self.script.text.as_str() } else { "" };
        let output = run(without_terminal(world, &world.wrapped(&args)), input);
        world.assert_nothing_left();
        world.database.wait_until_alone();
        world.database.assert_untouched();
        let expected = &self.script.expected;
        let trail = trail(world);
        // What could be read beforehand was refused before anything ran.
        let is_early = trail.is_empty() && output.status.code() == Some(125);
        let is_at_it = expected.is_reached && output.status.code() == Some(125);
        let is_over = !expected.is_reached && output.status.code() == Some(3);
        let is_refused = is_early || is_at_it || is_over;
        assert!(is_refused && (is_early || self.is_right(&trail)), "{trail:?} {output:?}");
    }

    fn run_script(&self, world: &World, out: bool, err: bool) {
        let args = self.args(world);
        let mut command = world.wrapped(&args);
        if !out {
            command.stdout(File::create(world.home().join("out.txt")).expect("out"));
        }
        if !err {
            command.stderr(File::create(world.home().join("err.txt")).expect("err"));
        }
        let is_stdin = self.feed == Feed::Stdin;
        if is_stdin && self.is_piped {
            command.stdin(slowly(&self.script.text));
        } else if is_stdin {
            command.stdin(File::open(world.home().join("script.sql")).expect("script"));
        }
        let mut pty = Pty::spawn_with(command, [!is_stdin, out, err]);
        self.refuse_and_look(world, &mut pty);
    }

    fn run_session(&self, world: &World) {
        let mut pty = world.open();
        let text = &self.script.text;
        match self.feed {
            Feed::Include => pty.line("\\i script.sql"),
            Feed::Typed => self.type_lines(world, &mut pty),
            Feed::Pasted => pty.paste_plain(&with_end(text)),
            Feed::Bracketed => {
                pty.paste_bracketed(text);
                pty.press(Key::Enter);
            }
            Feed::Ahead => {
                pty.line("select pg_sleep(0.2);");
                pty.paste_plain(&with_end(text));
            }
            Feed::File | Feed::Stdin => {}
        }
        self.refuse_and_look(world, &mut pty);
    }

    /// Types each line after the prompt, up to the question.
    fn type_lines(&self, world: &World, pty: &mut Pty) {
        let mut lines = self.script.text.lines();
        for line in &mut lines {
            pty.line(line);
            if wait_for_prompt_or_question(world, pty) != Stand::Prompt {
                break;
            }
        }
        if self.way == Way::Released {
            if !pty.recent().contains(QUESTION) {
                return;
            }
            release(world, pty);
            wait_for_prompt_or_question(world, pty);
            for line in lines {
                pty.line(line);
                wait_for_prompt_or_question(world, pty);
            }
        } else if !pty.recent().contains(QUESTION) {
            // The script lacks its last line end or semicolon.
            pty.line(";");
            wait_for_prompt_or_question(world, pty);
        }
    }

    fn refuse_and_look(&self, world: &World, pty: &mut Pty) {
        let is_script = matches!(self.feed, Feed::File | Feed::Stdin);
        let expected = &self.script.expected;
        if let Way::KilledAnyTime(after) = self.way {
            pty.watch_for(Duration::from_millis(after));
            // It may have ended by itself.
            kill(pty.pid, Signal::SIGKILL).ok();
            pty.wait_for_exit();
            world.assert_nothing_left();
            world.database.wait_until_alone();
            world.database.assert_untouched();
            let trail = trail(world);
            let ran = &expected.released;
            assert!(trail.is_subset(ran) || trail.is_subset(&expected.refused), "{trail:?}");
            return;
        }
        if self.way == Way::Released {
            return self.release_and_look(world, pty);
        }
        if !expected.is_reached {
            if is_script {
                assert_eq!(pty.finish().code(), Some(3), "{}", pty.dump());
            } else {
                assert_eq!(
                    wait_for_prompt_or_question(world, pty),
                    Stand::Prompt,
                    "{}",
                    pty.dump()
                );
                pty.line("\\q");
                pty.finish();
            }
            return self.look(world);
        }
        pty.wait_for(QUESTION);
        if self.way != Way::Timeout {
            pty.wait_for_silence(PAUSE);
        }
        assert!(!pty.recent().contains("nightlatch: released"), "{}", pty.dump());
        match self.way {
            Way::Enter => pty.press(Key::Enter),
            Way::Escape => pty.press(Key::Escape),
            Way::Word(word) => pty.answer(word),
            Way::CtrlC => pty.press(Key::Ctrl('c')),
            Way::CtrlD => pty.press(Key::Ctrl('d')),
            Way::Killed => pty.kill(Signal::SIGKILL),
            Way::Terminated => pty.kill(Signal::SIGTERM),
            Way::HungUp => pty.hang_up(),
            Way::ClientKilled => signal_client(world, Signal::SIGKILL),
            Way::ClientInterrupted => signal_client(world, Signal::SIGINT),
            Way::Timeout | Way::KilledAnyTime(_) | Way::Released => {}
        }
        match self.way {
            Way::HungUp => {}
            Way::Killed | Way::Terminated | Way::ClientKilled => drop(pty.wait_for_exit()),
            _ if is_script => {
                assert_eq!(pty.finish().code(), Some(125), "{}", pty.dump());
            }
            _ => {
                pty.wait_for("nightlatch: cancelled");
                assert_eq!(
                    wait_for_prompt_or_question(world, pty),
                    Stand::Prompt,
                    "{}",
                    pty.dump()
                );
                pty.wait_for_silence(PAUSE);
                pty.line("\\q");
                assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
            }
        }
        self.look(world);
    }

    fn release_and_look(&self, world: &World, pty: &mut Pty) {
        let is_script = matches!(self.feed, Feed::File | Feed::Stdin);
        let expected = &self.script.expected;
        if expected.is_reached && self.feed != Feed::Typed {
            release(world, pty);
        }
        if is_script {
            pty.finish();
        } else {
            wait_for_prompt_or_question(world, pty);
            pty.line("\\q");
            pty.finish();
        }
        world.assert_nothing_left();
        world.database.wait_until_alone();
        let trail = trail(world);
        world.database.reset();
        furnish(world);
        if !self.is_single {
            assert_eq!(trail, expected.released, "released\n{}", pty.dump());
        }
    }

    /// Tells whether that is what must have run before the refusal.
    fn is_right(&self, trail: &BTreeSet<u32>) -> bool {
        let expected = &self.script.expected;
        // One transaction for all of it takes back all but what the script itself has committed.
        if expected.is_forged || self.is_single {
            trail.is_subset(&expected.refused)
        } else {
            *trail == expected.refused
        }
    }

    /// Looks at what is there, on a second connection.
    fn look(&self, world: &World) {
        world.assert_nothing_left();
        world.database.wait_until_alone();
        world.database.assert_untouched();
        assert!(!world.database.is_touched(), "rows are changed");
        let trail = trail(world);
        let is_right = self.is_right(&trail);
        assert!(is_right, "ran: {trail:?}, expected: {:?}", self.script.expected.refused);
    }
}

/// Where a session stands.
#[derive(Debug, PartialEq, Eq)]
enum Stand {
    Prompt,
    Question,
}

/// Waits for any prompt of psql's, or for our question, since the last key.
fn wait_for_prompt_or_question(world: &World, pty: &mut Pty) -> Stand {
    let name = &world.database.name;
    let end = pty.deadline();
    loop {
        let recent = pty.recent();
        let cancelled = recent.rfind("nightlatch: cancelled");
        if recent.rfind(QUESTION) > cancelled.or(recent.rfind("nightlatch: released")) {
            return Stand::Question;
        }
        // The echo of the line comes first, with its line end.
        let last = recent.rsplit('\n').next().unwrap_or_default();
        let is_prompt = recent.contains('\n')
            && last.ends_with("> ")
            && (last.ends_with(">> ")
                || last.rfind(name.as_str()).is_some_and(|at| last.len() - at <= name.len() + 4));
        if is_prompt {
            return Stand::Prompt;
        }
        assert!(!pty.is_hopeless(end), "neither a prompt nor a question\n{}", pty.dump());
    }
}

/// Waits for the question and gives the word.
fn release(world: &World, pty: &mut Pty) {
    pty.wait_for(QUESTION);
    pty.wait_for_silence(PAUSE);
    pty.answer(&world.database.name);
    pty.wait_for("nightlatch: released");
}

/// The numbers that were left.
fn trail(world: &World) -> BTreeSet<u32> {
    let text = world.database.sql("SELECT n FROM trail ORDER BY n");
    text.lines().map(|line| line.parse().expect("a number")).collect()
}

fn with_end(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Sends a signal to the client itself.
fn signal_client(world: &World, signal: Signal) {
    let processes = world.processes();
    let client = processes.iter().find(|process| process.name == "psql").expect("a client");
    kill(Pid::from_raw(client.pid), signal).expect("it is there");
}

/// A pipe that is filled bit by bit.
fn slowly(text: &str) -> Stdio {
    let (reader, mut writer) = io::pipe().expect("pipe");
    let text = text.to_owned();
    let fill = move || {
        for chunk in text.as_bytes().chunks(37) {
            if writer.write_all(chunk).is_err() {
                return;
            }
            nix::poll::poll(&mut [], 1_u8).ok();
        }
    };
    std::thread::Builder::new().name("writer".to_owned()).spawn(fill).expect("a thread");
    reader.into()
}
