//! One week of one device: 10,080 slots of a minute, each free or taken.

use core::fmt;

use super::pattern::{Pattern, Shape};
use super::policy::Reserve;
#[cfg(feature = "std")]
use super::quick::Slots;
#[cfg(not(feature = "std"))]
use super::small::Slots;
use crate::time::Week;

/// Where to look for a start, in slots of one week, or of two where a pattern may lie in
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Search {
    /// The start that is wished for.
    pub wanted: u16,
    /// The first slot a start may be in.
    pub earliest: u16,
    /// How far from `wanted` a start may be, in minutes; `None` for any distance.
    pub max_shift: Option<u16>,
    /// Slots that are to stay free.
    pub reserve: Reserve,
}

/// Which slots of a week are taken: 1,264 octets on boards, and 1,424 with the feature `std`,
/// where searches are quicker. The answers are the same.
#[derive(Clone, PartialEq, Eq)]
pub struct WeekPlan(Slots);

const _: () = assert!(size_of::<WeekPlan>() <= 1_440, "a week of a device is at most 1,440 octets");

impl WeekPlan {
    /// A week in which every slot is free.
    pub const EMPTY: Self = Self(Slots::EMPTY);

    /// A week in which every slot is free.
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// Takes every slot of `pattern`, whether it was free or not.
    pub fn book(&mut self, pattern: &Pattern) {
        self.0.book(pattern);
    }

    /// Frees every slot of `pattern`, whether it was taken or not.
    pub fn cancel(&mut self, pattern: &Pattern) {
        self.0.cancel(pattern);
    }

    /// Whether every slot of `pattern` is free.
    ///
    /// # Errors
    /// The first slot of it that is taken.
    #[inline]
    pub fn exact(&self, pattern: &Pattern) -> Result<(), u16> {
        self.0.exact(pattern)
    }

    /// The start at which all of `shape` is free that is least far from the
    /// wanted one, the earlier of two as far. `None` when there is no such start
    /// from `search.earliest` to the end of the week within `search.max_shift`.
    #[must_use]
    pub fn nearest(&self, shape: Shape, search: &Search) -> Option<u16> {
        self.0.nearest(shape, search)
    }

    /// The same in this week and the `next`, where slots go on from 10,080.
    pub(super) fn nearest_in_both(
        &self,
        next: &Self,
        shape: Shape,
        search: &Search,
    ) -> Option<u16> {
        self.0.nearest_in_both(&next.0, shape, search)
    }

    /// Whether slot `slot` is free; no slot from 10,080 on is.
    #[must_use]
    pub fn is_free(&self, slot: u16) -> bool {
        self.0.is_free(slot)
    }

    /// How many slots are free.
    #[must_use]
    pub fn free_minutes(&self) -> u16 {
        self.0.free_minutes()
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
    use super::super::quick::Slots as Quick;
    use super::super::small::Slots as Small;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// One or two weeks, one slot at a time.
    #[derive(Clone)]
    struct Naive(Vec<bool>);

    impl Naive {
        /// The first slot of `shape` at `start` that is taken.
        fn exact(&self, start: u16, shape: Shape) -> Result<(), u16> {
            let starts = (0..=shape.repeats()).map(|nth| start + nth * shape.offset());
            let mut slots = starts.flat_map(|start| start..start + shape.minutes());
            slots.find(|slot| self.0[usize::from(*slot)]).map_or(Ok(()), Err)
        }

        fn nearest(&self, shape: Shape, search: &Search) -> Option<u16> {
            let mut reserved = self.clone();
            for (slot, taken) in (0_u16..).zip(&mut reserved.0) {
                *taken |= search.reserve.holds(slot);
            }
            let latest = u16::try_from(self.0.len()).unwrap().checked_sub(shape.span())?;
            let most = search.max_shift.unwrap_or(u16::MAX);
            let distance = |start: &u16| start.abs_diff(search.wanted);
            let mut starts: Vec<_> = (search.earliest..=latest).collect();
            starts.retain(|start| distance(start) <= most);
            starts.sort_by_key(distance);
            starts.into_iter().find(|start| reserved.exact(*start, shape).is_ok())
        }
    }

    /// A week as hosts keep it and as boards do, and one slot at a time.
    #[derive(Clone)]
    struct Weeks(Quick, Small, Naive);

    impl Weeks {
        fn new() -> Self {
            Self(Quick::EMPTY, Small::EMPTY, Naive(std::vec![false; 10_080]))
        }

        fn set(&mut self, pattern: &Pattern, taken: bool) {
            if taken {
                self.0.book(pattern);
                self.1.book(pattern);
            } else {
                self.0.cancel(pattern);
                self.1.cancel(pattern);
            }
            let minutes = pattern.shape().minutes();
            for start in pattern.starts() {
                self.2.0[start.into()..(start + minutes).into()].fill(taken);
            }
        }

        fn is_the_same(&self, other: &Self) -> bool {
            self.0 == other.0 && self.1 == other.1 && self.2.0 == other.2.0
        }
    }

    /// A week with a given share of its slots taken, by bookings of some length.
    fn filled(taken_of_100: u32, length: u16, seed: u64) -> Weeks {
        let mut weeks = Weeks::new();
        let mut state = seed | 1;
        while u32::from(10_080 - weeks.0.free_minutes()) * 100 < taken_of_100 * 10_080 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let minutes = (state >> 40) as u16 % length + 1;
            let start = (state >> 16) as u16 % (10_081 - minutes);
            let shape = Shape::new(minutes, 0, 0).unwrap();
            weeks.set(&Pattern::new(start, shape).unwrap(), true);
        }
        weeks
    }

