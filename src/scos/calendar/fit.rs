//! Where a shape fits: the nearest of all starts at which every slot is free.
//!
//! Three ways to know the starts. [`ShortRuns`] and [`LongRuns`] look for one
//! occurrence and stop where it fits; [`Starts`] knows all starts of a repeated
//! one.

use core::num::NonZeroU64;

use super::bits::{
    TWO_WEEKS, WORDS, WideWords, Words, overlay, runs_of, slot_of, slots_within, word_of,
};
use super::pattern::Shape;
use super::policy::Reserve;
use super::week::Search;
use crate::time::Week;

/// Starts at which something fits.
pub(super) trait Fits {
    /// The first start from `low` to `high`, which is not below.
    fn first(&self, low: u16, high: u16) -> Option<u16>;
    /// The last start from `low` to `high`, which is not below.
    fn last(&self, low: u16, high: u16) -> Option<u16>;
}

/// The start nearest to the wanted one, the earlier of two as near, at `latest` at the latest.
pub(super) fn nearest(fits: &impl Fits, latest: u16, search: &Search) -> Option<u16> {
    let wanted = search.wanted;
    let reach = search.max_shift.unwrap_or(u16::MAX);
    let low = search.earliest.max(wanted.saturating_sub(reach));
    let high = latest.min(wanted.saturating_add(reach));
    let from = wanted.max(low);
    let after = if from <= high { fits.first(from, high) } else { None };
    if after == Some(wanted) {
        return after;
    }
    // Before the wanted start only what is not farther is of interest.
    let shift = after.map_or(u16::MAX, |after| after.wrapping_sub(wanted));
    let low = low.max(wanted.saturating_sub(shift));
    let high = high.min(wanted.saturating_sub(1));
    let before = if low <= high && low < wanted { fits.last(low, high) } else { None };
    before.or(after)
}

/// The starts of one occurrence of at most 64 minutes: the octet of a word says
/// whether there is any in it, so that only words that have one are looked at.
#[derive(Debug)]
pub(super) struct ShortRuns<'p> {
    taken: &'p Words,
    reach: &'p [u8; WORDS],
    minutes: u8,
}

impl<'p> ShortRuns<'p> {
    /// `None` when `minutes` is more than 64.
    pub(super) fn new(taken: &'p Words, reach: &'p [u8; WORDS], minutes: u16) -> Option<Self> {
        let minutes = u8::try_from(minutes).ok().filter(|minutes| *minutes <= 64)?;
        Some(Self { taken, reach, minutes })
    }

    /// The words from that of `low` to that of `high` with a start in them.
    fn words(&self, low: u16, high: u16) -> impl DoubleEndedIterator<Item = usize> {
        let from = word_of(low);
        let reach = self.reach.get(from..=word_of(high)).unwrap_or_default();
        let with_start = reach.iter().enumerate().filter(|(_, reach)| **reach >= self.minutes);
        with_start.map(move |(ahead, _)| from.wrapping_add(ahead))
    }

    /// The starts in `word`.
    fn starts_in(&self, word: usize) -> u64 {
        let free = |word| !self.taken.get(word).copied().unwrap_or(u64::MAX);
        runs_of(free(word), free(word.wrapping_add(1)), self.minutes.into())
    }
}

impl Fits for ShortRuns<'_> {
    fn first(&self, low: u16, high: u16) -> Option<u16> {
        self.words(low, high)
            .find_map(|word| {
                let starts =
                    NonZeroU64::new(self.starts_in(word) & slots_within(word, low, Week::MINUTES))?;
                Some(slot_of(word, starts.trailing_zeros()))
            })
            .filter(|start| *start <= high)
    }

    fn last(&self, low: u16, high: u16) -> Option<u16> {
        self.words(low, high)
            .rev()
            .find_map(|word| {
                let starts = NonZeroU64::new(
                    self.starts_in(word) & slots_within(word, 0, high.wrapping_add(1)),
                )?;
                Some(slot_of(word, starts.leading_zeros() ^ 63))
            })
            .filter(|start| *start >= low)
    }
}

/// The starts of one occurrence of more than 64 minutes, which no word holds:
/// what counts are the free ends of words and how many between are all free.
#[derive(Debug)]
pub(super) struct LongRuns<'p> {
    pub(super) taken: &'p Words,
    pub(super) minutes: u16,
}

impl LongRuns<'_> {
    /// The words with slots of any occurrence that starts from `low` to `high`.
    fn words(&self, low: u16, high: u16) -> &[u64] {
        let end = high.saturating_add(self.minutes).saturating_sub(1);
        self.taken.get(word_of(low)..=word_of(end)).unwrap_or_default()
    }
}

