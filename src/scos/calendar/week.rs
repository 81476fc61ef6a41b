//! One week of one device: 10,080 slots of a minute, each free or taken.

use core::fmt;

use super::bits::{
    PAST_THE_WEEK, WORDS, Words, bit_of, grown_free_run, longest_free_run, low_bits, window,
    word_of,
};
use super::fit::{LongRuns, Search, ShortRuns, Starts, nearest};
use super::pattern::{Pattern, Shape};
use crate::time::Week;

/// Which slots of a week are taken: 1,424 octets.
///
/// A bit for each slot, and for each 64 slots an octet that tells a search
/// whether to look at them: the length of the longest free run that begins in
/// them, counted to the end of the 64 after. How long a call takes is bounded
/// whatever is booked; `benches/calendar.rs` holds the bounds.
#[derive(Clone, PartialEq, Eq)]
pub struct WeekPlan {
    taken: Words,
    reach: [u8; WORDS],
}

const _: () = assert!(size_of::<WeekPlan>() <= 1_440, "a week of a device is at most 1,440 octets");

impl WeekPlan {
    /// A week in which every slot is free.
    pub const EMPTY: Self = {
        let mut taken = [0; WORDS];
        let mut reach = [128; WORDS];
        let ([.., last], [.., reach_before, reach_last]) = (&mut taken, &mut reach);
        *last = PAST_THE_WEEK;
        *reach_before = 96;
        *reach_last = 32;
        Self { taken, reach }
    };

    /// A week in which every slot is free.
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// Takes every slot of `pattern`, whether it was free or not.
    pub fn book(&mut self, pattern: &Pattern) {
        let measure = |_, taken, next, _| longest_free_run(taken, next);
        self.change(pattern, |taken, mask| taken | mask, measure);
    }

    /// Frees every slot of `pattern`, whether it was taken or not.
    pub fn cancel(&mut self, pattern: &Pattern) {
        self.change(pattern, |taken, mask| taken & !mask, grown_free_run);
    }

    /// Whether every slot of `pattern` is free.
    ///
    /// # Errors
    /// The first slot of it that is taken.
    #[inline]
    pub fn exact(&self, pattern: &Pattern) -> Result<(), u16> {
        let minutes = pattern.shape().minutes();
        pattern.starts().try_for_each(|start| self.all_free(start, minutes))
    }

    /// The start at which all of `shape` is free that is least far from the
    /// wanted one, the earlier of two as far. `None` when there is no such start
    /// from `search.earliest` to the end of the week within `search.max_shift`.
    #[must_use]
    pub fn nearest(&self, shape: Shape, search: &Search) -> Option<u16> {
        let minutes = shape.minutes();
        if search.reserve.leaves_at_most() < minutes {
            return None;
        }
        if shape.repeats() != 0 || !search.reserve.is_none() {
            return self.nearest_pattern(shape, search);
        }
        let latest = shape.latest_start();
        match ShortRuns::new(&self.taken, &self.reach, minutes) {
            Some(runs) => nearest(&runs, latest, search),
            None => nearest(&LongRuns { taken: &self.taken, minutes }, latest, search),
        }
    }

