//! The rows of a module's tables: what it knows of others and what it owes them.

use super::copies::Label;
use super::introduction::Introduction;
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, Priority, RoleNumber,
    SubjectNumber, UnitNumber,
};
use crate::ams::pdu::{AssertionValues, CancellationValues, Declaration, MpduType};
use crate::storage::Row;
use crate::time::Instant;
use crate::transport::Address;

/// Service modes, and so delivery vectors with a meaning, there are (3.1.2.10).
pub(super) const VECTORS: usize = 4;

/// Another module of the message space.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub(super) key: ModuleKey,
    pub(super) role: RoleNumber,
    /// Where it receives MPDUs, if this module can reach it.
    pub(super) mams: Option<Address>,
    /// The best-fit delivery point of each of its delivery vectors (4.2.5.5.8 c).
    pub(super) points: [Option<(u8, Address)>; VECTORS],
    /// What it is still to be told of this module.
    pub(super) introduction: Introduction,
}

impl Peer {
    /// Who it is.
    #[must_use]
    pub const fn id(&self) -> ModuleId {
        ModuleId { role: self.role, unit: self.key.unit, module: self.key.module }
    }

    /// Where messages in the service mode of delivery vector `vector` go.
    #[must_use]
    pub fn delivery_point(&self, vector: u8) -> Option<&Address> {
        self.points.iter().flatten().find(|(number, _)| *number == vector).map(|(_, to)| to)
    }
}

impl Row for Peer {
    type Key = ModuleKey;

    fn key(&self) -> ModuleKey {
        self.key
    }
}

/// Whether published messages are asked for, or private ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RuleKind {
    /// A subscription.
    Subscription,
    /// An invitation.
    Invitation,
}

/// A subscription or an invitation of another module. 14 octets a slot.
///
/// Rules are kept in the order of their subjects, so that those a message
/// concerns stand together.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub(super) subject: SubjectNumber,
    /// The place of its module in the table of peers; it is kept right when
    /// peers come and go.
    pub(super) peer: u16,
    // The domain, without the octet that would be lost to alignment.
    continuum: ContinuumNumber,
    unit: UnitNumber,
    role: RoleNumber,
    pub(super) kind: RuleKind,
    pub(super) delivery_vector: u8,
    pub(super) priority: Priority,
    pub(super) flow_label: u8,
    pub(super) standing: Standing,
}

/// Whether messages of this module go by a rule: judged when it is noted, for it does
/// not depend on the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its domain does not include this module, or its module may not receive on its
    /// subject.
    Idle,
    /// It applies, but another rule of its module for the subject does too, and wins.
    Applies,
    /// It applies, and wins.
    Wins,
}

impl Rule {
    /// What `assertion` of the module at place `peer` amounts to.
    pub(super) const fn new(
        kind: RuleKind,
        peer: u16,
        assertion: &AssertionValues,
        applies: bool,
    ) -> Self {
        let standing = if applies { Standing::Applies } else { Standing::Idle };
        let AssertionValues { subject, domain, delivery_vector, priority, flow_label } = *assertion;
        let Domain { continuum, unit, role } = domain;
        Self {
            subject,
            peer,
            continuum,
            unit,
            role,
            kind,
            delivery_vector,
            priority,
            flow_label,
            standing,
        }
    }

    /// What it is one of several for: of the rules of one module for one subject, one wins.
    pub(super) const fn group(&self) -> (RuleKind, SubjectNumber, u16) {
        (self.kind, self.subject, self.peer)
    }

    pub(super) fn applies(&self) -> bool {
        self.standing != Standing::Idle
    }

    pub(super) fn wins(&self) -> bool {
        self.standing == Standing::Wins
    }

    pub(super) const fn domain(&self) -> Domain {
        Domain { continuum: self.continuum, unit: self.unit, role: self.role }
    }

    pub(super) const fn cancellation(&self) -> CancellationValues {
        CancellationValues { subject: self.subject, domain: self.domain() }
    }

    /// Whether its module declares it.
    pub(super) fn is_in(&self, declared: &Declaration<'_>) -> bool {
        let list = match self.kind {
            RuleKind::Subscription => declared.subscriptions,
            RuleKind::Invitation => declared.invitations,
        };
        let what = self.cancellation();
        list.iter().any(|assertion| assertion.values().cancellation() == what)
    }

    /// What its module asks for in messages: priority and flow label.
    pub(super) const fn label(&self) -> Label {
        Label { priority: self.priority, flow_label: self.flow_label }
    }
}

/// What identifies a rule: a module asserts one for a subject and a domain.
///
/// Peers are in the order of their keys, so the order of their places is that of
/// their keys too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleKey {
    pub(super) subject: SubjectNumber,
    pub(super) kind: RuleKind,
    pub(super) peer: u16,
    pub(super) domain: Domain,
}

impl RuleKey {
    /// The least key of this kind and subject for the module at place `peer`.
    pub(super) const fn first(kind: RuleKind, subject: SubjectNumber, peer: u16) -> Self {
        Self { subject, kind, peer, domain: Domain::ALL }
    }
}

impl Row for Rule {
    type Key = RuleKey;

    fn key(&self) -> RuleKey {
        let Self { subject, kind, peer, .. } = *self;
        RuleKey { subject, kind, peer, domain: self.domain() }
    }
}

/// A subscription or an invitation of this module itself.
#[derive(Clone, Copy, Debug)]
pub struct OwnRule {
    pub(super) kind: RuleKind,
    pub(super) assertion: AssertionValues,
    pub(super) state: OwnState,
}

/// What the registrar has been told of an own rule. It is the desired state that
/// is kept; what is not sent yet goes out at the next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnState {
    /// Asserted, and the registrar is to be told.
    AssertionOwed,
    /// Asserted, and the registrar has been told.
    Asserted,
    /// Cancelled, and the registrar is to be told; then the row goes.
    CancellationOwed,
    /// Cancelled, and the registrar has been told; the row is about to go.
    CancellationSent,
}

impl OwnRule {
    /// Whether it is in force.
    #[must_use]
    pub const fn is_asserted(&self) -> bool {
        matches!(self.state, OwnState::AssertionOwed | OwnState::Asserted)
    }

    /// What the registrar is told of it with.
    pub(super) const fn mpdu_type(&self) -> MpduType {
        match (self.kind, self.is_asserted()) {
            (RuleKind::Subscription, true) => MpduType::SUBSCRIBE,
            (RuleKind::Subscription, false) => MpduType::UNSUBSCRIBE,
            (RuleKind::Invitation, true) => MpduType::INVITE,
            (RuleKind::Invitation, false) => MpduType::DISINVITE,
        }
    }

    /// Subscription or invitation.
    #[must_use]
    pub const fn kind(&self) -> RuleKind {
        self.kind
    }

    /// What was asserted.
    #[must_use]
    pub const fn assertion(&self) -> &AssertionValues {
        &self.assertion
    }
}

impl Row for OwnRule {
    type Key = (RuleKind, CancellationValues);

    fn key(&self) -> Self::Key {
        (self.kind, self.assertion.cancellation())
    }
}

/// A query whose reply has not arrived.
#[derive(Clone, Copy, Debug)]
pub struct PendingQuery {
    pub(super) context: ContextNumber,
    /// When it will have timed out; `None` for never.
    pub(super) until: Option<Instant>,
}

impl PendingQuery {
    /// When it will have timed out; `None` for never.
    #[must_use]
    pub const fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Row for PendingQuery {
    type Key = ContextNumber;

    fn key(&self) -> ContextNumber {
        self.context
    }
}
