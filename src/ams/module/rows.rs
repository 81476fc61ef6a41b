//! The rows of a module's tables: what it knows of others and what it owes them.

use super::introduction::Introduction;
use crate::ams::ids::{ContextNumber, ModuleId, ModuleKey, RoleNumber};
use crate::ams::pdu::{AssertionValues, CancellationValues, Declaration, MpduType};
use crate::ams::routing::{Member, Rule, RuleKey, RuleKind, Standing};
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

impl Member for Peer {
    fn id(&self) -> ModuleId {
        self.id()
    }
}

impl Row for Peer {
    type Key = ModuleKey;

    fn key(&self) -> ModuleKey {
        self.key
    }
}

/// Rules of this module itself, and what is said of any.
impl Rule {
    /// A rule of this module.
    pub(super) const fn own(
        kind: RuleKind,
        assertion: &AssertionValues,
        standing: Standing,
    ) -> Self {
        Self::standing(kind, 0, assertion, standing)
    }

    /// Its key.
    pub(super) const fn own_key(kind: RuleKind, what: CancellationValues) -> RuleKey {
        let CancellationValues { subject, domain } = what;
        RuleKey { kind, subject, peer: 0, domain }
    }

    /// Whether it is in force: own rules that are cancelled wait for the registrar to be
    /// told.
    #[must_use]
    pub const fn is_asserted(&self) -> bool {
        !matches!(self.standing, Standing::ToCancel)
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

    /// What the user is told of it, a rule of `id`: that it is asserted, or cancelled.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) const fn told(&self, id: ModuleId, asserted: bool) -> Indication {
        match (self.kind, asserted) {
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

    /// Whether its module declares it.
    pub(super) fn is_in(&self, declared: &Declaration<'_>) -> bool {
        let list = match self.kind {
            RuleKind::Subscription => declared.subscriptions,
            RuleKind::Invitation => declared.invitations,
        };
        let what = self.cancellation();
        list.iter().any(|assertion| assertion.values().cancellation() == what)
    }
}

/// A query whose reply has not arrived.
#[derive(Clone, Copy, Debug)]
pub struct PendingQuery {
    pub(super) context: ContextNumber,
    /// When it will have timed out; [`Instant::MAX`] for never.
    pub(super) until: Instant,
}
