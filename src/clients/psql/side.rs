//! The side connection of a psql session: what it asks of the server (what a held statement would
//! touch, its clock and WAL position, who it is, its functions), and when it need not ask again.

use super::impact::{self, Known, Probe};
use super::inquire::Inquirer;
use super::{identity, moment, routines};
use crate::clients::{Inquiry, PromptFacts, ReadAnswer, ServerIdentity, ServerSaid, Side};
use crate::lang::Effect;
use crate::lang::postgres::{Told, may_reach};
use crate::os::random;
use crate::session::drift::Drift;
use crate::tap::Operation;

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

    /// Makes the side of a driver that logs in to PostgreSQL; none where it does not tell how.
    #[must_use]
    pub fn of_driver(operation: &Operation) -> Option<Box<dyn Side>> {
        let login = operation.login.as_ref()?;
        let inquirer = Inquirer::of_driver(&operation.place, login);
        Some(Box::new(Self::new(inquirer, false)))
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
        if !self.knows(facts) {
            return None;
        }
        let known = Known {
            has_changed_settings: drift.settings,
            has_temporary: drift.temporary,
            has_open_ddl: drift.open_ddl,
        };
        let token = random::token();
        let probe = impact::probe(text, effects, known, &token);
        // Asked first, since the figures may take too long; and again, since they take a while.
        let moment = moment::script(&token);
        let figures =
            probe.as_ref().map(|probe| format!("{}{moment}", probe.script)).unwrap_or_default();
        let has_figures = probe.is_some();
        let script = format!("{moment}{figures}");
        let inquiry = self.inquirer.ask(&script, Box::new(Answer { token, probe }), facts)?;
        Some(Inquiry { has_figures, ..inquiry })
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

/// Reads what the side connection printed.
#[derive(Debug)]
struct Answer {
    token: String,
    probe: Option<Probe>,
}

impl ReadAnswer for Answer {
    fn read(&self, answer: &str) -> Vec<String> {
        let impact = self.probe.as_ref().and_then(|probe| probe.read(answer));
        impact.map(|impact| impact.lines).unwrap_or_default()
    }

    fn server(&self, answer: &str) -> Option<ServerSaid> {
        moment::read(answer, &self.token)
    }
}
