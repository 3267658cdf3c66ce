//! The places that statements have reached: what each is, and what is known and counted there.

use std::time::Duration;

use super::Keeper;
use crate::clients::started;
use crate::lang::postgres::Told;
use crate::lang::sql::{self, Flavour};
use crate::policy::Tally;
use crate::relay::probe::matters;
use crate::session::prepared::Prepared;
use crate::tap::{self, Operation};
use crate::target::{Address, Decided, Known, Seen, for_address};
use crate::world::World;

/// How often a server is asked for its functions that does not tell in time.
const MOST_LOOKS: u32 = 3;

#[derive(Debug)]
pub(super) struct Place {
    pub(super) decided: Decided,
    /// What kind of server it is, as the hook told it.
    pub(super) engine: Option<String>,
    pub(super) tally: Tally,
    /// When the first counted operation of the statement was let through here.
    pub(super) since: Option<Duration>,
    /// What is known of its functions, and how often it may still be asked for them.
    pub(super) prepared: Prepared,
    pub(super) looks: u32,
    /// Whether it was asked, and has not told all.
    pub(super) is_unsure: bool,
    /// Whether it stands for the folders of files that are removed, and not for a server.
    pub(super) is_of_files: bool,
}

impl Place {
    /// A statement was let through. What it defines in a dialect whose functions only the server tells,
    /// the server is asked for again.
    pub(super) fn let_through(&mut self, text: &str, looks: bool) {
        if self.prepared.let_through(text) && looks {
            self.looks = MOST_LOOKS;
        }
    }
}

impl Keeper {
    /// A program is about to be started: what its own command line says of where it goes counts for it.
    pub fn place_started(&mut self, operation: &mut Operation, world: &World) {
        let Some(started) = &operation.started else { return };
        let known = self.here.known(&self.config.targets);
        let Some(decided) = started::place(started, world, &known) else { return };
        let address = decided.target.address.clone();
        self.place_or(&address, |_| decided);
        operation.place = address.into();
    }

    /// Returns where an operation goes if that server was not asked for its functions yet, and is to be.
    pub fn unasked(&mut self, operation: &Operation) -> Option<&Decided> {
        let at = self.place_at(operation);
        let place = &self.tapped.places[at];
        (place.looks > 0 && matters(&place.decided, self)).then_some(&place.decided)
    }

    /// Returns where an operation goes.
    pub fn placed(&mut self, operation: &Operation) -> &Decided {
        let at = self.place_at(operation);
        &self.tapped.places[at].decided
    }

    /// The server that an operation goes to told of its functions; of all of them, if `is_whole`. Returns
    /// whether it was asked for the first time.
    pub fn learn_at(&mut self, operation: &Operation, told: Told, is_whole: bool) -> bool {
        let at = self.place_at(operation);
        let place = &mut self.tapped.places[at];
        place.prepared.learn_server(told);
        let is_first = place.looks == MOST_LOOKS;
        place.looks = if is_whole { 0 } else { place.looks.saturating_sub(1) };
        place.is_unsure = place.looks > 0;
        self.tapped.last = None;
        is_first
    }

    /// Finds a place, or begins to count for it.
    pub(super) fn place_of(&mut self, address: &Address) -> usize {
        self.place_or(address, |keeper| keeper.decided_for(address))
    }

    /// Finds a place that a hook tells of, or begins to count for it.
    pub(super) fn place_told(&mut self, place: &tap::Place) -> usize {
        self.place_or(&place.clone().into(), |keeper| keeper.decided_at(place))
    }

    fn place_or(&mut self, address: &Address, decide: impl FnOnce(&Self) -> Decided) -> usize {
        let places = &self.tapped.places;
        let found = places.iter().position(|place| place.decided.target.address == *address);
        found.unwrap_or_else(|| {
            let decided = decide(self);
            self.tapped.places.push(Place {
                decided,
                engine: None,
                tally: Tally::default(),
                since: None,
                prepared: Prepared::default(),
                looks: MOST_LOOKS,
                is_unsure: false,
                is_of_files: false,
            });
            self.tapped.places.len() - 1
        })
    }

    /// Decides about a place that a hook tells of, whatever is known of the session's own.
    fn decided_for(&self, address: &Address) -> Decided {
        for_address(address, &self.here.known(&self.config.targets))
    }

    /// Decides about a file, or a folder with all that the configuration names in it.
    fn decided_for_files(&self, address: &Address) -> Decided {
        let folder = Address { database: None, ..address.clone() };
        let whole = worse(self.decided_for(&folder), self.decided_for(address));
        let folder = folder.host.filter(|_| address.database.is_none());
        let Some(folder) = folder.as_deref() else { return whole };
        let patterns = self.config.targets.iter().flat_map(|target| &target.patterns);
        let within = patterns.filter_map(|pattern| pattern.within(folder));
        within.map(|address| self.decided_for(&address)).fold(whole, worse)
    }

    /// Finds where an operation goes.
    pub(super) fn place_at(&mut self, operation: &Operation) -> usize {
        let address: Address = operation.place.clone().into();
        match operation.engine.as_str() {
            "shell" if address == Address::default() => {
                let session = self.decided.target.address.clone();
                self.place_of(&session)
            }
            "file" => {
                // Files of many folders are counted together where as much depends on them.
                let decided = self.decided_for_files(&address);
                let is_alike = |place: &Place| {
                    let (known, target) = (&place.decided.target, &decided.target);
                    place.is_of_files && known.tier == target.tier && known.name == target.name
                };
                let found = self.tapped.places.iter().position(is_alike);
                found.unwrap_or_else(|| {
                    let address = decided.target.address.clone();
                    let at = self.place_or(&address, |_| decided);
                    self.tapped.places[at].is_of_files = true;
                    at
                })
            }
            "mysql" => self.place_of_tables(operation),
            _ => self.place_told(&operation.place),
        }
    }

    /// Finds where an operation goes that may name tables of other databases than the connection's:
    /// the most dangerous of them counts.
    fn place_of_tables(&mut self, operation: &Operation) -> usize {
        let own = self.place_told(&operation.place);
        let Some(text) = operation.sql.as_deref().filter(|text| text.contains('.')) else {
            return own;
        };
        let mut worst = own;
        for database in sql::databases(text, Flavour::Mysql) {
            let place = tap::Place { database: Some(database), ..operation.place.clone() };
            let tier = self.decided_at(&place).target.tier;
            if tier > self.tapped.places[worst].decided.target.tier {
                worst = self.place_told(&place);
            }
        }
        worst
    }

    /// Decides what a place is: what the configuration says of one of its names, else the most
    /// dangerous that one of them tells.
    pub(super) fn decided_at(&self, place: &tap::Place) -> Decided {
        let own = Address::from(place.clone());
        let met = self.servers.as_ref().zip(place.identity());
        let server = met.as_ref().and_then(|(servers, id)| servers.recall(id, &own));
        let seen = Seen { server, ..Seen::default() };
        let known = Known { seen: Some(&seen), ..self.here.known(&self.config.targets) };
        let all = place.addresses().map(|address| for_address(&address, &known)).reduce(worse);
        let mut decided = all.unwrap_or_else(|| for_address(&Address::default(), &known));
        decided.target.address = own;
        if let Some((servers, id)) = met.filter(|_| self.can_remember()) {
            servers.remember(&id, &decided, self.clock.now());
        }
        decided
    }
}

/// Returns the more dangerous of two names of a place; what the configuration says comes first.
fn worse(one: Decided, other: Decided) -> Decided {
    let rank = |decided: &Decided| (decided.is_configured(), decided.target.tier);
    if rank(&other) > rank(&one) { other } else { one }
}
