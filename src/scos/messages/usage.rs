//! How much of the devices' time Actors have had, and how much of it their scans
//! needed.

use core::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{Outcome, Report};
use crate::scos::ActorId;
use crate::scos::coding::coded;
use crate::storage::Row;

/// What an Actor has had since the SSM began to count: sums, which never fall.
///
/// Booked are the minutes it was granted, less those it cancelled in time:
/// `granted_minutes - cancelled_minutes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Usage {
    /// The Actor.
    pub actor: ActorId,
    /// Minutes granted.
    pub granted_minutes: u64,
    /// Minutes given back by cancelling.
    pub cancelled_minutes: u64,
    /// Occurrences granted.
    pub granted: u64,
    /// Occurrences given back.
    pub cancelled: u64,
    /// Occurrences reported complete.
    pub complete: u64,
    /// Occurrences reported incomplete.
    pub incomplete: u64,
    /// Occurrences reported rejected, by the SSD or the SSM.
    pub rejected: u64,
    /// Minutes booked for the occurrences reported complete.
    pub complete_minutes: u64,
    /// The time to complete of those, in milliseconds.
    pub time_to_complete_ms: u64,
}

impl Row for Usage {
    type Key = ActorId;

    fn key(&self) -> ActorId {
        self.actor
    }
}

impl Usage {
    /// Nothing yet.
    #[must_use]
    pub const fn new(actor: ActorId) -> Self {
        Self {
            actor,
            granted_minutes: 0,
            cancelled_minutes: 0,
            granted: 0,
            cancelled: 0,
            complete: 0,
            incomplete: 0,
            rejected: 0,
            complete_minutes: 0,
            time_to_complete_ms: 0,
        }
    }

    /// How much more time was booked for what was completed than that took, in
    /// thousandths: 1,000 is just as much, 6,000 six times as much. `None` when
    /// nothing that takes time has been completed.
    #[must_use]
    pub fn excess_permille(&self) -> Option<u64> {
        let took = NonZeroU64::new(self.time_to_complete_ms)?;
        let booked = self.complete_minutes.saturating_mul(60_000_000);
        booked.checked_div(took.get())
    }

    /// Adds what was granted.
    pub(crate) const fn grant(&mut self, occurrences: u16, minutes: u16) {
        let occurrences = widen(occurrences);
        self.granted = self.granted.saturating_add(occurrences);
        let minutes = occurrences.saturating_mul(widen(minutes));
        self.granted_minutes = self.granted_minutes.saturating_add(minutes);
    }

    /// Adds what was given back.
    pub(crate) const fn cancel(&mut self, occurrences: u16, minutes: u16) {
        let occurrences = widen(occurrences);
        self.cancelled = self.cancelled.saturating_add(occurrences);
        let minutes = occurrences.saturating_mul(widen(minutes));
        self.cancelled_minutes = self.cancelled_minutes.saturating_add(minutes);
    }

    /// Adds the final report of an occurrence of so many minutes.
    pub(crate) fn report(&mut self, report: &Report<'_>, minutes: u16) {
        match report.outcome {
            Outcome::Complete => {
                self.complete = self.complete.saturating_add(1);
                self.complete_minutes = self.complete_minutes.saturating_add(minutes.into());
                let took = u64::from(report.time_to_complete_ms);
                self.time_to_complete_ms = self.time_to_complete_ms.saturating_add(took);
            }
            Outcome::Incomplete => self.incomplete = self.incomplete.saturating_add(1),
            Outcome::Rejected(_) => self.rejected = self.rejected.saturating_add(1),
        }
    }
}

const fn widen(number: u16) -> u64 {
    let [a, b] = number.to_le_bytes();
    u64::from_le_bytes([a, b, 0, 0, 0, 0, 0, 0])
}

/// Actor to SSM: a request for what Actors have had, an Actor at a time. The Actor
/// that is the operator is told of all, others of themselves alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UsageRequest {
    /// The Actor that asks.
    pub actor: ActorId,
    /// The number of this copy.
    pub copy: u32,
    /// The first Actor wanted.
    pub at: ActorId,
}

/// SSM to Actor: what the first Actor at or after a number has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UsageItem {
    /// The Actor that asked.
    pub actor: ActorId,
    /// The number of this copy, echoed.
    pub copy: u32,
    /// The first Actor wanted, echoed.
    pub at: ActorId,
    /// What it has had; `None` when there is none that the Actor may be told of.
    pub usage: Option<Usage>,
    /// Where to go on; `None` when this is the last.
    pub next: Option<ActorId>,
}

coded! {
    struct Usage: actor, granted_minutes, cancelled_minutes, granted, cancelled, complete,
        incomplete, rejected, complete_minutes, time_to_complete_ms;
    struct UsageRequest: actor, copy, at;
    struct UsageItem: actor, copy, at, usage, next;
}
