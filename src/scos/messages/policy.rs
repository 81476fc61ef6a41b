//! What a policy manager sets for an Actor, and the answer.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::scos::coding::coded;
use crate::scos::{ActorId, ActorPolicy};

/// Policy manager to SSM: what is to hold for one Actor from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetActorPolicy {
    /// The number of this setting, above 0; of two for one Actor the higher stands.
    pub version: u32,
    /// The Actor.
    pub actor: ActorId,
    /// What is to hold. The default is what holds for Actors nothing is set for.
    pub policy: ActorPolicy,
}

/// SSM to policy manager: what holds for the Actor now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorPolicyAck {
    /// The Actor.
    pub actor: ActorId,
    /// The version that was asked for, echoed.
    pub version: u32,
    /// What became of it.
    pub outcome: PolicyOutcome,
}

/// What became of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PolicyOutcome {
    /// It holds.
    Applied,
    /// The one of this version, which is as high or higher, holds.
    Stale(u32),
    /// Who asks is not the policy manager. Nothing is said of what holds.
    NotAuthorised,
    /// The SSM has no room for another Actor.
    NoRoom,
}

impl PolicyOutcome {
    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Stale(_) => "stale",
            Self::NotAuthorised => "not_authorised",
            Self::NoRoom => "no_room",
        }
    }
}

impl fmt::Display for PolicyOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied => f.write_str("it holds"),
            Self::Stale(version) => write!(f, "version {version} holds"),
            Self::NotAuthorised => f.write_str("only the policy manager may set that"),
            Self::NoRoom => f.write_str("there is no room for another Actor"),
        }
    }
}

coded! {
    struct SetActorPolicy: version, actor, policy;
    struct ActorPolicyAck: actor, version, outcome;
    enum PolicyOutcome: 0 Applied, 1 Stale(version), 2 NotAuthorised,
        3 NoRoom; else Self::NotAuthorised;
}
