//! Where a shape fits: the nearest of all starts at which every slot is free.
//!
//! What is looked for is one run of free slots. A repeated shape becomes one: the week
//! is folded upon itself, so that a free slot is a start at which all of it is free.

use super::bits::{
    TWO_WEEKS, WORDS, WideWords, Words, overlay, runs_of, slot_of, slots_within, word_of,
};
use super::pattern::Shape;
use super::policy::Reserve;
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

/// The starts of a run of free slots.
#[derive(Debug)]
pub(super) struct Starts<'p> {
    taken: &'p [u64],
    /// For each word of `taken` the longest free run that begins in it, so that only
    /// those with a start are looked at; empty where it is not known.
    reach: &'p [u8],
    /// The slots of the run.
    minutes: u16,
}

impl<'p> Starts<'p> {
    /// Where `minutes` slots are free.
    pub(super) const fn of_run(taken: &'p Words, reach: &'p [u8; WORDS], minutes: u16) -> Self {
        Self { taken, reach, minutes }
    }

    /// Where `shape` fits in a week with these slots `taken`, which is folded in its place.
    pub(super) fn new(taken: &'p mut Words, shape: Shape) -> Self {
        fold::<WORDS, { WORDS + 1 }>(taken, Week::MINUTES, shape);
        Self { taken, reach: &[], minutes: 1 }
    }

    /// The same in two weeks.
    pub(super) fn wide(taken: &'p mut WideWords, shape: Shape) -> Self {
        fold::<TWO_WEEKS, { TWO_WEEKS + 1 }>(taken, Shape::TWO_WEEKS, shape);
        Self { taken, reach: &[], minutes: 1 }
    }

    /// The start nearest to the wanted one, the earlier of two as near, at `latest` at the
    /// latest.
    pub(super) fn nearest(&self, latest: u16, search: &Search) -> Option<u16> {
        let wanted = search.wanted;
        let reach = search.max_shift.unwrap_or(u16::MAX);
        let low = search.earliest.max(wanted.saturating_sub(reach));
        let high = latest.min(wanted.saturating_add(reach));
        let after = self.seek(wanted.max(low), high, Way::On);
        if after == Some(wanted) {
            return after;
        }
        // Before the wanted start only what is not farther is of interest.
        let shift = after.map_or(u16::MAX, |after| after.wrapping_sub(wanted));
        let low = low.max(wanted.saturating_sub(shift));
        let before = match wanted.checked_sub(1) {
            Some(last) => self.seek(low, high.min(last), Way::Back),
            None => None,
        };
        before.or(after)
    }

    /// The first start from `low` to `high` on the way.
    // A host has room for a copy for each way, which is quicker.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn seek(&self, low: u16, high: u16, way: Way) -> Option<u16> {
        if low > high {
            return None;
        }
        if self.minutes > 64 {
            self.seek_long(low, high, way)
        } else {
            self.seek_short(low, high, way)
        }
    }

    /// The same of at most 64 slots, which one word and the next hold.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn seek_short(&self, low: u16, high: u16, way: Way) -> Option<u16> {
        let (first, last) = (word_of(low), word_of(high));
        let free = |word: usize| !self.taken.get(word).copied().unwrap_or(u64::MAX);
        for ahead in 0..=last.wrapping_sub(first) {
            let word = way.step(first, last, ahead);
            let reach = self.reach.get(word).copied().unwrap_or(64);
            let here = free(word);
            if u16::from(reach) < self.minutes || here == 0 {
                continue;
            }
            let starts = runs_of(here, free(word.wrapping_add(1)), self.minutes.into())
                & slots_within(word, low, high.wrapping_add(1));
            if starts != 0 {
                return Some(slot_of(word, way.nearest(starts)));
            }
        }
        None
    }

    /// The same of more than 64 slots, which no word holds: what counts are the free ends
    /// of words and how many between are all free.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn seek_long(&self, low: u16, high: u16, way: Way) -> Option<u16> {
        let need = u32::from(self.minutes);
        // What is not a slot of any run that starts from `low` to `high` counts as taken.
        let end = high.saturating_add(self.minutes);
        let (first, last) = (word_of(low), word_of(end.wrapping_sub(1)));
        let words = self.taken.get(first..=last).unwrap_or_default();
        // The length of the free run up to the word at hand.
        let mut run = 0_u32;
        for ahead in 0..words.len() {
            let at = way.step(0, words.len().wrapping_sub(1), ahead);
            let word = first.wrapping_add(at);
            let mut taken = words.get(at).copied().unwrap_or(u64::MAX);
            if word == first || word == last {
                taken |= !slots_within(word, low, end);
            }
            if run.wrapping_add(way.ahead(taken)) >= need {
                return Some(match way {
                    Way::On => slot_of(word, 0).wrapping_sub(slot_of(0, run)),
                    Way::Back => {
                        let edge = slot_of(word.wrapping_add(1), run);
                        edge.wrapping_sub(self.minutes)
                    }
                });
            }
            run = if taken == 0 { run.wrapping_add(64) } else { way.behind(taken) };
        }
        None
    }
}

/// Which way to look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From earlier slots to later ones.
    On,
    /// The other way round.
    Back,
}

impl Way {
    /// The place `ahead` places from where the way begins.
    const fn step(self, first: usize, last: usize, ahead: usize) -> usize {
        match self {
            Self::On => first.wrapping_add(ahead),
            Self::Back => last.wrapping_sub(ahead),
        }
    }

    /// The set bit that comes first; not of no bits.
    const fn nearest(self, bits: u64) -> u32 {
        match self {
            Self::On => bits.trailing_zeros(),
            Self::Back => bits.leading_zeros() ^ 63,
        }
    }

    /// How many clear bits there are before the first set one.
    const fn ahead(self, bits: u64) -> u32 {
        match self {
            Self::On => bits.trailing_zeros(),
            Self::Back => bits.leading_zeros(),
        }
    }

    /// How many there are behind the last.
    const fn behind(self, bits: u64) -> u32 {
        match self {
            Self::On => bits.leading_zeros(),
            Self::Back => bits.trailing_zeros(),
        }
    }
}

fn fold<const N: usize, const MORE: usize>(taken: &mut [u64; N], length: u16, shape: Shape) {
    // The weeks folded upon themselves, so that all occurrences lie on the first ...
    let occurrences = shape.repeats().saturating_add(1);
    // ... and that upon its first slot.
    let mut length = length;
    for (count, step) in [(occurrences, shape.offset()), (shape.minutes(), 1)] {
        length = overlay::<N, MORE>(taken, length, count, step);
    }
}
