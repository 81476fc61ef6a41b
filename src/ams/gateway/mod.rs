//! The RAMS gateway: a module that forwards between its message space and those
//! of the same venture in other continua (735.1-B-1 2.3.10, 4.4).
//!
//! It is driven as a module is, and takes RPDUs from its neighbours besides:
//!
//! | event | does | clause |
//! |---|---|---|
//! | `register` | registers as a module, declares itself to every neighbour in the MIB | 4.4.2.1 |
//! | a neighbour has not declared itself | the declaration is repeated every [`GatewayConfig::repeat`] | 4.4.2.1.5 |
//! | a neighbour declares itself | all petitions that concern it are asserted to it | 4.4.6.5 |
//! | a declared neighbour declares itself again | the same, for it may have been restarted; what it does not assert again is forgotten after [`GatewayConfig::grace`] | 4.4.6.2 |
//! | a neighbour asserts, cancels a petition | the DGS changes; subscribes or unsubscribes in the message space; in a tree, asserts or cancels onwards | 4.4.6, 4.4.7 |
//! | a neighbour retracts itself | it is taken out of all petitions | 4.4.7.4 |
//! | a module subscribes to, unsubscribes from messages of other continua, or goes | the DMS changes; asserts or cancels | 4.4.4, 4.4.5 |
//! | message on an application subject | forwarded to every neighbour that is interested | 4.4.9 |
//! | message on a pseudo-subject | its envelope is forwarded to the conduit, or to all declared neighbours | 4.4.8 |
//! | RPDU to publish, send or announce | forwarded in a tree, sent to local modules | 4.4.10 |
//! | every [`GatewayConfig::refresh`] | all petitions are asserted again | |
//! | `unregister` | retracts itself from every neighbour, unregisters | 4.4.2.2.3 |
//!
//! Choices the standard leaves open:
//! - Channels may lose, repeat and reorder RPDUs, and may be away. What a
//!   neighbour is to know is kept as a difference from what it was told, and sent
//!   when the channel takes it; messages wait in the [store](StoreStats).
//! - RPDUs other than a declaration go to declared neighbours alone, and are
//!   taken from them alone.
//! - A declaration that is repeated within a second is taken for a duplicate.
//! - A message for a module is sent to it once, however many of its
//!   subscriptions it satisfies.

mod forwarding;
mod neighbours;
mod petitioning;
mod petitions;
mod store;

#[cfg(test)]
mod tests;

use core::time::Duration;

use super::ids::{ContinuumNumber, Domain, RoleNumber};
use super::meta::bump;
use super::mib::{ChangeRefused, Mib, RamsNetwork};
use super::module::{Module, ModuleIdentity, ModuleStorage, RuleKind};
use super::pdu::{CancellationValues, EnvelopeHeader, Malformed};
use super::security::Authenticator;
use super::service::{Fault, Indication, ServiceUser};
use crate::storage::{Slot, Table};
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, Transport};

use neighbours::NeighbourSet as Set;
use petitions::{Petitions, Specification, declaration};
use store::Store;

pub use neighbours::{Neighbour, NeighbourSet};
pub use petitions::Petition;
pub use store::{Block, Parcel, StoreStats};

/// How long a channel that refused something is left alone.
const RETRY: Duration = Duration::from_millis(250);

/// Where neighbours can be in their table.
const PLACES: core::ops::Range<u8> = 0..32;

/// Declarations of a neighbour within this time of one another are duplicates.
const DUPLICATE: Duration = Duration::from_secs(1);

/// The storage of a gateway.
#[derive(Debug)]
pub struct GatewayStorage<'s> {
    /// That of the gateway as a module. It takes one own rule for each petition of
    /// neighbours that concerns this continuum.
    pub module: ModuleStorage<'s>,
    /// One slot for each neighbour; 32 at the most are used.
    pub neighbours: &'s mut [Slot<Neighbour>],
    /// One slot for each subscription specification that neighbours, or modules
    /// here that subscribe across continua, have, and one for the declaration. A
    /// petition without a slot is not noted, counted in
    /// [`GatewayStats::full`], and noted when it is asserted again.
    pub petitions: &'s mut [Slot<Petition>],
    /// One slot for each message that may wait for a channel.
    pub parcels: &'s mut [Slot<Parcel>],
    /// Room for the octets of messages that wait: 60 in each.
    pub blocks: &'s mut [Block],
    /// Room for the longest RPDU: 28 octets and the application data of a message.
    pub rpdu: &'s mut [u8],
}

/// What a gateway is told besides its MIB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// How often the declaration is repeated to a neighbour that has not declared
    /// itself. 10 s, as others do.
    pub repeat: Duration,
    /// How often all petitions are asserted again, in case a channel lost some;
    /// `None` where channels are reliable. 60 s.
    pub refresh: Option<Duration>,
    /// How long after a neighbour has declared itself anew its older petitions
    /// stand without being asserted again. 30 s.
    pub grace: Duration,
    /// How long a message may wait for a channel. One day.
    pub lifetime: Duration,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            repeat: Duration::from_secs(10),
            refresh: Some(Duration::from_secs(60)),
            grace: Duration::from_secs(30),
            lifetime: Duration::from_secs(86_400),
        }
    }
}

