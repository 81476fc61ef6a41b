//! Static configurations (735.1-B-1 7.1): modules that know their message space
//! from the start, for it stays as it is. There is no Meta-AMS: no registrar, no
//! heartbeat, nobody joins and nobody dies.
//!
//! One [`StaticSpace`] tells all modules of all of them, so it is written once and
//! given to each. In firmware it is a `const`, checked while it compiles:
//!
//! ```
//! use farpost::ams::ids::{
//!     ContinuumNumber, Domain, ModuleId, ModuleNumber, Priority, RoleNumber, SubjectNumber,
//!     UnitNumber, VentureNumber,
//! };
//! use farpost::ams::mib::{Mib, Role, Subject, Venture};
//! use farpost::ams::module::{StaticMember, StaticSpace};
//! use farpost::ams::pdu::{AssertionValues, DeliveryPoint, DeliveryVectorValues};
//!
//! const METER: ModuleId =
//!     ModuleId { role: RoleNumber(2), unit: UnitNumber::ROOT, module: ModuleNumber(1) };
//! const LOGGER: ModuleId =
//!     ModuleId { role: RoleNumber(3), unit: UnitNumber::ROOT, module: ModuleNumber(2) };
//! const READINGS: AssertionValues = AssertionValues {
//!     subject: SubjectNumber(1),
//!     domain: Domain::ALL,
//!     delivery_vector: 1,
//!     priority: Priority::DEFAULT,
//!     flow_label: 0,
//! };
//! const SPACE: StaticSpace<'_> = StaticSpace {
//!     venture: VentureNumber(1),
//!     members: &[
//!         StaticMember::new(METER),
//!         StaticMember {
//!             delivery_vectors: &[DeliveryVectorValues {
//!                 number: 1,
//!                 points: &[DeliveryPoint { service: "udp", endpoint: "192.0.2.2:2358" }],
//!             }],
//!             subscriptions: &[READINGS],
//!             ..StaticMember::new(LOGGER)
//!         },
//!     ],
//! };
//! const MIB: Mib<'_> = Mib {
//!     ventures: &[Venture {
//!         roles: &[Role::new(RoleNumber(2), "meter"), Role::new(RoleNumber(3), "logger")],
//!         subjects: &[Subject::new(SubjectNumber(1), "reading")],
//!         ..Venture::new(VentureNumber(1), "power", "test")
//!     }],
//!     ..Mib::new(ContinuumNumber::from_bits(2), "field")
//! };
//! const _: () = assert!(SPACE.validate(&MIB).is_ok());
//! ```
//!
//! Which conformance class it is (table 7-1) is in what is called: *send* and
//! receive are class 1, with *query* and *reply* class 3, with *publish* and
//! *announce* class 5, and with a [gateway](crate::ams::gateway::StaticGateway) class
//! 7. What is not called is not linked, and Meta-AMS never is.

use core::fmt;
use core::time::Duration;

use super::rows::{Peer, VECTORS};
use super::{Fanout, Membership, MessageStats, Module, ModuleIdentity, ModuleStorage, Turn};
use crate::ams::ids::{ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, VentureNumber};
use crate::ams::mib::{ChangeRefused, Mib};
use crate::ams::pdu::{AssertionValues, ContactSummaryValues, DeliveryVectorValues, EndpointName};
use crate::ams::routing::{Rule, RuleKind, Standing};
use crate::ams::security::ContentHandler;
use crate::ams::service::{Delivery, Fault, Message, ServiceUser};
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// A message space that stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticSpace<'s> {
    /// Its venture, which is in the MIB.
    pub venture: VentureNumber,
    /// All its modules.
    pub members: &'s [StaticMember<'s>],
}

/// A module of a message space that stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticMember<'s> {
    /// Who it is.
    pub id: ModuleId,
    /// Where it receives messages, one delivery vector a service mode.
    pub delivery_vectors: &'s [DeliveryVectorValues<'s>],
    /// What it subscribes to.
    pub subscriptions: &'s [AssertionValues],
    /// What it invites.
    pub invitations: &'s [AssertionValues],
}

