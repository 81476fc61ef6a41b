//! Module numbers: sets of them, and which one to give out next.

use core::time::Duration;

use crate::ams::ids::ModuleNumber;
use crate::time::Instant;

/// A set of module numbers: 32 octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers([u32; 8]);

impl Numbers {
    pub(super) const NONE: Self = Self([0; 8]);
    pub(super) const ALL: Self = Self([u32::MAX; 8]);

    pub(super) fn insert(&mut self, number: ModuleNumber) {
        if let Some(word) = self.0.get_mut(index(number)) {
            *word |= bit(number);
        }
    }

    pub(super) fn remove(&mut self, number: ModuleNumber) {
        if let Some(word) = self.0.get_mut(index(number)) {
            *word &= !bit(number);
        }
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }

    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word &= other;
        }
    }

    pub(super) fn contains(&self, number: ModuleNumber) -> bool {
        self.0.get(index(number)).is_some_and(|word| word & bit(number) != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// The number in the set, if there is one alone.
    pub(super) fn only(&self) -> Option<ModuleNumber> {
        let mut numbers = self.iter();
        numbers.next().filter(|_| numbers.next().is_none())
    }

    /// Those of 1 to 255 that are in the set, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = ModuleNumber> {
        numbers().filter(|number| self.contains(*number))
    }
}

impl FromIterator<ModuleNumber> for Numbers {
    fn from_iter<I: IntoIterator<Item = ModuleNumber>>(numbers: I) -> Self {
        let mut set = Self::NONE;
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

/// 1 to 255.
fn numbers() -> impl Iterator<Item = ModuleNumber> {
    (1..=u8::MAX).map(ModuleNumber)
}

fn index(number: ModuleNumber) -> usize {
    usize::from(number.0 >> 5)
}

fn bit(number: ModuleNumber) -> u32 {
    1_u32.wrapping_shl(u32::from(number.0 & 31))
}

/// The numbers that were in use until lately. One that was given up rests for N5
/// to 2 × N5, so that late traffic of the module that had it is not taken for
/// the next one's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Resting {
    since: Instant,
    lately: Numbers,
    before: Numbers,
}

impl Resting {
    /// `number` was given up.
    pub(super) fn add(&mut self, now: Instant, n5: Duration, number: ModuleNumber) {
        self.age(now, n5);
        self.lately.insert(number);
    }

    /// The number to give out: the lowest of those not in `used` that is neither
    /// resting nor in `avoided`; failing that the lowest that is not in `used`.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        n5: Duration,
        used: &Numbers,
        avoided: &Numbers,
    ) -> Option<ModuleNumber> {
        self.age(now, n5);
        let free = || numbers().filter(|number| !used.contains(*number));
        let rested = free().find(|&number| {
            !self.lately.contains(number)
                && !self.before.contains(number)
                && !avoided.contains(number)
        });
        rested.or_else(|| free().next())
    }

    fn age(&mut self, now: Instant, n5: Duration) {
        let age = now.since(self.since);
        if age < n5 {
            return;
        }
        self.before = if age < n5.saturating_mul(2) { self.lately } else { Numbers::NONE };
        self.lately = Numbers::NONE;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const N5: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_number_rests_at_least_n5_before_it_is_given_out_again() {
        let mut resting = Resting::default();
        let used = Numbers::NONE;
        resting.add(at(59), N5, ModuleNumber(1));
        for second in 59..119 {
            let next = resting.choose(at(second), N5, &used, &used);
            assert_eq!(next, Some(ModuleNumber(2)), "{second}");
        }
        assert_eq!(resting.choose(at(180), N5, &used, &used), Some(ModuleNumber(1)));
    }

    #[test]
    fn a_resting_number_is_better_than_none() {
        let mut resting = Resting::default();
        let mut used = Numbers::ALL;
        assert_eq!(resting.choose(at(0), N5, &used, &Numbers::NONE), None);
        used.remove(ModuleNumber(200));
        resting.add(at(0), N5, ModuleNumber(200));
        assert_eq!(resting.choose(at(0), N5, &used, &Numbers::NONE), Some(ModuleNumber(200)));
    }

    proptest! {
        #[test]
        fn numbers_are_a_set(inserted in proptest::collection::vec(1_u8..=255, 0..40),
                             removed in proptest::collection::vec(1_u8..=255, 0..40)) {
            let mut set: Numbers = inserted.iter().copied().map(ModuleNumber).collect();
            let mut model: BTreeSet<u8> = inserted.into_iter().collect();
            for number in removed {
                set.remove(ModuleNumber(number));
                model.remove(&number);
            }
            prop_assert!(set.iter().map(|number| number.0).eq(model.iter().copied()));
            prop_assert_eq!(set.is_empty(), model.is_empty());
        }
    }
}