/// What became of RPDUs and the messages in them. Counters stop at their greatest
/// value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayStats {
    /// RPDUs received.
    pub received: u32,
    /// RPDUs sent.
    pub sent: u32,
    /// RPDUs that a channel refused; they are sent later.
    pub refused: u32,
    /// Messages that are too long for a channel.
    pub too_long: u32,
    /// Discarded as ill-formed.
    pub malformed: u32,
    /// The last one that was.
    pub last_malformed: Option<Malformed>,
    /// Discarded: not from a neighbour.
    pub strangers: u32,
    /// Discarded: from a neighbour that has not declared itself.
    pub undeclared: u32,
    /// Declarations that were taken for duplicates.
    pub duplicates: u32,
    /// Discarded: the control code does not fit the message or the network.
    pub inappropriate: u32,
    /// Discarded: the source is not authorised to send on the subject (4.4.8.3).
    pub not_authorised: u32,
    /// Discarded: no declared neighbour is the conduit for the continuum.
    pub no_conduit: u32,
    /// Discarded: the module that is meant does not invite it (4.4.10.3.2).
    pub not_invited: u32,
    /// Messages sent to modules of the message space.
    pub delivered: u32,
    /// Messages that could not be sent to such a module.
    pub not_delivered: u32,
    /// Petitions, or neighbours of a new MIB, for which there was no room.
    pub full: u32,
}

/// A RAMS gateway. See the [table of what it does](self).
#[derive(Debug)]
pub struct Gateway<'s> {
    mib: &'s Mib<'s>,
    config: GatewayConfig,
    module: Module<'s>,
    neighbours: Table<'s, Neighbour>,
    petitions: Petitions<'s>,
    store: Store<'s>,
    rpdu: &'s mut [u8],
    /// Neighbours to declare to though they have not declared themselves.
    greeted: Set,
    /// Neighbours to retract from before declaring (4.4.2.1.4).
    retracting: Set,
    refresh_at: Option<Instant>,
    stats: GatewayStats,
}

impl<'s> Gateway<'s> {
    /// A gateway that takes no part yet. Its role is that of RAMS gateways,
    /// whatever `identity` says; its neighbours are those the MIB has for the
    /// venture.
    #[must_use]
    pub fn new(
        mib: &'s Mib<'s>,
        identity: ModuleIdentity<'s>,
        config: GatewayConfig,
        storage: GatewayStorage<'s>,
    ) -> Self {
        let venture = mib.venture(identity.venture);
        let network = venture.map_or(RamsNetwork::Mesh, |venture| venture.network);
        let identity = ModuleIdentity { role: RoleNumber::RAMS_GATEWAY, ..identity };
        let mut neighbours = Table::new(storage.neighbours);
        let remote = venture.map_or(&[][..], |venture| venture.remote);
        for (place, space) in PLACES.zip(remote.iter().filter(|space| space.neighbour)) {
            // A neighbour without a slot is none; the caller chose the number.
            let _ = neighbours.insert(Neighbour::new(place, space.continuum));
        }
        Self {
            mib,
            config,
            module: Module::new(mib, identity, storage.module),
            neighbours,
            petitions: Petitions::new(mib.continuum.number, network, storage.petitions),
            store: Store::new(storage.parcels, storage.blocks),
            rpdu: storage.rpdu,
            greeted: Set::EMPTY,
            retracting: Set::EMPTY,
            refresh_at: None,
            stats: GatewayStats::default(),
        }
    }

    /// The same with [`Module::with_authenticator`].
    #[must_use]
    pub fn with_authenticator(self, authenticator: &'s dyn Authenticator) -> Self {
        Self { module: self.module.with_authenticator(authenticator), ..self }
    }

