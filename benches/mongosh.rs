//! What the guard costs inside mongosh: bare, guarded where nothing is asked, and guarded on production
//! with the question answered; in turns within one run.
//!
//! `cargo bench --bench mongosh --features test-fakes -- [--rounds N]`
//!
//! Nothing here passes or fails. Beside the time stands the processor's, of the client and of all of
//! ours: it does not depend on what else the machine does.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use nightlatch::clock::Clock;
use regex::Regex;

mod figures;
#[path = "../tests/it/real_mongosh/stage.rs"]
#[expect(dead_code, reason = "the tests need more of it than the benchmark")]
mod stage;
#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, reason = "the tests need more of it than the benchmark")]
mod support;

use figures::{milliseconds, rows};
use stage::{NEEDED, PROMPT, Stage};
use support::pty::{PERSON_PAUSE, Pty};
use support::tool::needs;
use support::world::run;

/// What is typed: each runs a thousand times.
const WORKS: &[(&str, &str)] = &[
    ("reads", "db.family.findOne({_id: n % 20})"),
    ("inserts", "db.family.insertOne({_id: 1000 + n})"),
    ("deletes", "db.family.deleteOne({_id: 1000 + n})"),
];

const WAYS: &[&str] = &["bare", "development", "production, released"];

fn main() -> io::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rounds = args.iter().position(|arg| arg == "--rounds");
    let rounds = rounds.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(10);
    if !needs(NEEDED) {
        return Ok(ExitCode::SUCCESS);
    }
    let mut stages = [Stage::new(), Stage::new(), Stage::new()];
    // Nothing is configured there, and this machine's own address is development.
    stages[1].world.set("NIGHTLATCH_CONFIG", "/dev/null");
    starts(&stages, rounds)?;
    loops(&stages, rounds)?;
    Ok(ExitCode::SUCCESS)
}

/// From start to the end of a run that does nothing.
fn starts(stages: &[Stage], rounds: usize) -> io::Result<()> {
    let mut took = vec![Vec::new(); WAYS.len()];
    for round in 0..rounds {
        for at in turns(round) {
            let (stage, args) = (&stages[at], ["--eval", "1"]);
            let command = if at == 0 { stage.bare(&args) } else { stage.wrapped(&args) };
            let clock = Clock::system();
            run(command, "");
            took[at].push(clock.elapsed());
        }
    }
    rows(&mut io::stdout(), "start to the end of --eval 1, ms", WAYS, &took, milliseconds)
}

/// A loop of a thousand, typed at the prompt.
fn loops(stages: &[Stage], rounds: usize) -> io::Result<()> {
    let mut ptys: Vec<Pty> = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        let args: &[&str] = &[];
        let mut pty = Pty::spawn(if at == 0 { stage.bare(args) } else { stage.wrapped(args) });
        pty.wait_for_prompt(PROMPT);
        ptys.push(pty);
    }
    let none = vec![[const { Vec::new() }; 2]; WAYS.len()];
    let mut took = vec![none; WORKS.len()];
    for round in 0..=rounds {
        for ((_, work), took) in WORKS.iter().zip(&mut took) {
            for at in turns(round) {
                let (stage, pty) = (&stages[at], &mut ptys[at]);
                let before = processor(stage);
                let time = time(pty, work);
                // What is compiled and learnt in the first round is no concern here.
                if round > 0 {
                    took[at][0].push(time);
                    took[at][1].push(processor(stage).saturating_sub(before));
                }
            }
        }
    }
    for ((name, _), took) in WORKS.iter().zip(&took) {
        for (kind, title) in ["ms", "ms of a processor"].iter().enumerate() {
            let of_kind: Vec<_> = took.iter().map(|way| way[kind].clone()).collect();
            let title = format!("1,000 {name}, {title}");
            rows(&mut io::stdout(), &title, WAYS, &of_kind, milliseconds)?;
        }
    }
    Ok(())
}

/// Types a loop, answers the question if one comes, and returns what the client says it took.
fn time(pty: &mut Pty, work: &str) -> Duration {
    pty.line(&format!(
        "b = process.hrtime(); for (let n = 0; n < 1000; n++) {work}; \
         e = process.hrtime(b); print('took', (e[0] * 1e6 + e[1] / 1e3).toFixed(), 'us')"
    ));
    let figure = Regex::new(r"took (\d+) us").expect("fits");
    let end = pty.deadline();
    let took = loop {
        let recent = pty.recent();
        if let Some(found) = figure.captures(&recent) {
            break found[1].parse().expect("a number");
        }
        if recent.contains("Enter to cancel:") {
            pty.wait_for_silence(PERSON_PAUSE);
            pty.answer("app");
        }
        assert!(!pty.is_hopeless(end), "{}", pty.dump());
    };
    pty.wait_for_prompt(PROMPT);
    Duration::from_micros(took)
}

/// Returns the processor's time of everything that a stage runs.
fn processor(stage: &Stage) -> Duration {
    let ticks = |pid: i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<u64> =
            text.rsplit(')').next()?.split(' ').filter_map(|field| field.parse().ok()).collect();
        // Without the state, which is no number: user and system time, in hundredths of a second.
        Some(fields.get(10)? + fields.get(11)?)
    };
    let all: u64 = stage.world.processes().iter().filter_map(|process| ticks(process.pid)).sum();
    Duration::from_millis(all * 10)
}

/// Returns the order of a round: each way is first, second and last equally often.
fn turns(round: usize) -> impl Iterator<Item = usize> {
    (0..WAYS.len()).map(move |at| (at + round) % WAYS.len())
}