    fn shape(weeks: u16) -> impl Strategy<Value = Shape> {
        let minutes =
            prop_oneof![1_u16..8, 1_u16..70, 50_u16..300, Just(64), Just(128), 1_u16..=10_080];
        let repeats = prop_oneof![Just(0_u16), 0_u16..8, 0_u16..200, 0_u16..10_000];
        let gap = prop_oneof![Just(0_u16), 0_u16..10, 0_u16..1_500];
        let new = if weeks == 1 { Shape::new } else { Shape::wide };
        let shape = (minutes, repeats, gap);
        shape.prop_filter_map("longer than the weeks", move |(minutes, repeats, gap)| {
            new(minutes, repeats, minutes + gap)
                .or_else(|_| new(minutes, repeats % 5, minutes + gap))
                .ok()
        })
    }

    fn search(weeks: u16) -> impl Strategy<Value = Search> {
        let shift =
            prop_oneof![Just(None), (0_u16..300).prop_map(Some), any::<u16>().prop_map(Some)];
        let slots = weeks * 10_080;
        let wanted = prop_oneof![9 => 0..slots, 1 => any::<u16>()];
        let earliest = prop_oneof![3 => Just(0_u16), 1 => 0..=slots];
        let reserve = prop_oneof![3 => Just(0_u8), 1 => 0_u8..70];
        (wanted, earliest, shift, reserve).prop_map(|(wanted, earliest, max_shift, reserve)| {
            Search { wanted, earliest, max_shift, reserve: Reserve::per_hour(reserve) }
        })
    }

    fn fill() -> impl Strategy<Value = u32> {
        prop_oneof![0_u32..=100, 90_u32..=100, Just(0)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn answers_as_one_slot_at_a_time(shape in shape(1), search in search(1), fill in fill(),
            length in 1_u16..90, seed in any::<u64>(), hole in prop::option::of(0_u16..10_080))
        {
            let mut weeks = filled(fill, length, seed);
            // The one place there is may be far away.
            if let Some(hole) = hole {
                let hole = Pattern::new(hole.min(shape.latest_start()), shape).unwrap();
                weeks.set(&hole, false);
            }
            let Weeks(quick, small, naive) = &weeks;
            let free = naive.0.iter().filter(|taken| !**taken).count();
            prop_assert_eq!(usize::from(quick.free_minutes()), free);
            prop_assert_eq!(usize::from(small.free_minutes()), free);
            let wanted = search.wanted.min(shape.latest_start());
            let pattern = Pattern::new(wanted, shape).unwrap();
            let exact = naive.exact(wanted, shape);
            prop_assert_eq!(quick.exact(&pattern), exact);
            prop_assert_eq!(small.exact(&pattern), exact);
            let found = naive.nearest(shape, &search);
            prop_assert_eq!(quick.nearest(shape, &search), found);
            prop_assert_eq!(small.nearest(shape, &search), found);
            let is_free = !naive.0[usize::from(wanted)];
            prop_assert_eq!([quick.is_free(wanted), small.is_free(wanted)], [is_free; 2]);
            if let Some(start) = found {
                let pattern = Pattern::new(start, shape).unwrap();
                let mut booked = weeks.clone();
                booked.set(&pattern, true);
                let Weeks(quick, small, _) = &booked;
                let free = free - usize::from(shape.total_minutes());
                prop_assert_eq!(usize::from(quick.free_minutes()), free);
                prop_assert_eq!(usize::from(small.free_minutes()), free);
                prop_assert_eq!(quick.exact(&pattern), Err(start));
                prop_assert_eq!(small.exact(&pattern), Err(start));
                booked.set(&pattern, false);
                prop_assert!(booked.is_the_same(&weeks));
            }
        }

        #[test]
        fn two_weeks_answer_as_one_slot_at_a_time(shape in shape(2), search in search(2),
            fills in [fill(), fill()], length in 1_u16..90, seed in any::<u64>())
        {
            let [this, next] = fills.map(|fill| filled(fill, length, seed ^ u64::from(fill) << 8));
            let both = Naive([this.2.0, next.2.0].concat());
            let found = both.nearest(shape, &search);
            prop_assert_eq!(this.0.nearest_in_both(&next.0, shape, &search), found);
            prop_assert_eq!(this.1.nearest_in_both(&next.1, shape, &search), found);
            // What needs two weeks has no place in one.
            if shape.span() > Week::MINUTES {
                prop_assert_eq!(this.0.nearest(shape, &search), None);
                prop_assert_eq!(this.1.nearest(shape, &search), None);
            }
        }
    }

    #[test]
    fn a_week_is_free_to_its_last_minute_and_not_beyond() {
        let plan = WeekPlan::new();
        assert_eq!(plan.free_minutes(), 10_080);
        assert!(plan.is_free(10_079) && !plan.is_free(10_080) && !plan.is_free(u16::MAX));
        let weeks = Weeks::new();
        for slot in 10_080..=u16::MAX {
            assert!(!weeks.0.is_free(slot) && !weeks.1.is_free(slot));
        }
        let all = Pattern::new(0, Shape::new(10_080, 0, 0).unwrap()).unwrap();
        assert_eq!(plan.exact(&all), Ok(()));
        let mut full = plan.clone();
        full.book(&all);
        assert_eq!(full.free_minutes(), 0);
        full.cancel(&all);
        assert!(full == plan);
    }
}
