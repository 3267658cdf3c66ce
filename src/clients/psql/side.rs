//! The side connection of a psql session: what it asks, and when it need not ask again.

use super::identity;
use super::inquire::Inquirer;
use super::routines;
use crate::clients::{Inquiry, PromptFacts, ServerIdentity, Side};
use crate::lang::Effect;
use crate::lang::postgres::{Told, may_reach};
use crate::os::random;
use crate::session::drift::Drift;

/// Asks for one session.
#[derive(Debug)]
pub struct PsqlSide {
    inquirer: Inquirer,
    /// Whether prompts tell where the session is: until the first one nobody knows.
    has_prompts: bool,
    /// The connection whose functions have been asked for, and what frames the answer.
    asked: Option<(Option<u32>, String)>,
    /// What frames the server's answer to who it is.
    identity: Option<String>,
}

impl PsqlSide {
    /// Makes the side of a session.
    #[must_use]
    pub fn new(inquirer: Inquirer, has_prompts: bool) -> Self {
        Self { inquirer, has_prompts, asked: None, identity: None }
    }

    /// Returns whether it is known where to ask.
    fn knows(&self, facts: Option<&PromptFacts>) -> bool {
        facts.is_some() || !self.has_prompts
    }
}

impl Side for PsqlSide {
    fn inquire(
        &self,
        text: &str,
        effects: &[Effect],
        facts: Option<&PromptFacts>,
        drift: Drift,
    ) -> Option<Inquiry> {
        self.knows(facts).then(|| self.inquirer.inquire(text, effects, facts, drift))?
    }

    fn identify(&mut self, facts: Option<&PromptFacts>) -> Option<Inquiry> {
        if !self.knows(facts) {
            return None;
        }
        let token = random::token();
        let script = identity::script(&token);
        self.identity = Some(token);
        self.inquirer.ask(&script, Box::new(routines::Text), facts)
    }

    fn identified(&self, answer: &str) -> Option<ServerIdentity> {
        identity::read(answer, self.identity.as_deref()?)
    }

    fn look_up(&mut self, texts: &[String], facts: Option<&PromptFacts>) -> Option<Inquiry> {
        let pid = facts.and_then(|facts| facts.backend_pid);
        // Once for each connection: the answer is a whole list.
        let is_known = self.asked.as_ref().is_some_and(|(asked, _)| *asked == pid);
        if is_known || !self.knows(facts) || !texts.iter().any(|text| may_reach(text)) {
            return None;
        }
        let token = random::token();
        let script = routines::script(&token);
        let inquiry = self.inquirer.ask(&script, Box::new(routines::Text), facts);
        self.asked = Some((pid, token));
        inquiry
    }

    fn looked_up(&self, answer: &str) -> Told {
        let token = self.asked.as_ref().map(|(_, token)| token.as_str());
        token.map(|token| routines::read(answer, token)).unwrap_or_default()
    }
}
