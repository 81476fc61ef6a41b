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
//! | a neighbour retracts itself | it is taken out of all petitions; the declaration to it is repeated every [`GatewayConfig::refresh`] | 4.4.7.4 |
//! | a module subscribes to, unsubscribes from messages of other continua, or goes | the DMS changes; asserts or cancels | 4.4.4, 4.4.5 |
//! | message on an application subject | forwarded to every neighbour that is interested | 4.4.9 |
//! | message on a pseudo-subject | its envelope is forwarded to the conduit, or to all declared neighbours | 4.4.8 |
//! | RPDU to publish, send or announce | forwarded in a tree, sent to local modules | 4.4.10 |
//! | every [`GatewayConfig::refresh`] | all petitions are asserted again | |
//! | a message has waited for [`GatewayConfig::lifetime`] | dropped, and counted | |
//! | `unregister`, or its termination is imputed | retracts itself from every neighbour, unregisters | 4.4.2.2.3 |
//!
//! Choices the standard leaves open:
//! - Channels may lose, repeat and reorder RPDUs, and may be away. What a
//!   neighbour is to know is kept as a difference from what it was told, and sent
//!   when the channel takes it; messages wait in the [store](StoreStats).
//! - RPDUs other than a declaration go to declared neighbours alone, and are
//!   taken from them alone. What waits for one that has retracted itself waits on:
//!   it may have been restarted.
//! - A declaration may be the first word of a neighbour that was restarted, or that
//!   has not heard this gateway: it is answered with a declaration and all petitions.
//!   That an answer is not answered in turn, for ever where channels are long, is by a
//!   word before each declaration to a declared neighbour: the cancellation of the
//!   petition for that neighbour's own pseudo-subject, which this gateway never
//!   asserts to it. It says that the neighbour was heard, and means nothing to others.
//! - A declaration that is repeated within a second is taken for a duplicate. A
//!   petition that is asserted twice is asserted. But an RPDU has no number: a message
//!   that a channel delivers twice is two messages, so channels are to deliver once.
//! - An enclosed message that names this continuum as its source came in a circle, or
//!   is forged: it is discarded, so no message ever comes back. So is an envelope
//!   whose subject is not that of its message, or of a module here in the name of
//!   another: else the authorisation of 4.4.8.3 could be had by a false name.
//! - Petitions are for application subjects, and for pseudo-subjects of other
//!   continua by their gateways: what modules subscribe to of those below 1 is for
//!   nobody else, and a neighbour's that is on all subjects is discarded (4.2.10.1.1).
//! - While it is being registered petitions are noted, and messages pass on in a tree.
//! - A message for a module is sent to it once, however many of its
//!   subscriptions it satisfies.

mod channel;
mod fixed;
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
use super::module::{Membership, Module, ModuleIdentity, ModuleStorage, RuleKind};
use super::pdu::{CancellationValues, EnvelopeHeader, Malformed};
use super::security::{Authenticator, ChannelHandler};
use super::service::{Fault, Indication, ServiceUser};
use crate::storage::{Slot, Table};
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, Transport};

use channel::ChannelRoom;
use neighbours::NeighbourSet as Set;
use petitions::{Petitions, Specification, declaration};
use store::Store;