impl Fits for LongRuns<'_> {
    fn first(&self, low: u16, high: u16) -> Option<u16> {
        let need = u32::from(self.minutes);
        let from = word_of(low);
        let last = word_of(high).wrapping_sub(from);
        // What is before `low` counts as taken.
        let mut outside = !slots_within(from, low, Week::MINUTES);
        // The length of the free run up to the word at hand.
        let mut run = 0_u32;
        for (ahead, taken) in self.words(low, high).iter().enumerate() {
            let start = |run| slot_of(from.wrapping_add(ahead), 0).wrapping_sub(slot_of(0, run));
            if let Some(taken) = NonZeroU64::new(taken | core::mem::take(&mut outside)) {
                if run.wrapping_add(taken.trailing_zeros()) >= need {
                    return Some(start(run)).filter(|start| *start <= high);
                }
                if ahead > last {
                    return None;
                }
                run = taken.leading_zeros();
            } else {
                let before = run;
                run = run.wrapping_add(64);
                if run >= need {
                    return Some(start(before)).filter(|start| *start <= high);
                }
            }
        }
        None
    }

    fn last(&self, low: u16, high: u16) -> Option<u16> {
        let need = u32::from(self.minutes);
        let words = self.words(low, high);
        let from = word_of(low);
        // What is after the end of the latest counts as taken.
        let end = high.saturating_add(self.minutes);
        let mut outside = !slots_within(word_of(end.wrapping_sub(1)), 0, end);
        // The length of the free run from the end of the word at hand on.
        let mut run = 0_u32;
        for (ahead, taken) in words.iter().enumerate().rev() {
            let start = |run| {
                let end = slot_of(from.wrapping_add(ahead).wrapping_add(1), 0);
                end.wrapping_add(slot_of(0, run)).wrapping_sub(self.minutes)
            };
            if let Some(taken) = NonZeroU64::new(taken | core::mem::take(&mut outside)) {
                if run.wrapping_add(taken.leading_zeros()) >= need {
                    return Some(start(run)).filter(|start| *start >= low);
                }
                run = taken.trailing_zeros();
            } else {
                let after = run;
                run = run.wrapping_add(64);
                if run >= need {
                    return Some(start(after)).filter(|start| *start >= low);
                }
            }
        }
        None
    }
}

/// Every start of a shape: a clear bit is a start at which all is free.
#[derive(Debug)]
pub(super) struct Starts<'w, const N: usize>(&'w [u64; N]);

impl<'w> Starts<'w, WORDS> {
    /// The starts of `shape` in a week with these slots `taken`, in their place.
    pub(super) fn new(taken: &'w mut Words, reserve: Reserve, shape: Shape) -> Self {
        reserve.overlay(taken);
        fold::<WORDS, { WORDS + 1 }>(taken, Week::MINUTES, shape);
        Self(taken)
    }
}

impl<'w> Starts<'w, TWO_WEEKS> {
    /// The starts of `shape` in two weeks with these slots `taken`, in their place.
    pub(super) fn wide(taken: &'w mut WideWords, reserve: Reserve, shape: Shape) -> Self {
        reserve.overlay(taken);
        fold::<TWO_WEEKS, { TWO_WEEKS + 1 }>(taken, Shape::TWO_WEEKS, shape);
        Self(taken)
    }
}

fn fold<const N: usize, const MORE: usize>(taken: &mut [u64; N], length: u16, shape: Shape) {
    // The weeks folded upon themselves, so that all occurrences lie on the first ...
    let occurrences = shape.repeats().saturating_add(1);
    let length = overlay::<N, MORE>(taken, length, occurrences, shape.offset());
    // ... and that upon its first slot.
    overlay::<N, MORE>(taken, length, shape.minutes(), 1);
}

impl<const N: usize> Fits for Starts<'_, N> {
    fn first(&self, low: u16, high: u16) -> Option<u16> {
        let words = word_of(low)..word_of(high).wrapping_add(1);
        words
            .clone()
            .zip(self.0.get(words)?)
            .find_map(|(word, taken)| {
                let starts = NonZeroU64::new(!taken & slots_within(word, low, u16::MAX))?;
                Some(slot_of(word, starts.trailing_zeros()))
            })
            .filter(|start| *start <= high)
    }

    fn last(&self, low: u16, high: u16) -> Option<u16> {
        let words = word_of(low)..word_of(high).wrapping_add(1);
        words
            .clone()
            .zip(self.0.get(words)?)
            .rev()
            .find_map(|(word, taken)| {
                let starts = NonZeroU64::new(!taken & slots_within(word, 0, high.wrapping_add(1)))?;
                Some(slot_of(word, starts.leading_zeros() ^ 63))
            })
            .filter(|start| *start >= low)
    }
}
