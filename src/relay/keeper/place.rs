//! Where the session is, and what is found out of it afterwards.

use super::{Keeper, Return};
use crate::policy::{self, Decision, Facts};
use crate::record::{Marker, Recorder};
use crate::servers;
use crate::target::tunnel::Tunnel;
use crate::target::{Address, Decided, Known, Seen, Tier, for_address};

/// What was found out beside what the client tells.
#[derive(Debug)]
pub enum Found {
    /// What leads from this machine's ports to elsewhere.
    Tunnels(Vec<Tunnel>),
    /// Other names of the host that the client is connected to, each with how it was found.
    Aliases(Vec<(String, String)>),
    /// Who the server is, in words that stay the same through every door.
    Server(String),
}

impl Keeper {
    /// Looks where the session is now; the tier may have changed.
    pub fn move_to(&mut self, address: &Address) {
        self.seen = Seen::default();
        let decided = self.decide(address);
        self.settle_in(decided);
    }

    fn decide(&self, address: &Address) -> Decided {
        let known = Known { seen: Some(&self.seen), ..self.here.known(&self.config.targets) };
        let decided = for_address(address, &known);
        let begun = &self.begun.target.address;
        let is_begun = begun.port == address.port
            && begun.database == address.database
            && begun.host == address.host;
        // What people noted of a service or a password holds as long as the session is there.
        if is_begun { decided.also(self.begun.noted.clone()) } else { decided }
    }

    /// Takes what was found out; returns whether the session is now something else than it was
    /// taken for.
    pub fn find_out(&mut self, found: Found) -> bool {
        match found {
            Found::Tunnels(tunnels) => self.here.learn(tunnels),
            Found::Aliases(aliases) => self.seen.aliases.extend(aliases),
            Found::Server(id) => {
                let now = self.clock.now();
                if let Some(servers) = &self.servers {
                    if self.can_remember() {
                        servers.remember(&id, &self.decided, now);
                    }
                    self.seen.server = servers.recall(&id, &self.decided.target.address);
                }
                self.remark(&format!("server: {id}"));
            }
        }
        let decided = self.decide(&self.decided.target.address);
        let is_other = decided.target != self.decided.target;
        if is_other {
            self.settle_in(decided);
        } else {
            self.decided = decided;
        }
        is_other
    }

    /// Returns whether the server may be one that was production through another door.
    #[must_use]
    pub fn may_be_known(&self) -> bool {
        let is_open = self.decided.target.tier < Tier::Production && !self.decided.is_configured();
        is_open && self.servers.as_ref().is_some_and(|servers| !servers.is_empty())
    }

    /// Returns whether a statement may run without a word even if this is production.
    pub fn is_harmless(&mut self, text: &str) -> bool {
        let facts = Facts { tier: Tier::Production, ..self.facts_now() };
        policy::judge(&self.prepared.read(text), &facts).decision == Decision::Allow
    }

    /// Tells whether what servers are can be written down: where the disk hangs, that would hold the
    /// terminal up.
    pub(super) fn can_remember(&self) -> bool {
        !self.recorder.as_ref().is_some_and(Recorder::is_hanging)
    }

    /// Keeps what is remembered of servers in a folder.
    pub fn remember_servers(&mut self, servers: servers::Servers) {
        self.servers = Some(servers);
    }

    /// Takes a decision for where the session is now.
    pub(super) fn settle_in(&mut self, decided: Decided) {
        self.decided = decided;
        if self.decided.target.tier != Tier::Production {
            self.returned = Return::None;
        }
        self.tally.clear();
        self.shapes.clear();
        let target = self.decided.target.clone();
        self.mark(Marker::Target { target });
    }

    /// The submitted line connects elsewhere before its later statements run: until the next
    /// prompt tells, they are judged by the most dangerous of all these places.
    pub fn connects(&mut self, addresses: &[Option<Address>]) {
        for address in addresses {
            let known = self.here.known(&self.config.targets);
            let mut decided = for_address(address.as_ref().unwrap_or(&Address::default()), &known);
            if address.is_none() {
                // Where it goes cannot be read, so nothing may be assumed.
                decided.target.tier = Tier::Production;
                decided.target.name = Some("elsewhere".to_owned());
            }
            self.detours.push(decided);
        }
    }

    /// Returns the place a statement would run at, the most dangerous of those it may be.
    pub(super) fn place(&self) -> &Decided {
        std::iter::once(&self.decided)
            .chain(&self.detours)
            .max_by_key(|decided| decided.target.tier)
            .unwrap_or(&self.decided)
    }
}
