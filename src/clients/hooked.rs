//! A client with our hook inside it: started with little more than its own arguments, and left alone
//! from then on, for the hook tells all there is to tell.

use std::ffi::OsString;

use super::launcher::Decide;
use crate::clients::{Hook, Input, Interactive, Launcher, Preflight, Submitted, Tap, Unseen};
use crate::os::term::Terminals;
use crate::policy::Facts;
use crate::session::keys::Keys;
use crate::target::{Address, Decided, Known, for_address};
use crate::world::World;

/// A command line of such a client, read.
#[derive(Debug)]
pub struct Hooked {
    words: Vec<String>,
    is_bare: bool,
    is_at_terminal: bool,
    decide: Decide,
    hook: Hook,
}

impl Hooked {
    /// Takes what was read of a command line: whether it is run bare, and what says where it
    /// connects.
    #[must_use]
    pub fn new(
        words: Vec<String>,
        is_bare: bool,
        terminals: Terminals,
        decide: Decide,
        hook: Hook,
    ) -> Self {
        Self { words, is_bare, is_at_terminal: terminals.stdin && terminals.stdout, decide, hook }
    }
}

impl Launcher for Hooked {
    fn is_bare(&self) -> bool {
        self.is_bare
    }

    fn is_interactive(&self) -> bool {
        // A script that a person watches is one they can answer for: it is refused, not ended.
        self.is_at_terminal
    }

    fn decide(&self, known: &Known<'_>, world: &World) -> Decided {
        let all = (self.decide)(&self.words, world, known).unwrap_or_default();
        // What the client itself will refuse goes nowhere.
        all.into_iter().next().unwrap_or_else(|| for_address(&Address::default(), known))
    }

    fn preflight(&self, _facts: &Facts, _address: &Address, _world: &World) -> Preflight {
        Preflight::default()
    }

    fn input(&self) -> Option<Input> {
        Some(Input::Data)
    }

    fn is_asked_too(&self) -> bool {
        false
    }

    fn tap(&self, _nonce: &str) -> Option<Box<dyn Tap>> {
        None
    }

    fn interactive(&self) -> Option<Box<dyn Interactive>> {
        if self.is_at_terminal { Some(Box::new(HookedPrompt)) } else { None }
    }

    fn tapped_args(&self, _nonce: &str) -> Vec<OsString> {
        Vec::new()
    }

    fn start_up_file(&self, _nonce: &str, _teller: &str) -> Option<(&'static str, String)> {
        None
    }

    fn hook(&self) -> Option<Hook> {
        Some(self.hook.clone())
    }
}

/// A person at its prompt: nothing is read there.
#[derive(Debug)]
struct HookedPrompt;

impl Interactive for HookedPrompt {
    fn keys(&self) -> Keys {
        // Its keys go straight to it.
        Keys::default()
    }

    fn unseen(&mut self, _submitted: &Submitted<'_>) -> Unseen {
        Unseen::default()
    }

    fn interrupted(&mut self) {}
}
