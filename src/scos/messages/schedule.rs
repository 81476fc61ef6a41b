//! The schedule on its way to a device, and its acknowledgement.

use serde::{Deserialize, Serialize};

use crate::scos::coding::coded;
use crate::scos::{ActorId, RequestId, ScanParameters, Series};

/// A scan recipe: when to scan and what, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScheduleEntry {
    /// The Actor that asked for it.
    pub actor: ActorId,
    /// Its request.
    pub request: RequestId,
    /// The slots.
    pub series: Series,
    /// What to measure.
    pub parameters: ScanParameters,
}

/// A change of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Change {
    /// The recipe is to be executed from occurrence `next` on. It replaces the recipe
    /// of the same request, of which it may be a part.
    Add {
        /// The recipe.
        entry: ScheduleEntry,
        /// The first occurrence that is not settled.
        next: u16,
    },
    /// What remains of the recipe of this request is dropped. An occurrence that has
    /// begun goes on.
    Remove {
        /// The Actor.
        actor: ActorId,
        /// Its request.
        request: RequestId,
    },
}

/// SSM to SSD: a change that takes a schedule from any version from `base` up to
/// `version`. Between the two there is no other change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleChange {
    /// The number of this run of the SSM.
    pub epoch: u32,
    /// The least version this applies to.
    pub base: u32,
    /// The version after it, above `base`.
    pub version: u32,
    /// What changes.
    pub change: Change,
}

/// SSD to SSM: the version its schedule now has, in answer to every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleAck {
    /// The run of the SSM the schedule is of.
    pub epoch: u32,
    /// The version of the last change applied.
    pub version: u32,
    /// Whether the next change was put off because the schedule is full.
    pub full: bool,
}

coded! {
    struct ScheduleEntry: actor, request, series, parameters;
    enum Change: 0 Add { entry, next }, 1 Remove { actor, request };
        else Self::Remove { actor: ActorId(0), request: RequestId(0) };
    struct ScheduleChange: epoch, base, version, change;
    struct ScheduleAck: epoch, version, full;
}
