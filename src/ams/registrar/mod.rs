//! The registrar (735.1-B-1 4.2.3, 4.2.5 to 4.2.13): it admits modules to its
//! cell, watches over them, and passes on what they assert.
//!
//! States of the registrar:
//!
//! | state | event | does | next | clause |
//! |---|---|---|---|---|
//! | announcing | first tick; N1 without an answer | *announce_registrar* to the next location | announcing | 4.2.3.1, 4.2.2 |
//! | announcing | *registrar_noted* | commences heartbeats | noted | 4.2.3.4 |
//! | announcing | *rejection* | ceases | ceased | 4.2.3.3 |
//! | noted | every N3 | *heartbeat* to the configuration server | noted | 4.2.7.1 |
//! | noted | N6 × N3 without one from it | *announce_registrar* | announcing | 4.2.7.3, 4.2.7.1.2 |
//! | announcing, noted | *cell_spec* of another cell | notes its registrar | same | 4.2.3.5 |
//! | announcing, noted | resynchronisation interval | *cell_status* to members and registrars | same | 4.2.9.1 |
//! | ceased | anything | nothing | ceased | 4.2.3.3 |
//!
//! States of each module number of the cell:
//!
//! | state | event | does | next | clause |
//! |---|---|---|---|---|
//! | free | *module_registration*, cell full | *rejection*, cell is full | free | 4.2.5.5.1 |
//! | free | *module_registration*, census not over | *rejection*, census in progress | free | 4.2.5.5.2 |
//! | free | *module_registration* | *you_are_in*, introduces it | member | 4.2.5.5.3 |
//! | free | *reconnect* the policy allows | *reconnected* | member | 4.2.8.2 d |
//! | free | *reconnect* the policy does not allow | *you_are_dead* | free | 4.2.8.2 a, b |
//! | free | *heartbeat*, modules may reconnect yet | keeps the number for it | free | 2.3.5 |
//! | free | *heartbeat*, assertion, cancellation, *module_status* | *you_are_dead* once nobody can reconnect | free | 4.2.7.6 |
//! | free, beating or listed in a *reconnect* | reconnection time over | *I_am_stopping* on its behalf | free | 2.3.7 |
//! | member | *module_registration* repeated | *you_are_in*, introduces it again | member | 4.2.5.5.3 |
//! | member | *module_registration* anew from its endpoint | *I_am_stopping* on behalf of the old | as free | 4.2.7.6 |
//! | member | *reconnect* of its own | *reconnected* | member | 4.2.8.2 d |
//! | member | *reconnect* of another | *you_are_dead* to that one | member | 4.2.8.2 c |
//! | member | *reconnect* from another endpoint in its role, where the policy allows | *reconnected* to it, *module_status* on its behalf | member | 4.2.8.2 d, 4.2.9.6 |
//! | member | every N4 | *heartbeat* | member | 4.2.7.1 |
//! | member | *heartbeat* | notes that it was heard | member | 4.2.7.2 |
//! | member | *subscribe*, *unsubscribe*, *invite*, *disinvite*, *module_status* | copies to other members and registrars | member | 4.2.10.2 to 4.2.13.2, 4.2.9.4.1 |
//! | member | *module_status*, by the policy aggregated | keeps it in its dossier | member | 4.2.9.4.2 |
//! | member | statuses have waited long enough | *module_status* of all that wait to members and registrars | member | 4.2.9.4.2 |
//! | member | *I_am_stopping* | copies to other members and registrars | free | 4.2.6.2 |
//! | member | N6 × N4 without a *heartbeat* | *you_are_dead* to it, *I_am_stopping* on its behalf | free | 4.2.7.6 |
//!
//! Modules of other cells, that is, whose module ID has another unit number:
//! *I_am_starting*, *module_has_started*, *I_am_stopping*, *subscribe*,
//! *unsubscribe*, *invite* and *disinvite* are copied to the members (4.2.5.5.7,
//! 4.2.6.3, 4.2.10.3 to 4.2.13.3), *cell_status* and *module_status* too where
//! this cell is resynchronised itself (4.2.9.2, 4.2.9.5).
//!
//! Copies are the octets received, unchanged. Nothing is de-duplicated:
//! receivers are idempotent.
//!
//! # Choices the standard leaves open
//! - *Operating* (4.2.5.5.2) and so the census begin when a configuration server
//!   has first noted the registrar: before, modules cannot find it.
//! - Modules may reconnect for N5 and one N4: a module needs N5 and half an N4 to
//!   miss its registrar (4.2.8.2 a). Until then nobody gets the number of a module
//!   that is heard beating.
//! - A module in a role that the venture's MIB does not list is not answered, for
//!   no refusal reason says so. A MIB that lists no roles allows all.
//! - A repeated *module_registration* (same endpoint and query number) means that
//!   *you_are_in* was lost, and whatever the others sent with it: the module is
//!   introduced again. Another query number means that it was restarted.
//! - A number that was given up is not given out for N5 if another is free.
//! - *module_status* is passed on at once (4.2.9.4.1), or after
//!   [`Policy::aggregation`](super::mib::Policy::aggregation) together with others
//!   that have come by then (4.2.9.4.2): sooner when all members have answered, and at
//!   once where a dossier has no room for it. Dossiers are kept for that of all
//!   modules, as with [`Introduction::ByRegistrar`].
//! - *cell_status* is not sent before N5 of operation: modules that have yet to
//!   reconnect would be taken for dead.
//!
//! # What the transport refuses
//! - *you_are_in*, *I_am_here*, *I_am_starting*, *module_has_started*,
//!   *I_am_stopping* and *cell_status* are owed and offered again until they are
//!   taken or out of date. What is owed is bounded: who is still to be told of
//!   which numbers, 32 octets in each row. What is told is how things are by
//!   then.
//! - To tell it later, how the new module is reached must be kept: with
//!   [`Introduction::ByModules`] in a dossier while anybody is owed it. Without
//!   room for one it is dropped ([`RegistrarCounts::news_dropped`]).
//! - What is too long for the buffer or the transport is given up
//!   ([`MetaStats::too_long`]); *I_am_here* is split.
//! - Copies are not kept ([`RegistrarCounts::copies_lost`]).
//! - What was dropped or lost resynchronisation repairs, if the MIB has it: it is
//!   brought forward to one N3 from then.
//! - Other answers are not repeated, for the question will be.

