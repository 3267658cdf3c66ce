//! Sessions that are killed at any moment: every statement that reached the server is in the log.
//!
//! `NIGHTLATCH_TEST_KILLS=1000` kills that many instead of a few.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::{Child, Stdio};
use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::record::prune::Limits;
use nightlatch::record::{find, tidy};
use nightlatch::store::Store;
use nix::sys::signal::Signal;

use super::{read_all, values};
use crate::support::pty::Pty;
use crate::support::tool::{Tool, kills, needs};
use crate::support::world::{Tier, World};

/// Sessions that are killed when nobody asks for more.
const USUAL: usize = 40;

/// Worlds at the same time: the machine is to be busy, but not so that nothing gets anywhere.
const WORLDS: usize = 3;

/// Statements that one session wants to run: more than it lives for.
const STATEMENTS: u32 = 4_000;

/// The longest a session lives, in milliseconds from its start.
const LONGEST_MS: u64 = 900;

/// How a session gets its statements.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Typed at the prompt, faster than it takes them.
    Prompt,
    /// The same, with results of some megabytes among them.
    Results,
    /// A script that the client is asked about one by one.
    Stepped,
    /// A script that was read as a whole.
    Plain,
    /// A script on standard input.
    Stdin,
}

/// Who is killed.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// Everything at once.
    All,
    /// The process a person started: what is behind it has to end by itself, and sends nothing more.
    Ours,
}

const WAYS: [Way; 5] = [Way::Prompt, Way::Results, Way::Stepped, Way::Plain, Way::Stdin];

/// A stream of numbers that look random; the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What became of the sessions of one world.
#[derive(Debug, Default)]
struct Toll {
    sessions: usize,
    logs: usize,
    rows: usize,
    statements: usize,
    tails: usize,
}

#[test]
fn every_statement_that_reached_the_server_is_in_the_log_of_a_killed_session() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) {
        return;
    }
    let count = kills(USUAL);
    let tolls: Vec<Toll> = std::thread::scope(|scope| {
        let worlds: Vec<_> = (0..WORLDS)
            .map(|world| {
                let share = count / WORLDS + usize::from(world < count % WORLDS);
                scope.spawn(move || kill_many(world as u64, share))
            })
            .collect();
        worlds.into_iter().map(|world| world.join().expect("no panic")).collect()
    });
    let sum = |what: fn(&Toll) -> usize| tolls.iter().map(what).sum::<usize>();
    let (rows, logs) = (sum(|toll| toll.rows), sum(|toll| toll.logs));
    println!(
        "{} sessions killed: {logs} logs, {} statements in them, {rows} rows on the servers, {} \
         ends repaired",
        sum(|toll| toll.sessions),
        sum(|toll| toll.statements),
        sum(|toll| toll.tails),
    );
    assert!(rows > count, "the sessions were killed before they did anything: {rows} rows");
    assert!(logs > count / 2, "{logs} logs");
}

