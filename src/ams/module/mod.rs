//! The AMS module: a member of a message space that exchanges messages with
//! others (735.1-B-1 4.2, 4.3).
//!
//! | membership | event | does | next | clause |
//! |---|---|---|---|---|
//! | outside, dead | `register` | forgets all it knew | joining | 4.2.5.1 |
//! | joining, registrar unknown | tick | `registrar_query`, location after location | | 4.2.4.2.1, 4.2.2 |
//! | joining | `cell_spec` | notes the registrar, `module_registration` | | 4.2.4.2.3, 4.2.5.4 |
//! | joining | `registrar_unknown` | fault; asks again after N1 | | 4.2.4.2.4, 4.2.5.3 |
//! | joining | `rejection` | fault; registers again after N2 | | 4.2.5.5.4 |
//! | joining | N2 without an answer | fault; registers again with the same query number; the second time it looks for the registrar anew | | 4.2.5.5.6 |
//! | joining | `you_are_in` | heartbeats, invites the gateway | member | 4.2.5.5.5 |
//! | joining, member | `I_am_starting` | notes the module, `I_am_here` to it | | 4.2.5.5.8 |
//! | joining, member | `module_has_started`, `I_am_here` | notes modules and rules | | 4.2.5.5.9, 4.2.5.5.10 |
//! | joining, member | `subscribe` … `disinvite` | notes or forgets the rule | | 4.2.10.4 to 4.2.13.4 |
//! | joining, member | `I_am_stopping` of another | forgets it | | 4.2.6.4 |
//! | joining, member | `cell_status` | forgets who is not in it, `module_status` | | 4.2.9.3 |
//! | joining, member | `module_status` | makes what it knows agree | | 4.2.9.6 |
//! | member | N4 | `heartbeat` | | 4.2.7.1 |
//! | member | N6 × N4 without a heartbeat | the registrar is unknown, and the next heartbeat due at once | | 4.2.7.5 |
//! | member, registrar unknown | N4 | looks for it, `reconnect` | | 4.2.7.1.4, 4.2.8.1 |
//! | member | `reconnected` | heartbeats go on | | 4.2.8.4 |
//! | member | `you_are_dead`, `I_am_stopping` of itself | `Module_is_dead.indication` | dead | 4.2.8.3, 4.2.6.4 e |
//! | joining, member | `unregister` | `I_am_stopping` | outside | 4.2.6.1 |
//!
//! Choices the standard leaves open:
//! - MPDUs about others are taken while joining too: the answer of the registrar
//!   may be overtaken by what other modules send on account of it.
//! - `I_am_starting` of a module number that is known under another role or
//!   endpoint replaces the old module, whose obituary must have been lost.
//! - A `cell_status` of the own cell that lacks this module is answered but does
//!   not end it: an older one may arrive late. If the registrar does not know the
//!   module, it answers the `module_status` with `you_are_dead`.
//! - Where several rules of a receiver match a message, one for the subject wins
//!   over one for all subjects, and then the one whose domain is greatest in the
//!   order continuum, unit, role: a named one wins over "all".
//! - Assertions and status wait while the module reconnects: the registrar would
//!   not know whose they are.
//! - What is said of a module number under another role than is known concerns a
//!   former module of that number, and is discarded.
//! - A message on the pseudo-subject of the local continuum from a module that is
//!   not known yet is taken for a gateway's, for no other may issue one.
//! - An MPDU that neither its buffer nor the transport will ever take is given up,
//!   a fault and counted; *I_am_here* is split, for what it tells adds up.
//! - A message this module neither subscribes to nor invites is not delivered.

mod change;
mod copies;
mod duties;
mod fixed;
mod fixed_check;
mod handling;
mod inbound;
mod introduction;
mod membership;
mod memory;
mod noting;
mod outbound;
mod queries;
mod remote;
mod rows;
mod status;
mod turn;
mod view;

#[cfg(test)]
mod tests;

use super::ids::{ModuleId, ModuleKey, ModuleNumber, RoleNumber, UnitNumber, VentureNumber};
use super::meta::{Interrogation, MetaStats, Outlet, Pulse, bump};
use super::mib::{Mib, ServiceMode, Venture};
use super::pdu::{CancellationValues, ContactSummaryValues, Sender};
use super::routing::Rules;
use super::security::{Authenticator, ContentHandler, Receiver};
use super::service::Fault;
use crate::storage::{Slot, Table};
use crate::time::Instant;
use crate::transport::Address;

use copies::Batch;