mod aggregation;
mod archive;
mod change;
mod circle;
mod health;
mod memory;
mod numbers;
mod reconnection;
mod registration;
mod relay;

#[cfg(test)]
mod tests;

use super::MetaStats;
use super::ids::{ModuleNumber, RoleNumber, UnitNumber, VentureNumber};
use super::meta::{Interrogation, Outlet, Pulse, bump};
use super::mib::{Introduction, Mib};
use super::pdu::{Content, EndpointName, Mpdu, RefusalReason, Sender};
use super::security::{Authenticator, Receiver};
use crate::machine::Machine;
use crate::storage::{Slot, Table};
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, Transport};

use aggregation::Aggregate;
use archive::Archive;
use circle::Circle;
use numbers::Resting;
use reconnection::Census;

pub use archive::{Dossier, DossierRule};
pub use circle::{Member, OtherRegistrar};
pub use memory::RegistrarMemory;

/// What a registrar keeps its state in.
#[derive(Debug)]
pub struct RegistrarStorage<'s> {
    /// The most modules the cell can have, up to 255; 112 octets each. A further
    /// one is rejected: the cell is full.
    pub members: &'s mut [Slot<Member>],
    /// The other cells of the message space; 60 octets each. One for which there
    /// is no slot is counted as `full` and gets no copies.
    pub registrars: &'s mut [Slot<OtherRegistrar>],
    /// With [`Introduction::ByRegistrar`], or where statuses are aggregated, one for
    /// every module of the message space; 168 octets each. With [`Introduction::ByModules`] as many as modules
    /// may start while the transport is busy; may be empty.
    pub dossiers: &'s mut [Slot<Dossier>],
    /// With [`Introduction::ByRegistrar`] one for every subscription and
    /// invitation in the message space; 18 octets each. May be empty otherwise.
    pub rules: &'s mut [Slot<DossierRule>],
    /// Where MPDUs are written. An *I_am_starting* takes up to
    /// [`Registrar::BUFFER_LEN`]; *I_am_here* fills what there is, up to 4,114.
    pub buffer: &'s mut [u8],
}

