//! Random scripts brought in on random ways, with one destructive statement that is refused in a
//! random way: it does not run, all before it did, nothing after it does, and nothing is left.
//!
//! A few cases by default; `NIGHTLATCH_STRESS_CASES=5000` for more, `NIGHTLATCH_STRESS_SEED` for
//! others. A failure names its seed: with it and one case the same script comes again.

mod play;
mod script;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use self::script::Dice;
use crate::support::tool::{Tool, is_rehearsal, needs, variable};
use crate::support::world::{Tier, World};

/// How many cases the suite plays.
const CASES: u64 = 100;

/// How many are played at the same time.
const PLAYERS: usize = 4;

/// How a script comes to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feed {
    /// `-f FILE`.
    File,
    /// `-f -` or nothing, from a file or a pipe.
    Stdin,
    /// `\i FILE` at the prompt.
    Include,
    /// Line by line, each after the prompt.
    Typed,
    /// All at once.
    Pasted,
    /// All at once, in brackets.
    Bracketed,
    /// All at once, while another statement runs.
    Ahead,
}

impl Feed {
    const ALL: [Self; 7] = [
        Self::File,
        Self::Stdin,
        Self::Include,
        Self::Typed,
        Self::Pasted,
        Self::Bracketed,
        Self::Ahead,
    ];

    /// Whether its lines come to the prompt: an error never ends that.
    pub(crate) fn is_top_level(self) -> bool {
        matches!(self, Self::Typed | Self::Pasted | Self::Bracketed | Self::Ahead)
    }

    /// Whether meta commands end with their line, and lines behind a COPY are its data.
    pub(crate) fn takes_commands(self) -> bool {
        // A bracketed paste is one line to the client, and its data would come from the terminal.
        self != Self::Bracketed
    }
}

fn number(name: &str) -> Option<u64> {
    variable(name)?.to_str()?.parse().ok()
}

#[test]
fn refused_scripts_stop_where_they_are() {
    if !needs(&[Tool::Psql, Tool::Postgres, Tool::TestClock]) || is_rehearsal() {
        return;
    }
    let first = number("NIGHTLATCH_STRESS_SEED").unwrap_or(1);
    let cases = number("NIGHTLATCH_STRESS_CASES").unwrap_or(CASES);
    let next = AtomicU64::new(first);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                let mut world = World::new(Tier::Production);
                play::furnish(&world);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + cases {
                        return;
                    }
                    let case = play::Case::draw(&mut Dice::new(seed));
                    let played = catch_unwind(AssertUnwindSafe(|| case.play(&mut world)));
                    if let Err(panic) = played {
                        let what = panic
                            .downcast_ref::<String>()
                            .cloned()
                            .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
                            .unwrap_or_default();
                        let failure = format!("seed {seed}: {case:#?}\n{what}");
                        play::tell(&failure);
                        failures.lock().expect("no panic while it is held").push(failure);
                        // What the case has left behind must not fail the next.
                        world = World::new(Tier::Production);
                        play::furnish(&world);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic while it is held");
    assert!(
        failures.is_empty(),
        "{} of {cases} cases from seed {first} failed:\n{}",
        failures.len(),
        failures.join("\n==========\n")
    );
}
