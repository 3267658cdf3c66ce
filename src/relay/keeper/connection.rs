//! Which connection names mean something on: what is let through by its name is so on that one only.

use super::Keeper;
use crate::os::net;
use crate::session::names::Moves;

impl Keeper {
    /// Takes note of the client's process.
    pub fn set_client(&mut self, pid: i32) {
        self.client = Some(pid);
    }

    /// Returns whether something was let through by its name, or may be.
    pub(super) fn leans_on_names(&self) -> bool {
        !self.own.is_empty() || !self.shapes.is_empty() || self.tally.has_released()
    }

    /// Another connection: what was made or released by its name is not there.
    pub(super) fn forget_names(&mut self) {
        self.moves = Moves::default();
        self.own.clear();
        self.shapes.clear();
        self.tally.forget_released();
    }

    /// Forgets what names mean where the client has another connection than when that was learnt:
    /// not every one is told by a prompt.
    pub(super) fn see_connection(&mut self) {
        if self.leans_on_names() && self.client.and_then(net::inodes) != self.sockets {
            self.forget_names();
        }
    }

    /// Takes note of the connection where something leans on names that did not before.
    pub(super) fn note_connection(&mut self, leant: bool) {
        if !leant && self.leans_on_names() {
            self.sockets = self.client.and_then(net::inodes);
        }
    }
}