/// What a registrar is told besides its MIB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrarConfig<'s> {
    /// The venture it serves.
    pub venture: VentureNumber,
    /// The unit of its cell.
    pub unit: UnitNumber,
    /// Where it receives MPDUs.
    pub endpoint: EndpointName<'s>,
    /// Where its series of query numbers begins (5.1.3.1).
    pub first_query: u32,
}

impl<'s> RegistrarConfig<'s> {
    /// The registrar of this cell.
    #[must_use]
    pub const fn new(venture: VentureNumber, unit: UnitNumber, endpoint: EndpointName<'s>) -> Self {
        Self { venture, unit, endpoint, first_query: 1 }
    }
}

/// How a registrar stands with its configuration server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrarState {
    /// It looks for one; the cell is served all the same.
    Announcing,
    /// It is noted.
    Noted,
    /// It was rejected, for this reason, and has ceased operations (4.2.3.3).
    Ceased(RefusalReason),
}

/// What a registrar has decided. Counters stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrarCounts {
    /// Modules registered.
    pub registered: u32,
    /// Registrations that were repeated and answered again.
    pub repeated: u32,
    /// Registrations rejected: the cell is full.
    pub rejected_full: u32,
    /// Registrations rejected: the census is in progress.
    pub rejected_census: u32,
    /// Registrations discarded: the role is not in the MIB.
    pub unknown_roles: u32,
    /// Modules that were introduced with *I_am_starting* because the dossiers are
    /// not complete.
    pub introductions_by_modules: u32,
    /// Modules reconnected.
    pub reconnected: u32,
    /// Members that reconnected from another endpoint.
    pub moved: u32,
    /// Modules whose reconnection was answered with *you_are_dead*.
    pub reconnections_refused: u32,
    /// Modules that said they stop.
    pub stopped: u32,
    /// Modules whose termination was imputed.
    pub imputed: u32,
    /// MPDUs of modules that are not members, answered with *you_are_dead*.
    pub disowned: u32,
    /// Configuration servers whose termination was imputed.
    pub config_servers_lost: u32,
    /// MPDUs passed on, whatever the number of copies.
    pub relayed: u32,
    /// Statuses of members that were not passed on as they came but with others.
    pub aggregated: u32,
    /// Copies that the transport refused.
    pub copies_lost: u32,
    /// Modules whose starting was not told to all for lack of a dossier, and new
    /// members that were not told of all for lack of room in a datagram.
    pub news_dropped: u32,
}

/// A registrar.
#[derive(Debug)]
pub struct Registrar<'s> {
    mib: &'s Mib<'s>,
    config: RegistrarConfig<'s>,
    unit: UnitNumber,
    ceased: Option<RefusalReason>,
    /// When a configuration server first noted it.
    established: Option<Instant>,
    search: Interrogation,
    /// When to announce itself next, while no question is open.
    announce_at: Instant,
    /// Heartbeats with the configuration server.
    server_pulse: Option<Pulse>,
    circle: Circle<'s>,
    /// A cell had to be left out of the circle.
    left_out: bool,
    archive: Archive<'s>,
    census: Census,
    resting: Resting,
    aggregate: Aggregate,
    /// The roles of modules that were members last under each number.
    roles: [RoleNumber; 256],
    resync_at: Option<Instant>,
    /// When to offer again what the transport refused.
    retry_at: Option<Instant>,
    outlet: Outlet<'s>,
    counts: RegistrarCounts,
}

