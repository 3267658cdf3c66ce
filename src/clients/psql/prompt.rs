//! A person at psql's prompt: what a submitted line does that single-step does not tell.

use std::path::PathBuf;

use super::inquire::Inquirer;
use super::meta::State;
use super::routines;
use super::unseen::{Place, unseen};
use crate::clients::{Inquiry, Interactive, PromptFacts, RoutineText, Submitted, Unseen};
use crate::lang::Effect;
use crate::os::random;
use crate::session::drift::Drift;
use crate::session::keys::Keys;

/// psql's prompt.
#[derive(Debug)]
pub struct PsqlPrompt {
    state: State,
    home: Option<PathBuf>,
    inquirer: Option<Inquirer>,
    /// The connection whose functions have been asked for, and what frames the answer.
    asked: Option<(Option<u32>, String)>,
    keys: Keys,
}

impl PsqlPrompt {
    /// Makes the reader of a session's lines.
    #[must_use]
    pub fn new(home: Option<PathBuf>, inquirer: Option<Inquirer>, keys: Keys) -> Self {
        Self { state: State::default(), home, inquirer, asked: None, keys }
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
        let items = self.state.scan(&format!("{}\n", submitted.line));
        let place = Place {
            cwd: &submitted.cwd,
            folder: &submitted.cwd,
            home: self.home.as_deref(),
            address: submitted.address,
        };
        let mut is_guarded = submitted.is_guarded;
        unseen(items, place, &mut is_guarded)
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
        if is_known || !routines::is_called(texts) {
            return None;
        }
        let token = random::token();
        let inquiry = inquirer.ask(&routines::script(&token), Box::new(routines::Text), facts);
        self.asked = Some((facts.backend_pid, token));
        inquiry
    }

    fn looked_up(&self, answer: &str) -> Vec<RoutineText> {
        let token = self.asked.as_ref().map(|(_, token)| token.as_str());
        token.map(|token| routines::read(answer, token)).unwrap_or_default()
    }
}
