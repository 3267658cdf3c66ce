//! A person at a Python prompt: the guard tells all there is to tell, so nothing is read here.

use crate::clients::{Inquiry, Interactive, PromptFacts, Submitted, Unseen};
use crate::lang::Effect;
use crate::session::drift::Drift;
use crate::session::keys::Keys;

/// Any Python shell's prompt.
#[derive(Debug)]
pub struct PythonPrompt;

impl Interactive for PythonPrompt {
    fn keys(&self) -> Keys {
        // Its keys go straight to it.
        Keys::default()
    }

    fn unseen(&mut self, _submitted: &Submitted<'_>) -> Unseen {
        Unseen::default()
    }

    fn interrupted(&mut self) {}

    fn inquire(
        &self,
        _text: &str,
        _effects: &[Effect],
        _facts: Option<&PromptFacts>,
        _drift: Drift,
    ) -> Option<Inquiry> {
        None
    }
}