    /// The same of a shape with repetitions or beside a reserve.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn nearest_pattern(&self, shape: Shape, search: &Search) -> Option<u16> {
        let mut taken = self.taken;
        let starts = Starts::new(&mut taken, search.reserve, shape);
        nearest(&starts, shape.latest_start(), search)
    }

    /// Whether slot `slot` is free; no slot from 10,080 on is.
    #[must_use]
    pub fn is_free(&self, slot: u16) -> bool {
        window(&self.taken, slot) & 1 == 0
    }

    /// How many slots are free.
    #[must_use]
    pub fn free_minutes(&self) -> u16 {
        let taken = self.taken.iter().fold(0_u32, |sum, word| sum.wrapping_add(word.count_ones()));
        // The bits past the week count as taken: 32 of 10,112.
        u16::try_from(10_112_u32.wrapping_sub(taken)).unwrap_or(0)
    }

    /// Which slots are taken.
    pub(super) const fn taken(&self) -> &Words {
        &self.taken
    }

    /// The first taken slot of the `minutes` from `start` on.
    #[inline]
    fn all_free(&self, start: u16, minutes: u16) -> Result<(), u16> {
        let mut slot = start;
        let mut left = minutes;
        loop {
            let taken = window(&self.taken, slot) & low_bits(left.into());
            if taken != 0 {
                return Err(slot.wrapping_add(u16::try_from(taken.trailing_zeros()).unwrap_or(0)));
            }
            if left <= 64 {
                return Ok(());
            }
            slot = slot.wrapping_add(64);
            left = left.wrapping_sub(64);
        }
    }

    fn change(
        &mut self,
        pattern: &Pattern,
        how: impl Fn(u64, u64) -> u64 + Copy,
        measure: impl Fn(u8, u64, u64, u64) -> u8 + Copy,
    ) {
        for start in pattern.starts() {
            self.change_one(start, pattern.shape().minutes(), how, measure);
        }
    }

    /// Changes the `minutes` slots from `start` on, the last word first: the reach
    /// of a word depends on the word after.
    fn change_one(
        &mut self,
        start: u16,
        minutes: u16,
        how: impl Fn(u64, u64) -> u64,
        measure: impl Fn(u8, u64, u64, u64) -> u8,
    ) {
        // A pattern ends within the week.
        let last = start.wrapping_add(minutes).wrapping_sub(1);
        let (from, to) = (word_of(start), word_of(last).wrapping_add(1));
        let mut next = self.taken.get(to).copied().unwrap_or(u64::MAX);
        // What the first word was.
        let mut was = u64::MAX;
        let mut mask = u64::MAX.wrapping_shr(63_u32.wrapping_sub(bit_of(last)));
        let taken = self.taken.get_mut(from..to).unwrap_or_default();
        let reach = self.reach.get_mut(from..to).unwrap_or_default();
        for (ahead, (taken, reach)) in taken.iter_mut().zip(reach).enumerate().rev() {
            if ahead == 0 {
                mask &= u64::MAX.wrapping_shl(bit_of(start));
            }
            was = *taken;
            *taken = how(*taken, mask);
            *reach = measure(*reach, *taken, next, mask);
            next = *taken;
            mask = u64::MAX;
        }
        // A run that begins in the word before may go on in the first. It is the longest, or
        // another is as before, or the longest has to be looked for.
        let before = from.wrapping_sub(1);
        if let (Some(taken), Some(reach)) = (self.taken.get(before), self.reach.get_mut(before))
            && taken >> 63 == 0
        {
            let tail = taken.leading_zeros();
            let across = |next: u64| tail.wrapping_add(next.trailing_zeros());
            let longest = u32::from(*reach);
            if across(next) >= longest {
                *reach = u8::try_from(across(next)).unwrap_or(128);
            } else if across(was) >= longest {
                *reach = longest_free_run(*taken, next);
            }
        }
    }
}

impl Default for WeekPlan {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for WeekPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeekPlan({} of {} free)", self.free_minutes(), Week::MINUTES)
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::Reserve;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// The same, one slot at a time.
    struct Naive(Vec<bool>);

    impl Naive {
        fn exact(&self, pattern: &Pattern) -> Result<(), u16> {
            let minutes = pattern.shape().minutes();
            let mut slots = pattern.starts().flat_map(|start| start..start + minutes);
            slots.find(|slot| self.0[usize::from(*slot)]).map_or(Ok(()), Err)
        }

        fn nearest(&self, shape: Shape, search: &Search) -> Option<u16> {
            let mut reserved = Self(self.0.clone());
            for (slot, taken) in (0_u16..).zip(&mut reserved.0) {
                *taken |= search.reserve.holds(slot);
            }
            (search.earliest..=shape.latest_start())
                .filter(|start| {
                    search.max_shift.is_none_or(|most| start.abs_diff(search.wanted) <= most)
                })
                .filter(|start| reserved.exact(&Pattern::new(*start, shape).unwrap()).is_ok())
                .min_by_key(|start| start.abs_diff(search.wanted))
        }
    }

