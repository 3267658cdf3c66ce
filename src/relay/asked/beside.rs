//! What a server is asked before an operation on it is judged: which functions it has, and what they do.

use std::io;

use super::Relay;
use crate::lang::postgres::Told;
use crate::relay::probe::functions;
use crate::tap::Operation;
use crate::target::Tier;

impl Relay {
    /// Learns what a hook has asked its server for, or has it ask. Returns whether the operation is asked
    /// about again then.
    pub(super) fn hear_beside(&mut self, operation: &mut Operation) -> io::Result<bool> {
        let Some(heard) = operation.told.take() else {
            return Ok(operation.looks && self.keeper.unasked(operation).is_some());
        };
        // It can tell again, what is made from here on.
        operation.looks = true;
        let told = Told { sources: heard.functions, ..Told::default() };
        let is_first = self.keeper.learn_at(operation, told, true);
        let target = self.keeper.placed(operation).target.clone();
        if let (true, Some(why)) = (is_first && target.tier == Tier::Production, heard.unread) {
            let place = target.address;
            self.warn(&format!(
                "the functions of {place} are not all known ({why}): a call of one that deletes is taken for a read"
            ))?;
        }
        Ok(false)
    }

    /// Asks the server that an operation goes to for its functions, until it has told, where the text may
    /// run some and the hook tells how to log in. What does not come in time stays unknown.
    pub(super) fn look_beside(&mut self, operation: &Operation) -> io::Result<()> {
        let (Some(asking), Some(sql)) = (&self.asking, &operation.sql) else { return Ok(()) };
        let Some(mut side) = (asking.hook.side)(operation) else { return Ok(()) };
        let Some(decided) = self.keeper.unasked(operation).cloned() else { return Ok(()) };
        let Some(inquiry) = side.look_up(std::slice::from_ref(sql), None) else { return Ok(()) };
        let program = inquiry.program.display().to_string();
        // Where it cannot be started it will not be the next time.
        let found = functions(inquiry, &self.keeper);
        let (answer, is_whole) = found.unwrap_or_else(|| (String::new(), true));
        // Nothing at all is printed where it is not let in.
        let is_told = is_whole && !answer.is_empty();
        let is_first = self.keeper.learn_at(operation, side.looked_up(&answer), is_whole);
        if is_first && !is_told && decided.target.tier == Tier::Production {
            let place = &decided.target.address;
            return self.warn(&format!(
                "{program} could not ask {place} for its functions: a call of one that deletes is taken for a read"
            ));
        }
        Ok(())
    }
}
