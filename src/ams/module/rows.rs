//! The rows of a module's tables: what it knows of others and what it owes them.

use super::copies::Label;
use super::introduction::Introduction;
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, Priority, RoleNumber,
    SubjectNumber, UnitNumber,
};
use crate::ams::pdu::{AssertionValues, CancellationValues, Declaration, MpduType};
use crate::ams::service::Indication;
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
    /// One that is told nothing, and that no messages can be sent to yet.
    pub(super) const fn new(id: ModuleId, mams: Option<Address>) -> Self {
        let (points, introduction) = ([None; VECTORS], Introduction::NONE);
        Self { key: id.key(), role: id.role, mams, points, introduction }
    }

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

/// A subscription or an invitation: of another module, or of this one itself. 14 octets
/// a slot.
///
/// Rules are kept in the order of their kinds and subjects, so that those a message
/// concerns stand together.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub(super) subject: SubjectNumber,
    /// The place of its module in the table of peers; it is kept right when
    /// peers come and go. 0 in own rules.
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

/// Where a rule stands.
///
/// Whether messages of this module go by a rule of another was judged when it was noted,
/// for it does not depend on the message. What the registrar has been told of an own rule
/// is the desired state that is kept; what is not sent yet goes out at the next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Of another: its domain does not include this module, or its module may not
    /// receive on its subject.
    Idle,
    /// It applies, but another rule of its module for the subject does too, and wins.
    Applies,
    /// It applies, and wins.
    Wins,
    /// Of this module: asserted, and the registrar is to be told.
    ToTell,
    /// Asserted, and the registrar has been told.
    Told,
    /// Cancelled, and the registrar is to be told; then the row goes.
    ToCancel,
    /// Cancelled, and the registrar has been told; the row is about to go.
    Gone,
}

impl Rule {
    /// What `assertion` of the module at place `peer` amounts to.
    pub(super) const fn new(
        kind: RuleKind,
        peer: u16,
        assertion: &AssertionValues,
        standing: Standing,
    ) -> Self {
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

    /// The same of this module itself.
    pub(super) const fn own(
        kind: RuleKind,
        assertion: &AssertionValues,
        standing: Standing,
    ) -> Self {
        Self::new(kind, 0, assertion, standing)
    }

    /// Subscription or invitation.
    #[must_use]
    pub const fn kind(&self) -> RuleKind {
        self.kind
    }

    /// What was asserted.
    #[must_use]
    pub const fn assertion(&self) -> AssertionValues {
        AssertionValues {
            subject: self.subject,
            domain: self.domain(),
            delivery_vector: self.delivery_vector,
            priority: self.priority,
            flow_label: self.flow_label,
        }
    }

    /// Whether it is in force: own rules that are cancelled wait for the registrar to be
    /// told.
    #[must_use]
    pub const fn is_asserted(&self) -> bool {
        !matches!(self.standing, Standing::ToCancel | Standing::Gone)
    }

    /// What the registrar is told of an own one with.
    pub(super) const fn mpdu_type(&self) -> MpduType {
        match (self.kind, self.is_asserted()) {
            (RuleKind::Subscription, true) => MpduType::SUBSCRIBE,
            (RuleKind::Subscription, false) => MpduType::UNSUBSCRIBE,
            (RuleKind::Invitation, true) => MpduType::INVITE,
            (RuleKind::Invitation, false) => MpduType::DISINVITE,
        }
    }

    /// What the user is told of it, a rule of `id`.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) const fn told(&self, id: ModuleId) -> Indication {
        match (self.kind, self.is_asserted()) {
            (RuleKind::Subscription, true) => {
                Indication::SubscriptionAsserted(id, self.assertion())
            }
            (RuleKind::Subscription, false) => {
                Indication::SubscriptionCancelled(id, self.cancellation())
            }
            (RuleKind::Invitation, true) => Indication::InvitationAsserted(id, self.assertion()),
            (RuleKind::Invitation, false) => {
                Indication::InvitationCancelled(id, self.cancellation())
            }
        }
    }

    /// What it is one of several for: of the rules of one module for one subject, one wins.
    pub(super) const fn group(&self) -> (RuleKind, SubjectNumber, u16) {
        (self.kind, self.subject, self.peer)
    }

    pub(super) fn applies(&self) -> bool {
        matches!(self.standing, Standing::Applies | Standing::Wins)
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
    pub(super) kind: RuleKind,
    pub(super) subject: SubjectNumber,
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

/// A query whose reply has not arrived.
#[derive(Clone, Copy, Debug)]
pub struct PendingQuery {
    pub(super) context: ContextNumber,
    /// When it will have timed out; [`Instant::MAX`] for never.
    pub(super) until: Instant,
}