    /// Begins to take part: registers the module, and declares the gateway to its
    /// neighbours (4.4.2.1).
    ///
    /// # Errors
    /// Those of [`Module::register`]; nothing is done then.
    pub fn register(
        &mut self,
        now: Now,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<(), Fault> {
        self.module.register(now, transport, user)?;
        let all = self.neighbours.iter().fold(Set::EMPTY, |all, one| all.union(one.set()));
        self.greeted = all;
        self.retracting = all;
        self.refresh_at = self.config.refresh.map(|period| now.monotonic.after(period));
        self.settle(now, transport);
        Ok(())
    }

    /// Retracts the gateway from its neighbours and unregisters the module
    /// (4.4.2.2.3). What a channel refuses now is not sent.
    ///
    /// # Errors
    /// Those of [`Module::unregister`]; nothing is done then.
    pub fn unregister(&mut self, now: Now, transport: &mut dyn Transport) -> Result<(), Fault> {
        self.module.unregister(now, transport)?;
        for place in PLACES {
            self.retract(place, transport);
        }
        self.petitions.clear();
        self.greeted = Set::EMPTY;
        self.retracting = Set::EMPTY;
        self.refresh_at = None;
        Ok(())
    }

    /// Goes by `mib` from now on; see [`Module::change_mib`]. The gateway declares
    /// itself to new neighbours and retracts itself from those that are none any
    /// more (4.4.2.2.1, 4.4.2.2.2); messages that wait for these are dropped.
    ///
    /// # Errors
    /// [`ChangeRefused`]; nothing is changed then.
    pub fn change_mib(
        &mut self,
        now: Now,
        mib: &'s Mib<'s>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<(), ChangeRefused> {
        self.module.change_mib(mib, user)?;
        self.mib = mib;
        let venture = self.module.venture();
        let network = venture.map_or(RamsNetwork::Mesh, |venture| venture.network);
        self.petitions.set_network(network);
        let remote = venture.map_or(&[][..], |venture| venture.remote);
        let neighbours = || remote.iter().filter(|space| space.neighbour);
        for place in PLACES {
            let Some(neighbour) = self.neighbours.get_mut(place) else { continue };
            if neighbours().any(|space| space.continuum == neighbour.continuum) {
                // It may be somewhere else by now.
                neighbour.address = None;
            } else {
                self.retract(place, transport);
                self.part_from(place);
            }
        }
        for space in neighbours() {
            self.meet(space.continuum);
        }
        self.settle(now, transport);
        Ok(())
    }

    /// Takes a datagram that arrived at the module's MAMS endpoint.
    pub fn receive_mams(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) {
        let mut changes = Changes { user, seen: false };
        self.module.receive_mams(now, from, octets, transport, &mut changes);
        if changes.seen {
            self.settle(now, transport);
        }
    }

    /// Does whatever is due. Extra calls do nothing.
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, user: &mut dyn ServiceUser) {
        let mut changes = Changes { user, seen: false };
        self.module.tick(now, transport, &mut changes);
        let mut changed = changes.seen;
        let time = now.monotonic;
        let own = declaration(self.mib.continuum.number);
        for neighbour in self.neighbours.iter_mut() {
            if neighbour.sweep_at.is_some_and(|at| time >= at) {
                neighbour.sweep_at = None;
                self.petitions.sweep(neighbour.set());
                changed = true;
            }
            if neighbour.declare_at.is_some_and(|at| time >= at) {
                neighbour.declare_at = None;
                self.petitions.owe(neighbour.set(), own);
            }
            if self.refresh_at.is_some_and(|at| time >= at) {
                self.petitions.owe_again(neighbour.set());
            }
        }
        if self.refresh_at.is_some_and(|at| time >= at) {
            self.refresh_at = self.config.refresh.map(|period| time.after(period));
            self.store.expire(time, self.config.lifetime);
        }
        if changed {
            self.settle(now, transport);
        } else {
            self.flush(now, transport);
        }
    }

    /// When [`Gateway::tick`] is next to be called. Any other call may change it.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let waits = |neighbour: &Neighbour| {
            let set = neighbour.set();
            let owed =
                self.petitions.next_owed(set).is_some() || self.store.next_for(set).is_some();
            let offer = owed.then_some(neighbour.offer_at);
            earliest(earliest(neighbour.sweep_at, neighbour.declare_at), offer)
        };
        let neighbours = self.neighbours.iter().filter_map(waits).min();
        earliest(earliest(self.module.next_deadline(), self.refresh_at), neighbours)
    }

    /// The gateway as a module.
    #[must_use]
    pub const fn module(&self) -> &Module<'s> {
        &self.module
    }

    /// Its neighbours, in the order of the MIB.
    pub fn neighbours(&self) -> impl Iterator<Item = &Neighbour> {
        self.neighbours.iter()
    }

    /// The neighbours that have declared themselves (4.4.2.3.1).
    #[must_use]
    pub fn declared(&self) -> NeighbourSet {
        self.petitions.declared(&self.neighbours)
    }

    /// Its petitions, in the order of subject and domain.
    pub fn petitions(&self) -> impl Iterator<Item = &Petition> {
        self.petitions.iter()
    }

    /// How many messages wait for a channel.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.store.len()
    }

    /// Counters of RPDUs.
    #[must_use]
    pub const fn stats(&self) -> &GatewayStats {
        &self.stats
    }

    /// Counters of messages that had to wait.
    #[must_use]
    pub const fn store_stats(&self) -> &StoreStats {
        &self.store.stats
    }
}

/// Whether a rule makes its module a member of the DMS of a petition (4.4.1).
fn is_across(local: ContinuumNumber, kind: RuleKind, rule: &CancellationValues) -> bool {
    kind == RuleKind::Subscription && rule.domain.continuum != local
}

/// A petition as an RPDU states it.
fn specification(header: &EnvelopeHeader) -> Specification {
    let domain =
        Domain { continuum: header.continuum, unit: header.unit, role: RoleNumber(header.source) };
    Specification { subject: header.subject, domain }
}

/// Passes indications on, and notes that there were some.
struct Changes<'u> {
    user: &'u mut dyn ServiceUser,
    seen: bool,
}

impl ServiceUser for Changes<'_> {
    fn indicate(&mut self, indication: Indication) {
        self.seen = true;
        self.user.indicate(indication);
    }
}
