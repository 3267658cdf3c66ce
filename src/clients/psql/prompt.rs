//! A person at psql's prompt: what a submitted line does that single-step does not tell.

use std::path::PathBuf;

use super::inquire::Inquirer;
use super::meta::{Variables, Ways};
use super::routines;
use super::unseen::{Guard, Place, unseen};
use crate::clients::{Inquiry, Interactive, PromptFacts, RoutineText, Submitted, Unseen};
use crate::lang::Effect;
use crate::os::random;
use crate::session::drift::Drift;
use crate::session::keys::Keys;

/// What psql has readline insert, unless an inputrc says otherwise.
const COMMENT: &str = "-- ";

/// psql's prompt.
#[derive(Debug)]
pub struct PsqlPrompt {
    input: Ways,
    /// The same before the line that was read last.
    before: Ways,
    /// Whether what an editor leaves is told.
    has_editor: bool,
    home: Option<PathBuf>,
    inquirer: Option<Inquirer>,
    /// The connection whose functions have been asked for, and what frames the answer.
    asked: Option<(Option<u32>, String)>,
    keys: Keys,
    /// What a key may insert that makes a comment of a line.
    comments: Vec<String>,
}

impl PsqlPrompt {
    /// Makes the reader of a session's lines.
    #[must_use]
    pub fn new(
        home: Option<PathBuf>,
        inquirer: Option<Inquirer>,
        (keys, comments): (Keys, Vec<String>),
        variables: Variables,
    ) -> Self {
        let input = Ways::at_prompt(variables);
        let comments = std::iter::once(COMMENT.to_owned()).chain(comments).collect();
        Self {
            before: input.clone(),
            input,
            has_editor: true,
            home,
            inquirer,
            asked: None,
            keys,
            comments,
        }
    }

    /// Returns what psql may be given instead of the line on the screen.
    fn others(&self, submitted: &Submitted<'_>) -> Vec<String> {
        let mut others = Vec::new();
        if submitted.is_commented {
            others = self.commented(submitted.line);
        }
        // So a terminal shows line ends that were typed as text.
        let line = submitted.line.replace("^M", "\r").replace("^J", "\n");
        if line != submitted.line {
            others.push(line);
        }
        others
    }

    /// Makes all that a key may make of a line that inserts a comment. With an argument it takes
    /// away one that is there, and where it has one only the line editor knows.
    fn commented(&self, line: &str) -> Vec<String> {
        let uncommented =
            self.comments.iter().filter_map(|start| line.strip_prefix(start.as_str()));
        let commented = self.comments.iter().map(|start| format!("{start}{line}"));
        uncommented.map(str::to_owned).chain(commented).collect()
    }
}

impl Interactive for PsqlPrompt {
    fn keys(&self) -> Keys {
        self.keys.clone()
    }

    fn unseen(&mut self, submitted: &Submitted<'_>) -> Unseen {
        self.before.clone_from(&self.input);
        if submitted.is_fresh && !self.input.is_fresh() {
            self.input.begin();
        }
        let place = Place {
            cwd: &submitted.cwd,
            folder: &submitted.cwd,
            home: self.home.as_deref(),
            address: submitted.address,
        };
        let mut guard = Guard { asks: submitted.is_guarded, has_editor: self.has_editor };
        let others = self.others(submitted);
        let before = (!others.is_empty()).then(|| self.input.clone());
        let mut read =
            |input: &mut Ways, line: &str| unseen(input, &format!("{line}\n"), place, &mut guard);
        let mut found = read(&mut self.input, submitted.line);
        if let Some(before) = before {
            for line in others {
                let mut input = before.clone();
                found.add(read(&mut input, &line));
                self.input.add(input);
            }
        }
        self.has_editor = guard.has_editor;
        found
    }

    fn edited(&mut self, left: &Submitted<'_>, is_changed: bool) -> Unseen {
        if !is_changed && self.input.is_fresh() {
            return Unseen::default();
        }
        self.input.interrupt();
        self.unseen(left)
    }

    fn withdrawn(&mut self) {
        self.input.clone_from(&self.before);
        self.input.interrupt();
    }

    fn interrupted(&mut self) {
        self.input.interrupt();
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