pub use fixed::{StaticFault, StaticMember, StaticModule, StaticSpace};
pub use fixed_check::StaticInvalid;
pub use membership::RuleRequest;
pub use memory::ModuleMemory;
pub use outbound::Fanout;
use queries::Queries;
use turn::Turn;

pub use super::routing::{Rule, RuleKey, RuleKind};
pub use rows::{Peer, PendingQuery};

/// Who a module is and how it is reached.
#[derive(Clone, Copy, Debug)]
pub struct ModuleIdentity<'s> {
    /// Its venture, which is in the MIB.
    pub venture: VentureNumber,
    /// The unit of the cell it registers in.
    pub unit: UnitNumber,
    /// The role it registers in.
    pub role: RoleNumber,
    /// Where it receives MPDUs and, one delivery vector a service mode, messages.
    pub contact: ContactSummaryValues<'s>,
    /// Where its series of query numbers begins. One that differs from start to
    /// start keeps answers to an earlier life from being taken for answers.
    pub first_query: u32,
}

/// The storage of a module. What does not fit is refused with
/// [`Fault::TableFull`] (own rules, pending queries) or counted in
/// [`MetaStats::full`] (what others announce).
#[derive(Debug)]
pub struct ModuleStorage<'s> {
    /// One for each other module of the message space; 65,535 can be of use.
    pub peers: &'s mut [Slot<Peer>],
    /// One for each subscription and invitation of each other module.
    pub rules: &'s mut [Slot<Rule>],
    /// One for each own subscription and invitation, and one more for the
    /// invitation of the gateway.
    pub own: &'s mut [Slot<Rule>],
    /// One for each query with a term that may be pending.
    pub queries: &'s mut [Slot<PendingQuery>],
    /// Room for the longest MPDU: 19 octets and the module's own status, which is
    /// its contact summary, nine octets for each own rule, and 12 more.
    pub mpdu: &'s mut [u8],
    /// Room for the longest message: 18 octets and its data.
    pub message: &'s mut [u8],
}

/// Counters of messages. They stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct MessageStats {
    /// Messages transmitted, copies counted singly.
    pub sent: u32,
    /// Copies that could not be transmitted; each was a fault.
    pub not_sent: u32,
    /// Datagrams received.
    pub received: u32,
    /// Messages delivered.
    pub delivered: u32,
    /// Discarded as ill-formed.
    pub malformed: u32,
    /// Discarded: the sender is not authorised.
    pub not_authorised: u32,
    /// Not issued: they could not be encrypted or marshalled as the MIB asks for.
    pub not_prepared: u32,
    /// Discarded: they could not be decrypted or un-marshalled as the MIB asks for.
    pub not_restored: u32,
    /// Discarded: neither subscribed to nor invited.
    pub uninvited: u32,
    /// Discarded: the module is not registered, or the message is of another continuum.
    pub inappropriate: u32,
}

/// Where a module is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Membership {
    /// It takes no part.
    Outside,
    /// It is being registered.
    Joining,
    /// It takes part, under this number.
    Member(ModuleNumber),
    /// Its termination was imputed; it takes no part.
    Dead,
}

/// An AMS module. See the [table of its states](self).
// On boards what is looked at most is in front, where instructions are short.
#[derive(Debug)]
#[cfg_attr(not(feature = "std"), repr(C))]
pub struct Module<'s> {
    mib: &'s Mib<'s>,
    venture: Option<&'s Venture<'s>>,
    membership: Membership,
    /// This module's status is to be sent to the registrar.
    status_owed: bool,
    /// Where the registrar is, when that is known.
    registrar: Option<Address>,
    /// The registration or reconnection that is open.
    request: Option<Request>,
    /// Not before this are the registrar or its answer sought again.
    retry_at: Instant,
    /// Not before this is the transport offered again what it refused.
    offer_at: Instant,
    /// When new modules are told of this one; [`Instant::MAX`] when there are none.
    introduce_at: Instant,
    pulse: Pulse,
    peers: Table<'s, Peer>,
    own: Table<'s, Rule>,
    identity: ModuleIdentity<'s>,
    queries: Queries<'s>,
    message: &'s mut [u8],
    interrogation: Interrogation,
    outlet: Outlet<'s>,
    rules: Rules<'s>,
    handler: Option<&'s mut dyn ContentHandler>,
    stats: MessageStats,
    batch: Batch,
}

/// A question to the registrar.
#[derive(Clone, Copy, Debug)]
struct Request {
    query: u32,
    /// When it will have failed; [`Instant::MAX`] while it is not sent.
    until: Instant,
    /// How often it has failed.
    failures: u8,
}