impl<'s> Registrar<'s> {
    /// Octets of the buffer with which any module can be introduced whose contact
    /// summary takes up to [`Dossier::CONTACT`].
    pub const BUFFER_LEN: usize = 192;

    /// A registrar that commences operations with its first tick.
    #[must_use]
    pub fn new(
        mib: &'s Mib<'s>,
        config: RegistrarConfig<'s>,
        storage: RegistrarStorage<'s>,
    ) -> Self {
        let RegistrarConfig { venture, unit, .. } = config;
        let sender = Sender { venture, unit, role: RoleNumber::ALL };
        // Module numbers have eight bits, and 0 is none.
        let (members, _) = storage.members.split_at_mut(storage.members.len().min(255));
        Self {
            mib,
            config,
            unit,
            ceased: None,
            established: None,
            search: Interrogation::default(),
            announce_at: Instant::ZERO,
            server_pulse: None,
            circle: Circle {
                members: Table::new(members),
                registrars: Table::new(storage.registrars),
            },
            left_out: false,
            archive: Archive::new(storage.dossiers, storage.rules),
            census: Census::OPEN,
            resting: Resting::default(),
            aggregate: Aggregate::default(),
            roles: [RoleNumber::ALL; 256],
            resync_at: None,
            retry_at: None,
            outlet: Outlet::new(mib, sender, config.first_query, storage.buffer),
            counts: RegistrarCounts::default(),
        }
    }