/// Kills sessions one after the other in one world.
fn kill_many(seed: u64, count: usize) -> Toll {
    let world = World::new(Tier::Development);
    // On a machine too busy to write for a second, a statement goes on and the screen says so. That
    // is not what is tried here.
    world.add_config("[record]\njournal_wait = \"60s\"\n");
    world.database.sql("CREATE TABLE killed (session int, n int)");
    world.database.sql("GRANT ALL ON killed TO app");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
    for session in 0..count {
        let way = WAYS[session % WAYS.len()];
        let life = Duration::from_millis(dice.below(LONGEST_MS));
        let death = if dice.below(2) == 0 { Death::All } else { Death::Ours };
        live_and_die(&world, session as u32, (way, death), life);
    }
    world.database.wait_until_alone();
    let rows: BTreeSet<(u32, u32)> = world
        .database
        .sql("SELECT session || ' ' || n FROM killed")
        .lines()
        .map(|row| {
            let (session, n) = row.split_once(' ').expect("two numbers");
            (session.parse().expect("a number"), n.parse().expect("a number"))
        })
        .collect();
    // As the kills left it, but for what was tidied up meanwhile.
    let recorded =
        values(&read_all(&world.data()).into_iter().flat_map(|r| r.statements).collect::<Vec<_>>());
    if let Some((session, n)) = rows.difference(&recorded).next() {
        let of = recorded.iter().filter(|(of, _)| of == session).count();
        let said = std::fs::read_to_string(world.home().join(format!("said-{session}")));
        panic!("row {n} of session {session} is not in the log, which has {of}; it said {said:?}");
    }

    // The next start puts everything in order.
    world.assert_nothing_left();
    let limits = Limits::NONE;
    tidy::run(&world.data(), limits, Clock::system().now()).expect("tidied");
    assert_eq!(
        tidy::run(&world.data(), limits, Clock::system().now()).expect("tidied").repaired,
        0
    );
    let logs = read_all(&world.data());
    for (log, found) in logs.iter().zip(find::all(&world.data()).expect("sessions")) {
        let is_told = log.gaps.iter().any(|(what, _)| what == "tail");
        assert!(log.has_exit != is_told, "{}: {:?}", found.path.display(), log.gaps);
        for entry in found.path.parent().expect("a folder").read_dir().expect("a folder") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            assert!(name.ends_with(".cast") || name.ends_with(".cast.zst"), "{name} is left");
        }
    }
    // As every command that looks back begins.
    let mut store = Store::open(&world.data()).expect("an index");
    let indexed = store.update().expect("indexed");
    assert_eq!((indexed.sessions, indexed.unreadable), (logs.len(), Vec::<String>::new()));
    Toll {
        sessions: count,
        logs: logs.len(),
        rows: rows.len(),
        statements: recorded.len(),
        tails: logs.iter().filter(|log| !log.has_exit).count(),
    }
}

/// Runs one session, and kills it after a time.
fn live_and_die(world: &World, session: u32, (way, death): (Way, Death), life: Duration) {
    let clock = Clock::system();
    let uri = world.database.uri("app");
    match way {
        Way::Prompt | Way::Results => {
            let mut pty = Pty::spawn(world.wrapped([uri]));
            for n in 0..STATEMENTS {
                let mut line = format!("INSERT INTO killed VALUES ({session}, {n});\n");
                if matches!(way, Way::Results) && n % 20 == 10 {
                    line.push_str("\\pset pager off\nSELECT n, md5(n::text), repeat('x', 60) FROM generate_series(1, 40000) n;\n");
                }
                if clock.elapsed() >= life {
                    break;
                }
                pty.paste_plain(&line);
            }
            while let Some(left) = life.checked_sub(clock.elapsed()).filter(|left| !left.is_zero())
            {
                pty.pump(left.min(Duration::from_millis(20)));
            }
            match death {
                Death::All => world.kill_all(),
                Death::Ours => pty.kill(Signal::SIGKILL),
            }
        }
        Way::Stepped | Way::Plain | Way::Stdin => {
            let mut script = match way {
                Way::Stepped => "\\set x 1\n".to_owned(),
                _ => String::new(),
            };
            for n in 0..STATEMENTS {
                writeln!(script, "INSERT INTO killed VALUES ({session}, {n});").expect("memory");
            }
            let file = world.write("script.sql", &script);
            let mut command = match way {
                Way::Stdin => {
                    let mut command = world.wrapped([uri.as_str(), "-q"]);
                    command.stdin(std::fs::File::open(&file).expect("the script"));
                    command
                }
                _ => {
                    let mut command =
                        world.wrapped([uri.as_str(), "-q", "-f", file.to_str().expect("UTF-8")]);
                    command.stdin(Stdio::null());
                    command
                }
            };
            let said = std::fs::File::create(world.home().join(format!("said-{session}")));
            command.stdout(Stdio::null()).stderr(said.expect("a file"));
            let mut child = command.spawn().expect("nightlatch starts");
            wait_at_most(&mut child, &clock, life);
            match death {
                Death::All => world.kill_all(),
                Death::Ours => child.kill().expect("it can be killed"),
            }
            child.wait().expect("it can be waited for");
        }
    }
    world.assert_nothing_left();
}

fn wait_at_most(child: &mut Child, clock: &Clock, life: Duration) {
    while clock.elapsed() < life && child.try_wait().expect("it can be looked at").is_none() {
        nix::poll::poll(&mut [], 1_u8).ok();
    }
}