    /// A week with a given share of its slots taken, by bookings of some length.
    fn filled(taken_of_100: u32, length: u16, seed: u64) -> (WeekPlan, Naive) {
        let mut plan = WeekPlan::new();
        let mut naive = Naive(std::vec![false; 10_080]);
        let mut state = seed | 1;
        while u32::from(10_080 - plan.free_minutes()) * 100 < taken_of_100 * 10_080 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let minutes = (state >> 40) as u16 % length + 1;
            let start = (state >> 16) as u16 % (10_081 - minutes);
            plan.book(&Pattern::new(start, Shape::new(minutes, 0, 0).unwrap()).unwrap());
            naive.0[start.into()..(start + minutes).into()].fill(true);
        }
        (plan, naive)
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let minutes =
            prop_oneof![1_u16..8, 1_u16..70, 50_u16..300, Just(64), Just(128), 1_u16..=10_080];
        let repeats = prop_oneof![Just(0_u16), 0_u16..8, 0_u16..200, 0_u16..10_000];
        let gap = prop_oneof![Just(0_u16), 0_u16..10, 0_u16..1_500];
        (minutes, repeats, gap).prop_filter_map("longer than a week", |(minutes, repeats, gap)| {
            Shape::new(minutes, repeats, minutes + gap)
                .or_else(|_| Shape::new(minutes, repeats % 5, minutes + gap))
                .ok()
        })
    }

    fn search() -> impl Strategy<Value = Search> {
        let shift =
            prop_oneof![Just(None), (0_u16..300).prop_map(Some), any::<u16>().prop_map(Some)];
        let earliest = prop_oneof![3 => Just(0_u16), 1 => 0_u16..10_081];
        let reserve = prop_oneof![3 => Just(0_u8), 1 => 0_u8..70];
        (0_u16..10_080, earliest, shift, reserve).prop_map(
            |(wanted, earliest, max_shift, reserve)| Search {
                wanted,
                earliest,
                max_shift,
                reserve: Reserve::per_hour(reserve),
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn answers_as_one_slot_at_a_time(shape in shape(), search in search(),
            fill in prop_oneof![0_u32..=100, 90_u32..=100, Just(0)], length in 1_u16..90,
            seed in any::<u64>())
        {
            let (plan, naive) = filled(fill, length, seed);
            let wanted = search.wanted.min(shape.latest_start());
            let pattern = Pattern::new(wanted, shape).unwrap();
            prop_assert_eq!(plan.exact(&pattern), naive.exact(&pattern));
            let found = plan.nearest(shape, &search);
            prop_assert_eq!(found, naive.nearest(shape, &search));
            prop_assert_eq!(plan.is_free(wanted), !naive.0[usize::from(wanted)]);
            if let Some(start) = found {
                let mut booked = plan.clone();
                let pattern = Pattern::new(start, shape).unwrap();
                booked.book(&pattern);
                prop_assert_eq!(booked.free_minutes() + shape.total_minutes(), plan.free_minutes());
                prop_assert_eq!(booked.exact(&pattern), Err(start));
                booked.cancel(&pattern);
                prop_assert!(booked == plan);
            }
        }
    }

    #[test]
    fn a_week_is_free_to_its_last_minute_and_not_beyond() {
        let plan = WeekPlan::new();
        assert_eq!(plan.free_minutes(), 10_080);
        assert!(plan.is_free(10_079) && !plan.is_free(10_080) && !plan.is_free(u16::MAX));
        let all = Pattern::new(0, Shape::new(10_080, 0, 0).unwrap()).unwrap();
        assert_eq!(plan.exact(&all), Ok(()));
        let mut full = plan.clone();
        full.book(&all);
        assert_eq!(full.free_minutes(), 0);
        full.cancel(&all);
        assert!(full == plan);
    }
}
