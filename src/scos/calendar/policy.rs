//! What an operator decides about every calendar: who may book how much, what is
//! kept for short scans, and who gives way to whom.

use serde::{Deserialize, Serialize};

use crate::time::Week;

/// The rules scan requests are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    /// The minutes an Actor may have booked in one week: minutes of an occurrence times
    /// occurrences, all its recipes together, without those of occurrences that were
    /// rejected. Exactly so many are allowed; `None` for as many as there are. Lowering it
    /// revokes nothing. What is set for one Actor alone goes before ([`ActorPolicy`]).
    pub quota_minutes: Option<u32>,
    /// What these minutes are of.
    pub quota_scope: QuotaScope,
    /// The longest occurrence that counts as a short scan.
    pub short_minutes: u16,
    /// The last minutes of each hour that only short scans may use, 0 to 60; more
    /// counts as 60. With 0 there is no reserve. A device may have another
    /// ([`Scheduler::set_reserve`](super::Scheduler::set_reserve)).
    pub reserve_per_hour: u8,
    /// Whether short scans under Nearest Time go to the reserve first, so that long ones
    /// find the rest in one piece: to the nearest place in the reserve at most an hour
    /// away, and only without one to the nearest of all.
    pub reserve_first: bool,
    /// The minutes between a request and the earliest start it can be granted.
    pub lead_minutes: u16,
    /// Whether a request that finds no place takes that of Actors of lower priority
    /// ([`ActorPolicy::priority`]): all that is to come of a recipe in its way, outside the
    /// guard time, is displaced. Without it nothing that is granted is ever taken away.
    pub preemption: bool,
}

impl Policy {
    /// Everything that is free is anybody's from the next minute on.
    pub const OPEN: Self = Self {
        quota_minutes: None,
        quota_scope: QuotaScope::Device,
        short_minutes: 5,
        reserve_per_hour: 0,
        reserve_first: false,
        lead_minutes: 0,
        preemption: false,
    };

    /// Whether an occurrence of `minutes` is a short scan.
    #[must_use]
    pub const fn is_short(&self, minutes: u16) -> bool {
        minutes <= self.short_minutes
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::OPEN
    }
}

/// What the minutes of a quota are counted over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QuotaScope {
    /// Each device by itself.
    #[default]
    Device,
    /// All devices together.
    AllDevices,
}

/// What is set for one Actor: by the operator, or by a policy manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ActorPolicy {
    /// The minutes it may have booked in one week, in place of [`Policy::quota_minutes`];
    /// `None` for that.
    pub quota_minutes: Option<u32>,
    /// Who gives way to whom where the policy has preemption: the lower to the higher, never
    /// equals. 0 for those nothing is set for.
    pub priority: u8,
}

/// Minutes of each hour that are kept for short scans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reserve(u64);

/// The minutes of an hour, a bit each.
const HOUR: u64 = (1 << 60) - 1;

impl Reserve {
    /// No minutes.
    pub const NONE: Self = Self(0);

    /// The last `minutes` of each hour; more than 60 counts as 60.
    #[must_use]
    pub fn per_hour(minutes: u8) -> Self {
        Self(HOUR & u64::MAX.unbounded_shl(60_u32.saturating_sub(minutes.into())))
    }

    /// The minutes of each hour whose bit is set, the first minute in the lowest bit; bits
    /// from 60 on mean nothing.
    #[must_use]
    pub const fn of_minutes(bits: u64) -> Self {
        Self(bits & HOUR)
    }

    /// Whether no slot is reserved.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// All minutes but these.
    #[must_use]
    pub const fn inverted(self) -> Self {
        Self(self.0 ^ HOUR)
    }

    /// The most minutes without a reserved one among them.
    #[must_use]
    pub fn leaves_at_most(self) -> u16 {
        if self.is_none() {
            return Week::MINUTES;
        }
        let free = self.0 ^ HOUR;
        // From each reserved minute on, as far as the next: hours follow one another.
        let two = u128::from(free) | u128::from(free).wrapping_shl(60);
        let longest = (0..60_u32).map(|minute| two.wrapping_shr(minute).trailing_ones()).max();
        u16::try_from(longest.unwrap_or(0)).unwrap_or(0)
    }

    /// Whether slot `slot` is reserved.
    #[must_use]
    pub fn holds(self, slot: u16) -> bool {
        self.0.wrapping_shr(u32::from(slot % 60)) & 1 == 1
    }

    /// The first reserved slot of the `minutes` from `start` on.
    #[must_use]
    pub fn first_within(self, start: u16, minutes: u16) -> Option<u16> {
        let minute = u32::from(start % 60);
        let ahead = self.0.wrapping_shr(minute) | self.0.wrapping_shl(60_u32.wrapping_sub(minute));
        let until = u16::try_from((ahead & HOUR).trailing_zeros()).unwrap_or(64);
        (!self.is_none() && until < minutes).then(|| start.saturating_add(until))
    }

    /// The minutes of the hour, a bit each.
    #[cfg(any(test, not(feature = "std")))]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Takes every reserved slot.
    #[cfg(any(test, feature = "std"))]
    pub(super) fn overlay(self, taken: &mut [u64]) {
        if self.is_none() {
            return;
        }
        // An hour, then word by word what of it the word begins with: words are
        // four minutes longer.
        let hour = self.0;
        let mut minute = 0_u32;
        for word in taken.iter_mut() {
            let rest = 60_u32.wrapping_sub(minute);
            *word |= hour.wrapping_shr(minute)
                | hour.unbounded_shl(rest)
                | hour.unbounded_shl(rest.wrapping_add(60));
            minute = minute.wrapping_add(4);
            if minute == 60 {
                minute = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::WORDS;
    use super::*;

    fn is_as_it_says(reserve: Reserve, held: impl Fn(u16) -> bool) {
        let mut taken = [0; WORDS];
        reserve.overlay(&mut taken);
        let (mut run, mut longest) = (0, 0);
        for slot in 0..10_080_u16 {
            let held = held(slot);
            assert_eq!(reserve.holds(slot), held);
            assert_eq!(taken[usize::from(slot / 64)] >> (slot % 64) & 1 == 1, held);
            let within = (slot..slot + 7).find(|slot| reserve.holds(*slot));
            assert_eq!(reserve.first_within(slot, 7), within);
            run = if held { 0 } else { run + 1 };
            longest = longest.max(run);
        }
        assert_eq!(reserve.leaves_at_most(), longest);
    }

    #[test]
    fn the_last_minutes_of_each_hour_are_reserved() {
        for per_hour in [0, 1, 10, 59, 60, 200] {
            let reserve = Reserve::per_hour(per_hour);
            let held = |slot: u16| slot % 60 + u16::from(per_hour.min(60)) >= 60;
            is_as_it_says(reserve, held);
            is_as_it_says(reserve.inverted(), |slot| !held(slot));
        }
    }

    #[test]
    fn any_minutes_of_each_hour_can_be_reserved() {
        for bits in [1, 1 << 59, 0x0f00_0000_0000_00f0, u64::MAX, 0x0123_4567_89ab_cdef] {
            is_as_it_says(Reserve::of_minutes(bits), |slot| bits >> (slot % 60) & 1 == 1);
        }
    }
}