impl StaticMember<'_> {
    /// A module that sends only: it receives nowhere and asks for nothing.
    #[must_use]
    pub const fn new(id: ModuleId) -> Self {
        Self { id, delivery_vectors: &[], subscriptions: &[], invitations: &[] }
    }
}

/// Why there is no such static module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaticFault {
    /// The message space has no such module.
    NoSuchModule(ModuleKey),
    /// The storage has no room for this other module.
    PeersFull(ModuleKey),
    /// The storage has no room for all rules of this module.
    RulesFull(ModuleKey),
    /// The role of this module is not that of gateways.
    NoGateway(ModuleKey),
}

impl fmt::Display for StaticFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchModule(key) => write!(f, "the message space has no module {key}"),
            Self::PeersFull(key) => write!(f, "no room for module {key}"),
            Self::RulesFull(key) => write!(f, "no room for the rules of module {key}"),
            Self::NoGateway(key) => write!(f, "module {key} is no RAMS gateway"),
        }
    }
}

impl core::error::Error for StaticFault {}

/// A module of a message space that stays as it is: a member from the start and
/// for good. It sends, receives and judges as a [`Module`] does.
#[derive(Debug)]
pub struct StaticModule<'s>(Module<'s>);

impl<'s> StaticModule<'s> {
    /// The module `me` of `space`. Its storage needs a peer for each other member
    /// and a rule for each of their rules; `mpdu` may be empty. A delivery point
    /// that `transport` cannot resolve is as if it were not there.
    ///
    /// # Errors
    /// [`StaticFault`]. That the space agrees with the MIB is for
    /// [`StaticSpace::validate`] to say, at best while compiling.
    pub fn new(
        mib: &'s Mib<'s>,
        space: &StaticSpace<'s>,
        me: ModuleKey,
        storage: ModuleStorage<'s>,
        transport: &mut dyn Transport,
    ) -> Result<Self, StaticFault> {
        let own = space.members.iter().find(|member| member.id.key() == me);
        let own = own.ok_or(StaticFault::NoSuchModule(me))?;
        let ModuleId { role, unit, module } = own.id;
        let contact = ContactSummaryValues {
            endpoint: EndpointName::NONE,
            delivery_vectors: own.delivery_vectors,
        };
        let venture = space.venture;
        let identity = ModuleIdentity { venture, unit, role, contact, first_query: 1 };
        let mut machine = Module::new(mib, identity, storage);
        machine.membership = Membership::Member(module);
        for (kind, assertion) in own.rules() {
            let row = Rule::own(kind, &assertion, Standing::Told);
            machine.own.insert(row).map_err(|_| StaticFault::RulesFull(me))?;
        }
        let others = || space.members.iter().filter(|member| member.id.key() != me);
        for other in others() {
            let key = other.id.key();
            let points = machine.points_of(other.delivery_vectors, transport);
            let peer = Peer { points, ..Peer::new(other.id, None) };
            machine.peers.insert(peer).map_err(|_| StaticFault::PeersFull(key))?;
        }
        let turn = &mut Turn { now: &Now::default(), transport, user: &mut |_| {} };
        for other in others() {
            for (kind, assertion) in other.rules() {
                machine.set_rule(other.id, kind, (&assertion, true), turn);
            }
            if machine.meta_stats().full > 0 {
                return Err(StaticFault::RulesFull(other.id.key()));
            }
        }
        Ok(Self(machine))
    }

    /// See [`Module::with_content_handler`].
    #[must_use]
    pub fn with_content_handler(self, handler: &'s mut dyn ContentHandler) -> Self {
        Self(self.0.with_content_handler(handler))
    }

    /// See [`Module::publish`].
    ///
    /// # Errors
    /// A [`Fault`] that says why the message was not issued at all.
    pub fn publish(
        &mut self,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        self.0.publish(message, transport, user)
    }

