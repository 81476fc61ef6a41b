//! The slots of a week on hosts: a search is answered in at most some thousand instructions
//! whatever is booked, and code and memory are spent on that.

use super::bits::{
    PAST_THE_WEEK, TWO_WEEKS, WORDS, Words, bit_of, grown_free_run, join, longest_free_run,
    low_bits, window, word_of,
};
use super::fit::{LongRuns, ShortRuns, Starts, nearest};
use super::pattern::{Pattern, Shape};
use super::week::Search;
use crate::time::Week;

/// Which slots of a week are taken: 1,424 octets.
///
/// A bit for each slot, and for each 64 slots an octet that tells a search
/// whether to look at them: the length of the longest free run that begins in
/// them, counted to the end of the 64 after. How long a call takes is bounded
/// whatever is booked; `benches/calendar.rs` holds the bounds.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Slots {
    taken: Words,
    reach: [u8; WORDS],
}

impl Slots {
    pub(super) const EMPTY: Self = {
        let mut taken = [0; WORDS];
        let mut reach = [128; WORDS];
        let ([.., last], [.., reach_before, reach_last]) = (&mut taken, &mut reach);
        *last = PAST_THE_WEEK;
        *reach_before = 96;
        *reach_last = 32;
        Self { taken, reach }
    };

    pub(super) fn book(&mut self, pattern: &Pattern) {
        let measure = |_, taken, next, _| longest_free_run(taken, next);
        self.change(pattern, |taken, mask| taken | mask, measure);
    }

    pub(super) fn cancel(&mut self, pattern: &Pattern) {
        self.change(pattern, |taken, mask| taken & !mask, grown_free_run);
    }

    #[inline]
    pub(super) fn exact(&self, pattern: &Pattern) -> Result<(), u16> {
        let minutes = pattern.shape().minutes();
        pattern.starts().try_for_each(|start| self.all_free(start, minutes))
    }

    pub(super) fn nearest(&self, shape: Shape, search: &Search) -> Option<u16> {
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
    fn nearest_pattern(&self, shape: Shape, search: &Search) -> Option<u16> {
        if shape.span() > Week::MINUTES {
            return None;
        }
        let mut taken = self.taken;
        let starts = Starts::new(&mut taken, search.reserve, shape);
        nearest(&starts, shape.latest_start(), search)
    }

    /// The same in two weeks, of which `next` is the second.
    pub(super) fn nearest_in_both(
        &self,
        next: &Self,
        shape: Shape,
        search: &Search,
    ) -> Option<u16> {
        if search.reserve.leaves_at_most() < shape.minutes() {
            return None;
        }
        let mut taken = [u64::MAX; TWO_WEEKS];
        join(&mut taken, &self.taken, &next.taken);
        let starts = Starts::wide(&mut taken, search.reserve, shape);
        nearest(&starts, Shape::TWO_WEEKS.saturating_sub(shape.span()), search)
    }

    pub(super) fn is_free(&self, slot: u16) -> bool {
        window(&self.taken, slot) & 1 == 0
    }

    pub(super) fn free_minutes(&self) -> u16 {
        let taken = self.taken.iter().fold(0_u32, |sum, word| sum.wrapping_add(word.count_ones()));
        // The bits past the week count as taken: 32 of 10,112.
        u16::try_from(10_112_u32.wrapping_sub(taken)).unwrap_or(0)
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