impl Request {
    const fn new(query: u32) -> Self {
        Self { query, until: Instant::MAX, failures: 0 }
    }
}

impl<'s> Module<'s> {
    /// A module that takes no part yet.
    #[must_use]
    pub fn new(mib: &'s Mib<'s>, identity: ModuleIdentity<'s>, storage: ModuleStorage<'s>) -> Self {
        let sender = Sender { venture: identity.venture, unit: identity.unit, role: identity.role };
        Self {
            mib,
            venture: mib.venture(identity.venture),
            identity,
            membership: Membership::Outside,
            registrar: None,
            interrogation: Interrogation::default(),
            request: None,
            retry_at: Instant::ZERO,
            offer_at: Instant::ZERO,
            introduce_at: Instant::MAX,
            pulse: Pulse::commence(Instant::ZERO),
            status_owed: false,
            peers: Table::new(storage.peers),
            rules: Rules::new(storage.rules),
            batch: Batch::NONE,
            own: Table::new(storage.own),
            queries: Queries::new(storage.queries),
            outlet: Outlet::new(mib, sender, identity.first_query, storage.mpdu),
            message: storage.message,
            handler: None,
            stats: MessageStats::default(),
        }
    }

    /// The same, but `authenticator` signs the MPDUs it sends, with the private key of
    /// its role in the MIB, and judges those it receives, by the public keys of the
    /// MIB.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: &'s dyn Authenticator) -> Self {
        let receiver = Receiver::Module(self.identity.venture);
        self.outlet.be_guarded(authenticator, self.mib, receiver);
        self
    }

    /// The same, but `handler` encrypts and marshals its messages, and the reverse, on
    /// the subjects for which the MIB asks for that.
    #[must_use]
    pub fn with_content_handler(mut self, handler: &'s mut dyn ContentHandler) -> Self {
        self.handler = Some(handler);
        self
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn membership(&self) -> Membership {
        self.membership
    }

    /// Its module ID, while it is a member.
    #[must_use]
    pub const fn id(&self) -> Option<ModuleId> {
        match self.membership {
            Membership::Member(_) => Some(self.known_as()),
            _ => None,
        }
    }

    /// Its module ID, with number 0 while it has none.
    #[cfg_attr(not(feature = "std"), inline(never))]
    const fn known_as(&self) -> ModuleId {
        let ModuleIdentity { role, unit, .. } = self.identity;
        let module = match self.membership {
            Membership::Member(module) => module,
            _ => ModuleNumber::NONE,
        };
        ModuleId { role, unit, module }
    }

    /// The other modules it knows, in the order of unit and module number.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter()
    }

    /// The rules of others it knows: who, of which kind, and what.
    pub fn rules(&self) -> impl Iterator<Item = (ModuleKey, RuleKind, CancellationValues)> {
        self.rules.iter().filter_map(|rule| {
            let peer = self.peers.at(usize::from(rule.peer))?;
            Some((peer.key, rule.kind, rule.cancellation()))
        })
    }

    /// Its own rules.
    pub fn own_rules(&self) -> impl Iterator<Item = &Rule> {
        self.own.iter().filter(|rule| rule.is_asserted())
    }

    /// Counters of Meta-AMS traffic.
    #[must_use]
    pub const fn meta_stats(&self) -> &MetaStats {
        &self.outlet.stats
    }

    /// Counters of messages.
    #[must_use]
    pub const fn message_stats(&self) -> &MessageStats {
        &self.stats
    }

    /// The delivery vector of a service mode: the one whose first delivery point
    /// belongs to a transport service of that mode (3.1.2.9).
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn vector_of(&self, mode: ServiceMode) -> Option<u8> {
        let has_mode = |service: &str| {
            self.mib.transports.iter().any(|known| known.name == service && known.mode == mode)
        };
        let vectors = self.identity.contact.delivery_vectors;
        let vector = vectors
            .iter()
            .find(|vector| vector.points.first().is_some_and(|point| has_mode(point.service)))?;
        Some(vector.number)
    }

    /// The service mode to ask for where any will do: best effort, or the first
    /// this module has.
    pub(super) fn usual_mode(&self) -> ServiceMode {
        let has = |mode: &ServiceMode| self.vector_of(*mode).is_some();
        let best = ServiceMode::BEST_EFFORT;
        let mut other = self.mib.transports.iter().map(|service| service.mode);
        if has(&best) { best } else { other.find(has).unwrap_or(best) }
    }

    fn require_member(&self) -> Result<ModuleId, Fault> {
        self.id().ok_or(Fault::NotRegistered)
    }
}