pub use fixed::StaticGateway;
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
    /// One slot for each neighbour; 32 at the most are used. One without a slot is
    /// no neighbour, counted in [`GatewayStats::neighbours_full`].
    pub neighbours: &'s mut [Slot<Neighbour>],
    /// One slot for the declaration, one for that of each neighbour, which other
    /// petitions cannot take, and one for each other subscription specification that
    /// neighbours have, or modules here that subscribe across continua. A petition
    /// without a slot is not noted, counted in [`GatewayStats::full`], and noted when
    /// it is asserted again.
    pub petitions: &'s mut [Slot<Petition>],
    /// One slot for each message that may wait for a channel. Of those that have no
    /// room here, or in the blocks, [`StoreStats`] tells.
    pub parcels: &'s mut [Slot<Parcel>],
    /// Room for the octets of messages that wait: 60 in each.
    pub blocks: &'s mut [Block],
    /// Room for the longest RPDU: 28 octets and the application data of a message,
    /// at least 12. A longer message is not forwarded, counted in
    /// [`GatewayStats::too_long`], nor delivered, in [`GatewayStats::not_delivered`].
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
    /// stand without being asserted again. 150 s: of three refreshes in a row two may
    /// be lost.
    pub grace: Duration,
    /// How long a message may wait for a channel. One day.
    pub lifetime: Duration,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            repeat: Duration::from_secs(10),
            refresh: Some(Duration::from_secs(60)),
            grace: Duration::from_secs(150),
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
    /// Messages that are too long for a channel, or for the buffer for RPDUs.
    pub too_long: u32,
    /// Discarded as ill-formed.
    pub malformed: u32,
    /// The last one that was.
    pub last_malformed: Option<Malformed>,
    /// Not sent, for they could not be encrypted as the MIB asks; they are offered again.
    pub not_encrypted: u32,
    /// Discarded: not encrypted with the key of the channel, or altered.
    pub not_decrypted: u32,
    /// Discarded: not from a neighbour.
    pub strangers: u32,
    /// Discarded: from a neighbour that has not declared itself.
    pub undeclared: u32,
    /// Declarations that were taken for duplicates.
    pub duplicates: u32,
    /// Discarded: the control code does not fit the message or the network, the
    /// envelope does not fit its message, the message came in a circle, or the gateway
    /// takes no part.
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
    /// Petitions for which there was no room.
    pub full: u32,
    /// Neighbours of the MIB for which there was no room.
    pub neighbours_full: u32,
    /// Attempts to subscribe to what a neighbour wants that failed: the gateway's role
    /// may not receive it, or there is no room for an own rule. Repeated with each
    /// change.
    pub not_subscribed: u32,
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
    /// Who encrypts RPDUs where the MIB has keys.
    security: Option<ChannelRoom<'s>>,
    /// Neighbours to declare to though they have not declared themselves.
    greeted: Set,
    /// Neighbours to retract from before declaring (4.4.2.1.4).
    retracting: Set,
    refresh_at: Option<Instant>,
    /// It takes part in the RAMS network.
    active: bool,
    /// Its own subscriptions stay as they are: its message space does.
    fixed: bool,
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
        let identity = ModuleIdentity { role: RoleNumber::RAMS_GATEWAY, ..identity };
        let GatewayStorage { module, neighbours, petitions, parcels, blocks, rpdu } = storage;
        let module = Module::new(mib, identity, module);
        Self::of(mib, module, config, (neighbours, petitions), (parcels, blocks), rpdu)
    }

    fn of(
        mib: &'s Mib<'s>,
        module: Module<'s>,
        config: GatewayConfig,
        (neighbours, petitions): (&'s mut [Slot<Neighbour>], &'s mut [Slot<Petition>]),
        (parcels, blocks): (&'s mut [Slot<Parcel>], &'s mut [Block]),
        rpdu: &'s mut [u8],
    ) -> Self {
        let venture = module.venture();
        let network = venture.map_or(RamsNetwork::Mesh, |venture| venture.network);
        let mut gateway = Self {
            mib,
            config,
            module,
            neighbours: Table::new(neighbours),
            petitions: Petitions::new(mib.continuum.number, network, petitions),
            store: Store::new(parcels, blocks),
            rpdu,
            security: None,
            greeted: Set::EMPTY,
            retracting: Set::EMPTY,
            refresh_at: None,
            active: false,
            fixed: false,
            stats: GatewayStats::default(),
        };
        for space in venture.map_or(&[][..], |venture| venture.remote) {
            if space.neighbour {
                gateway.meet(space.continuum);
            }
        }
        gateway
    }

    /// The same with [`Module::with_authenticator`].
    #[must_use]
    pub fn with_authenticator(self, authenticator: &'s dyn Authenticator) -> Self {
        Self { module: self.module.with_authenticator(authenticator), ..self }
    }

    /// The same, with `handler` for channels that have a key
    /// ([`channel_key`](super::mib::RemoteMessageSpace::channel_key)). `sealed` is room for the
    /// longest RPDU as it is sent, `opened` for the longest as it was before.
    ///
    /// Without this nothing is sent to such neighbours, and nothing taken from them.
    #[must_use]
    pub fn with_channel_security(
        self,
        handler: &'s dyn ChannelHandler,
        sealed: &'s mut [u8],
        opened: &'s mut [u8],
    ) -> Self {
        Self { security: Some(ChannelRoom { handler, sealed, opened }), ..self }
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
        self.commence(now, transport);
        Ok(())
    }

    /// Retracts the gateway from its neighbours and unregisters the module
    /// (4.4.2.2.3). A retraction that a channel refuses now is not sent. Messages
    /// that wait are kept until they are too old, in case that it comes back.
    ///
    /// # Errors
    /// Those of [`Module::unregister`]; nothing is done then.
    pub fn unregister(&mut self, now: Now, transport: &mut dyn Transport) -> Result<(), Fault> {
        self.module.unregister(now, transport)?;
        self.cease(now, transport);
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
        self.follow_mib(now, mib, transport);
        Ok(())
    }

    fn follow_mib(&mut self, now: Now, mib: &'s Mib<'s>, transport: &mut dyn Transport) {
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
                if self.active {
                    self.retract(now, place, transport);
                }
                self.part_from(place);
            }
        }
        for space in neighbours() {
            self.meet(space.continuum);
        }
        if self.active {
            self.settle(now, transport);
        }
    }

    /// Takes a datagram that arrived at the module's MAMS endpoint.
    #[cfg_attr(not(feature = "std"), inline(never))]
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
            self.take_changes(now, transport);
        }
    }

    /// Does whatever is due. Extra calls do nothing.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, user: &mut dyn ServiceUser) {
        let mut changes = Changes { user, seen: false };
        self.module.tick(now, transport, &mut changes);
        if changes.seen {
            self.take_changes(now, transport);
        }
        self.turn(now, transport);
    }

    /// Its module has indicated something.
    fn take_changes(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.active && self.module.membership() == Membership::Dead {
            self.cease(now, transport);
        } else if self.active {
            self.settle(now, transport);
        }
    }

    /// Does what is due in the RAMS network.
    fn turn(&mut self, now: Now, transport: &mut dyn Transport) {
        let time = now.monotonic;
        self.store.expire(time, self.config.lifetime);
        if !self.active {
            return;
        }
        let own = declaration(self.mib.continuum.number);
        let refresh = self.refresh_at.is_some_and(|at| time >= at);
        let mut changed = false;
        for neighbour in self.neighbours.iter_mut() {
            if neighbour.sweep_at.is_some_and(|at| time >= at) {
                neighbour.sweep_at = None;
                self.petitions.sweep(neighbour.set());
                changed = true;
            }
            if neighbour.declare_at.is_some_and(|at| time >= at) {
                neighbour.declare_at = None;
                self.greeted.add(neighbour.set());
                self.petitions.owe(neighbour.set(), own);
                changed = true;
            }
            if refresh {
                self.petitions.owe_again(neighbour.set());
            }
        }
        if refresh {
            self.refresh_at = self.config.refresh.map(|period| time.after(period));
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
        earliest(self.module.next_deadline(), self.next_turn())
    }

    /// When there is something to do in the RAMS network.
    fn next_turn(&self) -> Option<Instant> {
        let expiry = self.store.deadline(self.config.lifetime);
        if !self.active {
            return expiry;
        }
        let declared = self.declared();
        let waits = |neighbour: &Neighbour| {
            let offer = self.owes(neighbour.set(), declared).then_some(neighbour.offer_at);
            earliest(earliest(neighbour.sweep_at, neighbour.declare_at), offer)
        };
        let neighbours = self.neighbours.iter().filter_map(waits).min();
        earliest(earliest(expiry, self.refresh_at), neighbours)
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

/// Whether a rule makes its module a member of the DMS of a petition (4.4.1). Other
/// continua publish on application subjects alone (annex B).
fn is_across(local: ContinuumNumber, kind: RuleKind, rule: &CancellationValues) -> bool {
    kind == RuleKind::Subscription
        && rule.domain.continuum != local
        && rule.subject.is_application()
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
