//! The rows of a module's tables: what it knows of others and what it owes them.

use super::introduction::Introduction;
use crate::ams::ids::{ContextNumber, ModuleId, ModuleKey, RoleNumber};
use crate::ams::pdu::{AssertionValues, CancellationValues, MpduType};
use crate::ams::routing::{Member, RuleKind};
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

impl Member for Peer {
    fn id(&self) -> ModuleId {
        Self::id(self)
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