    /// See [`Module::announce`].
    ///
    /// # Errors
    /// A [`Fault`] that says why the message was not issued at all.
    pub fn announce(
        &mut self,
        domain: Domain,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        self.0.announce(domain, message, transport, user)
    }

    /// See [`Module::send`].
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn send(
        &mut self,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.0.send(to, message, transport)
    }

    /// See [`Module::query`].
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn query(
        &mut self,
        now: Now,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        term: Option<Duration>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.0.query(now, to, message, term, transport)
    }

    /// See [`Module::abandon_query`].
    pub fn abandon_query(&mut self, context: ContextNumber) -> bool {
        self.0.abandon_query(context)
    }

    /// See [`Module::reply`].
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn reply(
        &mut self,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.0.reply(to, message, transport)
    }

    /// See [`Module::receive_aams`].
    ///
    /// # Errors
    /// The [`Fault`] for which the message is discarded.
    pub fn receive_aams<'d>(&mut self, octets: &'d [u8]) -> Result<Delivery<'d>, Fault> {
        self.0.receive_aams(octets)
    }

    /// See [`Module::receive_aams_in`].
    ///
    /// # Errors
    /// The [`Fault`] for which the message is discarded.
    pub fn receive_aams_in<'d>(
        &mut self,
        octets: &'d [u8],
        room: &'d mut [u8],
    ) -> Result<Delivery<'d>, Fault> {
        self.0.receive_aams_in(octets, room)
    }

    /// Tells `user` of queries that have timed out, and does nothing else.
    pub fn tick(&mut self, now: Now, user: &mut dyn ServiceUser) {
        self.0.time_queries_out(now.monotonic, user);
    }

    /// Goes by `mib` from now on; see [`Module::change_mib`]. Own rules stay, for
    /// there is nobody to be told.
    ///
    /// # Errors
    /// [`ChangeRefused`]; nothing is changed then.
    pub fn change_mib(&mut self, mib: &'s Mib<'s>) -> Result<(), ChangeRefused> {
        self.0.take_mib(mib)
    }

    /// When [`StaticModule::tick`] is next to be called: when a query times out. Any
    /// other call may change it.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = self.0.queries.next_deadline();
        (next < Instant::MAX).then_some(next)
    }

    /// The machine inside, for a gateway to be.
    pub(in crate::ams) fn into_module(self) -> Module<'s> {
        self.0
    }

    /// Its module ID.
    #[must_use]
    pub const fn id(&self) -> ModuleId {
        self.0.known_as()
    }

    /// The other modules, in the order of unit and module number.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.0.peers()
    }

    /// Counters of messages.
    #[must_use]
    pub const fn message_stats(&self) -> &MessageStats {
        self.0.message_stats()
    }
}

impl StaticMember<'_> {
    fn rules(&self) -> impl Iterator<Item = (RuleKind, AssertionValues)> {
        let of = |kind| move |rule: &AssertionValues| (kind, *rule);
        let subscriptions = self.subscriptions.iter().map(of(RuleKind::Subscription));
        subscriptions.chain(self.invitations.iter().map(of(RuleKind::Invitation)))
    }
}

impl Module<'_> {
    /// The best-fit delivery points of a module that is told of in code.
    fn points_of(
        &self,
        vectors: &[DeliveryVectorValues<'_>],
        transport: &mut dyn Transport,
    ) -> [Option<(u8, Address)>; VECTORS] {
        let mut points = [None; VECTORS];
        for (slot, vector) in points.iter_mut().zip(vectors) {
            let usable = vector
                .points
                .iter()
                .filter(|point| self.mib.transports.iter().any(|own| own.name == point.service));
            let mut addresses =
                usable.filter_map(|point| transport.resolve(point.service, point.endpoint));
            *slot = addresses.next().map(|address| (vector.number, address));
        }
        points
    }
}
