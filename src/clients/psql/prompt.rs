//! A person at psql's prompt: what a submitted line does that single-step does not tell.

use std::path::PathBuf;

use super::inquire::Inquirer;
use super::meta::{State, Variables};
use super::routines;
use super::unseen::{Place, changes_strings, doubtful_strings, unseen};
use crate::clients::{Inquiry, Interactive, PromptFacts, Submitted, Unseen};
use crate::lang::Effect;
use crate::lang::postgres::{Told, may_reach};
use crate::os::random;
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
    /// The connection whose functions have been asked for, and what frames the answer.
    asked: Option<(Option<u32>, String)>,
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
        Self { state, has_odd_strings: false, home, inquirer, asked: None, keys }
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

    fn look_up(&mut self, texts: &[String], facts: Option<&PromptFacts>) -> Option<Inquiry> {
        let (inquirer, facts) = (self.inquirer.as_ref()?, facts?);
        // Once for each connection: the answer is a whole list.
        let is_known = self.asked.as_ref().is_some_and(|(pid, _)| *pid == facts.backend_pid);
        if is_known || !texts.iter().any(|text| may_reach(text)) {
            return None;
        }
        let token = random::token();
        let inquiry = inquirer.ask(&routines::script(&token), Box::new(routines::Text), facts);
        self.asked = Some((facts.backend_pid, token));
        inquiry
    }

    fn looked_up(&self, answer: &str) -> Told {
        let token = self.asked.as_ref().map(|(_, token)| token.as_str());
        token.map(|token| routines::read(answer, token)).unwrap_or_default()
    }
}
