//! What an operator decides about every calendar: who may book how much, and
//! what is kept for short scans.

use super::bits::{Words, low_bits};
use crate::time::Week;

/// The rules scan requests are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    /// The minutes an Actor may have booked in one week on one device: minutes of
    /// an occurrence times occurrences, all its recipes together. Exactly so many
    /// are allowed; `None` for as many as a week has. Lowering it revokes nothing.
    pub quota_minutes: Option<u16>,
    /// The longest occurrence that counts as a short scan.
    pub short_minutes: u16,
    /// The last minutes of each hour that only short scans may use, 0 to 60; more
    /// counts as 60. With 0 there is no reserve.
    pub reserve_per_hour: u8,
    /// The minutes between a request and the earliest start it can be granted.
    pub lead_minutes: u16,
}

impl Policy {
    /// Everything that is free is anybody's from the next minute on.
    pub const OPEN: Self =
        Self { quota_minutes: None, short_minutes: 5, reserve_per_hour: 0, lead_minutes: 0 };

    /// What an occurrence of `minutes` has to leave alone.
    #[must_use]
    pub fn reserve_against(&self, minutes: u16) -> Reserve {
        if minutes <= self.short_minutes {
            Reserve::NONE
        } else {
            Reserve::per_hour(self.reserve_per_hour)
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::OPEN
    }
}

/// The last so many minutes of each hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reserve(u8);

impl Reserve {
    /// No minutes.
    pub const NONE: Self = Self(0);

    /// The last `minutes` of each hour; more than 60 counts as 60.
    #[must_use]
    pub fn per_hour(minutes: u8) -> Self {
        Self(minutes.min(60))
    }

    /// Whether no slot is reserved.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The most minutes without a reserved one among them.
    #[must_use]
    pub const fn leaves_at_most(self) -> u16 {
        if self.is_none() { Week::MINUTES } else { self.first() }
    }

    /// Whether slot `slot` is reserved.
    #[must_use]
    pub fn holds(self, slot: u16) -> bool {
        slot % 60 >= self.first()
    }

    /// The first reserved slot of the `minutes` from `start` on.
    #[must_use]
    pub fn first_within(self, start: u16, minutes: u16) -> Option<u16> {
        let until = self.first().saturating_sub(start % 60);
        (!self.is_none() && until < minutes).then(|| start.saturating_add(until))
    }

    /// Takes every reserved slot.
    pub(super) fn overlay(self, taken: &mut Words) {
        if self.is_none() {
            return;
        }
        // An hour, then word by word what of it the word begins with: words are
        // four minutes longer.
        let hour = low_bits(60) & !low_bits(self.first().into());
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

    /// The first minute of an hour that is reserved; 60 when none is.
    const fn first(self) -> u16 {
        u16::from_le_bytes([60_u8.saturating_sub(self.0), 0])
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::WORDS;
    use super::*;

    #[test]
    fn the_last_minutes_of_each_hour_are_reserved() {
        for per_hour in [0, 1, 10, 59, 60, 200] {
            let reserve = Reserve::per_hour(per_hour);
            let mut taken = [0; WORDS];
            reserve.overlay(&mut taken);
            for slot in 0..10_080_u16 {
                let held = slot % 60 + u16::from(per_hour.min(60)) >= 60;
                assert_eq!(reserve.holds(slot), held);
                assert_eq!(taken[usize::from(slot / 64)] >> (slot % 64) & 1 == 1, held);
                let within = (slot..slot + 7).find(|slot| reserve.holds(*slot));
                assert_eq!(reserve.first_within(slot, 7), within);
            }
        }
    }
}
