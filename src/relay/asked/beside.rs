//! What a server is asked before an operation on it is judged: which functions it has, and what they do.

use std::io;

use super::Relay;
use crate::relay::probe::functions;
use crate::tap::Operation;
use crate::target::Tier;

impl Relay {
    /// Asks the server that an operation goes to for its functions, once, where its texts may run some
    /// and the hook tells how to log in. What does not come in time stays unknown.
    pub(super) fn look_beside(&mut self, operation: &Operation) -> io::Result<()> {
        let (Some(asking), Some(sql)) = (&self.asking, &operation.sql) else { return Ok(()) };
        let Some(mut side) = (asking.hook.side)(operation) else { return Ok(()) };
        let Some(decided) = self.keeper.unasked(operation).cloned() else { return Ok(()) };
        let Some(inquiry) = side.look_up(std::slice::from_ref(sql), None) else { return Ok(()) };
        let program = inquiry.program.display().to_string();
        let answer = functions(inquiry, &self.keeper);
        let told = answer.as_ref().map(|answer| side.looked_up(answer)).unwrap_or_default();
        self.keeper.learn_at(operation, told);
        // Nothing at all is printed where it is not let in.
        let is_silent = answer.is_none_or(|answer| answer.is_empty());
        if is_silent && decided.target.tier == Tier::Production {
            let place = &decided.target.address;
            return self.warn(&format!(
                "{program} could not ask {place} for its functions: a call of one that deletes is taken for a read"
            ));
        }
        Ok(())
    }
}
