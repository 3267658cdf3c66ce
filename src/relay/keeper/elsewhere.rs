//! What else is open: looked at when the person comes back to a production session.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::Keeper;
use crate::record;
use crate::target::{Target, Tier};
use crate::ui::visible;

/// How long a statement waits for a look at the other sessions, from when it began.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is said where nobody can look: then others may be open.
const UNSEEN: &str = "which other sessions are open cannot be seen";

/// Whether the person has come back, and from what.
#[derive(Debug, Default)]
pub(super) enum Return {
    /// They have not been away, or have written since.
    #[default]
    None,
    /// What else is open is being looked at, until then.
    Looking(Receiver<Option<String>>, Duration),
    /// The next write is asked for, because of this.
    Asks(String),
}

impl Keeper {
    /// The person has come back to this session's terminal. It is found out beside what they do
    /// whether others are open where less depends on what is typed.
    pub fn came_back(&mut self) {
        let is_guarded = self.config.wrong_tab && self.decided.target.tier == Tier::Production;
        if !is_guarded || !matches!(self.returned, Return::None) {
            return;
        }
        let own = self.recorder.as_ref().map(|recorder| recorder.session().to_owned());
        let Some((data_dir, own)) = self.hours.data_dir().map(Path::to_owned).zip(own) else {
            return;
        };
        let (sender, found) = channel();
        let look = move || {
            let others = record::elsewhere(&data_dir, &own);
            let told = others.map_or_else(|_| Some(UNSEEN.to_owned()), |others| words(&others));
            sender.send(told).ok()
        };
        let begun = thread::Builder::new().name("elsewhere".to_owned()).spawn(look);
        self.returned = match begun {
            Ok(_) => Return::Looking(found, self.clock.elapsed() + PATIENCE),
            Err(_) => Return::Asks(UNSEEN.to_owned()),
        };
    }

    /// Returns what is open elsewhere, where the person has come back from there and not written
    /// since.
    pub(super) fn returned(&mut self) -> Option<String> {
        if let Return::Looking(found, due) = &self.returned {
            let left = due.saturating_sub(self.clock.elapsed());
            self.returned = match found.recv_timeout(left) {
                Ok(None) => Return::None,
                Ok(Some(told)) => Return::Asks(told),
                Err(_) => Return::Asks(UNSEEN.to_owned()),
            };
        }
        match &self.returned {
            Return::Asks(told) => Some(told.clone()),
            Return::None | Return::Looking(..) => None,
        }
    }

    /// Takes note that something was let through that writes.
    pub(super) fn wrote(&mut self, now: Duration) {
        self.last_write = Some(now);
        self.returned = Return::None;
    }
}

/// Says what is open where less is at stake; none if nothing is.
fn words(others: &[Target]) -> Option<String> {
    let mut found: Vec<&Target> =
        others.iter().filter(|target| target.tier != Tier::Production).collect();
    found.sort_by_key(|target| std::cmp::Reverse(target.tier));
    let (first, rest) = found.split_first()?;
    let label = visible::one_line(&first.label());
    let first = match first.tier {
        Tier::Unknown => label.to_string(),
        tier => format!("{tier} {label}"),
    };
    Some(match rest.len() {
        0 => format!("{first} is open too"),
        1 => format!("{first} and another session are open too"),
        more => format!("{first} and {more} other sessions are open too"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_elsewhere_is_said_in_a_line() {
        let target = |tier, name: &str| {
            let name = Some(name.to_owned());
            Target { tier, name, ..Target::default() }
        };
        let live = target(Tier::Production, "live");
        let stage = target(Tier::Staging, "shop-stage");
        let (other, own) = (target(Tier::Unknown, "db"), target(Tier::Development, "mine"));
        for (open, said) in [
            (&[][..], None),
            (&[live.clone(), live.clone()], None),
            (&[live, own.clone()], Some("development mine is open too")),
            (
                &[own.clone(), stage.clone()],
                Some("staging shop-stage and another session are open too"),
            ),
            (&[own.clone(), own, other.clone()], Some("db and 2 other sessions are open too")),
        ] {
            assert_eq!(words(open).as_deref(), said, "{open:?}");
        }
    }
}
