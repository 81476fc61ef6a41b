//! Where a shape fits: the nearest of all starts at which every slot is free.
//!
//! Two ways to know the starts. [`Runs`] looks for one occurrence word by word
//! and stops where it fits; [`Starts`] knows all starts of a repeated one.

use core::num::NonZeroU64;

use super::bits::{WORDS, Words, bit_of, low_bits, overlay, runs_of, slot_of, word_of};
use super::pattern::Shape;
use super::policy::Reserve;
use crate::time::Week;

/// Where to look for a start, in slots of one week.
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

/// Starts at which something fits.
pub(super) trait Fits {
    /// The first start from `low` to `high`.
    fn first(&self, low: u16, high: u16) -> Option<u16>;
    /// The last start from `low` to `high`.
    fn last(&self, low: u16, high: u16) -> Option<u16>;
}

/// The start nearest to the wanted one, the earlier of two as near.
pub(super) fn nearest(fits: &impl Fits, shape: Shape, search: &Search) -> Option<u16> {
    let wanted = search.wanted;
    let reach = search.max_shift.unwrap_or(u16::MAX);
    let low = search.earliest.max(wanted.saturating_sub(reach));
    let high = shape.latest_start().min(wanted.saturating_add(reach));
    let after = fits.first(wanted.max(low), high);
    if after == Some(wanted) {
        return after;
    }
    // Before the wanted start only what is not farther is of interest.
    let shift = after.map_or(u16::MAX, |after| after.wrapping_sub(wanted));
    let low = low.max(wanted.saturating_sub(shift));
    let before = fits.last(low, high.min(wanted.checked_sub(1)?));
    before.or(after)
}

/// Free runs of one length, found lazily.
#[derive(Debug)]
pub(super) struct Runs<'p> {
    pub(super) taken: &'p Words,
    /// The longest free run within each word.
    pub(super) longest: &'p [u8; WORDS],
    /// The length that is looked for.
    pub(super) minutes: u16,
}

impl Fits for Runs<'_> {
    fn first(&self, low: u16, high: u16) -> Option<u16> {
        if low > high {
            return None;
        }
        let need = u32::from(self.minutes);
        let from = word_of(low);
        let to = word_of(high.wrapping_add(self.minutes).wrapping_sub(1));
        // What is before `low` counts as taken.
        let mut before = low_bits(bit_of(low));
        // The free slots right before the word at hand.
        let mut carry = 0_u32;
        let words = self.taken.get(from..=to)?.iter().zip(self.longest.get(from..=to)?);
        for (word, (taken, longest)) in (from..).zip(words) {
            let Some(taken) = NonZeroU64::new(taken | core::mem::take(&mut before)) else {
                carry = carry.wrapping_add(64);
                if carry >= need {
                    let start = slot_of(word.wrapping_add(1), 0).wrapping_sub(low_half(carry));
                    return Some(start).filter(|start| *start <= high);
                }
                continue;
            };
            if carry.wrapping_add(taken.trailing_zeros()) >= need {
                let start = slot_of(word, 0).wrapping_sub(low_half(carry));
                return Some(start).filter(|start| *start <= high);
            }
            if u32::from(*longest) >= need {
                let runs = runs_of(!taken.get(), need);
                if runs != 0 {
                    let start = slot_of(word, runs.trailing_zeros());
                    return Some(start).filter(|start| *start <= high);
                }
            }
            carry = taken.leading_zeros();
        }
        None
    }

    fn last(&self, low: u16, high: u16) -> Option<u16> {
        if low > high {
            return None;
        }
        let need = u32::from(self.minutes);
        let from = word_of(low);
        let end = high.wrapping_add(self.minutes).wrapping_sub(1);
        let to = word_of(end);
        // What is after the end of the latest counts as taken.
        let mut after = (u64::MAX << 1).wrapping_shl(bit_of(end));
        // The free slots right after the word at hand.
        let mut carry = 0_u32;
        let words = self.taken.get(from..=to)?.iter().zip(self.longest.get(from..=to)?);
        for (word, (taken, longest)) in (from..to.wrapping_add(1)).rev().zip(words.rev()) {
            let Some(taken) = NonZeroU64::new(taken | core::mem::take(&mut after)) else {
                carry = carry.wrapping_add(64);
                if carry >= need {
                    return latest(word, carry, need, low);
                }
                continue;
            };
            let above = carry.wrapping_add(taken.leading_zeros());
            if above >= need {
                let bit = 64_u32.wrapping_sub(taken.leading_zeros());
                return latest(word, above.wrapping_add(bit), need, low);
            }
            if u32::from(*longest) >= need {
                let runs = runs_of(!taken.get(), need);
                if runs != 0 {
                    let start = slot_of(word, 63_u32.wrapping_sub(runs.leading_zeros()));
                    return Some(start).filter(|start| *start >= low);
                }
            }
            carry = taken.trailing_zeros();
        }
        None
    }
}

/// The start of the last `need` of the free slots that end `end` slots after the
/// start of `word`, unless it is before `low`.
fn latest(word: usize, end: u32, need: u32, low: u16) -> Option<u16> {
    let start = slot_of(word, 0).wrapping_add(low_half(end)).wrapping_sub(low_half(need));
    Some(start).filter(|start| *start >= low)
}

/// `value`, which is at most a week and 64 slots.
fn low_half(value: u32) -> u16 {
    let [low, high, ..] = value.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Every start of a shape: a clear bit is a start at which all is free.
#[derive(Debug)]
pub(super) struct Starts(Words);

impl Starts {
    /// The starts of `shape` in a week with these slots `taken`.
    pub(super) fn new(taken: &Words, reserve: Reserve, shape: Shape) -> Self {
        let mut taken = *taken;
        reserve.overlay(&mut taken);
        // The week folded upon itself, so that all occurrences lie on the first ...
        let occurrences = shape.repeats().saturating_add(1);
        let length = overlay(&mut taken, Week::MINUTES, occurrences, shape.offset());
        // ... and that upon its first slot.
        overlay(&mut taken, length, shape.minutes(), 1);
        Self(taken)
    }
}

impl Fits for Starts {
    fn first(&self, low: u16, high: u16) -> Option<u16> {
        if low > high {
            return None;
        }
        let from = word_of(low);
        let mut before = low_bits(bit_of(low));
        for (word, taken) in (from..).zip(self.0.get(from..=word_of(high))?) {
            let free = !(taken | core::mem::take(&mut before));
            if free != 0 {
                let start = slot_of(word, free.trailing_zeros());
                return Some(start).filter(|start| *start <= high);
            }
        }
        None
    }

    fn last(&self, low: u16, high: u16) -> Option<u16> {
        if low > high {
            return None;
        }
        let (from, to) = (word_of(low), word_of(high));
        let mut after = (u64::MAX << 1).wrapping_shl(bit_of(high));
        for (word, taken) in
            (from..to.wrapping_add(1)).rev().zip(self.0.get(from..=to)?.iter().rev())
        {
            let free = !(taken | core::mem::take(&mut after));
            if free != 0 {
                let start = slot_of(word, 63_u32.wrapping_sub(free.leading_zeros()));
                return Some(start).filter(|start| *start >= low);
            }
        }
        None
    }
}
