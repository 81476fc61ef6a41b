//! One rule of a module: what it asks for, and how.

use core::cmp::Ordering;

use crate::ams::ids::{ContinuumNumber, Domain, Priority, RoleNumber, SubjectNumber, UnitNumber};
use crate::ams::pdu::{AssertionValues, CancellationValues};
use crate::ams::service::Message;
use crate::storage::Row;

/// What copies of a message differ in: its priority and its flow label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Label {
    /// How urgent it is.
    pub priority: Priority,
    /// What transport services are told of it.
    pub flow_label: u8,
}

impl Label {
    /// What is said where nobody asks for anything (3.1.5).
    pub const DEFAULT: Self = Self { priority: Priority::DEFAULT, flow_label: 0 };

    /// What a copy of `message` says where a rule asks for `self`: the message
    /// overrides it (4.3.1.1).
    #[must_use]
    pub fn of(asked: Self, message: &Message<'_>) -> Self {
        Self {
            priority: message.priority.unwrap_or(asked.priority),
            flow_label: message.flow_label.unwrap_or(asked.flow_label),
        }
    }

    /// The label as the first two octets of a message of type *unary* hold it.
    pub(in crate::ams) const fn word(self) -> u16 {
        u16::from_be_bytes([self.priority.get(), self.flow_label])
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
    pub(in crate::ams) subject: SubjectNumber,
    /// The place of its module in the table of peers; it is kept right when
    /// peers come and go. 0 in own rules.
    pub(in crate::ams) peer: u16,
    // The domain, without the octet that would be lost to alignment.
    continuum: ContinuumNumber,
    unit: UnitNumber,
    role: RoleNumber,
    pub(in crate::ams) kind: RuleKind,
    pub(in crate::ams) delivery_vector: u8,
    pub(in crate::ams) priority: Priority,
    pub(in crate::ams) flow_label: u8,
    pub(in crate::ams) standing: Standing,
}

/// Where a rule stands.
///
/// Whether messages of this module go by a rule of another was judged when it was noted,
/// for it does not depend on the message. What the registrar has been told of an own rule
/// is the desired state that is kept; what is not sent yet goes out at the next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ams) enum Standing {
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
}

impl Rule {
    /// What `assertion` of the module at place `peer` amounts to. Whether it
    /// `applies` is for [`applies`](super::applies) to say.
    #[must_use]
    pub const fn new(
        kind: RuleKind,
        peer: u16,
        assertion: &AssertionValues,
        applies: bool,
    ) -> Self {
        let standing = if applies { Standing::Applies } else { Standing::Idle };
        Self::standing(kind, peer, assertion, standing)
    }

    /// The same, of one that stands so.
    pub(in crate::ams) const fn standing(
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

    /// What it is one of several for, as a number: of the rules of one module for one subject,
    /// one wins.
    pub(super) fn group(&self) -> u64 {
        u64::from(topic(self.kind, self.subject)) << 32 | u64::from(self.peer)
    }

    /// Whether it asks for messages of this module.
    #[must_use]
    pub fn applies(&self) -> bool {
        matches!(self.standing, Standing::Applies | Standing::Wins)
    }

    /// Whether it does, and no other rule of its module for the subject wins over it.
    #[must_use]
    pub fn wins(&self) -> bool {
        self.standing == Standing::Wins
    }

    /// Subscription or invitation.
    #[must_use]
    pub const fn kind(&self) -> RuleKind {
        self.kind
    }

    /// The subject it is for; [`SubjectNumber::ALL`] for every one.
    #[must_use]
    pub const fn subject(&self) -> SubjectNumber {
        self.subject
    }

    /// The place of its module among those that are known.
    #[must_use]
    pub const fn peer(&self) -> u16 {
        self.peer
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

    /// The number of the delivery vector its module receives by, 0 to 15.
    #[must_use]
    pub const fn delivery_vector(&self) -> u8 {
        self.delivery_vector
    }

    /// The modules whose messages it asks for.
    #[must_use]
    pub const fn domain(&self) -> Domain {
        Domain { continuum: self.continuum, unit: self.unit, role: self.role }
    }

    /// What its module would cancel it with.
    #[must_use]
    pub const fn cancellation(&self) -> CancellationValues {
        CancellationValues { subject: self.subject, domain: self.domain() }
    }

    /// What its module asks for in messages: priority and flow label.
    #[must_use]
    pub const fn label(&self) -> Label {
        Label { priority: self.priority, flow_label: self.flow_label }
    }
}

/// What identifies a rule: a module asserts one for a subject and a domain.
///
/// Peers are in the order of their keys, so the order of their places is that of
/// their keys too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleKey {
    /// Subscription or invitation.
    pub kind: RuleKind,
    /// The subject; [`SubjectNumber::ALL`] for every one.
    pub subject: SubjectNumber,
    /// The place of the module among those that are known.
    pub peer: u16,
    /// The modules whose messages it asks for.
    pub domain: Domain,
}

impl RuleKey {
    /// The least key of this kind and subject for the module at place `peer`.
    pub(super) const fn first(kind: RuleKind, subject: SubjectNumber, peer: u16) -> Self {
        Self { subject, kind, peer, domain: Domain::ALL }
    }

    /// A number that is greater for a key that comes after: kind, subject, peer,
    /// continuum, unit and role, from 16 bits each. It takes fewer instructions to
    /// compare than they.
    // Called, it would have a key made for it each time.
    #[inline(always)]
    fn order(self) -> u128 {
        let Domain { continuum, unit, role } = self.domain;
        let subject = topic(self.kind, self.subject);
        let place = u32::from(self.peer) << 16 | u32::from(continuum.get());
        let rest = u32::from(unit.0) << 16 | u32::from(role.0);
        u128::from(subject) << 64 | u128::from(place) << 32 | u128::from(rest)
    }
}

/// Kind and subject as a number that is greater for what comes after.
fn topic(kind: RuleKind, subject: SubjectNumber) -> u32 {
    let kind = u32::from(kind == RuleKind::Invitation);
    kind << 16 | u32::from(subject.0.cast_unsigned() ^ 0x8000)
}

impl Ord for RuleKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for RuleKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Row for Rule {
    type Key = RuleKey;

    fn key(&self) -> RuleKey {
        let Self { subject, kind, peer, .. } = *self;
        RuleKey { subject, kind, peer, domain: self.domain() }
    }
}
