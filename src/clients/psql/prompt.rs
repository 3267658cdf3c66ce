//! A person at psql's prompt: what a submitted line does that single-step does not tell.

use std::path::PathBuf;

use super::inquire::Inquirer;
use super::meta::{State, Variables};
use super::unseen::{Place, changes_strings, doubtful_strings, unseen};
use crate::clients::{Inquiry, Interactive, PromptFacts, Submitted, Unseen};
use crate::lang::Effect;
use crate::session::drift::Drift;
use crate::session::keys::Keys;

/// psql's prompt.
#[derive(Debug)]
pub struct PsqlPrompt {
    state: State,
    /// Whether a line has changed how backslashes in strings are read.
    has_odd_strings: bool,
    home: Option<PathBuf>,
    inquirer: Option<Inquirer>,
    keys: Keys,
}

impl PsqlPrompt {
    /// Makes the reader of a session's lines.
    #[must_use]
    pub fn new(
        home: Option<PathBuf>,
        inquirer: Option<Inquirer>,
        keys: Keys,
        variables: Variables,
    ) -> Self {
        let state = State::following(variables);
        Self { state, has_odd_strings: false, home, inquirer, keys }
    }
}

impl Interactive for PsqlPrompt {
    fn keys(&self) -> Keys {
        self.keys.clone()
    }

    fn unseen(&mut self, submitted: &Submitted<'_>) -> Unseen {
        if submitted.is_fresh && !self.state.is_fresh() {
            self.state.interrupt();
        }
        let doubt = if self.has_odd_strings { doubtful_strings(submitted.line) } else { None };
        self.has_odd_strings |= changes_strings(submitted.line);
        let items = self.state.scan(&format!("{}\n", submitted.line));
        let place = Place {
            cwd: &submitted.cwd,
            folder: &submitted.cwd,
            home: self.home.as_deref(),
            address: submitted.address,
        };
        let mut is_guarded = submitted.is_guarded;
        let mut unseen = unseen(items, place, &mut is_guarded, self.state.variables());
        unseen.effects.extend(doubt);
        unseen
    }

    fn interrupted(&mut self) {
        self.state.interrupt();
    }

    fn inquire(
        &self,
        text: &str,
        effects: &[Effect],
        facts: Option<&PromptFacts>,
        drift: Drift,
    ) -> Option<Inquiry> {
        self.inquirer.as_ref()?.inquire(text, effects, facts?, drift)
    }
}