    /// The same, but `authenticator` signs what it sends, with the private key of the
    /// MIB, and judges what it receives, by the public keys of the MIB.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: &'s dyn Authenticator) -> Self {
        self.outlet.be_guarded(authenticator, self.mib, Receiver::Registrar(self.config.venture));
        self
    }

    /// Takes in a datagram that came from `from`.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        bump(&mut self.outlet.stats.received);
        if !self.outlet.admits(&now, octets) {
            return;
        }
        let mpdu = match Mpdu::parse(octets) {
            Ok(mpdu) => mpdu,
            Err(fault) => return self.outlet.stats.note_malformed(fault),
        };
        self.outlet.stats.note_deviations(mpdu.deviations());
        let arrival = Arrival { now, from, octets, sender: mpdu.sender() };
        let content = mpdu.content();
        if self.ceased.is_some() {
            bump(&mut self.outlet.stats.inappropriate);
        } else if arrival.sender == Sender::CONFIGURATION_SERVER {
            self.hear_config_server(&arrival, &content, transport);
        } else if arrival.sender.venture != self.config.venture {
            bump(&mut self.outlet.stats.not_ours);
        } else {
            self.hear_message_space(&arrival, &content, transport);
        }
    }

    /// Does what is due. Calls before [`Registrar::next_deadline`] do nothing.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.ceased.is_some() {
            return;
        }
        self.keep_config_server(now, transport);
        self.impute_terminations(now, transport);
        self.close_census(now, transport);
        self.beat(now, transport);
        self.resynchronise(now);
        self.send_aggregate(now, transport);
        if self.retry_at.is_some_and(|at| now.monotonic >= at) {
            self.retry_at = None;
            self.settle(now, transport);
        }
        self.go_on_briefing(now, transport);
    }

    /// When to call [`Registrar::tick`] next; `receive` and `tick` change it.
    /// `None` once the registrar has ceased.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.ceased.is_some() {
            return None;
        }
        let timers = &self.mib.timers;
        let members = self.circle.members.iter();
        let beat = members.clone().map(|member| member.pulse.deadline(timers.n4(), timers.n6));
        let briefing = members.filter_map(|member| Some(member.briefing?.at));
        let census = self.census.closes.filter(|_| !self.census.heard_of.is_empty());
        let own = [self.resync_at, self.aggregate.at, self.retry_at];
        [Some(self.server_deadline()), beat.min(), briefing.min(), census]
            .into_iter()
            .chain(own)
            .fold(None, earliest)
    }

    /// How it stands with its configuration server.
    #[must_use]
    pub fn state(&self) -> RegistrarState {
        match self.ceased {
            Some(reason) => RegistrarState::Ceased(reason),
            None if self.server_pulse.is_some() => RegistrarState::Noted,
            None => RegistrarState::Announcing,
        }
    }

    /// Whether modules are not yet registered because those that were before may
    /// still reconnect (4.2.5.5.2).
    #[must_use]
    pub fn census_in_progress(&self, now: Now) -> bool {
        let census = self.mib.policy.census(&self.mib.timers);
        let over = |start: Instant| now.monotonic >= start.after(census);
        !census.is_zero() && !self.established.is_some_and(over)
    }

    /// The modules in the cell's registered membership, by number.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.circle.members.iter()
    }

    /// The registrars of the other cells that are known, by unit.
    pub fn registrars(&self) -> impl Iterator<Item = &OtherRegistrar> {
        self.circle.registrars.iter()
    }

    /// The modules of which there are dossiers, by unit and number.
    pub fn dossiers(&self) -> impl Iterator<Item = &Dossier> {
        self.archive.dossiers().iter()
    }

    /// What the modules of which there are dossiers subscribe to and invite.
    pub fn rules(&self) -> impl Iterator<Item = &DossierRule> {
        self.archive.rules().iter()
    }

    /// What became of the MPDUs received and sent.
    #[must_use]
    pub const fn stats(&self) -> &MetaStats {
        &self.outlet.stats
    }

    /// What was decided.
    #[must_use]
    pub const fn counts(&self) -> &RegistrarCounts {
        &self.counts
    }

    /// MPDUs from modules of the cell and from other registrars.
    fn hear_message_space(
        &mut self,
        arrival: &Arrival<'_>,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) {
        let own = arrival.sender.unit == self.unit;
        match *content {
            Content::Heartbeat { .. }
            | Content::ModuleRegistration { .. }
            | Content::Reconnect { .. }
                if !own =>
            {
                bump(&mut self.outlet.stats.not_ours);
            }
            Content::Heartbeat { source } => self.heard(arrival, source, transport),
            Content::ModuleRegistration { query, contact } => {
                self.register(arrival, query, &contact, transport);
            }
            Content::Reconnect { query, ref reconnect } => {
                self.reconnect(arrival, query, reconnect, transport);
            }
            _ => self.relay(arrival, content, transport),
        }
    }

    /// The address of a MAMS endpoint, or where the MPDU came from when the
    /// transport does not know it.
    fn address_of(
        &mut self,
        endpoint: EndpointName<'_>,
        from: &Address,
        transport: &mut dyn Transport,
    ) -> Address {
        let address = transport.resolve(self.mib.primary_transport, endpoint.as_str());
        address.unwrap_or_else(|| {
            bump(&mut self.outlet.stats.unresolved);
            *from
        })
    }

    /// Whether dossiers are kept of all modules.
    fn keeps_dossiers(&self) -> bool {
        let policy = &self.mib.policy;
        policy.introduction == Introduction::ByRegistrar || !policy.aggregation.is_zero()
    }

    /// The role of the module that was a member last under `number`.
    fn role_of(&self, number: ModuleNumber) -> RoleNumber {
        self.roles.get(usize::from(number.0)).copied().unwrap_or_default()
    }
}

/// A datagram with an MPDU that has been found well-formed.
#[derive(Clone, Copy, Debug)]
struct Arrival<'a> {
    now: Now,
    from: &'a Address,
    octets: &'a [u8],
    sender: Sender,
}

impl Machine for Registrar<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        Registrar::receive(self, now, from, octets, transport);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        Registrar::tick(self, now, transport);
    }

    fn next_deadline(&self) -> Option<Instant> {
        Registrar::next_deadline(self)
    }
}
